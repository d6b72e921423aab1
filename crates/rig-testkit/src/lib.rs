//! What tests of the rig share; a dev-dependency only.
//!
//! It stands outside the product and knows no crate of it: an empty [`Home`], a [`Program`]
//! that runs in a cleared environment and is compared whole, the events of the client as
//! [`Payload`]s, servers on loopback that stand for the coordinator, for GitHub and for Discord, and a
//! private [`Postgres`].
//!
//! Everything here panics when it cannot do its work, since a panic is how a test fails.

pub mod conductor;
pub mod discord;
mod double;
pub mod github;
pub mod home;
pub mod http;
pub mod interaction;
pub mod needs;
pub mod payload;
pub mod postgres;
pub mod program;

use std::time::{Duration, Instant};

pub use conductor::{Behaviour, FakeConductor, Mode};
pub use discord::FakeDiscord;
pub use github::FakeGithub;
pub use home::{Home, Repo};
pub use interaction::Interaction;
pub use payload::Payload;
pub use postgres::Postgres;
pub use program::{Output, Program};

/// How long a test waits for something that has to happen before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The search path of every program that a test runs.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`]; `what` says what was waited for.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
