//! `rig-guard log` and `rig-guard stats`: what was decided.

use std::collections::BTreeMap;
use std::path::Path;

use rig_core::error::chain;
use rig_core::text::{clean, cut};
use serde_json::{Value, json};

use super::{Here, Log, TROUBLE, columns};
use crate::audit::LOG;

/// The most that is read of a log, in bytes; it is cut off at a fraction of this.
const LARGEST: u64 = 16 << 20;

/// The most that is shown of a command, in characters.
const COMMAND: usize = 120;

/// Shows the entries of the log.
pub(super) fn log(here: &Here, which: &Log) -> (String, u8) {
    let entries = match read(here) {
        Ok(entries) => entries,
        Err(error) => return (error, TROUBLE),
    };
    let entries: Vec<Entry> = entries.into_iter().filter(|entry| entry.matches(which)).collect();
    let newest = &entries[entries.len().saturating_sub(which.limit)..];
    if which.json {
        return (newest.iter().map(|entry| format!("{}\n", entry.value)).collect(), 0);
    }
    let rows: Vec<Vec<String>> = newest
        .iter()
        .map(|entry| {
            let at = entry.at().get(..19).unwrap_or(entry.at()).replace('T', " ");
            let what =
                entry.text("command").or_else(|| entry.text("reason")).or_else(|| entry.text("failure"));
            let what = cut(&clean(what.unwrap_or("")), COMMAND);
            let or_dash = |key| entry.text(key).unwrap_or("-").to_owned();
            vec![at, entry.kind().to_owned(), or_dash("ruleId"), or_dash("tool"), what]
        })
        .collect();
    (columns(&rows).lines().map(|line| format!("{}\n", line.trim_start())).collect(), 0)
}

/// Counts the entries of the log.
pub(super) fn stats(here: &Here, since: Option<&str>, as_json: bool) -> (String, u8) {
    let entries = match read(here) {
        Ok(entries) => entries,
        Err(error) => return (error, TROUBLE),
    };
    let since = since.unwrap_or("");
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut tables: [(&str, BTreeMap<String, u64>); 3] =
        ["rule", "category", "day"].map(|name| (name, BTreeMap::new()));
    for entry in entries.iter().filter(|entry| entry.at() >= since) {
        *kinds.entry(entry.kind()).or_default() += 1;
        if entry.kind() != "blocked" {
            continue;
        }
        let rule = entry.text("ruleId").unwrap_or("-");
        let category = match rule.split('.').next().unwrap_or(rule) {
            "managed" | "user" | "project" => "policy",
            category => category,
        };
        let day = entry.at().get(..10).unwrap_or("-");
        for ((_, table), key) in tables.iter_mut().zip([rule, category, day]) {
            *table.entry(key.to_owned()).or_default() += 1;
        }
    }
    if as_json {
        let tables: serde_json::Map<String, Value> =
            tables.into_iter().map(|(name, table)| (name.to_owned(), json!(table))).collect();
        return (format!("{}\n", json!({ "entries": kinds, "blocked": tables })), 0);
    }
    let row = |(key, count): (&str, &u64)| vec![format!("{count:6}"), key.to_owned()];
    let mut text =
        format!("entries\n{}", columns(&kinds.iter().map(|(k, n)| row((k, n))).collect::<Vec<_>>()));
    for (name, table) in &tables {
        let mut rows: Vec<(&String, &u64)> = table.iter().collect();
        if *name != "day" {
            rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(key, count)| row((key, count))).collect();
        if !rows.is_empty() {
            text.push_str(&format!("\nblocked, by {name}\n{}", columns(&rows)));
        }
    }
    (text, 0)
}

/// An entry of the log.
struct Entry {
    value: Value,
}

impl Entry {
    fn text(&self, key: &str) -> Option<&str> {
        self.value.get(key)?.as_str()
    }

    fn at(&self) -> &str {
        self.text("at").unwrap_or("")
    }

    fn kind(&self) -> &str {
        match self.text("type") {
            Some("GUARD_BLOCKED") => "blocked",
            Some("GUARD_POLICY_INVALID") => "policy",
            _ if self.value.get("failure").is_some() => "failed",
            _ => self.text("kind").unwrap_or("other"),
        }
    }

    fn matches(&self, which: &Log) -> bool {
        // What could not be judged was refused, too.
        let refused = matches!(self.kind(), "blocked" | "failed");
        let rule = |prefix: &str| self.text("ruleId").is_some_and(|rule| rule.starts_with(prefix));
        (refused || !which.blocked)
            && which.since.as_deref().is_none_or(|since| self.at() >= since)
            && which.session.as_deref().is_none_or(|session| self.text("sessionId") == Some(session))
            && which.rule.as_deref().is_none_or(rule)
    }
}

/// Reads the log, the older file first; lines that a crash left unfinished are passed over.
fn read(here: &Here) -> Result<Vec<Entry>, String> {
    let Some(path) = here.paths.log(LOG) else {
        return Err("no home directory is known, so there is no log\n".to_owned());
    };
    let mut entries = Vec::new();
    for path in [path.with_extension("jsonl.1"), path] {
        let text =
            text(&path).map_err(|error| format!("failed to read {}: {}\n", path.display(), chain(&error)))?;
        let lines = text.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        entries.extend(lines.map(|value| Entry { value }));
    }
    Ok(entries)
}

fn text(path: &Path) -> std::io::Result<Vec<u8>> {
    match rig_core::files::read(path, LARGEST) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}
