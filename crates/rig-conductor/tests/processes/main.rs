//! Real processes of the service that are killed, frozen and cut off from their database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod kill;
mod place;
mod replicas;
mod service;
mod tour;
