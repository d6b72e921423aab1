//! A client that does as Discord asks, unless a test changes a part of a request.

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{Id, TOKEN};
use rig_testkit::http::{Response, exchange};
use serde_json::{Value, json};

pub(crate) const AGENT: &str = "DiscordBot (https://example.com/rig-tools, 0.1.0)";

/// Sends a request to a path below the version; none where the connection ends without an answer.
pub(crate) fn send(discord: &FakeDiscord, method: &str, path: &str, body: &Value) -> Option<Response> {
    let token = format!("Bot {TOKEN}");
    let headers = [("user-agent", AGENT), ("authorization", &token), ("content-type", "application/json")];
    let url = discord.url();
    let base = url.strip_suffix("/api/v10").expect("the version in the URL");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(base, method, &format!("/api/v10{path}"), &headers, &body)
}

/// As [`send`], and returns status and JSON.
#[track_caller]
pub(crate) fn call(discord: &FakeDiscord, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let response = send(discord, method, path, body).expect("an answer");
    let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    (response.status, json)
}

pub(crate) fn get(discord: &FakeDiscord, path: &str) -> (u16, Value) {
    call(discord, "GET", path, &Value::Null)
}

/// Posts a message and returns status and id or code.
#[track_caller]
pub(crate) fn post(discord: &FakeDiscord, channel: Id, body: &Value) -> (u16, u64) {
    brief(&call(discord, "POST", &format!("/channels/{channel}/messages"), body))
}

/// Returns the status, and the id of what was made or the code of the error.
pub(crate) fn brief((status, body): &(u16, Value)) -> (u16, u64) {
    let id = body["id"].as_str().and_then(|id| id.parse().ok());
    (*status, id.or(body["code"].as_u64()).unwrap_or(0))
}

/// A message with a content that calls nobody.
pub(crate) fn message(content: &str) -> Value {
    json!({ "content": content, "allowed_mentions": { "parse": [] } })
}

/// The embed of an escalation.
pub(crate) fn embed(title: &str) -> Value {
    json!({
        "embeds": [{
            "title": title, "description": "CI is red", "color": 0xE6_7E22, "timestamp": "2026-01-02T03:04:05Z",
            "fields": [{ "name": "Agent", "value": "dev-e-1", "inline": true }],
            "footer": { "text": "esc 0190a7c2" },
        }],
        "components": [{ "type": 1, "components": [
            { "type": 2, "style": 1, "label": "Ack", "custom_id": "esc1:ack:0190a7c2" },
            { "type": 2, "style": 4, "label": "Close", "custom_id": "esc1:close:0190a7c2" },
            { "type": 2, "style": 5, "label": "Open", "url": "https://example.com/e/0190a7c2" },
        ] }],
        "allowed_mentions": { "parse": [] },
    })
}

/// Sends a request as it is given.
pub(crate) fn raw(
    discord: &FakeDiscord,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> u16 {
    let url = discord.url();
    let base = url.strip_suffix("/api/v10").expect("the version in the URL");
    exchange(base, method, target, headers, body).expect("an answer").status
}
