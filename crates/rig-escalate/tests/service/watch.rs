//! What is printed as it changes.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use rig_testkit::http::{Request, Response};
use rig_testkit::{PATH, eventually};
use serde_json::{Value, json};

use crate::scene::{ID, Scene, escalation, notification};

/// What the service shows, which a test changes; nothing while it is away.
type World = Arc<Mutex<Option<Vec<Value>>>>;

struct Watching {
    world: World,
    scene: Scene,
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(args: &[&str], at_first: Vec<Value>) -> Self {
        let world: World = Arc::new(Mutex::new(Some(at_first)));
        let shown = Arc::clone(&world);
        let scene = Scene::new(move |request: &Request| {
            let world = shown.lock().expect("no panic");
            let Some(all) = &*world else { return Some(Response::empty(503)) };
            let one = request.path().strip_prefix("/api/escalations/");
            Some(match one {
                Some(id) => Response::json(200, all.iter().find(|value| value["id"] == id)?),
                None => {
                    let open: Vec<&Value> = all.iter().filter(|value| value["state"] != "closed").collect();
                    Response::json(200, &json!(open))
                }
            })
        });
        // Tests that run in the background of a script ignore interrupts, and so would what they start.
        let mut child = Command::new("/usr/bin/env")
            .args(["--default-signal=INT", env!("CARGO_BIN_EXE_rig-escalate"), "watch"])
            .args(args)
            .env_clear()
            .envs([
                ("PATH", PATH),
                ("CONDUCTOR_BASE_URL", &scene.server.url()),
                ("CONDUCTOR_TOKEN", "agents"),
            ])
            .env("HOME", scene.home.path())
            .current_dir(scene.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start rig-escalate");
        let lines = child.stdout.take().map(BufReader::new);
        Self { world, scene, child, lines }
    }

    fn shows(&self, all: Option<Vec<Value>>) {
        *self.world.lock().expect("no panic") = all;
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().expect("an output").read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// A line without its time.
    fn told(&mut self) -> String {
        let line = self.line();
        let (at, what) = line.split_once(' ').expect("a time");
        assert_eq!((at.len(), &at[2..3], &at[5..6]), (8, ":", ":"), "{line}");
        what.to_owned()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_change_is_a_line_and_an_absence_is_survived() {
    let old = escalation(
        &json!({ "id": "01a20000-0000-0000-0000-000000000000", "severity": "P2", "reason": "old" }),
    );
    let mut watching = Watching::start(&[], vec![old.clone(), escalation(&json!({ "severity": "P1" }))]);
    assert_eq!(watching.told(), "present P1 01a20302-442c, dev-e-node o/r#42: CI is red");
    assert_eq!(watching.told(), "present P2 01a20000-0000, dev-e-node o/r#42: old");
    let sent = notification("sent", Some("https://discord.com/x"), None);
    watching
        .shows(Some(vec![escalation(&json!({ "severity": "P0", "notifications": [sent], "noteCount": 1 }))]));
    let mut told: Vec<String> = (0..4).map(|_| watching.told()).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "gone P2 01a20000-0000, dev-e-node o/r#42: old",
            "noted P0 01a20302-442c, dev-e-node o/r#42: CI is red",
            "raised from P1 to P0 01a20302-442c, dev-e-node o/r#42: CI is red",
            "told discord_channel 2001: sent, https://discord.com/x, P0 01a20302-442c, dev-e-node o/r#42: CI is red",
        ]
    );
    watching.shows(None);
    eventually("a look in vain", || {
        let looks = watching.scene.asked().len();
        (looks > 0).then_some(())
    });
    let taken = json!({ "severity": "P0", "state": "acked", "ackedBy": "human-stig", "notifications": [sent], "noteCount": 1 });
    watching.shows(Some(vec![escalation(&taken)]));
    assert_eq!(watching.told(), "taken by human-stig P0 01a20302-442c (acked), dev-e-node o/r#42: CI is red");
    let closed =
        json!({ "severity": "P0", "state": "closed", "closedBy": "human-stig", "resolution": "all\ngood" });
    watching.shows(Some(vec![escalation(&closed)]));
    assert_eq!(
        watching.told(),
        "closed by human-stig: all good P0 01a20302-442c (closed), dev-e-node o/r#42: CI is red"
    );
}

#[test]
fn a_closed_output_ends_it() {
    let mut watching = Watching::start(&["--json"], vec![escalation(&json!({}))]);
    let line: Value = serde_json::from_str(&watching.line()).expect("an object");
    assert_eq!((&line["change"], &line["escalation"]["id"]), (&json!("present"), &json!(ID)));
    drop(watching.lines.take());
    let status = eventually("the end", || watching.child.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn an_interrupt_ends_it() {
    let mut watching = Watching::start(&[], vec![escalation(&json!({}))]);
    assert!(watching.told().starts_with("present "));
    let pid = watching.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("start kill").success());
    let status = eventually("the end", || watching.child.try_wait().expect("a child"));
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_service_that_refuses_ends_it() {
    let scene = Scene::new(|_| Some(Response::json(401, &json!({ "error": "no" }))));
    assert_eq!(scene.run(&["watch"]).output().code, Some(1));
}
