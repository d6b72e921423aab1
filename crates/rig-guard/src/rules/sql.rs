//! `DROP TABLE` and `DROP DATABASE`, sent to a database client.

use super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&DROP];

/// Dropping tables and databases.
pub(super) const DROP: Rule = Rule {
    id: "sql.drop",
    critical: true,
    pack: Pack::Core,
    what: "Dropping a table, a schema or a database deletes the data in it",
    why: "without a backup it cannot be undone",
    instead: "rename it (`ALTER TABLE t RENAME TO t_old`), or write a migration that a person reviews",
    source: "the manuals of PostgreSQL, MySQL and SQLite: DROP",
    programs: &[
        "psql",
        "mysql",
        "mariadb",
        "sqlite3",
        "sqlite",
        "sqlcmd",
        "clickhouse-client",
        "clickhouse",
        "duckdb",
        "cockroach",
        "pgcli",
        "mycli",
        "litecli",
        "usql",
        "dropdb",
        "mysqladmin",
        "mariadb-admin",
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        let has = |name: &str| words.iter().any(|w| w.eq_ignore_ascii_case(name));
        words.contains(&"dropdb") || has("drop") && ["table", "database", "schema"].into_iter().any(has)
    },
    denies: &[
        "psql -c 'DROP TABLE users'",
        "echo 'drop /* old */ database app;' | mysql -u root",
        "sqlite3 app.db <<< 'DROP TABLE IF EXISTS t'",
        "dropdb app",
    ],
    allows: &[
        "psql -c \"SELECT 'DROP TABLE users'\"",
        "grep -rn 'DROP TABLE' migrations",
        "psql -c 'ALTER TABLE t RENAME TO t_old'",
        "mysql -e 'DROP TEMPORARY TABLE t'",
    ],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    let has = |option: &str| call.args().iter().any(|w| w.text == option);
    let asks = has("--help") || has("--version") || has("-?");
    match name {
        "dropdb" => (!asks && !call.args().is_empty()).then(Finding::default),
        "mysqladmin" | "mariadb-admin" => (!asks && has("drop")).then(Finding::default),
        _ => {
            let dialect = Dialect::of(name);
            let texts = call.args().iter().map(|w| value(&w.text)).chain(call.input.map(|w| w.text.as_str()));
            let found = texts.filter_map(|text| find_drop(text, dialect)).next()?;
            Some(Finding::new(format!("it sends `{found}` to {name}")))
        }
    }
}

/// Returns what an argument holds behind the name of an option: `--command=SQL`, `-cSQL`.
fn value(argument: &str) -> &str {
    match argument.strip_prefix('-') {
        Some(long) if long.starts_with('-') => long.split_once('=').map_or("", |(_, value)| value),
        Some(short) => short.char_indices().nth(1).map_or("", |(at, _)| &short[at..]),
        None => argument,
    }
}

/// Where database systems read the same text differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dialect {
    /// `#` begins a comment, `/*!` does not, and a backslash escapes in strings.
    mysql: bool,
    /// Comments nest, and `$tag$` quotes.
    postgres: bool,
    /// `[name]` is quoted.
    brackets: bool,
}

impl Dialect {
    fn of(client: &str) -> Self {
        Self {
            mysql: matches!(client, "mysql" | "mariadb" | "mycli" | "clickhouse-client" | "clickhouse"),
            postgres: matches!(client, "psql" | "pgcli" | "cockroach" | "duckdb" | "usql"),
            brackets: matches!(client, "sqlcmd" | "sqlite3" | "sqlite" | "litecli"),
        }
    }
}

/// Returns the statement that drops a table, a schema or a database, by its first words.
fn find_drop(sql: &str, dialect: Dialect) -> Option<String> {
    let mut tokens = Tokens { rest: sql, dialect };
    // The first word of the statement, and whether the last one was DROP.
    let (mut first, mut drop) = (String::new(), false);
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => {
                let word = word.to_ascii_uppercase();
                let kind = matches!(word.as_str(), "TABLE" | "DATABASE" | "SCHEMA");
                // `ALTER PUBLICATION p DROP TABLE t` and the like take nothing away.
                if drop && kind && !matches!(first.as_str(), "ALTER" | "GRANT" | "REVOKE" | "COMMENT") {
                    return Some(format!("DROP {word}"));
                }
                drop = word == "DROP" || drop && matches!(word.as_str(), "FOREIGN" | "EXTERNAL");
                if first.is_empty() {
                    first = word;
                }
            }
            Token::Body(body) if first == "DO" => {
                if let Some(found) = find_drop(body, dialect) {
                    return Some(found);
                }
            }
            Token::Semicolon => {
                first.clear();
                drop = false;
            }
            Token::Body(_) | Token::Other => drop = false,
        }
    }
    None
}

enum Token<'a> {
    Word(&'a str),
    /// What stands between two `$tag$`.
    Body(&'a str),
    Semicolon,
    Other,
}

struct Tokens<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.rest = self.rest.trim_start();
            let c = self.rest.chars().next()?;
            if self.rest.starts_with("--") || c == '#' && self.dialect.mysql {
                self.skip_to("\n", 0);
            } else if self.rest.starts_with("/*") {
                self.comment();
            } else if self.rest.starts_with("*/") {
                // The end of `/*! ... */`.
                self.rest = &self.rest[2..];
            } else {
                return Some(self.token(c));
            }
        }
    }

    fn token(&mut self, c: char) -> Token<'a> {
        match c {
            ';' => {
                self.rest = &self.rest[1..];
                Token::Semicolon
            }
            '\'' => self.quoted('\'', self.dialect.mysql),
            '"' | '`' => self.quoted(c, self.dialect.mysql && c == '"'),
            '[' if self.dialect.brackets => {
                self.skip_to("]", 1);
                Token::Other
            }
            '$' if self.dialect.postgres => self.dollar(),
            c if c.is_alphabetic() || c == '_' => {
                let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                if self.dialect.postgres && word.eq_ignore_ascii_case("e") && rest.starts_with('\'') {
                    return self.quoted('\'', true);
                }
                Token::Word(word)
            }
            c => {
                self.rest = &self.rest[c.len_utf8()..];
                Token::Other
            }
        }
    }

    /// Goes over a quotation; a doubled quote stands for itself in it.
    fn quoted(&mut self, quote: char, backslash: bool) -> Token<'a> {
        let mut chars = self.rest.char_indices().skip(1);
        let end = loop {
            match chars.next() {
                Some((_, '\\')) if backslash => drop(chars.next()),
                Some((at, c)) if c == quote => break at + 1,
                Some(_) => {}
                None => break self.rest.len(),
            }
        };
        self.rest = &self.rest[end..];
        Token::Other
    }

    fn dollar(&mut self) -> Token<'a> {
        let tag = self.rest[1..].find('$').map(|n| &self.rest[..n + 2]);
        let is_tag = |t: &&str| t[1..t.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
        let Some(tag) = tag.filter(is_tag) else {
            self.rest = &self.rest[1..];
            return Token::Other;
        };
        let body = &self.rest[tag.len()..];
        let end = body.find(tag).unwrap_or(body.len());
        self.rest = body.get(end + tag.len()..).unwrap_or_default();
        Token::Body(&body[..end])
    }

    fn comment(&mut self) {
        if self.dialect.mysql && (self.rest.starts_with("/*!") || self.rest.starts_with("/*M!")) {
            // MySQL runs what is in here.
            let code = self.rest.find('!').map_or("", |at| &self.rest[at + 1..]);
            self.rest = code.trim_start_matches(|c: char| c.is_ascii_digit());
            return;
        }
        let mut depth = 0_usize;
        let mut at = 0;
        while at < self.rest.len() {
            let rest = &self.rest.as_bytes()[at..];
            if rest.starts_with(b"/*") && (depth == 0 || self.dialect.postgres) {
                depth += 1;
                at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                at += 1;
            }
        }
        self.rest = &self.rest[at.min(self.rest.len())..];
    }

    /// Goes behind the next occurrence of an end.
    fn skip_to(&mut self, end: &str, from: usize) {
        let at = self.rest[from..].find(end).map_or(self.rest.len(), |n| from + n + end.len());
        self.rest = &self.rest[at..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(client: &str, sql: &str, drops: bool) {
        assert_eq!(find_drop(sql, Dialect::of(client)).is_some(), drops, "{client}: {sql}");
    }

    #[test]
    fn statements_are_told_from_text() {
        for (sql, drops) in [
            ("DROP TABLE t", true),
            ("drop\n\ttable if exists t", true),
            ("select 1; DROP DATABASE x;", true),
            ("DROP SCHEMA s CASCADE", true),
            ("drop/* x */table t", true),
            ("DROP -- x\nTABLE t", true),
            ("SELECT 'DROP TABLE t'", false),
            ("SELECT 'it''s', \"DROP TABLE t\"", false),
            ("-- DROP TABLE t\nSELECT 1", false),
            ("/* DROP TABLE t */ SELECT 1", false),
            ("DROP INDEX i", false),
            ("ALTER TABLE t DROP COLUMN c", false),
            ("ALTER PUBLICATION p DROP TABLE t", false),
            ("DROP TEMPORARY TABLE t", false),
            ("SELECT drop, table FROM x", false),
        ] {
            for client in ["psql", "mysql", "sqlite3", "sqlcmd"] {
                check(client, sql, drops);
            }
        }
    }

    #[test]
    fn each_client_reads_its_own_dialect() {
        check("mysql", "/*!50000 DROP TABLE t */", true);
        check("psql", "/*!50000 DROP TABLE t */", false);
        check("mysql", "# DROP TABLE t", false);
        check("psql", "SELECT 1 # 2; DROP TABLE t", true);
        check("mysql", "SELECT 'a\\'; DROP TABLE t -- '", false);
        check("psql", "SELECT 'a\\'; DROP TABLE t --'", true);
        check("psql", "SELECT E'a\\'; DROP TABLE t --'", false);
        check("psql", "/* /* */ DROP TABLE t */", false);
        check("sqlite3", "/* /* */ DROP TABLE t", true);
        check("psql", "SELECT $$ DROP TABLE t $$", false);
        check("psql", "DO $x$ BEGIN DROP TABLE t; END $x$", true);
        check("sqlcmd", "SELECT [DROP] [TABLE]", false);
    }
}
