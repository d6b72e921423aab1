//! The client's tools beside its shell, and those of servers: a verdict for each input.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/tools.rs"]
mod tools;

use std::path::Path;

use rig_testkit::Home;
use serde_json::json;
use tools::check;

const FORCE: &str = "git push --force origin main";
const DROP: &str = "DROP TABLE users";

#[test]
fn the_clients_own_tools_are_judged_by_what_they_do() {
    let push = Some("git.push.force");
    let js = |code: &str| format!("export const meta = {{ name: 'x' }};\n{code}\n");
    let home = Home::new();
    check(
        &home,
        &[
            ("PowerShell", json!({"command": FORCE}), push),
            ("PowerShell", json!({"command": "$r = 'main'; git push origin \"+$r\""}), push),
            ("PowerShell", json!({"command": "Remove-Item -Recurse -Force ~"}), Some("fs.rm.root")),
            ("PowerShell", json!({"command": "Remove-Item -Recurse -Force $HOME"}), Some("fs.rm.root")),
            ("PowerShell", json!({"command": "Remove-Item -Recurse node_modules"}), None),
            ("PowerShell", json!({"command": "Write-Host 'git push --force'"}), None),
            ("PowerShell", json!({"command": "'no end; git push --force"}), push),
            ("PowerShell", json!({"command": "'no end"}), None),
            ("Workflow", json!({"script": FORCE}), push),
            ("Workflow", json!({"script": js(&format!("execSync('{FORCE}');"))}), push),
            ("Workflow", json!({"script": js("await $`git push --force`;")}), push),
            ("Workflow", json!({"script": js("spawnSync('git', ['push', '--force']);")}), push),
            (
                "Workflow",
                json!({"script": js("fs.rmSync('/', { recursive: true, force: true });")}),
                Some("fs.rm.root"),
            ),
            ("Workflow", json!({"script": js(&format!("await agent('never run {FORCE}');"))}), None),
            ("Workflow", json!({"script": js("const text = 'git push --force'; log(text);")}), None),
            ("Workflow", json!({"script": js("execSync('cargo test');")}), None),
            ("Workflow", json!({"name": "review"}), None),
            ("Workflow", json!({"scriptPath": "missing.js"}), None),
            ("EnterWorktree", json!({"name": "x", "path": "/"}), None),
            ("ExitWorktree", json!({"action": "keep"}), None),
            ("ExitWorktree", json!({"action": "remove"}), None),
            ("ExitWorktree", json!({"action": "remove", "discard_changes": false}), None),
            ("ExitWorktree", json!({"action": "keep", "discard_changes": true}), None),
            (
                "ExitWorktree",
                json!({"action": "remove", "discard_changes": true}),
                Some("git.worktree.remove"),
            ),
            ("ExitWorktree", json!({"discard_changes": "true"}), Some("git.worktree.remove")),
            ("Agent", json!({"prompt": FORCE, "command": FORCE}), None),
            ("Task", json!({"prompt": FORCE}), None),
            ("WebFetch", json!({"url": "https://x", "prompt": DROP}), None),
            ("WebSearch", json!({"query": DROP}), None),
            ("Read", json!({"file_path": ".env"}), None),
            ("Grep", json!({"pattern": "x", "path": ".env"}), None),
        ],
    );
}

#[test]
fn a_workflow_is_read_from_its_file() {
    let home = Home::new();
    home.write("work/app/flow.js", "export const meta = {};\nexecSync('git push --force');\n");
    home.write("work/app/fine.js", "export const meta = {};\nexecSync('git push');\n");
    check(
        &home,
        &[
            ("Workflow", json!({"scriptPath": "flow.js"}), Some("git.push.force")),
            ("Workflow", json!({"scriptPath": "fine.js"}), None),
        ],
    );
}

#[test]
fn tools_of_servers_are_judged_as_what_they_carry() {
    let push = Some("git.push.force");
    let drop = Some("sql.drop");
    let home = Home::new();
    let config = home.join(".config/rig/guard.json");
    let config = config.to_str().unwrap();
    let deep = |depth: usize| (0..depth).fold(json!({"command": FORCE}), |inner, _| json!({"a": inner}));
    check(
        &home,
        &[
            ("mcp__shell__run", json!({"command": FORCE}), push),
            ("mcp__shell__run", json!({"cmd": ["git", "push", "--force"]}), push),
            ("mcp__shell__run", json!({"command": "git", "args": ["push", "--force"]}), push),
            ("mcp__shell__run", json!({"program": "git", "argv": ["push", "--force"]}), push),
            ("mcp__shell__run", json!({"commands": ["cd app", FORCE]}), push),
            ("mcp__shell__run", json!({"commands": ["git fetch --all", FORCE]}), push),
            ("mcp__shell__run", json!({"shell": true, "command": "ls"}), None),
            ("mcp__shell__run", json!({"command": "git", "args": ["commit", "-m", FORCE]}), None),
            ("mcp__shell__run", json!({"params": {"command": FORCE}}), push),
            ("mcp__shell__run", json!({"steps": [{"cmd": "ls"}, {"cmd": FORCE}]}), push),
            ("mcp__shell__run", deep(2), push),
            ("mcp__shell__run", deep(8), push),
            ("mcp__shell__run", deep(40), None),
            ("mcp__py__exec", json!({"code": format!("import os\nos.system('{FORCE}')")}), push),
            ("mcp__py__exec", json!({"code": "import shutil\nshutil.rmtree('/')"}), Some("fs.rm.root")),
            ("mcp__py__exec", json!({"code": format!("print('{FORCE}')")}), None),
            (
                "mcp__py__exec",
                json!({"language": "python", "code": "subprocess.run(['git','push','-f'])"}),
                push,
            ),
            ("mcp__py__exec", json!({"language": "bash", "code": FORCE}), push),
            ("mcp__py__exec", json!({"language": "powershell", "code": "ri / -r -fo"}), Some("fs.rm.root")),
            ("mcp__py__exec", json!({"language": "sql", "code": DROP}), drop),
            ("mcp__browser__evaluate", json!({"function": "() => document.title"}), None),
            ("mcp__browser__evaluate", json!({"script": "return document.querySelector('a').href"}), None),
            ("SomethingNew", json!({"script": FORCE}), push),
            ("SomethingNew", json!({"text": FORCE}), None),
            ("mcp__db__query", json!({"sql": DROP}), drop),
            ("mcp__postgres__query", json!({"query": DROP}), drop),
            ("mcp__postgres__execute", json!({"statement": "drop /* old */ database app"}), drop),
            ("mcp__db__batch", json!({"queries": ["SELECT 1", DROP]}), drop),
            ("mcp__mysql__query", json!({"query": "DROP TABLE `users` # gone"}), drop),
            ("mcp__sqlite__write_query", json!({"query": "drop table if exists users"}), drop),
            ("mcp__mssql__query", json!({"query": "DROP DATABASE app"}), drop),
            ("mcp__db__query", json!({"params": {"sql": DROP}}), drop),
            ("mcp__postgres__query", json!({"query": "SELECT 'DROP TABLE users'"}), None),
            ("mcp__postgres__query", json!({"query": "-- DROP TABLE users\nSELECT 1"}), None),
            ("mcp__docs__search", json!({"query": DROP}), None),
            ("mcp__memory__lookup", json!({"query": DROP}), None),
            ("mcp__web__search", json!({"sql": DROP}), drop),
            ("mcp__files__write_file", json!({"path": config, "content": ""}), Some("self.files")),
            ("mcp__files__write_file", json!({"filePath": config}), Some("self.files")),
            ("mcp__files__move_file", json!({"source": config, "destination": "/tmp/x"}), Some("self.files")),
            ("mcp__files__write_files", json!({"files": ["/tmp/x", config]}), Some("self.files")),
            ("mcp__files__edit", json!({"edits": [{"path": config}]}), Some("self.files")),
            ("mcp__files__read_file", json!({"path": config}), None),
            ("mcp__files__list_directory", json!({"path": "/"}), None),
            ("mcp__files__delete_directory", json!({"path": "/"}), Some("fs.rm.root")),
            ("mcp__files__delete_directory", json!({"path": home.path()}), Some("fs.rm.root")),
            ("mcp__files__delete_directory", json!({"path": "build"}), None),
            ("mcp__files__delete_file", json!({"path": "notes.txt"}), None),
            (
                "mcp__files__set_permissions",
                json!({"path": "a", "mode": "777"}),
                Some("fs.chmod.world_writable"),
            ),
            ("mcp__files__set_permissions", json!({"path": "a", "mode": "755"}), None),
            ("mcp__git__git_push", json!({"remote": "origin", "force": true}), push),
            ("mcp__git__git_push", json!({"remote": "origin", "force": false}), None),
            ("mcp__git__git_reset", json!({"mode": "hard"}), Some("git.reset.hard")),
            ("mcp__git__git_reset", json!({"mode": "soft"}), None),
            (
                "mcp__k8s__kubectl_delete",
                json!({"resourceType": "namespace", "name": "a"}),
                Some("k8s.delete.namespace"),
            ),
            ("mcp__k8s__kubectl_delete", json!({"resourceType": "pod", "name": "a"}), None),
            ("mcp__k8s__delete_namespace", json!({"name": "a"}), Some("k8s.delete.namespace")),
            ("mcp__db__drop_table", json!({"table": "users"}), drop),
            ("mcp__mongodb__drop-database", json!({"database": "app"}), Some("db.mongo.drop")),
            ("mcp__redis__execute", json!({"command": "FLUSHALL"}), Some("db.redis.flush")),
            ("mcp__redis__execute", json!({"command": "GET a"}), None),
            ("mcp__k8s__kubectl", json!({"command": "delete ns a"}), Some("k8s.delete.namespace")),
            ("mcp__k8s__kubectl", json!({"args": ["delete", "ns", "a"]}), Some("k8s.delete.namespace")),
            ("mcp__k8s__kubectl", json!({"command": "get", "args": ["ns"]}), None),
            (
                "mcp__k8s__kubectl_generic",
                json!({"command": "delete", "resourceType": "namespace", "name": "a"}),
                Some("k8s.delete.namespace"),
            ),
            ("mcp__git__git", json!({"args": ["push", "--force"]}), push),
            ("mcp__git__git", json!({"args": ["commit", "-m", FORCE]}), None),
            ("mcp__tmux__send_keys", json!({"keys": FORCE}), push),
            ("mcp__x__run", json!({"payload": json!({"command": FORCE}).to_string()}), push),
            ("mcp__ide__executeCode", json!({"code": "import os\n!git push --force"}), push),
            ("mcp__chat__post", json!({"text": FORCE, "message": DROP}), None),
            ("mcp__github__create_issue", json!({"title": FORCE, "body": DROP}), None),
            ("mcp__x__y", json!([]), None),
            ("mcp__x__y", json!({}), None),
            ("mcp__x__y", json!({"command": 5, "query": null, "path": {"a": 1}}), None),
        ],
    );
}

#[test]
fn reading_is_judged_where_a_policy_keeps_secrets() {
    let home = Home::new();
    home.write(".config/rig/guard.json", r#"{"packs": {"secrets": true}}"#);
    let secret = home.join(".ssh/id_ed25519");
    assert!(Path::new(&secret).is_absolute());
    check(
        &home,
        &[
            ("Read", json!({"file_path": secret}), Some("secrets.read")),
            ("Read", json!({"file_path": ".env"}), Some("secrets.read")),
            ("Read", json!({"file_path": ".env.example"}), None),
            ("Read", json!({"file_path": "src/main.rs"}), None),
            ("Grep", json!({"pattern": "KEY", "path": ".env"}), Some("secrets.read")),
            ("Grep", json!({"pattern": "id_rsa", "path": "docs"}), None),
            ("Grep", json!({"pattern": "id_rsa"}), None),
            ("PowerShell", json!({"command": "Get-Content .env"}), Some("secrets.read")),
        ],
    );
}
