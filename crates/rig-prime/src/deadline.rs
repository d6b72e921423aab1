//! A moment after which nobody waits any longer.

use std::time::{Duration, Instant};

/// A moment after which nobody waits any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Returns the moment that lies this long after `start`.
    #[must_use]
    pub(crate) fn after(start: Instant, wait: Duration) -> Self {
        Self(start + wait)
    }

    /// Returns the moment that lies this long from now, or this deadline where that is sooner.
    #[must_use]
    pub(crate) fn within(self, wait: Duration) -> Self {
        Self(self.0.min(Instant::now() + wait))
    }

    /// Returns the moment itself.
    #[must_use]
    pub(crate) fn instant(self) -> Instant {
        self.0
    }

    /// Returns the time that is left; `None` when it is over.
    #[must_use]
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_deadline_counts_and_a_past_one_has_nothing_left() {
        let now = Instant::now();
        let far = Deadline::after(now, Duration::from_secs(3600));
        assert!(far.within(Duration::from_secs(60)).left() <= Some(Duration::from_secs(60)));
        assert_eq!(far.within(Duration::from_secs(7200)), far);
        assert_eq!(Deadline::after(now, Duration::ZERO).left(), None);
    }
}
