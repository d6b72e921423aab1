//! Deleting what is too old, in small steps.

use jiff::Timestamp;

use super::tx::PgTx;
use crate::store::row::micros;
use crate::store::run::shifted;
use crate::store::{StoreError, StoreOptions};

/// How many rows one step looks at.
const STEP: i64 = 2000;

/// Takes one step; says whether there may be more.
pub(super) async fn prune(tx: &mut PgTx<'_>, options: &StoreOptions) -> Result<bool, StoreError> {
    // One process at a time is enough.
    let lock = "select pg_try_advisory_xact_lock(hashtextextended('prune ' || current_schema(), 3))";
    if !tx.one(lock, &[]).await?.is_some_and(|row| row.get(0)) {
        return Ok(false);
    }
    let now = tx.time().await?;
    let before = |keep| micros(shifted(now, keep, -1));
    // Agents come after the heartbeats, of which few are left then.
    Ok(heartbeats(tx, before(options.keep_heartbeats)).await?
        || agents(tx, before(options.keep_past.max(options.keep_heartbeats))).await?
        || outbox(tx, before(options.keep_past)).await?)
}

/// Deletes heartbeats, but never the last of an agent. It goes through the log once: where it stopped is kept.
async fn heartbeats(tx: &PgTx<'_>, before: Timestamp) -> Result<bool, StoreError> {
    let mark = tx.one("select seq_id from marks where name = 'pruned'", &[]).await?;
    let from = mark.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten().unwrap_or(0);
    // The first event that is young enough ends it.
    let page = "select count(*), max(seq_id) from (select seq_id, timestamp from mt_events \
                where seq_id > $1 order by seq_id limit $2) p where timestamp < $3";
    let Some(page) = tx.one(page, &[&from, &STEP, &before]).await? else { return Ok(false) };
    let (found, Some(to)) = (page.try_get::<_, i64>(0)?, page.try_get::<_, Option<i64>>(1)?) else {
        return Ok(false);
    };
    let delete = "delete from mt_events e where seq_id > $1 and seq_id <= $2 and type = 'heartbeat' \
                  and timestamp < $3 and not exists (select 1 from agents a where a.seq_id = e.seq_id)";
    tx.run(delete, &[&from, &to, &before]).await?;
    let mark = "insert into marks (name, seq_id) values ('pruned', $1) \
                on conflict (name) do update set seq_id = excluded.seq_id";
    tx.run(mark, &[&to]).await?;
    Ok(found == STEP)
}

/// Deletes agents that do not beat any more, with what is left of their heartbeats, which would make them anew.
async fn agents(tx: &PgTx<'_>, before: Timestamp) -> Result<bool, StoreError> {
    let delete = "with gone as (delete from agents where id in (select id from agents \
                  where last_seen_at < $1 limit $2 for update skip locked) returning id), \
                  beats as (delete from mt_events e using gone where e.stream_id = gone.id \
                  and e.type = 'heartbeat') select count(*) from gone";
    let gone = tx.one(delete, &[&before, &STEP]).await?;
    Ok(gone.map(|row| row.try_get::<_, i64>(0)).transpose()? == Some(STEP))
}

/// Deletes entries of the outbox that are done with. One that failed is kept while its escalation is not
/// closed: health counts it. Until when they are gone is noted, for the log still tells of them.
async fn outbox(tx: &PgTx<'_>, before: Timestamp) -> Result<bool, StoreError> {
    let delete = "delete from outbox where state <> 'pending' and updated_at < $1 and id in (select id \
                  from outbox o where state <> 'pending' and updated_at < $1 and (state <> 'failed' or exists \
                  (select 1 from escalations e where e.id = o.escalation and e.state = 'closed')) \
                  order by updated_at limit $2)";
    let gone = tx.run(delete, &[&before, &STEP]).await?;
    if gone > 0 {
        let mark = "insert into marks (name, at) values ('outbox', $1) \
                    on conflict (name) do update set at = greatest(marks.at, excluded.at)";
        tx.run(mark, &[&before]).await?;
    }
    Ok(i64::try_from(gone).is_ok_and(|gone| gone >= STEP))
}
