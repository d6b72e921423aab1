//! The loop: claim what is due, send it, record what became of it.

use std::sync::Arc;
use std::time::Duration;

use rig_wire::{NotificationState, Severity};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::announce::Job;
use super::courier::{Courier, Turn};
use super::http::{CALL_TIMEOUT, Call};
use super::lease::{LEASE, Lease};
use crate::app::{App, Stop};
use crate::domain::{Escalation, Purpose};
use crate::store::{Claimed, Outcome, StoreError};
use crate::testing::point;

/// So many entries are sent at the same time.
const AT_ONCE: usize = 16;
/// So many more, for urgent ones alone: the others may all wait for something that hangs.
const RESERVE: usize = 4;
/// So often the outbox is looked at without being woken: other processes put entries into it, too.
const LOOK: Duration = Duration::from_secs(2);
/// An entry that was claimed into the reserve, but is not urgent, waits so long.
const PUT_BACK: Duration = Duration::from_secs(1);

/// The points at which a test can let the process die, in the order in which they are passed.
pub const POINTS: &[&str] = &[
    "delivery.claimed",
    "delivery.thread_claimed",
    "delivery.before_starter",
    "delivery.starter_sent",
    "delivery.starter_saved",
    "delivery.thread_made",
    "delivery.thread_saved",
    "delivery.before_send",
    "delivery.after_send",
    "delivery.before_edit",
    "delivery.after_edit",
    "delivery.before_settle",
    "delivery.settled",
];

/// Sends what is in the outbox until it is told to stop; then it ends what is under way and gives back
/// the rest, within seconds.
pub async fn run(app: Arc<App>, stop: Stop) {
    let Some(courier) = app.delivery.courier(&app.settings) else {
        stop.requested().await;
        return;
    };
    learn_places(&app, &courier, &stop);
    let mut tasks = JoinSet::new();
    // Whether something may have come that is urgent while the places of the others are taken.
    let mut may_be_urgent = true;
    while !stop.is_requested() {
        let free = AT_ONCE.saturating_sub(tasks.len());
        let reserve = (AT_ONCE + RESERVE).saturating_sub(tasks.len());
        let limit = if free > 0 { free } else { usize::from(may_be_urgent && reserve > 0) };
        let mut wait = LOOK;
        if limit > 0 && !courier.is_halted() {
            match claim(&app, &courier, limit, &stop).await {
                Ok(jobs) => {
                    may_be_urgent &= free > 0 || jobs.iter().all(|job| job.turn.urgent);
                    let all = jobs.len() == limit;
                    for job in jobs {
                        let spare = free == 0 && !job.turn.urgent;
                        tasks.spawn(async move {
                            if spare { job.put_back().await } else { job.carry_out().await }
                        });
                    }
                    if all && free > 0 {
                        continue;
                    }
                    wait = until_next(&app).await;
                }
                Err(error) => tracing::error!(%error, "the outbox cannot be read"),
            }
        }
        tokio::select! {
            () = stop.requested() => {}
            () = app.wake.notified() => may_be_urgent = true,
            Some(_) = tasks.join_next() => {}
            () = sleep(wait) => may_be_urgent = true,
        }
    }
    // Whatever waits gives its claim back; a call that is under way comes to its end.
    let end = Instant::now() + CALL_TIMEOUT + Duration::from_secs(5);
    while let Ok(Some(_)) = timeout(end.saturating_duration_since(Instant::now()), tasks.join_next()).await {}
}

/// Sends what is due now and returns how many entries that were. What has to wait stays in the outbox.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn drain_once(app: Arc<App>) -> Result<usize, StoreError> {
    let Some(courier) = app.delivery.courier(&app.settings) else { return Ok(0) };
    let (_stopper, stop) = Stop::pair();
    let mut done = 0;
    loop {
        if courier.is_halted() {
            return Ok(done);
        }
        let jobs = claim(&app, &courier, AT_ONCE, &stop).await?;
        if jobs.is_empty() {
            return Ok(done);
        }
        done += jobs.len();
        let mut tasks: JoinSet<()> = jobs.into_iter().map(Job::carry_out).collect();
        while tasks.join_next().await.is_some() {}
    }
}

/// Claims entries; those of one place come one behind the other.
async fn claim(
    app: &Arc<App>,
    courier: &Arc<Courier>,
    limit: usize,
    stop: &Stop,
) -> Result<Vec<Job>, StoreError> {
    let lease = Lease::begin();
    let limit = u32::try_from(limit).unwrap_or(1);
    let batch = app.store.claim(&app.owner, limit, LEASE).await?;
    if let Some(first) = batch.first() {
        courier.set_clock(first.now);
        point("delivery.claimed");
    }
    let job = |claimed: Claimed| Job {
        turn: Turn {
            app: app.clone(),
            stop: stop.clone(),
            lease: Some(lease),
            urgent: claimed.severity == Severity::P0 && claimed.purpose == Purpose::Announce,
        },
        courier: courier.clone(),
        claimed,
    };
    Ok(batch.into_iter().map(job).collect())
}

/// Returns how long to wait for the next entry.
async fn until_next(app: &App) -> Duration {
    match app.store.next_send().await {
        Ok((Some(at), now)) => {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            wait.clamp(Duration::from_millis(50), LOOK)
        }
        Ok((None, _)) => LOOK,
        Err(error) => {
            tracing::error!(%error, "the outbox cannot be read");
            LOOK
        }
    }
}

/// Asks what the channels are before something urgent needs it.
fn learn_places(app: &Arc<App>, courier: &Arc<Courier>, stop: &Stop) {
    let Some(discord) = &app.settings.discord else { return };
    let channels = [discord.admin_channel.clone(), discord.tasks_channel.clone()];
    let turn = Turn { app: app.clone(), stop: stop.clone(), lease: None, urgent: false };
    let courier = courier.clone();
    tokio::spawn(async move {
        for channel in channels {
            if let Err(trouble) = courier.place(&turn, &channel).await {
                tracing::warn!(channel, ?trouble, "Discord does not tell what a channel is");
            }
        }
    });
}

impl Job {
    /// Sends the entry in its turn and records what became of it.
    async fn carry_out(self) {
        // What is urgent passes by the queue of its place.
        let name = match &self.claimed.message {
            Some((channel, _)) => channel.clone(),
            None => format!("{} {}", self.claimed.route, self.claimed.target).to_ascii_lowercase(),
        };
        let place = if self.turn.urgent { None } else { Some(self.courier.queue(&name).await) };
        let outcome = if self.turn.stop.is_requested() {
            Outcome::Postponed { after: Duration::ZERO }
        } else if self.claimed.purpose == Purpose::Edit {
            self.edit().await
        } else {
            self.announce().await
        };
        let held = self.record(&outcome).await;
        drop(place);
        if let (Some(false), Outcome::Sent { channel_id, message_id, .. }) = (held, &outcome) {
            self.take_back(channel_id, message_id).await;
        }
    }

    /// Gives the entry back: there is no place for it now.
    async fn put_back(self) {
        self.record(&Outcome::Postponed { after: PUT_BACK }).await;
    }

    /// Records what became of the entry; `false` when somebody else holds it by now, `None` when the store
    /// did not take it.
    async fn record(&self, outcome: &Outcome) -> Option<bool> {
        self.tell(outcome);
        point("delivery.before_settle");
        let app = &self.turn.app;
        let mut tries = 0;
        let held = loop {
            match app.store.settle(&self.claimed.claim, outcome.clone(), &app.settings.policy).await {
                Ok(held) => break held.is_some(),
                Err(error) => {
                    tries += 1;
                    tracing::error!(escalation = %self.claimed.escalation.id, %error, "what became of a message is not recorded");
                    if tries == 5 || self.turn.lease.is_some_and(|lease| lease.left().is_zero()) {
                        // The lease ends, and whoever claims the entry next finds the message.
                        return None;
                    }
                    sleep(Duration::from_millis(200 << tries)).await;
                }
            }
        };
        point("delivery.settled");
        if held {
            self.count(outcome);
            // What follows from it is in the outbox now: a fallback, or an edit.
            app.wake.notify_one();
        }
        Some(held)
    }

    fn count(&self, outcome: &Outcome) {
        let metrics = &self.turn.app.metrics;
        let route = self.claimed.route;
        match outcome {
            Outcome::Sent { .. } | Outcome::Edited { .. } => {
                metrics.sent(self.claimed.purpose.as_str(), route)
            }
            Outcome::Retry { .. } => metrics.failed(route, false),
            Outcome::Failed { .. } | Outcome::Dropped { .. } => metrics.failed(route, true),
            Outcome::Postponed { .. } => {}
        }
    }

    fn tell(&self, outcome: &Outcome) {
        let (id, route, attempt) =
            (self.claimed.escalation.id, self.claimed.route, self.claimed.claim.attempt);
        let purpose = self.claimed.purpose.as_str();
        match outcome {
            Outcome::Sent { message_id, repeated, .. } => {
                tracing::info!(escalation = %id, %route, attempt, message = message_id, repeated, "sent");
            }
            Outcome::Edited { .. } => tracing::info!(escalation = %id, %route, attempt, "edited"),
            Outcome::Retry { error, after, uncertain } => {
                tracing::warn!(escalation = %id, %route, attempt, purpose, error, ?after, uncertain, "not sent; trying again");
            }
            Outcome::Dropped { why } => tracing::warn!(escalation = %id, %route, attempt, why, "not edited"),
            Outcome::Failed { error, fallback } => {
                let fallback = fallback.as_ref().map(|(route, target)| format!("{route} {target}"));
                tracing::error!(escalation = %id, %route, attempt, error, fallback, "given up on this route");
            }
            Outcome::Postponed { after } => {
                tracing::debug!(escalation = %id, %route, purpose, ?after, "put off");
            }
        }
    }

    /// Somebody else holds the entry by now: takes our message back, unless it is the one that they recorded.
    async fn take_back(&self, channel: &str, message: &str) {
        let claimed = &self.claimed;
        tracing::warn!(escalation = %claimed.escalation.id, route = %claimed.route, message, "sent after the claim was over");
        let turn = Turn { lease: None, ..self.turn.clone() };
        // Whoever holds it may still be about to send.
        for _ in 0..30 {
            match turn.app.store.escalation(claimed.escalation.id).await {
                Ok(Some(shown)) => match judge(&shown.escalation, claimed, message) {
                    Some(true) => return,
                    Some(false) => {
                        if let Err(trouble) = self.courier.call(&turn, Call::delete(channel, message)).await {
                            tracing::warn!(message, ?trouble, "a repeated message stays");
                        }
                        return;
                    }
                    None => {}
                },
                Ok(None) => return,
                Err(error) => tracing::error!(%error, "the store did not tell about an escalation"),
            }
            tokio::select! {
                () = sleep(Duration::from_secs(2)) => {}
                () = turn.stop.requested() => return,
            }
        }
    }
}

/// Says whether a message of ours is the one that was recorded; `None` while none was.
fn judge(now: &Escalation, claimed: &Claimed, message: &str) -> Option<bool> {
    let same = |d: &&crate::domain::Delivery| {
        (d.round, d.route, &d.target) == (claimed.round, claimed.route, &claimed.target)
            && d.state == NotificationState::Sent
    };
    match now.deliveries.iter().find(same) {
        Some(delivery) => Some(delivery.message_id.as_deref() == Some(message)),
        // Nobody waits for it any more, and nobody would keep it up to date.
        None if now.state != rig_wire::EscalationState::Open || claimed.round < now.level_round => {
            Some(false)
        }
        None => None,
    }
}
