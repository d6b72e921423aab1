//! From the outbox to a Discord that forgets, refuses and hangs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edits;
mod faults;
mod interactions;
mod lost;
mod routes;
mod threads;
mod together;
mod world;
