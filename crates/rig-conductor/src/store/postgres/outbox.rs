//! Taking what is to be sent.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::codec::{clock, entry, entry_columns};
use super::tx::PgTx;
use crate::domain::{Escalation, Purpose};
use crate::store::row::{Entry, micros, newest, unreadable};
use crate::store::run::shifted;
use crate::store::{Claimed, StoreError};

/// Passes over an edit while somebody holds another one of its message.
macro_rules! free {
    ($now:literal) => {
        concat!(
            "not (o.message_id is not null and exists (select 1 from outbox h where h.message_id = o.message_id \
             and h.state = 'pending' and h.message_id is not null and h.owner is not null and h.not_before > ",
            $now,
            "))"
        )
    };
}

/// Takes entries until a lease is over.
pub(super) async fn claim(
    tx: &mut PgTx<'_>,
    owner: &str,
    limit: u32,
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.time().await?;
    let (entries, replaced) = newest(ready(tx, now, limit).await?);
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let replaced: Vec<Uuid> = replaced.iter().map(|entry| entry.id).collect();
    if !replaced.is_empty() {
        let cancel = "update outbox set state = 'cancelled', updated_at = $2 where id = any($1)";
        tx.run(cancel, &[&replaced, &now]).await?;
    }
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    let of: Vec<Uuid> = entries.iter().map(|entry| entry.intent.escalation).collect();
    let take = "update outbox set attempt = attempt + 1, lost = lost + (owner is not null)::int, owner = $2, \
                not_before = $3, claimed_at = $4, \
                uncertain_since = coalesce(uncertain_since, $4), updated_at = $4 where id = any($1)";
    tx.run(take, &[&ids, &owner, &micros(shifted(now, lease, 1)), &now]).await?;
    let docs = tx.all("select id, doc from escalations where id = any($1)", &[&of]).await?;
    let mut escalations = HashMap::new();
    for row in docs {
        escalations.insert(row.try_get::<_, Uuid>(0)?, row.try_get::<_, Json<Escalation>>(1)?.0);
    }
    let claimed = |entry: Entry| {
        let escalation = escalations
            .get(&entry.intent.escalation)
            .ok_or_else(|| unreadable("an entry of the outbox", "its escalation is missing"))?;
        Ok(entry.claimed(escalation.clone(), owner, now))
    };
    entries.into_iter().map(claimed).collect()
}

/// Locks what can be taken, the most urgent first, announcements before edits.
async fn ready(tx: &PgTx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let sql = concat!(
        "select ",
        entry_columns!(),
        " from outbox o where state = 'pending' and not_before <= $1 and ",
        free!("$1"),
        " order by severity, purpose, created_at, id limit $2 for update of o skip locked"
    );
    let mut found = Vec::new();
    let mut alone_with = HashMap::new();
    for row in tx.all(sql, &[&now, &i64::from(limit)]).await? {
        let entry = entry(&row)?;
        if entry.intent.purpose == Purpose::Edit
            && let Some((_, message)) = &entry.intent.message
        {
            if !alone_with.contains_key(message) {
                alone_with.insert(message.clone(), alone(tx, message, now).await?);
            }
            if !alone_with[message] {
                continue;
            }
        }
        found.push(entry);
    }
    Ok(found)
}

/// Makes sure that nobody else takes an edit of a message before this transaction ends, and that nobody
/// has since it began: a lock on a row says nothing about other rows.
async fn alone(tx: &PgTx<'_>, message: &str, now: Timestamp) -> Result<bool, StoreError> {
    let lock = "select pg_try_advisory_xact_lock(hashtextextended($1, 2))";
    let locked = tx.one(lock, &[&message]).await?;
    if !locked.is_some_and(|row| row.get(0)) {
        return Ok(false);
    }
    let held = "select 1 from outbox where message_id = $1 and state = 'pending' and message_id is not null \
                and owner is not null and not_before > $2 limit 1";
    Ok(tx.one(held, &[&message, &now]).await?.is_none())
}

/// Returns when the next entry can be taken, and the time.
pub(super) async fn next_send(tx: &PgTx<'_>) -> Result<(Option<Timestamp>, Timestamp), StoreError> {
    let sql = concat!(
        "with n as materialized (select ",
        clock!(),
        " as at) select n.at, exists (select 1 from outbox o where state = 'pending' and not_before <= n.at and ",
        free!("n.at"),
        "), (select min(not_before) from outbox where state = 'pending' and not_before > n.at) from n"
    );
    let row = tx.one(sql, &[]).await?.ok_or_else(|| unreadable("the clock", "no row"))?;
    let now: Timestamp = row.try_get(0)?;
    let next = if row.try_get(1)? { Some(now) } else { row.try_get(2)? };
    Ok((next, now))
}
