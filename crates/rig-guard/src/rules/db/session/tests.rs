use super::super::client::find;
use super::*;

#[track_caller]
fn check(client: &str, sql: &str, expected: &str) {
    let files = |path: &str| match path {
        "drop.sql" => vec![Text { text: "DROP TABLE a".to_owned(), ..Text::default() }],
        _ => Vec::new(),
    };
    let mut session = Session::new(find(client).unwrap(), &[], &files);
    session.text(sql);
    session.end();
    let shown = session.found.iter().filter(|find| find.kind != Kind::Other);
    let shown: Vec<String> = shown.map(|find| format!("{} {}", find.words, find.names.join(","))).collect();
    assert_eq!(shown.join("; "), expected, "{client}: {sql}");
}

#[test]
fn statements_are_told_from_text() {
    for (sql, expected) in [
        ("DROP TABLE t", "DROP TABLE t"),
        ("drop\n\ttable if exists t", "DROP TABLE t"),
        ("select 1; DROP DATABASE x;", "DROP DATABASE x"),
        ("DROP SCHEMA s CASCADE", "DROP SCHEMA s"),
        ("drop/* x */table a.t, u", "DROP TABLE a.t,u"),
        ("DROP -- x\nTABLE t", "DROP TABLE t"),
        ("DROP \0 t", "DROP … t"),
        ("SELECT 'DROP TABLE t'", ""),
        ("SELECT 'it''s', \"DROP TABLE t\"", ""),
        ("-- DROP TABLE t\nSELECT 1", ""),
        ("/* DROP TABLE t */ SELECT 1", ""),
        ("DROP INDEX i; DROP VIEW v; DROP MATERIALIZED VIEW m", ""),
        ("DROP USER u; DROP ROLE r; DROP OWNED BY r", "DROP OWNED r"),
        ("ALTER TABLE t DROP COLUMN c", ""),
        ("ALTER PUBLICATION p DROP TABLE t", ""),
        ("DROP TEMPORARY TABLE t", ""),
        ("CREATE TEMP TABLE t (a int); DROP TABLE t; DROP TABLE u", "DROP TABLE u"),
        ("SELECT drop, table FROM x", ""),
        ("GRANT TRUNCATE, DELETE ON t TO u", ""),
        ("TRUNCATE t", "TRUNCATE t"),
        ("truncate table only t restart identity", "TRUNCATE t"),
        ("SELECT TRUNCATE(1.5, 1) FROM t", ""),
        ("DELETE FROM t", "DELETE FROM t"),
        ("DELETE FROM t;", "DELETE FROM t"),
        ("DELETE FROM t WHERE id = 1", ""),
        ("DELETE FROM t AS x WHERE x.id = 1", ""),
        ("DELETE FROM t WHERE TRUE", "DELETE FROM t"),
        ("DELETE FROM t WHERE 1=1", "DELETE FROM t"),
        ("DELETE FROM t WHERE (1 = 1)", "DELETE FROM t"),
        ("DELETE FROM t WHERE 'a' = 'a' RETURNING id", "DELETE FROM t"),
        ("DELETE FROM t WHERE id = 1 OR 1 = 1", "DELETE FROM t"),
        ("DELETE FROM t WHERE 1=1 AND id=5", ""),
        ("DELETE FROM t WHERE 1 = 2", ""),
        ("DELETE FROM t LIMIT 10", ""),
        ("DELETE FROM t RETURNING *", "DELETE FROM t"),
        ("DELETE FROM t USING u WHERE t.id = u.id", ""),
        ("DELETE FROM t \0", ""),
        ("DELETE FROM \0", "DELETE FROM \0"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT 1 WHERE x", "DELETE FROM t"),
        ("WITH d AS (DELETE FROM t WHERE a RETURNING *) SELECT 1", ""),
        ("SELECT a AS delete FROM t", ""),
        ("EXPLAIN DELETE FROM t", ""),
        ("EXPLAIN ANALYZE DELETE FROM t", "DELETE FROM t"),
        ("UPDATE t SET a = 1", "UPDATE t"),
        ("UPDATE t SET a = 1 WHERE b", ""),
        ("SELECT 1 FROM t FOR UPDATE", ""),
        ("CREATE TABLE t (a int REFERENCES u ON DELETE CASCADE ON UPDATE CASCADE)", ""),
        ("CREATE TRIGGER x AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()", ""),
    ] {
        for client in ["psql", "mysql", "sqlite3", "sqlcmd", "clickhouse-client"] {
            check(client, sql, expected);
        }
    }
}

#[test]
fn each_client_reads_its_own_dialect() {
    for (client, sql, expected) in [
        ("mysql", "/*!50000 DROP TABLE t */", "DROP TABLE t"),
        ("psql", "/*!50000 DROP TABLE t */", ""),
        ("mysql", "# DROP TABLE t", ""),
        ("psql", "SELECT 1 # 2; DROP TABLE t", "DROP TABLE t"),
        ("mysql", "SELECT 1 --2; DROP TABLE t", "DROP TABLE t"),
        ("mysql", "SELECT 'a\\'; DROP TABLE t -- '", ""),
        ("psql", "SELECT 'a\\'; DROP TABLE t --'", "DROP TABLE t"),
        ("psql", "SELECT E'a\\'; DROP TABLE t --'", ""),
        ("psql", "/* /* */ DROP TABLE t */", ""),
        ("sqlite3", "/* /* */ DROP TABLE t", "DROP TABLE t"),
        ("psql", "SELECT $$ DROP TABLE t $$", ""),
        ("psql", "DO $x$ BEGIN DROP TABLE t; END $x$", "DROP TABLE t"),
        ("psql", "DO $x$ BEGIN IF a THEN TRUNCATE t; END IF; END $x$", "TRUNCATE t"),
        ("sqlcmd", "SELECT [DROP] [TABLE]", ""),
        ("sqlcmd", "IF OBJECT_ID('t') IS NOT NULL DROP TABLE dbo.t", "DROP TABLE dbo.t"),
        ("sqlcmd", "DROP TABLE #scratch", ""),
        ("sqlcmd", "DELETE t", "DELETE FROM t"),
        ("sqlcmd", "DELETE FROM t\nGO\nSELECT 1 WHERE 1 = 2", "DELETE FROM t"),
        ("clickhouse-client", "ALTER TABLE t DELETE WHERE 1", "DELETE FROM "),
        ("clickhouse-client", "ALTER TABLE t DELETE WHERE id = 1", ""),
        ("cqlsh", "DROP KEYSPACE k", "DROP KEYSPACE k"),
    ] {
        check(client, sql, expected);
    }
}

#[test]
fn what_runs_a_string_is_judged_by_the_string() {
    for (client, sql, expected) in [
        ("psql", "DO $$ BEGIN EXECUTE 'DROP TABLE ' || t; END $$", "DROP TABLE \0"),
        ("psql", "DO $$ BEGIN EXECUTE format('DROP TABLE %I', t); END $$", "DROP TABLE "),
        ("psql", "DO 'BEGIN DROP TABLE t; END'", "DROP TABLE t"),
        ("psql", "DO $$ DECLARE s text := 'DROP TABLE t'; BEGIN EXECUTE s; END $$", "DROP TABLE t"),
        ("psql", "SELECT 'DROP TABLE ' || n FROM x \\gexec", "DROP TABLE \0"),
        ("psql", "SELECT 'DROP TABLE ' || n FROM x;", ""),
        ("psql", "PREPARE p AS DELETE FROM t; EXECUTE p", "DELETE FROM t"),
        ("psql", "SELECT dblink_exec('host=x', 'DROP TABLE t')", "DROP TABLE t"),
        ("psql", "CREATE FUNCTION f() RETURNS void AS $$ DROP TABLE t $$ LANGUAGE sql", ""),
        ("mysql", "SET @s = 'DROP TABLE t'; PREPARE p FROM @s; EXECUTE p", "DROP TABLE t"),
        ("mysql", "PREPARE p FROM 'DROP TABLE t'", "DROP TABLE t"),
        ("mysql", "delimiter //\nCREATE PROCEDURE p() BEGIN DROP TABLE t; END //\ndelimiter ;", ""),
        ("sqlcmd", "EXEC('DROP TABLE t')", "DROP TABLE t"),
        ("sqlcmd", "EXEC sp_executesql N'TRUNCATE TABLE t'", "TRUNCATE t"),
        ("sqlcmd", "EXEC sp_who 'DROP'", ""),
    ] {
        check(client, sql, expected);
    }
}

#[test]
fn what_is_rolled_back_was_never_done() {
    for (client, sql, expected) in [
        ("psql", "BEGIN; DROP TABLE t; ROLLBACK;", ""),
        ("psql", "BEGIN; DROP TABLE t; COMMIT;", "DROP TABLE t"),
        ("psql", "BEGIN; DROP TABLE t;", "DROP TABLE t"),
        ("psql", "START TRANSACTION; DROP TABLE t; ROLLBACK TO a; END", "DROP TABLE t"),
        ("psql", "BEGIN; DROP TABLE t; ROLLBACK; DROP TABLE u", "DROP TABLE u"),
        ("sqlite3", "BEGIN IMMEDIATE; DELETE FROM t; ROLLBACK", ""),
        ("mysql", "BEGIN; DROP TABLE t; ROLLBACK", "DROP TABLE t"),
        ("mysql", "BEGIN; DELETE FROM t; ROLLBACK", ""),
    ] {
        check(client, sql, expected);
    }
}

#[test]
fn files_are_followed() {
    check("psql", "\\i drop.sql", "DROP TABLE a");
    check("mysql", "source drop.sql;", "DROP TABLE a");
    check("sqlite3", ".read drop.sql", "DROP TABLE a");
    check("sqlcmd", ":r drop.sql", "DROP TABLE a");
    check("psql", "\\i other.sql", "");
}

#[test]
fn a_dump_may_drop_what_it_makes_anew() {
    let text = |begin: &str, disk, trusted| Text {
        text: format!("{begin}\nDROP TABLE IF EXISTS a;\nCREATE TABLE a (b int);\nDROP TABLE c;\n"),
        disk,
        trusted,
    };
    for (text, expected) in [
        (text("-- MySQL dump 10.13", true, false), "c"),
        (text("-- MySQL dump 10.13", false, false), "a c"),
        (text("-- Mine", true, false), "a c"),
        (text("-- Mine", true, true), "c"),
    ] {
        let mut session = Session::new(find("mysql").unwrap(), &[], &|_| Vec::new());
        session.read(&text, "x.sql");
        session.end();
        let found: Vec<String> = session.found.iter().flat_map(|find| find.names.clone()).collect();
        assert_eq!(found.join(" "), expected, "{text:?}");
    }
}

#[test]
fn hostile_texts_come_to_an_end() {
    let long = |part: &str| part.repeat(20_000 / part.len());
    for text in [
        long("DELETE FROM a WHERE "),
        long("DELETE FROM a ("),
        long("DROP TABLE a, "),
        long("$a$"),
        long("/*"),
        long("EXECUTE '' "),
        long("\\i self.sql\n"),
        long("'"),
        long("SELECT 'a' \\gexec\n"),
    ] {
        let files = |_: &str| vec![Text { text: text.clone(), ..Text::default() }];
        for client in ["psql", "mysql", "sqlite3"] {
            let mut session = Session::new(find(client).unwrap(), &[], &files);
            session.text(&text);
            session.end();
        }
    }
    let variables = [("a".to_owned(), long(":a")), ("b".to_owned(), long("x"))];
    let mut session = Session::new(find("psql").unwrap(), &variables, &|_| Vec::new());
    session.text(&long(":b :'a'"));
    session.end();
}
