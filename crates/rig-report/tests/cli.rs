//! Events by hand.

use rig_testkit::{FakeConductor, Home, Program};
use serde_json::{Value, json};

fn report(home: &Home, args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-report"))
        .home(home)
        .env("AGENT_ID", "dev-e-node")
        .args(args.iter().copied())
}

fn stable(event: &Value) -> Value {
    let mut event = event.clone();
    for key in ["eventId", "occurredAt"] {
        assert!(event[key].is_string(), "{key} in {event}");
        event.as_object_mut().expect("an object").remove(key);
    }
    event
}

#[test]
fn every_event_of_the_old_surface_is_sent() {
    for (args, expected) in [
        (
            &["WORK_STARTED", "--issue", "42", "--repo", "o/r"][..],
            json!({"type":"WORK_STARTED","repo":"o/r","issueNumber":42}),
        ),
        (&["HEARTBEAT", "working"], json!({"type":"HEARTBEAT","status":"working"})),
        (
            &["HEARTBEAT", "idle", "--issue", "7"],
            json!({"type":"HEARTBEAT","status":"idle","issueNumber":7,"currentIssue":7}),
        ),
        (&["HEARTBEAT"], json!({"type":"HEARTBEAT","status":"working"})),
        (&["BRANCH_CREATED", "--branch", "feat/42-x"], json!({"type":"BRANCH_CREATED","branch":"feat/42-x"})),
        (
            &["PR_CREATED", "--pr", "15", "--url", "https://github.com/o/r/pull/15"],
            json!({"type":"PR_CREATED","prNumber":15,"prUrl":"https://github.com/o/r/pull/15"}),
        ),
        (
            &["AGENT_STUCK", "two\nattempts", "--attempt", "2"],
            json!({"type":"AGENT_STUCK","reason":"two attempts","attempt":2}),
        ),
    ] {
        let home = Home::new();
        let conductor = FakeConductor::start();
        report(&home, args)
            .cwd(home.path())
            .env("CONDUCTOR_BASE_URL", conductor.url())
            .stderr("rig-report: delivered 1, waiting 0\n")
            .exits(0);
        let mut expected = expected;
        expected["agentId"] = json!("dev-e-node");
        assert_eq!(conductor.accepted().iter().map(stable).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn an_event_that_cannot_be_delivered_waits_and_goes_with_the_next() {
    let home = Home::new();
    report(&home, &["WORK_STARTED"])
        .env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1")
        .stderr("rig-report: delivered 0, waiting 1\nrig-report: http://127.0.0.1:1 could not be reached: io: Connection refused (os error 111)\n")
        .exits(0);
    let conductor = FakeConductor::start();
    report(&home, &["flush"])
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .stderr("rig-report: delivered 1, waiting 0\n")
        .exits(0);
    assert_eq!(conductor.accepted().len(), 1);
}

#[test]
fn without_a_base_url_an_event_is_logged_only() {
    let home = Home::new();
    report(&home, &["WORK_STARTED"])
        .stderr("rig-report: WORK_STARTED was logged only: no base URL is set (CONDUCTOR_BASE_URL)\n")
        .exits(0);
    assert_eq!(home.log("rig-report").len(), 1);
}

#[test]
fn what_lacks_the_token_waits_for_it() {
    let home = Home::new();
    let conductor = FakeConductor::behaving(|b| b.token = Some("t".into()));
    report(&home, &["HEARTBEAT"])
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .stderr(format!(
            "rig-report: delivered 0, waiting 1\nrig-report: {} did not take HEARTBEAT: it answered 401\n",
            conductor.url()
        ))
        .exits(0);
    report(&home, &["flush"])
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .env("CONDUCTOR_TOKEN", "t")
        .stderr("rig-report: delivered 1, waiting 0\n")
        .exits(0);
}

#[test]
fn status_says_who_reports_where_and_what_waits() {
    let home = Home::new();
    report(&home, &["WORK_STARTED"]).env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1").output();
    report(&home, &["status"])
        .env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1/")
        .env("CONDUCTOR_TOKEN", "s3cret")
        .stdout(format!(
            "identity     dev-e-node <agent@dashecorp.com>\ncoordinator  http://127.0.0.1:1, with a token\nwaiting      1\nlog          {}\n",
            home.state().join("log/rig-report.jsonl").display()
        ))
        .exits(0);
}

#[test]
fn wrong_usage_is_told_apart() {
    let home = Home::new();
    for args in [&["NONSENSE"][..], &["HEARTBEAT", "sleeping"], &["PR_CREATED", "--pr", "x"]] {
        assert_eq!(report(&home, args).output().code, Some(2), "{args:?}");
    }
}
