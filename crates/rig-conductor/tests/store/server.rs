//! What only a server can do to a store: restart, hold locks, hold other schemas.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rig_conductor::settings::{Secret, StoreSettings};
use rig_conductor::store::{self, StoreError, StoreOptions};
use rig_testkit::Postgres;
use rig_wire::Severity;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_the_server_the_store_goes_on() {
    let Some(server) = Postgres::private().durable().start() else { return };
    let database = server.database();
    let place = StoreSettings::Postgres { url: Secret(database.url()), schema: "rig".to_owned() };
    let store = store::open(&place, StoreOptions::default()).await.unwrap();
    let id = create(&*store, Severity::P2, "a").await.id;
    record(&*store, beat("dev", "0")).await;
    // Some connections are kept; after this, all of them are dead.
    server.restart();
    assert_eq!(get(&*store, id).await.id, id);
    run(&*store, ack(id, "stig")).await.unwrap();
    record(&*store, beat("dev", "1")).await;

    // While it is away, callers are told so in time; nothing of what was answered is lost.
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut done, mut n) = (Vec::new(), 0);
            let end = Instant::now() + Duration::from_secs(4);
            while Instant::now() < end {
                n += 1;
                match store.record(beat(&format!("dev-{n}"), "x")).await {
                    Ok(_) => done.push(n),
                    Err(StoreError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(error) => panic!("{error}"),
                }
            }
            done
        })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.stop();
    let error = store.escalation(id).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable(why) if why.contains("PostgreSQL at 127.0.0.1")),
        "{error}"
    );
    server.start();
    for n in writer.await.unwrap() {
        assert!(store.agent(&format!("dev-{n}")).await.unwrap().is_some(), "{n}");
    }
    let report = store.replay(true).await.unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_somebody_holds_for_ever_holds_nobody_up_for_ever() {
    let Some(server) = Postgres::shared() else { return };
    let place = Place::Postgres(server.database());
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    let Place::Postgres(database) = &place else { unreachable!() };
    let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("begin; select 1 from rig_escalation.mt_streams for update").await.unwrap();
    let error = run(&*store, ack(id, "stig")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("55P03")), "{error}");
    // Questions and others' work go on meanwhile.
    assert_eq!(get(&*store, id).await.id, id);
    record(&*store, beat("dev", "idle")).await;
    client.batch_execute("rollback").await.unwrap();
    assert!(run(&*store, ack(id, "stig")).await.unwrap().changed);
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schemas_of_one_database_know_nothing_of_each_other() {
    let Some(server) = Postgres::shared() else { return };
    let database = server.database();
    let open = async |schema: &str| {
        let place = StoreSettings::Postgres { url: Secret(database.url()), schema: schema.to_owned() };
        store::open(&place, StoreOptions::default()).await.unwrap()
    };
    let (one, two) = (open("one").await, open("two").await);
    create(&*one, Severity::P2, "a").await;
    assert_eq!((all(&*one).await.len(), all(&*two).await.len()), (1, 0));
    assert_eq!(database.sql("select count(*) from one.mt_events"), "1");
}

/// The plan of a prepared statement outlives the time when its table was small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_looks_at_no_row_but_its_own_however_the_log_has_grown() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open().await;
    for n in 0..60 {
        let mut beat = beat(&format!("dev-{}", n % 7), "idle");
        beat.id = Some(uuid::Uuid::now_v7());
        record(&*store, beat).await;
    }
    store.close().await.unwrap();
    let figures = |of: &str, table: &str| {
        place.sql(&format!("select {of} from pg_stat_user_tables where relname = '{table}'"))
    };
    // A connection tells what it did when it ends.
    let mut told = String::new();
    for _ in 0..400 {
        told = figures("n_tup_ins", "mt_events");
        if told == "60" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(told, "60");
    // Making the indexes reads a table once for each.
    let most = [("mt_events", 3), ("mt_streams", 1), ("agents", 1)];
    for (table, most) in most {
        let whole: u32 = figures("seq_scan", table).parse().unwrap();
        assert!(whole <= most, "{table} was read whole {whole} times");
    }
}

/// A program that uses Marten reads these columns, and a trap of its own layout is not in ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_laid_out_as_marten_does() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open().await;
    create(&*store, Severity::P2, "a").await;
    record(&*store, beat("dev", "idle")).await;
    let columns = |table: &str| {
        place.sql(&format!(
            "select column_name, data_type, is_nullable from information_schema.columns \
             where table_schema = 'rig_escalation' and table_name = '{table}' order by ordinal_position"
        ))
    };
    assert_eq!(
        columns("mt_streams"),
        "id|character varying|NO\ntype|character varying|YES\nversion|bigint|YES\n\
         timestamp|timestamp with time zone|NO\nsnapshot|jsonb|YES\nsnapshot_version|integer|YES\n\
         created|timestamp with time zone|NO\ntenant_id|character varying|YES\nis_archived|boolean|YES"
    );
    assert_eq!(
        columns("mt_events"),
        "seq_id|bigint|NO\nid|uuid|NO\nstream_id|character varying|YES\nversion|bigint|NO\ndata|jsonb|NO\n\
         type|character varying|NO\ntimestamp|timestamp with time zone|NO\ntenant_id|character varying|YES\n\
         mt_dotnet_type|character varying|YES\nis_archived|boolean|YES"
    );
    let rows = place.sql(
        "select seq_id, version, type, tenant_id, mt_dotnet_type, is_archived, \
         timestamp > now() - interval '1 minute', data ? 'AgentId' from mt_events order by seq_id",
    );
    assert_eq!(rows, "1|1|escalation_created|*DEFAULT*||f|t|t\n2|1|heartbeat|*DEFAULT*||f|t|t");
    assert_eq!(place.sql("select last_value from mt_events_sequence"), "2");
}
