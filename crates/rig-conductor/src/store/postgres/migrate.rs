//! Bringing the tables to the present form.

use deadpool_postgres::Transaction;

use super::connect::Server;
use crate::store::StoreError;

/// What brings the tables from one version to the next, in order.
const STEPS: &[&str] = &[include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// PostgreSQL 13, the oldest that is tested.
const OLDEST: i32 = 130_000;

/// Makes or updates the tables of a schema. Of several processes that start at once, one does it.
pub(super) async fn migrate(server: &Server, schema: &str) -> Result<(), StoreError> {
    let mut client = server.pool.get().await?;
    let version: String = client.query_one("show server_version_num", &[]).await?.get(0);
    if version.parse().is_ok_and(|version: i32| version < OLDEST) {
        return Err(StoreError::Broken(format!(
            "the server is too old ({version}): it has to be 13 or newer"
        )));
    }
    for (step, version) in STEPS.iter().zip(1..) {
        if schema_version(&client.transaction().await?, schema).await? >= version {
            continue;
        }
        let transaction = client.transaction().await?;
        // Whoever waits here for another replica finds the work done.
        transaction.batch_execute("set local lock_timeout = '120s'; set local statement_timeout = 0").await?;
        let lock = "select pg_advisory_xact_lock(hashtextextended('rig-conductor ' || $1, 0))";
        transaction.execute(lock, &[&schema]).await?;
        if schema_version(&transaction, schema).await? < version {
            apply(&transaction, schema, step, version).await?;
        }
        transaction.commit().await?;
    }
    let transaction = client.transaction().await?;
    let version = schema_version(&transaction, schema).await?;
    if usize::try_from(version).is_ok_and(|version| version > STEPS.len()) {
        let known = STEPS.len();
        return Err(StoreError::Broken(format!(
            "the tables in schema {schema} have form {version}, this program knows form {known}: a newer \
             rig-conductor wrote them"
        )));
    }
    #[cfg(feature = "test-hooks")]
    if !exists(&transaction, schema, "test_clock").await? {
        let lock = "select pg_advisory_xact_lock(hashtextextended('rig-conductor ' || $1, 0))";
        transaction.execute(lock, &[&schema]).await?;
        let table =
            "create table if not exists test_clock (id bigint primary key, offset_us bigint not null)";
        transaction.batch_execute(table).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn apply(
    transaction: &Transaction<'_>,
    schema: &str,
    step: &str,
    version: i64,
) -> Result<(), StoreError> {
    if version == 1 {
        if exists(transaction, schema, "mt_events").await? {
            return Err(StoreError::Broken(format!(
                "the schema {schema} holds another program's events: choose another one"
            )));
        }
        // A role without the right to make schemas can use one that was made for it.
        let known = "select 1 from pg_catalog.pg_namespace where nspname = $1";
        if transaction.query_opt(known, &[&schema]).await?.is_none() {
            transaction.batch_execute(&format!("create schema \"{schema}\"")).await?;
        }
        let table = "create table schema_version (version bigint not null primary key, \
                     applied_at timestamptz not null default now())";
        transaction.batch_execute(table).await?;
    }
    transaction.batch_execute(step).await?;
    transaction.execute("insert into schema_version (version) values ($1)", &[&version]).await?;
    Ok(())
}

async fn schema_version(transaction: &Transaction<'_>, schema: &str) -> Result<i64, StoreError> {
    if !exists(transaction, schema, "schema_version").await? {
        return Ok(0);
    }
    let version = "select coalesce(max(version), 0) from schema_version";
    Ok(transaction.query_one(version, &[]).await?.get(0))
}

async fn exists(transaction: &Transaction<'_>, schema: &str, table: &str) -> Result<bool, StoreError> {
    let sql = "select 1 from pg_catalog.pg_tables where schemaname = $1 and tablename = $2";
    Ok(transaction.query_opt(sql, &[&schema, &table]).await?.is_some())
}
