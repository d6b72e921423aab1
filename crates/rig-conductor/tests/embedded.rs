//! The service of one user on this machine, started and ended as the user does it.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and says why on stderr")]

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rig_testkit::http::send;
use rig_testkit::{Home, Output, Program, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A home with the service in it, which is ended when dropped.
struct User(Home);

impl User {
    fn new() -> Self {
        Self(Home::new())
    }

    fn run(&self, words: &[&str]) -> Program {
        Program::new(env!("CARGO_BIN_EXE_rig-conductor")).args(words).home(&self.0)
    }

    fn dir(&self) -> PathBuf {
        self.0.state().join("conductor")
    }

    /// Starts the service and returns its URL.
    #[track_caller]
    fn up(&self) -> String {
        let said = self.run(&["up"]).output();
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", said.stdout);
        said.stdout.trim().to_owned()
    }

    fn port(&self) -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(self.dir().join("port")).ok()?).ok()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.port().unwrap()["pid"].as_i64().unwrap()).unwrap()).unwrap()
    }

    fn token(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).unwrap().trim().to_owned()
    }

    #[track_caller]
    fn ask(&self, url: &str, target: &str, token: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.token(token));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let method = if body.is_null() { "GET" } else { "POST" };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = send(url, method, target, &headers, &body).expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    #[track_caller]
    fn escalate(&self, url: &str) -> String {
        let body =
            json!({"type": "ESCALATION_CREATED", "agentId": "dev-e", "severity": "P1", "reason": "stuck"});
        let (status, answer) = self.ask(url, "/api/events", "agent.token", &body);
        assert_eq!(status, 200, "{answer}");
        answer["escalationId"].as_str().unwrap().to_owned()
    }

    fn settings(&self, text: &str) -> PathBuf {
        self.0.write(".config/rig/conductor.json", text)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir().join("conductor.log")).unwrap_or_default()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if self.port().is_some() {
            let _ = self.run(&["down"]).within(2 * rig_testkit::PATIENCE).output();
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn is_gone(pid: Pid) -> bool {
    // A child of nobody may stay as a zombie for a while.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn said(code: i32, stdout: &str, stderr: &str) -> Output {
    Output { code: Some(code), stdout: stdout.into(), stderr: stderr.into() }
}

#[test]
fn it_comes_up_once_and_goes_down_once() {
    let user = User::new();
    assert_eq!(user.run(&["status"]).output(), said(3, "not running\n", ""));
    assert_eq!(user.run(&["down"]).output(), said(0, "not running\n", ""));
    let url = user.up();
    assert_eq!((user.port().unwrap()["url"].as_str(), user.up()), (Some(url.as_str()), url.clone()));
    let pid = user.pid();
    let files =
        [("", 0o700), ("port", 0o600), ("lock", 0o600), ("agent.token", 0o600), ("operator.token", 0o600)];
    for (file, expected) in files.into_iter().chain([("conductor.db", 0o600), ("conductor.log", 0o600)]) {
        assert_eq!(mode(&user.dir().join(file)), expected, "{file}");
    }
    assert_eq!([user.token("agent.token").len(), user.token("operator.token").len()], [43, 43]);
    user.escalate(&url);
    let status: Value = serde_json::from_str(&user.run(&["status", "--json"]).output().stdout).unwrap();
    let mut expected = user.port().unwrap();
    expected["running"] = true.into();
    expected["open"] = json!({"P0": 0, "P1": 1, "P2": 0});
    assert_eq!(status, expected);
    let words = user.run(&["status"]).output();
    assert!(words.stdout.ends_with("open     P0 0, P1 1, P2 0\n") && words.code == Some(0), "{words:?}");
    assert_eq!(user.run(&["down"]).output(), said(0, "ended\n", ""));
    assert!(is_gone(pid) && user.port().is_none());
    assert_eq!(user.run(&["status", "--json"]).output(), said(3, "{\"running\":false}\n", ""));
}

#[test]
fn many_that_start_it_at_once_start_one() {
    let user = User::new();
    let urls: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..6).map(|_| scope.spawn(|| user.up())).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(urls.iter().all(|url| *url == urls[0]), "{urls:?}");
    assert_eq!(user.run(&["down"]).output(), said(0, "ended\n", ""));
    assert_eq!(user.run(&["status"]).output(), said(3, "not running\n", ""), "none of them comes up later");
    assert_eq!(user.log().matches("\"message\":\"listening\"").count(), 1, "{}", user.log());
}

#[test]
fn a_kill_loses_nothing_and_the_next_start_takes_over() {
    let user = User::new();
    let url = user.up();
    let id = user.escalate(&url);
    let (pid, tokens) = (user.pid(), user.token("agent.token"));
    kill_process(pid, Signal::KILL).unwrap();
    eventually("the end", || is_gone(pid).then_some(()));
    assert!(user.port().is_some(), "the file stays behind");
    assert_eq!(user.run(&["status"]).output(), said(3, "not running\n", ""));
    assert_eq!(user.run(&["down"]).output(), said(0, "not running\n", ""));
    let url = user.up();
    assert_ne!(user.pid(), pid);
    assert_eq!(user.token("agent.token"), tokens, "tokens are made once");
    let (status, escalation) = user.ask(&url, &format!("/api/escalations/{id}"), "agent.token", &Value::Null);
    assert_eq!((status, escalation["reason"].as_str()), (200, Some("stuck")));
}

#[test]
fn its_operator_is_the_person_and_the_agent_is_not() {
    let user = User::new();
    let url = user.up();
    let id = user.escalate(&url);
    let ack = format!("/api/escalations/{id}/ack");
    assert_eq!(user.ask(&url, &ack, "agent.token", &json!({})).0, 403);
    let (status, escalation) = user.ask(&url, &ack, "operator.token", &json!({"by": "somebody else"}));
    assert_eq!(status, 200, "{escalation}");
    assert!(escalation["ackedBy"].as_str().unwrap().starts_with("human-"), "{escalation}");
}

#[test]
fn it_stands_on_its_own_with_nothing_of_the_environment() {
    let user = User::new();
    let started = user
        .run(&["up"])
        .env("RIG_CONDUCTOR_STORE", "postgres://elsewhere/x")
        .env("RIG_CONDUCTOR_LISTEN", "0.0.0.0:1")
        .env("RIG_CONDUCTOR_CONFIG", "/nonexistent")
        .env("DISCORD_BOT_TOKEN", "half of Discord")
        .env("LD_LIBRARY_PATH", "/nonexistent");
    assert_eq!(started.output().code, Some(0));
    let pid = user.pid().as_raw_nonzero();
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let mut names: Vec<_> =
        environment.split_terminator('\0').map(|pair| pair.split('=').next().unwrap()).collect();
    names.retain(|name| *name != "USER");
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "PATH"]);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, pid.to_string(), "it leads a session of its own");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    for stream in 0..3 {
        assert_eq!(fs::read_link(format!("/proc/{pid}/fd/{stream}")).unwrap(), Path::new("/dev/null"));
    }
}

#[test]
fn its_settings_are_the_users_file_and_what_is_wrong_there_is_said() {
    let user = User::new();
    let path = user.settings(r#"{"sweepEvery": "2h", "listen": "0.0.0.0:1"}"#);
    let wrong = format!(
        "rig-conductor: the service did not start: {}: sweepEvery: \"2h\" is more than 1h\n",
        path.display()
    );
    assert_eq!(user.run(&["up"]).output(), said(1, "", &wrong));
    user.settings(r#"{"discord": {"botToken": "x"}}"#);
    let output = user.run(&["up"]).output();
    assert!(output.stderr.contains("discord.adminChannel: missing"), "{output:?}");
    user.settings(r#"{"listen": "0.0.0.0:1", "log": "debug"}"#);
    assert!(user.up().starts_with("http://127.0.0.1:"));
    assert!(user.log().contains("listen does not count for the embedded service"), "{}", user.log());
    user.run(&["down"]).output();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let refused = format!(
        "rig-conductor: the service did not start: {} is not used: others may write to it (mode 666)\n",
        path.display()
    );
    assert_eq!(user.run(&["up"]).output(), said(1, "", &refused));
}

#[test]
fn it_ends_when_nobody_needs_it_and_not_before() {
    let user = User::new();
    user.settings(r#"{"idleAfter": "300ms"}"#);
    let url = user.up();
    let (pid, id) = (user.pid(), user.escalate(&url));
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(!is_gone(pid), "an escalation is open: {}", user.log());
    let body = json!({"resolution": "done"});
    let closed = user.ask(&url, &format!("/api/escalations/{id}/close"), "operator.token", &body);
    assert_eq!(closed.0, 200, "{closed:?}");
    eventually("its end", || is_gone(pid).then_some(()));
    assert!(user.port().is_none(), "it says that it is gone");
    assert_ne!(user.up(), "");
}

#[test]
fn it_ends_when_its_directory_is_gone() {
    let user = User::new();
    user.settings(r#"{"idleAfter": "400ms"}"#);
    let url = user.up();
    user.escalate(&url);
    let pid = user.pid();
    fs::remove_dir_all(user.dir()).unwrap();
    eventually("its end", || is_gone(pid).then_some(()));
}

#[test]
fn what_it_keeps_is_removed_on_request_unless_somebody_waits_for_a_person() {
    let user = User::new();
    let url = user.up();
    let id = user.escalate(&url);
    let left = format!("ended\nleaving {}: 1 escalation in it is not closed\n", user.dir().display());
    assert_eq!(user.run(&["down", "--remove"]).output(), said(0, &left, ""));
    let url = user.up();
    let close = format!("/api/escalations/{id}/close");
    assert_eq!(user.ask(&url, &close, "operator.token", &json!({"resolution": "done"})).0, 200);
    let gone = format!("ended\nremoved {}\n", user.dir().display());
    assert_eq!(user.run(&["down", "--remove"]).output(), said(0, &gone, ""));
    assert!(!user.dir().exists());
    assert_eq!(user.run(&["down", "--remove"]).output(), said(0, "not running\n", ""));
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let user = User::new();
    let state = user.0.path().join(".local");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o555)).unwrap();
    let expected =
        format!("rig-conductor: failed to make {}: Permission denied (os error 13)\n", user.dir().display());
    assert_eq!(user.run(&["up"]).without_capabilities().output(), said(1, "", &expected));
    assert_eq!(user.run(&["status"]).without_capabilities().output(), said(3, "not running\n", ""));
}

#[test]
fn the_end_waits_for_a_request_that_was_begun() {
    let user = User::new();
    let url = user.up();
    let address = url.strip_prefix("http://").unwrap();
    let body = json!({"type": "ESCALATION_CREATED", "agentId": "dev-e", "severity": "P2", "reason": "late"});
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let token = user.token("agent.token");
    let head = format!(
        "POST /api/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let output = std::thread::scope(|scope| {
        let down = scope.spawn(|| user.run(&["down"]).output());
        eventually("the port to close", || TcpStream::connect(address).is_err().then_some(()));
        stream.write_all(body.as_bytes()).unwrap();
        down.join().unwrap()
    });
    assert_eq!(output, said(0, "ended\n", ""));
    let url = user.up();
    let (_, open) = user.ask(&url, "/api/escalations", "agent.token", &Value::Null);
    assert_eq!(open[0]["reason"], "late");
}
