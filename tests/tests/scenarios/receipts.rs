//! A call that ran without the guard's leave is noticed in a real session, and no other is.

use rig_testkit::FakeConductor;
use rig_tests::{Scene, with_client};
use serde_json::{Value, json};

fn events(scene: &Scene, kind: &str) -> Vec<Value> {
    let spooled = scene.home.spool().into_iter().map(|record| record["event"].clone());
    spooled.filter(|event| event["type"] == kind).collect()
}

#[test]
fn ordinary_and_refused_calls_raise_no_alarm() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        session.bash("echo one");
        session.bash("exit 3");
        session.bash("cd /tmp && pwd; echo \"ø\\t'x'\" # with odd characters");
        session.bash("git push --force origin main");
        let file = scene.repo.path().join("notes.md");
        session.call("Write", json!({"file_path": file, "content": "a\n"}));
        session.call("Read", json!({"file_path": file}));
        session.call("Edit", json!({"file_path": file, "old_string": "a", "new_string": "b"}));
        session.end();
        assert_eq!((events(&scene, "GUARD_MISSED"), events(&scene, "ESCALATION_CREATED")), (vec![], vec![]));
        let receipts: Vec<String> = scene
            .home
            .files()
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "receipts"))
            .map(|file| scene.home.read(file))
            .collect();
        assert_eq!((receipts.len(), receipts[0].lines().count()), (1, 6), "{receipts:?}");
    });
}

#[test]
fn a_call_that_another_hook_changes_after_it_was_judged_is_an_alarm() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = scene.env("CONDUCTOR_BASE_URL", conductor.url());
        scene.sync(&[]);
        let changed = json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse", "updatedInput": {"command": "echo changed"},
        }});
        let script = scene.home.write("change.sh", format!("#!/bin/sh\ncat >/dev/null\necho '{changed}'\n"));
        let hook = json!({"type": "command", "command": "/bin/sh", "args": [script]});
        let settings = json!({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}});
        scene.repo.write(".claude/settings.json", settings.to_string());
        let mut session = scene.start();
        let told = session.bash("echo judged");
        assert!(told.text.contains("changed"), "{told:?}");
        session.end();
        let of = |events: &[Value], kind: &str| events.iter().find(|e| e["type"] == kind).cloned();
        let found = conductor.wait_for_events(|events| {
            of(events, "GUARD_MISSED").is_some() && of(events, "ESCALATION_CREATED").is_some()
        });
        let missed = of(&found, "GUARD_MISSED").unwrap();
        assert_eq!((&missed["command"], &missed["decision"]), (&json!("echo changed"), &json!("allow")));
        assert_eq!(of(&found, "ESCALATION_CREATED").unwrap()["severity"], "P0");
    });
}
