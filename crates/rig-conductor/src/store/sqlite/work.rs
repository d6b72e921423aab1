//! Events of work and heartbeats.

use std::time::Duration;

use rusqlite::params;

use super::codec::{At, Id};
use super::tx::SqliteTx;
use crate::store::body::Prepared;
use crate::store::run::shifted;
use crate::store::{Recorded, StoreError};

/// How many rows one step of the pruning looks at.
const STEP: i64 = 2000;

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

/// Deletes heartbeats that are too old, but never the last of an agent; says whether there may be more.
/// It goes through the log once: where it stopped is kept.
pub(super) fn prune(tx: &mut SqliteTx<'_>, keep: Duration) -> Result<bool, StoreError> {
    let now = tx.time()?;
    let mark = "select seq_id from marks where name = 'pruned'";
    let from = tx.one(mark, [], |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0);
    // The first event that is young enough ends it.
    let page = "select count(*), max(seq_id) from (select seq_id, timestamp from mt_events \
                where seq_id > ?1 order by seq_id limit ?2) where timestamp < ?3";
    let before = At(shifted(now, keep, -1));
    let page = tx.one(page, params![from, STEP, before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((found, Some(to))) = page.map(|(found, to): (i64, Option<i64>)| (found, to)) else {
        return Ok(false);
    };
    let delete = "delete from mt_events where seq_id > ?1 and seq_id <= ?2 and type = 'heartbeat' \
                  and timestamp < ?3 and seq_id not in (select seq_id from agents)";
    tx.run(delete, params![from, to, before])?;
    let mark = "insert into marks (name, seq_id) values ('pruned', ?1) \
                on conflict (name) do update set seq_id = excluded.seq_id";
    tx.run(mark, [to])?;
    Ok(found == STEP)
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
