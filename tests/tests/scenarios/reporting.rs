//! What a session does reaches the coordinator, once, and a coordinator in trouble delays nobody.

use std::time::Duration;

use rig_testkit::conductor::each_once;
use rig_testkit::{FakeConductor, Mode};
use rig_tests::with_client;
use serde_json::Value;

fn beats(events: &[Value], status: &str) -> usize {
    events.iter().filter(|e| e["type"] == "HEARTBEAT" && e["status"] == status).count()
}

fn blocks(events: &[Value]) -> usize {
    events.iter().filter(|e| e["type"] == "GUARD_BLOCKED").count()
}

#[test]
fn a_session_beats_while_it_works_says_when_it_is_idle_and_reports_a_block() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = scene.env("AGENT_ID", "dev-e-node").env("CONDUCTOR_BASE_URL", conductor.url());
        scene.sync(&[]);
        let mut session = scene.start();
        session.bash("echo work");
        session.bash("git push --force origin main");
        session.end();
        let events =
            conductor.wait_for_events(|e| beats(e, "working") > 0 && beats(e, "idle") > 0 && blocks(e) > 0);
        let _ = each_once(&events);
        assert!(events.iter().all(|e| e["agentId"] == "dev-e-node"), "{events:?}");
        let block = events.iter().find(|e| e["type"] == "GUARD_BLOCKED").unwrap();
        assert_eq!(
            (&block["tool"], &block["command"]),
            (&"Bash".into(), &"git push --force origin main".into())
        );
        assert_eq!(conductor.claims(), 0);
    });
}

#[test]
fn with_the_coordinator_hanging_no_hook_waits_for_it_and_later_each_event_arrives_once() {
    with_client(|scene| {
        let hang = Mode::Hang(Duration::from_secs(600));
        let conductor = FakeConductor::behaving(|b| b.mode = hang);
        let scene = scene.env("AGENT_ID", "dev-e-node").env("CONDUCTOR_BASE_URL", conductor.url());
        scene.sync(&[]);
        let mut session = scene.start();
        session.bash("echo work");
        session.bash("git push --force origin main");
        let hooks = session.end();
        // Every hook ended by itself, and the coordinator has not let go of a single request.
        assert!(hooks.iter().all(|h| h.outcome == "success" || h.code == Some(2)), "{hooks:?}");
        conductor.wait_for_requests(|requests| requests.iter().any(|r| r.path() == "/api/events"));
        assert_eq!(conductor.accepted(), [] as [Value; 0]);
        let waiting: Vec<String> =
            scene.home.spool().iter().map(|r| r["event"]["eventId"].as_str().unwrap().to_owned()).collect();
        assert!(waiting.len() >= 3, "{waiting:?}");
        conductor.mode(Mode::Normal);
        conductor.release();
        let events =
            conductor.wait_for_events(|e| waiting.iter().all(|id| e.iter().any(|e| e["eventId"] == **id)));
        let _ = each_once(&events);
        assert!(
            beats(&events, "working") > 0 && beats(&events, "idle") > 0 && blocks(&events) == 1,
            "{events:?}"
        );
    });
}
