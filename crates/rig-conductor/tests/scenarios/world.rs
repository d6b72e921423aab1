//! A service, or several replicas of it, in this process: store, HTTP, sweep and delivery, in front of a Discord
//! that remembers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use jiff::Timestamp;
use rig_conductor::app::{App, Stop};
use rig_conductor::domain::Policy;
use rig_conductor::settings::{Discord, Role, Secret, Settings, StoreSettings, Token};
use rig_conductor::store::{self, Store, StoreOptions};
use rig_conductor::sweep::{self, Swept};
use rig_conductor::{delivery, http};
use rig_testkit::discord::{self, ADMIN, ALICE, BOB, FakeDiscord, TASKS};
use rig_testkit::postgres::Database;
use serde_json::Value;
use tower::ServiceExt;

/// Where a world keeps what it knows.
pub(crate) enum Place<'a> {
    File(tempfile::TempDir),
    Server(Database<'a>),
}

impl Place<'_> {
    pub(crate) fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub(crate) fn settings(&self) -> StoreSettings {
        match self {
            Self::File(dir) => StoreSettings::Sqlite(dir.path().join("conductor.db")),
            Self::Server(database) => {
                StoreSettings::Postgres { url: Secret(database.url()), schema: "rig".to_owned() }
            }
        }
    }
}

/// A replica.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) app: Arc<App>,
    router: Router,
}

/// The whole of it.
pub(crate) struct World<'a> {
    place: Place<'a>,
    pub(crate) settings: Settings,
    pub(crate) discord: FakeDiscord,
    pub(crate) replicas: Vec<Replica>,
    start: Timestamp,
    /// How often the clock was moved.
    moves: u64,
}

/// By so many seconds more than it is told the clock is moved each time, so that what is due at a full hour is
/// overdue then. In between it stands still, however long the machine takes.
const SLACK: u64 = 5;

/// Times are shown in steps of so many seconds, so that the slack is not seen.
const STEP: u64 = 300;

impl<'a> World<'a> {
    pub(crate) async fn new(place: Place<'a>, change: impl FnOnce(&mut Settings)) -> Self {
        let discord = FakeDiscord::start();
        let mut settings = settings(place.settings(), &discord);
        change(&mut settings);
        connect(&mut settings);
        let replicas = vec![open(&settings).await];
        let start = replicas[0].app.store.stop_clock().await.unwrap();
        Self { place, settings, discord, replicas, start, moves: 0 }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.replicas[0].app.store
    }

    /// Starts one more replica. In a file all share the process, as they must.
    pub(crate) async fn grow(&mut self) {
        let replica = match &self.place {
            Place::Server(_) => open(&self.settings).await,
            Place::File(_) => replica(self.settings.clone(), Arc::clone(&self.replicas[0].app.store)),
        };
        self.replicas.push(replica);
    }

    /// Ends every replica and starts one again, perhaps with other settings.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&mut Settings)) {
        for replica in self.replicas.drain(..) {
            // Those of one file share a store, which one of them closes.
            let _ = replica.app.store.close().await;
        }
        change(&mut self.settings);
        connect(&mut self.settings);
        self.replicas.push(open(&self.settings).await);
    }

    /// Moves the clock to so many seconds after the start.
    ///
    /// # Panics
    /// When that lies in the past.
    pub(crate) async fn move_to(&mut self, seconds: u64) {
        let target = seconds + self.moves * SLACK;
        let passed = self.passed(self.store().now().await.unwrap());
        let by = target.checked_sub(passed).unwrap_or_else(|| panic!("{passed} s have passed already"));
        self.store().advance(Duration::from_secs(by)).await.unwrap();
        self.moves += 1;
        self.discord.set_time(seconds);
    }

    fn passed(&self, at: Timestamp) -> u64 {
        u64::try_from(at.duration_since(self.start).as_secs()).unwrap_or(0)
    }

    /// Shows a time as what has passed since the start, such as `4h` or `8h30`.
    pub(crate) fn shown(&self, at: Timestamp) -> String {
        let minutes = (self.passed(at) + 1) / STEP * STEP / 60;
        match (minutes / 60, minutes % 60) {
            (hours, 0) => format!("{hours}h"),
            (hours, minutes) => format!("{hours}h{minutes:02}"),
        }
    }

    /// Sends a request to a replica and returns status and body.
    pub(crate) async fn ask(
        &self,
        replica: usize,
        caller: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer secret-of-{caller}"))
            .header("content-type", "application/json")
            .body(Body::from(body.map(Value::to_string).unwrap_or_default()))
            .unwrap();
        let response = self.replicas[replica].router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Lets a number of replicas sweep at once; one result each.
    pub(crate) async fn sweep(&self, replicas: usize) -> Vec<Swept> {
        let sweeps = self.replicas.iter().take(replicas).map(|replica| {
            let app = Arc::clone(&replica.app);
            tokio::spawn(async move {
                let (_stopper, stop) = Stop::pair();
                sweep::once(&app, &stop).await.unwrap()
            })
        });
        let mut all = Vec::new();
        for sweep in sweeps.collect::<Vec<_>>() {
            all.push(sweep.await.unwrap());
        }
        all
    }

    /// Lets every replica send what is to be sent now, all at once, until there is nothing left.
    pub(crate) async fn deliver(&self) {
        loop {
            let drains = self.replicas.iter().map(|replica| {
                let app = Arc::clone(&replica.app);
                tokio::spawn(async move { delivery::drain_once(app).await.unwrap() })
            });
            let mut sent = 0;
            for drain in drains.collect::<Vec<_>>() {
                sent += drain.await.unwrap();
            }
            if sent == 0 {
                return;
            }
        }
    }
}

async fn open(settings: &Settings) -> Replica {
    replica(settings.clone(), store::open(&settings.store, settings.store_options.clone()).await.unwrap())
}

fn replica(settings: Settings, store: Arc<dyn Store>) -> Replica {
    let app = Arc::new(App::new(settings, store));
    Replica { router: http::router(Arc::clone(&app)), app }
}

/// Makes the routes as the settings of Discord have them.
fn connect(settings: &mut Settings) {
    settings.policy.routes.discord = settings.discord.is_some();
    let people = settings.discord.as_ref().map(|discord| discord.p0_users.clone());
    settings.policy.routes.p0_users = people.unwrap_or_default();
}

fn settings(store: StoreSettings, discord: &FakeDiscord) -> Settings {
    let token =
        |name: &str, role| Token { name: name.to_owned(), secret: Secret(format!("secret-of-{name}")), role };
    Settings {
        tokens: vec![
            token("pool", Role::Agent { bound_to: None }),
            token("stig", Role::Operator),
            token("kari", Role::Operator),
        ],
        policy: Policy::default(),
        store_options: StoreOptions { postgres_connections: 4, ..StoreOptions::default() },
        discord: Some(self::discord(discord)),
        ..Settings::new(store)
    }
}

/// Returns the settings of Discord that a world begins with.
pub(crate) fn discord(discord: &FakeDiscord) -> Discord {
    Discord {
        api_url: discord.url(),
        token: Secret(discord::TOKEN.to_owned()),
        admin_channel: ADMIN.to_string(),
        tasks_channel: TASKS.to_string(),
        p0_users: vec![ALICE.to_string(), BOB.to_string()],
        p0_roles: Vec::new(),
        public_key: None,
        application_id: None,
        button_users: Vec::new(),
        button_roles: Vec::new(),
    }
}
