//! The harness itself, with hooks of a line of shell: what it says must be true before
//! anything that it says about the product can be.

use rig_testkit::eventually;
use rig_tests::{Model, Session, Turn, with_client};
use serde_json::json;

/// A hook entry that runs a line of shell.
fn hook(line: &str) -> serde_json::Value {
    json!([{ "hooks": [{ "type": "command", "command": line, "timeout": 10 }] }])
}

#[track_caller]
fn told(session: &Session, request: usize, text: &str) -> bool {
    Model::told(&session.model.requests()[request]).iter().any(|t| t.contains(text))
}

#[test]
fn without_hooks_a_dangerous_command_runs() {
    with_client(|scene| {
        scene.repo.write("README", "rewritten\n");
        scene.repo.git([
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
            "commit",
            "--amend",
            "-qam",
            "other",
        ]);
        let mut session = scene.start();
        let result = session.bash("git push --force origin main");
        assert!(!result.is_error, "{result:?}");
        assert_eq!(scene.origin.git(["log", "-1", "--format=%s", "main"]), "other");
        assert_eq!(session.end(), []);
    });
}

#[test]
fn a_hook_that_refuses_is_obeyed_and_reported() {
    with_client(|scene| {
        let settings =
            json!({ "hooks": { "PreToolUse": hook("cat >/dev/null; echo not today >&2; exit 2") } });
        scene.home.write(".claude/settings.json", settings.to_string());
        let mut session = scene.start();
        let result = session.bash("touch made");
        assert!(result.is_error && result.text.ends_with("]: not today"), "{result:?}");
        assert!(!scene.repo.path().join("made").exists());
        let hooks = session.end();
        assert_eq!(
            hooks.iter().map(|h| (&*h.name, h.code)).collect::<Vec<_>>(),
            [("PreToolUse:Bash", Some(2))]
        );
    });
}

#[test]
fn what_the_model_is_told_at_start_and_after_a_compaction_is_seen() {
    with_client(|scene| {
        let line = hook("grep -o '\"source\":\"[a-z]*\"'");
        scene.home.write(".claude/settings.json", json!({ "hooks": { "SessionStart": line } }).to_string());
        let mut session = scene.start();
        session.model.plays([Turn::say("one"), Turn::say("two")]);
        session.prompt("hello");
        session.prompt("/compact");
        session.prompt("again");
        assert_eq!(session.model.requests().len(), 2);
        assert!(told(&session, 0, "\"source\":\"startup\"") && !told(&session, 0, "\"source\":\"compact\""));
        assert!(
            told(&session, 1, "\"source\":\"compact\"") && told(&session, 1, "a summary of what was said")
        );
        session.end();
    });
}

#[test]
fn without_a_hook_on_config_change_emptied_settings_end_the_guarding() {
    with_client(|scene| {
        let settings = json!({ "hooks": { "PreToolUse": hook("cat >/dev/null; exit 2") } });
        let file = scene.home.write(".claude/settings.json", settings.to_string());
        let mut session = scene.start();
        assert!(session.bash("touch made").is_error);
        std::fs::write(file, "{}").unwrap();
        eventually("the end of the guarding", || (!session.bash("touch made").is_error).then_some(()));
        session.end();
    });
}
