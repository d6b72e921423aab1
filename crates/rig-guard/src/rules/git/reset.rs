//! `git reset --hard`.

use super::{Finding, Git, Line, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// Hard resets. A word that is not known is no option.
pub(super) const HARD: Rule = Rule {
    id: "git.reset.hard",
    critical: true,
    pack: Pack::Core,
    what: "A hard reset throws away what is not committed",
    why: "changes in the work tree and the index cannot be brought back",
    instead: "`git stash` first, or `git reset --keep`, which stops where it would lose changes",
    source: "git-reset(1)",
    programs: programs!["git-reset"],
    unknown_program: true,
    redirections: false,
    judge,
    suspects: |words| words.contains(&"reset") && words.contains(&"--hard"),
    denies: &[
        "git reset --hard",
        "git reset --hard HEAD~1",
        "git -c core.pager=cat reset -q --hard origin/main",
    ],
    allows: &["git reset HEAD~1", "git reset --keep HEAD~1", "git log --grep 'git reset --hard'"],
};

const RESET: &str = "quiet/q refresh mixed soft hard merge keep recurse-submodules? patch/p unified/U= \
    inter-hunk-context= intent-to-add/N pathspec-from-file= pathspec-file-nul";

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["reset"])?;
    let line = Line::read(git.args, RESET);
    let mode = line.last(&["mixed", "soft", "hard", "merge", "keep"]);
    (!line.help && mode == Some(("hard", true))).then(Finding::default)
}
