//! Verdicts about calls of tools.

use rig_testkit::{Home, Program};
use serde_json::{Value, json};

/// Judges all calls in one process, and compares the rules that refuse them.
#[track_caller]
pub(crate) fn check(home: &Home, cases: &[(&str, Value, Option<&str>)]) {
    let lines: Vec<String> =
        cases.iter().map(|(tool, input, _)| json!({"tool": tool, "input": input}).to_string()).collect();
    let cwd = home.join("work/app");
    std::fs::create_dir_all(&cwd).unwrap();
    let program = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home).cwd(&cwd);
    let output = program.args(["check", "--stdin", "--json"]).stdin(lines.join("\n")).output();
    let verdicts: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), cases.len(), "{}", output.stderr);
    let found = cases.iter().zip(&verdicts).filter(|((_, _, rule), found)| found["rule"].as_str() != *rule);
    let wrong: Vec<String> = found
        .map(|((tool, input, rule), found)| format!("{tool} {input}: expected {rule:?}, got {found}"))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
