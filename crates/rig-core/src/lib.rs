//! What two or more hooks need.
//!
//! A hook reads one JSON object, does one thing and exits. [`hook::main`] is the one
//! place where it touches stdio; the rest of this crate takes values and returns values,
//! or reads and appends files under a directory that the caller names.
//!
//! The `http` feature adds the coordinator's client. The guard is built without it.

pub mod account;
pub mod clock;
#[cfg(feature = "http")]
pub mod conductor;
pub mod config;
#[cfg(feature = "http")]
pub mod courier;
pub mod env;
pub mod error;
pub mod files;
pub mod git;
pub mod hook;
pub mod identity;
pub mod log;
pub mod paths;
pub mod receipt;
#[cfg(feature = "http")]
pub mod sender;
pub mod settings;
pub mod spool;

pub use rig_text as text;

/// The version that every program prints.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
