//! The settings that hold the hooks stay in force, whoever tries to empty them.

use std::path::Path;

use rig_testkit::eventually;
use rig_tests::needs::program;
use rig_tests::{Scene, Session, with_client};
use serde_json::{Value, json};

/// Fails unless the guard still judges the session's commands.
#[track_caller]
fn still_guarded(scene: &Scene, session: &mut Session) {
    let told = session.bash("touch ran; git reset --hard");
    assert!(told.is_error && told.text.contains("git reset --hard"), "{told:?}");
    assert!(!scene.repo.path().join("ran").exists());
}

/// Lets the model use a tool; fails unless it is refused and the file stays as it was.
#[track_caller]
fn refused(session: &mut Session, file: &Path, tool: &str, input: Value) {
    let before = std::fs::read(file).ok();
    let told = session.call(tool, input.clone());
    assert!(told.is_error && told.text.contains("hook error"), "{tool} {input}: {told:?}");
    assert_eq!(std::fs::read(file).ok(), before, "{tool} {input}");
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
            "rm -r ~/.claude".to_owned(),
        ] {
            refused(&mut session, &file, "Bash", json!({ "command": command, "description": "x" }));
        }
        // The client itself writes and edits only what was read before.
        session.call("Read", json!({ "file_path": file }));
        refused(&mut session, &file, "Write", json!({ "file_path": file, "content": "{}" }));
        let edit = json!({ "file_path": file, "old_string": "rig-guard", "new_string": "rig-report", "replace_all": true });
        refused(&mut session, &file, "Edit", edit);
        let local = scene.repo.path().join(".claude/settings.local.json");
        refused(
            &mut session,
            &local,
            "Write",
            json!({ "file_path": local, "content": "{\"disableAllHooks\":true}" }),
        );
        still_guarded(&scene, &mut session);
        session.end();
    });
}

#[test]
fn the_model_cannot_change_the_rigs_own_files() {
    with_client(|scene| {
        scene.home.config(&json!({ "agent": { "id": "human-stig" } }));
        scene.sync(&[]);
        let mut session = scene.start();
        let config = scene.home.join(".config/rig/config.json");
        let guard = program("rig-guard");
        let records = scene.home.state().join("hooks");
        for (file, command) in [
            (&config, "echo '{}' > ~/.config/rig/config.json".to_owned()),
            (&guard, format!("cp /bin/true {}", guard.display())),
            (&guard, format!("chmod -x {}", guard.display())),
            (&records, format!("rm -r {}", records.display())),
        ] {
            refused(&mut session, file, "Bash", json!({ "command": command, "description": "x" }));
        }
        session.call("Read", json!({ "file_path": config }));
        refused(&mut session, &config, "Write", json!({ "file_path": config, "content": "{}" }));
        assert_eq!(std::fs::read_dir(records).unwrap().count(), 1);
        still_guarded(&scene, &mut session);
        session.end();
    });
}

#[test]
fn settings_that_change_behind_the_clients_back_leave_the_guard_in_force() {
    with_client(|scene| {
        scene.sync(&[]);
        scene.repo.write(".claude/settings.json", "{}");
        let mut session = scene.start();
        still_guarded(&scene, &mut session);
        let (user, local) = (scene.settings(), scene.repo.path().join(".claude/settings.local.json"));
        let refusals =
            || scene.home.log("rig-guard").iter().filter(|r| r.to_string().contains("ConfigChange")).count();
        let changes: [(&str, &dyn Fn() -> std::io::Result<()>); 5] = [
            ("switched off beside it", &|| std::fs::write(&local, "{\"disableAllHooks\":true}")),
            ("emptied", &|| std::fs::write(&user, "{}\n")),
            ("broken", &|| std::fs::write(&user, "{\"hooks\":")),
            ("replaced", &|| {
                std::fs::write(user.with_extension("new"), "{}")
                    .and_then(|()| std::fs::rename(user.with_extension("new"), &user))
            }),
            ("removed", &|| std::fs::remove_file(&user)),
        ];
        for (case, change) in changes {
            let before = refusals();
            change().unwrap();
            // The client notices a second or two later and asks the guard, which keeps a log. Had the
            // change before this one been taken over, there would be no guard left to ask.
            eventually(&format!("the guard's refusal: {case}"), || (refusals() > before).then_some(()));
            still_guarded(&scene, &mut session);
        }
        session.end();
    });
}

#[test]
fn a_change_that_keeps_the_hooks_is_taken_over_while_the_session_runs() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        still_guarded(&scene, &mut session);
        let mut settings: Value = serde_json::from_str(&scene.home.read(".claude/settings.json")).unwrap();
        settings["env"]["ADDED"] = "yes".into();
        scene.home.write(".claude/settings.json", settings.to_string());
        eventually("the added variable", || {
            (session.bash("echo value: $ADDED").text == "value: yes").then_some(())
        });
        // What hooks-sync itself writes passes too.
        scene.sync(&["--role", "dev"]);
        still_guarded(&scene, &mut session);
        session.end();
    });
}
