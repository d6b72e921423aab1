//! The service as its clients see it, on a real store: whole answers, compared with transcripts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod behaviour;
mod service;
mod transcript;
mod transcripts;
