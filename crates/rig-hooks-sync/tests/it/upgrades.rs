//! What a second sync or a removal makes of what the first one left and the user changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::sandbox::Sandbox;

const MINE: &str = "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [{\"type\": \"command\", \"command\": \"mine\"}]\n      }\n    ]\n  }\n}\n";

fn with(before: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(&sandbox.settings(), before);
    sandbox
}

/// Changes the user's settings as the user would.
#[track_caller]
fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let text = fs::read_to_string(sandbox.settings()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(sandbox.settings(), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn another_directory_of_programs_replaces_the_entries_in_place() {
    let sandbox = with(MINE);
    sandbox.ok(&[]);
    let first = sandbox.read_text();
    let other = sandbox.root().join("other-bin");
    sandbox.ok(&["--bin", other.to_str().unwrap()]);
    assert_eq!(sandbox.read_text(), first.replace("ROOT/bin/", "ROOT/other-bin/"));
    sandbox.ok(&["--remove"]);
    assert_eq!(sandbox.read_text(), MINE);
}

#[test]
fn a_lost_record_does_not_double_the_entries() {
    let sandbox = with(MINE);
    sandbox.ok(&["--identity", "dev-e-node"]);
    let first = sandbox.read();
    fs::remove_dir_all(sandbox.records()).unwrap();
    sandbox.ok(&["--identity", "dev-e-node"]);
    assert_eq!(sandbox.read(), first);
    fs::remove_dir_all(sandbox.records()).unwrap();
    sandbox.ok(&["--remove", "--identity", "dev-e-node"]);
    assert_eq!(sandbox.read_text(), MINE);
}

#[test]
fn a_role_comes_and_goes() {
    let sandbox = with(MINE);
    sandbox.ok(&[]);
    let base = sandbox.read();
    sandbox.ok(&["--role", "patch"]);
    let patched = sandbox.read_text();
    assert!(patched.contains("SubagentStop") && patched.contains("\"timeout\": 9"), "{patched}");
    let ran = sandbox.ok(&["--role", "none"]);
    assert_eq!(
        ran.stderr,
        "rig-hooks-sync: note: the role of the last sync was patch; --role patch brings it back\n"
    );
    assert_eq!(sandbox.read(), base);
    sandbox.ok(&["--role", "merge"]);
    sandbox.ok(&["--remove"]);
    assert_eq!(sandbox.read_text(), MINE);
}

#[test]
fn a_removal_leaves_what_the_user_changed_meanwhile() {
    let sandbox = with(MINE);
    sandbox.ok(&["--identity", "dev-e-node"]);
    edit(&sandbox, "\"opus\"", "\"sonnet\",\n  \"verbose\": true");
    edit(&sandbox, "\"command\": \"mine\"", "\"command\": \"changed\"");
    sandbox.ok(&["--identity", "dev-e-dotnet"]);
    edit(&sandbox, "\"verbose\": true", "\"verbose\": false");
    sandbox.ok(&["--remove"]);
    let expected =
        MINE.replace("\"opus\"", "\"sonnet\",\n  \"verbose\": false").replace("\"mine\"", "\"changed\"");
    assert_eq!(sandbox.read_text(), expected);
}

#[test]
fn what_the_user_put_into_our_containers_stays() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["--identity", "dev-e-node"]);
    edit(&sandbox, "  \"env\": {", "  \"env\": {\n    \"MINE\": \"1\",");
    edit(&sandbox, "    \"Stop\": [", "    \"Notification\": [],\n    \"Stop\": [");
    sandbox.ok(&["--remove"]);
    assert_eq!(
        sandbox.read_text(),
        "{\n  \"env\": {\n    \"MINE\": \"1\"\n  },\n  \"hooks\": {\n    \"Notification\": []\n  }\n}\n"
    );
}

#[test]
fn a_hook_of_the_users_in_our_matcher_stays() {
    let sandbox = Sandbox::new();
    sandbox.ok(&[]);
    edit(
        &sandbox,
        "        \"matcher\": \"*\",\n        \"hooks\": [",
        "        \"matcher\": \"*\",\n        \"hooks\": [\n          {\"type\": \"command\", \"command\": \"mine\"},",
    );
    let edited = sandbox.read_text();
    sandbox.ok(&[]);
    assert_eq!(sandbox.read_text(), edited);
    sandbox.ok(&["--remove"]);
    let expected = "{\n  \"hooks\": {\n    \"PreToolUse\": [\n      {\n        \"matcher\": \"*\",\n        \"hooks\": [\n          {\"type\": \"command\", \"command\": \"mine\"}\n        ]\n      }\n    ]\n  }\n}\n";
    assert_eq!(sandbox.read_text(), expected);
}

#[test]
fn entries_that_somebody_changed_are_mended_in_place() {
    let sandbox = with(MINE);
    sandbox.ok(&["--identity", "dev-e-node"]);
    let synced = sandbox.read();
    edit(&sandbox, "\"block\"", "\"continue\"");
    edit(&sandbox, "\"matcher\": \"*\"", "\"matcher\": \"Bash\"");
    edit(&sandbox, "\"timeout\": 5\n", "\"timeout\": 50\n");
    sandbox.ok(&["--identity", "dev-e-node"]);
    assert_eq!(sandbox.read(), synced);
    // As the client rewrites the file when it adds a permission.
    let parsed: serde_json::Value = serde_json::from_slice(&sandbox.read().unwrap()).unwrap();
    fs::write(sandbox.settings(), parsed.to_string()).unwrap();
    let ran = sandbox.ok(&["--identity", "dev-e-node"]);
    assert_eq!(ran.stdout.lines().next(), Some("ROOT/home/.claude/settings.json is up to date: 2 hooks"));
}

#[test]
fn an_identity_is_changed_and_taken_back() {
    let sandbox = with(MINE);
    sandbox.ok(&[]);
    let nobody = sandbox.read();
    sandbox.ok(&["--identity", "dev-e-node"]);
    let node = sandbox.read_text();
    sandbox.ok(&["--identity", "dev-e-dotnet"]);
    assert_eq!(sandbox.read_text(), node.replace("dev-e-node", "dev-e-dotnet"));
    // What the user set instead is the user's.
    edit(&sandbox, "\"GIT_AUTHOR_NAME\": \"dev-e-dotnet\"", "\"GIT_AUTHOR_NAME\": \"Kari\"");
    let ran = sandbox.ok(&["--no-identity"]);
    assert_eq!(ran.stderr, "");
    assert!(
        sandbox.read_text().contains("\"env\": {\n    \"GIT_AUTHOR_NAME\": \"Kari\"\n  }"),
        "{}",
        sandbox.read_text()
    );
    edit(&sandbox, "\"GIT_AUTHOR_NAME\": \"Kari\"", "\"GIT_AUTHOR_NAME\": \"dev-e-node\"");
    fs::write(sandbox.settings(), nobody.unwrap()).unwrap();
    sandbox.ok(&["--remove"]);
    assert_eq!(sandbox.read_text(), MINE);
}

#[test]
fn the_configuration_names_the_identity() {
    let sandbox = Sandbox::new();
    let config = r#"{"agent":{"id":"dev-e-node","name":"Dev E","email":"dev@example.org"}}"#;
    sandbox.write(&sandbox.home().join(".config/rig/config.json"), config);
    let ran = sandbox.ok(&[]);
    assert_eq!(
        ran.stdout,
        "made ROOT/home/.claude/settings.json with 2 hooks\ncommits and events are by dev-e-node\n"
    );
    let settings: serde_json::Value = serde_json::from_slice(&sandbox.read().unwrap()).unwrap();
    assert_eq!(
        settings["env"],
        serde_json::json!({
            "CONDUCTOR_AGENT_ID": "dev-e-node",
            "GIT_AUTHOR_NAME": "Dev E",
            "GIT_AUTHOR_EMAIL": "dev@example.org",
            "GIT_COMMITTER_NAME": "Dev E",
            "GIT_COMMITTER_EMAIL": "dev@example.org"
        })
    );
}

#[test]
fn mode_and_link_of_the_settings_file_stay() {
    let sandbox = Sandbox::new();
    let dotfiles = sandbox.home().join("dotfiles/claude.json");
    sandbox.write(&dotfiles, MINE);
    fs::set_permissions(&dotfiles, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(sandbox.home().join(".claude")).unwrap();
    symlink("../dotfiles/claude.json", sandbox.settings()).unwrap();
    for options in [&[][..], &["--remove"]] {
        sandbox.ok(options);
        assert!(sandbox.settings().is_symlink());
        assert_eq!(fs::metadata(&dotfiles).unwrap().permissions().mode() & 0o777, 0o640);
    }
    assert_eq!(sandbox.read_text(), MINE);
}

#[test]
fn the_backup_is_the_file_before_the_last_write_and_private() {
    let sandbox = with(MINE);
    let backup = || {
        let mut files = fs::read_dir(sandbox.records()).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|e| e == "backup")).unwrap()
    };
    sandbox.ok(&[]);
    assert_eq!(fs::read_to_string(backup()).unwrap(), MINE);
    edit(&sandbox, "opus", "sonnet");
    let edited = sandbox.read();
    sandbox.ok(&["--role", "patch"]);
    assert_eq!(fs::read(backup()).ok(), edited);
    for file in fs::read_dir(sandbox.records()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let sandbox = with(MINE);
    let before = sandbox.tree();
    let ran = sandbox.ok(&["--role", "merge", "--dry-run"]);
    let expected = "--- ROOT/home/.claude/settings.json\n+++ ROOT/home/.claude/settings.json\n@@ -5,6 +5,26 @@\n       {\n         \"hooks\": [{\"type\": \"command\", \"command\": \"mine\"}]\n       }\n+    ],\n+    \"PreToolUse\": [\n+      {\n+        \"matcher\": \"*\",\n+        \"hooks\": [\n+          {\n+            \"type\": \"command\",\n+            \"command\": \"ROOT/bin/rig-guard\",\n+            \"args\": [\n+              \"hook\",\n+              \"--config\",\n+              \"ROOT/home/.config/rig/config.json\",\n+              \"--state\",\n+              \"ROOT/home/.local/state/rig\"\n+            ],\n+            \"timeout\": 5,\n+            \"onFailure\": \"block\"\n+          }\n+        ]\n+      }\n     ]\n   }\n }\n";
    assert_eq!(ran.stdout, expected);
    assert_eq!((sandbox.read_text(), sandbox.tree()), (MINE.to_owned(), before));
    sandbox.ok(&["--role", "merge"]);
    let ran = sandbox.ok(&["--remove", "--dry-run"]);
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with('-')).count(), 21, "{}", ran.stdout);
    let ran = sandbox.ok(&["--role", "merge", "--dry-run"]);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "rig-hooks-sync: ROOT/home/.claude/settings.json would stay as it is\n")
    );
}

#[test]
fn a_removal_where_nothing_was_synced_says_so() {
    let sandbox = with(MINE);
    assert_eq!(
        sandbox.ok(&["--remove"]).stdout,
        "ROOT/home/.claude/settings.json holds nothing of the rig's\n"
    );
    assert_eq!(sandbox.read_text(), MINE);
    let empty = Sandbox::new();
    empty.ok(&["--remove"]);
    assert_eq!(empty.tree(), [""; 0]);
}
