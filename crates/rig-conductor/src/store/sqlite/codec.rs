//! Values as SQLite keeps them.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql};
use uuid::Uuid;

use crate::domain::Intent;
use crate::store::StoreError;
use crate::store::row::{Entry, purpose, severity, word};

/// An id: its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) Uuid);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.hyphenated().to_string().into())
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::try_parse(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

/// A time: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(pub(super) Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

/// Returns the store's time: the machine's, in a test build moved by what the tests ask for.
pub(super) fn time(connection: &Connection) -> Result<Timestamp, StoreError> {
    let now = stopped(connection)?.unwrap_or_else(|| Timestamp::now().as_microsecond()) + offset(connection)?;
    Timestamp::from_microsecond(now)
        .map_err(|e| StoreError::Broken(format!("the clock is out of range: {e}")))
}

#[cfg(feature = "test-hooks")]
fn offset(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "select coalesce(sum(offset_us), 0) from test_clock where id = 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Returns when the clock was stopped, in microseconds.
#[cfg(feature = "test-hooks")]
fn stopped(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let sql = "select max(offset_us) from test_clock where id = 2";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

#[cfg(not(feature = "test-hooks"))]
fn stopped(_: &Connection) -> Result<Option<i64>, StoreError> {
    Ok(None)
}

#[cfg(not(feature = "test-hooks"))]
fn offset(_: &Connection) -> Result<i64, StoreError> {
    Ok(0)
}

/// The columns of an entry of the outbox, in the order that [`entry`] reads.
macro_rules! entry_columns {
    () => {
        "id, escalation, purpose, round, severity, route, target, channel_id, message_id, nonce, attempt, \
         lost, owner is not null, uncertain_since, error, updated_at"
    };
}
pub(super) use entry_columns;

/// Reads an entry of the outbox.
pub(super) fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let channel: Option<String> = row.get(7)?;
    let message: Option<String> = row.get(8)?;
    Ok(Entry {
        id: row.get::<_, Id>(0)?.0,
        intent: Intent {
            escalation: row.get::<_, Id>(1)?.0,
            purpose: purpose(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
            round: row.get(3)?,
            severity: severity(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?,
            route: word(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
            target: row.get(6)?,
            message: channel.zip(message),
        },
        nonce: row.get(9)?,
        attempt: row.get(10)?,
        lost: row.get(11)?,
        taken: row.get(12)?,
        uncertain_since: row.get::<_, Option<At>>(13)?.map(|at| at.0),
        error: row.get(14)?,
        updated_at: row.get::<_, At>(15)?.0,
    })
}
