//! Questions, asked of connections that only read.

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use serde_json::Value;
use uuid::Uuid;

use super::codec::{At, Id, entry, entry_columns};
use crate::domain::Escalation;
use crate::store::row::{ids_from, unreadable};
use crate::store::{AgentRow, Filter, Shown, StoreError, Stored, body, query};

/// Returns an escalation and what is still tried for it.
pub(super) fn escalation(connection: &Connection, id: Uuid) -> Result<Option<Shown>, StoreError> {
    let sql = "select doc from escalations where id = ?1";
    let doc: Option<String> =
        connection.prepare_cached(sql)?.query_row([Id(id)], |row| row.get(0)).optional()?;
    doc.map(|doc| shown(connection, &doc)).transpose()
}

fn shown(connection: &Connection, doc: &str) -> Result<Shown, StoreError> {
    let escalation: Escalation = serde_json::from_str(doc).map_err(|e| unreadable("an escalation", e))?;
    let sql = concat!(
        "select ",
        entry_columns!(),
        " from outbox where escalation = ?1 and purpose = 'announce' and state = 'pending' \
         order by created_at, id"
    );
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([Id(escalation.id)])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        waiting.push(entry(row)?.waiting());
    }
    Ok(Shown { escalation, waiting })
}

/// Returns the ids that begin with a text, two at most.
pub(super) fn ids_with_prefix(connection: &Connection, prefix: &str) -> Result<Vec<Uuid>, StoreError> {
    let Some((first, last)) = ids_from(prefix) else { return Ok(Vec::new()) };
    let sql = "select id from escalations where id between ?1 and ?2 order by id limit 2";
    let mut query = connection.prepare_cached(sql)?;
    let ids = query.query_map([Id(first), Id(last)], |row| row.get::<_, Id>(0))?;
    Ok(ids.map(|id| id.map(|id| id.0)).collect::<Result<_, _>>()?)
}

/// Returns a page of escalations.
pub(super) fn escalations(connection: &Connection, filter: &Filter) -> Result<Vec<Shown>, StoreError> {
    let mut conditions = query::of_filter(filter);
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(repo) = &filter.repo {
        values.push(Box::new(repo.to_ascii_lowercase()));
        conditions.push(format!("e.repo = ?{}", values.len()));
    }
    if let Some(issue) = filter.issue {
        values.push(Box::new(i64::try_from(issue).unwrap_or(-1)));
        conditions.push(format!("e.issue_number = ?{}", values.len()));
    }
    if let Some(agent) = &filter.agent {
        values.push(Box::new(agent.clone()));
        conditions.push(format!("e.agent_id = ?{}", values.len()));
    }
    if let Some((severity, at, id)) = &filter.after {
        values.push(Box::new(severity.as_str()));
        values.push(Box::new(At(*at)));
        values.push(Box::new(Id(*id)));
        let n = values.len();
        conditions.push(format!("(e.severity, e.created_at, e.id) > (?{}, ?{}, ?{n})", n - 2, n - 1));
    }
    values.push(Box::new(filter.limit));
    let all = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let sql = format!(
        "select e.doc from escalations e where {all} order by e.severity, e.created_at, e.id limit ?{}",
        values.len()
    );
    let mut query = connection.prepare_cached(&sql)?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let docs = query.query_map(values.as_slice(), |row| row.get::<_, String>(0))?;
    docs.map(|doc| shown(connection, &doc?)).collect()
}

/// Returns the events of a stream after a version.
pub(super) fn stream(
    connection: &Connection,
    id: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let sql = "select id, version, type, data, timestamp from mt_events \
               where stream_id = ?1 and version > ?2 order by version limit ?3";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(params![id, after, limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let alias: String = row.get(2)?;
        let data: Value = serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|e| unreadable("an event", e))?;
        let data = body::read(&alias, data);
        let (id, at) = (row.get::<_, Id>(0)?.0, row.get::<_, At>(4)?.0);
        events.push(Stored { id, version: row.get(1)?, alias, data, at });
    }
    Ok(events)
}

/// Returns the agents, or one of them.
pub(super) fn agents(connection: &Connection, id: Option<&str>) -> Result<Vec<AgentRow>, StoreError> {
    let all = "select id, last_seen_at, beat from agents where ?1 is null order by id";
    let one = "select id, last_seen_at, beat from agents where id = ?1";
    let mut query = connection.prepare_cached(if id.is_some() { one } else { all })?;
    let mut rows = query.query([id])?;
    let mut agents = Vec::new();
    while let Some(row) = rows.next()? {
        let beat = serde_json::from_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
        agents.push(AgentRow {
            id: row.get(0)?,
            last_seen_at: row.get::<_, At>(1)?.0,
            beat: beat.map_err(|e| unreadable("a heartbeat", e))?,
        });
    }
    Ok(agents)
}
