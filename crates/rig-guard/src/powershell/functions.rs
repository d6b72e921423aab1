//! Functions, and tables that hold arguments.

use std::rc::Rc;

use super::read::{Argument, Reader};
use super::{Read, Scope, Unreadable, Value, literal, program, unknown};
use crate::shell::Word;

/// A function: its parameters with what they are by default, and its code.
#[derive(Clone, Debug)]
pub(super) struct Function {
    parameters: Vec<(String, Value)>,
    body: Rc<str>,
    called: bool,
}

impl Reader<'_, '_> {
    /// Reads `NAME(...) { ... }`. It runs when it is called.
    pub(super) fn function(&mut self) -> Read<Value> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "{(;".contains(c)).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        self.skip(end);
        self.blanks(true);
        // The code is read here to find its end, and what it does is forgotten.
        let (written, variables) = (self.scope.out.len(), self.scope.variables.clone());
        let from = self.at;
        if self.peek() == Some('(') {
            self.parenthesised()?;
            self.blanks(true);
        }
        let header = self.code[from..self.at].to_owned();
        if self.peek() != Some('{') {
            return Ok(Vec::new());
        }
        let from = self.at + 1;
        self.block(None)?;
        let body = self.code[from..self.at - 1].to_owned();
        self.scope.out.truncate(written);
        self.scope.variables = variables;
        let (inner, body) = parameters_of(&body);
        let mut parameters = read_parameters(self.scope, header.trim().trim_matches(['(', ')']))?;
        parameters.extend(read_parameters(self.scope, inner)?);
        self.scope.functions.insert(name, Function { parameters, body: Rc::from(body), called: false });
        Ok(Vec::new())
    }

    /// Runs a function of this name, if there is one.
    pub(super) fn calls(&mut self, name: &str, arguments: &[Argument], piped: Option<&[Word]>) -> Read<bool> {
        let Some(function) = self.scope.functions.get_mut(name) else { return Ok(false) };
        function.called = true;
        let function = function.clone();
        if self.scope.active.iter().any(|active| active == name) {
            return Ok(true);
        }
        let before = self.scope.variables.clone();
        for (parameter, value) in bound(&function.parameters, arguments) {
            self.scope.variables.insert(parameter, value);
        }
        if let Some(piped) = piped {
            self.scope.variables.insert("input".into(), piped.to_vec());
            self.scope.variables.insert("_".into(), piped.to_vec());
        }
        self.scope.active.push(name.to_owned());
        program(&function.body, self.scope)?;
        self.scope.active.pop();
        self.scope.variables = before;
        Ok(true)
    }

    /// Reads `@{ name = value; ... }`.
    pub(super) fn table(&mut self) -> Read<Value> {
        self.bump();
        let mut entries = Vec::new();
        loop {
            self.blanks(true);
            match self.peek().ok_or(Unreadable)? {
                '}' => break,
                ';' | ',' => drop(self.bump()),
                _ => {
                    let from = self.at;
                    let key = self.expression()?;
                    self.blanks(true);
                    if self.rest().starts_with('=') {
                        self.bump();
                        self.blanks(true);
                        let value = self.deeper(Self::statement)?;
                        let key = key.first().and_then(Word::known).unwrap_or_default().to_owned();
                        entries.push((key, value));
                    } else if self.at == from {
                        self.bump();
                    }
                }
            }
        }
        self.bump();
        self.scope.table = Some(entries);
        Ok(unknown())
    }

    /// Returns the arguments that `@name` stands for.
    pub(super) fn splatted(&self, name: &str) -> Vec<Argument> {
        let name = name.to_ascii_lowercase();
        if let Some(entries) = self.scope.tables.get(&name) {
            let option = |key: &str| Argument { value: vec![literal(&format!("-{key}"))], bare: true };
            let pair = |(key, value): &(String, Value)| {
                [option(key), Argument { value: value.clone(), bare: false }]
            };
            return entries.iter().flat_map(pair).collect();
        }
        match self.scope.variables.get(&name) {
            Some(value) => value
                .iter()
                .map(|word| Argument { value: vec![word.clone()], bare: word.text.starts_with('-') })
                .collect(),
            None => {
                let mut word = Word::default();
                word.push_unknown(true, true);
                vec![Argument { value: vec![word], bare: false }]
            }
        }
    }
}

/// Runs the functions that nothing has called, with arguments that are not known.
pub(super) fn uncalled(scope: &mut Scope) -> Read {
    let open = |f: &Function| !f.called;
    while let Some((name, function)) = scope.functions.iter_mut().find(|(_, f)| open(f)) {
        function.called = true;
        let (name, function) = (name.clone(), function.clone());
        let before = scope.variables.clone();
        for (parameter, value) in &function.parameters {
            let value = if value.is_empty() { vec![Word::unknown(false)] } else { value.clone() };
            scope.variables.insert(parameter.clone(), value);
        }
        scope.active.push(name);
        program(&function.body, scope)?;
        scope.active.pop();
        scope.variables = before;
    }
    Ok(())
}

/// Returns the values that parameters get from arguments.
fn bound(parameters: &[(String, Value)], arguments: &[Argument]) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = parameters.to_vec();
    let mut given = vec![false; parameters.len()];
    let mut rest = Vec::new();
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        at += 1;
        let option =
            argument.value.first().filter(|_| argument.bare).and_then(|word| word.text.strip_prefix('-'));
        let index = option.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let name = name.trim_end_matches(':');
            let exact = parameters.iter().position(|(own, _)| own == name);
            exact.or_else(|| parameters.iter().position(|(own, _)| own.starts_with(name)))
        });
        match index {
            Some(index) => {
                let next =
                    arguments.get(at).filter(|next| !next.bare || !next.value[0].text.starts_with('-'));
                at += usize::from(next.is_some());
                values[index].1 = next.map_or_else(|| vec![literal("True")], |next| next.value.clone());
                given[index] = true;
            }
            None => rest.push(argument.value.clone()),
        }
    }
    let mut rest = rest.into_iter();
    for (index, given) in given.into_iter().enumerate() {
        if !given && let Some(value) = rest.next() {
            values[index].1 = value;
        }
    }
    values.push(("args".to_owned(), rest.flatten().collect()));
    values
}

/// Splits a body into what stands in its `param(...)`, and what stands behind it.
fn parameters_of(body: &str) -> (&str, &str) {
    let lower = body.to_ascii_lowercase();
    let Some(at) = lower.find("param") else { return ("", body) };
    // Attributes alone may stand before.
    let before = body[..at].trim();
    let open = body[at + "param".len()..].trim_start();
    if !(before.is_empty() || before.starts_with('[') && before.ends_with(']')) || !open.starts_with('(') {
        return ("", body);
    }
    let mut depth = 0_usize;
    for (n, c) in open.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&open[1..n], &open[n + 1..]);
        }
    }
    ("", body)
}

/// Reads `[type]$name = value, ...`.
fn read_parameters(scope: &mut Scope, text: &str) -> Read<Vec<(String, Value)>> {
    let written = scope.out.len();
    let mut reader = Reader { scope, code: text, at: 0 };
    let mut parameters = Vec::new();
    loop {
        reader.blanks(true);
        match reader.peek() {
            None => break,
            Some('[') => {
                let mut depth = 0_usize;
                while let Some(c) = reader.bump() {
                    match c {
                        '[' => depth += 1,
                        ']' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            Some('$') => {
                reader.bump();
                let rest = reader.rest();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let name = rest[..end].to_ascii_lowercase();
                reader.skip(end);
                reader.blanks(true);
                let mut value = Vec::new();
                if reader.rest().starts_with('=') {
                    reader.bump();
                    reader.blanks(true);
                    value = reader.one()?.value;
                }
                parameters.push((name, value));
            }
            _ => drop(reader.bump()),
        }
    }
    reader.scope.out.truncate(written);
    Ok(parameters)
}
