//! The hook from outside: the client's event in, the coordinator's events out.

use std::time::Duration;

use rig_testkit::conductor::each_once;
use rig_testkit::{FakeConductor, Home, Mode, Payload, Program};
use serde_json::{Value, json};

fn report(home: &Home, payload: Payload) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-report")).home(home).env("AGENT_ID", "dev-e-node").payload(payload)
}

/// An event without what differs from run to run.
fn stable(event: &Value) -> Value {
    let mut event = event.clone();
    for key in ["eventId", "occurredAt", "sessionId"] {
        assert!(event[key].is_string(), "{key} in {event}");
        event.as_object_mut().expect("an object").remove(key);
    }
    event
}

fn spooled(home: &Home) -> Vec<Value> {
    home.spool().iter().map(|record| stable(&record["event"])).collect()
}

/// A home whose flusher seems to run already, so that events stay in the spool to be looked at.
fn quiet_home() -> (Home, std::fs::File) {
    let home = Home::new();
    let lock =
        std::fs::File::create(home.write(".local/state/rig/spool/flush.lock", "")).expect("just written");
    lock.lock().expect("nobody else knows it");
    (home, lock)
}

const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn a_turn_is_one_working_heartbeat_and_one_idle_one() {
    let (home, _lock) = quiet_home();
    for payload in [
        Payload::post_bash("ls", ""),
        Payload::post_bash("ls", ""),
        Payload::post_bash_failure("false", "exit 1"),
        Payload::stop(),
        Payload::session_end("other"),
    ] {
        report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    }
    let beat = |status: &str| json!({"type":"HEARTBEAT","agentId":"dev-e-node","status":status});
    assert_eq!(spooled(&home), [beat("working"), beat("idle")]);
}

#[test]
fn a_heartbeat_names_repository_and_issue() {
    let (home, _lock) = quiet_home();
    let repo = home.repo("work");
    repo.git(["remote", "add", "origin", "git@github.com:o/r.git"]);
    repo.git(["checkout", "--quiet", "-b", "feat/42-login"]);
    let stop = Payload::stop().cwd(repo.path());
    report(&home, stop).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    let expected = json!({
        "type":"HEARTBEAT","agentId":"dev-e-node","status":"idle",
        "repo":"o/r","issueNumber":42,"currentRepo":"o/r","currentIssue":42,
    });
    assert_eq!(spooled(&home), [expected]);
}

#[test]
fn an_api_error_is_idle_and_degraded() {
    let (home, _lock) = quiet_home();
    report(&home, Payload::stop_failure("overloaded\u{1b}[31m")).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    let expected = json!({
        "type":"HEARTBEAT","agentId":"dev-e-node","status":"idle",
        "degraded":true,"degradedReasons":["overloaded"],
    });
    assert_eq!(spooled(&home), [expected]);
}

#[test]
fn a_branch_that_a_call_created_is_told_once_and_one_that_is_only_named_never() {
    let (home, _lock) = quiet_home();
    let repo = home.repo("work");
    let after = |command: &str| {
        let payload = Payload::post_bash(command, "").cwd(repo.path());
        report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    };
    let told = || {
        let branches: Vec<Value> = spooled(&home).into_iter().filter(|e| e["type"] != "HEARTBEAT").collect();
        branches
            .iter()
            .map(|e| format!("{} {} {}", e["type"], e["branch"], e["issueNumber"]))
            .collect::<Vec<_>>()
    };
    after("echo 'git checkout -b feat/1-only-said'");
    repo.git(["checkout", "--quiet", "-b", "feat/42-login"]);
    after("./start-work.sh 42");
    after("ls");
    repo.git(["branch", "feat/43-side"]);
    after("git branch feat/43-side");
    repo.git(["checkout", "--quiet", "main"]);
    after("git checkout main");
    assert_eq!(told(), [r#""BRANCH_CREATED" "feat/42-login" 42"#, r#""BRANCH_CREATED" "feat/43-side" 43"#]);
}

#[test]
fn a_branch_of_the_same_name_in_another_repository_is_told_too() {
    let (home, _lock) = quiet_home();
    let repos = ["a", "b"].map(|name| home.repo(name));
    for repo in [&repos[0], &repos[1], &repos[0]] {
        repo.git(["checkout", "--quiet", "-B", "feat/42-x"]);
        let payload = Payload::post_bash("./start-work.sh", "").cwd(repo.path());
        report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    }
    let told = spooled(&home).into_iter().filter(|e| e["type"] == "BRANCH_CREATED").count();
    assert_eq!(told, 2);
}

#[test]
fn a_command_that_names_a_device_as_a_branch_is_no_trouble() {
    let (home, _lock) = quiet_home();
    let repo = home.repo("work");
    std::os::unix::fs::symlink("/dev/zero", repo.path().join(".git/logs/refs/heads/endless"))
        .expect("a link");
    let command = "git checkout -b /dev/zero; git checkout -b endless";
    let payload = Payload::post_bash(command, "").cwd(repo.path());
    report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    let types: Vec<Value> = spooled(&home).iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, ["HEARTBEAT"]);
}

#[test]
fn a_fetched_branch_that_is_checked_out_is_not_new() {
    let (home, _lock) = quiet_home();
    let repo = home.repo("work");
    let _origin = repo.with_origin();
    repo.git(["push", "--quiet", "origin", "main:feat/7-theirs"]);
    repo.git(["fetch", "--quiet"]);
    repo.git(["checkout", "--quiet", "feat/7-theirs"]);
    let payload = Payload::post_bash("git checkout feat/7-theirs", "").cwd(repo.path());
    report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    let types: Vec<Value> = spooled(&home).iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, ["HEARTBEAT"]);
}

#[test]
fn a_pull_request_is_told_once_with_its_page() {
    let (home, _lock) = quiet_home();
    let printed = "Creating pull request for x into main in o/r\n\nhttps://github.com/o/r/pull/15\n";
    for _ in 0..2 {
        let payload = Payload::post_bash("git push && gh pr create --fill", printed);
        report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    }
    let expected = json!({
        "type":"PR_CREATED","agentId":"dev-e-node","repo":"o/r","prNumber":15,
        "prUrl":"https://github.com/o/r/pull/15",
    });
    let told: Vec<Value> = spooled(&home).into_iter().filter(|e| e["type"] == "PR_CREATED").collect();
    assert_eq!(told, [expected]);
}

#[test]
fn events_reach_the_coordinator_without_the_hook_waiting_for_it() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    for payload in [Payload::post_bash("ls", ""), Payload::stop()] {
        report(&home, payload).env("CONDUCTOR_BASE_URL", conductor.url()).exits(0);
    }
    let events = conductor.wait_for_events(|events| events.len() == 2);
    assert_eq!(each_once(&events), [("HEARTBEAT".to_owned(), 2)]);
}

#[test]
fn a_hanging_coordinator_delays_no_hook_and_gets_each_event_once_afterwards() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    conductor.mode(Mode::Hang(Duration::from_secs(60)));
    for n in 0..3 {
        let payload = Payload::post_bash("ls", "").set("session_id", format!("s{n}"));
        report(&home, payload).env("CONDUCTOR_BASE_URL", conductor.url()).exits(0);
    }
    conductor.wait_for_requests(|requests| !requests.is_empty());
    assert_eq!(conductor.accepted(), [] as [Value; 0]);
    conductor.mode(Mode::Normal);
    conductor.release();
    let events = conductor.wait_for_events(|events| events.len() == 3);
    assert_eq!(each_once(&events), [("HEARTBEAT".to_owned(), 3)]);
}

#[test]
fn without_a_coordinator_events_are_logged_and_not_spooled() {
    let home = Home::new();
    report(&home, Payload::stop()).exits(0);
    assert_eq!(home.spool(), [] as [Value; 0]);
    let log = home.log("rig-report");
    assert_eq!(
        (log.len(), &log[0]["event"]["type"], &log[0]["sent"]),
        (1, &json!("HEARTBEAT"), &json!(false))
    );
}

#[test]
fn broken_settings_are_named_and_the_event_goes_on() {
    let (home, _lock) = quiet_home();
    let path = home.write(".config/rig/config.json", r#"{"agent":{"idd":"x"}}"#);
    report(&home, Payload::stop())
        .env("CONDUCTOR_BASE_URL", NOWHERE)
        .stderr(format!(
            "rig-report: the settings at {} are not valid at `agent.idd`: unknown field `idd`, expected one of `id`, `name`, `email`, `emailDomain` at line 1 column 15\n",
            path.display()
        ))
        .exits(0);
    assert_eq!(spooled(&home).len(), 1);
}

#[test]
fn events_that_are_not_its_business_leave_no_event() {
    let (home, _lock) = quiet_home();
    for payload in [Payload::session_start("startup"), Payload::bash("ls"), Payload::new("Unheard")] {
        report(&home, payload).env("CONDUCTOR_BASE_URL", NOWHERE).exits(0);
    }
    assert_eq!(home.spool(), [] as [Value; 0]);
}

#[test]
fn an_event_for_a_url_that_the_repository_chose_goes_there_without_the_users_token() {
    let home = Home::new();
    let (theirs, ours) = (FakeConductor::start(), FakeConductor::start());
    home.config(&json!({"conductor": {"baseUrl": ours.url(), "token": "s3cret"}}));
    home.write("p/.claude/settings.json", json!({"env": {"CONDUCTOR_BASE_URL": theirs.url()}}).to_string());
    let in_project = Payload::post_bash("ls", "").cwd(home.join("p")).set("session_id", "a");
    report(&home, in_project).env("CONDUCTOR_BASE_URL", theirs.url()).exits(0);
    report(&home, Payload::stop().set("session_id", "b")).exits(0);
    let at_theirs = theirs.wait_for_requests(|r| r.iter().any(|r| r.path() == "/api/events"));
    let at_ours = ours.wait_for_requests(|r| r.iter().any(|r| r.path() == "/api/events"));
    let tokens = |requests: &[rig_testkit::http::Request]| -> Vec<Option<String>> {
        requests.iter().map(|r| r.header("authorization").map(str::to_owned)).collect()
    };
    assert_eq!((tokens(&at_theirs), tokens(&at_ours)), (vec![None], vec![Some("Bearer s3cret".to_owned())]));
}

#[test]
fn a_flusher_whose_spool_was_removed_ends_and_brings_nothing_back() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    report(&home, Payload::stop()).env("CONDUCTOR_BASE_URL", conductor.url()).exits(0);
    conductor.wait_for_events(|events| events.len() == 1);
    rig_testkit::eventually("the delivery to be logged", || home.log("rig-report").pop());
    let state = home.state();
    let lock = std::fs::File::open(state.join("spool/flush.lock")).expect("the flusher's lock");
    std::fs::remove_dir_all(&state).expect("remove the state");
    rig_testkit::eventually("the flusher to end", || lock.try_lock().ok());
    assert!(!state.exists());
}
