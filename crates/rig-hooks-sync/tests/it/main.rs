//! The program from outside, one module per promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod drift;
mod endurance;
mod refusals;
mod sandbox;
mod schema;
mod scopes;
mod upgrades;
