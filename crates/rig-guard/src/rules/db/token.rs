//! The words of SQL: told from strings, quoted names and comments as each database system reads them.

/// Where database systems read the same text differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// `#` begins a comment, `--` only before a space.
    pub(super) hash: bool,
    /// `/*! ... */` is no comment.
    pub(super) executable: bool,
    /// A backslash escapes in strings.
    pub(super) backslash: bool,
    /// `"` quotes a string.
    pub(super) double: bool,
    /// Comments nest.
    pub(super) nested: bool,
    /// `$tag$` quotes, and `E'...'` is a string with backslashes.
    pub(super) dollar: bool,
    /// `[name]` is a name.
    pub(super) brackets: bool,
    /// `ROLLBACK` brings back a table.
    pub(super) transactional: bool,
}

/// A part of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    /// A quoted name.
    Name(&'a str),
    /// A string, as it is written.
    Text(&'a str),
    /// What stands between two `$tag$`.
    Body(&'a str),
    Number(&'a str),
    Mark(char),
    /// Something that is not known.
    Unknown,
    /// A command of the client: the rest of the line behind `\`.
    Client(&'a str),
}

impl Token<'_> {
    /// Says whether it is a word, in small or capital letters.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(own) if own.eq_ignore_ascii_case(word))
    }

    /// Says whether it is one of some words.
    pub(super) fn is_one(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

/// The tokens of a text, one after the other.
pub(super) struct Tokens<'a> {
    pub(super) rest: &'a str,
    pub(super) dialect: Dialect,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.space();
        Some(self.token(self.rest.chars().next()?))
    }
}

impl<'a> Tokens<'a> {
    /// Goes over white space and comments.
    pub(super) fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let dashes = self.rest.strip_prefix("--").is_some_and(|rest| {
                !self.dialect.hash
                    || rest.is_empty()
                    || rest.starts_with(|c: char| c.is_whitespace() || c.is_control())
            });
            if dashes || self.dialect.hash && self.rest.starts_with('#') {
                self.line();
            } else if self.rest.starts_with("/*") {
                self.comment();
            } else if self.dialect.executable && self.rest.starts_with("*/") {
                self.rest = &self.rest[2..];
            } else {
                return;
            }
        }
    }

    /// Goes to the end of the line, and returns what was left of it.
    pub(super) fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_at(self.rest.find('\n').unwrap_or(self.rest.len()));
        self.rest = rest;
        line
    }

    fn token(&mut self, c: char) -> Token<'a> {
        match c {
            '\'' => Token::Text(self.quoted('\'', self.dialect.backslash)),
            '"' if self.dialect.double => Token::Text(self.quoted('"', self.dialect.backslash)),
            '"' | '`' => Token::Name(self.quoted(c, false)),
            '[' if self.dialect.brackets => {
                let end = self.rest.find(']').unwrap_or(self.rest.len());
                let name = &self.rest[1..end];
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
                Token::Name(name)
            }
            '$' if self.dialect.dollar => self.dollar(),
            '\\' => {
                self.rest = &self.rest[1..];
                Token::Client("")
            }
            '\0' => {
                self.rest = self.rest.trim_start_matches('\0');
                Token::Unknown
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = self.rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '\0'));
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                if rest.starts_with('\'') && matches!(word, "e" | "E") && self.dialect.dollar {
                    return Token::Text(self.quoted('\'', true));
                }
                // `N'...'`, `X'...'`
                if rest.starts_with('\'') && word.len() == 1 {
                    return Token::Text(self.quoted('\'', self.dialect.backslash));
                }
                Token::Word(word)
            }
            c if c.is_ascii_digit() => {
                let end =
                    self.rest.find(|c: char| !c.is_alphanumeric() && c != '.').unwrap_or(self.rest.len());
                let (number, rest) = self.rest.split_at(end);
                self.rest = rest;
                Token::Number(number)
            }
            c => {
                self.rest = &self.rest[c.len_utf8()..];
                Token::Mark(c)
            }
        }
    }

    /// Goes over a quotation and returns what stands in it; a doubled quote does not end it.
    fn quoted(&mut self, quote: char, backslash: bool) -> &'a str {
        let body = &self.rest[quote.len_utf8()..];
        let mut chars = body.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && backslash {
                chars.next();
            } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                self.rest = &body[at + quote.len_utf8()..];
                return &body[..at];
            }
        }
        self.rest = "";
        body
    }

    fn dollar(&mut self) -> Token<'a> {
        let tag = self.rest[1..].find('$').map(|n| &self.rest[..n + 2]);
        let is_tag = |t: &&str| t[1..t.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
        let Some(tag) = tag.filter(is_tag) else {
            self.rest = &self.rest[1..];
            return Token::Mark('$');
        };
        let body = &self.rest[tag.len()..];
        let end = body.find(tag).unwrap_or(body.len());
        self.rest = body.get(end + tag.len()..).unwrap_or_default();
        Token::Body(&body[..end])
    }

    fn comment(&mut self) {
        if self.dialect.executable && (self.rest.starts_with("/*!") || self.rest.starts_with("/*M!")) {
            // MySQL runs what is in here.
            let code = self.rest.find('!').map_or("", |at| &self.rest[at + 1..]);
            self.rest = code.trim_start_matches(|c: char| c.is_ascii_digit());
            return;
        }
        let mut depth = 0_usize;
        let mut at = 0;
        while at < self.rest.len() {
            let rest = &self.rest.as_bytes()[at..];
            if rest.starts_with(b"/*") && (depth == 0 || self.dialect.nested) {
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
}
