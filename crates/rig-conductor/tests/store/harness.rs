//! Places for stores, and what tests put into them.

use std::sync::Arc;
use std::time::Duration;

use rig_conductor::domain::{Escalation, EventKind, Policy, Routes, Via};
use rig_conductor::settings::{Secret, StoreSettings};
use rig_conductor::store::{
    self, Claimed, Command, Creation, Filter, Outcome, Receipt, Recorded, Store, StoreError, StoreOptions,
    WorkEvent,
};
use rig_testkit::Postgres;
use rig_testkit::postgres::Database;
use rig_wire::{Category, Severity};
use rusqlite::types::ValueRef;
use serde_json::Value;
use uuid::Uuid;

/// Somewhere to keep a store, fresh for each test.
pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(Database<'static>),
}

impl Place {
    pub(crate) fn sqlite() -> Option<Self> {
        Some(Self::Sqlite(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn postgres() -> Option<Self> {
        Postgres::shared().map(|server| Self::Postgres(server.database()))
    }

    pub(crate) fn settings(&self) -> StoreSettings {
        match self {
            Self::Sqlite(dir) => StoreSettings::Sqlite(dir.path().join("rig.db")),
            Self::Postgres(database) => {
                StoreSettings::Postgres { url: Secret(database.url()), schema: "rig_escalation".to_owned() }
            }
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.open_with(StoreOptions::default()).await
    }

    pub(crate) async fn open_with(&self, options: StoreOptions) -> Arc<dyn Store> {
        self.try_open(options).await.unwrap()
    }

    pub(crate) async fn try_open(&self, options: StoreOptions) -> Result<Arc<dyn Store>, StoreError> {
        store::open(&self.settings(), options).await
    }

    /// Runs statements behind the store's back and returns the rows of the last: a line each, columns
    /// parted by `|`.
    pub(crate) fn sql(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(dir) => sqlite(&dir.path().join("rig.db"), sql),
            Self::Postgres(database) => database.sql(&format!("set search_path to rig_escalation; {sql}")),
        }
    }

    /// Makes a database of a dump.
    pub(crate) async fn load(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(dir) => {
                let connection = rusqlite::Connection::open(dir.path().join("rig.db")).unwrap();
                connection.execute_batch(sqlite).unwrap();
            }
            Self::Postgres(database) => {
                let url = database.url();
                let (client, connection) =
                    tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
                let connection = tokio::spawn(connection);
                client.batch_execute(postgres).await.unwrap();
                drop(client);
                connection.await.unwrap().unwrap();
            }
        }
    }

    /// Chooses between what is written for SQLite and what is written for PostgreSQL.
    pub(crate) fn pick<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }
}

fn sqlite(path: &std::path::Path, sql: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let statements: Vec<&str> = sql.split(';').filter(|one| !one.trim().is_empty()).collect();
    let (last, first) = statements.split_last().unwrap();
    for statement in first {
        connection.execute_batch(statement).unwrap();
    }
    let mut query = connection.prepare(last).unwrap();
    let columns = query.column_count();
    let mut rows = query.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |n| match row.get_ref(n).unwrap() {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(n) => n.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

/// Makes a test on each store of a function that takes a place.
macro_rules! on_each_store {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(place) = crate::harness::Place::sqlite() else { return };
                super::$name(&place).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(place) = crate::harness::Place::postgres() else { return };
                super::$name(&place).await;
            })+
        }
    };
}

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Discord is set up, with two people for P0s.
pub(crate) fn policy() -> Policy {
    let p0_users = vec!["111".to_owned(), "222".to_owned()];
    Policy { routes: Routes { discord: true, p0_users }, ..Policy::default() }
}

pub(crate) fn creation(severity: Severity, reason: &str) -> Creation {
    Creation {
        id: Uuid::now_v7(),
        severity,
        reason: reason.to_owned(),
        details: None,
        category: Category::Stuck,
        agent_id: "dev-e-node".to_owned(),
        repo: Some("dashecorp/example".to_owned()),
        issue_number: Some(42),
        pr_number: Some(15),
        branch: None,
        session_id: None,
        dedup_key: None,
        token: "pool".to_owned(),
    }
}

pub(crate) async fn create(store: &dyn Store, severity: Severity, reason: &str) -> Escalation {
    let command = Command::Create(creation(severity, reason));
    let receipt = store.execute(command, &policy()).await.unwrap();
    assert!(receipt.changed && !receipt.deduplicated);
    receipt.escalation
}

pub(crate) async fn run(store: &dyn Store, command: Command) -> Result<Receipt, StoreError> {
    store.execute(command, &policy()).await
}

pub(crate) fn ack(id: Uuid, by: &str) -> Command {
    Command::Ack { id, by: by.to_owned(), via: Via::Api, note: None }
}

pub(crate) fn close(id: Uuid, resolution: &str) -> Command {
    Command::Close { id, resolution: resolution.to_owned(), by: "stig".to_owned(), via: Via::Cli }
}

pub(crate) fn raise(id: Uuid, to: Option<Severity>) -> Command {
    Command::Raise { id, to, by: "stig".to_owned(), note: None }
}

pub(crate) async fn get(store: &dyn Store, id: Uuid) -> Escalation {
    store.escalation(id).await.unwrap().unwrap().escalation
}

pub(crate) async fn all(store: &dyn Store) -> Vec<Escalation> {
    let filter = Filter { limit: 10_000, ..Filter::default() };
    store.escalations(&filter).await.unwrap().into_iter().map(|shown| shown.escalation).collect()
}

pub(crate) fn beat(agent: &str, status: &str) -> WorkEvent {
    let Value::Object(data) = serde_json::json!({"agentId": agent, "status": status}) else { unreachable!() };
    let kind = EventKind::of_wire("HEARTBEAT").unwrap();
    WorkEvent { id: None, kind, stream: agent.to_owned(), data }
}

pub(crate) async fn record(store: &dyn Store, event: WorkEvent) -> Recorded {
    store.record(event).await.unwrap()
}

pub(crate) async fn claim(store: &dyn Store, owner: &str) -> Vec<Claimed> {
    store.claim(owner, 100, LEASE).await.unwrap()
}

pub(crate) fn sent(message: &str) -> Outcome {
    Outcome::Sent {
        channel_id: "900".to_owned(),
        message_id: message.to_owned(),
        thread_id: None,
        url: Some(format!("https://discord.com/channels/1/900/{message}")),
        repeated: false,
    }
}

/// Sends everything that waits, and returns how much it was.
pub(crate) async fn deliver(store: &dyn Store) -> usize {
    let mut n = 0;
    loop {
        let claimed = claim(store, "courier").await;
        if claimed.is_empty() {
            return n;
        }
        for one in claimed {
            n += 1;
            let outcome = match &one.message {
                Some(_) => Outcome::Edited { version: one.escalation.version },
                None => sent(&format!("{}", 5000 + n)),
            };
            store.settle(&one.claim, outcome, &policy()).await.unwrap().unwrap();
        }
    }
}

/// The events of an escalation without their ids and times: type and members.
pub(crate) async fn log(store: &dyn Store, id: Uuid) -> Vec<String> {
    let stream = rig_conductor::domain::stream_of(id);
    let events = store.stream(&stream, 0, 1000).await.unwrap();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    assert_eq!(versions, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    let line =
        |event: &store::Stored| format!("{} {}", event.alias, event.data).replace(&id.to_string(), "ID");
    events.iter().map(line).collect()
}

/// The types of the events of an escalation.
pub(crate) async fn kinds(store: &dyn Store, id: Uuid) -> Vec<String> {
    let stream = rig_conductor::domain::stream_of(id);
    let events = store.stream(&stream, 0, 1000).await.unwrap();
    events.into_iter().map(|event| event.alias.trim_start_matches("escalation_").to_owned()).collect()
}

/// Rebuilds everything from the log and finds it equal.
pub(crate) async fn assert_replays(store: &dyn Store) {
    let report = store.replay(true).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
}
