//! Where events, read models and the outbox are kept.
//!
//! [`Store`] is what the service uses. Behind it stand SQLite and PostgreSQL; what a command does
//! to escalations is written once, in [`run`], on the few primitives of [`Tx`]. Event, read model
//! and outbox are written in one transaction. The store owns the time: everything is judged by the
//! database's clock, so that several replicas agree.
//!
//! [`open`] opens the store that the settings name:
//!
//! ```no_run
//! use rig_conductor::settings::StoreSettings;
//! use rig_conductor::store::{self, StoreError, StoreOptions};
//!
//! # async fn example() -> Result<(), StoreError> {
//! let place = StoreSettings::Sqlite("/var/lib/rig/conductor.db".into());
//! let store = store::open(&place, StoreOptions::default()).await?;
//! assert!(store.escalation(uuid::Uuid::nil()).await?.is_none());
//! store.close().await
//! # }
//! ```

mod body;
mod fold;
pub mod model;
mod options;
mod postgres;
mod query;
mod row;
mod run;
mod sqlite;
mod tx;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rig_wire::{EscalationState, Notification, Severity};
use serde_json::Value;
use uuid::Uuid;

pub use model::*;
pub use options::{StoreOptions, Synchronous};
pub use run::{Release, run, settle};
pub use tx::{Fenced, Tx};

use crate::domain::{Escalation, Policy, Rejection};
use crate::settings::StoreSettings;

/// Opens a store, and brings its tables to the form that this program knows.
///
/// # Errors
/// [`StoreError::Broken`] when it cannot be used (not a database, another program's, a newer form, no
/// permission), [`StoreError::Unavailable`] when it cannot be reached now. The file or the server is named,
/// its password is not.
pub async fn open(place: &StoreSettings, options: StoreOptions) -> Result<Arc<dyn Store>, StoreError> {
    match place {
        StoreSettings::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path, options).await?)),
        StoreSettings::Postgres { url, schema } => {
            Ok(Arc::new(postgres::PgStore::open(url, schema, options).await?))
        }
    }
}

/// Why the store did not do something.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A rule forbids it; asking again changes nothing.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Another transaction came first; the same command may be tried again.
    #[error("another transaction came first")]
    Conflict,
    /// The database cannot be reached, or did not answer in time.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// The database failed, or holds what this program cannot read.
    #[error("the store failed: {0}")]
    Broken(String),
}

/// What the service keeps.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the store's time, to the microsecond.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Carries out a command on escalations: decides under the stream's lock, then writes events, read model
    /// and outbox in one transaction. A conflict is tried again up to three times.
    async fn execute(&self, command: Command, policy: &Policy) -> Result<Receipt, StoreError>;

    /// Appends an event of work or a heartbeat and answers after its commit. Commits are shared by
    /// what arrives at the same time. An event id that is there already changes nothing. A stream that is an
    /// escalation's, and a name of more than 512 bytes, are rejected.
    async fn record(&self, event: WorkEvent) -> Result<Recorded, StoreError>;

    /// Returns an escalation and what the outbox still tries for it.
    async fn escalation(&self, id: Uuid) -> Result<Option<Shown>, StoreError>;

    /// Returns the ids that begin with a text, two at most.
    async fn ids_with_prefix(&self, prefix: &str) -> Result<Vec<Uuid>, StoreError>;

    /// Returns a page of escalations, the most urgent first, then the oldest.
    async fn escalations(&self, filter: &Filter) -> Result<Vec<Shown>, StoreError>;

    /// Returns the events of a stream in their order, after a version.
    async fn stream(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Stored>, StoreError>;

    /// Returns the agents that ever beat, by id.
    async fn agents(&self) -> Result<Vec<AgentRow>, StoreError>;

    /// Returns one agent.
    async fn agent(&self, id: &str) -> Result<Option<AgentRow>, StoreError>;

    /// Returns what is due by the store's clock: bumps, reminders, and open escalations of which nobody
    /// was told and nothing waits to be sent. Looks at the due ones alone, however many there are. Where every
    /// route was given up, the next try is due ten minutes later.
    async fn due(&self, policy: &Policy, limit: u32) -> Result<Vec<Due>, StoreError>;

    /// Notes that a sweep came to its end, and deletes what is too old, in small steps that go on behind the call:
    /// heartbeats, agents that do not beat any more, what the outbox knows of messages that are done with.
    async fn swept(&self) -> Result<(), StoreError>;

    /// Takes entries of the outbox that are to be sent now, the most urgent first, passing over what
    /// others hold. Each is held until the lease is over; the attempt that is counted here fences
    /// what is recorded later. Edits of one message are taken one after the other, and a newer one takes the
    /// place of those that nobody has begun.
    async fn claim(&self, owner: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError>;

    /// Records what became of a claimed entry. `None` when somebody else holds it by now.
    async fn settle(
        &self,
        claim: &Claim,
        outcome: Outcome,
        policy: &Policy,
    ) -> Result<Option<()>, StoreError>;

    /// Finds the thread of a pull request or an issue, or takes the right to make it until the lease is over.
    ///
    /// Who has the right gets it again, with a new lease; so makers that work at the same time need names of
    /// their own.
    async fn thread(&self, key: &str, owner: &str, lease: Duration) -> Result<ThreadClaim, StoreError>;

    /// Notes how far the making of a thread has come, all of it as it is given; `false` when the right to make
    /// it is lost. With the id of the thread, it is made, and the right ends.
    async fn save_thread(&self, key: &str, owner: &str, thread: &Thread) -> Result<bool, StoreError>;

    /// Forgets a thread that is gone, if it is still the one that is known.
    async fn forget_thread(&self, key: &str, thread_id: &str) -> Result<(), StoreError>;

    /// Returns when the next entry of the outbox is to be sent, by the store's clock, and the clock's time.
    async fn next_send(&self) -> Result<(Option<Timestamp>, Timestamp), StoreError>;

    /// Returns what health, metrics and the dead-man's switch tell about.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Returns the figures of `stats`.
    async fn stats(&self, agent: Option<&str>, since: Option<Timestamp>) -> Result<Stats, StoreError>;

    /// Rebuilds every read model from the log and compares; writes what differs unless `check` is set.
    async fn replay(&self, check: bool) -> Result<ReplayReport, StoreError>;

    /// Moves the store's clock, for this and every other process on the same database.
    #[cfg(feature = "test-hooks")]
    async fn advance(&self, by: Duration) -> Result<Timestamp, StoreError>;

    /// Stops the store's clock, for every process on the same database: from now on it is moved by `advance` alone.
    #[cfg(feature = "test-hooks")]
    async fn stop_clock(&self) -> Result<Timestamp, StoreError>;

    /// Writes what is under way and closes; nothing is taken afterwards.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Which escalations are asked for. Empty lists select everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<EscalationState>,
    /// Of one of these severities.
    pub severities: Vec<Severity>,
    /// Of this repository, compared without regard to casing.
    pub repo: Option<String>,
    /// Of this issue.
    pub issue: Option<u64>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Behind which escalation the page begins: its severity, creation and id.
    pub after: Option<(Severity, Timestamp, Uuid)>,
    /// So many at most.
    pub limit: u32,
}

/// An escalation with what the outbox still tries for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The escalation.
    pub escalation: Escalation,
    /// The announcements that are still tried.
    pub waiting: Vec<Notification>,
}

/// An event as it is stored; its members are camelCase, however the store keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The event's id.
    pub id: Uuid,
    /// Its place in its stream, counted from 1.
    pub version: i64,
    /// What kind it is, such as `escalation_created`.
    pub alias: String,
    /// Its members.
    pub data: Value,
    /// When it was stored.
    pub at: Timestamp,
}
