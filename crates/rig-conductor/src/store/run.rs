//! What commands do, on any store.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rig_wire::{EscalationState, NotificationState, Severity};
use uuid::Uuid;

use super::{Claim, Command, Creation, Outcome, Receipt, StoreError, Tx};
use crate::domain::{
    self, BumpReason, Escalation, Event, Fact, Intent, Policy, Purpose, Rejection, Repeat, announcement,
    edits, edits_of_last_reminder,
};

/// How an entry of the outbox is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// What became of the entry; pending: it is tried again.
    pub state: NotificationState,
    /// What went wrong; `None` leaves what is known.
    pub error: Option<String>,
    /// For a pending entry: not before this time.
    pub not_before: Option<Timestamp>,
    /// Whether the attempt counts: one that was put off does not.
    pub attempted: bool,
    /// Whether this attempt may have brought the message, though nobody knows. An earlier attempt of which
    /// nobody knows stays one, until the message is confirmed.
    pub uncertain: bool,
}

impl Release {
    fn done(state: NotificationState, error: Option<String>) -> Self {
        Self { state, error, not_before: None, attempted: true, uncertain: false }
    }
}

/// Carries out a command within a transaction.
///
/// # Errors
/// When a rule forbids it, or the store fails; the transaction is then to be rolled back.
pub async fn run<T: Tx>(tx: &mut T, command: &Command, policy: &Policy) -> Result<Receipt, StoreError> {
    match command {
        Command::Create(creation) => create(tx, creation, policy).await,
        Command::Ack { id, by, via, note } => {
            change(tx, *id, policy, |now, _| domain::ack(now, by, *via, note.as_deref())).await
        }
        Command::Close { id, resolution, by, via } => {
            change(tx, *id, policy, |now, _| domain::close(now, resolution, by, *via)).await
        }
        Command::Raise { id, to, by, note } => {
            let raise =
                |now: &Escalation, at| domain::raise(now, *to, BumpReason::Manual, by, note.as_deref(), at);
            change(tx, *id, policy, raise).await
        }
        Command::Note { id, by, note } => {
            let event = Event::EscalationNoteAdded {
                escalation_id: *id,
                by: by.clone(),
                note: note.clone(),
                details: None,
                repeat: None,
            };
            change(tx, *id, policy, |_, _| Ok(Some(event.clone()))).await
        }
        Command::Bump { id } => change(tx, *id, policy, |now, at| Ok(domain::bump(now, policy, at))).await,
        Command::Remind { id } => {
            change(tx, *id, policy, |now, at| Ok(domain::remind(now, policy, at))).await
        }
        Command::Announce { id } => announce(tx, *id, policy).await,
    }
}

async fn change<T: Tx>(
    tx: &mut T,
    id: Uuid,
    policy: &Policy,
    decide: impl Fn(&Escalation, Timestamp) -> Result<Option<Event>, Rejection>,
) -> Result<Receipt, StoreError> {
    let mut escalation = found(tx, id).await?;
    let at = tx.now().await?;
    let event = decide(&escalation, at)?;
    let changed = event.is_some();
    let answered = match &event {
        Some(_) => at,
        // What was asked for has happened before: the answer is of then.
        None => escalation.closed_at.or(escalation.acked_at).unwrap_or(escalation.level_since),
    };
    if let Some(event) = event {
        write(tx, &mut escalation, vec![event], at, policy).await?;
    }
    Ok(Receipt { escalation, at: answered, changed, deduplicated: false })
}

async fn found<T: Tx>(tx: &mut T, id: Uuid) -> Result<Escalation, StoreError> {
    Ok(tx.lock(id, false).await?.ok_or_else(|| Rejection::Unknown(id.to_string()))?)
}

async fn create<T: Tx>(tx: &mut T, new: &Creation, policy: &Policy) -> Result<Receipt, StoreError> {
    let content = content_of(new);
    if let Some((id, said, at)) = tx.alias(new.id).await? {
        if said != content {
            return Err(Rejection::OtherContent(new.id).into());
        }
        let escalation = found(tx, id).await?;
        return Ok(Receipt { escalation, at, changed: false, deduplicated: true });
    }
    if let Some(escalation) = tx.lock(new.id, false).await? {
        if escalation.content_hash != content {
            return Err(Rejection::OtherContent(new.id).into());
        }
        let at = escalation.created_at;
        return Ok(Receipt { escalation, at, changed: false, deduplicated: false });
    }
    let key = match &new.dedup_key {
        Some(key) => key.clone(),
        None => domain::default_key(new.issue_number, new.category, &new.reason),
    };
    let dedup = domain::dedup_hash(&new.agent_id, new.repo.as_deref(), &key);
    if let Some(id) = tx.same(&dedup).await? {
        return repeat(tx, id, new, content, false, policy).await;
    }
    let at = tx.now().await?;
    if let Some(id) = flooded(tx, new, policy, at).await? {
        return repeat(tx, id, new, content, true, policy).await;
    }
    let event = Event::EscalationCreated {
        escalation_id: new.id,
        severity: new.severity,
        reason: new.reason.clone(),
        category: new.category,
        agent_id: new.agent_id.clone(),
        repo: new.repo.clone(),
        issue_number: new.issue_number,
        pr_number: new.pr_number,
        branch: new.branch.clone(),
        details: new.details.clone(),
        session_id: new.session_id.clone(),
        dedup_key: dedup,
        content_hash: content,
        token: new.token.clone(),
    };
    if tx.lock(new.id, true).await?.is_some() {
        // Somebody with the same id was faster.
        return Err(StoreError::Conflict);
    }
    let fact = Fact { id: Uuid::nil(), version: 1, at, event };
    let escalation = Escalation::begin(&fact).expect("the first event is a creation");
    tx.append(&escalation, std::slice::from_ref(&fact.event), at).await?;
    tx.enqueue(&announcement(&escalation, &policy.routes), at, false).await?;
    Ok(Receipt { escalation, at, changed: true, deduplicated: false })
}

/// Adds a creation to an escalation that is there. A more urgent one raises it.
async fn repeat<T: Tx>(
    tx: &mut T,
    id: Uuid,
    new: &Creation,
    content: String,
    coalesced: bool,
    policy: &Policy,
) -> Result<Receipt, StoreError> {
    let mut escalation = found(tx, id).await?;
    if escalation.state == EscalationState::Closed {
        // It was closed between the look-up and the lock.
        return Err(StoreError::Conflict);
    }
    let at = tx.now().await?;
    let mut events = vec![Event::EscalationNoteAdded {
        escalation_id: id,
        by: new.agent_id.clone(),
        note: new.reason.clone(),
        details: new.details.clone(),
        repeat: Some(Repeat {
            escalation_id: new.id,
            content_hash: content,
            severity: new.severity,
            coalesced,
        }),
    }];
    if new.severity > escalation.severity {
        let to = Some(new.severity);
        events.extend(domain::raise(&escalation, to, BumpReason::Repeat, &new.agent_id, None, at)?);
    }
    write(tx, &mut escalation, events, at, policy).await?;
    Ok(Receipt { escalation, at, changed: true, deduplicated: true })
}

/// Refuses a creation beyond the bound; returns the P0 to which a P0 beyond it is added.
async fn flooded<T: Tx>(
    tx: &mut T,
    new: &Creation,
    policy: &Policy,
    at: Timestamp,
) -> Result<Option<Uuid>, StoreError> {
    let since = shifted(at, policy.flood.window, -1);
    let creations = tx.creations(&new.token, new.severity, since).await?;
    if creations.len() < policy.flood.creations as usize {
        return Ok(None);
    }
    if new.severity == Severity::P0 {
        return tx.newest_p0(&new.token, &new.agent_id).await;
    }
    let oldest = creations[creations.len() - policy.flood.creations as usize];
    let wait = shifted(oldest, policy.flood.window, 1).duration_since(at).as_secs();
    let retry_after = u64::try_from(wait).unwrap_or(0) + 1;
    Err(Rejection::Flood { severity: new.severity, retry_after }.into())
}

/// Writes events and what follows from them: messages that are to be sent, changed, or no longer sent.
async fn write<T: Tx>(
    tx: &mut T,
    escalation: &mut Escalation,
    events: Vec<Event>,
    at: Timestamp,
    policy: &Policy,
) -> Result<(), StoreError> {
    for event in &events {
        let version = escalation.version + 1;
        escalation.apply(&Fact { id: Uuid::nil(), version, at, event: event.clone() });
    }
    tx.append(escalation, &events, at).await?;
    let any = |wanted: fn(&Event) -> bool| events.iter().any(wanted);
    let bumped = any(|event| matches!(event, Event::EscalationBumped { .. }));
    let reminded = any(|event| matches!(event, Event::EscalationReminded { .. }));
    let ended = any(|event| matches!(event, Event::EscalationAcked { .. } | Event::EscalationClosed { .. }));
    if bumped || reminded || ended {
        tx.cancel(escalation.id).await?;
    }
    if bumped || reminded {
        tx.enqueue(&announcement(escalation, &policy.routes), at, false).await?;
    }
    let outdated = match (bumped || ended || any(coalesces), reminded) {
        (true, _) => edits(escalation),
        (false, true) => edits_of_last_reminder(escalation),
        (false, false) => Vec::new(),
    };
    if policy.routes.discord {
        tx.enqueue(&outdated, at, false).await?;
    }
    Ok(())
}

fn coalesces(event: &Event) -> bool {
    matches!(event, Event::EscalationNoteAdded { repeat: Some(repeat), .. } if repeat.coalesced)
}

/// Announces a level of which nobody was told and for which nothing waits: routes may have come up since.
async fn announce<T: Tx>(tx: &mut T, id: Uuid, policy: &Policy) -> Result<Receipt, StoreError> {
    let escalation = found(tx, id).await?;
    let at = tx.now().await?;
    let wanted = escalation.state == EscalationState::Open && !escalation.delivered();
    let changed = wanted && !tx.waiting(id).await?;
    if changed {
        tx.enqueue(&announcement(&escalation, &policy.routes), at, true).await?;
    }
    Ok(Receipt { escalation, at, changed, deduplicated: false })
}

/// Records what became of an attempt; `None` when the claim is no longer this one.
///
/// # Errors
/// When the store fails.
pub async fn settle<T: Tx>(
    tx: &mut T,
    claim: &Claim,
    outcome: &Outcome,
    policy: &Policy,
) -> Result<Option<()>, StoreError> {
    let mut escalation = found(tx, claim.escalation).await?;
    let at = tx.now().await?;
    let Some(held) = tx.held(claim).await? else {
        if let Outcome::Edited { .. } = outcome {
            // What was written late may have replaced something newer.
            tx.enqueue(&edits(&escalation), at, true).await?;
        }
        return Ok(None);
    };
    let intent = held.intent;
    match outcome {
        Outcome::Sent { channel_id, message_id, thread_id, url, repeated } => {
            tx.release(claim, &Release::done(NotificationState::Sent, None)).await?;
            let event = Event::EscalationNotified {
                escalation_id: escalation.id,
                severity: intent.severity,
                route: intent.route,
                target: intent.target.clone(),
                message_id: message_id.clone(),
                channel_id: channel_id.clone(),
                thread_id: thread_id.clone(),
                url: url.clone(),
                attempt: claim.attempt,
                round: intent.round,
                repeated: *repeated,
            };
            // A message that was under way when its escalation changed shows what was before.
            let outdated = escalation.state != EscalationState::Open || intent.round != escalation.round;
            write(tx, &mut escalation, vec![event], at, policy).await?;
            if outdated {
                let all = edits(&escalation);
                let this = |one: &&Intent| one.message.as_ref().is_some_and(|(_, id)| id == message_id);
                let mine: Vec<Intent> = all.iter().filter(this).cloned().collect();
                tx.enqueue(&mine, at, false).await?;
            }
        }
        Outcome::Edited { .. } => tx.release(claim, &Release::done(NotificationState::Sent, None)).await?,
        Outcome::Dropped { why } => {
            tx.release(claim, &Release::done(NotificationState::Failed, Some(why.clone()))).await?;
        }
        Outcome::Postponed { after } => {
            let release = Release {
                state: NotificationState::Pending,
                error: None,
                not_before: Some(shifted(at, *after, 1)),
                attempted: false,
                uncertain: false,
            };
            tx.release(claim, &release).await?;
        }
        Outcome::Retry { error, after, uncertain } => {
            // An announcement that is out of date is not worth another try, unless it may have arrived.
            let stale = escalation.state != EscalationState::Open || intent.round < escalation.level_round;
            let cancelled = stale && !uncertain && intent.purpose == Purpose::Announce;
            let release = Release {
                state: if cancelled { NotificationState::Cancelled } else { NotificationState::Pending },
                error: Some(error.clone()),
                not_before: Some(shifted(at, *after, 1)),
                attempted: true,
                uncertain: *uncertain,
            };
            tx.release(claim, &release).await?;
            if intent.purpose == Purpose::Announce {
                let event = failed(&escalation, &intent, claim, error, false, None);
                write(tx, &mut escalation, vec![event], at, policy).await?;
            }
        }
        Outcome::Failed { error, fallback } => {
            tx.release(claim, &Release::done(NotificationState::Failed, Some(error.clone()))).await?;
            if intent.purpose == Purpose::Announce {
                // What is out of date is told nowhere else.
                let stale =
                    escalation.state != EscalationState::Open || intent.round < escalation.level_round;
                let fallback = fallback.as_ref().filter(|_| !stale);
                let route = fallback.map(|(route, _)| *route);
                let event = failed(&escalation, &intent, claim, error, true, route);
                write(tx, &mut escalation, vec![event], at, policy).await?;
                if let Some((route, target)) = fallback {
                    let other = Intent { route: *route, target: target.clone(), ..intent };
                    tx.enqueue(&[other], at, false).await?;
                }
            }
        }
    }
    Ok(Some(()))
}

fn failed(
    escalation: &Escalation,
    intent: &Intent,
    claim: &Claim,
    error: &str,
    r#final: bool,
    fallback_route: Option<rig_wire::Route>,
) -> Event {
    Event::EscalationNotifyFailed {
        escalation_id: escalation.id,
        severity: intent.severity,
        route: intent.route,
        target: intent.target.clone(),
        attempt: claim.attempt,
        round: intent.round,
        error: error.to_owned(),
        r#final,
        fallback_route,
    }
}

fn content_of(new: &Creation) -> String {
    let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    domain::content_hash(&[
        new.severity.as_str(),
        &new.reason,
        &text(&new.details),
        new.category.as_str(),
        &new.agent_id,
        &text(&new.repo),
        &number(new.issue_number),
        &number(new.pr_number),
        &text(&new.branch),
        &text(&new.session_id),
        &text(&new.dedup_key),
    ])
}

/// Returns a time so much later (`sign` 1) or earlier (-1), within what a time can be.
pub(super) fn shifted(at: Timestamp, by: Duration, sign: i32) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    let (moved, bound) =
        if sign < 0 { (at.checked_sub(by), Timestamp::MIN) } else { (at.checked_add(by), Timestamp::MAX) };
    moved.unwrap_or(bound)
}
