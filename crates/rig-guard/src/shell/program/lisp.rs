//! Lisp, Scheme and Clojure: what stands in brackets is a call.

use std::collections::BTreeMap;

use super::Action;
use super::read::Variable;
use super::tokens::text;
use crate::shell::escape::unescape;
use crate::shell::word::Word;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 48;

/// Calls that run a text as code, or texts as a command.
const RUNS: &str = "system system* shell-command async-shell-command shell-command-to-string call-process call-process-shell-command \
    process-lines process-file shell sh process process* run-program sys-system run-shell-command open-pipe open-pipe* \
    open-input-pipe open-output-pipe eshell-command make-process .exec processbuilder. shell-command-on-region compile \
    system/exit-code system*/exit-code process-call-with run-process process/shell exec launch-program subprocess";
/// The same, behind a name for the process and for a buffer.
const STARTS: &str = "start-process start-file-process start-process-shell-command";
/// Calls that delete a directory with everything in it, and a file.
const TREES: &str = "delete-directory delete-directory/files delete-tree delete-directory-tree delete-file-recursively rm-rf \
    delete-directory-recursively delete-dir";
const FILES: &str = "delete-file io/delete-file move-file-to-trash delete-if-exists";
/// Calls that move what is their first argument.
const MOVES: &str = "rename-file rename-file-or-directory fs/move rename-file-overwriting-target";
/// Calls that write what is their first argument.
const WRITES: &str = "spit with-temp-file write-region append-to-file with-output-to-file open-output-file call-with-output-file";
/// Calls that put texts together, or give back what they are given.
const TEXTS: &str = "concat str string-append expand-file-name file-name-as-directory io/file file path format string-join \
    concatenate substitute-in-file-name shell-quote-argument expand-home fs/expand-home build-path string->path pathname";

enum Node {
    Text(Word),
    Symbol(String),
    List(Vec<Node>),
}

/// Returns what a program does.
pub(super) fn program(code: &str, variable: Variable<'_>) -> Vec<Action> {
    let mut reader = Reader { actions: Vec::new(), known: BTreeMap::new(), variable };
    for node in parse(code) {
        reader.walk(&node);
    }
    reader.actions
}

/// Reads brackets; what is nested too deep stands in the deepest one.
fn parse(code: &str) -> Vec<Node> {
    let mut open: Vec<Vec<Node>> = vec![Vec::new()];
    let mut too_deep = 0_usize;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        let mut node = None;
        match c {
            ';' => used = rest.find('\n').unwrap_or(rest.len()),
            '"' => {
                let (inner, len) = quoted(rest);
                used = len;
                node = Some(Node::Text(text(&unescape(inner))));
            }
            '(' | '[' | '{' if open.len() > MAX_DEPTH => too_deep += 1,
            '(' | '[' | '{' => open.push(Vec::new()),
            ')' | ']' | '}' if too_deep > 0 => too_deep -= 1,
            ')' | ']' | '}' if open.len() > 1 => node = open.pop().map(Node::List),
            c if c.is_whitespace() || matches!(c, ')' | ']' | '}' | '\'' | '`' | ',' | '@' | '#') => {}
            _ => {
                let ends = |c: char| c.is_whitespace() || "()[]{}\";".contains(c);
                used = rest.find(ends).unwrap_or(rest.len()).max(used);
                node = Some(Node::Symbol(rest[..used].to_owned()));
            }
        }
        if let (Some(node), Some(list)) = (node, open.last_mut()) {
            list.push(node);
        }
        rest = &rest[used..];
    }
    while open.len() > 1 {
        let inner = open.pop().unwrap_or_default();
        if let Some(list) = open.last_mut() {
            list.push(Node::List(inner));
        }
    }
    open.pop().unwrap_or_default()
}

/// Returns what stands between the quotes at the start, and how long it is with them.
fn quoted(rest: &str) -> (&str, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '"' && !escaped {
            return (&rest[1..at], at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    (&rest[1..], rest.len())
}

struct Reader<'v> {
    actions: Vec<Action>,
    known: BTreeMap<String, Vec<Word>>,
    variable: Variable<'v>,
}

fn is(list: &str, name: &str) -> bool {
    let names = |name: &str| list.split_ascii_whitespace().any(|own| own == name);
    names(name) || name.rfind(['/', ':']).is_some_and(|at| names(&name[at + 1..]))
}

impl Reader<'_> {
    fn walk(&mut self, node: &Node) {
        let Node::List(list) = node else { return };
        if let [Node::Symbol(head), rest @ ..] = list.as_slice() {
            let head = head.to_ascii_lowercase();
            match (head.as_str(), rest) {
                (
                    "setq" | "define" | "def" | "defvar" | "defparameter" | "set!" | "let",
                    [Node::Symbol(name), value, ..],
                ) => {
                    self.bind(name, value);
                }
                _ => self.call(&head, rest),
            }
            // `(let ((c "code")) ...)`, `(let [c "code"] ...)`
            if let [value] = rest
                && !matches!(value, Node::Symbol(_))
            {
                self.bind(&head, value);
            }
        }
        for pair in list.windows(2) {
            if let [Node::Symbol(name), value @ Node::Text(_)] = pair
                && list.len() % 2 == 0
                && !matches!(list.first(), Some(Node::Symbol(head)) if is(RUNS, head))
            {
                self.bind(name, value);
            }
        }
        for inner in list {
            self.walk(inner);
        }
    }

    fn bind(&mut self, name: &str, value: &Node) {
        let words = self.words(value);
        if !words.is_empty() {
            self.known.insert(name.to_ascii_lowercase(), words);
        }
    }

    fn call(&mut self, head: &str, rest: &[Node]) {
        let program = |name: &str| [name, "--"].map(Word::literal).to_vec();
        if is(RUNS, head) || is(STARTS, head) {
            let skipped = if is(STARTS, head) { 2.min(rest.len()) } else { 0 };
            let words: Vec<Word> = rest[skipped..].iter().flat_map(|node| self.words(node)).collect();
            match words.as_slice() {
                [] => {}
                [first, ..] if first.text.contains(' ') => self.actions.push(Action::Code(first.clone())),
                words => self.actions.push(Action::Command(words.to_vec())),
            }
            return;
        }
        let Some(path) = rest.first().map(|node| self.words(node)).filter(|words| !words.is_empty()) else {
            return;
        };
        if is(TREES, head) {
            let words = ["rm", "-rf", "--"].map(Word::literal).into_iter().chain(path);
            let alone = head == "delete-directory"
                && !rest[1..]
                    .iter()
                    .any(|node| matches!(node, Node::Symbol(s) if s == "t" || s == ":recursive"));
            if !alone {
                self.actions.push(Action::Command(words.collect()));
            }
        } else if is(FILES, head) {
            let words = ["rm", "-f", "--"].map(Word::literal).into_iter().chain(path);
            self.actions.push(Action::Command(words.collect()));
        } else if is(MOVES, head) {
            let target = rest.get(1).map(|node| self.words(node)).unwrap_or_default();
            let words = program("mv").into_iter().chain(path).chain(target);
            self.actions.push(Action::Command(words.collect()));
        } else if is(WRITES, head) {
            let path = if head == "write-region" || head == "append-to-file" {
                rest.get(2).map(|node| self.words(node)).unwrap_or_default()
            } else {
                path
            };
            if !path.is_empty() {
                self.actions.push(Action::Command(program("tee").into_iter().chain(path).collect()));
            }
        } else if is("cd chdir current-directory", head) {
            self.actions.extend(path.into_iter().next().map(Action::Enter));
        } else if is("set-file-modes chmod", head) {
            let mode = rest.iter().find_map(|node| match node {
                Node::Symbol(mode) => Some(match mode.strip_prefix(['o', 'O']) {
                    Some(octal) => octal.to_owned(),
                    None => format!("{:o}", mode.parse::<u32>().ok()?),
                }),
                _ => None,
            });
            let words = [Word::literal("chmod")].into_iter().chain(mode.map(Word::literal)).chain(path);
            self.actions.push(Action::Command(words.collect()));
        }
    }

    /// Returns the texts that a value comes to; those of a list one by one.
    fn words(&self, node: &Node) -> Vec<Word> {
        match node {
            Node::Text(word) => vec![word.clone()],
            Node::Symbol(name) => self.known.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default(),
            Node::List(list) => {
                let (head, rest) = match list.as_slice() {
                    [Node::Symbol(head), rest @ ..] => (head.to_ascii_lowercase(), rest),
                    list => ("list".to_owned(), list),
                };
                let inner = |rest: &[Node]| rest.iter().flat_map(|node| self.words(node)).collect::<Vec<_>>();
                match head.as_str() {
                    "list" | "quote" | "vector" | "list*" | "into-array" | "cons" => inner(rest),
                    "user-homedir-pathname" | "home" | "fs/home" | "find-system-path" => {
                        vec![Word::literal("~")]
                    }
                    head if is("getenv get-environment-variable posix-getenv", head) => {
                        let name = inner(rest).first().map(|name| name.text.clone()).unwrap_or_default();
                        vec![if name == "HOME" {
                            Word::literal("~")
                        } else {
                            (self.variable)(&name).unwrap_or(Word::unknown(true))
                        }]
                    }
                    head if is(TEXTS, head) => {
                        let mut word = Word::default();
                        for node in rest {
                            match self.words(node).as_slice() {
                                [] => word.push_unknown(true, false),
                                words => words.iter().for_each(|part| word.push(part)),
                            }
                        }
                        vec![word]
                    }
                    _ => Vec::new(),
                }
            }
        }
    }
}
