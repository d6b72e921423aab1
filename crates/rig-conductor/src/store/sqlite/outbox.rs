//! Taking what is to be sent.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::codec::{At, Id, entry, entry_columns, time};
use super::tx::SqliteTx;
use crate::store::row::{Entry, micros, newest, unreadable};
use crate::store::run::shifted;
use crate::store::{Claimed, StoreError};

/// What can be taken at a time: an edit only while nobody holds another one of its message.
macro_rules! ready {
    () => {
        "state = 'pending' and not_before <= ?1 and not (message_id is not null and exists \
         (select 1 from outbox h where h.message_id = o.message_id and h.state = 'pending' \
         and h.message_id is not null and h.owner is not null and h.not_before > ?1))"
    };
}

/// Takes entries until a lease is over.
pub(super) fn claim(
    tx: &mut SqliteTx<'_>,
    owner: &str,
    limit: u32,
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.time()?;
    let until = micros(shifted(now, lease, 1));
    let mut claimed = Vec::new();
    let (entries, replaced) = newest(ready(tx, now, limit)?);
    for entry in replaced {
        let cancel = "update outbox set state = 'cancelled', updated_at = ?2 where id = ?1";
        tx.run(cancel, params![Id(entry.id), At(now)])?;
    }
    for entry in entries {
        let take = "update outbox set attempt = attempt + 1, lost = lost + (owner is not null), owner = ?2, not_before = ?3, claimed_at = ?4, \
                    uncertain_since = coalesce(uncertain_since, ?4), updated_at = ?4 where id = ?1";
        tx.run(take, params![Id(entry.id), owner, At(until), At(now)])?;
        let Some(escalation) = tx.escalation(entry.intent.escalation)? else {
            return Err(unreadable("an entry of the outbox", "its escalation is missing"));
        };
        claimed.push(entry.claimed(escalation, owner, now));
    }
    Ok(claimed)
}

/// Returns what can be taken, the most urgent first, announcements before edits.
fn ready(tx: &SqliteTx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let sql = concat!(
        "select ",
        entry_columns!(),
        " from outbox o where ",
        ready!(),
        " order by severity, purpose, created_at, id limit ?2"
    );
    let mut query = tx.prepare(sql)?;
    let mut rows = query.query(params![At(now), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(entry(row)?);
    }
    Ok(found)
}

/// Returns when the next entry can be taken, and the time.
pub(super) fn next_send(connection: &Connection) -> Result<(Option<Timestamp>, Timestamp), StoreError> {
    let now = time(connection)?;
    let later = "select min(not_before) from outbox where state = 'pending' and not_before > ?1";
    let ready = concat!("select 1 from outbox o where ", ready!(), " limit 1");
    if connection.prepare_cached(ready)?.exists([At(now)])? {
        return Ok((Some(now), now));
    }
    let next = connection.prepare_cached(later)?.query_row([At(now)], |row| row.get::<_, Option<At>>(0))?;
    Ok((next.map(|at| at.0), now))
}
