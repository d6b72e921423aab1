//! One file for one machine: SQLite with a write-ahead log, one thread that writes, connections that read.
//!
//! Several processes on one file are safe, since every transaction takes the file's lock before it reads;
//! they are not fast.

mod codec;
mod error;
mod migrate;
mod outbox;
mod prune;
mod read;
mod readers;
mod replay;
mod threads;
mod tx;
mod watch;
mod work;
mod writer;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use self::error::named;
use self::readers::Readers;
use self::writer::Writer;
use super::body::Prepared;
use super::fold::{CHUNK, Wrong};
use super::{
    AgentRow, Backlog, Claim, Claimed, Command, Due, Filter, Outcome, Receipt, Recorded, ReplayReport, Shown,
    Stats, Store, StoreError, StoreOptions, Stored, Thread, ThreadClaim, WorkEvent, run, settle,
};
use crate::domain::Policy;

/// A store in a file.
#[derive(Debug)]
pub(super) struct SqliteStore {
    path: PathBuf,
    options: StoreOptions,
    writer: Arc<Writer>,
    readers: Readers,
    pruning: Arc<AtomicBool>,
}

impl SqliteStore {
    /// Opens a file, which is made where there is none; its directory has to be there.
    pub(super) async fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let (synchronous, place) = (options.sqlite_synchronous, path.to_owned());
        let opening = tokio::task::spawn_blocking(move || {
            // Its tables are there before anybody reads them.
            let writer = migrate::writer(&place, synchronous)?;
            Ok::<_, StoreError>((writer, Readers::open(&place)?))
        });
        let opened = opening.await.map_err(|e| StoreError::Broken(e.to_string()))?;
        let (connection, readers) = opened.map_err(|error| named(error, path))?;
        let writer = Arc::new(Writer::start(connection, path, options.casing)?);
        Ok(Self { path: path.to_owned(), options, writer, readers, pruning: Arc::default() })
    }

    async fn compare(&self) -> Result<(ReplayReport, Vec<Wrong>), StoreError> {
        let path = self.path.clone();
        let reading = tokio::task::spawn_blocking(move || replay::compare(&path));
        let found = reading.await.map_err(|e| StoreError::Broken(e.to_string()))?;
        found.map_err(|error| named(error, &self.path))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.readers.read(codec::time).await
    }

    async fn execute(&self, command: Command, policy: &Policy) -> Result<Receipt, StoreError> {
        let policy = policy.clone();
        self.writer.write(move |tx| ready(run(tx, &command, &policy))).await
    }

    async fn record(&self, event: WorkEvent) -> Result<Recorded, StoreError> {
        let event = Prepared::new(event, self.options.casing)?;
        self.writer.write_plain(move |tx| work::record(tx, &event)).await
    }

    async fn escalation(&self, id: Uuid) -> Result<Option<Shown>, StoreError> {
        self.readers.read(move |connection| read::escalation(connection, id)).await
    }

    async fn ids_with_prefix(&self, prefix: &str) -> Result<Vec<Uuid>, StoreError> {
        let prefix = prefix.to_owned();
        self.readers.read(move |connection| read::ids_with_prefix(connection, &prefix)).await
    }

    async fn escalations(&self, filter: &Filter) -> Result<Vec<Shown>, StoreError> {
        let filter = filter.clone();
        self.readers.read(move |connection| read::escalations(connection, &filter)).await
    }

    async fn stream(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Stored>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |connection| read::stream(connection, &id, after, limit)).await
    }

    async fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        self.readers.read(|connection| read::agents(connection, None)).await
    }

    async fn agent(&self, id: &str) -> Result<Option<AgentRow>, StoreError> {
        let id = id.to_owned();
        let agents = self.readers.read(move |connection| read::agents(connection, Some(&id))).await?;
        Ok(agents.into_iter().next())
    }

    async fn due(&self, policy: &Policy, limit: u32) -> Result<Vec<Due>, StoreError> {
        let policy = policy.clone();
        self.readers.read(move |connection| watch::due(connection, &policy, limit)).await
    }

    async fn swept(&self) -> Result<(), StoreError> {
        self.writer.write(work::swept).await?;
        if self.pruning.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let (writer, pruning) = (Arc::clone(&self.writer), Arc::clone(&self.pruning));
        let options = self.options.clone();
        tokio::spawn(async move {
            let result = loop {
                let options = options.clone();
                match writer.write(move |tx| prune::prune(tx, &options)).await {
                    Ok(true) => {}
                    other => break other,
                }
            };
            // Whoever ends meanwhile leaves the rest to the next sweep.
            if let Err(error) = result
                && !writer.is_closed()
            {
                tracing::warn!(%error, "what is too old was not deleted");
            }
            pruning.store(false, Ordering::Release);
        });
        Ok(())
    }

    async fn claim(&self, owner: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let owner = owner.to_owned();
        self.writer.write(move |tx| outbox::claim(tx, &owner, limit, lease)).await
    }

    async fn settle(
        &self,
        claim: &Claim,
        outcome: Outcome,
        policy: &Policy,
    ) -> Result<Option<()>, StoreError> {
        let (claim, policy) = (claim.clone(), policy.clone());
        self.writer.write(move |tx| ready(settle(tx, &claim, &outcome, &policy))).await
    }

    async fn thread(&self, key: &str, owner: &str, lease: Duration) -> Result<ThreadClaim, StoreError> {
        let (key, owner) = (key.to_owned(), owner.to_owned());
        self.writer.write(move |tx| threads::thread(tx, &key, &owner, lease)).await
    }

    async fn save_thread(&self, key: &str, owner: &str, thread: &Thread) -> Result<bool, StoreError> {
        let (key, owner, thread) = (key.to_owned(), owner.to_owned(), thread.clone());
        self.writer.write(move |tx| threads::save(tx, &key, &owner, &thread)).await
    }

    async fn forget_thread(&self, key: &str, thread_id: &str) -> Result<(), StoreError> {
        let (key, thread_id) = (key.to_owned(), thread_id.to_owned());
        self.writer.write(move |tx| threads::forget(tx, &key, &thread_id)).await
    }

    async fn next_send(&self) -> Result<(Option<Timestamp>, Timestamp), StoreError> {
        self.readers.read(outbox::next_send).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.readers.read(watch::backlog).await
    }

    async fn stats(&self, agent: Option<&str>, since: Option<Timestamp>) -> Result<Stats, StoreError> {
        let agent = agent.map(str::to_owned);
        self.readers.read(move |connection| watch::stats(connection, agent.as_deref(), since)).await
    }

    async fn replay(&self, check: bool) -> Result<ReplayReport, StoreError> {
        let (report, wrong) = self.compare().await?;
        if check || wrong.is_empty() {
            return Ok(report);
        }
        for chunk in wrong.chunks(CHUNK) {
            let chunk = chunk.to_vec();
            self.writer.write(move |tx| replay::rewrite(tx, &chunk)).await?;
        }
        match self.compare().await?.1.len() {
            0 => Ok(report),
            n => {
                Err(StoreError::Broken(format!("after a replay, {n} rows are not as their events make them")))
            }
        }
    }

    #[cfg(feature = "test-hooks")]
    async fn advance(&self, by: Duration) -> Result<Timestamp, StoreError> {
        self.writer.write(move |tx| work::advance(tx, by)).await
    }

    #[cfg(feature = "test-hooks")]
    async fn stop_clock(&self) -> Result<Timestamp, StoreError> {
        self.writer.write(work::stop_clock).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.close().await;
        Ok(())
    }
}

/// Returns what a future of the primitives comes to. SQLite answers at once, so it is ready.
fn ready<R>(future: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(StoreError::Broken("a primitive of SQLite had to wait".to_owned())),
    }
}

#[cfg(test)]
mod tests;
