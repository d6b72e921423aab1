//! Whether a settings file is what a sync would make of it, and whether it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rig_core::paths::Paths;
use rig_core::settings::{Entry, Record, Scope, all_records, load, losses, read_records};

use crate::error::SyncError;
use crate::matcher::never_fires;
use crate::places::Places;
use crate::plan::{Current, Plan};

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is not as it should be, in plain words.
    pub drift: Vec<String>,
    /// What somebody else might want to know.
    pub notes: Vec<String>,
}

/// Compares a settings file with what should be in it.
///
/// # Errors
/// When the file or a record cannot be read.
pub fn check(
    places: &Places,
    paths: &Paths,
    entries: &[Entry],
    env: &BTreeMap<String, String>,
) -> Result<Findings, SyncError> {
    let current = Current::read(places)?;
    let mut findings = Findings::default();
    let target = places.target.display();
    if current.record.is_none() && !has_ours(&current, places, env) {
        findings.drift.push(format!("{target} was never synced"));
        return Ok(findings);
    }
    findings.drift.extend(session_losses(places, paths, &current, entries)?);
    let role = current.record.as_ref().and_then(|record| record.role.clone());
    match current.with(places, role.as_deref(), entries, env) {
        // The losses name the mistake already.
        Err(SyncError::Ignored { .. }) => {}
        Err(error) => findings.drift.push(error.to_string()),
        Ok(plan) => compare(&current, &plan, places, &mut findings),
    }
    for path in programs(entries) {
        if !runs(&places.reach(path)) {
            findings.drift.push(format!("there is no program {}", path.display()));
        }
    }
    matchers(&current, places, entries, &mut findings);
    Ok(findings)
}

fn has_ours(current: &Current, places: &Places, env: &BTreeMap<String, String>) -> bool {
    current.has_ours(places, env).unwrap_or(false)
}

fn compare(current: &Current, plan: &Plan, places: &Places, findings: &mut Findings) {
    let target = places.target.display();
    let text = current.text.as_deref().unwrap_or_default();
    let loaded = load(text.as_bytes(), places.scope);
    let empty = BTreeMap::new();
    let env = plan.record.as_ref().map_or(&empty, |record| &record.env);
    for (key, value) in env {
        // Of a file that is gone enough is said.
        if current.text.is_some() && loaded.env.get(key) != Some(value) {
            findings.drift.push(format!("`env.{key}` is not `{value}` in {target}"));
        }
    }
    match &current.record {
        None => findings.drift.push(format!("the record of {target} is lost")),
        Some(record) if record.next.is_some() => {
            findings.drift.push(format!("the last sync of {target} did not come to its end"));
        }
        Some(_) => {}
    }
    if findings.drift.is_empty() && current.text != plan.text {
        findings.drift.push(format!("{target} holds entries that are no longer wanted"));
    }
    findings.notes.extend(
        plan.foreign.iter().map(|key| format!("`env.{key}` has another value in {target}, which stays")),
    );
    findings.notes.extend(plan.warnings.iter().map(|warning| format!("{target}: {warning}")));
}

fn matchers(current: &Current, places: &Places, entries: &[Entry], findings: &mut Findings) {
    let text = current.text.as_deref().unwrap_or_default();
    let mut told = BTreeSet::new();
    for entry in load(text.as_bytes(), places.scope).entries {
        let Some(why) = never_fires(&entry.event, entry.matcher.as_deref().unwrap_or("")) else { continue };
        let message = format!("the matcher under `{}` can never fire: {why}", entry.event);
        if entries.iter().any(|ours| ours.same(&entry)) {
            findings.drift.push(message);
        } else if told.insert(message.clone()) {
            findings.notes.push(message);
        }
    }
}

/// Says in plain words what of these entries is not in force in the sessions that the settings
/// file belongs to.
///
/// # Errors
/// When a record cannot be read.
pub fn session_losses(
    places: &Places,
    paths: &Paths,
    current: &Current,
    entries: &[Entry],
) -> Result<Vec<String>, SyncError> {
    let mut others = match places.scope {
        Scope::Managed => read_records(&places.records)?,
        _ => all_records(paths)?,
    };
    others.retain(|record| record.target != places.target);
    // A staged file is judged as the client will find it.
    for record in &mut others {
        if record.scope == Scope::Managed {
            record.target = places.reach(&record.target);
        }
    }
    let ours = Record {
        version: rig_core::settings::RECORD_VERSION,
        target: places.file.clone(),
        scope: places.scope,
        role: None,
        bin: places.bin.clone(),
        entries: entries.to_vec(),
        next: None,
        env: BTreeMap::new(),
        undo: rig_core::settings::Undo::default(),
    };
    others.push(ours);
    let files = places.session.files(&others);
    let read = |path: &Path| match &current.text {
        Some(text) if path == places.file => Some(text.clone().into_bytes()),
        _ => rig_core::settings::read(path),
    };
    let mut losses_of_all = losses(&others, &files, read);
    // What the others lose is theirs to tell; two records may lose the same in the same words.
    for loss in losses(&others[..others.len() - 1], &files, read) {
        if let Some(at) = losses_of_all.iter().position(|other| *other == loss) {
            losses_of_all.remove(at);
        }
    }
    Ok(losses_of_all)
}

/// Returns the programs that entries start, each once.
pub fn programs(entries: &[Entry]) -> BTreeSet<&Path> {
    entries.iter().filter_map(Entry::program).collect()
}

/// Says whether a file can be run.
#[must_use]
pub fn runs(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
