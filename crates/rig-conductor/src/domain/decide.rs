use jiff::Timestamp;
use rig_wire::{Category, EscalationState, Severity};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{BumpReason, Escalation, Event, Policy, Via};

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such escalation.
    #[error("no escalation `{0}`")]
    Unknown(String),
    /// Its state does not allow it.
    #[error("{0}")]
    State(String),
    /// The id belongs to another escalation.
    #[error("escalation `{0}` exists with other content")]
    OtherContent(Uuid),
    /// The token created too many of this severity.
    #[error("too many {severity} escalations; try again in {retry_after} s")]
    Flood {
        /// Of which severity.
        severity: Severity,
        /// After how many seconds it is worth another try.
        retry_after: u64,
    },
}

/// Decides on an ack. Acking again changes nothing.
///
/// # Errors
/// When it is closed.
pub fn ack(now: &Escalation, by: &str, via: Via, note: Option<&str>) -> Result<Option<Event>, Rejection> {
    match now.state {
        EscalationState::Open => Ok(Some(Event::EscalationAcked {
            escalation_id: now.id,
            by: by.to_owned(),
            via,
            note: note.map(str::to_owned),
        })),
        EscalationState::Acked => Ok(None),
        EscalationState::Closed => Err(Rejection::State("the escalation is closed".to_owned())),
    }
}

/// Decides on closing. Closing again with the same resolution changes nothing.
///
/// # Errors
/// When it is closed with another resolution.
pub fn close(now: &Escalation, resolution: &str, by: &str, via: Via) -> Result<Option<Event>, Rejection> {
    if now.state != EscalationState::Closed {
        return Ok(Some(Event::EscalationClosed {
            escalation_id: now.id,
            resolution: resolution.to_owned(),
            by: by.to_owned(),
            via,
        }));
    }
    if now.resolution.as_deref() == Some(resolution) {
        return Ok(None);
    }
    Err(Rejection::State("the escalation is closed with another resolution".to_owned()))
}

/// Decides on making it more urgent, to a given severity or one level up. Whoever took it before
/// has to take it again. Nothing is left to do where it has the given severity: whoever lost the answer asks again.
///
/// # Errors
/// When it is closed, or more urgent than wanted: a severity is never lowered.
pub fn raise(
    now: &Escalation,
    to: Option<Severity>,
    reason: BumpReason,
    by: &str,
    note: Option<&str>,
    at: Timestamp,
) -> Result<Option<Event>, Rejection> {
    if now.state == EscalationState::Closed {
        return Err(Rejection::State("the escalation is closed".to_owned()));
    }
    if to == Some(now.severity) {
        return Ok(None);
    }
    let to = to.or(now.severity.raised()).filter(|to| *to > now.severity);
    let Some(to) = to else {
        return Err(Rejection::State(format!("the escalation is {} already", now.severity)));
    };
    Ok(Some(bumped(now, to, reason, Some(by), note, at)))
}

/// Decides on the bump of an escalation that nobody took in time: one level, and only when its level
/// has lasted long enough.
#[must_use]
pub fn bump(now: &Escalation, policy: &Policy, at: Timestamp) -> Option<Event> {
    let due = now.next_bump_at(policy)?;
    let to = now.severity.raised().filter(|_| due <= at)?;
    Some(bumped(now, to, BumpReason::Unacked, None, None, at))
}

/// Decides on telling people again of a P0 that nobody took.
#[must_use]
pub fn remind(now: &Escalation, policy: &Policy, at: Timestamp) -> Option<Event> {
    now.next_reminder_at(policy).filter(|due| *due <= at)?;
    Some(Event::EscalationReminded {
        escalation_id: now.id,
        severity: now.severity,
        unacked_for_seconds: unacked_for(now, at),
        reminder_count: now.reminder_count + 1,
    })
}

fn bumped(
    now: &Escalation,
    to: Severity,
    reason: BumpReason,
    by: Option<&str>,
    note: Option<&str>,
    at: Timestamp,
) -> Event {
    Event::EscalationBumped {
        escalation_id: now.id,
        from_severity: now.severity,
        to_severity: to,
        reason,
        unacked_for_seconds: unacked_for(now, at),
        bump_count: now.bump_count + 1,
        reopened: now.state == EscalationState::Acked,
        by: by.map(str::to_owned),
        note: note.map(str::to_owned),
    }
}

/// Returns for how many seconds nobody has taken it at its present level; 0 for one that is taken.
fn unacked_for(now: &Escalation, at: Timestamp) -> u64 {
    if now.state != EscalationState::Open {
        return 0;
    }
    u64::try_from(at.duration_since(now.level_since).as_secs()).unwrap_or(0)
}

/// Returns the digest that equal escalations share. Agent and repository are always part of it:
/// nobody's key reaches another's escalations.
#[must_use]
pub fn dedup_hash(agent_id: &str, repo: Option<&str>, key: &str) -> String {
    let repo = repo.unwrap_or_default().to_ascii_lowercase();
    digest(&[agent_id, &repo, key])
}

/// Returns the key of an escalation whose sender gave none: issue, category and the reason in small
/// letters with its spaces joined.
#[must_use]
pub fn default_key(issue: Option<u64>, category: Category, reason: &str) -> String {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    digest(&[&issue.unwrap_or(0).to_string(), category.as_str(), &reason])
}

/// Returns the digest of everything that a creation says.
#[must_use]
pub fn content_hash(parts: &[&str]) -> String {
    digest(parts)
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // A length before each part: no two lists of parts run together to the same text.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}
