//! `rig-prime` tells a session, when it starts, what it was doing.
//!
//! After a restart, a crash or a compaction a session has forgotten its branch, its issue, its
//! pull request and the comments that wait there. This hook looks all of that up and prints it
//! into the session's context, most important lines first. It only reads: it never asks the
//! coordinator for work, since asking is claiming, and it changes nothing but the file in which
//! the client collects variables for the session's commands.
//!
//! It always exits with 0, since the client drops the output of a hook that does not, and it ends
//! within two seconds, since the session's first request waits for it.

mod cli;
mod command;
mod deadline;
mod escalation;
mod facts;
mod gather;
mod github;
mod guard;
mod issue;
mod quote;
mod render;
mod session_env;
mod sources;
mod target;
mod tools;
mod worktree;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use rig_core::env::{Environment, ProjectEnv};
use rig_core::hook::{Failure, Hook, Invocation, OnFailure, Outcome};
use rig_core::identity::Identity;
use rig_core::paths::Paths;

use self::gather::gather;
use self::render::Occasion;

/// The hook: its own failure lets the session start without context.
pub const HOOK: Hook = Hook { name: "rig-prime", on_failure: OnFailure::Pass, run, cli: cli::main };

/// Returns when the process started, which is when this was first asked for.
pub fn started() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Answers an event of the client: the context on SessionStart, nothing on any other.
///
/// # Errors
/// Never; what fails is named in the context.
fn run(invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let Invocation { payload, env, paths } = invocation;
    if !matches!(payload.event(), "SessionStart" | "") {
        return Ok(Outcome::quiet());
    }
    let directory = payload.directory();
    let (mut facts, identity) = gather(env, paths, &directory, started());
    facts.remarks.extend(export(env, paths, &directory, &identity));
    let occasion = Occasion::of(payload.source.as_deref().unwrap_or(""));
    Ok(Outcome { stdout: render::text(&facts, occasion), ..Outcome::quiet() })
}

/// Writes the identity where the client collects variables, and returns what went wrong.
fn export(env: &Environment, paths: &Paths, directory: &Path, identity: &Identity) -> Option<String> {
    const NAME: &str = "CLAUDE_ENV_FILE";
    let file = env.get_path(NAME)?;
    let why = if ProjectEnv::read(env, directory, paths.home.as_deref()).sets(NAME) {
        "the settings of this project set it".to_owned()
    } else {
        session_env::export(&file, identity).err()?.to_string()
    };
    Some(facts::remark(&format!("The identity was not written to {NAME}: {why}")))
}
