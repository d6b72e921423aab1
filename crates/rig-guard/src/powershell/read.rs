//! Statements, pipelines, commands and expressions.

use super::arguments::redirect;
use super::text::{is_dash, is_double, is_single, join};
use super::{MAX_DEPTH, MAX_ROUNDS, Read, Scope, Unreadable, Value, literal, unknown};
use crate::shell::Word;

/// Words that begin a statement of their own. What stands behind them is read as any other code.
const KEYWORDS: &str = "if elseif else while until do for foreach switch try catch finally function filter param begin \
    process end return throw exit break continue trap using in dynamicparam workflow parallel sequence class enum data";

/// A place in PowerShell code.
pub(super) struct Reader<'s, 'c> {
    pub(super) scope: &'s mut Scope,
    pub(super) code: &'c str,
    pub(super) at: usize,
}

/// An argument of a command.
#[derive(Debug)]
pub(super) struct Argument {
    /// Its texts: `a,b` are two.
    pub(super) value: Value,
    /// It is not quoted, so that a dash makes it a parameter.
    pub(super) bare: bool,
}

/// A command as it is written.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: Word,
    pub(super) arguments: Vec<Argument>,
    /// Files that it writes to, with whether they get more contents.
    pub(super) redirects: Vec<(Word, bool)>,
}

/// Reads a whole program.
pub(super) fn program(code: &str, scope: &mut Scope) -> Read {
    if scope.depth > MAX_DEPTH {
        return Err(Unreadable);
    }
    scope.depth += 1;
    let mut reader = Reader { scope, code, at: 0 };
    while reader.at < code.len() {
        reader.statements()?;
        // A bracket that closes nothing.
        reader.bump();
    }
    scope.depth -= 1;
    Ok(())
}

impl Reader<'_, '_> {
    pub(super) fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    /// Returns the next few characters: no name of a type is longer.
    pub(super) fn near(&self) -> &str {
        const NEAR: usize = 200;
        let rest = self.rest();
        &rest[..rest.floor_char_boundary(NEAR)]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn takes(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Goes past spaces, comments and continued lines, and past the ends of lines where they say nothing.
    pub(super) fn blanks(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            if rest.starts_with("<#") {
                self.at += rest.find("#>").map_or(rest.len(), |end| end + 2);
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("`\n") || rest.starts_with("`\r\n") {
                self.at += rest.find('\n').map_or(0, |end| end + 1);
            } else {
                match self.peek() {
                    Some('\n') if !lines => return,
                    Some(c) if c.is_whitespace() => self.at += c.len_utf8(),
                    _ => return,
                }
            }
        }
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.scope.depth > MAX_DEPTH {
            return Err(Unreadable);
        }
        self.scope.depth += 1;
        let result = read(self);
        self.scope.depth -= 1;
        result
    }

    /// Reads statements up to the end or a closing bracket, and returns the value of the last one.
    pub(super) fn statements(&mut self) -> Read<Value> {
        let mut value = Vec::new();
        loop {
            self.blanks(true);
            match self.peek() {
                None | Some('}' | ')') => return Ok(value),
                Some(';') => drop(self.bump()),
                _ => {
                    let from = self.at;
                    value = self.deeper(Self::statement)?;
                    if self.at == from {
                        self.bump();
                    }
                }
            }
        }
    }

    pub(super) fn statement(&mut self) -> Read<Value> {
        self.scope.step()?;
        if self.peek() == Some('{') {
            return self.block(None);
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let word = rest[..end].to_ascii_lowercase();
        let ends = !rest[end..].starts_with(['-', '.', '\\', '/', ':', '_', '`']);
        if !ends || !KEYWORDS.split_ascii_whitespace().any(|keyword| keyword == word) {
            return self.pipeline();
        }
        self.at += end;
        self.blanks(false);
        match word.as_str() {
            "function" | "filter" | "workflow" => return self.deeper(Self::function),
            "class" | "enum" | "using" => {
                let rest = self.rest();
                self.at += rest.find(['{', '(', '\n', ';']).unwrap_or(rest.len());
            }
            "catch" | "trap" => {
                while self.peek() == Some('[') {
                    self.at += self.rest().find(']').ok_or(Unreadable)? + 1;
                    self.blanks(false);
                    self.takes(",");
                    self.blanks(false);
                }
            }
            "foreach" => {
                if let Some(value) = self.for_each()? {
                    return Ok(value);
                }
            }
            _ => {}
        }
        self.blanks(false);
        Ok(match self.peek() {
            Some('(') => self.deeper(Self::bracketed)?,
            Some('{') => self.block(None)?,
            None | Some('\n' | ';' | ')' | '}') => Vec::new(),
            _ => self.pipeline()?,
        })
    }

    /// Reads `($name in LIST) { ... }` once for each item that is known.
    pub(super) fn for_each(&mut self) -> Read<Option<Value>> {
        let from = self.at;
        let inside =
            self.rest().strip_prefix('(').map(str::trim_start).and_then(|rest| rest.strip_prefix('$'));
        let Some(rest) = inside else { return Ok(None) };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let after = rest[name.len()..].trim_start();
        let Some(list) = after.get(..2).filter(|word| word.eq_ignore_ascii_case("in")).map(|_| &after[2..])
        else {
            return Ok(None);
        };
        self.at = self.code.len() - list.len();
        let items = self.deeper(Self::pipeline)?;
        self.blanks(true);
        if !self.takes(")") {
            self.at = from;
            return Ok(None);
        }
        self.blanks(true);
        if self.peek() != Some('{') {
            return Ok(Some(Vec::new()));
        }
        self.block(Some((&name.to_ascii_lowercase(), &items))).map(Some)
    }

    /// Reads `{ ... }`, with each of some values for a variable.
    pub(super) fn block(&mut self, each: Option<(&str, &[Word])>) -> Read<Value> {
        self.bump();
        let start = self.at;
        let nothing = unknown();
        let (name, items) = each.unwrap_or(("", &nothing));
        let items = if items.is_empty() { &nothing } else { items };
        let before = self.scope.variables.get(name).cloned();
        let mut value = Vec::new();
        for item in items.iter().take(MAX_ROUNDS) {
            self.at = start;
            if !name.is_empty() {
                self.scope.variables.insert(name.to_owned(), vec![item.clone()]);
            }
            value = self.deeper(Self::statements)?;
        }
        if let Some(before) = before {
            self.scope.variables.insert(name.to_owned(), before);
        }
        if self.takes("}") { Ok(value) } else { Err(Unreadable) }
    }

    /// Reads `( ... )` and returns its value.
    pub(super) fn bracketed(&mut self) -> Read<Value> {
        self.bump();
        let value = self.statements()?;
        if self.takes(")") { Ok(value) } else { Err(Unreadable) }
    }

    /// Reads `( ... )` behind a `$` or a `@`.
    pub(super) fn parenthesised(&mut self) -> Read<Value> {
        self.deeper(Self::bracketed)
    }

    pub(super) fn pipeline(&mut self) -> Read<Value> {
        let mut piped: Option<Value> = None;
        loop {
            self.blanks(false);
            let value = self.element(piped.as_deref())?;
            self.blanks(false);
            let rest = self.rest();
            if rest.starts_with("&&") || rest.starts_with("||") {
                self.at += 2;
                piped = None;
            } else if rest.starts_with('|') {
                self.at += 1;
                piped = Some(value);
            } else {
                self.takes("&");
                return Ok(value);
            }
            self.blanks(true);
        }
    }

    pub(super) fn element(&mut self, piped: Option<&[Word]>) -> Read<Value> {
        self.scope.step()?;
        let from = self.at;
        match self.peek() {
            None => Ok(Vec::new()),
            Some('$' | '[') if self.assigns() => self.assignment(),
            // The call operators.
            Some('&' | '.') if self.rest()[1..].starts_with([' ', '\t', '\'', '"', '$', '(', '{']) => {
                self.bump();
                self.blanks(false);
                if self.peek() == Some('{') {
                    let value = self.block(piped.map(|piped| ("_", piped)))?;
                    let _ = self.command(literal(":"), piped)?;
                    return Ok(value);
                }
                let name = self.argument()?.value;
                let name = name.into_iter().next().unwrap_or(Word::unknown(false));
                self.command(name, piped)
            }
            Some(c) if "'\"$(@[!{,+".contains(c) || is_single(c) || is_double(c) || c.is_ascii_digit() => {
                let value = self.expression()?;
                self.blanks(false);
                // `'text' > file`
                if let Some((length, append, false)) =
                    redirect(self.rest()).filter(|_| self.rest().starts_with('>'))
                {
                    self.at += length;
                    self.blanks(false);
                    if let Some(target) = self.argument()?.value.first() {
                        let target = (self.path(target, false), append);
                        self.scope.emit(&[literal("cat")], &[target], Some(&value));
                    }
                }
                self.leftovers()?;
                Ok(value)
            }
            Some(c) if is_dash(c) => {
                self.bump();
                // `-join` puts texts together.
                let joins = self.rest().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("join"));
                self.skip(if joins { 4 } else { 0 });
                let value = self.expression()?;
                self.leftovers()?;
                Ok(if joins { vec![value.iter().fold(Word::default(), concatenated)] } else { value })
            }
            Some(_) => {
                let name = self.argument()?.value;
                if self.at == from {
                    return Ok(Vec::new());
                }
                let name = name.into_iter().next().unwrap_or(Word::unknown(false));
                self.command(name, piped)
            }
        }
    }

    /// Goes past what is left of a statement that is no command.
    pub(super) fn leftovers(&mut self) -> Read {
        loop {
            self.blanks(false);
            match self.peek() {
                None | Some('\n' | ';' | '|' | '&' | ')' | '}') => return Ok(()),
                Some('{') => drop(self.block(None)?),
                _ => {
                    let from = self.at;
                    let argument = self.argument()?;
                    drop(argument);
                    if self.at == from {
                        self.bump();
                    }
                }
            }
        }
    }

    /// Says whether `$name =` or `[type]$name =` stands here.
    pub(super) fn assigns(&self) -> bool {
        let mut rest = self.near();
        while let Some(typed) = rest.strip_prefix('[') {
            let Some(end) = typed.find(']') else { return false };
            rest = typed[end + 1..].trim_start();
        }
        let Some(named) = rest.strip_prefix('$') else { return false };
        let named = named.trim_start_matches('{');
        let end = named.find(|c: char| !(c.is_alphanumeric() || "_:}".contains(c))).unwrap_or(named.len());
        let after = named[end..].trim_start_matches([' ', '\t']);
        let after = after.strip_prefix(['+', '?']).unwrap_or(after).trim_start_matches('?');
        end > 0 && after.starts_with('=') && !after.starts_with("==")
    }

    pub(super) fn assignment(&mut self) -> Read<Value> {
        let dollar = self.rest().find('$').ok_or(Unreadable)?;
        self.at += dollar + 1;
        let equals = self.rest().find('=').ok_or(Unreadable)?;
        let target = self.rest()[..equals].to_owned();
        self.at += equals + 1;
        let name =
            target.trim_end_matches([' ', '\t', '+', '?']).trim_matches(['{', '}']).to_ascii_lowercase();
        self.blanks(true);
        self.scope.table = None;
        let mut value = self.deeper(Self::statement)?;
        match self.scope.table.take() {
            Some(table) => drop(self.scope.tables.insert(name.clone(), table)),
            None => drop(self.scope.tables.remove(&name)),
        }
        if target.ends_with('+')
            && let Some([first]) = self.scope.variables.get(&name).map(Vec::as_slice)
            && let [more] = value.as_slice()
        {
            value = vec![concatenated(first.clone(), more)];
        }
        if let Some(exported) = name.strip_prefix("env:") {
            let mut word = literal(&exported.to_ascii_uppercase());
            word.text.push('=');
            join(&mut word, &value);
            self.scope.emit(&[literal("export"), word], &[], None);
        }
        self.scope.variables.insert(name, value);
        Ok(Vec::new())
    }
}

/// Puts two texts together.
pub(super) fn concatenated(mut first: Word, second: &Word) -> Word {
    first.push(second);
    first
}
