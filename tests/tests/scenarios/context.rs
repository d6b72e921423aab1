//! The model knows what it was doing, at the start and after its conversation was summed up.

use rig_testkit::FakeConductor;
use rig_tests::{Model, Turn, with_client};
use serde_json::json;

#[test]
fn the_first_request_holds_the_context_and_so_does_the_first_after_a_compaction() {
    with_client(|scene| {
        let conductor = FakeConductor::behaving(|b| {
            b.agents = vec![
                json!({ "id": "dev-e-node", "status": "working", "currentIssue": 42, "currentRepo": "o/r" }),
            ];
        });
        let scene = scene.env("AGENT_ID", "dev-e-node").env("CONDUCTOR_BASE_URL", conductor.url());
        scene.sync(&[]);
        scene.repo.git(["remote", "set-url", "origin", "https://github.com/o/r.git"]);
        scene.repo.git(["switch", "--quiet", "--create", "feat/42-login"]);
        let mut session = scene.start();
        session.model.plays([Turn::say("one"), Turn::say("two")]);
        session.prompt("hello");
        session.prompt("/compact");
        session.prompt("go on");
        let requests = session.model.requests();
        assert_eq!(requests.len(), 2);
        for (request, source, other) in
            [(&requests[0], "startup", "compact"), (&requests[1], "compact", "startup")]
        {
            let told = Model::told(request);
            let context: Vec<_> = told
                .iter()
                .filter(|t| t.contains(&format!("SessionStart:{source} hook success: ")))
                .collect();
            assert_eq!(context.len(), 1, "{source}: {told:?}");
            for fact in
                ["o/r#42", "branch feat/42-login", "Guard: on (user settings).", "Conductor-E: dev-e-node is"]
            {
                assert!(context[0].contains(fact), "{source}, {fact}: {}", context[0]);
            }
            assert!(
                !told.iter().any(|t| t.contains(&format!("SessionStart:{other} hook success: "))),
                "{told:?}"
            );
        }
        session.end();
        assert_eq!(conductor.claims(), 0);
        assert!(conductor.requests().iter().any(|r| r.target == "/api/agents/dev-e-node"));
    });
}
