//! The primitives of commands on SQLite, where the one writer needs no locks.

use jiff::Timestamp;
use rig_wire::{NotificationState, Severity};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row as SqlRow, params};
use uuid::Uuid;

use super::codec::{At, Id, entry, entry_columns, time};
use crate::domain::{Escalation, Event, Intent, Purpose, stream_of};
use crate::settings::Casing;
use crate::store::row::{Alias, Columns, Row, micros, unreadable};
use crate::store::{Claim, Fenced, Release, StoreError, Tx, body};

/// A transaction on the connection that writes.
pub(super) struct SqliteTx<'a> {
    // `&mut` and not `&`: a connection can be sent to another thread, but not shared.
    connection: &'a mut Connection,
    pub(super) casing: Casing,
    now: Option<Timestamp>,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn new(connection: &'a mut Connection, casing: Casing) -> Self {
        Self { connection, casing, now: None }
    }

    /// Returns the store's time, the same for the whole transaction.
    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = time(self.connection)?;
        self.now = Some(now);
        Ok(now)
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    /// Returns the one row of a query, if there is one.
    pub(super) fn one<R>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&SqlRow<'_>) -> rusqlite::Result<R>,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.prepare(sql)?.query_row(params, read).optional()?)
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection
    }

    /// Reads an escalation.
    pub(super) fn escalation(&self, id: Uuid) -> Result<Option<Escalation>, StoreError> {
        let sql = "select doc from escalations where id = ?1";
        let Some(doc) = self.one(sql, [Id(id)], |row| row.get::<_, String>(0))? else { return Ok(None) };
        serde_json::from_str(&doc).map(Some).map_err(|e| unreadable("an escalation", e))
    }

    fn edit_takes_over(&self, key: &str, intent: &Intent, at: Timestamp) -> Result<(), StoreError> {
        let Some((_, message)) = &intent.message else { return Ok(()) };
        let sql = "update outbox set state = 'cancelled', updated_at = ?4 where message_id = ?1 \
                   and state = 'pending' and message_id is not null and purpose = 'edit' \
                   and (owner is null or not_before <= ?4) and round < ?2 and key <> ?3";
        self.run(sql, params![message, intent.round, key, At(at)])?;
        Ok(())
    }
}

/// Writes the row of an escalation, whether it is there or not. The first ack is kept where it is known.
pub(super) fn put(connection: &Connection, row: &Row) -> Result<(), StoreError> {
    let sql = "insert into escalations (id, severity, initial_severity, state, agent_id, repo, issue_number, \
               token, dedup_key, created_at, level_since, reminded_at, first_acked_at, delivered, version, doc) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
               on conflict (id) do update set severity = excluded.severity, \
               initial_severity = excluded.initial_severity, state = excluded.state, \
               agent_id = excluded.agent_id, repo = excluded.repo, issue_number = excluded.issue_number, \
               token = excluded.token, dedup_key = excluded.dedup_key, created_at = excluded.created_at, \
               level_since = excluded.level_since, reminded_at = excluded.reminded_at, \
               first_acked_at = excluded.first_acked_at, delivered = excluded.delivered, \
               version = excluded.version, doc = excluded.doc";
    let row = Columns::of(row);
    connection.prepare_cached(sql)?.execute(params![
        Id(row.id),
        row.severity,
        row.initial_severity,
        row.state,
        row.agent_id,
        row.repo,
        row.issue_number,
        row.token,
        row.dedup_key,
        At(row.created_at),
        At(row.level_since),
        row.reminded_at.map(At),
        row.first_acked_at.map(At),
        row.delivered,
        row.version,
        row.doc.to_string(),
    ])?;
    Ok(())
}

/// Writes an alias.
pub(super) fn put_alias(connection: &Connection, alias: &Alias) -> Result<(), StoreError> {
    let sql = "insert into aliases (id, escalation, content_hash, at) values (?1, ?2, ?3, ?4)";
    let values = params![Id(alias.id), Id(alias.escalation), alias.content_hash, At(alias.at)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

impl Tx for SqliteTx<'_> {
    async fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.time()
    }

    async fn lock(&mut self, id: Uuid, create: bool) -> Result<Option<Escalation>, StoreError> {
        if create {
            let now = self.time()?;
            let sql = "insert into mt_streams (id, version, timestamp, created) values (?1, 0, ?2, ?2) \
                       on conflict (id) do nothing";
            self.run(sql, params![stream_of(id), At(now)])?;
        }
        self.escalation(id)
    }

    async fn alias(&mut self, id: Uuid) -> Result<Option<(Uuid, String, Timestamp)>, StoreError> {
        let sql = "select escalation, content_hash, at from aliases where id = ?1";
        self.one(sql, [Id(id)], |row| Ok((row.get::<_, Id>(0)?.0, row.get(1)?, row.get::<_, At>(2)?.0)))
    }

    async fn same(&mut self, dedup_key: &str) -> Result<Option<Uuid>, StoreError> {
        let sql = "select id from escalations where dedup_key = ?1 and state <> 'closed'";
        self.one(sql, [dedup_key], |row| Ok(row.get::<_, Id>(0)?.0))
    }

    async fn newest_p0(&mut self, token: &str, agent_id: &str) -> Result<Option<Uuid>, StoreError> {
        let sql = "select id from escalations where state = 'open' and severity = 'P0' and token = ?1 \
                   order by agent_id = ?2 desc, created_at desc, id desc limit 1";
        self.one(sql, [token, agent_id], |row| Ok(row.get::<_, Id>(0)?.0))
    }

    async fn creations(
        &mut self,
        token: &str,
        severity: Severity,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let sql = "select created_at from escalations \
                   where token = ?1 and initial_severity = ?2 and created_at >= ?3 order by created_at";
        let mut query = self.prepare(sql)?;
        let rows =
            query.query_map(params![token, severity.as_str(), At(since)], |row| row.get::<_, At>(0))?;
        Ok(rows.map(|at| at.map(|at| at.0)).collect::<Result<_, _>>()?)
    }

    async fn append(
        &mut self,
        after: &Escalation,
        events: &[Event],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let stream = stream_of(after.id);
        let before = after.version - i64::try_from(events.len()).unwrap_or(i64::MAX);
        let sql = "update mt_streams set version = ?2, timestamp = ?3 where id = ?1 and version = ?4";
        if self.run(sql, params![stream, after.version, At(at), before])? != 1 {
            return Err(StoreError::Conflict);
        }
        let insert = "insert into mt_events (id, stream_id, version, data, type, timestamp) \
                      values (?1, ?2, ?3, ?4, ?5, ?6)";
        for (event, version) in events.iter().zip(before + 1..) {
            let data = body::of_event(event, self.casing);
            self.run(insert, params![Id(Uuid::now_v7()), stream, version, data, event.alias(), At(at)])?;
            if let Some(alias) = Alias::of(event, at) {
                put_alias(self.connection, &alias)?;
            }
        }
        let known = "select first_acked_at from escalations where id = ?1";
        let known = self.one(known, [Id(after.id)], |row| row.get::<_, Option<At>>(0))?.flatten();
        let acked = events.iter().any(|event| matches!(event, Event::EscalationAcked { .. })).then_some(at);
        let first_acked_at = known.map(|known| known.0).or(acked);
        put(self.connection, &Row { escalation: after.clone(), first_acked_at })
    }

    async fn enqueue(&mut self, intents: &[Intent], at: Timestamp, again: bool) -> Result<(), StoreError> {
        let insert = "insert into outbox (id, key, escalation, purpose, round, severity, route, target, nonce, \
                      channel_id, message_id, state, attempt, not_before, created_at, updated_at) \
                      values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'pending', 0, ?12, ?12, ?12) \
                      on conflict (key) do nothing";
        // An edit that somebody holds is left to them: who edits last has looked last, and two who took it
        // from each other would never come to an end.
        let revive = "update outbox set state = 'pending', not_before = ?2, owner = null, error = null, \
                      updated_at = ?2 where key = ?1 and (state in ('failed', 'cancelled') \
                      or purpose = 'edit' and state = 'sent')";
        for intent in intents {
            let key = intent.key();
            let (channel, message) = intent.message.clone().unzip();
            let added = self.run(
                insert,
                params![
                    Id(Uuid::now_v7()),
                    key,
                    Id(intent.escalation),
                    intent.purpose.as_str(),
                    intent.round,
                    intent.severity.as_str(),
                    intent.route.as_str(),
                    intent.target,
                    intent.nonce(),
                    channel,
                    message,
                    At(at),
                ],
            )?;
            if added == 0 && again {
                self.run(revive, params![key, At(at)])?;
            }
            if intent.purpose == Purpose::Edit {
                self.edit_takes_over(&key, intent, at)?;
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, id: Uuid) -> Result<(), StoreError> {
        let now = self.time()?;
        let sql = "update outbox set state = 'cancelled', updated_at = ?2 where escalation = ?1 \
                   and purpose = 'announce' and state = 'pending' and uncertain_since is null";
        self.run(sql, params![Id(id), At(now)])?;
        Ok(())
    }

    async fn waiting(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let sql = "select 1 from outbox where escalation = ?1 and purpose = 'announce' and state = 'pending'";
        Ok(self.one(sql, [Id(id)], |_| Ok(()))?.is_some())
    }

    async fn held(&mut self, claim: &Claim) -> Result<Option<Fenced>, StoreError> {
        let sql = concat!(
            "select ",
            entry_columns!(),
            " from outbox where id = ?1 and owner = ?2 and attempt = ?3 and state = 'pending'"
        );
        let held =
            self.one(sql, params![Id(claim.entry), claim.owner, claim.attempt], |row| Ok(entry(row)))?;
        Ok(held.transpose()?.map(|entry| Fenced { intent: entry.intent }))
    }

    async fn release(&mut self, claim: &Claim, release: &Release) -> Result<(), StoreError> {
        let now = self.time()?;
        // The claim counted its attempt as open; one that surely brought nothing is taken back.
        let sql = "update outbox set state = ?2, owner = null, not_before = ?3, \
                   attempt = attempt - ?4, updated_at = ?5, \
                   error = case when ?2 = 'sent' then null else coalesce(?6, error) end, \
                   uncertain_since = case when ?2 = 'sent' then null when ?7 then uncertain_since \
                   when uncertain_since = claimed_at then null else uncertain_since end \
                   where id = ?1";
        let later = release.not_before.filter(|_| release.state == NotificationState::Pending);
        self.run(
            sql,
            params![
                Id(claim.entry),
                release.state.as_str(),
                At(micros(later.unwrap_or(now))),
                i64::from(!release.attempted),
                At(now),
                release.error,
                release.uncertain,
            ],
        )?;
        Ok(())
    }
}
