use std::future::Future;

use jiff::Timestamp;
use rig_wire::Severity;
use uuid::Uuid;

use super::{Claim, Release, StoreError};
use crate::domain::{Escalation, Event, Intent};

/// The primitives of one transaction. [`super::run`] builds every command of them.
///
/// SQLite answers at once, so its futures are ready when they are made; PostgreSQL waits. Every
/// method that takes an escalation's id locks its stream first.
pub trait Tx: Send {
    /// Returns the store's time, the same for the whole transaction.
    fn now(&mut self) -> impl Future<Output = Result<Timestamp, StoreError>> + Send;

    /// Locks an escalation's stream and returns the escalation; `create` makes the stream where there is none.
    fn lock(
        &mut self,
        id: Uuid,
        create: bool,
    ) -> impl Future<Output = Result<Option<Escalation>, StoreError>> + Send;

    /// Returns the escalation to which a creation of this id was added, the digest of what it said, and when.
    fn alias(
        &mut self,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<(Uuid, String, Timestamp)>, StoreError>> + Send;

    /// Returns the escalation that is not closed and has this digest.
    fn same(&mut self, dedup_key: &str) -> impl Future<Output = Result<Option<Uuid>, StoreError>> + Send;

    /// Returns the newest open P0 of a token, one of this agent first.
    fn newest_p0(
        &mut self,
        token: &str,
        agent_id: &str,
    ) -> impl Future<Output = Result<Option<Uuid>, StoreError>> + Send;

    /// Returns when the creations of a token and severity since a time were, the oldest first. Until the
    /// transaction ends, no other can ask the same.
    fn creations(
        &mut self,
        token: &str,
        severity: Severity,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<Timestamp>, StoreError>> + Send;

    /// Appends events to an escalation's stream and writes the read model, which shows them already.
    /// A note that holds a repeat also becomes an alias.
    ///
    /// Fails with [`StoreError::Conflict`] when an open escalation with the same digest came to be meanwhile.
    fn append(
        &mut self,
        after: &Escalation,
        events: &[Event],
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts entries into the outbox. One that is there already is left alone; one that failed or was
    /// cancelled is tried anew if `again` is set, and so is an edit that was made: what it wrote may have been
    /// replaced. An entry that somebody holds is left to them. A newer edit of a message takes the place of those
    /// that wait.
    fn enqueue(
        &mut self,
        intents: &[Intent],
        at: Timestamp,
        again: bool,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Cancels the announcements of an escalation that wait and that nobody holds. One that may have arrived
    /// is not cancelled: people may see it, so it has to be known.
    fn cancel(&mut self, id: Uuid) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Says whether announcements of an escalation wait or are held.
    fn waiting(&mut self, id: Uuid) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Locks a claimed entry and returns it; `None` when the claim is no longer this one.
    fn held(&mut self, claim: &Claim) -> impl Future<Output = Result<Option<Fenced>, StoreError>> + Send;

    /// Ends a claim: the entry gets a state, an error, a time before which it is not sent, and whether
    /// an attempt whose outcome is not known lies behind it.
    fn release(
        &mut self,
        claim: &Claim,
        release: &Release,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// An entry of the outbox that is still held by who claimed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fenced {
    /// What was to be sent.
    pub intent: Intent,
}
