//! What to do while Discord does not answer: little, and not to give anything up because of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// After so many calls without an answer, one behind the other, the way is held to be closed.
const FAILURES: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// The most that a probe takes.
const PROBE: Duration = Duration::from_secs(12);

/// Whether Discord can be reached at all.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Until when only urgent calls are made; afterwards one at a time, to see.
    closed_until: Option<Timestamp>,
    rest: Duration,
    /// Whether a call is under way that was let through to see.
    probing: bool,
}

impl Breaker {
    /// Says how long a call has to wait. While the way is closed, an urgent call is made nonetheless,
    /// and when a rest is over one other call is, as a probe.
    pub(super) fn admit(&mut self, urgent: bool, now: Timestamp) -> Result<(), Duration> {
        let Some(until) = self.closed_until else { return Ok(()) };
        if urgent {
            return Ok(());
        }
        if now < until {
            return Err(now.duration_until(until).unsigned_abs());
        }
        // The next one waits until this one is back.
        self.closed_until = Some(later(now, PROBE));
        self.probing = true;
        Ok(())
    }

    /// Notes an answer, whatever it says.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Notes a call without an answer.
    pub(super) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        // What was under way when the way was closed says nothing new.
        let resting = self.closed_until.is_some_and(|until| now < until) && !self.probing;
        if self.failures >= FAILURES && !resting {
            self.probing = false;
            self.rest = if self.rest.is_zero() { FIRST_REST } else { (self.rest * 2).min(LONGEST_REST) };
            self.closed_until = Some(later(now, self.rest));
        }
    }

    /// Says whether the way is held to be closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed_until.is_some()
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_closed_way_lets_through_what_is_urgent_and_one_probe_after_each_rest() {
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.failed(at(0)));
        assert_eq!(breaker.admit(false, at(0)), Ok(()));
        assert!(!breaker.is_closed());
        breaker.failed(at(0));
        assert!(breaker.is_closed());
        assert_eq!(breaker.admit(false, at(1)), Err(Duration::from_secs(1)));
        assert_eq!(breaker.admit(true, at(1)), Ok(()));
        assert_eq!(breaker.admit(false, at(2)), Ok(()));
        assert_eq!(breaker.admit(false, at(2)), Err(Duration::from_secs(12)));
        breaker.failed(at(2));
        assert_eq!(breaker.admit(false, at(3)), Err(Duration::from_secs(3)));
        breaker.answered();
        assert_eq!(breaker.admit(false, at(3)), Ok(()));
        assert!(!breaker.is_closed());
    }

    #[test]
    fn the_rests_grow_up_to_a_minute() {
        let mut breaker = Breaker::default();
        (0..20).for_each(|_| breaker.failed(at(0)));
        assert_eq!(breaker.admit(false, at(0)), Err(FIRST_REST));
        (1..20).for_each(|n| breaker.failed(at(n * 100)));
        assert_eq!(breaker.admit(false, at(1900)), Err(LONGEST_REST));
    }
}
