//! The program from outside: an event in, one answer out, whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rig_testkit::{Home, Payload, Program};
use serde_json::{Value, json};

fn guard(home: &Home) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home)
}

/// What the model reads when a push is refused.
const PUSH: &str = "\
rig-guard: blocked by git.push.force
A forced push replaces the history of the remote: commits that others have, or that exist nowhere else, are lost.
part: git push --force origin main
instead: `git push --force-with-lease`, which stops when the remote has commits you have not seen; or push a new commit
If it is really wanted, a person can run it in their own terminal; another spelling will not do.
";

const FORCE: &str = "git push --force origin main";

#[test]
fn an_ordinary_command_passes_without_a_word_and_leaves_a_receipt_alone() {
    let home = Home::new();
    guard(&home).bash("cargo test && git push origin main").exits(0);
    let receipts = format!(".local/state/rig/sessions/{}.receipts", rig_testkit::payload::SESSION);
    assert_eq!(home.files(), [Path::new(&receipts)]);
    guard(&home).payload(Payload::pre_tool_use("Read", json!({"file_path": "/etc/hosts"}))).exits(0);
    assert_eq!(home.read(&receipts).lines().count(), 1);
}

#[test]
fn a_refusal_says_why_and_what_to_do_instead() {
    let home = Home::new();
    guard(&home).bash(&format!("cd sub && {FORCE}")).stderr(PUSH).exits(2);
}

#[test]
fn a_refusal_is_logged_and_spooled_once_without_secrets() {
    let home = Home::new();
    let repo = home.repo("work/app");
    repo.git(["remote", "add", "origin", "https://github.com/dashecorp/app.git"]);
    repo.git(["switch", "--quiet", "-c", "feature/issue-42-login"]);
    let command =
        "curl -H 'Authorization: Bearer abc.def' https://x; git push -f https://me:pa55@github.com/o/r main";
    guard(&home).env("AGENT_ID", "dev-e-node").cwd(repo.path()).bash(command).output();
    let [logged] = home.log("rig-guard").try_into().unwrap();
    let [spooled] = home.spool().try_into().unwrap();
    let event = &spooled["event"];
    for key in ["eventId", "occurredAt"] {
        assert!(event[key].is_string());
    }
    let mut expected = json!({
        "type": "GUARD_BLOCKED",
        "agentId": "dev-e-node",
        "sessionId": rig_testkit::payload::SESSION,
        "repo": "dashecorp/app",
        "branch": "feature/issue-42-login",
        "issueNumber": 42,
        "tool": "Bash",
        "ruleId": "git.push.force",
        "reason": "A forced push replaces the history of the remote: commits that others have, or that exist nowhere else, are lost.",
        "command": "curl -H 'Authorization: Bearer [redacted]' https://x; git push -f https://[redacted]@github.com/o/r main",
        "decision": "deny",
        "eventId": event["eventId"],
        "occurredAt": event["occurredAt"],
    });
    assert_eq!(*event, expected);
    assert_eq!(spooled["keep"], true);
    expected["at"] = logged["at"].clone();
    assert_eq!(logged, expected);
}

#[test]
fn an_event_that_cannot_be_read_is_refused() {
    let home = Home::new();
    let refused =
        |what: &str| format!("rig-guard: {what}; refused, because what cannot be judged is not run\n");
    let valid = "the event on stdin is not valid: EOF while parsing a value at line 1 column 13";
    for (stdin, what) in [
        ("", "stdin held no event".to_owned()),
        ("{\"tool_name\":", valid.to_owned()),
        ("[]", "the event on stdin is not a JSON object".to_owned()),
        ("not json", "the event on stdin is not a JSON object".to_owned()),
        ("{}", "the event names no tool".to_owned()),
        ("{\"hook_event_name\":\"PreToolUse\"}", "the event names no tool".to_owned()),
        ("{\"tool_name\":\"Bash\"}", "the call of Bash does not have an input".to_owned()),
        (
            "{\"tool_name\":\"Bash\",\"tool_input\":[]}",
            "the call of Bash does not have an object as its input".to_owned(),
        ),
        ("{\"tool_name\":\"Bash\",\"tool_input\":{}}", "the call of Bash does not have a command".to_owned()),
        (
            "{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":5}}",
            "the call of Bash does not have a command".to_owned(),
        ),
        (
            "{\"tool_name\":\"Monitor\",\"tool_input\":{}}",
            "the call of Monitor does not have a command".to_owned(),
        ),
        ("{\"tool_name\":\"Write\",\"tool_input\":{}}", "the call of Write does not have a file".to_owned()),
    ] {
        let output = guard(&home).stdin(stdin).output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{stdin}");
        assert_eq!(output.stderr, refused(&what), "{stdin}");
    }
}

#[test]
fn an_event_that_does_not_end_is_refused_in_time() {
    let home = Home::new();
    let what = "the event on stdin was not complete after 1000 ms";
    guard(&home)
        .stdin_left_open(Payload::bash("ls").to_string())
        .stderr(format!("rig-guard: {what}; refused, because what cannot be judged is not run\n"))
        .exits(2);
}

#[test]
fn other_events_pass() {
    let home = Home::new();
    for payload in [Payload::stop(), Payload::session_start("startup"), Payload::post_bash(FORCE, "")] {
        guard(&home).payload(payload).exits(0);
    }
}

#[test]
fn each_tool_is_judged_by_what_it_does() {
    let home = Home::new();
    let config = home.join(".config/rig/config.json");
    let config = config.to_str().unwrap();
    for (tool, input, code) in [
        ("Bash", json!({"command": FORCE}), 2),
        ("Monitor", json!({"command": FORCE}), 2),
        ("Monitor", json!({"ws": {"url": "ws://x"}}), 0),
        ("PowerShell", json!({"command": FORCE}), 2),
        ("PowerShell", json!({"command": "Get-ChildItem -Recurse | Measure-Object"}), 0),
        ("Workflow", json!({"script": FORCE}), 2),
        ("mcp__shell__run", json!({"command": FORCE}), 2),
        ("mcp__shell__run", json!({"cmd": ["git", "push", "--force"]}), 2),
        ("mcp__shell__run", json!({"cmd": ["git", "commit", "-m", "git push --force"]}), 0),
        ("mcp__shell__run", json!({"command": {"x": 1}, "path": 5}), 0),
        ("SomethingNew", json!({"script": FORCE}), 2),
        ("Agent", json!({"prompt": FORCE}), 0),
        ("Read", json!({"file_path": config}), 0),
        ("Grep", json!({"pattern": FORCE, "path": config}), 0),
        ("Write", json!({"file_path": config, "content": "{}"}), 2),
        ("Edit", json!({"file_path": config, "old_string": "a", "new_string": "b"}), 2),
        ("NotebookEdit", json!({"notebook_path": config, "new_source": ""}), 2),
        ("mcp__files__write_file", json!({"path": config, "content": ""}), 2),
        ("mcp__files__move_file", json!({"source": config, "destination": "/tmp/x"}), 2),
        ("mcp__files__read_file", json!({"path": config}), 0),
        ("Write", json!({"file_path": "/tmp/notes.md", "content": FORCE}), 0),
        ("WebFetch", json!({"url": "https://x", "prompt": FORCE}), 0),
        ("Task", json!("text"), 0),
    ] {
        let output = guard(&home).payload(Payload::pre_tool_use(tool, input.clone())).output();
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (Some(code), ""),
            "{tool} {input}: {}",
            output.stderr
        );
    }
}

#[test]
fn a_large_write_passes() {
    let home = Home::new();
    let content = "line of text with \"quotes\"\n".repeat(3 << 20 >> 5);
    guard(&home).payload(Payload::write("/workspace/big.txt", &content)).exits(0);
}

#[test]
fn a_broken_output_does_not_change_the_verdict() {
    let home = Home::new();
    for program in [
        guard(&home).bash(FORCE).stdout_closed(),
        guard(&home).bash(FORCE).stderr_closed(),
        guard(&home).bash(FORCE).without_readers(),
        guard(&home).bash(FORCE).onto_full_device(),
    ] {
        assert_eq!(program.output().code, Some(2));
    }
    for program in [guard(&home).bash("ls").without_readers(), guard(&home).bash("ls").onto_full_device()] {
        assert_eq!(program.output().code, Some(0));
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_does_not_change_the_verdict() {
    for prepare in [
        // A file is where the directory should be.
        |home: &Home| drop(home.write(".local/state/rig", "")),
        |home: &Home| {
            fs::create_dir_all(home.state()).unwrap();
            fs::set_permissions(home.state(), fs::Permissions::from_mode(0o500)).unwrap();
        },
    ] {
        let home = Home::new();
        prepare(&home);
        let before = home.files();
        guard(&home).without_capabilities().bash(FORCE).stderr(PUSH).exits(2);
        guard(&home).without_capabilities().bash("ls").exits(0);
        assert_eq!(home.files(), before);
    }
}

#[test]
fn a_full_disk_leaves_no_half_record() {
    let home = Home::new();
    guard(&home).file_blocks(0).bash(FORCE).stderr(PUSH).exits(2);
    assert!(home.log("rig-guard").is_empty() && home.spool().is_empty());
}

#[test]
fn a_home_that_cannot_be_read_does_not_open_the_door() {
    let home = Home::new();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o000)).unwrap();
    let program = |command: &str| guard(&home).without_capabilities().cwd("/").bash(command);
    let policy = home.join(".config/rig/guard.json");
    let said = format!(
        "policy: the user policy {} is not valid, so its exceptions do not count: it cannot be read: \
         Permission denied (os error 13)\ninstead",
        policy.display()
    );
    program("git push --force origin main").stderr(PUSH.replace("instead", &said)).exits(2);
    program("ls -la").exits(0);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    // Without `HOME` its places are those of the account, which is not for tests to write to.
    let places =
        ["hook".into(), "--config".into(), home.join("c.json"), "--state".into(), home.join("state")];
    let program = guard(&home).without_env("HOME").cwd("/").args(places);
    program.bash(FORCE).stderr(PUSH).exits(2);
}

#[test]
fn hostile_code_is_answered_and_not_crashed_on() {
    let home = Home::new();
    for (name, code, verdict) in [
        ("nested substitutions", "$(".repeat(10_000), 2),
        (
            "nested substitutions that delete",
            format!("{}rm -rf /{}", "$(".repeat(10_000), ")".repeat(10_000)),
            2,
        ),
        ("nested quotes", "\"$(".repeat(10_000), 2),
        ("nested braces", format!("echo {}{}", "{a,".repeat(10_000), "}".repeat(10_000)), 0),
        ("many braces", format!("echo {}", "{a,b}".repeat(40)), 0),
        ("arithmetic", format!("echo $(({}1))", "-".repeat(60_000)), 2),
        ("arithmetic in backticks", format!("echo `echo $(({}1))`", "-".repeat(60_000)), 0),
        ("conditions", format!("[[ {}a ]]", "! ".repeat(30_000)), 2),
        ("ifs", "if ".repeat(20_000), 2),
        ("functions", "f() ".repeat(15_000), 0),
        ("fork bomb", ":(){ :|:& };:".to_owned(), 2),
        ("doubling", format!("X=xxxxxxxx; {}git push", "X=$X$X; ".repeat(60)), 2),
        ("doubling before a push", format!("X=xxxxxxxx; {}{FORCE}", "X=$X$X; ".repeat(60)), 2),
        (
            "functions that call each other",
            (0..30).map(|n| format!("f{n}() {{ f{0}; f{0}; }}\n", n + 1)).collect::<String>() + "f0",
            2,
        ),
        ("evals", format!("{}ls", "eval ".repeat(5_000)), 2),
        ("wrappers", format!("{}{FORCE}", "sudo ".repeat(100)), 2),
        ("words", format!("echo {}", "a ".repeat(30_000)), 0),
        ("a long word", "a".repeat(60_000), 0),
        ("a long document", format!("cat > d <<'E'\n{}E\n", "git push --force\n".repeat(20_000)), 0),
        ("a push behind a long document", format!("cat > d <<'E'\n{}E\n{FORCE}", "text\n".repeat(60_000)), 2),
        ("too long", format!("{}{FORCE}", "ls; ".repeat(20_000)), 2),
        ("too long and harmless", "ls; ".repeat(20_000), 0),
        ("segments", format!("{}{FORCE}", "echo a; ".repeat(2_000)), 2),
        ("variables", (0..5_000).map(|n| format!("V{n}=x ; ")).collect::<String>() + FORCE, 2),
        ("nul", "git pu\0sh --force".to_owned(), 2),
        ("holes", "git push \0u\0--force \x000\0".to_owned(), 0),
        ("lone quotes", "'\"'\"'\"`$(".to_owned(), 2),
        ("stars", format!("rm -rf /{}b", "*a".repeat(2_000)), 0),
    ] {
        let output = guard(&home).cwd("/").bash(&code).output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(verdict), ""), "{name}: {}", output.stderr);
    }
}

#[test]
fn no_variable_turns_the_guard_off() {
    let home = Home::new();
    home.write("x/.config/rig/config.json", "{}");
    let elsewhere = home.join("x");
    let program = guard(&home)
        .env("XDG_CONFIG_HOME", &elsewhere)
        .env("XDG_STATE_HOME", &elsewhere)
        .env("RIG_GUARD", "off")
        .env("RIG_POLICY", "/dev/null")
        .env("CLAUDE_PROJECT_DIR", "/nonexistent")
        .env("CLAUDE_CONFIG_DIR", "/nonexistent")
        .env("PATH", "/nonexistent");
    program.bash(FORCE).stderr(PUSH).exits(2);
    guard(&home)
        .env("CLAUDE_PROJECT_DIR", "/tmp")
        .cwd("/")
        .bash("rm -rf /workspace")
        .output()
        .code
        .map(|code| assert_eq!(code, 2))
        .unwrap();
    assert_eq!(home.log("rig-guard").len(), 2);
}

#[test]
fn the_project_and_its_parents_are_protected() {
    let home = Home::new();
    let project = home.join("projects/app");
    fs::create_dir_all(project.join("src")).unwrap();
    let judge = |command: String, code: i32| {
        let program = guard(&home).env("CLAUDE_PROJECT_DIR", &project).cwd(project.join("src"));
        assert_eq!(program.bash(&command).output().code, Some(code), "{command}");
    };
    judge(format!("rm -rf {}", project.display()), 2);
    judge(format!("rm -rf {}", home.join("projects").display()), 2);
    judge("rm -rf ..".into(), 2);
    judge("rm -rf ../*".into(), 2);
    judge("rm -rf ../target".into(), 0);
    judge("rm -rf *".into(), 0);
    judge("rm -rf ../.git".into(), 2);
}

#[test]
fn without_a_named_project_the_session_is_in_it() {
    let home = Home::new();
    let dir = home.join("app");
    fs::create_dir_all(dir.join("src")).unwrap();
    for (command, code) in [
        ("rm -rf .", 2),
        ("rm -rf ./*", 2),
        ("rm -rf .git", 2),
        ("rm -rf ..", 2),
        ("find . -delete", 2),
        ("cd src && rm -rf *", 0),
        ("rm -rf src", 0),
    ] {
        assert_eq!(guard(&home).cwd(&dir).bash(command).output().code, Some(code), "{command}");
    }
    guard(&home).cwd(Path::new("/var/tmp")).bash("rm -rf ./*").exits(0);
}

#[test]
fn the_command_line_explains_a_verdict() {
    let home = Home::new();
    guard(&home).args(["check", "ls"]).stdout("let through\n").exits(0);
    guard(&home).args(["check", "ls", "--json"]).stdout("{\"verdict\":\"allow\"}\n").exits(0);
    guard(&home)
        .args(["check", "--cwd", "/etc", "cd .. && rm -rf *"])
        .stdout("refused by fs.rm.root\nwhy: This deletes a directory that everything else is in: what is deleted here cannot be brought back. Here * is everything in the root directory.\npart: rm -rf *\ninstead: name what is to go, below the workspace or in /tmp; write `\"${DIR:?}\"/*` so that an unset variable stops the command\n")
        .exits(2);
    let output = guard(&home).args(["check", "--json", FORCE]).output();
    let verdict: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (output.code, &verdict["verdict"], &verdict["rule"]),
        (Some(2), &json!("deny"), &json!("git.push.force"))
    );
    assert!(home.files().is_empty(), "a check leaves no trace");
}

#[test]
fn the_command_line_lists_the_rules_and_refuses_other_words() {
    let home = Home::new();
    let rules = guard(&home).arg("rules").output();
    assert_eq!((rules.code, rules.stderr.as_str()), (Some(0), ""));
    for rule in rig_guard::rules::all() {
        let shown = rules.stdout.contains(&format!("{}\n  {}", rule.id, rule.what));
        assert!(shown && rule.denies.iter().all(|d| rules.stdout.contains(d)), "{}", rule.id);
    }
    for args in [&["chek", "ls"][..], &["check"], &["--policy", "x"]] {
        let output = guard(&home).args(args.iter().copied()).output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(64), ""), "{args:?}");
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    }
    let version = format!("rig-guard {}\n", rig_core::VERSION);
    guard(&home).arg("--version").stdout(version).exits(0);
    let help = guard(&home).arg("--help").output();
    assert!(help.code == Some(0) && help.stdout.contains("Exit codes:") && help.stdout.contains("Examples:"));
    assert!(Path::new(env!("CARGO_BIN_EXE_rig-guard")).exists());
}
