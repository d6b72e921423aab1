//! The store's promises, each kept by SQLite and by PostgreSQL.

#[path = "store/harness.rs"]
#[macro_use]
mod harness;

#[path = "store/commands.rs"]
mod commands;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/races.rs"]
mod races;
#[path = "store/threads.rs"]
mod threads;
#[path = "store/watch.rs"]
mod watch;
#[path = "store/work.rs"]
mod work;
