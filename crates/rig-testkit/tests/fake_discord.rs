//! The double as a program of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rig_testkit::discord::{ADMIN, TOKEN};
use rig_testkit::eventually;
use rig_testkit::http::exchange;
use serde_json::{Value, json};

/// A program that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_tells_its_url_and_then_what_people_see() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    let mut program = Command::new(env!("CARGO_BIN_EXE_fake-discord"));
    let mut program = Killed(program.arg("--port-file").arg(&file).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.next().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{url}\n"));
    let post = |token: &str, content: &str| {
        let headers = [
            ("user-agent", "DiscordBot (https://example.com, 1)"),
            ("authorization", token),
            ("content-type", "application/json"),
        ];
        let body = json!({ "content": content, "allowed_mentions": { "parse": [] } }).to_string();
        let target = format!("/api/v10/channels/{ADMIN}/messages");
        let base = url.strip_suffix("/api/v10").unwrap();
        exchange(base, "POST", &target, &headers, &body).unwrap().status
    };
    assert_eq!(post(&format!("Bot {TOKEN}"), "hello"), 200);
    let seen: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&seen["line"], &seen["kind"]), (&json!("#admin: hello"), &json!("text")));
    assert_eq!(post("Bearer x", "hello"), 400);
    let seen: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert!(seen["violation"].as_str().unwrap().contains("Authorization is not"), "{seen}");
    // It ends when nobody reads any more.
    drop(lines);
    assert_eq!(post(&format!("Bot {TOKEN}"), "unread"), 200);
    let status = eventually("the end", || program.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
}
