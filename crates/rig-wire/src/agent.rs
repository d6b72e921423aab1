use serde_json::{Map, Value};

/// An agent as the coordinator's `/api/agents` shows it; every member may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    /// The agent's id; entries whose id holds a `#` are issues, not agents.
    pub id: String,
    /// Free text such as `idle`, `working` or `stuck`.
    pub status: Option<String>,
    /// Whether the coordinator heard of it lately.
    pub is_online: Option<bool>,
    /// The issue it works on; 0 reads as none.
    pub current_issue: Option<u64>,
    /// `owner/name` of that issue; empty reads as none.
    pub current_repo: Option<String>,
}

impl Agent {
    /// Reads an agent from an object in either casing, ignoring what it does not know;
    /// `None` for anything without an id.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let text = |name| {
            member(object, name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        Some(Self {
            id: text("id").or_else(|| text("agentId"))?,
            status: text("status"),
            is_online: member(object, "isOnline").and_then(Value::as_bool),
            current_issue: member(object, "currentIssue").and_then(number).filter(|n| *n > 0),
            current_repo: text("currentRepo"),
        })
    }
}

/// Returns a member by its camelCase name, else by the same name in any other casing.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Returns a number that may be written as text, as `42`, `"42"` or `"owner/repo#42"`.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64(),
        Value::String(text) => text.rsplit('#').next()?.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agent_is_read_in_either_casing_and_camel_case_wins() {
        let expected = Agent {
            id: "dev-e-node".into(),
            status: Some("working".into()),
            is_online: Some(true),
            current_issue: Some(42),
            current_repo: Some("o/r".into()),
        };
        for value in [
            json!({"id":"dev-e-node","status":"working","isOnline":true,"currentIssue":42,"currentRepo":"o/r","providers":[]}),
            json!({"Id":"dev-e-node","Status":"working","IsOnline":true,"CurrentIssue":"o/r#42","CurrentRepo":"o/r"}),
            json!({"AgentId":"dev-e-node","status":"working","Status":"stale","isOnline":true,"currentIssue":"42","currentRepo":"o/r"}),
        ] {
            assert_eq!(Agent::from_value(&value).as_ref(), Some(&expected), "{value}");
        }
    }

    #[test]
    fn zero_and_empty_mean_none_and_no_id_means_no_agent() {
        let agent =
            Agent::from_value(&json!({"id":"a","currentIssue":0,"currentRepo":"","status":null})).unwrap();
        assert_eq!(agent, Agent { id: "a".into(), ..Agent::default() });
        for value in [json!({}), json!([]), json!("x"), json!({"id": 5})] {
            assert_eq!(Agent::from_value(&value), None, "{value}");
        }
    }
}
