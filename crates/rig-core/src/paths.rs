//! Where the rig keeps its files.
//!
//! `/etc/rig/config.json` and `~/.config/rig/config.json` are read, `~/.local/state/rig`
//! is written. `XDG_*` and `RIG_*` are not honoured: they reach a hook from a
//! repository's settings, and would let it move the spool and the policy.

use std::path::{Path, PathBuf};

use crate::account;
use crate::env::Environment;

/// The machine-wide configuration file.
pub const SYSTEM_CONFIG: &str = "/etc/rig/config.json";

/// The rig's places for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The home directory, where one is known.
    pub home: Option<PathBuf>,
    /// The machine-wide configuration file.
    pub system_config: PathBuf,
    /// The user's configuration file.
    pub user_config: Option<PathBuf>,
    /// Spool, log and records.
    pub state: Option<PathBuf>,
}

impl Paths {
    /// Derives the places from `HOME`, or from the account's entry in the user database
    /// where `HOME` is not an absolute path.
    #[must_use]
    pub fn of_user(env: &Environment) -> Self {
        Self::below(env.get_path("HOME").or_else(|| account::current().map(|a| a.home)))
    }

    /// Derives the places from a home directory.
    #[must_use]
    pub fn below(home: Option<PathBuf>) -> Self {
        Self {
            system_config: SYSTEM_CONFIG.into(),
            user_config: home.as_deref().map(|h| h.join(".config/rig/config.json")),
            state: home.as_deref().map(|h| h.join(".local/state/rig")),
            home,
        }
    }

    /// Returns the directory of the event spool.
    #[must_use]
    pub fn spool(&self) -> Option<PathBuf> {
        Some(self.state.as_deref()?.join("spool"))
    }

    /// Returns the directory of the embedded service, which may not exist.
    #[must_use]
    pub fn embedded(&self) -> Option<PathBuf> {
        Some(self.state.as_deref()?.join("conductor"))
    }

    /// Returns the log file of one program.
    #[must_use]
    pub fn log(&self, program: &str) -> Option<PathBuf> {
        Some(self.state.as_deref()?.join("log").join(format!("{program}.jsonl")))
    }

    /// Returns the directory in which hooks-sync records what it wrote into settings files
    /// of this user.
    #[must_use]
    pub fn records(&self) -> Option<PathBuf> {
        Some(self.state.as_deref()?.join("hooks"))
    }

    /// Returns the directory in which hooks-sync records what it wrote into the machine's
    /// managed settings.
    #[must_use]
    pub fn system_records(&self) -> &Path {
        Path::new("/etc/rig/hooks")
    }
}
