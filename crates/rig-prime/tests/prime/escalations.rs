//! What people were asked for, and the service that runs on the machine itself.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;

use crate::scene::Scene;
use rig_testkit::http::{Reply, Request, Response, Server};
use rig_testkit::{Home, Program, eventually};
use serde_json::{Value, json};

/// A coordinator that knows the agent and answers the question for escalations.
fn coordinator(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        Reply::Send(match request.path() {
            "/api/agents/dev-e-node" => Response::json(200, &json!({ "id": "dev-e-node", "status": "idle" })),
            "/api/escalations" => answer(request),
            _ => Response::empty(500),
        })
    })
}

fn escalation(n: usize, agent: &str, issue: u64, state: &str, reason: &str) -> Value {
    json!({
        "id": format!("01a2030{n}-442c-76d6-be90-58ab55e21a11"), "severity": "P1", "initialSeverity": "P2",
        "state": state, "reason": reason, "agentId": agent, "repo": "acme/app", "issueNumber": issue,
        "ackedBy": if state == "acked" { json!("human-stig") } else { Value::Null },
    })
}

/// The lines behind that about the agent, up to the first pull request.
fn told(scene: &Scene, server: &Server, source: &str) -> Vec<String> {
    let lines = scene.prints(scene.hook(source).env("CONDUCTOR_BASE_URL", server.url()));
    let lines = lines.lines().skip_while(|line| *line != "Conductor-E: dev-e-node is idle, on no issue.");
    lines.skip(1).take_while(|line| !line.starts_with("PR #")).map(str::to_owned).collect()
}

const HEAD: &str =
    "Asked of people and not closed (`rig-escalate show ID` tells more; do not ask for the same again):";

#[test]
fn what_this_agent_asked_for_and_what_is_about_its_issue_is_told() {
    let scene = Scene::new();
    let server = coordinator(|request| {
        assert_eq!(request.target, "/api/escalations?state=open,acked&repo=acme%2Fapp&limit=30");
        Response::json(
            200,
            &json!([
                escalation(1, "dev-e-node", 42, "open", "CI is \u{1b}[31mred\nsince »noon«"),
                escalation(2, "dev-e-node/5hfw5", 7, "acked", "which login?"),
                escalation(3, "dev-e-dotnet", 42, "open", "who owns this?"),
                escalation(4, "dev-e-dotnet", 9, "open", "something else"),
                { "id": 5 },
            ]),
        )
    });
    assert_eq!(
        told(&scene, &server, "startup"),
        [
            HEAD,
            "- P1 01a20301-442c, yours, about acme/app#42, taken by nobody yet: «CI is red since 'noon'»",
            "- P1 01a20302-442c, yours, about acme/app#7, taken by human-stig: «which login?»",
            "- P1 01a20303-442c, by dev-e-dotnet, about acme/app#42, taken by nobody yet: «who owns this?»",
            "1 other escalation is not closed here (`rig-escalate list`).",
        ]
    );
    assert_eq!(
        told(&scene, &server, "compact")[1..],
        [
            "- P1 01a20301-442c, yours, about acme/app#42, taken by nobody yet: «CI is red since 'noon'»",
            "- P1 01a20302-442c, yours, about acme/app#7, taken by human-stig: «which login?»",
            "2 other escalations are not closed here (`rig-escalate list`).",
        ]
    );
}

#[test]
fn masses_of_escalations_leave_room_for_the_rest() {
    let scene = Scene::new();
    let server = coordinator(|_| {
        let all: Vec<Value> =
            (0..30).map(|n| escalation(n % 10, "dev-e-node", 42, "open", &"long » ".repeat(285))).collect();
        Response::json(200, &Value::Array(all)).header("link", "</api/escalations?cursor=x>; rel=\"next\"")
    });
    let lines = told(&scene, &server, "startup");
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines[1..6].iter().all(|line| line.chars().count() < 210), "{lines:?}");
    assert_eq!(lines[6], "25 or more other escalations are not closed here (`rig-escalate list`).");
}

#[test]
fn a_coordinator_without_escalations_is_passed_over_and_one_that_does_not_tell_is_named() {
    let scene = Scene::new();
    for (response, expected) in [
        (Response::empty(404), None),
        (Response::empty(405), None),
        (Response::json(200, &json!([])), None),
        (Response::json(200, &json!({})), Some("its answer is no list")),
        (Response::new(200, "text/html", "<html>"), Some("its answer is no list")),
        (Response::empty(503), Some("it answered 503")),
        (Response::json(401, &json!({ "error": "x" })), Some("it answered 401")),
    ] {
        let server = coordinator(move |_| response.clone());
        let printed = scene.prints(scene.hook("startup").env("CONDUCTOR_BASE_URL", server.url()));
        let expected: Vec<String> = expected
            .map(|why| format!("Conductor-E did not tell the open escalations: {why}."))
            .into_iter()
            .collect();
        let about: Vec<&str> = printed.lines().filter(|line| line.contains("scalation")).collect();
        assert_eq!(about, expected);
    }
}

/// A copy of the program in a directory of its own, with a `rig-conductor` beside it that tells how it
/// was started.
fn installed(home: &Home) -> std::path::PathBuf {
    let script = format!(
        "#!/bin/sh\n{{ echo \"$0 $*\"; pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort; }} > '{0}.new'\nmv '{0}.new' '{0}'\n",
        home.join("started").display()
    );
    let script = home.write("script", script);
    std::fs::create_dir_all(home.join("bin")).expect("a directory");
    // By a program of its own: a file that this process writes to cannot be started while another
    // thread starts something.
    for (from, to) in
        [(script.as_path(), "rig-conductor"), (Path::new(env!("CARGO_BIN_EXE_rig-prime")), "rig-prime")]
    {
        let copied = Command::new("install").arg(from).arg(home.join("bin").join(to)).status();
        assert!(copied.expect("start install").success());
    }
    home.join("bin/rig-prime")
}

#[test]
fn the_service_of_this_machine_is_started_with_a_clean_environment_where_it_rests() {
    let home = Home::new();
    let path = installed(&home);
    let program = || Program::new(&path).home(&home).args(["--json"]).env("EVIL", "1");
    let asked = |program: Program| -> Value {
        let output = program.output();
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        let facts: Value = serde_json::from_str(&output.stdout).expect("facts");
        facts["missing"][0]["why"].clone()
    };
    // It was never set up, or is not the coordinator here.
    assert_eq!(asked(program()), "is not configured");
    let dir = home.join(".local/state/rig/conductor");
    std::fs::create_dir_all(dir.parent().expect("a parent")).expect("a directory");
    std::fs::DirBuilder::new().mode(0o700).create(&dir).expect("a directory");
    let other = asked(program().env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1"));
    assert!(other.as_str().is_some_and(|why| why.starts_with("cannot be reached")), "{other}");
    assert!(!home.join("started").exists());
    assert_eq!(asked(program()), "did not run on this machine, and is being started");
    let started = eventually("the start", || std::fs::read_to_string(home.join("started")).ok());
    let home_path = home.path().display();
    let user = started.lines().find(|line| line.starts_with("USER=")).unwrap_or("USER=").to_owned();
    assert_eq!(
        started.lines().collect::<Vec<_>>(),
        [
            &*format!("{home_path}/bin/rig-conductor up"),
            "/",
            &*format!("HOME={home_path}"),
            "LANG=C.UTF-8",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            &*user,
        ]
    );
    std::fs::remove_file(home.join("bin/rig-conductor")).expect("no program");
    let without = Program::new(home.join("bin/rig-prime")).home(&home).args(["--json"]);
    assert_eq!(
        asked(without),
        "does not run on this machine: rig-conductor is not installed beside rig-prime"
    );
}
