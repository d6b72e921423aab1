//! The flat record that every event is: its members, in either casing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::ApiError;

/// Every documented member of an event, as it is kept. What is not here is passed over.
const KNOWN: &[&str] = &[
    "activeProvider",
    "agentId",
    "attempt",
    "attempts",
    "availableProviders",
    "branch",
    "browser",
    "by",
    "category",
    "command",
    "costUsd",
    "currentIssue",
    "currentRepo",
    "decision",
    "dedupKey",
    "degraded",
    "degradedReasons",
    "dependsOn",
    "details",
    "duration",
    "durationMinutes",
    "durationMs",
    "errorCount",
    "escalationId",
    "eventId",
    "failedChecks",
    "failedCount",
    "firstFailure",
    "fromSeverity",
    "inputTokens",
    "instance",
    "integrations",
    "issueNumber",
    "iteration",
    "key",
    "kind",
    "level",
    "logs",
    "memoryMB",
    "mergeSha",
    "message",
    "milestone",
    "model",
    "note",
    "occurredAt",
    "operator",
    "outputTokens",
    "passedCount",
    "prNumber",
    "prUrl",
    "priority",
    "providers",
    "reason",
    "repo",
    "resolution",
    "ruleId",
    "runUrl",
    "service",
    "sessionId",
    "severity",
    "startup",
    "status",
    "target",
    "title",
    "toSeverity",
    "tool",
    "totalCount",
    "type",
    "uptimeSeconds",
    "via",
];

/// The members of a request, by their camelCase names; texts are clean and free of secrets.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a JSON object. Of a member in two casings the camelCase one counts; null is as good as
    /// absent.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let mut input = serde_json::Deserializer::from_slice(body);
        let members = input.deserialize_map(Reader).and_then(|members| input.end().map(|()| members));
        members.map_err(|e| ApiError::Invalid(format!("the body is not a JSON object: {e}")))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Finds the name under which a member is kept, and says whether it was sent under that name.
pub(super) fn known(name: &str) -> Option<(&'static str, bool)> {
    match KNOWN.iter().find(|known| **known == name) {
        Some(exact) => Some((exact, true)),
        None => KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).map(|known| (*known, false)),
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        let mut in_camel: Vec<&'static str> = Vec::new();
        while let Some(Name(name)) = input.next_key()? {
            let Some((name, exact)) = known(&name) else {
                input.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut value: Value = input.next_value()?;
            if !exact && in_camel.contains(&name) {
                continue;
            }
            if exact {
                in_camel.push(name);
            }
            if value.is_null() {
                members.remove(name);
                continue;
            }
            make_safe(&mut value, !IDS.contains(&name));
            members.insert(name.to_owned(), value);
        }
        Ok(Members(members))
    }
}

/// A name, borrowed wherever it has no escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        input.deserialize_str(Text)
    }
}

/// Members that stand for something by their exact text, which may look like a secret.
const IDS: &[&str] = &["agentId", "branch", "dedupKey", "escalationId", "eventId", "repo", "sessionId"];

/// Cleans every text in a value and, unless it is an id, takes the secrets out of it.
fn make_safe(value: &mut Value, secrets: bool) {
    match value {
        Value::String(text) => make_text_safe(text, secrets),
        Value::Array(list) => list.iter_mut().for_each(|one| make_safe(one, secrets)),
        Value::Object(members) => {
            if !members.keys().all(|key| is_plain(key)) {
                let all = std::mem::take(members).into_iter();
                members.extend(all.map(|(key, value)| (rig_text::clean(&key), value)));
            }
            members.values_mut().for_each(|one| make_safe(one, secrets));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn make_text_safe(text: &mut String, secrets: bool) {
    if !is_plain(text) {
        *text = rig_text::clean_lines(text);
    }
    if secrets && (text.len() >= LEAST_SECRET || text.contains([' ', '=', ':'])) {
        *text = rig_text::redact(text);
    }
}

/// The length from which a single word can be a secret.
const LEAST_SECRET: usize = 15;

/// Says whether a text holds nothing that cleaning would remove.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Value) {
        let Value::Object(expected) = expected else { panic!("an object") };
        assert_eq!(Members::read(body.as_bytes()).unwrap(), Members(expected), "{body}");
    }

    #[test]
    fn members_are_kept_under_their_camel_case_names() {
        check(r#"{"agentId":"a","IssueNumber":5}"#, json!({"agentId":"a","issueNumber":5}));
        check(r#"{"AgentId":"b","agentId":"a","AGENTID":"c"}"#, json!({"agentId":"a"}));
        check(r#"{"AGENTID":"b","AgentId":"c"}"#, json!({"agentId":"c"}));
        check(r#"{"agentId":null,"Reason":"x","reason":null}"#, json!({}));
        check(r#"{"memorymb":1,"MemoryMB":2,"$type":"x","unknown":{"a":[1]}}"#, json!({"memoryMB":2}));
        check(r#"{"a\u0067entId":"x"}"#, json!({"agentId":"x"}));
    }

    #[test]
    fn texts_are_clean_and_free_of_secrets_at_every_depth() {
        check(
            r#"{"status":"a\u0000b\u001b[31mc","command":"curl -H 'Authorization: Bearer abc'","providers":[{"na\u0000me":"TOKEN=x1","n":[true,null,1.5]}]}"#,
            json!({
                "status": "abc",
                "command": "curl -H 'Authorization: Bearer [redacted]'",
                "providers": [{ "name": "TOKEN=[redacted]", "n": [true, null, 1.5] }],
            }),
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "5", "{", "{}x", r#"{"a":}"#, r#"{"status":"\ud800"}"#, "\u{feff}{}"] {
            assert!(Members::read(body.as_bytes()).is_err(), "{body:?}");
        }
        let bomb = format!("{{\"providers\":{}", "[".repeat(60_000));
        assert!(Members::read(bomb.as_bytes()).is_err());
    }
}
