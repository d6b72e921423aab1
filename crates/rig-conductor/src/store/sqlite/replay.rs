//! Rebuilding what the log makes.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use uuid::Uuid;

use super::codec::{At, Id, entry, entry_columns};
use super::migrate;
use super::tx::{SqliteTx, put, put_alias};
use crate::domain::stream_of;
use crate::store::fold::{Beat, CHUNK, Findings, Raw, Stream, Wrong, id_of, members};
use crate::store::row::{Alias, Columns, unreadable, word};
use crate::store::{ReplayReport, StoreError};

/// Goes through the log as it is at one moment and compares what it makes with what is stored.
pub(super) fn compare(path: &Path) -> Result<(ReplayReport, Vec<Wrong>), StoreError> {
    let connection = migrate::reader(path)?;
    // Everything below sees the moment of the first read, whatever is written meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let forgotten = "select at from marks where name = 'outbox'";
    let forgotten =
        snapshot.query_row(forgotten, [], |row| row.get::<_, Option<At>>(0)).optional()?.flatten();
    let mut found = Findings { forgotten: forgotten.map(|at| at.0), ..Findings::default() };
    let mut beats: BTreeMap<String, Beat> = BTreeMap::new();
    let mut created: Vec<Uuid> = Vec::with_capacity(CHUNK);
    let mut log =
        snapshot.prepare("select seq_id, stream_id, type, data, timestamp from mt_events order by seq_id")?;
    let mut rows = log.query([])?;
    while let Some(row) = rows.next()? {
        found.report.events += 1;
        let (stream, alias): (String, String) = (row.get(1)?, row.get(2)?);
        match alias.as_str() {
            "heartbeat" => {
                let (seq, at) = (row.get(0)?, row.get::<_, At>(4)?.0);
                let beat = Beat { seq, at, members: members(json(row.get(3)?)?) };
                beats.insert(beat.agent(&stream), beat);
            }
            "escalation_created" => created.extend(id_of(&stream)),
            _ => {}
        }
        if created.len() == CHUNK {
            for id in created.drain(..) {
                found.escalation(&stream_rows(&snapshot, id)?);
            }
        }
    }
    for id in created {
        found.escalation(&stream_rows(&snapshot, id)?);
    }
    found.agents(beats, agents(&snapshot)?);
    // Rows that no event makes.
    let mut ids = snapshot.prepare("select id from escalations union select escalation from aliases")?;
    let mut first = snapshot.prepare("select 1 from mt_events where stream_id = ?1")?;
    for id in ids.query_map([], |row| row.get::<_, Id>(0))? {
        let id = id?.0;
        if !first.exists([stream_of(id)])? {
            found.escalation(&stream_rows(&snapshot, id)?);
        }
    }
    Ok((found.report, found.wrong))
}

/// Writes what the log makes now.
pub(super) fn rewrite(tx: &mut SqliteTx<'_>, wrong: &[Wrong]) -> Result<(), StoreError> {
    // All rows go before the first comes, so that none is in another's way.
    for wrong in wrong {
        if let Wrong::Escalation(id) = wrong {
            tx.run("delete from escalations where id = ?1", [Id(*id)])?;
            tx.run("delete from aliases where escalation = ?1", [Id(*id)])?;
        }
    }
    for wrong in wrong {
        match wrong {
            Wrong::Escalation(id) => {
                let Ok((row, aliases)) = stream_rows(tx.connection(), *id)?.rows() else { continue };
                put(tx.connection(), &row)?;
                for alias in aliases {
                    tx.run("delete from aliases where id = ?1", [Id(alias.id)])?;
                    put_alias(tx.connection(), &alias)?;
                }
                let version = "update mt_streams set version = ?2 where id = ?1";
                tx.run(version, params![stream_of(*id), row.escalation.version])?;
            }
            Wrong::Agent(id, beat) => {
                // A heartbeat that came since the comparison is newer than what was found.
                let stale = "delete from agents where id = ?1 and (seq_id <= ?2 or not exists \
                             (select 1 from mt_events e where e.seq_id = agents.seq_id and e.type = 'heartbeat'))";
                tx.run(stale, params![id, beat.as_ref().map_or(0, |beat| beat.seq)])?;
                let Some(beat) = beat else { continue };
                let add = "insert into agents (id, last_seen_at, seq_id, beat) values (?1, ?2, ?3, ?4) \
                           on conflict (id) do nothing";
                let members = Value::Object(beat.members.clone()).to_string();
                tx.run(add, params![id, At(beat.at), beat.seq, members])?;
            }
        }
    }
    Ok(())
}

/// Reads everything about one escalation.
fn stream_rows(connection: &Connection, id: Uuid) -> Result<Stream, StoreError> {
    let stream = stream_of(id);
    let sql =
        "select id, version, type, data, timestamp from mt_events where stream_id = ?1 order by version";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([&stream])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(Raw {
            id: row.get::<_, Id>(0)?.0,
            version: row.get(1)?,
            alias: row.get(2)?,
            data: json(row.get(3)?)?,
            at: row.get::<_, At>(4)?.0,
        });
    }
    let sql = "select version from mt_streams where id = ?1";
    let version = connection.prepare_cached(sql)?.query_row([&stream], |row| row.get(0)).optional()?;
    let sql = "select id, escalation, content_hash, at from aliases where escalation = ?1 order by id";
    let mut query = connection.prepare_cached(sql)?;
    let aliases = query.query_map([Id(id)], |row| {
        let (id, escalation) = (row.get::<_, Id>(0)?.0, row.get::<_, Id>(1)?.0);
        Ok(Alias { id, escalation, content_hash: row.get(2)?, at: row.get::<_, At>(3)?.0 })
    })?;
    let aliases = aliases.collect::<Result<_, _>>()?;
    let sql = concat!(
        "select ",
        entry_columns!(),
        ", state from outbox where escalation = ?1 and purpose = 'announce' order by id"
    );
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([Id(id)])?;
    let mut outbox = Vec::new();
    while let Some(row) = rows.next()? {
        outbox.push((entry(row)?.intent, word(&row.get::<_, String>("state")?)?));
    }
    Ok(Stream { id, events, version, stored: stored(connection, id)?, aliases, outbox })
}

fn stored(connection: &Connection, id: Uuid) -> Result<Option<Columns>, StoreError> {
    let sql = "select severity, initial_severity, state, agent_id, repo, issue_number, token, dedup_key, \
               created_at, level_since, reminded_at, first_acked_at, delivered, version, doc \
               from escalations where id = ?1";
    let mut query = connection.prepare_cached(sql)?;
    let row = query.query_row([Id(id)], |row| {
        let at = |n: usize| row.get::<_, Option<At>>(n).map(|at| at.map(|at| at.0));
        let columns = Columns {
            id,
            severity: row.get(0)?,
            initial_severity: row.get(1)?,
            state: row.get(2)?,
            agent_id: row.get(3)?,
            repo: row.get(4)?,
            issue_number: row.get(5)?,
            token: row.get(6)?,
            dedup_key: row.get(7)?,
            created_at: row.get::<_, At>(8)?.0,
            level_since: row.get::<_, At>(9)?.0,
            reminded_at: at(10)?,
            first_acked_at: at(11)?,
            delivered: row.get(12)?,
            version: row.get(13)?,
            doc: Value::Null,
        };
        Ok((columns, row.get::<_, String>(14)?))
    });
    // A document that is no JSON differs from every other.
    let row = row.optional()?;
    Ok(row.map(|(columns, doc)| Columns { doc: json(doc).unwrap_or_default(), ..columns }))
}

fn agents(connection: &Connection) -> Result<Vec<(String, Beat)>, StoreError> {
    let mut query = connection.prepare("select id, last_seen_at, seq_id, beat from agents")?;
    let mut rows = query.query([])?;
    let mut agents = Vec::new();
    while let Some(row) = rows.next()? {
        let Value::Object(members) = json(row.get(3)?).unwrap_or_else(|_| Value::Object(Default::default()))
        else {
            continue;
        };
        agents.push((row.get(0)?, Beat { seq: row.get(2)?, at: row.get::<_, At>(1)?.0, members }));
    }
    Ok(agents)
}

fn json(text: String) -> Result<Value, StoreError> {
    serde_json::from_str(&text).map_err(|e| unreadable("an event", e))
}
