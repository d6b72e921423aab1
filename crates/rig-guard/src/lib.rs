//! Judges a tool call before it runs, and refuses what destroys.

pub mod judge;
pub mod rules;
pub mod shell;
pub mod world;
