//! Times and ids of events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the present as ISO 8601 in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`.
#[must_use]
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Returns the seconds since 1970, as files and records of the rig hold them.
#[must_use]
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Returns how many seconds ago a time was, given as ISO 8601; negative for one to come.
#[must_use]
pub fn seconds_since(time: &str) -> Option<i64> {
    let time: jiff::Timestamp = time.trim().parse().ok()?;
    Some(jiff::Timestamp::now().as_second() - time.as_second())
}

/// Returns the time that lies so many seconds back, as [`now`] writes it.
#[must_use]
pub fn seconds_ago(seconds: u64) -> String {
    let then = jiff::Timestamp::now().as_second().saturating_sub_unsigned(seconds).max(0);
    format!("{:.3}", jiff::Timestamp::from_second(then).unwrap_or_default())
}

/// Returns a new id; ids made later sort later.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_read_back_as_ages() {
        let age = super::seconds_since(&super::seconds_ago(90)).unwrap();
        assert!((90..100).contains(&age), "{age}");
        assert!(super::seconds_since("2999-01-01T00:00:00+02:00").unwrap() < -1_000_000_000);
        assert_eq!((super::seconds_since("yesterday"), super::seconds_since("")), (None, None));
        assert_eq!(super::seconds_ago(u64::MAX), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn times_have_milliseconds_and_a_zone() {
        let now = super::now();
        assert_eq!((now.len(), &now[10..11], &now[19..20], &now[23..]), (24, "T", ".", "Z"), "{now}");
    }
}
