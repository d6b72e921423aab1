//! What destroys the data of databases.

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
