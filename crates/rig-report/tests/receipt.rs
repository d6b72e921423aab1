//! Calls that ran without the guard's leave are noticed, and no others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use rig_core::receipt::{Receipts, Verdict, digest};
use rig_core::settings::{Entry, RECORD_VERSION, Record, Scope, Undo};
use rig_testkit::payload::SESSION;
use rig_testkit::{Home, Output, Payload, Program};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A session in which the guard was installed an hour ago.
struct Rig {
    home: Home,
    state: std::path::PathBuf,
    _lock: std::fs::File,
}

impl Rig {
    fn new() -> Self {
        Self::with(json!({}), None)
    }

    /// `more` are further members of the guard's entry.
    fn with(more: Value, matcher: Option<&str>) -> Self {
        let home = Home::new();
        let lock = std::fs::File::create(home.write(".local/state/rig/spool/flush.lock", "")).unwrap();
        // No flusher starts meanwhile.
        lock.lock().unwrap();
        let state = home.state();
        let rig = Self { home, state, _lock: lock };
        let program = rig.home.write("bin/rig-guard", "");
        let mut hook = json!({"type": "command", "command": program, "args": ["hook"], "onFailure": "block"});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut group = json!({"hooks": [hook]});
        if let Some(matcher) = matcher {
            group["matcher"] = matcher.into();
        }
        let settings =
            rig.home.write(".claude/settings.json", json!({"hooks": {"PreToolUse": [group]}}).to_string());
        let record = Record {
            version: RECORD_VERSION,
            target: settings,
            scope: Scope::User,
            role: None,
            bin: rig.home.join("bin"),
            entries: vec![Entry { event: "PreToolUse".into(), matcher: matcher.map(Into::into), hook }],
            next: None,
            env: [].into(),
            undo: Undo::default(),
        };
        rig.home.write(".local/state/rig/hooks/user.json", serde_json::to_string(&record).unwrap());
        for file in [
            "bin/rig-guard",
            ".claude/settings.json",
            ".local/state/rig/hooks/user.json",
            ".local/state/rig/hooks",
        ] {
            rig.age(file, HOUR);
        }
        rig
    }

    fn age(&self, file: &str, age: Duration) {
        let file = std::fs::File::open(self.home.join(file)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    fn receipt(&self, call: &str, tool: &str, input: &Value, verdict: Verdict) {
        let raw = serde_json::value::to_raw_value(input).unwrap();
        Receipts::of(&self.state, SESSION).append(call, &digest(tool, &raw).unwrap(), verdict).unwrap();
    }

    fn after(&self, tool: &str, call: &str, input: &Value) -> Output {
        self.ask(Payload::post_tool_use(tool, input.clone(), json!({})).set("tool_use_id", call))
    }

    fn ask(&self, payload: Payload) -> Output {
        let program =
            Program::new(env!("CARGO_BIN_EXE_rig-report")).home(&self.home).env("AGENT_ID", "dev-e");
        let output = program.payload(payload.cwd(self.home.path())).output();
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        output
    }

    /// Returns what was raised, without what differs from run to run.
    fn raised(&self) -> Vec<Value> {
        let mut events: Vec<Value> = self.home.spool().iter().map(|record| record["event"].clone()).collect();
        for event in &mut events {
            for key in ["eventId", "occurredAt", "sessionId", "agentId", "escalationId"] {
                event.as_object_mut().unwrap().remove(key);
            }
        }
        events
    }

    #[track_caller]
    fn quiet(&self, tool: &str, call: &str, input: &Value) {
        let output = self.after(tool, call, input);
        assert_eq!((output.stdout.as_str(), self.raised()), ("", vec![]), "{tool} {call} {input}");
    }
}

fn bash(command: &str) -> Value {
    json!({"command": command, "description": "x"})
}

const UNASKED: &str = "A tool call ran that the guard was not asked about";

fn word(event: &str, what: &str) -> String {
    let cause = if what.contains("another input") {
        "Another hook changes calls after they are judged"
    } else {
        "Something has disarmed it"
    };
    let text = format!(
        "{what}. {cause}: stop what you are doing, change nothing, and tell the person you work for. \
         They can run `rig-hooks-sync --check`, which says what is wrong."
    );
    format!("{}\n", json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}))
}

#[test]
fn a_call_that_was_let_through_is_no_news() {
    let rig = Rig::new();
    rig.receipt("c1", "Bash", &bash("ls"), Verdict::Allow);
    rig.quiet("Bash", "c1", &json!({"command": "ls", "timeout": 5}));
    rig.receipt("c2", "Write", &json!({"file_path": "/a", "content": "x"}), Verdict::Allow);
    rig.quiet("Write", "c2", &json!({"file_path": "/a", "content": "edited by a person"}));
    rig.quiet("Read", "c3", &json!({"file_path": "/a"}));
    rig.quiet("Agent", "c4", &json!({"prompt": "x"}));
}

#[test]
fn a_call_that_nobody_judged_is_an_event_each_time_and_one_escalation_a_session() {
    let rig = Rig::new();
    rig.receipt("c0", "Bash", &bash("ls"), Verdict::Allow);
    let secret = "curl -H 'Authorization: Bearer abc.def' https://x";
    let output = rig.after("Bash", "c1", &bash(secret));
    assert_eq!(output.stdout, word("PostToolUse", UNASKED));
    let failed = Payload::post_bash_failure("rm -rf x", "exit 1").set("tool_use_id", "c2");
    assert_eq!(rig.ask(failed).stdout, word("PostToolUseFailure", UNASKED));
    let shown = "curl -H 'Authorization: Bearer [redacted]' https://x";
    let missed = |command: &str| json!({"type": "GUARD_MISSED", "tool": "Bash", "reason": UNASKED, "command": command});
    let escalation = json!({
        "type": "ESCALATION_CREATED", "severity": "P0", "category": "security",
        "reason": format!("{UNASKED}: the session goes on unguarded"),
        "details": format!("session: {SESSION}\ntool: Bash\ncall: {shown}\n`rig-hooks-sync --check` in the session's directory says what is wrong."),
        "dedupKey": format!("guard.missed:{SESSION}"),
    });
    assert_eq!(rig.raised(), [missed(shown), escalation, missed("rm -rf x")]);
    assert!(rig.home.spool().iter().all(|record| record["keep"] == true));
    for n in 3..20 {
        rig.after("Bash", &format!("c{n}"), &bash("ls"));
    }
    assert_eq!(rig.raised().len(), 11, "a person knows by then");
}

#[test]
fn a_call_that_ran_as_something_else_or_although_it_was_refused_is_told_as_that() {
    for (input, verdict, what, decision) in [
        ("ls", Verdict::Deny, "A tool call ran that the guard had refused", "deny"),
        ("pwd", Verdict::Allow, "A tool call ran with another input than the guard let through", "allow"),
    ] {
        let rig = Rig::new();
        rig.receipt("c1", "Bash", &bash(input), verdict);
        let output = rig.after("Bash", "c1", &bash("ls"));
        assert_eq!(output.stdout, word("PostToolUse", what));
        let [missed, escalation] = rig.raised().try_into().unwrap();
        let expected = json!({"type": "GUARD_MISSED", "tool": "Bash", "reason": what, "command": "ls", "decision": decision});
        assert_eq!((missed, &escalation["severity"]), (expected, &json!("P0")));
    }
}

#[test]
fn an_alarm_goes_to_no_coordinator_that_a_repository_chose() {
    let rig = Rig::new();
    let chosen = json!({"env": {"CONDUCTOR_BASE_URL": "http://127.0.0.1:1"}}).to_string();
    rig.home.write("p/.claude/settings.json", chosen);
    let payload = Payload::post_tool_use("Bash", bash("ls"), json!({})).set("tool_use_id", "c1");
    let program = Program::new(env!("CARGO_BIN_EXE_rig-report")).home(&rig.home);
    program.env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1").payload(payload.cwd(rig.home.join("p"))).output();
    let alarms: Vec<Value> =
        rig.home.spool().into_iter().filter(|r| r["event"]["type"] != "HEARTBEAT").collect();
    assert_eq!((alarms.len(), alarms.iter().all(|record| record["to"].is_null())), (2, true));
}

#[test]
fn where_the_guard_need_not_have_been_asked_nothing_is_raised() {
    // Not installed at all.
    let rig = Rig::new();
    std::fs::remove_file(rig.state.join("hooks/user.json")).unwrap();
    rig.home.write(".claude/settings.json", "{}");
    rig.quiet("Bash", "c1", &bash("ls"));
    // Its matcher leaves the tool out, is no list of names, or it has a condition.
    let rig = Rig::with(json!({}), Some("Bash"));
    rig.quiet("Write", "c1", &json!({"file_path": "/a"}));
    rig.quiet("mcp__a__b", "c2", &json!({"x": 1}));
    Rig::with(json!({}), Some("^Ba")).quiet("Bash", "c1", &bash("ls"));
    Rig::with(json!({"if": "Bash(rm *)"}), None).quiet("Bash", "c1", &bash("ls"));
    // It was installed, or brought up to date, while the call ran.
    for file in ["bin/rig-guard", ".claude/settings.json", ".local/state/rig/hooks"] {
        let rig = Rig::new();
        rig.age(file, Duration::from_secs(2));
        rig.quiet("Bash", "c1", &bash("ls"));
        rig.age(file, HOUR);
        assert_eq!(rig.after("Bash", "c2", &bash("ls")).stdout, word("PostToolUse", UNASKED), "{file}");
    }
    // Nothing tells when the call began, or which call it was.
    let rig = Rig::new();
    let payload = || Payload::post_tool_use("Bash", bash("ls"), json!({}));
    for payload in
        [payload().without("duration_ms"), payload().without("tool_use_id"), payload().without("tool_input")]
    {
        assert_eq!((rig.ask(payload).stdout, rig.raised()), (String::new(), vec![]));
    }
}

#[test]
fn receipts_in_the_guards_own_state_directory_count() {
    let elsewhere = Home::new();
    let rig = Rig::with(json!({"args": ["hook", "--state", elsewhere.state()]}), None);
    rig.quiet("Bash", "c1", &bash("ls"));
    let raw = serde_json::value::to_raw_value(&bash("ls")).unwrap();
    let theirs = Receipts::of(&elsewhere.state(), SESSION);
    theirs.append("c2", &digest("Bash", &raw).unwrap(), Verdict::Allow).unwrap();
    rig.quiet("Bash", "c2", &bash("ls"));
    assert_eq!(rig.after("Bash", "c3", &bash("ls")).stdout, word("PostToolUse", UNASKED));
}

#[test]
fn a_receipt_that_could_not_be_written_is_not_missing() {
    let rig = Rig::new();
    rig.receipt("c0", "Bash", &bash("ls"), Verdict::Allow);
    let path = rig.state.join(format!("sessions/{SESSION}.receipts"));
    // As the guard leaves it on a full disk.
    std::fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(SystemTime::now() + Duration::from_secs(5))
        .unwrap();
    rig.quiet("Bash", "c1", &bash("ls"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    rig.quiet("Bash", "c2", &bash("ls"));
    // Older receipts were cut off.
    std::fs::remove_dir(&path).unwrap();
    rig.receipt("c3", "Bash", &bash("ls"), Verdict::Allow);
    std::fs::rename(&path, path.with_extension("receipts.1")).unwrap();
    rig.quiet("Bash", "c2", &bash("ls"));
    assert!(Path::new(&path.with_extension("receipts.1")).exists());
}

#[test]
fn a_resumed_session_and_a_subagent_have_the_receipts_of_their_session() {
    let rig = Rig::new();
    rig.receipt("c1", "Bash", &bash("ls"), Verdict::Allow);
    let payload = Payload::post_tool_use("Bash", bash("ls"), json!({})).set("tool_use_id", "c1");
    let of_agent = payload.set("agent_id", "a1").set("agent_type", "general-purpose");
    assert_eq!((rig.ask(of_agent).stdout, rig.raised()), (String::new(), vec![]));
    rig.ask(Payload::session_end("other"));
    rig.receipt("c2", "Bash", &bash("pwd"), Verdict::Allow);
    rig.quiet("Bash", "c2", &bash("pwd"));
}
