//! Events of work and heartbeats.

#[cfg(feature = "test-hooks")]
use std::time::Duration;

use rusqlite::params;

use super::codec::{At, Id};
use super::tx::SqliteTx;
use crate::store::body::Prepared;
use crate::store::{Recorded, StoreError};

/// Appends an event. One whose id is there changes nothing.
pub(super) fn record(tx: &mut SqliteTx<'_>, event: &Prepared) -> Result<Recorded, StoreError> {
    if event.given {
        let known = "select timestamp from mt_events where id = ?1";
        if let Some(at) = tx.one(known, [Id(event.id)], |row| row.get::<_, At>(0))? {
            return Ok(Recorded { at: at.0, duplicate: true });
        }
    }
    let at = tx.time()?;
    // Plain statements: SQLite guards those that do or return several things by a savepoint of their own,
    // which costs more than they do.
    let known = tx.one("select version from mt_streams where id = ?1", [&event.stream], |row| row.get(0))?;
    let version = known.unwrap_or(0_i64) + 1;
    let stream = match known {
        Some(_) => "update mt_streams set version = ?2, timestamp = ?3 where id = ?1",
        None => "insert into mt_streams (id, version, timestamp, created) values (?1, ?2, ?3, ?3)",
    };
    tx.run(stream, params![event.stream, version, At(at)])?;
    let insert = "insert into mt_events (id, stream_id, version, data, type, timestamp) \
                  values (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.run(insert, params![Id(event.id), event.stream, version, event.body, event.alias, At(at)])?;
    if let Some((agent, beat)) = &event.beat {
        let values = params![agent, At(at), tx.connection().last_insert_rowid(), beat];
        let known = "update agents set last_seen_at = ?2, seq_id = ?3, beat = ?4 where id = ?1";
        if tx.run(known, values)? == 0 {
            tx.run("insert into agents (id, last_seen_at, seq_id, beat) values (?1, ?2, ?3, ?4)", values)?;
        }
    }
    Ok(Recorded { at, duplicate: false })
}

/// Notes that a sweep came to its end.
pub(super) fn swept(tx: &mut SqliteTx<'_>) -> Result<(), StoreError> {
    let now = tx.time()?;
    let mark = "insert into marks (name, at) values ('swept', ?1) \
                on conflict (name) do update set at = max(at, excluded.at)";
    tx.run(mark, [At(now)])?;
    Ok(())
}

/// Moves the clock.
#[cfg(feature = "test-hooks")]
pub(super) fn advance(tx: &mut SqliteTx<'_>, by: Duration) -> Result<jiff::Timestamp, StoreError> {
    let sql = "insert into test_clock (id, offset_us) values (1, ?1) \
               on conflict (id) do update set offset_us = offset_us + excluded.offset_us";
    tx.run(sql, [i64::try_from(by.as_micros()).unwrap_or(i64::MAX)])?;
    super::codec::time(tx.connection())
}

/// Stops the clock.
#[cfg(feature = "test-hooks")]
pub(super) fn stop_clock(tx: &mut SqliteTx<'_>) -> Result<jiff::Timestamp, StoreError> {
    let sql = "insert into test_clock (id, offset_us) values (2, ?1) on conflict (id) do nothing";
    tx.run(sql, [jiff::Timestamp::now().as_microsecond()])?;
    super::codec::time(tx.connection())
}
