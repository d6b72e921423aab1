//! The calls in a program that start another program, delete, or set modes.

mod remote;
mod stores;
mod writes;

use std::collections::BTreeMap;

use super::tokens::{Token, tokens};
use super::{Action, Language};
use crate::shell::word::Word;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 32;

/// Calls that run a text as code, or a list as a command.
const RUNS: &str = "system popen popen2 popen3 popen4 exec execsync spawn spawnsync execfile execfilesync run call check_call \
    check_output getoutput getstatusoutput shell_exec passthru proc_open pcntl_exec execute os.execute shell shelljs.exec \
    capture2 capture2e capture3 pipeline startfile execa execacommand execasync sh $ zx system2 command startprocess \
    shell-command async-shell-command start-process call-process process.start create_subprocess_shell \
    create_subprocess_exec fork_exec runcommand exec! eshell-command";
/// Calls whose first argument is a program, and whose others are its arguments.
const EXECS: &str = "execv execve execvp execvpe posix_spawn posix_spawnp spawnv spawnve spawnvp spawnvpe";
const EXECLS: &str = "execl execle execlp execlpe spawnl spawnle spawnlp spawnlpe";
/// Calls that delete a directory with everything in it.
const TREES: &str = "rmtree rm_rf rm_r rmtree_ remove_entry remove_entry_secure remove_dir remove_tree remove_dir_all rimraf removesync \
    emptydir emptydirsync deletedirectory delete-directory deltree unlink_tree remove_all deleterecursively rimraf.sync del \
    delsync deletesync";
/// Calls that do so only where they are told to.
const RECURSIVE: &str = "rm rmsync rmdir rmdirsync removedirectory remove unlink";
/// The same, called on a path.
const OF_PATHS: &str = "rmtree deletedir deleterecursively";
/// Calls that move a file or a directory.
const MOVES: &str = "shutil.move os.rename os.renames fs.rename fs.move renamesync movesync fileutils.mv fileutils.move \
    file.rename";
/// Calls that delete a file.
const FILES: &str = "unlink unlinksync remove delete delete-file file.delete";
/// Calls that set modes.
const MODES: &str = "chmod chmodsync lchmod fchmod chmod_r";

/// Returns what a program does.
pub(super) fn program(language: Language, text: &str) -> Vec<Action> {
    let tokens = tokens(language, text);
    let mut reader = Reader { language, tokens: &tokens, constants: BTreeMap::new(), actions: Vec::new() };
    reader.read();
    if language == Language::Tcl {
        reader.actions.extend(super::lines::tcl(text));
    }
    reader.actions
}

struct Reader<'t> {
    language: Language,
    tokens: &'t [Token],
    /// Variables that hold a literal.
    constants: BTreeMap<&'t str, Value>,
    actions: Vec<Action>,
}

/// A value as far as it is literal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(Word),
    List(Vec<Word>),
    /// `recursive: true`, `shell=True`, `-R`: names in the argument.
    Named(String, Vec<Word>),
    Unknown,
}

fn text(value: &Value) -> Option<&Word> {
    if let Value::Text(word) = value { Some(word) } else { None }
}

fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|own| own == name)
}

impl<'t> Reader<'t> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            match token {
                Token::Run(code) => self.actions.push(Action::Code(code.clone())),
                Token::Name(name) => self.named(name, at),
                // `print > "file"` of awk.
                Token::Text(file) if self.language == Language::Awk && at > 0 && self.mark(at - 1, '>') => {
                    self.redirected(file);
                }
                // `print "..." | "cmd"` and `"cmd" | getline` of awk.
                Token::Text(code) if self.language == Language::Awk && self.piped(at) => {
                    self.actions.push(Action::Code(code.clone()));
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at) == Some(&Token::Mark(mark))
    }

    fn piped(&self, at: usize) -> bool {
        let after = self.mark(at + 1, '|')
            && matches!(self.tokens.get(at + 2), Some(Token::Name(n)) if n == "getline");
        after || at > 0 && self.mark(at - 1, '|') && !(at > 1 && self.mark(at - 2, '|'))
    }

    fn named(&mut self, name: &'t str, at: usize) {
        if self.mark(at + 1, '=') && !self.mark(at + 2, '=') && !self.mark(at + 2, '>') {
            let (value, end) = self.value(at + 2, 0);
            let ends = !matches!(self.tokens.get(end), Some(Token::Mark('.' | '[')));
            let value = if ends { value } else { Value::Unknown };
            self.constants.insert(name.trim_start_matches(['$', '@', '%', '\\']), value);
            return;
        }
        if matches!(name, "for" | "foreach") {
            return self.each(at + 1);
        }
        let short = name.rsplit(['.', ':', '>', '\\']).next().unwrap_or(name).to_ascii_lowercase();
        if short == "require" && self.required(at) {
            return;
        }
        let whole = name.to_ascii_lowercase();
        let called = |list: &str| lists(list, &short) || lists(list, &whole);
        self.writes(name, &short, &whole, at);
        if short == "fork" && self.loops(at) {
            return self.actions.push(Action::Multiplies(name.to_owned()));
        }
        self.actions.extend(self.stored(&short, at));
        self.actions.extend(self.requested(name, &short, at));
        self.actions.extend(self.by_library(name, &short, at));
        let known =
            [RUNS, EXECS, EXECLS, TREES, RECURSIVE, FILES, MODES, OF_PATHS, MOVES].into_iter().any(called);
        if !known
            || at > 0
                && matches!(self.tokens.get(at - 1), Some(Token::Name(n)) if n == "def" || n == "function" || n == "import")
        {
            return;
        }
        // `File.rm_rf!` of Elixir.
        let bang = usize::from(self.mark(at + 1, '!') && self.mark(at + 2, '('));
        let arguments = self.arguments(at + 1 + bang);
        if called(OF_PATHS)
            && !matches!(arguments.as_deref(), Some([Value::Text(_) | Value::List(_), ..]))
            && let Some(path) = self.receiver(name, at)
        {
            return self.delete(&[path], "-rf");
        }
        let Some(arguments) = arguments else { return };
        let texts: Vec<&Word> =
            arguments.iter().filter_map(|v| if let Value::Text(w) = v { Some(w) } else { None }).collect();
        let recursive = arguments
            .iter()
            .any(|v| matches!(v, Value::Named(name, _) if name == "recursive" || name == "force"))
            || short == "rmsync" && arguments.len() > 1;
        if called(EXECS) || called(EXECLS) {
            let mut words: Vec<Word> = Vec::new();
            let first =
                usize::from(short.starts_with("spawn") && !matches!(arguments.first(), Some(Value::Text(_))));
            for value in &arguments[first.min(arguments.len())..] {
                match value {
                    Value::Text(word) => words.push(word.clone()),
                    Value::List(list) => words.extend(list.iter().cloned()),
                    _ => {}
                }
            }
            // The program, and then its own name for itself.
            if words.len() > 1 && called(EXECS) || called(EXECLS) && words.len() > 1 {
                words.remove(0);
            }
            self.actions.push(Action::Command(words));
        } else if called(TREES) || called(RECURSIVE) && recursive {
            self.delete(&arguments, "-rf");
        } else if called(MODES) {
            self.modes(at + 1, &texts);
        } else if called(MOVES) && texts.len() > 1 {
            let words = ["mv", "--"].map(Word::literal).into_iter();
            self.actions.push(Action::Command(words.chain(texts.into_iter().cloned()).collect()));
        } else if called(FILES) {
            self.delete(&arguments, "-f");
        } else if called(RUNS) {
            self.runs(&arguments);
        }
    }

    /// Notes the variable of a loop over a literal list: `for d in ["a", "b"]`, `for (const d of [...])`.
    fn each(&mut self, mut at: usize) {
        while self.mark(at, '(')
            || matches!(self.tokens.get(at), Some(Token::Name(n)) if matches!(n.as_str(), "const" | "let" | "var" | "my"))
        {
            at += 1;
        }
        let (Some(Token::Name(variable)), Some(Token::Name(link))) =
            (self.tokens.get(at), self.tokens.get(at + 1))
        else {
            return;
        };
        if matches!(link.as_str(), "in" | "of") {
            let (value, _) = self.value(at + 2, 0);
            self.constants.insert(variable.trim_start_matches(['$', '@']), value);
        }
    }

    /// Reads `require("rimraf")("x")` and `require("rimraf").sync("x")`.
    fn required(&mut self, at: usize) -> bool {
        let arguments = self.arguments(at + 1).unwrap_or_default();
        let deletes = matches!(arguments.first().and_then(text), Some(w) if matches!(w.text.as_str(), "rimraf" | "del" | "trash"));
        let mut call = self.past(at + 1) + 1;
        while self.mark(call, '.') || matches!(self.tokens.get(call), Some(Token::Name(_))) {
            call += 1;
        }
        if !deletes || !self.mark(call, '(') {
            return false;
        }
        let arguments = self.arguments(call).unwrap_or_default();
        self.delete(&arguments, "-rf");
        true
    }

    /// Says whether a call is all that a loop does, for ever: `fork while fork`, `while True: os.fork()`.
    fn loops(&self, at: usize) -> bool {
        let named = |at: usize, names: &[&str]| matches!(self.tokens.get(at), Some(Token::Name(name)) if names.contains(&name.as_str()));
        let assigned = at > 0 && (self.mark(at - 1, '=') || self.mark(at - 1, '!'));
        let after = at + if self.mark(at + 1, '(') { 3 } else { 1 };
        let before = (at.saturating_sub(5)..at).any(|n| named(n, &["while", "loop", "until"]));
        !assigned && (before || named(after, &["while", "until"]))
    }

    fn delete(&mut self, arguments: &[Value], option: &str) {
        let mut words = vec![Word::literal("rm"), Word::literal(option), Word::literal("--")];
        match arguments.first() {
            Some(Value::Text(word)) => words.push(word.clone()),
            Some(Value::List(list)) => words.extend(list.iter().cloned()),
            _ => words.push(Word::unknown(false)),
        }
        if self.language == Language::Perl || self.language == Language::Tcl {
            words.extend(
                arguments
                    .iter()
                    .skip(1)
                    .filter_map(|v| if let Value::Text(w) = v { Some(w.clone()) } else { None }),
            );
        }
        self.actions.push(Action::Command(words));
    }

    fn modes(&mut self, from: usize, texts: &[&Word]) {
        let end = (from..self.tokens.len())
            .find(|at| self.mark(*at, ')') || self.mark(*at, ';') || self.mark(*at, '\n'));
        let numbers = self.tokens[from..end.unwrap_or(self.tokens.len())].iter();
        // `oct("0777")`, `int("777", 8)`
        let converts = |name: &str| lists("oct octdec int parseint hex to_i", &name.to_ascii_lowercase());
        let converted =
            self.tokens[from..end.unwrap_or(self.tokens.len())].windows(3).find_map(|t| match t {
                [Token::Name(name), Token::Mark('('), Token::Text(digits)] if converts(name) => {
                    Some(digits.text.trim_start_matches("0o").to_owned())
                }
                _ => None,
            });
        let mode = numbers.clone().find_map(|token| match token {
            Token::Number(number) => {
                let digits = number.trim_start_matches("0o").trim_start_matches("0O");
                let octal = number.len() > digits.len() || number.starts_with('0');
                let value = if octal { u32::from_str_radix(digits, 8) } else { number.parse() };
                value.ok().map(|value| format!("{value:o}"))
            }
            _ => None,
        });
        let everybody = || {
            let names = from..self.past(from).min(self.tokens.len());
            let wanted = |at: usize| matches!(&self.tokens[at], Token::Name(n) if n.contains("S_IRWXO") || n.contains("S_IWOTH"));
            names.into_iter().any(|at| wanted(at) && !self.mark(at - 1, '~'))
        };
        let mode = converted.or(mode).or_else(|| everybody().then(|| "o+w".to_owned()));
        let mut words = vec![Word::literal("chmod")];
        words.extend(mode.map(Word::literal));
        words.extend(texts.iter().map(|word| (*word).clone()));
        // `chmodSync(path, "755")`
        let digits = |word: &Word| !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
        if let [_, path, mode] = words.as_slice()
            && digits(mode)
            && !digits(path)
        {
            words.swap(1, 2);
        }
        self.actions.push(Action::Command(words));
    }

    fn runs(&mut self, arguments: &[Value]) {
        match arguments {
            [Value::List(words), ..] => self.actions.push(Action::Command(words.clone())),
            [Value::Text(program), Value::List(words), ..] => {
                self.actions.push(Action::Command([std::slice::from_ref(program), words].concat()));
            }
            [Value::Text(first), rest @ ..] => {
                let others: Vec<Word> = rest.iter().filter_map(text).cloned().collect();
                let plain = !first.text.contains([' ', ';', '|', '&', '\n']);
                let separate = matches!(self.language, Language::Ruby | Language::Perl | Language::Lisp);
                let named = rest.iter().find_map(|value| match value {
                    Value::Named(name, words) if name == "args" => Some(words),
                    _ => None,
                });
                self.actions.push(match named {
                    Some(words) => Action::Command([std::slice::from_ref(first), words].concat()),
                    None if plain && (separate && !others.is_empty() || others.len() > 1) => {
                        Action::Command(std::iter::once(first.clone()).chain(others).collect())
                    }
                    None => Action::Code(first.clone()),
                });
            }
            _ => {}
        }
    }

    /// Reads the arguments of a call, with or without brackets.
    fn arguments(&self, mut at: usize) -> Option<Vec<Value>> {
        let bare = match self.tokens.get(at)? {
            Token::Mark('(') => false,
            // `system "rm"`, and `$\`rm\`` of zx.
            Token::Text(_) | Token::Words(_) | Token::Name(_) | Token::Number(_) => true,
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
            if self.mark(end, ',') || !bare && self.mark(end, '\n') {
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

    /// Reads an argument: texts that are put together, a list, or something else.
    fn value(&self, from: usize, depth: usize) -> (Value, usize) {
        let mut at = from;
        let mut word: Option<Word> = None;
        let mut list: Option<Vec<Word>> = None;
        let mut named: Option<String> = None;
        // `os.path.join(a, b)`
        let mut joined = false;
        let add = |word: &mut Option<Word>, part: &Word, slash: bool| {
            let own = word.get_or_insert_default();
            if slash && !own.text.ends_with('/') && *own != Word::default() && !part.text.starts_with('/') {
                own.text.push('/');
            }
            own.push(part);
        };
        while let Some(token) = self.tokens.get(at) {
            match token {
                Token::Text(part) => add(&mut word, part, joined),
                Token::Run(_) | Token::Number(_) => add(&mut word, &Word::unknown(false), joined),
                Token::Words(words) => list = Some(words.clone()),
                Token::Name(name) => {
                    let key = name.trim_start_matches(['$', '@', '%', '\\']);
                    let short = key.rsplit(['.', ':', '>']).next().unwrap_or(key);
                    let assigned = self.mark(at + 1, '=') && !self.mark(at + 2, '=')
                        || self.mark(at + 1, ':') && !self.mark(at + 2, ':');
                    let called = self.mark(at + 1, '(') || self.mark(at + 1, '[') || self.mark(at + 1, '{');
                    if assigned && word.is_none() && list.is_none() {
                        named = Some(short.to_owned());
                        at += 1;
                    } else if key == "require" && called {
                        // `require("path").join(...)`
                        at = self.past(at + 1);
                    } else if matches!(short, "homedir" | "home" | "userhome") || key.ends_with("env.HOME") {
                        add(&mut word, &Word::literal("~"), joined);
                    } else if called && matches!(short, "getcwd" | "cwd" | "pwd") {
                        add(&mut word, &Word::literal("."), joined);
                    } else if called
                        && (matches!(short, "environ" | "env" | "ENV" | "getenv" | "_ENV" | "_SERVER")
                            || matches!(key, "os.environ.get" | "Deno.env.get"))
                    {
                        let (inner, end) = self.value(at + 2, depth + 1);
                        let home = matches!(&inner, Value::Text(w) if w.text == "HOME")
                            || matches!(self.tokens.get(at + 2), Some(Token::Name(n)) if n == "HOME");
                        add(&mut word, &if home { Word::literal("~") } else { Word::unknown(true) }, joined);
                        at = end;
                    } else if called
                        && depth < MAX_DEPTH
                        && lists(
                            "join joinpath expanduser path purepath string str expand_path resolve normpath realpath abspath file new pathname r b u uri url",
                            &short.to_ascii_lowercase(),
                        )
                    {
                        joined |= short.to_ascii_lowercase().starts_with("join") || short == "resolve";
                        at += 2;
                        while !self.mark(at, ')') && at < self.tokens.len() {
                            let (inner, end) = self.value(at, depth + 1);
                            match inner {
                                Value::Text(inner) => add(&mut word, &inner, joined),
                                _ => add(&mut word, &Word::unknown(false), joined),
                            }
                            at = end + usize::from(self.mark(end, ',') || end == at);
                        }
                    } else {
                        match self.constants.get(key) {
                            Some(Value::Text(known)) => add(&mut word, known, joined),
                            Some(Value::List(known)) if word.is_none() => list = Some(known.clone()),
                            _ if matches!(short, "shell" | "True" | "true" | "recursive" | "sudo")
                                && word.is_none()
                                && named.is_none() =>
                            {
                                named = Some(short.to_owned())
                            }
                            _ => {
                                add(&mut word, &Word::unknown(false), joined);
                                if called && depth < MAX_DEPTH {
                                    at = self.past(at + 1);
                                }
                            }
                        }
                    }
                }
                Token::Mark('[' | '(' | '{') if depth < MAX_DEPTH => {
                    let first = word.is_none() && list.is_none();
                    let mut items = Vec::new();
                    let open = *token == Token::Mark('(');
                    let hash = *token == Token::Mark('{');
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
                            Value::Named(key, words) if hash => {
                                if matches!(key.as_str(), "args" | "recursive") || named.is_none() {
                                    (named, items) = (Some(key), words);
                                }
                            }
                            _ => items.push(Word::unknown(false)),
                        }
                        inside = end.max(inside + 1);
                    }
                    at = inside;
                    if open && !several && items.len() == 1 {
                        add(&mut word, &items[0], joined);
                    } else if first {
                        list = Some(items);
                    }
                }
                Token::Mark('+' | '.' | '&' | '/' | '~') => {
                    joined |= *token == Token::Mark('/') && self.language == Language::Python
                }
                Token::Mark(':') if word.is_none() => {}
                Token::Mark('=') if self.mark(at + 1, '>') => {
                    named = word.take().map(|w| w.text);
                    at += 1;
                }
                Token::Mark('\n') if word.is_none() && list.is_none() && depth > 0 => {}
                Token::Mark(_) => break,
            }
            at += 1;
        }
        let value = match (named, list, word) {
            (Some(name), list, word) => {
                Value::Named(name, list.unwrap_or_else(|| word.into_iter().collect()))
            }
            (None, Some(list), _) => Value::List(list),
            (None, None, Some(word)) => Value::Text(word),
            (None, None, None) => Value::Unknown,
        };
        (value, at.max(from))
    }
}
