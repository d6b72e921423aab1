//! What the parts of a running service share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::delivery::DeliveryStatus;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::store::Store;

/// The parts of a running service.
pub struct App {
    /// What it is told to do.
    pub settings: Settings,
    /// What it knows.
    pub store: Arc<dyn Store>,
    /// Wakes the delivery: something was put into the outbox.
    pub wake: Notify,
    /// How the delivery fares.
    pub delivery: DeliveryStatus,
    /// What is counted.
    pub metrics: Metrics,
    /// The name of this process among its replicas: it owns leases.
    pub owner: String,
    started: Instant,
    /// When the last request came, in milliseconds since the start.
    last_request: AtomicU64,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(settings: Settings, store: Arc<dyn Store>) -> Self {
        Self {
            settings,
            store,
            wake: Notify::new(),
            delivery: DeliveryStatus::default(),
            metrics: Metrics::default(),
            owner: uuid::Uuid::now_v7().to_string(),
            started: Instant::now(),
            last_request: AtomicU64::new(0),
        }
    }

    /// Notes that somebody asked for something.
    pub fn touch(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_request.fetch_max(since, Ordering::Relaxed);
    }

    /// Returns for how long nobody has asked for anything.
    #[must_use]
    pub fn idle_for(&self) -> Duration {
        self.started
            .elapsed()
            .saturating_sub(Duration::from_millis(self.last_request.load(Ordering::Relaxed)))
    }
}
