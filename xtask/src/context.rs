//! Where a task runs: the work tree, the environment and cargo.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The variables of a session, which no test and no proof may see.
const SESSION: [&str; 6] = ["CLAUDE", "ANTHROPIC_", "CONDUCTOR_", "AGENT_", "GIT_", "RIG_"];

/// What `cargo run` tells of the package xtask. Passed on, it would make cargo build packages again
/// whose build scripts look at it.
const PACKAGE: [&str; 5] =
    ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The work tree, the environment and cargo.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The directory of the workspace's manifest.
    pub(crate) root: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Context {
    /// Returns the context of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
    pub(crate) fn of_process() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().map(Path::to_owned).filter(|root| root.join("Cargo.toml").is_file());
        let root = root.ok_or_else(|| {
            Error::new(format!("no workspace at {}", manifest.display())).hint("run it as `cargo xtask`")
        })?;
        let is_of_package = |name: &str| PACKAGE.iter().any(|prefix| name.starts_with(prefix));
        let variables = std::env::vars_os().filter(|(name, _)| !is_of_package(&name.to_string_lossy()));
        Ok(Self { root, variables: variables.collect() })
    }

    /// Returns a variable that is set, not empty and UTF-8.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(OsStr::new(name))?.to_str().filter(|value| !value.is_empty())
    }

    /// Returns the same context with a variable set.
    pub(crate) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Returns the same context with an empty home and without what belongs to a session of the
    /// client. Cargo and rustup keep their places.
    pub(crate) fn at_home(mut self, home: &Path) -> Self {
        if let Some(old) = self.var("HOME").map(PathBuf::from) {
            for (name, place) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                if self.var(name).is_none() && old.join(place).is_dir() {
                    self = self.with(name, old.join(place));
                }
            }
        }
        self.variables.retain(|name, _| !is_of_session(&name.to_string_lossy()));
        self.with("HOME", home)
    }

    /// Returns a command that runs in the work tree and sees this context's variables alone.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(&self.root);
        command
    }

    /// Returns a call of the cargo that runs this task.
    pub(crate) fn cargo(&self) -> Command {
        self.command(self.var("CARGO").unwrap_or("cargo"))
    }

    /// Returns the user's home directory.
    pub(crate) fn home(&self) -> Result<PathBuf> {
        self.var("HOME").map(PathBuf::from).filter(|home| home.is_absolute()).ok_or_else(|| {
            Error::new("`HOME` is not set to an absolute path").hint("set it, or give `--prefix`")
        })
    }

    /// Finds a program in `PATH`.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(self.var("PATH")?)
            .map(|dir| dir.join(program))
            .find(|path| path.metadata().is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0))
    }
}

fn is_of_session(name: &str) -> bool {
    let kept = name.starts_with("RIG_TEST_");
    !kept && (SESSION.iter().any(|prefix| name.starts_with(prefix)) || name.contains("TOKEN"))
}

/// Says whether this process runs as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_session_is_recognised() {
        let names = [
            "CLAUDECODE",
            "CLAUDE_CONFIG_DIR",
            "ANTHROPIC_API_KEY",
            "CONDUCTOR_AGENT_ID",
            "AGENT_ID",
            "GIT_AUTHOR_NAME",
            "GITHUB_TOKEN",
            "RIG_STATE",
        ];
        assert_eq!(names.map(is_of_session), [true; 8]);
        let names = ["PATH", "HOME", "CARGO_HOME", "RIG_TEST_SCHEMAS", "LANG", "GITHUB_ACTIONS"];
        assert_eq!(names.map(is_of_session), [false; 6]);
    }
}
