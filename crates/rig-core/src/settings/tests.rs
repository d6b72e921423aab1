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
        &["/h/.claude/settings.json: the client ignores the whole file: `model` is a number, not a text"],
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
        &["/m/managed-settings.d/rig-tools.json: the client does not start: \
           `hooks.PreToolUse[0]` has no `hooks` list"],
    );
    // Of managed files the last one that has an opinion decides.
    let last = format!("{},{}", &guarded[..guarded.len() - 1], r#""disableAllHooks":false,"model":5}"#);
    check(&both[..1], &[(ADMIN, off), (MANAGED, &last)], &[]);
}

#[test]
fn an_entry_that_takes_the_place_of_ours_is_a_loss() {
    let user = [record(Scope::User, USER)];
    let guarded = guarded("");
    let same = guarded.replace("\"type\"", "\"async\":true,\"type\"");
    let loss =
        |file| format!("`rig-guard` on `PreToolUse` is replaced by an entry with the same command in {file}");
    check(&user, &[(USER, &guarded), (PROJECT, &same)], &[&loss(PROJECT)]);
    check(&user, &[(USER, &guarded), (LOCAL, &same)], &[&loss(LOCAL)]);
    check(&user, &[(USER, &guarded), (LOCAL, &guarded)], &[]);
    check(&user, &[(USER, &guarded), (PROJECT, &same), (LOCAL, &guarded)], &[]);
    check(&user, &[(USER, &guarded), (PROJECT, &same.replace("[\"hook\"]", "[]"))], &[]);
    check(
        &user,
        &[(USER, &guarded), (PROJECT, &same.replace("\"type\"", "\"if\":\"Bash(x)\",\"type\""))],
        &[],
    );
    check(&[record(Scope::Managed, MANAGED)], &[(MANAGED, &guarded), (PROJECT, &same)], &[]);
    // Two of our own records may differ; whichever runs is ours.
    let mut other = record(Scope::Local, LOCAL);
    other.entries[0].hook["timeout"] = json!(9);
    let longer = guarded.replace(":5", ":9");
    check(&[user[0].clone(), other], &[(USER, &guarded), (LOCAL, &longer)], &[]);
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
fn problems(scope: Scope, settings: &str, expected: &str) {
    let loaded = load(settings.as_bytes(), scope);
    let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.join("; "), expected, "{settings}");
    if loaded.ignored().is_some() {
        assert_eq!(loaded, Loaded { problems: loaded.problems.clone(), ..Loaded::default() });
    }
}

const FILE: &str = "the client ignores the whole file: ";
const ENTRY: &str = "the client ignores one entry: ";
const KEY: &str = "the client ignores one key: ";
const START: &str = "the client does not start: ";

#[test]
fn a_bad_hook_costs_what_it_costs_in_the_client() {
    for (matcher, what) in [
        (r#"{"type":"command","command":"x"}"#, "` has no `hooks` list"),
        (r#"{"hooks":{}}"#, ".hooks` is an object, not a list"),
        ("null", "` is null, not an object"),
        (r#"{"matcher":5,"hooks":[]}"#, ".matcher` is a number, not a text"),
        (r#"{"hooks":[5]}"#, ".hooks[0]` is a number, not an object"),
        (r#"{"hooks":[{"command":"x"}]}"#, ".hooks[0]` has no `type`"),
        (r#"{"hooks":[{"type":"no"}]}"#, ".hooks[0].type` is `no`, which is no type of hook"),
        (r#"{"hooks":[{"type":"command"}]}"#, ".hooks[0].command` is missing or not a text"),
        (r#"{"hooks":[{"type":"prompt"}]}"#, ".hooks[0].prompt` is missing or not a text"),
        (r#"{"hooks":[HOOK,"timeout":0}]}"#, ".hooks[0].timeout` is not a number greater than 0"),
        (r#"{"hooks":[HOOK,"timeout":"5"}]}"#, ".hooks[0].timeout` is not a number greater than 0"),
        (r#"{"hooks":[HOOK,"onFailure":null}]}"#, ".hooks[0].onFailure` is neither `continue` nor `block`"),
        (r#"{"hooks":[HOOK,"shell":"zsh"}]}"#, ".hooks[0].shell` is neither `bash` nor `powershell`"),
        (r#"{"hooks":[HOOK,"args":[1]}]}"#, ".hooks[0].args` is not a list of texts"),
        (r#"{"hooks":[HOOK,"async":1}]}"#, ".hooks[0].async` is not a boolean"),
        (r#"{"hooks":[HOOK,"if":1}]}"#, ".hooks[0].if` is not a text"),
    ] {
        let matcher = matcher.replace("HOOK", r#"{"type":"command","command":"x""#);
        for (scope, event, effect) in [
            (Scope::User, "PreToolUse", FILE),
            (Scope::Local, "PermissionRequest", FILE),
            (Scope::Project, "Stop", ENTRY),
            (Scope::Managed, "PreToolUse", START),
            (Scope::Managed, "Stop", ENTRY),
        ] {
            let settings = format!("{{\"hooks\":{{\"{event}\":[{matcher}]}}}}");
            problems(scope, &settings, &format!("{effect}`hooks.{event}[0]{what}"));
        }
    }
}

#[test]
fn one_bad_hook_under_a_lenient_event_leaves_its_neighbours() {
    let hook = r#"{"type":"command","command":"x"}"#;
    let text = format!(r#"{{"hooks":{{"Stop":[{{"hooks":[{hook},{{}},{hook}]}},5,{{"hooks":[{hook}]}}]}}}}"#);
    let loaded = load(text.as_bytes(), Scope::User);
    assert_eq!((loaded.entries.len(), loaded.problems.len()), (3, 2));
}

#[test]
fn other_mistakes_cost_a_key_the_file_or_the_start() {
    for (settings, user, managed) in [
        (r#"{"a":1,}"#, FILE, START),
        ("// x\n{}", FILE, START),
        ("[]", FILE, START),
        (r#"{"model":5}"#, FILE, KEY),
        (r#"{"disableAllHooks":null}"#, FILE, KEY),
        (r#"{"permissions":{"allow":"x"}}"#, FILE, KEY),
        (r#"{"env":[]}"#, FILE, KEY),
        (r#"{"hooks":[]}"#, KEY, KEY),
        (r#"{"hooks":{"pretooluse":[]}}"#, KEY, KEY),
        (r#"{"hooks":{"Stop":5}}"#, KEY, KEY),
        (r#"{"hooks":{"PreToolUse":null}}"#, KEY, KEY),
        (r#"{"hooks":{"PreToolUse":{}}}"#, FILE, START),
    ] {
        for (scope, expected) in [(Scope::User, user), (Scope::Managed, managed)] {
            let loaded = load(settings.as_bytes(), scope);
            let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
            assert!(matches!(&told[..], [one] if one.starts_with(expected)), "{settings}: {told:?}");
        }
    }
}

#[test]
fn what_the_client_accepts_is_accepted() {
    for settings in [
        "",
        " \n",
        "\u{feff}{}",
        r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x","timeout":0.5,"new":1}]}]}}"#,
        r#"{"hooks":{"PreToolUse":[]},"new":{"a":[1]},"x":"\ud800","y":1e999}"#,
        r#"{"model":5,"model":"x","allowManagedHooksOnly":null,"permissions":{"allow":[5]}}"#,
    ] {
        assert_eq!(load(settings.as_bytes(), Scope::User).problems, [], "{settings}");
    }
    let loaded = load(br#"{"env":{"A":"1","B":2.50,"A":"3","C":null}}"#, Scope::User);
    let env = [("A", "3"), ("B", "2.50")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!((loaded.problems, loaded.env), (vec![], BTreeMap::from(env)));
}
