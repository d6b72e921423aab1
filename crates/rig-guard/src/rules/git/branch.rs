//! Deleting and overwriting protected branches here.

use super::refspec::{Refspec, branch as branch_name, is_protected};
use super::{Finding, Git, Line, Pack, Rule, any};
use crate::shell::{Call, Word};
use crate::world::World;

/// Deleting protected branches, and moving them somewhere else.
///
/// A branch whose name is not known is taken for one that nobody protects, so that merged branches can be
/// deleted in loops.
pub(super) const DELETE: Rule = Rule {
    id: "git.branch.protected",
    critical: false,
    pack: Pack::Core,
    what: "This deletes a protected branch, or moves it to where it does not belong",
    why: "commits that are on no other branch are lost with it",
    instead: "`git branch -d NAME` deletes what is merged; `git fetch` and `git branch -f main origin/main` bring a branch up to date",
    source: "git-branch(1), git-update-ref(1), git-symbolic-ref(1)",
    programs: programs![
        "git-branch",
        "git-checkout",
        "git-switch",
        "git-update-ref",
        "git-symbolic-ref",
        "git-fetch"
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        any(words, &["branch", "update-ref", "symbolic-ref"])
            && any(words, &["-D", "-d", "-f", "--force", "--delete"])
            && any(words, &["main", "master"])
    },
    denies: &[
        "git branch -D main",
        "git branch -f master HEAD~3",
        "git update-ref -d refs/heads/main",
        "git checkout -B main topic",
    ],
    allows: &[
        "git branch -D topic",
        "git branch -d main",
        "git branch -M main",
        "git branch -f main origin/main",
        "git update-ref refs/heads/topic HEAD",
        "git tag -d main",
    ],
};

const BRANCH: &str = "verbose/v quiet/q track/t? set-upstream set-upstream-to/u= unset-upstream color? remotes/r \
    contains= no-contains= with= without= abbrev? all/a delete/d /D move/m /M omit-empty copy/c /C list/l show-current \
    create-reflog edit-description force/f merged? no-merged? column? sort= points-at= ignore-case/i \
    recurse-submodules format=";
pub(super) const UPDATE_REF: &str = "/m= /d deref /z stdin create-reflog batch-updates";
const FETCH: &str = "force/f depth= shallow-since= shallow-exclude= upload-pack= jobs/j= refmap= server-option/o= \
    negotiation-tip= filter= deepen= recurse-submodules? strategy/s= strategy-option/X= dry-run";
const SUBS: [&str; 7] = ["branch", "checkout", "switch", "update-ref", "symbolic-ref", "fetch", "pull"];

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &SUBS)?;
    match git.sub {
        "branch" => branch(&git),
        "checkout" => reset(&git, "/B= /b= orphan= conflict= quiet/q force/f track/t?", "B"),
        "switch" => {
            let options =
                "force-create/C= create/c= orphan= conflict= quiet/q force/f discard-changes track/t?";
            reset(&git, options, "force-create")
        }
        "fetch" | "pull" => fetch(&git),
        "update-ref" => update(&git),
        _ => symbolic(&git),
    }
}

fn branch(git: &Git<'_>) -> Option<Finding> {
    let line = Line::read(git.args, BRANCH);
    let on = |name: &str| line.on(name);
    if line.help || on("remotes") {
        return None;
    }
    let operands = &line.operands;
    if on("D") || on("delete") && on("force") {
        return operands.iter().find_map(|word| lost(git, word));
    }
    if ["list", "show-current", "set-upstream-to", "unset-upstream", "delete"].iter().any(|name| on(name)) {
        return None;
    }
    if on("M") || on("C") || (on("move") || on("copy")) && on("force") {
        // A protected branch that is renamed is not lost.
        let [from, to] = operands[..] else { return None };
        let renamed = from.known().is_some_and(|name| is_protected(name, git.world.policy()));
        return if renamed { None } else { overwritten(git, to) };
    }
    if on("force") && !on("move") && !on("copy") {
        let [name, start @ ..] = operands.as_slice() else { return None };
        return if is_its_own(start.first().copied(), name) { None } else { overwritten(git, name) };
    }
    None
}

/// Looks at `checkout -B` and `switch -C`. Without a start they name where one is.
fn reset(git: &Git<'_>, options: &'static str, option: &str) -> Option<Finding> {
    let line = Line::read(git.args, options);
    let name = line.value(option).filter(|_| !line.help)?;
    let start = line.operands.first()?;
    let same = is_its_own(Some(start), name) || matches!(start.text.as_str(), "HEAD" | "@");
    if same { None } else { overwritten(git, name) }
}

/// Looks for `fetch . +topic:main`. `+main:main` brings a branch up to date.
fn fetch(git: &Git<'_>) -> Option<Finding> {
    let line = Line::read(git.args, FETCH);
    if line.help || line.on("dry-run") {
        return None;
    }
    let forced = line.on("force");
    line.operands.iter().skip(1).find_map(|word| {
        let refspec = Refspec::of(word).filter(|refspec| refspec.forced || forced)?;
        let name = refspec.destination.filter(|name| !name.is_empty() && !name.contains('*'))?;
        let local = !name.starts_with("refs/") || name.starts_with("refs/heads/");
        let other = branch_name(name) != branch_name(refspec.source);
        if local && other { overwritten(git, &Word::literal(name)) } else { None }
    })
}

fn update(git: &Git<'_>) -> Option<Finding> {
    let line = Line::read(git.args, UPDATE_REF);
    if line.help {
        return None;
    }
    if line.on("stdin") {
        let text = &git.call.input?.text;
        return text.split(['\n', '\0']).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (verb, name) = (words.next()?, Word::literal(words.next()?));
            let new = words.next().map(Word::literal);
            match verb {
                "delete" => lost(git, &name),
                "update" if !is_its_own(new.as_ref(), &name) => overwritten_ref(git, &name),
                _ => None,
            }
        });
    }
    let [name, new @ ..] = line.operands.as_slice() else { return None };
    // The branch that `HEAD` stands for goes away.
    if line.on("d") && name.known() == Some("HEAD") {
        return Some(Finding::new("`HEAD` stands for the branch that is checked out"));
    }
    if line.on("d") {
        return lost_ref(git, name);
    }
    if is_its_own(new.first().copied(), name) { None } else { overwritten_ref(git, name) }
}

fn symbolic(git: &Git<'_>) -> Option<Finding> {
    let line = Line::read(git.args, "quiet/q delete/d short recurse /m=");
    let [name, target @ ..] = line.operands.as_slice() else { return None };
    match target {
        _ if line.help => None,
        [] if line.on("delete") => lost_ref(git, name),
        [] => None,
        _ => overwritten_ref(git, name),
    }
}

/// Says whether a branch is only brought up to what the remote has for it.
fn is_its_own(start: Option<&Word>, name: &Word) -> bool {
    let (Some(start), Some(name)) = (start.and_then(Word::known), name.known()) else { return false };
    let name = branch_name(name);
    let upstream =
        ["@{u}", "@{upstream}"].iter().any(|end| start.strip_suffix(end).is_some_and(|own| own == name));
    let tracked = start
        .strip_suffix(name)
        .is_some_and(|before| before.ends_with('/') && !before.starts_with("refs/heads"));
    upstream || tracked || start == "FETCH_HEAD"
}

fn lost(git: &Git<'_>, name: &Word) -> Option<Finding> {
    let name = protected(git, name)?;
    Some(Finding::new(format!("`{name}` is a protected branch")))
}

fn overwritten(git: &Git<'_>, name: &Word) -> Option<Finding> {
    let name = protected(git, name)?;
    Some(Finding::new(format!("`{name}` is a protected branch, and commits on it may be on no other")))
}

/// The same for commands that take whole names of refs.
fn lost_ref(git: &Git<'_>, name: &Word) -> Option<Finding> {
    if name.text.starts_with("refs/heads/") { lost(git, name) } else { None }
}

fn overwritten_ref(git: &Git<'_>, name: &Word) -> Option<Finding> {
    if name.text.starts_with("refs/heads/") { overwritten(git, name) } else { None }
}

fn protected<'w>(git: &Git<'_>, name: &'w Word) -> Option<&'w str> {
    let name = name.known().filter(|name| !name.contains('*'))?;
    is_protected(name, git.world.policy()).then(|| branch_name(name))
}
