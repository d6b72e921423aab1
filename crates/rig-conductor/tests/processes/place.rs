//! The stores that the processes share with the test, which looks into them and moves their clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rig_conductor::settings::{Secret, StoreSettings};
use rig_conductor::store::{self, Store, StoreError, StoreOptions};
use rig_testkit::postgres::Database;
use tokio::runtime::Runtime;

/// Which store.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file of this name.
    Sqlite(PathBuf),
    /// A schema of a database.
    Postgres {
        /// The URL of the database.
        url: String,
        /// The schema.
        schema: String,
    },
}

impl Place {
    /// A file in a directory.
    pub(crate) fn sqlite(dir: &Path) -> Self {
        Self::Sqlite(dir.join("conductor.db"))
    }

    /// A schema of its own in a database.
    pub(crate) fn postgres(database: &Database<'_>, schema: &str) -> Self {
        Self::Postgres { url: database.url(), schema: schema.to_owned() }
    }

    /// The settings by which a process finds it.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        match self {
            Self::Sqlite(path) => vec![pair("RIG_CONDUCTOR_STORE", format!("sqlite:{}", path.display()))],
            Self::Postgres { url, schema } => {
                vec![pair("RIG_CONDUCTOR_STORE", url.clone()), pair("RIG_CONDUCTOR_SCHEMA", schema.clone())]
            }
        }
    }

    fn settings(&self) -> StoreSettings {
        match self {
            Self::Sqlite(path) => StoreSettings::Sqlite(path.clone()),
            Self::Postgres { url, schema } => {
                StoreSettings::Postgres { url: Secret(url.clone()), schema: schema.clone() }
            }
        }
    }
}

/// The test's own way into a store.
pub(crate) struct Window {
    runtime: Runtime,
    store: Arc<dyn Store>,
}

impl Window {
    /// Opens a store, whose tables it makes if need be.
    #[track_caller]
    pub(crate) fn open(place: &Place) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = StoreOptions { postgres_connections: 4, ..StoreOptions::default() };
        let store = runtime.block_on(store::open(&place.settings(), options)).unwrap();
        Self { runtime, store }
    }

    /// Asks the store, again while it cannot be reached: the database may be restarting.
    #[track_caller]
    pub(crate) fn ask<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        question: impl Fn(Arc<dyn Store>) -> F,
    ) -> T {
        for _ in 0..200 {
            match self.runtime.block_on(question(Arc::clone(&self.store))) {
                Ok(answer) => return answer,
                Err(StoreError::Unavailable(_) | StoreError::Conflict) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the store does not come back")
    }

    /// Moves the store's clock.
    pub(crate) fn advance(&self, by: Duration) {
        self.ask(|store| async move { store.advance(by).await });
    }
}
