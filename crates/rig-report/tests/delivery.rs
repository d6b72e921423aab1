//! What becomes of events at coordinators that do not behave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig_core::spool::Spool;
use rig_testkit::http::{Reply, Request, Response, Server};
use rig_testkit::{FakeConductor, Home, Mode, Payload, Program};
use serde_json::json;

fn report(home: &Home, args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-report"))
        .home(home)
        .env("AGENT_ID", "dev-e-node")
        .args(args.iter().copied())
}

/// A coordinator that answers by the event's branch, and what it was asked.
fn coordinator(
    answer: impl Fn(&str) -> Response + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<Request>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::start(move |request: &Request| {
        log.lock().expect("no panic").push(request.clone());
        Reply::Send(answer(request.json()["branch"].as_str().unwrap_or("")))
    });
    (server, seen)
}

fn accepted() -> Response {
    Response::json(200, &json!({"streamId": "s", "type": "t", "timestamp": "2026-01-02T03:04:05Z"}))
}

fn spool(home: &Home, branches: &[&str]) {
    for branch in branches {
        report(home, &["BRANCH_CREATED", "--branch", branch])
            .env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1")
            .output();
    }
}

fn branches(seen: &Mutex<Vec<Request>>) -> Vec<String> {
    seen.lock()
        .expect("no panic")
        .iter()
        .map(|r| r.json()["branch"].as_str().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn an_event_at_which_the_coordinator_always_fails_holds_up_no_other() {
    let home = Home::new();
    spool(&home, &["poison", "a", "b"]);
    let (server, seen) =
        coordinator(|branch| if branch == "poison" { Response::empty(500) } else { accepted() });
    report(&home, &["flush"])
        .env("CONDUCTOR_BASE_URL", server.url())
        .stderr(format!(
            "rig-report: delivered 2, waiting 1\nrig-report: {} did not take BRANCH_CREATED: it answered 500\n",
            server.url()
        ))
        .exits(0);
    assert_eq!(branches(&seen), ["poison", "a", "b"]);
}

#[test]
fn a_coordinator_that_fails_at_everything_is_left_alone() {
    let home = Home::new();
    spool(&home, &["a", "b", "c", "d", "e"]);
    let (server, seen) = coordinator(|_| Response::empty(503));
    report(&home, &["flush"]).env("CONDUCTOR_BASE_URL", server.url()).output();
    assert_eq!((branches(&seen), home.spool().len()), (["a", "b", "c"].map(String::from).to_vec(), 5));
}

#[test]
fn who_asks_to_be_left_alone_is_left_alone_by_later_processes_too() {
    let home = Home::new();
    spool(&home, &["a", "b"]);
    for (retry_after, said) in [("120", "120"), ("18446744073709551615", "3600")] {
        let (server, seen) = coordinator(move |_| Response::empty(429).header("retry-after", retry_after));
        let flush = || report(&home, &["flush"]).env("CONDUCTOR_BASE_URL", server.url());
        let told = |seconds: &str| {
            format!(
                "rig-report: delivered 0, waiting 2\nrig-report: {} asks to be left alone for {seconds} s\n",
                server.url()
            )
        };
        flush().stderr(told(said)).exits(0);
        let again = flush().output().stderr;
        let less = |n: u64| told(&(said.parse::<u64>().unwrap() - n).to_string());
        assert!((0..60).any(|n| again == less(n)), "{again}");
        assert_eq!(branches(&seen), ["a"], "{retry_after}");
    }
}

#[test]
fn a_page_for_people_is_no_answer() {
    let home = Home::new();
    spool(&home, &["a"]);
    let (server, _) = coordinator(|_| Response::new(200, "text/html; charset=utf-8", "<p>Please sign in"));
    report(&home, &["flush"])
        .env("CONDUCTOR_BASE_URL", server.url())
        .stderr(format!(
            "rig-report: delivered 0, waiting 1\nrig-report: {} could not be reached: it answered 200 without a JSON object\n",
            server.url()
        ))
        .exits(0);
}

#[test]
fn a_delivery_by_hand_ends_when_another_process_wants_to_deliver() {
    let home = Home::new();
    spool(&home, &["a", "b", "c"]);
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (server, seen) = coordinator(move |_| {
        wait.lock().expect("no panic").recv().expect("a word");
        accepted()
    });
    let waiting = Spool::at(home.state().join("spool"));
    std::thread::scope(|scope| {
        scope.spawn(|| report(&home, &["flush"]).env("CONDUCTOR_BASE_URL", server.url()).output());
        rig_testkit::eventually("a request", || (!branches(&seen).is_empty()).then_some(()));
        let taken = scope.spawn(|| waiting.take_over(Duration::from_secs(20)).expect("a lock").is_some());
        rig_testkit::eventually("somebody to want the place", || waiting.is_wanted().then_some(()));
        go.send(()).expect("somebody listens");
        assert!(taken.join().expect("no panic"));
    });
    assert_eq!((branches(&seen), waiting.waiting_events().expect("a spool").len()), (vec!["a".into()], 2));
}

#[test]
fn neither_a_redirect_nor_a_proxy_sees_event_or_token() {
    let home = Home::new();
    let (conductor, elsewhere) = (FakeConductor::start(), FakeConductor::start());
    conductor.mode(Mode::Redirect(elsewhere.url()));
    let mut command = report(&home, &["HEARTBEAT"])
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .env("CONDUCTOR_TOKEN", "s3cret");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        command = command.env(variable, elsewhere.url());
    }
    command.output();
    let token = conductor.requests()[0].header("authorization").map(str::to_owned);
    assert_eq!((token.as_deref(), elsewhere.requests().len()), (Some("Bearer s3cret"), 0));
    let written: String =
        home.files().iter().map(|f| std::fs::read_to_string(home.join(f)).expect("a text")).collect();
    assert!(written.contains("HEARTBEAT") && !written.contains("s3cret"), "{written}");
}

#[test]
fn a_request_by_hand_is_cut_off_when_its_time_is_over() {
    let home = Home::new();
    spool(&home, &["a", "b", "c", "d"]);
    // The second answer would come after 2.4 s.
    let (server, seen) = coordinator(|_| {
        std::thread::sleep(Duration::from_millis(1200));
        accepted()
    });
    report(&home, &["BRANCH_CREATED", "--branch", "e"])
        .env("CONDUCTOR_BASE_URL", server.url())
        .stderr(format!(
            "rig-report: delivered 1, waiting 4\nrig-report: {} could not be reached: timeout: global\n",
            server.url()
        ))
        .exits(0);
    assert_eq!(branches(&seen), ["a", "b"]);
}

/// Runs a hook in a project whose settings name a coordinator.
fn in_project(home: &Home, url: &str) {
    home.write("p/.claude/settings.json", json!({"env": {"CONDUCTOR_BASE_URL": url}}).to_string());
    let payload = Payload::stop().cwd(home.join("p"));
    Program::new(env!("CARGO_BIN_EXE_rig-report"))
        .home(home)
        .env("AGENT_ID", "dev-e-node")
        .env("CONDUCTOR_BASE_URL", url)
        .payload(payload)
        .exits(0);
}

fn quiet(home: &Home) -> std::fs::File {
    let lock =
        std::fs::File::create(home.write(".local/state/rig/spool/flush.lock", "")).expect("just written");
    lock.lock().expect("nobody else knows it");
    lock
}

#[test]
fn a_repository_that_names_the_users_own_coordinator_is_served_like_the_rest() {
    let home = Home::new();
    let conductor = FakeConductor::behaving(|b| b.token = Some("s3cret".into()));
    home.config(&json!({"conductor": {"baseUrl": conductor.url(), "token": "s3cret"}}));
    let lock = quiet(&home);
    in_project(&home, &conductor.url());
    drop(lock);
    report(&home, &["HEARTBEAT"]).stderr("rig-report: delivered 2, waiting 0\n").exits(0);
}

#[test]
fn what_a_repositorys_coordinator_refuses_without_a_token_is_given_up() {
    let home = Home::new();
    let theirs = FakeConductor::behaving(|b| b.token = Some("theirs".into()));
    let lock = quiet(&home);
    in_project(&home, &theirs.url());
    drop(lock);
    report(&home, &["flush"])
        .stderr(format!(
            "rig-report: delivered 0, waiting 0, given up 1\nrig-report: {} refused HEARTBEAT with 401; it is given up\n",
            theirs.url()
        ))
        .exits(0);
}

#[test]
fn everything_that_is_made_belongs_to_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let conductor = FakeConductor::behaving(|b| b.old = true);
    // A block that is refused leaves a batch and the note of the refusal.
    let block = r#"{"s":0,"keep":true,"to":null,"event":{"type":"GUARD_BLOCKED","eventId":"b"}}"#;
    home.write(".local/state/rig/spool/events.jsonl", format!("{block}\n"));
    report(&home, &["HEARTBEAT"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    Program::new(env!("CARGO_BIN_EXE_rig-report")).home(&home).payload(Payload::stop()).exits(0);
    conductor.mode(Mode::Close);
    let files = home.files();
    let others: Vec<_> = files
        .iter()
        .filter(|f| !f.ends_with("events.jsonl"))
        .filter(|f| std::fs::metadata(home.join(f)).unwrap().permissions().mode() & 0o077 != 0)
        .collect();
    assert!(files.iter().any(|f| f.ends_with("refused.json")), "{files:?}");
    assert_eq!(others, [] as [&std::path::PathBuf; 0]);
}
