//! Arithmetic.

use super::state::Item;
use super::word::Word;
use super::{Flow, Shell};

/// How deep an expression may be nested, and how many steps it may take.
const MAX_DEPTH: usize = 32;
/// The longest expression that is worked out, in bytes.
const MAX_LENGTH: usize = 2 << 10;

/// Binary operators by how tight they bind, the loosest first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Shell<'_> {
    /// Works an expression out as it is written; `None` where its value is not known.
    pub(super) fn arithmetic(&mut self, written: &str) -> Flow<Option<i64>> {
        let expanded = self.document(written)?;
        match expanded.known() {
            Some(text) => {
                let text = text.replace('"', "");
                self.evaluate(&text)
            }
            None => Ok(None),
        }
    }

    /// Works out the subscript of a name that is given to a builtin, which may run commands.
    pub(super) fn subscript(&mut self, name: &Word) -> Flow {
        let Some((array, rest)) = name.text.split_once('[') else { return Ok(()) };
        let end = rest.find("]=").or_else(|| rest.rfind(']')).unwrap_or(rest.len());
        if rest[..end].contains(['$', '`']) && array.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.nested(|shell| shell.arithmetic(&rest[..end]))?;
        }
        Ok(())
    }

    /// Works an expression out in which nothing is left to expand.
    pub(super) fn evaluate(&mut self, text: &str) -> Flow<Option<i64>> {
        if text.len() > MAX_LENGTH {
            return Ok(None);
        }
        if text.trim().is_empty() {
            return Ok(Some(0));
        }
        let mut expression = Expression { shell: self, rest: text, depth: 0, effective: true, failed: None };
        let value = expression.comma();
        let whole = expression.rest.trim().is_empty();
        match expression.failed.take() {
            Some(stop) => Err(stop),
            None => Ok(value.filter(|_| whole)),
        }
    }
}

struct Expression<'s, 'a, 't> {
    shell: &'s mut Shell<'a>,
    rest: &'t str,
    depth: usize,
    /// Assignments are made; not in the part of `a && b` that is left out.
    effective: bool,
    failed: Option<super::Stop>,
}

impl<'t> Expression<'_, '_, 't> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn comma(&mut self) -> Option<i64> {
        let mut value = self.conditional();
        while self.eat(",") {
            value = self.conditional();
        }
        value
    }

    fn conditional(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.rest = "?";
            return None;
        }
        let mut value = self.binary(0);
        if self.eat("?") {
            let outer = self.effective;
            self.effective = outer && value.is_some_and(|v| v != 0);
            let yes = self.comma();
            self.effective = outer && value == Some(0);
            let no = if self.eat(":") { self.conditional() } else { None };
            self.effective = outer;
            value = match value {
                Some(0) => no,
                Some(_) => yes,
                None => None,
            };
        }
        self.depth -= 1;
        value
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1);
        loop {
            self.skip();
            let found = operators.iter().find(|operator| {
                let next = self.rest.strip_prefix(**operator).map(|rest| rest.bytes().next());
                // `a += 1` and `a && b` are something else.
                next.is_some_and(|next| {
                    let longer = match **operator {
                        "<" | ">" | "|" | "&" => next == operator.bytes().next(),
                        _ => false,
                    };
                    !longer && (next != Some(b'=') || operator.ends_with('='))
                })
            });
            let Some(operator) = found else { return left };
            self.rest = &self.rest[operator.len()..];
            let outer = self.effective;
            match *operator {
                "&&" => self.effective = outer && left.is_some_and(|v| v != 0),
                "||" => self.effective = outer && left == Some(0),
                _ => {}
            }
            let right = self.binary(level + 1);
            self.effective = outer;
            left = apply(operator, left, right);
        }
    }

    fn power(&mut self) -> Option<i64> {
        let base = self.unary();
        if self.eat("**") {
            self.depth += 1;
            let exponent = if self.depth > MAX_DEPTH { None } else { self.power() };
            self.depth -= 1;
            return base?.checked_pow(u32::try_from(exponent?).ok()?);
        }
        base
    }

    fn unary(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.rest = "?";
            return None;
        }
        self.skip();
        let value = if self.rest.starts_with("++") || self.rest.starts_with("--") {
            let step = if self.rest.starts_with('+') { 1 } else { -1 };
            self.rest = &self.rest[2..];
            match self.name() {
                Some(name) => {
                    let value = self.read(&name).and_then(|value| value.checked_add(step));
                    self.write(&name, value);
                    value
                }
                // `--5` is `-(-5)`.
                None => self.unary(),
            }
        } else if self.eat("!") {
            self.unary().map(|v| i64::from(v == 0))
        } else if self.eat("~") {
            self.unary().map(|v| !v)
        } else if self.eat("-") {
            self.unary().and_then(i64::checked_neg)
        } else if self.eat("+") {
            self.unary()
        } else {
            self.primary()
        };
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Option<i64> {
        if self.eat("(") {
            let value = self.comma();
            return if self.eat(")") { value } else { None };
        }
        self.skip();
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.number();
        }
        let name = self.name()?;
        for (operator, step) in [("++", 1), ("--", -1)] {
            if self.rest.trim_start().starts_with(operator) {
                self.eat(operator);
                let value = self.read(&name);
                self.write(&name, value.and_then(|value| value.checked_add(step)));
                return value;
            }
        }
        self.skip();
        let assigns = ["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="]
            .into_iter()
            .find(|operator| self.rest.starts_with(operator) && !self.rest.starts_with("=="));
        if let Some(operator) = assigns {
            self.rest = &self.rest[operator.len()..];
            let right = self.conditional();
            let value = match operator.strip_suffix('=') {
                Some("") | None => right,
                Some(operator) => {
                    let left = self.read(&name);
                    apply(operator, left, right)
                }
            };
            self.write(&name, value);
            return value;
        }
        self.read(&name)
    }

    fn number(&mut self) -> Option<i64> {
        let len = self
            .rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'@' | b'_'))
            .count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        if let Some((base, digits)) = digits.split_once('#') {
            let base: u32 = base.parse().ok().filter(|base| (2..=36).contains(base))?;
            return i64::from_str_radix(digits, base).ok();
        }
        if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            return i64::from_str_radix(digits, 16).ok();
        }
        let radix = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
        i64::from_str_radix(digits, radix).ok()
    }

    /// Reads the name of a variable, with its subscript.
    fn name(&mut self) -> Option<String> {
        self.skip();
        let len = self.rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if len == 0 || self.rest.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        let mut end = len;
        if self.rest[len..].starts_with('[') {
            end = super::scan::closing_bracket(self.rest, len + 1)? + 1;
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name.to_owned())
    }

    fn read(&mut self, name: &str) -> Option<i64> {
        if name.contains('[') {
            let value = self.shell.subscripted(name);
            return self.settle(value).and_then(|word| word?.known()?.trim().parse().ok());
        }
        match self.shell.scalar(name) {
            Item::Text(word) => {
                let text = word.known()?.trim().to_owned();
                match text.parse() {
                    Ok(value) if !text.starts_with('0') || text == "0" => Some(value),
                    _ if self.depth < MAX_DEPTH / 2 => {
                        // The value is an expression of its own.
                        self.shell.depth += 1;
                        let deep = self.shell.depth > super::MAX_DEPTH;
                        let value = if deep { Ok(None) } else { self.shell.evaluate(&text) };
                        self.shell.depth -= 1;
                        self.settle(value).flatten()
                    }
                    _ => None,
                }
            }
            Item::Unset => Some(0),
            _ => None,
        }
    }

    fn write(&mut self, name: &str, value: Option<i64>) {
        if !self.effective {
            return;
        }
        let written =
            format!("{name}={}", value.map_or_else(|| "\0n\0".to_owned(), |value| value.to_string()));
        let made = self.shell.assign_all(&[written]);
        self.settle(made);
    }

    fn settle<T>(&mut self, result: Flow<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(stop) => {
                self.failed = Some(stop);
                None
            }
        }
    }
}

fn apply(operator: &str, left: Option<i64>, right: Option<i64>) -> Option<i64> {
    match (operator, left, right) {
        ("&&", Some(0), _) => return Some(0),
        ("||", Some(l), _) if l != 0 => return Some(1),
        _ => {}
    }
    let (l, r) = (left?, right?);
    Some(match operator {
        "||" => i64::from(l != 0 || r != 0),
        "&&" => i64::from(l != 0 && r != 0),
        "|" => l | r,
        "^" => l ^ r,
        "&" => l & r,
        "==" => i64::from(l == r),
        "!=" => i64::from(l != r),
        "<=" => i64::from(l <= r),
        ">=" => i64::from(l >= r),
        "<" => i64::from(l < r),
        ">" => i64::from(l > r),
        "<<" => l.checked_shl(u32::try_from(r).ok()?)?,
        ">>" => l.checked_shr(u32::try_from(r).ok()?)?,
        "+" => l.wrapping_add(r),
        "-" => l.wrapping_sub(r),
        "*" => l.wrapping_mul(r),
        "/" => l.checked_div(r)?,
        "%" => l.checked_rem(r)?,
        _ => return None,
    })
}

/// Returns a number as a word.
pub(super) fn number(value: Option<i64>) -> Word {
    value.map_or(Word::unknown(false), |value| Word::literal(value.to_string()))
}
