//! Tells the coordinator what happens in a session.
//!
//! As a hook it turns the client's events into heartbeats and work events and appends them to the
//! spool; a flusher in the background delivers them. It never waits for the network, never
//! prints to the model, and never fails a session. By hand it sends one event.

pub mod cli;
mod detect;
mod events;
mod flush;
mod receipt;
mod session;

use std::path::Path;
use std::process::{Command, Stdio};

use rig_core::error::chain;
use rig_core::hook::{Failure, Invocation, Outcome};
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::spool::Spool;
use rig_wire::{AgentStatus, Event};
use serde_json::json;

use crate::session::Session;

/// Answers one event of the client.
///
/// # Errors
/// When what there is to report could be neither spooled nor logged.
pub fn run(invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let payload = &invocation.payload;
    let cwd = payload.directory();
    let state = invocation.paths.state.as_deref().ok_or_else(no_home)?;
    let id = payload.session_id.as_deref().unwrap_or("");
    let mut session = Session::open(state, id).map_err(|e| Failure::Work(chain(&e)))?;
    let seen = detect::seen(payload, &cwd, &mut session);
    let status = match payload.event() {
        "PostToolUse" | "PostToolUseFailure" | "SubagentStop" => session.beat_due(AgentStatus::Working),
        "Stop" | "StopFailure" => Some(AgentStatus::Idle),
        "SessionEnd" => session.beat_due(AgentStatus::Idle),
        _ => None,
    };
    let missed = receipt::missed(invocation);
    if seen.is_empty() && status.is_none() && missed.is_none() {
        session.save().map_err(|e| Failure::Work(chain(&e)))?;
        return Ok(Outcome::quiet());
    }
    let sender = Sender::new(&invocation.env, &invocation.paths, &cwd);
    let mut events: Vec<Event> = seen.into_iter().map(|s| events::seen(&sender, s, payload)).collect();
    if let Some(status) = status {
        events.push(events::heartbeat_of(&sender, payload, status));
        session.beaten(status, sender.config.report.heartbeat_every());
    }
    let mut told = sender.warnings.clone();
    let mut spooled = false;
    for event in &events {
        match events::send(&sender, &invocation.paths, event) {
            Ok(sent) => spooled |= sent,
            Err(error) => told.push(error),
        }
    }
    let mut stdout = String::new();
    if let Some(missed) = missed
        && let Some(before) = session.missed()
    {
        stdout = word(payload.event(), &missed.word());
        let escalation = (before == 0).then(|| missed.escalation(&sender, payload));
        for event in [Some(missed.event(&sender, payload)), escalation].into_iter().flatten() {
            match alarm(&invocation.paths, &event) {
                Ok(()) => spooled = true,
                Err(error) => told.push(error),
            }
        }
    }
    // What could not be spooled is tried again with the next event, so the state is kept back.
    let kept = told.len() == sender.warnings.len();
    if kept && let Err(error) = session.save() {
        told.push(chain(&error));
    }
    if spooled && let Err(error) = start_flusher(&invocation.paths, &cwd) {
        told.push(error);
    }
    let stderr: String = told.iter().map(|line| format!("rig-report: {line}\n")).collect();
    Ok(Outcome { stdout, stderr, ..Outcome::default() })
}

/// Spools an event that is not for a coordinator which a repository chose.
fn alarm(paths: &Paths, event: &Event) -> Result<(), String> {
    log(paths, &json!({ "event": event }));
    let place = paths.spool().ok_or("no home directory is known, so there is no spool")?;
    Spool::at(place).append(event, None).map_err(|error| chain(&error))
}

/// Returns the answer that adds a word to what the model sees of a call.
fn word(event: &str, text: &str) -> String {
    let answer = json!({ "hookSpecificOutput": { "hookEventName": event, "additionalContext": text } });
    format!("{answer}\n")
}

/// Starts the flusher, unless one runs or was started lately. It goes on after this process, so
/// its standard streams go nowhere: the client waits for whoever holds them.
fn start_flusher(paths: &Paths, cwd: &Path) -> Result<(), String> {
    let (Some(dir), Some(state)) = (paths.spool(), paths.state.as_deref()) else { return Ok(()) };
    if !Spool::at(dir).claim_start().map_err(|e| chain(&e))? {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|e| format!("failed to find this program: {e}"))?;
    let mut flusher = Command::new(program);
    flusher.arg("flush").arg("--background").arg("--state").arg(state);
    if let Some(config) = paths.user_config.as_deref() {
        flusher.arg("--config").arg(config);
    }
    // From there it sees the same settings of the repository as the hook.
    if cwd.is_dir() {
        flusher.current_dir(cwd);
    }
    flusher
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .map_err(|e| format!("failed to start the flusher: {e}"))
}

fn no_home() -> Failure {
    Failure::Work("no home directory is known, so there is no place for the spool".into())
}

/// Appends notes to this program's log; what cannot be logged is not worth failing for.
fn log(paths: &Paths, entry: &serde_json::Value) {
    if let Some(path) = paths.log("rig-report") {
        let _ = rig_core::log::append(Path::new(&path), entry);
    }
}
