//! Scripts of packages: what `npm run` and its kind find in `package.json`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::state::{Item, PARAMETERS};
use super::word::{HOLE, Word};
use super::wrap::Unwrapped;
use super::{Flow, Shell, Status};

/// In how many directories a `package.json` is looked for.
const MAX_PARENTS: usize = 5;
/// How often a script may be inside of itself.
const MAX_INSIDE: usize = 1;
/// What stands for a hole in a text that is read as JSON.
const STAND_IN: &str = "\u{e000}";
/// Options with the directory of the package.
const DIRECTORIES: [&str; 4] = ["--prefix", "-C", "--cwd", "--dir"];
/// Other options with a value.
const VALUES: [&str; 8] =
    ["-w", "--workspace", "-F", "--filter", "--registry", "--loglevel", "--userconfig", "--shell"];
/// Commands of package managers that run a script of any other name.
const OWN: &str = "add audit bin cache config create dlx exec global info init link list login node outdated pm publish \
    remove rm self-update set store unlink up update upgrade version why workspace workspaces";
/// Commands of `pnpm` besides these.
const PNPM: &str = "approve-builds ci deploy doctor env fetch i import install install-test it la licenses list ll ls \
    patch patch-commit prune rb rebuild recursive restart root run run-script server setup start stop t test un \
    uninstall";
/// What an installation runs.
const INSTALL: [&str; 6] = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
const PACK: [&str; 7] =
    ["prepublish", "prepare", "prepublishOnly", "prepack", "postpack", "publish", "postpublish"];

/// The scripts of a package.
#[derive(Clone, Debug, Default)]
pub(super) struct Package {
    scripts: BTreeMap<String, String>,
    /// Somebody has taken it into the repository as it is.
    trusted: bool,
    directory: String,
}

/// Scripts of a package that run one after the other.
#[derive(Debug)]
pub(super) struct Scripts {
    label: String,
    trusted: bool,
    directory: String,
    codes: Vec<String>,
}

/// Which scripts a command asks for, and the words that the last one gets.
struct Asked<'w> {
    names: Vec<String>,
    arguments: &'w [Word],
}

impl Shell<'_> {
    /// Says which scripts of a package a command runs; `None` where it is about something else.
    pub(super) fn package(&mut self, name: &str, words: &[Word]) -> Option<Unwrapped> {
        let line = Line::read(words);
        let directory = match &line.directory {
            Some(directory) => self.path(directory)?,
            None => self.directory()?,
        };
        if matches!(line.text(0), Some("pkg" | "set-script")) {
            self.set_scripts(&directory, &line);
            return None;
        }
        // Most commands of these programs have to do with no script at all.
        let asked = asked(name, &line)?;
        let package = self.package_of(&directory);
        let found = asked.names.iter().filter_map(|name| Some((name, self.script_of(&package, name)?)));
        let mut found: Vec<(&String, String)> = found.collect();
        let (last, code) = found.last_mut()?;
        let label = format!("{name} run {last}");
        if self.context.chain.iter().filter(|step| ***step == *label).count() > MAX_INSIDE {
            return None;
        }
        for word in asked.arguments.iter().filter(|word| word.text != "--") {
            code.push(' ');
            code.push_str(&word.to_quoted());
        }
        let around = |prefix: &str| self.script_of(&package, &format!("{prefix}{last}"));
        let (before, after) = (around("pre"), around("post"));
        let mut codes: Vec<String> = found.into_iter().map(|(_, code)| code).collect();
        let at = codes.len() - 1;
        codes.splice(at..at, before);
        codes.extend(after);
        let Package { trusted, directory, .. } = package;
        Some(Unwrapped::Scripts(Scripts { label, trusted, directory, codes }))
    }

    /// Walks through scripts of a package.
    pub(super) fn scripts(&mut self, scripts: Scripts) -> Flow<Status> {
        let Scripts { label, trusted, directory, codes } = scripts;
        self.within(
            &label,
            |context| context.critical |= trusted,
            |shell| {
                for code in codes {
                    shell.isolated(|shell| {
                        shell.child(true);
                        shell.enter_directory(&Word::literal(&*directory));
                        shell.state.set(PARAMETERS, Item::Words(Vec::new()));
                        shell.code(&code)
                    })?;
                }
                Ok(Status::Unknown)
            },
        )
    }

    /// Follows `npm pkg set scripts.NAME=CODE` and `npm set-script NAME CODE`.
    fn set_scripts(&mut self, directory: &str, line: &Line<'_>) {
        let set: Vec<(String, Word)> = match (line.text(0), line.word(1), line.word(2)) {
            (Some("pkg"), Some(verb), _) if verb.text == "set" => {
                let pair = |word: &Word| {
                    let (key, value) = word.text.split_once('=')?;
                    let name = key
                        .strip_prefix("scripts.")
                        .or_else(|| key.strip_prefix("scripts[")?.strip_suffix(']'))?;
                    Some((name.trim_matches('"').to_owned(), word.tail(word.text.len() - value.len())))
                };
                line.behind(1).iter().filter_map(pair).collect()
            }
            (Some("set-script"), Some(name), Some(code)) => vec![(name.text.clone(), code.clone())],
            _ => Vec::new(),
        };
        if !set.is_empty() {
            self.state.set(&*format!("{directory}/package.json#"), Item::Open);
        }
        for (name, code) in set {
            self.state.set(&format!("{directory}/package.json#{name}"), Item::Text(code));
        }
    }

    /// Returns the package that a directory belongs to.
    fn package_of(&mut self, directory: &str) -> Package {
        let mut dir = directory.trim_end_matches('/');
        let mut package = None;
        for _ in 0..MAX_PARENTS {
            let path = format!("{dir}/package.json");
            package = match self.pick(&path) {
                Some(Item::Text(text)) => Some(Package::read(&text.to_code(), dir, false)),
                Some(Item::Disk(original)) => self.package_at(&original, dir),
                Some(_) => None,
                None => self.package_at(&path, dir),
            };
            match dir.rsplit_once('/').filter(|_| package.is_none()) {
                Some((parent, _)) if !parent.is_empty() => dir = parent,
                _ => break,
            }
        }
        let mut package =
            package.unwrap_or_else(|| Package { directory: directory.to_owned(), ..Package::default() });
        // What the code has set itself is as good as typed.
        package.trusted &= self.state.get(&*format!("{}/package.json#", package.directory)).is_none();
        package
    }

    /// Returns the code of a script of a package.
    fn script_of(&self, package: &Package, name: &str) -> Option<String> {
        match self.state.only(&*format!("{}/package.json#{name}", package.directory)) {
            Some(Item::Text(code)) => Some(code.to_code()),
            _ => package.scripts.get(name).cloned(),
        }
    }

    /// Reads a `package.json` as it stands on the disk, once.
    fn package_at(&mut self, path: &str, directory: &str) -> Option<Package> {
        if self.context.elsewhere || self.context.mounts.is_some() {
            return None;
        }
        if let Some((_, package)) = self.packages.iter().find(|(own, _)| **own == *path) {
            return package.clone();
        }
        let script = self.world.script(path);
        let package = script.map(|script| Package::read(&script.text, directory, script.trusted));
        self.packages.push((Rc::from(path), package.clone()));
        package
    }
}

impl Package {
    fn read(text: &str, directory: &str, trusted: bool) -> Self {
        let document: Option<serde_json::Value> = serde_json::from_str(&text.replace(HOLE, STAND_IN)).ok();
        let mut scripts = BTreeMap::new();
        if let Some(found) = document.as_ref().and_then(|d| d.get("scripts")).and_then(|s| s.as_object()) {
            let code = |value: &serde_json::Value| Some(value.as_str()?.replace(STAND_IN, "\0"));
            scripts.extend(found.iter().filter_map(|(name, value)| Some((name.clone(), code(value)?))));
        }
        Self { scripts, trusted, directory: directory.to_owned() }
    }
}

/// The words of a command of a package manager, without its options.
struct Line<'w> {
    all: &'w [Word],
    /// Where its words stand that are no options.
    places: Vec<usize>,
    directory: Option<Word>,
    ignores_scripts: bool,
}

impl<'w> Line<'w> {
    fn read(all: &'w [Word]) -> Self {
        let mut line = Self { all, places: Vec::new(), directory: None, ignores_scripts: false };
        let mut at = 1;
        while let Some(word) = all.get(at) {
            let text = word.text.as_str();
            if text == "--" {
                line.places.extend(at + 1..all.len());
                break;
            } else if DIRECTORIES.contains(&text) {
                at += 1;
                line.directory = all.get(at).cloned();
            } else if let Some((_, value)) = text.split_once('=').filter(|(key, _)| DIRECTORIES.contains(key))
            {
                line.directory = Some(word.tail(text.len() - value.len()));
            } else if VALUES.contains(&text) {
                at += 1;
            } else if text.starts_with('-') && text != "--run" {
                line.ignores_scripts |= text == "--ignore-scripts";
            } else {
                line.places.push(at);
            }
            at += 1;
        }
        line
    }

    fn word(&self, n: usize) -> Option<&'w Word> {
        Some(&self.all[*self.places.get(n)?])
    }

    fn text(&self, n: usize) -> Option<&'w str> {
        self.word(n)?.known()
    }

    /// Returns everything that stands behind a word.
    fn behind(&self, n: usize) -> &'w [Word] {
        self.places.get(n).map_or(&[], |at| &self.all[at + 1..])
    }
}

/// Says whether a word behind `pnpm` is the name of a program or a script, and no command of its own.
pub(super) fn runs_programs(word: &str) -> bool {
    let plain = word.starts_with(|c: char| c.is_ascii_alphabetic());
    let own = |list: &str| list.split_ascii_whitespace().any(|own| own == word);
    plain && !own(OWN) && !own(PNPM)
}

/// Says which scripts a command asks for.
fn asked<'w>(name: &str, line: &Line<'w>) -> Option<Asked<'w>> {
    let whole =
        |names: &[&str]| Asked { names: names.iter().map(|n| (*n).to_owned()).collect(), arguments: &[] };
    let one = |name: &str, at| Asked { names: vec![name.to_owned()], arguments: line.behind(at) };
    if matches!(name, "npm-run-all" | "npm-run-all2" | "run-s" | "run-p") {
        let names = (0..line.places.len()).filter_map(|n| line.text(n).map(str::to_owned));
        return Some(Asked { names: names.collect(), arguments: &[] });
    }
    let Some(sub) = line.text(0) else {
        return (name == "yarn" && line.places.is_empty() && !line.ignores_scripts).then(|| whole(&INSTALL));
    };
    match sub {
        "--run" => Some(one(line.text(1)?, 1)),
        _ if name == "node" => None,
        "run" | "run-script" | "rum" | "urn" => Some(one(line.text(1)?, 1)),
        "test" | "t" | "tst" if name != "bun" => Some(one("test", 0)),
        "start" | "stop" => Some(one(sub, 0)),
        "restart" => Some(whole(&["restart", "stop", "start"])),
        "install" | "i" | "ci" | "clean-install" | "it" | "cit" => {
            (line.places.len() == 1 && !line.ignores_scripts).then(|| whole(&INSTALL))
        }
        "publish" | "pack" => (!line.ignores_scripts).then(|| whole(&PACK)),
        "version" => Some(one("version", 0)),
        sub if name == "npm" || OWN.split_ascii_whitespace().any(|own| own == sub) => None,
        sub => Some(one(sub, 0)),
    }
}
