//! Requests to GitHub: one deadline, a size limit, no redirects.

use std::time::Duration;

use rig_core::env::{Environment, ProjectEnv};
use serde_json::Value;
use ureq::{Agent, Proxy};

use super::GitHubError;
use super::token::Token;
use crate::deadline::Deadline;

/// The largest answer that is read, in bytes.
const BODY_LIMIT: u64 = 1 << 20;

/// Sends requests until a deadline.
pub(crate) struct Client {
    agent: Agent,
    deadline: Deadline,
}

/// What GitHub answered.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body, where it is JSON.
    pub(crate) body: Option<Value>,
    /// `retry-after`, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// `x-ratelimit-remaining`.
    pub(crate) remaining: Option<u64>,
    /// `x-ratelimit-reset`, in seconds since 1970.
    pub(crate) reset: Option<u64>,
}

impl Client {
    /// Makes a client for URLs that begin with `base`. A proxy of the environment serves https
    /// alone, where it sees no more than the host's name.
    #[must_use]
    pub(crate) fn new(base: &str, env: &Environment, project: &ProjectEnv, deadline: Deadline) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy(base, env, project))
            .user_agent(concat!("rig-prime/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, deadline }
    }

    /// Reads a REST resource.
    ///
    /// # Errors
    /// When no answer comes in time, or it is too large.
    pub(crate) fn get(&self, url: &str, token: Option<&Token>) -> Result<Reply, GitHubError> {
        let request = self.agent.get(url).config().timeout_global(Some(self.left()?)).build();
        read(headers(request, token).call())
    }

    /// Sends a GraphQL request.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn post(&self, url: &str, token: &Token, body: &str) -> Result<Reply, GitHubError> {
        let request = self.agent.post(url).config().timeout_global(Some(self.left()?)).build();
        read(headers(request, Some(token)).content_type("application/json").send(body))
    }

    /// Returns the time that is left.
    ///
    /// # Errors
    /// When it is over.
    pub(crate) fn left(&self) -> Result<Duration, GitHubError> {
        self.deadline.left().ok_or(GitHubError::Late)
    }
}

fn headers<B>(request: ureq::RequestBuilder<B>, token: Option<&Token>) -> ureq::RequestBuilder<B> {
    let request =
        request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28");
    match token {
        Some(token) => request.header("Authorization", token.header()),
        None => request,
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, GitHubError> {
    let mut response = answer.map_err(failed)?;
    let number = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse().ok();
    let (retry_after, remaining, reset) =
        (number("retry-after"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"));
    let body = response.body_mut().with_config().limit(BODY_LIMIT).read_to_vec().map_err(failed)?;
    Ok(Reply {
        status: response.status().as_u16(),
        body: serde_json::from_slice(&body).ok(),
        retry_after,
        remaining,
        reset,
    })
}

fn failed(error: ureq::Error) -> GitHubError {
    match error {
        ureq::Error::Timeout(_) => GitHubError::Late,
        ureq::Error::BodyExceedsLimit(_) => GitHubError::TooLarge,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => GitHubError::Late,
        // The message of a URL or a proxy may hold a password.
        error => GitHubError::Unreachable(rig_core::text::redact(&error.to_string())),
    }
}

/// Returns the proxy for a base URL, unless the project's settings name it or its exceptions.
fn proxy(base: &str, env: &Environment, project: &ProjectEnv) -> Option<Proxy> {
    let host = base.strip_prefix("https://")?.split(['/', ':']).next()?;
    let get = |name: &&str| env.get(name).filter(|_| !project.sets(name));
    let exceptions = ["NO_PROXY", "no_proxy"].iter().find_map(get).unwrap_or_default();
    let excepted = exceptions.split(',').map(|e| e.trim().trim_start_matches('.')).any(|exception| {
        exception == "*"
            || exception == host
            || !exception.is_empty() && host.strip_suffix(exception).is_some_and(|rest| rest.ends_with('.'))
    });
    let url = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().find_map(get)?;
    Proxy::new(&url).ok().filter(|_| !excepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_serves_https_but_for_its_exceptions() {
        let uses = |base: &str, variables: &[(&str, &str)]| {
            proxy(base, &Environment::fixed(variables.iter().copied()), &ProjectEnv::default()).is_some()
        };
        let with = |no: &'static str| [("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no)];
        for (base, variables, expected) in [
            ("https://api.github.com/graphql", with("x.io"), true),
            ("https://api.github.com", with("localhost,github.com"), false),
            ("https://api.github.com", with(".github.com"), false),
            ("https://api.github.com", with("hub.com"), true),
            ("https://api.github.com", with("*"), false),
            ("http://127.0.0.1:9", with("x.io"), false),
        ] {
            assert_eq!(uses(base, &variables), expected, "{base} {variables:?}");
        }
        assert!(!uses("https://api.github.com", &[("HTTP_PROXY", "http://proxy:3128")]));
    }
}
