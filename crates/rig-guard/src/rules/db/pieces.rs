//! Splits what a client of a database reads into statements and commands of the client itself.

use super::super::args::marked;
use super::client::{Client, Source};
use super::statement::strings;
use super::token::{Dialect, Token, Tokens};
use crate::shell::Word;

/// Whose commands a client understands beside SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commands {
    /// None, or none that matter here.
    None,
    /// `\i`, `\gexec`, `\!`
    Psql,
    /// `source`, `system`, `delimiter`, `\!`
    Mysql,
    /// `.read`, `.shell`
    Sqlite,
    /// `GO`, `:r`, `!!`
    Sqlcmd,
}

/// A piece of what a client reads.
#[derive(Debug)]
pub(super) enum Piece<'p, 'a> {
    Statement(&'p [Token<'a>]),
    /// The rows of a statement are statements in their turn.
    Executed(&'p [Token<'a>]),
    /// A command of the client, without the character that begins it.
    Client(&'a str),
}

/// The words that begin a command of `mysql` on a line of its own.
const MYSQL: [&str; 6] = ["source", "system", "delimiter", "pager", "use", "connect"];

/// Hands over each piece of a text in its order.
pub(super) fn split<'a>(
    text: &'a str,
    dialect: Dialect,
    commands: Commands,
    visit: &mut dyn FnMut(Piece<'_, 'a>),
) {
    let mut tokens = Tokens { rest: text, dialect };
    let mut statement: Vec<Token<'a>> = Vec::new();
    let mut delimiter = ";";
    loop {
        tokens.space();
        let rest = tokens.rest;
        let before = &text[..text.len() - rest.len()];
        let begins =
            || before.trim_end_matches([' ', '\t', '\r']).ends_with('\n') || before.trim().is_empty();
        if rest.is_empty() {
            break;
        }
        if let Some(behind) = rest.strip_prefix(delimiter) {
            tokens.rest = behind;
            visit(Piece::Statement(&statement));
            statement.clear();
            continue;
        }
        match commands {
            Commands::Sqlite if statement.is_empty() && rest.starts_with('.') && begins() => {
                visit(Piece::Client(&tokens.line()[1..]));
                continue;
            }
            Commands::Mysql if statement.is_empty() && begins() && is_mysql(rest) => {
                let line = tokens.line();
                let mut words = line.split_whitespace();
                if words.next().is_some_and(|word| word.eq_ignore_ascii_case("delimiter")) {
                    delimiter = words.next().unwrap_or(";");
                    continue;
                }
                // With a delimiter behind it, a command is not the whole line.
                let end = line.find(delimiter).unwrap_or(line.len());
                tokens.rest = &rest[end..];
                visit(Piece::Client(&line[..end]));
                continue;
            }
            Commands::Sqlcmd if rest.starts_with(['g', 'G', ':', '!']) && begins() => {
                let line = rest.lines().next().unwrap_or("");
                let go = line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("go"));
                if go || line.starts_with([':', '!']) {
                    visit(Piece::Statement(&statement));
                    statement.clear();
                    visit(Piece::Client(tokens.line()));
                    continue;
                }
            }
            Commands::Psql if rest.starts_with('\\') => {
                let line = rest[1..].lines().next().unwrap_or("");
                // `\\` ends a command, but for one of the shell.
                let end = if line.starts_with('!') { None } else { line.find("\\\\") };
                let command = &line[..end.unwrap_or(line.len())];
                tokens.rest = &rest[1 + end.map_or(line.len(), |end| end + 2)..];
                if command.starts_with("gexec") {
                    visit(Piece::Executed(&statement));
                } else if command.starts_with('g') {
                    visit(Piece::Statement(&statement));
                }
                if command.starts_with(['g', 'r']) {
                    statement.clear();
                }
                visit(Piece::Client(command));
                continue;
            }
            Commands::Mysql if rest.starts_with("\\g") || rest.starts_with("\\G") => {
                tokens.rest = &rest[2..];
                visit(Piece::Statement(&statement));
                statement.clear();
                continue;
            }
            Commands::Mysql
                if rest.starts_with("\\!") || rest.starts_with("\\.") || rest.starts_with("\\P") =>
            {
                visit(Piece::Client(&tokens.line()[1..]));
                continue;
            }
            _ => {}
        }
        statement.extend(tokens.next());
    }
    visit(Piece::Statement(&statement));
}

fn is_mysql(rest: &str) -> bool {
    let word = rest.split(|c: char| c.is_whitespace()).next().unwrap_or("");
    MYSQL.iter().any(|own| own.eq_ignore_ascii_case(word))
}

/// Returns the file that a command of the client reads statements from.
pub(super) fn included(command: &str, commands: Commands) -> Option<&str> {
    let (name, rest) = command.split_once([' ', '\t'])?;
    let rest = rest.trim().trim_end_matches(';').trim_end();
    let reads = match commands {
        Commands::None => false,
        Commands::Psql => matches!(name, "i" | "ir" | "include" | "include_relative"),
        Commands::Mysql => name == "." || name.eq_ignore_ascii_case("source"),
        Commands::Sqlite => name == "read" && !rest.starts_with('|'),
        Commands::Sqlcmd => name == ":r" || name == ":R",
    };
    reads.then(|| rest.trim_matches(['\'', '"']))
}

/// Returns the database that a command of the client goes over to.
pub(super) fn connected(command: &str, commands: Commands) -> Option<&str> {
    let (name, rest) = command.split_once([' ', '\t'])?;
    let goes = match commands {
        Commands::Psql => matches!(name, "c" | "connect"),
        Commands::Mysql => name.eq_ignore_ascii_case("use") || name.eq_ignore_ascii_case("connect"),
        _ => false,
    };
    let database = rest.split_whitespace().next()?.trim_matches([';', '"', '`', '\'']);
    goes.then_some(database)
}

/// Returns the code that a command of the client gives to a shell.
pub(super) fn shell_code(command: &str, commands: Commands) -> Option<&str> {
    let (name, rest) = command.split_once([' ', '\t']).unwrap_or((command, ""));
    let piped = || rest.trim_start().trim_start_matches(['\'', '"']).strip_prefix('|');
    match commands {
        Commands::None => None,
        Commands::Psql => match name {
            "o" | "out" | "g" | "gx" | "w" | "write" => piped(),
            "copy" => rest.split_once("program").and_then(|(_, code)| code.split('\'').nth(1)),
            // Backquotes run what is in them.
            "set" | "echo" | "if" | "prompt" => rest.split('`').nth(1),
            _ => command.strip_prefix('!'),
        },
        Commands::Mysql => match name.to_ascii_lowercase().as_str() {
            "system" | "pager" | "p" => Some(rest),
            _ => command.strip_prefix('!'),
        },
        // Commands may be abbreviated.
        Commands::Sqlite => match name {
            _ if name.len() > 1 && ("shell".starts_with(name) || "system".starts_with(name)) => Some(rest),
            "read" | "output" | "once" | "import" => piped(),
            _ => None,
        },
        Commands::Sqlcmd => command.trim_start_matches(':').strip_prefix("!!"),
    }
}

/// What a text gives to others than the database.
#[derive(Debug, Default)]
pub(crate) struct Escapes {
    /// Code for a shell, and whether it runs where the database is.
    pub(crate) codes: Vec<(String, bool)>,
    /// Files that are read as if they stood here.
    pub(crate) files: Vec<String>,
}

/// Returns what a client gives to a shell, and the files that it reads.
pub(crate) fn escapes(client: &Client, text: &str) -> Escapes {
    let mut found = Escapes::default();
    let commands = client.commands;
    split(text, client.dialect, commands, &mut |piece| match piece {
        Piece::Client(command) => {
            found.codes.extend(shell_code(command, commands).map(|code| (code.to_owned(), false)));
            found.files.extend(included(command, commands).map(str::to_owned));
        }
        // `COPY t FROM PROGRAM 'code'` is run by the server.
        Piece::Statement([first, rest @ ..]) if first.is("COPY") => {
            let at = rest.iter().position(|token| token.is("PROGRAM"));
            if let Some(Token::Text(code)) = at.and_then(|at| rest.get(at + 1)) {
                found.codes.push((code.replace("''", "'"), true));
            }
        }
        Piece::Statement(_) | Piece::Executed(_) => {}
    });
    found
}

/// Returns what the statements on a command line print, as far as strings in them say so: statements that are made of
/// others are printed into another client. `None` where nothing is known.
pub(crate) fn printed(client: &Client, words: &[Word]) -> Option<Word> {
    let mut printed = Word::default();
    for source in client.line(words)?.sources {
        let Source::Sql(text) = source else { continue };
        let text = marked(&text);
        split(&text, client.dialect, client.commands, &mut |piece| {
            if let Piece::Statement([first, rest @ ..]) = piece
                && first.is("SELECT")
            {
                let end =
                    rest.iter().position(|token| token.is_one(&["FROM", "WHERE"])).unwrap_or(rest.len());
                if let Some(text) = strings(&rest[..end]) {
                    for (at, part) in text.split('\0').enumerate() {
                        if at > 0 {
                            printed.push_unknown(true, false);
                        }
                        printed.text.push_str(part);
                    }
                    printed.text.push('\n');
                }
            }
        });
    }
    (!printed.text.is_empty()).then_some(printed)
}

#[cfg(test)]
mod tests {
    use super::super::client;
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: &[&str]) {
        let client = client::find(name).unwrap();
        let mut found = Vec::new();
        split(text, client.dialect, client.commands, &mut |piece| match piece {
            Piece::Statement([]) => {}
            Piece::Statement(tokens) => found.push(format!("{}", tokens.len())),
            Piece::Executed(tokens) => found.push(format!("x{}", tokens.len())),
            Piece::Client(command) => found.push(command.to_owned()),
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn commands_of_the_client_are_told_from_statements() {
        check(
            "psql",
            "select 1; \\c app \\\\ drop table t;\n\\i x.sql\nselect 2",
            &["2", "c app ", "3", "i x.sql", "2"],
        );
        check("psql", "select 'a' \\gexec\nselect '\\i x'\\g\n", &["x2", "gexec", "2", "g"]);
        check("psql", "\\! rm -rf x \\\\ y", &["! rm -rf x \\\\ y"]);
        check(
            "mysql",
            "use app\nsource x.sql\nselect source from t\\G drop table t",
            &["use app", "source x.sql", "4", "3"],
        );
        check("mysql", "delimiter //\nselect 1; select 2 //\ndelimiter ;\nselect 3;", &["5", "2"]);
        check("sqlite3", ".read x.sql\nselect 1 .5;\n  .shell ls", &["read x.sql", "4", "shell ls"]);
        check(
            "sqlcmd",
            "select 1\ngo\nselect 2\nGO 5\n!! dir\n:r x.sql",
            &["2", "go", "2", "GO 5", "!! dir", ":r x.sql"],
        );
    }

    #[test]
    fn code_for_a_shell_is_found() {
        for (commands, command, expected) in [
            (Commands::Psql, "! ls -l", Some(" ls -l")),
            (Commands::Psql, "!ls", Some("ls")),
            (Commands::Psql, "o |cat > x", Some("cat > x")),
            (Commands::Psql, "o file", None),
            (Commands::Psql, "copy t from program 'cat x'", Some("cat x")),
            (Commands::Psql, "set x `date`", Some("date")),
            (Commands::Mysql, "system ls", Some("ls")),
            (Commands::Mysql, "! ls", Some(" ls")),
            (Commands::Sqlite, "shell ls", Some("ls")),
            (Commands::Sqlite, "sys ls", Some("ls")),
            (Commands::Sqlite, "read |ls", Some("ls")),
            (Commands::Sqlite, "schema x", None),
            (Commands::Sqlcmd, ":!! dir", Some(" dir")),
            (Commands::None, "! ls", None),
        ] {
            assert_eq!(shell_code(command, commands), expected, "{command}");
        }
    }
}
