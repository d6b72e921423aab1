//! Rebuilding what the log makes.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::codec::{entry, entry_columns};
use super::tx::PgTx;
use crate::domain::stream_of;
use crate::settings::Casing;
use crate::store::fold::{Beat, CHUNK, Findings, Raw, Stream, Wrong, id_of, members};
use crate::store::row::{Alias, Columns, word};
use crate::store::{ReplayReport, StoreError};
use serde_json::Value;

/// How many events are fetched at a time.
const PAGE: i32 = 1000;

/// Goes through the log as it is at one moment and compares what it makes with what is stored. The
/// transaction has to see one moment throughout.
pub(super) async fn compare(snapshot: &Transaction<'_>) -> Result<(ReplayReport, Vec<Wrong>), StoreError> {
    snapshot
        .batch_execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        .await?;
    let tx = PgTx::new(snapshot, Casing::default());
    let forgotten = tx.one("select at from marks where name = 'outbox'", &[]).await?;
    let forgotten = forgotten.map(|row| row.try_get(0)).transpose()?.flatten();
    let mut found = Findings { forgotten, ..Findings::default() };
    let mut beats: BTreeMap<String, Beat> = BTreeMap::new();
    let mut created: Vec<Uuid> = Vec::with_capacity(CHUNK);
    let log = "select seq_id, stream_id, type, data, timestamp from mt_events order by seq_id";
    let log = snapshot.bind(log, &[]).await?;
    loop {
        let rows = snapshot.query_portal(&log, PAGE).await?;
        for row in &rows {
            found.report.events += 1;
            let (stream, alias): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            match alias.as_str() {
                "heartbeat" => {
                    let (seq, at) = (row.try_get(0)?, row.try_get(4)?);
                    let beat = Beat { seq, at, members: members(row.try_get(3)?) };
                    beats.insert(beat.agent(&stream), beat);
                }
                "escalation_created" => created.extend(id_of(&stream)),
                _ => {}
            }
        }
        let last = rows.is_empty();
        if created.len() >= CHUNK || last {
            for stream in streams(&tx, &std::mem::take(&mut created)).await? {
                found.escalation(&stream);
            }
        }
        if last {
            break;
        }
    }
    let stored = tx.all("select id, seq_id, last_seen_at, beat from agents", &[]).await?;
    found.agents(beats, stored.iter().map(agent).collect::<Result<Vec<_>, _>>()?);
    // Rows that no event makes.
    let orphans = "select id from (select id from escalations union select escalation from aliases) r \
                   where not exists (select 1 from mt_events e where e.stream_id = 'escalation-' || r.id::text)";
    let orphans = tx.all(orphans, &[]).await?;
    let orphans: Vec<Uuid> =
        orphans.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, StoreError>>()?;
    for ids in orphans.chunks(CHUNK) {
        for stream in streams(&tx, ids).await? {
            found.escalation(&stream);
        }
    }
    Ok((found.report, found.wrong))
}

/// Writes what the log makes now.
pub(super) async fn rewrite(tx: &PgTx<'_>, wrong: &[Wrong]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = wrong
        .iter()
        .filter_map(|wrong| match wrong {
            Wrong::Escalation(id) => Some(*id),
            Wrong::Agent(..) => None,
        })
        .collect();
    let names: Vec<String> = ids.iter().map(|id| stream_of(*id)).collect();
    tx.all("select 1 from mt_streams where id = any($1) order by id for update", &[&names]).await?;
    // All rows go before the first comes, so that none is in another's way.
    tx.run("delete from escalations where id = any($1)", &[&ids]).await?;
    tx.run("delete from aliases where escalation = any($1)", &[&ids]).await?;
    for stream in streams(tx, &ids).await? {
        let Ok((row, aliases)) = stream.rows() else { continue };
        tx.put(&row).await?;
        for alias in aliases {
            tx.run("delete from aliases where id = $1", &[&alias.id]).await?;
            tx.put_alias(&alias).await?;
        }
        let version = "update mt_streams set version = $2 where id = $1";
        tx.run(version, &[&stream_of(stream.id), &row.escalation.version]).await?;
    }
    for wrong in wrong {
        let Wrong::Agent(id, beat) = wrong else { continue };
        // A heartbeat that came since the comparison is newer than what was found.
        let stale = "delete from agents a where id = $1 and (seq_id <= $2 or not exists \
                     (select 1 from mt_events e where e.seq_id = a.seq_id and e.type = 'heartbeat'))";
        tx.run(stale, &[id, &beat.as_ref().map_or(0, |beat| beat.seq)]).await?;
        let Some(beat) = beat else { continue };
        let add = "insert into agents (id, last_seen_at, seq_id, beat) values ($1, $2, $3, $4) \
                   on conflict (id) do nothing";
        tx.run(add, &[id, &beat.at, &beat.seq, &Value::Object(beat.members.clone())]).await?;
    }
    Ok(())
}

/// Reads everything about some escalations.
async fn streams(tx: &PgTx<'_>, ids: &[Uuid]) -> Result<Vec<Stream>, StoreError> {
    let empty = |id: &Uuid| Stream {
        id: *id,
        events: Vec::new(),
        version: None,
        stored: None,
        aliases: Vec::new(),
        outbox: Vec::new(),
    };
    let mut streams: Vec<Stream> = ids.iter().map(empty).collect();
    let places: HashMap<Uuid, usize> = ids.iter().zip(0..).map(|(id, place)| (*id, place)).collect();
    let names: Vec<String> = ids.iter().map(|id| stream_of(*id)).collect();
    let place = |row: &Row, column: usize| -> Result<usize, StoreError> {
        Ok(places[&row.try_get::<_, Uuid>(column)?])
    };
    let named = |row: &Row| -> Result<usize, StoreError> {
        let name: String = row.try_get(0)?;
        id_of(&name).map(|id| places[&id]).ok_or_else(|| StoreError::Broken(format!("no escalation: {name}")))
    };
    let sql = "select stream_id, id, version, type, data, timestamp from mt_events \
               where stream_id = any($1) order by stream_id, version";
    for row in tx.all(sql, &[&names]).await? {
        let (id, version) = (row.try_get(1)?, row.try_get(2)?);
        let raw = Raw { id, version, alias: row.try_get(3)?, data: row.try_get(4)?, at: row.try_get(5)? };
        streams[named(&row)?].events.push(raw);
    }
    for row in tx.all("select id, version from mt_streams where id = any($1)", &[&names]).await? {
        streams[named(&row)?].version = row.try_get(1)?;
    }
    let sql = "select id, severity, initial_severity, state, agent_id, repo, issue_number, token, dedup_key, \
               created_at, level_since, reminded_at, first_acked_at, delivered, version, doc \
               from escalations where id = any($1)";
    for row in tx.all(sql, &[&ids]).await? {
        streams[place(&row, 0)?].stored = Some(columns(&row)?);
    }
    let sql = "select id, escalation, content_hash, at from aliases where escalation = any($1) order by id";
    for row in tx.all(sql, &[&ids]).await? {
        let (id, escalation) = (row.try_get(0)?, row.try_get(1)?);
        let alias = Alias { id, escalation, content_hash: row.try_get(2)?, at: row.try_get(3)? };
        streams[place(&row, 1)?].aliases.push(alias);
    }
    let sql = concat!(
        "select ",
        entry_columns!(),
        ", o.state from outbox o where escalation = any($1) and purpose = 'announce' order by id"
    );
    for row in tx.all(sql, &[&ids]).await? {
        let state = word(row.try_get("state")?)?;
        streams[place(&row, 1)?].outbox.push((entry(&row)?.intent, state));
    }
    Ok(streams)
}

fn columns(row: &Row) -> Result<Columns, StoreError> {
    Ok(Columns {
        id: row.try_get(0)?,
        severity: row.try_get(1)?,
        initial_severity: row.try_get(2)?,
        state: row.try_get(3)?,
        agent_id: row.try_get(4)?,
        repo: row.try_get(5)?,
        issue_number: row.try_get(6)?,
        token: row.try_get(7)?,
        dedup_key: row.try_get(8)?,
        created_at: row.try_get(9)?,
        level_since: row.try_get(10)?,
        reminded_at: row.try_get(11)?,
        first_acked_at: row.try_get(12)?,
        delivered: row.try_get(13)?,
        version: row.try_get(14)?,
        doc: row.try_get(15)?,
    })
}

fn agent(row: &Row) -> Result<(String, Beat), StoreError> {
    let Value::Object(members) = row.try_get(3)? else {
        return Err(StoreError::Broken("the heartbeat of an agent is no object".to_owned()));
    };
    Ok((row.try_get(0)?, Beat { seq: row.try_get(1)?, at: row.try_get(2)?, members }))
}
