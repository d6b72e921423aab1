//! How often Discord may be called: what its answers say about that, and what never to reach.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::http::{Call, Head};

/// The most calls in a second. Discord allows fifty to a bot, which replicas share.
const PER_SECOND: usize = 45;
/// Within this time the refused calls are counted.
const BAN_WINDOW: Duration = Duration::from_secs(600);
/// So many refused calls within [`BAN_WINDOW`] and Discord refuses the address altogether.
const BAN: usize = 10_000;
/// The rest after the edge, in front of Discord, has refused a call: it knows no seconds.
const EDGE_REST: Duration = Duration::from_secs(120);

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Which bucket a kind of call counts in.
    names: HashMap<(&'static str, &'static str), String>,
    buckets: HashMap<(String, String), Bucket>,
    /// Until when everything rests.
    rest: Option<Instant>,
    recent: VecDeque<Instant>,
    refused: VecDeque<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u64,
    full_at: Instant,
    /// Which filling it is: when it ends, by Discord's clock.
    round: f64,
}

impl Limits {
    /// Takes a call out of its bucket, or says how long it has to wait. Where refused calls come near
    /// the ban, only urgent ones are made, and in the end none.
    pub(super) fn take(&mut self, call: &Call, urgent: bool, now: Instant) -> Result<(), Duration> {
        if let Some(wait) =
            self.rest.and_then(|until| until.checked_duration_since(now)).filter(|w| !w.is_zero())
        {
            return Err(wait);
        }
        self.forget(now);
        let most = if urgent { BAN / 10 * 9 } else { BAN / 2 };
        if self.refused.len() >= most {
            // The oldest of them has to be forgotten first.
            let oldest = self.refused[self.refused.len() - most];
            return Err((oldest + BAN_WINDOW).saturating_duration_since(now).max(Duration::from_secs(1)));
        }
        if self.recent.len() >= PER_SECOND {
            return Err((self.recent[0] + Duration::from_secs(1)).saturating_duration_since(now));
        }
        let key = self.key(call);
        if let Some(bucket) = self.buckets.get_mut(&key).filter(|bucket| now < bucket.full_at) {
            if bucket.left == 0 {
                return Err(bucket.full_at - now);
            }
            bucket.left -= 1;
        }
        self.recent.push_back(now);
        Ok(())
    }

    /// Notes what an answer says about limits. For one that asks to wait it returns for how long, and
    /// lets the calls rest that are meant.
    pub(super) fn note(&mut self, call: &Call, head: &Head, is_json: bool, now: Instant) -> Option<Duration> {
        let counts = matches!(head.status, 401 | 403) || head.status == 429 && head.scope != "shared";
        if counts {
            self.refused.push_back(now);
        }
        if let Some(name) = &head.bucket {
            self.names.insert((call.method, call.template), name.clone());
        }
        let edge = !is_json && matches!(head.status, 403 | 429);
        if edge || head.status == 429 {
            let said = head.retry_after.unwrap_or(0.0).max(head.reset_after.unwrap_or(0.0));
            let said = Duration::try_from_secs_f64(said).unwrap_or(BAN_WINDOW);
            let wait = if edge { said.max(EDGE_REST) } else { said.max(Duration::from_millis(50)) };
            let wait = wait + jitter(wait / 10);
            if edge || head.global {
                self.rest = self.rest.max(Some(now + wait));
            } else {
                let key = self.key(call);
                self.buckets.insert(key, Bucket { left: 0, full_at: now + wait, round: f64::INFINITY });
            }
            return Some(wait);
        }
        if let (Some(left), Some(after)) = (head.remaining, head.reset_after) {
            let key = self.key(call);
            let full_at = now + Duration::try_from_secs_f64(after).unwrap_or(BAN_WINDOW).min(BAN_WINDOW);
            let round = head.reset.unwrap_or_default();
            let left = match self.buckets.get(&key).filter(|bucket| now < bucket.full_at) {
                // Answers overtake each other: of one round the smallest number is the last.
                Some(known) if (known.round - round).abs() < SAME_ROUND => known.left.min(left),
                Some(known) if round < known.round => return None,
                _ => left,
            };
            self.buckets.insert(key, Bucket { left, full_at, round });
        }
        None
    }

    /// Returns how many refused calls count towards the ban.
    pub(super) fn refused(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.refused.len()
    }

    fn key(&self, call: &Call) -> (String, String) {
        let name = self.names.get(&(call.method, call.template));
        let name = name.cloned().unwrap_or_else(|| format!("{} {}", call.method, call.template));
        (name, call.resource.clone())
    }

    fn forget(&mut self, now: Instant) {
        while self
            .recent
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= Duration::from_secs(1))
        {
            self.recent.pop_front();
        }
        while self.refused.front().is_some_and(|at| now.saturating_duration_since(*at) >= BAN_WINDOW) {
            self.refused.pop_front();
        }
        if self.buckets.len() > 1000 {
            self.buckets.retain(|_, bucket| now < bucket.full_at);
        }
    }
}

/// So many seconds two answers of the same round may differ in.
const SAME_ROUND: f64 = 0.05;

/// Returns a random part of a time, so that those who wait for the same do not come back at once.
#[must_use]
pub(super) fn jitter(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1000;
    most * u32::try_from(random).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(channel: &str) -> Call {
        Call::post(channel, serde_json::json!({}))
    }

    fn answer(status: u16, remaining: u64, reset_after: f64) -> Head {
        Head {
            status,
            bucket: Some("b".to_owned()),
            remaining: Some(remaining),
            reset: Some(1000.0 + reset_after),
            reset_after: Some(reset_after),
            scope: "user",
            ..Head::default()
        }
    }

    #[test]
    fn an_empty_bucket_lets_calls_to_its_channel_wait_and_no_others() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        assert_eq!(limits.take(&post("1"), false, now), Ok(()));
        assert_eq!(limits.note(&post("1"), &answer(200, 1, 2.0), true, now), None);
        assert_eq!(limits.take(&post("1"), false, now), Ok(()));
        assert_eq!(limits.take(&post("1"), true, now), Err(Duration::from_secs(2)));
        assert_eq!(limits.take(&post("2"), false, now), Ok(()));
        assert_eq!(limits.take(&post("1"), false, now + Duration::from_secs(2)), Ok(()));
    }

    #[test]
    fn a_late_answer_does_not_fill_a_bucket_again() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        limits.note(&post("1"), &answer(200, 0, 2.0), true, now);
        for late in [answer(200, 1, 2.0), answer(200, 4, 0.5)] {
            limits.note(&post("1"), &late, true, now);
            assert!(limits.take(&post("1"), false, now).is_err());
        }
        limits.note(&post("1"), &answer(200, 4, 3.0), true, now);
        assert_eq!(limits.take(&post("1"), false, now), Ok(()));
    }

    #[test]
    fn the_larger_of_header_and_body_counts_and_a_global_one_is_for_all() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        let head = Head { retry_after: Some(3.0), ..answer(429, 0, 1.0) };
        let wait = limits.note(&post("1"), &head, true, now).unwrap();
        assert!((3.0..3.4).contains(&wait.as_secs_f64()), "{wait:?}");
        assert!(limits.take(&post("1"), true, now + Duration::from_millis(2900)).is_err());
        assert_eq!(limits.take(&post("2"), false, now), Ok(()));
        let global =
            Head { status: 429, retry_after: Some(1.0), global: true, scope: "global", ..Head::default() };
        limits.note(&post("1"), &global, true, now);
        assert!(limits.take(&post("2"), true, now).is_err());
        assert_eq!(limits.take(&post("2"), false, now + Duration::from_millis(1200)), Ok(()));
    }

    #[test]
    fn the_edge_is_left_alone_for_minutes() {
        for status in [403, 429] {
            let (mut limits, now) = (Limits::default(), Instant::now());
            let head = Head { status, retry_after: Some(1.0), scope: "unknown", ..Head::default() };
            limits.note(&post("1"), &head, false, now);
            assert!(limits.take(&post("2"), true, now + Duration::from_secs(119)).is_err());
        }
    }

    #[test]
    fn refused_calls_stop_what_is_not_urgent_long_before_the_ban() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        let shared = Head { status: 429, scope: "shared", ..Head::default() };
        let forbidden = Head { status: 403, scope: "unknown", ..Head::default() };
        limits.note(&post("1"), &shared, true, now);
        assert_eq!(limits.refused(now), 0);
        for _ in 0..BAN / 2 {
            let _ = limits.note(&post("1"), &forbidden, true, now);
        }
        assert_eq!(limits.take(&post("2"), false, now), Err(BAN_WINDOW));
        assert_eq!(limits.take(&post("2"), true, now), Ok(()));
        for _ in 0..BAN / 10 * 4 {
            let _ = limits.note(&post("1"), &forbidden, true, now);
        }
        assert_eq!(limits.take(&post("2"), true, now), Err(BAN_WINDOW));
        assert_eq!(limits.take(&post("2"), false, now + BAN_WINDOW), Ok(()));
    }

    #[test]
    fn no_more_calls_are_made_in_a_second_than_a_bot_may() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        for n in 0..PER_SECOND {
            assert_eq!(limits.take(&post(&n.to_string()), false, now), Ok(()));
        }
        assert_eq!(limits.take(&post("x"), true, now), Err(Duration::from_secs(1)));
        assert_eq!(limits.take(&post("x"), true, now + Duration::from_secs(1)), Ok(()));
    }
}
