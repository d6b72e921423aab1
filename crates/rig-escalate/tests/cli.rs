//! The command from outside, with every fate that an escalation can have.

use std::time::Duration;

use rig_core::spool::{Delivery, Spool};
use rig_testkit::http::{Reply, Response, Server};
use rig_testkit::{FakeConductor, Home, Mode, Output, Program};
use serde_json::{Value, json};

fn escalate(home: &Home, args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-escalate"))
        .home(home)
        .env("AGENT_ID", "dev-e-node")
        .args(args.iter().copied())
        .within(Duration::from_secs(60))
}

/// What is said where a coordinator of old accepts: it keeps the event, and that is all that is known.
const UNCONFIRMED: &str = "rig-escalate: NOT CONFIRMED: this coordinator does not say whether a person was told\n\
                           rig-escalate: if it is urgent, tell a person yourself\n";

/// The exit code that goes with it.
const ACCEPTED: Option<i32> = Some(6);

/// Replaces the escalation's id by `ID`.
fn masked(output: Output, id: &str) -> Output {
    Output { stdout: output.stdout.replace(id, "ID"), stderr: output.stderr.replace(id, "ID"), ..output }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|e| e["type"].as_str().expect("a type")).collect()
}

fn waiting(home: &Home) -> Vec<Value> {
    home.spool().iter().filter(|r| r["s"] == 0).map(|r| r["event"].clone()).collect()
}

fn id_of(event: &Value) -> String {
    event["escalationId"].as_str().expect("an id").to_owned()
}

#[test]
fn an_accepted_escalation_says_everything_a_person_needs() {
    let home = Home::new();
    let repo = home.repo("work");
    repo.git(["remote", "add", "origin", "https://github.com/o/r.git"]);
    repo.git(["checkout", "--quiet", "-b", "feat/42-login"]);
    let conductor = FakeConductor::start();
    let output = escalate(&home, &["P1", "CI is \u{1b}[31mred\nsince noon", "--pr", "15"])
        .cwd(repo.path())
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .output();
    let events = conductor.accepted();
    let id = id_of(&events[0]);
    assert_eq!(
        masked(output, &id),
        Output {
            code: ACCEPTED,
            stdout: format!("P1 escalation ID accepted by {}\n", conductor.url()),
            stderr: UNCONFIRMED.to_owned()
        }
    );
    let mut event = events[0].clone();
    for key in ["eventId", "occurredAt", "escalationId"] {
        event.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(
        event,
        json!({
            "type":"ESCALATION_CREATED","agentId":"dev-e-node","repo":"o/r","issueNumber":42,"prNumber":15,
            "branch":"feat/42-login","severity":"P1","reason":"CI is red\nsince noon",
        })
    );
    assert_eq!((events.len(), waiting(&home).len()), (1, 0));
}

#[test]
fn a_coordinator_that_the_repository_chose_is_named_as_such_and_gets_no_token() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let env = json!({"env": {"CONDUCTOR_BASE_URL": conductor.url()}});
    home.write("p/.claude/settings.json", format!("\u{feff}{env}"));
    let output = escalate(&home, &["P1", "x"])
        .cwd(home.join("p"))
        .env("CONDUCTOR_BASE_URL", conductor.url())
        .env("CONDUCTOR_TOKEN", "s3cret")
        .output();
    let said = format!(" accepted by {}, which this repository's settings chose\n", conductor.url());
    assert!(output.code == ACCEPTED && output.stdout.ends_with(&said), "{output:?}");
    assert!(conductor.requests().iter().all(|r| r.header("authorization").is_none()));
}

#[test]
fn severities_have_names_for_people() {
    for (word, severity) in [("critical", "P0"), ("High", "P1"), ("medium", "P2"), ("p0", "P0")] {
        let home = Home::new();
        let conductor = FakeConductor::start();
        let output = escalate(&home, &[word, "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
        assert_eq!(
            (output.code, conductor.accepted()[0]["severity"].as_str()),
            (ACCEPTED, Some(severity)),
            "{word}"
        );
    }
}

#[test]
fn a_coordinator_that_does_not_know_escalations_gets_a_stuck_agent_instead() {
    let home = Home::new();
    let conductor = FakeConductor::behaving(|b| b.old = true);
    let url = conductor.url();
    let output = escalate(&home, &["P2", "which login?", "--repo", "o/r", "--issue", "7"])
        .env("CONDUCTOR_BASE_URL", &url)
        .output();
    let kept = waiting(&home);
    let id = id_of(&kept[0]);
    let expected = format!(
        "rig-escalate: {url} refused ESCALATION_CREATED with 400 (Unknown event type: ESCALATION_CREATED); it is kept\n\
         rig-escalate: NOT DELIVERED: P2 escalation ID waits in the spool; nobody has been told of it\n\
         rig-escalate: AGENT_STUCK was accepted in its place\n\
         rig-escalate: it is sent again by the next hook or `rig-report flush`; if it is urgent, tell a person yourself\n"
    );
    assert_eq!(masked(output, &id), Output { code: Some(3), stdout: String::new(), stderr: expected });
    assert_eq!(types(&kept), ["ESCALATION_CREATED"]);
    let accepted = conductor.accepted();
    assert_eq!(types(&accepted), ["AGENT_STUCK"]);
    assert_eq!(
        [&accepted[0]["reason"], &accepted[0]["repo"], &accepted[0]["issueNumber"]],
        [&json!("which login?"), &json!("o/r"), &json!(7)]
    );
    // Once the coordinator knows them, the next escalation takes the first one along.
    conductor.behave(|b| b.old = false);
    assert_eq!(escalate(&home, &["P2", "again"]).env("CONDUCTOR_BASE_URL", &url).output().code, ACCEPTED);
    let ids: Vec<String> =
        conductor.accepted().iter().filter(|e| e["type"] == "ESCALATION_CREATED").map(id_of).collect();
    assert_eq!((ids.len(), ids[1].as_str(), waiting(&home).len()), (2, id.as_str(), 0));
}

#[test]
fn what_nobody_takes_waits_and_says_so_loudly() {
    for mode in [Mode::Close, Mode::ServerError, Mode::Redirect("http://127.0.0.1:1".into())] {
        let home = Home::new();
        let conductor = FakeConductor::start();
        conductor.mode(mode.clone());
        let output =
            escalate(&home, &["P0", "a token leaked"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
        assert_eq!(output.code, Some(3), "{mode:?}");
        assert!(output.stderr.contains("NOT DELIVERED: P0 escalation"), "{}", output.stderr);
        assert_eq!(types(&waiting(&home)), ["ESCALATION_CREATED", "AGENT_STUCK"], "{mode:?}");
        let tries = conductor.requests().iter().filter(|r| r.method == "POST").count();
        assert_eq!(tries, 3, "{mode:?}");
    }
}

#[test]
fn without_a_coordinator_it_waits_with_its_own_exit_code() {
    let home = Home::new();
    let output = escalate(&home, &["P1", "x"]).output();
    let kept = waiting(&home);
    assert_eq!(
        masked(output, &id_of(&kept[0])),
        Output {
            code: Some(4),
            stdout: String::new(),
            stderr: "rig-escalate: NOT DELIVERED: P1 escalation ID waits in the spool, because no coordinator is set up\n\
                     rig-escalate: set CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json; until then, tell a person yourself\n"
                .into()
        }
    );
    assert_eq!(types(&kept), ["ESCALATION_CREATED"]);
}

#[test]
fn a_spool_that_cannot_be_written_does_not_stop_an_escalation() {
    let home = Home::new();
    home.write(".local/state/rig", "a file in the place of the directory");
    let conductor = FakeConductor::start();
    let output = escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    assert_eq!((output.code, conductor.accepted().len()), (ACCEPTED, 1), "{}", output.stderr);
    conductor.mode(Mode::Close);
    let output = escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    assert_eq!(output.code, Some(5));
    assert!(output.stderr.contains("LOST: P1 escalation"), "{}", output.stderr);
}

#[test]
fn a_long_reason_is_cut_and_goes_whole_into_the_details() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let reason = "x".repeat(3000);
    let output = escalate(&home, &["P2", &reason]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    let event = &conductor.accepted()[0];
    let length = |key: &str| event[key].as_str().unwrap().chars().count();
    assert_eq!((output.code, length("reason"), length("details")), (ACCEPTED, 2000, 3000));
}

#[test]
fn what_an_escalation_is_about_is_taken_as_people_write_it() {
    for (args, expected) in [
        (["--repo", "o/r", "--issue", "7"], (json!("o/r"), json!(7))),
        (["--repo", "https://github.com/o/r.git", "--issue", "0"], (json!("o/r"), Value::Null)),
    ] {
        let home = Home::new();
        let conductor = FakeConductor::start();
        let all = [&["P1", "x"][..], &args].concat();
        escalate(&home, &all).env("CONDUCTOR_BASE_URL", conductor.url()).output();
        let event = conductor.accepted().remove(0);
        assert_eq!((event["repo"].clone(), event["issueNumber"].clone()), expected, "{args:?}");
    }
}

#[test]
fn wrong_usage_sends_nothing() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    // A coordinator would refuse these for good, and an escalation is never given up.
    for args in [
        &["P3", "x"][..],
        &["P1"],
        &["P1", " \u{200b}\n"],
        &["P1", "x", "--issue", "-1"],
        &["P1", "x", "--repo", "o"],
        &[],
    ] {
        let output = escalate(&home, args).env("CONDUCTOR_BASE_URL", conductor.url()).output();
        assert_eq!(output.code, Some(2), "{args:?}: {}", output.stderr);
    }
    assert_eq!((conductor.requests().len(), waiting(&home).len()), (0, 0));
}

fn spool(home: &Home) -> Spool {
    Spool::at(home.state().join("spool"))
}

#[test]
fn a_background_process_hands_over_and_the_answer_is_told() {
    for (old, code, accepted) in [(false, 6, "ESCALATION_CREATED"), (true, 3, "AGENT_STUCK")] {
        let home = Home::new();
        let conductor = FakeConductor::behaving(|b| b.old = old);
        let spool = spool(&home);
        let running = spool.flusher().expect("a lock").expect("nobody else");
        let output = std::thread::scope(|scope| {
            let command = scope
                .spawn(|| escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output());
            rig_testkit::eventually("somebody to want the place", || spool.is_wanted().then_some(()));
            drop(running);
            command.join().expect("no panic")
        });
        assert_eq!((output.code, types(&conductor.accepted())), (Some(code), vec![accepted]), "{output:?}");
        assert_eq!(output.stderr.contains("refused ESCALATION_CREATED with 400"), old, "{output:?}");
    }
}

#[test]
fn what_a_background_process_delivered_before_it_handed_over_is_not_sent_again() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let spool = spool(&home);
    let running = spool.flusher().expect("a lock").expect("nobody else");
    let output = std::thread::scope(|scope| {
        let command =
            scope.spawn(|| escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output());
        rig_testkit::eventually("somebody to want the place", || spool.is_wanted().then_some(()));
        running.pass(|_| Delivery::Accepted).expect("a pass");
        drop(running);
        command.join().expect("no panic")
    });
    let posts = conductor.requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!((output.code, posts), (ACCEPTED, 0), "{output:?}");
}

#[test]
fn a_process_that_never_hands_over_does_not_stop_an_escalation() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let spool = spool(&home);
    let stopped = spool.flusher().expect("a lock").expect("nobody else");
    let output = escalate(&home, &["P0", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    let id = id_of(&conductor.accepted()[0]);
    assert_eq!(
        masked(output, &id),
        Output {
            code: ACCEPTED,
            stdout: format!("P0 escalation ID accepted by {}\n", conductor.url()),
            stderr: format!(
                "rig-escalate: another process has the right to deliver and does not hand over\n{UNCONFIRMED}"
            )
        }
    );
    drop(stopped);
}

#[test]
fn a_writer_that_is_stopped_does_not_stop_an_escalation() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let events =
        std::fs::File::create(home.write(".local/state/rig/spool/events.jsonl", "x\n")).expect("a file");
    events.lock().expect("nobody else");
    let output = escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    assert_eq!(
        (output.code, types(&conductor.accepted())),
        (ACCEPTED, vec!["ESCALATION_CREATED"]),
        "{output:?}"
    );
}

#[test]
fn two_escalations_at_once_both_arrive_once() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let commands = ["a", "b", "c", "d"].map(|reason| {
            let (home, url) = (&home, conductor.url());
            scope.spawn(move || escalate(home, &["P1", reason]).env("CONDUCTOR_BASE_URL", url).output().code)
        });
        commands.map(|command| command.join().expect("no panic")).into()
    });
    let events = conductor.accepted();
    assert_eq!(
        (codes, rig_testkit::conductor::each_once(&events), waiting(&home).len()),
        (vec![ACCEPTED; 4], vec![("ESCALATION_CREATED".to_owned(), 4)], 0)
    );
}

#[test]
fn who_asks_to_be_left_alone_is_asked_once() {
    let home = Home::new();
    let server = Server::start(|_| Reply::Send(Response::empty(429).header("retry-after", "30")));
    let output = escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", server.url()).output();
    let kept = waiting(&home);
    assert_eq!((output.code, types(&kept)), (Some(3), vec!["ESCALATION_CREATED", "AGENT_STUCK"]));
    let said = format!("rig-escalate: {} asks to be left alone for 30 s\n", server.url());
    assert!(output.stderr.starts_with(&said), "{}", output.stderr);
}

#[test]
fn a_refused_escalation_that_cannot_be_spooled_still_sends_a_stuck_agent() {
    let home = Home::new();
    home.write(".local/state/rig", "a file in the place of the directory");
    let conductor = FakeConductor::behaving(|b| b.old = true);
    let output = escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).output();
    assert_eq!((output.code, types(&conductor.accepted())), (Some(5), vec!["AGENT_STUCK"]));
    assert!(output.stderr.ends_with("rig-escalate: AGENT_STUCK was accepted in its place\n"), "{output:?}");
}

#[test]
fn an_accepted_escalation_counts_where_the_spool_cannot_be_tidied_up() {
    let home = Home::new();
    let conductor = FakeConductor::start();
    // Two batches that wait for somebody else cannot become one, for there is no room.
    let foreign = |n: u8| {
        let event = json!({"type":"GUARD_BLOCKED","eventId":n.to_string(),"reason":"x".repeat(300)});
        format!("{{\"s\":0,\"keep\":true,\"to\":\"http://127.0.0.1:1\",\"event\":{event}}}\n")
    };
    for n in 0..2 {
        home.write(format!(".local/state/rig/spool/batch-{n}.jsonl"), foreign(n));
    }
    let output =
        escalate(&home, &["P1", "x"]).env("CONDUCTOR_BASE_URL", conductor.url()).file_blocks(1).output();
    assert_eq!(
        (output.code, types(&conductor.accepted())),
        (ACCEPTED, vec!["ESCALATION_CREATED"]),
        "{output:?}"
    );
}
