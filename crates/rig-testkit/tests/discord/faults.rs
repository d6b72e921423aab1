//! Each fault, as the client sees it and as the server remembers it.

use std::time::Duration;

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, ALICE, Call, Counts, Fault, PULLS, Route};
use serde_json::{Value, json};

use crate::client::{brief, call, message, post, send};

/// What a fault looks like: the status, the code, what the headers say, how many messages there are
/// then, and how many invalid requests Discord counts.
struct Case {
    fault: Fault,
    seen: Option<(u16, u64)>,
    headers: &'static [(&'static str, &'static str)],
    messages: usize,
    invalid: usize,
}

fn case(fault: Fault, seen: Option<(u16, u64)>) -> Case {
    Case { fault, seen, headers: &[], messages: 0, invalid: 0 }
}

#[test]
fn each_fault_looks_as_it_does_from_discord_and_the_next_request_succeeds() {
    let soon = Duration::from_millis(20);
    let html = &[("content-type", "text/html"), ("x-ratelimit-limit", "")];
    let cases = [
        Case {
            headers: &[
                ("retry-after", "2"),
                ("x-ratelimit-scope", "user"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset-after", "1.500"),
                ("x-ratelimit-global", ""),
            ],
            invalid: 1,
            ..case(Fault::RateLimited(1.5), Some((429, 0)))
        },
        Case {
            headers: &[("x-ratelimit-scope", "global"), ("x-ratelimit-global", "true")],
            invalid: 1,
            ..case(Fault::GlobalLimit(0.5), Some((429, 0)))
        },
        Case { headers: &[("x-ratelimit-scope", "shared")], ..case(Fault::SharedLimit(0.5), Some((429, 0))) },
        Case {
            headers: &[("content-type", "text/html"), ("retry-after", "60"), ("x-ratelimit-scope", "")],
            invalid: 1,
            ..case(Fault::EdgeLimit, Some((429, 0)))
        },
        case(Fault::SERVER_ERROR, Some((500, 0))),
        Case { headers: html, ..case(Fault::BAD_GATEWAY, Some((502, 0))) },
        Case { headers: html, ..case(Fault::UNAVAILABLE, Some((503, 0))) },
        Case { headers: html, ..case(Fault::Html(200), Some((200, 0))) },
        case(Fault::Hang(soon), None),
        case(Fault::Close, None),
        Case { messages: 1, ..case(Fault::AcceptThenClose, None) },
        Case { messages: 1, ..case(Fault::AcceptThenHang(soon), None) },
        Case { messages: 1, headers: html, ..case(Fault::AcceptThenHtml(502), Some((502, 0))) },
        Case { invalid: 1, ..case(Fault::UNAUTHORIZED, Some((401, 0))) },
        Case { invalid: 1, ..case(Fault::MISSING_ACCESS, Some((403, 50001))) },
        Case { invalid: 1, ..case(Fault::MISSING_PERMISSION, Some((403, 50013))) },
        Case { invalid: 1, ..case(Fault::CANNOT_DM, Some((403, 50007))) },
        case(Fault::UNKNOWN_CHANNEL, Some((404, 10003))),
        case(Fault::ARCHIVED_THREAD, Some((400, 50083))),
        case(Fault::LOCKED_THREAD, Some((400, 160005))),
        case(Fault::THREAD_EXISTS, Some((400, 160004))),
        case(Fault::TOO_MANY_THREADS, Some((400, 160006))),
        case(Fault::DMS_TOO_FAST, Some((400, 40003))),
        case(Fault::AUTO_MODERATION, Some((400, 200000))),
        case(Fault::TOO_MANY_EDITS, Some((400, 30046))),
        case(Fault::invalid_form(), Some((400, 50035))),
    ];
    for Case { fault, seen, headers, messages, invalid } in cases {
        let discord = FakeDiscord::start();
        discord.fail(Call::CreateMessage.at(ADMIN), fault.clone(), 1);
        assert_eq!(post(&discord, PULLS, &message("elsewhere")).0, 200, "{fault:?}");
        let answer = send(&discord, "POST", &format!("/channels/{ADMIN}/messages"), &message("x"));
        let told = answer.as_ref().map(|answer| {
            let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            brief(&(answer.status, body))
        });
        assert_eq!(told, seen, "{fault:?}");
        for (name, value) in headers {
            let given = answer.as_ref().and_then(|answer| answer.get(name)).unwrap_or("");
            assert_eq!(given, *value, "{fault:?}: {name}");
        }
        let posted = discord.in_channel("#admin");
        assert_eq!(posted.len(), messages, "{fault:?}");
        assert!(posted.iter().all(|notice| notice.lost), "{fault:?}");
        assert_eq!(discord.counts().invalid, invalid, "{fault:?}");
        assert_eq!(discord.faults_left(), 0, "{fault:?}");
        assert_eq!(post(&discord, ADMIN, &message("y")).0, 200, "{fault:?}");
    }
}

#[test]
fn an_invalid_form_says_where() {
    let discord = FakeDiscord::start();
    discord.fail(Call::CreateMessage, Fault::invalid_form(), 1);
    let (_, body) = call(&discord, "POST", &format!("/channels/{ADMIN}/messages"), &message("x"));
    let error = json!({ "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 4096 or fewer in length." });
    assert_eq!(body["errors"]["embeds"]["0"]["description"]["_errors"], json!([error]));
}

#[test]
fn what_hangs_is_let_go_and_what_is_delayed_is_answered() {
    for (fault, answered) in
        [(Fault::Hang(Duration::from_secs(600)), false), (Fault::Delay(Duration::from_secs(600)), true)]
    {
        let discord = FakeDiscord::start();
        discord.fail(Route::ANY, fault, 1);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| send(&discord, "GET", "/users/@me", &Value::Null));
            rig_testkit::eventually("the request", || (!discord.requests().is_empty()).then_some(()));
            while !waiting.is_finished() {
                discord.release();
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_eq!(waiting.join().unwrap().map(|answer| answer.status), answered.then_some(200));
        });
    }
}

#[test]
fn faults_are_for_their_target_and_their_number() {
    let discord = FakeDiscord::start();
    let open = || {
        let body = json!({ "recipient_id": ALICE.to_string() });
        call(&discord, "POST", "/users/@me/channels", &body).0
    };
    discord.fail(Call::OpenDm.at(ALICE), Fault::DMS_TOO_FAST, 1);
    discord.fail(Call::CreateMessage.at(ADMIN), Fault::SERVER_ERROR, 1);
    discord.fail(Route::ANY, Fault::MISSING_ACCESS, usize::MAX);
    assert_eq!((open(), open()), (400, 403));
    let statuses: Vec<u16> = (0..3).map(|_| post(&discord, ADMIN, &message("x")).0).collect();
    assert_eq!(statuses, [500, 403, 403]);
    discord.heal();
    assert_eq!((open(), post(&discord, ADMIN, &message("x")).0), (200, 200));
}

#[test]
fn a_bucket_empties_and_fills_and_early_requests_are_counted() {
    let discord = FakeDiscord::start();
    let second = Duration::from_secs(60);
    discord.limit(Call::CreateMessage, 2, second);
    let told = |channel: u64| {
        let answer = send(&discord, "POST", &format!("/channels/{channel}/messages"), &message("x")).unwrap();
        let header = |name: &str| answer.get(name).unwrap_or("none").to_owned();
        (answer.status, header("x-ratelimit-limit"), header("x-ratelimit-remaining"))
    };
    let row = |status: u16, left: &str| (status, "2".to_owned(), left.to_owned());
    assert_eq!(told(ADMIN), row(200, "1"));
    assert_eq!(told(ADMIN), row(200, "0"));
    assert_eq!(told(PULLS), row(200, "1"));
    assert_eq!(discord.counts(), Counts { invalid: 0, early: 0 });
    assert_eq!(told(ADMIN), row(429, "0"));
    assert_eq!(told(ADMIN), row(429, "0"));
    assert_eq!(discord.counts(), Counts { invalid: 2, early: 1 });
    // A limit of the bot as a whole closes every route.
    discord.limit(Route::ANY, 1, second);
    assert_eq!(call(&discord, "GET", "/users/@me", &Value::Null).0, 200);
    let (status, body) = call(&discord, "GET", "/users/@me", &Value::Null);
    assert_eq!((status, &body["global"]), (429, &json!(true)));
    // A bucket is full again when its time is over.
    let quick = FakeDiscord::start();
    quick.limit(Call::CurrentUser, 1, Duration::from_millis(30));
    rig_testkit::eventually("a full bucket", || {
        let statuses = [(); 2].map(|()| call(&quick, "GET", "/users/@me", &Value::Null).0);
        (statuses == [200, 429]).then_some(())
    });
    rig_testkit::eventually("a full bucket", || {
        (call(&quick, "GET", "/users/@me", &Value::Null).0 == 200).then_some(())
    });
}
