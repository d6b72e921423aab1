//! Buttons: what Discord posts when somebody presses one, and what it is told in return.
//!
//! Discord waits three seconds. A command gets two; what takes longer goes on behind the answer, and the
//! message is edited by the outbox, as it is after every command.

mod request;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use rig_wire::EscalationState;
use serde_json::{Value, json};
use uuid::Uuid;

use self::request::{Button, Person, typed};
use crate::app::App;
use crate::delivery::of_message;
use crate::domain::{Rejection, Via};
use crate::settings::Discord;
use crate::store::{Command, Receipt, StoreError};

/// The greatest request that is read.
pub const BODY_LIMIT: usize = 64 * 1024;
/// For so long an answer waits for the store.
const BUDGET: Duration = Duration::from_secs(2);
/// The longest resolution, in characters; what the form lets through.
const RESOLUTION: usize = 2000;
/// The flag of a message that only the one who clicked sees.
const FOR_ONE: u32 = 64;

/// Answers `POST /api/discord/interactions`.
pub async fn handle(app: &Arc<App>, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
    let error = |status: StatusCode, text: &str| (status, json!({ "error": text }));
    let discord = app.settings.discord.as_ref();
    let Some((discord, key)) = discord.and_then(|d| Some((d, d.public_key.as_ref()?))) else {
        return error(StatusCode::NOT_FOUND, "buttons are not set up");
    };
    if body.len() > BODY_LIMIT {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "the body is over 64 KiB");
    }
    if !verify::is_genuine(key, headers, body, Timestamp::now()) {
        return error(StatusCode::UNAUTHORIZED, "the signature is not valid");
    }
    let Ok(interaction) = serde_json::from_slice::<Value>(body) else {
        return error(StatusCode::BAD_REQUEST, "the body is no JSON");
    };
    let answer = match interaction["type"].as_u64() {
        Some(1) => json!({ "type": 1 }),
        Some(3 | 5) => press(app, discord, &interaction).await,
        _ => return error(StatusCode::BAD_REQUEST, "this kind of interaction is not known"),
    };
    (StatusCode::OK, answer)
}

/// Answers a click, or a form that was sent.
async fn press(app: &Arc<App>, discord: &Discord, interaction: &Value) -> Value {
    let Some(person) = Person::of(interaction).filter(|person| person.may_press(discord)) else {
        tracing::warn!("a button was pressed by somebody who may not");
        return for_one("You may not do this. Ask an operator to take it.");
    };
    let Some(button) = interaction["data"]["custom_id"].as_str().and_then(Button::read) else {
        return for_one("This button is not known any more.");
    };
    let (by, via) = (person.by(), Via::Discord);
    match (button, interaction["type"].as_u64()) {
        (Button::Ack(id), Some(3)) => {
            carry_out(app, interaction, id, Command::Ack { id, by, via, note: None }).await
        }
        (Button::Close(id), Some(3)) => ask_for_resolution(app, id).await,
        (Button::Close(id), Some(5)) => {
            let text = rig_text::clean_lines(typed(interaction, "resolution").unwrap_or_default());
            let resolution = rig_text::redact(rig_text::cut(text.trim(), RESOLUTION).trim());
            if resolution.is_empty() {
                return for_one("A resolution is needed: what came of it?");
            }
            carry_out(app, interaction, id, Command::Close { id, resolution, by, via }).await
        }
        _ => for_one("This button is not known any more."),
    }
}

/// Carries out a command and shows what came of it, at once or later.
async fn carry_out(app: &Arc<App>, interaction: &Value, id: Uuid, command: Command) -> Value {
    let worker = app.clone();
    let mut done = tokio::spawn(async move { worker.execute(command).await });
    match tokio::time::timeout(BUDGET, &mut done).await {
        Ok(Ok(result)) => match result {
            Ok(receipt) => updated(app, interaction, &receipt),
            Err(error) => for_one(&refusal(id, &error)),
        },
        Ok(Err(_)) => for_one("It did not work. Try again."),
        Err(_) => {
            // The message itself is edited by the outbox.
            let (app, interaction) = (app.clone(), interaction.clone());
            tokio::spawn(async move {
                let text = match done.await {
                    Ok(Ok(_)) => return,
                    Ok(Err(error)) => refusal(id, &error),
                    Err(_) => "It did not work. Try again.".to_owned(),
                };
                tell_later(&app, &interaction, &text).await;
            });
            json!({ "type": 6 })
        }
    }
}

/// Shows the message as it is now. Where it is none that the store knows yet, the outbox does it.
fn updated(app: &App, interaction: &Value, receipt: &Receipt) -> Value {
    let message = interaction["message"]["id"].as_str().unwrap_or_default();
    match of_message(&app.settings, &receipt.escalation, message) {
        Some(message) => json!({ "type": 7, "data": message.body() }),
        None => json!({ "type": 6 }),
    }
}

/// Answers with a form for the resolution.
async fn ask_for_resolution(app: &App, id: Uuid) -> Value {
    match tokio::time::timeout(BUDGET, app.store.escalation(id)).await {
        Ok(Ok(None)) => return for_one("This escalation is not known."),
        Ok(Ok(Some(shown))) if shown.escalation.state == EscalationState::Closed => {
            return for_one("It is closed already.");
        }
        // Where the store is slow, the form gives it time.
        _ => {}
    }
    json!({ "type": 9, "data": {
        "custom_id": format!("esc1:close:{id}"),
        "title": "Close the escalation",
        "components": [{ "type": 1, "components": [{
            "type": 4, "custom_id": "resolution", "style": 2, "label": "What came of it?",
            "min_length": 1, "max_length": RESOLUTION, "required": true,
        }] }],
    } })
}

fn refusal(id: Uuid, error: &StoreError) -> String {
    match error {
        StoreError::Rejected(Rejection::Unknown(_)) => "This escalation is not known.".to_owned(),
        StoreError::Rejected(Rejection::State(text)) => format!("Not done: {text}."),
        error => {
            tracing::error!(escalation = %id, %error, "a button's command was not carried out");
            "It did not work. Try again, or use rig-escalate.".to_owned()
        }
    }
}

/// Tells the one who clicked, after the answer has gone.
async fn tell_later(app: &App, interaction: &Value, text: &str) {
    let (Some(token), Some(discord)) = (interaction["token"].as_str(), &app.settings.discord) else { return };
    let (Some(application), Some(courier)) = (&discord.application_id, app.delivery.courier(&app.settings))
    else {
        return;
    };
    // The token becomes a part of a path.
    if token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        courier.follow_up(application, token, message_for_one(text)).await;
    }
}

fn for_one(text: &str) -> Value {
    json!({ "type": 4, "data": message_for_one(text) })
}

fn message_for_one(text: &str) -> Value {
    json!({ "content": text, "flags": FOR_ONE, "allowed_mentions": { "parse": [] } })
}
