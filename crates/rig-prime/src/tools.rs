//! The programs that are asked: git, and what knows about hosts and tokens.

use std::process::Command;

use rig_core::env::{Environment, ProjectEnv};
use rig_core::git::Repository;

use crate::command::{self, Answer, CommandError};
use crate::deadline::Deadline;

/// The search path where the project's settings replaced it.
const SAFE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Variables that belong to a git command which started the session, and not to its directory.
const OF_ANOTHER_GIT: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"];

/// Variables that count only where they do not come from the project.
const OF_THE_USER: [&str; 5] =
    ["GIT_EXEC_PATH", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"];

/// Starts programs, which end by a deadline.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    path: Option<String>,
    dropped: Vec<&'static str>,
    /// When every program has to be done.
    pub(crate) deadline: Deadline,
}

impl Tools {
    /// Prepares to start programs in an environment.
    #[must_use]
    pub(crate) fn new(env: &Environment, project: &ProjectEnv, deadline: Deadline) -> Self {
        let path = if project.sets("PATH") { Some(SAFE_PATH.to_owned()) } else { env.get("PATH") };
        let of_project = OF_THE_USER.into_iter().filter(|name| project.sets(name));
        Self { path, dropped: OF_ANOTHER_GIT.into_iter().chain(of_project).collect(), deadline }
    }

    /// Returns a command that finds its program where the user's own search path says.
    #[must_use]
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }

    /// Asks git about a working copy. It takes no locks, leaves nothing behind that runs, asks
    /// nobody for anything, and speaks English.
    ///
    /// # Errors
    /// When git cannot be started or is late. That it refuses is an answer.
    pub(crate) fn git(&self, repository: &Repository, args: &[&str]) -> Result<Answer, CommandError> {
        let mut git = self.command("git");
        git.args(["--no-optional-locks", "-c", "core.fsmonitor=false"]).args(args);
        for variable in &self.dropped {
            git.env_remove(variable);
        }
        git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").current_dir(&repository.top);
        command::run(&mut git, self.deadline)
    }
}
