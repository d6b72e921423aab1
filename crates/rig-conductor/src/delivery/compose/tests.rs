use jiff::Timestamp;
use rig_wire::{Category, NotificationState};

use super::*;
use crate::domain::Delivery;
use crate::settings::Secret;

const ID: &str = "0193b2a0-0000-7000-8000-000000000001";

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_767_323_045 + minutes * 60).unwrap()
}

fn escalation() -> Escalation {
    Escalation {
        id: ID.parse().unwrap(),
        version: 1,
        severity: Severity::P1,
        initial_severity: Severity::P1,
        state: EscalationState::Open,
        reason: "CI is red for 3 hours".to_owned(),
        details: None,
        category: Category::Ci,
        agent_id: "dev-e-node".to_owned(),
        repo: Some("acme/app".to_owned()),
        issue_number: Some(42),
        pr_number: None,
        branch: Some("feat/login".to_owned()),
        session_id: None,
        dedup_key: String::new(),
        content_hash: String::new(),
        token: "pool".to_owned(),
        created_at: at(0),
        level_since: at(0),
        reminded_at: None,
        reminder_count: 0,
        acked_at: None,
        acked_by: None,
        closed_at: None,
        closed_by: None,
        resolution: None,
        bump_count: 0,
        last_bumped_at: None,
        note_count: 0,
        round: 0,
        level_round: 0,
        deliveries: Vec::new(),
    }
}

fn discord() -> Discord {
    Discord {
        api_url: String::new(),
        token: Secret("hidden".to_owned()),
        admin_channel: "11".to_owned(),
        tasks_channel: "12".to_owned(),
        p0_users: vec!["21".to_owned(), "22".to_owned()],
        p0_roles: vec!["31".to_owned()],
        public_key: Some([7; 32]),
        application_id: None,
        button_users: vec!["21".to_owned()],
        button_roles: Vec::new(),
    }
}

/// The round, severity, route and target of a message.
type Sent<'a> = (u32, Severity, Route, &'a str);

fn with<T>(
    escalation: &Escalation,
    discord: &Discord,
    (round, severity, route, target): Sent<'_>,
    show: impl Fn(Message<'_>) -> T,
) -> T {
    let policy = Policy::default();
    show(Message {
        escalation,
        policy: &policy,
        discord,
        public_url: None,
        round,
        severity,
        route,
        target,
        repeated: false,
        instead_of: None,
    })
}

fn body(escalation: &Escalation, sent: Sent<'_>) -> Value {
    with(escalation, &discord(), sent, |message| message.body())
}

const ADMIN: Sent<'_> = (0, Severity::P1, Route::DiscordChannel, "admin");

#[test]
fn a_p1_says_what_is_wrong_and_calls_nobody() {
    assert_eq!(
        body(&escalation(), ADMIN),
        json!({
            "content": "P1: a person is needed.",
            "allowed_mentions": { "parse": [] },
            "embeds": [{
                "title": "P1 - acme/app#42",
                "url": "https://github.com/acme/app/issues/42",
                "description": "CI is red for 3 hours",
                "color": 0xE6_7E_22,
                "fields": [
                    { "name": "Agent", "value": "dev-e-node", "inline": true },
                    { "name": "Category", "value": "ci", "inline": true },
                    { "name": "Issue", "value": "#42", "inline": true },
                    { "name": "Branch", "value": "feat/login", "inline": true },
                    { "name": "Created", "value": "<t:1767323045:R>", "inline": true },
                    { "name": "Next bump", "value": "P0 <t:1767337445:R>", "inline": true },
                    { "name": "Take it", "value": format!("`rig-escalate ack {ID}`"), "inline": false },
                ],
                "footer": { "text": format!("esc {ID} · 0/channel") },
                "timestamp": "2026-01-02T03:04:05.000Z",
            }],
            "components": [{ "type": 1, "components": [
                { "type": 2, "style": 1, "label": "Ack", "custom_id": format!("esc1:ack:{ID}"), "disabled": false },
                { "type": 2, "style": 2, "label": "Close", "custom_id": format!("esc1:close:{ID}") },
            ] }],
        })
    );
}

#[test]
fn a_message_shows_what_has_become_of_its_escalation() {
    let mut now = escalation();
    now.deliveries = vec![Delivery {
        round: 0,
        severity: Severity::P1,
        route: Route::DiscordChannel,
        target: "admin".to_owned(),
        state: NotificationState::Sent,
        message_id: Some("5".to_owned()),
        channel_id: Some("11".to_owned()),
        url: Some("https://discord.com/channels/1/11/5".to_owned()),
        attempts: 1,
        last_error: None,
        at: at(0),
    }];
    (now.severity, now.bump_count, now.round, now.level_round) = (Severity::P0, 1, 1, 1);
    (now.note_count, now.details) = (2, Some("two\n*lines*".to_owned()));

    // The message of the level before asks nothing of anybody any more.
    let before = body(&now, ADMIN);
    assert_eq!(before["content"], "P1: now P0.");
    assert_eq!(before["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(before["components"], json!([]));
    assert_eq!(
        names(&before),
        ["Agent", "Category", "Issue", "Branch", "Created", "Severity", "Notes", "Details"]
    );
    assert_eq!(field(&before, "Severity"), "P0, at first P1");

    let p0 = body(&now, (1, Severity::P0, Route::DiscordChannel, "admin"));
    assert_eq!(p0["content"], "<@&31> <@21> <@22> P0: a person is needed now.");
    assert_eq!(p0["allowed_mentions"], json!({ "parse": [], "users": ["21", "22"], "roles": ["31"] }));
    assert_eq!(field(&p0, "Before"), "https://discord.com/channels/1/11/5");
    assert_eq!(field(&p0, "Notes"), "2");
    assert_eq!(field(&p0, "Details"), "two\n\\*lines\\*");

    now.round = 3;
    let reminder = body(&now, (3, Severity::P0, Route::DiscordDm, "22"));
    assert_eq!(reminder["content"], "<@22> P0: still nobody took it; 2nd reminder.");
    assert_eq!(reminder["allowed_mentions"], json!({ "parse": [], "users": ["22"] }));
    // Only those who may press buttons see some.
    assert_eq!(reminder["components"], json!([]));
    assert_eq!(labels(&body(&now, (3, Severity::P0, Route::DiscordDm, "21"))), ["Ack", "Close"]);
    // A reminder that was followed by another one is as good as gone; the first message is not.
    assert_eq!(labels(&body(&now, (2, Severity::P0, Route::DiscordChannel, "admin"))), [""; 0]);
    assert_eq!(labels(&body(&now, (1, Severity::P0, Route::DiscordChannel, "admin"))), ["Ack", "Close"]);

    (now.state, now.acked_at, now.acked_by) =
        (EscalationState::Acked, Some(at(5)), Some("*stig*".to_owned()));
    let acked = body(&now, (1, Severity::P0, Route::DiscordChannel, "admin"));
    assert_eq!(acked["content"], "P0: acked.");
    assert_eq!(acked["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(field(&acked, "Acked by"), "\\*stig\\* <t:1767323345:R>");
    assert_eq!(acked["components"][0]["components"][0]["disabled"], true);
    assert_eq!(names(&acked).last(), Some(&"Before"));

    (now.state, now.closed_at, now.closed_by) =
        (EscalationState::Closed, Some(at(6)), Some("ann".to_owned()));
    now.resolution = Some("restarted @everyone".to_owned());
    let closed = body(&now, (1, Severity::P0, Route::DiscordChannel, "admin"));
    assert_eq!(closed["content"], "P0: closed.");
    assert_eq!(closed["components"], json!([]));
    assert_eq!(closed["embeds"][0]["color"], 0x95_A5_A6);
    assert_eq!(field(&closed, "Closed by"), "ann <t:1767323405:R>");
    assert_eq!(field(&closed, "Resolution"), "restarted @\u{200b}everyone");
}

#[test]
fn what_an_agent_wrote_stands_in_the_embed_alone_and_means_nothing() {
    let mut now = escalation();
    now.severity = Severity::P0;
    let hostile = "@everyone <@21> <@&31> [x](https://evil.example) ```\n# big\u{202e}";
    now.reason = hostile.to_owned();
    now.details = Some(hostile.to_owned());
    now.agent_id = hostile.to_owned();
    now.repo = Some(hostile.to_owned());
    now.branch = Some(hostile.to_owned());
    let body = body(&now, (0, Severity::P0, Route::DiscordChannel, "admin"));
    assert_eq!(body["content"], "<@&31> <@21> <@22> P0: a person is needed now.");
    assert_eq!(body["embeds"][0].get("url"), None);
    let escaped = "@\u{200b}everyone \\<@\u{200b}21\\> \\<@\u{200b}&31\\> \\[x\\]\\(https\\://evil.example\\) \\`\\`\\`";
    assert_eq!(body["embeds"][0]["title"], format!("P0 - {escaped} # big#42"));
    assert_eq!(body["embeds"][0]["description"], format!("{escaped}\n\\# big"));
    assert_eq!(field(&body, "Agent"), format!("{escaped} # big"));
    assert_eq!(field(&body, "Branch"), format!("{escaped} # big"));
    assert_eq!(field(&body, "Details"), format!("{escaped}\n\\# big"));
}

#[test]
fn the_longest_texts_stay_within_every_limit() {
    for c in ["*", "\u{1f600}", "\n", "@everyone ", "\u{4e16}"] {
        let huge = c.repeat(100_000);
        let mut now = escalation();
        now.reason.clone_from(&huge);
        now.details = Some(huge.clone());
        now.agent_id.clone_from(&huge);
        now.repo = Some(huge.clone());
        now.branch = Some(huge.clone());
        (now.state, now.acked_by) = (EscalationState::Acked, Some(huge.clone()));
        (now.issue_number, now.pr_number, now.note_count) = (Some(u64::MAX), Some(u64::MAX), u32::MAX);
        now.resolution = Some(huge);
        for state in [EscalationState::Open, EscalationState::Acked, EscalationState::Closed] {
            now.state = state;
            let body = body(&now, ADMIN);
            let embed = &body["embeds"][0];
            let mut total = units(text(&embed["title"])) + units(text(&embed["description"]));
            total += units(text(&embed["footer"]["text"]));
            for field in embed["fields"].as_array().unwrap() {
                assert!((1..=1024).contains(&units(text(&field["value"]))), "{field}");
                total += units(text(&field["name"])) + units(text(&field["value"]));
            }
            assert!(total <= 6000, "{total}");
            assert!(units(text(&embed["title"])) <= 256 && units(text(&embed["description"])) <= 4096);
            if c != "\n" {
                let end = format!("… (full text: rig-escalate show {ID})");
                assert!(text(&embed["description"]).ends_with(&end), "{embed}");
            }
        }
    }
}

#[test]
fn mentions_come_from_the_settings_and_fit() {
    let mut discord = discord();
    discord.p0_users = (0..300).map(|n| (1_000_000_000_000_000_000_u64 + n).to_string()).collect();
    discord.p0_roles = vec!["31".to_owned(), "31".to_owned()];
    let mut now = escalation();
    now.severity = Severity::P0;
    let body = with(&now, &discord, (0, Severity::P0, Route::DiscordChannel, "admin"), |m| m.body());
    let users = body["allowed_mentions"]["users"].as_array().unwrap();
    assert!(units(text(&body["content"])) <= 2000 && users.len() > 60 && users.len() <= 100);
    assert!(users.iter().all(|id| text(&body["content"]).contains(&format!("<@{}>", text(id)))));
    assert_eq!(body["allowed_mentions"]["roles"], json!(["31"]));
    (discord.p0_users, discord.p0_roles) = (Vec::new(), Vec::new());
    let body = with(&now, &discord, (0, Severity::P0, Route::DiscordChannel, "admin"), |m| m.body());
    assert_eq!(body["content"], "P0: a person is needed now.");
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
}

#[test]
fn without_somebody_who_may_press_them_there_are_no_buttons() {
    let none = Discord { button_users: Vec::new(), ..discord() };
    let keyless = Discord { public_key: None, ..discord() };
    let roles = Discord { button_users: Vec::new(), button_roles: vec!["31".to_owned()], ..discord() };
    for (discord, route, target, expected) in [
        (&discord(), Route::DiscordThread, "acme/app#42", true),
        (&none, Route::DiscordChannel, "admin", false),
        (&keyless, Route::DiscordChannel, "admin", false),
        (&roles, Route::DiscordChannel, "admin", true),
        (&roles, Route::DiscordDm, "21", false),
        (&super::tests::discord(), Route::DiscordDm, "22", false),
    ] {
        assert_eq!(has_buttons(discord, route, target), expected, "{route} {target}");
    }
    let linked = with(&escalation(), &none, ADMIN, |message| {
        Message { public_url: Some("https://rig.example/"), ..message }.body()
    });
    let url = format!("https://rig.example/api/escalations/{ID}");
    let link = json!([{ "type": 2, "style": 5, "label": "Open", "url": url }]);
    assert_eq!(linked["components"], json!([{ "type": 1, "components": link }]));
}

#[test]
fn a_message_that_may_be_there_already_says_so() {
    let p2 = (0, Severity::P2, Route::DiscordThread, "acme/app#42");
    let repeat = with(&escalation(), &discord(), p2, |m| Message { repeated: true, ..m }.body());
    assert_eq!(repeat["content"], "P2: guidance is needed. (may be a repeat)");
    assert_eq!(repeat["flags"], SILENT);
    let p1 = with(&escalation(), &discord(), ADMIN, |m| Message { repeated: true, ..m }.body());
    assert_eq!(
        (&p1["content"], p1.get("flags")),
        (&json!("P1: a person is needed. (may be a repeat)"), None)
    );
}

#[test]
fn the_plain_message_has_nothing_of_an_agents_in_it() {
    let mut now = escalation();
    now.severity = Severity::P0;
    let plain = with(&now, &discord(), (0, Severity::P0, Route::DiscordDm, "21"), |m| m.plain());
    assert_eq!(
        plain,
        json!({
            "content": format!(
                "<@21> P0: a person is needed now.\nThe text: `rig-escalate show {ID}`\nesc {ID} · 0/dm"
            ),
            "allowed_mentions": { "parse": [], "users": ["21"] },
            "embeds": [],
            "components": [],
        })
    );
}

#[test]
fn a_thread_is_named_for_what_it_is_about() {
    for (key, branch, name) in [
        ("acme/app#15", Some("feat/login"), "acme/app#15 - feat/login"),
        ("acme/app#15", None, "acme/app#15"),
        ("acme/app#issue-42", Some("\u{202e}"), "acme/app issue 42"),
        ("escalation 0193", None, "escalation 0193"),
    ] {
        assert_eq!(thread_name(key, branch), name);
    }
    let long = thread_name("acme/app#15", Some(&"\u{1f600}".repeat(200)));
    assert!(units(&long) <= 100 && long.ends_with("\u{1f600}…"), "{long}");
    assert_eq!(
        starter("acme/my_app#issue-42"),
        json!({
            "embeds": [{
                "title": "acme/my\\_app issue 42",
                "description": "Escalations about this are in the thread.",
                "footer": { "text": "thread acme/my_app#issue-42" },
                "url": "https://github.com/acme/my_app/issues/42",
            }],
            "allowed_mentions": { "parse": [] },
            "flags": 4096,
        })
    );
    assert_eq!(starter("<x>/../app#1")["embeds"][0].get("url"), None);
}

#[test]
fn reminders_are_counted_in_words() {
    let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 111].into_iter().map(ordinal).collect();
    assert_eq!(said, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th"]);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn names(body: &Value) -> Vec<&str> {
    body["embeds"][0]["fields"].as_array().unwrap().iter().map(|field| text(&field["name"])).collect()
}

fn field<'a>(body: &'a Value, name: &str) -> &'a str {
    let fields = body["embeds"][0]["fields"].as_array().unwrap();
    text(&fields.iter().find(|field| field["name"] == name).expect(name)["value"])
}

fn labels(body: &Value) -> Vec<&str> {
    let rows = body["components"].as_array().unwrap().iter();
    rows.flat_map(|row| row["components"].as_array().unwrap()).map(|button| text(&button["label"])).collect()
}
