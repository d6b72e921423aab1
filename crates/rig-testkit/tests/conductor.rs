//! The fake coordinator from outside.

use std::time::Duration;

use rig_testkit::http::send;
use rig_testkit::{FakeConductor, Mode};
use serde_json::json;

fn post(conductor: &FakeConductor, event: &str) -> Option<(u16, String)> {
    send(&conductor.url(), "POST", "/api/events", &[], event)
}

fn get(conductor: &FakeConductor, target: &str) -> Option<(u16, String)> {
    send(&conductor.url(), "GET", target, &[], "")
}

fn said(status: u16, body: &str) -> Option<(u16, String)> {
    Some((status, body.to_owned()))
}

#[test]
fn events_are_bound_in_either_casing_and_unknown_types_are_refused_in_the_documented_words() {
    let conductor = FakeConductor::start();
    for (event, expected) in [
        (
            r#"{"type":"PR_CREATED","agentId":"a","repo":"o/r","issueNumber":4}"#,
            said(200, r#"{"streamId":"o/r#4","timestamp":"2026-01-02T03:04:05Z","type":"PR_CREATED"}"#),
        ),
        (
            r#"{"Type":"HEARTBEAT","AgentId":"dev-e/1","Repo":"o/r","IssueNumber":4}"#,
            said(200, r#"{"streamId":"dev-e/1","timestamp":"2026-01-02T03:04:05Z","type":"HEARTBEAT"}"#),
        ),
        (r#"{"type":"INVALID"}"#, said(400, r#"{"error":"Unknown event type: INVALID"}"#)),
        ("not json", said(400, "")),
    ] {
        assert_eq!(post(&conductor, event), expected, "{event}");
    }
    assert_eq!(conductor.accepted().len(), 2);
}

#[test]
fn an_old_coordinator_does_not_know_the_new_types() {
    let conductor = FakeConductor::behaving(|b| b.old = true);
    let escalation = r#"{"type":"ESCALATION_CREATED","escalationId":"e1"}"#;
    assert_eq!(post(&conductor, escalation).unwrap().0, 400);
    assert_eq!(post(&conductor, r#"{"type":"AGENT_STUCK"}"#).unwrap().0, 200);
    conductor.behave(|b| b.old = false);
    let (status, answer) = post(&conductor, escalation).unwrap();
    assert!(status == 200 && answer.contains(r#""streamId":"escalation-e1""#), "{answer}");
}

#[test]
fn agents_are_found_by_id_unless_the_route_is_missing_and_heartbeats_fill_the_list() {
    let conductor = FakeConductor::behaving(|b| b.agents = vec![json!({ "id": "o/r#1" })]);
    assert_eq!(get(&conductor, "/api/agents/dev-e"), said(404, ""));
    let _ = post(&conductor, r#"{"type":"HEARTBEAT","agentId":"dev-e","status":"idle"}"#);
    let _ = post(&conductor, r#"{"type":"HEARTBEAT","agentId":"dev-e","status":"working"}"#);
    let beat = r#"{"currentIssue":null,"currentRepo":null,"id":"dev-e","isOnline":true,"status":"working"}"#;
    assert_eq!(get(&conductor, "/api/agents/dev-e"), said(200, beat));
    conductor.behave(|b| b.agent_route = false);
    assert_eq!(get(&conductor, "/api/agents/dev-e"), said(404, ""));
    assert_eq!(get(&conductor, "/api/agents"), said(200, &format!(r#"[{{"id":"o/r#1"}},{beat}]"#)));
}

#[test]
fn asking_for_work_is_counted() {
    let conductor = FakeConductor::start();
    let _ = (get(&conductor, "/api/queue"), get(&conductor, "/health"));
    assert_eq!(conductor.claims(), 0);
    assert_eq!(get(&conductor, "/api/assignments/next?agentId=a"), said(204, ""));
    assert_eq!(get(&conductor, "/api/reviews/next?agentId=a"), said(204, ""));
    assert_eq!(conductor.claims(), 2);
}

#[test]
fn it_misbehaves_as_told_and_accepts_nothing_meanwhile() {
    let beat = r#"{"type":"HEARTBEAT","agentId":"a"}"#;
    let conductor = FakeConductor::start();
    for (mode, status) in [
        (Mode::Close, None),
        (Mode::Hang(Duration::from_millis(50)), None),
        (Mode::ServerError, Some(500)),
        (Mode::NoContent, Some(204)),
        (Mode::Redirect("http://127.0.0.1:9".into()), Some(307)),
    ] {
        conductor.mode(mode.clone());
        assert_eq!(post(&conductor, beat).map(|a| a.0), status, "{mode:?}");
    }
    assert_eq!((conductor.accepted().len(), conductor.requests().len()), (0, 5));
    conductor.mode(Mode::Huge);
    let (status, body) = post(&conductor, beat).unwrap();
    assert!(status == 200 && body.len() > 2 << 20 && conductor.accepted().len() == 1);
}

#[test]
fn a_hanging_request_is_let_go_on_release_and_later_ones_are_answered() {
    let conductor = FakeConductor::behaving(|b| b.mode = Mode::Hang(Duration::from_secs(600)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get(&conductor, "/health"));
        conductor.wait_for_requests(|requests| requests.len() == 1);
        conductor.mode(Mode::Normal);
        assert_eq!(get(&conductor, "/health").unwrap().0, 200);
        assert!(!waiting.is_finished());
        conductor.release();
        assert_eq!(waiting.join().unwrap(), None);
    });
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let conductor = FakeConductor::behaving(|b| b.token = Some("s3cret".into()));
    let ask = |value| send(&conductor.url(), "GET", "/health", &[("Authorization", value)], "").unwrap().0;
    assert_eq!([ask("Bearer s3cret"), ask("Bearer other")], [200, 401]);
    assert_eq!(get(&conductor, "/health").unwrap().0, 401);
}
