//! The store's promises, each kept by SQLite and by PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "store/harness.rs"]
#[macro_use]
mod harness;

#[path = "store/commands.rs"]
mod commands;
#[path = "store/open.rs"]
mod open;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/races.rs"]
mod races;
#[path = "store/replay.rs"]
mod replay;
#[path = "store/server.rs"]
mod server;
#[path = "store/threads.rs"]
mod threads;
#[path = "store/tls.rs"]
mod tls;
#[path = "store/watch.rs"]
mod watch;
#[path = "store/work.rs"]
mod work;
