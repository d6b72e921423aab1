//! What makes a sync fail, and that nothing at all is changed then.

use std::fs;

use crate::sandbox::{Sandbox, fixtures};

#[track_caller]
fn refused(before: &[u8], options: &[&str], code: i32, stderr: &str) {
    let sandbox = Sandbox::new();
    sandbox.write(&sandbox.settings(), before);
    let tree = sandbox.tree();
    let ran = sandbox.run(options);
    let told = ran.stderr.replace(&*fixtures().to_string_lossy(), "FIXTURES");
    assert_eq!((ran.code, ran.stdout.as_str(), told.as_str()), (Some(code), "", stderr));
    assert_eq!((sandbox.read().unwrap(), sandbox.tree()), (before.to_vec(), tree));
}

#[test]
fn settings_that_cannot_be_edited_are_left_alone() {
    for (before, what) in [
        ("{\n  \"a\": 1,\n}", "not JSON, line 3, column 1: a comma before the closing brace"),
        ("{\n  // mine\n}", "not JSON, line 2, column 3: a comment, which JSON does not have"),
        ("[]", "the file is a list, not an object"),
        ("{\"hooks\": []}", "`hooks` is a list, not an object"),
        ("{\"hooks\": {\"PreToolUse\": {}}}", "`hooks.PreToolUse` is an object, not a list"),
        ("{\"hooks\": {\"Stop\": null}}", "`hooks.Stop` is null, not a list"),
        ("{\"env\": 5, \"hooks\": {}}", "`env` is a number, not an object"),
        ("{\"hooks\": {}, \"hooks\": {}}", "the key `hooks` is there twice"),
        ("{\"hooks\": {\"Stop\": [], \"Stop\": []}}", "the key `hooks.Stop` is there twice"),
        ("{\"a\": [{\"b\": 1, \"b\": 2}]}", "the key `a[0].b` is there twice"),
    ] {
        let stderr = format!(
            "rig-hooks-sync: cannot edit ROOT/home/.claude/settings.json: {what}\n\
             hint: mend the file by hand and sync again; nothing was changed\n"
        );
        refused(before.as_bytes(), &[], 3, &stderr);
    }
    refused(
        b"{\"a\": \"\xff\"}",
        &[],
        3,
        "rig-hooks-sync: cannot edit ROOT/home/.claude/settings.json: not UTF-8 text\n\
         hint: mend the file by hand and sync again; nothing was changed\n",
    );
}

#[test]
fn settings_that_the_client_would_ignore_are_left_alone() {
    for (before, what) in [
        ("{\"model\": 5}", "`model` is a number, not a text"),
        (
            "{\"hooks\": {\"PreToolUse\": [{\"type\": \"command\", \"command\": \"x\"}]}}",
            "`hooks.PreToolUse[0]` has no `hooks` list",
        ),
    ] {
        let stderr = format!(
            "rig-hooks-sync: ROOT/home/.claude/settings.json: the client ignores the whole file: {what}\n\
             hint: hooks in it would not run; mend the file and sync again, nothing was changed\n"
        );
        refused(before.as_bytes(), &[], 3, &stderr);
    }
}

#[test]
fn failed_override_leaves_settings_untouched() {
    for (role, what) in [
        (
            "bad-operation",
            "operation 2 does not apply, path is invalid: {\"op\":\"add\",\"path\":\"/hooks/SessionEnd/-\",\"value\":{}}",
        ),
        ("bad-json", "not JSON, line 1, column 16: a comma before the closing brace"),
        ("bad-key", "`permissions` is not allowed; only `$schema` and `hooks` are"),
        ("bad-entry", "the client ignores one entry: `hooks.Stop[0]` has no `hooks` list"),
        ("bad-placeholder", "unknown placeholder in `${home}/x`; there are ${bin} and, in `args`, ${places}"),
        ("bad-kind", "neither a list (JSON Patch) nor an object (merge patch)"),
    ] {
        let stderr =
            format!("rig-hooks-sync: cannot use FIXTURES/base/hooks-overrides/{role}.json: {what}\n");
        refused(b"{}", &["--role", role], 3, &stderr);
    }
}

#[test]
fn an_unknown_role_names_the_known_ones() {
    let known = "`bad-entry`, `bad-json`, `bad-key`, `bad-kind`, `bad-operation`, `bad-placeholder`, \
                 `dead-matcher`, `merge`, `patch`";
    for role in ["nobody", "../base", "patch.json"] {
        let stderr =
            format!("rig-hooks-sync: no role `{role}`; there are {known}, and `none` for the base alone\n");
        refused(b"{}", &["--role", role], 3, &stderr);
    }
}

#[test]
fn entries_without_their_programs_are_not_written() {
    let stderr = "rig-hooks-sync: no program ROOT/nowhere/rig-guard that can be run\n\
                  hint: an entry without its program blocks every call; install the programs, or name their \
                  directory with --bin\n";
    refused(b"{}", &["--bin", "nowhere"], 3, stderr);
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for (options, stderr) in [
        (
            &["--identity", "no id"][..],
            "rig-hooks-sync: \"no id\" is not an agent id (1 to 64 letters, digits, `.`, `_`, `-`, then optionally `/` and an instance)\n",
        ),
        (&["--destdir", "x"], "rig-hooks-sync: --destdir goes with `--scope managed` alone\n"),
    ] {
        refused(b"{}", options, 2, stderr);
    }
}

#[test]
fn a_base_that_is_missing_is_named() {
    let sandbox = Sandbox::new();
    let ran = sandbox.ran(sandbox.command(&[]).args(["--base", "elsewhere.json"]));
    // The command gives --base twice, which is an error of its own.
    assert_eq!(ran.code, Some(2));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
    command
        .env_clear()
        .env("HOME", sandbox.home())
        .current_dir(sandbox.root())
        .args(["--base", "elsewhere.json"]);
    let ran = sandbox.ran(&mut command);
    assert_eq!(
        ran.stderr,
        "rig-hooks-sync: failed to read ROOT/elsewhere.json: No such file or directory (os error 2)\n"
    );
    assert_eq!((ran.code, sandbox.tree()), (Some(3), vec![]));
}

#[test]
fn a_link_to_nothing_is_not_followed() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.home().join(".claude")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.settings()).unwrap();
    let ran = sandbox.run(&[]);
    assert_eq!(
        ran.stderr,
        "rig-hooks-sync: failed to follow the link ROOT/home/.claude/settings.json: No such file or directory (os error 2)\n"
    );
    assert_eq!(sandbox.tree(), [".claude", ".claude/settings.json"]);
}

#[test]
fn a_damaged_record_stops_everything() {
    let sandbox = Sandbox::new();
    sandbox.ok(&[]);
    let synced = sandbox.read();
    let record = fs::read_dir(sandbox.records()).unwrap().next().unwrap().unwrap().path();
    fs::write(&record, "{").unwrap();
    for options in [&["--role", "patch"][..], &["--remove"], &["--check"]] {
        let ran = sandbox.run(options);
        let name = sandbox.told(record.to_string_lossy().as_bytes());
        assert_eq!(
            ran.stderr,
            format!(
                "rig-hooks-sync: the record {name} is not valid: EOF while parsing an object at line 1 column 1\n\
                 hint: remove the damaged record and sync again\n"
            )
        );
        assert_eq!((ran.code, sandbox.read()), (Some(3), synced.clone()));
    }
}
