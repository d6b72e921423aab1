//! Opening: forms of the tables, and what keeps a store from opening.

use rig_conductor::settings::{Secret, StoreSettings};
use rig_conductor::store::{self, StoreError, StoreOptions, ThreadClaim};
use rig_testkit::Postgres;
use rig_wire::Severity;
use serde_json::{Value, json};

use crate::harness::*;

on_each_store!(
    a_store_of_the_first_form_is_read_whole,
    of_several_processes_that_open_a_new_store_each_can_use_it,
    a_store_of_a_newer_form_is_refused,
    what_was_answered_is_there_after_a_restart,
);

/// Everything that a store tells.
pub(crate) async fn told(place: &Place) -> Value {
    let store = place.open().await;
    let mut streams = serde_json::Map::new();
    let names = place.sql("select id from mt_streams");
    for name in names.lines() {
        let events = store.stream(name, 0, 10_000).await.unwrap();
        let event =
            |event: &store::Stored| json!([event.version, event.alias, event.data, event.at, event.id]);
        streams.insert(name.to_owned(), events.iter().map(event).collect());
    }
    let filter = store::Filter { limit: 10_000, ..store::Filter::default() };
    let shown = store.escalations(&filter).await.unwrap();
    let shown: Vec<Value> = shown.iter().map(|one| json!([one.escalation, one.waiting])).collect();
    let agents = store.agents().await.unwrap();
    let agents: Vec<Value> = agents.iter().map(|one| json!([one.id, one.last_seen_at, one.beat])).collect();
    let ThreadClaim::Ready(thread) = store.thread("o/r#15", "x", LEASE).await.unwrap() else {
        panic!("the thread is not known")
    };
    let backlog = store.backlog().await.unwrap();
    let stats = store.stats(None, None).await.unwrap();
    json!({
        "escalations": shown,
        "agents": agents,
        "streams": streams,
        "thread": [thread.channel_id, thread.starter_id, thread.thread_id],
        "backlog": [backlog.open, backlog.acked, backlog.pending, backlog.failed, backlog.swept_at],
        "stats": [json!(stats.open), json!(stats.acked), json!(stats.closed), json!(stats.ack_seconds)],
    })
}

async fn a_store_of_the_first_form_is_read_whole(place: &Place) {
    let sqlite = include_str!("../fixtures/schema-v1-sqlite.sql");
    place.load(sqlite, include_str!("../fixtures/schema-v1-postgres.sql")).await;
    let told = told(place).await;
    let expected: Value = serde_json::from_str(include_str!("../fixtures/schema-v1.json")).unwrap();
    for (part, expected) in expected.as_object().unwrap() {
        assert_eq!(&told[part], expected, "{part}");
    }
    assert_eq!(told.as_object().unwrap().len(), expected.as_object().unwrap().len());
    let store = place.open().await;
    let report = store.replay(true).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
    assert!(report.events > 100 && report.escalations > 10 && report.agents > 2, "{report:?}");
    // It goes on from there.
    let open =
        all(&*store).await.into_iter().find(|one| one.state == rig_wire::EscalationState::Open).unwrap();
    assert!(run(&*store, ack(open.id, "stig")).await.unwrap().changed);
    record(&*store, beat("dev-0", "idle")).await;
    deliver(&*store).await;
    assert_replays(&*store).await;
}

async fn of_several_processes_that_open_a_new_store_each_can_use_it(place: &Place) {
    let opening = (0..8).map(|_| {
        let settings = place.settings();
        tokio::spawn(async move { store::open(&settings, StoreOptions::default()).await.unwrap() })
    });
    let opening: Vec<_> = opening.collect();
    for (n, task) in opening.into_iter().enumerate() {
        let store = task.await.unwrap();
        record(&*store, beat(&format!("dev-{n}"), "idle")).await;
    }
    assert_eq!(place.sql("select count(*) from agents"), "8");
    assert_eq!(place.sql("select count(*) from schema_version"), "2");
}

async fn a_store_of_a_newer_form_is_refused(place: &Place) {
    place.open().await.close().await.unwrap();
    let now = place.pick("'x'", "now()");
    place.sql(&format!("insert into schema_version (version, applied_at) values (99, {now}); select 1"));
    let Err(error) = place.try_open(StoreOptions::default()).await else { panic!("it opened") };
    assert!(matches!(error, StoreError::Broken(_)));
    let text = error.to_string();
    assert!(text.contains("form 99") && text.contains("newer rig-conductor"), "{text}");
    assert!(text.contains(place.pick("rig.db", "PostgreSQL at 127.0.0.1:")), "{text}");
}

async fn what_was_answered_is_there_after_a_restart(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    let at = record(&*store, beat("dev", "idle")).await.at;
    store.close().await.unwrap();
    let error = run(&*store, ack(id, "stig")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let store = place.open().await;
    assert_eq!(get(&*store, id).await.reason, "a");
    assert_eq!(store.agent("dev").await.unwrap().unwrap().last_seen_at, at);
}

async fn error_of(settings: StoreSettings) -> String {
    match store::open(&settings, StoreOptions::default()).await {
        Ok(_) => panic!("{settings:?} opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(
        path("text.db"),
        "This is a text, long enough to be read as the header of a database. ".repeat(9),
    )
    .unwrap();
    rusqlite::Connection::open(path("other.db")).unwrap().execute_batch("create table t (a)").unwrap();
    std::fs::create_dir(path("dir.db")).unwrap();
    for (name, reason) in [
        ("text.db", "the file is not a database"),
        ("other.db", "the file is a database of another program"),
        ("dir.db", "the file cannot be opened: Is a directory (os error 21)"),
        ("no/such.db", "the file cannot be opened: No such file or directory (os error 2)"),
    ] {
        let error = error_of(StoreSettings::Sqlite(path(name))).await;
        assert_eq!(error, format!("the store failed: {}: {reason}", path(name).display()));
    }
    assert_eq!(
        std::fs::read(path("other.db")).unwrap()[68..72],
        [0; 4],
        "somebody else's file is left as it was"
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_named_without_the_password() {
    let closed = Secret("postgres://u:hunter2@127.0.0.1:1/rig".to_owned());
    let schema = "rig_escalation".to_owned();
    let error = error_of(StoreSettings::Postgres { url: closed, schema: schema.clone() }).await;
    assert!(error.contains("cannot be reached: PostgreSQL at 127.0.0.1:1, database rig: "), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let Some(server) = Postgres::shared() else { return };
    let database = server.database();
    database.sql("create schema rig_escalation; create table rig_escalation.mt_events (seq_id bigint)");
    let url = Secret(database.url());
    let error = error_of(StoreSettings::Postgres { url: url.clone(), schema }).await;
    assert!(error.contains("the schema rig_escalation holds another program's events"), "{error}");
    let error = error_of(StoreSettings::Postgres { url: url.clone(), schema: "a\"b".to_owned() }).await;
    assert!(error.contains("the schema name"), "{error}");
    let tls = Secret(format!("{}?sslmode=require", url.0));
    let error = error_of(StoreSettings::Postgres { url: tls, schema: "other".to_owned() }).await;
    assert!(error.contains("TLS"), "{error}");
    let unknown = Secret(url.0.replace("/rig_", "/none_"));
    let error = error_of(StoreSettings::Postgres { url: unknown, schema: "other".to_owned() }).await;
    assert!(error.contains("does not exist"), "{error}");
}
