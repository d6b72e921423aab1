//! Does what a history says to a store and to the reference, and compares after every step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rig_conductor::app::{App, Stop};
use rig_conductor::domain::{Escalation, Flood, Policy, Purpose, Rejection, Routes, Via};
use rig_conductor::settings::Settings;
use rig_conductor::store::{
    self, Command, Creation, Filter, Outcome, Receipt, Shown, Store, StoreError, StoreOptions, Synchronous,
};
use rig_conductor::sweep;
use rig_wire::{Category, EscalationState, Severity};
use uuid::Uuid;

use super::Op;
use super::reference::{AGAIN, Answer, FLOOD, Luck, MINUTE, Model, Subject};
use crate::world::Place;

const BY: [&str; 2] = ["stig", "kari"];
const RESOLUTIONS: [&str; 2] = ["fixed", "not needed"];
const LEASE: Duration = Duration::from_secs(AGAIN);

/// Plays a history. The error says at which step something else came of it, and what.
pub(super) async fn play(ops: &[Op], place: Place<'_>) -> Result<(), (usize, String)> {
    let settings = Settings {
        policy: Policy {
            flood: Flood {
                creations: u32::try_from(FLOOD).unwrap(),
                window: Duration::from_secs(10 * MINUTE),
            },
            routes: Routes { discord: true, p0_users: vec!["user-1".to_owned(), "user-2".to_owned()] },
            ..Policy::default()
        },
        // A test loses nothing with the machine's power.
        store_options: StoreOptions {
            sqlite_synchronous: Synchronous::Normal,
            postgres_connections: 4,
            ..StoreOptions::default()
        },
        ..Settings::new(place.settings())
    };
    let app = open(&settings).await;
    let start = app.store.now().await.unwrap();
    let mut player = Player {
        settings,
        app,
        start,
        model: Model::default(),
        ids: Vec::new(),
        sent: Vec::new(),
        display: BTreeMap::new(),
        messages: 0,
    };
    for (index, op) in ops.iter().enumerate() {
        player.step(*op).await.map_err(|why| (index, format!("{op:?}: {why}")))?;
        player.compare().await.map_err(|why| (index, format!("after {op:?}: {why}")))?;
    }
    player.settle_all().await.map_err(|why| (ops.len() - 1, format!("at the end: {why}")))?;
    player.app.store.close().await.unwrap();
    Ok(())
}

async fn open(settings: &Settings) -> Arc<App> {
    let store = store::open(&settings.store, settings.store_options.clone()).await.unwrap();
    Arc::new(App::new(settings.clone(), store))
}

struct Player {
    settings: Settings,
    app: Arc<App>,
    start: Timestamp,
    model: Model,
    /// The escalations of the model, in its order.
    ids: Vec<Uuid>,
    /// Every creation that was taken, in the order of [`Model::sent`].
    sent: Vec<Creation>,
    /// What each message shows: state and severity.
    display: BTreeMap<String, (EscalationState, Severity)>,
    messages: u64,
}

impl Player {
    fn store(&self) -> &dyn Store {
        &*self.app.store
    }

    async fn step(&mut self, op: Op) -> Result<(), String> {
        let now = self.store().now().await.map_err(|e| e.to_string())?;
        self.model.now = u64::try_from(now.duration_since(self.start).as_secs()).unwrap();
        let some = |which: usize, of: usize| (of > 0).then(|| which % of.max(1));
        let count = self.ids.len();
        match op {
            Op::Create { agent, key, severity } => self.create(agent, key, severity).await,
            Op::Retry { which, changed } => match some(which, self.sent.len()) {
                Some(which) => self.retry(which, changed).await,
                None => Ok(()),
            },
            Op::Ack { which, .. }
            | Op::Close { which, .. }
            | Op::Raise { which, .. }
            | Op::Note { which } => match some(which, count) {
                Some(index) => self.change(op, index).await,
                None => Ok(()),
            },
            Op::Bump { which } => match some(which, count) {
                Some(index) => self.bump(index).await,
                None => Ok(()),
            },
            Op::Sweep => {
                let (_stopper, stop) = Stop::pair();
                let swept = sweep::once(&self.app, &stop).await.map_err(|e| e.to_string())?;
                self.model.sweep();
                if swept.failed == 0 { Ok(()) } else { Err(format!("{swept:?}")) }
            }
            Op::Deliver(luck) => self.deliver(luck).await,
            Op::Pass(tens) => {
                self.store()
                    .advance(Duration::from_secs(tens * 10 * MINUTE))
                    .await
                    .map_err(|e| e.to_string())?;
                Ok(())
            }
            Op::Restart => {
                self.store().close().await.map_err(|e| e.to_string())?;
                self.app = open(&self.settings).await;
                Ok(())
            }
        }
    }

    async fn create(&mut self, agent: usize, key: usize, severity: Severity) -> Result<(), String> {
        let creation = Creation {
            id: Uuid::now_v7(),
            severity,
            reason: format!("reason {key}"),
            details: None,
            category: Category::Other,
            agent_id: format!("agent-{agent}"),
            repo: None,
            issue_number: None,
            pr_number: None,
            branch: None,
            session_id: None,
            dedup_key: Some(format!("key-{key}")),
            token: "pool".to_owned(),
        };
        let expected = self.model.create(agent, key, severity);
        let seen = self.execute(Command::Create(creation.clone())).await?;
        match (&expected, &seen) {
            (Answer::Created(_), Ok(receipt)) if receipt.changed && !receipt.deduplicated => {
                self.ids.push(receipt.escalation.id);
            }
            (Answer::Added(index), Ok(receipt))
                if receipt.changed && receipt.deduplicated && receipt.escalation.id == self.ids[*index] => {}
            (Answer::Flooded, Err(Rejection::Flood { .. })) => return Ok(()),
            _ => return Err(format!("expected {expected:?}, saw {seen:?}")),
        }
        self.sent.push(creation);
        Ok(())
    }

    async fn retry(&mut self, which: usize, changed: bool) -> Result<(), String> {
        let mut creation = self.sent[which].clone();
        if changed {
            creation.reason.push_str(", and more");
        }
        let (index, added) = self.model.sent[which];
        match self.execute(Command::Create(creation)).await? {
            Err(Rejection::OtherContent(_)) if changed => Ok(()),
            Ok(receipt)
                if !changed
                    && !receipt.changed
                    && receipt.deduplicated == added
                    && receipt.escalation.id == self.ids[index] =>
            {
                Ok(())
            }
            seen => Err(format!("expected the answer of before, saw {seen:?}")),
        }
    }

    async fn change(&mut self, op: Op, index: usize) -> Result<(), String> {
        let id = self.ids[index];
        let (expected, command) = match op {
            Op::Ack { by, .. } => {
                let by = BY[by];
                let command = Command::Ack { id, by: by.to_owned(), via: Via::Api, note: None };
                (self.model.ack(index, by), command)
            }
            Op::Close { resolution, .. } => {
                let resolution = RESOLUTIONS[resolution];
                let command = Command::Close {
                    id,
                    resolution: resolution.to_owned(),
                    by: "stig".to_owned(),
                    via: Via::Cli,
                };
                (self.model.close(index, resolution), command)
            }
            Op::Raise { to, .. } => {
                let command = Command::Raise { id, to, by: "stig".to_owned(), note: None };
                (self.model.raise(index, to), command)
            }
            _ => {
                let command = Command::Note { id, by: "stig".to_owned(), note: "seen".to_owned() };
                (self.model.note(index), command)
            }
        };
        let seen = self.execute(command).await?;
        match (&expected, &seen) {
            (Answer::Done, Ok(receipt)) if receipt.changed => Ok(()),
            (Answer::Same, Ok(receipt)) if !receipt.changed => Ok(()),
            (Answer::Refused, Err(Rejection::State(_))) => Ok(()),
            _ => Err(format!("expected {expected:?}, saw {seen:?}")),
        }
    }

    /// Bumps one that is due, as a sweep would; one that is not due stays as it is.
    async fn bump(&mut self, index: usize) -> Result<(), String> {
        let expected = self.model.bump(index);
        match self.execute(Command::Bump { id: self.ids[index] }).await? {
            Ok(receipt) if receipt.changed == expected => Ok(()),
            seen => Err(format!("expected changed={expected}, saw {seen:?}")),
        }
    }

    async fn execute(&self, command: Command) -> Result<Result<Receipt, Rejection>, String> {
        match self.app.execute(command).await {
            Ok(receipt) => Ok(Ok(receipt)),
            Err(StoreError::Rejected(rejection)) => Ok(Err(rejection)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tries what is to be sent now, with one luck for all announcements. Edits always arrive.
    async fn deliver(&mut self, luck: Luck) -> Result<(), String> {
        let expected = self.model.deliver(luck);
        let mut seen = Vec::new();
        loop {
            let claimed = self.store().claim("sender", 500, LEASE).await.map_err(|e| e.to_string())?;
            if claimed.is_empty() {
                break;
            }
            for one in claimed {
                let shown = (one.escalation.state, one.escalation.severity);
                let outcome = if one.purpose == Purpose::Edit {
                    let (_, message) = one.message.clone().ok_or("an edit without a message")?;
                    if self.display.insert(message.clone(), shown).is_none() {
                        return Err(format!("edited {message}, which was never sent"));
                    }
                    Outcome::Edited { version: one.escalation.version }
                } else {
                    let index = self.ids.iter().position(|id| *id == one.claim.escalation);
                    let index = index.ok_or("a message of an unknown escalation")?;
                    seen.push((index, one.round, one.severity, one.target.clone()));
                    self.messages += u64::from(luck == Luck::Sent);
                    let error = "trouble".to_owned();
                    let after = Duration::from_secs(AGAIN);
                    match luck {
                        Luck::Sent => {
                            let message_id = format!("message-{}", self.messages);
                            self.display.insert(message_id.clone(), shown);
                            let channel_id = "channel".to_owned();
                            Outcome::Sent {
                                channel_id,
                                message_id,
                                thread_id: None,
                                url: None,
                                repeated: false,
                            }
                        }
                        Luck::Refused => Outcome::Retry { error, after, uncertain: false },
                        Luck::Lost => Outcome::Retry { error, after, uncertain: true },
                        Luck::Failed => Outcome::Failed { error, fallback: None },
                        Luck::Died => continue,
                    }
                };
                let settled = self.store().settle(&one.claim, outcome, &self.settings.policy).await;
                if settled.map_err(|e| e.to_string())?.is_none() {
                    return Err(format!("lost the claim {:?}", one.claim));
                }
            }
        }
        seen.sort();
        if seen == expected { Ok(()) } else { Err(format!("expected to send {expected:?}, sent {seen:?}")) }
    }

    async fn all(&self) -> Result<Vec<Shown>, String> {
        let filter = Filter { limit: 1000, ..Filter::default() };
        self.store().escalations(&filter).await.map_err(|e| e.to_string())
    }

    /// Compares everything that is there with what the model has.
    async fn compare(&self) -> Result<(), String> {
        let mut all = self.all().await?;
        all.sort_by_key(|shown| self.ids.iter().position(|id| *id == shown.escalation.id));
        if all.len() != self.model.all.len() {
            return Err(format!("{} escalations instead of {}", all.len(), self.model.all.len()));
        }
        for (shown, expected) in all.iter().zip(&self.model.all) {
            let (seen, expected) = (seen(shown), wanted(expected));
            if seen != expected {
                return Err(format!("expected\n  {expected}\nsaw\n  {seen}"));
            }
        }
        Ok(())
    }

    /// Sends everything, and checks that the log, the read models and the messages agree.
    async fn settle_all(&mut self) -> Result<(), String> {
        for _ in 0..2 {
            self.step(Op::Pass(1)).await?;
            self.step(Op::Deliver(Luck::Sent)).await?;
            self.compare().await?;
        }
        let replay = self.store().replay(true).await.map_err(|e| e.to_string())?;
        if !replay.differences.is_empty() {
            return Err(format!("the read models are not what the events say: {:?}", replay.differences));
        }
        for (shown, model) in
            self.all().await?.iter().map(|shown| &shown.escalation).map(|e| (e, self.subject(e)))
        {
            for delivery in &shown.deliveries {
                let Some(message) = &delivery.message_id else { continue };
                let kept = model.is_kept_up_to_date(delivery.round);
                if kept && self.display.get(message) != Some(&(shown.state, shown.severity)) {
                    let display = self.display.get(message);
                    return Err(format!(
                        "{message} shows {display:?}, but it is {:?} {}",
                        shown.state, shown.severity
                    ));
                }
            }
        }
        Ok(())
    }

    fn subject(&self, escalation: &Escalation) -> &Subject {
        let index = self.ids.iter().position(|id| *id == escalation.id).expect("a known escalation");
        &self.model.all[index]
    }
}

fn wanted(one: &Subject) -> String {
    let mut waiting: Vec<(Severity, String)> =
        one.waiting.iter().map(|message| (message.severity, message.target.clone())).collect();
    waiting.sort();
    format!(
        "agent-{} {:?} {} at first {}, {} bumps, {} reminders, {} notes, round {}, by {:?}, {:?}, delivered {}, waiting {waiting:?}",
        one.agent,
        one.state,
        one.severity,
        one.initial,
        one.bumps,
        one.reminders,
        one.notes,
        one.round,
        one.acked_by,
        one.resolution,
        one.delivered,
    )
}

fn seen(shown: &Shown) -> String {
    let one = &shown.escalation;
    let mut waiting: Vec<(Severity, String)> =
        shown.waiting.iter().map(|message| (message.severity, message.target.clone())).collect();
    waiting.sort();
    format!(
        "{} {:?} {} at first {}, {} bumps, {} reminders, {} notes, round {}, by {:?}, {:?}, delivered {}, waiting {waiting:?}",
        one.agent_id,
        one.state,
        one.severity,
        one.initial_severity,
        one.bump_count,
        one.reminder_count,
        one.note_count,
        one.round,
        one.acked_by,
        one.resolution,
        one.delivered(),
    )
}
