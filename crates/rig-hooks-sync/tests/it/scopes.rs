//! Whose settings are written, and what may stand in them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rig_core::settings::{Scope, read_records};

use crate::sandbox::{Sandbox, fixtures};

#[test]
fn user_settings_are_where_the_client_looks() {
    let sandbox = Sandbox::new();
    sandbox.ran(sandbox.command(&[]).env("CLAUDE_CONFIG_DIR", sandbox.home().join("config")));
    sandbox.ok(&["--target", "home/elsewhere"]);
    let mut files = sandbox.tree();
    files.retain(|path| path.ends_with("settings.json"));
    assert_eq!(files, ["config/settings.json", "elsewhere/settings.json"]);
    let targets: Vec<_> =
        read_records(&sandbox.records()).unwrap().into_iter().map(|r| (r.scope, r.target)).collect();
    assert_eq!(targets.len(), 2);
    assert!(targets.contains(&(Scope::User, sandbox.home().join("config/settings.json"))), "{targets:?}");
    assert!(targets.contains(&(Scope::User, sandbox.home().join("elsewhere/settings.json"))), "{targets:?}");
    sandbox.ok(&["--target", "home/elsewhere", "--remove"]);
    sandbox.ran(sandbox.command(&["--remove"]).env("CLAUDE_CONFIG_DIR", sandbox.home().join("config")));
    assert_eq!(sandbox.tree(), [""; 0]);
}

#[test]
fn local_settings_name_the_users_own_places() {
    let sandbox = Sandbox::new();
    let project = sandbox.home().join("project");
    fs::create_dir(&project).unwrap();
    sandbox.ok(&["--scope", "local", "--target", "home/project", "--identity", "human-stig"]);
    let text = fs::read_to_string(project.join(".claude/settings.local.json")).unwrap();
    let state = sandbox.home().join(".local/state/rig");
    assert!(text.contains(state.to_str().unwrap()) && text.contains("human-stig"), "{text}");
    let ran = sandbox.ran(sandbox.command(&["--scope", "local", "--check"]).current_dir(&project));
    assert_eq!(ran.stdout, "ROOT/home/project/.claude/settings.local.json: 2 hooks in force\n");
    sandbox.ok(&["--scope", "local", "--target", "home/project", "--remove"]);
    assert_eq!(sandbox.tree(), ["project"]);
}

#[test]
fn project_settings_name_nothing_of_this_machine_or_person() {
    let sandbox = Sandbox::new();
    let project = sandbox.home().join("project");
    fs::create_dir(&project).unwrap();
    let options = ["--scope", "project", "--target", "home/project"];
    let with = |more: &[&str]| sandbox.run(&[&options[..], more].concat());
    assert_eq!(
        with(&[]).stderr,
        "rig-hooks-sync: project settings cannot name ROOT/bin/rig-guard, which is not a system-wide path\n\
         hint: install with `./install.sh --system`, then name the directory with --bin /usr/local/bin\n"
    );
    let ran = with(&["--identity", "human-stig"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(2),
            "rig-hooks-sync: project settings are committed, so they carry no identity; use --scope local\n"
        )
    );
    assert_eq!(sandbox.tree(), ["project"]);

    // A base of programs that every machine has.
    let base = sandbox.root().join("base.json");
    fs::write(&base, r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"${bin}/true","args":["hook","${places}"],"timeout":5}]}]}}"#).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
    command.env_clear().env("HOME", sandbox.home()).current_dir(&project);
    command.args(["--scope", "project", "--bin", "/usr/bin", "--base"]).arg(&base);
    let ran = sandbox.ran(&mut command);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("made ROOT/home/project/.claude/settings.json with 1 hook\n", "")
    );
    assert_eq!(
        fs::read_to_string(project.join(".claude/settings.json"))
            .unwrap()
            .split_whitespace()
            .collect::<String>(),
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"/usr/bin/true","args":["hook"],"timeout":5}]}]}}"#
    );
}

#[test]
fn managed_settings_are_staged_below_another_root() {
    let sandbox = Sandbox::new();
    let image = sandbox.root().join("image");
    sandbox.programs(&image.join("usr/local/bin"));
    let options = ["--scope", "managed", "--destdir", "image", "--bin", "/usr/local/bin"];
    let with = |more: &[&str]| sandbox.run(&[&options[..], more].concat());
    let ran = with(&["--identity", "dev-e-node"]);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        (
            "made /etc/claude-code/managed-settings.d/rig-tools.json with 2 hooks\ncommits and events are by dev-e-node\n",
            ""
        )
    );
    let settings = image.join("etc/claude-code/managed-settings.d/rig-tools.json");
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&settings).unwrap()).unwrap();
    assert_eq!(
        written["hooks"]["PreToolUse"][0]["hooks"][0],
        serde_json::json!({"type": "command", "command": "/usr/local/bin/rig-guard", "args": ["hook"], "timeout": 5, "onFailure": "block"})
    );
    let records = read_records(&image.join("etc/rig/hooks")).unwrap();
    assert_eq!(records[0].target, Path::new("/etc/claude-code/managed-settings.d/rig-tools.json"));
    assert_eq!(records[0].bin, Path::new("/usr/local/bin"));
    for path in ["etc/rig/hooks", "etc/claude-code/managed-settings.d"] {
        let dir = image.join(path);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o755, "{path}");
        for file in fs::read_dir(dir).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o644);
        }
    }
    assert_eq!(
        with(&["--check"]).stdout,
        "/etc/claude-code/managed-settings.d/rig-tools.json: 2 hooks in force\n"
    );
    sandbox.write(&image.join("etc/claude-code/managed-settings.json"), r#"{"disableAllHooks":true}"#);
    let ran = with(&["--check"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(1), 2), "{ran:?}");
    fs::remove_file(image.join("etc/claude-code/managed-settings.json")).unwrap();
    assert_eq!(with(&["--remove"]).code, Some(0));
    assert!(!image.join("etc").exists());
}

#[test]
fn managed_settings_without_an_identity_carry_none_and_no_home() {
    let sandbox = Sandbox::new();
    let options = ["--scope", "managed", "--destdir", "image"];
    let ran = sandbox.run(&options);
    assert_eq!(
        ran.stderr.lines().next(),
        Some(
            "rig-hooks-sync: managed settings cannot name ROOT/bin/rig-guard, which is not a system-wide path"
        )
    );
    sandbox.programs(&sandbox.root().join("image/opt/rig/bin"));
    let ran = sandbox.run(&[&options[..], &["--bin", "/opt/rig/bin", "--target", "/srv/claude"]].concat());
    assert_eq!(ran.stdout, "made /srv/claude/managed-settings.d/rig-tools.json with 2 hooks\n");
    let text = fs::read_to_string(sandbox.root().join("image/srv/claude/managed-settings.d/rig-tools.json"))
        .unwrap();
    assert!(!text.contains("env") && !text.contains("home"), "{text}");
    assert_eq!(sandbox.tree(), [""; 0]);
}

#[test]
fn the_installed_base_and_programs_are_found_beside_the_program() {
    let sandbox = Sandbox::new();
    let prefix = sandbox.root().join("prefix");
    sandbox.programs(&prefix.join("bin"));
    let program = prefix.join("bin/rig-hooks-sync");
    fs::copy(env!("CARGO_BIN_EXE_rig-hooks-sync"), &program).unwrap();
    let share = prefix.join("share/rig-tools");
    fs::create_dir_all(share.join("hooks-overrides")).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::copy(repository.join("hooks-base.json"), share.join("hooks-base.json")).unwrap();
    for role in ["dev", "reviewer"] {
        let file = format!("hooks-overrides/{role}.json");
        fs::copy(repository.join(&file), share.join(&file)).unwrap();
    }
    for (options, hooks) in [(&[][..], 8), (&["--role", "dev"], 9), (&["--role", "reviewer"], 7)] {
        let mut command = std::process::Command::new(&program);
        command.env_clear().env("HOME", sandbox.home()).env("AGENT_ID", "test").current_dir(sandbox.root());
        let ran = sandbox.ran(command.args(options));
        assert!(ran.stdout.contains(&format!("{hooks} hooks")), "{ran:?}");
        let settings: serde_json::Value = serde_json::from_slice(&sandbox.read().unwrap()).unwrap();
        let found: Vec<&serde_json::Value> = settings["hooks"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|groups| groups.as_array().unwrap())
            .flat_map(|group| group["hooks"].as_array().unwrap())
            .collect();
        assert_eq!(found.len(), hooks);
        for hook in found {
            let name = hook["command"].as_str().unwrap().rsplit('/').next().unwrap();
            assert!(hook["command"].as_str().unwrap().starts_with(prefix.to_str().unwrap()), "{hook}");
            assert!(hook["timeout"].as_f64().unwrap() > 0.0, "{hook}");
            assert_eq!(hook.get("onFailure").is_some(), name == "rig-guard", "{hook}");
        }
        assert_eq!(settings["hooks"]["PreToolUse"][0]["matcher"], "*");
    }
    assert!(!fixtures().join("nothing").exists());
}
