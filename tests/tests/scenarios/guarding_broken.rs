//! A guard whose program is gone or broken in the middle of a session lets nothing through.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rig_testkit::{FakeConductor, Program, eventually};
use rig_tests::needs::program;
use rig_tests::sandbox::run;
use rig_tests::{Scene, Session, ToolResult, with_client};
use serde_json::json;

/// Installs the rig in the scene itself, where its files can be changed, and returns the guard's program.
fn installed_here(scene: &Scene) -> PathBuf {
    let installed = program("rig-guard");
    let prefix = installed.parent().and_then(Path::parent).expect("a prefix");
    let own = scene.home.join(".local");
    std::fs::create_dir(&own).expect("make a prefix");
    for dir in ["bin", "share"] {
        run("cp", [Path::new("-a"), &prefix.join(dir), &own]);
    }
    let sync = Program::new(own.join("bin/rig-hooks-sync")).home(&scene.home).cwd(scene.repo.path()).output();
    assert_eq!(sync.code, Some(0), "{sync:?}");
    own.join("bin/rig-guard")
}

/// Puts a script in the place of the guard, in one step.
fn replace(guard: &Path, script: &str) {
    let new = guard.with_extension("new");
    std::fs::write(&new, format!("#!/bin/sh\n{script}\n")).expect("write a script");
    std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755)).expect("make it a program");
    std::fs::rename(new, guard).expect("replace the guard");
}

/// Lets the model make a file by each kind of tool; fails unless none of it happens.
#[track_caller]
fn nothing_runs(scene: &Scene, session: &mut Session, case: &str, reason: &str) {
    let file = scene.repo.path().join("made");
    let closed =
        |told: &ToolResult| told.is_error && told.text.contains("onFailure") && told.text.contains(reason);
    let told = session.bash("touch made");
    assert!(closed(&told), "{case}: {told:?}");
    let told = session.call("Write", json!({ "file_path": file, "content": "x" }));
    assert!(closed(&told), "{case}: {told:?}");
    assert!(!file.exists(), "{case}");
}

#[test]
fn a_guard_that_is_gone_or_broken_in_the_middle_of_a_session_opens_no_door() {
    with_client(|scene| {
        let guard = installed_here(&scene);
        let whole = guard.with_extension("whole");
        std::fs::copy(&guard, &whole).unwrap();
        let mut session = scene.start();
        assert_eq!(session.bash("echo before").text, "before");
        let breaks: [(&str, &str, &dyn Fn()); 6] = [
            ("removed", "failed", &|| std::fs::remove_file(&guard).unwrap()),
            ("its directory moved away", "failed", &|| {
                let bin = guard.parent().unwrap();
                std::fs::rename(bin, bin.with_extension("moved")).unwrap();
            }),
            ("not executable", "failed", &|| {
                std::fs::set_permissions(&guard, PermissionsExt::from_mode(0o644)).unwrap();
            }),
            ("no program", "failed", &|| std::fs::write(&guard, "neither a program nor a script").unwrap()),
            ("failing", "failed", &|| replace(&guard, "echo why >&2; exit 1")),
            ("killed", "failed", &|| replace(&guard, "kill -9 $$")),
        ];
        for (case, reason, broken) in breaks {
            broken();
            nothing_runs(&scene, &mut session, case, reason);
            let moved = guard.parent().unwrap().with_extension("moved");
            if moved.exists() {
                std::fs::rename(moved, guard.parent().unwrap()).unwrap();
            }
            // By another process: what this one has open for writing cannot be started.
            run("cp", [Path::new("--remove-destination"), &whole, &guard]);
            assert_eq!(session.bash("echo again").text, "again", "{case}");
        }
        let told = session.bash("git reset --hard");
        assert!(told.is_error && told.text.contains("blocked by git.reset.hard"), "{told:?}");
        session.end();
    });
}

#[test]
fn with_a_broken_guard_changed_settings_do_not_take_effect() {
    with_client(|scene| {
        let guard = installed_here(&scene);
        let whole = guard.with_extension("whole");
        std::fs::copy(&guard, &whole).unwrap();
        let mut session = scene.start();
        assert_eq!(session.bash("echo before").text, "before");
        let asked = scene.home.join("asked");
        replace(&guard, &format!("cat >> {}; exit 1", asked.display()));
        std::fs::write(scene.settings(), "{}").unwrap();
        // The client asks about the change, and gets no answer.
        let told = || std::fs::read_to_string(&asked).unwrap_or_default().contains("ConfigChange");
        eventually("the question about the change", || told().then_some(()));
        nothing_runs(&scene, &mut session, "emptied settings", "failed");
        run("cp", [Path::new("--remove-destination"), &whole, &guard]);
        let told = session.bash("git reset --hard");
        assert!(told.is_error && told.text.contains("blocked by git.reset.hard"), "{told:?}");
        session.end();
    });
}

#[test]
fn a_program_that_says_yes_in_the_place_of_the_guard_is_noticed_after_one_call() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = scene.env("CONDUCTOR_BASE_URL", conductor.url());
        let guard = installed_here(&scene);
        let mut session = scene.start();
        assert_eq!(session.bash("echo before").text, "before");
        replace(&guard, "cat > /dev/null");
        // Younger than the call, it might have been put there while the call began.
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        let installed = [guard, scene.settings(), scene.home.state().join("hooks")];
        let records = std::fs::read_dir(scene.home.state().join("hooks")).unwrap().map(|r| r.unwrap().path());
        for file in installed.into_iter().chain(records) {
            std::fs::File::open(file).unwrap().set_modified(long_ago).unwrap();
        }
        let told = session.bash("echo unjudged");
        let word = "A tool call ran that the guard was not asked about. Something has disarmed it: stop";
        assert!(!told.is_error && told.text.starts_with("unjudged") && told.text.contains(word), "{told:?}");
        session.bash("echo once more");
        session.end();
        let events = conductor.wait_for_events(|events| {
            let count = |kind: &str| events.iter().filter(|e| e["type"] == kind).count();
            count("GUARD_MISSED") == 2 && count("ESCALATION_CREATED") > 0
        });
        let escalations: Vec<_> = events.iter().filter(|e| e["type"] == "ESCALATION_CREATED").collect();
        assert_eq!(escalations.len(), 1, "{escalations:?}");
        assert_eq!(
            (&escalations[0]["severity"], &escalations[0]["category"]),
            (&"P0".into(), &"security".into())
        );
    });
}
