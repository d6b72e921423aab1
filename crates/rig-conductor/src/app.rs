//! What the parts of a running service share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::delivery::DeliveryStatus;
use crate::http::health;
use crate::metrics::{Metrics, Word};
use crate::settings::Settings;
use crate::store::{Command, Receipt, Store, StoreError};

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
    /// How it fared when it was asked last.
    pub(crate) health: health::Last,
    /// Whether what was written last was not kept.
    cannot_write: AtomicBool,
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
            health: health::Last::default(),
            cannot_write: AtomicBool::new(false),
            started: Instant::now(),
            last_request: AtomicU64::new(0),
        }
    }

    /// Carries out a command on escalations, counts what came of it and wakes the delivery.
    ///
    /// # Errors
    /// When a rule forbids it, or the store fails.
    pub async fn execute(&self, command: Command) -> Result<Receipt, StoreError> {
        let word = Word::of(&command);
        let receipt = self.written(self.store.execute(command, &self.settings.policy).await)?;
        self.metrics.changed(word, &receipt);
        if receipt.changed {
            self.wake.notify_one();
        }
        Ok(receipt)
    }

    /// Notes whether something that was to be written is kept: a store that can be read may be full, or a copy
    /// that takes nothing.
    pub(crate) fn written<R>(&self, result: Result<R, StoreError>) -> Result<R, StoreError> {
        match &result {
            Ok(_) | Err(StoreError::Rejected(_)) => self.cannot_write.store(false, Ordering::Relaxed),
            Err(StoreError::Unavailable(_) | StoreError::Broken(_)) => {
                self.cannot_write.store(true, Ordering::Relaxed);
            }
            Err(StoreError::Conflict) => {}
        }
        result
    }

    /// Says whether what was written last was not kept.
    pub(crate) fn cannot_write(&self) -> bool {
        self.cannot_write.load(Ordering::Relaxed)
    }

    /// Returns for how long it runs.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
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

/// Says whether the service is to end. Every part of it holds one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Makes every [`Stop`] of its pair say so; dropping it does, too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// Makes a pair.
    #[must_use]
    pub fn pair() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// Waits until the service is to end.
    pub async fn requested(&self) {
        // An error means that nobody is left who could ask for it.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Says whether the service is to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

impl Stopper {
    /// Asks for the end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_holds_a_stop_hears_of_the_end_now_and_later() {
        let (stopper, stop) = Stop::pair();
        let other = stop.clone();
        assert!(!other.is_requested());
        stopper.stop();
        stop.requested().await;
        assert!(other.is_requested());
        other.requested().await;
    }

    #[tokio::test]
    async fn a_stopper_that_is_gone_has_asked_for_the_end() {
        let (stopper, stop) = Stop::pair();
        drop(stopper);
        stop.requested().await;
        assert!(stop.is_requested());
    }
}
