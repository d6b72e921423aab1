//! What lets a test move the clock and end the process at a given point. A release holds none of it.

#[cfg(feature = "test-hooks")]
pub use hooks::{point, routes};

/// Does nothing.
#[cfg(not(feature = "test-hooks"))]
#[inline(always)]
pub fn point(_: &str) {}

#[cfg(feature = "test-hooks")]
mod hooks {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};
    use std::time::Duration;

    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::routing::post;
    use axum::{Json, Router};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use crate::app::{App, Stop};
    use crate::store::StoreError;
    use crate::sweep;

    /// Ends the process as SIGKILL would, when `RIG_CONDUCTOR_DIE_AT` names this point, or `name:n` for
    /// the n-th time that it is reached (counted from 1).
    #[expect(clippy::disallowed_methods, reason = "a switch of test builds alone")]
    pub fn point(name: &str) {
        static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static REACHED: OnceLock<Mutex<HashMap<String, u64>>> = OnceLock::new();
        let wanted = WANTED.get_or_init(|| {
            let text = std::env::var("RIG_CONDUCTOR_DIE_AT").ok()?;
            let (name, n) = text.split_once(':').unwrap_or((&text, "1"));
            Some((name.to_owned(), n.parse().ok()?))
        });
        let Some((at, n)) = wanted.as_ref().filter(|(at, _)| at == name) else { return };
        let mut reached = REACHED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let count = reached.entry(at.clone()).or_default();
        *count += 1;
        if count == n {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
    }

    /// Returns the routes of test builds: `POST /test/clock {"advanceSeconds":n}` moves the store's clock and
    /// answers `{"now"}`; `POST /test/sweep` sweeps and answers what that did; `POST /test/panic` panics.
    pub fn routes(app: Arc<App>) -> Router {
        Router::new()
            .route("/test/clock", post(clock))
            .route("/test/sweep", post(sweep_now))
            .route("/test/panic", post(panic))
            .with_state(app)
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Move {
        advance_seconds: f64,
    }

    type Answer = Result<Json<Value>, (StatusCode, String)>;

    async fn clock(State(app): State<Arc<App>>, Json(by): Json<Move>) -> Answer {
        let by = Duration::try_from_secs_f64(by.advance_seconds);
        let by = by.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        let now = app.store.advance(by).await.map_err(failed)?;
        // What is due by the new time is due now.
        app.wake.notify_one();
        *app.health.lock().await = None;
        Ok(Json(json!({"now": now.to_string()})))
    }

    async fn sweep_now(State(app): State<Arc<App>>) -> Answer {
        let (_stopper, stop) = Stop::pair();
        let swept = sweep::once(&app, &stop).await.map_err(failed)?;
        *app.health.lock().await = None;
        Ok(Json(swept.json()))
    }

    async fn panic() {
        panic!("as asked");
    }

    fn failed(error: StoreError) -> (StatusCode, String) {
        (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}
