//! Whether a call that has run was let through by the guard.
//!
//! The guard leaves a receipt of each call that it judges. A call without one ran unjudged: the guard
//! could not be started, a setting disarmed it, or another hook changed the call after it was judged.
//! An alarm wakes a person, so nothing is raised where the guard need not have been asked: it is not
//! installed, its matcher leaves the tool out, it was installed while the call ran, or its receipts may
//! have been lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rig_core::clock;
use rig_core::hook::{Invocation, Payload};
use rig_core::receipt::{self, Proof, Receipts};
use rig_core::sender::Sender;
use rig_core::settings::{self, Entry, Record};
use rig_core::text::{cut, redact};
use rig_wire::{Category, Event, EventType, Severity};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The guard's program.
const GUARD: &str = "rig-guard";

/// The event on which it judges.
const EVENT: &str = "PreToolUse";

/// The most that is told of a command, in characters.
const COMMAND: usize = 500;

/// Settings and programs younger than the call by less than this, in seconds, may have come while it
/// began: the client reads its settings anew within a few seconds.
const SLACK: u64 = 10;

/// How long a call is taken to have run of which the client does not tell it, in seconds.
const LONGEST: u64 = 60 * 60;

/// How long a receipt may be late.
const GRACE: Duration = Duration::from_millis(200);

/// A call that ran without having been let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    proof: Proof,
}

impl Missed {
    /// Says what happened, as a sentence without a full stop.
    fn what(&self) -> &'static str {
        match self.proof {
            Proof::OtherInput => "A tool call ran with another input than the guard let through",
            Proof::Refused => "A tool call ran that the guard had refused",
            _ => "A tool call ran that the guard was not asked about",
        }
    }

    /// Returns what the guard had decided, if anything.
    fn decision(&self) -> Option<&'static str> {
        match self.proof {
            Proof::OtherInput => Some("allow"),
            Proof::Refused => Some("deny"),
            _ => None,
        }
    }

    /// Returns what is told the model.
    pub(crate) fn word(&self) -> String {
        let cause = match self.proof {
            Proof::OtherInput => "Another hook changes calls after they are judged",
            _ => "Something has disarmed it",
        };
        format!(
            "{}. {cause}: stop what you are doing, change nothing, and tell the person you work \
             for. They can run `rig-hooks-sync --check`, which says what is wrong.",
            self.what()
        )
    }

    /// Returns the event about it.
    pub(crate) fn event(&self, sender: &Sender, payload: &Payload<'_>) -> Event {
        let mut event = about(sender, payload, EventType::GuardMissed);
        event.reason = Some(self.what().to_owned());
        event.decision = self.decision().map(str::to_owned);
        event.tool = payload.tool_name.as_deref().map(str::to_owned);
        event.command = payload.tool_input.map(|input| cut(&redact(&subject(input)), COMMAND));
        event
    }

    /// Returns the escalation about it.
    pub(crate) fn escalation(&self, sender: &Sender, payload: &Payload<'_>) -> Event {
        let mut event = about(sender, payload, EventType::EscalationCreated);
        let session = payload.session_id.as_deref().unwrap_or("unknown");
        event.escalation_id = Some(clock::new_id());
        event.severity = Some(Severity::P0);
        event.category = Some(Category::Security);
        event.reason = Some(format!("{}: the session goes on unguarded", self.what()));
        let command = payload.tool_input.map(|input| cut(&redact(&subject(input)), COMMAND));
        event.details = Some(format!(
            "session: {session}\ntool: {}\ncall: {}\n`rig-hooks-sync --check` in the session's directory says what is wrong.",
            payload.tool_name.as_deref().unwrap_or("unknown"),
            command.unwrap_or_default(),
        ));
        event.dedup_key = Some(format!("guard.missed:{session}"));
        event
    }
}

fn about(sender: &Sender, payload: &Payload<'_>, kind: EventType) -> Event {
    let mut event = sender.event(kind);
    event.session_id = payload.session_id.as_deref().map(str::to_owned);
    event.branch.clone_from(&sender.branch);
    event
}

/// Returns what a call is about.
fn subject(input: &RawValue) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Input {
        command: Option<String>,
        script: Option<String>,
        file_path: Option<String>,
        notebook_path: Option<String>,
    }
    let Input { command, script, file_path, notebook_path } =
        serde_json::from_str(input.get()).unwrap_or_default();
    let known = command.or(script).or(file_path).or(notebook_path);
    known.unwrap_or_else(|| cut(input.get(), COMMAND))
}

/// Compares a call that has run with its receipt.
pub(crate) fn missed(invocation: &Invocation<'_>) -> Option<Missed> {
    let Invocation { payload, paths, .. } = invocation;
    if !matches!(payload.event(), "PostToolUse" | "PostToolUseFailure") {
        return None;
    }
    let (tool, call) = (payload.tool_name.as_deref()?, payload.tool_use_id.as_deref()?);
    let digest = receipt::digest(tool, payload.tool_input?)?;
    let session = payload.session_id.as_deref().unwrap_or("");
    let began = began(payload);
    let own = paths.state.as_deref()?;
    let proof = Receipts::of(own, session).proof(call, &digest, began);
    if matches!(proof, Proof::OtherInput | Proof::Refused) {
        return Some(Missed { proof });
    }
    if proof == Proof::Judged {
        return None;
    }
    // From here on it is rare, and may cost something.
    let (guards, since) = guards(invocation, tool)?;
    let began_at_least = began.unwrap_or_else(|| clock::unix_seconds().saturating_sub(LONGEST));
    let young = since.is_none_or(|since| since + SLACK > began_at_least);
    if young {
        return None;
    }
    let states: BTreeSet<PathBuf> = guards.iter().filter_map(|entry| state(entry, invocation)).collect();
    let proofs = || -> Vec<Proof> {
        states.iter().map(|state| Receipts::of(state, session).proof(call, &digest, began)).collect()
    };
    let mut found = proofs();
    if found.iter().all(|proof| *proof == Proof::Missing) {
        // One that does not hold the call up may be late.
        std::thread::sleep(GRACE);
        found = proofs();
    }
    let bad = |proof: &&Proof| matches!(proof, Proof::OtherInput | Proof::Refused);
    if found.contains(&Proof::Judged) || found.contains(&Proof::Unknown) || found.is_empty() {
        return None;
    }
    Some(Missed { proof: *found.iter().find(bad).unwrap_or(&Proof::Missing) })
}

/// Returns when a call began, in seconds since 1970.
fn began(payload: &Payload<'_>) -> Option<u64> {
    let milliseconds = payload.duration_ms.filter(|ms| ms.is_finite() && *ms >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and cut to seconds"
    )]
    let seconds = (milliseconds / 1000.0).ceil() as u64;
    Some(clock::unix_seconds().saturating_sub(seconds))
}

/// Returns the guard's entries that have to be asked about a tool in this session, and since when all
/// of it is as it is: settings, their records, and the program.
fn guards(invocation: &Invocation<'_>, tool: &str) -> Option<(Vec<Entry>, Option<u64>)> {
    let Invocation { payload, env, paths } = invocation;
    // Without the records it is not known what has to be asked; prime tells of that.
    let records = settings::all_records(paths).ok()?;
    let files = settings::Session::of(env, paths, &payload.directory()).files(&records);
    let asked =
        |entry: &&Entry| entry.event == EVENT && entry.program_name() == Some(GUARD) && asks(entry, tool);
    let mut entries = Vec::new();
    let mut touched: Vec<PathBuf> = Vec::new();
    for record in records.iter().filter(|record| files.iter().any(|file| file.path == record.target)) {
        let own: Vec<Entry> = recorded(record).filter(asked).cloned().collect();
        if !own.is_empty() {
            touched.push(record.target.clone());
            entries.extend(own);
        }
    }
    // Whoever wrote the entry by hand has no record.
    for file in &files {
        let Some(bytes) = settings::read(&file.path) else { continue };
        let own: Vec<Entry> =
            settings::load(&bytes, file.scope).entries.iter().filter(asked).cloned().collect();
        if !own.is_empty() {
            touched.push(file.path.clone());
            entries.extend(own);
        }
    }
    touched.extend(entries.iter().filter_map(|entry| entry.program().map(Path::to_owned)));
    touched.extend(paths.records());
    let times: Vec<Option<u64>> =
        touched.iter().filter(|path| path.exists()).map(|path| changed(path)).collect();
    let since =
        times.into_iter().collect::<Option<Vec<u64>>>().map(|times| times.into_iter().max().unwrap_or(0));
    if entries.is_empty() { None } else { Some((entries, since)) }
}

/// Returns the entries that have to be in force; during a write either list may be.
fn recorded(record: &Record) -> impl Iterator<Item = &Entry> {
    let both = |entry: &&Entry| record.next.as_ref().is_none_or(|next| next.contains(entry));
    record.entries.iter().filter(both)
}

/// Says whether an entry is asked about a tool for certain: it has no condition, and its matcher is none, or
/// names the tool.
fn asks(entry: &Entry, tool: &str) -> bool {
    if entry.hook.get("if").is_some()
        || entry.hook.get("type").and_then(|kind| kind.as_str()) != Some("command")
    {
        return false;
    }
    let matcher = entry.matcher.as_deref().unwrap_or("");
    if matches!(matcher, "" | "*" | ".*") {
        return true;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-' | ',' | '|');
    if matcher.chars().all(plain) {
        return matcher.split(['|', ',']).any(|name| name.trim() == tool);
    }
    // Of expressions only lists of names and of beginnings such as `mcp__.*` are read.
    matcher.split('|').any(|part| match part.strip_suffix(".*") {
        Some(start) => start.chars().all(plain) && !start.is_empty() && tool.starts_with(start),
        None => part == tool,
    }) && matcher.split('|').all(|part| part.strip_suffix(".*").unwrap_or(part).chars().all(plain))
}

/// Returns the state directory that an entry names, or the one that it finds by itself.
fn state(entry: &Entry, invocation: &Invocation<'_>) -> Option<PathBuf> {
    let args = entry.hook.get("args").and_then(|args| args.as_array());
    let args: Vec<&str> = args.into_iter().flatten().filter_map(|argument| argument.as_str()).collect();
    let named = args.windows(2).find(|pair| pair[0] == "--state").map(|pair| PathBuf::from(pair[1]));
    named.or_else(|| rig_core::paths::Paths::of_user(&invocation.env).state)
}

/// Returns when a file was last written, in seconds since 1970.
fn changed(path: &Path) -> Option<u64> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(written.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_asked_where_its_matcher_says_so_for_certain() {
        let entry = |matcher: Option<&str>, more: &str| -> Entry {
            let hook = format!(r#"{{"type":"command","command":"/b/rig-guard"{more}}}"#);
            Entry {
                event: EVENT.into(),
                matcher: matcher.map(Into::into),
                hook: serde_json::from_str(&hook).unwrap(),
            }
        };
        for (matcher, tool, expected) in [
            (None, "Bash", true),
            (Some(""), "Bash", true),
            (Some("*"), "mcp__a__b", true),
            (Some("Bash"), "Bash", true),
            (Some("bash"), "Bash", false),
            (Some("Write|Bash"), "Bash", true),
            (Some("Write, Bash"), "Bash", true),
            (Some("Write"), "Bash", false),
            (Some("mcp__.*"), "mcp__a__b", true),
            (Some("mcp__.*"), "Bash", false),
            (Some("Bash|mcp__.*"), "Bash", true),
            (Some("^B"), "Bash", false),
            (Some("Ba.h"), "Bash", false),
            (Some("(Bash"), "Bash", false),
            (Some("Bash|(x"), "Bash", false),
        ] {
            assert_eq!(asks(&entry(matcher, ""), tool), expected, "{matcher:?} {tool}");
        }
        assert!(!asks(&entry(None, r#","if":"Bash(rm *)""#), "Bash"));
    }
}
