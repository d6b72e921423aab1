//! What the read models hold, and how it is made of events.

use std::collections::HashMap;
use std::str::FromStr;

use jiff::Timestamp;
use rig_wire::{EscalationState, Notification, NotificationState, Severity};
use serde_json::Value;
use uuid::Uuid;

use super::{Claim, Claimed, StoreError};
use crate::domain::{Escalation, Event, Fact, Intent, Purpose, shown};

/// A row of `escalations`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) escalation: Escalation,
    /// When it was taken for the first time; being raised may have put it back since.
    pub(super) first_acked_at: Option<Timestamp>,
}

/// The columns of a row of `escalations`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) id: Uuid,
    pub(super) severity: String,
    pub(super) initial_severity: String,
    pub(super) state: String,
    pub(super) agent_id: String,
    /// In small letters, for comparing.
    pub(super) repo: Option<String>,
    pub(super) issue_number: Option<i64>,
    pub(super) token: String,
    pub(super) dedup_key: String,
    pub(super) created_at: Timestamp,
    pub(super) level_since: Timestamp,
    pub(super) reminded_at: Option<Timestamp>,
    pub(super) first_acked_at: Option<Timestamp>,
    pub(super) delivered: bool,
    pub(super) version: i64,
    pub(super) doc: Value,
}

impl Columns {
    /// Returns the columns of a row.
    pub(super) fn of(row: &Row) -> Self {
        let one = &row.escalation;
        Self {
            id: one.id,
            severity: one.severity.as_str().to_owned(),
            initial_severity: one.initial_severity.as_str().to_owned(),
            state: one.state.as_str().to_owned(),
            agent_id: one.agent_id.clone(),
            repo: one.repo.as_ref().map(|repo| repo.to_ascii_lowercase()),
            issue_number: one.issue_number.and_then(|n| i64::try_from(n).ok()),
            token: one.token.clone(),
            dedup_key: one.dedup_key.clone(),
            created_at: one.created_at,
            level_since: one.level_since,
            reminded_at: one.reminded_at,
            first_acked_at: row.first_acked_at,
            delivered: one.delivered(),
            version: one.version,
            doc: serde_json::to_value(one).expect("an escalation has only string keys"),
        }
    }

    /// Returns the names of the columns in which two rows differ.
    pub(super) fn differing(&self, other: &Self) -> Vec<&'static str> {
        let pairs = [
            ("severity", self.severity == other.severity),
            ("initial_severity", self.initial_severity == other.initial_severity),
            ("state", self.state == other.state),
            ("agent_id", self.agent_id == other.agent_id),
            ("repo", self.repo == other.repo),
            ("issue_number", self.issue_number == other.issue_number),
            ("token", self.token == other.token),
            ("dedup_key", self.dedup_key == other.dedup_key),
            ("created_at", self.created_at == other.created_at),
            ("level_since", self.level_since == other.level_since),
            ("reminded_at", self.reminded_at == other.reminded_at),
            ("first_acked_at", self.first_acked_at == other.first_acked_at),
            ("delivered", self.delivered == other.delivered),
            ("version", self.version == other.version),
            ("doc", self.doc == other.doc),
        ];
        pairs.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

/// A row of `aliases`: a creation that was added to an escalation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alias {
    pub(super) id: Uuid,
    pub(super) escalation: Uuid,
    pub(super) content_hash: String,
    pub(super) at: Timestamp,
}

impl Alias {
    /// Returns the alias that an event makes.
    pub(super) fn of(event: &Event, at: Timestamp) -> Option<Self> {
        let Event::EscalationNoteAdded { escalation_id, repeat: Some(repeat), .. } = event else {
            return None;
        };
        Some(Self {
            id: repeat.escalation_id,
            escalation: *escalation_id,
            content_hash: repeat.content_hash.clone(),
            at,
        })
    }
}

/// Makes the rows of a whole stream; says what is wrong with it where it cannot.
pub(super) fn fold(facts: &[Fact]) -> Result<(Row, Vec<Alias>), String> {
    let gap = facts.iter().zip(1..).find(|(fact, version)| fact.version != *version);
    if let Some((_, version)) = gap {
        return Err(format!("version {version} is missing"));
    }
    let escalation = Escalation::replay(facts).ok_or("it does not begin with a creation")?;
    let acked = facts.iter().find(|fact| matches!(fact.event, Event::EscalationAcked { .. }));
    let mut aliases: Vec<Alias> = facts.iter().filter_map(|fact| Alias::of(&fact.event, fact.at)).collect();
    aliases.sort();
    Ok((Row { escalation, first_acked_at: acked.map(|fact| fact.at) }, aliases))
}

/// An entry of the outbox as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) intent: Intent,
    pub(super) nonce: String,
    pub(super) attempt: u32,
    /// How many attempts nobody has told about.
    pub(super) lost: u32,
    /// Whether somebody took it and has not told what became of it.
    pub(super) taken: bool,
    pub(super) uncertain_since: Option<Timestamp>,
    pub(super) error: Option<String>,
    pub(super) updated_at: Timestamp,
}

impl Entry {
    /// Returns the entry as it is held once a claim has been written, which counts the attempt.
    pub(super) fn claimed(self, escalation: Escalation, owner: &str, now: Timestamp) -> Claimed {
        let intent = self.intent;
        let attempt = self.attempt + 1;
        let lost = self.lost + u32::from(self.taken);
        Claimed {
            claim: Claim { entry: self.id, escalation: intent.escalation, owner: owner.to_owned(), attempt },
            escalation,
            purpose: intent.purpose,
            round: intent.round,
            severity: intent.severity,
            route: intent.route,
            target: intent.target,
            nonce: self.nonce,
            message: intent.message,
            tries: attempt.saturating_sub(lost).max(1),
            lost: if self.taken { lost } else { 0 },
            uncertain_since: self.uncertain_since,
            now,
        }
    }

    /// Returns the entry as people see it while it is tried.
    pub(super) fn waiting(self) -> Notification {
        Notification {
            route: self.intent.route,
            severity: self.intent.severity,
            target: self.intent.target,
            state: NotificationState::Pending,
            message_id: None,
            url: None,
            attempts: self.attempt,
            last_error: self.error,
            at: shown(self.updated_at),
        }
    }
}

/// Parts entries that can be taken from edits that a newer one of the same message replaces.
pub(super) fn newest(entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
    let message = |entry: &Entry| {
        let (_, message) = entry.intent.message.as_ref().filter(|_| entry.intent.purpose == Purpose::Edit)?;
        Some(message.clone())
    };
    let mut rounds: HashMap<String, u32> = HashMap::new();
    for entry in &entries {
        if let Some(message) = message(entry) {
            let round = rounds.entry(message).or_default();
            *round = entry.intent.round.max(*round);
        }
    }
    let stays = |entry: &Entry| message(entry).is_none_or(|message| rounds[&message] == entry.intent.round);
    entries.into_iter().partition(stays)
}

/// Reads a word that stands for a value.
pub(super) fn word<T: FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| StoreError::Broken(format!("a stored value is unknown: {error}")))
}

/// Reads a severity.
pub(super) fn severity(text: &str) -> Result<Severity, StoreError> {
    Severity::from_word(text).ok_or_else(|| StoreError::Broken(format!("a stored severity is {text:?}")))
}

/// Reads what an entry of the outbox is for.
pub(super) fn purpose(text: &str) -> Result<Purpose, StoreError> {
    Purpose::from_word(text).ok_or_else(|| StoreError::Broken(format!("a stored purpose is {text:?}")))
}

/// Says that something stored cannot be read.
pub(super) fn unreadable(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Broken(format!("{what} cannot be read: {error}"))
}

/// Returns the place of a severity in counts: P0, P1, P2.
pub(super) fn place(severity: Severity) -> usize {
    match severity {
        Severity::P0 => 0,
        Severity::P1 => 1,
        Severity::P2 => 2,
    }
}

/// Adds a count of escalations to the counts by severity of open and of acked ones.
pub(super) fn count(
    open: &mut [u64; 3],
    acked: &mut [u64; 3],
    severity: Severity,
    state: EscalationState,
    n: u64,
) {
    match state {
        EscalationState::Open => open[place(severity)] += n,
        EscalationState::Acked => acked[place(severity)] += n,
        EscalationState::Closed => {}
    }
}

/// Cuts a time to the microseconds that every database keeps.
pub(super) fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Returns the first and the last id that begin with a text; `None` where none can.
pub(super) fn ids_from(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((format!("{digits:0<32}").parse().ok()?, format!("{digits:f<32}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_the_ids_that_begin_with_it() {
        let ids = |a: &str, b: &str| Some((a.parse().unwrap(), b.parse().unwrap()));
        for (text, expected) in [
            ("0190", ids("01900000-0000-0000-0000-000000000000", "0190ffff-ffff-ffff-ffff-ffffffffffff")),
            (
                "0190A1b2-c",
                ids("0190a1b2-c000-0000-0000-000000000000", "0190a1b2-cfff-ffff-ffff-ffffffffffff"),
            ),
            ("", None),
            ("-", None),
            ("019g", None),
            ("%", None),
            (&"0".repeat(33), None),
        ] {
            assert_eq!(ids_from(text), expected, "{text:?}");
        }
    }
}
