//! Commands and their arguments.

use super::read::{Argument, Command, Reader};
use super::text::{is_dash, is_double, is_single, join, unescaped};
use super::{Read, Value, literal};
use crate::shell::{HOLE, Word};

impl Reader<'_, '_> {
    /// Reads the arguments of a command, and what it does.
    pub(super) fn command(&mut self, name: Word, piped: Option<&[Word]>) -> Read<Value> {
        let mut command = Command { name, arguments: Vec::new(), redirects: Vec::new() };
        let mut made: Option<Value> = None;
        loop {
            self.blanks(false);
            let rest = self.rest();
            match self.peek() {
                None | Some('\n' | ';' | '|' | ')' | '}') => break,
                Some('&') => break,
                Some('{') => {
                    let it = [("_", piped.unwrap_or_default())];
                    made = Some(self.block(Some(it[0]))?);
                }
                Some('0'..='9' | '*' | '>') if redirect(rest).is_some() => {
                    let (length, append, joined) = redirect(rest).unwrap_or((1, false, false));
                    self.at += length;
                    if !joined {
                        self.blanks(false);
                        let target = self.argument()?.value;
                        command.redirects.extend(target.into_iter().next().map(|target| (target, append)));
                    }
                }
                Some('@') if rest[1..].starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    self.bump();
                    let mut name = Word::default();
                    self.generic(&mut name)?;
                    command.arguments.extend(self.splatted(&name.text));
                }
                _ if rest.starts_with("--%") => {
                    self.at += 3;
                    let rest = self.rest();
                    let line = rest[..rest.find('\n').unwrap_or(rest.len())].to_owned();
                    self.at += line.len();
                    let words = line.split_whitespace().map(|word| word.trim_matches('"').to_owned());
                    let argument = |word: String| Argument { value: vec![literal(&word)], bare: false };
                    command.arguments.extend(words.map(argument));
                }
                _ => {
                    let from = self.at;
                    let argument = self.argument()?;
                    if self.at == from {
                        self.bump();
                    } else {
                        command.arguments.push(argument);
                    }
                }
            }
        }
        let value = self.run(command, piped)?;
        Ok(made.unwrap_or(value))
    }

    /// Reads an argument, or a list of some.
    pub(super) fn argument(&mut self) -> Read<Argument> {
        let mut argument = self.one()?;
        loop {
            let from = self.at;
            self.blanks(false);
            if !self.takes(",") {
                // A space ends it.
                self.at = from;
                return Ok(argument);
            }
            self.blanks(true);
            argument.bare = false;
            argument.value.extend(self.one()?.value);
        }
    }

    pub(super) fn one(&mut self) -> Read<Argument> {
        let quoted = |value: Value| Argument { value, bare: false };
        Ok(match self.peek() {
            Some(c) if is_single(c) => {
                let text = self.single()?;
                quoted(self.members(vec![text])?)
            }
            Some(c) if is_double(c) => {
                let text = self.double()?;
                quoted(self.members(vec![text])?)
            }
            Some('(') => {
                let value = self.parenthesised()?;
                quoted(self.members(value)?)
            }
            Some('@') => quoted(self.at_sign()?),
            Some('[') if self.names_type() => quoted(self.term()?),
            Some('$') if !self.rest().starts_with("$(") => {
                let mut value = self.variable(true)?;
                // `$dir\x`: a text goes on.
                let goes_on =
                    self.peek().is_some_and(|c| c == '\\' || c == '/' || c == ':' || c == '$' || c == '*');
                if goes_on {
                    let mut word = Word::default();
                    join(&mut word, &value);
                    self.generic(&mut word)?;
                    value = vec![word];
                }
                quoted(value)
            }
            _ => {
                let mut word = Word::default();
                self.generic(&mut word)?;
                let home = word.text.strip_prefix('~').filter(|r| r.is_empty() || r.starts_with(['/', '\\']));
                if let (Some(_), Some(home)) = (home, self.scope.home.clone()) {
                    let mut at_home = literal(&home);
                    at_home.push(&word.tail(1));
                    word = at_home;
                }
                Argument { value: vec![word], bare: true }
            }
        })
    }

    /// Reads a text without quotes, or with some in its middle.
    pub(super) fn generic(&mut self, word: &mut Word) -> Read {
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() || ";|&(){},".contains(c) => break,
                '<' | '>' => break,
                c if is_single(c) => {
                    let text = self.single()?;
                    word.push(&text);
                }
                c if is_double(c) => {
                    let text = self.double()?;
                    word.push(&text);
                }
                '`' => {
                    self.bump();
                    match self.bump() {
                        Some('\n' | '\r') | None => break,
                        // An escape in a name is the name.
                        Some(c) if c.is_alphanumeric() => word.text.push(c),
                        Some(c) => word.text.push(unescaped(c)),
                    }
                }
                '$' => {
                    let value = self.variable(true)?;
                    join(word, &value);
                }
                HOLE => {
                    self.bump();
                    self.hole(word);
                }
                c => {
                    self.bump();
                    word.text.push(if word.text.is_empty() && is_dash(c) { '-' } else { c });
                }
            }
        }
        Ok(())
    }

    /// Reads `@'...'@`, `@(...)`, `@{...}` or `@name`.
    pub(super) fn at_sign(&mut self) -> Read<Value> {
        let next = self.rest()[1..].chars().next();
        match next {
            Some(c) if is_single(c) || is_double(c) => Ok(vec![self.here()?]),
            Some('(') => {
                self.bump();
                self.parenthesised()
            }
            Some('{') => {
                self.bump();
                self.table()
            }
            _ => {
                self.bump();
                let mut name = Word::default();
                self.generic(&mut name)?;
                let mut word = Word::default();
                word.push_unknown(true, true);
                Ok(vec![word])
            }
        }
    }
}

/// Returns how long a redirection is, whether it appends, and whether it goes to another stream.
pub(super) fn redirect(rest: &str) -> Option<(usize, bool, bool)> {
    let from = usize::from(rest.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
    let sign = rest.get(from..)?.strip_prefix('>')?;
    if let Some(stream) = sign.strip_prefix('&') {
        return Some((from + 2 + usize::from(stream.starts_with(|c: char| c.is_ascii_digit())), false, true));
    }
    Some(if sign.starts_with('>') { (from + 2, true, false) } else { (from + 1, false, false) })
}
