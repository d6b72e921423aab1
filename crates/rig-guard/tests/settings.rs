//! Claude's settings stay with the rig's hooks in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use rig_core::settings::{Entry, RECORD_VERSION, Record, Scope, Undo};
use rig_testkit::{Home, Output, Payload, Program};
use serde_json::{Value, json};

/// A user's settings with the guard's entries, and the record of them.
struct Installed {
    home: Home,
    settings: PathBuf,
    text: String,
}

impl Installed {
    fn new() -> Self {
        let home = Home::new();
        let hook = json!({"type": "command", "command": "/opt/rig/bin/rig-guard", "args": ["hook"], "timeout": 5, "onFailure": "block"});
        let events = ["PreToolUse", "ConfigChange"];
        let lists = events.map(|event| (event.to_owned(), json!([{"hooks": [hook]}])));
        let settings = json!({"hooks": Value::Object(lists.into_iter().collect()), "model": "opus"});
        let text = serde_json::to_string_pretty(&settings).unwrap();
        let settings = home.write(".claude/settings.json", &text);
        let record = Record {
            version: RECORD_VERSION,
            target: settings.clone(),
            scope: Scope::User,
            role: None,
            bin: "/opt/rig/bin".into(),
            entries: events.map(|e| Entry { event: e.into(), matcher: None, hook: hook.clone() }).into(),
            next: None,
            env: [].into(),
            undo: Undo::default(),
        };
        home.write(".local/state/rig/hooks/user.json", serde_json::to_string(&record).unwrap());
        Self { home, settings, text }
    }

    fn ask(&self, payload: Payload) -> Output {
        let project = self.home.join("project");
        std::fs::create_dir_all(&project).unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&self.home).cwd(&project);
        program.env("CLAUDE_PROJECT_DIR", &project).payload(payload.cwd(&project)).output()
    }

    #[track_caller]
    fn check(&self, payload: Payload, code: i32) -> String {
        let output = self.ask(payload);
        assert_eq!((output.code, output.stdout.as_str()), (Some(code), ""), "{}", output.stderr);
        output.stderr
    }
}

#[test]
fn an_edit_that_keeps_the_hooks_passes() {
    let rig = Installed::new();
    let file = &rig.settings;
    rig.check(Payload::edit(file, "\"model\": \"opus\"", "\"permissions\": {\"allow\": [\"Bash(ls)\"]}"), 0);
    rig.check(Payload::write(file, &rig.text.replace("opus", "sonnet")), 0);
    let local = rig.home.join("project/.claude/settings.local.json");
    rig.check(Payload::write(&local, "{\"permissions\": {\"allow\": [\"Bash(ls)\"]}}"), 0);
    rig.check(Payload::write(rig.home.join("project/.claude/agents/x.md"), "{"), 0);
}

#[test]
fn an_edit_that_loses_the_hooks_is_refused() {
    let rig = Installed::new();
    let file = &rig.settings;
    let why = rig.check(Payload::write(file, "{}"), 2);
    assert_eq!(
        why,
        format!(
            "rig-guard: blocked by self.settings\n\
             This would leave Claude's settings without hooks of the rig, this guard among them: \
             `rig-guard` on `PreToolUse` is missing in {0}; `rig-guard` on `ConfigChange` is missing in {0}.\n\
             part: {0}\n\
             instead: keep the entries of the rig in the file, and `disableAllHooks` out of it\n\
             If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n",
            file.display()
        )
    );
    let local = rig.home.join("project/.claude/settings.local.json");
    let project = rig.home.join("project/.claude/settings.json");
    for payload in [
        Payload::write(file, "{"),
        Payload::write(file, &rig.text.replace("\"block\"", "\"continue\"")),
        Payload::write(file, &rig.text.replace("\"model\"", "\"disableAllHooks\": true, \"model\"")),
        Payload::edit(file, "PreToolUse", "PostToolUse"),
        Payload::edit(file, "not there", "x"),
        Payload::edit(file, "rig-guard", "x"),
        Payload::write(&local, "{\"disableAllHooks\": true}"),
        Payload::write(&project, "{\"disableAllHooks\": true}"),
        Payload::pre_tool_use("mcp__files__write_file", json!({"path": file, "content": rig.text})),
    ] {
        rig.check(payload, 2);
    }
}

#[test]
fn a_file_by_another_name_is_the_same_file() {
    let rig = Installed::new();
    std::os::unix::fs::symlink(rig.home.join(".claude"), rig.home.join("link")).unwrap();
    let by_link = rig.home.join("link/settings.json");
    rig.check(Payload::write(&by_link, "{}"), 2);
    rig.check(Payload::write(&by_link, &rig.text), 0);
    rig.check(Payload::bash(&format!("echo '{{}}' > {}", by_link.display())), 2);
    rig.check(Payload::bash(&format!("cat {}", by_link.display())), 0);
}

#[test]
fn a_command_that_writes_the_settings_is_refused_and_told_to_edit() {
    let rig = Installed::new();
    for command in [
        "echo '{}' > ~/.claude/settings.json",
        "rm ~/.claude/settings.json",
        "mv ~/.claude ~/.claude-old",
        "echo '{\"disableAllHooks\":true}' > .claude/settings.local.json",
        "rm -r ~/.local/state/rig/hooks",
    ] {
        rig.check(Payload::bash(command), 2);
    }
    rig.check(Payload::bash("rm .claude/settings.local.json"), 0);
}

#[test]
fn a_command_whose_result_is_known_is_judged_by_it() {
    let rig = Installed::new();
    rig.home.write("kept.json", rig.text.replace("opus", "sonnet"));
    rig.home.write("lost.json", rig.text.replace("PreToolUse", "Stop"));
    let whole = format!("cat > ~/.claude/settings.json <<'E'\n{}\nE", rig.text.replace("opus", "haiku"));
    for (command, code) in [
        ("cp ~/kept.json ~/.claude/settings.json", 0),
        ("cp ~/lost.json ~/.claude/settings.json", 2),
        ("cp ~/missing.json ~/.claude/settings.json", 2),
        ("cp ~/kept.json /tmp/a; sed -i s/rig// /tmp/a; cp /tmp/a ~/.claude/settings.json", 2),
        (&whole, 0),
        (&whole.replace("haiku", "$(date)"), 0),
        (&whole.replace("'E'", "E").replace("haiku", "$(date)"), 2),
        (&whole.replace("> ~", ">> ~"), 2),
        ("echo '{\"permissions\":{\"allow\":[\"Bash(ls)\"]}}' > .claude/settings.json", 0),
        ("echo '{\"disableAllHooks\":true}' > .claude/settings.json", 2),
    ] {
        rig.check(Payload::bash(command), code);
    }
}

#[test]
fn the_installed_files_are_those_beside_the_running_program_and_in_the_places_of_the_installer() {
    let home = Home::new();
    let prefix = home.join("prefix");
    let program = prefix.join("bin/rig-guard");
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    // By another process: a file that this one has open for writing while another test starts a
    // program cannot be run.
    let copied =
        std::process::Command::new("cp").args([env!("CARGO_BIN_EXE_rig-guard")]).arg(&program).status();
    assert!(copied.unwrap().success());
    for (command, code) in [
        ("cp /bin/true prefix/bin/rig-report", 2),
        ("rm prefix/bin/pretool-guard", 2),
        ("rm -rf prefix", 2),
        ("mv prefix/share elsewhere", 2),
        ("echo '{}' > prefix/share/rig-tools/hooks-base.json", 2),
        ("cp /bin/true prefix/bin/other", 0),
        ("rm -rf prefix/share/other", 0),
        ("cp /bin/true ~/.local/bin/rig-report", 2),
        ("rm /usr/local/bin/rig-guard", 2),
        ("cp /bin/true ~/.local/bin/other", 0),
        ("cp /bin/true ~/own/bin/rig-report", 0),
    ] {
        let output = Program::new(&program).home(&home).bash(command).output();
        assert_eq!(output.code, Some(code), "{command}: {}", output.stderr);
    }
}

#[test]
fn a_changed_file_takes_effect_only_with_the_hooks_in_it() {
    let rig = Installed::new();
    let change = || Payload::config_change("user_settings", &rig.settings);
    rig.check(change(), 0);
    rig.home.write(".claude/settings.json", rig.text.replace("opus", "sonnet"));
    rig.check(change(), 0);
    for text in ["{}", "{", ""] {
        rig.home.write(".claude/settings.json", text);
        let why = rig.check(change(), 2);
        assert!(
            why.starts_with("rig-guard: blocked by self.settings\nThe changed settings would leave"),
            "{why}"
        );
    }
    std::fs::remove_file(&rig.settings).unwrap();
    rig.check(change(), 2);
    rig.home.write(".claude/settings.json", &rig.text);
    rig.home.write("project/.claude/settings.local.json", "{\"disableAllHooks\": true}");
    rig.check(
        Payload::config_change("local_settings", rig.home.join("project/.claude/settings.local.json")),
        2,
    );
}

#[test]
fn records_that_cannot_be_read_keep_every_change_out() {
    let rig = Installed::new();
    rig.home.write(".local/state/rig/hooks/user.json", "{");
    rig.check(Payload::config_change("user_settings", &rig.settings), 2);
    rig.check(Payload::write(&rig.settings, &rig.text), 2);
    rig.check(Payload::bash("ls"), 0);
}

#[test]
fn a_pipe_in_the_place_of_a_settings_file_is_not_waited_for() {
    let rig = Installed::new();
    let pipe = rig.home.join("project/.claude/settings.local.json");
    std::fs::create_dir_all(pipe.parent().unwrap()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    rig.check(Payload::config_change("local_settings", &pipe), 0);
    rig.check(Payload::write(&rig.settings, "{}"), 2);
    rig.check(Payload::edit(&pipe, "a", "b"), 2);
}

#[test]
fn without_records_only_the_switch_counts() {
    let home = Home::new();
    let file = home.write(".claude/settings.json", "{\"model\": \"opus\"}");
    let guard = |payload: Payload| {
        Program::new(env!("CARGO_BIN_EXE_rig-guard"))
            .home(&home)
            .payload(payload.cwd(home.path()))
            .output()
            .code
    };
    assert_eq!(guard(Payload::write(&file, "{}")), Some(0));
    assert_eq!(guard(Payload::config_change("user_settings", &file)), Some(0));
    assert_eq!(guard(Payload::write(&file, "{\"disableAllHooks\": true}")), Some(2));
    home.write(".claude/settings.json", "{\"disableAllHooks\": true}");
    assert_eq!(guard(Payload::config_change("user_settings", &file)), Some(2));
    assert_eq!(guard(Payload::write(&file, "{\"disableAllHooks\": true, \"model\": \"opus\"}")), Some(0));
}

/// What a settings file says whose `env` is this.
fn with_env(text: &str, env: Value) -> String {
    let mut settings: Value = serde_json::from_str(text).unwrap();
    settings["env"] = env;
    serde_json::to_string(&settings).unwrap()
}

#[test]
fn a_variable_that_chooses_programs_or_places_is_refused_where_it_is_new() {
    let rig = Installed::new();
    let local = rig.home.join("project/.claude/settings.local.json");
    for (env, code) in [
        (json!({"PATH": "/tmp/x:/usr/bin"}), 2),
        (json!({"BASH_ENV": "/tmp/x"}), 2),
        (json!({"LD_PRELOAD": "/tmp/x.so"}), 2),
        (json!({"GIT_CONFIG_COUNT": "1"}), 2),
        (json!({"RIG_POLICY": "x"}), 2),
        (json!({"CONDUCTOR_BASE_URL": "http://evil"}), 2),
        (json!({"DISCORD_WEBHOOK_URL": "http://evil"}), 2),
        (json!({"CONDUCTOR_AGENT_ID": "dev-e"}), 0),
        (json!({"NODE_ENV": "test", "GIT_AUTHOR_NAME": "x"}), 0),
        (json!({}), 0),
    ] {
        rig.check(Payload::write(&rig.settings, &with_env(&rig.text, env.clone())), code);
        rig.check(Payload::write(&local, &json!({"env": env}).to_string()), code);
    }
    let why = rig.check(Payload::write(&local, r#"{"env":{"PATH":"/x","LD_PRELOAD":"y"}}"#), 2);
    assert_eq!(
        why.lines().nth(1),
        Some(
            "This would set variables in Claude's settings that decide which programs run, or where the rig reports: LD_PRELOAD, PATH."
        )
    );
    // What is there already is nobody's change.
    let text = with_env(&rig.text, json!({"CONDUCTOR_BASE_URL": "http://own"}));
    rig.home.write(".claude/settings.json", &text);
    rig.check(Payload::write(&rig.settings, &text.replace("opus", "sonnet")), 0);
    rig.check(Payload::edit(&rig.settings, "http://own", "http://evil"), 2);
    rig.check(Payload::edit(&rig.settings, "CONDUCTOR_BASE_URL", "OTHER"), 0);
}

#[test]
fn a_changed_file_with_such_a_variable_is_kept_out_unless_it_is_in_force_already() {
    let rig = Installed::new();
    let change = || Payload::config_change("user_settings", &rig.settings);
    for (env, code) in [
        (json!({"LD_PRELOAD": "/tmp/x.so"}), 2),
        (json!({"PATH": "/tmp/x"}), 2),
        (json!({"PATH": rig_testkit::PATH}), 0),
        (json!({"NODE_ENV": "test"}), 0),
    ] {
        rig.home.write(".claude/settings.json", with_env(&rig.text, env));
        rig.check(change(), code);
    }
}

#[test]
fn a_refused_change_asks_for_a_person_once() {
    let rig = Installed::new();
    rig.home.write(".claude/settings.json", "{}");
    let change = || Payload::config_change("user_settings", &rig.settings);
    for _ in 0..3 {
        rig.check(change(), 2);
    }
    let of = |kind: &str| -> Vec<Value> {
        let events = rig.home.spool().into_iter().map(|record| record["event"].clone());
        events.filter(|event| event["type"] == kind).collect()
    };
    assert_eq!((of("GUARD_BLOCKED").len(), of("ESCALATION_CREATED").len()), (3, 1));
    let mut escalation = of("ESCALATION_CREATED").remove(0);
    for key in ["eventId", "occurredAt", "agentId", "escalationId"] {
        assert!(escalation.as_object_mut().unwrap().remove(key).is_some_and(|value| value.is_string()));
    }
    let session = rig_testkit::payload::SESSION;
    let path = rig.settings.display();
    assert_eq!(
        escalation,
        json!({
            "type": "ESCALATION_CREATED", "severity": "P1", "category": "security", "sessionId": session,
            "reason": format!(
                "A changed settings file of Claude Code would take the rig's hooks away at the next start: The changed settings \
                 would leave the session without hooks of the rig: `rig-guard` on `PreToolUse` is missing in {path}; \
                 `rig-guard` on `ConfigChange` is missing in {path}. The session goes on with the settings it had."
            ),
            "details": format!("changed: {path}\nsession: {session}"),
            "dedupKey": format!("guard.settings:{session}"),
        })
    );
}
