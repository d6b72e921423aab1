//! What the subcommands ask, and how they show the answer.

use rig_testkit::http::{Request, Response};
use serde_json::{Value, json};

use crate::scene::{ID, Scene, escalation, notification, output};

/// Answers everything with one value.
fn always(value: Value) -> Scene {
    Scene::new(move |_| Some(Response::json(200, &value)))
}

/// Replaces ages by `AGE`, which move.
fn ageless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (") {
        let (age, behind) = after.split_once(')').expect("a bracket that closes");
        let shown = if age.ends_with(" ago") { "AGE ago" } else { age };
        out.push_str(&format!("{before} ({shown})"));
        rest = behind;
    }
    out + rest
}

#[test]
fn escalations_are_listed_in_the_services_order_whatever_stands_in_them() {
    let scene = always(json!([
        escalation(&json!({ "severity": "P0", "createdAt": "2999-01-02T03:04:05Z", "reason": "a\u{1b}[31m token\nleaked" })),
        escalation(&json!({
            "id": "01a20302-442d-0000-0000-000000000000", "state": "acked", "ackedBy": "human-stig\u{202e}",
            "createdAt": "2999-01-02T03:04:05Z", "repo": null, "issueNumber": null, "reason": "é".repeat(400),
        })),
        { "id": "01a20302-442e-0000", "severity": "P9", "state": "paused", "reason": 7.to_string(), "new": [1] },
    ]));
    let said = scene.said(scene.run(&["list"]));
    let expected = format!(
        "ID             SEV  STATE                AGE  NEXT  AGENT       ABOUT   REASON\n\
         01a20302-442c  P0   open                  0s     -  dev-e-node  o/r#42  a token leaked\n\
         01a20302-442d  P1   acked by human-stig   0s     -  dev-e-node  -       {}…\n\
         01a20302-442e  P9   paused                0s     -              -       7\n",
        "é".repeat(127)
    );
    assert_eq!(said, output(0, &expected, ""));
    assert_eq!(scene.asked(), ["GET /api/escalations?state=open,acked&limit=50 agents"]);
}

#[test]
fn ids_are_shown_as_long_as_they_have_to_be_to_differ() {
    let ids = ["01a20302-442c-7000-8000-000000000001", "01a20302-442c-7000-9000-000000000001"];
    let scene = always(ids.iter().map(|id| escalation(&json!({ "id": id }))).collect());
    let said = scene.said(scene.run(&["list"]));
    let shown: Vec<&str> = said.stdout.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(shown, ["01a20302-442c-7000-8", "01a20302-442c-7000-9"]);
}

#[test]
fn a_list_is_asked_for_as_it_is_wanted() {
    for (args, expected) in [
        (&["list", "--all"][..], "state=open,acked,closed&limit=200"),
        (&["list", "--state", "closed", "--all"], "state=closed&limit=200"),
        (&["list", "--state", "open,closed", "--limit", "7"], "state=open,closed&limit=7"),
        (
            &[
                "list",
                "--severity",
                "P0,high",
                "--repo",
                "https://github.com/o/r",
                "--issue",
                "3",
                "--agent",
                "a/b",
            ],
            "state=open,acked&severity=P0,P1&repo=o%2Fr&agentId=a%2Fb&issueNumber=3&limit=50",
        ),
    ] {
        let scene = always(json!([]));
        assert_eq!(scene.said(scene.run(args)), output(0, "no such escalation\n", ""), "{args:?}");
        assert_eq!(scene.asked(), [format!("GET /api/escalations?{expected} agents")], "{args:?}");
    }
    let scene = always(json!([]));
    assert_eq!(scene.said(scene.run(&["list", "--json"])), output(0, "[]\n", ""));
}

#[test]
fn the_next_page_is_asked_of_the_same_service_and_a_loop_of_pages_ends() {
    let page = |request: &Request| {
        let number = request.target.split("cursor=").nth(1).map_or(0, |n| n.parse().unwrap_or(0));
        let id = |n: usize| format!("{number}{n}000000-0000-0000-0000-000000000000");
        let list: Value = (0..2).map(|n| escalation(&json!({ "id": id(n) }))).collect();
        // The last page leads back to itself, as if from elsewhere.
        let next = (number + 1).min(2);
        let link = format!("<http://elsewhere.example/api/escalations?cursor={next}>; rel=\"next\"");
        Some(Response::json(200, &list).header("link", &link))
    };
    let scene = Scene::new(page);
    let said = scene.said(scene.run(&["list", "--all", "--json"]));
    let all: Vec<Value> = serde_json::from_str(&said.stdout).expect("an array");
    assert_eq!((said.code, all.len(), scene.asked().len()), (Some(0), 6, 3));
    let said = scene.said(scene.run(&["list", "--limit", "3"]));
    assert_eq!((said.code, said.stdout.lines().count()), (Some(0), 4));
    assert_eq!(said.stderr, "rig-escalate: there are more: --limit N, or --all\n");
    assert_eq!(scene.asked().len(), 2);
}

#[test]
fn one_escalation_is_shown_whole() {
    let object = escalation(&json!({
        "severity": "P0", "initialSeverity": "P2", "state": "closed", "reason": "CI is red\nsince noon",
        "details": "\u{1b}]0;title\u{7}line 1\n\n  line 3", "category": "ci", "prNumber": 15, "branch": "feat/42-x",
        "ackedAt": "2026-01-02T03:05:05Z", "ackedBy": "human-stig", "closedAt": "2026-01-02T03:06:05Z",
        "closedBy": "human-kari", "resolution": "restarted\nthe runner", "bumpCount": 2,
        "lastBumpedAt": "2026-01-02T03:04:35Z", "noteCount": 3, "delivered": true,
        "notifications": [
            notification("sent", Some("https://discord.com/x"), None),
            notification("failed", None, Some("403: Cannot send messages")),
        ],
    }));
    let scene = always(object.clone());
    let expected = format!(
        "P0 escalation {ID}, closed
  reason      CI is red
              since noon
  details     line 1

                line 3
  category    ci
  about       o/r#42, PR #15, branch feat/42-x
  asked by    dev-e-node
  created     2026-01-02T03:04:05Z (AGE ago)
  raised      2 times from P2, last 2026-01-02T03:04:35Z (AGE ago)
  taken       2026-01-02T03:05:05Z (AGE ago) by human-stig
  closed      2026-01-02T03:06:05Z (AGE ago) by human-kari
  resolution  restarted
              the runner
  notes       3
  told        discord_channel 2001: sent, https://discord.com/x 2026-01-02T03:04:06Z
  told        discord_channel 2001: failed (403: Cannot send messages) 2026-01-02T03:04:06Z
"
    );
    let said = scene.said(scene.run(&["show", "01a20302-442c"]));
    assert_eq!((said.code, ageless(&said.stdout), said.stderr.as_str()), (Some(0), expected, ""));
    assert_eq!(scene.asked(), ["GET /api/escalations/01a20302-442c agents"]);
    let said = scene.said(scene.run(&["show", ID, "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).expect("an object"), object);
}

#[test]
fn history_tells_each_event_in_a_line() {
    let event = |kind: &str, at: &str, data: Value| json!({ "id": "x", "type": kind, "timestamp": format!("2026-01-02T03:04:{at}Z"), "data": data });
    let scene = always(json!([
        event(
            "EscalationCreated",
            "05",
            json!({ "escalationId": ID, "severity": "P2", "reason": "CI is \u{1b}[1mred", "agentId": "dev-e-node", "repo": null, "od\u{1b}[2Jd\n": 1 })
        ),
        event(
            "EscalationNotified",
            "06",
            json!({ "route": "discord_thread", "target": "o/r#15", "attempt": 1 })
        ),
        event(
            "EscalationBumped",
            "07",
            json!({ "fromSeverity": "P2", "toSeverity": "P1", "reason": "unacked", "bumpCount": 1 })
        ),
        event("EscalationClosed", "08", json!({ "by": "human-stig", "resolution": "done, \"really\"" })),
    ]));
    let said = scene.said(scene.run(&["history", ID]));
    let expected = "AT                    EVENT     WHAT\n\
        2026-01-02T03:04:05Z  Created   severity=P2 reason=\"CI is red\" agentId=dev-e-node odd=1\n\
        2026-01-02T03:04:06Z  Notified  route=discord_thread target=o/r#15 attempt=1\n\
        2026-01-02T03:04:07Z  Bumped    fromSeverity=P2 toSeverity=P1 reason=unacked bumpCount=1\n\
        2026-01-02T03:04:08Z  Closed    by=human-stig resolution=\"done, \\\"really\\\"\"\n";
    assert_eq!(said, output(0, expected, ""));
    assert_eq!(scene.asked(), [format!("GET /api/escalations/{ID}/events agents")]);
}

#[test]
fn counts_are_told_by_severity_and_by_agent() {
    let scene = always(json!({
        "open": { "P0": 0, "P1": 12, "P2": 3 }, "acked": { "P0": 1, "P1": 0, "P2": 0 }, "closed": 140,
        "timeToAckSeconds": { "median": 185, "p95": 7300, "count": 120 },
        "byAgent": [
            { "agentId": "dev-e-node", "open": 10, "acked": 1, "closed": 100, "created": 111 },
            { "agentId": "dev-e\u{1b}[31m", "open": 5, "acked": 0, "closed": 40, "created": 45 },
        ],
    }));
    let expected = "       P0  P1  P2\n\
                    open    0  12   3\n\
                    acked   1   0   0\n\
                    closed: 140\n\
                    time to ack: median 3m, p95 2h (of 120)\n\
                    \n\
                    AGENT       CREATED  OPEN  ACKED  CLOSED\n\
                    dev-e-node      111    10      1     100\n\
                    dev-e            45     5      0      40\n";
    let said = scene.said(scene.run(&["stats", "--agent", "a/b", "--since", "2026-01-31"]));
    assert_eq!(said, output(0, expected, ""));
    let query = "agentId=a%2Fb&since=2026-01-31T00%3A00%3A00Z";
    assert_eq!(scene.asked(), [format!("GET /api/escalation-stats?{query} agents")]);
    let scene = always(json!({ "timeToAckSeconds": { "median": null, "p95": null, "count": 0 } }));
    let said = scene.said(scene.run(&["stats"]));
    assert!(said.stdout.ends_with("closed: 0\ntime to ack: median -, p95 - (of 0)\n"), "{}", said.stdout);
}

#[test]
fn what_changes_takes_the_operators_token_and_a_note_the_agents() {
    // A clock that runs ahead: the age stays the same for as long as the test takes.
    let now = "2999-01-02T03:04:05Z";
    let acked = json!({ "state": "acked", "ackedAt": now, "ackedBy": "human-stig" });
    let closed =
        json!({ "state": "closed", "closedAt": now, "closedBy": "human-stig", "resolution": "a\nb" });
    for (args, answer, asked, body, expected) in [
        (
            &["ack", ID, "--note", "mine"][..],
            acked.clone(),
            "ack persons",
            json!({ "via": "cli", "note": "mine" }),
            format!("P1 escalation {ID}: taken by human-stig, 0s ago\n"),
        ),
        (
            &["ack", ID],
            acked,
            "ack persons",
            json!({ "via": "cli" }),
            format!("P1 escalation {ID}: taken by human-stig, 0s ago\n"),
        ),
        (
            &["close", ID, "--resolution", " fixed\r\nit "],
            closed,
            "close persons",
            json!({ "resolution": "fixed\nit", "via": "cli" }),
            format!("P1 escalation {ID}: closed by human-stig, 0s ago: a b\n"),
        ),
        (
            &["raise", ID, "critical", "--note", "now"],
            json!({ "severity": "P0", "bumpCount": 1 }),
            "raise persons",
            json!({ "severity": "P0", "note": "now" }),
            format!("P0 escalation {ID}: open\n"),
        ),
        (
            &["note", ID, "seen", "it"],
            json!({ "noteCount": 2 }),
            "notes agents",
            json!({ "note": "seen it", "agentId": "dev-e-node" }),
            format!("P1 escalation {ID}: open, 2 notes\n"),
        ),
    ] {
        let scene = always(escalation(&answer));
        let said = scene.said(scene.run(args));
        assert_eq!(said, output(0, &expected, ""), "{args:?}");
        assert_eq!(scene.asked(), [format!("POST /api/escalations/{ID}/{asked}")], "{args:?}");
        scene.said(scene.run(args));
        let path = format!("/api/escalations/{ID}/{}", asked.split(' ').next().expect("a word"));
        assert_eq!(scene.posted(&path), [body], "{args:?}");
        let said = scene.said(scene.run(&[args, &["--json"]].concat()));
        assert_eq!(serde_json::from_str::<Value>(&said.stdout).expect("an object"), escalation(&answer));
    }
    let scene = always(escalation(&json!({})));
    scene.said(scene.run(&["note", ID, "-"]).stdin("from stdin\n"));
    assert_eq!(scene.posted(&format!("/api/escalations/{ID}/notes"))[0]["note"], "from stdin");
}

#[test]
fn a_raise_by_one_step_says_to_which_severity() {
    for (severity, body) in
        [("P2", json!({ "severity": "P1" })), ("P1", json!({ "severity": "P0" })), ("P0", json!({}))]
    {
        let scene = always(escalation(&json!({ "severity": severity })));
        let said = scene.said(scene.run(&["raise", ID]));
        assert_eq!(said.code, Some(0), "{said:?}");
        let path = format!("/api/escalations/{ID}");
        assert_eq!(scene.asked(), [format!("GET {path} persons"), format!("POST {path}/raise persons")]);
        scene.said(scene.run(&["raise", ID]));
        assert_eq!(scene.posted(&format!("{path}/raise")), [body], "{severity}");
    }
}

#[test]
fn a_person_without_an_agents_token_reads_with_the_operators() {
    let scene = always(json!([]));
    scene.said(scene.without_tokens(&["list"]).env("CONDUCTOR_OPERATOR_TOKEN", "persons"));
    scene.said(scene.without_tokens(&["list"]));
    let asked = scene.asked();
    assert!(asked[0].ends_with(" persons") && asked[1].ends_with(" -"), "{asked:?}");
}
