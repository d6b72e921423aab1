//! Delivery of spooled events.
//!
//! One [`Courier`] carries the rules: which coordinator a record goes to, what an answer means for
//! it, and when to leave a coordinator alone.
//!
//! A coordinator that is not there gets nothing more in a pass. One that fails at an event gets the
//! next: an event at which it always fails must not hold up all that come after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::unix_seconds;
use crate::conductor::{Budget, Conductor, Endpoint, LONGEST_REST, Posted};
use crate::log;
use crate::spool::{Delivery, Record};

/// For how long a coordinator that does not know a type of event is not asked again, in seconds.
const REMEMBER_REFUSAL: u64 = 60 * 60;

/// In the place of a type: the coordinator asked to be left alone with all of them.
const ALL: &str = "*";

/// At so many events in a pass a coordinator may fail before it is left alone for the rest of it.
const FAILURES: u32 = 3;

/// The least time, in milliseconds, that is worth a request; one that is cut off may arrive anyway.
const WORTHWHILE: Duration = Duration::from_millis(200);

/// Carries records to their coordinators.
pub struct Courier {
    own: Option<Conductor>,
    others: BTreeMap<String, Option<Conductor>>,
    budget: Budget,
    refusals: Refusals,
    resting: BTreeSet<String>,
    failures: BTreeMap<String, u32>,
    deadline: Option<Instant>,
    throttled: u64,
    insists: bool,
    answer: Option<Value>,
    refusal: Option<u16>,
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
            resting: BTreeSet::new(),
            failures: BTreeMap::new(),
            deadline: None,
            throttled: 0,
            insists: false,
            answer: None,
            refusal: None,
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
        self.failures.clear();
        self.throttled = 0;
    }

    /// Returns whether a coordinator could not be reached in this pass, or is left alone.
    #[must_use]
    pub fn was_unreachable(&self) -> bool {
        !self.resting.is_empty()
    }

    /// Returns whether something is worth another try: a coordinator could not be reached or failed.
    #[must_use]
    pub fn had_trouble(&self) -> bool {
        self.was_unreachable() || !self.failures.is_empty()
    }

    /// Returns the longest time that a coordinator asked to be left alone in this pass, in seconds.
    #[must_use]
    pub fn throttled_for(&self) -> u64 {
        self.throttled
    }

    /// Takes the answer to the last event that was accepted.
    pub fn take_answer(&mut self) -> Option<Value> {
        self.answer.take()
    }

    /// Returns the status with which an event was last not taken.
    #[must_use]
    pub fn last_refusal(&self) -> Option<u16> {
        self.refusal
    }

    /// Takes what there is to tell: who could not be reached and why, what was given up.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Carries one record.
    pub fn deliver(&mut self, record: &Record<'_>) -> Delivery {
        if self.deadline.is_some_and(|deadline| Instant::now() + WORTHWHILE > deadline) {
            return Delivery::Later;
        }
        let (own, budget) = (self.own.as_ref(), self.budget);
        let conductor = match &record.to {
            None => own,
            Some(base) => self
                .others
                .entry(base.clone())
                .or_insert_with(|| {
                    Some(Conductor::new(Endpoint::of_record(base, own.map(Conductor::endpoint))?, budget))
                })
                .as_ref(),
        };
        let Some(conductor) = conductor else { return Delivery::Later };
        let base = conductor.endpoint().base.clone();
        let kind = record.summary().map_or_else(String::new, |s| s.kind);
        if self.resting.contains(&base) {
            return Delivery::Later;
        }
        if !self.insists {
            if let Some(left) = self.refusals.left(&base, ALL) {
                return self.leave_alone(base, left);
            }
            if record.keep && self.refusals.left(&base, &kind).is_some() {
                return Delivery::Later;
            }
        }
        let foreign = record.to.is_some() && conductor.endpoint().token.is_none();
        let posted = conductor.post_event(record.event.get(), self.deadline);
        if let Posted::Refused(status, _) | Posted::Failed(status) = posted {
            self.refusal = Some(status);
        }
        match posted {
            Posted::Accepted(answer) => {
                self.answer = Some(answer);
                Delivery::Accepted
            }
            Posted::Refused(status, said) => self.refused(record, base, &kind, &format!("{status} ({said})")),
            // No token will ever go there.
            Posted::Failed(401) if foreign => self.refused(record, base, &kind, "401"),
            Posted::Unavailable(why) => {
                self.notes.push(format!("{base} could not be reached: {why}"));
                self.resting.insert(base);
                Delivery::Later
            }
            Posted::Failed(status) => {
                self.notes.push(format!("{base} did not take {kind}: it answered {status}"));
                let failures = self.failures.entry(base.clone()).or_default();
                *failures += 1;
                if *failures >= FAILURES {
                    self.resting.insert(base);
                }
                Delivery::Later
            }
            Posted::Throttled(seconds) => {
                self.refusals.remember(&base, ALL, seconds);
                self.leave_alone(base, seconds)
            }
        }
    }

    fn refused(&mut self, record: &Record<'_>, base: String, kind: &str, answer: &str) -> Delivery {
        let what = if record.keep { "kept" } else { "given up" };
        self.notes.push(format!("{base} refused {kind} with {answer}; it is {what}"));
        if record.keep {
            self.refusals.remember(&base, kind, REMEMBER_REFUSAL);
            return Delivery::Later;
        }
        Delivery::GivenUp
    }

    fn leave_alone(&mut self, base: String, seconds: u64) -> Delivery {
        self.notes.push(format!("{base} asks to be left alone for {seconds} s"));
        self.throttled = self.throttled.max(seconds);
        self.resting.insert(base);
        Delivery::Later
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

    /// Returns for how many seconds a refusal still counts.
    fn left(&self, base: &str, kind: &str) -> Option<u64> {
        let until = *self.until.get(base)?.get(kind)?;
        // After a clock was set back nothing is silenced for longer than it should be.
        until
            .checked_sub(unix_seconds())
            .filter(|left| (1..=REMEMBER_REFUSAL.max(LONGEST_REST)).contains(left))
    }

    fn remember(&mut self, base: &str, kind: &str, seconds: u64) {
        let kinds = self.until.entry(base.to_owned()).or_default();
        kinds.insert(kind.to_owned(), unix_seconds() + seconds);
        let text = serde_json::to_vec(&self.until).expect("the keys are text");
        // Forgetting a refusal costs one request, so a failure is not worth a word.
        let _ = log::replace(&self.path, &text);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_refusal_is_remembered_for_an_hour_by_type_and_coordinator() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refused.json");
        Refusals::read(path.clone()).remember("http://a", "GUARD_BLOCKED", REMEMBER_REFUSAL);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Refusals::read(path.clone());
        let held = |base, kind| read.left(base, kind).is_some();
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
            assert!(Refusals::read(path.clone()).left("http://a", "GUARD_BLOCKED").is_none());
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(Refusals::read(path).left("http://a", "GUARD_BLOCKED").is_none());
    }
}
