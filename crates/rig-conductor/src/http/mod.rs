//! The service as its clients see it.

mod agents;
mod auth;
mod body;
mod error;
mod escalations;
mod events;
mod fields;
pub(crate) mod health;
mod members;
mod query;
mod stats;
mod streams;
mod upstream;
mod usecases;

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tokio::sync::Semaphore;

use self::auth::{Caller, Hosts, Tokens};
use self::error::ApiError;
use self::members::Members;
use self::query::Query;
use self::upstream::Upstream;
use crate::app::App;
use crate::interactions;

/// What the handlers share.
#[derive(Clone)]
struct Http(Arc<Parts>);

struct Parts {
    app: Arc<App>,
    tokens: Tokens,
    hosts: Hosts,
    upstream: Option<Upstream>,
    /// How many more answers may be held back.
    waits: Semaphore,
}

impl Deref for Http {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<Http> for Arc<App> {
    fn from_ref(http: &Http) -> Self {
        Arc::clone(&http.app)
    }
}

/// Returns everything that the service answers.
pub fn router(app: Arc<App>) -> Router {
    let http = Http(Arc::new(Parts {
        tokens: Tokens::new(&app.settings),
        hosts: Hosts::new(&app.settings),
        upstream: app.settings.upstream.as_deref().map(Upstream::new),
        waits: Semaphore::new(escalations::WAITS),
        app,
    }));
    let probes = Router::new()
        .route("/health", get(health::health))
        .route("/healthz/deep", get(health::deep))
        .route("/metrics", get(health::metrics))
        .route_layer(middleware::from_fn_with_state(http.clone(), probe));
    Router::new()
        .merge(probes)
        .route("/api/events", post(events::post))
        .route("/api/events/stream", get(streams::get))
        .route("/api/agents", get(agents::list))
        .route("/api/agents/{*id}", get(agents::get))
        .route("/api/escalations", get(escalations::list))
        .route("/api/escalations/{id}", get(escalations::show))
        .route("/api/escalations/{id}/events", get(escalations::events))
        .route("/api/escalations/{id}/ack", post(escalations::ack))
        .route("/api/escalations/{id}/close", post(escalations::close))
        .route("/api/escalations/{id}/raise", post(escalations::raise))
        .route("/api/escalations/{id}/notes", post(escalations::note))
        .route("/api/escalation-stats", get(stats::get))
        .route("/api/discord/interactions", post(interaction))
        .method_not_allowed_fallback(not_allowed)
        .fallback(other)
        .with_state(http)
}

/// Lets probes through that ask for what is not secret.
async fn probe(State(http): State<Http>, request: Request, next: Next) -> Result<Response, ApiError> {
    http.hosts.check_probe(request.uri(), request.headers())?;
    Ok(next.run(request).await)
}

/// Takes what Discord sends when somebody presses a button; its signature stands for a token.
async fn interaction(
    State(http): State<Http>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    auth::not_from_a_page(request.headers())?;
    http.app.touch();
    let headers = request.headers().clone();
    let content = body::bytes(request, body::LIMIT).await?;
    let (status, answer) = interactions::handle(&http.app, &headers, &content).await;
    Ok((status, Json(answer)))
}

async fn not_allowed(_: Caller, method: Method) -> ApiError {
    ApiError::Method { method: method.to_string() }
}

/// What belongs to this service alone, whatever the spelling.
const OWN: [&str; 5] = ["/api/events", "/api/escalation", "/api/discord", "/health", "/metrics"];

/// Answers what no route is for: the upstream does, where there is one.
async fn other(State(http): State<Http>, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let path = plain(request.uri().path());
    // Steps that the upstream would resolve lead to places that are not judged here.
    let steps = path.split('/').any(|part| matches!(part, "." | ".."));
    let own = steps || OWN.iter().any(|own| path.starts_with(own));
    match &http.upstream {
        Some(upstream) if !own => {
            if path.starts_with("/api/admin") {
                caller.operator_only("use /api/admin")?;
            }
            let request = in_own_name(&caller, request).await?;
            http.app.metrics.event("forwarded");
            Ok(upstream.forward(request).await?.into_response())
        }
        None if path.starts_with("/api/") && !own => Err(ApiError::NotFound(
            "this coordinator has no work queue: set --upstream to reach one that has".to_owned(),
        )),
        _ => Err(ApiError::NotFound("there is nothing here".to_owned())),
    }
}

/// Refuses what a token that is bound to one agent asks for in the name of another.
async fn in_own_name(caller: &Caller, request: Request) -> Result<Request, ApiError> {
    if caller.bound_to().is_none() {
        return Ok(request);
    }
    for agent in Query::of(request.uri()).in_any_casing("agentId") {
        caller.may_speak_for(&fields::agent("agentId", agent)?)?;
    }
    let (parts, content) = request.into_parts();
    let content = body::bytes(Request::new(content), upstream::LIMIT).await?;
    let mut handed_on = content.clone();
    if let Ok(members) = Members::read(&content) {
        members.agent("agentId")?.map_or(Ok(()), |agent| caller.may_speak_for(&agent))?;
        handed_on = upstream::as_judged(content, None);
    }
    Ok(Request::from_parts(parts, handed_on.into()))
}

/// Returns a path as a server reads it that is generous about its spelling.
fn plain(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if decoded.is_some() { &tail[2..] } else { tail };
        match decoded.unwrap_or(*first).to_ascii_lowercase() {
            b'\\' | b'/' if bytes.last() == Some(&b'/') => {}
            b'\\' => bytes.push(b'/'),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_in_every_spelling() {
        for path in [
            "/api/events/",
            "/API/Events",
            "//api//events",
            "/api/%65vents",
            "/api%2Fevents",
            "\\api\\events",
        ] {
            assert!(plain(path).starts_with("/api/events"), "{path}");
        }
        assert_eq!(plain("/a%zz%4"), "/a%zz%4");
    }
}
