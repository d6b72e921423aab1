//! Events and messages as lines that are the same in every run.

use rig_conductor::domain::record_name;
use rig_conductor::store::Stored;
use rig_testkit::discord::{ADMIN, ALICE, BOB, CAROL, FORUM, PULLS, TASKS};
use serde_json::Value;

use crate::world::World;

/// The members of events that differ from run to run, or say nothing.
const LEFT_OUT: [&str; 6] = ["escalationId", "contentHash", "dedupKey", "url", "unackedForSeconds", "token"];

const NAMES: [(u64, &str); 7] = [
    (ADMIN, "#admin"),
    (TASKS, "#tasks"),
    (PULLS, "#pulls"),
    (FORUM, "#forum"),
    (ALICE, "@alice"),
    (BOB, "@bob"),
    (CAROL, "@carol"),
];

/// Returns the lines of a stream. What became of messages at about the same time is in no order, so it is sorted.
pub(crate) fn lines(world: &World<'_>, events: &[Stored]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut sorted_from = 0;
    for event in events {
        let name = record_name(&event.alias);
        let name = name.strip_prefix("Escalation").unwrap_or(&name);
        lines.push(format!("{} {name}{}", world.shown(event.at), members(&event.data)));
        if name.starts_with("Notif") {
            lines[sorted_from..].sort();
        } else {
            sorted_from = lines.len();
        }
    }
    lines
}

fn members(data: &Value) -> String {
    let mut text = String::new();
    for (name, value) in data.as_object().into_iter().flatten() {
        if !LEFT_OUT.contains(&name.as_str()) {
            text.push_str(&format!(" {name}={}", plain(value)));
        }
    }
    text
}

/// Returns a value without what differs from run to run.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => named(text),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
            let all: Vec<String> = kept.map(|(name, value)| format!("{name}={}", plain(value))).collect();
            format!("({})", all.join(" "))
        }
        other => other.to_string(),
    }
}

/// Returns a text in which people and channels have names, and other ids of Discord are `...`.
pub(crate) fn named(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = &rest[..end];
        let known = NAMES.iter().find(|(id, _)| id.to_string() == number).map(|(_, name)| *name);
        out.push_str(known.unwrap_or(if end >= 17 { "..." } else { number }));
        rest = &rest[end..];
    }
    (out + rest).replace("<@@", "<@")
}
