//! What calls do.

use super::texts::{spaced, words};
use super::{Language, Reader, Token, Value, last, lists, option, text};
use crate::shell::program::Action;
use crate::shell::word::Word;

/// Calls that run a text as code, or a list as a command.
const RUNS: &str = "system popen popen2 popen3 popen4 exec execsync spawn spawnsync execfile execfilesync run call check_call \
    check_output getoutput getstatusoutput shell_exec passthru proc_open pcntl_exec execute os.execute shell shelljs.exec \
    capture2 capture2e capture3 pipeline startfile execa execacommand execacommandsync execasync sh $ zx system2 command \
    startprocess process.start create_subprocess_shell create_subprocess_exec fork_exec runcommand exec! runprogram \
    processbuilder process cross-spawn cross-spawn.sync execasync systemlist job_start jobstart termopen term_start \
    system.cmd os.cmd os:cmd muontrap.cmd getexitcode readpipe xp_cmdshell doshellscript run_command run! spawn.sync";
/// Calls whose first arguments are handles, and the others a command.
const HANDLES: &str = "open3 open2 run3";
/// Calls whose first argument is a program, and whose others are its arguments.
const EXECS: &str = "execv execve execvp execvpe posix_spawn posix_spawnp spawnv spawnve spawnvp spawnvpe";
const EXECLS: &str = "execl execle execlp execlpe spawnl spawnle spawnlp spawnlpe";
/// Calls that run a text as a program of the same language.
const EVALS: &str = "eval exec compile instance_eval class_eval module_eval code.eval_string eval_string function loadstring \
    load vm.runinnewcontext vm.runinthiscontext runinthiscontext runinnewcontext evaluate assert";
/// Calls that call what their first argument names.
const APPLIES: &str = "call_user_func call_user_func_array array_map array_walk register_shutdown_function send public_send \
    __send__ apply do.call sapply lapply getattr";
/// Calls that delete a directory with everything in it.
const TREES: &str = "rmtree rm_rf rm_r rmtree_ remove_entry remove_entry_secure remove_dir remove_tree remove_dir_all rimraf removesync \
    emptydir emptydirsync deletedirectory delete-directory deltree unlink_tree remove_all deleterecursively rimraf.sync del \
    delsync deletesync rimrafsync del.sync del_dir_r dir_delete deletedir delete_tree";
/// Calls that do so only where they are told to.
const RECURSIVE: &str = "rm rmsync rmdir rmdirsync removedirectory remove unlink delete";
/// The same, called on a path.
const OF_PATHS: &str = "rmtree deletedir deleterecursively";
/// Calls that move a file or a directory.
const MOVES: &str = "shutil.move os.rename os.renames fs.rename fs.move renamesync movesync fileutils.mv fileutils.move \
    file.rename file:rename file.copy.move file_move";
/// The same, in languages where they have no module before them.
const PLAIN_MOVES: &str = "rename move mv";
/// Calls that delete a file.
const FILES: &str = "unlink unlinksync remove delete delete-file file.delete file.rm file.rm!";
/// Calls that set modes.
const MODES: &str = "chmod chmodsync lchmod fchmod chmod_r";
/// Calls that change the directory.
const ENTERS: &str = "chdir os.chdir process.chdir dir.chdir file.cd file.cd! setwd deno.chdir";

impl Reader<'_> {
    /// Reads a call of this name; its arguments begin at `from`.
    pub(super) fn called(&mut self, name: &str, at: usize, from: usize) {
        let (short, whole) = (last(name), name.to_ascii_lowercase());
        let is = |list: &str| lists(list, &short) || lists(list, &whole);
        self.writes(name, &short, &whole, at, from);
        self.actions.extend(self.stored(&short, from));
        if from == at + 1 {
            self.actions.extend(self.requested(name, &short, at));
            self.actions.extend(self.by_library(name, &short, at));
        }
        if is(APPLIES) && self.applies(at, from) {
            return;
        }
        if self.module(name, from) || self.matches(&whole, at) {
            return;
        }
        let moves = is(MOVES)
            || matches!(self.language, Language::Perl | Language::Php | Language::Julia | Language::Vim)
                && lists(PLAIN_MOVES, &whole);
        let known = moves
            || [RUNS, HANDLES, EXECS, EXECLS, EVALS, TREES, RECURSIVE, FILES, MODES, OF_PATHS, ENTERS]
                .into_iter()
                .any(is)
            || matches!(self.language, Language::Perl | Language::Ruby) && short == "open"
            || self.language == Language::Elixir && short == "open"
            || self.language == Language::Erlang && short == "open_port";
        if !known {
            return;
        }
        // `File.rm_rf!` of Elixir.
        let from = from + usize::from(self.mark(from, '!') && self.mark(from + 1, '('));
        // `exec {"git"} "git", "push"`
        let from =
            if self.mark(from, '{') && self.language == Language::Perl { self.past(from) + 1 } else { from };
        let given = if self.mark(from, ',')
            && at > 0
            && matches!(&self.tokens[at - 1], Token::Mark('(' | ',' | '=' | '&' | '/'))
        {
            // `submit(os.system, "code")`
            Some(self.handed(from + 1))
        } else if self.mark(from, ')') && self.mark(from + 1, '(') {
            // `promisify(exec)("code")`
            self.arguments(from + 1)
        } else {
            self.arguments(from)
        };
        let given = match given.as_deref() {
            None | Some([] | [Value::Unknown]) if self.mark(from, '(') && self.mark(from + 1, ')') => {
                self.piped_in(at).map(|value| vec![value])
            }
            _ => given,
        };
        self.does(name, at, from, moves, given);
    }

    /// Notes what a call does with its arguments.
    fn does(&mut self, name: &str, at: usize, from: usize, moves: bool, arguments: Option<Vec<Value>>) {
        let (short, whole) = (last(name), name.to_ascii_lowercase());
        let is = |list: &str| lists(list, &short) || lists(list, &whole);
        if is(OF_PATHS)
            && !matches!(arguments.as_deref(), Some([Value::Text(_) | Value::List(_), ..]))
            && let Some(path) = self.receiver(name, at)
        {
            return self.delete(&[path], "-rf");
        }
        if short == "execute"
            && self.language == Language::Jvm
            && !matches!(arguments.as_deref(), Some([Value::Text(_) | Value::List(_), ..]))
            && let Some(command) = self.called_on(name, at)
        {
            return self.runs(&[command]);
        }
        let Some(arguments) = arguments else {
            // `$_ = "code"; system;`
            if short == "system" && self.language == Language::Perl {
                let topic = self.scope.constants.get("_").and_then(text).cloned();
                self.actions.extend(topic.map(Action::Code));
            }
            return;
        };
        let texts: Vec<&Word> = arguments.iter().filter_map(text).collect();
        let told = |name: &str| {
            option(&arguments, name).is_some()
                || arguments.iter().any(|v| matches!(v, Value::Named(own, _) if own == name))
        };
        let recursive = told("recursive") || told("force") || short == "rmsync" && arguments.len() > 1;
        if is(ENTERS) {
            self.actions.extend(texts.first().map(|word| Action::Enter((*word).clone())));
        } else if is(EXECS) || is(EXECLS) {
            let mut list: Vec<Word> = Vec::new();
            let first = usize::from(
                short.starts_with("spawn")
                    && !matches!(arguments.first(), Some(Value::Text(w)) if !w.is_unknown()),
            );
            for value in &arguments[first.min(arguments.len())..] {
                match value {
                    Value::Text(word) => list.push(word.clone()),
                    Value::List(words) => list.extend(words.iter().cloned()),
                    _ => {}
                }
            }
            // The program, and then its own name for itself.
            if list.len() > 1 {
                list.remove(0);
            }
            self.actions.push(Action::Command(list));
        } else if matches!(short.as_str(), "rm" | "mv" | "cp" | "chmod" | "rmtree")
            && texts.first().is_some_and(|word| word.text.starts_with('-'))
        {
            // `shelljs.rm("-rf", "x")`
            let words = std::iter::once(Word::literal(short)).chain(arguments.into_iter().flat_map(words));
            self.actions.push(Action::Command(words.collect()));
        } else if let (true, Some([path])) = (short == "delete", option(&arguments, "dir")) {
            // `delete(dir: "x")` of Ant.
            self.delete(&[Value::Text(path.clone())], "-rf");
        } else if is(TREES) && short != "delete" || is(RECURSIVE) && recursive || self.flagged(&short, &texts)
        {
            self.delete(&arguments, "-rf");
        } else if is(MODES) {
            self.modes(from, &texts);
        } else if moves {
            if let [source, target, ..] = texts[..] {
                let words = ["mv", "--"].map(Word::literal).into_iter();
                self.actions.push(Action::Command(words.chain([source.clone(), target.clone()]).collect()));
            }
        } else if is(FILES) {
            // In Lua and Python it also removes an empty directory, which is no more than that.
            self.delete(&arguments, "-f");
        } else if is(HANDLES) {
            let from =
                arguments.iter().rposition(|value| !matches!(value, Value::Text(w) if !w.is_unknown()));
            self.runs(&arguments[from.map_or(0, |at| at + 1)..]);
        } else if short == "open" || short == "open_port" {
            self.opens_pipe(&arguments);
        } else if self.evals(&short, &whole) {
            let code = texts.iter().rev().find(|word| !word.is_unknown()).map(|word| (*word).clone());
            self.actions.extend(code.map(|code| Action::Program(self.language, code)));
        } else if is(RUNS) {
            self.runs(&arguments);
        }
    }

    /// Says whether a call looks for a pattern in a text: `/x/.exec("text")`.
    fn matches(&self, whole: &str, at: usize) -> bool {
        if self.language != Language::Node || !(whole == "exec" || whole == "regexp.exec") {
            return false;
        }
        let before = at.checked_sub(2).filter(|_| self.mark(at - 1, '.'));
        let flags = before.filter(|at| self.word_at(*at).is_some()).and_then(|at| at.checked_sub(1));
        let made = before.filter(|at| self.mark(*at, ')')).and_then(|at| self.opening(at)?.checked_sub(1));
        whole == "regexp.exec"
            || flags.or(before).is_some_and(|at| self.mark(at, '/'))
            || made.and_then(|at| self.word_at(at)) == Some("RegExp")
    }

    /// Says whether a call of this name runs a program of the same language here.
    fn evals(&self, short: &str, whole: &str) -> bool {
        if !(lists(EVALS, short) || lists(EVALS, whole)) {
            return false;
        }
        match short {
            "exec" => self.language == Language::Python && whole == "exec",
            "function" => self.language == Language::Node,
            "load" | "loadstring" => self.language == Language::Lua,
            "compile" | "assert" => false,
            _ => true,
        }
    }

    /// Says whether a call deletes a tree by a word among its arguments: `delete("x", "rf")` of Vim.
    fn flagged(&self, short: &str, texts: &[&Word]) -> bool {
        self.language == Language::Vim
            && short == "delete"
            && texts.get(1).is_some_and(|flags| flags.text.contains('r'))
            || matches!(self.language, Language::Lua)
                && short == "delete"
                && texts.get(1).is_some_and(|f| f.text == "rf")
    }

    /// Reads `call_user_func("system", "code")`, `send(:system, "code")`, `getattr(os, "system")("code")`.
    fn applies(&mut self, at: usize, from: usize) -> bool {
        let Some(arguments) = self.arguments(from).filter(|_| self.mark(from, '(')) else { return false };
        let symbol = (from + 1..from + 5).find(|n| self.mark(*n, ':')).and_then(|n| self.word_at(n + 1));
        if let (Some(own), true) = (self.word_at(at), self.mark(self.past(from) + 1, '('))
            && own == "getattr"
        {
            let name = arguments.get(1).and_then(text).map(|name| name.text.clone());
            let end = self.past(from) + 1;
            if let Some(name) = name {
                self.called(&name, at, end);
            }
            return true;
        }
        let direct = self.word_at(from + 1).filter(|_| self.mark(from + 2, ','));
        let (name, skip) = match (arguments.first(), symbol) {
            (Some(Value::Text(name)), None) if name.known().is_some() && !name.text.is_empty() => {
                (name.text.clone(), 1)
            }
            (_, Some(symbol)) => (symbol.to_owned(), if self.mark(from + 1, ':') { 1 } else { 2 }),
            _ => match direct {
                Some(direct) => (direct.to_owned(), 1),
                None => return false,
            },
        };
        // `sapply(x, unlink)` names it last.
        if matches!(self.word_at(at), Some("sapply" | "lapply")) {
            return false;
        }
        let rest: Vec<Value> = arguments.into_iter().skip(skip).collect();
        let rest = match rest.as_slice() {
            // `apply(System, :cmd, ["git", ["push"]])`
            [Value::List(list)] if self.language == Language::Elixir && list.len() > 1 => {
                vec![Value::List(list.clone())]
            }
            _ => rest,
        };
        let whole = name.to_ascii_lowercase();
        let moves = lists(PLAIN_MOVES, &whole);
        self.does(&name, at, from, moves, Some(rest));
        true
    }

    /// Reads the arguments behind a function that is handed on with them.
    pub(super) fn handed(&self, mut at: usize) -> Vec<Value> {
        let mut values = Vec::new();
        loop {
            let (value, end) = self.value(at, 0);
            values.push(value);
            if !self.mark(end, ',') {
                break;
            }
            at = end + 1;
        }
        match option(&values, "args").map(<[Word]>::to_vec) {
            Some(words) => words.into_iter().map(Value::Text).collect(),
            None => values,
        }
    }

    /// Reads `sh.git("push", "--force")`: a module of Python whose calls are commands.
    fn module(&mut self, name: &str, from: usize) -> bool {
        let Some(command) = name.strip_prefix("sh.") else { return false };
        if self.language != Language::Python || !self.mark(from, '(') {
            return false;
        }
        let given = self.arguments(from).unwrap_or_default().into_iter().flat_map(words);
        let words = command.split('.').map(Word::literal).chain(given).collect();
        self.actions.push(Action::Command(words));
        true
    }

    /// Reads `open("code |")`, `open(F, "-|", "git", "push")`, `open("|code")` and `Port.open({:spawn, "code"})`.
    fn opens_pipe(&mut self, arguments: &[Value]) {
        if matches!(self.language, Language::Elixir | Language::Erlang) {
            if let Some(Value::List(list)) = arguments.first() {
                let code = list.iter().find(|word| !word.text.is_empty()).cloned();
                self.actions.extend(code.map(Action::Code));
            }
            return;
        }
        let Some(at) = arguments.iter().position(|v| text(v).is_some_and(|w| !w.text.is_empty())) else {
            return;
        };
        let Some(first) = text(&arguments[at]) else { return };
        match first.text.trim() {
            "-|" | "|-" => self.runs(&arguments[at + 1..]),
            mode if mode.starts_with('|') => {
                let from = first.text.find('|').map_or(0, |at| at + 1);
                self.actions.push(Action::Code(first.tail(from)));
            }
            mode if mode.ends_with('|') => {
                let to = first.text.rfind('|').unwrap_or(0);
                self.actions.push(Action::Code(first.head(to)));
            }
            _ => {}
        }
    }

    /// Returns what is handed to a call by `|>`.
    fn piped_in(&self, at: usize) -> Option<Value> {
        if !(at > 1 && self.mark(at - 1, '>') && self.mark(at - 2, '|')) {
            return None;
        }
        let ends = |at: &usize| matches!(self.tokens[*at], Token::Mark('\n' | ';' | '{' | '}' | '='));
        let from = (0..at - 2).rev().find(ends).map_or(0, |at| at + 1);
        Some(self.within(&self.tokens[..at - 2]).value(from, 0).0)
    }

    pub(super) fn delete(&mut self, arguments: &[Value], option: &str) {
        let mut words = vec![Word::literal("rm"), Word::literal(option), Word::literal("--")];
        match arguments.first() {
            Some(Value::Text(word)) => words.push(word.clone()),
            Some(Value::List(list)) => words.extend(list.iter().cloned()),
            _ => words.push(Word::unknown(false)),
        }
        if matches!(self.language, Language::Perl | Language::Tcl | Language::Ruby) {
            words.extend(arguments.iter().skip(1).filter_map(text).cloned());
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

    /// Notes what runs a text or a list.
    pub(super) fn runs(&mut self, arguments: &[Value]) {
        // `run(args=[...])`, `spawn({cmd: [...]})`
        let whole = option(arguments, "cmd").or_else(|| option(arguments, "command")).or_else(|| {
            option(arguments, "args")
                .filter(|_| !matches!(arguments.first(), Some(Value::Text(_) | Value::List(_))))
        });
        let command = match (whole, arguments) {
            (Some([word]), _) => self.text_or_command(std::slice::from_ref(word)),
            (Some(words), _) => Action::Command(words.to_vec()),
            (None, [Value::List(words), ..]) => self.text_or_command(words),
            (None, [Value::Text(program), Value::List(words), ..]) if !program.text.trim().contains(' ') => {
                Action::Command([std::slice::from_ref(program), words].concat())
            }
            // `spawn("git push", ["--force"], { shell: true })`, but not the arguments of a function.
            (None, [Value::Text(program), Value::List(words), ..])
                if words.iter().all(|word| !word.is_unknown()) =>
            {
                Action::Code(spaced(&[std::slice::from_ref(program), words].concat()))
            }
            (None, [Value::Text(first), rest @ ..]) => {
                let others: Vec<Word> = rest.iter().filter_map(text).cloned().collect();
                let plain = !first.text.contains([' ', ';', '|', '&', '\n']);
                let separate = matches!(self.language, Language::Ruby | Language::Perl | Language::Jvm);
                match option(rest, "args") {
                    Some(words) => Action::Command([std::slice::from_ref(first), words].concat()),
                    None if plain && (separate && !others.is_empty() || others.len() > 1) => {
                        Action::Command(std::iter::once(first.clone()).chain(others).collect())
                    }
                    None => Action::Code(first.clone()),
                }
            }
            _ => return,
        };
        let directory = option(arguments, "cwd")
            .or_else(|| option(arguments, "chdir"))
            .or_else(|| option(arguments, "cd"));
        let input = option(arguments, "input").or_else(|| option(arguments, "stdin"));
        if directory.is_none() && input.is_none() {
            return self.actions.push(command);
        }
        let mut code = match &command {
            Action::Command(words) => words.iter().map(Word::to_quoted).collect::<Vec<_>>().join(" "),
            Action::Code(code) => code.to_code(),
            _ => return,
        };
        if let Some([input]) = input.filter(|input| input.iter().all(|word| !word.is_unknown())) {
            code = format!("{code} <<< {}", input.to_quoted());
        }
        if let Some([directory]) = directory {
            let home = directory.text.starts_with('~');
            let directory = if home { directory.to_code() } else { directory.to_quoted() };
            code = format!("cd {directory} && {code}");
        }
        self.actions.push(Action::Code(super::super::tokens::text(&code)));
    }

    /// Takes a list for a command, but for code where it is a text with more than a name in it.
    fn text_or_command(&self, words: &[Word]) -> Action {
        match words {
            [first, ..] if first.text.contains(' ') && !first.text.starts_with('/') => {
                Action::Code(spaced(words))
            }
            _ => Action::Command(words.to_vec()),
        }
    }
}
