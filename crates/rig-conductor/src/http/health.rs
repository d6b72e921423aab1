//! Whether the service works, for probes, people and Prometheus. Nothing here is secret, so no token is asked
//! for: states, counts and times.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{Timestamp, Unit};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::app::App;
use crate::store::{Backlog, StoreError};
use crate::sweep;

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(2);

/// For how long an answer is given again, so that asking often costs little.
const FRESH: Duration = Duration::from_millis(500);

/// For how long an escalation may wait for its first message before something is wrong.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(2 * 60);

/// The last answer, and when it was made. Whoever asks meanwhile waits for it.
pub(crate) type Last = Mutex<Option<(Instant, Report)>>;

/// How the service fares.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    overall: Status,
    dependencies: Vec<Dependency>,
    checked_at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Status {
    Ok,
    Degraded,
    Unreachable,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    name: &'static str,
    status: Status,
    critical: bool,
    reason: Option<String>,
    latency_ms: u64,
    last_check_at: String,
}

/// What a check found.
type Found = (Status, Option<String>);

/// Says that the process answers.
pub(crate) async fn health() -> Response {
    Json(json!({"status": "healthy", "timestamp": now()})).into_response()
}

/// Says how everything fares that the service depends on; 503 when it cannot do its work.
pub(crate) async fn deep(State(app): State<Arc<App>>) -> Response {
    let report = report(&app).await;
    let status =
        if report.overall == Status::Unreachable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(report)).into_response()
}

/// Writes the counters for Prometheus.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let start = Instant::now();
    let backlog = tokio::time::timeout(LIMIT, app.store.backlog()).await;
    let backlog = backlog.ok().and_then(Result::ok);
    let text = app.metrics.render(backlog.as_ref(), start.elapsed());
    ([(header::CONTENT_TYPE, KIND)], text).into_response()
}

/// Returns how the service fares, as of now or of a moment ago.
pub(crate) async fn report(app: &App) -> Report {
    let mut last = app.health.lock().await;
    if let Some((at, report)) = last.as_ref()
        && at.elapsed() < FRESH
    {
        return report.clone();
    }
    let report = ask(app).await;
    *last = Some((Instant::now(), report.clone()));
    report
}

async fn ask(app: &App) -> Report {
    // What waits is asked for once; three checks look at it.
    let start = Instant::now();
    let backlog = tokio::time::timeout(LIMIT, app.store.backlog()).await;
    let asked = start.elapsed();
    let store = match &backlog {
        // Not Unreachable: only somebody who writes finds out that it takes something again.
        Ok(Ok(_)) if app.cannot_write() => {
            (Status::Degraded, Some("what was written last was not kept".to_owned()))
        }
        Ok(Ok(_)) => (Status::Ok, None),
        // Its text may name hosts and users.
        Ok(Err(StoreError::Unavailable(_))) => (Status::Unreachable, Some("it cannot be reached".to_owned())),
        Ok(Err(_)) => (Status::Unreachable, Some("it fails".to_owned())),
        Err(_) => (Status::Degraded, Some("timeout".to_owned())),
    };
    let backlog = backlog.ok().and_then(Result::ok);
    let unknown = || (Status::Degraded, Some("unknown while the store does not answer".to_owned()));
    let delivery = backlog.as_ref().map_or_else(unknown, |backlog| delivery(app, backlog));
    let swept = backlog.as_ref().map_or_else(unknown, |backlog| swept(app, backlog));
    let mut dependencies = vec![
        Dependency { latency_ms: millis(asked), ..dependency("store", true, store) },
        dependency("discord", false, discord(app)),
        dependency("delivery", false, delivery),
        dependency("sweep", false, swept),
    ];
    if let Some(base) = &app.settings.upstream {
        dependencies.push(capped("upstream", upstream(base)).await);
    }
    let overall = overall(&dependencies);
    Report { overall, dependencies, checked_at: now() }
}

/// Only what is critical makes everything unreachable.
fn overall(dependencies: &[Dependency]) -> Status {
    let of = |one: &Dependency| if one.critical { one.status } else { one.status.min(Status::Degraded) };
    dependencies.iter().map(of).max().unwrap_or(Status::Ok)
}

async fn capped(name: &'static str, check: impl Future<Output = Found>) -> Dependency {
    let start = Instant::now();
    let found = tokio::time::timeout(LIMIT, check).await;
    let found = found.unwrap_or_else(|_| (Status::Degraded, Some("timeout".to_owned())));
    Dependency { latency_ms: millis(start.elapsed()), ..dependency(name, false, found) }
}

fn dependency(name: &'static str, critical: bool, (status, reason): Found) -> Dependency {
    Dependency { name, status, critical, reason, latency_ms: 0, last_check_at: now() }
}

fn discord(app: &App) -> Found {
    let reason = match (&app.settings.discord, &app.settings.embedded) {
        (Some(_), _) => match app.delivery.trouble() {
            Some(trouble) => return (Status::Degraded, Some(trouble)),
            None => return (Status::Ok, None),
        },
        (None, Some(_)) => {
            let reason = "not configured: `rig-escalate list` and the start of a session are the route";
            return (Status::Ok, Some(reason.to_owned()));
        }
        (None, None) => "not configured: nobody is told of escalations",
    };
    (Status::Degraded, Some(reason.to_owned()))
}

/// Says whether people hear of what is open.
fn delivery(app: &App, backlog: &Backlog) -> Found {
    let age = |since: Option<Timestamp>| since.map(|since| age(since, backlog.now)).unwrap_or_default();
    let oldest = age(backlog.undelivered_since);
    if backlog.failed > 0 {
        let word = if backlog.failed == 1 { "escalation has" } else { "escalations have" };
        let reason =
            format!("{} open {word} reached nobody, the oldest for {}", backlog.failed, text(oldest));
        return (Status::Degraded, Some(reason));
    }
    // Without Discord there is nothing to wait for.
    if app.settings.discord.is_some() && oldest > DELIVERY_PATIENCE {
        let waits = if backlog.pending == 1 {
            "1 message waits".to_owned()
        } else {
            format!("{} messages wait", backlog.pending)
        };
        let reason = format!("an open escalation has reached nobody for {}; {waits}", text(oldest));
        return (Status::Degraded, Some(reason));
    }
    (Status::Ok, None)
}

fn swept(app: &App, backlog: &Backlog) -> Found {
    let patience = sweep::overdue_after(app.settings.sweep_every);
    match backlog.swept_at {
        Some(at) if age(at, backlog.now) <= patience => (Status::Ok, None),
        Some(at) => {
            let reason = format!("overdue: the last one ended {} ago", text(age(at, backlog.now)));
            (Status::Degraded, Some(reason))
        }
        // The first one runs when the service starts.
        None if app.uptime() <= patience => (Status::Ok, Some("not yet".to_owned())),
        None => (Status::Degraded, Some("overdue: there has been none".to_owned())),
    }
}

async fn upstream(base: &str) -> Found {
    let url = format!("{base}/health");
    let call = move || {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .max_redirects(0)
            .http_status_as_error(false)
            // As what is handed on takes none.
            .proxy(None)
            .build();
        ureq::Agent::new_with_config(config).get(&url).call().map(|answer| answer.status().as_u16())
    };
    match tokio::task::spawn_blocking(call).await {
        Ok(Ok(status)) if (200..300).contains(&status) => (Status::Ok, None),
        Ok(Ok(status)) => (Status::Degraded, Some(format!("it answered {status}"))),
        Ok(Err(ureq::Error::Timeout(_))) => (Status::Degraded, Some("timeout".to_owned())),
        _ => (Status::Unreachable, Some("it cannot be reached".to_owned())),
    }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

fn text(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now).to_string()
}
