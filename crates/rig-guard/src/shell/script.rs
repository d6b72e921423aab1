//! Scripts: files that are run by their path, and code that runs at another time.

use std::rc::Rc;

use super::program::Language;
use super::state::{INPUT, Item, PARAMETERS};
use super::word::{Word, base};
use super::wrap::Unwrapped;
use super::{Flow, Shell, Status};
use crate::index::Index;

/// How often a script may be inside of itself.
const MAX_INSIDE: usize = 1;
/// Where the programs of the system are. Nobody writes them by the way.
const SYSTEM: [&str; 8] = ["/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/nix/", "/snap/", "/System/"];
/// Files that shells run when they start or end.
const STARTED: &str = ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile \
    .zlogin .zlogout .kshrc .mkshrc .cshrc .tcshrc .login .logout .xinitrc .xsession .xprofile .envrc config.fish";
/// Scripts that git runs, in whatever directory it has been told to look for them. The rest of them have names that
/// other files have as well.
const HOOKS: &str = "applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg \
    post-commit pre-rebase post-checkout post-merge pre-push pre-receive proc-receive post-receive post-update \
    reference-transaction push-to-checkout pre-auto-gc post-rewrite sendemail-validate";
/// Variables that name a program to run.
const PROGRAMS: &str = "GIT_SSH_COMMAND GIT_EDITOR GIT_PAGER GIT_SEQUENCE_EDITOR GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS \
    GIT_PROXY_COMMAND EDITOR VISUAL PAGER MANPAGER LESSOPEN LESSCLOSE BROWSER PROMPT_COMMAND SYSTEMD_EDITOR SUDO_EDITOR \
    GIT_SSH KUBE_EDITOR BAT_PAGER SYSTEMD_PAGER FCEDIT RSYNC_CONNECT_PROG HGEDITOR SVN_EDITOR \
    SUDO_ASKPASS RSYNC_RSH CVS_RSH FZF_DEFAULT_COMMAND PSQL_PAGER PSQL_EDITOR";

/// Whether [`PROGRAMS`] may have a name.
static INDEX: Index<128> = {
    let mut index = Index::new();
    index.add_list(PROGRAMS, 0);
    index
};

/// A script that is being walked through.
#[derive(Debug)]
pub(super) struct Running {
    path: String,
    /// How many `&` led to it.
    forks: usize,
    /// How often it starts itself, whatever happens, and whether that is in the background.
    again: usize,
    background: bool,
}

impl Shell<'_> {
    /// Walks through a script that is run by its path. Without a language its first line tells.
    pub(super) fn script(
        &mut self,
        name: &str,
        path: &Word,
        arguments: Vec<Word>,
        language: Option<Language>,
    ) -> Flow<Status> {
        if language.is_none() {
            // A script may be one of a shell that reads this first.
            for file in self.started("bash", &[]) {
                self.unwrapped(name, &[], file)?;
            }
        }
        let absolute = self.path(path);
        let (guards, forks) = (self.guards, self.forks);
        let running = self.scripts.iter_mut().rev().find(|running| Some(&running.path) == absolute.as_ref());
        if let Some(running) = running.filter(|_| guards == 0) {
            running.again += 1;
            running.background |= running.forks < forks;
            if running.again > 1 && running.background {
                self.visitor.multiplies(&path.text)?;
            }
        }
        let Some((text, trusted, label)) = self.text_of(path) else { return Ok(Status::Unknown) };
        // The code before has written it: it is as good as typed.
        let slot = self.path(path).and_then(|path| self.state.get(&path).cloned());
        let typed = slot.is_some_and(|slot| !matches!(slot.items[..], [Item::Disk(_)]));
        let language = match language {
            None if path.text.ends_with(".ps1") => Some(Language::PowerShell),
            Some(Language::Shell) | None => first_line(&text),
            language => language,
        };
        let Some(language) = language else { return Ok(Status::Unknown) };
        let label = if name == label { label } else { format!("{name} {label}") };
        self.within(
            &label,
            |context| context.critical |= trusted,
            |shell| {
                shell.isolated(|shell| {
                    if language != Language::Shell {
                        shell.program_of(language, &text, typed)?;
                        return Ok(Status::Unknown);
                    }
                    shell.child(true);
                    shell.state.set("0", Item::Text(path.clone()));
                    shell.state.set(PARAMETERS, Item::Words(arguments));
                    let guards = std::mem::take(&mut shell.guards);
                    let path = absolute.unwrap_or_default();
                    shell.scripts.push(Running { path, forks: shell.forks, again: 0, background: false });
                    let status = shell.code(&text.to_code())?;
                    shell.scripts.pop();
                    shell.guards = guards;
                    Ok(status)
                })
            },
        )
    }

    /// Walks through a script in the shell itself.
    pub(super) fn sourced(&mut self, path: &Word) -> Flow<Status> {
        let Some((text, trusted, label)) = self.text_of(path) else {
            self.opened = true;
            return Ok(Status::Unknown);
        };
        self.within(
            &format!("source {label}"),
            |context| context.critical |= trusted,
            |shell| shell.code(&text.to_code()),
        )
    }

    /// Returns what stands in a script, whether somebody has taken it into the repository as it
    /// is, and its name.
    fn text_of(&mut self, path: &Word) -> Option<(Word, bool, String)> {
        let absolute = self.path(path)?;
        let label = path.text.clone();
        let inside =
            |step: &&Rc<str>| step.strip_suffix(&*label).is_some_and(|s| s.is_empty() || s.ends_with(' '));
        if self.context.chain.iter().filter(inside).count() > MAX_INSIDE {
            return None;
        }
        let absolute = match self.pick(&absolute) {
            Some(Item::Text(text)) => return Some((text, false, label)),
            Some(Item::Disk(original)) => original.to_string(),
            Some(_) => return None,
            None => absolute,
        };
        if absolute == "/dev/stdin" {
            return match self.pick(INPUT) {
                Some(Item::Text(text)) => Some((text, false, label)),
                _ => None,
            };
        }
        if SYSTEM.iter().any(|dir| absolute.starts_with(dir))
            || self.context.mounts.is_some()
            || self.context.elsewhere
        {
            return None;
        }
        let script = self.world.script(&absolute)?;
        Some((Word::literal(script.text.replace('\0', "")), script.trusted, label))
    }

    /// Follows files that are copied, moved or edited on the way.
    pub(super) fn copies(&mut self, name: &str, words: &[Word]) -> Flow {
        if !matches!(name, "cp" | "mv" | "ln" | "rsync" | "install" | "tee" | "dd" | "rm") {
            return Ok(());
        }
        let args: Vec<&Word> = words[1..].iter().filter(|w| !w.text.starts_with('-')).collect();
        match (name, args.as_slice()) {
            ("cp" | "mv" | "ln" | "rsync", [from, to]) | ("install", [.., from, to]) => {
                if name == "ln" {
                    self.link(words, from, to);
                }
                self.copy(from, to)?;
            }
            ("tee", files) => {
                let append = words.iter().any(|w| matches!(w.text.as_str(), "-a" | "--append"));
                if files.is_empty() {
                    return Ok(());
                }
                let item = self.pick(INPUT).unwrap_or(Item::Open);
                for file in files {
                    if let Some(path) = self.path(file).filter(|path| !path.starts_with("/dev/")) {
                        self.keep_file(&path, vec![item.clone()], append)?;
                    }
                }
            }
            ("dd", _) => {
                let target = words[1..].iter().find(|w| w.text.starts_with("of=")).map(|w| w.tail(3));
                let from = words[1..].iter().find(|w| w.text.starts_with("if=")).map(|w| w.tail(3));
                if let (Some(from), Some(target)) = (from, &target) {
                    self.copy(&from, target)?;
                } else if let Some(path) = target.and_then(|target| self.path(&target)) {
                    let item = self.pick(INPUT).unwrap_or(Item::Open);
                    self.keep_file(&path, vec![item], false)?;
                }
            }
            ("rm", files) => {
                for file in files {
                    if let Some(path) = self.path(file) {
                        self.state.put(&path, None);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Walks through text that is written to a file which is run later.
    pub(super) fn starts_later(&mut self, path: &str, text: &Word) -> Flow {
        let name = base(path);
        let within = |dirs: &[&str]| dirs.iter().any(|dir| path.contains(dir));
        let started =
            [STARTED, HOOKS].iter().any(|names| names.split_ascii_whitespace().any(|own| own == name))
                || within(&[
                    "/.git/hooks/",
                    "/.husky/",
                    "/.githooks/",
                    "/etc/profile",
                    "/etc/init.d/",
                    "/etc/cron.daily/",
                ])
                || within(&[
                    "/etc/cron.hourly/",
                    "/etc/cron.weekly/",
                    "/etc/cron.monthly/",
                    "/etc/bash",
                    "/etc/zsh",
                ])
                || path == "/etc/rc.local";
        let codes = if started && !name.ends_with(".sample") {
            match first_line(text) {
                Some(Language::Shell) => vec![text.to_code()],
                Some(language) => {
                    let change = |context: &mut super::Context| context.later = true;
                    return self.within(&format!("> {name}"), change, |shell| shell.program(language, text));
                }
                None => return Ok(()),
            }
        } else if within(&["/var/spool/cron/", "/etc/cron.d/"]) || path == "/etc/crontab" {
            jobs(text, !within(&["/var/spool/cron/"]))
        } else if name.ends_with(".service") || name.ends_with(".desktop") {
            let runs = |line: Word| {
                let (key, value) = line.text.split_once('=')?;
                let from = line.text.len() - value.trim_start_matches(['-', '@', ':', '+', '!']).len();
                key.starts_with("Exec").then(|| line.tail(from).to_code())
            };
            text.split('\n').filter_map(runs).collect()
        } else {
            return Ok(());
        };
        self.within(
            &format!("> {name}"),
            |context| context.later = true,
            |shell| {
                for code in codes {
                    shell.isolated(|shell| shell.code(&code))?;
                }
                Ok(())
            },
        )
    }

    /// Walks through the value of a variable that names a program to run.
    pub(super) fn names_program(&mut self, name: &str, item: &Item) -> Flow {
        let named = !INDEX.of(name).is_empty() && PROGRAMS.split_ascii_whitespace().any(|own| own == name);
        // A shell expands these when it shows them.
        let shown = matches!(name, "PS0" | "PS1" | "PS2" | "PS4");
        match item {
            Item::Text(text) if named && !text.text.is_empty() || shown && text.text.contains(['$', '`']) => {
                let code = text.to_code();
                let code = if shown { format!(": \"{}\"", code.replace('"', "\\\"")) } else { code };
                self.within(
                    name,
                    |context| context.later = true,
                    |shell| shell.isolated(|shell| shell.code(&code)).map(drop),
                )
            }
            _ => Ok(()),
        }
    }

    /// Reads the table that `crontab` takes over.
    pub(super) fn crontab(&mut self, words: &[Word], input: Option<&Word>) -> Unwrapped {
        let at = super::wrap::operand(words, "u", "");
        let table = match at {
            Some(at) if words[at].text != "-" => match self.contents(&words[at]) {
                Item::Text(text) => Some(text),
                Item::Disk(path) => self.world.script(&path).map(|script| Word::literal(script.text)),
                _ => None,
            },
            _ => input.cloned(),
        };
        table.map_or(Unwrapped::Itself, |table| Unwrapped::Later(jobs(&table, false)))
    }

    /// Reads the commands that `at` runs later.
    pub(super) fn at(&mut self, words: &[Word], input: Option<&Word>) -> Unwrapped {
        let file = words.windows(2).find(|pair| pair[0].text == "-f").map(|pair| &pair[1]);
        let text = match file {
            Some(file) => match self.contents(file) {
                Item::Text(text) => Some(text),
                Item::Disk(path) => self.world.script(&path).map(|script| Word::literal(script.text)),
                _ => None,
            },
            None => input.cloned(),
        };
        text.map_or(Unwrapped::Itself, |text| Unwrapped::Later(vec![text.to_code()]))
    }
}

/// Returns the commands of a table of jobs; in some a user stands before the command.
fn jobs(table: &Word, users: bool) -> Vec<String> {
    let command = |line: Word| {
        let text = line.text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let fields = if text.starts_with('@') { 1 } else { 5 } + usize::from(users);
        let mut rest = text;
        for _ in 0..fields {
            rest = rest.trim_start().split_once([' ', '\t'])?.1;
        }
        let from = line.text.len() - rest.len();
        // What is behind a `%` is the input.
        let code = line.tail(from);
        let end =
            code.text.find('%').filter(|at| !code.text[..*at].ends_with('\\')).unwrap_or(code.text.len());
        Some(code.head(end).to_code())
    };
    table.split('\n').filter_map(command).collect()
}

/// Returns the language that the first line of a script names; without one it is a shell's.
fn first_line(text: &Word) -> Option<Language> {
    let Some(line) = text.text.strip_prefix("#!") else { return Some(Language::Shell) };
    let line = line.lines().next().unwrap_or("");
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let first = words.next()?;
    let name = if first == "env" {
        words.find(|word| !word.starts_with('-') && !word.contains('='))?
    } else {
        first
    };
    Language::of(name)
}
