use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::courier::Courier;
use crate::settings::Settings;

/// How the delivery fares, for health, and what it remembers between two messages.
#[derive(Default)]
pub struct DeliveryStatus {
    /// What is wrong, by what it is wrong with.
    troubles: Mutex<BTreeMap<String, String>>,
    courier: OnceLock<Option<Arc<Courier>>>,
}

impl DeliveryStatus {
    /// Returns what is wrong with the way to people, if anything is. No secret is in it.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: Vec<&str> = troubles.values().map(String::as_str).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Notes what is wrong with something; `None`: it goes well.
    pub(super) fn note(&self, what: &str, trouble: Option<&str>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(text) => drop(troubles.insert(what.to_owned(), text.to_owned())),
            None => drop(troubles.remove(what)),
        }
    }

    /// Returns who brings messages to Discord; `None` where it is not set up.
    pub(crate) fn courier(&self, settings: &Settings) -> Option<Arc<Courier>> {
        self.courier
            .get_or_init(|| settings.discord.as_ref().map(|_| Arc::new(Courier::new(settings))))
            .clone()
    }
}

impl std::fmt::Debug for DeliveryStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryStatus").field("trouble", &self.trouble()).finish_non_exhaustive()
    }
}
