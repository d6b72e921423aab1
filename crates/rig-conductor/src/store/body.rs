//! Events on their way into the log and out of it.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{StoreError, WorkEvent};
use crate::domain::{Event, Rejection};
use crate::settings::Casing;

/// The beginning of the names of escalations' streams, which nobody else may use.
const OURS: &str = "escalation-";

/// The longest name of a stream or an agent, in bytes: PostgreSQL bounds what an index can hold.
const LONGEST_NAME: usize = 512;

/// Returns the members of an escalation's event as they are stored: JSON.
pub(super) fn of_event(event: &Event, casing: Casing) -> String {
    text(Value::Object(event.data()), casing, true)
}

/// Returns the members of a stored event in camelCase.
pub(super) fn read(alias: &str, data: Value) -> Value {
    rename(data, &uncapitalized, alias.starts_with("escalation_"))
}

/// An event of work, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) id: Uuid,
    /// Whether the sender chose the id, so that it may be there already.
    pub(super) given: bool,
    pub(super) stream: String,
    pub(super) alias: String,
    pub(super) body: String,
    /// For a heartbeat: the agent, and the members in camelCase.
    pub(super) beat: Option<(String, String)>,
}

impl Prepared {
    /// Makes an event ready.
    ///
    /// # Errors
    /// When its stream is an escalation's, or a name is too long.
    pub(super) fn new(event: WorkEvent, casing: Casing) -> Result<Self, StoreError> {
        let agent = event.kind.is_heartbeat().then(|| {
            let agent = event.data.get("agentId").and_then(Value::as_str);
            clean(agent.unwrap_or(&event.stream).to_owned())
        });
        for name in std::iter::once(&event.stream).chain(&agent) {
            if name.len() > LONGEST_NAME {
                return Err(Rejection::State(format!("a name has more than {LONGEST_NAME} bytes")).into());
            }
        }
        if event.stream.starts_with(OURS) {
            let why = format!("the stream `{}` is an escalation's", event.stream);
            return Err(Rejection::State(why).into());
        }
        let beat = agent.map(|agent| (agent, text(Value::Object(event.data.clone()), Casing::Camel, false)));
        Ok(Self {
            id: event.id.unwrap_or_else(Uuid::now_v7),
            given: event.id.is_some(),
            stream: clean(event.stream),
            alias: event.kind.alias(),
            body: text(Value::Object(event.data), casing, false),
            beat,
        })
    }
}

/// Writes members as JSON in a casing; `deep`: those of every level.
fn text(data: Value, casing: Casing, deep: bool) -> String {
    let data = match casing {
        Casing::Pascal => rename(data, &capitalized, deep),
        Casing::Camel => data,
    };
    let text = data.to_string();
    // PostgreSQL keeps no U+0000 in texts.
    if text.contains("\\u0000") { without_nul(data).to_string() } else { text }
}

fn rename(data: Value, name: &impl Fn(String) -> String, deep: bool) -> Value {
    let inner = |value| if deep { rename(value, name, true) } else { value };
    match data {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (name(key), inner(value))).collect())
        }
        Value::Array(values) if deep => {
            Value::Array(values.into_iter().map(|value| rename(value, name, true)).collect())
        }
        other => other,
    }
}

fn capitalized(mut key: String) -> String {
    if let Some(first) = key.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    key
}

fn uncapitalized(mut key: String) -> String {
    if let Some(first) = key.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    key
}

fn without_nul(data: Value) -> Value {
    match data {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(values) => values.into_iter().map(without_nul).collect(),
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(key, value)| (clean(key), without_nul(value))).collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{EventKind, Repeat};

    fn work(stream: &str, data: Value) -> WorkEvent {
        let Value::Object(data) = data else { panic!("not an object") };
        let kind = EventKind::of_wire("HEARTBEAT").unwrap();
        WorkEvent { id: None, kind, stream: stream.into(), data }
    }

    #[test]
    fn members_of_escalations_are_renamed_at_every_level_and_of_work_at_the_first() {
        let event = Event::EscalationNoteAdded {
            escalation_id: Uuid::nil(),
            by: "a".into(),
            note: "n".into(),
            details: None,
            repeat: Some(Repeat {
                escalation_id: Uuid::nil(),
                content_hash: "h".into(),
                severity: rig_wire::Severity::P0,
                coalesced: false,
            }),
        };
        let id = Uuid::nil();
        let pascal = json!({"By": "a", "EscalationId": id, "Note": "n",
            "Repeat": {"Coalesced": false, "ContentHash": "h", "EscalationId": id, "Severity": "P0"}});
        assert_eq!(of_event(&event, Casing::Pascal), pascal.to_string());
        assert_eq!(of_event(&event, Casing::Camel), Value::Object(event.data()).to_string());
        for casing in [Casing::Pascal, Casing::Camel] {
            let stored = serde_json::from_str(&of_event(&event, casing)).unwrap();
            assert_eq!(read(event.alias(), stored), Value::Object(event.data()), "{casing:?}");
        }
        let data = json!({"agentId": "dev", "providers": [{"name": "x"}], "état": 1, "": 2});
        let ready = Prepared::new(work("dev", data.clone()), Casing::Pascal).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&ready.body).unwrap(),
            json!({"AgentId": "dev", "Providers": [{"name": "x"}], "état": 1, "": 2})
        );
        assert_eq!(read("heartbeat", serde_json::from_str(&ready.body).unwrap()), data);
        assert_eq!(ready.beat, Some(("dev".to_owned(), data.to_string())));
    }

    #[test]
    fn what_no_database_can_keep_is_replaced_and_what_is_not_ones_own_is_refused() {
        let nul = Prepared::new(work("d\0v", json!({"a\0": ["x\0", "\\u0000"]})), Casing::Camel).unwrap();
        assert_eq!((nul.stream.as_str(), nul.body.as_str()), ("d�v", r#"{"a�":["x�","\\u0000"]}"#));
        let long = "x".repeat(LONGEST_NAME + 1);
        for (stream, data) in [
            ("escalation-0", json!({})),
            (long.as_str(), json!({})),
            ("dev", json!({ "agentId": long.clone() })),
        ] {
            let error = Prepared::new(work(stream, data), Casing::Camel).unwrap_err();
            assert!(matches!(error, StoreError::Rejected(Rejection::State(_))), "{error}");
        }
    }
}
