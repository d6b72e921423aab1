//! What Discord's description leaves out, and what the rig asks of every request.

use std::collections::BTreeSet;

use serde_json::Value;

use super::call::{Asked, Call};
use super::world::Kind;
use crate::http::Request;

/// Returns what is wrong with the headers of a request.
pub(crate) fn headers(asked: &Asked, request: &Request) -> Vec<String> {
    let mut errors = Vec::new();
    let agent = request.header("user-agent").unwrap_or("");
    if !is_agent(agent) {
        errors.push(format!("User-Agent {agent:?} is not `DiscordBot (url, version)`"));
    }
    let authorization = request.header("authorization");
    match authorization.and_then(|value| value.strip_prefix("Bot ")) {
        Some(token) if !token.is_empty() && token.trim() == token => {}
        // The token of the path is enough there.
        None if matches!(asked.call, Call::EditOriginal | Call::FollowUp) && authorization.is_none() => {}
        _ => errors.push("Authorization is not `Bot <token>`".to_owned()),
    }
    if !request.body.is_empty() {
        let kind = request.header("content-type").unwrap_or("");
        if kind.split(';').next() != Some("application/json") {
            errors.push(format!("Content-Type {kind:?} is not `application/json`"));
        }
        if serde_json::from_slice::<Value>(&request.body).is_err() {
            errors.push("the body is not JSON".to_owned());
        }
    }
    errors
}

/// `DiscordBot (url, version)`, and perhaps more behind it.
fn is_agent(text: &str) -> bool {
    let inner = text.strip_prefix("DiscordBot (").and_then(|rest| rest.split_once(')'));
    let parts = inner.and_then(|(inner, _)| inner.split_once(", "));
    parts.is_some_and(|(url, version)| url.contains("://") && !version.trim().is_empty())
}

/// Returns what is wrong with the body of a request to a channel of this kind.
pub(crate) fn body(asked: &Asked, kind: Option<Kind>, body: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    match asked.call {
        Call::CreateMessage => {
            message(body, false, &mut errors);
            nonce(body, &mut errors);
        }
        Call::EditMessage | Call::EditOriginal => message(body, true, &mut errors),
        Call::FollowUp => message(body, false, &mut errors),
        Call::ThreadFromMessage => name(body, &mut errors),
        Call::CreateThread if kind == Some(Kind::Forum) => {
            name(body, &mut errors);
            message(&body["message"], false, &mut errors);
        }
        Call::CreateThread => {
            name(body, &mut errors);
            // Without it Discord makes a private thread, which nobody sees.
            if body["type"] != 11 {
                errors.push(format!("type is {}, not 11, a public thread", body["type"]));
            }
        }
        Call::OpenDm if !body["recipient_id"].is_string() => {
            errors.push("there is no recipient_id".to_owned())
        }
        _ => {}
    }
    errors
}

/// Returns what is wrong with the data of an answer to an interaction.
pub(crate) fn answer(data: &Value, edit: bool) -> Vec<String> {
    let mut errors = Vec::new();
    message(data, edit, &mut errors);
    errors
}

fn message(body: &Value, edit: bool, errors: &mut Vec<String>) {
    let embeds = entries(&body["embeds"]);
    let components = entries(&body["components"]);
    at_most("content", &body["content"], 2000, errors);
    if !edit && length(&body["content"]) == 0 && embeds.is_empty() && components.is_empty() {
        errors.push("the message is empty".to_owned());
    }
    mentions(body.get("allowed_mentions"), errors);
    if embeds.len() > 10 {
        errors.push(format!("there are {} embeds, more than 10", embeds.len()));
    }
    let total: usize = embeds.iter().map(|e| embed(e, errors)).sum();
    if total > 6000 {
        errors.push(format!("the embeds have {total} characters, more than 6000"));
    }
    let mut ids = BTreeSet::new();
    for row in components {
        let buttons = entries(&row["components"]);
        if buttons.is_empty() || buttons.len() > 5 {
            errors.push(format!("an action row has {} buttons, not 1 to 5", buttons.len()));
        }
        for one in buttons.iter().filter(|one| one["type"] == 2) {
            button(one, errors);
            if let Some(id) = one["custom_id"].as_str()
                && !ids.insert(id)
            {
                errors.push(format!("custom_id {id:?} is there twice"));
            }
        }
    }
}

/// An explicit list is all that may call somebody: text of others is in every message.
fn mentions(allowed: Option<&Value>, errors: &mut Vec<String>) {
    match allowed {
        Some(Value::Object(allowed)) => {
            let parse = allowed.get("parse").and_then(Value::as_array);
            if parse.is_some_and(|parse| !parse.is_empty()) {
                errors.push("allowed_mentions.parse has entries".to_owned());
            }
        }
        _ => errors.push("allowed_mentions is missing".to_owned()),
    }
}

fn nonce(body: &Value, errors: &mut Vec<String>) {
    at_most("nonce", &body["nonce"], 25, errors);
    if !body["nonce"].is_null() && body["enforce_nonce"] != true {
        errors.push("nonce comes without enforce_nonce".to_owned());
    }
}

fn name(body: &Value, errors: &mut Vec<String>) {
    let name = body["name"].as_str().unwrap_or("");
    if name.trim().is_empty() || length(&body["name"]) > 100 {
        errors.push(format!("name has {} characters, not 1 to 100", length(&body["name"])));
    }
}

/// Returns how many characters count towards the limit of all embeds.
fn embed(embed: &Value, errors: &mut Vec<String>) -> usize {
    let parts = [
        ("title", &embed["title"], 256),
        ("description", &embed["description"], 4096),
        ("footer.text", &embed["footer"]["text"], 2048),
        ("author.name", &embed["author"]["name"], 256),
    ];
    for (what, value, most) in parts {
        at_most(what, value, most, errors);
    }
    let fields = entries(&embed["fields"]);
    if fields.len() > 25 {
        errors.push(format!("an embed has {} fields, more than 25", fields.len()));
    }
    for (what, most) in [("name", 256), ("value", 1024)] {
        for field in fields {
            at_most(&format!("a field's {what}"), &field[what], most, errors);
            if field[what].as_str().is_none_or(|text| text.trim().is_empty()) {
                errors.push(format!("a field's {what} is empty"));
            }
        }
    }
    if embed["color"].as_u64().is_some_and(|color| color > 0xFF_FFFF) {
        errors.push("color is no RGB value".to_owned());
    }
    let fields = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum::<usize>();
    parts.iter().map(|(_, value, _)| length(value)).sum::<usize>() + fields
}

/// A button of style 1 to 4 sends its `custom_id`, one of style 5 opens its `url`.
fn button(button: &Value, errors: &mut Vec<String>) {
    at_most("a button's label", &button["label"], 80, errors);
    at_most("a button's custom_id", &button["custom_id"], 100, errors);
    at_most("a button's url", &button["url"], 512, errors);
    if length(&button["label"]) == 0 && button["emoji"].is_null() {
        errors.push("a button has no label".to_owned());
    }
    let (id, url) = (length(&button["custom_id"]) > 0, length(&button["url"]) > 0);
    let fits = match button["style"].as_u64() {
        Some(1..=4) => id && !url,
        Some(5) => url && !id,
        _ => false,
    };
    if !fits {
        errors.push(format!(
            "a button of style {} has {}custom_id and {}url",
            button["style"],
            if id { "" } else { "no " },
            if url { "" } else { "no " },
        ));
    }
}

fn at_most(what: &str, value: &Value, most: usize, errors: &mut Vec<String>) {
    let length = length(value);
    if length > most {
        errors.push(format!("{what} has {length} characters, more than {most}"));
    }
}

/// Counts the UTF-16 units of a text, the strictest way to count characters.
fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
