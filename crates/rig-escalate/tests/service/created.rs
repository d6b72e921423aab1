//! What is sent, and what is told of it.

use rig_testkit::Output;
use rig_testkit::http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{ID, Scene, escalation, notification, output};

/// The service's answer to what creates an escalation.
fn created(request: &Request, changes: &Value) -> Option<Response> {
    let event = request.json();
    (request.path() == "/api/events").then(|| {
        let id = event["escalationId"].as_str().unwrap_or_default();
        let mut answer = json!({
            "streamId": format!("escalation-{id}"), "type": event["type"], "timestamp": "2026-01-02T03:04:05Z",
            "escalationId": id,
        });
        if event["type"] == "ESCALATION_CREATED" {
            answer = json!({ "deduplicated": false, "delivered": false, "state": "open", "severity": event["severity"],
                "nextBumpAt": null, "notifications": [], "escalationId": id });
            for (name, value) in changes.as_object().expect("an object") {
                answer[name] = value.clone();
            }
        }
        Response::json(200, &answer)
    })
}

/// Replaces the id that the command chose by `ID`.
fn named(scene: &Scene, output: Output) -> Output {
    let events = scene.posted("/api/events");
    let id = events[0]["escalationId"].as_str().expect("an id").to_owned();
    Output { stdout: output.stdout.replace(&id, "ID"), stderr: output.stderr.replace(&id, "ID"), ..output }
}

const YOURSELF: &str = "rig-escalate: if it is urgent, tell a person yourself\n";

#[test]
fn delivered_means_that_the_service_says_so() {
    let sent = notification("sent", Some("https://discord.com/channels/1/2001/7"), None);
    let pending = notification("pending", None, None);
    let failed = notification("failed", None, Some("403 Missing\u{1b}[31m Access"));
    for (changes, expected) in [
        (
            json!({ "delivered": true, "notifications": [sent], "nextBumpAt": "2026-01-02T07:04:05Z" }),
            output(
                0,
                "P1 escalation ID accepted by http://SERVICE\n\
                 \u{20} discord_channel 2001: sent, https://discord.com/channels/1/2001/7\n\
                 \u{20} raised to P0 at 2026-01-02T07:04:05Z (AGO ago) unless a person takes it\n",
                "",
            ),
        ),
        (
            json!({ "notifications": [failed, pending] }),
            output(
                6,
                "P1 escalation ID accepted by http://SERVICE\n\
                 \u{20} discord_channel 2001: failed (403 Missing Access)\n\
                 \u{20} discord_channel 2001: pending\n",
                "rig-escalate: NOT CONFIRMED: no person was told yet, and the coordinator goes on trying\n",
            ),
        ),
        (
            json!({ "notifications": [failed] }),
            output(
                6,
                "P1 escalation ID accepted by http://SERVICE\n\
                 \u{20} discord_channel 2001: failed (403 Missing Access)\n",
                "rig-escalate: NOT CONFIRMED: no person could be told\n",
            ),
        ),
        (
            json!({}),
            output(
                4,
                "P1 escalation ID accepted by http://SERVICE\n\
                 \u{20} shown by `rig-escalate list`, and to sessions when they start\n",
                "rig-escalate: NOT CONFIRMED: this coordinator has no route to a person\n",
            ),
        ),
        (
            json!({ "escalationId": ID, "deduplicated": true, "severity": "P0", "delivered": true, "notifications": [sent] }),
            output(
                0,
                &format!(
                    "added to the open P0 escalation {ID}, accepted by http://SERVICE\n\
                     \u{20} discord_channel 2001: sent, https://discord.com/channels/1/2001/7\n"
                ),
                "",
            ),
        ),
    ] {
        let answer = changes.clone();
        let scene = Scene::new(move |request| created(request, &answer));
        let said = scene.said(scene.run(&["P1", "CI is red", "--no-wait"]));
        let mut said = named(&scene, said);
        if let Some((before, after)) = said.stdout.split_once("05Z (") {
            let rest = after.split_once(" ago)").expect("an age").1;
            said.stdout = format!("{before}05Z (AGO ago){rest}");
        }
        let expected = match expected.code {
            Some(4 | 6) => Output { stderr: expected.stderr + YOURSELF, ..expected },
            _ => expected,
        };
        assert_eq!(said, expected, "{changes}");
    }
}

#[test]
fn a_person_is_waited_for_unless_that_is_not_wanted() {
    let handler = |request: &Request| {
        let waits = request.path().starts_with("/api/escalations/");
        let url = Some("https://discord.com/channels/1/2001/7");
        let id = request.path().trim_start_matches("/api/escalations/");
        let now = json!({ "id": id, "delivered": true, "notifications": [notification("sent", url, None)] });
        let at_first = json!({ "notifications": [notification("pending", None, None)] });
        waits.then(|| Response::json(200, &escalation(&now))).or_else(|| created(request, &at_first))
    };
    let scene = Scene::new(handler);
    let said = scene.said(scene.run(&["P1", "x", "--issue", "1"]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.stdout.ends_with(" discord_channel 2001: sent, https://discord.com/channels/1/2001/7\n"));
    let asked = scene.asked();
    let id = said.stdout.split(' ').nth(2).expect("an id");
    let wait = format!("GET /api/escalations/{id}?wait=3&after=pending agents");
    assert_eq!(asked, ["POST /api/events agents".to_owned(), wait]);
    let said = scene.said(scene.run(&["P1", "x", "--issue", "1", "--no-wait"]));
    assert_eq!((said.code, scene.asked().len()), (Some(6), 1), "{said:?}");
}

#[test]
fn an_escalation_says_all_that_it_was_given() {
    let scene = Scene::new(|request| created(request, &json!({ "delivered": true })));
    scene.home.write("reason.txt", "first line\r\nsecond \u{1b}[31mline\n\n");
    scene.home.write("details.txt", "a\tlog\n");
    let event = |args: &[&str], stdin: &str| {
        let program = scene.run(args).stdin(stdin);
        let said = scene.said(program);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{args:?}");
        let mut event = scene.posted("/api/events").remove(0);
        for key in ["eventId", "occurredAt", "escalationId", "type", "agentId"] {
            assert!(event.as_object_mut().expect("an object").remove(key).is_some(), "{key}: {event}");
        }
        event
    };
    for (args, stdin, expected) in [
        (&["P0", "-"][..], "from\nstdin\n", json!({ "severity": "P0", "reason": "from\nstdin" })),
        (
            &["high", "many", "words", "--dedup-key", "k 1", "--category", "review-conflict"],
            "",
            json!({ "severity": "P1", "reason": "many words", "dedupKey": "k 1", "category": "review_conflict" }),
        ),
        (
            &["P2", "--reason-file", "reason.txt", "--details-file", "details.txt"],
            "",
            json!({ "severity": "P2", "reason": "first line\nsecond line", "details": "a log" }),
        ),
        (
            &["P2", "list of things", "--details", "-", "--branch", "fix/9-x", "--pr", "15", "--repo", "o/r"],
            "more\n",
            json!({
                "severity": "P2", "reason": "list of things", "details": "more", "branch": "fix/9-x",
                "issueNumber": 9, "prNumber": 15, "repo": "o/r",
            }),
        ),
        (&["P2", "list", "of", "things"], "", json!({ "severity": "P2", "reason": "list of things" })),
        (&["P2", "--", "--force", "was used"], "", json!({ "severity": "P2", "reason": "--force was used" })),
    ] {
        assert_eq!(event(args, stdin), expected, "{args:?}");
    }
}

#[test]
fn what_the_coordinator_knows_of_the_agent_is_used_and_told_where_it_differs() {
    let agent = |request: &Request| {
        let agent = json!({ "id": "dev-e-node", "currentIssue": 57, "currentRepo": "o/r" });
        (request.path() == "/api/agents/dev-e-node").then(|| Response::json(200, &agent))
    };
    let handler =
        move |request: &Request| agent(request).or_else(|| created(request, &json!({ "delivered": true })));
    let scene = Scene::new(handler);
    let repo = scene.home.repo("work");
    repo.git(["remote", "add", "origin", "https://github.com/o/r.git"]);
    let sent = |stderr: &str| {
        let said = scene.said(scene.run(&["P1", "x"]).cwd(repo.path()));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), stderr));
        assert!(!scene.asked().iter().any(|request| request.contains("next")), "work was claimed");
        scene.said(scene.run(&["P1", "x"]).cwd(repo.path()));
        let event = scene.posted("/api/events").remove(0);
        [event["repo"].clone(), event["issueNumber"].clone(), event["details"].clone()]
    };
    assert_eq!(sent(""), [json!("o/r"), json!(57), Value::Null]);
    repo.git(["checkout", "--quiet", "-b", "feat/42-login"]);
    let differ =
        "the sources differ about the issue: o/r#42 (branch feat/42-login), o/r#57 (the coordinator)";
    assert_eq!(sent(&format!("rig-escalate: {differ}\n")), [json!("o/r"), json!(42), json!(differ)]);
}

#[test]
fn a_pull_request_that_was_checked_out_is_named() {
    let scene = Scene::new(|request| created(request, &json!({ "delivered": true })));
    let repo = scene.home.repo("work");
    repo.git(["checkout", "--quiet", "-b", "fix"]);
    repo.git(["config", "branch.fix.merge", "refs/pull/7/head"]);
    scene.said(scene.run(&["P1", "x"]).cwd(repo.path()));
    scene.said(scene.run(&["P1", "x"]).env("GITHUB_REF", "refs/pull/8/merge"));
    let numbers: Vec<Value> = scene.posted("/api/events").iter().map(|e| e["prNumber"].clone()).collect();
    assert_eq!(numbers, [7, 8]);
}

#[test]
fn a_stuck_agent_is_reported_as_such_too() {
    let scene = Scene::new(|request| created(request, &json!({ "delivered": true })));
    scene.said(scene.run(&["P2", "two attempts failed", "--category", "stuck", "--issue", "3"]));
    let types: Vec<Value> = scene
        .posted("/api/events")
        .iter()
        .map(|event| json!([event["type"], event["reason"], event["issueNumber"]]))
        .collect();
    assert_eq!(
        types,
        [
            json!(["ESCALATION_CREATED", "two attempts failed", 3]),
            json!(["AGENT_STUCK", "two attempts failed", 3]),
        ]
    );
    assert_eq!(scene.home.spool().iter().filter(|record| record["s"] == 0).count(), 0);
}

#[test]
fn the_answer_comes_as_json_too() {
    let sent = notification("sent", Some("https://discord.com/x"), None);
    let changes = json!({ "delivered": true, "notifications": [sent], "nextBumpAt": "2026-01-02T07:04:05Z" });
    let scene = Scene::new(move |request| created(request, &changes));
    let said = scene.said(scene.run(&["P1", "x", "--json"]));
    let said = named(&scene, said);
    let expected = json!({
        "id": "ID", "severity": "P1", "fate": "delivered", "delivered": true, "deduplicated": false,
        "coordinator": "http://SERVICE", "nextBumpAt": "2026-01-02T07:04:05Z",
        "notifications": [{
            "route": "discord_channel", "severity": "P1", "target": "2001", "state": "sent",
            "url": "https://discord.com/x", "attempts": 1, "lastError": null, "at": "2026-01-02T03:04:06Z",
        }],
        "remarks": [],
    });
    let object: Value = serde_json::from_str(&said.stdout).expect("an object");
    assert_eq!((said.code, object, said.stderr.as_str()), (Some(0), expected, ""));
    // One that nobody takes, and a command line that nobody understands.
    let said = scene.run(&["P1", "x", "--json"]).without_env("CONDUCTOR_BASE_URL").output();
    let object: Value = serde_json::from_str(&said.stdout).expect("an object");
    assert_eq!(
        (said.code, &object["fate"], &object["delivered"]),
        (Some(4), &json!("no_coordinator"), &json!(false))
    );
    let error: Value = serde_json::from_str(&said.stderr).expect("an error");
    assert!(
        error["error"].as_str().is_some_and(|e| e.starts_with("NOT DELIVERED: P1 escalation")),
        "{error}"
    );
    let said = scene.run(&["P7", "x", "--json"]).output();
    let error: Value = serde_json::from_str(&said.stderr).expect("an error");
    assert!(error["error"].as_str().is_some_and(|e| e.contains("P0, P1 or P2")), "{error}");
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
}

#[test]
fn creating_takes_the_agents_token_and_never_the_operators() {
    let scene = Scene::new(|request| created(request, &json!({ "delivered": true })));
    scene.said(scene.run(&["P1", "x"]));
    scene.said(scene.without_tokens(&["P1", "x"]).env("CONDUCTOR_OPERATOR_TOKEN", "persons"));
    let asked = scene.asked();
    let tokens: Vec<&str> = asked.iter().filter_map(|request| request.rsplit(' ').next()).collect();
    assert!(tokens.contains(&"agents") && tokens.contains(&"-") && !tokens.contains(&"persons"), "{asked:?}");
}

#[test]
fn texts_that_cannot_be_had_are_wrong_usage_and_nothing_is_sent() {
    let scene = Scene::new(|request| created(request, &json!({})));
    for (args, stdin, expected) in [
        (&["P1", "-"][..], " \n", "rig-escalate: a person has to know why: the reason is empty\n"),
        (&["P1"], "", "rig-escalate: a person has to know why: the reason is empty\n"),
        (&["P1", "-", "--details", "-"], "x", "rig-escalate: stdin can be read for one text alone\n"),
        (
            &["P1", "--reason-file", "none.txt"],
            "",
            "rig-escalate: failed to read none.txt: No such file or directory (os error 2)\n",
        ),
    ] {
        let said = scene.said(scene.run(args).stdin(stdin));
        assert!(said.code == Some(2) && said.stderr.starts_with(expected), "{args:?}: {said:?}");
    }
    for args in [
        &["P1", "x", "--reason-file", "f"][..],
        &["P1", "x", "--category", "urgent"],
        &["P1", "x", "--dedup-key", " "],
        &["--json", "list"],
        &["show", "0/../x"],
        &["show", "short"],
        &["close", "01a20302"],
        &["close", "01a20302", "--resolution", " "],
        &["raise", "01a20302", "P2"],
        &["list", "--state", "paused"],
        &["list", "--limit", "0"],
        &["stats", "--since", "yesterday"],
        &["note", "01a20302"],
    ] {
        let said = scene.said(scene.run(args));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{args:?}: {said:?}");
    }
    assert_eq!(scene.asked(), [""; 0]);
}
