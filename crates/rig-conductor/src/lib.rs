//! Takes escalations, routes them to people and does not forget them.
//!
//! [`domain`] says what may happen to an escalation and what follows. [`store`] keeps events, read models
//! and the outbox on SQLite or PostgreSQL. [`delivery`] brings the outbox to people.

pub mod app;
pub mod delivery;
pub mod domain;
pub mod http;
pub mod metrics;
pub mod settings;
pub mod store;
pub mod testing;
