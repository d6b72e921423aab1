//! Parts of queries that are the same on every database.

use std::time::Duration;

use jiff::Timestamp;
use rig_wire::{EscalationState, Severity};

use super::Filter;
use super::run::shifted;
use crate::domain::Policy;

/// After which time routes that were all given up are tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);

/// Returns the conditions on states and severities. Their words are ours, so they can stand in the text of a
/// query, where the database sees which index covers them.
pub(super) fn of_filter(filter: &Filter) -> Vec<String> {
    let mut conditions = Vec::new();
    if !filter.states.is_empty() {
        if !filter.states.contains(&EscalationState::Closed) {
            conditions.push("e.state <> 'closed'".to_owned());
        }
        conditions.push(one_of("e.state", filter.states.iter().map(|state| state.as_str())));
    }
    if !filter.severities.is_empty() {
        conditions.push(one_of("e.severity", filter.severities.iter().map(|severity| severity.as_str())));
    }
    conditions
}

fn one_of(column: &str, words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    format!("{column} in ({})", words.join(", "))
}

/// Since when something must have lasted to be due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) p2: Timestamp,
    pub(super) p1: Timestamp,
    /// `None`: nobody is told again.
    pub(super) remind: Option<Timestamp>,
    /// When the last try must have ended before all routes are tried again; `None` without routes.
    pub(super) announce: Option<Timestamp>,
}

impl Thresholds {
    pub(super) fn new(policy: &Policy, now: Timestamp) -> Self {
        Self {
            p2: shifted(now, policy.bump_after(Severity::P2).unwrap_or(Duration::MAX), -1),
            p1: shifted(now, policy.bump_after(Severity::P1).unwrap_or(Duration::MAX), -1),
            remind: policy.remind_every.map(|every| shifted(now, every, -1)),
            announce: policy.routes.discord.then(|| shifted(now, TRY_AGAIN_AFTER, -1)),
        }
    }
}
