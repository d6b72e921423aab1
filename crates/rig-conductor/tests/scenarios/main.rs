//! What happens to escalations over hours: the same scripts on SQLite and on PostgreSQL, with a clock that is
//! moved and a Discord that remembers everything.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod log;
mod model;
mod races;
mod script;
mod suite;
mod world;
