//! Events of work and heartbeats: what arrives at the same time shares a statement and a commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
#[cfg(feature = "test-hooks")]
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;

use super::codec::clock;
use super::connect::Server;
use super::error::{is_of_values, named};
use super::tx::PgTx;
use crate::store::body::Prepared;
use crate::store::{Recorded, StoreError};

/// How many events share a commit at most.
const AT_ONCE: usize = 500;

/// How many events may wait before callers have to.
const WAITING: usize = 8192;

/// How many commits are under way at a time, each on a connection of its own.
const COMMITS: usize = 2;

/// How often a commit is tried.
const TRIES: u32 = 4;

type Reply = oneshot::Sender<Result<Recorded, StoreError>>;

/// Appends events. `back` counts the later events of the same stream, so that the last of them has the
/// stream's new version. Rows are locked in one order, so that no two statements wait for each other.
const APPEND: &str = concat!(
    "with n as materialized (select ",
    clock!(),
    " as at), \
     e as materialized (select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[]) \
       with ordinality as e (id, stream, type, body, back, place)), \
     s as (insert into mt_streams as s (id, version, timestamp, created) \
       select e.stream, count(*), n.at, n.at from e, n group by e.stream, n.at order by e.stream \
       on conflict (id) do update set version = s.version + excluded.version, timestamp = excluded.timestamp \
       returning s.id, s.version), \
     i as (insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id) \
       select nextval('mt_events_sequence'), o.id, o.stream, o.version, o.body::jsonb, o.type, n.at, '*DEFAULT*' \
       from (select e.*, s.version - e.back as version from e join s on s.id = e.stream order by e.place) o, n \
       returning seq_id, id), \
     a as (insert into agents (id, last_seen_at, seq_id, beat) \
       select b.agent, n.at, i.seq_id, b.beat::jsonb \
       from unnest($6::text[], $7::uuid[], $8::text[]) as b (agent, event, beat) join i on i.id = b.event, n \
       order by b.agent \
       on conflict (id) do update set last_seen_at = excluded.last_seen_at, seq_id = excluded.seq_id, \
       beat = excluded.beat where agents.seq_id < excluded.seq_id) \
     select at from n"
);

enum Message {
    Record(Prepared, Reply),
    /// Write what came before, and end.
    Close(oneshot::Sender<()>),
}

/// The way to the task that writes.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: mpsc::Sender<Message>,
}

impl Recorder {
    /// Starts the task.
    pub(super) fn start(server: Server) -> Self {
        let (queue, events) = mpsc::channel(WAITING);
        tokio::spawn(collect(server, events));
        Self { queue }
    }

    /// Appends an event and answers after its commit.
    pub(super) async fn record(&self, event: Prepared) -> Result<Recorded, StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Record(event, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends the task after everything that was given to it before.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Message::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }
}

/// Takes what has arrived whenever a commit can begin.
async fn collect(server: Server, mut queue: mpsc::Receiver<Message>) {
    let commits = Arc::new(Semaphore::new(COMMITS));
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = queue.recv().await else { break };
        let Ok(permit) = Arc::clone(&commits).acquire_owned().await else { break };
        let mut batch = Vec::new();
        let more = std::iter::from_fn(|| queue.try_recv().ok()).take(AT_ONCE - 1);
        for message in std::iter::once(first).chain(more) {
            match message {
                Message::Record(event, reply) => batch.push((event, reply)),
                Message::Close(reply) => closing = Some(reply),
            }
        }
        if closing.is_some() {
            queue.close();
        }
        let server = server.clone();
        tokio::spawn(async move {
            let (events, replies): (Vec<Prepared>, Vec<Reply>) = batch.into_iter().unzip();
            let results = write(&server, &events).await;
            for (reply, result) in replies.into_iter().zip(results) {
                // A caller that is gone does not need the answer.
                let _ = reply.send(result.map_err(|error| named(error, &server.name)));
            }
            drop(permit);
        });
    }
    let all = u32::try_from(COMMITS).unwrap_or(u32::MAX);
    let _ = commits.acquire_many(all).await;
    if let Some(reply) = closing {
        let _ = reply.send(());
    }
}

/// Appends events, all in one commit; one by one where one of them cannot be stored.
async fn write(server: &Server, events: &[Prepared]) -> Vec<Result<Recorded, StoreError>> {
    if events.is_empty() {
        return Vec::new();
    }
    match persist(server, events).await {
        Ok(recorded) => recorded.into_iter().map(Ok).collect(),
        Err(Failure::OfValues(_)) if events.len() > 1 => {
            let mut results = Vec::with_capacity(events.len());
            for event in events {
                let one = persist(server, std::slice::from_ref(event)).await;
                results.push(one.map(|mut recorded| recorded.remove(0)).map_err(Failure::into));
            }
            results
        }
        Err(failure) => {
            let error = StoreError::from(failure);
            events.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

enum Failure {
    /// One of the values cannot be stored.
    OfValues(StoreError),
    Other(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::OfValues(error) | Failure::Other(error) => error,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if is_of_values(&error) { Self::OfValues(error.into()) } else { Self::Other(error.into()) }
    }
}

/// Appends events; tries again where that can help. Every event has its id, so one that was committed though
/// the answer was lost is found.
async fn persist(server: &Server, events: &[Prepared]) -> Result<Vec<Recorded>, Failure> {
    let mut tries = 1;
    loop {
        match append(server, events, tries > 1).await {
            Err(Failure::Other(StoreError::Conflict | StoreError::Unavailable(_))) if tries < TRIES => {
                tokio::time::sleep(super::jitter(tries)).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

async fn append(server: &Server, events: &[Prepared], again: bool) -> Result<Vec<Recorded>, Failure> {
    let client = server.pool.get().await.map_err(|error| Failure::Other(error.into()))?;
    let mut known: HashMap<Uuid, Timestamp> = HashMap::new();
    let given: Vec<Uuid> = events.iter().filter(|event| event.given || again).map(|event| event.id).collect();
    if !given.is_empty() {
        let sql = client.prepare_cached("select id, timestamp from mt_events where id = any($1)").await?;
        for row in client.query(&sql, &[&given]).await? {
            known.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    let mut fresh: Vec<&Prepared> = Vec::with_capacity(events.len());
    let mut ids = std::collections::HashSet::new();
    for event in events {
        if !known.contains_key(&event.id) && ids.insert(event.id) {
            fresh.push(event);
        }
    }
    let at = match fresh.is_empty() {
        true => None,
        false => {
            let sql = client.prepare_cached(APPEND).await?;
            let columns = Columns::of(&fresh);
            Some(client.query_one(&sql, &columns.values()).await?.try_get::<_, Timestamp>(0)?)
        }
    };
    // Of two events with one id, the first is the one.
    let mut answered = std::collections::HashSet::new();
    let recorded = |event: &Prepared| {
        let first = answered.insert(event.id);
        match (known.get(&event.id), at) {
            (Some(at), _) => Recorded { at: *at, duplicate: event.given },
            (None, at) => Recorded { at: at.unwrap_or_default(), duplicate: !first },
        }
    };
    Ok(events.iter().map(recorded).collect())
}

/// The values of [`APPEND`].
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    streams: Vec<&'a str>,
    aliases: Vec<&'a str>,
    bodies: Vec<&'a str>,
    back: Vec<i64>,
    agents: Vec<&'a str>,
    beats: Vec<Uuid>,
    members: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(events: &[&'a Prepared]) -> Self {
        let mut columns = Self::default();
        let mut later: HashMap<&str, i64> = HashMap::new();
        let mut agents: BTreeMap<&str, (Uuid, &str)> = BTreeMap::new();
        for event in events.iter().rev() {
            let count = later.entry(&event.stream).or_default();
            columns.back.push(*count);
            *count += 1;
        }
        columns.back.reverse();
        for event in events {
            columns.ids.push(event.id);
            columns.streams.push(&event.stream);
            columns.aliases.push(&event.alias);
            columns.bodies.push(&event.body);
            if let Some((agent, members)) = &event.beat {
                agents.insert(agent, (event.id, members));
            }
        }
        for (agent, (event, members)) in agents {
            columns.agents.push(agent);
            columns.beats.push(event);
            columns.members.push(members);
        }
        columns
    }

    fn values(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 8] {
        [
            &self.ids,
            &self.streams,
            &self.aliases,
            &self.bodies,
            &self.back,
            &self.agents,
            &self.beats,
            &self.members,
        ]
    }
}

/// Notes that a sweep came to its end.
pub(super) async fn swept(tx: &mut PgTx<'_>) -> Result<(), StoreError> {
    let now = tx.time().await?;
    let mark = "insert into marks (name, at) values ('swept', $1) \
                on conflict (name) do update set at = greatest(marks.at, excluded.at)";
    tx.run(mark, &[&now]).await?;
    Ok(())
}

/// Moves the clock.
#[cfg(feature = "test-hooks")]
pub(super) async fn advance(tx: &mut PgTx<'_>, by: Duration) -> Result<Timestamp, StoreError> {
    let sql = "insert into test_clock as c (id, offset_us) values (1, $1) \
               on conflict (id) do update set offset_us = c.offset_us + excluded.offset_us";
    tx.run(sql, &[&i64::try_from(by.as_micros()).unwrap_or(i64::MAX)]).await?;
    tx.time().await
}

/// Stops the clock.
#[cfg(feature = "test-hooks")]
pub(super) async fn stop_clock(tx: &mut PgTx<'_>) -> Result<Timestamp, StoreError> {
    let sql = "insert into test_clock (id, offset_us) \
               values (2, (extract(epoch from clock_timestamp()) * 1000000)::bigint) on conflict (id) do nothing";
    tx.run(sql, &[]).await?;
    tx.time().await
}
