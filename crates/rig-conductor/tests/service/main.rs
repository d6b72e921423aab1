//! The service as a process: its settings, its life, its sweeps, and what it says of itself.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and says why on stderr")]

mod check;
mod dead_man;
mod harness;
mod health;
mod help;
mod lifecycle;
mod replay;
mod sweep;
