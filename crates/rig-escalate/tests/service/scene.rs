//! A home, and a service whose answers a test chooses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig_testkit::http::{Reply, Request, Response, Server};
use rig_testkit::{Home, Output, Program};
use serde_json::{Value, json};

/// The id of the escalation that the service shows.
pub(crate) const ID: &str = "01a20302-442c-76d6-be90-58ab55e21a11";

/// A home and a service.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) server: Server,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Scene {
    /// Starts a service; what its handler passes over is unknown to it.
    pub(crate) fn new(handler: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let server = Server::start(move |request| {
            seen.lock().expect("no panic").push(request.clone());
            Reply::Send(handler(request).unwrap_or_else(|| Response::empty(404)))
        });
        Self { home: Home::new(), server, requests }
    }

    /// The command, with a token of agents and one of an operator.
    pub(crate) fn run(&self, args: &[&str]) -> Program {
        self.without_tokens(args).env("CONDUCTOR_TOKEN", "agents").env("CONDUCTOR_OPERATOR_TOKEN", "persons")
    }

    /// The command without any token.
    pub(crate) fn without_tokens(&self, args: &[&str]) -> Program {
        Program::new(env!("CARGO_BIN_EXE_rig-escalate"))
            .home(&self.home)
            .env("AGENT_ID", "dev-e-node")
            .env("CONDUCTOR_BASE_URL", self.server.url())
            .args(args.iter().copied())
            .within(Duration::from_secs(60))
    }

    /// What a program did, with the service's address by its name.
    #[track_caller]
    pub(crate) fn said(&self, program: Program) -> Output {
        let output = program.output();
        let named = |text: String| text.replace(&self.server.url(), "http://SERVICE");
        Output { stdout: named(output.stdout), stderr: named(output.stderr), ..output }
    }

    /// Method, target and token of every request, and forgets them.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.requests.lock().expect("no panic"));
        let token = |r: &Request| r.header("authorization").unwrap_or("-").replace("Bearer ", "");
        requests.iter().map(|r| format!("{} {} {}", r.method, r.target, token(r))).collect()
    }

    /// The bodies that were posted to a path, and forgets all requests.
    pub(crate) fn posted(&self, path: &str) -> Vec<Value> {
        let requests = std::mem::take(&mut *self.requests.lock().expect("no panic"));
        requests.iter().filter(|r| r.method == "POST" && r.path() == path).map(Request::json).collect()
    }
}

/// An escalation as the service shows it, with some members of its own.
pub(crate) fn escalation(changes: &Value) -> Value {
    let mut object = json!({
        "id": ID, "severity": "P1", "initialSeverity": "P1", "state": "open", "reason": "CI is red",
        "details": null, "category": "other", "agentId": "dev-e-node", "repo": "o/r", "issueNumber": 42,
        "prNumber": null, "branch": null, "createdAt": "2026-01-02T03:04:05Z", "ackedAt": null,
        "ackedBy": null, "closedAt": null, "closedBy": null, "resolution": null, "bumpCount": 0,
        "lastBumpedAt": null, "nextBumpAt": null, "noteCount": 0, "delivered": false, "notifications": [],
    });
    for (name, value) in changes.as_object().expect("an object") {
        object[name] = value.clone();
    }
    object
}

/// A notification as the service shows it.
pub(crate) fn notification(state: &str, url: Option<&str>, error: Option<&str>) -> Value {
    json!({
        "route": "discord_channel", "severity": "P1", "target": "2001", "state": state, "messageId": null,
        "url": url, "attempts": 1, "lastError": error, "at": "2026-01-02T03:04:06Z",
    })
}

/// Exit code, stdout and stderr.
pub(crate) fn output(code: i32, stdout: &str, stderr: &str) -> Output {
    Output { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}
