//! Escalations, their history and their counts, for people.

use rig_core::clock::seconds_since;
use rig_core::text::{clean, cut};
use rig_wire::Severity;
use serde_json::{Map, Value};

use crate::table::Style;
use crate::view::{self, Shown, distance, duration, short};

/// The least of an id that is shown: the time at which it was made, in milliseconds.
const ID: usize = 13;

/// Lists escalations in their order.
pub(crate) fn list(all: &[Shown], style: Style) -> String {
    let length = id_length(all);
    let row = |shown: &Shown| {
        let age = seconds_since(&shown.created_at).unwrap_or(0).max(0).unsigned_abs();
        let state = match (&*shown.state, &shown.acked_by) {
            ("acked", Some(by)) => format!("acked by {by}"),
            (state, _) => state.to_owned(),
        };
        let bump = shown.next_bump_at.as_deref().and_then(seconds_since);
        let bump = bump.map_or_else(|| "-".to_owned(), |ago| duration((-ago).max(0).unsigned_abs()));
        vec![
            cut_id(&shown.id, length),
            shown.severity.clone(),
            state,
            duration(age),
            bump,
            shown.agent_id.clone(),
            shown.place(),
            shown.line(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    style.table(&["ID", "SEV", "STATE", ">AGE", ">NEXT", "AGENT", "ABOUT", "REASON"], &rows)
}

/// Returns how much of an id tells it from the others.
fn id_length(all: &[Shown]) -> usize {
    let mut ids: Vec<&str> = all.iter().map(|shown| shown.id.as_str()).collect();
    ids.sort_unstable();
    let common = |pair: &[&str]| pair[0].chars().zip(pair[1].chars()).take_while(|(a, b)| a == b).count();
    ids.windows(2).map(common).max().map_or(ID, |common| ID.max(common + 1))
}

pub(crate) fn cut_id(id: &str, length: usize) -> String {
    id.chars().take(length).collect()
}

/// Shows one escalation.
pub(crate) fn escalation(shown: &Shown, style: Style) -> String {
    let severity = style.severity(&shown.severity);
    let mut text = format!("{severity} escalation {}, {}\n", shown.id, shown.state);
    let mut member = |name: &str, value: &str| {
        let mut lines = value.lines();
        text.push_str(&format!("  {name:<11} {}\n", lines.next().unwrap_or_default()));
        for line in lines {
            text.push_str(format!("  {:11} {line}", "").trim_end());
            text.push('\n');
        }
    };
    member("reason", &shown.reason);
    let about = [
        Some(shown.place()).filter(|place| place != "-"),
        shown.pr_number.filter(|_| shown.issue_number.is_some()).map(|pr| format!("PR #{pr}")),
        shown.branch.as_ref().map(|branch| format!("branch {branch}")),
    ];
    let about: Vec<String> = about.into_iter().flatten().collect();
    let at = |at: &str| format!("{at}{}", distance(at));
    let by = |when: &Option<String>, who: &Option<String>| {
        let who = who.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
        when.as_deref().map(|when| format!("{}{who}", at(when)))
    };
    let raised = (shown.bump_count > 0).then(|| {
        let first = shown.initial_severity.as_deref().unwrap_or("?");
        let last =
            shown.last_bumped_at.as_deref().map_or_else(String::new, |last| format!(", last {}", at(last)));
        let times =
            if shown.bump_count == 1 { "once".to_owned() } else { format!("{} times", shown.bump_count) };
        format!("{times} from {first}{last}")
    });
    for (name, value) in [
        ("details", shown.details.clone()),
        ("category", shown.category.clone()),
        ("about", Some(about.join(", ")).filter(|about| !about.is_empty())),
        ("asked by", Some(shown.agent_id.clone())),
        ("created", Some(at(&shown.created_at))),
        ("raised", raised),
        ("taken", by(&shown.acked_at, &shown.acked_by)),
        ("closed", by(&shown.closed_at, &shown.closed_by)),
        ("resolution", shown.resolution.clone()),
        ("notes", Some(shown.note_count).filter(|n| *n > 0).map(|n| n.to_string())),
        ("next", view::next_bump(shown)),
    ] {
        if let Some(value) = value {
            member(name, &value);
        }
    }
    for notification in &shown.notifications {
        let at = notification.at.as_deref().map_or_else(String::new, |at| format!(" {at}"));
        member("told", &format!("{}{at}", notification.line()));
    }
    text
}

/// Shows what happened to an escalation.
pub(crate) fn history(events: &[Value], style: Style) -> String {
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| {
            let word = |key: &str| short(event.get(key).and_then(Value::as_str).unwrap_or_default());
            let data = event.get("data").and_then(Value::as_object);
            let kind = word("type");
            let kind = kind.strip_prefix("Escalation").unwrap_or(&kind).to_owned();
            vec![word("timestamp"), kind, data.map(members).unwrap_or_default()]
        })
        .collect();
    style.table(&["AT", "EVENT", "WHAT"], &rows)
}

/// Returns the members of an event that say something of their own, on one line.
fn members(data: &Map<String, Value>) -> String {
    /// In the order in which they matter; what is not here comes after them.
    const FIRST: [&str; 14] = [
        "severity",
        "fromSeverity",
        "toSeverity",
        "by",
        "via",
        "route",
        "target",
        "attempt",
        "error",
        "final",
        "note",
        "resolution",
        "reason",
        "category",
    ];
    const ELSEWHERE: [&str; 8] =
        ["escalationId", "eventId", "type", "occurredAt", "details", "dedupKey", "contentHash", "token"];
    let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut keys: Vec<&String> = data.keys().filter(|key| !ELSEWHERE.contains(&key.as_str())).collect();
    keys.sort_by_key(|key| (place(key), key.as_str()));
    let shown = keys.iter().filter_map(|key| {
        let value = match &data[*key] {
            Value::Null => return None,
            // What is in it is for programs; that it is there says something.
            Value::Object(_) => "yes".to_owned(),
            Value::String(text) => clean(&cut(text, 2000)),
            other => clean(&cut(&other.to_string(), 200)),
        };
        let key = clean(&cut(key, 100));
        (!value.is_empty())
            .then(|| if value.contains(' ') { format!("{key}={value:?}") } else { format!("{key}={value}") })
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Shows the counts.
pub(crate) fn stats(stats: &Value, style: Style) -> String {
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
    let row = |state: &str| {
        let counts = Severity::ALL.map(|s| number(stats.get(state).and_then(|of| of.get(s.as_str()))));
        let counts = counts.iter().map(ToString::to_string);
        std::iter::once(state.to_owned()).chain(counts).collect::<Vec<String>>()
    };
    let mut text = style.table(&["", ">P0", ">P1", ">P2"], &[row("open"), row("acked")]);
    let times = stats.get("timeToAckSeconds");
    let time = |key: &str| {
        let seconds = times.and_then(|times| times.get(key)).and_then(Value::as_f64);
        seconds.map_or_else(|| "-".to_owned(), |seconds| duration(seconds.max(0.0) as u64))
    };
    let count = number(times.and_then(|times| times.get("count")));
    text.push_str(&format!("closed: {}\n", number(stats.get("closed"))));
    text.push_str(&format!("time to ack: median {}, p95 {} (of {count})\n", time("median"), time("p95")));
    let agents: Vec<Vec<String>> = stats
        .get("byAgent")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|agent| {
            let counts = ["created", "open", "acked", "closed"].map(|key| number(agent.get(key)).to_string());
            let name = short(agent.get("agentId").and_then(Value::as_str).unwrap_or("?"));
            std::iter::once(name).chain(counts).collect()
        })
        .collect();
    if !agents.is_empty() {
        text.push('\n');
        text.push_str(&style.table(&["AGENT", ">CREATED", ">OPEN", ">ACKED", ">CLOSED"], &agents));
    }
    text
}
