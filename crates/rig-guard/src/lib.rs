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
mod audit;
mod cli;
mod index;
pub mod judge;
pub mod policy;
mod powershell;
pub mod protected;
pub mod rules;
mod session;
pub mod shell;
mod tools;
pub mod world;

use rig_core::hook::{Failure, Hook, Invocation, OnFailure, Outcome};
use rig_core::receipt::{self, Receipts, Verdict};

use crate::audit::{Audit, Subject};
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
    match payload.event() {
        // An event without a name may be a call as well as anything else.
        "PreToolUse" | "" => {
            let tool = payload.tool_name.as_deref().filter(|name| !name.is_empty());
            let tool = tool.ok_or_else(|| Failure::Work("the event names no tool".to_owned()))?;
            let refused = tools::judge(tool, payload.tool_input, world.cwd().as_deref(), &world)?;
            Ok(answer(invocation, &world, tool, refused))
        }
        "ConfigChange" => {
            let refused = rules::settings::changed(payload.file_path.as_deref(), &world);
            Ok(answer(invocation, &world, CONFIG_CHANGE, refused))
        }
        _ => Ok(Outcome::quiet()),
    }
}

/// The tool's name for a change of the settings.
const CONFIG_CHANGE: &str = "ConfigChange";

/// Puts the answer together, and what is to be kept of it afterwards.
fn answer(invocation: &Invocation<'_>, world: &System<'_>, tool: &str, refused: Option<Refused>) -> Outcome {
    let Invocation { payload, env, paths } = invocation;
    let receipt = receipt(invocation, tool, refused.is_some());
    if refused.is_none() && receipt.is_none() {
        return Outcome::quiet();
    }
    let policy = world.policy();
    let used: Vec<(String, String)> =
        policy.used().into_iter().map(|e| (e.rule.clone(), e.reason.clone())).collect();
    let broken: Vec<String> = policy.broken().map(answer::broken).collect();
    let text = refused.as_ref().map(|refused| {
        let session = payload.session_id.as_deref().unwrap_or("");
        let memory = paths.state.as_deref().map(|state| session::recall(state, session));
        answer::text(refused, policy, memory.map_or(0, |memory| memory.refusals(refused.category)))
    });
    if refused.is_none() && used.is_empty() && broken.is_empty() {
        return Outcome { afterwards: receipt, ..Outcome::quiet() };
    }
    let subject = Subject {
        tool: tool.to_owned(),
        command: match payload.tool_input {
            Some(input) => tools::subject(input),
            None => payload.file_path.as_deref().unwrap_or("").to_owned(),
        },
        session: payload.session_id.as_deref().map(str::to_owned),
        cwd: payload.directory(),
    };
    let (env, paths) = (env.clone(), paths.clone());
    let afterwards = Box::new(move || {
        if let Some(receipt) = receipt {
            receipt();
        }
        let audit = Audit { env: &env, paths: &paths, subject: &subject };
        for (rule, reason) in used {
            audit.excepted(&rule, &reason);
        }
        for problem in broken {
            audit.policy_is_broken(&problem);
        }
        if let Some(refused) = refused {
            if subject.tool == CONFIG_CHANGE {
                audit.settings_disarm(&refused.why);
            }
            audit.refused(refused);
        }
    });
    let outcome = text.map_or_else(Outcome::quiet, Outcome::block);
    Outcome { afterwards: Some(afterwards), ..outcome }
}

/// Returns what appends the receipt of a call that runs or writes something.
fn receipt(invocation: &Invocation<'_>, tool: &str, refused: bool) -> Option<Box<dyn FnOnce()>> {
    let Invocation { payload, paths, .. } = invocation;
    let call = payload.tool_use_id.as_deref()?.to_owned();
    let digest = receipt::digest(tool, payload.tool_input?)?;
    let receipts = Receipts::of(paths.state.as_deref()?, payload.session_id.as_deref().unwrap_or(""));
    let verdict = if refused { Verdict::Deny } else { Verdict::Allow };
    // One that cannot be written changes no verdict.
    Some(Box::new(move || drop(receipts.append(&call, &digest, verdict))))
}
