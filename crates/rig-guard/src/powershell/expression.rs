//! Expressions: texts that are put together, lists, members, and what is not known.

use super::read::{Reader, concatenated};
use super::text::{is_dash, is_double, is_single};
use super::{Read, Unreadable, Value, literal, unknown};
use crate::shell::{HOLE, Word};

impl Reader<'_, '_> {
    /// Reads an expression: texts that are put together, lists, and what is not known.
    pub(super) fn expression(&mut self) -> Read<Value> {
        let mut value = self.term()?;
        loop {
            let from = self.at;
            self.blanks(false);
            match self.peek() {
                Some('+') => {
                    self.bump();
                    self.takes("+");
                    self.blanks(true);
                    let more = self.term()?;
                    value = match (value.as_slice(), more.as_slice()) {
                        ([first], [second]) => vec![concatenated(first.clone(), second)],
                        _ => [value, more].concat(),
                    };
                }
                Some(',') => {
                    self.bump();
                    self.blanks(true);
                    value.extend(self.term()?);
                }
                Some(c) if is_dash(c) => {
                    self.bump();
                    let rest = self.rest();
                    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
                    let operator = rest[..end].to_ascii_lowercase();
                    self.at += end;
                    self.blanks(true);
                    let operand = self.expression()?;
                    value = super::pure::operator(&operator, &value, &operand);
                }
                _ => {
                    self.at = from;
                    return Ok(value);
                }
            }
        }
    }

    /// Says whether `[type]::` stands here.
    pub(super) fn names_type(&self) -> bool {
        let near = self.near();
        near.find(']').is_some_and(|end| near[end..].starts_with("]::"))
    }

    pub(super) fn term(&mut self) -> Read<Value> {
        self.blanks(false);
        let value = match self.peek() {
            Some(c) if is_single(c) => vec![self.single()?],
            Some(c) if is_double(c) => vec![self.double()?],
            Some('$') => return self.variable(true),
            Some('(') => self.parenthesised()?,
            Some('@') => self.at_sign()?,
            Some('{') => return self.block(None),
            Some('[') => return self.typed(),
            Some('!' | ',') => {
                self.bump();
                return self.deeper(Self::term);
            }
            Some(HOLE) => {
                self.bump();
                let mut word = Word::default();
                self.hole(&mut word);
                vec![word]
            }
            Some(c) if c.is_alphanumeric() => {
                let rest = self.rest();
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                let text = rest[..end].to_owned();
                self.at += end;
                return Ok(vec![literal(&text)]);
            }
            _ => return Ok(unknown()),
        };
        self.members(value)
    }

    /// Reads `[type]`, a conversion, or `[type]::Member(...)`.
    pub(super) fn typed(&mut self) -> Read<Value> {
        let rest = self.rest();
        let end = rest.find(']').ok_or(Unreadable)?;
        let name = rest[1..end].to_ascii_lowercase();
        self.at += end + 1;
        if !self.takes("::") {
            self.blanks(false);
            if name == "char" && self.peek().is_some_and(|c| c.is_ascii_digit()) {
                let rest = self.rest();
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let digits = rest[..end].to_ascii_lowercase();
                self.at += end;
                let number = match digits.strip_prefix("0x") {
                    Some(digits) => u32::from_str_radix(digits, 16).ok(),
                    None => digits.parse().ok(),
                };
                let c = number.and_then(char::from_u32);
                return Ok(c.map_or_else(unknown, |c| vec![literal(&c.to_string())]));
            }
            if name.ends_with("processstartinfo") && self.peek() == Some('@') {
                self.scope.table = None;
                self.at_sign()?;
                let table = self.scope.table.take().unwrap_or_default();
                let of =
                    |key: &str| table.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, v)| v);
                let words =
                    ["FileName", "Arguments", "ArgumentList"].iter().filter_map(|key| of(key)).flatten();
                let words: Vec<Word> = words.flat_map(super::pure::split).collect();
                self.native(&words, &[], None);
                return Ok(unknown());
            }
            let converts =
                self.peek().is_some_and(|c| c == '$' || c == '(' || c == '[' || is_single(c) || is_double(c));
            let value = if converts { self.deeper(Self::term)? } else { unknown() };
            let kept =
                matches!(name.as_str(), "string" | "scriptblock" | "system.string" | "array" | "string[]")
                    || name.ends_with("fileinfo")
                    || name.ends_with("directoryinfo");
            return Ok(if kept { value } else { unknown() });
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let member = rest[..end].to_ascii_lowercase();
        self.at += end;
        let value = if self.peek() == Some('(') {
            let arguments = self.parenthesised()?;
            self.called(&name, &member, &arguments)
        } else {
            unknown()
        };
        self.members(value)
    }

    /// Reads `.Name`, `.Name(...)`, `[...]` behind a value.
    pub(super) fn members(&mut self, mut value: Value) -> Read<Value> {
        loop {
            let rest = self.rest();
            if rest.starts_with('[') {
                self.bump();
                let index = self.deeper(Self::expression)?;
                self.blanks(true);
                if !self.takes("]") {
                    return Err(Unreadable);
                }
                // Of one text this is a character.
                let index = index.first().and_then(Word::known).and_then(|index| index.parse::<usize>().ok());
                let found = index.filter(|_| value.len() > 1).and_then(|index| value.get(index).cloned());
                value = found.map_or_else(unknown, |word| vec![word]);
                continue;
            }
            let named = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
            let dots = if rest.starts_with('.') && named(&rest[1..]) {
                1
            } else if rest.starts_with("::") && named(&rest[2..]) {
                2
            } else {
                return Ok(value);
            };
            self.at += dots;
            let rest = self.rest();
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let member = rest[..end].to_ascii_lowercase();
            self.at += end;
            let call = self.peek() == Some('(');
            let arguments = if call { self.parenthesised()? } else { Vec::new() };
            value = self.member(value, &member, call, &arguments)?;
        }
    }
}
