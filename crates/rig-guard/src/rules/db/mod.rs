//! What destroys the data of databases.
//!
//! A name that is not known is some name: `DROP TABLE $T` drops a table, and `DROP $WHAT` may. What is not known behind
//! the name of a table may be its condition. A statement, a file and an input of which nothing is known pass, and so does
//! a command of a store or a tool that is not known.

pub(crate) mod client;
mod mongo;
pub(crate) mod pieces;
mod redis;
mod search;
mod session;
mod sql;
mod statement;
mod store;
mod token;
mod tools;
mod transfer;

use super::Rule;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[
    &sql::DROP,
    &sql::TRUNCATE,
    &sql::DELETE,
    &sql::UPDATE,
    &redis::FLUSH,
    &mongo::DROP,
    &store::DELETE,
    &tools::RESET,
    &transfer::RESTORE,
    &transfer::QUEUE,
];
