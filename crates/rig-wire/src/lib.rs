//! The JSON that the hooks and the coordinator exchange.
//!
//! Plain serde types without IO, so that both ends can share them without being
//! tied together. Writing is strict: camelCase, absent values left out. Reading is
//! lenient: unknown members are ignored and either casing is accepted.

mod agent;
mod agent_id;
mod escalation;
mod event;

pub use agent::Agent;
pub use agent_id::{AgentId, InvalidAgentId};
pub use escalation::{
    Category, Escalation, EscalationState, Notification, NotificationState, Route, Severity, StreamEvent,
    UnknownWord,
};
pub use event::{AgentStatus, Event, EventType};
