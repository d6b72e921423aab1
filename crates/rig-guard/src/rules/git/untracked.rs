//! Commands that delete work which git does not follow: files that it does not know, and stashes.

use super::super::options::bundle;
use super::config::is_true;
use super::{Finding, Git, Line, Pack, Rule, any};
use crate::shell::{Call, Word};
use crate::world::World;

/// Deleting every file that git does not know.
///
/// Below a named directory it is ordinary work, as `rm -r` is. `-X` takes what git ignores and nothing
/// else, which a build makes again. A pathspec that is not known names something in the work tree.
pub(super) const CLEAN: Rule = Rule {
    id: "git.clean",
    critical: true,
    pack: Pack::Core,
    what: "This deletes every file of the work tree that git does not know",
    why: "new files are nowhere else until they are added, so they cannot be brought back",
    instead: "look first with `git clean -nd`, then name what is to go: `git clean -fd build/`; or `git stash -u`",
    source: "git-clean(1)",
    programs: programs!["git-clean"],
    unknown_program: true,
    redirections: false,
    judge: clean,
    suspects: |words| {
        let forced = |w: &&str| *w == "--force" || bundle(w).is_some_and(|b| b.contains('f'));
        any(words, &["git", "git-clean"]) && any(words, &["clean", "git-clean"]) && words.iter().any(forced)
    },
    denies: &[
        "git clean -fd",
        "git clean -xdf .",
        "git clean --force -d -e .env",
        "git -c clean.requireForce=no clean -d",
    ],
    allows: &["git clean -nd", "git clean -fd build/", "git clean -fdX", "git clean -i", "make clean"],
};

/// Deleting all stashes.
pub(super) const STASH: Rule = Rule {
    id: "git.stash.clear",
    critical: true,
    pack: Pack::Core,
    what: "This deletes every stash",
    why: "stashes hold work that is nowhere else, of other tasks as well",
    instead: "look with `git stash list`, then delete one: `git stash drop stash@{0}`",
    source: "git-stash(1)",
    programs: programs!["git-stash", "git-update-ref"],
    unknown_program: true,
    redirections: false,
    judge: stash,
    suspects: |words| any(words, &["stash"]) && any(words, &["clear"]),
    denies: &["git stash clear", "git update-ref -d refs/stash"],
    allows: &["git stash drop", "git stash drop stash@{1}", "git stash list", "git stash push -m clear"],
};

const OPTIONS: &str = "quiet/q dry-run/n force/f interactive/i exclude/e= /d /x /X";

fn clean(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["clean"])?;
    let line = Line::read(git.args, OPTIONS);
    let harmless = ["dry-run", "interactive"].iter().any(|name| line.on(name)) || line.help;
    let ignored = line.on("X") && !line.on("x");
    // A program that is not known may have such options as well.
    let doubtful = call.name().is_none() && !line.on("d");
    if harmless || ignored || doubtful || !(line.on("force") || needs_no_force(&git)) {
        return None;
    }
    let tree = git.tree();
    let all = if line.operands.is_empty() { tree.is_here() } else { tree.all(&line.operands) };
    (all && !git.is_contained()).then(Finding::default)
}

/// Says whether a setting lets `git clean` run without `-f`.
fn needs_no_force(git: &Git<'_>) -> bool {
    const KEY: &str = "clean.requireforce";
    let own = git.settings().into_iter().rev().find(|setting| setting.key == KEY);
    let value = match own {
        Some(setting) => setting.value.and_then(|word| word.known().map(str::to_owned)),
        None => git.world.git_config(git.cwd().as_deref(), KEY).pop(),
    };
    value.is_some_and(|value| !is_true(&value))
}

fn stash(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["stash", "update-ref"])?;
    let found = match git.sub {
        "stash" => {
            let [first, rest @ ..] = git.args else { return None };
            // With anything behind it git refuses it.
            first.known() == Some("clear") && rest.iter().all(Word::may_be_empty)
        }
        _ => {
            let line = Line::read(git.args, super::branch::UPDATE_REF);
            line.on("d") && line.operands.first().and_then(|word| word.known()) == Some("refs/stash")
        }
    };
    (found && !git.is_contained()).then(Finding::default)
}
