//! What `--check` tells.

use std::fs;

use crate::sandbox::{Sandbox, fixtures};

#[track_caller]
fn drift(sandbox: &Sandbox, options: &[&str], expected: &[&str], notes: &[&str]) {
    let options: Vec<&str> = options.iter().copied().chain(["--check"]).collect();
    let before = (sandbox.read(), sandbox.tree());
    let ran = sandbox.run(&options);
    let told: Vec<&str> = ran.stdout.lines().collect();
    let noted: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!((told, noted), (expected.to_vec(), notes.to_vec()));
    assert_eq!(ran.code, Some(i32::from(!expected[0].ends_with("in force"))));
    assert_eq!((sandbox.read(), sandbox.tree()), before);
}

const IN_FORCE: &str = "ROOT/home/.claude/settings.json: 2 hooks in force";

fn synced() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(&["--identity", "dev-e-node"]);
    sandbox
}

#[track_caller]
fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let text = fs::read_to_string(sandbox.settings()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(sandbox.settings(), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn without_a_sync_there_is_only_that_to_tell() {
    let sandbox = Sandbox::new();
    drift(&sandbox, &[], &["drift: ROOT/home/.claude/settings.json was never synced"], &[]);
}

#[test]
fn what_was_synced_is_in_force_with_the_options_of_the_sync() {
    let sandbox = synced();
    drift(&sandbox, &[], &[IN_FORCE], &[]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
    command.env_clear().env("HOME", sandbox.home()).current_dir(sandbox.root());
    command.arg("--check").arg("--base").arg(fixtures().join("base/hooks-base.json"));
    assert_eq!(sandbox.ran(&mut command).stdout, format!("{IN_FORCE}\n"));
    sandbox.ok(&["--role", "patch"]);
    drift(&sandbox, &[], &["ROOT/home/.claude/settings.json: 3 hooks in force"], &[]);
    drift(
        &sandbox,
        &["--role", "none"],
        &["drift: `rig-guard` on `PreToolUse` is changed in ROOT/home/.claude/settings.json"],
        &[],
    );
}

#[test]
fn what_somebody_changed_is_told_entry_by_entry() {
    let sandbox = synced();
    edit(&sandbox, "\"Stop\"", "\"StopFailure\"");
    edit(&sandbox, "\"block\"", "\"continue\"");
    edit(&sandbox, "\"dev-e-node\"", "\"somebody\"");
    drift(
        &sandbox,
        &[],
        &[
            "drift: `rig-guard` on `PreToolUse` is changed in ROOT/home/.claude/settings.json",
            "drift: `rig-report` on `Stop` is missing in ROOT/home/.claude/settings.json",
        ],
        &[
            "rig-hooks-sync: note: `env.CONDUCTOR_AGENT_ID` has another value in ROOT/home/.claude/settings.json, which stays",
        ],
    );
}

#[test]
fn a_file_that_is_gone_ignored_or_switched_off_is_told() {
    let sandbox = synced();
    let text = fs::read_to_string(sandbox.settings()).unwrap();
    let path = "ROOT/home/.claude/settings.json";
    let put = |text: &str| fs::write(sandbox.settings(), text).unwrap();
    put(&text.replacen('{', "{\n  \"model\": 5,", 1));
    drift(
        &sandbox,
        &[],
        &[&format!("drift: {path}: the client ignores the whole file: `model` is a number, not a text")],
        &[],
    );
    put(&text.replacen('{', "{\n  \"disableAllHooks\": true,", 1));
    drift(
        &sandbox,
        &[],
        &[
            &format!("drift: `rig-guard` on `PreToolUse` does not run: {path} sets `disableAllHooks`"),
            &format!("drift: `rig-report` on `Stop` does not run: {path} sets `disableAllHooks`"),
        ],
        &[],
    );
    let ran = sandbox.ok(&["--identity", "dev-e-node"]);
    assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    put("{");
    drift(
        &sandbox,
        &[],
        &[
            &format!(
                "drift: {path}: the client ignores the whole file: not JSON, line 1, column 2: a key in double quotes should be here"
            ),
            &format!(
                "drift: cannot edit {path}: not JSON, line 1, column 2: a key in double quotes should be here"
            ),
        ],
        &[],
    );
    fs::remove_file(sandbox.settings()).unwrap();
    drift(&sandbox, &[], &[&format!("drift: {path} is gone")], &[]);
}

#[test]
fn a_project_file_that_disarms_the_users_hooks_is_told() {
    let sandbox = synced();
    let project = sandbox.root().join(".claude/settings.json");
    sandbox.write(&project, "{\"disableAllHooks\": true}");
    drift(
        &sandbox,
        &[],
        &[
            "drift: `rig-guard` on `PreToolUse` does not run: ROOT/.claude/settings.json sets `disableAllHooks`",
            "drift: `rig-report` on `Stop` does not run: ROOT/.claude/settings.json sets `disableAllHooks`",
        ],
        &[],
    );
    let replaced =
        fs::read_to_string(sandbox.settings()).unwrap().replace("\"timeout\": 5,", "\"async\": true,");
    sandbox.write(&project, replaced);
    drift(
        &sandbox,
        &[],
        &[
            "drift: `rig-guard` on `PreToolUse` is replaced by an entry with the same command in ROOT/.claude/settings.json",
        ],
        &[],
    );
}

#[test]
fn a_missing_program_is_told() {
    let sandbox = synced();
    fs::remove_file(sandbox.bin().join("rig-guard")).unwrap();
    drift(&sandbox, &[], &["drift: there is no program ROOT/bin/rig-guard"], &[]);
}

#[test]
fn a_lost_record_and_a_sync_that_did_not_end_are_told() {
    let sandbox = synced();
    let record = fs::read_dir(sandbox.records()).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("\"entries\"", "\"next\": [],\n  \"entries\"", 1)).unwrap();
    drift(
        &sandbox,
        &[],
        &["drift: the last sync of ROOT/home/.claude/settings.json did not come to its end"],
        &[],
    );
    fs::remove_file(&record).unwrap();
    drift(&sandbox, &[], &["drift: the record of ROOT/home/.claude/settings.json is lost"], &[]);
    sandbox.ok(&["--identity", "dev-e-node"]);
    drift(&sandbox, &[], &[IN_FORCE], &[]);
}

#[test]
fn a_matcher_that_can_never_fire_is_told() {
    let sandbox = Sandbox::new();
    let mine =
        r#"{"hooks":{"PostToolUse":[{"matcher":"MultiEdit","hooks":[{"type":"command","command":"x"}]}]}}"#;
    sandbox.write(&sandbox.settings(), mine);
    sandbox.ok(&[]);
    let note = "rig-hooks-sync: note: the matcher under `PostToolUse` can never fire: the client has no tool `MultiEdit` any more";
    drift(&sandbox, &[], &[IN_FORCE], &[note]);
    let told = "the matcher under `PostToolUse` can never fire: `bash` is spelled `Bash`";
    let ran = sandbox.ok(&["--role", "dead-matcher"]);
    assert_eq!(ran.stderr, format!("rig-hooks-sync: note: {told}\n"));
    drift(&sandbox, &[], &[&format!("drift: {told}")], &[note]);
}
