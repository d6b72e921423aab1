//! Delivery of spooled events.
//!
//! One [`Courier`] carries the rules: which coordinator a record goes to, what an answer means for
//! it, and when to leave a coordinator alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::clock::unix_seconds;
use crate::conductor::{Budget, Conductor, Endpoint, Posted};
use crate::spool::{Delivery, Record};

/// For how long a coordinator that does not know a type of event is not asked again, in seconds.
const REMEMBER_REFUSAL: u64 = 60 * 60;

/// Carries records to their coordinators.
pub struct Courier {
    own: Option<Conductor>,
    others: BTreeMap<String, Option<Conductor>>,
    budget: Budget,
    refusals: Refusals,
    resting: BTreeMap<String, String>,
    deadline: Option<Instant>,
    throttled: u64,
    insists: bool,
    notes: Vec<String>,
}

impl Courier {
    /// Prepares deliveries to the user's own coordinator and to those that records name.
    /// `spool` is the directory in which refusals are remembered.
    #[must_use]
    pub fn new(own: Option<Endpoint>, budget: Budget, spool: PathBuf) -> Self {
        let notes = own.as_ref().and_then(|e| e.withheld.clone()).into_iter().collect();
        Self {
            own: own.map(|endpoint| Conductor::new(endpoint, budget)),
            others: BTreeMap::new(),
            budget,
            refusals: Refusals::read(spool.join("refused.json")),
            resting: BTreeMap::new(),
            deadline: None,
            throttled: 0,
            insists: false,
            notes,
        }
    }

    /// Delivers nothing more after this time.
    pub fn stop_at(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Asks also those that refused a type of event a short while ago.
    pub fn insist(&mut self) {
        self.insists = true;
    }

    /// Begins a new pass: coordinators that could not be reached are tried again.
    pub fn begin_pass(&mut self) {
        self.resting.clear();
        self.throttled = 0;
    }

    /// Returns whether a coordinator could not be reached in this pass.
    #[must_use]
    pub fn was_unreachable(&self) -> bool {
        !self.resting.is_empty()
    }

    /// Returns the longest time that a coordinator asked to be left alone in this pass, in seconds.
    #[must_use]
    pub fn throttled_for(&self) -> u64 {
        self.throttled
    }

    /// Takes what there is to tell: who could not be reached and why, what was given up.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Carries one record.
    pub fn deliver(&mut self, record: &Record<'_>) -> Delivery {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Delivery::Later;
        }
        let budget = self.budget;
        let conductor = match &record.to {
            None => self.own.as_ref(),
            Some(base) => self
                .others
                .entry(base.clone())
                .or_insert_with(|| Some(Conductor::new(Endpoint::without_token(base)?, budget)))
                .as_ref(),
        };
        let Some(conductor) = conductor else { return Delivery::Later };
        let base = conductor.endpoint().base.clone();
        let kind = record.summary().map_or_else(String::new, |s| s.kind);
        let refused_lately = || record.keep && !self.insists && self.refusals.holds(&base, &kind);
        if self.resting.contains_key(&base) || refused_lately() {
            return Delivery::Later;
        }
        match conductor.post_event(record.event.get()) {
            Posted::Accepted(_) => Delivery::Accepted,
            Posted::Refused(status, said) if record.keep => {
                self.notes.push(format!("{base} refused {kind} with {status} ({said}); it is kept"));
                self.refusals.remember(&base, &kind);
                Delivery::Later
            }
            Posted::Refused(status, said) => {
                self.notes.push(format!("{base} refused {kind} with {status} ({said}); it is given up"));
                Delivery::GivenUp
            }
            Posted::Unavailable(why) => {
                self.notes.push(format!("{base} could not be reached: {why}"));
                self.resting.insert(base, why);
                Delivery::Later
            }
            Posted::Throttled(seconds) => {
                self.notes.push(format!("{base} asks to be left alone for {seconds} s"));
                self.throttled = self.throttled.max(seconds);
                self.resting.insert(base, "throttled".to_owned());
                Delivery::Later
            }
        }
    }
}

/// Which coordinator refused which type of event, and until when that is believed.
struct Refusals {
    path: PathBuf,
    until: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Refusals {
    /// An unreadable file counts as empty: the worst that follows is one more refusal.
    fn read(path: PathBuf) -> Self {
        let until =
            fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path, until }
    }

    fn holds(&self, base: &str, kind: &str) -> bool {
        let now = unix_seconds();
        let until = self.until.get(base).and_then(|kinds| kinds.get(kind)).copied().unwrap_or(0);
        // A clock that was set back does not silence a type for longer than it should.
        now < until && until - now <= REMEMBER_REFUSAL
    }

    fn remember(&mut self, base: &str, kind: &str) {
        let kinds = self.until.entry(base.to_owned()).or_default();
        kinds.insert(kind.to_owned(), unix_seconds() + REMEMBER_REFUSAL);
        let text = serde_json::to_vec(&self.until).expect("the keys are text");
        let new = self.path.with_extension("new");
        // Forgetting a refusal costs one request, so a failure is not worth a word.
        let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_for_an_hour_by_type_and_coordinator() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refused.json");
        Refusals::read(path.clone()).remember("http://a", "GUARD_BLOCKED");
        let read = Refusals::read(path.clone());
        let held = |base, kind| read.holds(base, kind);
        assert_eq!(
            [
                held("http://a", "GUARD_BLOCKED"),
                held("http://a", "HEARTBEAT"),
                held("http://b", "GUARD_BLOCKED")
            ],
            [true, false, false]
        );
        for until in [unix_seconds() - 1, unix_seconds() + 2 * REMEMBER_REFUSAL] {
            fs::write(&path, format!(r#"{{"http://a":{{"GUARD_BLOCKED":{until}}}}}"#)).unwrap();
            assert!(!Refusals::read(path.clone()).holds("http://a", "GUARD_BLOCKED"));
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(!Refusals::read(path).holds("http://a", "GUARD_BLOCKED"));
    }
}
