//! Signed requests, and what comes of the answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use rig_testkit::discord::{ADMIN, ALICE, BOB, FakeDiscord, ONCALL};
use rig_testkit::http::{Reply, Response, Server};
use rig_testkit::interaction::{Interaction, public_key};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::client::{brief, call, embed, message, post};

/// Tells whether the application signed a request.
fn signed(request: &(Vec<(&'static str, String)>, String)) -> bool {
    let header = |name: &str| {
        let found = request.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let signature = bytes(&header("x-signature-ed25519")).unwrap_or_default();
    let text = header("x-signature-timestamp") + &request.1;
    let key = bytes(&public_key()).expect("a public key");
    UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[test]
fn what_the_application_signs_is_verified_and_nothing_else() {
    let click = || Interaction::click("esc1:ack:1");
    for (interaction, expected) in [
        (Interaction::ping(), true),
        (click(), true),
        (click().old(3600), true),
        (click().forged(), false),
        (click().tampered(), false),
        (click().garbled(), false),
        (click().unsigned(), false),
    ] {
        assert_eq!(signed(&interaction.request()), expected, "{interaction:?}");
    }
}

#[test]
fn a_click_names_its_user_in_the_server_and_in_direct_messages() {
    let body =
        |interaction: Interaction| -> Value { serde_json::from_str(&interaction.request().1).unwrap() };
    let server = body(Interaction::click("a").by(BOB).roles(&[ONCALL]));
    assert_eq!(server["member"]["user"]["id"], BOB.to_string());
    assert_eq!(server["member"]["roles"], json!([ONCALL.to_string()]));
    assert_eq!(
        (&server["type"], &server["user"], &server["data"]["custom_id"]),
        (&json!(3), &Value::Null, &json!("a"))
    );
    let direct = body(Interaction::click("a").by(BOB).direct());
    assert_eq!((&direct["user"]["id"], &direct["member"]), (&json!(BOB.to_string()), &Value::Null));
    let row = json!({ "custom_id": "esc1:close:1", "title": "Close", "components": [
        { "type": 1, "components": [{ "type": 4, "custom_id": "resolution", "style": 2, "label": "What was done" }] },
        { "type": 18, "label": "By", "component": { "type": 4, "custom_id": "by", "style": 1 } },
    ] });
    let submit = body(Interaction::submit(&row, &[("resolution", "restarted"), ("by", "me")]));
    assert_eq!(submit["type"], 5);
    assert_eq!(
        submit["data"],
        json!({ "custom_id": "esc1:close:1", "components": [
            { "type": 1, "id": 1, "components": [{ "type": 4, "id": 2, "custom_id": "resolution", "value": "restarted" }] },
            { "type": 18, "id": 1, "component": { "type": 4, "id": 2, "custom_id": "by", "value": "me" } },
        ] })
    );
}

/// A service that answers every interaction with what it is given, and remembers the last one.
fn service(answer: Value) -> (Server, Arc<Mutex<Value>>) {
    let seen = Arc::new(Mutex::new(Value::Null));
    let last = Arc::clone(&seen);
    let server = Server::start(move |request| {
        *last.lock().expect("no panic holds it") = request.json();
        Reply::Send(Response::json(200, &answer))
    });
    (server, seen)
}

#[test]
fn an_answer_changes_what_people_see() {
    let discord = FakeDiscord::start();
    let (_, id) = post(&discord, ADMIN, &embed("P1 - acme/app#42"));
    discord.skip_seen();
    let dead = json!([{ "type": 1, "components": [
        { "type": 2, "style": 2, "label": "acked by alice", "custom_id": "a", "disabled": true },
    ] }]);
    let none = json!({ "parse": [] });
    let edit = json!({ "type": 7, "data": { "components": dead, "allowed_mentions": none } });
    let (edits, seen) = service(edit);
    let answer = discord.click(&edits.url(), id, "Ack", ALICE);
    assert_eq!((answer.status, answer.kind()), (200, 7));
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        (&seen["message"]["id"], &seen["channel_id"]),
        (&json!(id.to_string()), &json!(ADMIN.to_string()))
    );
    assert_eq!(discord.live_buttons(), []);
    discord.expect(.., &["edit #admin: P1 - acme/app#42 (acked by alice)"]);
    // By the token of the interaction the message can be edited later, without the bot's own.
    let path =
        format!("/webhooks/1175001122334455681/{}/messages/@original", seen["token"].as_str().unwrap());
    assert_eq!(brief(&call(&discord, "PATCH", &path, &message("later"))), (200, id));
    assert_eq!(
        brief(&call(&discord, "PATCH", &path.replace("interaction", "no"), &message("x"))),
        (404, 10015)
    );
    discord.expect(.., &["edit #admin: later P1 - acme/app#42 (acked by alice)"]);
    let data = json!({ "content": "you may not", "flags": 64, "allowed_mentions": none });
    let (replies, _) = service(json!({ "type": 4, "data": data }));
    let answer = discord.interact(&replies.url(), id, Interaction::click("a").by(BOB));
    assert_eq!(answer.data()["flags"], 64);
    discord.expect(.., &["reply #admin: you may not"]);
}

#[test]
fn a_click_in_direct_messages_says_so_and_a_dead_button_cannot_be_clicked() {
    let discord = FakeDiscord::start();
    let body = json!({ "recipient_id": ALICE.to_string() });
    let (_, dm) = brief(&call(&discord, "POST", "/users/@me/channels", &body));
    let (_, id) = post(&discord, dm, &embed("P0 - acme/app#42"));
    let (server, seen) = service(json!({ "type": 6 }));
    let answer = discord.click(&server.url(), id, "Close", ALICE);
    assert_eq!(answer.kind(), 6);
    assert_eq!(seen.lock().unwrap()["user"]["id"], ALICE.to_string());
    for label in ["Open", "Raise"] {
        let click = || discord.click(&server.url(), id, label, ALICE);
        assert!(catch_unwind(AssertUnwindSafe(click)).is_err(), "{label}");
    }
}

#[test]
fn an_answer_that_discord_would_not_take_fails_the_test() {
    if !FakeDiscord::has_schemas() {
        return;
    }
    let none = json!({ "parse": [] });
    let form = |title: &str| {
        let field = json!({ "type": 4, "custom_id": "resolution", "style": 2, "label": "What was done" });
        let rows = json!([{ "type": 1, "components": [field] }]);
        json!({ "type": 9, "data": { "custom_id": "c", "title": title, "components": rows } })
    };
    for (answer, taken) in [
        (json!({ "type": 1 }), true),
        (json!({ "type": 1, "data": {} }), false),
        (json!({}), false),
        (json!({ "type": 4, "data": { "content": "x", "flags": 64, "allowed_mentions": none } }), true),
        (json!({ "type": 4, "data": { "content": "x", "flags": 64 } }), false),
        (json!({ "type": 4, "data": { "content": "x".repeat(2001), "allowed_mentions": none } }), false),
        (json!({ "type": 6 }), true),
        (json!({ "type": 7, "data": { "components": [], "allowed_mentions": none } }), true),
        (json!({ "type": 7, "data": { "components": [{ "type": 1 }], "allowed_mentions": none } }), false),
        (form("Close"), true),
        (form(&"x".repeat(46)), false),
    ] {
        let (server, _) = service(answer.clone());
        let send = || Interaction::ping().send(&server.url());
        assert_eq!(catch_unwind(AssertUnwindSafe(send)).is_ok(), taken, "{answer}");
    }
}
