//! Who makes the thread of a pull request.

use std::time::Duration;

use rusqlite::params;

use super::codec::At;
use super::tx::SqliteTx;
use crate::store::row::micros;
use crate::store::run::shifted;
use crate::store::{StoreError, Thread, ThreadClaim};

/// Finds a thread, or takes the right to make it.
pub(super) fn thread(
    tx: &mut SqliteTx<'_>,
    key: &str,
    owner: &str,
    lease: Duration,
) -> Result<ThreadClaim, StoreError> {
    let now = tx.time()?;
    let known = "select channel_id, starter_id, thread_id, uncertain_since, owner, lease_until \
                 from threads where key = ?1";
    let known = tx.one(known, [key], |row| {
        let thread = Thread {
            channel_id: row.get(0)?,
            starter_id: row.get(1)?,
            thread_id: row.get(2)?,
            uncertain_since: row.get::<_, Option<At>>(3)?.map(|at| at.0),
        };
        Ok((thread, row.get::<_, Option<String>>(4)?, row.get::<_, Option<At>>(5)?.map(|at| at.0)))
    })?;
    let (thread, maker, until) = known.unwrap_or_default();
    if thread.thread_id.is_some() {
        return Ok(ThreadClaim::Ready(thread));
    }
    if let Some(until) = until.filter(|until| *until > now)
        && maker.is_some_and(|maker| maker != owner)
    {
        return Ok(ThreadClaim::Busy(Duration::try_from(until.duration_since(now)).unwrap_or_default()));
    }
    let take = "insert into threads (key, owner, lease_until) values (?1, ?2, ?3) \
                on conflict (key) do update set owner = excluded.owner, lease_until = excluded.lease_until";
    tx.run(take, params![key, owner, At(micros(shifted(now, lease, 1)))])?;
    Ok(ThreadClaim::Mine(thread))
}

/// Notes how far the making has come.
pub(super) fn save(
    tx: &mut SqliteTx<'_>,
    key: &str,
    owner: &str,
    thread: &Thread,
) -> Result<bool, StoreError> {
    let sql = "update threads set channel_id = ?3, starter_id = ?4, thread_id = ?5, uncertain_since = ?6, \
               owner = case when ?5 is null then owner end where key = ?1 and owner = ?2";
    let uncertain = thread.uncertain_since.map(|at| At(micros(at)));
    let Thread { channel_id, starter_id, thread_id, .. } = thread;
    Ok(tx.run(sql, params![key, owner, channel_id, starter_id, thread_id, uncertain])? == 1)
}

/// Forgets a thread that is gone.
pub(super) fn forget(tx: &mut SqliteTx<'_>, key: &str, thread_id: &str) -> Result<(), StoreError> {
    tx.run("delete from threads where key = ?1 and thread_id = ?2", [key, thread_id])?;
    Ok(())
}
