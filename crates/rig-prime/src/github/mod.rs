//! What GitHub knows about the branch: its pull requests, their reviews and checks, the issue.
//!
//! One GraphQL request where there is a token, a handful of REST requests where there is none.
//! Nothing is ever written there, nothing is waited for beyond the deadline, and a token goes
//! nowhere but to the host that it was made for.

pub(crate) mod endpoints;
pub(crate) mod graphql;
mod http;
pub(crate) mod model;
mod rest;
mod token;

use rig_core::env::{Environment, ProjectEnv};
use serde_json::Value;

use self::endpoints::Endpoints;
use self::graphql::Wanted;
use self::http::{Client, Reply};
use self::model::BranchReport;
use self::rest::Rest;
use self::token::Token;
use crate::quote::{Quote, TITLE};
use crate::target::Target;
use crate::tools::Tools;

/// Why GitHub gave no answer, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GitHubError {
    /// The time is over.
    #[error("did not answer in time")]
    Late,
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// Every token was refused.
    #[error("refused the token of {} (401)", .0.join(" and of "))]
    Unauthorized(Vec<&'static str>),
    /// Too many requests were made, perhaps by others.
    #[error("is rate limited{}", .until.as_ref().map_or_else(String::new, |t| format!(" until {t}")))]
    RateLimited {
        /// The time of day in UTC, where GitHub says it.
        until: Option<String>,
    },
    /// The token may not see this.
    #[error("does not allow it (403): {0}")]
    Forbidden(Quote),
    /// GitHub shows no such repository.
    #[error("shows no such repository to this session")]
    NotFound,
    /// The repository is at another place, to which no token is taken along.
    #[error("says that the repository has moved; update the remote's URL")]
    Moved,
    /// Another status.
    #[error("answered with status {0}")]
    Status(u16),
    /// GraphQL errors and no data.
    #[error("answered with an error: {0}")]
    Refused(Quote),
    /// No JSON, or other JSON than GitHub's.
    #[error("gave an answer that cannot be read")]
    Unreadable,
    /// The answer is too large.
    #[error("gave an answer larger than 1 MiB")]
    TooLarge,
    /// Nothing but the remote's URL says that this host is a GitHub.
    #[error("was not asked: {0} is not known to be a GitHub; set GH_HOST if it is")]
    UnknownHost(String),
}

/// Who asks, and under which conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    /// The process environment.
    pub(crate) env: &'a Environment,
    /// What of it the project set.
    pub(crate) project: &'a ProjectEnv,
    /// The programs, and when the answer is no longer of use.
    pub(crate) tools: &'a Tools,
}

/// Asks GitHub about a branch and, where a number is known, its issue. Beside the answer come
/// remarks on how it was had.
pub(crate) fn ask(
    asker: Asker<'_>,
    target: &Target,
    issue: Option<u64>,
) -> (Result<BranchReport, GitHubError>, Vec<String>) {
    let endpoints = Endpoints::of(&target.host, asker.env, asker.project);
    let mut remarks = endpoints.ignored.clone();
    let answer = ask_at(&endpoints, asker, target, issue, &mut remarks);
    (answer, remarks)
}

fn ask_at(
    endpoints: &Endpoints,
    Asker { env, project, tools }: Asker<'_>,
    target: &Target,
    issue: Option<u64>,
    remarks: &mut Vec<String>,
) -> Result<BranchReport, GitHubError> {
    let client = Client::new(&endpoints.graphql, env, project, tools.deadline);
    let rest_client = Client::new(&endpoints.rest, env, project, tools.deadline);
    let rest = |token: Option<&Token>| {
        Rest { client: &rest_client, base: &endpoints.rest, token, target }.report(issue)
    };
    let gh = || token::from_gh(tools, &target.host);
    let mut refused = Vec::new();
    for token in
        token::from_environment(env, &endpoints.tokens).into_iter().chain(std::iter::once_with(gh).flatten())
    {
        let answer = match graphql(&client, &endpoints.graphql, &token, target, issue) {
            // No GraphQL here, or not now.
            Err(GitHubError::Status(_) | GitHubError::NotFound | GitHubError::Unreadable)
                if tools.deadline.left().is_some() =>
            {
                rest(Some(&token))
            }
            answer => answer,
        };
        match answer {
            // An expired token is the common case in a pod; the next source may have a fresh one.
            Err(GitHubError::Unauthorized(_)) => refused.push(token.source),
            answer => {
                remarks.extend(
                    refused.iter().map(|source| format!("GitHub refused the token of {source} (401)")),
                );
                return answer;
            }
        }
    }
    if !endpoints.known {
        return Err(GitHubError::UnknownHost(Quote::new(&target.host, crate::quote::NAME).word()));
    }
    let answer = rest(None);
    match (answer, refused.is_empty()) {
        (answer, true) => answer,
        (Ok(report), false) => {
            remarks.push(format!("GitHub {} and was asked without one", GitHubError::Unauthorized(refused)));
            Ok(report)
        }
        (Err(_), false) => Err(GitHubError::Unauthorized(refused)),
    }
}

fn graphql(
    client: &Client,
    url: &str,
    token: &Token,
    target: &Target,
    issue: Option<u64>,
) -> Result<BranchReport, GitHubError> {
    let ask = |wanted| {
        let answer = checked(client.post(url, token, &graphql::request(target, issue, wanted))?)?;
        graphql::report(&answer, target)
    };
    let mut report = ask(Wanted::Open)?;
    if report.open.is_empty() && report.closed.is_none() {
        // That nothing is open is the answer; what was before is a bonus.
        report.closed = ask(Wanted::Closed).ok().and_then(|before| before.closed);
    }
    Ok(report)
}

/// Returns the body of a good answer.
fn checked(reply: Reply) -> Result<Value, GitHubError> {
    let message = || {
        let body = reply.body.as_ref();
        body.and_then(|b| b["message"].as_str()).unwrap_or("no reason given")
    };
    match reply.status {
        200..=299 => reply.body.ok_or(GitHubError::Unreadable),
        300..=399 => Err(GitHubError::Moved),
        401 => Err(GitHubError::Unauthorized(Vec::new())),
        403 if !is_limit(&reply, message()) => Err(GitHubError::Forbidden(Quote::new(message(), TITLE))),
        403 | 429 => Err(GitHubError::RateLimited { until: until(&reply) }),
        404 => Err(GitHubError::NotFound),
        status => Err(GitHubError::Status(status)),
    }
}

fn is_limit(reply: &Reply, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    reply.retry_after.is_some()
        || reply.remaining == Some(0)
        || message.contains("rate limit")
        || message.contains("abuse")
}

/// Returns the time of day from which GitHub would answer again.
fn until(reply: &Reply) -> Option<String> {
    let seconds = match (reply.retry_after, reply.remaining) {
        (Some(wait), _) => rig_core::clock::unix_seconds().checked_add(wait)?,
        (None, Some(0)) => reply.reset?,
        _ => return None,
    };
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(time.strftime("%H:%M UTC").to_string())
}
