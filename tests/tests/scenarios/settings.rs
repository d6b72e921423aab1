//! The settings that hold the hooks stay in force, whoever tries to empty them.

use std::path::Path;

use rig_testkit::eventually;
use rig_tests::{Scene, Session, with_client};
use serde_json::json;

/// Fails unless the guard still judges the session's commands.
#[track_caller]
fn still_guarded(scene: &Scene, session: &mut Session) {
    let told = session.bash("touch ran; git reset --hard");
    assert!(told.is_error && told.text.contains("git reset --hard"), "{told:?}");
    assert!(!scene.repo.path().join("ran").exists());
}

#[track_caller]
fn refused(session: &mut Session, file: &Path, tool: &str, input: serde_json::Value) {
    let before = std::fs::read(file).expect("read the settings");
    let told = session.call(tool, input.clone());
    assert!(told.is_error, "{tool} {input}: {told:?}");
    assert_eq!(std::fs::read(file).expect("read the settings"), before, "{tool} {input}");
}

#[test]
fn the_model_cannot_empty_the_settings_that_hold_the_guard() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        let file = scene.settings();
        let name = file.display();
        for command in [
            format!("echo '{{}}' > {name}"),
            "echo '{}' > ~/.claude/settings.json".to_owned(),
            "cd ~/.claude && printf '' | tee settings.json".to_owned(),
            format!("rm {name}"),
            format!("mv {name} /tmp/gone"),
            format!("sed -i s/rig-guard/true/ {name}"),
        ] {
            refused(&mut session, &file, "Bash", json!({ "command": command, "description": "x" }));
        }
        refused(&mut session, &file, "Write", json!({ "file_path": file, "content": "{}" }));
        still_guarded(&scene, &mut session);
        session.end();
    });
}

#[test]
fn settings_that_are_emptied_behind_the_clients_back_leave_the_guard_in_force() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        still_guarded(&scene, &mut session);
        std::fs::write(scene.settings(), "{}\n").unwrap();
        // The client notices a second or two later, and asks the guard, which keeps a log.
        eventually("the guard's record of the change", || {
            scene.home.log("rig-guard").iter().any(|r| r.to_string().contains("ConfigChange")).then_some(())
        });
        still_guarded(&scene, &mut session);
        session.end();
    });
}
