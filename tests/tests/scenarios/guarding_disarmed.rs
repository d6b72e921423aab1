//! Settings that are disarmed on the disk, in ways that no tool call shows, do not disarm a running session.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rig_testkit::{FakeConductor, eventually};
use rig_tests::needs::program;
use rig_tests::sandbox::mount;
use rig_tests::{Scene, Session, with_client};
use serde_json::{Value, json};

fn events(scene: &Scene, kind: &str) -> Vec<Value> {
    let spooled = scene.home.spool().into_iter().map(|record| record["event"].clone());
    spooled.filter(|event| event["type"] == kind).collect()
}

/// Changes files, waits until the guard has refused the change, and fails unless it still judges. Had a
/// change been taken over, there would be no guard left to ask about the next one.
#[track_caller]
fn refused(scene: &Scene, session: &mut Session, case: &str, change: impl FnOnce()) {
    let refusals =
        || scene.home.log("rig-guard").iter().filter(|r| r.to_string().contains("ConfigChange")).count();
    let before = refusals();
    change();
    eventually(&format!("the guard's refusal: {case}"), || (refusals() > before).then_some(()));
    let told = session.bash("touch ran; git reset --hard");
    assert!(told.is_error && told.text.contains("blocked by git.reset.hard"), "{case}: {told:?}");
    assert!(!scene.repo.path().join("ran").exists(), "{case}");
}

/// Fails unless the refused changes of a session asked for a person, as one case: once for each reason, under
/// one key, by which the coordinator makes one escalation of them.
#[track_caller]
fn one_p1(scene: &Scene) {
    let escalations = events(scene, "ESCALATION_CREATED");
    let all = |key: &str| escalations.iter().map(|e| e[key].to_string()).collect::<BTreeSet<String>>();
    let one = |key: &str| all(key).into_iter().collect::<Vec<String>>();
    assert_eq!((one("severity"), one("category")), (vec!["\"P1\"".into()], vec!["\"security\"".into()]));
    assert_eq!(one("dedupKey").len(), 1, "{escalations:?}");
    assert_eq!(all("reason").len(), escalations.len(), "a reason was told twice: {escalations:?}");
    assert!(all("reason").iter().all(|reason| reason.contains("the rig's hooks")), "{escalations:?}");
}

#[test]
fn a_users_settings_disarmed_by_git_link_or_a_torn_write_leave_the_session_guarded() {
    with_client(|scene| {
        // People keep their settings in a repository; its last commit is older than the rig.
        let claude = scene.home.repo(".claude");
        claude.write("settings.json", "{}");
        claude.commit("settings");
        scene.sync(&[]);
        let mut session = scene.start();
        assert_eq!(session.bash("echo before").text, "before");
        let settings = scene.settings();
        let armed = fs::read_to_string(&settings).unwrap();
        let beside = settings.with_file_name("other.json");
        fs::write(&beside, "{\"model\":\"x\"}").unwrap();
        refused(&scene, &mut session, "git checkout", || {
            claude.git(["checkout", "--", "settings.json"]);
            assert_eq!(fs::read_to_string(&settings).unwrap(), "{}");
        });
        refused(&scene, &mut session, "renamed", || {
            fs::copy(&beside, settings.with_extension("new")).unwrap();
            fs::rename(settings.with_extension("new"), &settings).unwrap();
        });
        refused(&scene, &mut session, "a link in its place", || {
            symlink(&beside, settings.with_extension("link")).unwrap();
            fs::rename(settings.with_extension("link"), &settings).unwrap();
            assert!(fs::symlink_metadata(&settings).unwrap().is_symlink());
        });
        refused(&scene, &mut session, "half a write", || {
            fs::write(settings.with_extension("new"), &armed[..armed.len() / 2]).unwrap();
            fs::rename(settings.with_extension("new"), &settings).unwrap();
        });
        refused(&scene, &mut session, "moved away", || {
            fs::rename(&settings, settings.with_extension("away")).unwrap();
        });
        refused(&scene, &mut session, "another's entry in its place", || {
            fs::write(&settings, armed.replace("\"block\"", "\"continue\"")).unwrap();
        });
        session.end();
        one_p1(&scene);
    });
}

#[test]
fn a_projects_settings_disarmed_by_git_leave_the_session_guarded() {
    with_client(|scene| {
        // What a project's settings name is the same on every machine.
        mount([Path::new("--bind"), program("rig-guard").parent().unwrap()], Path::new("/usr/local/bin"));
        // With its directory the client would lose sight of the file.
        scene.repo.write(".claude/notes.md", "kept\n");
        scene.repo.commit("notes");
        scene.repo.git(["branch", "without"]);
        scene.repo.write(".claude/settings.json", "{\"env\":{\"A\":\"b\"}}\n");
        scene.repo.commit("settings");
        scene.sync(&["--scope", "project", "--bin", "/usr/local/bin"]);
        let mut session = scene.start();
        let told = session.bash("git checkout main -- .claude/settings.json");
        assert!(told.is_error && told.text.contains("blocked by self.settings"), "{told:?}");
        let git = |words: &str| scene.repo.git(words.split(' '));
        refused(&scene, &mut session, "git stash", || drop(git("stash -q")));
        refused(&scene, &mut session, "another branch", || drop(git("checkout -q without")));
        refused(&scene, &mut session, "the file of a commit", || {
            git("checkout -q main -- .claude/settings.json");
        });
        session.end();
        one_p1(&scene);
    });
}

#[test]
fn a_change_back_to_the_whole_settings_is_taken_over() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        assert_eq!(session.bash("echo before").text, "before");
        let settings = scene.settings();
        let armed = fs::read_to_string(&settings).unwrap();
        refused(&scene, &mut session, "emptied", || fs::write(&settings, "{}").unwrap());
        let mut more: Value = serde_json::from_str(&armed).unwrap();
        more["env"]["ADDED"] = "yes".into();
        fs::write(&settings, more.to_string()).unwrap();
        eventually("the added variable", || {
            (session.bash("echo value: $ADDED").text == "value: yes").then_some(())
        });
        let told = session.bash("git reset --hard");
        assert!(told.is_error && told.text.contains("blocked by git.reset.hard"), "{told:?}");
        session.end();
    });
}

/// Takes the rig's entries for an event out of a settings file, as if that had been done long ago.
fn without(file: &Path, event: &str) {
    let text = fs::read_to_string(file).expect("read the settings");
    let mut settings: Value = serde_json::from_str(&text).expect("settings are JSON");
    let hooks = settings["hooks"].as_object_mut().expect("settings have hooks");
    assert!(hooks.remove(event).is_some(), "{event}: {text}");
    let new = file.with_extension("new");
    let written = fs::write(&new, settings.to_string()).and_then(|()| {
        fs::File::open(&new)?.set_modified(long_ago())?;
        fs::rename(&new, file)
    });
    written.expect("replace the settings");
}

fn long_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

#[test]
fn calls_that_run_after_the_guards_entry_is_gone_are_an_alarm() {
    with_client(|scene| {
        let conductor = FakeConductor::start();
        let scene = scene.env("CONDUCTOR_BASE_URL", conductor.url());
        scene.sync(&[]);
        // Without this entry nobody keeps the change of the other one out.
        without(&scene.settings(), "ConfigChange");
        for file in fs::read_dir(scene.home.state().join("hooks")).unwrap() {
            fs::File::open(file.unwrap().path()).unwrap().set_modified(long_ago()).unwrap();
        }
        fs::File::open(scene.home.state().join("hooks")).unwrap().set_modified(long_ago()).unwrap();
        let mut session = scene.start();
        assert_eq!(session.bash("echo judged").text, "judged");
        without(&scene.settings(), "PreToolUse");
        let word = "A tool call ran that the guard was not asked about. Something has disarmed it: stop";
        let told = eventually("a call that is not judged", || {
            Some(session.bash("echo calls")).filter(|told| told.text != "calls")
        });
        assert!(!told.is_error && told.text.starts_with("calls") && told.text.contains(word), "{told:?}");
        let failed = session.bash("echo fails; exit 3");
        assert!(failed.text.contains("fails") && failed.text.contains(word), "{failed:?}");
        session.end();
        let events = conductor.wait_for_events(|events| {
            let count = |kind: &str| events.iter().filter(|e| e["type"] == kind).count();
            count("GUARD_MISSED") == 2 && count("ESCALATION_CREATED") > 0
        });
        let of = |kind: &str, key: &str| -> Vec<Value> {
            events.iter().filter(|e| e["type"] == kind).map(|e| e[key].clone()).collect()
        };
        assert_eq!(of("GUARD_MISSED", "command"), [json!("echo calls"), json!("echo fails; exit 3")]);
        assert_eq!(of("ESCALATION_CREATED", "severity"), [json!("P0")]);
    });
}
