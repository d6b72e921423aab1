//! SQL that destroys data, sent to a database.

use super::super::args::marked;
use super::super::files::{self, Text};
use super::super::{Finding, Pack, Rule};
use super::client::{self, NAMES, Source};
use super::session::Session;
use super::statement::{Find, Kind};
use crate::shell::{Call, Word};
use crate::world::World;

/// Programs that drop whole databases.
const DROPPERS: &[&str] = &["dropdb", "mysqladmin", "mariadb-admin"];

/// Every client, and these.
const PROGRAMS: &[&str] = &{
    let mut all = [""; NAMES.len() + DROPPERS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < NAMES.len() { NAMES[at] } else { DROPPERS[at - NAMES.len()] };
        at += 1;
    }
    all
};

/// Dropping tables, schemas and databases.
pub(super) const DROP: Rule = Rule {
    id: "sql.drop",
    critical: true,
    pack: Pack::Core,
    what: "Dropping a table, a schema or a database deletes the data in it",
    why: "without a backup it cannot be undone",
    instead: "rename it (`ALTER TABLE t RENAME TO t_old`), or write a migration that a person reviews",
    source: "the manuals of PostgreSQL, MySQL, SQLite, SQL Server and ClickHouse: DROP",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: |call, world| match call.name()? {
        name if DROPPERS.contains(&name) => drops_database(name, call.args()).then(Finding::default),
        _ => judge(call, world, Kind::Drop),
    },
    suspects: |words| {
        words.contains(&"dropdb")
            || suspects(words, "drop") && ["table", "database", "schema"].iter().any(|w| has(words, w))
    },
    denies: &[
        "psql -c 'DROP TABLE users'",
        "echo 'drop /* old */ database app;' | mysql -u root",
        "sqlite3 app.db <<< 'DROP TABLE IF EXISTS t'",
        "dropdb app",
        "psql -c \"SELECT format('DROP TABLE %I', tablename) FROM pg_tables \\gexec\"",
    ],
    allows: &[
        "psql -c \"SELECT 'DROP TABLE users'\"",
        "grep -rn 'DROP TABLE' migrations",
        "psql -c 'ALTER TABLE t RENAME TO t_old'",
        "mysql -e 'DROP TEMPORARY TABLE t'",
        "psql -c 'BEGIN; DROP TABLE t; ROLLBACK'",
    ],
};

/// Emptying tables.
pub(super) const TRUNCATE: Rule = Rule {
    id: "sql.truncate",
    critical: true,
    pack: Pack::Core,
    what: "TRUNCATE empties a table",
    why: "every row goes at once, and some systems cannot even roll it back",
    instead: "delete the rows that are meant, such as `psql -c 'DELETE FROM t WHERE id = 7'`",
    source: "the manuals of PostgreSQL, MySQL and SQL Server: TRUNCATE",
    programs: NAMES,
    unknown_program: false,
    redirections: false,
    judge: |call, world| judge(call, world, Kind::Truncate),
    suspects: |words| suspects(words, "truncate"),
    denies: &[
        "psql -c 'TRUNCATE users'",
        "mysql app -e 'truncate table orders'",
        "psql <<< 'TRUNCATE a, b CASCADE'",
    ],
    allows: &[
        "truncate -s 0 app.log",
        "mysql -e 'SELECT TRUNCATE(1.25, 1)'",
        "psql -c 'GRANT TRUNCATE ON t TO ci'",
    ],
};

/// Deleting every row.
pub(super) const DELETE: Rule = Rule {
    id: "sql.delete.all",
    critical: false,
    pack: Pack::Core,
    what: "DELETE without a condition deletes every row of a table",
    why: "the condition is often what was forgotten, and the rows do not come back",
    instead: "say which rows, such as `psql -c 'DELETE FROM t WHERE id = 7'`, or look first inside `BEGIN; ...; ROLLBACK`",
    source: "the manuals of PostgreSQL, MySQL and SQL Server: DELETE",
    programs: NAMES,
    unknown_program: false,
    redirections: false,
    judge: |call, world| judge(call, world, Kind::Delete),
    suspects: |words| suspects(words, "delete") && has(words, "from") && !has(words, "where"),
    denies: &[
        "psql -c 'DELETE FROM users'",
        "mysql -e 'DELETE FROM users WHERE 1=1'",
        "echo 'delete from t;' | sqlite3 app.db",
    ],
    allows: &[
        "psql -c 'DELETE FROM users WHERE id = 1'",
        "psql -c 'EXPLAIN DELETE FROM users'",
        "psql -c 'BEGIN; DELETE FROM users; ROLLBACK'",
        "mysql -e 'DELETE FROM log LIMIT 100'",
    ],
};

/// Changing every row.
pub(super) const UPDATE: Rule = Rule {
    id: "sql.update.all",
    critical: false,
    pack: Pack::Strict,
    what: "UPDATE without a condition changes every row of a table",
    why: "the condition is often what was forgotten, and the old values do not come back",
    instead: "say which rows, such as `psql -c 'UPDATE t SET a = 1 WHERE id = 7'`",
    source: "the manuals of PostgreSQL, MySQL and SQL Server: UPDATE",
    programs: NAMES,
    unknown_program: false,
    redirections: false,
    judge: |call, world| judge(call, world, Kind::Update),
    suspects: |words| suspects(words, "update") && has(words, "set") && !has(words, "where"),
    denies: &["psql -c 'UPDATE users SET admin = true'", "mysql -e 'update t set a = 1 where 1'"],
    allows: &["psql -c 'UPDATE users SET admin = true WHERE id = 1'", "psql -c 'SELECT 1 FROM t FOR UPDATE'"],
};

/// Says whether words that could not be followed hold a client and a word.
fn suspects(words: &[&str], word: &str) -> bool {
    has(words, word) && words.iter().any(|own| NAMES.contains(own))
}

fn has(words: &[&str], word: &str) -> bool {
    words.iter().any(|own| own.eq_ignore_ascii_case(word))
}

fn judge(call: &Call<'_>, world: &dyn World, kind: Kind) -> Option<Finding> {
    let name = call.name()?;
    let (found, protected) = found(name, call, world, kind)?;
    let own = |find: &&Find| find.kind == kind;
    let find = found.iter().find(own).or_else(|| {
        // Of a protected database nothing at all goes away, and the first rule says so.
        found.iter().find(|_| kind == Kind::Drop && protected.is_some())
    })?;
    let words = &find.words;
    let mut detail = match &find.file {
        Some(file) => format!("{file} holds `{words}` for {name}"),
        None => format!("it sends `{words}` to {name}"),
    };
    if let Some(database) = protected {
        detail.push_str(&format!(", and the policy protects the database {database}"));
    }
    Some(Finding::new(detail))
}

/// Returns what a client is told to destroy, and the protected database that it works on. Texts that cannot hold this
/// kind are not looked at.
fn found(name: &str, call: &Call<'_>, world: &dyn World, kind: Kind) -> Option<(Vec<Find>, Option<String>)> {
    let client = client::find(name)?;
    let line = client.line(call.args())?;
    let mut texts: Vec<(Option<&str>, Text)> = Vec::new();
    for source in &line.sources {
        match source {
            Source::Sql(word) => texts.push((None, Text { text: marked(word), ..Text::default() })),
            Source::File(path) => {
                texts
                    .extend(files::file(call, world, path).into_iter().map(|text| (Some(&*path.text), text)));
            }
            Source::Input => {
                texts.extend(files::input(call, world).into_iter().map(|text| (call.input_file, text)));
            }
        }
    }
    let policy = world.policy();
    let set = || {
        ["PGDATABASE", "MYSQL_DATABASE"].iter().filter_map(|name| call.variable(name)).map(|word| word.text)
    };
    let everything = kind == Kind::Drop && policy.protects_databases();
    let plain = line.variables.is_empty() && !everything;
    if plain && !texts.iter().any(|(_, text)| may_hold(&text.text, kind)) {
        return None;
    }
    let files = |path: &str| files::file(call, world, &Word::literal(path));
    let mut session = Session::new(client, &line.variables, &files);
    for (path, text) in &texts {
        match path {
            Some(path) => session.read(text, path),
            None => session.text(&text.text),
        }
    }
    session.end();
    let databases = line.databases.into_iter().chain(std::mem::take(&mut session.databases));
    let protected = databases.chain(set()).find(|name| policy.protects_database(name));
    Some((session.found, protected))
}

/// Says whether a text may destroy something in a way: by a word, by a statement that it puts together, or by a file.
fn may_hold(text: &str, kind: Kind) -> bool {
    let word = match kind {
        Kind::Drop | Kind::Other => "drop",
        Kind::Truncate => "truncate",
        Kind::Delete => "delete",
        Kind::Update => "update",
    };
    let others = [word, "exec", "prepare", "source", ".read", ":r"];
    text.contains(['\\', '\0']) || others.iter().any(|word| mentions(text, word))
}

/// Says whether a text has a word, in small or capital letters.
fn mentions(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Says whether one of the programs that drop whole databases does so.
fn drops_database(name: &str, args: &[Word]) -> bool {
    use super::super::args::{Grammar, PLAIN, has, operands, read};
    const DROPDB: Grammar =
        Grammar { short: "hpU", long: "host port username maintenance-db", abbreviates: true, ..PLAIN };
    const ADMIN: Grammar = Grammar {
        short: "hPuSitwc",
        attached: "p",
        long: "host port user socket sleep count wait protocol defaults-file defaults-extra-file login-path",
        abbreviates: true,
        ..PLAIN
    };
    let args = read(args, if name == "dropdb" { &DROPDB } else { &ADMIN });
    let operands = operands(&args);
    if has(&args, "help version ? V") {
        return false;
    }
    match name {
        "dropdb" => !operands.is_empty(),
        // A command may be abbreviated.
        _ => operands.iter().any(|word| word.text.len() > 1 && "drop".starts_with(&word.text)),
    }
}
