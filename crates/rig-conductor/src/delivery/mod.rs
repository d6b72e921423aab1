//! From the outbox to people: claim, send, record.

use std::sync::Mutex;

/// How the delivery fares, for health and metrics.
#[derive(Debug, Default)]
pub struct DeliveryStatus {
    trouble: Mutex<Option<String>>,
}

impl DeliveryStatus {
    /// Returns what is wrong with the way to people, if anything is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Notes what is wrong; `None`: it goes well.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = trouble;
    }
}
