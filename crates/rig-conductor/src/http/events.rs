//! `POST /api/events`: the one way by which agents tell of anything.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rig_wire::Category;
use serde::Serialize;
use uuid::Uuid;

use super::members::Members;
use super::{ApiError, Caller, Http, body, fields, usecases};
use crate::domain::{EventKind, shown};
use crate::store::{Command, Creation, Receipt, WorkEvent};

/// The event by which a person overrides what the coordinator decided.
const OVERRIDE: &str = "OPERATOR_OVERRIDE";

/// The answer to an accepted event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    stream_id: &'a str,
    r#type: &'a str,
    timestamp: String,
}

/// The answer to an accepted event of an escalation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AcceptedEscalation<'a> {
    #[serde(flatten)]
    event: Accepted<'a>,
    escalation_id: Uuid,
    #[serde(flatten)]
    created: Option<Created>,
}

/// What the answer to a creation says beyond that.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    deduplicated: bool,
    severity: rig_wire::Severity,
    state: rig_wire::EscalationState,
    next_bump_at: Option<String>,
    notifications: Vec<rig_wire::Notification>,
    delivered: bool,
}

/// A type of event of escalations, as it is sent.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Created,
    Acked,
    Closed,
    Bumped,
    NoteAdded,
}

enum Kind {
    Work(EventKind),
    Escalation(Change),
}

pub(super) async fn post(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, content) = request.into_parts();
    // Only an upstream wants to know it later.
    let head = http.upstream.is_some().then(|| parts.clone());
    let content = body::json(Request::from_parts(parts, content)).await?;
    let members = Members::read(&content)?;
    let given = members.required_text("type", 2000)?;
    match kind_of(&given)? {
        Some(Kind::Escalation(change)) => escalation(&http, &caller, change, &members).await,
        Some(Kind::Work(kind)) => {
            let members = for_operators(&caller, kind, members)?;
            if let (Some(upstream), Some(head)) = (&http.upstream, &head) {
                speaks_for(&caller, &members)?;
                let operator = (kind.wire() == OVERRIDE).then(|| caller.name());
                let answer = upstream.event(head, content, operator).await?;
                // An older coordinator does not know every type; what it will not have is kept here.
                if !answer.is_unknown_type() {
                    http.app.metrics.event("forwarded");
                    return Ok(answer.into_response());
                }
            }
            work(&http, &caller, kind, members).await
        }
        None => match (&http.upstream, &head) {
            // A newer coordinator may know it.
            (Some(upstream), Some(head)) => {
                speaks_for(&caller, &members)?;
                http.app.metrics.event("forwarded");
                Ok(upstream.event(head, content, None).await?.into_response())
            }
            _ => Err(unknown_type(&given)),
        },
    }
}

fn unknown_type(given: &str) -> ApiError {
    ApiError::Invalid(format!("Unknown event type: {}", rig_text::cut(&rig_text::clean(given), 100)))
}

/// Finds a type by the way it is sent; `None` where it is not known.
///
/// # Errors
/// When it is one that nobody may send.
fn kind_of(given: &str) -> Result<Option<Kind>, ApiError> {
    if let Some(kind) = EventKind::of_wire(given) {
        return Ok(Some(Kind::Work(kind)));
    }
    // A record's name, as events are read back, stands for the same.
    let letters: String = given.chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.eq_ignore_ascii_case("OperatorOverride") {
        return Ok(EventKind::of_wire(OVERRIDE).map(Kind::Work));
    }
    let upper = given.to_ascii_uppercase();
    let Some(word) = upper.strip_prefix("ESCALATION_") else {
        let ours = letters.to_ascii_uppercase().starts_with("ESCALATION");
        return if ours { Err(unknown_type(given)) } else { Ok(None) };
    };
    let changes = [Change::Created, Change::Acked, Change::Closed, Change::Bumped, Change::NoteAdded];
    if let Some(change) = changes.into_iter().find(|change| change.wire() == upper) {
        return Ok(Some(Kind::Escalation(change)));
    }
    match word {
        "NOTIFIED" | "NOTIFY_FAILED" | "REMINDED" => {
            Err(ApiError::Forbidden(format!("type: {upper} is written by the service alone")))
        }
        // Whatever it is, it does not go to an upstream.
        _ => Err(unknown_type(&upper)),
    }
}

impl Change {
    fn wire(self) -> &'static str {
        match self {
            Self::Created => "ESCALATION_CREATED",
            Self::Acked => "ESCALATION_ACKED",
            Self::Closed => "ESCALATION_CLOSED",
            Self::Bumped => "ESCALATION_BUMPED",
            Self::NoteAdded => "ESCALATION_NOTE_ADDED",
        }
    }
}

/// Reads the agent of an event, and refuses one for which the token does not speak.
fn speaks_for(caller: &Caller, members: &Members) -> Result<Option<rig_wire::AgentId>, ApiError> {
    let agent = members.agent("agentId")?;
    agent.as_ref().map_or(Ok(()), |agent| caller.may_speak_for(agent))?;
    Ok(agent)
}

async fn escalation(
    http: &Http,
    caller: &Caller,
    change: Change,
    members: &Members,
) -> Result<Response, ApiError> {
    let command = match change {
        Change::Created => Command::Create(creation(caller, members)?),
        Change::Acked => {
            caller.operator_only("ack")?;
            usecases::ack(members.required_uuid("escalationId")?, caller, members)?
        }
        Change::Closed => {
            caller.operator_only("close")?;
            usecases::close(members.required_uuid("escalationId")?, caller, members)?
        }
        Change::Bumped => {
            match members.text("reason", fields::REASON)?.as_deref() {
                None | Some("manual") => caller.operator_only("raise")?,
                Some("unacked" | "repeat") => {
                    return Err(ApiError::Forbidden("reason: only the service bumps by itself".to_owned()));
                }
                Some(_) => return Err(ApiError::invalid("reason", "has to be manual")),
            }
            usecases::raise(members.required_uuid("escalationId")?, "toSeverity", caller, members)?
        }
        Change::NoteAdded => usecases::note(members.required_uuid("escalationId")?, caller, members)?,
    };
    let receipt = usecases::perform(&http.app, command).await?;
    let created = match change {
        Change::Created => Some(created(http, &receipt).await),
        _ => None,
    };
    let stream_id = receipt.escalation.stream();
    let event = Accepted { stream_id: &stream_id, r#type: change.wire(), timestamp: shown(receipt.at) };
    Ok(Json(AcceptedEscalation { event, escalation_id: receipt.escalation.id, created }).into_response())
}

async fn created(http: &Http, receipt: &Receipt) -> Created {
    let now = usecases::object(&http.app, receipt).await;
    Created {
        deduplicated: receipt.deduplicated,
        severity: now.severity,
        state: now.state,
        next_bump_at: now.next_bump_at,
        delivered: now.delivered,
        notifications: now.notifications,
    }
}

fn creation(caller: &Caller, members: &Members) -> Result<Creation, ApiError> {
    let missing = |name: &str| ApiError::invalid(name, "is missing");
    let agent = speaks_for(caller, members)?;
    // Read for its form alone: an escalation has an id of its own.
    members.uuid("eventId")?;
    Ok(Creation {
        id: members.uuid("escalationId")?.unwrap_or_else(Uuid::now_v7),
        severity: members.severity("severity")?.ok_or_else(|| missing("severity"))?,
        reason: members.required_text("reason", fields::REASON)?,
        details: members.text("details", fields::DETAILS)?,
        category: members.word("category")?.unwrap_or(Category::Other),
        agent_id: agent.ok_or_else(|| missing("agentId"))?.to_string(),
        repo: members.repo("repo")?,
        issue_number: members.number("issueNumber")?,
        pr_number: members.number("prNumber")?,
        branch: members.name("branch")?,
        session_id: members.name("sessionId")?,
        dedup_key: members.name("dedupKey")?,
        token: caller.name().to_owned(),
    })
}

/// Refuses what only operators may tell, and notes who told it.
fn for_operators(caller: &Caller, kind: EventKind, mut members: Members) -> Result<Members, ApiError> {
    if kind.wire() == OVERRIDE {
        caller.operator_only("override")?;
        members.required_text("reason", fields::REASON)?;
        members.set("operator", caller.name());
    }
    Ok(members)
}

async fn work(http: &Http, caller: &Caller, kind: EventKind, members: Members) -> Result<Response, ApiError> {
    let class = if kind.is_heartbeat() { "heartbeat" } else { "work" };
    let event = work_event(caller, kind, members)?;
    let stream_id = event.stream.clone();
    let recorded = http.app.written(http.app.store.record(event).await)?;
    http.app.metrics.event(class);
    let timestamp = shown(recorded.at);
    Ok(Json(Accepted { stream_id: &stream_id, r#type: kind.wire(), timestamp }).into_response())
}

/// How the streams of escalations begin.
const ESCALATIONS: &str = "escalation-";

/// The types that are about an agent.
const OF_AGENTS: &[&str] = &[
    "ISSUE_ASSIGNED",
    "ISSUE_UNASSIGNED",
    "WORK_STARTED",
    "BRANCH_CREATED",
    "PR_CREATED",
    "HEARTBEAT",
    "AGENT_STUCK",
    "TOKEN_USAGE",
    "GUARD_BLOCKED",
    "GUARD_MISSED",
    "GUARD_POLICY_INVALID",
];

fn work_event(caller: &Caller, kind: EventKind, mut members: Members) -> Result<WorkEvent, ApiError> {
    let agent = speaks_for(caller, &members)?;
    if agent.is_none() && OF_AGENTS.contains(&kind.wire()) {
        return Err(ApiError::invalid("agentId", "is missing"));
    }
    let repo = members.repo("repo")?;
    // A milestone's number counts its issues.
    let issue = match kind.wire() {
        "MILESTONE_COMPLETE" => None,
        _ => members.number("issueNumber")?,
    };
    let id = members.uuid("eventId")?;
    let stream = match (&agent, &repo, issue) {
        (Some(agent), ..) if kind.is_heartbeat() => agent.to_string(),
        (_, Some(repo), Some(issue)) => format!("{repo}#{issue}"),
        (Some(agent), ..) => agent.to_string(),
        (None, Some(repo), None) => repo.clone(),
        (None, None, _) => {
            let why = "is missing, and so are repo and issueNumber";
            return Err(ApiError::invalid("agentId", why));
        }
    };
    if stream.starts_with(ESCALATIONS) {
        let name = if stream.contains('/') && repo.is_some() { "repo" } else { "agentId" };
        return Err(ApiError::invalid(
            name,
            "may not begin with `escalation-`, as the streams of escalations do",
        ));
    }
    for name in ["type", "eventId", "repo"] {
        members.remove(name);
    }
    if let Some(agent) = agent {
        members.set("agentId", agent.as_str());
    }
    if let Some(repo) = repo {
        members.set("repo", repo);
    }
    if kind.wire() != "MILESTONE_COMPLETE" {
        members.remove("issueNumber");
        if let Some(issue) = issue {
            members.set("issueNumber", issue);
        }
    }
    Ok(WorkEvent { id, kind, stream, data: members.into_map() })
}
