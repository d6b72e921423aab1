//! Deleting what is too old, in small steps.

use rusqlite::params;

use super::codec::At;
use super::tx::SqliteTx;
use crate::store::run::shifted;
use crate::store::{StoreError, StoreOptions};

/// How many rows one step looks at.
const STEP: u32 = 2000;

/// Takes one step; says whether there may be more.
pub(super) fn prune(tx: &mut SqliteTx<'_>, options: &StoreOptions) -> Result<bool, StoreError> {
    let now = tx.time()?;
    let before = |keep| At(shifted(now, keep, -1));
    // Agents come after the heartbeats, of which few are left then.
    Ok(heartbeats(tx, before(options.keep_heartbeats))?
        || agents(tx, before(options.keep_past.max(options.keep_heartbeats)))?
        || outbox(tx, before(options.keep_past))?)
}

/// Deletes heartbeats, but never the last of an agent. It goes through the log once: where it stopped is kept.
fn heartbeats(tx: &SqliteTx<'_>, before: At) -> Result<bool, StoreError> {
    let mark = "select seq_id from marks where name = 'pruned'";
    let from = tx.one(mark, [], |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0);
    // The first event that is young enough ends it.
    let page = "select count(*), max(seq_id) from (select seq_id, timestamp from mt_events \
                where seq_id > ?1 order by seq_id limit ?2) where timestamp < ?3";
    let page = tx.one(page, params![from, STEP, before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((found, Some(to))) = page.map(|(found, to): (u32, Option<i64>)| (found, to)) else {
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

/// Deletes agents that do not beat any more, with what is left of their heartbeats, which would make them anew.
fn agents(tx: &SqliteTx<'_>, before: At) -> Result<bool, StoreError> {
    let gone: Vec<String> = {
        let mut query = tx.prepare("select id from agents where last_seen_at < ?1 limit ?2")?;
        let ids = query.query_map(params![before, STEP], |row| row.get(0))?;
        ids.collect::<Result<_, _>>()?
    };
    for id in &gone {
        tx.run("delete from mt_events where stream_id = ?1 and type = 'heartbeat'", [id])?;
        tx.run("delete from agents where id = ?1", [id])?;
    }
    Ok(gone.len() == STEP as usize)
}

/// Deletes entries of the outbox that are done with. One that failed is kept while its escalation is not
/// closed: health counts it. Until when they are gone is noted, for the log still tells of them.
fn outbox(tx: &SqliteTx<'_>, before: At) -> Result<bool, StoreError> {
    let delete = "delete from outbox where id in (select id from outbox o where state <> 'pending' \
                  and updated_at < ?1 and (state <> 'failed' or exists (select 1 from escalations e \
                  where e.id = o.escalation and e.state = 'closed')) order by updated_at limit ?2)";
    let gone = tx.run(delete, params![before, STEP])?;
    if gone > 0 {
        let mark = "insert into marks (name, at) values ('outbox', ?1) \
                    on conflict (name) do update set at = max(at, excluded.at)";
        tx.run(mark, [before])?;
    }
    Ok(gone == STEP as usize)
}
