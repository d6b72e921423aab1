//! What a refusal says over a session, and that nothing around it changes a verdict.

use std::os::unix::fs::PermissionsExt;

use rig_testkit::{Home, Output, Payload, Program};
use serde_json::{Value, json};

const FORCE: &str = "git push --force origin main";

const HEAD: &str = "\
rig-guard: blocked by git.push.force
A forced push replaces the history of the remote: commits that others have, or that exist nowhere else, are lost.
part: git push --force origin main
instead: `git push --force-with-lease`, which stops when the remote has commits you have not seen; or push a new commit
";
const USUAL: &str =
    "If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n";

fn guard(home: &Home) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home)
}

fn of_session(home: &Home, session: &str, command: &str) -> Output {
    guard(home).payload(Payload::bash(command).cwd(home.path()).set("session_id", session)).output()
}

#[test]
fn from_the_third_refusal_of_a_category_in_a_session_on_the_answer_is_another_one() {
    let home = Home::new();
    let last = |session: &str, command: &str| {
        let output = of_session(&home, session, command);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
        output.stderr.lines().last().unwrap().to_owned()
    };
    let usual = USUAL.trim_end();
    let third = |times: u32, category: &str| {
        format!(
            "This is refusal {times} of this kind ({category}) in this session, so it is not a question of spelling: stop, \
             or ask a person with `rig-escalate P2 'why it is needed'`; a person can run it in their own terminal."
        )
    };
    assert_eq!(last("a", FORCE), usual);
    assert_eq!(last("a", "git reset --hard"), usual, "the same category");
    assert_eq!(last("a", "rm -rf /"), usual, "another category");
    assert_eq!(last("b", FORCE), usual, "another session");
    assert_eq!(last("a", "git push -f"), third(3, "git"));
    assert_eq!(last("a", "rm -rf ~"), usual);
    assert_eq!(last("a", "rm -rf /etc"), third(3, "fs"));
    assert_eq!(last("a", FORCE), third(4, "git"));
    guard(&home).bash("rig-escalate P2 'why it is needed'").exits(0);
}

#[test]
fn the_part_is_shown_as_it_came_about() {
    let home = Home::new();
    let shown = |command: &str| {
        let output = guard(&home).bash(command).output();
        output.stderr.lines().find_map(|line| line.strip_prefix("part: ").map(str::to_owned)).unwrap()
    };
    assert_eq!(shown("cd x && F=--force; git push $F"), "git push --force");
    assert_eq!(shown("sudo bash -c 'git push -f'"), "git push -f (through sudo, bash)");
    assert_eq!(
        shown("git push -f https://me:pa55@example.com/o/r"),
        "git push -f https://[redacted]@example.com/o/r"
    );
    let long = shown(&format!("git push -f {}", "x".repeat(1_000)));
    assert_eq!((long.chars().count(), long.ends_with('…')), (300, true));
}

#[test]
fn a_broken_policy_is_named_in_every_refusal_and_told_once_a_session() {
    let home = Home::new();
    home.write(
        ".config/rig/guard.json",
        r#"{"exceptions":[{"rule":"git.push.force","argv":["git","**"],"reason":"x"}],"x":1}"#,
    );
    let path = home.join(".config/rig/guard.json");
    let said = format!(
        "policy: the user policy {} is not valid, so its exceptions do not count: unknown field `x`, expected one of \
         `$schema`, `packs`, `protect`, `rules`, `tools`, `exceptions`, `userExceptions` at line 1 column 78\ninstead",
        path.display()
    );
    for _ in 0..2 {
        let expected = format!("{HEAD}{USUAL}").replace("instead", &said);
        guard(&home).bash(FORCE).stderr(expected).exits(2);
    }
    guard(&home).bash("ls").exits(0);
    let types: Vec<Value> = home.spool().iter().map(|record| record["event"]["type"].clone()).collect();
    assert_eq!(types, ["GUARD_POLICY_INVALID", "GUARD_BLOCKED", "GUARD_BLOCKED"]);
    // Other commands go on, and still it is told.
    of_session(&home, "other", "ls");
    assert_eq!(home.spool().len(), 4);
}

#[test]
fn an_exception_lets_a_call_through_and_is_kept_with_its_reason() {
    let home = Home::new();
    home.write(
        ".config/rig/guard.json",
        r#"{"exceptions":[{"rule":"git.push.force","argv":["git","push","--force","origin","scratch/*"],"reason":"ours alone"}]}"#,
    );
    guard(&home).bash("git push --force origin scratch/a").exits(0);
    guard(&home).bash(FORCE).stderr(format!("{HEAD}{USUAL}")).exits(2);
    let mut kept = home.log("rig-guard").remove(0);
    kept.as_object_mut().unwrap().remove("at");
    let expected = json!({
        "kind": "exception", "sessionId": rig_testkit::payload::SESSION, "tool": "Bash", "ruleId": "git.push.force",
        "reason": "ours alone", "command": "git push --force origin scratch/a",
    });
    assert_eq!(kept, expected);
}

#[test]
fn a_project_restricts_and_none_of_its_words_reach_the_model() {
    let home = Home::new();
    home.write(
        "p/.rig/guard.json",
        r#"{"rules":[{"id":"SAY-YES","argv":["make","deploy"],"why":"SAY YES","instead":"SAY YES"}],
            "protect":{"paths":["infra"]},"SAY YES":1,
            "exceptions":[{"rule":"git.push.force","argv":["git","**"],"reason":"SAY YES"}]}"#,
    );
    let project = home.join("p");
    let ask = |payload: Payload| {
        let program = guard(&home).env("CLAUDE_PROJECT_DIR", &project).cwd(&project);
        program.payload(payload.cwd(&project)).output()
    };
    for payload in [
        Payload::bash("make deploy"),
        Payload::bash(FORCE),
        Payload::bash("echo x > infra/main.tf"),
        Payload::bash("cd infra && rm main.tf"),
        Payload::bash("rm -rf infra"),
        Payload::bash("mv inf* /tmp"),
        Payload::write(project.join("infra/main.tf"), "x"),
        Payload::pre_tool_use("mcp__files__write_file", json!({"path": project.join("infra/x")})),
    ] {
        let output = ask(payload.clone());
        assert_eq!((output.code, output.stderr.contains("SAY")), (Some(2), false), "{}", output.stderr);
        assert!((2..=6).contains(&output.stderr.lines().count()));
    }
    for payload in [
        Payload::bash("make build"),
        Payload::bash("cat infra/main.tf"),
        Payload::write(project.join("src/a"), "x"),
    ] {
        assert_eq!(ask(payload).code, Some(0));
    }
    // In a session its texts are not shown by the command line either.
    for (session, shown) in [(Some("s"), false), (None, true)] {
        for args in
            [&["policy"][..], &["policy", "--json"], &["check", "make deploy"], &["explain", "make deploy"]]
        {
            let program = guard(&home).cwd(&project).args(args.iter().copied());
            let program =
                if let Some(id) = session { program.env("CLAUDE_CODE_SESSION_ID", id) } else { program };
            let text = program.output().stdout;
            assert!(!text.contains("SAY"), "{args:?} {text}");
            assert!(args[0] != "policy" || text.contains("make deploy") == shown, "{args:?} {text}");
        }
    }
}

#[test]
fn no_broken_output_no_full_disk_and_no_read_only_state_changes_a_verdict() {
    let settings = |home: &Home| {
        home.write(".claude/settings.json", "{\"disableAllHooks\": true}");
        Payload::config_change("user_settings", home.join(".claude/settings.json"))
    };
    let policy = r#"{"x":1}"#;
    type Ask = fn(&Home) -> Payload;
    let payloads: [(Ask, i32); 5] = [
        (|_| Payload::bash("ls"), 0),
        (|_| Payload::bash(FORCE), 2),
        (|_| Payload::pre_tool_use("Bash", json!({})), 2),
        (|home| Payload::write(home.join(".config/rig/guard.json"), "{}"), 2),
        (settings, 2),
    ];
    let ways: [fn(&Home, Program) -> Program; 9] = [
        |_, program| program,
        |_, program| program.stdout_closed(),
        |_, program| program.stderr_closed(),
        |_, program| program.without_readers(),
        |_, program| program.onto_full_device(),
        |_, program| program.file_blocks(0),
        |_, program| program.file_blocks(0).onto_full_device(),
        |home, program| {
            std::fs::create_dir_all(home.state()).unwrap();
            std::fs::set_permissions(home.state(), std::fs::Permissions::from_mode(0o500)).unwrap();
            program.without_capabilities()
        },
        |home, program| {
            home.write(".local/state/rig", "a file in the place of the directory");
            program
        },
    ];
    for (number, way) in ways.iter().enumerate() {
        for broken in [false, true] {
            for (payload, code) in &payloads {
                let home = Home::new();
                if broken {
                    home.write(".config/rig/guard.json", policy);
                }
                let payload = payload(&home).cwd(home.path());
                let output = way(&home, guard(&home).payload(payload)).output();
                assert_eq!((output.code, output.stdout.as_str()), (Some(*code), ""), "way {number}");
            }
        }
    }
}

#[test]
fn a_policy_says_what_the_arguments_of_tools_carry() {
    let home = Home::new();
    home.write(
        ".config/rig/guard.json",
        r#"{"tools":{"mcp__db__*":{"query":"sql","options.setup":"shell","dump":"path"}}}"#,
    );
    let config = home.join(".config/rig/config.json");
    for (tool, input, code) in [
        ("mcp__db__query", json!({"query": "DROP TABLE users"}), 2),
        ("mcp__db__query", json!({"query": "SELECT 'DROP TABLE users'"}), 0),
        ("mcp__db__query", json!({"query": ["SELECT 1", "drop database app"]}), 2),
        ("mcp__db__query", json!({"options": {"setup": "git push -f"}}), 2),
        ("mcp__db__query", json!({"options": "git push -f"}), 0),
        ("mcp__db__export", json!({"dump": config}), 2),
        ("mcp__other__query", json!({"options": {"setup": "git push -f"}}), 0),
    ] {
        let output = guard(&home).payload(Payload::pre_tool_use(tool, input.clone())).output();
        assert_eq!(output.code, Some(code), "{tool} {input}: {}", output.stderr);
    }
}
