//! What a terminal shows.

use std::process::Command;

use rig_testkit::PATH;
use rig_testkit::http::Response;
use serde_json::json;

use crate::scene::{Scene, escalation};

/// What `list` shows on a terminal of 80 columns.
fn shown(env: &[(&str, &str)]) -> String {
    let scene = Scene::new(|_| {
        let long =
            json!({ "severity": "P0", "createdAt": "2999-01-02T03:04:05Z", "reason": "word ".repeat(100) });
        let closed =
            json!({ "createdAt": "2999-01-02T03:04:05Z", "state": "closed", "id": "00000000-0000-0000" });
        Some(Response::json(200, &json!([escalation(&long), escalation(&closed)])))
    });
    let line = format!("stty cols 80; {} list", env!("CARGO_BIN_EXE_rig-escalate"));
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs([("PATH", PATH), ("TERM", "xterm"), ("SHELL", "/bin/sh"), ("LANG", "C.UTF-8")])
        .env("HOME", scene.home.path())
        .env("CONDUCTOR_BASE_URL", scene.server.url())
        .envs(env.iter().copied())
        .current_dir(scene.home.path())
        .output()
        .expect("start script");
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

const PLAIN: &str = "\
ID             SEV  STATE   AGE  NEXT  AGENT       ABOUT   REASON
01a20302-442c  P0   open     0s     -  dev-e-node  o/r#42  word word word word …
00000000-0000  P1   closed   0s     -  dev-e-node  o/r#42  CI is red
";

#[test]
fn a_table_is_cut_to_the_terminal_and_coloured_unless_that_is_not_wanted() {
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert_eq!(shown(&[env]), PLAIN, "{env:?}");
    }
    assert!(PLAIN.lines().all(|line| line.chars().count() <= 80));
    let coloured = PLAIN
        .replace("P0", "\u{1b}[1;31mP0\u{1b}[0m")
        .replace("00000000-0000  P1", "\u{1b}[2m00000000-0000  P1")
        .replace("CI is red", "CI is red\u{1b}[0m");
    // A variable that is empty counts as absent.
    for env in [&[][..], &[("NO_COLOR", "")]] {
        assert_eq!(shown(env), coloured, "{env:?}");
    }
}
