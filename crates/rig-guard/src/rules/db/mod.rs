//! What destroys the data of databases.

pub(crate) mod client;
pub(crate) mod pieces;
mod session;
mod sql;
mod statement;
mod token;

use super::Rule;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&sql::DROP, &sql::TRUNCATE, &sql::DELETE, &sql::UPDATE];
