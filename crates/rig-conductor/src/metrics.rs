//! What is counted, in the form that Prometheus reads.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use rig_wire::{Route, Severity};

use crate::store::{Backlog, Command, Receipt};

/// The upper bounds of what takes time, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

type Seconds = Gauge<f64, AtomicU64>;

/// The counters of a service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    request_seconds: Family<OfRoute, Histogram>,
    store_seconds: Histogram,
    events: Family<OfClass, Counter>,
    escalations: Family<OfChange, Counter>,
    open: Family<OfState, Gauge>,
    pending: Gauge,
    oldest: Seconds,
    undelivered: Gauge,
    sent: Family<OfMessage, Counter>,
    failed: Family<OfFailure, Counter>,
    rate_limits: Family<OfScope, Counter>,
    sweeps: Family<OfResult, Counter>,
    last_sweep: Seconds,
    pings: Family<OfResult, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    route: String,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfChange {
    change: &'static str,
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMessage {
    purpose: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFailure {
    route: &'static str,
    given_up: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfScope {
    scope: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    result: &'static str,
}

/// What a command does to an escalation, as a label.
#[derive(Clone, Copy, Debug)]
pub struct Word(&'static str);

impl Word {
    /// Returns the word by which a command's effect is counted.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        Self(match command {
            Command::Create(_) => "created",
            Command::Ack { .. } => "acked",
            Command::Close { .. } => "closed",
            Command::Raise { .. } => "raised",
            Command::Note { .. } => "noted",
            Command::Bump { .. } => "bumped",
            Command::Remind { .. } => "reminded",
            Command::Announce { .. } => "announced",
        })
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BOUNDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("rig_conductor"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            store_seconds: histogram(),
            events: Family::default(),
            escalations: Family::default(),
            open: Family::default(),
            pending: Gauge::default(),
            oldest: Seconds::default(),
            undelivered: Gauge::default(),
            sent: Family::default(),
            failed: Family::default(),
            rate_limits: Family::default(),
            sweeps: Family::default(),
            last_sweep: Seconds::default(),
            pings: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register("http_requests", "Answered requests", self.requests.clone());
        let help = "From the request's head to the answer's";
        to.register_with_unit("http_request", help, Unit::Seconds, self.request_seconds.clone());
        let help = "How long the store takes to say what waits";
        to.register_with_unit("store_probe", help, Unit::Seconds, self.store_seconds.clone());
        to.register("events", "Accepted events", self.events.clone());
        to.register("escalation_changes", "What happened to escalations", self.escalations.clone());
        to.register("escalations", "Escalations that are not closed", self.open.clone());
        to.register("outbox_pending", "Messages that wait to be sent", self.pending.clone());
        let help = "How long the oldest message waits that is still to be sent";
        to.register_with_unit("outbox_oldest", help, Unit::Seconds, self.oldest.clone());
        let help = "Open escalations that reached nobody though every route was tried";
        to.register("escalations_undeliverable", help, self.undelivered.clone());
        to.register("messages_sent", "Messages that a route confirmed", self.sent.clone());
        to.register("messages_failed", "Attempts that a route did not take", self.failed.clone());
        to.register("rate_limits", "Answers of Discord that asked to wait", self.rate_limits.clone());
        to.register("sweeps", "Looks for what is due", self.sweeps.clone());
        let help = "When a sweep came to its end last, in seconds since 1970";
        to.register_with_unit("last_sweep_timestamp", help, Unit::Seconds, self.last_sweep.clone());
        to.register("dead_man_pings", "Calls of the dead-man's switch", self.pings.clone());
    }

    /// Counts an answered request. `route` is the route's pattern, never the path itself.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.request_seconds.get_or_create(&OfRoute { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&OfRequest { route, status: status.into() }).inc();
    }

    /// Counts an accepted event by its class: `escalation`, `heartbeat`, `work` or `forwarded`.
    pub fn event(&self, class: &'static str) {
        self.events.get_or_create(&OfClass { class }).inc();
    }

    /// Counts what a command did.
    pub fn changed(&self, word: Word, receipt: &Receipt) {
        let change = match (receipt.changed, receipt.deduplicated) {
            (false, _) => return,
            (true, true) => "repeated",
            (true, false) => word.0,
        };
        let severity = receipt.escalation.severity.as_str();
        self.escalations.get_or_create(&OfChange { change, severity }).inc();
    }

    /// Counts a message that a route confirmed; `purpose` is `announce` or `edit`.
    pub fn sent(&self, purpose: &'static str, route: Route) {
        self.sent.get_or_create(&OfMessage { purpose, route: route.as_str() }).inc();
    }

    /// Counts an attempt that failed.
    pub fn failed(&self, route: Route, given_up: bool) {
        let given_up = if given_up { "yes" } else { "no" };
        self.failed.get_or_create(&OfFailure { route: route.as_str(), given_up }).inc();
    }

    /// Counts an answer 429; `scope` is what Discord calls it: `user`, `global`, `shared`, or `unknown`.
    pub fn rate_limited(&self, scope: &'static str) {
        self.rate_limits.get_or_create(&OfScope { scope }).inc();
    }

    /// Counts a sweep.
    pub fn swept(&self, well: bool) {
        self.sweeps.get_or_create(&OfResult { result: result(well) }).inc();
    }

    /// Counts a call of the dead-man's switch.
    pub fn pinged(&self, well: bool) {
        self.pings.get_or_create(&OfResult { result: result(well) }).inc();
    }

    /// Writes everything as text, with what the store says of what waits and how long it took.
    #[must_use]
    pub fn render(&self, backlog: Option<&Backlog>, took: Duration) -> String {
        if let Some(backlog) = backlog {
            self.store_seconds.observe(took.as_secs_f64());
            self.show(backlog);
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a string takes every text");
        text
    }

    fn show(&self, backlog: &Backlog) {
        for (state, counts) in [("open", backlog.open), ("acked", backlog.acked)] {
            for (severity, count) in Severity::ALL.into_iter().zip(counts) {
                let labels = OfState { state, severity: severity.as_str() };
                self.open.get_or_create(&labels).set(count.try_into().unwrap_or(i64::MAX));
            }
        }
        self.pending.set(backlog.pending.try_into().unwrap_or(i64::MAX));
        self.undelivered.set(backlog.failed.try_into().unwrap_or(i64::MAX));
        let age = backlog.oldest_pending.map(|since| backlog.now.duration_since(since).as_secs_f64());
        self.oldest.set(age.unwrap_or(0.0).max(0.0));
        if let Some(at) = backlog.swept_at {
            self.last_sweep.set(at.as_duration().as_secs_f64());
        }
    }
}

fn result(well: bool) -> &'static str {
    if well { "ok" } else { "failed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_with_its_age() {
        let metrics = Metrics::default();
        let now = jiff::Timestamp::from_second(1_000).unwrap();
        let backlog = Backlog {
            now,
            open: [1, 0, 2],
            pending: 3,
            oldest_pending: jiff::Timestamp::from_second(940).ok(),
            failed: 1,
            swept_at: jiff::Timestamp::from_second(900).ok(),
            ..Backlog::default()
        };
        metrics.request("/health", 200, Duration::from_millis(2));
        metrics.sent("announce", Route::DiscordDm);
        metrics.swept(true);
        let text = metrics.render(Some(&backlog), Duration::from_millis(3));
        for line in [
            r#"rig_conductor_http_requests_total{route="/health",status="200"} 1"#,
            r#"rig_conductor_escalations{state="open",severity="P2"} 2"#,
            r#"rig_conductor_escalations{state="acked",severity="P0"} 0"#,
            "rig_conductor_outbox_pending 3",
            "rig_conductor_outbox_oldest_seconds 60.0",
            "rig_conductor_escalations_undeliverable 1",
            r#"rig_conductor_messages_sent_total{purpose="announce",route="discord_dm"} 1"#,
            r#"rig_conductor_sweeps_total{result="ok"} 1"#,
            "rig_conductor_last_sweep_timestamp_seconds 900.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_store_that_does_not_answer_does_not_hide_the_rest() {
        let metrics = Metrics::default();
        metrics.event("heartbeat");
        let text = metrics.render(None, Duration::ZERO);
        assert!(text.contains(r#"rig_conductor_events_total{class="heartbeat"} 1"#), "{text}");
    }
}
