//! Writes the rig's hooks into Claude Code's settings, and takes them out again.
//!
//! A settings file belongs to its user. Sync adds entries and variables, changes its own in place
//! when the base changes, and leaves every other byte as it is; a removal gives the former bytes
//! back. What can go wrong goes wrong before anything is written: the client ignores a settings
//! file with one mistake in it, and says nothing.
//!
//! - [`base`]: what is wanted, from `hooks-base.json` and a role's override
//! - [`merge`] and [`edit`]: the new text of a settings file; no IO
//! - [`plan`] and [`apply`]: the file, its record, and the order in which they are written
//! - [`check`]: whether all of it is there and counts

pub mod apply;
pub mod base;
pub mod check;
pub mod cli;
pub mod edit;
pub mod error;
pub mod matcher;
pub mod merge;
mod ours;
pub mod person;
pub mod places;
pub mod plan;
pub mod store;
