//! The coordinator's HTTP client.
//!
//! Every call has one overall time budget. No redirect is followed, no proxy is used, and the token
//! goes only to the origin that it was configured with. The endpoints that claim work are not here.

mod embedded;
mod endpoint;

use std::time::{Duration, Instant};

use rig_wire::{Agent, AgentId};
use serde_json::Value;
use ureq::http::{Response, StatusCode};

pub use embedded::{Embedded, EmbeddedError};
pub use endpoint::{Endpoint, EndpointError, Token};

use crate::text::{clean, cut};

/// The largest answer that is read when asking for agents, in bytes.
const AGENTS_LIMIT: u64 = 1 << 20;

/// The largest answer that is read after posting an event, in bytes.
const ANSWER_LIMIT: u64 = 4 << 20;

/// The largest answer that is read when asking for anything else, in bytes.
const REPLY_LIMIT: u64 = 8 << 20;

/// The longest time, in seconds, for which a coordinator is left alone when it asks for that.
pub const LONGEST_REST: u64 = 60 * 60;

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Until the connection stands.
    pub connect: Duration,
    /// In all.
    pub total: Duration,
}

impl Budget {
    /// For hooks: half a second to connect, two in all.
    pub const HOOK: Self = Self { connect: Duration::from_millis(500), total: Duration::from_secs(2) };

    /// For an escalation, where a lost one is worse than a slow one: five seconds a try.
    pub const ESCALATION: Self = Self { connect: Duration::from_secs(2), total: Duration::from_secs(5) };
}

/// What the coordinator said to an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Posted {
    /// It took it, and this is its answer.
    Accepted(Value),
    /// It will not take it: the status and what it said.
    Refused(u16, String),
    /// There was no answer, or none of a coordinator.
    Unavailable(String),
    /// It answered with a status that says nothing for good.
    Failed(u16),
    /// It wants to be left alone for so many seconds, [`LONGEST_REST`] at most.
    Throttled(u64),
}

/// An answer of any status.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; `None` where it is no JSON.
    pub body: Option<Value>,
    /// The query of the next page of a list.
    pub next: Option<String>,
    /// For how many seconds it wants to be left alone, [`LONGEST_REST`] at most.
    pub retry_after: Option<u64>,
}

impl Reply {
    /// Returns what is said of an error, cleaned and cut.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let said = self.body.as_ref()?.get("error")?.as_str()?;
        Some(cut(&clean(&cut(said, 2000)), 400)).filter(|said| !said.is_empty())
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConductorError {
    /// The call failed or took too long.
    #[error("{0}")]
    Call(String),
    /// It answered with this status.
    #[error("it answered {0}")]
    Status(u16),
    /// The answer is not what was asked for.
    #[error("its answer is not a list of agents")]
    Answer,
}

/// A coordinator.
pub struct Conductor {
    agent: ureq::Agent,
    endpoint: Endpoint,
    budget: Budget,
}

impl Conductor {
    /// Prepares calls; nothing is sent yet.
    #[must_use]
    pub fn new(endpoint: Endpoint, budget: Budget) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(budget.connect))
            .timeout_global(Some(budget.total))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy in the environment would see the token.
            .proxy(None)
            .user_agent(concat!("rig-tools/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), endpoint, budget }
    }

    /// Returns where this coordinator is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Posts one event, given as JSON, within the budget and before the deadline.
    #[must_use]
    pub fn post_event(&self, event: &str, deadline: Option<Instant>) -> Posted {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let total = left.map_or(self.budget.total, |left| left.min(self.budget.total));
        let mut request = self
            .agent
            .post(format!("{}/api/events", self.endpoint.base))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(token) = &self.endpoint.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match request.config().timeout_global(Some(total)).build().send(event) {
            Ok(answer) => read_posted(answer),
            Err(error) => Posted::Unavailable(error.to_string()),
        }
    }

    /// Asks for an agent by its own path, then in the list, where an instance of it counts too;
    /// `None` when the coordinator does not know it.
    ///
    /// # Errors
    /// When no answer came before the deadline, or none that can be read.
    pub fn agent(&self, id: &AgentId, deadline: Instant) -> Result<Option<Agent>, ConductorError> {
        // A slash in a path segment never reaches a route parameter.
        if !id.as_str().contains('/') {
            let mut answer = self.get(&format!("/api/agents/{}", id.as_str()), deadline)?;
            match answer.status() {
                StatusCode::OK => {
                    if let Some(agent) = body(&mut answer).as_ref().and_then(Agent::from_value) {
                        return Ok(Some(agent));
                    }
                }
                StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {}
                status => return Err(ConductorError::Status(status.as_u16())),
            }
        }
        let mut answer = self.get("/api/agents", deadline)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(ConductorError::Status(status.as_u16())),
        }
        let Some(Value::Array(list)) = body(&mut answer) else { return Err(ConductorError::Answer) };
        Ok(choose(list.iter().filter_map(Agent::from_value), id))
    }

    /// Asks for anything else that is read alone: a path with its query.
    ///
    /// # Errors
    /// When no answer came before the deadline.
    pub fn ask(&self, path: &str, deadline: Instant) -> Result<Reply, ConductorError> {
        self.get(path, deadline).map(read_reply)
    }

    /// Posts JSON to a path.
    ///
    /// # Errors
    /// When no answer came before the deadline. Whether the coordinator did what was asked is not
    /// known then.
    pub fn tell(&self, path: &str, body: &Value, deadline: Instant) -> Result<Reply, ConductorError> {
        let left = time_left(deadline)?;
        let mut request = self
            .agent
            .post(format!("{}{path}", self.endpoint.base))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(token) = &self.endpoint.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.config().timeout_global(Some(left)).build();
        let answer =
            request.send(body.to_string()).map_err(|error| ConductorError::Call(error.to_string()))?;
        Ok(read_reply(answer))
    }

    fn get(&self, path: &str, deadline: Instant) -> Result<Response<ureq::Body>, ConductorError> {
        let left = time_left(deadline)?;
        let mut request =
            self.agent.get(format!("{}{path}", self.endpoint.base)).header("accept", "application/json");
        if let Some(token) = &self.endpoint.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.config().timeout_global(Some(left)).build();
        request.call().map_err(|error| ConductorError::Call(error.to_string()))
    }
}

fn time_left(deadline: Instant) -> Result<Duration, ConductorError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ConductorError::Call("no time left".into())) } else { Ok(left) }
}

/// Chooses the agent of that id, else an instance of it, online ones first. Entries with a `#` are
/// issues that the coordinator's projection mixes in.
fn choose(agents: impl Iterator<Item = Agent>, id: &AgentId) -> Option<Agent> {
    let mut instance: Option<Agent> = None;
    for agent in agents.filter(|a| !a.id.contains('#')) {
        if agent.id == id.as_str() {
            return Some(agent);
        }
        let is_instance = agent.id.split_once('/').is_some_and(|(bare, _)| bare == id.as_str());
        let better =
            instance.as_ref().is_none_or(|i| i.is_online != Some(true) && agent.is_online == Some(true));
        if is_instance && better {
            instance = Some(agent);
        }
    }
    instance
}

fn body(answer: &mut Response<ureq::Body>) -> Option<Value> {
    let text = answer.body_mut().with_config().limit(AGENTS_LIMIT).read_to_vec().ok()?;
    serde_json::from_slice(&text).ok()
}

fn read_reply(mut answer: Response<ureq::Body>) -> Reply {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let (next, retry_after) = (header("link").and_then(next_query), header("retry-after").and_then(seconds));
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(REPLY_LIMIT).read_to_vec();
    let body = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
    Reply { status, body, next, retry_after }
}

fn seconds(text: &str) -> Option<u64> {
    text.trim().parse().ok().map(|seconds: u64| seconds.min(LONGEST_REST))
}

/// Returns the query of the link that is marked as the next page. Where else the link points does
/// not matter: the next page is asked of who gave this one.
fn next_query(link: &str) -> Option<String> {
    link.split('<').skip(1).find_map(|one| {
        let (url, parameters) = one.split_once('>')?;
        let mut parameters = parameters.split([';', ',']).map(str::trim);
        let is_next = parameters.any(|p| matches!(p, "rel=next" | "rel=\"next\""));
        Some(url.split_once('?').filter(|_| is_next)?.1.to_owned())
    })
}

fn read_posted(mut answer: Response<ureq::Body>) -> Posted {
    let status = answer.status().as_u16();
    let after = answer.headers().get("retry-after").and_then(|v| seconds(v.to_str().ok()?));
    let kind = answer.body().mime_type().unwrap_or_default().to_owned();
    let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
    posted(status, &kind, body.ok().as_deref(), after)
}

/// Says what an answer means; its body is `None` where it is too long or breaks off.
fn posted(status: u16, kind: &str, body: Option<&[u8]>, after: Option<u64>) -> Posted {
    let value = || body.and_then(|text| serde_json::from_slice::<Value>(text).ok());
    match status {
        // Whatever else is at that address may answer so as well, and an event is gone from the spool once it
        // counts as accepted.
        200..=299 => match value() {
            Some(object @ Value::Object(_)) => Posted::Accepted(object),
            None if body.is_none() && kind.eq_ignore_ascii_case("application/json") => {
                Posted::Accepted(Value::Null)
            }
            _ => Posted::Unavailable(format!("it answered {status} without a JSON object")),
        },
        429 => Posted::Throttled(after.unwrap_or(60)),
        400 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 => {
            let said = value().and_then(|v| v.get("error")?.as_str().map(str::to_owned));
            let said = said.map_or_else(|| "no reason given".to_owned(), |s| clean(&cut(&s, 2000)));
            Posted::Refused(status, cut(&said, 200))
        }
        _ => Posted::Failed(status),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_json_object_is_the_word_of_a_coordinator() {
        let page = "it answered 200 without a JSON object";
        for (status, kind, body, expected) in [
            (
                200,
                "application/json",
                Some(r#"{"streamId":"s"}"#),
                Posted::Accepted(json!({ "streamId": "s" })),
            ),
            (201, "text/plain", Some("{}"), Posted::Accepted(json!({}))),
            // Too long to be read whole, and from a coordinator.
            (200, "application/json", None, Posted::Accepted(Value::Null)),
            (200, "text/html", None, Posted::Unavailable(page.into())),
            (200, "text/html", Some("<h1>Sign in</h1>"), Posted::Unavailable(page.into())),
            (200, "text/plain", Some("OK"), Posted::Unavailable(page.into())),
            (200, "application/json", Some("[]"), Posted::Unavailable(page.into())),
            (204, "", Some(""), Posted::Unavailable("it answered 204 without a JSON object".into())),
            (400, "application/json", Some(r#"{"error":"no"}"#), Posted::Refused(400, "no".into())),
            (400, "text/html", Some("<h1>Bad</h1>"), Posted::Refused(400, "no reason given".into())),
            (429, "", Some(""), Posted::Throttled(60)),
            (503, "text/html", None, Posted::Failed(503)),
        ] {
            let found = posted(status, kind, body.map(str::as_bytes), None);
            assert_eq!(found, expected, "{status} {kind} {body:?}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        for (link, expected) in [
            (r#"<http://c/api/escalations?cursor=a&limit=2>; rel="next""#, Some("cursor=a&limit=2")),
            (r#"</api/escalations?cursor=a,b>; rel=next"#, Some("cursor=a,b")),
            (r#"<http://c/x?p=1>; rel="prev", <http://c/x?p=3>; title="n"; rel="next""#, Some("p=3")),
            (r#"<http://c/x?p=1>; rel="prev",<http://c/x?p=3>;rel="next",<y?z>;rel="last""#, Some("p=3")),
            (r#"<http://c/x?p=1>; rel="prev""#, None),
            (r#"<http://c/x>; rel="next""#, None),
            ("nonsense", None),
            ("<open", None),
            ("", None),
        ] {
            assert_eq!(next_query(link).as_deref(), expected, "{link}");
        }
    }

    #[test]
    fn an_exact_id_wins_then_an_instance_that_is_online() {
        let id = AgentId::parse("dev-e-node").unwrap();
        let list = |entries: Value| {
            let agents: Vec<Agent> =
                entries.as_array().unwrap().iter().filter_map(Agent::from_value).collect();
            choose(agents.into_iter(), &id).map(|a| a.id)
        };
        for (entries, expected) in [
            (json!([{"id":"o/r#1"},{"id":"dev-e-node/a"},{"id":"dev-e-node"}]), Some("dev-e-node")),
            (json!([{"id":"dev-e-node/a"},{"id":"dev-e-node/b","isOnline":true}]), Some("dev-e-node/b")),
            (
                json!([{"id":"dev-e-node/a","isOnline":true},{"id":"dev-e-node/b","isOnline":true}]),
                Some("dev-e-node/a"),
            ),
            (json!([{"id":"dev-e-node2"},{"id":"dev-e-node#7"}]), None),
            (json!([]), None),
        ] {
            assert_eq!(list(entries.clone()).as_deref(), expected, "{entries}");
        }
    }
}
