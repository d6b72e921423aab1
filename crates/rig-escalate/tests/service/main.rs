//! The command against a service that answers as ours does, and as ours never should.

mod created;
mod embedded;
mod failures;
mod scene;
mod subcommands;
mod terminal;
mod watch;
