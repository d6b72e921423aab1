//! Tools of servers that take what they do in parts, wrapped, or as the text of JSON.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/tools.rs"]
mod tools;

use rig_testkit::Home;
use serde_json::json;
use tools::check;

const FORCE: &str = "git push --force origin main";
const DROP: &str = "DROP DATABASE crm";

#[test]
fn what_a_call_wraps_is_judged_however_deep_it_stands() {
    let (push, drop) = (Some("git.push.force"), Some("sql.drop"));
    let text = |value: serde_json::Value| value.to_string();
    check(
        &Home::new(),
        &[
            ("mcp__router__call", json!({"request": {"name": "db", "arguments": {"query": DROP}}}), drop),
            ("mcp__router__call", json!({"calls": [{"name": "db", "arguments": {"query": DROP}}]}), drop),
            ("mcp__router__call", json!({"a": [[{"b": [{"c": {"sql": DROP}}]}]]}), drop),
            ("mcp__batch__run", json!({"tasks": [{"steps": [{"cmd": "ls"}, {"cmd": FORCE}]}]}), push),
            (
                "mcp__rpc__send",
                json!({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "shell", "arguments": {"command": FORCE}}}),
                push,
            ),
            ("mcp__router__call", json!({"name": "db", "arguments": text(json!({"query": DROP}))}), drop),
            ("mcp__router__call", json!({"request": text(json!({"arguments": {"command": FORCE}}))}), push),
            (
                "mcp__router__call",
                json!({"request": {"input": text(json!([{"cmd": "ls"}, {"cmd": FORCE}]))}}),
                push,
            ),
            (
                "mcp__router__call",
                json!({"payload": text(json!({"payload": text(json!({"sql": DROP}))}))}),
                drop,
            ),
            // The tool that is called decides what its arguments mean.
            ("mcp__router__call", json!({"name": "docs_search", "arguments": {"query": DROP}}), None),
            (
                "mcp__router__call",
                json!({"tool": "mysql_query", "arguments": {"query": "DROP TABLE `a` # x"}}),
                drop,
            ),
            (
                "mcp__router__call",
                json!({"tool": "kubectl", "params": {"args": ["delete", "ns", "a"]}}),
                Some("k8s.delete.namespace"),
            ),
            (
                "mcp__router__call",
                json!({"tool": "delete_directory", "input": {"path": "/"}}),
                Some("fs.rm.root"),
            ),
            (
                "mcp__router__call",
                json!({"tool": "read_file", "input": {"path": "/etc/claude-code/x"}}),
                None,
            ),
            (
                "mcp__router__call",
                json!({"tool": "write_file", "input": {"path": "/etc/claude-code/x"}}),
                Some("self.files"),
            ),
            (
                "mcp__router__call",
                json!({"name": "db", "arguments": {"query": "SELECT 'DROP DATABASE crm'"}}),
                None,
            ),
            (
                "mcp__router__call",
                json!({"request": {"name": "shell", "arguments": {"command": "git push"}}}),
                None,
            ),
        ],
    );
}

#[test]
fn text_that_is_written_or_shown_is_not_what_runs() {
    let inside = json!({"command": FORCE, "sql": DROP}).to_string();
    check(
        &Home::new(),
        &[
            ("mcp__files__write_file", json!({"path": "tasks.json", "content": inside}), None),
            ("mcp__files__edit", json!({"edits": [{"path": "a.json", "newText": inside}]}), None),
            ("mcp__chat__post", json!({"message": {"blocks": [{"text": inside}]}}), None),
            ("mcp__github__create_issue", json!({"issue": {"title": FORCE, "body": inside}}), None),
            ("mcp__notion__create", json!({"children": [{"code": {"text": [{"content": FORCE}]}}]}), None),
            ("mcp__x__y", json!({"payload": "{not json"}), None),
            ("mcp__x__y", json!({"payload": "[1, 2"}), None),
        ],
    );
}

#[test]
fn keys_count_however_they_are_spelled() {
    let (push, drop) = (Some("git.push.force"), Some("sql.drop"));
    let home = Home::new();
    let config = home.join(".config/rig/guard.json");
    check(
        &home,
        &[
            ("mcp__x__run", json!({"Command": FORCE}), push),
            ("mcp__x__run", json!({"command_line": FORCE}), push),
            ("mcp__x__run", json!({"commandLine": FORCE}), push),
            ("mcp__x__run", json!({"shell-command": FORCE}), push),
            ("mcp__x__run", json!({"CMD": ["git", "push", "--force"]}), push),
            ("mcp__x__run", json!({"sqlQuery": DROP}), drop),
            ("mcp__x__run", json!({"raw_sql": DROP}), drop),
            ("mcp__x__write", json!({"target_file": config}), Some("self.files")),
            ("mcp__x__write", json!({"uri": format!("file://{}", config.display())}), Some("self.files")),
            ("mcp__x__write_target", json!({"filePath": config}), Some("self.files")),
            ("mcp__x__run_task", json!({"query": DROP}), drop),
        ],
    );
}

#[test]
fn a_command_is_put_together_of_its_parts() {
    let push = Some("git.push.force");
    let home = Home::new();
    check(
        &home,
        &[
            ("mcp__x__run", json!({"command": "git", "args": "push --force"}), push),
            ("mcp__x__run", json!({"command": "git", "subcommand": "push", "args": ["--force"]}), push),
            ("mcp__x__run", json!({"command": "git push", "flags": ["--force"]}), push),
            ("mcp__x__run", json!({"command": "git push", "options": ["-f"]}), push),
            ("mcp__x__run", json!({"command": "git", "parameters": ["push", "-f"]}), push),
            ("mcp__x__run", json!({"command": "git push", "options": {"force": false}}), None),
            ("mcp__x__run", json!({"command": "git commit -m", "args": [FORCE]}), None),
            ("mcp__x__run", json!({"command": "bash", "stdin": FORCE}), push),
            ("mcp__x__run", json!({"command": "psql app", "stdin": DROP}), Some("sql.drop")),
            ("mcp__x__run", json!({"command": "cat", "stdin": FORCE}), None),
            ("mcp__x__run", json!({"command": "rm -rf *", "cwd": home.path()}), Some("fs.rm.root")),
            ("mcp__x__run", json!({"command": "rm -rf .", "workingDirectory": "/"}), Some("fs.rm.root")),
            ("mcp__x__run", json!({"command": "rm -rf *", "cwd": "build"}), None),
        ],
    );
}
