//! The primitives of commands on PostgreSQL. Statements that do not need each other's answer are sent together.

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use rig_wire::{NotificationState, Severity};
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Row as SqlRow, Statement};
use uuid::Uuid;

use super::codec::{CLOCK, entry, entry_columns};
use crate::domain::{Escalation, Event, Intent, Purpose, stream_of};
use crate::settings::Casing;
use crate::store::row::{Alias, Columns, Row, micros};
use crate::store::{Claim, Fenced, Release, StoreError, Tx, body};

/// Values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A transaction.
pub(super) struct PgTx<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    casing: Casing,
    now: Option<Timestamp>,
}

impl<'a> PgTx<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, casing: Casing) -> Self {
        Self { transaction, casing, now: None }
    }

    async fn prepare(&self, sql: &str) -> Result<Statement, StoreError> {
        Ok(self.transaction.prepare_cached(sql).await?)
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn run(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        Ok(self.transaction.execute(&self.prepare(sql).await?, values).await?)
    }

    /// Returns the one row of a query, if there is one.
    pub(super) async fn one(&self, sql: &str, values: Values<'_>) -> Result<Option<SqlRow>, StoreError> {
        Ok(self.transaction.query_opt(&self.prepare(sql).await?, values).await?)
    }

    /// Returns the rows of a query.
    pub(super) async fn all(&self, sql: &str, values: Values<'_>) -> Result<Vec<SqlRow>, StoreError> {
        Ok(self.transaction.query(&self.prepare(sql).await?, values).await?)
    }

    /// Lets the statements that follow in this transaction read whole tables, since they need most of their rows.
    pub(super) async fn reads_whole_tables(&self) -> Result<(), StoreError> {
        Ok(self.transaction.batch_execute("set local enable_seqscan = on").await?)
    }

    /// Returns the store's time, the same for the whole transaction.
    pub(super) async fn time(&mut self) -> Result<Timestamp, StoreError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = self.transaction.query_one(&self.prepare(CLOCK).await?, &[]).await?.try_get(0)?;
        self.now = Some(now);
        Ok(now)
    }

    async fn edit_takes_over(&self, key: &str, intent: &Intent, at: Timestamp) -> Result<(), StoreError> {
        let Some((_, message)) = &intent.message else { return Ok(()) };
        let sql = "update outbox set state = 'cancelled', updated_at = $4 where message_id = $1 \
                   and state = 'pending' and message_id is not null and purpose = 'edit' \
                   and (owner is null or not_before <= $4) and round < $2 and key <> $3";
        self.run(sql, &[message, &i64::from(intent.round), &key, &at]).await?;
        Ok(())
    }

    /// Writes the row of an escalation, whether it is there or not.
    pub(super) async fn put(&self, row: &Row) -> Result<(), StoreError> {
        let sql = "insert into escalations (id, severity, initial_severity, state, agent_id, repo, \
                   issue_number, token, dedup_key, created_at, level_since, reminded_at, first_acked_at, \
                   delivered, version, doc) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
                   on conflict (id) do update set severity = excluded.severity, \
                   initial_severity = excluded.initial_severity, state = excluded.state, \
                   agent_id = excluded.agent_id, repo = excluded.repo, issue_number = excluded.issue_number, \
                   token = excluded.token, dedup_key = excluded.dedup_key, created_at = excluded.created_at, \
                   level_since = excluded.level_since, reminded_at = excluded.reminded_at, \
                   first_acked_at = excluded.first_acked_at, delivered = excluded.delivered, \
                   version = excluded.version, doc = excluded.doc";
        let row = Columns::of(row);
        let values: Values<'_> = &[
            &row.id,
            &row.severity,
            &row.initial_severity,
            &row.state,
            &row.agent_id,
            &row.repo,
            &row.issue_number,
            &row.token,
            &row.dedup_key,
            &row.created_at,
            &row.level_since,
            &row.reminded_at,
            &row.first_acked_at,
            &row.delivered,
            &row.version,
            &row.doc,
        ];
        self.run(sql, values).await?;
        Ok(())
    }

    /// Writes an alias.
    pub(super) async fn put_alias(&self, alias: &Alias) -> Result<(), StoreError> {
        let sql = "insert into aliases (id, escalation, content_hash, at) values ($1, $2, $3, $4)";
        self.run(sql, &[&alias.id, &alias.escalation, &alias.content_hash, &alias.at]).await?;
        Ok(())
    }
}

/// Returns the first column of a row, if there is a row.
fn first<T: tokio_postgres::types::FromSqlOwned>(row: Option<SqlRow>) -> Result<Option<T>, StoreError> {
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

impl Tx for PgTx<'_> {
    async fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.time().await
    }

    async fn lock(&mut self, id: Uuid, create: bool) -> Result<Option<Escalation>, StoreError> {
        let stream = stream_of(id);
        if create {
            let now = self.time().await?;
            let sql = "insert into mt_streams (id, version, timestamp, created) values ($1, 0, $2, $2) \
                       on conflict (id) do nothing";
            self.run(sql, &[&stream, &now]).await?;
        }
        let lock = self.prepare("select version from mt_streams where id = $1 for update").await?;
        let read = self.prepare("select doc from escalations where id = $1").await?;
        let clock = self.prepare(CLOCK).await?;
        // The server does one after the other, and each sees what was committed before it began.
        let (lock_values, read_values): (Values<'_>, Values<'_>) = (&[&stream], &[&id]);
        let (locked, doc, now) = tokio::join!(
            self.transaction.query_opt(&lock, lock_values),
            self.transaction.query_opt(&read, read_values),
            self.transaction.query_one(&clock, &[]),
        );
        // In this order: after one that failed, the others fail for that reason alone.
        locked?;
        let (doc, now) = (doc?, now?);
        if self.now.is_none() {
            self.now = Some(now.try_get(0)?);
        }
        Ok(first::<Json<Escalation>>(doc)?.map(|doc| doc.0))
    }

    async fn alias(&mut self, id: Uuid) -> Result<Option<(Uuid, String, Timestamp)>, StoreError> {
        let sql = "select escalation, content_hash, at from aliases where id = $1";
        let row = self.one(sql, &[&id]).await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).transpose()
    }

    async fn same(&mut self, dedup_key: &str) -> Result<Option<Uuid>, StoreError> {
        let sql = "select id from escalations where dedup_key = $1 and state <> 'closed'";
        first(self.one(sql, &[&dedup_key]).await?)
    }

    async fn newest_p0(&mut self, token: &str, agent_id: &str) -> Result<Option<Uuid>, StoreError> {
        let sql = "select id from escalations where state = 'open' and severity = 'P0' and token = $1 \
                   order by agent_id = $2 desc, created_at desc, id desc limit 1";
        first(self.one(sql, &[&token, &agent_id]).await?)
    }

    async fn creations(
        &mut self,
        token: &str,
        severity: Severity,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let lock = "select pg_advisory_xact_lock(hashtextextended($1, 1))";
        self.run(lock, &[&format!("{severity} {token}")]).await?;
        let sql = "select created_at from escalations \
                   where token = $1 and initial_severity = $2 and created_at >= $3 order by created_at";
        let rows = self.all(sql, &[&token, &severity.as_str(), &micros(since)]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn append(
        &mut self,
        after: &Escalation,
        events: &[Event],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let stream = stream_of(after.id);
        let before = after.version - i64::try_from(events.len()).unwrap_or(i64::MAX);
        let sql = "update mt_streams set version = $2, timestamp = $3 where id = $1 and version = $4";
        if self.run(sql, &[&stream, &after.version, &at, &before]).await? != 1 {
            return Err(StoreError::Conflict);
        }
        let known = "select first_acked_at from escalations where id = $1";
        let known = first::<Option<Timestamp>>(self.one(known, &[&after.id]).await?)?.flatten();
        let acked = events.iter().any(|event| matches!(event, Event::EscalationAcked { .. })).then_some(at);
        let row = Row { escalation: after.clone(), first_acked_at: known.or(acked) };
        self.put(&row).await?;
        for alias in events.iter().filter_map(|event| Alias::of(event, at)) {
            self.put_alias(&alias).await?;
        }
        // Last, so that a number of the sequence is committed soon after it was drawn.
        let insert = "insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id) \
                      values (nextval('mt_events_sequence'), $1, $2, $3, $4::text::jsonb, $5, $6, '*DEFAULT*')";
        for (event, version) in events.iter().zip(before + 1..) {
            let data = body::of_event(event, self.casing);
            self.run(insert, &[&Uuid::now_v7(), &stream, &version, &data, &event.alias(), &at]).await?;
        }
        Ok(())
    }

    async fn enqueue(&mut self, intents: &[Intent], at: Timestamp, again: bool) -> Result<(), StoreError> {
        let insert = "insert into outbox (id, key, escalation, purpose, round, severity, route, target, nonce, \
                      channel_id, message_id, state, attempt, not_before, created_at, updated_at) \
                      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending', 0, $12, $12, $12) \
                      on conflict (key) do nothing";
        // An edit that somebody holds is left to them: who edits last has looked last, and two who took it
        // from each other would never come to an end.
        let revive = "update outbox set state = 'pending', not_before = $2, owner = null, error = null, \
                      updated_at = $2 where key = $1 and (state in ('failed', 'cancelled') \
                      or purpose = 'edit' and state = 'sent')";
        for intent in intents {
            let key = intent.key();
            let (channel, message) = intent.message.clone().unzip();
            let values: Values<'_> = &[
                &Uuid::now_v7(),
                &key,
                &intent.escalation,
                &intent.purpose.as_str(),
                &i64::from(intent.round),
                &intent.severity.as_str(),
                &intent.route.as_str(),
                &intent.target,
                &intent.nonce(),
                &channel,
                &message,
                &at,
            ];
            if self.run(insert, values).await? == 0 && again {
                self.run(revive, &[&key, &at]).await?;
            }
            if intent.purpose == Purpose::Edit {
                self.edit_takes_over(&key, intent, at).await?;
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, id: Uuid) -> Result<(), StoreError> {
        let now = self.time().await?;
        let sql = "update outbox set state = 'cancelled', updated_at = $2 where escalation = $1 \
                   and purpose = 'announce' and state = 'pending' and uncertain_since is null";
        self.run(sql, &[&id, &now]).await?;
        Ok(())
    }

    async fn waiting(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let sql = "select exists (select 1 from outbox where escalation = $1 and purpose = 'announce' \
                   and state = 'pending')";
        Ok(first(self.one(sql, &[&id]).await?)?.unwrap_or(false))
    }

    async fn held(&mut self, claim: &Claim) -> Result<Option<Fenced>, StoreError> {
        let sql = concat!(
            "select ",
            entry_columns!(),
            " from outbox o where id = $1 and owner = $2 and attempt = $3 and state = 'pending' for update"
        );
        let row = self.one(sql, &[&claim.entry, &claim.owner, &i64::from(claim.attempt)]).await?;
        row.map(|row| Ok(Fenced { intent: entry(&row)?.intent })).transpose()
    }

    async fn release(&mut self, claim: &Claim, release: &Release) -> Result<(), StoreError> {
        let now = self.time().await?;
        // The claim counted its attempt as open; one that surely brought nothing is taken back.
        let sql = "update outbox set state = $2, owner = null, not_before = $3, \
                   attempt = attempt - $4, updated_at = $5, \
                   error = case when $2 = 'sent' then null else coalesce($6, error) end, \
                   uncertain_since = case when $2 = 'sent' then null when $7 then uncertain_since \
                   when uncertain_since = claimed_at then null else uncertain_since end \
                   where id = $1";
        let later = release.not_before.filter(|_| release.state == NotificationState::Pending);
        let values: Values<'_> = &[
            &claim.entry,
            &release.state.as_str(),
            &micros(later.unwrap_or(now)),
            &i64::from(!release.attempted),
            &now,
            &release.error,
            &release.uncertain,
        ];
        self.run(sql, values).await?;
        Ok(())
    }
}
