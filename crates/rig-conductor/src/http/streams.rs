//! `/api/events/stream`: what happened, in its order.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use rig_wire::StreamEvent;

use super::query::Query;
use super::{ApiError, Caller, Http};
use crate::app::App;
use crate::domain::{record_name, shown};
use crate::store::Stored;

/// The most events of a page.
const PAGE: u32 = 1000;

pub(super) async fn get(
    State(http): State<Http>,
    _: Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, ApiError> {
    let mut query = Query::of(&uri);
    let id = query.get("id").ok_or_else(|| ApiError::invalid("id", "is missing"))?.to_owned();
    if let Some(upstream) = http.upstream.as_ref().filter(|_| !id.starts_with("escalation-")) {
        return Ok(upstream.forward(request).await?.into_response());
    }
    let after = query.number("after", 0..=i64::MAX.unsigned_abs())?.unwrap_or(0);
    let after = i64::try_from(after).expect("within its bounds");
    // Names hold no such characters, and not every store takes them.
    let events = if id.contains('\0') { Vec::new() } else { http.app.store.stream(&id, after, PAGE).await? };
    let mut headers = HeaderMap::new();
    if let Some(last) = events.last().filter(|_| events.len() >= PAGE as usize) {
        query.set("after", last.version.to_string());
        let link = format!("</api/events/stream?{query}>; rel=\"next\"");
        headers.insert(header::LINK, HeaderValue::from_str(&link).expect("a query is written in ASCII"));
    }
    Ok((headers, Json(events.into_iter().map(show).collect::<Vec<_>>())).into_response())
}

/// Returns every event of a stream.
pub(super) async fn whole(app: &App, id: &str) -> Result<Vec<StreamEvent>, ApiError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = app.store.stream(id, after, PAGE).await?;
        let full = page.len() >= PAGE as usize;
        after = page.last().map_or(after, |last| last.version);
        all.extend(page.into_iter().map(show));
        if !full {
            return Ok(all);
        }
    }
}

fn show(event: Stored) -> StreamEvent {
    StreamEvent {
        id: event.id.to_string(),
        kind: record_name(&event.alias),
        data: event.data,
        timestamp: shown(event.at),
    }
}
