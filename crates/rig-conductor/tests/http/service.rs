//! A service in this process, without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use rig_conductor::app::App;
use rig_conductor::domain::{Policy, Routes};
use rig_conductor::settings::{Role, Secret, Settings, StoreSettings, Token};
use rig_conductor::store::{self, StoreOptions};
use rig_testkit::postgres::Database;
use tower::ServiceExt;

/// Who calls, and the secret.
pub(crate) const CALLERS: [(&str, Option<&str>); 6] = [
    ("pool", Some("secret-of-the-pool")),
    ("node", Some("secret-of-node")),
    ("stig", Some("secret-of-stig")),
    ("kari", Some("secret-of-kari")),
    ("nobody", None),
    ("wrong", Some("secret-of-the-poo")),
];

/// The service, and where it keeps its store.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    router: Router,
    _dir: Option<tempfile::TempDir>,
}

/// What a request was answered with.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Service {
    /// Starts one on SQLite; `change` may give it other settings.
    pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(None, change).await
    }

    /// Starts one on a database, else on SQLite.
    pub(crate) async fn start_on(
        database: Option<&Database<'_>>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = database.is_none().then(|| tempfile::tempdir().unwrap());
        let place = match (&dir, database) {
            (Some(dir), _) => StoreSettings::Sqlite(dir.path().join("conductor.db")),
            (None, database) => {
                let url = Secret(database.unwrap().url());
                StoreSettings::Postgres { url, schema: "rig".to_owned() }
            }
        };
        let mut settings = settings(place);
        change(&mut settings);
        let store = store::open(&settings.store, settings.store_options.clone()).await.unwrap();
        let app = Arc::new(App::new(settings, store));
        Self { router: rig_conductor::http::router(Arc::clone(&app)), app, _dir: dir }
    }

    /// Sends a request; its `Host` is that of loopback unless the headers have another.
    pub(crate) async fn send(
        &self,
        caller: &str,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Answer {
        let (_, secret) = CALLERS.iter().find(|(name, _)| *name == caller).expect("a known caller");
        let mut request = Request::builder().method(method).uri(target);
        let given = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !given("host") {
            request = request.header("host", "127.0.0.1:8080");
        }
        if let Some(secret) = secret.filter(|_| !given("authorization")) {
            request = request.header("authorization", format!("Bearer {secret}"));
        }
        if body.is_some() && !given("content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

fn settings(store: StoreSettings) -> Settings {
    let token = |name: &str, role| {
        let secret = CALLERS.iter().find(|(known, _)| *known == name).and_then(|(_, secret)| *secret);
        Token { name: name.to_owned(), secret: Secret(secret.unwrap().to_owned()), role }
    };
    Settings {
        hosts: vec!["rig-conductor-api".to_owned()],
        tokens: vec![
            token("pool", Role::Agent { bound_to: None }),
            token("node", Role::Agent { bound_to: Some("dev-e-node".to_owned()) }),
            token("stig", Role::Operator),
            token("kari", Role::Operator),
        ],
        policy: Policy {
            routes: Routes { discord: true, p0_users: vec!["1175001122334455673".to_owned()] },
            ..Policy::default()
        },
        store_options: StoreOptions { postgres_connections: 4, ..StoreOptions::default() },
        ..Settings::new(store)
    }
}
