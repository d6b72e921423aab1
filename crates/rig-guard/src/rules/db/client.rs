//! The clients of databases, and where on their command lines SQL stands.

mod table;

use std::borrow::Cow;

use table::CLIENTS;
pub(super) use table::NAMES;

use super::super::args::{Arg, Grammar, listed, read};
use super::pieces::Commands;
use super::token::Dialect;
use crate::index::Index;
use crate::shell::Word;

/// What the operands of a client are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operands {
    /// Names of databases, users, hosts.
    Names,
    /// SQL, behind the name of a database for some.
    Sql,
    /// SQL in several words.
    Joined,
    /// Files, behind an `@`.
    Files,
}

/// A client. Lists are words with spaces between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    names: &'static str,
    pub(super) dialect: Dialect,
    pub(super) commands: Commands,
    grammar: Grammar,
    /// The first operands: only with these does it take SQL. `a|b` is either.
    sub: &'static str,
    /// Options whose value is SQL.
    code: &'static str,
    /// Options whose value is a file with SQL.
    files: &'static str,
    /// Options whose value is the name of a database.
    database: &'static str,
    operands: Operands,
}

/// Where a client finds SQL.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// In a word.
    Sql(Cow<'a, Word>),
    /// In a file.
    File(Cow<'a, Word>),
    /// On its standard input.
    Input,
}

/// What a command line says.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) sources: Vec<Source<'a>>,
    /// The names of databases, or what may be one.
    pub(super) databases: Vec<String>,
    /// The values of `-v`.
    pub(super) variables: Vec<(String, String)>,
}

static INDEX: Index = {
    let mut index = Index::new();
    let mut n = 0;
    while n < CLIENTS.len() {
        index.add_list(CLIENTS[n].names, n);
        n += 1;
    }
    index
};

/// Finds a client by its name.
pub(crate) fn find(name: &str) -> Option<&'static Client> {
    INDEX.of(name).iter().map(|n| &CLIENTS[n]).find(|client| listed(client.names, name))
}

impl Client {
    /// Reads the words behind its name. `None` where they do not make it take SQL.
    pub(crate) fn line<'a>(&self, words: &'a [Word]) -> Option<Line<'a>> {
        self.lasting(words, true)
    }

    /// Does the same; says whether SQL for a database in memory, which is gone anyway, is none.
    pub(crate) fn lasting<'a>(&self, words: &'a [Word], lasting: bool) -> Option<Line<'a>> {
        let mut line = Line::default();
        let mut sub = self.sub.split_ascii_whitespace();
        let (mut operands, mut memory, mut given) = (0, false, false);
        let mut joined = Word::default();
        for arg in read(words, &self.grammar) {
            match arg {
                Arg::Option("help" | "version" | "dry_run", _) => return None,
                Arg::Option("?", _) if self.commands != Commands::None => return None,
                Arg::Option("v" | "set" | "variable", Some(value)) if self.commands == Commands::Psql => {
                    let (name, value) = value.text.split_once('=').unwrap_or((&value.text, ""));
                    line.variables.push((name.to_owned(), value.to_owned()));
                }
                Arg::Option(name, Some(value)) if listed(self.code, name) => {
                    given |= name != "cmd";
                    line.sources.push(Source::Sql(value));
                }
                Arg::Option(name, Some(value)) if listed(self.files, name) => {
                    given |= name != "init";
                    line.sources.extend(value.split(',').map(|file| Source::File(Cow::Owned(file))));
                }
                Arg::Option(name, Some(value)) if listed(self.database, name) => {
                    line.databases.push(database(&value.text).to_owned());
                }
                Arg::Option(..) => {}
                Arg::Operand(word) => {
                    if let Some(wanted) = sub.next() {
                        if !wanted.split('|').any(|wanted| word.text == wanted) {
                            return None;
                        }
                        continue;
                    }
                    operands += 1;
                    memory |= lasting
                        && operands == 1
                        && self.commands == Commands::Sqlite
                        && word.text == ":memory:";
                    match self.operands {
                        Operands::Names if operands == 1 => {
                            line.databases.push(database(&word.text).to_owned())
                        }
                        Operands::Names => {}
                        // The first operand may be the name of a database.
                        Operands::Sql => {
                            given |= operands > 1 || word.text.contains(' ');
                            line.sources.push(Source::Sql(Cow::Borrowed(word)));
                        }
                        Operands::Joined => {
                            joined.push(&Word::literal(" "));
                            joined.push(word);
                            given = true;
                        }
                        Operands::Files if word.text.starts_with('@') => {
                            given = true;
                            line.sources.push(Source::File(Cow::Owned(word.tail(1))));
                        }
                        Operands::Files => line.sources.push(Source::Sql(Cow::Borrowed(word))),
                    }
                }
            }
        }
        if sub.next().is_some() || memory {
            return None;
        }
        if self.operands == Operands::Joined && operands > 0 {
            line.sources.push(Source::Sql(Cow::Owned(joined)));
        }
        // With SQL on the command line nothing else is read.
        if !given {
            line.sources.push(Source::Input);
        }
        Some(line)
    }
}

/// Returns the name of a database out of an address or a connection string.
fn database(text: &str) -> &str {
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        return path.split(['?', '#']).next().unwrap_or(path);
    }
    text.split_whitespace().find_map(|field| field.strip_prefix("dbname=")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_one_of_the_programs() {
        let all: Vec<&str> = CLIENTS.iter().flat_map(|client| client.names.split(' ')).collect();
        assert_eq!(all, NAMES);
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<Word> = line.split(' ').map(|word| Word::literal(word.replace('_', " "))).collect();
        let found = find(&words[0].text).unwrap().line(&words[1..]);
        let shown = found.map_or("nothing".to_owned(), |line| {
            let sources = line.sources.iter().map(|source| match source {
                Source::Sql(word) => format!("[{}]", word.text),
                Source::File(word) => format!("<{}", word.text),
                Source::Input => "input".to_owned(),
            });
            let databases = line.databases.iter().map(|name| format!("in {name}"));
            sources.chain(databases).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn sql_is_found_where_each_client_takes_it() {
        check("psql -U app -Atc select_1 -d shop", "[select 1] in shop");
        check("psql --comm=select_1 --fil x.sql", "[select 1] <x.sql");
        check("psql postgres://u:p@db/shop?sslmode=off", "input in shop");
        check("psql -d host=db_dbname=shop -c x", "[x] in shop");
        check("psql --help", "nothing");
        check("mysql -u root -psecret shop -Nse select_1", "[select 1] in shop");
        check("mysql -p shop", "input in shop");
        check("sqlite3 app.db", "[app.db] input");
        check("sqlite3 -cmd .mode_csv app.db select_1", "[.mode csv] [app.db] [select 1]");
        check("sqlite3 :memory: drop", "nothing");
        check("duckdb app.db -c x", "[app.db] [x]");
        check("sqlcmd -S db -Q x -i a.sql,b.sql", "[x] <a.sql <b.sql");
        check("clickhouse client --query x", "[client] [x]");
        check("bq query --use_legacy_sql=false select_1", "[select 1]");
        check("bq ls", "nothing");
        check("db2 drop table x", "[ drop table x]");
        check("sqlplus -s u/p@db @x.sql", "[u/p@db] <x.sql");
        check("wrangler d1 execute shop --command x", "[x] in shop");
        check("wrangler deploy", "nothing");
        check("heroku pg:psql -a web -c x", "[x]");
    }
}
