//! Commands that run other commands.
//!
//! What a wrapper's own options look like stands in one [table]. Those that do more than hand on
//! the rest of their line are read here and in the modules beside.

mod ansible;
mod contain;
mod database;
mod debuggers;
mod editors;
mod git;
mod interpret;
mod items;
mod macros;
mod make;
mod options;
mod powershell;
mod table;
mod takers;

use super::assign::Assignment;
use super::package::{self, Scripts};
use super::program::Language;
use super::state::{INPUT, Item};
use super::word::{Word, base};
use super::{Flow, Shell};
use table::{Rest, SHELLS, Wrapper, lists};

/// What a command runs.
#[derive(Debug)]
pub(super) enum Unwrapped {
    /// Nothing but itself.
    Itself,
    /// The command that begins at a word.
    Rest {
        at: usize,
        /// It gets variables of its own.
        variables: Vec<Assignment>,
        /// It runs in another directory.
        directory: Option<Word>,
        /// It runs on another machine, or in another container.
        elsewhere: bool,
    },
    /// Other commands, made of its words.
    Commands(Vec<Vec<Word>>),
    /// Code.
    Code {
        code: String,
        /// A new shell runs it, with these for `$0` and so on; else the same shell does.
        arguments: Option<Vec<Word>>,
        elsewhere: bool,
    },
    /// Code that runs at another time.
    Later(Vec<String>),
    /// A command in a container of its own, with the directories that it sees.
    Contained { at: usize, mounts: Vec<(String, String)>, directory: Option<Word>, code: Option<String> },
    /// The code on its standard input.
    Input { arguments: Vec<Word> },
    /// A file.
    Script { at: usize, language: Option<Language> },
    /// Scripts of a package.
    Scripts(Scripts),
    /// A program in another language.
    Program { language: Language, text: Word },
    /// All of these.
    Many(Vec<Unwrapped>),
}

impl Unwrapped {
    fn words(at: usize) -> Self {
        Self::Rest { at, variables: Vec::new(), directory: None, elsewhere: false }
    }

    fn new_shell(code: String) -> Self {
        Self::Code { code, arguments: Some(Vec::new()), elsewhere: false }
    }
}

impl Shell<'_> {
    /// Says what a command of this name runs; `input` is what stands on its standard input.
    pub(super) fn unwrap(&mut self, name: &str, words: &[Word], input: Option<&Word>) -> Unwrapped {
        match name {
            name if SHELLS.contains(&name) => {
                let mut all = self.started(name, words);
                if all.is_empty() {
                    return shell(words);
                }
                all.push(shell(words));
                return Unwrapped::Many(all);
            }
            "xargs" | "gxargs" => {
                return match items::item_file(words) {
                    Some(file) => items::xargs(words, self.text_in(&file).as_ref()),
                    None => items::xargs(words, input),
                };
            }
            "parallel" | "sem" => {
                return match items::item_file(words) {
                    Some(file) => items::parallel(words, self.text_in(&file).as_ref()),
                    None => items::parallel(words, input),
                };
            }
            "find" | "gfind" => return items::find(words),
            "fd" | "fdfind" => return items::fd(words),
            "git" => return self.git(words),
            "docker" | "podman" | "nerdctl" | "finch" | "kubectl" | "oc" | "docker-compose" => {
                if let Some(contained) = contain::run(words, self.directory().as_deref()) {
                    return contained;
                }
            }
            "ansible" => return ansible::ansible(words),
            "nsenter" | "chroot" => {
                let cwd = if self.context.mounts.is_some() { self.directory() } else { None };
                let mounts = self.context.mounts.as_ref();
                if let Some(left) =
                    mounts.and_then(|mounts| contain::leave(name, words, mounts, cwd.as_deref()))
                {
                    return left;
                }
            }
            "pwsh" | "powershell" | "pwsh.exe" | "powershell.exe" | "pwsh-preview" => {
                return powershell::powershell(name, words, input);
            }
            "cmd" | "cmd.exe" => return powershell::batch(words, self.world.home()),
            "crontab" => return self.crontab(words, input),
            "at" | "batch" => return self.at(words, input),
            "m4" | "gm4" => return self.m4(words, input),
            "make" | "gmake" => return self.make(words, input),
            "npm" | "yarn" | "pnpm" | "bun" | "node" | "npm-run-all" | "npm-run-all2" | "run-s" | "run-p" => {
                if let Some(scripts) = self.package(name, words) {
                    return scripts;
                }
                let sub = words.get(1).map_or("", |word| &*word.text);
                let runs = name == "pnpm" && package::runs_programs(sub)
                    || name == "bun" && matches!(sub, "x" | "exec");
                if let Some(found) = wrapped_by(name, words).or_else(|| runs.then(|| Unwrapped::words(1))) {
                    return found;
                }
            }
            "ssh" | "autossh" if input.is_some() && wrapped_by(name, words).is_none() => {
                // The shell over there reads what stands on the input, and leaves nothing of it.
                let code = input.map(Word::to_code).unwrap_or_default();
                self.state.set(INPUT, Item::Open);
                let typed = Unwrapped::Code { code, arguments: Some(Vec::new()), elsewhere: true };
                return match options::code_options(name, words) {
                    Some(found) => Unwrapped::Many(vec![found, typed]),
                    None => typed,
                };
            }
            "screen" => {
                if let Some(found) = options::typed(words) {
                    return found;
                }
            }
            "tmux" => {
                if let Some(found) = options::tmux(words) {
                    return found;
                }
            }
            "uv" if words.last().is_some_and(|word| word.text == "-") && input.is_some() => {
                let text = input.cloned().unwrap_or_default();
                return Unwrapped::Program { language: Language::Python, text };
            }
            "bwrap" | "bubblewrap" => return options::bubblewrap(words).unwrap_or(Unwrapped::Itself),
            "newgrp" if input.is_some() && !words.iter().any(|w| w.text == "-c") => {
                return Unwrapped::Input { arguments: vec![words[0].clone()] };
            }
            // `runuser USER -c CODE`; behind `-u` stands a command.
            "runuser" if values(words, words.len(), "-u --user", "ugGsw").is_empty() => {
                let codes = values(words, words.len(), "-c --command --session-command", "cgGsw");
                if !codes.is_empty() {
                    return Unwrapped::Many(
                        codes.iter().map(|code| Unwrapped::new_shell(code.to_code())).collect(),
                    );
                }
            }
            _ => {}
        }
        if let Some(found) = self.client(name, words) {
            return found;
        }
        if let Some(found) = interpret::interpreter(name, words, input) {
            return found;
        }
        if let Some(found) = options::code_options(name, words) {
            return found;
        }
        let found = wrapped_by(name, words).or_else(|| options::behind(name, words));
        found.or_else(|| options::escapes(name, words, input)).unwrap_or(Unwrapped::Itself)
    }

    /// Returns what stands in a file that the code itself has written, or that is a pipe from other code.
    fn text_in(&mut self, file: &Word) -> Option<Word> {
        match self.contents(file) {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the files that a shell reads when it starts, because variables or options say so.
    pub(super) fn started(&mut self, name: &str, words: &[Word]) -> Vec<Unwrapped> {
        let variable = match name {
            "bash" | "rbash" => "BASH_ENV",
            "zsh" | "fish" | "csh" | "tcsh" => "",
            _ => "ENV",
        };
        let mut files = Vec::new();
        if let Some(slot) = self.state.get(variable).filter(|slot| slot.attributes.exported)
            && let [Item::Text(value)] = slot.items.as_slice()
            // `ENV=production` is something else.
            && (variable != "ENV" || value.text.contains(['/', '$', '`']))
        {
            // The shell expands the value before it takes it for a name.
            files.push(format!(". \"{}\"", value.to_code().replace('"', "\\\"")));
        }
        let option = |pair: &&[Word]| matches!(pair[0].text.as_str(), "--rcfile" | "--init-file");
        let files_of_options =
            words.windows(2).filter(option).map(|pair| format!(". {}", pair[1].to_quoted()));
        files.extend(files_of_options);
        files.into_iter().map(Unwrapped::new_shell).collect()
    }

    /// Looks at the words behind a program of which nothing is known: it may run them.
    pub(super) fn unknown_wrapper(&mut self, name: &str, words: &[Word]) -> Flow {
        let policy = self.world.policy();
        let named = |word: &Word| {
            word.known().is_some_and(|word| {
                let name = base(word);
                crate::rules::is_critical(name, policy) || matches!(name, "sudo" | "sh" | "bash")
            })
        };
        let behind = words.get(1..words.len().saturating_sub(1)).unwrap_or_default();
        let Some(at) = behind.iter().position(named).map(|at| at + 1) else { return Ok(()) };
        let known = takers::is_known(name) || table::wrappers(name).next().is_some();
        if known || self.context.chain.iter().any(|step| &**step == UNKNOWN) {
            return Ok(());
        }
        self.within(
            UNKNOWN,
            |context| context.critical = true,
            |shell| shell.isolated(|shell| shell.run(&words[at..], &[], &[], false)),
        )?;
        Ok(())
    }
}

/// Returns the names of shells.
pub(super) fn shells() -> impl Iterator<Item = &'static str> {
    SHELLS.into_iter()
}

/// The step of a chain for a program of which nothing is known.
const UNKNOWN: &str = "…";

/// Puts words together as `eval` and `ssh` do.
pub(super) fn join(words: &[Word]) -> String {
    words.iter().map(Word::to_code).collect::<Vec<_>>().join(" ")
}

/// Splits `NAME=value`, as `env` and `sudo` take it before the command.
pub(super) fn assignment(word: &Word) -> Option<Assignment> {
    let (name, value) = word.text.split_once('=')?;
    let valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    let whole = word.unknowns().all(|(at, _)| at > name.len());
    let item = || Item::Text(word.tail(word.text.len() - value.len()));
    (valid && whole).then(|| Assignment { name: name.to_owned(), item: item() })
}

/// Returns where the first word stands that is no option.
pub(super) fn operand(words: &[Word], short: &str, long: &str) -> Option<usize> {
    operand_from(words, 1, short, long)
}

fn operand_from(words: &[Word], from: usize, short: &str, long: &str) -> Option<usize> {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        if word.is_unknown() && word.may_split() && at + 1 < words.len() {
            // `$OPTS` in the place of options.
            at += 1;
            continue;
        }
        if text.len() < 2 || !text.starts_with('-') {
            break;
        }
        at += 1;
        let takes_next = match text.strip_prefix("--") {
            Some(_) => lists(long, text),
            None => text[1..].find(|c| short.contains(c)).is_some_and(|n| n + 2 == text.len()),
        };
        at += usize::from(takes_next);
    }
    (at < words.len()).then_some(at)
}

/// Returns the values of options among the words before `end`: `-c x`, `-cx`, `--code x`, `--code=x`.
pub(super) fn values(words: &[Word], end: usize, names: &str, short: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|_| at < end) {
        let text = word.text.as_str();
        at += 1;
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((text, None), |(name, value)| {
                (&text[..name.len() + 2], Some(word.tail(text.len() - value.len())))
            });
            if lists(names, name) {
                found.extend(value.or_else(|| words.get(at).cloned()));
            }
        } else if let Some(letters) = text.strip_prefix('-') {
            for (n, letter) in letters.char_indices() {
                let mut option = [b'-'; 5];
                let end = 1 + letter.encode_utf8(&mut option[1..]).len();
                let wanted = std::str::from_utf8(&option[..end]).is_ok_and(|option| lists(names, option));
                if wanted || short.contains(letter) {
                    let from = 1 + n + letter.len_utf8();
                    let attached = word.tail(from);
                    let apart = from == text.len() && attached.marks.is_empty();
                    if wanted {
                        found.extend(if apart { words.get(at).cloned() } else { Some(attached) });
                    }
                    at += usize::from(apart);
                    break;
                }
            }
        }
    }
    found
}

/// Returns what a wrapper of the table runs.
fn wrapped_by(name: &str, words: &[Word]) -> Option<Unwrapped> {
    let mut found = table::wrappers(name).map(|wrapper| wrapped(wrapper, name, words));
    found.find(|found| !matches!(found, Unwrapped::Itself))
}

fn wrapped(wrapper: &Wrapper, name: &str, words: &[Word]) -> Unwrapped {
    // The subcommands, which may stand behind options of the program itself.
    let mut from = 1;
    for sub in wrapper.sub.split(' ').filter(|sub| !sub.is_empty()) {
        match operand_from(words, from, wrapper.short, wrapper.long) {
            Some(at) if words[at].text == sub => from = at + 1,
            _ => return Unwrapped::Itself,
        }
    }
    if name == "env"
        && let Some(split) = options::split_string(words)
    {
        return split;
    }
    let at = if wrapper.dashes {
        words
            .iter()
            .position(|w| w.text == "--")
            .map(|at| at + 1)
            .filter(|at| *at > from && *at < words.len())
    } else {
        operand_from(words, from, wrapper.short, wrapper.long)
    };
    let end = at.unwrap_or(words.len());
    let inert = words[from..end.max(from)].iter().any(|w| lists(wrapper.inert, &w.text));
    if inert {
        return Unwrapped::Itself;
    }
    // `flock FILE -c CODE`, but `runuser -u USER bash -c CODE`.
    let scanned = if wrapper.rest == Rest::Words && wrapper.operands == 0 { end } else { words.len() };
    let codes = values(words, scanned, wrapper.code, wrapper.short);
    if !wrapper.code.is_empty() && !codes.is_empty() {
        let code = |word: &Word| Unwrapped::Code {
            code: word.to_code(),
            arguments: Some(Vec::new()),
            elsewhere: wrapper.elsewhere,
        };
        let mut all: Vec<Unwrapped> = codes.iter().map(code).collect();
        if wrapper.rest == Rest::Codes
            && let Some(at) = at
        {
            all.extend(words[at..].iter().map(code));
        }
        return Unwrapped::Many(all);
    }
    let Some(mut at) = at.map(|at| at + wrapper.operands) else { return Unwrapped::Itself };
    if wrapper.operands > 0 && words.get(at).is_some_and(|w| w.text == "--") {
        at += 1;
    }
    // `env -`
    if wrapper.assigns && name == "env" && words.get(at).is_some_and(|w| w.text == "-") {
        at += 1;
    }
    let mut variables = Vec::new();
    if wrapper.assigns {
        if matches!(name, "env" | "genv") {
            let gone = values(words, at, "-u --unset", wrapper.short).into_iter();
            variables.extend(gone.map(|word| Assignment { name: word.text, item: Item::Unset }));
        }
        while let Some(variable) = words.get(at).and_then(assignment) {
            variables.push(variable);
            at += 1;
        }
        at += usize::from(words.get(at).is_some_and(|w| w.text == "--"));
    }
    if at >= words.len() {
        return Unwrapped::Itself;
    }
    let directory = values(words, at, wrapper.directory, wrapper.short).pop();
    match wrapper.rest {
        Rest::Words => Unwrapped::Rest { at, variables, directory, elsewhere: wrapper.elsewhere },
        Rest::Code => Unwrapped::Code {
            code: join(&words[at..]),
            arguments: Some(Vec::new()),
            elsewhere: wrapper.elsewhere,
        },
        Rest::Codes => {
            let codes = words[at..].iter().map(|word| Unwrapped::new_shell(word.to_code()));
            // Keys may also be typed one word at a time.
            let whole = Unwrapped::new_shell(join(&words[at..]));
            Unwrapped::Many(codes.chain((words.len() - at > 1).then_some(whole)).collect())
        }
        Rest::Nothing => Unwrapped::Itself,
    }
}

/// Reads the command line of a shell.
fn shell(words: &[Word]) -> Unwrapped {
    let (mut at, mut code, mut input) = (1, false, false);
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let bundle = text.len() > 1 && text.starts_with(['-', '+']);
        match text {
            "-" | "--" => {
                at += 1;
                break;
            }
            "--rcfile" | "--init-file" => at += 1,
            "--command" => code = true,
            text if text.starts_with("--command=") => {
                return Unwrapped::new_shell(word.tail("--command=".len()).to_code());
            }
            text if text.starts_with("--") => {}
            _ if word.is_unknown() && word.may_split() && at + 1 < words.len() => {}
            text if bundle => {
                code |= text.starts_with('-') && text.contains('c');
                input |= text.starts_with('-') && text.contains('s');
                at += text.matches(['o', 'O']).count();
            }
            _ => break,
        }
        at += 1;
    }
    match words.get(at) {
        Some(word) if code => Unwrapped::Code {
            code: word.to_code(),
            arguments: Some(words[at + 1..].to_vec()),
            elsewhere: false,
        },
        Some(_) if !input => Unwrapped::Script { at, language: Some(Language::Shell) },
        _ => {
            let mut arguments = vec![words[0].clone()];
            arguments.extend(words.iter().skip(at).cloned());
            Unwrapped::Input { arguments }
        }
    }
}
