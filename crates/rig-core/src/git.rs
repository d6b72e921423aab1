//! Facts about the working copy.
//!
//! Branch, directories and the issue number come from file reads. What takes rewriting rules or
//! the work tree (remotes as git would call them, local changes) is asked of `git`, and only by
//! those who can wait for a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files;

/// The most that is read of a file that holds one line, in bytes.
const LINE: u64 = 4 << 10;

/// The most that is read of a repository's configuration, in bytes.
const CONFIG: u64 = 1 << 20;

/// The most that is read of the list of packed refs, in bytes.
const REFS: u64 = 64 << 20;

/// A working copy, found by reading files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The top directory of the work tree.
    pub top: PathBuf,
    /// The git directory of this work tree.
    pub git_dir: PathBuf,
    /// The git directory that all work trees share.
    pub common_dir: PathBuf,
}

/// What `HEAD` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch, with or without commits.
    Branch(String),
    /// A commit.
    Detached(String),
    /// A commit in the middle of a rebase of a branch.
    Rebasing(String),
    /// The repository keeps its refs in a form that only git reads.
    Unreadable,
}

impl Head {
    /// Returns the branch that is worked on, through a rebase as well.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch(name) | Self::Rebasing(name) => Some(name),
            Self::Detached(_) | Self::Unreadable => None,
        }
    }
}

impl Repository {
    /// Finds the working copy that a directory is in; `None` outside of one.
    #[must_use]
    pub fn find(start: &Path) -> Option<Self> {
        start.ancestors().find_map(|top| {
            let git_dir = git_dir(&top.join(".git"))?;
            let common_dir = match files::read_text(&git_dir.join("commondir"), LINE) {
                Ok(relative) => join(&git_dir, relative.trim_end()),
                Err(_) => git_dir.clone(),
            };
            Some(Self { top: top.into(), git_dir, common_dir })
        })
    }

    /// Reads `HEAD`.
    #[must_use]
    pub fn head(&self) -> Head {
        let Ok(head) = files::read_text(&self.git_dir.join("HEAD"), LINE) else { return Head::Unreadable };
        let head = head.trim_end();
        match head.strip_prefix("ref:").map(str::trim_start) {
            Some(name) => match branch_name(name) {
                Some(name) => Head::Branch(name.to_owned()),
                None => Head::Unreadable,
            },
            None => match self.rebased_branch() {
                Some(branch) => Head::Rebasing(branch),
                None if head.is_empty() || head.contains(char::is_control) => Head::Unreadable,
                None => Head::Detached(head.to_owned()),
            },
        }
    }

    /// Returns the branch that is worked on. It is git that is asked where the refs are kept as a
    /// table, which takes a process.
    #[must_use]
    pub fn branch(&self) -> Option<String> {
        match self.head() {
            Head::Unreadable if self.common_dir.join("reftable").is_dir() => self.asked_branch(),
            head => head.branch().map(str::to_owned),
        }
    }

    fn asked_branch(&self) -> Option<String> {
        let mut git = Command::new("git");
        git.args(["symbolic-ref", "--quiet", "HEAD"]).current_dir(&self.top).stdin(Stdio::null());
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"] {
            git.env_remove(variable);
        }
        let answer = String::from_utf8(git.output().ok()?.stdout).ok()?;
        branch_name(answer.trim_end()).map(str::to_owned)
    }

    fn rebased_branch(&self) -> Option<String> {
        ["rebase-merge", "rebase-apply"].iter().find_map(|dir| {
            let name = files::read_text(&self.git_dir.join(dir).join("head-name"), LINE).ok()?;
            name.starts_with("refs/heads/").then(|| branch_name(name.trim_end()))?.map(str::to_owned)
        })
    }

    /// Says whether a local branch exists.
    #[must_use]
    pub fn has_branch(&self, name: &str) -> bool {
        let full = format!("refs/heads/{name}");
        if self.common_dir.join(&full).is_file() {
            return true;
        }
        let packed = files::read_text(&self.common_dir.join("packed-refs"), REFS).unwrap_or_default();
        packed.lines().any(|line| line.split_once(' ').is_some_and(|(_, r)| r == full))
    }

    /// Returns `owner/name` of a remote as the configuration file spells its URL: `upstream`,
    /// else `origin`. Includes and rewriting rules are not followed; see [`crate::git::slug`].
    #[must_use]
    pub fn slug(&self) -> Option<String> {
        let config = files::read_text(&self.common_dir.join("config"), CONFIG).ok()?;
        let url = |remote| value(&config, &format!("[remote \"{remote}\"]"), "url");
        ["upstream", "origin"].iter().find_map(|name| slug(&url(name)?).map(|s| s.repo))
    }

    /// Returns the number of the pull request as which a branch was checked out, by `gh pr checkout`
    /// for one.
    #[must_use]
    pub fn pull_request(&self, branch: &str) -> Option<u64> {
        let config = files::read_text(&self.common_dir.join("config"), CONFIG).ok()?;
        pull_request_of_ref(&value(&config, &format!("[branch \"{branch}\"]"), "merge")?)
    }
}

/// Returns the git directory behind a `.git` that is a directory or a file that names one.
fn git_dir(dot_git: &Path) -> Option<PathBuf> {
    let meta = fs::metadata(dot_git).ok()?;
    if meta.is_dir() {
        return dot_git.join("HEAD").exists().then(|| dot_git.to_owned());
    }
    let text = files::read_text(dot_git, LINE).ok()?;
    Some(join(dot_git.parent()?, text.strip_prefix("gitdir:")?.trim()))
}

/// Returns the name of a branch from that of its ref; `None` for what git does not take as a name, so
/// that none of it misleads a terminal or leaves the directory of refs.
#[must_use]
pub fn branch_name(reference: &str) -> Option<&str> {
    let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let plain = !name.contains("..") && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c));
    (plain && !name.starts_with('-') && !name.split('/').any(bad)).then_some(name)
}

/// Joins and drops `.` and `..` by name, which is how git writes these paths.
fn join(base: &Path, relative: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in base.join(relative).components() {
        match part {
            std::path::Component::ParentDir => {
                path.pop();
            }
            std::path::Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// Returns the number in `refs/pull/<number>/head` or `refs/pull/<number>/merge`.
#[must_use]
pub fn pull_request_of_ref(reference: &str) -> Option<u64> {
    let (number, _) = reference.trim().strip_prefix("refs/pull/")?.split_once('/')?;
    number.parse().ok().filter(|number| *number > 0)
}

/// Returns the first value of a key in a section of git's configuration file.
fn value(config: &str, section: &str, wanted: &str) -> Option<String> {
    let mut inside = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.eq_ignore_ascii_case(section);
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case(wanted)
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// A repository on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug {
    /// The server's host name, lower-cased, without a port for ssh.
    pub host: String,
    /// `owner/name`.
    pub repo: String,
}

/// Reads the URL of a remote: `https://host/o/r(.git)`, `git@host:o/r.git`, `ssh://git@host:22/o/r`
/// and their kin; `None` for a local path or another number of path parts.
#[must_use]
pub fn slug(url: &str) -> Option<Slug> {
    let url = url.trim();
    let (host, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            if !matches!(scheme, "https" | "http" | "ssh" | "git" | "git+ssh" | "git+https") {
                return None;
            }
            let (authority, path) = rest.split_once('/')?;
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let ssh = scheme.ends_with("ssh") || scheme == "git";
            (if ssh { host.split(':').next()? } else { host }, path)
        }
        None => {
            let (authority, path) = url.split_once(':')?;
            // A slash before the colon is a path; one letter is a drive.
            if authority.contains('/') || authority.len() < 2 {
                return None;
            }
            (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
        }
    };
    let host = host.trim_start_matches("www.").to_ascii_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (is_repository(path) && !host.is_empty()).then(|| Slug { host, repo: path.to_owned() })
}

/// Says whether a text is a repository's `owner/name`.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

/// An issue number that a branch's name carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchIssue {
    /// The number, at least 1.
    pub number: u64,
    /// Whether the name has the form that the rig makes (`feat/123-x`, `issue-42`); a bare
    /// `3-way-merge` may be about anything and needs confirmation.
    pub certain: bool,
}

/// Reads the issue number from a branch's name: the last path segment of the form `42`, `42-login`,
/// `issue-42-login`, `#42` or `gh-42`. Dates and versions are none.
#[must_use]
pub fn issue_of_branch(branch: &str) -> Option<BranchIssue> {
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let prefixed = branch.contains('/');
    branch.rsplit('/').find_map(|segment| {
        let lower = segment.to_ascii_lowercase();
        let (rest, named) =
            match ["issue-", "issue_", "issue", "gh-"].iter().find_map(|p| lower.strip_prefix(p)) {
                Some(rest) => (rest, true),
                None => (lower.as_str(), false),
            };
        let (rest, named) = rest.strip_prefix('#').map_or((rest, named), |rest| (rest, true));
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let tail = &rest[digits..];
        let number: u64 = (1..=9).contains(&digits).then(|| rest[..digits].parse().ok()).flatten()?;
        let ended = tail.is_empty() || tail.starts_with(['-', '_']);
        (ended && number > 0 && !(digits == 4 && is_date(tail)))
            .then_some(BranchIssue { number, certain: named || prefixed })
    })
}

/// Says whether what follows a year makes it a date: `-04-17` or `-04-17-x`.
fn is_date(tail: &str) -> bool {
    let b = tail.as_bytes();
    b.len() >= 6
        && [0, 3].iter().all(|&i| b[i] == b'-')
        && [1, 2, 4, 5].iter().all(|&i| b[i].is_ascii_digit())
        && b.get(6).is_none_or(|c| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issue_numbers_are_read_from_branches() {
        let certain = |number| Some(BranchIssue { number, certain: true });
        let doubtful = |number| Some(BranchIssue { number, certain: false });
        for (branch, expected) in [
            ("feat/123-short-description", certain(123)),
            ("feature/issue-42-login", certain(42)),
            ("refs/heads/feature/issue_42", certain(42)),
            ("issue-42", certain(42)),
            ("Issue42", certain(42)),
            ("fix/#7", certain(7)),
            ("gh-15-x", certain(15)),
            ("fix/15/retry", certain(15)),
            ("3-way-merge", doubtful(3)),
            ("42", doubtful(42)),
            ("release/2.1", None),
            ("v2", None),
            ("main", None),
            ("feat/0-zero", None),
            ("x/2026-04-17-retro", None),
            ("x/2026-04-17", None),
            ("feat/2026-04", certain(2026)),
            ("feat/1234567890-x", None),
            ("feat/issue-", None),
            ("", None),
        ] {
            assert_eq!(issue_of_branch(branch), expected, "{branch}");
        }
    }

    #[test]
    fn remotes_are_read_in_every_form() {
        let at = |host: &str| Some(Slug { host: host.into(), repo: "Owner/repo.name".into() });
        for (url, expected) in [
            ("https://github.com/Owner/repo.name.git", at("github.com")),
            ("https://user:token@github.com/Owner/repo.name/", at("github.com")),
            ("https://www.GitHub.com/Owner/repo.name", at("github.com")),
            ("git@github.com:Owner/repo.name.git", at("github.com")),
            ("github.com-work:Owner/repo.name", at("github.com-work")),
            ("ssh://git@ghe.example.com:2222/Owner/repo.name.git", at("ghe.example.com")),
            ("git+ssh://git@github.com/Owner/repo.name", at("github.com")),
            ("http://127.0.0.1:8080/Owner/repo.name", at("127.0.0.1:8080")),
            ("/srv/git/Owner/repo.name", None),
            ("../Owner/repo", None),
            ("file:///srv/Owner/repo", None),
            ("c:/x/y", None),
            ("https://github.com/Owner", None),
            ("https://github.com/a/b/c", None),
            ("https://github.com/Owner/re po", None),
            ("https://github.com/../repo", None),
            ("", None),
        ] {
            assert_eq!(slug(url), expected, "{url}");
        }
    }

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn head_is_a_branch_a_commit_or_a_rebase() {
        for (files, expected) in [
            (vec![(".git/HEAD", "ref: refs/heads/feat/42-x\n")], Head::Branch("feat/42-x".into())),
            (vec![(".git/HEAD", "0123abc\n")], Head::Detached("0123abc".into())),
            (
                vec![(".git/HEAD", "0123abc\n"), (".git/rebase-merge/head-name", "refs/heads/main\n")],
                Head::Rebasing("main".into()),
            ),
            (vec![(".git/HEAD", "ref: refs/heads/.invalid\n")], Head::Unreadable),
            (vec![(".git/HEAD", "ref: refs/heads/a\u{1b}[31mb\n")], Head::Unreadable),
            (vec![(".git/HEAD", "ref: refs/heads/a\nb\n")], Head::Unreadable),
            (vec![(".git/HEAD", "ref: refs/heads//dev/zero\n")], Head::Unreadable),
            (vec![(".git/HEAD", "0123\u{1b}[31mabc\n")], Head::Unreadable),
        ] {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), &files);
            assert_eq!(Repository::find(dir.path()).unwrap().head(), expected);
        }
    }

    #[test]
    fn a_branch_in_a_table_of_refs_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            git.args(args).current_dir(dir.path()).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
            git.env("HOME", dir.path()).output().unwrap()
        };
        // Git before 2.45 does not know such tables, and makes no repository then.
        if git(&["init", "--quiet", "--ref-format=reftable", "--initial-branch=feat/42-x"]).status.success() {
            let found = Repository::find(dir.path()).unwrap();
            assert_eq!((found.head(), found.branch().as_deref()), (Head::Unreadable, Some("feat/42-x")));
        }
    }

    #[test]
    fn a_linked_work_tree_has_its_own_head_and_shares_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("main/.git/HEAD", "ref: refs/heads/main\n"),
                ("main/.git/packed-refs", "# pack-refs\n0123 refs/heads/old\n"),
                ("main/.git/refs/heads/main", "0123\n"),
                (
                    "main/.git/config",
                    "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git@github.com:o/r.git\n",
                ),
                ("main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n"),
                ("main/.git/worktrees/w/commondir", "../..\n"),
                ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
                ("w/sub/file", ""),
            ],
        );
        let found = Repository::find(&dir.path().join("w/sub")).unwrap();
        let expected = Repository {
            top: dir.path().join("w"),
            git_dir: dir.path().join("main/.git/worktrees/w"),
            common_dir: dir.path().join("main/.git"),
        };
        assert_eq!(found, expected);
        assert_eq!((found.head(), found.slug().as_deref()), (Head::Branch("side".into()), Some("o/r")));
        assert_eq!(["main", "old", "side"].map(|b| found.has_branch(b)), [true, true, false]);
    }

    #[test]
    fn a_pull_request_that_was_checked_out_is_known_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let config = "[branch \"fix\"]\n\tremote = origin\n\tmerge = refs/pull/7/head\n\
                      [branch \"own\"]\n\tmerge = refs/heads/own\n[branch \"odd\"]\n\tmerge = refs/pull/0/head\n";
        write(dir.path(), &[(".git/HEAD", "ref: refs/heads/fix\n"), (".git/config", config)]);
        let found = Repository::find(dir.path()).unwrap();
        let numbers = ["fix", "own", "odd", "none"].map(|branch| found.pull_request(branch));
        assert_eq!(numbers, [Some(7), None, None, None]);
        assert_eq!(pull_request_of_ref("refs/pull/15/merge\n"), Some(15));
    }

    #[test]
    fn outside_of_a_working_copy_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        // Only this directory counts: the temporary folder may itself lie in a working copy.
        assert!(Repository::find(dir.path()).is_none_or(|found| found.top != dir.path()));
    }
}
