//! Follows what a client of a database is given, from statement to statement and from file to file.

use super::super::files::Text;
use super::client::Client;
use super::pieces::{Commands, Piece, connected, included, split};
use super::statement::{Find, Kind, destroyed, name, run, strings};
use super::token::Token;

/// How much text is read, in bytes, and how deep files and strings with statements may be nested.
const MAX_TEXT: usize = 512 << 10;
const MAX_DEPTH: usize = 4;
/// How many files are read.
const MAX_FILES: usize = 32;
/// How much text of strings is kept.
const MAX_STRINGS: usize = 64 << 10;
/// How dumps begin that drop what they make anew.
const DUMPS: [&str; 5] = [
    "-- MySQL dump",
    "-- MariaDB dump",
    "/*M!999999\\- enable the sandbox mode */",
    "-- PostgreSQL database dump",
    "--\n-- PostgreSQL database dump",
];

/// A session of a client.
pub(super) struct Session<'s> {
    client: &'static Client,
    /// Reads a file.
    files: &'s dyn Fn(&str) -> Vec<Text>,
    variables: Vec<(String, String)>,
    pub(super) found: Vec<Find>,
    /// What was found since the beginning of a transaction.
    open: Option<Vec<Find>>,
    temporary: Vec<String>,
    created: Vec<String>,
    /// The databases that it went over to.
    pub(super) databases: Vec<String>,
    /// The strings of all statements, which some statement may run.
    strings: String,
    runs: bool,
    file: Option<String>,
    left: usize,
    files_left: usize,
    depth: usize,
}

impl<'s> Session<'s> {
    pub(super) fn new(
        client: &'static Client,
        variables: &[(String, String)],
        files: &'s dyn Fn(&str) -> Vec<Text>,
    ) -> Self {
        Self {
            client,
            files,
            variables: variables.to_vec(),
            found: Vec::new(),
            open: None,
            temporary: Vec::new(),
            created: Vec::new(),
            databases: Vec::new(),
            strings: String::new(),
            runs: false,
            file: None,
            left: MAX_TEXT,
            files_left: MAX_FILES,
            depth: 0,
        }
    }

    /// Follows a text.
    pub(super) fn text(&mut self, text: &str) {
        if self.depth == MAX_DEPTH || text.len() > self.left {
            return;
        }
        self.left -= text.len();
        self.depth += 1;
        self.sets(text);
        let replaced;
        let text = if self.variables.is_empty() {
            text
        } else {
            replaced = self.replaced(text);
            &replaced
        };
        split(text, self.client.dialect, self.client.commands, &mut |piece| match piece {
            Piece::Statement(tokens) => self.statement(tokens),
            Piece::Executed(tokens) => {
                if let Some(text) = strings(tokens) {
                    self.text(&text);
                }
            }
            Piece::Client(command) => {
                if let Some(path) = included(command, self.client.commands).filter(|_| self.depth < MAX_DEPTH)
                {
                    self.file(path);
                }
                let database = connected(command, self.client.commands);
                self.databases.extend(database.map(str::to_owned));
            }
        });
        self.depth -= 1;
    }

    /// Follows a file.
    fn file(&mut self, path: &str) {
        let Some(left) = self.files_left.checked_sub(1) else { return };
        self.files_left = left;
        for text in (self.files)(path) {
            self.read(&text, path);
        }
    }

    /// Follows what was read from a file.
    pub(super) fn read(&mut self, text: &Text, path: &str) {
        let outer = self.file.replace(path.to_owned());
        let from = self.found.len();
        let created = std::mem::take(&mut self.created);
        self.text(&text.text);
        // What somebody has taken into the repository, and a dump, may drop a table that it makes anew.
        let restores =
            text.trusted || text.disk && DUMPS.iter().any(|begin| text.text.trim_start().starts_with(begin));
        if restores {
            let own = std::mem::replace(&mut self.created, created);
            let anew = |find: &Find| {
                find.words == "DROP TABLE"
                    && !find.names.is_empty()
                    && find.names.iter().all(|n| own.contains(n))
            };
            let mut at = 0;
            self.found.retain(|find| {
                at += 1;
                at <= from || !anew(find)
            });
        }
        self.file = outer;
    }

    /// Ends the session: what is in a transaction that nobody has ended counts.
    pub(super) fn end(&mut self) {
        self.found.extend(self.open.take().unwrap_or_default());
        if std::mem::take(&mut self.runs) {
            let strings = std::mem::take(&mut self.strings);
            self.text(&strings);
            self.found.extend(self.open.take().unwrap_or_default());
        }
    }

    fn statement(&mut self, tokens: &[Token<'_>]) {
        if tokens.is_empty() || self.transaction(tokens) {
            return;
        }
        self.creates(tokens);
        if tokens[0].is("DO") && self.client.dialect.dollar {
            for token in tokens {
                if let Token::Body(body) | Token::Text(body) = token {
                    self.nested(body);
                }
            }
            return;
        }
        for mut find in destroyed(tokens) {
            if !find.names.is_empty() && find.names.iter().all(|name| self.is_temporary(name)) {
                continue;
            }
            find.file.clone_from(&self.file);
            match &mut self.open {
                Some(open) if self.client.dialect.transactional || find.kind == Kind::Delete => {
                    open.push(find)
                }
                _ => self.found.push(find),
            }
        }
        let (text, elsewhere) = run(tokens);
        self.runs |= elsewhere;
        if let Some(text) = text {
            self.nested(&text);
        } else if self.strings.len() < MAX_STRINGS
            && let Some(text) = strings(tokens)
        {
            self.strings.push_str(&text);
            self.strings.push(';');
        }
    }

    /// Follows statements inside of a statement, which have no transactions of their own.
    fn nested(&mut self, body: &str) {
        if self.depth == MAX_DEPTH || body.len() > self.left {
            return;
        }
        self.left -= body.len();
        self.depth += 1;
        split(body, self.client.dialect, Commands::None, &mut |piece| {
            if let Piece::Statement(tokens) = piece
                && !tokens.is_empty()
            {
                self.statement(tokens);
            }
        });
        self.depth -= 1;
    }

    /// Follows transactions; `true` for a statement that only begins or ends one.
    fn transaction(&mut self, tokens: &[Token<'_>]) -> bool {
        let second = tokens.get(1);
        let plain = second.is_none_or(|second| {
            second.is_one(&[
                "TRANSACTION",
                "TRAN",
                "WORK",
                "IMMEDIATE",
                "EXCLUSIVE",
                "DEFERRED",
                "ISOLATION",
                "READ",
            ])
        });
        let first = &tokens[0];
        if first.is("BEGIN") && plain || first.is("START") && second.is_some_and(|t| t.is("TRANSACTION")) {
            self.open.get_or_insert_default();
        } else if first.is_one(&["COMMIT", "END"]) && plain {
            self.found.extend(self.open.take().unwrap_or_default());
        } else if first.is_one(&["ROLLBACK", "ABORT"]) && plain {
            self.open = None;
        } else {
            return false;
        }
        true
    }

    /// Notes tables that are made.
    fn creates(&mut self, tokens: &[Token<'_>]) {
        if !tokens[0].is("CREATE") {
            return;
        }
        let Some(at) = tokens.iter().take(5).position(|token| token.is("TABLE")) else { return };
        let temporary = tokens[..at].iter().any(|token| token.is_one(&["TEMP", "TEMPORARY"]));
        if let Some((name, _)) = name(&tokens[at + 1..]) {
            if temporary { &mut self.temporary } else { &mut self.created }.push(name);
        }
    }

    fn is_temporary(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        ["#", "pg_temp.", "temp.", "tempdb."].iter().any(|begin| lower.starts_with(begin))
            || lower == "sqlite_sequence"
            || self.temporary.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Notes the variables that `\\set NAME VALUE` of `psql` sets.
    fn sets(&mut self, text: &str) {
        if self.client.commands != Commands::Psql || !text.contains("\\set") {
            return;
        }
        for line in text.lines() {
            let Some((name, value)) = line.trim_start().strip_prefix("\\set").and_then(|rest| {
                let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
                rest.split_once([' ', '\t'])
            }) else {
                continue;
            };
            let mut whole = String::new();
            let mut quoted = false;
            for c in value.chars() {
                match c {
                    '\'' => quoted = !quoted,
                    // Values that stand apart are put together.
                    ' ' | '\t' if !quoted => {}
                    c => whole.push(c),
                }
            }
            let whole = self.replaced(&whole);
            self.variables.retain(|(own, _)| own != name);
            self.variables.push((name.to_owned(), whole));
        }
    }

    /// Replaces `:name`, `:'name'` and `:"name"` by the value of a variable.
    fn replaced(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(':').filter(|_| replaced.len() < MAX_TEXT) {
            replaced.push_str(before);
            let quote = if behind.starts_with(['\'', '"']) { 1 } else { 0 };
            let name = &behind[quote..];
            let name = &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())];
            match self.variables.iter().find(|(own, _)| own == name) {
                Some((_, value)) => {
                    // As a text or a name it has its quotes.
                    replaced.push_str(&behind[..quote]);
                    replaced.push_str(value);
                    replaced.push_str(&behind[..quote]);
                    rest = behind.get(quote + name.len() + quote..).unwrap_or_default();
                }
                None => {
                    replaced.push(':');
                    rest = behind;
                }
            }
        }
        replaced.push_str(rest);
        replaced
    }
}

#[cfg(test)]
mod tests;
