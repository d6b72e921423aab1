//! `git push --force` and `git reset --hard`.

use super::options::{bundle, long, split_long};
use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&PUSH_FORCE, &RESET_HARD];

/// Force pushes.
pub(super) const PUSH_FORCE: Rule = Rule {
    id: "git.push.force",
    critical: true,
    pack: Pack::Core,
    what: "A forced push replaces the history of the remote",
    why: "commits that others have, or that exist nowhere else, are lost",
    instead: "`git push --force-with-lease`, which stops when the remote has commits you have not seen; or push a new commit",
    source: "git-push(1)",
    programs: &["git", "git-push"],
    unknown_program: true,
    redirections: false,
    judge: push,
    suspects: |words| {
        words.contains(&"push")
            && words.iter().any(|w| {
                matches!(*w, "--force" | "--mirror")
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
    ],
    allows: &[
        "git push origin main",
        "git push --force-with-lease",
        "git push --force --dry-run",
        "git commit -m 'docs: why git push --force is bad'",
    ],
};

/// Hard resets.
pub(super) const RESET_HARD: Rule = Rule {
    id: "git.reset.hard",
    critical: true,
    pack: Pack::Core,
    what: "A hard reset throws away what is not committed",
    why: "changes in the work tree and the index cannot be brought back",
    instead: "`git stash` first, or `git reset --keep`, which stops where it would lose changes",
    source: "git-reset(1)",
    programs: &["git", "git-reset"],
    unknown_program: true,
    redirections: false,
    judge: reset,
    suspects: |words| words.contains(&"reset") && words.contains(&"--hard"),
    denies: &[
        "git reset --hard",
        "git reset --hard HEAD~1",
        "git -c core.pager=cat reset -q --hard origin/main",
    ],
    allows: &["git reset HEAD~1", "git reset --keep HEAD~1", "git log --grep 'git reset --hard'"],
};

const PUSH_OPTIONS: [&str; 27] = [
    "all",
    "branches",
    "mirror",
    "delete",
    "tags",
    "dry-run",
    "porcelain",
    "force",
    "force-with-lease",
    "force-if-includes",
    "recurse-submodules",
    "thin",
    "receive-pack",
    "exec",
    "set-upstream",
    "progress",
    "prune",
    "verify",
    "follow-tags",
    "signed",
    "atomic",
    "push-option",
    "ipv4",
    "ipv6",
    "repo",
    "verbose",
    "quiet",
];
const PUSH_VALUES: [&str; 5] = ["recurse-submodules", "receive-pack", "exec", "push-option", "repo"];

const RESET_OPTIONS: [&str; 14] = [
    "quiet",
    "refresh",
    "mixed",
    "soft",
    "hard",
    "merge",
    "keep",
    "recurse-submodules",
    "patch",
    "unified",
    "inter-hunk-context",
    "intent-to-add",
    "pathspec-from-file",
    "pathspec-file-nul",
];

/// Options before the subcommand that take the next word as their value.
const GLOBAL_VALUES: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--attr-source",
    "--exec-path",
];

/// Returns a command's subcommand and its arguments.
fn subcommand<'a>(call: &Call<'a>) -> Option<(&'a str, &'a [Word])> {
    if let Some(sub) = call.name().and_then(|name| name.strip_prefix("git-")) {
        return Some((sub, call.args()));
    }
    let args = call.args();
    let mut at = 0;
    loop {
        let text = args.get(at)?.text.as_str();
        if !text.starts_with('-') {
            return Some((args[at].known()?, &args[at + 1..]));
        }
        // `--exec-path` alone only prints.
        at += if GLOBAL_VALUES.contains(&text) && text != "--exec-path" { 2 } else { 1 };
    }
}

fn push(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (sub, args) = subcommand(call)?;
    if !matches!(sub, "push" | "send-pack") {
        return None;
    }
    let (mut force, mut mirror, mut dry, mut plus) = (false, false, false, None);
    let mut ended = false;
    let mut args = args.iter();
    while let Some(word) = args.next() {
        let text = word.text.as_str();
        let split = split_long(text).filter(|_| !ended);
        if text == "--" {
            ended = true;
        } else if let Some((name, value)) = split {
            let (name, on) = name.strip_prefix("no-").map_or((name, true), |name| (name, false));
            match long(name, &PUSH_OPTIONS) {
                Some("force") => force = on,
                Some("mirror") => mirror = on,
                Some("dry-run") => dry = on,
                Some(option) if value.is_none() && on && PUSH_VALUES.contains(&option) => drop(args.next()),
                None if name == "help" => return None,
                _ => {}
            }
        } else if let Some(letters) = bundle(text).filter(|_| !ended) {
            for (at, letter) in letters.char_indices() {
                match letter {
                    'f' => force = true,
                    'n' => dry = true,
                    'o' => {
                        if at + 1 == letters.len() {
                            args.next();
                        }
                        break;
                    }
                    _ => {}
                }
            }
        } else if text.starts_with('+') && word.unknowns().all(|(at, _)| at > 0) {
            plus = Some(text);
        }
    }
    let detail = match plus {
        _ if dry => return None,
        Some(refspec) => format!("the `+` of `{refspec}` forces that ref"),
        None if mirror => "`--mirror` overwrites and deletes every ref of the remote".to_owned(),
        None if force => String::new(),
        None => return None,
    };
    Some(Finding::new(detail))
}

fn reset(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (sub, args) = subcommand(call)?;
    if sub != "reset" {
        return None;
    }
    let mut mode = None;
    for word in args {
        let text = word.text.as_str();
        if text == "--" {
            break;
        }
        match split_long(text).and_then(|(name, _)| long(name, &RESET_OPTIONS)) {
            Some(option @ ("mixed" | "soft" | "hard" | "merge" | "keep")) => mode = Some(option),
            _ if text == "--help" => return None,
            _ => {}
        }
    }
    (mode == Some("hard")).then(Finding::default)
}
