//! Receipts of judged calls, as they are left behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rig_core::receipt::{Proof, Receipts, digest};
use rig_testkit::payload::SESSION;
use rig_testkit::{Home, Payload, Program};
use serde_json::{Value, json};

fn guard(home: &Home) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home)
}

fn proof(home: &Home, call: &str, tool: &str, input: &Value) -> Proof {
    let raw = serde_json::value::to_raw_value(input).unwrap();
    Receipts::of(&home.state(), SESSION).proof(call, &digest(tool, &raw).unwrap(), None)
}

#[test]
fn each_call_that_runs_or_writes_has_one_with_its_verdict() {
    let home = Home::new();
    let bash = |command: &str| json!({"command": command});
    let config = home.join(".config/rig/config.json");
    for (number, (tool, input, expected)) in [
        ("Bash", bash("ls"), Proof::Judged),
        ("Bash", bash("git push --force"), Proof::Refused),
        ("Monitor", bash("tail -f x"), Proof::Judged),
        ("PowerShell", bash("Get-ChildItem"), Proof::Judged),
        ("Workflow", json!({"script": "ls"}), Proof::Judged),
        ("Write", json!({"file_path": "/tmp/x", "content": "x"}), Proof::Judged),
        ("Write", json!({"file_path": config, "content": "x"}), Proof::Refused),
        ("Edit", json!({"file_path": "/tmp/x", "old_string": "a", "new_string": "b"}), Proof::Judged),
        ("mcp__db__query", json!({"sql": "SELECT 1"}), Proof::Judged),
        ("SomethingNew", json!({"code": "ls"}), Proof::Judged),
        ("SomethingNew", bash("ls"), Proof::Judged),
    ]
    .into_iter()
    .enumerate()
    {
        let call = format!("toolu_{number}");
        guard(&home)
            .payload(Payload::pre_tool_use(tool, input.clone()).set("tool_use_id", call.as_str()))
            .output();
        assert_eq!(proof(&home, &call, tool, &input), expected, "{tool} {input}");
    }
    let receipts = format!(".local/state/rig/sessions/{SESSION}.receipts");
    assert_eq!(home.read(&receipts).lines().count(), 11);
    for payload in [
        Payload::pre_tool_use("Read", json!({"file_path": "/tmp/x"})),
        Payload::pre_tool_use("Agent", json!({"prompt": "x"})),
        Payload::bash("ls").without("tool_use_id"),
        Payload::pre_tool_use("Bash", json!({"command": 5})),
    ] {
        guard(&home).payload(payload).output();
    }
    assert_eq!(home.read(&receipts).lines().count(), 11);
}

#[test]
fn on_a_full_disk_there_is_none_and_that_can_be_told() {
    let home = Home::new();
    guard(&home).file_blocks(0).bash("ls").exits(0);
    let payload = Payload::bash("ls");
    assert!(payload.to_string().contains("toolu_01A09q90qw90lq917835lq9"));
    let input = json!({"command": "ls"});
    assert_eq!(proof(&home, "toolu_01A09q90qw90lq917835lq9", "Bash", &input), Proof::Unknown);
}

#[test]
fn parallel_calls_lose_none() {
    let home = Home::new();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let home = &home;
            scope.spawn(move || {
                let payload = Payload::bash("ls").cwd("/").set("tool_use_id", format!("c{n}"));
                guard(home).payload(payload).exits(0);
            });
        }
    });
    let input = json!({"command": "ls"});
    for n in 0..16 {
        assert_eq!(proof(&home, &format!("c{n}"), "Bash", &input), Proof::Judged);
    }
}
