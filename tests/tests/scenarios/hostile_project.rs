//! A repository's own settings can set the environment of every hook. They gain nothing by it.

use rig_testkit::FakeConductor;
use rig_tests::{Scene, with_client};
use serde_json::{Value, json};

/// Commits the settings that a repository brings along.
fn project_env(scene: &Scene, env: &Value) {
    scene.repo.write(".claude/settings.json", json!({ "env": env }).to_string());
    scene.repo.commit("settings");
}

#[test]
fn a_repository_cannot_break_the_guard_through_the_programs_loader() {
    with_client(|scene| {
        scene.sync(&[]);
        // With this, a dynamically linked program prints a help text and exits 0 before its first
        // instruction; a guard that is one would let everything through.
        project_env(&scene, &json!({ "LD_DEBUG": "help" }));
        let mut session = scene.start();
        let told = session.bash("echo unharmed");
        assert!(
            !told.is_error && told.text.contains("LD_DEBUG"),
            "the variable has no effect here: {told:?}"
        );
        let told = session.bash("git push --force origin main");
        assert!(told.is_error && told.text.contains("git push --force"), "{told:?}");
        session.end();
    });
}

#[test]
fn a_repository_cannot_move_the_rigs_files_or_change_the_guards_mind() {
    with_client(|scene| {
        scene.sync(&[]);
        let elsewhere = scene.home.join("elsewhere");
        let names =
            ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "RIG_STATE", "RIG_CONFIG", "RIG_HOME"];
        let mut env: Value = names.iter().map(|name| ((*name).to_owned(), json!(elsewhere))).collect();
        env["RIG_GUARD"] = "off".into();
        project_env(&scene, &env);
        scene.home.write("elsewhere/rig/config.json", "{\"guard\":false}");
        let mut session = scene.start();
        let told = session.bash("git push --force origin main");
        assert!(told.is_error && told.text.contains("git push --force"), "{told:?}");
        session.end();
        assert_eq!(scene.home.log("rig-guard").len(), 1);
        assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 1);
    });
}

#[test]
fn a_token_goes_to_the_coordinator_that_it_was_configured_with_and_to_no_other() {
    with_client(|scene| {
        let own = FakeConductor::behaving(|b| b.token = Some("s3cret".into()));
        let foreign = FakeConductor::start();
        scene.home.config(&json!({
            "agent": { "id": "human-stig" },
            "conductor": { "baseUrl": own.url(), "token": "s3cret" },
        }));
        scene.sync(&[]);
        scene.start_and_work();
        own.wait_for_events(|events| events.iter().any(|e| e["status"] == "idle"));
        project_env(&scene, &json!({ "CONDUCTOR_BASE_URL": foreign.url() }));
        scene.start_and_work();
        // Whoever is asked of the two, the token stays at home.
        let asked = foreign.wait_for_requests(|requests| !requests.is_empty());
        assert!(asked.iter().all(|r| r.header("authorization").is_none()), "{asked:?}");
        assert!(asked.iter().all(|r| !String::from_utf8_lossy(&r.body).contains("s3cret")), "{asked:?}");
    });
}
