//! The REST interface: the same pull requests in another shape.

use serde_json::{Value, json};

use super::{Behaviour, message, text};
use crate::http::Response;

impl Behaviour {
    pub(super) fn rest(&self, path: &str, query: &str) -> Response {
        let parts: Vec<&str> = path.split('/').collect();
        let number = parts.get(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let pull = self.by_number("pulls", &number.into());
        let answer = match parts[..] {
            ["pulls"] => Some(self.list(query)),
            ["pulls", _] if !pull.is_null() => Some(self.row(&pull)),
            ["pulls", _, "reviews"] if !pull.is_null() => Some(reviews(&pull)),
            ["pulls", _, "comments"] if !pull.is_null() => Some(comments(&pull)),
            ["commits", sha, "check-runs"] => self.by_commit(sha).map(|pull| checks(&pull, "CheckRun")),
            ["commits", sha, "status"] => self.by_commit(sha).map(|pull| checks(&pull, "StatusContext")),
            ["issues", _] => match self.by_number("issues", &number.into()) {
                Value::Null => None,
                issue => Some(json!({
                    "number": number, "title": issue["title"], "state": text(&issue["state"]).to_lowercase(),
                })),
            },
            _ => None,
        };
        answer.map_or_else(|| message(404, "Not Found"), |answer| Response::json(200, &answer))
    }

    /// Lists pull requests by `state` and `head`; a head without an owner is not looked at.
    fn list(&self, query: &str) -> Value {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| decode(value))
        };
        let (state, head) = (value("state").unwrap_or_default(), value("head").unwrap_or_default());
        let rows = self.repository["pulls"].as_array().into_iter().flatten().map(|pull| self.row(pull));
        rows.filter(|row| state == "all" || row["state"] == *state)
            .filter(|row| match head.split_once(':') {
                Some((owner, branch)) => {
                    row["head"]["ref"] == branch
                        && text(&row["head"]["user"]["login"]).eq_ignore_ascii_case(owner)
                }
                None => true,
            })
            .collect()
    }

    fn row(&self, pull: &Value) -> Value {
        let owner = &pull["headRepositoryOwner"]["login"];
        let repo = match owner {
            Value::Null => Value::Null,
            owner => json!({ "name": self.repository["name"], "owner": { "login": owner } }),
        };
        let merged = pull["state"] == "MERGED";
        json!({
            "number": pull["number"], "title": pull["title"], "draft": pull["isDraft"],
            "state": if pull["state"] == "OPEN" { "open" } else { "closed" },
            "merged_at": merged.then_some("2026-01-02T03:04:05Z"),
            "base": { "ref": pull["baseRefName"] },
            "head": { "ref": pull["headRefName"], "sha": pull["headRefOid"], "repo": repo, "user": { "login": owner } },
            "mergeable": match text(&pull["mergeable"]) { "MERGEABLE" => json!(true), "CONFLICTING" => json!(false), _ => Value::Null },
            "mergeable_state": match text(&pull["mergeable"]) { "CONFLICTING" => "dirty", "MERGEABLE" => "clean", _ => "unknown" },
        })
    }

    fn by_commit(&self, sha: &str) -> Option<Value> {
        self.repository["pulls"].as_array()?.iter().find(|pull| pull["headRefOid"] == sha).cloned()
    }
}

fn reviews(pull: &Value) -> Value {
    let row = |review: &Value| json!({ "user": review["author"], "state": review["state"] });
    nodes(&pull["latestReviews"]).map(row).collect()
}

/// Spreads the threads into comments, replies included; nothing says which are resolved.
fn comments(pull: &Value) -> Value {
    let mut rows = Vec::new();
    for thread in nodes(&pull["reviewThreads"]) {
        let first = rows.len() as u64 + 1;
        let all = thread["comments"]["totalCount"].as_u64().unwrap_or(1);
        for id in first..first + all {
            let comment = &thread["comments"]["nodes"][0];
            let position = (thread["isOutdated"] == false).then_some(1);
            let reply = (id > first).then_some(first);
            rows.push(json!({
                "id": id, "in_reply_to_id": reply, "path": thread["path"], "line": thread["line"],
                "position": position, "user": comment["author"], "body": comment["body"],
            }));
        }
    }
    rows.into()
}

/// Returns the check runs or the older statuses of a commit; without statuses the state is `pending`.
fn checks(pull: &Value, kind: &str) -> Value {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    let rows: Vec<Value> = nodes(&pull["statusCheckRollup"]["contexts"])
        .filter(|node| node["__typename"] == kind)
        .map(|node| match kind {
            "CheckRun" => json!({
                "name": node["name"], "status": lower(&node["status"]), "conclusion": lower(&node["conclusion"]),
            }),
            _ => json!({ "context": node["context"], "state": lower(&node["state"]) }),
        })
        .collect();
    match kind {
        "CheckRun" => json!({ "total_count": rows.len(), "check_runs": rows }),
        _ => json!({ "state": "pending", "total_count": rows.len(), "statuses": rows }),
    }
}

fn nodes(connection: &Value) -> impl Iterator<Item = &Value> {
    connection["nodes"].as_array().into_iter().flatten()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = tail.get(..2).and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        let (byte, after) = match (first, escape) {
            (b'%', Some(byte)) => (byte, &tail[2..]),
            (b'+', _) => (b' ', tail),
            (byte, _) => (*byte, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
