//! Dangerous commands of a real session are stopped, and nothing else is.

use rig_testkit::Payload;
use rig_tests::{Scene, with_client};
use serde_json::json;

/// Makes a second version of the last commit, which only a forced push can publish.
fn rewrite_history(scene: &Scene) {
    scene.repo.git([
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.com",
        "commit",
        "--amend",
        "-qm",
        "rewritten",
    ]);
}

#[test]
fn a_dangerous_command_is_not_run_and_the_model_is_told_why() {
    with_client(|scene| {
        scene.sync(&[]);
        rewrite_history(&scene);
        scene.repo.write("README", "not committed\n");
        let mut session = scene.start();
        for command in [
            "git push --force origin main",
            "git reset --hard",
            "rm -rf ~",
            "rm -rf .",
            "kubectl delete namespace production",
            "psql -c 'DROP TABLE users'",
            "chmod 777 README",
            "true && (sudo git push -f origin main)",
            "bash -c 'echo $(git reset --hard HEAD)'",
        ] {
            // The installed guard, asked without the client, says what the model has to be told.
            let payload = Payload::bash(command).cwd(scene.repo.path());
            let said = scene
                .program("rig-guard")
                .env("CLAUDE_PROJECT_DIR", scene.repo.path())
                .payload(payload)
                .output();
            assert_eq!(said.code, Some(2), "{command}");
            let told = session.bash(command);
            assert!(
                told.is_error && told.text.starts_with("PreToolUse:Bash hook error: "),
                "{command}: {told:?}"
            );
            assert!(
                told.text.ends_with(said.stderr.trim_end()),
                "{command}: {told:?}, but the guard says {said:?}"
            );
        }
        assert_eq!(scene.origin.git(["log", "--format=%s", "main"]), "first");
        assert_eq!(scene.repo.git(["status", "--short"]), " M README");
        let hooks = session.end();
        assert!(
            hooks.iter().all(|h| h.code == Some(0) || h.name == "PreToolUse:Bash" && h.code == Some(2)),
            "{hooks:?}"
        );
    });
}

#[test]
fn ordinary_work_goes_on_with_the_guard_in_force() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        for (command, expected) in [
            ("echo hello", "hello"),
            ("git status --short", ""),
            ("mkdir -p build/deep && rm -rf build && ls", "README"),
            ("echo 'git push --force is bad' > notes && grep -c -- --force notes", "1"),
            (
                "git add notes && git commit -qm 'docs: never run rm -rf / or DROP TABLE' && git push -q origin main",
                "",
            ),
            ("chmod 755 notes && stat -c %a notes", "755"),
        ] {
            let told = session.bash(command);
            assert!(!told.is_error && told.text.starts_with(expected), "{command}: {told:?}");
        }
        assert_eq!(
            scene.origin.git(["log", "-1", "--format=%s", "main"]),
            "docs: never run rm -rf / or DROP TABLE"
        );
        let file = scene.repo.path().join("new.txt");
        let written = session.call("Write", json!({ "file_path": file, "content": "git push --force\n" }));
        assert!(!written.is_error, "{written:?}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "git push --force\n");
        let hooks = session.end();
        assert!(
            hooks.len() > 14 && hooks.iter().all(|h| h.code == Some(0) && h.outcome == "success"),
            "{hooks:?}"
        );
    });
}
