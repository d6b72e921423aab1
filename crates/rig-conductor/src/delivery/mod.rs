//! From the outbox to people: claim, send, record.
//!
//! [`run`] claims entries under a lease, sends each one outside of any transaction, and records what
//! became of it, fenced by the attempt. So a message is sent at least once; that it is not sent twice
//! is the work of the nonce, which is the same on every attempt, and of a look at the channel
//! once Discord has forgotten it.

mod announce;
mod breaker;
pub mod compose;
mod courier;
mod edit;
mod http;
mod lease;
mod limits;
mod status;
pub mod text;
mod thread;
mod trouble;
mod worker;

pub(crate) use edit::of_message;
pub use status::DeliveryStatus;
pub use worker::{POINTS, drain_once, run};
