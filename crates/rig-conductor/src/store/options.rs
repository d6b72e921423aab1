//! What a store is told besides its place.

use std::time::Duration;

use crate::settings::Casing;

/// How a store keeps what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// How the members of stored events are written. What is there already is read in either casing.
    pub casing: Casing,
    /// For how long heartbeats are kept. The last of each agent is kept as long as the agent is.
    pub keep_heartbeats: Duration,
    /// For how long an agent is kept that does not beat any more (at least as long as heartbeats are), and what
    /// the outbox knows of messages that are done with.
    pub keep_past: Duration,
    /// When a commit counts as done, on SQLite.
    pub sqlite_synchronous: Synchronous,
    /// How many connections are kept to a PostgreSQL server at most; at least 4.
    pub postgres_connections: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            casing: Casing::default(),
            keep_heartbeats: Duration::from_secs(30 * 24 * 60 * 60),
            keep_past: Duration::from_secs(30 * 24 * 60 * 60),
            sqlite_synchronous: Synchronous::default(),
            postgres_connections: 12,
        }
    }
}

/// When a commit counts as done: the setting `sqlite_synchronous`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk: nothing that was answered is lost, whatever happens to the machine.
    #[default]
    Full,
    /// When the operating system has it: the end of the process loses nothing, the loss of power may lose
    /// the last commits.
    Normal,
}

impl Synchronous {
    /// Returns the word of the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }

    /// Reads the word of the setting, in any casing.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        [Self::Full, Self::Normal].into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text))
    }
}
