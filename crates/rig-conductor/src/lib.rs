//! Takes escalations, routes them to people and does not forget them.
//!
//! [`domain`] says what may happen to an escalation and what follows. [`store`] keeps events, read models
//! and the outbox on SQLite or PostgreSQL. [`delivery`] brings the outbox to people, [`sweep`] looks for what
//! is due, [`http`] is what clients see, and [`serve`] runs all of it. [`embedded`] is the service of one user
//! on one machine.

pub mod app;
pub mod cli;
pub mod dead_man;
pub mod delivery;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod interactions;
pub mod logging;
pub mod metrics;
pub mod serve;
pub mod settings;
pub mod store;
pub mod sweep;
pub mod testing;
