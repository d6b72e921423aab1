use std::time::{Duration, Instant, SystemTime};

use super::http::CALL_TIMEOUT;

/// How long a claimed entry is held.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// How long a claim still lasts, judged so that a process which stood still does not think it has time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    began: Instant,
    /// The other clock goes on while the machine sleeps. Set forward, it only ends the lease early.
    began_by_wall: SystemTime,
    lasts: Duration,
}

impl Lease {
    /// Begins a lease. To be called before the claim is, so that it ends before the store thinks so.
    #[must_use]
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), began_by_wall: SystemTime::now(), lasts: LEASE }
    }

    /// Returns what is left of it.
    #[must_use]
    pub(super) fn left(&self) -> Duration {
        let by_wall = self.began_by_wall.elapsed().unwrap_or_default();
        self.lasts.saturating_sub(self.began.elapsed().max(by_wall))
    }

    /// Says whether a call that begins now ends within it.
    #[must_use]
    pub(super) fn is_enough(&self) -> bool {
        self.left() > CALL_TIMEOUT + Duration::from_secs(2)
    }

    /// Lets it be over so much sooner.
    #[cfg(test)]
    pub(super) fn spent(mut self, by: Duration) -> Self {
        self.lasts = self.lasts.saturating_sub(by);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_might_end_after_the_lease_is_not_begun() {
        let lease = Lease::begin();
        assert!(lease.is_enough());
        assert!(!lease.spent(LEASE - CALL_TIMEOUT).is_enough());
        assert_eq!(lease.spent(LEASE).left(), Duration::ZERO);
    }
}
