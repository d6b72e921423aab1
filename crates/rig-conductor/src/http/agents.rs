//! `/api/agents`: who beat last, and what it said.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ApiError, Caller, Http};
use crate::domain::shown;
use crate::store::AgentRow;

/// For how long an agent counts as online after its last beat.
const ONLINE: SignedDuration = SignedDuration::from_mins(30);

pub(super) async fn list(
    State(http): State<Http>,
    _: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    if let Some(upstream) = &http.upstream {
        return Ok(upstream.forward(request).await?.into_response());
    }
    let agents = http.app.store.agents().await?;
    let now = http.app.store.now().await?;
    Ok(Json(agents.iter().map(|agent| show(agent, now)).collect::<Vec<_>>()).into_response())
}

pub(super) async fn get(
    State(http): State<Http>,
    _: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    if let Some(upstream) = &http.upstream {
        return Ok(upstream.forward(request).await?.into_response());
    }
    // Ids hold no such characters, and not every store takes them.
    let known = if id.contains('\0') { None } else { http.app.store.agent(&id).await? };
    let Some(agent) = known else {
        let id = rig_text::cut(&rig_text::clean(&id), 100);
        return Err(ApiError::NotFound(format!("no agent `{id}`")));
    };
    let now = http.app.store.now().await?;
    Ok(Json(show(&agent, now)).into_response())
}

fn show(agent: &AgentRow, now: Timestamp) -> Value {
    let said = |name: &str| agent.beat.get(name).cloned().unwrap_or(Value::Null);
    let list =
        |name: &str| agent.beat.get(name).filter(|v| v.is_array()).cloned().unwrap_or_else(|| json!([]));
    // 0 and an empty text mean that there is none.
    let some = |value: Value| if value == json!(0) || value == json!("") { Value::Null } else { value };
    json!({
        "id": agent.id,
        "isOnline": now.duration_since(agent.last_seen_at) <= ONLINE,
        "status": said("status"),
        "currentIssue": some(said("currentIssue")),
        "currentRepo": some(said("currentRepo")),
        "activeProvider": said("activeProvider"),
        "availableProviders": list("availableProviders"),
        "providers": list("providers"),
        "integrations": list("integrations"),
        "lastSeenAt": shown(agent.last_seen_at),
    })
}
