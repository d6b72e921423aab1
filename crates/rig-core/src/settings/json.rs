//! A JSON document with the place of every value in the text.
//!
//! The client reads settings with JavaScript's parser, and hooks-sync edits them without
//! touching a byte that it does not own. Both need what a map of values has lost: which of two
//! equal keys comes last, numbers beyond any Rust type, lone surrogates, and where in the text
//! a value stands.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Number, Value};

/// How deep values may be nested. The parser recurses, and a settings file needs less than ten.
const DEPTH: usize = 256;

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The bytes of the value, without the space around it.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; its spelling is the span's text.
    Number,
    /// A string, decoded; a lone surrogate reads as U+FFFD.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// An object with all its members in the order of the text, equal keys included.
    Object(Vec<Member>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The decoded key.
    pub key: String,
    /// The bytes of the key with its quotes.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

/// Where and why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for SyntaxError {}

impl Node {
    /// Returns the value of a key; of equal keys the last one counts.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members()?.iter().rev().find(|m| m.key == key).map(|m| &m.value)
    }

    /// Returns the members of an object.
    #[must_use]
    pub fn members(&self) -> Option<&[Member]> {
        if let Kind::Object(members) = &self.kind { Some(members) } else { None }
    }

    /// Returns the elements of a list.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        if let Kind::Array(elements) = &self.kind { Some(elements) } else { None }
    }

    /// Returns a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Kind::String(text) = &self.kind { Some(text) } else { None }
    }

    /// Returns a truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Kind::Bool(value) = self.kind { Some(value) } else { None }
    }

    /// Returns a number; one that is too large reads as infinite.
    #[must_use]
    pub fn as_f64(&self, text: &str) -> Option<f64> {
        if self.kind == Kind::Number { text[self.span.clone()].parse().ok() } else { None }
    }

    /// Returns what kind of value this is, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }

    /// Returns the value alone. Of equal keys the last one counts; a number that no Rust type
    /// holds reads as the largest one.
    #[must_use]
    pub fn value(&self, text: &str) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number => Value::Number(number(&text[self.span.clone()])),
            Kind::String(text) => Value::String(text.clone()),
            Kind::Array(elements) => elements.iter().map(|e| e.value(text)).collect(),
            Kind::Object(members) => Value::Object(
                members.iter().map(|m| (m.key.clone(), m.value.value(text))).collect::<Map<_, _>>(),
            ),
        }
    }
}

fn number(text: &str) -> Number {
    if let Ok(integer) = text.parse::<i64>() {
        return integer.into();
    }
    let float: f64 = text.parse().unwrap_or(f64::MAX);
    Number::from_f64(float.clamp(f64::MIN, f64::MAX)).unwrap_or_else(|| 0.into())
}

/// Parses a whole text. Strict JSON: no comment, no trailing comma; a byte order mark at the
/// start is accepted, as the client accepts it.
///
/// # Errors
/// When the text is no JSON, or nested too deep to be a settings file.
pub fn parse(text: &str) -> Result<Node, SyntaxError> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser = Parser { text, at: start };
    let parsed = parser.document();
    parsed.map_err(|what| {
        let before = &text[start..text.floor_char_boundary(parser.at).max(start)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        SyntaxError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
        }
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<Node, &'static str> {
        self.space();
        let node = self.value(0)?;
        self.space();
        match self.peek() {
            None => Ok(node),
            Some(b'/') => Err("a comment, which JSON does not have"),
            Some(_) => Err("text after the end of the document"),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, &'static str> {
        let start = self.at;
        let kind = match self.peek() {
            None => return Err("the text ends where a value should be"),
            Some(b'{' | b'[') if depth == DEPTH => return Err("nested too deep"),
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'/') => return Err("a comment, which JSON does not have"),
            Some(_) => self.word()?,
        };
        Ok(Node { span: start..self.at, kind })
    }

    fn word(&mut self) -> Result<Kind, &'static str> {
        for (word, kind) in [("null", Kind::Null), ("true", Kind::Bool(true)), ("false", Kind::Bool(false))] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err("not a value")
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, &'static str> {
        let mut members = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            let start = self.at;
            match self.peek() {
                Some(b'"') => {}
                Some(b'}') => return Err("a comma before the closing brace"),
                Some(b'/') => return Err("a comment, which JSON does not have"),
                _ => return Err("a key in double quotes should be here"),
            }
            let key = self.string()?;
            let key_span = start..self.at;
            self.space();
            if self.peek() != Some(b':') {
                return Err("a colon should be here");
            }
            self.at += 1;
            self.space();
            members.push(Member { key, key_span, value: self.value(depth + 1)? });
            if !self.another(b'}', "a comma or a closing brace should be here")? {
                return Ok(members);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, &'static str> {
        let mut elements = Vec::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            if self.peek() == Some(b']') {
                return Err("a comma before the closing bracket");
            }
            elements.push(self.value(depth + 1)?);
            if !self.another(b']', "a comma or a closing bracket should be here")? {
                return Ok(elements);
            }
        }
    }

    /// Steps over a comma (true) or the closing character (false).
    fn another(&mut self, close: u8, what: &'static str) -> Result<bool, &'static str> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b'/') => Err("a comment, which JSON does not have"),
            _ => Err(what),
        }
    }

    fn number(&mut self) -> Result<Kind, &'static str> {
        let bad = "not a number";
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(bad)?,
            _ => return Err(bad),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits(bad)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits(bad)?;
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self, bad: &'static str) -> Result<(), &'static str> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(bad) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<String, &'static str> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let run = self.text[self.at..]
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .ok_or("a string without an end")?;
            out.push_str(&self.text[self.at..self.at + run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err("a control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        let bad = "an escape that JSON does not have";
        let short = match self.text.as_bytes().get(self.at + 1) {
            Some(b'u') => None,
            Some(b'n') => Some('\n'),
            Some(b't') => Some('\t'),
            Some(b'r') => Some('\r'),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(&c @ (b'"' | b'\\' | b'/')) => Some(c.into()),
            _ => return Err(bad),
        };
        if let Some(c) = short {
            self.at += 2;
            return Ok(c);
        }
        let first = self.unit().ok_or(bad)?;
        self.at += 6;
        if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, self.unit()) {
            self.at += 6;
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Returns the code unit of the `\uXXXX` escape that stands here.
    fn unit(&self) -> Option<u32> {
        let digits = self.text.get(self.at..)?.strip_prefix("\\u")?.get(..4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("\u{feff} {\"a\":1}\r\n", r#"{"a":1}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#"["\ud83d\ude00\ud800\u0041\n\/"]"#, "[\"\u{1f600}\u{fffd}A\\n/\"]"),
            ("[1e999,-0.50E+1,0,12]", "[1.7976931348623157e+308,-5.0,0,12]"),
            ("[[],{}, null ,true,false]", "[[],{},null,true,false]"),
        ] {
            let node = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(node.value(text).to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (text, expected) in [
            ("", "line 1, column 1: the text ends where a value should be"),
            ("{\n  // x\n}", "line 2, column 3: a comment, which JSON does not have"),
            ("{\"a\":1,\n}", "line 2, column 1: a comma before the closing brace"),
            ("{\"é\": [1,]}", "line 1, column 10: a comma before the closing bracket"),
            ("{} x", "line 1, column 4: text after the end of the document"),
            ("{a:1}", "line 1, column 2: a key in double quotes should be here"),
            ("[01]", "line 1, column 3: a comma or a closing bracket should be here"),
            ("[1.]", "line 1, column 4: not a number"),
            ("[\"\t\"]", "line 1, column 3: a control character in a string"),
            (r#"["\x"]"#, "line 1, column 3: an escape that JSON does not have"),
            (r#"["\u12"]"#, "line 1, column 3: an escape that JSON does not have"),
            ("[\"a", "line 1, column 3: a string without an end"),
            ("[NaN]", "line 1, column 2: not a value"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().what, "nested too deep");
    }

    #[test]
    fn spans_name_the_bytes_of_a_value() {
        let text = "\u{feff}{ \"a\" : [ 1.50 , \"é\" ] }";
        let root = parse(text).unwrap();
        let list = root.get("a").unwrap();
        let spans: Vec<&str> = list.elements().unwrap().iter().map(|n| &text[n.span.clone()]).collect();
        assert_eq!((spans, &text[list.span.clone()]), (vec!["1.50", "\"é\""], "[ 1.50 , \"é\" ]"));
    }
}
