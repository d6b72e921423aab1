//! What several commands do together that none of them does alone.

use super::push::{self, Push};
use super::refspec::{branch, is_protected};
use super::{Finding, Git, Line, Rule, discard};
use crate::shell::{Call, Word};
use crate::world::World;

/// What the commands before have done.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// The branches that were deleted at a remote, with the remote where it is known.
    deleted: Vec<(Option<String>, String)>,
    /// Everything that is not committed was put into a stash.
    stashed: bool,
}

impl Steps {
    /// Looks at the next command; says what it completes.
    pub(crate) fn follow(&mut self, call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
        let git = Git::of(call, world, &["push", "stash"])?;
        let (rule, finding) = match git.sub {
            "push" => (&push::FORCE, self.push(&git)?),
            _ => (&discard::TREE, self.stash(&git)?),
        };
        let policy = world.policy();
        (policy.has(rule.pack) && !policy.excepts(rule, call, world)).then_some((rule, finding))
    }

    fn push(&mut self, git: &Git<'_>) -> Option<Finding> {
        let push = Push::of(git)?;
        let remote = push.remote.and_then(Word::known).map(str::to_owned);
        let same = |other: &Option<String>| other.is_none() || remote.is_none() || *other == remote;
        if !self.deleted.is_empty() {
            let targets = push.targets(git);
            let again = |name: &str| targets.iter().any(|target| target == "*" || branch(target) == name);
            if let Some((_, name)) = self.deleted.iter().find(|(other, name)| same(other) && again(name)) {
                return Some(Finding::new(format!(
                    "`{name}` was deleted there just before, so that nothing is kept of it"
                )));
            }
        }
        for name in push.deleted() {
            if !name.starts_with("refs/tags/") && !is_version(name) && !is_protected(name, git.world.policy())
            {
                self.deleted.push((remote.clone(), branch(name).to_owned()));
            }
        }
        None
    }

    fn stash(&mut self, git: &Git<'_>) -> Option<Finding> {
        let verb = git.verb().map_or("push", |(verb, _)| verb);
        match verb {
            "push" | "save" => {
                let args = git.verb().map_or(git.args, |(_, args)| args);
                let line = Line::read(
                    args,
                    "patch/p keep-index/k staged/S quiet/q message/m= include-untracked/u all/a \
                    pathspec-from-file= pathspec-file-nul",
                );
                let part = line.on("patch") || line.on("staged") || line.on("pathspec-from-file");
                let paths = verb == "push" && !line.operands.is_empty();
                self.stashed |= !part && !paths && !line.help;
            }
            "pop" | "apply" | "branch" => self.stashed = false,
            "drop" if self.stashed => {
                let (_, args) = git.verb()?;
                let line = Line::read(args, "quiet/q");
                let newest = |word: &&Word| matches!(word.text.as_str(), "stash@{0}" | "0" | "stash");
                if line.operands.iter().all(newest) && !line.help && !git.is_contained() {
                    return Some(Finding::new("it was put into the stash just before, which is dropped"));
                }
            }
            _ => {}
        }
        None
    }
}

/// Says whether a name is that of a version, and so most likely of a tag, which may be moved.
fn is_version(name: &str) -> bool {
    let number = name.strip_prefix('v').unwrap_or(name);
    number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.')
}
