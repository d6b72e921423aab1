use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Category, Severity};

/// The kind of an [`Event`], as the coordinator spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum EventType {
    /// An agent or a person began to work on an issue.
    WorkStarted,
    /// An agent is alive; `status` says whether it works or idles.
    Heartbeat,
    /// A branch came into being in the working copy.
    BranchCreated,
    /// A pull request was opened.
    PrCreated,
    /// An agent cannot go on by itself.
    AgentStuck,
    /// The guard refused a tool call.
    GuardBlocked,
    /// A tool call ran that the guard had not let through.
    GuardMissed,
    /// A policy of the guard cannot be read.
    GuardPolicyInvalid,
    /// A person is asked for.
    EscalationCreated,
    /// A person took an escalation.
    EscalationAcked,
    /// An escalation is done with.
    EscalationClosed,
    /// An escalation became more urgent.
    EscalationBumped,
    /// Something was added to an escalation.
    EscalationNoteAdded,
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a heartbeat says about its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// A turn is running.
    Working,
    /// The agent waits for its next prompt or assignment.
    Idle,
}

impl fmt::Display for AgentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One flat record for every type of event, as `POST /api/events` takes it.
///
/// Members that do not belong to the type stay `None` and are not sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Event {
    /// The kind of event.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// Chosen by the sender, so that a repeated delivery can be told from a second event.
    pub event_id: String,
    /// When it happened, ISO 8601 in UTC. Delivery may come much later.
    pub occurred_at: String,
    /// The agent or human that it is about.
    pub agent_id: String,
    /// `owner/name` of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// The issue that is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_number: Option<u64>,
    /// The session of the coding client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// HEARTBEAT: working or idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AgentStatus>,
    /// HEARTBEAT: the issue as the coordinator's agent view wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_issue: Option<u64>,
    /// HEARTBEAT: the repository as the coordinator's agent view wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_repo: Option<String>,
    /// HEARTBEAT: the last turn ended in an error of the model's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<bool>,
    /// HEARTBEAT: why `degraded` is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded_reasons: Vec<String>,
    /// The branch that was created or worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The pull request's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_number: Option<u64>,
    /// The pull request's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_url: Option<String>,
    /// Why: of a block, an escalation, a stuck agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many tries came before this one, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// GUARD_BLOCKED, GUARD_MISSED: the client's tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// GUARD_BLOCKED: the rule that refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// GUARD_BLOCKED, GUARD_MISSED: the redacted, shortened command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// GUARD_BLOCKED, GUARD_MISSED: what the guard had decided, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// ESCALATION_CREATED: the escalation's own id, which makes a retry idempotent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_id: Option<String>,
    /// ESCALATION_CREATED: how urgent it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// ESCALATION_CREATED: what the reason has no room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// ESCALATION_CREATED: what kind of help is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// ESCALATION_CREATED: what an open escalation has in common with its repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
}

impl Event {
    /// Returns an event with its envelope alone; the members of its type are set by the caller.
    #[must_use]
    pub fn new(
        kind: EventType,
        event_id: impl Into<String>,
        occurred_at: impl Into<String>,
        agent_id: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            event_id: event_id.into(),
            occurred_at: occurred_at.into(),
            agent_id: agent_id.into(),
            repo: None,
            issue_number: None,
            session_id: None,
            status: None,
            current_issue: None,
            current_repo: None,
            degraded: None,
            degraded_reasons: Vec::new(),
            branch: None,
            pr_number: None,
            pr_url: None,
            reason: None,
            attempt: None,
            tool: None,
            rule_id: None,
            command: None,
            decision: None,
            escalation_id: None,
            severity: None,
            details: None,
            category: None,
            dedup_key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_flat_camel_case_without_the_members_of_other_types() {
        let mut event = Event::new(EventType::Heartbeat, "e1", "2026-01-02T03:04:05Z", "dev-e-node");
        event.status = Some(AgentStatus::Idle);
        event.current_issue = Some(42);
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"type":"HEARTBEAT","eventId":"e1","occurredAt":"2026-01-02T03:04:05Z","agentId":"dev-e-node","status":"idle","currentIssue":42}"#
        );
    }

    #[test]
    fn every_type_displays_as_it_is_sent() {
        for (kind, text) in [
            (EventType::WorkStarted, "WORK_STARTED"),
            (EventType::Heartbeat, "HEARTBEAT"),
            (EventType::BranchCreated, "BRANCH_CREATED"),
            (EventType::PrCreated, "PR_CREATED"),
            (EventType::AgentStuck, "AGENT_STUCK"),
            (EventType::GuardBlocked, "GUARD_BLOCKED"),
            (EventType::GuardMissed, "GUARD_MISSED"),
            (EventType::GuardPolicyInvalid, "GUARD_POLICY_INVALID"),
            (EventType::EscalationCreated, "ESCALATION_CREATED"),
            (EventType::EscalationAcked, "ESCALATION_ACKED"),
            (EventType::EscalationClosed, "ESCALATION_CLOSED"),
            (EventType::EscalationBumped, "ESCALATION_BUMPED"),
            (EventType::EscalationNoteAdded, "ESCALATION_NOTE_ADDED"),
        ] {
            assert_eq!(kind.to_string(), text);
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{text}\""));
        }
    }
}
