//! Whichever tool a command comes by, it is judged, and the model is told.

use std::path::Path;

use rig_testkit::eventually;
use rig_tests::{Scene, Session, ToolResult, Turn, with_client};
use serde_json::{Value, json};

/// Starts a session with the tool server, and lets the model load tools that the client offers on demand.
fn with_tools(scene: &Scene, names: &str) -> Session {
    let server = json!({ "type": "stdio", "command": env!("CARGO_BIN_EXE_tool-server"), "args": [] });
    scene.home.write(".claude.json", json!({ "mcpServers": { "lab": server } }).to_string());
    scene.sync(&[]);
    let mut session = scene.start();
    // A server may still be starting.
    let query = json!({ "query": format!("select:{names}") });
    let all = |found: &ToolResult| names.split(',').all(|name| found.text.contains(name));
    eventually("the tools", || Some(session.call("ToolSearch", query.clone())).filter(all));
    session
}

/// Fails unless the guard refused a call for this reason.
#[track_caller]
fn refused(told: &ToolResult, rule: &str, part: &str) {
    let reason = told.is_error && told.text.contains(&format!("rig-guard: blocked by {rule}\n"));
    assert!(reason && told.text.contains(part), "{rule}, {part}: {told:?}");
}

fn exists(scene: &Scene, file: &str) -> bool {
    scene.repo.path().join(file).exists()
}

fn is_untouched(scene: &Scene) -> bool {
    scene.repo.git(["status", "--short", "README"]) == " M README"
}

#[test]
fn what_monitor_would_watch_is_judged() {
    with_client(|scene| {
        scene.repo.write("README", "not committed\n");
        let mut session = with_tools(&scene, "Monitor");
        let watch = |command: &str| json!({ "command": command, "description": "x", "timeout_ms": 60_000 });
        let told = session.call("Monitor", watch("touch ran; git reset --hard"));
        refused(&told, "git.reset.hard", "part: git reset --hard");
        assert!(is_untouched(&scene) && !exists(&scene, "ran"));
        let told = session.call("Monitor", watch("touch watched; echo seen"));
        assert!(!told.is_error, "{told:?}");
        eventually("what is watched", || exists(&scene, "watched").then_some(()));
        session.end();
    });
}

#[test]
fn what_runs_in_the_background_is_judged() {
    with_client(|scene| {
        scene.sync(&[]);
        scene.repo.write("README", "not committed\n");
        let mut session = scene.start();
        let run =
            |command: &str| json!({ "command": command, "description": "x", "run_in_background": true });
        let told = session.call("Bash", run("touch ran; git reset --hard"));
        refused(&told, "git.reset.hard", "part: git reset --hard");
        assert!(is_untouched(&scene) && !exists(&scene, "ran"));
        let told = session.call("Bash", run("touch made"));
        assert!(!told.is_error, "{told:?}");
        eventually("the file", || exists(&scene, "made").then_some(()));
        session.end();
    });
}

#[test]
fn what_a_subagent_runs_is_judged_and_the_subagent_is_told() {
    with_client(|scene| {
        scene.sync(&[]);
        scene.repo.write("README", "not committed\n");
        let mut session = scene.start();
        let bash = |command: &str| Turn::call("Bash", json!({ "command": command, "description": "x" }));
        session.model.plays_in(
            "MARK: clean up",
            [bash("touch ran; git reset --hard"), bash("touch made && echo made"), Turn::say("that is it")],
        );
        session.call(
            "Agent",
            json!({
                "description": "clean up", "prompt": "MARK: clean up", "subagent_type": "general-purpose",
                "run_in_background": false,
            }),
        );
        let [agent, denied, allowed] = session.model.results().try_into().expect("three calls");
        refused(&denied, "git.reset.hard", "part: git reset --hard");
        assert!(is_untouched(&scene) && !exists(&scene, "ran"));
        assert!(!allowed.is_error && allowed.text == "made" && exists(&scene, "made"), "{allowed:?}");
        assert!(!agent.is_error && agent.text.contains("that is it"), "{agent:?}");
        session.end();
    });
}

#[test]
fn what_a_tool_of_another_server_carries_is_judged() {
    with_client(|scene| {
        let policy = json!({ "tools": { "mcp__lab__query": { "sql": "sql" } } });
        scene.home.write(".config/rig/guard.json", policy.to_string());
        scene.repo.write("README", "not committed\n");
        let mut session = with_tools(&scene, "mcp__lab__run,mcp__lab__query,mcp__lab__write_file");
        let settings = scene.settings();
        let before = std::fs::read(&settings).unwrap();
        let write = |path: &Path| json!({ "path": path, "content": "{}" });
        let calls: [(&str, Value, &str, &str); 3] = [
            (
                "run",
                json!({ "command": "touch ran; git reset --hard" }),
                "git.reset.hard",
                "git reset --hard",
            ),
            ("query", json!({ "sql": "DROP TABLE users" }), "sql.drop", "DROP TABLE users"),
            ("write_file", write(&settings), "self.settings", ".claude/settings.json"),
        ];
        for (tool, input, rule, part) in calls {
            refused(&session.call(&format!("mcp__lab__{tool}"), input), rule, part);
        }
        assert!(is_untouched(&scene) && !exists(&scene, "ran") && !exists(&scene, "queries.log"));
        assert_eq!(std::fs::read(&settings).unwrap(), before);
        let file = scene.repo.path().join("made");
        for (tool, input, answer) in [
            ("run", json!({ "command": "echo 'git reset --hard'" }), "git reset --hard"),
            ("query", json!({ "sql": "SELECT 'DROP TABLE users'" }), "0 rows"),
            ("write_file", write(&file), "written"),
        ] {
            let told = session.call(&format!("mcp__lab__{tool}"), input);
            assert!(!told.is_error && told.text.contains(answer), "{tool}: {told:?}");
        }
        assert!(exists(&scene, "queries.log") && exists(&scene, "made"));
        session.end();
    });
}

#[test]
fn from_the_third_refusal_of_a_kind_on_the_model_is_told_to_stop() {
    with_client(|scene| {
        scene.sync(&[]);
        let mut session = scene.start();
        let usual = "another spelling will not do.";
        let stop = |times: u32| format!("This is refusal {times} of this kind (git) in this session");
        for (command, expected) in [
            ("git push --force", usual.to_owned()),
            ("git reset --hard", usual.to_owned()),
            // Another kind has a count of its own.
            ("rm -rf ~", usual.to_owned()),
            ("git push origin +main", stop(3)),
            ("git -c alias.x='reset --hard' x", stop(4)),
            ("chmod 777 README", usual.to_owned()),
        ] {
            let told = session.bash(command);
            assert!(told.is_error && told.text.contains(&expected), "{command}: {told:?}");
            assert_eq!(told.text.contains("rig-escalate P2"), expected != usual, "{command}: {told:?}");
        }
        // Ordinary work still runs.
        assert_eq!(session.bash("echo works").text, "works");
        session.end();
    });
}
