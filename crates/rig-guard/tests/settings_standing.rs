//! Entries of the rig that nobody has recorded stay in Claude's settings as well, and what the rig is
//! told to use elsewhere is its own there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use rig_testkit::{Home, Payload, Program};
use serde_json::{Value, json};

/// A home with a project in it, whose settings somebody has written by hand.
struct ByHand {
    home: Home,
    user: PathBuf,
    local: PathBuf,
    text: String,
}

/// Settings in which a command runs on the guard's events, and other hooks beside it.
fn settings(command: &str) -> String {
    let hooks = |command: &str| json!([{"matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": 5}]}]);
    let text = json!({
        "hooks": {
            "ConfigChange": hooks(command),
            "PostToolUse": hooks("npx prettier --write"),
            "PreToolUse": hooks(command),
            "Stop": hooks("/opt/rig/bin/rig-report hook"),
        },
        "model": "opus",
    });
    serde_json::to_string_pretty(&text).unwrap()
}

impl ByHand {
    fn new(command: &str) -> Self {
        let home = Home::new();
        let text = settings(command);
        let user = home.write(".claude/settings.json", &text);
        let local = home.write("project/.claude/settings.local.json", "{}");
        Self { home, user, local, text }
    }

    #[track_caller]
    fn check(&self, payload: Payload, code: i32) -> String {
        let project = self.home.join("project");
        let named = format!("{payload:?}");
        let program = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&self.home).cwd(&project);
        let program = program.env("CLAUDE_PROJECT_DIR", &project).payload(payload.cwd(&project));
        let output = program.output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(code), ""), "{named}: {}", output.stderr);
        output.stderr
    }
}

#[test]
fn an_edit_that_loses_hooks_put_there_by_hand_is_refused() {
    let rig = ByHand::new("~/.local/bin/rig-guard hook");
    let (file, text) = (&rig.user, &rig.text);
    let path = file.display();
    let why = rig.check(Payload::write(file, "{}"), 2);
    assert_eq!(
        why,
        format!(
            "rig-guard: blocked by self.settings\n\
             This would leave Claude's settings without hooks of the rig, this guard among them: \
             `rig-guard` on `ConfigChange` is missing in {path}; `rig-guard` on `PreToolUse` is missing in {path}; \
             `rig-report` on `Stop` is missing in {path}.\n\
             part: {path}\n\
             instead: keep the entries of the rig in the file, and `disableAllHooks` out of it\n\
             If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n"
        )
    );
    for payload in [
        Payload::write(file, ""),
        Payload::write(file, "{"),
        Payload::write(file, &text.replace("\"opus\"", "\"opus\",,")),
        Payload::write(file, &text.replace("\"opus\"", "5")),
        Payload::write(file, "{\"permissions\": {\"allow\": [\"Bash(*)\"]}}"),
        Payload::write(file, &text.replace("\"model\"", "\"disableAllHooks\": true, \"model\"")),
        Payload::write(file, &text.replace("rig-guard hook", "rig-guard hook || true")),
        Payload::write(&rig.local, "{\"disableAllHooks\": true}"),
        Payload::edit(file, "PreToolUse", "PostCompact"),
        Payload::edit(file, "/opt/rig/bin/rig-report hook", "true"),
        Payload::edit(file, "\"ConfigChange\"", "\"configChange\""),
        Payload::edit(file, "not there", "x"),
        Payload::pre_tool_use(
            "Edit",
            json!({"file_path": file, "old_string": "rig-guard hook", "new_string": "true", "replace_all": true}),
        ),
        Payload::pre_tool_use("mcp__files__write_file", json!({"path": file, "content": text})),
    ] {
        rig.check(payload, 2);
    }
    for payload in [
        Payload::write(file, &text.replace("opus", "sonnet")),
        Payload::write(file, &text.replace("npx prettier --write", "cargo fmt")),
        Payload::write(file, &settings("~/.local/bin/rig-guard hook").replace("  ", "\t")),
        Payload::edit(file, "\"model\": \"opus\"", "\"permissions\": {\"allow\": [\"Bash(ls)\"]}"),
        Payload::write(&rig.local, "{\"permissions\": {\"allow\": [\"Bash(ls)\"]}}"),
    ] {
        rig.check(payload, 0);
    }
}

#[test]
fn a_command_that_loses_hooks_put_there_by_hand_is_refused() {
    let rig = ByHand::new("rig-guard hook");
    let whole = format!("cat > ~/.claude/settings.json <<'E'\n{}\nE", rig.text.replace("opus", "haiku"));
    let lost = whole.replace("rig-guard", "true");
    rig.home.write("copy.json", &rig.text);
    for (command, code) in [
        ("sleep 2; echo '{}' > ~/.claude/settings.json", 2),
        ("cd ~/.claude && rm settings.json", 2),
        ("rm -f ~/.claude/settings.json", 2),
        ("rm -rf ~/.claude", 2),
        ("rm ~/.claude/*.json", 2),
        ("mv ~/.claude/settings.json ~/.claude/settings.json.off", 2),
        ("mv ~/.claude ~/.claude-old", 2),
        (": > ~/.claude/settings.json", 2),
        ("truncate -s 0 ~/.claude/settings.json", 2),
        ("jq 'del(.hooks)' ~/.claude/settings.json > /tmp/s && mv /tmp/s ~/.claude/settings.json", 2),
        ("sed -i '/rig-guard/d' ~/.claude/settings.json", 2),
        ("ln -sf /dev/null ~/.claude/settings.json", 2),
        ("chmod 000 ~/.claude/settings.json", 2),
        ("echo '{\"disableAllHooks\":true}' > .claude/settings.local.json", 2),
        (&lost, 2),
        (&whole, 0),
        ("cp ~/copy.json ~/.claude/settings.json", 0),
        ("cat ~/.claude/settings.json", 0),
        ("cp ~/.claude/settings.json ~/.claude/settings.json.bak", 0),
        ("rm .claude/settings.local.json", 0),
        ("echo '{\"model\":\"opus\"}' > .claude/settings.local.json", 0),
        ("echo '{\"model\":\"opus\"}' > .claude/settings.json", 0),
        ("rm -rf ~/.claude/cache", 0),
    ] {
        rig.check(Payload::bash(command), code);
    }
    let shell = |command: &str| Payload::pre_tool_use("PowerShell", json!({"command": command}));
    rig.check(shell("Set-Content -Path ~/.claude/settings.json -Value '{}'"), 2);
    rig.check(shell("Get-Content ~/.claude/settings.json"), 0);
}

#[test]
fn a_hook_counts_by_the_name_of_the_program_however_it_is_called() {
    for (command, code) in [
        ("/opt/rig/bin/rig-guard hook", 2),
        ("rig-guard", 2),
        ("env RIG=1 rig-guard hook --state /tmp/s", 2),
        ("\"$HOME/.local/bin/rig-guard\" hook", 2),
        ("'/opt/my rig/rig-prime' hook", 2),
        ("bash -c 'exec rig-escalate P2 done'", 2),
        ("conductor-e-hook.sh PreToolUse", 2),
        ("~/bin/guard.sh", 0),
        ("echo rig", 0),
    ] {
        let rig = ByHand::new(command);
        let after = rig.text.replace("PreToolUse", "PostCompact");
        rig.check(Payload::write(&rig.user, &after), code);
    }
}

#[test]
fn hooks_in_the_settings_of_a_project_count_as_well() {
    let rig = ByHand::new("true");
    let project = rig.home.write("project/.claude/settings.json", settings("rig-guard hook"));
    rig.check(Payload::write(&project, "{}"), 2);
    rig.check(Payload::write(&project, &settings("rig-guard hook").replace("opus", "haiku")), 0);
    rig.check(Payload::bash("git checkout -- .claude/settings.json"), 2);
    rig.check(Payload::bash("rm .claude/settings.json"), 2);
    rig.check(Payload::bash("rm .claude/settings.local.json"), 0);
}

#[test]
fn where_no_hook_is_known_the_users_settings_are_not_made_without_one() {
    let rig = ByHand::new("true");
    std::fs::remove_file(&rig.user).unwrap();
    let with_hook = format!("cat > ~/.claude/settings.json <<'E'\n{}\nE", settings("rig-guard hook"));
    for (command, code) in [
        ("echo '{}' > ~/.claude/settings.json", 2),
        ("rm -f ~/.claude/settings.json", 2),
        ("cd ~/.claude && rm settings.json", 2),
        (&with_hook, 0),
        ("echo '{}' > .claude/settings.json", 0),
        ("rm -f .claude/settings.local.json", 0),
    ] {
        rig.check(Payload::bash(command), code);
    }
    rig.check(Payload::write(&rig.user, "{\"permissions\": {\"allow\": [\"Bash(ls)\"]}}"), 0);
    // A file that is there has nothing to lose.
    rig.home.write(".claude/settings.json", "{\"model\": \"opus\"}");
    rig.check(Payload::bash("echo '{}' > ~/.claude/settings.json"), 0);
    rig.check(Payload::bash("rm -f ~/.claude/settings.json"), 0);
}

#[test]
fn places_with_other_names_hold_other_files_too() {
    let home = Home::new();
    let dir = |name: &str| {
        std::fs::create_dir_all(home.join(name)).unwrap();
        home.join(name)
    };
    let own = |name: &str, arguments: [PathBuf; 2]| {
        let [config, state] = arguments;
        let arguments: [&Path; 5] =
            [Path::new("hook"), Path::new("--config"), &config, Path::new("--state"), &state];
        let file: Value = json!({"file_path": home.join(name), "content": "x"});
        let program = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&home).args(arguments);
        program.payload(Payload::pre_tool_use("Write", file).cwd(home.path())).output().code
    };
    let elsewhere = || [dir("desk").join("config.json"), dir("desk/state")];
    let named = || [dir("etc/rig").join("config.json"), dir("state")];
    for (arguments, cases) in [
        (
            elsewhere(),
            &[
                ("desk/config.json", 2),
                ("desk/guard.json", 2),
                ("desk/state/log/rig-guard.jsonl", 2),
                ("desk/state", 2),
                ("desk/notes.txt", 0),
                ("desk/sub/config.json", 0),
                ("desk/statement.txt", 0),
                (".config/rig/config.json", 0),
            ][..],
        ),
        (
            named(),
            &[("etc/rig/config.json", 2), ("etc/rig/other", 2), ("etc/x", 0), ("state/x", 2), ("x", 0)][..],
        ),
    ] {
        for (name, code) in cases {
            assert_eq!(own(name, arguments.clone()), Some(*code), "{name} with {arguments:?}");
        }
    }
}
