//! The one thread that writes: it takes what has arrived, does all of it in one transaction, and answers
//! after the commit.

use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::named;
use super::tx::SqliteTx;
use crate::settings::Casing;
use crate::store::StoreError;

/// How many jobs share a commit at most, so that nobody waits for long.
const AT_ONCE: usize = 512;

/// How many jobs may wait before callers have to.
const WAITING: usize = 4096;

/// Something to be written.
trait Task: Send {
    /// Whether it has a savepoint of its own, so that its error undoes nothing but itself.
    fn isolated(&self) -> bool;
    /// Does it.
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Result<(), StoreError>;
    /// Tells its caller what came of it, once it is known how the commit went.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Job<R, F> {
    isolated: bool,
    /// Taken when it is done.
    work: Option<F>,
    result: Option<Result<R, StoreError>>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

impl<R, F> Task for Job<R, F>
where
    R: Send,
    F: FnOnce(&mut SqliteTx<'_>) -> Result<R, StoreError> + Send,
{
    fn isolated(&self) -> bool {
        self.isolated
    }

    fn run(&mut self, tx: &mut SqliteTx<'_>) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let result = self.result.insert(work(tx));
        result.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let answer = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(lost()),
        };
        // A caller that is gone does not need it.
        let _ = self.reply.send(answer);
    }
}

enum Message {
    Do(Box<dyn Task>),
    /// Do what came before, and end.
    Close(oneshot::Sender<()>),
}

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Message>,
    path: PathBuf,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, path: &Path, casing: Casing) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(WAITING);
        let thread = Thread { connection, path: path.to_owned(), file: file(path), casing };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || thread.run(queue))
            .map_err(|e| StoreError::Unavailable(format!("the thread that writes does not start: {e}")))?;
        Ok(Self { jobs, path: path.to_owned(), thread: std::sync::Mutex::new(Some(thread)) })
    }

    /// Does something in a transaction and returns what came of it after the commit. An error undoes
    /// what it wrote, and nothing else.
    pub(super) async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteTx<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.ask(true, work).await
    }

    /// Does something that no rule refuses. It costs less, and an error is that of everybody who shares the commit.
    pub(super) async fn write_plain<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteTx<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.ask(false, work).await
    }

    async fn ask<R: Send + 'static>(
        &self,
        isolated: bool,
        work: impl FnOnce(&mut SqliteTx<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { isolated, work: Some(work), result: None, reply };
        self.send(Message::Do(Box::new(job))).await?;
        let answer = answer.await.unwrap_or_else(|_| Err(lost()));
        answer.map_err(|error| named(error, &self.path))
    }

    /// Says whether nothing is taken any more.
    pub(super) fn is_closed(&self) -> bool {
        self.jobs.is_closed()
    }

    /// Ends the thread after everything that was asked for before.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Message::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    async fn send(&self, message: Message) -> Result<(), StoreError> {
        self.jobs.send(message).await.map_err(|_| StoreError::Unavailable("the store is closed".to_owned()))
    }
}

fn lost() -> StoreError {
    StoreError::Broken("the store gave up on a command that it could not carry out".to_owned())
}

/// Returns what tells a file from every other one, whatever its name.
fn file(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

struct Thread {
    connection: Connection,
    path: PathBuf,
    /// The file that is open.
    file: Option<(u64, u64)>,
    casing: Casing,
}

impl Thread {
    fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = queue.blocking_recv() else { break };
            let more = std::iter::from_fn(|| queue.try_recv().ok()).take(AT_ONCE - 1);
            let mut tasks = Vec::new();
            for message in std::iter::once(first).chain(more) {
                match message {
                    Message::Do(task) => tasks.push(task),
                    Message::Close(reply) => closing = Some(reply),
                }
            }
            if closing.is_some() {
                queue.close();
            }
            // A bug in one command must not end the service: those who share its commit lose their answer.
            if catch_unwind(AssertUnwindSafe(|| self.group(tasks))).is_err() {
                tracing::error!("a command panicked; nothing of its commit is kept");
                let _ = self.connection.execute_batch("rollback");
            }
        }
        let _ = self.connection.pragma_query(None, "wal_checkpoint", |_| Ok(()));
        drop(self.connection);
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    /// Does tasks in one transaction and answers them.
    fn group(&mut self, mut tasks: Vec<Box<dyn Task>>) {
        let result = self.transaction(&mut tasks);
        if let Err(error) = &result {
            tracing::error!(file = %self.path.display(), %error, "a commit failed");
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("rollback");
            }
        }
        for task in tasks {
            task.answer(result.clone());
        }
    }

    fn transaction(&mut self, tasks: &mut [Box<dyn Task>]) -> Result<(), StoreError> {
        // What is written to a file that has no name any more is lost at the end of the process.
        if file(&self.path) != self.file {
            return Err(StoreError::Broken(
                "the file was removed or replaced while it was in use".to_owned(),
            ));
        }
        self.connection.execute_batch("begin immediate")?;
        for task in tasks {
            let isolated = task.isolated();
            if isolated {
                self.connection.prepare_cached("savepoint one")?.execute([])?;
            }
            let result = task.run(&mut SqliteTx::new(&mut self.connection, self.casing));
            if !isolated {
                result?;
                continue;
            }
            // After some errors, such as a full disk, SQLite has undone everything by itself.
            if self.connection.is_autocommit() {
                result?;
                return Err(StoreError::Broken("the database ended a transaction by itself".to_owned()));
            }
            if result.is_err() {
                self.connection.prepare_cached("rollback to one")?.execute([])?;
            }
            self.connection.prepare_cached("release one")?.execute([])?;
        }
        self.connection.prepare_cached("commit")?.execute([])?;
        Ok(())
    }
}
