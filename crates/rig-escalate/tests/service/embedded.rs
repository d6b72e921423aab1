//! The service of this machine: found, started where it rests, and not mistaken for another.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rig_testkit::Program;
use rig_testkit::http::{Request, Response};
use serde_json::json;

use crate::scene::{ID, Scene, escalation, output};

/// Answers as the service does, for its own tokens alone.
fn service(request: &Request) -> Option<Response> {
    let token = request.header("authorization").unwrap_or("");
    let operators = request.path().ends_with("/ack");
    let wanted = if operators { "Bearer persons-own" } else { "Bearer agents-own" };
    Some(if token != wanted {
        Response::json(401, &json!({ "error": "a valid token is required" }))
    } else if operators {
        Response::json(200, &escalation(&json!({ "state": "acked", "ackedBy": "human-root" })))
    } else {
        match request.path() {
            "/api/escalations" => Response::json(200, &json!([])),
            "/api/events" => Response::json(200, &json!({ "delivered": true, "notifications": [] })),
            _ => Response::empty(404),
        }
    })
}

/// The state directory of the service, as it looks while it runs; the lock stands for its life.
fn set_up(scene: &Scene, port_file: &str) -> File {
    let dir = scene.home.join(".local/state/rig/conductor");
    std::fs::create_dir_all(dir.parent().expect("a parent")).expect("a directory");
    DirBuilder::new().mode(0o700).create(&dir).expect("a directory");
    let url = scene.server.url();
    let port = url.rsplit(':').next().expect("a port");
    let port_text = format!(r#"{{"pid":{},"port":{port},"url":"{url}"}}"#, std::process::id());
    for (name, text) in [
        ("agent.token", "agents-own\n"),
        ("operator.token", "persons-own\n"),
        (port_file, &port_text),
        ("lock", ""),
    ] {
        let mut file = OpenOptions::new();
        let file = file.write(true).create(true).mode(0o600).open(dir.join(name));
        file.expect("a file").write_all(text.as_bytes()).expect("room");
    }
    let lock = File::open(dir.join("lock")).expect("the lock");
    lock.lock().expect("nobody else");
    lock
}

fn without_url(scene: &Scene, args: &[&str]) -> Program {
    scene.without_tokens(args).without_env("CONDUCTOR_BASE_URL")
}

/// Runs a copy of the program in a directory of its own, so that no other program stands beside it.
fn alone<'a>(scene: &'a Scene, args: &[&'a str]) -> Program {
    install(scene, Path::new(env!("CARGO_BIN_EXE_rig-escalate")), "rig-escalate");
    Program::new(scene.home.join("bin/rig-escalate")).home(&scene.home).args(args.iter().copied())
}

/// Copies a program by a program of its own: a file that this process writes to cannot be started
/// while another thread starts something.
fn install(scene: &Scene, from: &Path, name: &str) {
    let copied = Command::new("install").arg("-D").arg(from).arg(scene.home.join("bin").join(name)).status();
    assert!(copied.expect("start install").success());
}

#[test]
fn the_service_of_this_machine_is_asked_where_no_url_is_set() {
    let scene = Scene::new(service);
    let _lock = set_up(&scene, "port");
    assert_eq!(scene.said(without_url(&scene, &["list"])), output(0, "no such escalation\n", ""));
    let said = scene.said(without_url(&scene, &["ack", ID]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let said = scene.said(without_url(&scene, &["P1", "x"]));
    assert!(said.code == Some(0) && said.stdout.ends_with(" accepted by http://SERVICE\n"), "{said:?}");
    // A URL that is set is the coordinator, and gets none of these tokens.
    let other = scene.said(scene.without_tokens(&["list"]));
    assert_eq!(other.code, Some(1));
    let tokens: Vec<String> =
        scene.asked().iter().filter_map(|r| r.rsplit(' ').next().map(str::to_owned)).collect();
    assert_eq!(tokens, ["agents-own", "persons-own", "agents-own", "agents-own", "agents-own", "-"]);
}

#[test]
fn a_stranger_on_the_port_that_the_service_left_is_told_nothing() {
    let scene = Scene::new(service);
    drop(set_up(&scene, "port"));
    let said = scene.said(alone(&scene, &["list"]));
    let why = "the embedded service does not run, and rig-conductor is not installed";
    assert_eq!(said, output(4, "", &format!("rig-escalate: {why}\n")));
    let said = scene.said(alone(&scene, &["P0", "a token leaked"]));
    assert_eq!((said.code, said.stdout.as_str()), (Some(3), ""));
    assert!(said.stderr.starts_with(&format!("rig-escalate: {why}\nrig-escalate: NOT DELIVERED: P0")));
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn files_that_others_could_have_written_are_not_believed() {
    let scene = Scene::new(service);
    let _lock = set_up(&scene, "port");
    let port = scene.home.join(".local/state/rig/conductor/port");
    std::fs::set_permissions(&port, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let why = format!("{} is not used: others may read or write it (mode 644)", port.display());
    let said = scene.said(without_url(&scene, &["list"]));
    assert_eq!(said, output(4, "", &format!("rig-escalate: {why}\n")));
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn a_service_that_rests_is_started_and_used() {
    let scene = Scene::new(service);
    // Everything is there but the port file, which the start puts in its place.
    let _lock = set_up(&scene, "port.ready");
    let dir = scene.home.join(".local/state/rig/conductor");
    let script = format!("#!/bin/sh\n[ \"$1\" = up ] && mv '{0}/port.ready' '{0}/port'\n", dir.display());
    let script = scene.home.write("script", script);
    install(&scene, &script, "rig-conductor");
    let run = |args: &[&'static str]| alone(&scene, args);
    let said = scene.said(run(&["P1", "x", "--issue", "1"]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", said.stdout);
    assert_eq!(scene.asked(), ["POST /api/events agents-own"]);
    // One that does not come up is said to.
    std::fs::remove_file(dir.join("port")).expect("no port");
    let said = scene.said(run(&["list"]));
    let why = "the embedded service does not start; `rig-conductor up` says why";
    assert_eq!(said, output(4, "", &format!("rig-escalate: {why}\n")));
}
