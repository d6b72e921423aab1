//! Commands that throw away what is not committed, in the whole work tree at once.

use super::super::options::bundle;
use super::pathspec::{Tree, is_temporary};
use super::{Finding, Git, Line, Pack, Rule, any};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// Discarding the changes of a whole work tree.
///
/// A pathspec that is not known names something in the work tree, so it passes; a branch that is not
/// known is one all the same. Where git runs counts as the top of a work tree if it is not known.
pub(super) const TREE: Rule = Rule {
    id: "git.tree.discard",
    critical: true,
    pack: Pack::Core,
    what: "This throws away every change in the work tree that is not committed",
    why: "such changes are nowhere else, so they cannot be brought back",
    instead: "`git stash` keeps them; `git restore FILE` discards those of a single file; `git switch BRANCH` stops where it would lose some",
    source: "git-checkout(1), git-switch(1), git-restore(1), git-read-tree(1), git-checkout-index(1), git-rm(1)",
    programs: programs![
        "git-checkout",
        "git-switch",
        "git-restore",
        "git-read-tree",
        "git-checkout-index",
        "git-rm",
        "git-submodule"
    ],
    unknown_program: true,
    redirections: false,
    judge: tree,
    suspects: |words| {
        let forced = words.iter().any(|w| {
            matches!(*w, "--force" | "--discard-changes") || bundle(w).is_some_and(|b| b.contains('f'))
        });
        let whole = || words.iter().any(|w| w.starts_with(':') || w.chars().all(|c| "./*".contains(c)));
        any(words, &["checkout", "switch", "checkout-index", "git-checkout"]) && forced
            || any(words, &["checkout", "restore", "git-checkout"]) && whole()
            || any(words, &["read-tree"]) && any(words, &["--reset"])
            || any(words, &["git"]) && any(words, &["rm"]) && forced && whole()
            || any(words, &["stash"]) && any(words, &["drop"])
    },
    denies: &[
        "git checkout -- .",
        "git checkout HEAD -- :/",
        "git checkout -f main",
        "git switch --discard-changes topic",
        "git restore --staged --worktree .",
        "git restore -- ':!Cargo.lock'",
        "git rm -rf .",
        "git read-tree -u --reset HEAD",
        "git checkout-index -f -a",
        "git stash -u && git stash drop",
    ],
    allows: &[
        "git checkout -- src/main.rs",
        "git checkout main",
        "git restore --staged .",
        "git restore -p .",
        "git checkout -f -- Cargo.lock",
        "git rm -r --cached .",
        "git checkout-index -a --prefix=out/",
    ],
};

/// Removing a work tree with what is not committed in it.
///
/// One below a temporary directory goes away as everything there does. A place that is not known may
/// be any.
pub(super) const WORKTREE: Rule = Rule {
    id: "git.worktree.remove",
    critical: true,
    pack: Pack::Core,
    what: "This removes a work tree together with the changes in it that are not committed",
    why: "such changes are nowhere else, so they cannot be brought back",
    instead: "`git worktree remove PATH` without force, which stops where it would lose changes",
    source: "git-worktree(1), git-submodule(1)",
    programs: programs!["git-worktree", "git-submodule"],
    unknown_program: true,
    redirections: false,
    judge: worktree,
    suspects: |words| any(words, &["worktree", "submodule"]) && any(words, &["remove", "deinit"]),
    denies: &[
        "git worktree remove --force ../feature",
        "git worktree remove -f .",
        "git submodule deinit -f --all",
    ],
    allows: &[
        "git worktree remove ../feature",
        "git worktree prune",
        "git worktree remove --force /tmp/review",
        "git submodule deinit -f vendor/lib",
    ],
};

pub(super) const CHECKOUT: &str = "guess overlay quiet/q recurse-submodules? progress merge/m conflict= detach/d track/t? force/f \
    orphan= overwrite-ignore ignore-other-worktrees ours/2 theirs/3 patch/p unified/U= inter-hunk-context= \
    ignore-skip-worktree-bits pathspec-from-file= pathspec-file-nul /b= /B= /l";
pub(super) const SWITCH: &str = "create/c= force-create/C= guess discard-changes quiet/q recurse-submodules? progress merge/m \
    conflict= detach/d track/t? force/f orphan= overwrite-ignore ignore-other-worktrees";
const RESTORE: &str = "source/s= staged/S worktree/W ignore-unmerged overlay quiet/q recurse-submodules? progress \
    merge/m conflict= ours/2 theirs/3 patch/p unified/U= inter-hunk-context= ignore-skip-worktree-bits \
    pathspec-from-file= pathspec-file-nul";
const READ_TREE: &str = "super-prefix= index-output= empty verbose/v /m trivial aggressive reset prefix= /u \
    exclude-per-directory= /i dry-run/n no-sparse-checkout debug-unpack recurse-submodules? quiet/q";
const CHECKOUT_INDEX: &str =
    "all/a ignore-skip-worktree-bits force/f quiet/q no-create/n index/u /z stdin temp prefix= stage=";
const RM: &str =
    "dry-run/n quiet/q cached force/f ignore-unmatch sparse pathspec-from-file= pathspec-file-nul /r";

const SUBS: [&str; 6] = ["checkout", "switch", "restore", "read-tree", "checkout-index", "rm"];

fn tree(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &SUBS)?;
    // Other programs have a `restore` and an `rm` as well.
    if call.name().is_none() && matches!(git.sub, "restore" | "rm" | "switch") {
        return None;
    }
    let found = match git.sub {
        "checkout" => checkout(&git),
        "switch" => {
            let line = Line::read(git.args, SWITCH);
            // Where one stays, everything is kept.
            let stays = ["create", "force-create", "detach"].iter().any(|name| line.on(name));
            let stays = stays && line.operands.is_empty();
            !line.help && !stays && (line.on("force") || line.on("discard-changes"))
        }
        "restore" => {
            let line = Line::read(git.args, RESTORE);
            let worktree = line.on("worktree") || !line.on("staged");
            worktree && !line.help && !line.on("patch") && means_all(&git, &line, &line.operands)
        }
        "read-tree" => {
            let line = Line::read(git.args, READ_TREE);
            line.on("reset") && line.on("u") && !line.on("dry-run") && !line.help
        }
        "checkout-index" => {
            let line = Line::read(git.args, CHECKOUT_INDEX);
            let elsewhere = line.on("prefix") || line.on("temp");
            line.on("force") && line.on("all") && !elsewhere && !line.help && git.tree().is_here()
        }
        _ => {
            let line = Line::read(git.args, RM);
            // A pattern names every file by itself.
            let several = line.on("r") || line.operands.iter().any(|word| word.text.contains('*'));
            let counts = several && line.on("force");
            let harmless = line.on("cached") || line.on("dry-run") || line.help;
            counts && !harmless && means_all(&git, &line, &line.operands)
        }
    };
    (found && !git.is_contained()).then(Finding::default)
}

fn checkout(git: &Git<'_>) -> bool {
    let line = Line::read(git.args, CHECKOUT);
    if line.help || line.on("patch") {
        return false;
    }
    // In front of the pathspecs may stand what they are taken from.
    let paths = match line.operands.as_slice() {
        _ if line.dashes.is_some() => line.behind_dashes(),
        [first, rest @ ..] if !rest.is_empty() && !first.text.starts_with(':') => rest,
        all => all,
    };
    if means_all(git, &line, paths) || means_all(git, &line, &line.operands) {
        return true;
    }
    if !line.on("force") || line.on("pathspec-from-file") {
        return false;
    }
    let creates = ["b", "B", "orphan", "detach", "track"].iter().any(|name| line.on(name));
    let named = match line.operands.as_slice() {
        _ if creates => false,
        _ if line.dashes.is_some() => !paths.is_empty(),
        [] => false,
        [one] => is_file(git, one),
        _ => true,
    };
    !named
}

/// Says whether a word that may be a branch names a file.
fn is_file(git: &Git<'_>, word: &Word) -> bool {
    // No branch is called like this.
    if word.text.ends_with('/') || word.text.starts_with("./") || word.text.contains(['*', '?', '[']) {
        return true;
    }
    let path = word.known().and_then(|path| absolute(git.cwd().as_deref(), path));
    path.is_some_and(|path| git.world.read(&path).is_some())
}

/// Says whether pathspecs, or those in a file, mean everything.
fn means_all(git: &Git<'_>, line: &Line<'_>, paths: &[&Word]) -> bool {
    // Most commands name a branch or a file; they need no look at the disk.
    let may = |word: &&Word| word.text.starts_with(['/', '.', ':']) || word.text.contains(['*', '/']);
    if !paths.iter().any(may) && !line.on("pathspec-from-file") {
        return false;
    }
    let tree: Tree<'_> = git.tree();
    tree.all(paths) || tree.all_in_file(line, &git.call)
}

fn worktree(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["worktree", "submodule"])?;
    let (verb, args) = git.verb()?;
    let line = Line::read(args, "force/f quiet/q all");
    if line.help || !line.on("force") || git.is_trusted() {
        return None;
    }
    let found = match (git.sub, verb) {
        ("worktree", "remove") => {
            let cwd = git.cwd();
            let path = |word: &Word| word.known().and_then(|path| absolute(cwd.as_deref(), path));
            line.operands.iter().any(|word| !path(word).is_some_and(|path| is_temporary(&path, world)))
        }
        ("submodule", "deinit") => (line.on("all") || git.tree().all(&line.operands)) && !git.is_contained(),
        _ => false,
    };
    found.then(Finding::default)
}
