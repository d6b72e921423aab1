//! Who makes the thread of a pull request.

use std::time::Duration;

use jiff::Timestamp;

use super::tx::PgTx;
use crate::store::row::micros;
use crate::store::run::shifted;
use crate::store::{StoreError, Thread, ThreadClaim};

/// Finds a thread, or takes the right to make it.
pub(super) async fn thread(
    tx: &mut PgTx<'_>,
    key: &str,
    owner: &str,
    lease: Duration,
) -> Result<ThreadClaim, StoreError> {
    tx.run("insert into threads (key) values ($1) on conflict (key) do nothing", &[&key]).await?;
    let known = "select channel_id, starter_id, thread_id, uncertain_since, owner, lease_until \
                 from threads where key = $1 for update";
    let row = tx.one(known, &[&key]).await?.ok_or(StoreError::Conflict)?;
    // After the lock: whoever waited for it does not judge by an old time.
    let now = tx.time().await?;
    let thread = Thread {
        channel_id: row.try_get(0)?,
        starter_id: row.try_get(1)?,
        thread_id: row.try_get(2)?,
        uncertain_since: row.try_get(3)?,
    };
    if thread.thread_id.is_some() {
        return Ok(ThreadClaim::Ready(thread));
    }
    let (maker, until): (Option<String>, Option<Timestamp>) = (row.try_get(4)?, row.try_get(5)?);
    if let Some(until) = until.filter(|until| *until > now)
        && maker.is_some_and(|maker| maker != owner)
    {
        return Ok(ThreadClaim::Busy(Duration::try_from(until.duration_since(now)).unwrap_or_default()));
    }
    let take = "update threads set owner = $2, lease_until = $3 where key = $1";
    tx.run(take, &[&key, &owner, &micros(shifted(now, lease, 1))]).await?;
    Ok(ThreadClaim::Mine(thread))
}

/// Notes how far the making has come.
pub(super) async fn save(tx: &PgTx<'_>, key: &str, owner: &str, thread: &Thread) -> Result<bool, StoreError> {
    let sql = "update threads set channel_id = $3, starter_id = $4, thread_id = $5, uncertain_since = $6, \
               owner = case when $5::text is null then owner end where key = $1 and owner = $2";
    let uncertain = thread.uncertain_since.map(micros);
    let Thread { channel_id, starter_id, thread_id, .. } = thread;
    Ok(tx.run(sql, &[&key, &owner, channel_id, starter_id, thread_id, &uncertain]).await? == 1)
}

/// Forgets a thread that is gone.
pub(super) async fn forget(tx: &PgTx<'_>, key: &str, thread_id: &str) -> Result<(), StoreError> {
    tx.run("delete from threads where key = $1 and thread_id = $2", &[&key, &thread_id]).await?;
    Ok(())
}
