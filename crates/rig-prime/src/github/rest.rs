//! The way without a token, and where GraphQL is not to be had: several small requests.
//!
//! This interface does not say which review comments are resolved, nor what the reviews amount to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::http::Client;
use super::model::{BranchReport, Checks, Issue, PullRequest, Review, State, Thread, login_of};
use super::token::Token;
use super::{GitHubError, checked};
use crate::quote::{COMMENT, NAME, Quote, TITLE};
use crate::target::{Head, Target};

/// How many pull requests are looked at closely; the unauthenticated limit is 60 requests an hour.
const CLOSELY: usize = 1;

/// One repository in the REST interface.
pub(crate) struct Rest<'a> {
    /// Sends the requests.
    pub(crate) client: &'a Client,
    /// The base of the interface, without a final slash.
    pub(crate) base: &'a str,
    /// Sent with every request, where there is one.
    pub(crate) token: Option<&'a Token>,
    /// The repository and the branch.
    pub(crate) target: &'a Target,
}

impl Rest<'_> {
    /// Asks for the branch's pull requests and the issue.
    ///
    /// # Errors
    /// When the list of pull requests cannot be had; what else is missing is named in the report.
    pub(crate) fn report(&self, issue: Option<u64>) -> Result<BranchReport, GitHubError> {
        std::thread::scope(|scope| {
            let issue = issue.map(|number| scope.spawn(move || self.issue(number)));
            let mut report = self.pull_requests()?;
            match issue.map(|issue| issue.join()) {
                Some(Ok(Ok(issue))) => report.issue = issue,
                Some(Ok(Err(error))) => {
                    report.left_out.push(Quote::new(&format!("the issue, since it {error}"), TITLE))
                }
                _ => {}
            }
            Ok(report)
        })
    }

    fn pull_requests(&self) -> Result<BranchReport, GitHubError> {
        let listed: Vec<Value> = match &self.target.head {
            Head::PullRequest(number) => vec![self.get(&format!("pulls/{number}"))?],
            Head::Branch { .. } => self.list("open")?,
        };
        let mut report = BranchReport { resolution_unknown: true, ..BranchReport::default() };
        for (at, node) in listed.iter().enumerate() {
            let Some(mut pull) = pull_request(node) else { continue };
            if pull.state != State::Open {
                report.closed = Some(pull);
                continue;
            }
            if at < CLOSELY {
                let sha = node["head"]["sha"].as_str().unwrap_or("");
                report.left_out.extend(self.look_closely(&mut pull, sha));
            }
            report.open.push(pull);
        }
        if report.open.is_empty() && report.closed.is_none() {
            // That nothing is open is the answer; what was before is a bonus.
            report.closed = self.list("closed").unwrap_or_default().iter().find_map(pull_request);
        }
        Ok(report)
    }

    /// Lists the pull requests of the branch. A server that does not understand `head` answers
    /// with those of all branches, so each is looked at again.
    fn list(&self, state: &str) -> Result<Vec<Value>, GitHubError> {
        let Head::Branch { owner, name } = &self.target.head else { return Ok(Vec::new()) };
        let head = encode(&format!("{owner}:{name}"));
        let rows =
            self.get(&format!("pulls?state={state}&head={head}&sort=updated&direction=desc&per_page=30"))?;
        let Value::Array(mut rows) = rows else { return Err(GitHubError::Unreadable) };
        rows.retain(|row| {
            let login = row["head"]["repo"]["owner"]["login"].as_str();
            row["head"]["ref"] == **name && login.is_some_and(|login| login.eq_ignore_ascii_case(owner))
        });
        Ok(rows)
    }

    /// Adds conflicts, reviews, comments and checks, and returns what could not be had.
    fn look_closely(&self, pull: &mut PullRequest, sha: &str) -> Vec<Quote> {
        let number = pull.number;
        let parts = [
            ("conflicts", format!("pulls/{number}")),
            ("reviews", format!("pulls/{number}/reviews?per_page=100")),
            ("review comments", format!("pulls/{number}/comments?per_page=100")),
            ("checks", format!("commits/{}/check-runs?filter=latest&per_page=100", encode(sha))),
            ("statuses", format!("commits/{}/status?per_page=100", encode(sha))),
        ];
        let answers = std::thread::scope(|scope| {
            let asked = parts.each_ref().map(|(_, path)| scope.spawn(|| self.get(path)));
            asked.map(|asked| asked.join().unwrap_or(Err(GitHubError::Unreadable)))
        });
        let left_out = parts.iter().zip(&answers).filter_map(|((what, _), answer)| {
            let error = answer.as_ref().err()?;
            Some(Quote::new(&format!("{what} of PR #{number}, since it {error}"), TITLE))
        });
        let left_out = left_out.collect();
        let [detail, reviews, comments, runs, statuses] = answers.map(|answer| answer.unwrap_or_default());
        pull.conflicts = match (detail["mergeable_state"].as_str(), detail["mergeable"].as_bool()) {
            (Some("dirty"), _) => Some(true),
            (_, Some(true)) => Some(false),
            _ => None,
        };
        pull.reviews = latest_reviews(&reviews);
        pull.threads = threads(&comments);
        pull.more_threads = comments.as_array().is_some_and(|comments| comments.len() >= 100);
        pull.checks = checks(&runs, &statuses);
        left_out
    }

    fn issue(&self, number: u64) -> Result<Option<Issue>, GitHubError> {
        let node = match self.get(&format!("issues/{number}")) {
            // Moved, hidden or deleted.
            Err(GitHubError::NotFound | GitHubError::Moved | GitHubError::Status(410)) => return Ok(None),
            answer => answer?,
        };
        if node.get("pull_request").is_some() {
            return Ok(None);
        }
        let upper = node["state"].as_str().unwrap_or("").to_ascii_uppercase();
        Ok(Some(Issue { number, title: quote(&node["title"], TITLE), state: Quote::new(&upper, 20) }))
    }

    fn get(&self, path: &str) -> Result<Value, GitHubError> {
        let Target { owner, name, .. } = self.target;
        checked(self.client.get(&format!("{}/repos/{owner}/{name}/{path}", self.base), self.token)?)
    }
}

fn pull_request(node: &Value) -> Option<PullRequest> {
    let merged = node["merged_at"].is_string() || node["merged"] == true;
    Some(PullRequest {
        number: node["number"].as_u64()?,
        title: quote(&node["title"], TITLE),
        state: match node["state"].as_str() {
            Some("closed") if merged => State::Merged,
            Some("closed") => State::Closed,
            _ => State::Open,
        },
        draft: node["draft"] == true,
        base: quote(&node["base"]["ref"], NAME),
        ..PullRequest::default()
    })
}

/// Returns the last review of each reviewer; the list is chronological.
fn latest_reviews(reviews: &Value) -> Vec<Review> {
    let mut latest: Vec<Review> = Vec::new();
    for review in reviews.as_array().into_iter().flatten() {
        let (author, state) = (login_of(&review["user"]), quote(&review["state"], 30));
        if review["state"] != "PENDING" {
            latest.retain(|earlier| earlier.author != author);
            latest.push(Review { author, state });
        }
    }
    latest
}

/// Groups review comments by the one that they reply to.
fn threads(comments: &Value) -> Vec<Thread> {
    let comments = || comments.as_array().into_iter().flatten();
    let mut replies = BTreeMap::<u64, u64>::new();
    for to in comments().filter_map(|comment| comment["in_reply_to_id"].as_u64()) {
        *replies.entry(to).or_default() += 1;
    }
    comments()
        .filter(|comment| comment["in_reply_to_id"].is_null())
        .map(|comment| Thread {
            path: quote(&comment["path"], NAME),
            line: comment["line"].as_u64(),
            outdated: comment["position"].is_null() && comment["subject_type"] != "file",
            author: login_of(&comment["user"]),
            comment: quote(&comment["body"], COMMENT),
            replies: comment["id"].as_u64().and_then(|id| replies.get(&id).copied()).unwrap_or(0),
        })
        .collect()
}

fn checks(runs: &Value, statuses: &Value) -> Option<Checks> {
    let mut checks = Checks::default();
    for run in runs["check_runs"].as_array().into_iter().flatten() {
        let done = run["status"] == "completed";
        checks.count(run["name"].as_str().unwrap_or(""), run["conclusion"].as_str().filter(|_| done));
    }
    for status in statuses["statuses"].as_array().into_iter().flatten() {
        checks.count(status["context"].as_str().unwrap_or(""), status["state"].as_str());
    }
    checks.more = [(runs, "check_runs"), (statuses, "statuses")].iter().any(|(answer, list)| {
        answer["total_count"].as_u64().unwrap_or(0) > answer[*list].as_array().map_or(0, Vec::len) as u64
    });
    checks.if_any()
}

fn quote(value: &Value, max: usize) -> Quote {
    Quote::new(value.as_str().unwrap_or(""), max)
}

/// Encodes a text for the query or for one segment of a path.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(b.into()),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names_are_data() {
        assert_eq!(encode("me:feat/42-ø&head=x#y z"), "me%3Afeat%2F42-%C3%B8%26head%3Dx%23y%20z");
    }
}
