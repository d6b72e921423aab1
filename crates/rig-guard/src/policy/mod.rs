//! What people have decided beyond the rules: packs, protected names, further rules, exceptions.
//!
//! Three files count, each read once and bounded: the machine's (`/etc/rig/guard.json`), the user's
//! (`~/.config/rig/guard.json`) and the project's (`.rig/guard.json`). A decision of the machine wins over
//! the user's. A project is somebody else's text: it may only restrict, and none of its words reach the
//! model. No variable and no option of the hook overrides a policy.

mod except;
mod extra;
mod file;
mod literal;
mod load;
mod pack;
mod wildcard;

pub(crate) use wildcard::matches;

use std::cell::OnceCell;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;

pub use except::Exception;
pub use extra::Extra;
pub use file::Carries;
pub(crate) use load::NAME;
pub use pack::Pack;

use crate::rules::Rule;
use crate::shell::Call;
use crate::world::World;

/// The branches whose history is never replaced, where no policy names others as well.
const BRANCHES: [&str; 2] = ["main", "master"];

/// Whose decision it is; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The project's, which a repository holds.
    Project,
    /// The user's own.
    User,
    /// The machine's, which only root writes.
    Managed,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Managed => "managed",
            Self::User => "user",
            Self::Project => "project",
        })
    }
}

/// A policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Whose it is.
    pub level: Level,
    /// The file.
    pub path: PathBuf,
    /// It is there.
    pub found: bool,
    /// What is wrong with it. The exceptions of such a file do not count.
    pub problems: Vec<String>,
}

/// A pattern that protects something, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// The pattern.
    pub pattern: String,
    /// Whose decision it is; none for what is built in.
    pub level: Option<Level>,
}

/// What the arguments of a tool carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// A pattern for the tool's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<(String, Carries)>,
    /// Whose decision it is.
    pub level: Level,
}

/// What counts, of all files together.
#[derive(Debug, Default)]
pub struct Policy {
    /// The files, the greatest level first.
    pub layers: Vec<Layer>,
    /// The packs that a file decides about, the first of a pack counts.
    packs: Vec<(Pack, bool, Level)>,
    branches: Vec<Protected>,
    namespaces: Vec<Protected>,
    databases: Vec<Protected>,
    paths: Vec<Protected>,
    /// Further rules.
    pub rules: Vec<Extra>,
    /// What the arguments of tools carry.
    pub tools: Vec<Tool>,
    /// The exceptions, those that are over included.
    pub exceptions: Vec<Exception>,
    /// The machine allows no exceptions of the user's.
    pub locked: bool,
    /// Which exceptions were made use of.
    used: Mutex<Vec<usize>>,
    today: OnceCell<String>,
}

impl Policy {
    /// Returns the policy that a managed file with nothing but these packs, all on, would make.
    #[must_use]
    pub fn with_packs(packs: &[Pack]) -> Self {
        let packs = packs.iter().map(|pack| (*pack, true, Level::Managed)).collect();
        Self { packs, ..Self::default() }
    }

    /// Says whether a pack is on.
    #[must_use]
    pub fn has(&self, pack: Pack) -> bool {
        self.decision(pack).map_or(pack.on_by_default(), |(on, _)| on)
    }

    /// Returns what was decided about a pack, and by whom.
    #[must_use]
    pub fn decision(&self, pack: Pack) -> Option<(bool, Level)> {
        let mut decided = self.packs.iter().filter(|(own, ..)| *own == pack);
        decided.next().map(|(_, on, level)| (*on, *level))
    }

    /// Says whether the history of a branch is protected.
    #[must_use]
    pub fn protects_branch(&self, name: &str) -> bool {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        BRANCHES.contains(&name) || any(&self.branches, name)
    }

    /// Says whether a namespace of a cluster is protected.
    #[must_use]
    pub fn protects_namespace(&self, name: &str) -> bool {
        any(&self.namespaces, name)
    }

    /// Says whether a database is protected.
    #[must_use]
    pub fn protects_database(&self, name: &str) -> bool {
        any(&self.databases, name)
    }

    /// Says whether any database is protected.
    #[must_use]
    pub fn protects_databases(&self) -> bool {
        !self.databases.is_empty()
    }

    /// Returns the patterns of protected paths, all of them absolute.
    #[must_use]
    pub fn protected_paths(&self) -> &[Protected] {
        &self.paths
    }

    /// Says whether a path is protected, or in something that is.
    #[must_use]
    pub fn protects_path(&self, path: &str) -> bool {
        self.paths.iter().any(|own| wildcard::covers(&own.pattern, path))
    }

    /// Returns everything that is protected: what kind of thing, and the patterns.
    #[must_use]
    pub fn protected(&self) -> [(&'static str, Vec<Protected>); 4] {
        let built_in = BRANCHES.map(|name| Protected { pattern: name.to_owned(), level: None });
        let branches = built_in.into_iter().chain(self.branches.iter().cloned()).collect();
        [
            ("branches", branches),
            ("namespaces", self.namespaces.clone()),
            ("databases", self.databases.clone()),
            ("paths", self.paths.clone()),
        ]
    }

    /// Returns the first rule of a policy that refuses a command.
    #[must_use]
    pub fn forbids(&self, call: &Call<'_>, world: &dyn World) -> Option<&Extra> {
        let line = OnceCell::new();
        self.rules.iter().find(|rule| rule.refuses(call, &line) && !self.excepts_extra(rule, call, world))
    }

    /// Returns what the arguments of a tool carry.
    #[must_use]
    pub fn carried(&self, tool: &str) -> Vec<(&str, Carries)> {
        let of = self.tools.iter().filter(|own| wildcard::matches(&own.name, tool));
        let arguments = of.flat_map(|own| &own.arguments);
        arguments.map(|(key, carries)| (key.as_str(), *carries)).collect()
    }

    /// Says whether a command may do what a rule refuses. There is no exception to what guards the
    /// guard.
    #[must_use]
    pub fn excepts(&self, rule: &Rule, call: &Call<'_>, world: &dyn World) -> bool {
        rule.pack != Pack::Own && self.excepts_by(rule.id, |exception| exception.permits(call, world))
    }

    /// Says whether a file may be written although a rule refuses it.
    #[must_use]
    pub fn excepts_file(&self, rule: &Rule, path: &str) -> bool {
        rule.pack != Pack::Own && self.excepts_by(rule.id, |exception| exception.permits_file(path))
    }

    /// A rule of a policy has no exceptions of a lesser level.
    fn excepts_extra(&self, rule: &Extra, call: &Call<'_>, world: &dyn World) -> bool {
        self.excepts_by(&rule.id, |exception| exception.level >= rule.level && exception.permits(call, world))
    }

    fn excepts_by(&self, rule: &str, permits: impl Fn(&Exception) -> bool) -> bool {
        let counts = |exception: &Exception| {
            exception.rule == rule
                && (exception.level == Level::Managed || !self.locked)
                && !exception.is_over(self.today())
        };
        let found = self.exceptions.iter().position(|exception| counts(exception) && permits(exception));
        if let (Some(found), Ok(mut used)) = (found, self.used.lock())
            && !used.contains(&found)
        {
            used.push(found);
        }
        found.is_some()
    }

    /// Returns the exceptions that were made use of, in order.
    #[must_use]
    pub fn used(&self) -> Vec<&Exception> {
        let used = self.used.lock().map(|used| used.clone()).unwrap_or_default();
        used.into_iter().filter_map(|index| self.exceptions.get(index)).collect()
    }

    /// Returns the files with something wrong in them.
    pub fn broken(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| !layer.problems.is_empty())
    }

    /// Returns the day, in UTC.
    fn today(&self) -> &str {
        self.today.get_or_init(|| rig_core::clock::now().chars().take("2026-12-31".len()).collect())
    }
}

fn any(list: &[Protected], name: &str) -> bool {
    list.iter().any(|own| wildcard::matches(&own.pattern, name))
}
