//! An empty home directory, and git repositories in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::PATH;

/// A home directory of its own for one test; it goes when the test ends.
#[derive(Debug)]
pub struct Home(Place);

#[derive(Debug)]
enum Place {
    Temporary(TempDir),
    Given(PathBuf),
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Makes an empty temporary home.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    #[must_use]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("rig-home-").tempdir().expect("make a temporary home");
        Self(Place::Temporary(dir))
    }

    /// Makes a home at a given place, which stays when the test ends.
    ///
    /// # Panics
    /// When the directory cannot be made.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        make_dir(&path);
        Self(Place::Given(path))
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.0 {
            Place::Temporary(dir) => dir.path(),
            Place::Given(path) => path,
        }
    }

    /// Returns the path of something below it.
    #[must_use]
    pub fn join(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path().join(relative)
    }

    /// Returns the rig's state directory below it, which may not exist.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.join(".local/state/rig")
    }

    /// Writes a file below it, and its parents, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, relative: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(relative);
        make_dir(path.parent().expect("a file in a home has a parent"));
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
        path
    }

    /// Writes the rig's configuration of this user.
    pub fn config(&self, config: &Value) -> PathBuf {
        self.write(".config/rig/config.json", config.to_string())
    }

    /// Reads a text file below it.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.join(relative);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()))
    }

    /// Returns the records of a program's log; none where there is no log.
    ///
    /// # Panics
    /// When a line is no whole JSON value.
    #[must_use]
    pub fn log(&self, program: &str) -> Vec<Value> {
        json_lines(&self.state().join("log").join(format!("{program}.jsonl")))
    }

    /// Returns the records of every `.jsonl` file below the spool, in the order of the files' names.
    ///
    /// # Panics
    /// When a line is no whole JSON value.
    #[must_use]
    pub fn spool(&self) -> Vec<Value> {
        let mut files = files(&self.state().join("spool"));
        files.retain(|f| f.extension().is_some_and(|e| e == "jsonl"));
        files.iter().flat_map(|f| json_lines(f)).collect()
    }

    /// Returns every file below it, relative to it and sorted; git's own files are left out.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = files(self.path());
        files.retain(|f| f.components().all(|c| !c.as_os_str().as_encoded_bytes().ends_with(b".git")));
        files.iter().map(|f| f.strip_prefix(self.path()).unwrap_or(f).to_owned()).collect()
    }

    /// Makes a git repository with one commit on `main`, below this home.
    ///
    /// # Panics
    /// When git cannot make it.
    #[must_use]
    pub fn repo(&self, relative: impl AsRef<Path>) -> Repo {
        let repo = Repo { home: self.path().to_owned(), path: self.join(relative) };
        make_dir(&repo.path);
        repo.git(["init", "--quiet", "--initial-branch=main"]);
        repo.write("README", "one\n");
        repo.commit("first");
        repo
    }
}

/// A git repository in a test's home.
#[derive(Clone, Debug)]
pub struct Repo {
    home: PathBuf,
    path: PathBuf,
}

impl Repo {
    /// Returns the top directory of the work tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in the work tree, and its parents.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, relative: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(relative);
        make_dir(path.parent().expect("a file in a work tree has a parent"));
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
        path
    }

    /// Commits everything in the work tree as the test's own author.
    pub fn commit(&self, message: &str) {
        self.git(["add", "--all"]);
        self.git([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "commit",
            "--quiet",
            "-m",
            message,
        ]);
    }

    /// Makes a bare repository beside this one, as remote `origin`, and pushes `main` to it.
    /// The result is that bare repository.
    #[must_use]
    pub fn with_origin(&self) -> Repo {
        let mut name = self.path.file_name().expect("a work tree has a name").to_owned();
        name.push(".git");
        let bare = Repo { home: self.home.clone(), path: self.path.with_file_name(name) };
        make_dir(&bare.path);
        bare.git(["init", "--quiet", "--bare", "--initial-branch=main"]);
        self.git(["remote", "add", "origin", &bare.path.to_string_lossy()]);
        self.git(["push", "--quiet", "--set-upstream", "origin", "main"]);
        bare
    }

    /// Runs the real git in this repository, unmoved by the machine's configuration, and returns
    /// what it prints without the final line end.
    ///
    /// # Panics
    /// When git fails.
    #[track_caller]
    pub fn git<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        let mut git = Command::new("git");
        git.args(args).current_dir(&self.path).env_clear().envs(git_env(&self.home));
        let output = git.output().expect("start git");
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{git:?} failed: {stdout}{stderr}");
        stdout.trim_end().to_owned()
    }
}

/// Returns an environment in which git sees no configuration but that of the home and the repository.
fn git_env(home: &Path) -> [(&'static str, std::ffi::OsString); 6] {
    [
        ("PATH", PATH.into()),
        ("HOME", home.into()),
        ("LANG", "C.UTF-8".into()),
        ("GIT_CONFIG_SYSTEM", "/dev/null".into()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
    ]
}

/// Returns every file below a directory, sorted; none where the directory is missing.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Reads a file of JSON values, one per line, each of them whole; none where the file is missing.
///
/// # Panics
/// When a line is not JSON, or the last one has no end.
#[must_use]
pub fn json_lines(file: &Path) -> Vec<Value> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => panic!("read {}: {error}", file.display()),
    };
    assert!(text.is_empty() || text.ends_with('\n'), "{}: the last line has no end: {text}", file.display());
    let parse = |line| {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e} in line {line:?}", file.display()))
    };
    text.lines().map(parse).collect()
}

fn make_dir(path: &Path) {
    std::fs::create_dir_all(path).unwrap_or_else(|e| panic!("make {}: {e}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_a_commit_and_an_origin_that_has_it_too() {
        let home = Home::new();
        let repo = home.repo("work/project");
        let origin = repo.with_origin();
        assert_eq!(repo.git(["log", "--format=%an %s"]), "Test first");
        assert_eq!(origin.git(["rev-parse", "main"]), repo.git(["rev-parse", "HEAD"]));
        assert_eq!(home.files(), [PathBuf::from("work/project/README")]);
    }

    #[test]
    #[should_panic(expected = "the last line has no end")]
    fn half_a_record_is_noticed() {
        let home = Home::new();
        home.write(".local/state/rig/log/rig-guard.jsonl", "{\"a\":1}\n{\"b\":");
        let _ = home.log("rig-guard");
    }

    #[test]
    fn records_of_every_spool_file_are_read_and_other_files_are_not() {
        let home = Home::new();
        assert_eq!(home.spool(), [] as [Value; 0]);
        home.write(".local/state/rig/spool/b.jsonl", "{\"n\":2}\n");
        home.write(".local/state/rig/spool/a.jsonl", "{\"n\":0}\n{\"n\":1}\n");
        home.write(".local/state/rig/spool/flush.lock", "123");
        assert_eq!(
            home.spool().iter().map(|r| r["n"].as_u64()).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(2)]
        );
    }
}
