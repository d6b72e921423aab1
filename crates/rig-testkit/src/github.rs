//! A GitHub with one repository, which answers as the real one does and misbehaves when asked to.
//!
//! Its pull requests are kept in the shape of the GraphQL interface; the REST interface shows the
//! same ones in its own shape.

mod rest;

use std::sync::MutexGuard;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::double::{Double, Stage, State};
use crate::http::{Reply, Request, Response};

/// The repository `acme/app`: the open pull request 15 of branch `feature/issue-42-login`.
const REPOSITORY: &str = include_str!("github/acme-app.json");

/// How GitHub answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As documented.
    #[default]
    Normal,
    /// GraphQL answers 200 with these errors beside the data, in which these members are null.
    Partial(Vec<Value>, &'static [&'static str]),
    /// There is no GraphQL.
    NoGraphQl,
    /// The primary limit is used up; it is renewed at this time, in seconds since 1970.
    PrimaryLimit(u64),
    /// The secondary limit is reached; nothing says for how long.
    SecondaryLimit,
    /// 429, come back after so many seconds.
    TooMany(u64),
    /// GraphQL answers 200 with an error of type `RATE_LIMITED`.
    GraphQlLimit,
    /// 403 with this message.
    Forbidden(&'static str),
    /// The repository is not to be seen.
    NotFound,
    /// 502 with a page of HTML.
    ServerError,
    /// 200 with a page of HTML.
    Html,
    /// As documented, with 2 MiB of padding.
    Huge,
    /// 307 to the same path at this base URL.
    Redirect(String),
    /// Says nothing until [`FakeGithub::release`] or the end of this time, then closes the connection.
    Hang(Duration),
}

/// What a test can change while GitHub runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// How it answers.
    pub mode: Mode,
    /// The tokens that it takes; with none, it takes every one.
    pub tokens: Vec<String>,
    /// Whether the repository is shown to those without a token.
    pub public: bool,
    /// `owner`, `name`, `issues` and `pulls`, the last two as GraphQL shows them.
    pub repository: Value,
}

impl Behaviour {
    /// Returns a pull request.
    ///
    /// # Panics
    /// When there is none at this place.
    pub fn pull(&mut self, at: usize) -> &mut Value {
        self.pulls().get_mut(at).expect("a pull request")
    }

    /// Returns all pull requests.
    ///
    /// # Panics
    /// When they are no list.
    pub fn pulls(&mut self) -> &mut Vec<Value> {
        self.repository["pulls"].as_array_mut().expect("a list of pull requests")
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        let repository = serde_json::from_str(REPOSITORY).expect("the repository is JSON");
        Self { mode: Mode::Normal, tokens: Vec::new(), public: true, repository }
    }
}

/// The running GitHub; it stops when dropped.
#[derive(Debug)]
pub struct FakeGithub(Double<Behaviour>);

impl FakeGithub {
    /// Starts one on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self(Double::start(Behaviour::default(), answer))
    }

    /// Starts one that behaves in a certain way.
    #[must_use]
    pub fn behaving(change: impl FnOnce(&mut Behaviour)) -> Self {
        let github = Self::start();
        github.behave(change);
        github
    }

    /// Returns the base URL of the REST interface; GraphQL is at `/graphql` below it. Below
    /// `/api/v3` and at `/api/graphql` are the same interfaces, as on an Enterprise Server.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Changes its behaviour for the requests that follow; hanging ones go on hanging.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.0.lock().own);
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
}

fn answer<'a>(
    stage: &'a Stage<Behaviour>,
    state: MutexGuard<'a, State<Behaviour>>,
    request: &Request,
) -> Reply {
    let response = match state.own.mode.clone() {
        Mode::Hang(time) => {
            stage.hang(state, time);
            return Reply::Close;
        }
        Mode::PrimaryLimit(reset) => message(403, "API rate limit exceeded for user ID 1.")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", &reset.to_string()),
        Mode::SecondaryLimit => message(403, "You have exceeded a secondary rate limit."),
        Mode::TooMany(wait) => message(429, "Too many requests.").header("retry-after", &wait.to_string()),
        Mode::Forbidden(why) => message(403, why),
        Mode::ServerError => page(502),
        Mode::Html => page(200),
        Mode::Redirect(base) => Response::empty(307).header("location", &format!("{base}{}", request.target)),
        _ => state.own.respond(request),
    };
    Reply::Send(response)
}

impl Behaviour {
    fn respond(&self, request: &Request) -> Response {
        if request.header("user-agent").is_none_or(str::is_empty) {
            return message(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            );
        }
        let token = request.header("authorization").map(|value| value.trim_start_matches("Bearer "));
        if token.is_some_and(|token| !self.tokens.is_empty() && self.tokens.iter().all(|t| t != token)) {
            return message(401, "Bad credentials");
        }
        let path = request.path();
        let path = path.strip_prefix("/api").map_or(path, |p| p.strip_prefix("/v3").unwrap_or(p));
        if path == "/graphql" {
            return match (token, request.method.as_str(), &self.mode) {
                (_, _, Mode::NoGraphQl) => message(404, "Not Found"),
                (None, ..) => message(401, "This endpoint requires you to be authenticated."),
                (_, "POST", _) => Response::json(200, &self.graphql(&request.json())),
                _ => message(404, "Not Found"),
            };
        }
        let root = format!("/repos/{}/{}/", text(&self.repository["owner"]), text(&self.repository["name"]));
        let hidden = self.mode == Mode::NotFound || token.is_none() && !self.public;
        match path.strip_prefix(&root).filter(|_| request.method == "GET" && !hidden) {
            Some(rest) => self.rest(rest, request.target.split_once('?').map_or("", |(_, query)| query)),
            None => message(404, "Not Found"),
        }
    }

    /// Answers with exactly those members whose names stand in the query.
    fn graphql(&self, body: &Value) -> Value {
        let (query, variables) = (text(&body["query"]), &body["variables"]);
        if self.mode == Mode::GraphQlLimit {
            return json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] });
        }
        let ours =
            |name: &str, key: &str| text(&variables[name]).eq_ignore_ascii_case(text(&self.repository[key]));
        if self.mode == Mode::NotFound || !ours("owner", "owner") || !ours("repo", "name") {
            let error = json!({ "type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a Repository." });
            return json!({ "data": { "repository": null }, "errors": [error] });
        }
        let mut errors = Vec::new();
        let mut repository = Map::new();
        if query.contains("issue(") {
            let found = self.by_number("issues", &variables["issue"]);
            if found.is_null() {
                let message = "Could not resolve to an Issue.";
                errors.push(
                    json!({ "type": "NOT_FOUND", "path": ["repository", "issue"], "message": message }),
                );
            }
            repository.insert("issue".into(), found);
        }
        if query.contains("pullRequest(") {
            repository.insert("pullRequest".into(), self.by_number("pulls", &variables["number"]));
        } else {
            let states: &[&str] = if query.contains("OPEN") { &["OPEN"] } else { &["MERGED", "CLOSED"] };
            let found: Vec<&Value> = (self.repository["pulls"].as_array().into_iter().flatten())
                .filter(|pull| {
                    pull["headRefName"] == variables["head"] && states.contains(&text(&pull["state"]))
                })
                .collect();
            let first: Vec<&&Value> = found.iter().take(10).collect();
            repository.insert("pullRequests".into(), json!({ "totalCount": found.len(), "nodes": first }));
        }
        let mut repository = Value::Object(repository);
        if let Mode::Partial(more, nulls) = &self.mode {
            errors.extend(more.iter().cloned());
            blank(&mut repository, nulls);
        }
        prune(&mut repository, query);
        let mut answer = json!({ "data": { "repository": repository } });
        if self.mode == Mode::Huge {
            answer["padding"] = "x".repeat(2 << 20).into();
        }
        if !errors.is_empty() {
            answer["errors"] = errors.into();
        }
        answer
    }

    fn by_number(&self, list: &str, number: &Value) -> Value {
        let mut entries = self.repository[list].as_array().into_iter().flatten();
        entries.find(|entry| entry["number"] == *number).cloned().unwrap_or_default()
    }
}

/// Removes every member whose name is no word of the query.
fn prune(value: &mut Value, query: &str) {
    match value {
        Value::Object(members) => {
            let word =
                |name: &str| query.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name);
            members.retain(|name, _| word(name));
            members.values_mut().for_each(|member| prune(member, query));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| prune(entry, query)),
        _ => {}
    }
}

/// Makes every member of these names null.
fn blank(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if names.contains(&name.as_str()) {
                    *member = Value::Null;
                }
                blank(member, names);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| blank(entry, names)),
        _ => {}
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn message(status: u16, text: &str) -> Response {
    Response::json(status, &json!({ "message": text, "documentation_url": "https://docs.github.com/rest" }))
}

fn page(status: u16) -> Response {
    Response::new(status, "text/html", "<!DOCTYPE html><html><body><h1>Unicorn!</h1></body></html>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::send;

    const AGENT: (&str, &str) = ("user-agent", "test");

    fn get(github: &FakeGithub, target: &str) -> (u16, Value) {
        let (status, body) = send(&github.url(), "GET", target, &[AGENT], "").expect("an answer");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    #[test]
    fn pull_requests_are_listed_by_owner_and_branch_and_a_bare_branch_lists_all() {
        let github = FakeGithub::behaving(|b| {
            let mut fork = b.pull(0).clone();
            fork["number"] = 16.into();
            fork["headRepositoryOwner"]["login"] = "someone".into();
            b.pulls().push(fork);
        });
        let numbers = |head: &str| {
            let (_, rows) = get(&github, &format!("/repos/acme/app/pulls?state=open&head={head}"));
            rows.as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(numbers("acme%3Afeature%2Fissue-42-login"), [15]);
        assert_eq!(numbers("acme%3Aother"), [0; 0]);
        assert_eq!(numbers("feature/issue-42-login"), [15, 16]);
        assert_eq!(get(&github, "/api/v3/repos/acme/app/issues/42").0, 200);
        assert_eq!(get(&github, "/repos/acme/other/pulls").0, 404);
    }

    #[test]
    fn graphql_needs_a_token_and_gives_only_what_is_asked_for() {
        let github = FakeGithub::behaving(|b| b.tokens = vec!["good".into()]);
        let query = |token: &str| {
            let body = json!({
                "query": "query { repository { issue(number: $issue) { title } pullRequests(states: [OPEN]) { nodes { number } } } }",
                "variables": { "owner": "Acme", "repo": "app", "issue": 42, "head": "feature/issue-42-login" },
            });
            let headers = [AGENT, ("authorization", token)];
            let headers = if token.is_empty() { &headers[..1] } else { &headers[..] };
            send(&github.url(), "POST", "/graphql", headers, &body.to_string()).expect("an answer")
        };
        assert_eq!((query("").0, query("Bearer bad").0), (401, 401));
        let expected = json!({ "data": { "repository": {
            "issue": { "number": 42, "title": "Login fails on empty passwords" },
            "pullRequests": { "nodes": [{ "number": 15, "title": "Add login form" }] },
        } } });
        assert_eq!(query("Bearer good"), (200, expected.to_string()));
    }
}
