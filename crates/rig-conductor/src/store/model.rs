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
    Ack {
        /// The escalation.
        id: Uuid,
        /// Who takes it.
        by: String,
        /// How they said so.
        via: Via,
        /// What they said besides.
        note: Option<String>,
    },
    /// Be done with it.
    Close {
        /// The escalation.
        id: Uuid,
        /// What came of it.
        resolution: String,
        /// Who closes it.
        by: String,
        /// How they said so.
        via: Via,
    },
    /// Make it more urgent: to a severity, or one level up.
    Raise {
        /// The escalation.
        id: Uuid,
        /// How urgent it becomes; `None`: one level more.
        to: Option<Severity>,
        /// Who says so.
        by: String,
        /// Why.
        note: Option<String>,
    },
    /// Say something about it.
    Note {
        /// The escalation.
        id: Uuid,
        /// Who speaks.
        by: String,
        /// What they say.
        note: String,
    },
    /// Raise it if nobody took it in time.
    Bump {
        /// The escalation.
        id: Uuid,
    },
    /// Tell people again if it is a P0 that nobody took.
    Remind {
        /// The escalation.
        id: Uuid,
    },
    /// Announce its level anew if nobody was told of it and nothing waits.
    Announce {
        /// The escalation.
        id: Uuid,
    },
}

/// A request for a person, cleaned, redacted and within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The sender's id for it, which makes a retry idempotent; chosen by the service where none was given.
    pub id: Uuid,
    /// How urgent it is.
    pub severity: Severity,
    /// What a person has to know.
    pub reason: String,
    /// What the reason has no room for.
    pub details: Option<String>,
    /// What kind of help is needed.
    pub category: Category,
    /// The agent or human that asks.
    pub agent_id: String,
    /// `owner/name` of the repository.
    pub repo: Option<String>,
    /// The issue.
    pub issue_number: Option<u64>,
    /// The pull request.
    pub pr_number: Option<u64>,
    /// The branch.
    pub branch: Option<String>,
    /// The session in which it came up.
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
    /// What kind it is.
    pub kind: EventKind,
    /// `owner/repo#42`, or the agent's id.
    pub stream: String,
    /// The members, camelCase, without `type` and `eventId`.
    pub data: Map<String, Value>,
}

/// The answer to an event of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it was stored, by the store's clock; of the first one for a duplicate.
    pub at: Timestamp,
    /// Whether it was there already.
    pub duplicate: bool,
}

/// An agent by its last heartbeat.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// The agent.
    pub id: String,
    /// When it beat last.
    pub last_seen_at: Timestamp,
    /// The members of the last heartbeat, camelCase.
    pub beat: Map<String, Value>,
}

/// Something that a sweep has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The escalation.
    pub id: Uuid,
    /// What is due.
    pub what: DueWhat,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueWhat {
    /// Nobody took it in time: [`Command::Bump`].
    Bump,
    /// Nobody took a P0: [`Command::Remind`].
    Remind,
    /// Nobody was told: [`Command::Announce`].
    Announce,
}

/// The right to send one entry of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub entry: Uuid,
    /// Its escalation.
    pub escalation: Uuid,
    /// Who holds it.
    pub owner: String,
    /// Counted from 1; fences what is recorded.
    pub attempt: u32,
}

/// An entry of the outbox that this process may send.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The right itself.
    pub claim: Claim,
    /// The escalation as it is now.
    pub escalation: Escalation,
    /// What the message is for.
    pub purpose: Purpose,
    /// As [`crate::domain::Intent::round`].
    pub round: u32,
    /// The severity that it is sent for.
    pub severity: Severity,
    /// The way it takes.
    pub route: Route,
    /// As [`crate::domain::Intent::target`].
    pub target: String,
    /// The same on every attempt.
    pub nonce: String,
    /// For an edit: channel and message.
    pub message: Option<(String, String)>,
    /// Counted from 1 as [`Claim::attempt`] is, but without the attempts that nobody has told about: those
    /// say something about the processes, and nothing about the route.
    pub tries: u32,
    /// How many attempts nobody has told about, if the last one is among them; 0 where it was answered.
    pub lost: u32,
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
        /// The channel or thread that holds the message.
        channel_id: String,
        /// The message.
        message_id: String,
        /// The thread, where it is one.
        thread_id: Option<String>,
        /// The message's address.
        url: Option<String>,
        /// Whether the message may have arrived twice.
        repeated: bool,
    },
    /// The message shows the present state, as of this version of the escalation.
    Edited {
        /// The version.
        version: i64,
    },
    /// The message that was to be edited is gone, or cannot be edited any more.
    Dropped {
        /// Why.
        why: String,
    },
    /// Try again later.
    Retry {
        /// What went wrong.
        error: String,
        /// How much later, at the earliest.
        after: Duration,
        /// Whether the message may have arrived all the same.
        uncertain: bool,
    },
    /// It is waiting its turn (a rate limit, somebody else makes the thread): no attempt was made.
    Postponed {
        /// How much later it is tried, at the earliest.
        after: Duration,
    },
    /// Given up on this route.
    Failed {
        /// What went wrong.
        error: String,
        /// The route and the target to which the message goes instead.
        fallback: Option<(Route, String)>,
    },
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
    /// The store's time.
    pub now: Timestamp,
    /// Open escalations by severity: P0, P1, P2.
    pub open: [u64; 3],
    /// Acked escalations by severity: P0, P1, P2.
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
    /// Open ones by severity: P0, P1, P2.
    pub open: [u64; 3],
    /// Acked ones by severity: P0, P1, P2.
    pub acked: [u64; 3],
    /// Closed ones.
    pub closed: u64,
    /// Seconds from creation to the first ack, sorted.
    pub ack_seconds: Vec<u64>,
    /// By agent, in the order of their ids.
    pub by_agent: Vec<AgentStats>,
}

/// The figures of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentStats {
    /// The agent.
    pub agent_id: String,
    /// Its open escalations.
    pub open: u64,
    /// Those that a person has taken.
    pub acked: u64,
    /// Those that are closed.
    pub closed: u64,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Events in the log.
    pub events: u64,
    /// Escalations that they make.
    pub escalations: u64,
    /// Agents that they make.
    pub agents: u64,
    /// One line for each row that was not as its events make it.
    pub differences: Vec<String>,
}
