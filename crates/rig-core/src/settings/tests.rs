use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::env::Environment;

fn guard() -> Entry {
    let hook = json!({"type":"command","command":"/opt/bin/rig-guard","args":["hook"],"timeout":5,"onFailure":"block"});
    Entry { event: "PreToolUse".into(), matcher: Some("*".into()), hook }
}

fn record(scope: Scope, target: &str) -> Record {
    Record {
        version: RECORD_VERSION,
        target: target.into(),
        scope,
        role: None,
        bin: "/opt/bin".into(),
        entries: vec![guard()],
        next: None,
        env: BTreeMap::new(),
        undo: Undo::default(),
    }
}

/// A settings file that holds the guard, and more keys.
fn guarded(more: &str) -> String {
    let hook = guard().hook;
    format!(r#"{{"hooks":{{"PreToolUse":[{{"matcher":"*","hooks":[{hook}]}}]}}{more}}}"#)
}

const USER: &str = "/h/.claude/settings.json";
const PROJECT: &str = "/p/.claude/settings.json";
const LOCAL: &str = "/p/.claude/settings.local.json";
const MANAGED: &str = "/m/managed-settings.d/rig-tools.json";
const ADMIN: &str = "/m/managed-settings.json";

fn session() -> Session {
    Session { user: vec!["/h/.claude".into()], projects: vec!["/p".into()], managed: "/m".into() }
}

#[track_caller]
fn check(records: &[Record], contents: &[(&str, &str)], expected: &[&str]) {
    let files = session().files(records);
    let read = |path: &Path| {
        let content = contents.iter().find(|(file, _)| Path::new(file) == path);
        content.map(|(_, text)| text.as_bytes().to_vec())
    };
    assert_eq!(losses(records, &files, read), expected);
}

#[test]
fn an_entry_is_in_force_however_the_file_spells_it() {
    let user = [record(Scope::User, USER)];
    check(&user, &[(USER, &guarded(""))], &[]);
    check(&user, &[(USER, &guarded(r#","unknown":1,"hooksX":{}"#))], &[]);
    let spelled = r#"{"hooks":{"PreToolUse":[{"hooks":[{"type":"command","timeout":5.0,
        "args":["hook"],"onFailure":"block","command":"\u002fopt/bin/rig-guard"}]}]}}"#;
    check(&user, &[(USER, spelled)], &[]);
}

#[test]
fn a_lost_entry_is_named() {
    let user = [record(Scope::User, USER)];
    check(&user, &[], &["/h/.claude/settings.json is gone"]);
    check(&user, &[(USER, "{}")], &["`rig-guard` on `PreToolUse` is missing in /h/.claude/settings.json"]);
    for (what, with) in [("block", "continue"), ("/opt/", "/tmp/"), ("\"*\"", "\"Bash\""), ("5", "6")] {
        check(
            &user,
            &[(USER, &guarded("").replace(what, with))],
            &["`rig-guard` on `PreToolUse` is changed in /h/.claude/settings.json"],
        );
    }
    check(
        &user,
        &[(USER, &guarded("").replace("\"PreToolUse\"", "\"preToolUse\""))],
        &["`rig-guard` on `PreToolUse` is missing in /h/.claude/settings.json"],
    );
    check(
        &user,
        &[(USER, &guarded(r#","hooks":{}"#))],
        &["`rig-guard` on `PreToolUse` is missing in /h/.claude/settings.json"],
    );
    check(
        &user,
        &[(USER, &guarded(r#","model":5"#))],
        &["the client ignores /h/.claude/settings.json: `model` is a number, not a text"],
    );
}

#[test]
fn user_side_switches_decide_local_before_project_before_user() {
    let user = [record(Scope::User, USER)];
    let (on, off) = (r#"{"disableAllHooks":false}"#, r#"{"disableAllHooks":true}"#);
    let by = |file: &str| format!("`rig-guard` on `PreToolUse` does not run: {file} sets `disableAllHooks`");
    let own = guarded(r#","disableAllHooks":true"#);
    check(&user, &[(USER, &own)], &[&by(USER)]);
    check(&user, &[(USER, &guarded("")), (LOCAL, off)], &[&by(LOCAL)]);
    check(&user, &[(USER, &guarded("")), (PROJECT, off)], &[&by(PROJECT)]);
    check(&user, &[(USER, &guarded("")), (PROJECT, off), (LOCAL, on)], &[]);
    check(&user, &[(USER, &guarded("")), (PROJECT, on), (LOCAL, off)], &[&by(LOCAL)]);
    // An ignored file switches nothing, and a session outside any project goes by the user's own.
    check(&user, &[(USER, &guarded("")), (LOCAL, r#"{"disableAllHooks":true,}"#)], &[]);
    let elsewhere = Session { projects: vec![], ..session() }.files(&user);
    let read = |path: &Path| (path == Path::new(USER)).then(|| own.clone().into_bytes());
    assert_eq!(losses(&user, &elsewhere, read), [by(USER)]);
}

#[test]
fn managed_switches_and_managed_hooks_stand_above_the_users() {
    let (on, off) = (r#"{"allowManagedHooksOnly":true}"#, r#"{"disableAllHooks":true}"#);
    let both = [record(Scope::Managed, MANAGED), record(Scope::User, USER)];
    let guarded = guarded("");
    let held = [(MANAGED, guarded.as_str()), (USER, guarded.as_str())];
    let with = |file, text| [held[0], held[1], (file, text)];
    check(&both, &held, &[]);
    check(&both, &with(LOCAL, off), &[]);
    check(&both, &with(ADMIN, on), &[]);
    check(&both, &with(PROJECT, on), &[]);
    let loss = "`rig-guard` on `PreToolUse` does not run: /m/managed-settings.json sets `disableAllHooks`";
    check(&both, &with(ADMIN, off), &[loss, loss]);
    check(
        &both[1..],
        &[held[1], (ADMIN, on)],
        &["`rig-guard` on `PreToolUse` does not run: /m/managed-settings.json sets `allowManagedHooksOnly`"],
    );
    check(
        &both[..1],
        &[(MANAGED, r#"{"hooks":{"PreToolUse":[{"type":"command"}]}}"#)],
        &["the client does not start or ignores /m/managed-settings.d/rig-tools.json: \
           `hooks.PreToolUse[0]` has no `hooks` list"],
    );
}

#[test]
fn a_write_under_way_counts_as_either_list() {
    let mut changed = guard();
    changed.hook["timeout"] = json!(9);
    let under_way = [Record { next: Some(vec![changed]), ..record(Scope::User, USER) }];
    let old = guarded("");
    check(&under_way, &[(USER, &old)], &[]);
    check(&under_way, &[(USER, &old.replace(":5", ":9"))], &[]);
    check(
        &under_way,
        &[(USER, &old.replace(":5", ":7"))],
        &["`rig-guard` on `PreToolUse` is changed in /h/.claude/settings.json"],
    );
    let removal = [Record { next: Some(vec![]), ..record(Scope::User, USER) }];
    check(&removal, &[], &[]);
}

#[test]
fn another_projects_record_does_not_count() {
    check(&[record(Scope::Project, "/q/.claude/settings.json")], &[], &[]);
    check(&[record(Scope::Project, PROJECT)], &[], &["/p/.claude/settings.json is gone"]);
}

#[test]
fn a_session_reads_its_own_files_and_a_variable_takes_none_away() {
    let paths = Paths::below(Some("/h".into()));
    let env = Environment::fixed([("CLAUDE_CONFIG_DIR", "/c"), ("CLAUDE_PROJECT_DIR", "/no/p")]);
    let session = Session { managed: "/no/m".into(), ..Session::of(&env, &paths, Path::new("/no/w")) };
    let records = [record(Scope::User, "/x/settings.json"), record(Scope::Project, "/y/settings.json")];
    let files: Vec<(Scope, PathBuf)> =
        session.files(&records).into_iter().map(|file| (file.scope, file.path)).collect();
    assert_eq!(
        files,
        [
            (Scope::Managed, "/no/m/managed-settings.json"),
            (Scope::User, "/h/.claude/settings.json"),
            (Scope::User, "/c/settings.json"),
            (Scope::User, "/x/settings.json"),
            (Scope::Project, "/no/p/.claude/settings.json"),
            (Scope::Local, "/no/p/.claude/settings.local.json"),
            (Scope::Project, "/no/w/.claude/settings.json"),
            (Scope::Local, "/no/w/.claude/settings.local.json"),
        ]
        .map(|(scope, path)| (scope, PathBuf::from(path)))
    );
}

#[test]
fn a_damaged_or_newer_record_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("a.json"), text).unwrap();
    let expected = record(Scope::User, USER);
    assert_eq!(read_records(&dir.path().join("none")).unwrap(), []);
    let mut written = serde_json::to_value(&expected).unwrap();
    written["a key of a later build"] = json!(1);
    write(&written.to_string());
    std::fs::write(dir.path().join("a.lock"), "").unwrap();
    assert_eq!(read_records(dir.path()).unwrap(), [expected]);
    for (text, message) in [
        ("{\"version\":1}", "the record DIR/a.json is not valid: missing field `target` at line 1 column 13"),
        ("{", "the record DIR/a.json is not valid: EOF while parsing an object at line 1 column 1"),
        ("{\"version\":2}", "the record DIR/a.json has version 2, and this build reads up to 1"),
    ] {
        write(text);
        let error = read_records(dir.path()).unwrap_err();
        let text = crate::error::chain(&error).replace(&*dir.path().to_string_lossy(), "DIR");
        assert_eq!(text, message);
    }
}

#[track_caller]
fn problems(hooks: &str, expected: &str) {
    let loaded = load(format!("{{\"env\":{{\"A\":\"1\"}},\"hooks\":{hooks}}}").as_bytes());
    let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.join("; "), expected, "{hooks}");
    assert_eq!(loaded.env.is_empty(), loaded.ignored().is_some(), "{hooks}");
}

#[test]
fn mistakes_cost_what_they_cost_in_the_client() {
    const FILE: &str = "the client ignores the whole file: ";
    const ENTRY: &str = "the client ignores one entry: ";
    for (group, what) in [
        (r#"{"type":"command","command":"x"}"#, "`hooks.EVENT[0]` has no `hooks` list"),
        (r#"{"hooks":[{"command":"x"}]}"#, "`hooks.EVENT[0].hooks[0]` has no `type`"),
        (
            r#"{"hooks":[{"type":"nope","command":"x"}]}"#,
            "`hooks.EVENT[0].hooks[0].type` is `nope`, which is no type of hook",
        ),
        (r#"{"matcher":5,"hooks":[]}"#, "`hooks.EVENT[0].matcher` is a number, not a text"),
        (
            r#"{"hooks":[{"type":"command","command":"x","timeout":0}]}"#,
            "`hooks.EVENT[0].hooks[0].timeout` is not a number greater than 0",
        ),
        (
            r#"{"hooks":[{"type":"command","command":"x","timeout":"5"}]}"#,
            "`hooks.EVENT[0].hooks[0].timeout` is not a number greater than 0",
        ),
        (
            r#"{"hooks":[{"type":"command","command":"x","onFailure":"stop"}]}"#,
            "`hooks.EVENT[0].hooks[0].onFailure` is neither `continue` nor `block`",
        ),
        (r#"{"hooks":[{"type":"command"}]}"#, "`hooks.EVENT[0].hooks[0].command` is missing or not a text"),
        (
            r#"{"hooks":[{"type":"command","command":"x","args":[1]}]}"#,
            "`hooks.EVENT[0].hooks[0].args` is not a list of texts",
        ),
    ] {
        for (event, effect) in [("PreToolUse", FILE), ("PermissionRequest", FILE), ("Stop", ENTRY)] {
            problems(
                &format!("{{\"{event}\":[{group}]}}"),
                &format!("{effect}{}", what.replace("EVENT", event)),
            );
        }
    }
    problems("[]", "the client ignores the whole file: `hooks` is a list, not an object");
    problems("{\"pretooluse\":[]}", "the client ignores one key: `hooks.pretooluse` is no event");
    problems(r#"{"Stop":[{"hooks":[{"type":"command","command":"x","timeout":0.5,"new":1}]}]}"#, "");
}

#[test]
fn what_is_no_settings_file_is_ignored_whole() {
    for (text, what) in [
        ("{\"a\":1,}", "not JSON, line 1, column 8: a comma before the closing brace"),
        ("// x\n{}", "not JSON, line 1, column 1: a comment, which JSON does not have"),
        ("", "not JSON, line 1, column 1: the text ends where a value should be"),
        ("[]", "it holds a list, not an object"),
        (r#"{"permissions":{"allow":"x"}}"#, "`permissions.allow` is a string, not a list of texts"),
        (r#"{"disableAllHooks":"true"}"#, "`disableAllHooks` is a string, not a boolean"),
    ] {
        assert_eq!(load(text.as_bytes()).ignored(), Some(what), "{text}");
    }
    let loaded = load("\u{feff}{\"env\":{\"A\":\"1\",\"B\":2,\"A\":\"3\"},\"x\":\"\\ud800\"}".as_bytes());
    let env = [("A", "3"), ("B", "2")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!((loaded.problems, loaded.env), (vec![], BTreeMap::from(env)));
}
