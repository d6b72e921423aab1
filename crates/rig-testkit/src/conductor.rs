//! A coordinator that does what the real one is known to do, and misbehaves when asked to.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::double::{Double, Stage, State};
use crate::http::{Reply, Request, Response};

/// The types that a coordinator has always known.
const OLD_TYPES: &[&str] = &[
    "ISSUE_APPROVED",
    "ISSUE_ASSIGNED",
    "ISSUE_UNASSIGNED",
    "WORK_STARTED",
    "BRANCH_CREATED",
    "PR_CREATED",
    "CI_PASSED",
    "CI_FAILED",
    "REVIEW_PASSED",
    "REVIEW_DISPUTED",
    "HUMAN_GATE_TRIGGERED",
    "MERGED",
    "DEPLOYED_STAGING",
    "DEPLOYED_PRODUCTION",
    "SMOKE_PASSED",
    "SMOKE_FAILED",
    "VERIFIED",
    "ISSUE_DONE",
    "HEARTBEAT",
    "AGENT_STUCK",
    "ESCALATED",
    "TOKEN_USAGE",
];

/// The types that only newer ones know.
const NEW_TYPES: &[&str] = &[
    "GUARD_BLOCKED",
    "GUARD_MISSED",
    "GUARD_POLICY_INVALID",
    "ESCALATION_CREATED",
    "ESCALATION_ACKED",
    "ESCALATION_CLOSED",
    "ESCALATION_BUMPED",
];

/// The endpoints that hand work to their caller: asking is claiming.
const CLAIMING: &[&str] = &["/api/assignments/next", "/api/reviews/next"];

const TIME: &str = "2026-01-02T03:04:05Z";

/// How the coordinator answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As documented.
    #[default]
    Normal,
    /// Says nothing until [`FakeConductor::release`] or the end of this time, then closes the
    /// connection. What was sent is not accepted.
    Hang(Duration),
    /// Closes the connection at once.
    Close,
    /// 500 with a page of HTML.
    ServerError,
    /// 204 to everything; nothing is accepted.
    NoContent,
    /// As documented, with 2 MiB of padding in every answer.
    Huge,
    /// 307 to the same path at this base URL.
    Redirect(String),
}

/// What a test can change while the coordinator runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// How it answers.
    pub mode: Mode,
    /// The list of agents, which heartbeats extend. Real lists hold ids with a `#`, too.
    pub agents: Vec<Value>,
    /// Whether `/api/agents/{id}` exists.
    pub agent_route: bool,
    /// Whether it is older than `GUARD_BLOCKED` and `ESCALATION_*`.
    pub old: bool,
    /// The bearer token that it asks for.
    pub token: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { mode: Mode::Normal, agents: Vec::new(), agent_route: true, old: false, token: None }
    }
}

/// The running coordinator; it stops when dropped.
#[derive(Debug)]
pub struct FakeConductor(Double<Coordinator>);

#[derive(Debug, Default)]
struct Coordinator {
    behaviour: Behaviour,
    accepted: Vec<Value>,
}

impl FakeConductor {
    /// Starts one on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self(Double::start(Coordinator::default(), answer))
    }

    /// Starts one that behaves in a certain way.
    #[must_use]
    pub fn behaving(change: impl FnOnce(&mut Behaviour)) -> Self {
        let conductor = Self::start();
        conductor.behave(change);
        conductor
    }

    /// Returns its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Changes its behaviour for the requests that follow; hanging ones go on hanging.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.0.lock().own.behaviour);
    }

    /// Changes how it answers.
    pub fn mode(&self, mode: Mode) {
        self.behave(|behaviour| behaviour.mode = mode);
    }

    /// Lets go of every hanging request, whose connection is then closed.
    pub fn release(&self) {
        self.0.release();
    }

    /// Returns every request so far, answered or not.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.0.requests()
    }

    /// Returns the events that it accepted, as they were sent.
    #[must_use]
    pub fn accepted(&self) -> Vec<Value> {
        self.0.lock().own.accepted.clone()
    }

    /// Returns how often somebody asked for work, which claims it.
    #[must_use]
    pub fn claims(&self) -> usize {
        self.0.lock().requests.iter().filter(|r| CLAIMING.contains(&r.path())).count()
    }

    /// Waits until the accepted events are as wanted, and returns them.
    ///
    /// # Panics
    /// When they are not within [`crate::PATIENCE`].
    #[track_caller]
    pub fn wait_for_events(&self, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        self.wait(|state| wanted(&state.own.accepted).then(|| state.own.accepted.clone()))
    }

    /// Waits until the requests are as wanted, and returns them.
    ///
    /// # Panics
    /// When they are not within [`crate::PATIENCE`].
    #[track_caller]
    pub fn wait_for_requests(&self, wanted: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        self.wait(|state| wanted(&state.requests).then(|| state.requests.clone()))
    }

    #[track_caller]
    fn wait<T>(&self, ask: impl Fn(&State<Coordinator>) -> Option<T>) -> T {
        self.0.wait(ask, |state| format!("accepted: {:?}; {}", state.own.accepted, state.asked()))
    }
}

fn answer<'a>(
    stage: &'a Stage<Coordinator>,
    mut state: MutexGuard<'a, State<Coordinator>>,
    request: &Request,
) -> Reply {
    match state.own.behaviour.mode.clone() {
        Mode::Normal => Reply::Send(state.own.respond(request)),
        Mode::Huge => Reply::Send(pad(state.own.respond(request))),
        Mode::Close => Reply::Close,
        Mode::ServerError => {
            let page = "<!DOCTYPE html><html><body><h1>500 Internal Server Error</h1></body></html>";
            Reply::Send(Response::new(500, "text/html", page))
        }
        Mode::NoContent => Reply::Send(Response::empty(204)),
        Mode::Redirect(base) => {
            let target = format!("{base}{}", request.target);
            Reply::Send(Response::empty(307).header("location", &target))
        }
        Mode::Hang(time) => {
            stage.hang(state, time);
            Reply::Close
        }
    }
}

impl Coordinator {
    fn respond(&mut self, request: &Request) -> Response {
        if let Some(token) = &self.behaviour.token
            && request.header("authorization") != Some(&format!("Bearer {token}"))
        {
            return error(401, "a valid token is required");
        }
        match (request.method.as_str(), request.path()) {
            ("GET", "/health") => Response::json(200, &json!({ "status": "healthy", "timestamp": TIME })),
            ("POST", "/api/events") => self.accept(request),
            ("GET", "/api/agents") => Response::json(200, &Value::Array(self.behaviour.agents.clone())),
            ("GET", path) if CLAIMING.contains(&path) => Response::empty(204),
            ("GET", path) => match path.strip_prefix("/api/agents/") {
                Some(id) if self.behaviour.agent_route => self.agent(id),
                _ => Response::empty(404),
            },
            (_, "/health" | "/api/events" | "/api/agents") => Response::empty(405),
            _ => Response::empty(404),
        }
    }

    /// The documented answer for an event; member names are bound in either casing.
    fn accept(&mut self, request: &Request) -> Response {
        let Value::Object(event) = request.json() else { return Response::empty(400) };
        let kind = member(&event, "type").as_str().unwrap_or("").to_owned();
        let new = NEW_TYPES.contains(&kind.as_str()) && !self.behaviour.old;
        if !new && !OLD_TYPES.contains(&kind.as_str()) {
            return error(400, &format!("Unknown event type: {kind}"));
        }
        let mut answer = json!({ "streamId": stream(&event), "type": kind, "timestamp": TIME });
        if let Some(id) = member(&event, "escalationId").as_str() {
            answer["escalationId"] = id.into();
        }
        if kind == "HEARTBEAT" {
            self.beat(&event);
        }
        self.accepted.push(Value::Object(event));
        Response::json(200, &answer)
    }

    fn beat(&mut self, event: &Map<String, Value>) {
        let id = member(event, "agentId").clone();
        self.behaviour.agents.retain(|agent| agent["id"] != id);
        self.behaviour.agents.push(json!({
            "id": id, "isOnline": true, "status": member(event, "status"),
            "currentIssue": member(event, "currentIssue"), "currentRepo": member(event, "currentRepo"),
        }));
    }

    /// The route takes one path segment; an encoded slash in it is not decoded and matches nothing.
    fn agent(&self, segment: &str) -> Response {
        let id = segment.replace("%23", "#");
        match self.behaviour.agents.iter().find(|agent| agent["id"] == id.as_str()) {
            Some(agent) => Response::json(200, agent),
            None => Response::empty(404),
        }
    }
}

/// Returns a member by its camelCase name in whatever casing it was sent; camelCase wins.
fn member<'a>(event: &'a Map<String, Value>, name: &str) -> &'a Value {
    let other = || event.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    event.get(name).or_else(other).unwrap_or(&Value::Null)
}

fn stream(event: &Map<String, Value>) -> String {
    let text = |name| member(event, name).as_str().unwrap_or("").to_owned();
    match (text("escalationId"), text("repo"), member(event, "issueNumber").as_u64()) {
        (id, _, _) if !id.is_empty() => format!("escalation-{id}"),
        (_, repo, Some(number)) if !repo.is_empty() && number > 0 && text("type") != "HEARTBEAT" => {
            format!("{repo}#{number}")
        }
        _ => text("agentId"),
    }
}

fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({ "error": message }))
}

fn pad(mut response: Response) -> Response {
    let padding = "x".repeat(2 << 20);
    response.body = match serde_json::from_slice(&response.body) {
        Ok(Value::Object(mut object)) => {
            object.insert("padding".to_owned(), padding.into());
            Value::Object(object).to_string().into()
        }
        Ok(Value::Array(mut array)) => {
            array.push(json!({ "id": "padding", "padding": padding }));
            Value::Array(array).to_string().into()
        }
        _ => padding.into(),
    };
    response
}

/// Checks that no event was accepted twice, and returns how often each type was.
///
/// # Panics
/// When an event has no `eventId`, or one that another event has.
#[track_caller]
#[must_use]
pub fn each_once(events: &[Value]) -> Vec<(String, usize)> {
    let mut seen = BTreeSet::new();
    let mut types: Vec<(String, usize)> = Vec::new();
    for event in events {
        let id = event["eventId"].as_str().unwrap_or_else(|| panic!("an event without an id: {event}"));
        assert!(seen.insert(id), "event {id} came twice: {events:?}");
        let kind = event["type"].as_str().unwrap_or("");
        match types.iter_mut().find(|(name, _)| name == kind) {
            Some((_, count)) => *count += 1,
            None => types.push((kind.to_owned(), 1)),
        }
    }
    types.sort();
    types
}
