//! Connections that only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::error::named;
use super::migrate;
use crate::store::StoreError;

/// So many; each costs a thread while it reads.
const READERS: usize = 2;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let free = (0..READERS).map(|_| migrate::reader(path)).collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), free: Arc::new(Mutex::new(free)), permits: Semaphore::new(READERS) })
    }

    /// Asks a question on a thread that may wait.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let _permit = self.permits.acquire().await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let free = Arc::clone(&self.free);
        let path = self.path.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let lock = || free.lock().unwrap_or_else(PoisonError::into_inner);
            // One is missing only after a question that panicked.
            let connection = match lock().pop() {
                Some(connection) => connection,
                None => migrate::reader(&path)?,
            };
            let transaction = connection.unchecked_transaction()?;
            let answer = question(&transaction);
            drop(transaction);
            lock().push(connection);
            answer
        });
        let answer = reading.await.map_err(|e| StoreError::Broken(e.to_string()))?;
        answer.map_err(|error| named(error, &self.path))
    }
}
