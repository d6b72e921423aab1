//! Which issue an escalation is about, and who says so.
//!
//! The branch, the environment and the coordinator may each name one. The working copy's is sent,
//! and when they differ, all of them are told: none is picked in silence.

use std::time::{Duration, Instant};

use rig_core::conductor::{Budget, Conductor};
use rig_core::env::Environment;
use rig_core::git::{is_repository, issue_of_branch};
use rig_core::sender::Sender;
use rig_wire::Agent;

use crate::cli::Create;

/// The longest wait for what the coordinator knows of this agent. The escalation is not on the disk
/// yet, so it is short.
const WAIT: Duration = Duration::from_secs(1);

/// What an escalation is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// `owner/name`.
    pub(crate) repo: Option<String>,
    /// The issue.
    pub(crate) issue: Option<u64>,
    /// What the sources say, where they differ.
    pub(crate) differ: Option<String>,
}

/// An issue that one source names.
struct Claim {
    source: String,
    repo: Option<String>,
    number: u64,
    certain: bool,
}

impl Claim {
    /// Says whether two claims can be about the same issue.
    fn agrees(&self, other: &Self) -> bool {
        self.number == other.number && same(self.repo.as_deref(), other.repo.as_deref())
    }
}

/// Finds out what the working copy, the environment and the coordinator say.
pub(crate) fn find(sender: &Sender, env: &Environment, create: &Create) -> About {
    if let Some(issue) = create.issue {
        // Zero stands for none, as it does in events.
        let issue = Some(issue).filter(|number| *number > 0);
        return About { repo: create.repo.clone().or_else(|| sender.repo.clone()), issue, differ: None };
    }
    let agent = sender.endpoint.as_ref().and_then(|endpoint| {
        let conductor = Conductor::new(endpoint.clone(), Budget::HOOK);
        // Posting the escalation tells what is wrong with the coordinator.
        conductor.agent(&sender.identity.id, Instant::now() + WAIT).ok().flatten()
    });
    decide(sender, env, create, agent.as_ref())
}

fn decide(sender: &Sender, env: &Environment, create: &Create, agent: Option<&Agent>) -> About {
    let mut claims = claims(sender, env, create.branch.as_deref(), agent);
    if create.repo.is_some() {
        claims.retain(|claim| same(claim.repo.as_deref(), create.repo.as_deref()));
    }
    let confirmed =
        |claim: &Claim| claim.certain || claims.iter().any(|other| other.certain && other.agrees(claim));
    let confirmed: Vec<bool> = claims.iter().map(confirmed).collect();
    let mut confirmed = confirmed.into_iter();
    claims.retain(|_| confirmed.next().unwrap_or(false));
    let own = create.repo.clone().or_else(|| sender.repo.clone());
    let repo = own.clone().or_else(|| claims.first()?.repo.clone());
    let chosen = claims.iter().find(|claim| same(claim.repo.as_deref(), repo.as_deref()));
    let differ = match (chosen, &claims[..]) {
        (_, []) => false,
        (Some(chosen), all) => !all.iter().all(|claim| claim.agrees(chosen)),
        (None, _) => true,
    };
    let said = || {
        let said: Vec<String> = claims
            .iter()
            .map(|c| format!("{}#{} ({})", c.repo.as_deref().unwrap_or(""), c.number, c.source))
            .collect();
        let here = if chosen.is_none() { own.as_ref() } else { None };
        let here = here.map_or_else(String::new, |repo| format!(", while this is a working copy of {repo}"));
        format!("the sources differ about the issue: {}{here}", said.join(", "))
    };
    About { issue: chosen.map(|claim| claim.number), differ: differ.then(said), repo }
}

fn claims(sender: &Sender, env: &Environment, branch: Option<&str>, agent: Option<&Agent>) -> Vec<Claim> {
    let mut claims = Vec::new();
    if let Some(branch) = branch.or(sender.branch.as_deref())
        && let Some(found) = issue_of_branch(branch)
    {
        claims.push(Claim {
            source: format!("branch {branch}"),
            repo: sender.repo.clone(),
            number: found.number,
            certain: found.certain,
        });
    }
    let number = env.get("CONDUCTOR_ISSUE_NUMBER").and_then(|n| n.trim().parse().ok()).filter(|n| *n > 0);
    if let Some(number) = number {
        let repo = env.get("CONDUCTOR_REPO").filter(|name| is_repository(name));
        let source = "CONDUCTOR_ISSUE_NUMBER".to_owned();
        claims.push(Claim { source, repo: repo.or_else(|| sender.repo.clone()), number, certain: true });
    }
    if let Some(number) = agent.and_then(|agent| agent.current_issue) {
        let repo = agent.and_then(|agent| agent.current_repo.clone()).filter(|name| is_repository(name));
        claims.push(Claim { source: "the coordinator".to_owned(), repo, number, certain: true });
    }
    claims
}

/// Says whether two names can mean the same repository.
fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rig_core::paths::Paths;

    use super::*;
    use crate::cli::Cli;

    /// What is found from a branch of o/r, the environment, the coordinator and the command line.
    fn found(branch: &str, env: &[(&str, &str)], agent: (&str, u64), args: &[&str]) -> (String, String) {
        let dir = std::env::temp_dir();
        let mut sender = Sender::new(&Environment::fixed([("", ""); 0]), &Paths::below(None), &dir);
        sender.repo = Some("o/r".to_owned()).filter(|_| branch != "outside");
        sender.branch = Some(branch.to_owned());
        let agent = Agent {
            current_repo: Some(agent.0.to_owned()),
            current_issue: Some(agent.1).filter(|n| *n > 0),
            ..Agent::default()
        };
        let all = [&["rig-escalate", "P1", "x"][..], args].concat();
        let create = Cli::try_parse_from(all).expect("a command line").create;
        let env = Environment::fixed(env.iter().copied());
        let About { repo, issue, differ } = decide(&sender, &env, &create, Some(&agent));
        let issue = issue.map_or_else(String::new, |n| n.to_string());
        let differ = differ.unwrap_or_default().replace("the sources differ about the issue: ", "");
        (format!("{}#{issue}", repo.unwrap_or_default()), differ)
    }

    #[test]
    fn the_working_copys_issue_is_sent_and_those_that_differ_are_told() {
        const NUMBER: (&str, &str) = ("CONDUCTOR_ISSUE_NUMBER", "7");
        const OTHER: (&str, &str) = ("CONDUCTOR_REPO", "o/s");
        let nothing = ("", 0);
        for (branch, env, agent, args, expected, differ) in [
            ("main", &[][..], nothing, &[][..], "o/r#", ""),
            ("feat/42-x", &[], ("o/r", 42), &[], "o/r#42", ""),
            ("feat/42-x", &[], ("O/R", 42), &[], "o/r#42", ""),
            (
                "feat/42-x",
                &[],
                ("o/r", 57),
                &[],
                "o/r#42",
                "o/r#42 (branch feat/42-x), o/r#57 (the coordinator)",
            ),
            ("main", &[], ("o/r", 57), &[], "o/r#57", ""),
            (
                "main",
                &[],
                ("o/s", 57),
                &[],
                "o/r#",
                "o/s#57 (the coordinator), while this is a working copy of o/r",
            ),
            ("outside", &[], ("o/s", 57), &[], "o/s#57", ""),
            ("3-way-merge", &[], nothing, &[], "o/r#", ""),
            ("3-way-merge", &[], ("o/r", 3), &[], "o/r#3", ""),
            ("3-way-merge", &[], ("o/r", 4), &[], "o/r#4", ""),
            ("main", &[NUMBER], nothing, &[], "o/r#7", ""),
            (
                "feat/42-x",
                &[NUMBER, OTHER],
                nothing,
                &[],
                "o/r#42",
                "o/r#42 (branch feat/42-x), o/s#7 (CONDUCTOR_ISSUE_NUMBER)",
            ),
            ("feat/42-x", &[], ("o/s", 57), &["--repo", "o/s"], "o/s#57", ""),
            ("feat/42-x", &[], nothing, &["--repo", "o/s"], "o/s#", ""),
            ("main", &[], nothing, &["--branch", "fix/9-y"], "o/r#9", ""),
        ] {
            assert_eq!(
                found(branch, env, agent, args),
                (expected.into(), differ.into()),
                "{branch} {args:?}"
            );
        }
    }
}
