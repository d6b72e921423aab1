//! What a session does reaches the coordinator, once, and a coordinator in trouble delays nobody.

use std::time::Duration;

use rig_testkit::conductor::each_once;
use rig_testkit::{FakeConductor, Mode, eventually};
use rig_tests::{Model, Scene, Turn, with_client};
use serde_json::Value;

/// Events of a type, with a status where one is given.
fn count(events: &[Value], kind: &str, status: Option<&str>) -> usize {
    let is = |e: &&Value| e["type"] == kind && status.is_none_or(|s| e["status"] == s);
    events.iter().filter(is).count()
}

fn has_beat(events: &[Value], status: &str) -> bool {
    count(events, "HEARTBEAT", Some(status)) > 0
}

fn reporting_to(conductor: &FakeConductor, scene: Scene) -> Scene {
    let scene = scene.env("AGENT_ID", "dev-e-node").env("CONDUCTOR_BASE_URL", conductor.url());
    scene.sync(&[]);
    scene
}

#[test]
fn a_session_beats_while_it_works_says_when_it_is_idle_and_reports_branches_and_blocks() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = reporting_to(&conductor, scene);
        let mut session = scene.start();
        session.bash("git switch -c feat/43-logout");
        session.bash("git push --force origin main");
        session.end();
        let events = conductor.wait_for_events(|e| {
            has_beat(e, "working")
                && has_beat(e, "idle")
                && count(e, "BRANCH_CREATED", None) > 0
                && count(e, "GUARD_BLOCKED", None) > 0
        });
        let _ = each_once(&events);
        assert!(events.iter().all(|e| e["agentId"] == "dev-e-node"), "{events:?}");
        let of = |kind: &str| events.iter().find(|e| e["type"] == kind).unwrap();
        let branch = of("BRANCH_CREATED");
        assert_eq!((&branch["branch"], &branch["issueNumber"]), (&"feat/43-logout".into(), &43.into()));
        let block = of("GUARD_BLOCKED");
        assert_eq!(
            (&block["tool"], &block["command"]),
            (&"Bash".into(), &"git push --force origin main".into())
        );
        assert_eq!(conductor.claims(), 0);
    });
}

#[test]
fn a_turn_that_the_models_service_ended_is_reported_as_such() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = reporting_to(&conductor, scene);
        let mut session = scene.start();
        session.model.plays([Turn::Fail(529), Turn::Fail(529)]);
        session.prompt("hello");
        session.end();
        // The end of the session is another beat, and a slow machine may deliver that one first.
        let degraded = |e: &&Value| e["status"] == "idle" && e["degraded"] == true;
        let events = conductor.wait_for_events(|e| e.iter().any(|e| degraded(&e)));
        let beat = events.iter().find(degraded).unwrap();
        assert_eq!(beat["degradedReasons"][0], "server_error");
    });
}

#[test]
fn with_the_coordinator_hanging_no_hook_waits_for_it_and_later_each_event_arrives_once() {
    with_client(|scene| {
        let hang = Mode::Hang(Duration::from_secs(600));
        let conductor = FakeConductor::behaving(|b| b.mode = hang);
        let scene = reporting_to(&conductor, scene);
        let mut session = scene.start();
        session.bash("echo work");
        session.bash("git push --force origin main");
        let context = Model::told(&session.model.requests()[0]).join("\n");
        assert!(
            context.contains("SessionStart:startup hook success: ") && context.contains("Conductor-E"),
            "{context}"
        );
        let hooks = session.end();
        // Every hook ended by itself, and the coordinator has not let go of a single request.
        assert!(hooks.len() > 5, "{hooks:?}");
        assert!(
            hooks.iter().all(|h| h.code == Some(0) || h.name == "PreToolUse:Bash" && h.code == Some(2)),
            "{hooks:?}"
        );
        conductor.wait_for_requests(|requests| requests.iter().any(|r| r.path() == "/api/events"));
        assert_eq!(conductor.accepted(), [] as [Value; 0]);
        let waiting = eventually("the spooled events", || {
            let ids =
                scene.home.spool().into_iter().map(|r| r["event"]["eventId"].as_str().unwrap().to_owned());
            Some(ids.collect::<Vec<String>>()).filter(|ids| ids.len() >= 3)
        });
        conductor.mode(Mode::Normal);
        conductor.release();
        let events =
            conductor.wait_for_events(|e| waiting.iter().all(|id| e.iter().any(|e| e["eventId"] == **id)));
        let _ = each_once(&events);
        assert!(has_beat(&events, "working") && has_beat(&events, "idle"), "{events:?}");
        assert_eq!(count(&events, "GUARD_BLOCKED", None), 1, "{events:?}");
        // Nothing is left to send, so nothing can arrive a second time.
        eventually("an empty spool", || scene.home.spool().is_empty().then_some(()));
        assert_eq!(conductor.accepted().len(), events.len());
    });
}
