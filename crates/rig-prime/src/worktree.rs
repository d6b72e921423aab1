//! Local changes, and what git is in the middle of.

use std::path::Path;

use rig_core::git::Repository;
use serde::Serialize;

use crate::command::CommandError;
use crate::quote::{NAME, Quote};
use crate::tools::Tools;

/// What `git status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// Files with changes in the index.
    pub(crate) staged: u64,
    /// Files with changes that are not in the index.
    pub(crate) unstaged: u64,
    /// Files and directories that git does not know.
    pub(crate) untracked: u64,
    /// Files with conflicts.
    pub(crate) conflicted: u64,
    /// The branch that this one follows.
    pub(crate) upstream: Option<Quote>,
    /// Commits that the upstream does not have, and commits that only the upstream has; `None`
    /// where there is no upstream, or it is gone.
    pub(crate) ahead_behind: Option<(u64, u64)>,
    /// Whether there is no commit yet.
    pub(crate) unborn: bool,
    /// Whether the counts are of the beginning of a longer list.
    pub(crate) more: bool,
}

impl Status {
    /// Says whether nothing is changed.
    #[must_use]
    pub(crate) fn is_clean(&self) -> bool {
        self.staged + self.unstaged + self.untracked + self.conflicted == 0
    }

    /// Reads the output of `git status --porcelain=v2 --branch -z`.
    fn parse(output: &[u8]) -> Self {
        let mut status = Self::default();
        let mut records = output.split(|b| *b == 0);
        while let Some(record) = records.next() {
            let text = String::from_utf8_lossy(record);
            let mut words = text.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("#"), Some("branch.oid"), Some("(initial)")) => status.unborn = true,
                (Some("#"), Some("branch.upstream"), Some(name)) => {
                    status.upstream = Some(Quote::new(name, NAME))
                }
                (Some("#"), Some("branch.ab"), Some(counts)) => status.ahead_behind = ahead_behind(counts),
                (Some(kind @ ("1" | "2")), Some(change), _) => {
                    status.staged += u64::from(!change.starts_with('.'));
                    status.unstaged += u64::from(!change.ends_with('.'));
                    if kind == "2" {
                        // The name before the renaming is a record of its own.
                        records.next();
                    }
                }
                (Some("u"), ..) => status.conflicted += 1,
                (Some("?"), ..) => status.untracked += 1,
                _ => {}
            }
        }
        status
    }
}

fn ahead_behind(counts: &str) -> Option<(u64, u64)> {
    let (ahead, behind) = counts.split_once(' ')?;
    Some((ahead.strip_prefix('+')?.parse().ok()?, behind.strip_prefix('-')?.parse().ok()?))
}

/// Asks git for the local changes, without taking its lock.
///
/// # Errors
/// When git cannot be started, is late, or refuses.
pub(crate) fn status(tools: &Tools, repository: &Repository) -> Result<Status, CommandError> {
    let answer = tools.git(repository, &["status", "--porcelain=v2", "--branch", "-z"])?;
    let more = answer.cut;
    // Git does not succeed where it is not read to its end, which says nothing about the beginning.
    let output = if more { answer.stdout } else { answer.output("git")? };
    Ok(Status { more, ..Status::parse(&output) })
}

/// Returns what git is in the middle of, by the files that it keeps meanwhile.
#[must_use]
pub(crate) fn operation(git_dir: &Path) -> Option<&'static str> {
    [
        ("rebase-merge", "rebase"),
        ("rebase-apply/applying", "git am"),
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("BISECT_LOG", "bisect"),
    ]
    .into_iter()
    .find_map(|(file, name)| git_dir.join(file).exists().then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_counted_once() {
        let output = "# branch.oid 0123\0# branch.head b\0# branch.upstream origin/b\0# branch.ab +1 -2\0\
                      1 M. N... 100644 100644 100644 0 0 staged\x001 .M N... 100644 100644 100644 0 0 un staged\0\
                      1 MM N... 100644 100644 100644 0 0 both\x002 R. N... 100644 100644 100644 0 0 R100 new\0? old\0\
                      u UU N... 1 2 3 4 0 0 0 fight\0? new\n? name\0? dir/\0! ignored\0";
        let expected = Status {
            staged: 3,
            unstaged: 2,
            untracked: 2,
            conflicted: 1,
            upstream: Some(Quote::new("origin/b", NAME)),
            ahead_behind: Some((1, 2)),
            unborn: false,
            more: false,
        };
        assert_eq!(Status::parse(output.as_bytes()), expected);
    }

    #[test]
    fn a_branch_without_commits_or_upstream_is_read() {
        let output = b"# branch.oid (initial)\0# branch.head main\0";
        assert_eq!(Status::parse(output), Status { unborn: true, ..Status::default() });
        assert!(Status::parse(output).is_clean());
    }

    #[test]
    fn operations_are_known_by_their_files() {
        for (file, expected) in [
            ("rebase-merge/head-name", Some("rebase")),
            ("rebase-apply/applying", Some("git am")),
            ("rebase-apply/rebasing", Some("rebase")),
            ("MERGE_HEAD", Some("merge")),
            ("ORIG_HEAD", None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
            assert_eq!(operation(dir.path()), expected, "{file}");
        }
    }
}
