//! Pushes that replace or delete what is at the remote.

use super::super::options::bundle;
use super::refspec::{Refspec, branch, is_protected};
use super::{Finding, Git, Line, Pack, Rule, any, setting};
use crate::shell::{Call, Word};
use crate::world::World;

/// Forced pushes.
///
/// A refspec that is not known is taken for a branch that nobody protects, and for one without `+`
/// unless that is what it begins with. A remote that is not known may be any of the configured ones.
pub(super) const FORCE: Rule = Rule {
    id: "git.push.force",
    critical: true,
    pack: Pack::Core,
    what: "A forced push replaces the history of the remote",
    why: "commits that others have, or that exist nowhere else, are lost",
    instead: "`git push --force-with-lease`, which stops when the remote has commits you have not seen; or push a new commit",
    source: "git-push(1), git-send-pack(1), git-http-push(1), git-config(1)",
    programs: programs![
        "git-push",
        "git-send-pack",
        "git-http-push",
        "git-subtree",
        "git-config",
        "git-remote"
    ],
    unknown_program: true,
    redirections: false,
    judge: force,
    suspects: |words| {
        let set = |w: &&str| w.starts_with("remote.") && (w.ends_with(".push") || w.ends_with(".mirror"));
        any(words, &["git"]) && words.iter().any(set)
            || any(words, &["push", "send-pack", "git-push"])
                && words.iter().any(|w| {
                    matches!(*w, "--force" | "--force-with-lease" | "--mirror")
                        || w.starts_with('+')
                        || bundle(w).is_some_and(|b| b.contains('f'))
                })
    },
    denies: &[
        "git push --force origin main",
        "git push -f",
        "git -C /srv/repo push -uf origin HEAD",
        "git push origin +main",
        "git push --mirror backup",
        "git push --force-with-lease origin main",
        "git -c remote.origin.push=+refs/heads/*:refs/heads/* push",
        "git push origin :topic && git push origin topic",
    ],
    allows: &[
        "git push origin main",
        "git push --force-with-lease",
        "git push --force-with-lease origin topic",
        "git push --force --dry-run",
        "git commit -m 'docs: why git push --force is bad'",
    ],
};

/// Deleting protected branches of the remote.
///
/// A branch whose name is not known is taken for one that nobody protects: merged branches are deleted in
/// loops.
pub(super) const DELETE: Rule = Rule {
    id: "git.push.delete",
    critical: true,
    pack: Pack::Core,
    what: "This push deletes branches of the remote that others build on",
    why: "what only they hold is lost, and open pull requests are closed",
    instead: "name the one branch that is merged, such as `git push origin --delete topic`; look first with `git push --prune --dry-run`",
    source: "git-push(1)",
    programs: programs!["git-push", "git-send-pack", "git-http-push"],
    unknown_program: true,
    redirections: false,
    judge: delete,
    suspects: |words| {
        let deletes = |w: &&str| matches!(*w, "--delete" | "--prune" | "-d") || w.starts_with(':');
        any(words, &["push", "send-pack"]) && words.iter().any(deletes)
    },
    denies: &[
        "git push origin --delete main",
        "git push origin :master",
        "git push --prune origin 'refs/heads/*'",
    ],
    allows: &[
        "git push origin --delete topic",
        "git push origin :refs/tags/v1.0",
        "git push --prune --dry-run origin",
        "git fetch --prune origin",
    ],
};

const PUSH: &str = "verbose/v quiet/q repo= all branches mirror delete/d tags dry-run/n porcelain force/f \
    force-with-lease? force-if-includes recurse-submodules= thin receive-pack= exec= set-upstream/u progress prune \
    no-verify follow-tags signed? atomic push-option/o= ipv4/4 ipv6/6";
const SEND_PACK: &str = "verbose/v quiet/q receive-pack= exec= remote= all dry-run/n mirror force/f signed? \
    push-option= progress thin atomic stateless-rpc stdin helper-status force-with-lease? force-if-includes";
const HTTP_PUSH: &str = "all force dry-run verbose /d /D";

/// A push.
pub(super) struct Push<'a> {
    pub(super) line: Line<'a>,
    /// The remote, where it is named.
    pub(super) remote: Option<&'a Word>,
    pub(super) refspecs: Vec<&'a Word>,
}

impl<'a> Push<'a> {
    /// Reads a command that pushes something, and does not only say what it would do.
    pub(super) fn of(git: &Git<'a>) -> Option<Self> {
        let line = Line::read(
            git.args,
            match git.sub {
                "send-pack" => SEND_PACK,
                "http-push" => HTTP_PUSH,
                _ => PUSH,
            },
        );
        if line.help || line.on("dry-run") {
            return None;
        }
        let mut operands = line.operands.iter().copied();
        let remote = operands.next();
        let refspecs = operands.collect();
        Some(Self { line, remote, refspecs })
    }

    /// Returns the refs that it deletes, as far as they are known.
    pub(super) fn deleted(&self) -> Vec<&'a str> {
        let all = ["delete", "d", "D"].iter().any(|name| self.line.on(name));
        let known = self.refspecs.iter().filter_map(|word| Refspec::of(word));
        known.filter_map(|refspec| if all { Some(refspec.target()) } else { refspec.deletes() }).collect()
    }

    /// Returns the branches that it changes, as far as they are known; `*` for all. `current` is the one that
    /// is checked out.
    pub(super) fn targets(&self, current: Option<&str>) -> Vec<String> {
        let current = || current.map(str::to_owned).into_iter().collect();
        if ["all", "branches", "mirror"].iter().any(|name| self.line.on(name)) {
            return vec!["*".to_owned()];
        }
        if self.refspecs.is_empty() {
            return if self.line.on("tags") { Vec::new() } else { current() };
        }
        let known = self.refspecs.iter().filter_map(|word| Refspec::of(word));
        let each =
            known.filter(|refspec| refspec.deletes().is_none()).flat_map(|refspec| match refspec.target() {
                "HEAD" | "@" => current(),
                "" => vec!["*".to_owned()],
                name => vec![name.to_owned()],
            });
        each.collect()
    }
}

fn force(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["push", "send-pack", "http-push", "subtree", "config", "remote"])?;
    match git.sub {
        "config" => return setting::configured(&git),
        "remote" => return setting::mirror(&git),
        "subtree" => {
            let (_, args) = git.verb().filter(|(verb, _)| *verb == "push")?;
            let forced = args.iter().find(|word| is_forced(word))?;
            return Some(plus(forced));
        }
        _ => {}
    }
    let push = Push::of(&git)?;
    if let Some(word) = push.refspecs.iter().find(|word| is_forced(word)) {
        return Some(plus(word));
    }
    if push.line.on("mirror") {
        return Some(Finding::new("`--mirror` overwrites and deletes every ref of the remote"));
    }
    if push.line.on("force") {
        return Some(Finding::default());
    }
    // Which branch is checked out by then is seen by who follows the commands before.
    leased(&git, &push, None).or_else(|| setting::by_settings(&git, &push))
}

/// Says whether a refspec begins with a `+`.
pub(super) fn is_forced(word: &Word) -> bool {
    word.text.starts_with('+') && word.unknowns().all(|(at, _)| at > 0)
}

fn plus(word: &Word) -> Finding {
    Finding::new(format!("the `+` of `{}` forces that ref", word.display()))
}

/// Looks for a protected branch that is pushed by a lease.
pub(super) fn leased(git: &Git<'_>, push: &Push<'_>, current: Option<&str>) -> Option<Finding> {
    if !push.line.on("force-with-lease") {
        return None;
    }
    let leases: Vec<Option<&Word>> = push.line.values("force-with-lease").collect();
    let policy = git.world.policy();
    let named = |target: &str| {
        leases.iter().any(|lease| match lease.map(|word| word.known()) {
            // A lease may be for one branch alone.
            Some(Some(lease)) => {
                let name = lease.split(':').next().unwrap_or(lease);
                branch(name) == branch(target) || target == "*"
            }
            _ => true,
        })
    };
    let target = push.targets(current).into_iter().find(|name| named(name) && is_protected(name, policy))?;
    Some(Finding::new(if target == "*" {
        "protected branches are among those that are pushed, and a lease does not permit that for them"
            .to_owned()
    } else {
        format!("`{}` is a protected branch, for which a lease does not permit it", branch(&target))
    }))
}

fn delete(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["push", "send-pack", "http-push"])?;
    let push = Push::of(&git)?;
    let policy = world.policy();
    if let Some(name) = push.deleted().into_iter().find(|name| is_protected(name, policy)) {
        return Some(Finding::new(format!("`{}` is a protected branch", branch(name))));
    }
    let several = |word: &&Word| {
        Refspec::of(word)
            .is_some_and(|refspec| matches!(refspec.target(), "" | "*") || is_many(refspec.target()))
    };
    let all = ["all", "branches"].iter().any(|name| push.line.on(name));
    let prunes = push.line.on("prune") && (all || push.refspecs.iter().any(several));
    prunes.then(|| Finding::new("`--prune` deletes every branch there that does not exist here"))
}

/// Says whether a refspec's destination stands for many branches, and not for tags.
fn is_many(target: &str) -> bool {
    target.contains('*') && !target.starts_with("refs/tags/")
}
