//! What sweeps, health and figures ask for.

use jiff::Timestamp;
use rig_wire::{EscalationState, Severity};
use tokio_postgres::Row;

use super::codec::n;
use super::tx::{PgTx, Values};
use crate::domain::Policy;
use crate::store::query::Thresholds;
use crate::store::row::{count, micros, severity, unreadable, word};
use crate::store::{AgentStats, Backlog, Due, DueWhat, Stats, StoreError};

/// Escalations whose level nobody took in time.
const BUMPS: &str = "select id from escalations where state = 'open' and severity = $1 and level_since <= $2 \
                     order by level_since limit $3";

/// P0s that nobody took, and of which people were last told some time ago.
const REMINDERS: &str = "select id from escalations where state = 'open' and severity = 'P0' \
                         and coalesce(reminded_at, level_since) <= $1 \
                         order by coalesce(reminded_at, level_since) limit $2";

/// Escalations of which nobody was told, for which nothing waits and nothing was tried of late.
const SILENT: &str = "select id from escalations e where state = 'open' and not delivered \
                      and not exists (select 1 from outbox o where o.escalation = e.id \
                      and o.purpose = 'announce' and (o.state = 'pending' or o.updated_at > $1)) \
                      order by severity, level_since limit $2";

/// Returns what is due.
pub(super) async fn due(tx: &mut PgTx<'_>, policy: &Policy, limit: u32) -> Result<Vec<Due>, StoreError> {
    let since = Thresholds::new(policy, tx.time().await?);
    let most = i64::from(limit);
    let mut due = Vec::new();
    let mut add = |what: DueWhat, rows: Vec<Row>| -> Result<(), StoreError> {
        for row in rows {
            due.push(Due { id: row.try_get(0)?, what });
        }
        Ok(())
    };
    let (p1, p2) = (Severity::P1.as_str(), Severity::P2.as_str());
    add(DueWhat::Bump, tx.all(BUMPS, &[&p1, &micros(since.p1), &most]).await?)?;
    add(DueWhat::Bump, tx.all(BUMPS, &[&p2, &micros(since.p2), &most]).await?)?;
    if let Some(remind) = since.remind {
        add(DueWhat::Remind, tx.all(REMINDERS, &[&micros(remind), &most]).await?)?;
    }
    if let Some(announce) = since.announce {
        add(DueWhat::Announce, tx.all(SILENT, &[&micros(announce), &most]).await?)?;
    }
    due.truncate(limit as usize);
    Ok(due)
}

/// Returns what waits, and what is wrong.
pub(super) async fn backlog(tx: &mut PgTx<'_>) -> Result<Backlog, StoreError> {
    let mut backlog = Backlog { now: tx.time().await?, ..Backlog::default() };
    let sql = "select severity, state, count(*) from escalations where state <> 'closed' group by 1, 2";
    for row in tx.all(sql, &[]).await? {
        let (severity, state, n) = group(&row)?;
        count(&mut backlog.open, &mut backlog.acked, severity, state, n);
    }
    let sql = "select count(*), min(created_at) from outbox where state = 'pending'";
    let row = only(tx.one(sql, &[]).await?)?;
    (backlog.pending, backlog.oldest_pending) = (n(row.try_get(0)?), row.try_get(1)?);
    let sql = "select count(*) from escalations e where state = 'open' and not delivered \
               and not exists (select 1 from outbox o where o.escalation = e.id \
               and o.purpose = 'announce' and o.state = 'pending') \
               and exists (select 1 from outbox o where o.escalation = e.id \
               and o.purpose = 'announce' and o.state = 'failed' and o.severity = e.severity)";
    backlog.failed = n(only(tx.one(sql, &[]).await?)?.try_get(0)?);
    let sql = "select min(level_since), min(level_since) filter (where severity = 'P0') \
               from escalations where state = 'open' and not delivered";
    let row = only(tx.one(sql, &[]).await?)?;
    (backlog.undelivered_since, backlog.undelivered_p0_since) = (row.try_get(0)?, row.try_get(1)?);
    let swept = tx.one("select at from marks where name = 'swept'", &[]).await?;
    backlog.swept_at = swept.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(backlog)
}

/// Returns the figures of one agent or all, of escalations created since a time.
pub(super) async fn stats(
    tx: &PgTx<'_>,
    agent: Option<&str>,
    since: Option<Timestamp>,
) -> Result<Stats, StoreError> {
    if agent.is_none() && since.is_none() {
        tx.reads_whole_tables().await?;
    }
    let mut stats = Stats::default();
    let since = since.map(micros);
    // The types are said, since a value that is only compared with null has none.
    let of = match (agent, since) {
        (None, None) => "$1::text is null and $2::timestamptz is null",
        (None, Some(_)) => "$1::text is null and created_at >= $2",
        (Some(_), None) => "agent_id = $1 and $2::timestamptz is null",
        (Some(_), Some(_)) => "agent_id = $1 and created_at >= $2",
    };
    let values: Values<'_> = &[&agent, &since];
    let sql = format!("select severity, state, count(*) from escalations where {of} group by 1, 2");
    for row in tx.all(&sql, values).await? {
        let (severity, state, n) = group(&row)?;
        count(&mut stats.open, &mut stats.acked, severity, state, n);
        stats.closed += if state == EscalationState::Closed { n } else { 0 };
    }
    let sql = format!(
        "select floor(extract(epoch from first_acked_at - created_at))::bigint from escalations \
         where first_acked_at is not null and {of} order by 1"
    );
    for row in tx.all(&sql, values).await? {
        stats.ack_seconds.push(n(row.try_get(0)?));
    }
    let sql = format!(
        "select agent_id, count(*) filter (where state = 'open'), count(*) filter (where state = 'acked'), \
         count(*) filter (where state = 'closed') from escalations where {of} \
         group by 1 order by agent_id collate \"C\""
    );
    for row in tx.all(&sql, values).await? {
        let (open, acked, closed) = (n(row.try_get(1)?), n(row.try_get(2)?), n(row.try_get(3)?));
        stats.by_agent.push(AgentStats { agent_id: row.try_get(0)?, open, acked, closed });
    }
    Ok(stats)
}

fn group(row: &Row) -> Result<(Severity, EscalationState, u64), StoreError> {
    Ok((severity(row.try_get(0)?)?, word(row.try_get(1)?)?, n(row.try_get(2)?)))
}

fn only(row: Option<Row>) -> Result<Row, StoreError> {
    row.ok_or_else(|| unreadable("a count", "no row"))
}
