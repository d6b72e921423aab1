//! Commits that a session makes carry the name of who works, as author and as committer.

use rig_tests::{Scene, with_client};
use serde_json::json;

const COMMIT: &str = "git commit --quiet --allow-empty -m 'by the session'";

#[track_caller]
fn commits_as(scene: &Scene, expected: &str) {
    scene.sync(&[]);
    let mut session = scene.start();
    let told = session.bash(COMMIT);
    assert!(!told.is_error, "{told:?}");
    session.end();
    let last = scene.repo.git(["log", "-1", "--format=%an <%ae>, %cn <%ce>: %s"]);
    assert_eq!(last, format!("{expected}, {expected}: by the session"));
}

#[test]
fn an_agents_commit_carries_its_id_and_the_common_address() {
    with_client(|scene| {
        commits_as(&scene.env("AGENT_ID", "dev-e-node"), "dev-e-node <agent@dashecorp.com>");
    });
}

#[test]
fn a_persons_commit_carries_the_name_that_the_installer_chose() {
    with_client(|scene| {
        scene.home.config(&json!({ "agent": { "id": "human-stig" } }));
        commits_as(&scene, "human-stig <stig@dashecorp.com>");
    });
}
