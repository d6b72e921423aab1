//! What goes into the store and comes out of it.

use std::time::Duration;

use jiff::Timestamp;
use rig_wire::{Category, Route, Severity};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{Escalation, EventKind, Purpose, Via};

/// Something that somebody wants done to an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for a person.
    Create(Creation),
    /// Take it.
    Ack { id: Uuid, by: String, via: Via, note: Option<String> },
    /// Be done with it.
    Close { id: Uuid, resolution: String, by: String, via: Via },
    /// Make it more urgent: to a severity, or one level up.
    Raise { id: Uuid, to: Option<Severity>, by: String, note: Option<String> },
    /// Say something about it.
    Note { id: Uuid, by: String, note: String },
    /// Raise it if nobody took it in time.
    Bump { id: Uuid },
    /// Tell people again if it is a P0 that nobody took.
    Remind { id: Uuid },
    /// Announce its level anew if nobody was told of it and nothing waits.
    Announce { id: Uuid },
}

/// A request for a person, cleaned, redacted and within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The sender's id for it, which makes a retry idempotent; chosen by the service where none was given.
    pub id: Uuid,
    pub severity: Severity,
    pub reason: String,
    pub details: Option<String>,
    pub category: Category,
    pub agent_id: String,
    pub repo: Option<String>,
    pub issue_number: Option<u64>,
    pub pr_number: Option<u64>,
    pub branch: Option<String>,
    pub session_id: Option<String>,
    /// The sender's key for equal escalations, before agent and repository are mixed in.
    pub dedup_key: Option<String>,
    /// The name of the token.
    pub token: String,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The escalation that it changed or found.
    pub escalation: Escalation,
    /// When the event that answers it was stored; of an earlier one where nothing changed.
    pub at: Timestamp,
    /// Whether an event was written.
    pub changed: bool,
    /// Whether a creation was added to an escalation that was there.
    pub deduplicated: bool,
}

/// An event that is no escalation's.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkEvent {
    /// The sender's id for it; a second event of that id is not stored.
    pub id: Option<Uuid>,
    pub kind: EventKind,
    /// `owner/repo#42`, or the agent's id.
    pub stream: String,
    /// The members, camelCase, without `type` and `eventId`.
    pub data: Map<String, Value>,
}

/// The answer to an event of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub at: Timestamp,
    /// Whether it was there already.
    pub duplicate: bool,
}

/// An agent by its last heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    pub id: String,
    pub last_seen_at: Timestamp,
    /// The members of the last heartbeat, camelCase.
    pub beat: Map<String, Value>,
}

/// Something that a sweep has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub id: Uuid,
    pub what: DueWhat,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueWhat {
    Bump,
    Remind,
    Announce,
}

/// The right to send one entry of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub entry: Uuid,
    pub escalation: Uuid,
    pub owner: String,
    /// Counted from 1; fences what is recorded.
    pub attempt: u32,
}

/// An entry of the outbox that this process may send.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub claim: Claim,
    /// The escalation as it is now.
    pub escalation: Escalation,
    pub purpose: Purpose,
    pub round: u32,
    /// The severity that it is sent for.
    pub severity: Severity,
    pub route: Route,
    pub target: String,
    /// The same on every attempt.
    pub nonce: String,
    /// For an edit: channel and message.
    pub message: Option<(String, String)>,
    /// When the first attempt began whose outcome is not known: the message may have arrived.
    pub uncertain_since: Option<Timestamp>,
    /// The store's time at the claim.
    pub now: Timestamp,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The route confirmed the message.
    Sent {
        channel_id: String,
        message_id: String,
        thread_id: Option<String>,
        url: Option<String>,
        /// Whether the message may have arrived twice.
        repeated: bool,
    },
    /// The message shows the present state, as of this version of the escalation.
    Edited { version: i64 },
    /// The message that was to be edited is gone, or cannot be edited any more.
    Dropped { why: String },
    /// Try again later. `uncertain`: the message may have arrived all the same.
    Retry { error: String, after: Duration, uncertain: bool },
    /// It is waiting its turn (a rate limit, somebody else makes the thread): no attempt was made.
    Postponed { after: Duration },
    /// Given up on this route; the message goes to the other one, if there is one.
    Failed { error: String, fallback: Option<(Route, String)> },
}

/// Who may make a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadClaim {
    /// It is there.
    Ready(Thread),
    /// This process may make it; what is known of an earlier try that did not come to its end.
    Mine(Thread),
    /// Another process makes it; ask again after this time.
    Busy(Duration),
}

/// The thread of a pull request or an issue, as far as it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The channel in which it was begun.
    pub channel_id: Option<String>,
    /// The message that it hangs on; in a forum, its first.
    pub starter_id: Option<String>,
    /// The thread; it is ready once this is known.
    pub thread_id: Option<String>,
    /// When the making began whose outcome is not known.
    pub uncertain_since: Option<Timestamp>,
}

/// What waits, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backlog {
    pub now: Timestamp,
    /// Open escalations by severity: P0, P1, P2.
    pub open: [u64; 3],
    pub acked: [u64; 3],
    /// Entries of the outbox that are still tried.
    pub pending: u64,
    /// Since when the oldest of them waits.
    pub oldest_pending: Option<Timestamp>,
    /// Open escalations whose present level reached nobody though every route was tried.
    pub failed: u64,
    /// Since when the oldest open P0 waits whose announcement nobody has seen.
    pub undelivered_p0_since: Option<Timestamp>,
    /// Since when the oldest open escalation of any severity waits of which nobody was told.
    pub undelivered_since: Option<Timestamp>,
    /// When a sweep came to its end last.
    pub swept_at: Option<Timestamp>,
}

/// The figures of `stats`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// By severity: P0, P1, P2.
    pub open: [u64; 3],
    pub acked: [u64; 3],
    pub closed: u64,
    /// Seconds from creation to the first ack, sorted.
    pub ack_seconds: Vec<u64>,
    pub by_agent: Vec<AgentStats>,
}

/// The figures of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentStats {
    pub agent_id: String,
    pub open: u64,
    pub acked: u64,
    pub closed: u64,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    pub events: u64,
    pub escalations: u64,
    pub agents: u64,
    /// One line for each row that was not as its events make it.
    pub differences: Vec<String>,
}
