//! `/api/escalations` and what is below it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use jiff::Timestamp;
use rig_wire::{Escalation, EscalationState, NotificationState, Severity, StreamEvent};
use tokio::time::Instant;
use uuid::Uuid;

use super::members::Members;
use super::query::Query;
use super::{ApiError, Caller, Http, body, fields, streams, usecases};
use crate::domain::stream_of;
use crate::store::{Command, Filter, Shown};

/// The longest time for which an answer is held back.
const LONGEST_WAIT: u64 = 10;
/// So many answers are held back at once; others come as things are now.
pub(super) const WAITS: usize = 64;
/// How often it is looked whether there is an answer.
const LOOK: Duration = Duration::from_millis(100);
/// The most escalations of a page.
const PAGE: u64 = 200;

pub(super) async fn list(
    State(http): State<Http>,
    _: Caller,
    uri: Uri,
) -> Result<(HeaderMap, Json<Vec<Escalation>>), ApiError> {
    let mut query = Query::of(&uri);
    let filter = filter(&mut query)?;
    let wanted = filter.limit as usize;
    // One more than asked for says whether there is another page.
    let more = Filter { limit: filter.limit + 1, ..filter };
    let mut found = http.app.store.escalations(&more).await?;
    let mut headers = HeaderMap::new();
    if found.len() > wanted {
        found.truncate(wanted);
        if let Some(last) = found.last() {
            headers.insert(header::LINK, next(query, last));
        }
    }
    let policy = &http.app.settings.policy;
    let page = found.iter().map(|one| one.escalation.show(policy, &one.waiting));
    Ok((headers, Json(page.collect())))
}

fn filter(query: &mut Query) -> Result<Filter, ApiError> {
    use EscalationState::{Acked, Open};
    let states = query.words("state", |word| word.parse().map_err(|e| ApiError::invalid("state", e)))?;
    Ok(Filter {
        states: states.unwrap_or_else(|| vec![Open, Acked]),
        severities: query.words("severity", |word| fields::severity("severity", word))?.unwrap_or_default(),
        repo: query.get("repo").map(|text| fields::repo("repo", text)).transpose()?,
        issue: query.number("issueNumber", 1..=i32::MAX as u64)?,
        agent: query
            .get("agentId")
            .map(|text| fields::agent("agentId", text))
            .transpose()?
            .map(|a| a.to_string()),
        after: query.get("cursor").map(cursor).transpose()?,
        limit: u32::try_from(query.number("limit", 1..=PAGE)?.unwrap_or(50)).expect("200 at most"),
    })
}

/// Reads behind which escalation a page begins.
fn cursor(text: &str) -> Result<(Severity, Timestamp, Uuid), ApiError> {
    let read = || {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.splitn(3, ' ');
        let severity = fields::severity("", parts.next()?).ok()?;
        let at = Timestamp::from_microsecond(parts.next()?.parse().ok()?).ok()?;
        let at = Some(at).filter(|at| *at >= Timestamp::UNIX_EPOCH)?;
        Some((severity, at, fields::full_uuid(parts.next()?)?))
    };
    read().ok_or_else(|| ApiError::invalid("cursor", "is none that this service gave"))
}

/// Returns the link to the page behind an escalation.
fn next(mut query: Query, last: &Shown) -> HeaderValue {
    let last = &last.escalation;
    let cursor = format!("{} {} {}", last.severity, last.created_at.as_microsecond(), last.id);
    query.set("cursor", data_encoding::BASE64URL_NOPAD.encode(cursor.as_bytes()));
    let link = format!("</api/escalations?{query}>; rel=\"next\"");
    HeaderValue::from_str(&link).expect("a query is written in ASCII")
}

pub(super) async fn show(
    State(http): State<Http>,
    _: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Escalation>, ApiError> {
    let query = Query::of(&uri);
    let wait = query.number("wait", 0..=LONGEST_WAIT)?.unwrap_or(0);
    if query.get("after").is_some_and(|after| after != "pending") {
        return Err(ApiError::invalid("after", "has to be pending"));
    }
    let id = usecases::find(&http.app, &id).await?;
    let place = http.waits.try_acquire().ok();
    let deadline = Instant::now() + place.as_ref().map_or(Duration::ZERO, |_| Duration::from_secs(wait));
    loop {
        let now = usecases::read(&http.app, id).await?;
        let pending = now.waiting.iter().any(|one| one.state == NotificationState::Pending);
        if !pending || Instant::now() >= deadline {
            return Ok(Json(now.escalation.show(&http.app.settings.policy, &now.waiting)));
        }
        tokio::time::sleep_until(deadline.min(Instant::now() + LOOK)).await;
    }
}

pub(super) async fn events(
    State(http): State<Http>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<Vec<StreamEvent>>, ApiError> {
    let id = usecases::find(&http.app, &id).await?;
    usecases::read(&http.app, id).await?;
    Ok(Json(streams::whole(&http.app, &stream_of(id)).await?))
}

/// Reads a request about one escalation, and does what it asks for.
async fn change(
    http: &Http,
    caller: &Caller,
    id: &str,
    request: Request,
    command: impl FnOnce(Uuid, &Caller, &Members) -> Result<Command, ApiError>,
) -> Result<Json<Escalation>, ApiError> {
    let members = Members::read(&body::json_or_nothing(request).await?)?;
    let id = usecases::find(&http.app, id).await?;
    let receipt = usecases::perform(&http.app, command(id, caller, &members)?).await?;
    Ok(Json(usecases::object(&http.app, &receipt).await))
}

pub(super) async fn ack(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Escalation>, ApiError> {
    caller.operator_only("ack")?;
    change(&http, &caller, &id, request, usecases::ack).await
}

pub(super) async fn close(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Escalation>, ApiError> {
    caller.operator_only("close")?;
    change(&http, &caller, &id, request, usecases::close).await
}

pub(super) async fn raise(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Escalation>, ApiError> {
    caller.operator_only("raise")?;
    let command = |id, caller: &Caller, members: &Members| usecases::raise(id, "severity", caller, members);
    change(&http, &caller, &id, request, command).await
}

pub(super) async fn note(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Escalation>, ApiError> {
    change(&http, &caller, &id, request, usecases::note).await
}
