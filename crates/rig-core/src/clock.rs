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

/// Returns a new id; ids made later sort later.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_milliseconds_and_a_zone() {
        let now = super::now();
        assert_eq!((now.len(), &now[10..11], &now[19..20], &now[23..]), (24, "T", ".", "Z"), "{now}");
    }
}
