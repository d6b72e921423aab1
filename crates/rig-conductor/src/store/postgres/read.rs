//! Questions.

use std::collections::HashMap;

use rig_wire::Notification;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::codec::{entry, entry_columns};
use super::tx::PgTx;
use crate::domain::Escalation;
use crate::store::row::{ids_from, unreadable};
use crate::store::{AgentRow, Filter, Shown, StoreError, Stored, body, query};

/// Returns an escalation and what is still tried for it.
pub(super) async fn escalation(tx: &PgTx<'_>, id: Uuid) -> Result<Option<Shown>, StoreError> {
    let rows = tx.all("select doc from escalations where id = $1", &[&id]).await?;
    Ok(shown(tx, &rows).await?.pop())
}

async fn shown(tx: &PgTx<'_>, docs: &[Row]) -> Result<Vec<Shown>, StoreError> {
    let read = |row: &Row| Ok(row.try_get::<_, Json<Escalation>>(0)?.0);
    let escalations: Vec<Escalation> = docs.iter().map(read).collect::<Result<_, StoreError>>()?;
    let ids: Vec<Uuid> = escalations.iter().map(|one| one.id).collect();
    let sql = concat!(
        "select ",
        entry_columns!(),
        " from outbox o where escalation = any($1) and purpose = 'announce' and state = 'pending' \
         order by created_at, id"
    );
    let mut waiting: HashMap<Uuid, Vec<Notification>> = HashMap::new();
    for row in tx.all(sql, &[&ids]).await? {
        let entry = entry(&row)?;
        waiting.entry(entry.intent.escalation).or_default().push(entry.waiting());
    }
    let shown = |escalation: Escalation| {
        let waiting = waiting.remove(&escalation.id).unwrap_or_default();
        Shown { escalation, waiting }
    };
    Ok(escalations.into_iter().map(shown).collect())
}

/// Returns the ids that begin with a text, two at most.
pub(super) async fn ids_with_prefix(tx: &PgTx<'_>, prefix: &str) -> Result<Vec<Uuid>, StoreError> {
    let Some((first, last)) = ids_from(prefix) else { return Ok(Vec::new()) };
    let sql = "select id from escalations where id between $1 and $2 order by id limit 2";
    let rows = tx.all(sql, &[&first, &last]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Returns a page of escalations.
pub(super) async fn escalations(tx: &PgTx<'_>, filter: &Filter) -> Result<Vec<Shown>, StoreError> {
    let mut conditions = query::of_filter(filter);
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    if let Some(repo) = &filter.repo {
        values.push(Box::new(repo.to_ascii_lowercase()));
        conditions.push(format!("e.repo = ${}", values.len()));
    }
    if let Some(issue) = filter.issue {
        values.push(Box::new(i64::try_from(issue).unwrap_or(-1)));
        conditions.push(format!("e.issue_number = ${}", values.len()));
    }
    if let Some(agent) = &filter.agent {
        values.push(Box::new(agent.clone()));
        conditions.push(format!("e.agent_id = ${}", values.len()));
    }
    if let Some((severity, at, id)) = &filter.after {
        values.push(Box::new(severity.as_str()));
        values.push(Box::new(*at));
        values.push(Box::new(*id));
        let n = values.len();
        conditions.push(format!("(e.severity, e.created_at, e.id) > (${}, ${}, ${n})", n - 2, n - 1));
    }
    values.push(Box::new(i64::from(filter.limit)));
    let all = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let sql = format!(
        "select e.doc from escalations e where {all} order by e.severity, e.created_at, e.id limit ${}",
        values.len()
    );
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    let rows = tx.all(&sql, &values).await?;
    shown(tx, &rows).await
}

/// Returns the events of a stream after a version.
pub(super) async fn stream(
    tx: &PgTx<'_>,
    id: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    // No name can hold what PostgreSQL cannot keep.
    if id.contains('\0') {
        return Ok(Vec::new());
    }
    let sql = "select id, version, type, data, timestamp from mt_events \
               where stream_id = $1 and version > $2 order by version limit $3";
    let rows = tx.all(sql, &[&id, &after, &i64::from(limit)]).await?;
    let read = |row: &Row| {
        let alias: String = row.try_get(2)?;
        let data = body::read(&alias, row.try_get(3)?);
        Ok(Stored { id: row.try_get(0)?, version: row.try_get(1)?, alias, data, at: row.try_get(4)? })
    };
    rows.iter().map(read).collect()
}

/// Returns the agents, or one of them.
pub(super) async fn agents(tx: &PgTx<'_>, id: Option<&str>) -> Result<Vec<AgentRow>, StoreError> {
    let all = "select id, last_seen_at, beat from agents order by id collate \"C\"";
    let one = "select id, last_seen_at, beat from agents where id = $1";
    let rows = match &id {
        Some(id) if id.contains('\0') => Vec::new(),
        Some(id) => tx.all(one, &[id]).await?,
        None => tx.all(all, &[]).await?,
    };
    let read = |row: &Row| match row.try_get(2)? {
        Value::Object(beat) => Ok(AgentRow { id: row.try_get(0)?, last_seen_at: row.try_get(1)?, beat }),
        _ => Err(unreadable("a heartbeat", "it is no object")),
    };
    rows.iter().map(read).collect()
}
