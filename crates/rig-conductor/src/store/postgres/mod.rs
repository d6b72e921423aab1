//! A schema on a PostgreSQL server, shared by any number of processes.
//!
//! The log is laid out as Marten 8 does, in a schema of its own; nothing of Marten is called. Locks are those
//! of rows: a stream's before its escalation changes, an entry's before it is sent.

mod codec;
mod connect;
mod error;
mod migrate;
mod outbox;
mod prune;
mod read;
mod replay;
mod threads;
mod tls;
mod tx;
mod watch;
mod work;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::Client;
use jiff::Timestamp;
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

use self::connect::Server;
use self::error::named;
use self::tx::PgTx;
use self::work::Recorder;
use super::body::Prepared;
use super::fold::{CHUNK, Wrong};
use super::{
    AgentRow, Backlog, Claim, Claimed, Command, Due, Filter, Outcome, Receipt, Recorded, ReplayReport, Shown,
    Stats, Store, StoreError, StoreOptions, Stored, Thread, ThreadClaim, WorkEvent, run, settle,
};
use crate::domain::Policy;
use crate::settings::Secret;

/// How often a transaction is tried that another one was in the way of.
const TRIES: u32 = 4;

/// A store on a server.
#[derive(Debug)]
pub(super) struct PgStore {
    base: Arc<Base>,
    recorder: Recorder,
    pruning: Arc<AtomicBool>,
}

/// What a transaction needs.
#[derive(Debug)]
struct Base {
    server: Server,
    options: StoreOptions,
}

/// Something done in a transaction.
type Work<'a, R> = Pin<Box<dyn Future<Output = Result<R, StoreError>> + Send + 'a>>;

impl PgStore {
    /// Connects, and makes or updates the tables.
    pub(super) async fn open(url: &Secret, schema: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let server = Server::new(&url.0, schema, options.postgres_connections)?;
        migrate::migrate(&server, schema).await.map_err(|error| named(error, &server.name))?;
        let recorder = Recorder::start(server.clone());
        let base = Arc::new(Base { server, options });
        Ok(Self { base, recorder, pruning: Arc::default() })
    }

    async fn compare(&self) -> Result<(ReplayReport, Vec<Wrong>), StoreError> {
        let found = async {
            let mut client = self.base.server.pool.get().await?;
            let snapshot = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            replay::compare(&snapshot).await
        };
        found.await.map_err(|error| named(error, &self.base.server.name))
    }
}

impl Base {
    /// Does something in a transaction and commits it. Where another transaction was in the way, it is done anew.
    async fn write<G: Sync, R: Send>(
        &self,
        given: &G,
        work: impl for<'a> Fn(&'a mut PgTx<'_>, &'a G) -> Work<'a, R> + Send + Sync,
    ) -> Result<R, StoreError> {
        let mut tries = 1;
        loop {
            match self.transaction(false, given, &work).await {
                Err(StoreError::Conflict) if tries < TRIES => {
                    tokio::time::sleep(jitter(tries)).await;
                    tries += 1;
                }
                result => return result.map_err(|error| named(error, &self.server.name)),
            }
        }
    }

    /// Asks questions that all see the same moment.
    async fn read<G: Sync, R: Send>(
        &self,
        given: &G,
        work: impl for<'a> Fn(&'a mut PgTx<'_>, &'a G) -> Work<'a, R> + Send + Sync,
    ) -> Result<R, StoreError> {
        self.transaction(true, given, &work).await.map_err(|error| named(error, &self.server.name))
    }

    /// Begins a transaction and does something in it. After a restart of the server the connections that are
    /// kept are dead, which some notice only when they are used: nothing has been done then, so the next is taken.
    async fn transaction<G: Sync, R: Send>(
        &self,
        reads: bool,
        given: &G,
        work: &(impl for<'a> Fn(&'a mut PgTx<'_>, &'a G) -> Work<'a, R> + Send + Sync),
    ) -> Result<R, StoreError> {
        loop {
            let mut client = self.server.pool.get().await?;
            match self.attempt(&mut client, reads, given, work).await {
                Err(Failure::Begin(error)) if error.is_closed() => drop(Client::take(client)),
                Err(Failure::Begin(error)) => return Err(error.into()),
                Err(Failure::Work(error)) => return Err(error),
                Ok(result) => return Ok(result),
            }
        }
    }

    async fn attempt<G: Sync, R: Send>(
        &self,
        client: &mut Client,
        reads: bool,
        given: &G,
        work: &(impl for<'a> Fn(&'a mut PgTx<'_>, &'a G) -> Work<'a, R> + Send + Sync),
    ) -> Result<R, Failure> {
        let transaction = client.build_transaction();
        let transaction = match reads {
            true => transaction.isolation_level(IsolationLevel::RepeatableRead).read_only(true),
            false => transaction.isolation_level(IsolationLevel::ReadCommitted),
        };
        let transaction = transaction.start().await.map_err(Failure::Begin)?;
        let mut tx = PgTx::new(&transaction, self.options.casing);
        let result = work(&mut tx, given).await.map_err(Failure::Work)?;
        transaction.commit().await.map_err(|error| Failure::Work(error.into()))?;
        Ok(result)
    }
}

enum Failure {
    /// Nothing has been done.
    Begin(tokio_postgres::Error),
    Work(StoreError),
}

/// Returns how long to wait before the next try: a little longer each time, and not the same for everybody.
fn jitter(tries: u32) -> Duration {
    let random = u64::from(Uuid::now_v7().as_bytes()[15]);
    Duration::from_micros(u64::from(tries) * (2_000 + random * 40))
}

#[async_trait]
impl Store for PgStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.base.read(&(), |tx, ()| Box::pin(tx.time())).await
    }

    async fn execute(&self, command: Command, policy: &Policy) -> Result<Receipt, StoreError> {
        self.base.write(&(command, policy), |tx, (command, policy)| Box::pin(run(tx, command, policy))).await
    }

    async fn record(&self, event: WorkEvent) -> Result<Recorded, StoreError> {
        self.recorder.record(Prepared::new(event, self.base.options.casing)?).await
    }

    async fn escalation(&self, id: Uuid) -> Result<Option<Shown>, StoreError> {
        self.base.read(&id, |tx, id| Box::pin(read::escalation(tx, *id))).await
    }

    async fn ids_with_prefix(&self, prefix: &str) -> Result<Vec<Uuid>, StoreError> {
        self.base.read(&prefix, |tx, prefix| Box::pin(read::ids_with_prefix(tx, prefix))).await
    }

    async fn escalations(&self, filter: &Filter) -> Result<Vec<Shown>, StoreError> {
        self.base.read(filter, |tx, filter| Box::pin(read::escalations(tx, filter))).await
    }

    async fn stream(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Stored>, StoreError> {
        self.base.read(&id, |tx, id| Box::pin(read::stream(tx, id, after, limit))).await
    }

    async fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        self.base.read(&(), |tx, ()| Box::pin(read::agents(tx, None))).await
    }

    async fn agent(&self, id: &str) -> Result<Option<AgentRow>, StoreError> {
        let agents = self.base.read(&id, |tx, id| Box::pin(read::agents(tx, Some(id)))).await?;
        Ok(agents.into_iter().next())
    }

    async fn due(&self, policy: &Policy, limit: u32) -> Result<Vec<Due>, StoreError> {
        self.base.read(policy, |tx, policy| Box::pin(watch::due(tx, policy, limit))).await
    }

    async fn swept(&self) -> Result<(), StoreError> {
        self.base.write(&(), |tx, ()| Box::pin(work::swept(tx))).await?;
        if self.pruning.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let (base, pruning) = (Arc::clone(&self.base), Arc::clone(&self.pruning));
        tokio::spawn(async move {
            let result = loop {
                match base.write(&base.options, |tx, options| Box::pin(prune::prune(tx, options))).await {
                    Ok(true) => {}
                    other => break other,
                }
            };
            // Whoever ends meanwhile leaves the rest to the next sweep.
            if let Err(error) = result
                && !base.server.pool.is_closed()
            {
                tracing::warn!(%error, "what is too old was not deleted");
            }
            pruning.store(false, Ordering::Release);
        });
        Ok(())
    }

    async fn claim(&self, owner: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.base.write(&owner, |tx, owner| Box::pin(outbox::claim(tx, owner, limit, lease))).await
    }

    async fn settle(
        &self,
        claim: &Claim,
        outcome: Outcome,
        policy: &Policy,
    ) -> Result<Option<()>, StoreError> {
        let given = (claim, outcome, policy);
        self.base
            .write(&given, |tx, (claim, outcome, policy)| Box::pin(settle(tx, claim, outcome, policy)))
            .await
    }

    async fn thread(&self, key: &str, owner: &str, lease: Duration) -> Result<ThreadClaim, StoreError> {
        self.base
            .write(&(key, owner), |tx, (key, owner)| Box::pin(threads::thread(tx, key, owner, lease)))
            .await
    }

    async fn save_thread(&self, key: &str, owner: &str, thread: &Thread) -> Result<bool, StoreError> {
        let given = (key, owner, thread);
        self.base
            .write(&given, |tx, (key, owner, thread)| Box::pin(threads::save(tx, key, owner, thread)))
            .await
    }

    async fn forget_thread(&self, key: &str, thread_id: &str) -> Result<(), StoreError> {
        self.base.write(&(key, thread_id), |tx, (key, id)| Box::pin(threads::forget(tx, key, id))).await
    }

    async fn next_send(&self) -> Result<(Option<Timestamp>, Timestamp), StoreError> {
        self.base.read(&(), |tx, ()| Box::pin(outbox::next_send(tx))).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.base.read(&(), |tx, ()| Box::pin(watch::backlog(tx))).await
    }

    async fn stats(&self, agent: Option<&str>, since: Option<Timestamp>) -> Result<Stats, StoreError> {
        self.base.read(&agent, |tx, agent| Box::pin(watch::stats(tx, *agent, since))).await
    }

    async fn replay(&self, check: bool) -> Result<ReplayReport, StoreError> {
        let (report, wrong) = self.compare().await?;
        if check || wrong.is_empty() {
            return Ok(report);
        }
        for chunk in wrong.chunks(CHUNK) {
            self.base.write(&chunk, |tx, chunk| Box::pin(replay::rewrite(tx, chunk))).await?;
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
        self.base.write(&by, |tx, by| Box::pin(work::advance(tx, *by))).await
    }

    #[cfg(feature = "test-hooks")]
    async fn stop_clock(&self) -> Result<Timestamp, StoreError> {
        self.base.write(&(), |tx, ()| Box::pin(work::stop_clock(tx))).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.recorder.close().await;
        self.base.server.pool.close();
        Ok(())
    }
}
