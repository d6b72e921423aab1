//! The values of variables and parameters.

use std::borrow::Cow;

use super::call::Mask;
use super::fields::SPACE;
use super::state::{DIRECTORY, Item, PARAMETERS, SEPARATORS};
use super::word::Word;
use super::{Shell, absolute};

/// How many `declare -n` are followed from one name to the next.
const MAX_REFERENCES: usize = 4;
/// Values of the environment that are shown as they are: places, not secrets.
const PLAIN: [&str; 7] = ["HOME", "PWD", "TMPDIR", "USER", "LOGNAME", "SHELL", "CLAUDE_PROJECT_DIR"];
/// Variables that shells set by themselves.
const OWN: [&str; 8] = ["HOME", "PWD", "OLDPWD", "REPLY", "OPTARG", "MAPFILE", "PIPESTATUS", "BASH_REMATCH"];
/// Parts of names of variables that hold a place to build in, to pack, or to try something: scripts and
/// documents write them in front of names of the system, and whoever runs them has set them.
const STAGES: &str = "build dest dist pkg package tmp temp stag root image img mnt mount target install sandbox \
    scratch work cache venv virtual conda";
/// Shorter values of the environment are shown as they are.
const SHORT: usize = 4;

impl Shell<'_> {
    /// Returns the value of a variable or parameter, where it has several the one that is tried.
    pub(super) fn variable(&mut self, name: &str) -> Item {
        let first = name.bytes().next().unwrap_or(0);
        if first.is_ascii_digit() {
            return self.parameter_at(name);
        }
        if !first.is_ascii_alphabetic() && first != b'_' {
            return self.special(name);
        }
        let name = &*self.referred(name);
        match self.pick(name) {
            Some(Item::Open) | None => self.initial(name),
            Some(item) => item,
        }
    }

    /// Returns the value of a variable as text; of an array that is its first element.
    pub(super) fn scalar(&mut self, name: &str) -> Item {
        match self.variable(name) {
            Item::List(list) => list.get(&0).cloned().map_or(Item::Unset, Item::Text),
            Item::Map(map) => map.get("0").cloned().map_or(Item::Unset, Item::Text),
            item => item,
        }
    }

    /// Returns the text of a variable, where it is known.
    pub(super) fn known(&mut self, name: &str) -> Option<String> {
        match self.scalar(name) {
            Item::Text(word) => word.known().map(str::to_owned),
            _ => None,
        }
    }

    /// Follows `declare -n`.
    pub(super) fn referred<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let mut name = Cow::Borrowed(name);
        for _ in 0..MAX_REFERENCES {
            let next = self.state.get(&*name).filter(|slot| slot.attributes.reference);
            match next.and_then(|slot| slot.items.first()) {
                Some(Item::Text(word)) if word.known().is_some_and(|target| !target.is_empty()) => {
                    name = Cow::Owned(word.text.clone());
                }
                _ => break,
            }
        }
        name
    }

    fn parameter_at(&mut self, name: &str) -> Item {
        let Ok(number) = name.parse::<usize>() else { return Item::Open };
        if number == 0 {
            return self.pick("0").unwrap_or(Item::Text(Word::unknown(false)));
        }
        if let Some(Item::Words(words)) = self.state.only(PARAMETERS) {
            return words.get(number - 1).cloned().map_or(Item::Unset, Item::Text);
        }
        match self.pick(PARAMETERS) {
            Some(Item::Words(words)) => words.get(number - 1).cloned().map_or(Item::Unset, Item::Text),
            _ => Item::Open,
        }
    }

    fn special(&mut self, name: &str) -> Item {
        let text = |text: String| Item::Text(Word::literal(text));
        match name {
            "#" => match self.pick(PARAMETERS) {
                Some(Item::Words(words)) => text(words.len().to_string()),
                _ => Item::Text(Word::unknown(false)),
            },
            "@" | "*" => match self.pick(PARAMETERS) {
                Some(Item::Words(words)) if words.is_empty() => Item::Unset,
                Some(item @ Item::Words(_)) => item,
                _ => Item::Open,
            },
            "?" | "$" | "-" => Item::Text(Word::unknown(false)),
            _ => Item::Open,
        }
    }

    /// Returns what a variable is that the code has not set.
    fn initial(&mut self, name: &str) -> Item {
        let known = |text: &str| Item::Text(Word::literal(text));
        match name {
            "HOME" => return self.world.home().map_or(Item::Open, known),
            "PWD" => return self.pick(DIRECTORY).unwrap_or(Item::Open),
            "IFS" => return known(" \t\n"),
            "RANDOM" | "SRANDOM" | "SECONDS" | "UID" | "EUID" | "PPID" | "BASHPID" | "EPOCHSECONDS"
            | "EPOCHREALTIME" | "HOSTNAME" | "BASH" | "BASH_VERSION" | "OSTYPE" | "HOSTTYPE" | "MACHTYPE"
            | "LINENO" | "SHLVL" | "COLUMNS" | "LINES" | "BASH_SOURCE" => {
                return Item::Text(Word::unknown(false));
            }
            _ => {}
        }
        if let Some(value) = self.world.variable(name).filter(|_| !self.context.elsewhere) {
            if value.len() >= SHORT && !PLAIN.contains(&name) {
                self.mask(name, &value);
            }
            return Item::Text(Word::literal(value.replace('\0', "")));
        }
        if self.nounset { Item::Text(Word::unknown(false)) } else { Item::Open }
    }

    /// Says whether neither the code nor the environment sets a variable of which the name does not say that it
    /// holds a place of its own. Committed scripts may be parts of others.
    pub(super) fn nothing_sets(&self, name: &str) -> bool {
        let stage = || {
            let name = name.to_ascii_lowercase();
            name == "out" || STAGES.split_ascii_whitespace().any(|part| name.contains(part))
        };
        let elsewhere = self.opened || self.context.critical || self.context.elsewhere;
        let variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        variable && !elsewhere && self.state.get(name).is_none() && !OWN.contains(&name) && !stage()
    }

    /// Notes that a value came from the environment, so that it is not shown.
    fn mask(&mut self, name: &str, value: &str) {
        let parts = value.split_whitespace().filter(|part| part.len() > SHORT && part.len() < value.len());
        for value in std::iter::once(value).chain(parts) {
            if !self.masks.iter().any(|mask| mask.value == value) {
                self.masks.push(Mask { value: value.to_owned(), name: name.to_owned() });
            }
        }
        // What is longer is replaced first.
        self.masks.sort_by_key(|mask| std::cmp::Reverse(mask.value.len()));
    }

    /// Notes what was made of a value that came from the environment.
    pub(super) fn derived(&mut self, from: &str, value: &str) {
        if self.masks.is_empty() || value.len() < SHORT {
            return;
        }
        let name = self.masks.iter().find(|mask| from.contains(&mask.value)).map(|mask| mask.name.clone());
        if let Some(name) = name {
            self.mask(&name, value);
        }
    }

    /// Returns the characters at which unquoted expansions are split.
    pub(super) fn separators(&mut self) -> Cow<'static, str> {
        if self.state.get(SEPARATORS).is_none() {
            return SPACE.into();
        }
        match self.scalar("IFS") {
            Item::Text(word) => word.text.into(),
            _ => SPACE.into(),
        }
    }

    /// Makes a path absolute, as a command would take it.
    pub(super) fn path(&mut self, path: &Word) -> Option<String> {
        let path = path.known().filter(|path| !path.is_empty())?.to_owned();
        let cwd = if path.starts_with('/') { None } else { self.directory() };
        let path = absolute(cwd.as_deref(), &path)?;
        // The descriptors of the command itself.
        let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"));
        Some(match number {
            None => path,
            Some("0") => "/dev/stdin".to_owned(),
            Some("1") => "/dev/stdout".to_owned(),
            Some(number) => format!("/dev/fd/{number}"),
        })
    }
}
