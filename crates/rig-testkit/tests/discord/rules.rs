//! Requests that break a rule are refused, and fail the test.

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, ALICE, BOB, FORUM, ONCALL, PULLS, Ping, TOKEN, pings};
use serde_json::{Value, json};

use crate::client::{AGENT, call, embed, message, post, raw};

/// Sends the body of an escalation's message with one part set to something else, and returns
/// what the double has against it, without the request itself.
fn judged(discord: &FakeDiscord, pointer: &str, value: Value) -> String {
    let mut body = embed("P1 - acme/app#42");
    *body.pointer_mut(pointer).expect("a part of the message") = value;
    said(discord, "POST", &format!("/channels/{ADMIN}/messages"), &body)
}

fn said(discord: &FakeDiscord, method: &str, path: &str, body: &Value) -> String {
    let (status, answer) = call(discord, method, path, body);
    let found = discord.take_violations();
    let Some(first) = found.first() else { return format!("{status}") };
    assert_eq!((status, &answer["code"], found.len()), (400, &json!(50035), 1), "{answer}");
    let line = first.lines().next().unwrap_or("");
    line.split_once(": ").expect("the request, then what is wrong").1.to_owned()
}

#[test]
fn what_the_description_leaves_out_is_checked() {
    let discord = FakeDiscord::start();
    let button = |change: &[(&str, Value)]| {
        let mut button = json!({ "type": 2, "style": 1, "label": "Ack", "custom_id": "a" });
        for (name, value) in change {
            button[*name] = value.clone();
        }
        button.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        json!([button])
    };
    let row = "/components/0/components";
    let link = || ("url", json!("https://example.com"));
    let field = |name: &str, value: &str| json!([{ "name": name, "value": value }]);
    // A character outside of the basic plane counts twice.
    let wide = "\u{1F600}".repeat(1001);
    for (pointer, value, expected) in [
        ("/embeds/0/title", json!("x".repeat(256)), "200"),
        ("/embeds", json!([{ "description": "x".repeat(4000) }, { "title": "y" }]), "200"),
        (
            "/embeds",
            json!([{ "description": "x".repeat(4000) }, { "description": "x".repeat(2001) }]),
            "the embeds have 6001 characters, more than 6000",
        ),
        ("/embeds/0/fields", field(" ", "x"), "a field's name is empty"),
        ("/embeds/0/fields", field("x", ""), "a field's value is empty"),
        ("/allowed_mentions", json!({ "parse": ["users"] }), "allowed_mentions.parse has entries"),
        ("/allowed_mentions", json!(null), "allowed_mentions is missing"),
        ("/allowed_mentions", json!({ "parse": [], "users": [ALICE.to_string()] }), "200"),
        (row, button(&[]), "200"),
        (row, button(&[("custom_id", json!(null))]), "a button of style 1 has no custom_id and no url"),
        (row, button(&[link()]), "a button of style 1 has custom_id and url"),
        (row, button(&[("style", json!(5)), link()]), "a button of style 5 has custom_id and url"),
        (row, button(&[("style", json!(5)), link(), ("custom_id", json!(null))]), "200"),
        (row, button(&[("label", json!(null))]), "a button has no label"),
        (row, json!([button(&[])[0], button(&[])[0]]), "custom_id \"a\" is there twice"),
    ] {
        assert_eq!(judged(&discord, pointer, value), expected, "{pointer}");
    }
    let path = format!("/channels/{ADMIN}/messages");
    let nonce = |nonce: &str, enforce: bool| {
        let mut body = message("x");
        body["nonce"] = nonce.into();
        body["enforce_nonce"] = enforce.into();
        body
    };
    for (body, expected) in [
        (message(&"x".repeat(2000)), "200"),
        (message(&wide), "content has 2002 characters, more than 2000"),
        (message(""), "the message is empty"),
        (json!({ "content": "x" }), "allowed_mentions is missing"),
        (nonce(&"n".repeat(25), true), "200"),
        (nonce("n", false), "nonce comes without enforce_nonce"),
        (message(&format!("see {TOKEN}")), "the token is in the body"),
    ] {
        assert_eq!(said(&discord, "POST", &path, &body), expected, "{body}");
    }
    let (_, id) = post(&discord, PULLS, &message("x"));
    let threads = format!("/channels/{PULLS}/threads");
    let edit = format!("/channels/{PULLS}/messages/{id}");
    let forum = json!({ "name": "x", "message": { "content": "x" } });
    for (method, path, body, expected) in [
        ("POST", &threads, json!({ "name": "x" }), "type is null, not 11, a public thread"),
        ("POST", &threads, json!({ "name": " ", "type": 11 }), "name has 1 characters, not 1 to 100"),
        ("PATCH", &edit, json!({ "content": "x" }), "allowed_mentions is missing"),
        ("POST", &format!("/channels/{FORUM}/threads"), forum, "allowed_mentions is missing"),
        ("POST", &"/users/@me/channels".to_owned(), json!({}), "there is no recipient_id"),
    ] {
        assert_eq!(said(&discord, method, path, &body), expected, "{body}");
    }
}

#[test]
fn what_the_description_forbids_is_refused() {
    if !FakeDiscord::has_schemas() {
        return;
    }
    let discord = FakeDiscord::start();
    for (pointer, value, expected) in [
        ("/embeds/0/title", json!("x".repeat(257)), "body at `/embeds/0/title`"),
        ("/embeds/0/description", json!("x".repeat(4097)), "body at `/embeds/0/description`"),
        ("/embeds/0/fields/0/name", json!("x".repeat(257)), "body at `/embeds/0/fields/0/name`"),
        ("/embeds/0/fields/0/value", json!("x".repeat(1025)), "body at `/embeds/0/fields/0/value`"),
        ("/embeds/0/timestamp", json!("yesterday"), "body at `/embeds/0/timestamp`"),
        ("/embeds/0/color", json!("red"), "body at `/embeds/0/color`"),
        ("/embeds/0/footer", json!({ "txt": "x" }), "body at `/embeds/0/footer`"),
        ("/components/0/components/0/style", json!(9), "body at `/components/0`"),
        ("/allowed_mentions", json!({ "parse": [], "users": [ALICE] }), "body at `/allowed_mentions`"),
    ] {
        let found = judged(&discord, pointer, value);
        assert!(found.starts_with(expected), "{pointer}: {found}");
    }
    let mut misspelt = message("x");
    misspelt["allowed_mention"] = json!({});
    let long = json!({ "name": "x".repeat(101), "type": 11 });
    for (method, path, body, expected) in [
        ("POST", format!("/channels/{ADMIN}/messages"), misspelt, "body at ``: Additional properties"),
        ("POST", format!("/channels/{PULLS}/threads"), long, "body at ``"),
        ("GET", "/channels/one".to_owned(), Value::Null, "path parameter channel_id at ``"),
        ("GET", format!("/channels/{ADMIN}/messages?limit=101"), Value::Null, "query parameter limit"),
        ("GET", format!("/channels/{ADMIN}/messages?most=1"), Value::Null, "query parameter most"),
        ("POST", format!("/channels/{ADMIN}/messages"), Value::Null, "there is no body"),
        ("GET", "/users/@me".to_owned(), json!({}), "a body is not described"),
    ] {
        let found = said(&discord, method, &path, &body);
        assert!(found.starts_with(expected), "{path}: {found}");
    }
}

#[test]
fn headers_and_paths_are_those_that_discord_asks_for() {
    let discord = FakeDiscord::start();
    let bot = format!("Bot {TOKEN}");
    let bearer = format!("Bearer {TOKEN}");
    let json = "application/json";
    let target = format!("/api/v10/channels/{ADMIN}/messages");
    let old = format!("/api/channels/{ADMIN}/messages");
    for (target, agent, authorization, kind, expected) in [
        (&target, AGENT, bot.as_str(), json, None),
        (&target, "ureq/3", &bot, json, Some("User-Agent \"ureq/3\" is not `DiscordBot (url, version)`")),
        (&target, "DiscordBot (rig, 1)", &bot, json, Some("User-Agent \"DiscordBot (rig, 1)\"")),
        (&target, AGENT, &bearer, json, Some("Authorization is not `Bot <token>`")),
        (&target, AGENT, "", json, Some("Authorization is not `Bot <token>`")),
        (&target, AGENT, &bot, "text/plain", Some("Content-Type \"text/plain\" is not `application/json`")),
        (&old, AGENT, &bot, json, Some("the double plays no such call below /api/v10")),
    ] {
        let headers = [("user-agent", agent), ("authorization", authorization), ("content-type", kind)];
        let status = raw(&discord, "POST", target, &headers, &message("x").to_string());
        let found = discord.take_violations().concat();
        match expected {
            None => assert_eq!((status, found.as_str()), (200, "")),
            Some(words) => assert!(status >= 400 && found.contains(words), "{status} {found}"),
        }
    }
    assert_eq!(discord.messages().len(), 1);
}

#[test]
#[should_panic(expected = "requests broke Discord's rules")]
fn a_broken_rule_fails_the_test_at_its_end() {
    let discord = FakeDiscord::start();
    let _ = post(&discord, ADMIN, &json!({ "content": "x" }));
}

#[test]
fn only_content_calls_somebody_and_only_those_who_are_allowed() {
    let (alice, bob, role) = (format!("<@{ALICE}>"), format!("<@!{BOB}>"), format!("<@&{ONCALL}>"));
    let all = format!("@everyone @here {alice} {bob} {role} <#{ADMIN}> <@x> <@");
    let everybody =
        [Ping::Everyone, Ping::Here, Ping::User(ALICE), Ping::User(BOB), Ping::Role(ONCALL)].as_slice();
    for (content, allowed, expected) in [
        (&all, None, everybody),
        (&all, Some(json!({ "parse": ["everyone", "users", "roles"] })), everybody),
        (&all, Some(json!({ "parse": [] })), &[]),
        (&all, Some(json!({})), &[]),
        (&all, Some(json!({ "parse": ["everyone"] })), &everybody[..2]),
        (&all, Some(json!({ "parse": [], "users": [BOB.to_string()] })), &everybody[3..4]),
        (&all, Some(json!({ "parse": [], "roles": [ONCALL.to_string()] })), &everybody[4..]),
        // Who is allowed but not named is not called.
        (&bob, Some(json!({ "parse": [], "users": [ALICE.to_string()] })), &[]),
    ] {
        assert_eq!(pings(content, allowed.as_ref()), expected, "{allowed:?}");
    }
    let discord = FakeDiscord::start();
    let mut body = embed("P0 - @everyone");
    body["embeds"][0]["description"] = format!("@everyone {alice} {role}").into();
    body["content"] = format!("{alice} {role} @everyone").into();
    body["allowed_mentions"] = json!({ "parse": [], "users": [ALICE.to_string()] });
    let (_, id) = post(&discord, ADMIN, &body);
    assert_eq!(discord.messages()[0].pings, ["@alice"]);
    let shown = discord.message(id).unwrap();
    assert_eq!(shown["mention_everyone"], false);
    body["content"] = "".into();
    assert_eq!(post(&discord, PULLS, &body).0, 200);
    assert_eq!(discord.messages()[1].pings, [""; 0]);
}
