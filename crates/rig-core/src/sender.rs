//! Who reports, from where, to whom: what every event of a sender has in common.

use std::path::Path;

use rig_wire::{Event, EventType};

use crate::conductor::Endpoint;
use crate::config::Config;
use crate::env::{Environment, ProjectEnv};
use crate::error::chain;
use crate::git::{Repository, is_repository, issue_of_branch, pull_request_of_ref};
use crate::identity::Identity;
use crate::paths::Paths;
use crate::{account, clock};

/// A sender of events in its surroundings.
#[derive(Debug)]
pub struct Sender {
    /// The settings.
    pub config: Config,
    /// Who it is.
    pub identity: Identity,
    /// What is wrong with the settings.
    pub warnings: Vec<String>,
    /// What of the environment the project set.
    pub project: ProjectEnv,
    /// The coordinator, where one is set up.
    pub endpoint: Option<Endpoint>,
    /// `owner/name` of the working copy, else `CONDUCTOR_REPO` where that has this form.
    pub repo: Option<String>,
    /// The current branch.
    pub branch: Option<String>,
    /// The issue that the branch names for certain, else `CONDUCTOR_ISSUE_NUMBER`.
    pub issue: Option<u64>,
    /// The pull request as which the branch was checked out, else that of `GITHUB_REF`.
    pub pull_request: Option<u64>,
}

impl Sender {
    /// Reads settings, environment and working copy.
    #[must_use]
    pub fn new(env: &Environment, paths: &Paths, cwd: &Path) -> Self {
        let (config, errors) = Config::load(paths);
        let mut warnings: Vec<String> = errors.iter().map(|e| chain(e)).collect();
        let (identity, doubts) = Identity::resolve(env, &config.agent, account::current().as_ref());
        warnings.extend(doubts);
        let project = ProjectEnv::read(env, cwd, paths.home.as_deref());
        let endpoint = Endpoint::resolve(env, &project, &config.conductor).unwrap_or_else(|error| {
            warnings.push(error.to_string());
            None
        });
        let repository = Repository::find(cwd);
        let branch = repository.as_ref().and_then(Repository::branch);
        let checked_out =
            repository.as_ref().zip(branch.as_deref()).and_then(|(r, name)| r.pull_request(name));
        let pull_request = checked_out.or_else(|| pull_request_of_ref(&env.get("GITHUB_REF")?));
        let repo = repository
            .and_then(|r| r.slug())
            .or_else(|| env.get("CONDUCTOR_REPO").filter(|name| is_repository(name)));
        let from_branch = branch.as_deref().and_then(issue_of_branch).filter(|i| i.certain).map(|i| i.number);
        let assigned = || env.get("CONDUCTOR_ISSUE_NUMBER")?.trim().parse().ok().filter(|n| *n > 0);
        let issue = from_branch.or_else(assigned);
        Self { config, identity, warnings, project, endpoint, repo, branch, issue, pull_request }
    }

    /// Returns an event about the present place.
    #[must_use]
    pub fn event(&self, kind: EventType) -> Event {
        let mut event = Event::new(kind, clock::new_id(), clock::now(), self.identity.id.as_str());
        event.repo.clone_from(&self.repo);
        event.issue_number = self.issue;
        event
    }

    /// Returns the base URL that a spooled record has to name, because a repository chose it.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        self.endpoint.as_ref().filter(|e| e.from_project).map(|e| e.base.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assignment_of_the_environment_counts_where_the_working_copy_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for (repo, issue, expected) in [
            ("o/r", "42", (Some("o/r"), Some(42))),
            ("o/r\u{1b}[31m", " 7 ", (None, Some(7))),
            ("", "0", (None, None)),
            ("o/r/x", "-1", (None, None)),
        ] {
            let env = Environment::fixed([("CONDUCTOR_REPO", repo), ("CONDUCTOR_ISSUE_NUMBER", issue)]);
            let sender = Sender::new(&env, &Paths::below(None), dir.path());
            assert_eq!((sender.repo.as_deref(), sender.issue), expected, "{repo:?} {issue:?}");
        }
    }
}
