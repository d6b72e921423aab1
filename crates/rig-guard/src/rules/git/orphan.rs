//! Branches that begin without a history.

use super::discard::{self, CHECKOUT, SWITCH};
use super::{Git, LIKE_GIT, Line, Rule};
use crate::shell::Call;
use crate::world::World;

/// Subcommands that put nothing into the index, besides `rm`.
const KEEPING: [&str; 18] = [
    "rm",
    "status",
    "log",
    "show",
    "diff",
    "ls-files",
    "ls-tree",
    "branch",
    "for-each-ref",
    "show-ref",
    "rev-parse",
    "symbolic-ref",
    "config",
    "remote",
    "fetch",
    "tag",
    "describe",
    "worktree",
];

/// The work tree in which a branch without a history was begun, and nothing was put into the index since.
///
/// The index then holds what was committed on the branch before, and to take all of it out of the work
/// tree is what git-checkout(1) has one do next. `git rm` needs `-f` for that, since no commit has it.
#[derive(Debug, Default)]
pub(crate) struct Orphan(Option<String>);

impl Orphan {
    /// Looks at the next command.
    pub(crate) fn follow(&mut self, call: &Call<'_>, world: &dyn World) {
        if !call.name().is_some_and(|name| LIKE_GIT.contains(&name)) {
            return;
        }
        if let Some(git) = Git::of(call, world, &["checkout", "switch"]) {
            let line = Line::read(git.args, if git.sub == "switch" { SWITCH } else { CHECKOUT });
            self.0 = (line.on("orphan") && !line.help).then(|| git.tree().top().to_owned());
        } else if self.0.is_some() && Git::of(call, world, &KEEPING).is_none() {
            self.0 = None;
        }
    }

    /// Says whether it lifts what a rule says about a command.
    pub(crate) fn lifts(&self, rule: &Rule, call: &Call<'_>, world: &dyn World) -> bool {
        let Some(top) = self.0.as_ref().filter(|_| rule.id == discard::TREE.id) else { return false };
        Git::of(call, world, &["rm"]).is_some_and(|git| git.tree().top() == top)
    }
}
