//! The calls in a program that start another program, delete, or set modes.

mod awk;
mod calls;
mod names;
mod remote;
mod stores;
mod texts;
mod value;
mod writes;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::tokens::{Token, tokens};
use super::{Action, Language};
use crate::shell::word::Word;
use value::Scope;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 32;

/// Looks up a variable of the environment.
pub(super) type Variable<'v> = &'v dyn Fn(&str) -> Option<Word>;

/// Returns what a program does.
pub(super) fn program(language: Language, text: &str, variable: Variable<'_>) -> Vec<Action> {
    let tokens = tokens(language, text);
    let scope = Scope { constants: BTreeMap::new(), aliases: BTreeMap::new(), variable };
    let mut reader = Reader { language, tokens: &tokens, scope: Rc::new(scope), actions: Vec::new() };
    reader.read();
    if language == Language::Tcl {
        reader.actions.extend(super::lines::tcl(text));
    }
    reader.actions
}

struct Reader<'t> {
    language: Language,
    tokens: &'t [Token],
    scope: Rc<Scope<'t>>,
    actions: Vec<Action>,
}

/// A value as far as it is literal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(Word),
    List(Vec<Word>),
    /// `shell=True`, `-R`: a name in the argument.
    Named(String, Vec<Word>),
    /// `{ recursive: true }`
    Hash(Vec<(String, Vec<Word>)>),
    Unknown,
}

fn text(value: &Value) -> Option<&Word> {
    if let Value::Text(word) = value { Some(word) } else { None }
}

fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|own| own == name)
}

/// Returns the value of a named argument, or of a field of one.
fn option<'a>(arguments: &'a [Value], name: &str) -> Option<&'a [Word]> {
    arguments.iter().find_map(|value| match value {
        Value::Named(own, words) if own == name => Some(words.as_slice()),
        Value::Hash(fields) => fields.iter().find(|(own, _)| own == name).map(|(_, words)| words.as_slice()),
        _ => None,
    })
}

impl<'t> Reader<'t> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            match token {
                Token::Run(code) => {
                    let code = self.made(code, 0);
                    self.actions.push(Action::Code(code));
                }
                Token::Name(name) => self.named(name, at),
                // `module["call"](...)`
                Token::Mark('[') => {
                    self.comprehends(at);
                    self.by_text(at);
                }
                Token::Mark('(') => self.comprehends(at),
                Token::Mark('<') if self.language == Language::Perl => self.angle(at),
                Token::Mark('!') if self.language == Language::Jvm => self.bang(at),
                _ => {}
            }
            if self.language == Language::Awk {
                self.awk(at);
            }
            at += 1;
        }
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at) == Some(&Token::Mark(mark))
    }

    fn word_at(&self, at: usize) -> Option<&'t str> {
        if let Some(Token::Name(name)) = self.tokens.get(at) { Some(name) } else { None }
    }

    fn named(&mut self, name: &'t str, at: usize) {
        if self.binds(name, at) {
            return;
        }
        if matches!(name, "for" | "foreach") {
            return self.each(at + 1);
        }
        let short = last(name);
        if short == "require" && self.required(at) {
            return;
        }
        if short == "fork" && self.loops(at) {
            return self.actions.push(Action::Multiplies(name.to_owned()));
        }
        if at > 0 && matches!(self.word_at(at - 1), Some("def" | "function" | "import" | "sub" | "fn" | "as"))
        {
            return;
        }
        self.blocks(name, at);
        let name = &*self.resolved(name);
        self.called(name, at, at + 1);
    }

    /// Says whether a call is all that a loop does, for ever: `fork while fork`, `while True: os.fork()`.
    fn loops(&self, at: usize) -> bool {
        let named = |at: usize, names: &[&str]| matches!(self.tokens.get(at), Some(Token::Name(name)) if names.contains(&name.as_str()));
        let assigned = at > 0 && (self.mark(at - 1, '=') || self.mark(at - 1, '!'));
        let after = at + if self.mark(at + 1, '(') { 3 } else { 1 };
        let before = (at.saturating_sub(5)..at).any(|n| named(n, &["while", "loop", "until"]));
        !assigned && (before || named(after, &["while", "until"]))
    }

    /// Reads the arguments of a call, with or without brackets.
    fn arguments(&self, mut at: usize) -> Option<Vec<Value>> {
        let bare = match self.tokens.get(at)? {
            Token::Mark('(') => false,
            // `system "rm"`, and `$\`rm\`` of zx.
            Token::Text(_) | Token::Made(_) | Token::Words(_) | Token::Name(_) | Token::Number(_) => true,
            Token::Mark('[' | '{') => self.language != Language::Python,
            _ => return None,
        };
        if bare && matches!(self.language, Language::Python | Language::Php | Language::R) {
            return None;
        }
        at += usize::from(!bare);
        let mut values = Vec::new();
        loop {
            let (value, end) = self.value(at, 0);
            values.push(value);
            let spaced = self.language == Language::Lisp || self.language == Language::Tcl;
            let apart = self.mark(end, ';') && self.language == Language::Julia;
            if self.mark(end, ',') || !bare && (apart || self.mark(end, '\n')) {
                at = end + 1;
            } else if spaced
                && end > at
                && matches!(self.tokens.get(end), Some(Token::Text(_) | Token::Name(_)))
            {
                at = end;
            } else {
                return Some(values);
            }
        }
    }
}

/// Returns the last part of a name, in small letters.
fn last(name: &str) -> String {
    name.rsplit(['.', ':', '>', '\\']).next().unwrap_or(name).to_ascii_lowercase()
}
