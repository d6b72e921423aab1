//! What several commands do together that none of them does alone.

use super::push::{self, Push};
use super::refspec::{branch, is_protected};
use super::{Finding, Git, LIKE_GIT, Line, Rule, discard, forge, untracked};
use crate::shell::{Call, Word};
use crate::world::World;

/// So many stashes that are dropped in a row are no longer single ones.
const MANY: usize = 3;

/// What the commands before have done.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// The number of the command that is looked at.
    now: usize,
    /// The branches that were deleted at a remote.
    deleted: Vec<Deleted>,
    /// The command that has put everything that is not committed into a stash.
    stashed: Option<usize>,
    /// The branch that was switched to, where its name is known, and by which command.
    switched: Option<(Option<String>, usize)>,
    /// The commands that have dropped stashes, and the directories in which they ran.
    dropped: Vec<(usize, Option<String>)>,
    /// What the command right before has printed, and which one that was.
    printed: (Printed, usize),
}

/// A branch that was deleted at a remote.
#[derive(Debug)]
struct Deleted {
    /// The remote, where it is known.
    remote: Option<String>,
    name: String,
    /// The command that has done it.
    by: usize,
}

/// What a command of git has printed about the whole work tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Printed {
    #[default]
    Nothing,
    /// Every change.
    Changes,
    /// The name of every changed file.
    Changed,
}

const DIFF: &str = "name-only cached staged diff-filter= stat quiet numstat shortstat check name-status exit-code \
    unified/U= output=";
const LS_FILES: &str = "modified/m others/o deleted/d ignored/i cached/c stage/s exclude/x= exclude-from/X= \
    exclude-standard /z";
const APPLY: &str = "reverse/R check stat numstat summary cached index 3way/3 include= exclude= directory= whitespace= \
    /p= /C=";

impl Steps {
    /// Looks at the next command; says what it completes.
    pub(crate) fn follow(
        &mut self,
        number: usize,
        call: &Call<'_>,
        world: &dyn World,
    ) -> Option<(&'static Rule, Finding)> {
        self.now = number;
        let name = call.name()?;
        // These hand on what was printed.
        if matches!(name, "xargs" | "gxargs" | "parallel" | "read") {
            return None;
        }
        let printed = std::mem::take(&mut self.printed);
        let (rule, finding) = if LIKE_GIT.contains(&name) {
            self.git(call, world, printed)?
        } else {
            let deleted = forge::deleted_branch(call, world)?;
            self.delete(None, &deleted, world);
            return None;
        };
        let policy = world.policy();
        (policy.has(rule.pack) && !policy.excepts(rule, call, world)).then_some((rule, finding))
    }

    fn git(
        &mut self,
        call: &Call<'_>,
        world: &dyn World,
        (printed, printer): (Printed, usize),
    ) -> Option<(&'static Rule, Finding)> {
        const SUBS: [&str; 10] = [
            "push",
            "stash",
            "diff",
            "ls-files",
            "apply",
            "checkout",
            "restore",
            "checkout-index",
            "switch",
            "rebase",
        ];
        let git = Git::of(call, world, &SUBS)?;
        // A list of files names no branch.
        if printed != Printed::Changed
            && let Some(branch) = switched(&git)
        {
            self.switched = Some((branch, self.now));
            return None;
        }
        let finding = match git.sub {
            "push" => return self.push(&git).map(|finding| (&push::FORCE, finding)),
            "stash" => return self.stash(&git),
            "diff" | "ls-files" => {
                self.printed = (listed(&git), self.now);
                return None;
            }
            "apply" if printed == Printed::Changes => {
                let line = Line::read(git.args, APPLY);
                let shows =
                    ["check", "stat", "numstat", "summary", "cached"].iter().any(|name| line.on(name));
                let input = line.operands.iter().all(|word| word.text == "-");
                if !line.on("reverse") || shows || !input || git.is_contained() {
                    return None;
                }
                Finding::new("every change is taken back")
            }
            "checkout" | "restore" | "checkout-index" if printed == Printed::Changed => {
                let keeps = ["--staged", "-S", "-p", "--patch"];
                let line = Line::read(git.args, "");
                // What they are taken from may stand in front.
                let paths = match line.operands.as_slice() {
                    [_, rest @ ..] if line.dashes == Some(1) => rest,
                    all => all,
                };
                let stdin = git.sub == "checkout-index" && git.args.iter().any(|word| word.text == "--stdin");
                let all = paths.iter().all(|word| word.is_unknown()) && (stdin || !paths.is_empty());
                let kept = git.args.iter().any(|word| keeps.contains(&word.text.as_str()));
                if !all || kept || git.is_contained() {
                    return None;
                }
                Finding::new("the files are all those that have changed")
            }
            _ => return None,
        };
        Some((&discard::TREE, finding.with([printer])))
    }

    fn delete(&mut self, remote: Option<String>, name: &str, world: &dyn World) {
        // Tags are moved in this way, and versions are most likely tags.
        if !name.starts_with("refs/tags/") && !is_version(name) && !is_protected(name, world.policy()) {
            self.deleted.push(Deleted { remote, name: branch(name).to_owned(), by: self.now });
        }
    }

    fn push(&mut self, git: &Git<'_>) -> Option<Finding> {
        let push = Push::of(git)?;
        let remote = push.remote.and_then(Word::known).map(str::to_owned);
        let same = |other: &Option<String>| other.is_none() || remote.is_none() || *other == remote;
        let leases = push.line.on("force-with-lease");
        if !self.deleted.is_empty() || leases {
            let current = match &self.switched {
                Some((branch, _)) => branch.clone(),
                // What runs at another time runs on another branch.
                None if git.call.context.later => None,
                None => git.branch(),
            };
            if let Some(finding) = push::leased(git, &push, current.as_deref()) {
                return Some(finding.with(self.switched.as_ref().map(|(_, by)| *by)));
            }
            let targets = push.targets(current.as_deref());
            let again = |name: &str| targets.iter().any(|target| target == "*" || branch(target) == name);
            if let Some(gone) = self.deleted.iter().find(|gone| same(&gone.remote) && again(&gone.name)) {
                let detail =
                    format!("`{}` was deleted there just before, so that nothing is kept of it", gone.name);
                return Some(Finding::new(detail).with([gone.by]));
            }
        }
        for name in push.deleted() {
            self.delete(remote.clone(), name, git.world);
        }
        None
    }

    fn stash(&mut self, git: &Git<'_>) -> Option<(&'static Rule, Finding)> {
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
                if !part && !paths && !line.help {
                    self.stashed = Some(self.now);
                }
            }
            "pop" | "apply" | "branch" => self.stashed = None,
            "drop" => {
                let (_, args) = git.verb()?;
                let line = Line::read(args, "quiet/q");
                if line.help || git.is_contained() {
                    return None;
                }
                let newest = |word: &&Word| matches!(word.text.as_str(), "stash@{0}" | "0" | "stash");
                if let Some(by) = self.stashed.filter(|_| line.operands.iter().all(newest)) {
                    let finding = Finding::new("it was put into the stash just before, which is dropped");
                    return Some((&discard::TREE, finding.with([by])));
                }
                let listed = git.call.context.chain.iter().any(|step| &**step == "xargs");
                let cwd = git.cwd();
                // Each round of a loop drops one, unless it is about another directory.
                let repeated = match &git.call.context.repeats {
                    Some(begun) if **begun != *cwd.as_deref().unwrap_or_default() => return None,
                    begun => begun.is_some(),
                };
                let same = self.dropped.iter().filter(|(_, other)| *other == cwd).map(|(by, _)| *by);
                let before: Vec<usize> = same.collect();
                if before.len() + 1 >= MANY || listed || repeated {
                    let finding = Finding::new("they are dropped one after the other");
                    return Some((&untracked::STASH, finding.with(before)));
                }
                self.dropped.push((self.now, cwd));
            }
            _ => {}
        }
        None
    }
}

/// Returns the branch that a command switches to; the inner one is `None` where its name is not known.
fn switched(git: &Git<'_>) -> Option<Option<String>> {
    let (options, creates) = match git.sub {
        "switch" => (discard::SWITCH, ["create", "force-create", "orphan"]),
        "checkout" => (discard::CHECKOUT, ["b", "B", "orphan"]),
        "rebase" => ("onto= exec/x= strategy/s= strategy-option/X=", ["", "", ""]),
        _ => return None,
    };
    let line = Line::read(git.args, options);
    let own = creates.iter().find_map(|name| line.value(name));
    let named = match (git.sub, line.operands.as_slice()) {
        _ if own.is_some() => own,
        ("rebase", [_, branch]) => Some(*branch),
        ("checkout", [branch]) if line.dashes.is_none_or(|at| at > 0) => Some(*branch),
        ("switch", [branch, ..]) => Some(*branch),
        _ => return None,
    };
    let name = named.and_then(Word::known).filter(|name| *name != "-" && !line.on("detach"));
    Some(name.map(str::to_owned))
}

/// Says what a command prints that lists something, where it lists all.
fn listed(git: &Git<'_>) -> Printed {
    let kept = git.call.writes().next().is_some();
    if git.sub == "ls-files" {
        let line = Line::read(git.args, LS_FILES);
        let part = !line.operands.is_empty() || line.on("others");
        return if kept || part { Printed::Nothing } else { Printed::Changed };
    }
    let line = Line::read(git.args, DIFF);
    let others = ["diff-filter", "stat", "quiet", "numstat", "shortstat", "check", "name-status", "output"];
    let whole =
        line.operands.iter().all(|word| word.text == "HEAD") && !others.iter().any(|name| line.on(name));
    match line.on("name-only") {
        _ if kept || !whole => Printed::Nothing,
        true => Printed::Changed,
        false => Printed::Changes,
    }
}

/// Says whether a name is that of a version, and so most likely of a tag, which may be moved.
fn is_version(name: &str) -> bool {
    let number = name.strip_prefix('v').unwrap_or(name);
    number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.')
}
