//! What people were asked for here and have not closed.
//!
//! A session that knows it does not ask again, and sees what a person said.

use rig_core::conductor::{Conductor, ConductorError};
use rig_wire::AgentId;
use serde::Serialize;
use serde_json::Value;

use crate::deadline::Deadline;
use crate::issue::Named;
use crate::quote::{NAME, Quote, TITLE};

/// The most that are asked for: a body of a size that a session's start has time for.
const ASKED: usize = 30;

/// How much of an id is shown: the time at which it was made, in milliseconds.
const ID: usize = 13;

/// The escalations of the repository, or of the agent where there is none, that are not closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Escalations {
    /// The most urgent first.
    pub(crate) list: Vec<Escalation>,
    /// Whether there may be more.
    pub(crate) more: bool,
}

/// An escalation that is not closed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Escalation {
    id: Quote,
    severity: Quote,
    state: Quote,
    agent: Quote,
    /// Whether this agent asked.
    own: bool,
    repository: Option<Quote>,
    issue: Option<u64>,
    acked_by: Option<Quote>,
    reason: Quote,
}

impl Escalations {
    /// Asks the coordinator; nothing where it keeps none.
    ///
    /// # Errors
    /// In the rest of a sentence, when it does not tell.
    pub(crate) fn ask(
        conductor: &Conductor,
        agent: &AgentId,
        repository: Option<&str>,
        deadline: Deadline,
    ) -> Result<Option<Self>, String> {
        let of = match repository {
            // `owner/name` has no other character that a query would take for its own.
            Some(repository) => format!("repo={}", repository.replace('/', "%2F")),
            None => format!("agentId={}", agent.as_str().replace('/', "%2F")),
        };
        let path = format!("/api/escalations?state=open,acked&{of}&limit={ASKED}");
        let reply = conductor.ask(&path, deadline.instant()).map_err(|error| match error {
            ConductorError::Call(why) if deadline.left().is_none() || why.contains("timeout") => {
                "did not tell the open escalations in time".to_owned()
            }
            error => format!("did not tell the open escalations: {error}"),
        })?;
        let list = match (reply.status, &reply.body) {
            (200, Some(Value::Array(list))) => list,
            // One that was made before there were any.
            (204 | 404 | 405, _) => return Ok(None),
            (200, _) => return Err("did not tell the open escalations: its answer is no list".to_owned()),
            (status, _) => return Err(format!("did not tell the open escalations: it answered {status}")),
        };
        Ok(Some(Self::read(list, agent, reply.next.is_some())))
    }

    /// Reads a page of a list.
    pub(crate) fn read(list: &[Value], agent: &AgentId, more: bool) -> Self {
        let found = list.iter().take(ASKED).filter_map(|value| Escalation::read(value, agent)).collect();
        Self { list: found, more: more || list.len() > ASKED }
    }

    /// Returns the lines about those that this agent asked for or that are about one of the issues, at
    /// most `most` of them, and a count of the rest.
    pub(crate) fn lines(&self, issues: &[Named], most: usize, reason: usize) -> Vec<String> {
        let (near, far): (Vec<&Escalation>, Vec<&Escalation>) =
            self.list.iter().partition(|one| one.own || one.is_about(issues));
        let mut lines: Vec<String> = near.iter().take(most).map(|one| one.line(reason)).collect();
        if !lines.is_empty() {
            let head = "Asked of people and not closed (`rig-escalate show ID` tells more; do not ask for the same again):";
            lines.insert(0, head.to_owned());
        }
        let rest = far.len() + near.len().saturating_sub(most);
        let or_more = if self.more { " or more" } else { "" };
        if rest > 0 {
            let (are, others) = if rest == 1 { ("is", "escalation") } else { ("are", "escalations") };
            let other = if near.is_empty() { "" } else { "other " };
            lines.push(format!(
                "{rest}{or_more} {other}{others} {are} not closed here (`rig-escalate list`)."
            ));
        }
        lines
    }
}

impl Escalation {
    fn read(value: &Value, agent: &AgentId) -> Option<Self> {
        let text =
            |key: &str| value.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
        let quote = |key: &str, max| Some(Quote::new(text(key)?, max));
        let asked_by = text("agentId")?;
        // Another instance of this agent is this agent.
        let bare = asked_by.split_once('/').map_or(asked_by, |(bare, _)| bare);
        Some(Self {
            id: Quote::new(&text("id")?.chars().take(ID).collect::<String>(), ID),
            severity: quote("severity", 10)?,
            state: quote("state", 20)?,
            agent: Quote::new(asked_by, NAME),
            own: bare == agent.bare(),
            repository: quote("repo", NAME),
            issue: value.get("issueNumber").and_then(Value::as_u64).filter(|number| *number > 0),
            acked_by: quote("ackedBy", NAME),
            reason: quote("reason", TITLE)?,
        })
    }

    fn is_about(&self, issues: &[Named]) -> bool {
        let same = |issue: &Named| match (&issue.repository, &self.repository) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b.word()),
            _ => true,
        };
        issues.iter().any(|issue| Some(issue.number) == self.issue && same(issue))
    }

    fn line(&self, reason: usize) -> String {
        let who = if self.own { "yours".to_owned() } else { format!("by {}", self.agent.word()) };
        let about = match (&self.repository, self.issue) {
            (Some(repository), Some(number)) => format!(", about {}#{number}", repository.word()),
            (Some(repository), None) => format!(", about {}", repository.word()),
            (None, Some(number)) => format!(", about #{number}"),
            (None, None) => String::new(),
        };
        let state = match (&*self.state.word(), &self.acked_by) {
            ("open", _) => "taken by nobody yet".to_owned(),
            ("acked", Some(by)) => format!("taken by {}", by.word()),
            ("acked", None) => "taken".to_owned(),
            (state, _) => state.to_owned(),
        };
        let (severity, id) = (self.severity.word(), self.id.word());
        format!("- {severity} {id}, {who}{about}, {state}: {}", self.reason.cut(reason))
    }
}
