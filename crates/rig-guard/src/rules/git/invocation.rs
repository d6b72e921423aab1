//! A command of git: where it runs, which settings it gets, and its subcommand.

use super::LIKE_GIT;
use super::config::{self, Setting};
use super::pathspec::{Tree, is_temporary};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// Options before the subcommand that take the next word as their value.
const VALUES: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--attr-source",
    "--shallow-file",
];
/// Options after which git runs no subcommand.
const TELLING: [&str; 9] = [
    "-h",
    "--help",
    "-v",
    "--version",
    "--exec-path",
    "--html-path",
    "--man-path",
    "--info-path",
    "--list-cmds",
];
/// The step of a chain for a program of which nothing is known.
const UNKNOWN: &str = "…";

/// A command of git.
pub(super) struct Git<'a> {
    /// The subcommand.
    pub(super) sub: &'a str,
    /// What stands behind it.
    pub(super) args: &'a [Word],
    /// What stands before it.
    before: &'a [Word],
    pub(super) call: Call<'a>,
    pub(super) world: &'a dyn World,
}

impl<'a> Git<'a> {
    /// Reads a command; `None` where its subcommand is none of these.
    ///
    /// An unquoted word of which nothing is known may be options, or nothing: `git $OPTS push`.
    pub(super) fn of(call: &Call<'a>, world: &'a dyn World, subs: &[&str]) -> Option<Self> {
        let args = call.args();
        let name = call.name();
        let git = |sub: &'a str, at: usize| {
            let found = Self { sub, args: &args[at..], before: &args[..at], call: *call, world };
            subs.contains(&sub).then_some(found)
        };
        if let Some(name) = name.filter(|name| !LIKE_GIT.contains(name)) {
            return git(name.strip_prefix("git-")?, 0);
        }
        let mut at = 0;
        loop {
            let word = args.get(at)?;
            let text = word.text.as_str();
            if word.is_unknown() && word.may_split() {
                at += 1;
            } else if !text.starts_with('-') {
                let sub = word.known()?;
                let mut found = git(sub, at + 1)?;
                found.before = &args[..at];
                return Some(found);
            } else if TELLING.contains(&text) || text.starts_with("--list-cmds=") {
                return None;
            } else {
                at += if VALUES.contains(&text) { 2 } else { 1 };
            }
        }
    }

    /// Returns the subcommand of the subcommand, such as `remove` in `git worktree remove`, and what
    /// stands behind it.
    pub(super) fn verb(&self) -> Option<(&'a str, &'a [Word])> {
        let at = self.args.iter().position(|word| !word.text.starts_with('-'))?;
        Some((self.args[at].known()?, &self.args[at + 1..]))
    }

    /// Returns the values of options before the subcommand: `--git-dir x`, `--git-dir=x`.
    fn globals(&self, name: &str) -> impl Iterator<Item = Word> {
        let mut found = Vec::new();
        let mut words = self.before.iter();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            let attached = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
            if text == name {
                found.extend(words.next().cloned());
            } else if let Some(value) = attached.filter(|_| name.len() > 2) {
                found.push(word.tail(text.len() - value.len()));
            } else if VALUES.contains(&text) {
                words.next();
            }
        }
        found.into_iter()
    }

    /// Returns an option before the subcommand, or the variable that stands for it.
    fn place(&self, option: &str, variable: &str) -> Option<Word> {
        self.globals(option).last().or_else(|| self.call.variable(variable))
    }

    /// Returns the directory in which git runs, where it is known.
    pub(super) fn cwd(&self) -> Option<String> {
        let mut cwd = self.call.cwd.map(str::to_owned);
        for word in self.globals("-C") {
            cwd = word.known().and_then(|path| absolute(cwd.as_deref(), path));
        }
        cwd
    }

    /// Returns the work tree.
    pub(super) fn tree(&self) -> Tree<'a> {
        let cwd = self.cwd();
        let named = self.place("--work-tree", "GIT_WORK_TREE").or_else(|| {
            let given = self.settings().into_iter().rev().find(|setting| setting.key == "core.worktree");
            given.and_then(|setting| setting.value)
        });
        let top = match named {
            Some(word) => word.known().and_then(|path| absolute(cwd.as_deref(), path)),
            // With a git directory alone the work tree is where git runs.
            None if self.place("--git-dir", "GIT_DIR").is_some() => cwd.clone(),
            None => cwd.as_deref().and_then(|cwd| self.world.git_top(cwd)).or_else(|| {
                // Where there is none to be found, the project is one.
                let cwd = cwd.as_deref()?;
                let project = self.world.roots().into_iter().next();
                let above =
                    project.filter(|top| cwd.strip_prefix(&**top).is_some_and(|rest| rest.starts_with('/')));
                Some(above.unwrap_or_else(|| cwd.to_owned()))
            }),
        };
        Tree::new(cwd, top, self.world)
    }

    /// Returns the settings that hold for this command alone, in order.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let mut found = config::of_environment(&self.call);
        let given = self.globals("-c").filter_map(|word| Setting::parse(&word));
        let named = self.globals("--config-env").filter_map(|word| {
            let (key, variable) = word.known()?.rsplit_once('=')?;
            let value = self.call.variable(variable).unwrap_or_else(|| Word::unknown(true));
            Some(Setting { key: key.to_ascii_lowercase(), value: Some(value) })
        });
        found.extend(given.chain(named));
        found
    }

    /// Returns the branch that is checked out, where it is known.
    pub(super) fn branch(&self) -> Option<String> {
        self.world.git_branch(&self.cwd()?)
    }

    /// Says whether it stands in a script that somebody has taken into the repository, which may tidy up
    /// after itself.
    pub(super) fn is_trusted(&self) -> bool {
        let context = self.call.context;
        context.critical && !context.chain.iter().any(|step| &**step == UNKNOWN)
    }

    /// Says whether what is thrown away does not count: in such a script, and below a temporary directory,
    /// a container's own files among them, unless the session is about it.
    pub(super) fn is_contained(&self) -> bool {
        self.is_trusted() || is_temporary(self.tree().top(), self.world)
    }
}
