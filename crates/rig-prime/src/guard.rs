//! Whether the guard judges the calls of this session.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rig_core::env::Environment;
use rig_core::paths::Paths;
use rig_core::settings::{self, Entry, Record, Scope};
use serde::Serialize;

use crate::command;
use crate::deadline::Deadline;
use crate::quote::Quote;

/// The guard's program.
const PROGRAM: &str = "rig-guard";

/// How long the guard may take to tell of its policies.
const POLICIES: Duration = Duration::from_millis(500);

/// The events on which the guard has to be asked.
const EVENTS: [&str; 2] = ["PreToolUse", "ConfigChange"];

/// The most that is shown of a reason, in characters.
const REASON: usize = 160;

/// Whether the guard judges the calls of this session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub(crate) enum Guard {
    /// Its entries are in force, and its program is there.
    On {
        /// In which settings.
        scopes: Vec<Scope>,
    },
    /// No settings file that hooks-sync wrote has its entries.
    Absent,
    /// It has entries, and is not asked, or cannot answer.
    Off {
        /// Why.
        reasons: Vec<Quote>,
    },
    /// The records of what must be in force cannot be read.
    Unknown {
        /// Why.
        reason: Quote,
    },
}

/// The guard, and what of the rig's entries is no longer as hooks-sync wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Hooks {
    /// Whether the guard judges the calls of this session.
    pub(crate) guard: Guard,
    /// What is missing or changed, in plain words.
    pub(crate) drift: Vec<Quote>,
}

/// Looks at the records of hooks-sync, the settings files of the session, and the program.
#[must_use]
pub(crate) fn look(env: &Environment, paths: &Paths, directory: &Path) -> Hooks {
    let records = match settings::all_records(paths) {
        Ok(records) => records,
        Err(error) => {
            let reason = Quote::new(&rig_core::error::chain(&error), REASON);
            return Hooks { guard: Guard::Unknown { reason }, drift: Vec::new() };
        }
    };
    let files = settings::Session::of(env, paths, directory).files(&records);
    let losses = |records: &[Record]| settings::losses(records, &files, settings::read);
    // The records of other projects say nothing about this session.
    let here = records.iter().filter(|record| files.iter().any(|file| file.path == record.target));
    let guards: Vec<Record> = here.filter_map(only_guard).collect();
    Hooks {
        guard: judge(&guards, |record| losses(std::slice::from_ref(record))),
        drift: shown(losses(&records)),
    }
}

/// Judges records that hold nothing but the guard's entries: one that is wholly in force is enough.
fn judge(guards: &[Record], losses: impl Fn(&Record) -> Vec<String>) -> Guard {
    let mut reasons = Vec::new();
    let mut scopes = Vec::new();
    for record in guards {
        let mut found = losses(record);
        found.extend(record.entries.iter().filter_map(Entry::program).filter_map(cannot_run));
        found.dedup();
        if found.is_empty() {
            scopes.push(record.scope);
        }
        reasons.extend(found);
    }
    if guards.is_empty() {
        return Guard::Absent;
    }
    if scopes.is_empty() {
        return Guard::Off { reasons: shown(reasons) };
    }
    scopes.sort();
    scopes.dedup();
    Guard::On { scopes }
}

fn shown(reasons: Vec<String>) -> Vec<Quote> {
    reasons.into_iter().take(2).map(|reason| Quote::new(&reason, REASON)).collect()
}

/// Returns the record with the guard's entries alone; `None` where they are not complete.
fn only_guard(record: &Record) -> Option<Record> {
    let of = |entries: &[Entry]| -> Vec<Entry> {
        entries.iter().filter(|entry| entry.program_name() == Some(PROGRAM)).cloned().collect()
    };
    let entries = of(&record.entries);
    EVENTS.iter().all(|event| entries.iter().any(|entry| entry.event == *event)).then(|| Record {
        entries,
        next: record.next.as_deref().map(of),
        ..record.clone()
    })
}

/// Says which policies of the guard are not valid, one sentence each. The guard itself is asked, and only
/// where there is a policy at all.
#[must_use]
pub(crate) fn policies(
    env: &Environment,
    paths: &Paths,
    directory: &Path,
    deadline: Deadline,
) -> Vec<String> {
    let project = env.get_path("CLAUDE_PROJECT_DIR").unwrap_or_else(|| directory.to_owned());
    let beside = |config: &Path| config.with_file_name("guard.json");
    let files = [
        Some(beside(&paths.system_config)),
        paths.user_config.as_deref().map(beside),
        Some(project.join(".rig/guard.json")),
    ];
    let there = |file: &std::path::PathBuf| std::fs::symlink_metadata(file).is_ok();
    let program = std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM)).filter(there);
    let (Some(program), true) = (program, files.iter().flatten().any(there)) else { return Vec::new() };
    let mut ask = Command::new(program);
    ask.args(["policy", "--json", "--cwd"]).arg(directory);
    if let Some(config) = &paths.user_config {
        ask.arg("--config").arg(config);
    }
    // It exits with 1 where one is not valid.
    let Ok(answer) = command::run(&mut ask, deadline.within(POLICIES)) else { return Vec::new() };
    broken(&serde_json::from_slice(&answer.stdout).unwrap_or_default())
}

fn broken(policy: &serde_json::Value) -> Vec<String> {
    let files = policy.get("files").and_then(|files| files.as_array());
    let sentence = |file: &serde_json::Value| {
        let problem = file.get("problems")?.as_array()?.first()?.as_str()?;
        let (level, path) = (file.get("level")?.as_str()?, file.get("path")?.as_str()?);
        Some(format!(
            "The {level} policy of the guard, {path}, is not valid, so its exceptions do not count: {problem}"
        ))
    };
    files.into_iter().flatten().filter_map(sentence).collect()
}

/// Says why a program cannot be started, if it cannot.
fn cannot_run(program: &Path) -> Option<String> {
    match std::fs::metadata(program) {
        Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => None,
        Ok(_) => Some(format!("{} is not executable", program.display())),
        Err(error) => Some(format!("{} cannot be started: {error}", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(scope: &str, program: &Path, events: &[&str]) -> Record {
        let entries: Vec<_> = events
            .iter()
            .map(|event| json!({"event": event, "hook": {"type": "command", "command": program}}))
            .collect();
        serde_json::from_value(json!({
            "version": 1, "target": "/x/settings.json", "scope": scope, "bin": "/x", "entries": entries, "undo": {},
        }))
        .unwrap()
    }

    fn state(records: &[Record], lost: &str) -> String {
        let guards: Vec<Record> = records.iter().filter_map(only_guard).collect();
        let lost = |record: &Record| {
            if record.scope == Scope::User { lost.lines().map(str::to_owned).collect() } else { Vec::new() }
        };
        serde_json::to_string(&judge(&guards, lost)).unwrap()
    }

    #[test]
    fn policies_that_are_not_valid_are_named_with_their_first_problem() {
        let file = |level: &str, problems: &[&str]| json!({"level": level, "path": "/p/guard.json", "found": true, "problems": problems});
        let policy = json!({"files": [file("managed", &[]), file("user", &["no JSON", "more"]), file("project", &[])]});
        assert_eq!(
            broken(&policy),
            [
                "The user policy of the guard, /p/guard.json, is not valid, so its exceptions do not count: no JSON"
            ]
        );
        assert_eq!(broken(&json!({"files": 5})), [""; 0]);
    }

    #[test]
    fn the_guard_is_on_when_all_its_entries_of_one_file_run_a_program_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("rig-guard");
        let on = |scopes: &str| format!(r#"{{"state":"on","scopes":[{scopes}]}}"#);
        let off = |reason: &str| format!(r#"{{"state":"off","reasons":["{reason}"]}}"#);
        let nothing = r#"{"state":"absent"}"#;
        let user = record("user", &program, &EVENTS);
        let managed = record("managed", &program, &EVENTS);

        assert_eq!(state(&[], ""), nothing);
        assert_eq!(state(&[record("user", &program, &EVENTS[..1])], ""), nothing);
        assert_eq!(state(&[record("user", Path::new("/x/rig-report"), &EVENTS)], ""), nothing);
        let missing =
            format!("{} cannot be started: No such file or directory (os error 2)", program.display());
        assert_eq!(state(std::slice::from_ref(&user), ""), off(&missing));
        std::fs::write(&program, "").unwrap();
        assert_eq!(
            state(std::slice::from_ref(&user), ""),
            off(&format!("{} is not executable", program.display()))
        );
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(state(std::slice::from_ref(&user), ""), on(r#""user""#));
        assert_eq!(state(std::slice::from_ref(&user), "gone"), off("gone"));
        assert_eq!(state(&[user.clone(), managed.clone()], "gone"), on(r#""managed""#));
        assert_eq!(state(&[user, managed], ""), on(r#""managed","user""#));
    }
}
