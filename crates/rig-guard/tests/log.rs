//! The command line: checks, explanations, the log, and what is in force.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rig_testkit::{Home, Payload, Program};
use serde_json::{Value, json};

fn guard(home: &Home) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home)
}

fn run(home: &Home, args: &[&str]) -> (String, Option<i32>) {
    let output = guard(home).args(args.iter().copied()).output();
    assert_eq!(output.stderr, "", "{args:?}");
    (output.stdout, output.code)
}

/// A home with some history.
fn history() -> Home {
    let home = Home::new();
    for (session, command) in
        [("s1", "git push --force origin main"), ("s1", "git push -f"), ("s2", "rm -rf /"), ("s2", "ls")]
    {
        let payload = Payload::bash(command).cwd(home.path()).set("session_id", session);
        guard(&home).payload(payload).output();
    }
    guard(&home).stdin("not json").output();
    guard(&home).env("CLAUDE_CODE_SESSION_ID", "s3").args(["check", "git push -f"]).output();
    home
}

/// The lines of a table without the times in front.
fn rows(text: &str) -> Vec<String> {
    let row = |line: &str| line.get(19..).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(row).collect()
}

#[test]
fn the_log_shows_what_was_decided_and_can_be_filtered() {
    let home = history();
    let force = "blocked git.push.force Bash git push --force origin main";
    let short = "blocked git.push.force Bash git push -f";
    let root = "blocked fs.rm.root Bash rm -rf /";
    let failed = "failed - - the event on stdin is not a JSON object";
    let check = "check git.push.force - git push -f";
    for (args, expected) in [
        (&["log"][..], &[force, short, root, failed, check][..]),
        (&["log", "--blocked"], &[force, short, root, failed]),
        (&["log", "--session", "s2"], &[root]),
        (&["log", "--rule", "git"], &[force, short, check]),
        (&["log", "--rule", "git.push.force", "--blocked", "--session", "s1"], &[force, short]),
        (&["log", "--limit", "2"], &[failed, check]),
        (&["log", "--since", "1h", "--rule", "fs"], &[root]),
        (&["log", "--since", "2999-01-01"], &[]),
    ] {
        let (text, code) = run(&home, args);
        assert_eq!(
            (rows(&text), code),
            (expected.iter().map(|r| (*r).to_owned()).collect(), Some(0)),
            "{args:?}"
        );
    }
    let (text, _) = run(&home, &["log", "--json", "--rule", "fs"]);
    let entry: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&entry["ruleId"], &entry["sessionId"]), (&json!("fs.rm.root"), &json!("s2")));
}

#[test]
fn a_log_that_was_cut_off_or_torn_is_read_on() {
    let home = history();
    let log = home.state().join("log/rig-guard.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    std::fs::write(log.with_extension("jsonl.1"), format!("{first}\n")).unwrap();
    std::fs::write(&log, format!("{rest}{{\"at\":\"2026")).unwrap();
    let (shown, _) = run(&home, &["log", "--blocked", "--session", "s1"]);
    assert_eq!(rows(&shown).len(), 2);
}

#[test]
fn stats_count_by_rule_category_and_day() {
    let home = history();
    let (text, code) = run(&home, &["stats"]);
    let day = text.lines().last().unwrap().split_whitespace().last().unwrap().to_owned();
    let expected = format!(
        "entries\n       3  blocked\n       1  check\n       1  failed\n\n\
         blocked, by rule\n       2  git.push.force\n       1  fs.rm.root\n\n\
         blocked, by category\n       2  git\n       1  fs\n\n\
         blocked, by day\n       3  {day}\n"
    );
    assert_eq!((text, code), (expected, Some(0)));
    let (text, _) = run(&home, &["stats", "--json", "--since", "1d"]);
    let stats: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "entries": {"blocked": 3, "check": 1, "failed": 1},
        "blocked": {"rule": {"git.push.force": 2, "fs.rm.root": 1}, "category": {"git": 2, "fs": 1}, "day": {day: 3}},
    });
    assert_eq!(stats, expected);
    assert_eq!(run(&Home::new(), &["stats"]), ("entries\n".to_owned(), Some(0)));
    assert_eq!(run(&Home::new(), &["log"]), (String::new(), Some(0)));
}

#[test]
fn many_commands_are_checked_at_once() {
    let home = Home::new();
    let file = home.join(".config/rig/guard.json");
    let lines = format!(
        "ls -la\n\ngit push -f\r\n{{ ls; }}\n{{\"command\":\"cd ..\\nrm -rf *\",\"cwd\":\"/etc\"}}\n{}\n",
        json!({"tool": "Write", "input": {"file_path": file, "content": ""}})
    );
    let output = guard(&home).args(["check", "--stdin"]).stdin(lines.as_str()).output();
    let expected = format!(
        "allow: ls -la\ndeny git.push.force: git push -f\nallow: {{ ls; }}\ndeny fs.rm.root: cd ..⏎rm -rf *\n\
         deny self.files: Write {}\n",
        file.display()
    );
    assert_eq!((output.stdout, output.stderr.as_str(), output.code), (expected, "", Some(2)));
    let output = guard(&home).args(["check", "--stdin", "--json"]).stdin(lines.as_str()).output();
    let verdicts: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts[0], json!({"line": 1, "command": "ls -la", "verdict": "allow"}));
    assert_eq!(
        verdicts[1],
        json!({
            "line": 3, "command": "git push -f", "verdict": "deny", "rule": "git.push.force", "category": "git",
            "why": "A forced push replaces the history of the remote: commits that others have, or that exist nowhere else, are lost.",
            "part": "git push -f", "through": [],
            "instead": "`git push --force-with-lease`, which stops when the remote has commits you have not seen; or push a new commit",
        })
    );
    assert_eq!(verdicts.len(), 5);
    guard(&home).args(["check", "--stdin"]).stdin("ls\npwd\n").stdout("allow: ls\nallow: pwd\n").exits(0);
    guard(&home)
        .args(["check", "--stdin"])
        .stdin("{\"comand\":\"ls\"}\n")
        .stderr("rig-guard: line 1 of stdin: unknown field `comand`, expected one of `command`, `tool`, `input`, `cwd` at line 1 column 9\n")
        .exits(64);
    assert!(home.files().is_empty(), "a check outside a session leaves no trace");
}

#[test]
fn checks_from_inside_a_session_are_kept_and_many_of_them_as_one() {
    let home = Home::new();
    let inside = || guard(&home).env("CLAUDECODE", "1").env("CLAUDE_CODE_SESSION_ID", "s1");
    inside().args(["check", "ls"]).stdout("let through\n").exits(0);
    inside().args(["check", "--stdin"]).stdin("git push -f\nls\n".repeat(500)).output();
    let kept: Vec<Value> = home
        .log("rig-guard")
        .into_iter()
        .map(|mut entry| {
            entry.as_object_mut().unwrap().remove("at");
            entry
        })
        .collect();
    let one =
        json!({"kind": "check", "sessionId": "s1", "verdict": "allow", "ruleId": null, "command": "ls"});
    let many = json!({
        "kind": "check", "sessionId": "s1", "commands": 1000, "denied": 500, "command": "1000 commands, 500 of them refused",
    });
    assert_eq!(kept, [one, many]);
}

#[test]
fn an_explanation_shows_each_command_and_what_the_rules_make_of_it() {
    let home = Home::new();
    let output = guard(&home)
        .cwd("/tmp")
        .args(["explain", "sudo bash -c 'cd /srv; git push $F origin main'; echo hi"])
        .output();
    let expected = "\
1. sudo bash -c 'cd /srv; git push $F origin main'
   in /tmp
   strict.root: off, like all of the pack strict
2. bash -c 'cd /srv; git push $F origin main'
   through sudo
   in /tmp
3. cd /srv
   through sudo, bash
   in /tmp
4. git push $… origin main
   through sudo, bash
   in /srv
   git.push.force: nothing found
   git.push.delete: nothing found
";
    let shown: String = output.stdout.lines().take(14).map(|line| format!("{line}\n")).collect();
    assert_eq!(shown, expected.replace("$…", shown.lines().nth(9).unwrap().split(' ').nth(3).unwrap()));
    assert!(output.stdout.ends_with("let through\n") && output.code == Some(0), "{}", output.stdout);
    let output = guard(&home).cwd("/tmp").args(["explain", "--json", "F=-f; git push $F"]).output();
    let explained: Value = serde_json::from_str(&output.stdout).unwrap();
    let step = &explained["commands"][0];
    assert_eq!(
        (output.code, &step["command"], &step["cwd"], &step["rules"][0], &explained["verdict"]["rule"]),
        (
            Some(2),
            &json!("git push -f"),
            &json!("/tmp"),
            &json!({"rule": "git.push.force", "found": "refuses it"}),
            &json!("git.push.force")
        )
    );
}

#[test]
fn the_policy_in_force_is_shown_with_who_decided_it() {
    let home = Home::new();
    let user = home.write(
        ".config/rig/guard.json",
        r#"{"packs":{"cloud":true},"protect":{"branches":["release/*"],"paths":["~/keys"]},
            "rules":[{"id":"publish","argv":["npm","publish"],"why":"The pipeline publishes"},
                     {"id":"slow","regex":"a|b","why":"x"}],
            "tools":{"mcp__db__*":{"query":"sql"}},
            "exceptions":[{"rule":"git.push.force","argv":["git","push","-f"],"reason":"ours","expires":"2999-01-31"}]}"#,
    );
    let project =
        home.write("p/.rig/guard.json", r#"{"packs":{"strict":true},"protect":{"databases":["prod"]}}"#);
    let output = guard(&home).cwd(home.join("p")).arg("policy").output();
    let width = user.to_str().unwrap().len().max(project.to_str().unwrap().len());
    let expected = format!(
        "files
  managed  {:width$}  not there
  user     {:width$}  in force
  project  {:width$}  in force

packs
  own         on   always
  core        on   default
  cloud       on   user
  containers  off  default
  databases   off  default
  packages    off  default
  strict      on   project
  secrets     off  default
  identity    off  default

protected
  branches   main{:pad$}  built in
  branches   master{:pad2$}  built in
  branches   release/*{:pad3$}  user
  databases  prod{:pad$}  project
  paths      {}/keys  user

rules
  user.publish  npm publish  The pipeline publishes
  user.slow     /a|b/        is compiled for every command: add `contains`

tools
  mcp__db__*  query  sql  user

exceptions
  git.push.force  git push -f  user  until 2999-01-31  ours
",
        "/etc/rig/guard.json",
        user.display(),
        project.display(),
        "",
        "",
        "",
        "",
        home.path().display(),
        pad = home.path().to_str().unwrap().len() + 1,
        pad2 = home.path().to_str().unwrap().len() - 1,
        pad3 = home.path().to_str().unwrap().len() - 4,
    );
    assert_eq!((output.stdout, output.code), (expected, Some(0)));
    home.write("p/.rig/guard.json", "[]");
    let output = guard(&home).cwd(home.join("p")).arg("policy").output();
    let problem = "\n  project is not valid, so its exceptions do not count: the text is not a JSON object\n";
    assert!(output.code == Some(1) && output.stdout.contains(problem), "{}", output.stdout);
    let output = guard(&home).cwd(home.join("p")).args(["policy", "--json"]).output();
    let policy: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(policy["files"][2]["problems"], json!(["the text is not a JSON object"]));
}

#[test]
fn the_places_of_a_hook_can_be_named() {
    let home = history();
    let elsewhere = Home::new();
    let policy = home.write("c/guard.json", r#"{"packs":{"cloud":true}}"#);
    let state = home.state();
    let (text, _) = run(&elsewhere, &["log", "--blocked", "--state", state.to_str().unwrap()]);
    assert_eq!(rows(&text).len(), 4);
    let config = policy.with_file_name("config.json");
    let (text, _) = run(&elsewhere, &["policy", "--config", config.to_str().unwrap()]);
    assert!(text.contains("cloud       on   user"), "{text}");
}
