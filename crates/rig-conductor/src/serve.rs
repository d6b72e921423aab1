//! The running service: a listener, the sweep and the delivery, and an end that loses nothing.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::app::{App, Stop, Stopper};
use crate::settings::Settings;
use crate::store::{self, StoreError};
use crate::{delivery, http, sweep};

/// The largest body, in bytes, that a route reads unless it says otherwise.
const LARGEST_BODY: usize = 64 << 10;

/// How many connections are served at a time; others wait to be accepted.
const CONNECTIONS: usize = 4096;

/// How long a connection may take to send a request's head, and how long an idle one is kept.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// How long a request may take, from its head to the head of its answer. Tests let a whole sweep happen in one, on
/// machines that do much else.
const REQUEST_LIMIT: Duration = Duration::from_secs(if cfg!(feature = "test-hooks") { 300 } else { 30 });

/// At the end: how long requests may take that were begun.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// At the end: how long sweep and delivery may take to finish what they hold.
const SETTLE_LIMIT: Duration = Duration::from_secs(18);

/// The header that names a request, here and in the log.
const REQUEST_ID: &str = "x-request-id";

/// What ends the service.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store could not be opened or closed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener does not say where it listens.
    #[error("failed to listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// Serves until `stop` is ready, then ends: requests that were begun are answered, what the delivery holds
/// is recorded, and the store is closed.
///
/// # Errors
/// When the store cannot be opened, or cannot be closed.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let app = open(settings).await?;
    run(app, listener, stop).await
}

/// Opens the store and puts the parts of the service together.
///
/// # Errors
/// When the store cannot be opened.
pub async fn open(settings: Settings) -> Result<Arc<App>, StoreError> {
    let store = store::open(&settings.store, settings.store_options.clone()).await?;
    Ok(Arc::new(App::new(settings, store)))
}

/// Serves as [`serve`] does, with parts that are put together already.
///
/// # Errors
/// When the store cannot be closed.
pub async fn run(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    tracing::info!(%address, owner = app.owner, version = env!("CARGO_PKG_VERSION"), "listening");
    let (stopper, stopped) = Stop::pair();
    let deliver = part("delivery", &app, &stopped, delivery::run);
    let sweep = part("sweep", &app, &stopped, sweep::run);
    let workers = [("delivery", deliver), ("sweep", sweep)];
    accept(&app, listener, &stopper, stop).await;
    settle(workers).await;
    app.store.close().await?;
    tracing::info!("ended");
    Ok(())
}

/// Accepts connections until the end is asked for, and waits for the requests that were begun.
async fn accept(app: &Arc<App>, listener: TcpListener, stopper: &Stopper, stop: impl Future<Output = ()>) {
    let service = layered(Arc::clone(app));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = async { (place.await, listener.accept().await) } => accepted,
        };
        let (place, stream) = match accepted {
            (Ok(place), Ok((stream, _))) => (place, stream),
            (_, Ok(_)) => break,
            (_, Err(error)) => {
                // A connection that was given up already, or no file descriptor is free: it gets better.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = connection(stream, &service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whoever breaks off or sends no HTTP has nothing to be told.
            let _ = connection.await;
            drop(place);
        });
    }
    tracing::info!("ending");
    drop(listener);
    stopper.stop();
    if tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered before the end");
    }
}

type Connection = hyper::server::conn::http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, service: &Router) -> Connection {
    // Answers are small and complete; nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()))
}

/// Runs a part of the service beside the others. One that panics is begun anew: without it, nobody would
/// be told of anything.
fn part<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    app: &Arc<App>,
    stop: &Stop,
    begin: fn(Arc<App>, Stop) -> F,
) -> JoinHandle<()> {
    let (app, stop) = (Arc::clone(app), stop.clone());
    tokio::spawn(async move {
        while let Err(error) = tokio::spawn(begin(Arc::clone(&app), stop.clone())).await {
            if error.is_cancelled() {
                return;
            }
            tracing::error!(part = name, %error, "a part of the service failed and is begun anew");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
}

/// Waits for the parts that have been asked to end.
async fn settle(workers: [(&str, JoinHandle<()>); 2]) {
    let deadline = tokio::time::Instant::now() + SETTLE_LIMIT;
    for (name, worker) in workers {
        match tokio::time::timeout_at(deadline, worker).await {
            Ok(_) => {}
            // What it holds is sent by somebody else once its lease is over.
            Err(_) => tracing::warn!(part = name, "a part of the service did not end in time"),
        }
    }
}

/// Returns every route, with what all of them share.
fn layered(app: Arc<App>) -> Router {
    let routes = http::router(Arc::clone(&app));
    #[cfg(feature = "test-hooks")]
    let routes = crate::testing::routes(Arc::clone(&app)).merge(routes);
    routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app, around))
}

/// Names, bounds, counts and logs a request.
async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = request.method().clone();
    // The path without its query, which may hold what is not for a log.
    let path = rig_text::clean(&rig_text::cut(request.uri().path(), 200));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "other".to_owned());
    let name = id.to_str().unwrap_or_default();
    let span = tracing::info_span!(
        "request",
        id = name,
        caller = tracing::field::Empty,
        escalation = tracing::field::Empty
    );
    let handled = tokio::time::timeout(REQUEST_LIMIT, next.run(request)).instrument(span.clone()).await;
    let mut response = handled.unwrap_or_else(|_| {
        error(StatusCode::SERVICE_UNAVAILABLE, "the request took too long; it may have been carried out")
    });
    let (status, took) = (response.status().as_u16(), start.elapsed());
    app.metrics.request(&route, status, took);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match status {
        500.. => tracing::warn!(%method, path, status, took_ms, "answered"),
        400.. => tracing::info!(%method, path, status, took_ms, "answered"),
        _ => tracing::debug!(%method, path, status, took_ms, "answered"),
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Takes the sender's name for the request, or makes one.
fn request_id(request: &Request) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    let given = request.headers().get(REQUEST_ID).filter(sane).cloned();
    given.unwrap_or_else(|| {
        let id = uuid::Uuid::now_v7().to_string();
        HeaderValue::try_from(id).expect("an id has no control characters")
    })
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    tracing::error!(panic = text, "a request ended in a panic");
    error(StatusCode::INTERNAL_SERVER_ERROR, "the service failed on this request")
}

fn error(status: StatusCode, text: &str) -> Response {
    let body = Body::from(json!({"error": text}).to_string());
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_name_for_a_request_is_taken_if_it_is_harmless() {
        let long = "a".repeat(65);
        for (given, taken) in [
            ("018f-abc_1.x", true),
            ("", false),
            ("two words", false),
            ("\"quoted\"", false),
            (long.as_str(), false),
        ] {
            let request = Request::builder().header(REQUEST_ID, given).body(Body::empty()).unwrap();
            let id = request_id(&request);
            assert_eq!(id == given, taken, "{given:?}");
            assert!(taken || id.len() == 36, "{id:?}");
        }
    }
}
