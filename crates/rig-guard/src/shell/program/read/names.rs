//! What the names in a program stand for: variables, other names of calls, and what loops go over.

use std::rc::Rc;

use super::texts::words;
use super::{Language, Reader, Token, Value, last, lists, text};
use crate::shell::word::Word;

/// How far is looked for the `for` of a comprehension, in tokens.
const COMPREHENSION: usize = 64;
/// Calls that do something with each of what they are called on.
const EACH: &str =
    "foreach each map each_with_index for_each find_all select filter forall iterate enum.each";

/// How long a value is that is kept, and another name, in bytes.
const MAX_VALUE: usize = 8 << 10;
const MAX_NAME: usize = 256;

/// Returns how much room a value takes.
fn size(value: &Value) -> usize {
    let of = |words: &[Word]| words.iter().map(|word| word.text.len() + 16 * (1 + word.marks.len())).sum();
    match value {
        Value::Text(word) => of(std::slice::from_ref(word)),
        Value::List(words) | Value::Named(_, words) => of(words),
        Value::Hash(fields) => fields.iter().map(|(name, words)| name.len() + of(words)).sum(),
        Value::Unknown => 0,
    }
}

fn plain(name: &str) -> &str {
    name.trim_start_matches(['$', '@', '%', '\\', '&'])
}

impl<'t> Reader<'t> {
    fn constant(&mut self, name: &str, value: Value) {
        // What is put together of itself again and again would grow without an end.
        let value = if size(&value) > MAX_VALUE { Value::Unknown } else { value };
        Rc::make_mut(&mut self.scope).constants.insert(plain(name).to_owned(), value);
    }

    fn alias(&mut self, name: &str, real: String) {
        if name != real && real.len() <= MAX_NAME {
            Rc::make_mut(&mut self.scope).aliases.insert(name.to_owned(), real);
        }
    }

    /// Returns the name that another one stands for.
    pub(super) fn resolved(&self, name: &str) -> String {
        let aliases = &self.scope.aliases;
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        // `$call("code")`
        let text = self.scope.constants.get(plain(name)).filter(|_| name.starts_with('$')).and_then(text);
        match (aliases.get(name), aliases.get(first), rest, text) {
            (Some(real), ..) => real.clone(),
            (None, Some(real), Some(rest), _) => format!("{real}.{rest}"),
            (None, _, None, Some(text)) if self.language == Language::Php => text.text.clone(),
            _ => name.to_owned(),
        }
    }

    /// Notes what a name stands for, where this is said here.
    pub(super) fn binds(&mut self, name: &'t str, at: usize) -> bool {
        match name {
            "from" if self.language == Language::Python => self.imports_from(at),
            "import" if self.language == Language::Python => self.imports(at + 1, None),
            "import" | "const" | "let" | "var" if self.language == Language::Node => {
                self.destructures(at + 1);
                return false;
            }
            _ => {}
        }
        let adds = (self.mark(at + 1, '+') || self.mark(at + 1, '.')) && self.mark(at + 2, '=');
        if adds {
            let (value, _) = self.value(at + 3, 0);
            self.extends(name, value);
            return true;
        }
        let colon = self.mark(at + 1, ':') && self.mark(at + 2, '=');
        let equals = self.mark(at + 1, '=') && !self.mark(at + 2, '=') && !self.mark(at + 2, '>');
        if !colon && !equals {
            // `list.append("x")`
            if let Some((object, call)) = name.rsplit_once('.')
                && lists("append push extend add unshift concat", call)
                && self.scope.constants.contains_key(plain(object))
                && self.mark(at + 1, '(')
            {
                for value in self.arguments(at + 1).unwrap_or_default() {
                    let value = if let Value::Text(word) = value { Value::List(vec![word]) } else { value };
                    self.extends(object, value);
                }
            }
            return false;
        }
        let from = at + 2 + usize::from(colon);
        let (value, end) = self.value(from, 0);
        let over =
            |at: usize| matches!(self.tokens.get(at), None | Some(Token::Mark('\n' | ';' | '}' | ')' | ',')));
        // `r = shutil.rmtree`, `x = require("fs").rmSync`
        let real = match (self.word_at(end.saturating_sub(1)), self.word_at(from)) {
            (Some(_), Some("require" | "__import__")) if end > from + 4 => {
                let module = match self.tokens.get(from + 2) {
                    Some(Token::Text(module)) => module.text.trim_start_matches("node:").to_owned(),
                    _ => String::new(),
                };
                self.word_at(end - 1).map(|call| format!("{module}.{call}"))
            }
            (Some(_), Some(own)) if end == from + 1 => Some(own.to_owned()),
            (Some(own), _) if end > from && over(end) && self.mark(end - 2, '.') => Some(own.to_owned()),
            _ => None,
        };
        let module = match (self.word_at(from), self.tokens.get(from + 2)) {
            (Some("require" | "__import__"), Some(Token::Text(module))) if self.past(from + 1) + 1 >= end => {
                Some(module.text.trim_start_matches("node:").to_owned())
            }
            (Some("getattr"), _) => self
                .arguments(from + 1)
                .and_then(|arguments| arguments.get(1).and_then(text).map(|name| name.text.clone())),
            _ => None,
        };
        let regex = self.language == Language::Node
            && (self.mark(from, '/')
                || self.word_at(from + usize::from(self.word_at(from) == Some("new"))) == Some("RegExp"));
        if regex {
            self.alias(name, "RegExp".to_owned());
        } else if let Some(real) = module.or(real.filter(|_| over(end))) {
            let real = self.resolved(&real);
            self.alias(name, real);
        }
        let ends = !matches!(self.tokens.get(end), Some(Token::Mark('.' | '[')));
        self.constant(name, if ends { value } else { Value::Unknown });
        true
    }

    fn extends(&mut self, name: &str, value: Value) {
        let Some(own) = Rc::make_mut(&mut self.scope).constants.get_mut(plain(name)) else { return };
        match (own, value) {
            (Value::Text(own), Value::Text(more)) => own.push(&more),
            (Value::List(own), more) => own.extend(words(more)),
            (own, _) => *own = Value::Unknown,
        }
        let own = self.scope.constants.get(plain(name)).map_or(0, size);
        if own > MAX_VALUE {
            self.constant(name, Value::Unknown);
        }
    }

    /// Reads `from shutil import rmtree as r, move`.
    fn imports_from(&mut self, at: usize) {
        if let (Some(module), Some("import")) = (self.word_at(at + 1), self.word_at(at + 2)) {
            self.imports(at + 3, Some(module));
        }
    }

    /// Reads the names behind `import`.
    fn imports(&mut self, mut at: usize, module: Option<&str>) {
        loop {
            let Some(name) = self.word_at(at) else {
                if self.mark(at, '(') || self.mark(at, '\n') && at > 0 && self.mark(at - 1, '(') {
                    at += 1;
                    continue;
                }
                return;
            };
            let real = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
            let own = self.word_at(at + 2).filter(|_| self.word_at(at + 1) == Some("as"));
            at += if own.is_some() { 3 } else { 1 };
            self.alias(own.unwrap_or(name), real);
            while self.mark(at, '\n') && self.mark(at + 1, ',') || self.mark(at, ',') {
                at += 1;
            }
            if !self.mark(at - 1, ',') {
                return;
            }
        }
    }

    /// Reads `{ execSync: x, spawn } = require("child_process")` and `{ execSync as x } from "child_process"`.
    fn destructures(&mut self, mut at: usize) {
        // `import * as cp from "child_process"`, `import fs from "fs"`
        if self.mark(at, '*') && self.word_at(at + 1) == Some("as") {
            at += 2;
        }
        if let (Some(own), Some("from"), Some(Token::Text(module))) =
            (self.word_at(at), self.word_at(at + 1), self.tokens.get(at + 2))
        {
            self.alias(own, module.text.trim_start_matches("node:").to_owned());
            return;
        }
        if !self.mark(at, '{') {
            return;
        }
        let end = self.past(at);
        let module = self.tokens[end.min(self.tokens.len())..].iter().take(8).find_map(|token| match token {
            Token::Text(module) => Some(module.text.trim_start_matches("node:").to_owned()),
            Token::Name(name) if name == "process.env" => Some(name.clone()),
            Token::Mark(';' | '\n') => None,
            _ => None,
        });
        let Some(module) = module else { return };
        let mut from = at + 1;
        while from < end {
            let Some(name) = self.word_at(from) else {
                from += 1;
                continue;
            };
            let linked = self.mark(from + 1, ':') || self.word_at(from + 1) == Some("as");
            let own = self.word_at(from + 2).filter(|_| linked).unwrap_or(name);
            if module == "process.env" {
                let value = self.variable(name);
                self.constant(own, Value::Text(value));
            } else {
                self.alias(own, format!("{module}.{name}"));
            }
            from += if linked { 3 } else { 1 };
        }
    }

    /// Notes the variables of a loop: `for d in ["a", "b"]`, `for r, d, f in os.walk("x")`,
    /// `for (const d of [...])`.
    pub(super) fn each(&mut self, mut at: usize) {
        let mut names = Vec::new();
        loop {
            match self.tokens.get(at) {
                Some(Token::Mark('(' | ',' | ')' | '[' | ']')) => {}
                Some(Token::Name(name)) if matches!(name.as_str(), "const" | "let" | "var" | "my") => {}
                Some(Token::Name(name)) if matches!(name.as_str(), "in" | "of") => break,
                Some(Token::Name(name)) if names.len() < 4 => names.push(name.clone()),
                _ => return,
            }
            at += 1;
        }
        let listed = self.word_at(at + 1).filter(|_| self.mark(at + 2, ':'));
        let value = match listed.and_then(|name| self.scope.constants.get(name)) {
            Some(value) => value.clone(),
            None => self.value(at + 1, 0).0,
        };
        // A test picks some of them, which are not known; one for files picks all of them.
        let picks = |at: usize| {
            let tests =
                matches!(self.word_at(at), Some("if" | "unless" | "when" | "filter" | "continue" | "next"));
            let kind = |name: &str| lists("is_file is_dir isfile isdir exists islink", &last(name));
            tests && !(at + 1..at + 3).any(|at| self.word_at(at).is_some_and(kind))
        };
        let picked = (at + 1..at + 40).any(picks) && value != Value::Unknown;
        let pattern = matches!(&value, Value::Text(word) if !word.marks.is_empty());
        self.over(&names, if picked && pattern { Value::Unknown } else { value });
    }

    /// Binds the variables of a loop to what it goes over.
    fn over(&mut self, names: &[String], value: Value) {
        if let [root, others @ ..] = names
            && !others.is_empty()
        {
            // `os.walk`: the directory, and the names in it.
            if let Value::Text(word) = &value
                && word.text.ends_with("/*")
            {
                let directory = Value::Text(word.head(word.text.len() - 2));
                let name = Value::Text(word.tail(word.text.len() - 1));
                self.constant(root, directory);
                others.iter().for_each(|other| self.constant(other, name.clone()));
                return;
            }
        }
        for name in names {
            self.constant(name, value.clone());
        }
    }

    /// Notes the variable of a comprehension, which stands behind its use: `[f.unlink() for f in files]`.
    pub(super) fn comprehends(&mut self, at: usize) {
        if self.language != Language::Python {
            return;
        }
        let mut depth = 0_usize;
        for n in at..self.tokens.len().min(at + COMPREHENSION) {
            match &self.tokens[n] {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                Token::Name(name) if name == "for" && depth == 1 => return self.each(n + 1),
                _ => {}
            }
        }
    }

    /// Notes the variable of a block: `files.forEach(f => ...)`, `files.each { |f| ... }`.
    pub(super) fn blocks(&mut self, name: &str, at: usize) {
        if !lists(EACH, &last(name)) {
            return;
        }
        let variable = (at + 1..at + 6).find_map(|n| {
            let name = self.word_at(n)?;
            let arrow = self.mark(n + 1, '=') && self.mark(n + 2, '>')
                || self.mark(n + 1, ')') && self.mark(n + 2, '=') && self.mark(n + 3, '>')
                || self.mark(n + 1, '|') && self.mark(n - 1, '|')
                || self.mark(n - 1, '(') && self.word_at(n - 2) == Some("function");
            arrow.then(|| name.to_owned())
        });
        let variable = variable.or_else(|| (self.language == Language::Jvm).then(|| "it".to_owned()));
        if let Some(variable) = variable
            && let Some(value) = self.called_on(name, at)
        {
            self.constant(&variable, value);
        }
    }

    /// Returns what a method is called on: a text, a list, or a call.
    pub(super) fn called_on(&self, name: &str, at: usize) -> Option<Value> {
        if let Some((object, _)) = name.rsplit_once('.') {
            return self.scope.constants.get(plain(object)).cloned();
        }
        let dot = at.checked_sub(1).filter(|dot| self.mark(*dot, '.'))?;
        self.before(dot)
    }

    /// Returns the value that ends before a place.
    fn before(&self, end: usize) -> Option<Value> {
        let mut from = end;
        loop {
            from = from.checked_sub(1)?;
            if matches!(self.tokens[from], Token::Mark(')' | ']' | '}')) {
                from = self.opening(from)?;
            }
            let Some(before) = from.checked_sub(1) else { break };
            let goes_on = match &self.tokens[before] {
                Token::Name(name) => !matches!(
                    name.as_str(),
                    "println"
                        | "print"
                        | "puts"
                        | "return"
                        | "await"
                        | "in"
                        | "of"
                        | "echo"
                        | "def"
                        | "val"
                        | "var"
                ),
                Token::Mark(')' | ']') => matches!(self.tokens[from], Token::Mark('(' | '[')),
                _ => false,
            };
            if goes_on {
                continue;
            }
            if !self.mark(before, '.') {
                break;
            }
            from = before;
        }
        match self.within(&self.tokens[..end]).value(from, 0).0 {
            Value::Unknown | Value::Named(..) | Value::Hash(_) => None,
            value => Some(value),
        }
    }

    /// Reads `module["call"](...)`.
    pub(super) fn by_text(&mut self, at: usize) {
        let before = at.checked_sub(1).map(|at| &self.tokens[at]);
        if !matches!(before, Some(Token::Name(_) | Token::Mark(')' | ']'))) {
            return;
        }
        if let Some(Token::Text(_)) = self.tokens.get(at + 1)
            && let end = self.past(at)
            && self.mark(end + 1, '(')
            && let (Value::Text(name), _) = self.value(at + 1, 0)
        {
            let module = self.word_at(at - 1).map(|name| self.resolved(name));
            let name = module.map_or_else(|| name.text.clone(), |module| format!("{module}.{}", name.text));
            self.called(&name, at, end + 1);
        }
    }

    /// Reads `unlink <~/*>` of Perl.
    pub(super) fn angle(&mut self, at: usize) {
        if self.word_at(at.wrapping_sub(1)) != Some("unlink") {
            return;
        }
        let end = (at..self.tokens.len().min(at + 16)).find(|n| self.mark(*n, '>'));
        let mut pattern = Word::default();
        for token in &self.tokens[at + 1..end.unwrap_or(at + 1)] {
            match token {
                Token::Name(name) if name.starts_with('$') => pattern.push_unknown(true, false),
                Token::Name(name) | Token::Number(name) => pattern.text.push_str(name),
                Token::Mark(c @ ('*' | '?')) => pattern.push_glob(*c),
                Token::Mark(c) => pattern.text.push(*c),
                _ => pattern.push_unknown(true, false),
            }
        }
        if !pattern.text.is_empty() {
            self.delete(&[Value::Text(pattern)], "-f");
        }
    }

    /// Reads `"code".!` and `Seq("name", "argument").!!` of Scala.
    pub(super) fn bang(&mut self, at: usize) {
        let Some(before) = at.checked_sub(1) else { return };
        if self.mark(at + 1, '=') || self.mark(before, '!') {
            return;
        }
        let end = if self.mark(before, '.') { before } else { at };
        let after = matches!(
            self.tokens.get(at + 1),
            None | Some(Token::Mark('!' | '<' | ';' | '\n' | ')' | '}' | '(' | '.'))
        );
        if after
            && end > 0
            && matches!(self.tokens[end - 1], Token::Text(_) | Token::Made(_) | Token::Mark(')' | ']'))
            && let Some(command) = self.before(end)
        {
            self.runs(&[command]);
        }
    }

    /// Reads `require("rimraf")("x")` and `require("rimraf").sync("x")`.
    pub(super) fn required(&mut self, at: usize) -> bool {
        let arguments = self.arguments(at + 1).unwrap_or_default();
        let Some(module) = arguments.first().and_then(text).and_then(Word::known).map(str::to_owned) else {
            return false;
        };
        let call = self.past(at + 1) + 1;
        let name = match self.word_at(call + 1).filter(|_| self.mark(call, '.')) {
            Some("sync" | "default") if self.mark(call + 2, '(') => {
                return self.loads(&module, ".sync", at, call + 2);
            }
            Some(_) => return false,
            None => "",
        };
        self.mark(call, '(') && self.loads(&module, name, at, call)
    }

    fn loads(&mut self, module: &str, call: &str, at: usize, from: usize) -> bool {
        let module = if module == "trash" { "del" } else { module };
        self.called(&format!("{module}{call}"), at, from);
        true
    }

    /// Returns the text of a token, where it is one.
    pub(super) fn spelled(&self, at: usize) -> Option<Word> {
        match self.tokens.get(at)? {
            Token::Text(text) => Some(text.clone()),
            Token::Made(parts) => Some(self.made(parts, 0)),
            Token::Name(name) => self.scope.constants.get(plain(name)).and_then(text).cloned(),
            _ => None,
        }
    }
}
