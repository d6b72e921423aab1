//! Quotes, escapes and variables.

use super::read::Reader;
use super::{Read, Unreadable, Value, literal, unknown};
use crate::shell::{HOLE, Word};

/// Says whether a character is a single quote; PowerShell takes typographic ones, too.
pub(super) fn is_single(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}'..='\u{201b}')
}

/// Says whether a character is a double quote.
pub(super) fn is_double(c: char) -> bool {
    matches!(c, '"' | '\u{201c}'..='\u{201e}')
}

/// Says whether a character begins a parameter.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2013}'..='\u{2015}')
}

impl Reader<'_, '_> {
    /// Reads `'...'`.
    pub(super) fn single(&mut self) -> Read<Word> {
        self.bump();
        let mut word = Word::default();
        loop {
            match self.bump().ok_or(Unreadable)? {
                c if is_single(c) && self.peek().is_some_and(is_single) => {
                    self.bump();
                    word.text.push('\'');
                }
                c if is_single(c) => return Ok(word),
                HOLE => self.hole(&mut word),
                c => word.text.push(c),
            }
        }
    }

    /// Reads `"..."`.
    pub(super) fn double(&mut self) -> Read<Word> {
        self.bump();
        let mut word = Word::default();
        loop {
            match self.peek().ok_or(Unreadable)? {
                c if is_double(c) => {
                    self.bump();
                    if !self.peek().is_some_and(is_double) {
                        return Ok(word);
                    }
                    self.bump();
                    word.text.push('"');
                }
                _ => self.expanding(&mut word)?,
            }
        }
    }

    /// Reads `@'...'@` and `@"..."@`, whose quotes stand on lines of their own.
    pub(super) fn here(&mut self) -> Read<Word> {
        self.bump();
        let expands = self.bump().is_some_and(is_double);
        let line = self.rest().find('\n').ok_or(Unreadable)?;
        self.skip(line + 1);
        let mut word = Word::default();
        loop {
            let rest = self.rest();
            let mut start = rest.chars();
            let ends = start.next().is_some_and(|c| if expands { is_double(c) } else { is_single(c) })
                && start.next() == Some('@');
            let fresh = word.text.is_empty() || word.text.ends_with('\n');
            if ends && fresh {
                self.bump();
                self.bump();
                if word.text.ends_with('\n') {
                    word.text.pop();
                }
                return Ok(word);
            }
            match self.peek().ok_or(Unreadable)? {
                _ if expands => self.expanding(&mut word)?,
                HOLE => {
                    self.bump();
                    self.hole(&mut word);
                }
                c => {
                    self.bump();
                    word.text.push(c);
                }
            }
        }
    }

    /// Reads a character of a text in which variables stand for their values.
    fn expanding(&mut self, word: &mut Word) -> Read {
        match self.peek().ok_or(Unreadable)? {
            '`' => {
                self.bump();
                let escaped = self.bump().ok_or(Unreadable)?;
                word.text.push(unescaped(escaped));
            }
            '$' => {
                let value = self.variable(false)?;
                join(word, &value);
            }
            HOLE => {
                self.bump();
                self.hole(word);
            }
            c => {
                self.bump();
                word.text.push(c);
            }
        }
        Ok(())
    }

    /// Reads something that is not known, which begins with the [hole](HOLE) just read.
    pub(super) fn hole(&mut self, word: &mut Word) {
        let empty = self.peek() != Some('n');
        while self.bump().is_some_and(|c| c != HOLE) {}
        word.push_unknown(empty, false);
    }

    /// Reads `$name`, `${name}`, `$env:NAME` or `$(...)`; `bare` stands where members may follow.
    pub(super) fn variable(&mut self, bare: bool) -> Read<Value> {
        self.bump();
        let name = match self.peek() {
            Some('(') => return self.parenthesised(),
            Some('{') => {
                let end = self.rest().find('}').ok_or(Unreadable)?;
                let name = self.rest()[1..end].to_owned();
                self.skip(end + 1);
                name
            }
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '$' | '?' | '^') => {
                let name = |c: char| c.is_alphanumeric() || c == '_';
                let mut end = c.len_utf8();
                if name(c) {
                    let rest = self.rest();
                    end = rest.find(|c| !name(c)).unwrap_or(rest.len());
                    // `$env:NAME`, but `$drive:` in a text may end there.
                    let scoped = rest[end..].strip_prefix(':').filter(|r| r.starts_with(name));
                    if let Some(scoped) = scoped {
                        end += 1 + scoped.find(|c| !name(c)).unwrap_or(scoped.len());
                    }
                }
                let name = self.rest()[..end].to_owned();
                self.skip(end);
                name
            }
            _ => return Ok(vec![literal("$")]),
        };
        if bare && let Some(value) = self.entry_of(&name) {
            return self.members(value);
        }
        let value = self.value_of(&name);
        if bare { self.members(value) } else { Ok(value) }
    }

    /// Reads `.key` or `['key']` behind a variable that holds a table.
    fn entry_of(&mut self, name: &str) -> Option<Value> {
        let table = self.scope.tables.get(&name.to_ascii_lowercase())?;
        let rest = self.rest();
        let (key, length) = match rest.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                (&rest[..end], end + 1)
            }
            None => {
                let quoted = rest.strip_prefix('[')?;
                let key = quoted[..quoted.find(']')?].trim();
                (key.trim_matches(['\'', '"']), quoted.find(']')? + 2)
            }
        };
        let value =
            table.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone())?;
        self.skip(length);
        Some(value)
    }

    /// Returns the value of a variable.
    pub(super) fn value_of(&self, name: &str) -> Value {
        let name = name.to_ascii_lowercase();
        let name = ["global:", "script:", "local:", "private:", "variable:", "using:"]
            .iter()
            .find_map(|scope| name.strip_prefix(scope))
            .unwrap_or(&name);
        if let Some(value) = self.scope.variables.get(name) {
            return value.clone();
        }
        let text = match name {
            "home" | "env:home" | "env:userprofile" | "env:homepath" => {
                return self.scope.home.as_deref().map_or_else(unknown, |home| vec![literal(home)]);
            }
            "pwd" => ".",
            "null" => return Vec::new(),
            "true" => "True",
            "false" => "False",
            "env:systemdrive" | "env:homedrive" => "C:",
            "env:systemroot" | "env:windir" => "C:\\Windows",
            "env:programfiles" => "C:\\Program Files",
            "env:programdata" | "env:allusersprofile" => "C:\\ProgramData",
            "env:temp" | "env:tmp" => "/tmp",
            _ => return unknown(),
        };
        vec![literal(text)]
    }
}

/// Returns what a character behind a backtick stands for.
pub(super) fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' | 'a' | 'b' | 'e' | 'f' | 'v' => ' ',
        c => c,
    }
}

/// Adds a value to a text: several texts have spaces between them.
pub(super) fn join(word: &mut Word, value: &[Word]) {
    for (n, part) in value.iter().enumerate() {
        if n > 0 {
            word.text.push(' ');
        }
        word.push(part);
    }
}
