//! `rig-guard` judges a tool call before it runs, and refuses what destroys.
//!
//! It reads shell code by its meaning: a parser finds the commands in it, [`shell`] follows
//! variables, wrappers and substitutions without running anything, and the [`rules`] look at the
//! commands that come out. Text that only mentions a command is let through.
//!
//! It answers with the exit code and stderr alone, the one channel that no parsing step of the
//! client can lose, and it fails closed: what it cannot read, it refuses. It never asks the
//! network, starts no process, and takes neither its rules nor its places from the environment,
//! which a repository can set.

mod answer;
mod cli;
pub mod judge;
pub mod policy;
pub mod protected;
pub mod rules;
pub mod shell;
mod tools;
pub mod world;

use std::borrow::Cow;

use rig_core::hook::{Failure, Hook, Invocation, OnFailure, Outcome};

use crate::answer::Blocked;
use crate::judge::Refused;
use crate::world::{System, World};

/// The hook: what it cannot judge is not run.
pub const HOOK: Hook = Hook { name: "rig-guard", on_failure: OnFailure::Block, run, cli: cli::main };

/// Answers an event of the client.
///
/// # Errors
/// When the event lacks what is needed to judge it.
pub fn run(invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let Invocation { payload, env, paths } = invocation;
    let world = System::new(env, paths, payload.directory());
    let (tool, refused) = match payload.event() {
        // An event without a name may be a call as well as anything else.
        "PreToolUse" | "" => {
            let tool = payload.tool_name.as_deref().filter(|name| !name.is_empty());
            let tool = tool.ok_or_else(|| Failure::Work("the event names no tool".to_owned()))?;
            (tool, tools::judge(tool, payload.tool_input, world.cwd().as_deref(), &world)?)
        }
        "ConfigChange" => ("ConfigChange", settings_changed(&world)),
        _ => return Ok(Outcome::quiet()),
    };
    let Some(refused) = refused else { return Ok(Outcome::quiet()) };
    let text = answer::text(&refused);
    let blocked = Blocked {
        tool: tool.to_owned(),
        command: match payload.tool_input {
            Some(input) => tools::subject(input),
            None => payload.file_path.as_deref().unwrap_or("").to_owned(),
        },
        session: payload.session_id.as_deref().map(str::to_owned),
        cwd: payload.directory(),
        refused,
    };
    let (env, paths) = (env.clone(), paths.clone());
    let afterwards = Box::new(move || blocked.keep(&env, &paths));
    Ok(Outcome { afterwards: Some(afterwards), ..Outcome::block(text) })
}

/// Judges the settings files as they are on the disk, after one of them has changed.
fn settings_changed(world: &dyn World) -> Option<Refused> {
    let why: Cow<'static, str> = match world.losses(None) {
        Ok(losses) if losses.is_empty() => return None,
        Ok(losses) => losses.join("; ").into(),
        Err(why) => format!("what must be in force is not known: {why}").into(),
    };
    Some(Refused {
        rule: rules::SETTINGS_ID.into(),
        category: "self",
        why: format!(
            "The changed settings would leave the session without hooks of the rig: {why}. The session \
             goes on with the settings it had."
        ),
        part: String::new(),
        instead: "put the entries of the rig back, or let a person run rig-hooks-sync".into(),
    })
}
