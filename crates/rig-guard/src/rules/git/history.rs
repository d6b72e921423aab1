//! Rewriting history, and forgetting where it was.

use super::config::{self, Setting};
use super::{Finding, Git, Line, Pack, Rule, any};
use crate::shell::{Call, Word};
use crate::world::World;

/// Emptying the reflog.
///
/// `git gc --prune=now` and `git prune` alone pass: what the reflog knows survives them. A time that is not
/// known counts as now.
pub(super) const EXPIRE: Rule = Rule {
    id: "git.reflog.expire",
    critical: true,
    pack: Pack::Core,
    what: "This empties the reflog",
    why: "it is the only way back to commits that a reset, a rebase or a deleted branch has left behind",
    instead: "leave it to `git gc`, which keeps what is younger than the usual periods",
    source: "git-reflog(1), git-gc(1), git-config(1)",
    programs: programs!["git-reflog", "git-gc", "git-config"],
    unknown_program: true,
    redirections: false,
    judge: expire,
    suspects: |words| {
        any(words, &["reflog"]) && any(words, &["expire", "delete", "drop"])
            || words.iter().any(|w| w.starts_with("gc.reflog"))
    },
    denies: &[
        "git reflog expire --expire=now --all",
        "git reflog delete main@{1}",
        "git -c gc.reflogExpire=now gc --prune=now",
    ],
    allows: &[
        "git reflog",
        "git reflog expire --expire=90.days --all",
        "git reflog delete stash@{2}",
        "git gc --prune=now",
    ],
};

/// Rewriting the whole history.
pub(super) const REWRITE: Rule = Rule {
    id: "git.history.rewrite",
    critical: true,
    pack: Pack::Core,
    what: "This rewrites the history of a whole repository",
    why: "every commit gets another name, what others build on is gone, and the old history is thrown away",
    instead: "do it in a fresh clone that a person looks at; `git filter-repo --analyze` and `git rebase` are ordinary",
    source: "git-filter-branch(1), git-filter-repo(1), git-fast-import(1), git-lfs-migrate(1), BFG Repo-Cleaner",
    programs: programs!["git-filter-branch", "git-filter-repo", "git-fast-import", "git-lfs", "bfg", "java"],
    unknown_program: true,
    redirections: false,
    judge: rewrite,
    suspects: |words| {
        any(words, &["filter-branch", "filter-repo", "git-filter-repo", "bfg"])
            || any(words, &["fast-import"]) && any(words, &["--force"])
            || any(words, &["lfs", "git-lfs"]) && any(words, &["migrate"])
    },
    denies: &[
        "git filter-branch --tree-filter 'rm -f secrets' HEAD",
        "git filter-repo --path src",
        "git fast-import --force < dump",
        "bfg --delete-files id_rsa",
        "git lfs migrate import --everything",
    ],
    allows: &[
        "git filter-repo --analyze",
        "git filter-branch --help",
        "git fast-import < dump",
        "git lfs migrate info",
        "java -jar server.jar",
    ],
};

/// Entries of the reflog that are younger than this are worth more than the room they take.
const WEEK: f64 = 7.0;

fn expire(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let git = Git::of(call, world, &["reflog", "gc", "config"])?;
    match git.sub {
        "config" => {
            let setting = config::stored(&git).filter(forgets)?;
            return Some(Finding::new(format!("`{}` empties it with the next `git gc`", setting.key)));
        }
        "gc" => {
            let setting = git.settings().into_iter().rev().find(forgets)?;
            return Some(Finding::new(format!("`{}` does", setting.key)));
        }
        _ => {}
    }
    let (verb, args) = git.verb()?;
    let line = Line::read(
        args,
        "dry-run/n rewrite updateref verbose expire= expire-unreachable= stale-fix all single-worktree",
    );
    if line.help || line.on("dry-run") {
        return None;
    }
    let found = match verb {
        "expire" => {
            let given = || ["expire", "expire-unreachable"].iter().filter_map(|name| line.value(name));
            let by_setting = || git.settings().iter().any(forgets);
            let named = line.on("all") || !line.operands.is_empty();
            named && (given().any(|time| !is_old(time)) || by_setting())
        }
        // An entry of the reflog of stashes is a stash, and one may be dropped.
        "delete" => line.operands.iter().any(|word| !word.text.starts_with("stash@{")),
        "drop" => line.on("all") || !line.operands.is_empty(),
        _ => false,
    };
    found.then(Finding::default)
}

/// Says whether a setting makes git forget what is young.
fn forgets(setting: &Setting) -> bool {
    let key = &setting.key;
    let own = key.starts_with("gc.")
        && (key.ends_with(".reflogexpire") || key.ends_with(".reflogexpireunreachable"));
    own && setting.value.as_ref().is_some_and(|time| !is_old(time))
}

/// Says whether a time lies back far enough: `never`, `90.days`, `3 months ago`.
fn is_old(time: &Word) -> bool {
    let Some(text) = time.known() else { return false };
    if matches!(text, "never" | "false") {
        return true;
    }
    let mut parts = text.split(['.', ' ', '_']).filter(|part| !part.is_empty());
    let number = parts.next().and_then(|number| number.parse::<f64>().ok());
    let unit = match parts.next().map(|unit| unit.trim_end_matches('s')) {
        Some("day") | None => 1.0,
        Some("week") => 7.0,
        Some("month" | "mon") => 30.0,
        Some("year") => 365.0,
        Some(_) => 0.0,
    };
    number.is_some_and(|number| number * unit >= WEEK)
}

fn rewrite(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let has = |args: &[Word], options: &[&str]| args.iter().any(|word| options.contains(&word.text.as_str()));
    let helps = |args: &[Word]| has(args, &["--help", "-h", "--version"]);
    let found = match call.name() {
        Some("bfg") => !call.args().is_empty() && !helps(call.args()),
        Some("java") => {
            let jar = call.args().windows(2).find(|pair| pair[0].text == "-jar").map(|pair| &pair[1].text);
            let bfg =
                jar.is_some_and(|jar| jar.rsplit('/').next().is_some_and(|name| name.starts_with("bfg")));
            bfg && !helps(call.args())
        }
        _ => {
            let git = Git::of(call, world, &["filter-branch", "filter-repo", "fast-import", "lfs"])?;
            match git.sub {
                "filter-branch" => !git.args.is_empty() && !helps(git.args),
                "filter-repo" => {
                    !git.args.is_empty() && !helps(git.args) && !has(git.args, &["--analyze", "--dry-run"])
                }
                "fast-import" => has(git.args, &["--force"]),
                _ => {
                    let (_, args) = git.verb().filter(|(verb, _)| *verb == "migrate")?;
                    let verb = args.iter().find(|word| !word.text.starts_with('-'))?;
                    let rewrites = matches!(verb.text.as_str(), "import" | "export");
                    rewrites && !helps(args) && !has(args, &["--no-rewrite"])
                }
            }
        }
    };
    found.then(Finding::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_old_from_a_week_on() {
        for (time, expected) in [
            ("never", true),
            ("90.days", true),
            ("90.days.ago", true),
            ("3 months ago", true),
            ("1.week", true),
            ("30", true),
            ("now", false),
            ("all", false),
            ("0", false),
            ("1.day", false),
            ("6.hours.ago", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_old(&Word::literal(time)), expected, "{time}");
        }
        assert!(!is_old(&Word::unknown(false)));
    }
}
