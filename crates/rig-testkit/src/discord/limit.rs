//! Buckets that really empty, and what Discord counts against a client.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Id;
use super::call::{Asked, Call, Route};
use super::fault::limited;
use crate::http::Response;

/// A limit that a test sets: so many requests in a time, for each target of the route.
#[derive(Debug)]
struct Rule {
    route: Route,
    most: u32,
    per: Duration,
    buckets: BTreeMap<(Option<Call>, Id), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    since: Instant,
    used: u32,
}

/// What counts against the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers of 401, 403 and 429, a shared 429 left out: 10,000 of them within ten minutes ban
    /// the address.
    pub invalid: usize,
    /// Requests to a route before the time was over that a 429 had told for it.
    pub early: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Limits {
    rules: Vec<Rule>,
    /// Until when a 429 closed a route, or everything.
    closed: BTreeMap<(Option<Call>, Id), Instant>,
    pub(crate) counts: Counts,
}

impl Limits {
    pub(crate) fn set(&mut self, route: Route, most: u32, per: Duration) {
        self.rules.retain(|rule| rule.route != route);
        self.rules.push(Rule { route, most, per, buckets: BTreeMap::new() });
    }

    /// Takes a request out of its bucket; the result is a 429 where the bucket is empty.
    pub(crate) fn take(&mut self, asked: &Asked) -> Option<Response> {
        let now = Instant::now();
        let keys = [(Some(asked.call), asked.target), (None, 0)];
        if keys.iter().any(|key| self.closed.get(key).is_some_and(|until| now < *until)) {
            self.counts.early += 1;
        }
        for rule in self.rules.iter_mut().filter(|rule| rule.route.holds(asked)) {
            let global = rule.route == Route::ANY;
            let key = if global { keys[1] } else { keys[0] };
            let bucket = rule.buckets.entry(key).or_insert(Bucket { since: now, used: 0 });
            if now >= bucket.since + rule.per {
                *bucket = Bucket { since: now, used: 0 };
            }
            if bucket.used >= rule.most {
                let left = (bucket.since + rule.per - now).as_secs_f64();
                return Some(limited(left, if global { "global" } else { "user" }));
            }
            bucket.used += 1;
        }
        None
    }

    /// Adds what every answer says about its bucket, and counts the answer.
    pub(crate) fn stamp(&mut self, asked: &Asked, response: Response) -> Response {
        let scope = response.get("x-ratelimit-scope").map(str::to_owned);
        let shared = scope.as_deref() == Some("shared");
        self.counts.invalid += usize::from(matches!(response.status, 401 | 403 | 429) && !shared);
        let body = (response.status == 429).then(|| serde_json::from_slice(&response.body).ok()).flatten();
        let wait = body.and_then(|body: serde_json::Value| body["retry_after"].as_f64());
        let html = response.get("content-type") == Some("text/html");
        if let Some(wait) = wait {
            let key =
                if scope.as_deref() == Some("global") { (None, 0) } else { (Some(asked.call), asked.target) };
            self.closed.insert(key, Instant::now() + Duration::from_secs_f64(wait));
        }
        // The edge knows no buckets, and the limit of all has none.
        if html || scope.as_deref() == Some("global") {
            return response;
        }
        let (most, left, after) = self.state(asked, wait);
        let reset = std::time::SystemTime::now() + Duration::from_secs_f64(after);
        let reset = reset.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        response
            .header("x-ratelimit-limit", &most.to_string())
            .header("x-ratelimit-remaining", &left.to_string())
            .header("x-ratelimit-reset", &format!("{reset:.3}"))
            .header("x-ratelimit-reset-after", &format!("{after:.3}"))
            .header("x-ratelimit-bucket", &format!("{:016x}", asked.call as u64 + 0x80f3_4a61_0b9d_2e00))
    }

    /// Returns the size of the bucket, what is left in it, and when it is full again.
    fn state(&self, asked: &Asked, wait: Option<f64>) -> (u32, u32, f64) {
        let rule = self.rules.iter().find(|rule| rule.route != Route::ANY && rule.route.holds(asked));
        let bucket = rule.and_then(|rule| Some((rule, rule.buckets.get(&(Some(asked.call), asked.target))?)));
        match (wait, bucket) {
            (Some(wait), _) => (rule.map_or(5, |rule| rule.most), 0, wait),
            (None, Some((rule, bucket))) => {
                let after = (bucket.since + rule.per).saturating_duration_since(Instant::now());
                (rule.most, rule.most - bucket.used, after.as_secs_f64())
            }
            (None, None) => (5, 4, 1.0),
        }
    }
}
