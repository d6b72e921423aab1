//! Values as PostgreSQL keeps them.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::domain::Intent;
use crate::store::StoreError;
use crate::store::row::{Entry, purpose, severity, word};

/// The store's time: the server's, in a test build moved by what the tests ask for.
#[cfg(feature = "test-hooks")]
macro_rules! clock {
    () => {
        "(coalesce((select timestamptz 'epoch' + offset_us * interval '1 microsecond' from test_clock where id = 2), \
         clock_timestamp()) + (select coalesce(sum(offset_us), 0) from test_clock where id = 1) * interval '1 microsecond')"
    };
}
#[cfg(not(feature = "test-hooks"))]
macro_rules! clock {
    () => {
        "clock_timestamp()"
    };
}
pub(super) use clock;

/// Asks for the store's time.
pub(super) const CLOCK: &str = concat!("select ", clock!());

/// The columns of an entry of the outbox, in the order that [`entry`] reads.
macro_rules! entry_columns {
    () => {
        "o.id, o.escalation, o.purpose, o.round, o.severity, o.route, o.target, o.channel_id, o.message_id, \
         o.nonce, o.attempt, o.lost, o.owner is not null, o.uncertain_since, o.error, o.updated_at"
    };
}
pub(super) use entry_columns;

/// Reads an entry of the outbox.
pub(super) fn entry(row: &Row) -> Result<Entry, StoreError> {
    let channel: Option<String> = row.try_get(7)?;
    let message: Option<String> = row.try_get(8)?;
    Ok(Entry {
        id: row.try_get(0)?,
        intent: Intent {
            escalation: row.try_get(1)?,
            purpose: purpose(row.try_get(2)?)?,
            round: small(row.try_get(3)?),
            severity: severity(row.try_get(4)?)?,
            route: word(row.try_get(5)?)?,
            target: row.try_get(6)?,
            message: channel.zip(message),
        },
        nonce: row.try_get(9)?,
        attempt: small(row.try_get(10)?),
        lost: small(row.try_get(11)?),
        taken: row.try_get(12)?,
        uncertain_since: row.try_get(13)?,
        error: row.try_get(14)?,
        updated_at: row.try_get::<_, Timestamp>(15)?,
    })
}

/// Returns a count as it was before it was stored.
pub(super) fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Returns a count.
pub(super) fn n(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
