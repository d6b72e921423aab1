//! What GitHub says about a branch. Every text in here is a [`Quote`].

use serde::Serialize;

use crate::quote::Quote;

/// What GitHub says about a branch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BranchReport {
    /// Whether review comments carry no mark of being resolved, as in the REST interface.
    pub(crate) resolution_unknown: bool,
    /// The issue that was asked for; `None` where GitHub shows none of that number.
    pub(crate) issue: Option<Issue>,
    /// The open pull requests of the branch, the one updated last first.
    pub(crate) open: Vec<PullRequest>,
    /// Whether GitHub has more open pull requests of this branch name than were looked at.
    pub(crate) more_open: bool,
    /// Where nothing is open: the pull request that was closed or merged last.
    pub(crate) closed: Option<PullRequest>,
    /// What GitHub left out, as it put it.
    pub(crate) left_out: Vec<Quote>,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Issue {
    /// Its number.
    pub(crate) number: u64,
    /// Its title.
    pub(crate) title: Quote,
    /// Its state, such as `OPEN`.
    pub(crate) state: Quote,
}

/// A pull request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PullRequest {
    /// Its number.
    pub(crate) number: u64,
    /// Its title.
    pub(crate) title: Quote,
    /// Open, merged or closed.
    pub(crate) state: State,
    /// Whether it is a draft.
    pub(crate) draft: bool,
    /// The branch that it is to be merged into.
    pub(crate) base: Quote,
    /// Whether it conflicts with its base; `None` while GitHub is computing that.
    pub(crate) conflicts: Option<bool>,
    /// What the reviews amount to; `None` where no review is required, or the interface does not say.
    pub(crate) decision: Option<Decision>,
    /// The latest review of each reviewer.
    pub(crate) reviews: Vec<Review>,
    /// The unresolved review threads, or all review comments where the resolution is unknown.
    pub(crate) threads: Vec<Thread>,
    /// Whether there are more threads than GitHub gives in one answer.
    pub(crate) more_threads: bool,
    /// The roll-up of its checks; `None` where it has none or they could not be read.
    pub(crate) checks: Option<Checks>,
    /// The issues that it closes.
    pub(crate) closes: Vec<IssueName>,
}

impl PullRequest {
    /// Returns the threads about code that is still as it was when the thread was opened.
    pub(crate) fn current(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(|t| !t.outdated)
    }

    /// Returns the threads about code that has changed since.
    pub(crate) fn outdated(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(|t| t.outdated)
    }
}

/// The state of a pull request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// Neither merged nor closed.
    #[default]
    Open,
    /// Merged.
    Merged,
    /// Closed without a merge.
    Closed,
}

/// What the reviews of a pull request amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Decision {
    /// Approved.
    Approved,
    /// Changes are requested.
    ChangesRequested,
    /// A review is required, and missing.
    ReviewRequired,
    /// A word that this build does not know.
    Other(Quote),
}

/// The latest review of one reviewer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Review {
    /// The reviewer's login.
    pub(crate) author: Quote,
    /// Such as `APPROVED` or `COMMENTED`.
    pub(crate) state: Quote,
}

/// A review thread, or a review comment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Thread {
    /// The file.
    pub(crate) path: Quote,
    /// The line, where it still exists.
    pub(crate) line: Option<u64>,
    /// Whether the code has changed since.
    pub(crate) outdated: bool,
    /// Who opened it.
    pub(crate) author: Quote,
    /// The first comment.
    pub(crate) comment: Quote,
    /// How many comments follow the first.
    pub(crate) replies: u64,
}

/// The checks of a pull request's last commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Checks {
    /// Checks that failed, and how.
    pub(crate) failing: Vec<Check>,
    /// How many are still running or waiting.
    pub(crate) running: u64,
    /// How many are done and fine.
    pub(crate) fine: u64,
    /// Whether there are more checks than GitHub gives in one answer.
    pub(crate) more: bool,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// Its name.
    pub(crate) name: Quote,
    /// Its conclusion, such as `FAILURE`.
    pub(crate) conclusion: Quote,
}

impl Checks {
    /// Counts one check by its conclusion, or as running where it has none.
    pub(crate) fn count(&mut self, name: &str, conclusion: Option<&str>) {
        let Some(conclusion) = conclusion else {
            self.running += 1;
            return;
        };
        match conclusion.to_ascii_uppercase().as_str() {
            "SUCCESS" | "NEUTRAL" | "SKIPPED" => self.fine += 1,
            "PENDING" | "EXPECTED" => self.running += 1,
            upper => {
                let check =
                    Check { name: Quote::new(name, crate::quote::NAME), conclusion: Quote::new(upper, 30) };
                if !self.failing.contains(&check) {
                    self.failing.push(check);
                }
            }
        }
    }

    /// Returns these checks, or `None` where there are none.
    #[must_use]
    pub(crate) fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// Returns an account's login, or what GitHub itself calls an account that is gone.
pub(crate) fn login_of(account: &serde_json::Value) -> Quote {
    Quote::new(account["login"].as_str().unwrap_or("ghost"), crate::quote::NAME)
}

/// An issue by repository and number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct IssueName {
    /// `owner/name`.
    pub(crate) repository: Quote,
    /// The number.
    pub(crate) number: u64,
}
