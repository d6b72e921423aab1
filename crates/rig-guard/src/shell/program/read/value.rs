//! Values of a program, as far as they are literal.

use std::collections::BTreeMap;

use super::texts::{any, fill, pattern, put_together, spaced, under, words};
use super::{MAX_DEPTH, Reader, Value, lists, text};
use crate::shell::decode;
use crate::shell::program::Language;
use crate::shell::program::tokens::{Part, Token, tokens};
use crate::shell::word::Word;

/// What is known of names.
#[derive(Clone)]
pub(super) struct Scope<'s> {
    /// Variables that hold a literal.
    pub(super) constants: BTreeMap<String, Value>,
    /// Other names of functions and modules.
    pub(super) aliases: BTreeMap<String, String>,
    /// The variables of the environment.
    pub(super) variable: &'s dyn Fn(&str) -> Option<Word>,
}

/// Calls that give back what they are given, or are called on, as far as it matters here.
const SAME: &str = "expanduser expandvars path purepath string str expand_path expand normpath realpath abspath file new pathname r b u \
    resolve split shlex.split shellsplit strip trim tostring to_s to_string encode decode freeze chomp to_charlist tolist \
    to_list tosequence toseq asjava concat quote text escape_string expand-file-name toabsolutepath topath fspath from bytes \
    toarray to_a arg args char_list binary normalize path.expand as.character unicode dedent replaceall uri url";
/// Calls that put paths together.
const JOINS: &str = "join joinpath file.path path.join resolve joinpath";
/// Calls that make a list.
const LISTS: &str = "c list seq listof arrayof array arrays.aslist list.of aslist mutablelistof vector vec tuple array.from set";
/// Calls that return what stands in a directory: its names alone, or with the directory.
const NAMES: &str = "listdir readdirsync readdir children entries each_child scandir readdir! ls! ls";
const PATHS: &str = "iterdir eachfile list.files dir_ls listfiles listfiles walk walkdir";
/// Calls that return what a pattern picks.
const PATTERNS: &str = "glob iglob rglob globsync glob.sync wildcard";
/// Calls that put values into a text.
const FORMATS: &str = "sprintf format string.format formatted printf";
/// Calls that decode base64.
const DECODES: &str = "b64decode atob base64_decode decode64 decode_base64 urlsafe_b64decode strict_decode64 base64decode \
    standard_b64decode base64.decode";

/// Calls that decode hexadecimal digits, in small letters.
const UNHEXES: &str = "fromhex unhexlify hex2bin decode_hex a2b_hex";

/// How long a text that is put together gets, in bytes, and how many items a list has.
const MAX_TEXT: usize = 64 << 10;
const MAX_ITEMS: usize = 2_000;

/// A value that is being read.
#[derive(Default)]
struct Open {
    word: Option<Word>,
    list: Option<Vec<Word>>,
    named: Option<String>,
    fields: Option<Vec<(String, Vec<Word>)>>,
    /// Texts are parts of a path.
    joined: bool,
}

impl Open {
    fn add(&mut self, part: &Word) {
        let slash = self.joined;
        let own = self.word.get_or_insert_default();
        if !own.text.is_empty() && own.text.len() + part.text.len() > MAX_TEXT {
            return;
        }
        if slash && !own.text.ends_with('/') && *own != Word::default() && !part.text.starts_with('/') {
            own.text.push('/');
        }
        own.push(part);
    }

    fn empty(&self) -> bool {
        self.word.is_none() && self.list.is_none()
    }

    fn put(&mut self, value: &Value) {
        match value {
            Value::Text(word) => self.add(word),
            Value::List(words) if self.word.is_none() => {
                let list = self.list.get_or_insert_default();
                list.extend(words.iter().take(MAX_ITEMS.saturating_sub(list.len())).cloned());
            }
            _ => self.add(&Word::unknown(false)),
        }
    }

    fn value(self) -> Value {
        match (self.named, self.fields, self.list, self.word) {
            (Some(name), _, list, word) => {
                Value::Named(name, list.unwrap_or_else(|| word.into_iter().collect()))
            }
            (None, Some(fields), ..) => Value::Hash(fields),
            (None, None, Some(list), _) => Value::List(list),
            (None, None, None, Some(word)) => Value::Text(word),
            (None, None, None, None) => Value::Unknown,
        }
    }
}

impl Reader<'_> {
    /// Returns what a text comes to, with the values that are put into it.
    pub(super) fn made(&self, parts: &[Part], depth: usize) -> Word {
        let mut word = Word::default();
        for part in parts {
            if word.text.len() > MAX_TEXT {
                break;
            }
            match part {
                Part::Text(text) => word.push(text),
                Part::Code(code) => {
                    let tokens = tokens(self.language, code);
                    let inside = self.within(&tokens);
                    match inside.value(0, depth + 1) {
                        (Value::Text(text), _) if depth < MAX_DEPTH && !tokens.is_empty() => word.push(&text),
                        (Value::List(list), _) if depth < MAX_DEPTH => word.push(&spaced(&list)),
                        _ => word.push_unknown(false, false),
                    }
                }
            }
        }
        word
    }

    /// Returns a reader for other tokens.
    pub(super) fn within<'t>(&self, tokens: &'t [Token]) -> Reader<'t>
    where
        Self: 't,
    {
        Reader { language: self.language, tokens, scope: self.scope.clone(), actions: Vec::new() }
    }

    /// Reads an argument: texts that are put together, a list, or something else.
    pub(super) fn value(&self, from: usize, depth: usize) -> (Value, usize) {
        let mut at = from;
        let mut open = Open::default();
        while let Some(token) = self.tokens.get(at) {
            match token {
                Token::Text(part) => open.add(part),
                Token::Made(parts) => open.add(&self.made(parts, depth)),
                // What is in backticks is a command, which something else runs.
                Token::Run(parts) if self.language == Language::Julia => open.add(&self.made(parts, depth)),
                Token::Run(_) | Token::Number(_) => open.add(&Word::unknown(false)),
                Token::Words(words) => open.list = Some(words.clone()),
                // What is behind it says when.
                Token::Name(name) if matches!(name.as_str(), "if" | "for" | "unless") && !open.empty() => {
                    break;
                }
                Token::Name(name) => at = self.name(name, at, from, depth, &mut open),
                Token::Mark('[' | '(' | '{') if depth < MAX_DEPTH => at = self.bracket(at, depth, &mut open),
                // `"..." % values`
                Token::Mark('%')
                    if open.word.is_some() && matches!(self.language, Language::Python | Language::Ruby) =>
                {
                    let (values, end) = self.value(at + 1, depth + 1);
                    let format = open.word.take().unwrap_or_default();
                    open.word = Some(fill(&format, &words(values)));
                    at = end.max(at + 1) - 1;
                }
                Token::Mark('*') if open.empty() => {}
                Token::Mark('+' | '.' | '&' | '/' | '~') => {
                    open.joined |= *token == Token::Mark('/') && self.language == Language::Python
                }
                Token::Mark('<') if self.language == Language::Elixir && self.mark(at + 1, '>') => at += 1,
                Token::Mark(':') if open.word.is_none() => {}
                Token::Mark('=') if self.mark(at + 1, '>') => {
                    open.named = open.word.take().map(|w| w.text);
                    at += 1;
                }
                Token::Mark('\n') if open.empty() && depth > 0 => {}
                Token::Mark(_) => break,
            }
            at += 1;
        }
        (open.value(), at.max(from))
    }

    /// Reads a name in a value; returns the last token that belongs to it.
    fn name(&self, name: &str, mut at: usize, from: usize, depth: usize, open: &mut Open) -> usize {
        let key = name.trim_start_matches(['$', '@', '%', '\\', '&']);
        let short = key.rsplit(['.', ':', '>']).next().unwrap_or(key);
        let lower = short.to_ascii_lowercase();
        let assigned = self.mark(at + 1, '=') && !self.mark(at + 2, '=') && !self.mark(at + 2, '>')
            || self.mark(at + 1, ':') && !self.mark(at + 2, ':');
        let called = self.mark(at + 1, '(') || self.mark(at + 1, '[') || self.mark(at + 1, '{');
        let deep = depth >= MAX_DEPTH;
        let method = at > from && self.mark(at - 1, '.') && !open.empty();
        let whole = || key.to_ascii_lowercase();
        let is = |list: &str| lists(list, &lower) || lists(list, &whole());
        if matches!(key, "new" | "await" | "return" | "raw")
            && matches!(self.tokens.get(at + 1), Some(Token::Name(_)))
        {
            return at;
        }
        if self.language == Language::Jvm
            && self.mark(at + 1, '[')
            && self.mark(at + 2, ']')
            && self.mark(at + 3, '{')
        {
            // `new String[] { ... }`
            return at + 2;
        }
        if assigned && open.empty() {
            open.named = Some(short.to_owned());
            return at + 1;
        }
        if key == "require" && called {
            // `require("path").join(...)`
            return self.past(at + 1);
        }
        if matches!(short, "homedir" | "home" | "userhome" | "user_home") || key.ends_with("env.HOME") {
            open.add(&Word::literal("~"));
            return at + usize::from(self.mark(at + 1, '!'));
        }
        if called && matches!(short, "getcwd" | "cwd" | "pwd") {
            open.add(&Word::literal("."));
            return at;
        }
        if called && !deep && self.is_environment(key, short) {
            let (inner, end) = self.value(at + 2, depth + 1);
            let variable = match (&inner, self.tokens.get(at + 2)) {
                (_, Some(Token::Name(name))) if !self.scope.constants.contains_key(name.as_str()) => {
                    name.clone()
                }
                (Value::Text(name), _) => name.text.clone(),
                _ => String::new(),
            };
            open.add(&self.variable(&variable));
            return end;
        }
        if self.language == Language::Vim && name.starts_with('$') {
            open.add(&self.variable(key));
            return at;
        }
        if key == "Dir" && self.mark(at + 1, '[') && !deep {
            let found = self.value(at + 2, depth + 1).0;
            open.add(&text(&found).map_or(Word::unknown(false), pattern));
            return self.past(at + 1);
        }
        if let Some(variable) = key.strip_prefix("process.env.") {
            open.add(&self.variable(variable));
            return at;
        }
        if called
            && !deep
            && (is(NAMES) || is(PATHS) || is(PATTERNS))
            && key != "ls"
            && let Some(found) = self.listing(key, at, depth, &lower, open)
        {
            open.word = None;
            open.joined = false;
            open.add(&found);
            return self.past(at + 1);
        }
        if called && !deep && is(LISTS) && !method {
            let mut inner = Open::default();
            let end = self.bracket(at + 1, depth, &mut inner);
            match (inner.list, inner.word) {
                (Some(words), _) => open.put(&Value::List(words)),
                (None, Some(word)) => open.put(&Value::List(vec![word])),
                (None, None) => open.put(&Value::Unknown),
            }
            return end;
        }
        let (object, _) = key.rsplit_once('.').unwrap_or(("", ""));
        let object = self.scope.constants.get(object).filter(|_| called);
        if called && !deep && lower == "join" && (method || object.is_some()) {
            if let Some(object) = object {
                open.put(object);
            }
            self.joins(at, depth, open);
            return self.past(at + 1);
        }
        if called
            && !deep
            && !method
            && is("join implode paste paste0 string.join")
            && let Some(joined) = self.joined(at, &lower)
        {
            open.add(&joined);
            return self.past(at + 1);
        }
        if called && !deep && is(FORMATS) {
            let arguments = self.arguments(at + 1).unwrap_or_default();
            let mut values = arguments.into_iter().flat_map(words);
            let format = match (method, object) {
                (true, _) => open.word.take(),
                (_, Some(Value::Text(format))) => Some(format.clone()),
                _ => values.next(),
            };
            let filled = fill(&format.unwrap_or(Word::unknown(false)), &values.collect::<Vec<_>>());
            open.add(&filled);
            return self.past(at + 1);
        }
        if called
            && !deep
            && (is(DECODES) || is(UNHEXES) || whole() == "buffer.from" || whole() == "base64.decode")
        {
            let (inner, _) = self.value(at + 2, depth + 1);
            let end = self.past(at + 1).min(self.tokens.len());
            let named = |name: &str| self.tokens[at..end].contains(&Token::Text(Word::literal(name)));
            let hex = is(UNHEXES) || lower == "from" && named("hex");
            let base64 = !hex && (lower != "from" || named("base64"));
            let known = text(&inner).and_then(Word::known);
            let decoded = if hex {
                known.and_then(decode::hex)
            } else {
                known.filter(|_| base64).and_then(decode::base64)
            };
            open.add(&decoded.map_or_else(|| words(inner).remove(0), Word::literal));
            return self.past(at + 1);
        }
        if called && !deep && is(SAME) && (method || object.is_some()) {
            if let Some(object) = object {
                open.put(object);
            }
            if lower == "concat" || lower == "resolve" {
                open.joined |= lower == "resolve";
                self.arguments(at + 1).unwrap_or_default().iter().for_each(|value| open.put(value));
            }
            return self.past(at + 1);
        }
        if called && !deep && (is(SAME) || is(JOINS)) {
            open.joined |= is(JOINS);
            at += 2;
            while !self.mark(at, ')') && at < self.tokens.len() {
                let (mut inner, end) = self.value(at, depth + 1);
                if let (Value::Text(word), "expandvars") = (&mut inner, &*lower) {
                    word.text = word.text.replace("${HOME}", "~").replace("$HOME", "~");
                }
                open.put(&inner);
                at = end + usize::from(self.mark(end, ',') || end == at);
            }
            return at;
        }
        match self.scope.constants.get(key) {
            Some(known @ Value::Text(_)) => open.put(known),
            Some(Value::List(known)) if open.word.is_none() => open.put(&Value::List(known.clone())),
            Some(Value::Hash(known)) if open.empty() => open.fields = Some(known.clone()),
            _ if matches!(short, "shell" | "True" | "true" | "TRUE" | "T" | "recursive" | "sudo")
                && open.word.is_none()
                && open.named.is_none() =>
            {
                open.named = Some(short.to_owned())
            }
            _ => {
                open.add(&Word::unknown(false));
                if called && !deep {
                    return self.past(at + 1);
                }
            }
        }
        at
    }

    fn is_environment(&self, key: &str, short: &str) -> bool {
        matches!(short, "environ" | "env" | "ENV" | "ENVIRON" | "getenv" | "get_env" | "_ENV" | "_SERVER")
            || matches!(
                key,
                "os.environ.get" | "environ.get" | "Deno.env.get" | "Bun.env" | "ENV.fetch" | "fetch_env"
            )
            || key == "System.getProperty"
    }

    /// Returns the value of a variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Word {
        match name {
            "HOME" | "user.home" => Word::literal("~"),
            name => (self.scope.variable)(name).unwrap_or(Word::unknown(true)),
        }
    }

    /// Returns what a call lists, as a pattern.
    fn listing(&self, key: &str, at: usize, depth: usize, lower: &str, open: &Open) -> Option<Word> {
        let (inner, _) = self.value(at + 2, depth + 1);
        let inner = text(&inner).cloned().filter(|_| !self.mark(at + 2, ')'));
        let object =
            key.rsplit_once('.').and_then(|(object, _)| self.scope.constants.get(object)).and_then(text);
        let object = object.cloned().or_else(|| open.word.clone());
        Some(if lists(PATTERNS, lower) {
            match (object, inner) {
                (Some(directory), Some(inner)) => under(&directory, &pattern(&inner)),
                (None, Some(inner)) => pattern(&inner),
                (Some(directory), None) => under(&directory, &any()),
                (None, None) => return None,
            }
        } else if lists(PATHS, lower) {
            under(&inner.or(object)?, &any())
        } else {
            inner.or(object)?;
            any()
        })
    }

    /// Reads `separator.join(list)` and `list.join(separator)`; the receiver is in `open`.
    fn joins(&self, at: usize, depth: usize, open: &mut Open) {
        let (argument, _) = self.value(at + 2, depth + 1);
        let (separator, list) = match (open.list.take(), open.word.take(), argument) {
            (Some(list), _, Value::Text(separator)) if !self.mark(at + 2, ')') => (separator.text, list),
            (Some(list), ..) => (",".to_owned(), list),
            (None, Some(separator), Value::List(list)) => (separator.text, list),
            (None, Some(directory), Value::Text(path)) => return open.add(&under(&directory, &path)),
            _ => return open.add(&Word::unknown(false)),
        };
        open.add(&put_together(&list, &separator));
    }

    /// Reads `join(separator, list)`; `None` where it is not that.
    fn joined(&self, at: usize, lower: &str) -> Option<Word> {
        if !matches!(self.language, Language::Perl | Language::Php | Language::R) {
            return None;
        }
        let arguments = self.arguments(at + 1)?;
        if self.language == Language::R {
            let words: Vec<Word> =
                arguments.into_iter().filter(|v| !matches!(v, Value::Named(..))).flat_map(words).collect();
            return Some(put_together(&words, if lower == "paste0" { "" } else { " " }));
        }
        let separator = arguments.first().and_then(text)?.text.clone();
        let words: Vec<Word> = arguments.into_iter().skip(1).flat_map(words).collect();
        Some(put_together(&words, &separator))
    }

    /// Reads what stands in brackets; returns the one that closes.
    fn bracket(&self, at: usize, depth: usize, open: &mut Open) -> usize {
        let first = open.word.is_none();
        let mut items = Vec::new();
        let mut fields: Vec<(String, Vec<Word>)> = Vec::new();
        let round = self.mark(at, '(');
        let hash = self.mark(at, '{');
        let mut inside = at + 1;
        let mut several = false;
        while !matches!(self.tokens.get(inside), None | Some(Token::Mark(']' | ')' | '}'))) {
            if self.mark(inside, '\n') || self.mark(inside, ',') {
                several |= self.mark(inside, ',');
                inside += 1;
                continue;
            }
            let (inner, end) = self.value(inside, depth + 1);
            match inner {
                Value::Text(inner) => items.push(inner),
                Value::List(inner) => items.extend(inner),
                Value::Named(key, words) if hash || self.language == Language::Elixir => {
                    fields.push((key, words))
                }
                Value::Hash(inner) if hash => fields.extend(inner),
                Value::Named(_, words) if round => items.extend(words),
                _ => items.push(Word::unknown(false)),
            }
            inside = end.max(inside + 1);
        }
        if round && !several && items.len() == 1 {
            open.add(&items[0]);
        } else if hash && !fields.is_empty() && open.empty() {
            open.fields = Some(fields);
        } else if first && !(open.list.is_some() && items.is_empty()) {
            open.list.get_or_insert_default().extend(items);
        }
        inside
    }
}
