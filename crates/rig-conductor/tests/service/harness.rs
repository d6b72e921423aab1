//! A process of the service, and a watcher that counts who calls it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rig_testkit::http::{self, Reply, Request, Response, Server};
use rig_testkit::{PATH, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The token of agents.
pub(crate) const AGENT: &str = "pool-token-of-the-test-0123456789";
/// The token of the operator maria.
pub(crate) const OPERATOR: &str = "operator-token-of-the-test-0123";

/// How a process is started.
pub(crate) struct Plan {
    dir: Arc<TempDir>,
    env: Vec<(String, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        let dir = Arc::new(tempfile::Builder::new().prefix("rig-service-").tempdir().unwrap());
        let store = format!("sqlite:{}/conductor.db", dir.path().display());
        let env = [
            ("RIG_CONDUCTOR_LISTEN", "127.0.0.1:0"),
            ("RIG_CONDUCTOR_STORE", &store),
            ("CONDUCTOR_TOKEN", AGENT),
            ("RIG_CONDUCTOR_OPERATOR_TOKENS", &format!("maria={OPERATOR}")),
            ("RIG_CONDUCTOR_FLOOD", "100000/10m"),
        ];
        Self { env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), dir }
    }
}

impl Plan {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a command of the same settings.
    pub(crate) fn command(&self, words: &[&str]) -> rig_testkit::Program {
        let program = rig_testkit::Program::new(env!("CARGO_BIN_EXE_rig-conductor")).args(words);
        let program = program.env("HOME", self.dir.path());
        self.env.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Starts the service and waits until it says where it listens.
    #[track_caller]
    pub(crate) fn start(&self) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rig-conductor"));
        command.arg("serve").env_clear().env("PATH", PATH).env("HOME", self.dir.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let _ = child.kill();
            panic!("{line:?}, {}", reader.join().unwrap());
        };
        Service { url: url.to_owned(), child, log: Some(reader), dir: Arc::clone(&self.dir) }
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }
}

/// A running service, killed when dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    child: Child,
    log: Option<JoinHandle<String>>,
    dir: Arc<TempDir>,
}

impl Service {
    /// Asks and returns status and body.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, target: &str, token: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let (status, text) = http::send(&self.url, method, target, &headers, &body).expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Value {
        let (status, body) = self.ask("GET", target, AGENT, &Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    #[track_caller]
    pub(crate) fn post(&self, target: &str, token: &str, body: &Value) -> Value {
        let (status, body) = self.ask("POST", target, token, body);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// Creates an escalation and returns its id.
    #[track_caller]
    pub(crate) fn escalate(&self, severity: &str, reason: &str) -> String {
        let body =
            json!({"type": "ESCALATION_CREATED", "agentId": "dev-e", "severity": severity, "reason": reason});
        self.post("/api/events", AGENT, &body)["escalationId"].as_str().unwrap().to_owned()
    }

    /// Moves the clock.
    #[track_caller]
    pub(crate) fn advance(&self, by: Duration) {
        self.post("/test/clock", AGENT, &json!({"advanceSeconds": by.as_secs_f64()}));
    }

    /// Sweeps, and returns how many were raised, told again, and announced anew.
    #[track_caller]
    pub(crate) fn sweep(&self) -> [u64; 3] {
        let swept = self.post("/test/sweep", AGENT, &Value::Null);
        assert_eq!(swept["failed"], 0, "{swept}");
        ["bumped", "reminded", "announced"].map(|name| swept[name].as_u64().unwrap())
    }

    /// Returns the severity that an escalation has now.
    #[track_caller]
    pub(crate) fn severity(&self, id: &str) -> String {
        self.get(&format!("/api/escalations/{id}"))["severity"].as_str().unwrap().to_owned()
    }

    /// Returns what deep health says: status, overall, and each dependency as `name: status, reason`.
    #[track_caller]
    pub(crate) fn health(&self) -> (u16, String, Vec<String>) {
        let (status, body) = self.ask("GET", "/healthz/deep", "", &Value::Null);
        let line = |one: &Value| {
            let reason = one["reason"].as_str().map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("{}: {}{reason}", one["name"].as_str().unwrap(), one["status"].as_str().unwrap())
        };
        let all = body["dependencies"].as_array().unwrap().iter().map(line).collect();
        (status, body["overall"].as_str().unwrap().to_owned(), all)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Waits for the end; returns the exit code and the log.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + 2 * PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        (status.code(), self.log.take().unwrap().join().unwrap())
    }

    /// Asks it to end and waits; returns the log.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Some(log) = self.log.take()
        {
            eprintln!("{}: {}", self.dir.path().display(), log.join().unwrap_or_default());
        }
    }
}

/// Counts who calls it, and answers as it is told.
pub(crate) struct Watcher {
    server: Server,
    calls: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<Response>>,
}

impl Watcher {
    pub(crate) fn start() -> Self {
        let calls: Arc<Mutex<Vec<Request>>> = Arc::default();
        let answer = Arc::new(Mutex::new(Response::empty(200)));
        let (seen, said) = (Arc::clone(&calls), Arc::clone(&answer));
        let server = Server::start(move |request| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            Reply::Send(said.lock().unwrap_or_else(PoisonError::into_inner).clone())
        });
        Self { server, calls, answer }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) fn answers(&self, response: Response) {
        *self.answer.lock().unwrap() = response;
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}
