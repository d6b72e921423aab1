//! Escalations as values: what may happen to them, and what follows from it.
//!
//! Nothing here does IO or asks for the time; the store hands both in. So every rule is a function
//! from values to values, and the same on every database.

mod catalogue;
mod decide;
mod escalation;
mod event;
mod intent;
mod policy;

pub use catalogue::{EventKind, record_name};
pub use decide::{Rejection, ack, bump, close, content_hash, dedup_hash, default_key, raise, remind};
pub use escalation::{Delivery, Escalation, shown, stream_of};
pub use event::{BumpReason, Event, Fact, Repeat, Via};
pub use intent::{ADMIN, Intent, Purpose, TASKS, announcement, edits, edits_of_last_reminder, nonce};
pub use policy::{Flood, Policy, Routes};
