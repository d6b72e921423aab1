//! What sweeps, health and figures ask for.

use jiff::Timestamp;
use rig_wire::{EscalationState, Severity};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{At, Id, time};
use crate::domain::Policy;
use crate::store::query::Thresholds;
use crate::store::row::{count, severity, word};
use crate::store::{AgentStats, Backlog, Due, DueWhat, Stats, StoreError};

/// Escalations whose level nobody took in time.
const BUMPS: &str = "select id from escalations where state = 'open' and severity = ?1 and level_since <= ?2 \
                     order by level_since limit ?3";

/// P0s that nobody took, and of which people were last told some time ago.
const REMINDERS: &str = "select id from escalations where state = 'open' and severity = 'P0' \
                         and coalesce(reminded_at, level_since) <= ?1 \
                         order by coalesce(reminded_at, level_since) limit ?2";

/// Escalations of which nobody was told, for which nothing waits and nothing was tried of late.
const SILENT: &str = "select id from escalations e where state = 'open' and delivered = 0 \
                      and not exists (select 1 from outbox o where o.escalation = e.id \
                      and o.purpose = 'announce' and (o.state = 'pending' or o.updated_at > ?1)) \
                      order by severity, level_since limit ?2";

/// Returns what is due.
pub(super) fn due(connection: &Connection, policy: &Policy, limit: u32) -> Result<Vec<Due>, StoreError> {
    let since = Thresholds::new(policy, time(connection)?);
    let mut due = Vec::new();
    let mut add = |what: DueWhat, sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        let mut query = connection.prepare_cached(sql)?;
        for id in query.query_map(values, |row| row.get::<_, Id>(0))? {
            due.push(Due { id: id?.0, what });
        }
        Ok(())
    };
    add(DueWhat::Bump, BUMPS, params![Severity::P1.as_str(), At(since.p1), limit])?;
    add(DueWhat::Bump, BUMPS, params![Severity::P2.as_str(), At(since.p2), limit])?;
    if let Some(remind) = since.remind {
        add(DueWhat::Remind, REMINDERS, params![At(remind), limit])?;
    }
    if let Some(announce) = since.announce {
        add(DueWhat::Announce, SILENT, params![At(announce), limit])?;
    }
    due.truncate(limit as usize);
    Ok(due)
}

/// Returns what waits, and what is wrong.
pub(super) fn backlog(connection: &Connection) -> Result<Backlog, StoreError> {
    let mut backlog = Backlog { now: time(connection)?, ..Backlog::default() };
    let sql = "select severity, state, count(*) from escalations where state <> 'closed' group by 1, 2";
    for group in groups(connection, sql, [])? {
        let (severity, state, n) = group;
        count(&mut backlog.open, &mut backlog.acked, severity, state, n);
    }
    let sql = "select count(*), min(created_at) from outbox where state = 'pending'";
    (backlog.pending, backlog.oldest_pending) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((n(row.get(0)?), maybe(row.get(1)?))))?;
    let sql = "select count(*) from escalations e where state = 'open' and delivered = 0 \
               and not exists (select 1 from outbox o where o.escalation = e.id \
               and o.purpose = 'announce' and o.state = 'pending') \
               and exists (select 1 from outbox o where o.escalation = e.id \
               and o.purpose = 'announce' and o.state = 'failed' and o.severity = e.severity)";
    backlog.failed = connection.prepare_cached(sql)?.query_row([], |row| Ok(n(row.get(0)?)))?;
    let sql = "select min(level_since), min(case when severity = 'P0' then level_since end) \
               from escalations where state = 'open' and delivered = 0";
    (backlog.undelivered_since, backlog.undelivered_p0_since) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((maybe(row.get(0)?), maybe(row.get(1)?))))?;
    let sql = "select at from marks where name = 'swept'";
    let swept = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    backlog.swept_at = swept.and_then(maybe);
    Ok(backlog)
}

/// Returns the figures of one agent or all, of escalations created since a time.
pub(super) fn stats(
    connection: &Connection,
    agent: Option<&str>,
    since: Option<Timestamp>,
) -> Result<Stats, StoreError> {
    let mut stats = Stats::default();
    let values = params![agent, since.map(At)];
    let of = match (agent, since) {
        (None, None) => "?1 is null and ?2 is null",
        (None, Some(_)) => "?1 is null and created_at >= ?2",
        (Some(_), None) => "agent_id = ?1 and ?2 is null",
        (Some(_), Some(_)) => "agent_id = ?1 and created_at >= ?2",
    };
    let sql = format!("select severity, state, count(*) from escalations where {of} group by 1, 2");
    for (severity, state, n) in groups(connection, &sql, values)? {
        count(&mut stats.open, &mut stats.acked, severity, state, n);
        stats.closed += if state == EscalationState::Closed { n } else { 0 };
    }
    let sql = format!(
        "select (first_acked_at - created_at) / 1000000 from escalations \
         where first_acked_at is not null and {of} order by 1"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let seconds = query.query_map(values, |row| Ok(n(row.get(0)?)))?;
    stats.ack_seconds = seconds.collect::<Result<_, _>>()?;
    let sql = format!(
        "select agent_id, count(*) filter (where state = 'open'), count(*) filter (where state = 'acked'), \
         count(*) filter (where state = 'closed') from escalations where {of} group by 1 order by 1"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let agents = query.query_map(values, |row| {
        let agent_id = row.get(0)?;
        Ok(AgentStats { agent_id, open: n(row.get(1)?), acked: n(row.get(2)?), closed: n(row.get(3)?) })
    })?;
    stats.by_agent = agents.collect::<Result<_, _>>()?;
    Ok(stats)
}

fn groups(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<(Severity, EscalationState, u64)>, StoreError> {
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(values)?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next()? {
        let (level, state): (String, String) = (row.get(0)?, row.get(1)?);
        groups.push((severity(&level)?, word(&state)?, n(row.get(2)?)));
    }
    Ok(groups)
}

fn n(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn maybe(at: Option<At>) -> Option<Timestamp> {
    at.map(|at| at.0)
}
