use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rig_wire::{Category, EscalationState, Notification, NotificationState, Route, Severity};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, Fact, Policy};

/// An escalation as its events made it: the read model, and what decisions are made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    /// Its id, chosen by who created it.
    pub id: Uuid,
    /// How many events its stream has.
    pub version: i64,
    /// How urgent it is now.
    pub severity: Severity,
    /// How urgent it was at first.
    pub initial_severity: Severity,
    /// How far it has come.
    pub state: EscalationState,
    /// What a person has to know.
    pub reason: String,
    /// What the reason has no room for.
    pub details: Option<String>,
    /// What kind of help is needed.
    pub category: Category,
    /// The agent or human that asks.
    pub agent_id: String,
    /// `owner/name` of the repository.
    pub repo: Option<String>,
    /// The issue.
    pub issue_number: Option<u64>,
    /// The pull request.
    pub pr_number: Option<u64>,
    /// The branch.
    pub branch: Option<String>,
    /// The session in which it came up.
    pub session_id: Option<String>,
    /// The digest that equal escalations share.
    pub dedup_key: String,
    /// The digest of what was sent.
    pub content_hash: String,
    /// The name of the token that created it.
    pub token: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its present level began: its creation, or its last bump.
    pub level_since: Timestamp,
    /// When people were told again last, at this level.
    pub reminded_at: Option<Timestamp>,
    /// How often people were told again, over all levels.
    pub reminder_count: u32,
    /// When a person took it; nothing once it was raised above that.
    pub acked_at: Option<Timestamp>,
    /// Who took it.
    pub acked_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What came of it.
    pub resolution: Option<String>,
    /// How often its severity was raised.
    pub bump_count: u32,
    /// When it was raised last.
    pub last_bumped_at: Option<Timestamp>,
    /// How often it was repeated or commented on.
    pub note_count: u32,
    /// The announcement that people have to see by now: creation, bumps and reminders count up.
    pub round: u32,
    /// The round in which the present level was announced.
    pub level_round: u32,
    /// What became of each announcement on each route.
    pub deliveries: Vec<Delivery>,
}

/// What became of an announcement on one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Which announcement it is, as [`Escalation::round`] counts them.
    pub round: u32,
    /// The severity that it was sent for.
    pub severity: Severity,
    /// The way it took.
    pub route: Route,
    /// As [`super::Intent::target`].
    pub target: String,
    /// Sent or failed; what is still tried is in the outbox alone.
    pub state: NotificationState,
    /// The message, once there is one.
    pub message_id: Option<String>,
    /// The channel or thread that holds the message.
    pub channel_id: Option<String>,
    /// The message's address.
    pub url: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When this became so.
    pub at: Timestamp,
}

impl Escalation {
    /// Makes an escalation of its first event; `None` for any other event.
    #[must_use]
    pub fn begin(fact: &Fact) -> Option<Self> {
        let Event::EscalationCreated {
            escalation_id,
            severity,
            reason,
            category,
            agent_id,
            repo,
            issue_number,
            pr_number,
            branch,
            details,
            session_id,
            dedup_key,
            content_hash,
            token,
        } = &fact.event
        else {
            return None;
        };
        Some(Self {
            id: *escalation_id,
            version: fact.version,
            severity: *severity,
            initial_severity: *severity,
            state: EscalationState::Open,
            reason: reason.clone(),
            details: details.clone(),
            category: *category,
            agent_id: agent_id.clone(),
            repo: repo.clone(),
            issue_number: *issue_number,
            pr_number: *pr_number,
            branch: branch.clone(),
            session_id: session_id.clone(),
            dedup_key: dedup_key.clone(),
            content_hash: content_hash.clone(),
            token: token.clone(),
            created_at: fact.at,
            level_since: fact.at,
            reminded_at: None,
            reminder_count: 0,
            acked_at: None,
            acked_by: None,
            closed_at: None,
            closed_by: None,
            resolution: None,
            bump_count: 0,
            last_bumped_at: None,
            note_count: 0,
            round: 0,
            level_round: 0,
            deliveries: Vec::new(),
        })
    }

    /// Applies the next event of the stream.
    pub fn apply(&mut self, fact: &Fact) {
        self.version = fact.version;
        let at = fact.at;
        match &fact.event {
            Event::EscalationCreated { .. } => {}
            Event::EscalationAcked { by, .. } => {
                self.state = EscalationState::Acked;
                self.acked_at = Some(at);
                self.acked_by = Some(by.clone());
            }
            Event::EscalationClosed { resolution, by, .. } => {
                self.state = EscalationState::Closed;
                self.closed_at = Some(at);
                self.closed_by = Some(by.clone());
                self.resolution = Some(resolution.clone());
            }
            Event::EscalationBumped { to_severity, bump_count, reopened, .. } => {
                self.severity = *to_severity;
                self.bump_count = *bump_count;
                self.last_bumped_at = Some(at);
                self.level_since = at;
                self.reminded_at = None;
                self.round += 1;
                self.level_round = self.round;
                if *reopened {
                    self.state = EscalationState::Open;
                    self.acked_at = None;
                    self.acked_by = None;
                }
            }
            Event::EscalationReminded { reminder_count, .. } => {
                self.reminded_at = Some(at);
                self.reminder_count = *reminder_count;
                self.round += 1;
                self.forget_old_reminders();
            }
            Event::EscalationNoteAdded { .. } => {
                self.note_count = self.note_count.saturating_add(1);
            }
            Event::EscalationNotified {
                severity,
                route,
                target,
                message_id,
                channel_id,
                url,
                attempt,
                round,
                ..
            } => {
                let one = self.delivery(*round, *severity, *route, target, at);
                one.state = NotificationState::Sent;
                one.message_id = Some(message_id.clone());
                one.channel_id = Some(channel_id.clone());
                one.url.clone_from(url);
                one.attempts = *attempt;
                one.last_error = None;
                one.at = at;
            }
            Event::EscalationNotifyFailed {
                severity, route, target, attempt, round, error, r#final, ..
            } => {
                let one = self.delivery(*round, *severity, *route, target, at);
                if one.state != NotificationState::Sent {
                    one.state = if *r#final { NotificationState::Failed } else { NotificationState::Pending };
                }
                one.attempts = *attempt;
                one.last_error = Some(error.clone());
                one.at = at;
            }
        }
    }

    fn delivery(
        &mut self,
        round: u32,
        severity: Severity,
        route: Route,
        target: &str,
        at: Timestamp,
    ) -> &mut Delivery {
        let same = |d: &Delivery| d.round == round && d.route == route && d.target == target;
        let index = self.deliveries.iter().position(same).unwrap_or_else(|| {
            self.deliveries.push(Delivery {
                round,
                severity,
                route,
                target: target.to_owned(),
                state: NotificationState::Pending,
                message_id: None,
                channel_id: None,
                url: None,
                attempts: 0,
                last_error: None,
                at,
            });
            self.deliveries.len() - 1
        });
        &mut self.deliveries[index]
    }

    /// Keeps of the deliveries what announced a level, the last two rounds, and what says that people were told
    /// of the present level: an escalation does not grow with its reminders.
    fn forget_old_reminders(&mut self) {
        let mut announced: BTreeMap<Severity, u32> = BTreeMap::new();
        for delivery in &self.deliveries {
            let first = announced.entry(delivery.severity).or_insert(delivery.round);
            *first = (*first).min(delivery.round);
        }
        let told = |d: &Delivery| d.state == NotificationState::Sent && d.round >= self.level_round;
        let told = self.deliveries.iter().position(told);
        let (round, mut index) = (self.round, 0);
        self.deliveries.retain(|delivery| {
            let keeps_it_told = told == Some(index);
            index += 1;
            let is_of_level = announced.get(&delivery.severity) == Some(&delivery.round);
            is_of_level || delivery.round + 1 >= round || keeps_it_told
        });
    }

    /// Rebuilds an escalation from the whole stream; `None` where it does not begin with a creation.
    #[must_use]
    pub fn replay<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Option<Self> {
        let mut facts = facts.into_iter();
        let mut escalation = Self::begin(facts.next()?)?;
        facts.for_each(|fact| escalation.apply(fact));
        Some(escalation)
    }

    /// Returns the name of the stream.
    #[must_use]
    pub fn stream(&self) -> String {
        stream_of(self.id)
    }

    /// Says whether a route that a person sees has confirmed the present level.
    #[must_use]
    pub fn delivered(&self) -> bool {
        let told = |d: &Delivery| d.state == NotificationState::Sent && d.round >= self.level_round;
        self.deliveries.iter().any(told)
    }

    /// Returns when it is raised unless a person takes it before.
    #[must_use]
    pub fn next_bump_at(&self, policy: &Policy) -> Option<Timestamp> {
        let after = policy.bump_after(self.severity).filter(|_| self.state == EscalationState::Open)?;
        self.level_since.checked_add(SignedDuration::try_from(after).ok()?).ok()
    }

    /// Returns when people are told again, for a P0 that nobody took.
    #[must_use]
    pub fn next_reminder_at(&self, policy: &Policy) -> Option<Timestamp> {
        let every = policy
            .remind_every
            .filter(|_| self.state == EscalationState::Open && self.severity == Severity::P0)?;
        self.reminded_at.unwrap_or(self.level_since).checked_add(SignedDuration::try_from(every).ok()?).ok()
    }

    /// Returns the escalation as it is shown. `waiting` is what the outbox still tries.
    #[must_use]
    pub fn show(&self, policy: &Policy, waiting: &[Notification]) -> rig_wire::Escalation {
        let mut notifications: Vec<Notification> = self
            .deliveries
            .iter()
            .filter(|d| d.state != NotificationState::Pending)
            .map(|d| Notification {
                route: d.route,
                severity: d.severity,
                target: d.target.clone(),
                state: d.state,
                message_id: d.message_id.clone(),
                url: d.url.clone(),
                attempts: d.attempts,
                last_error: d.last_error.clone(),
                at: shown(d.at),
            })
            .collect();
        notifications.extend_from_slice(waiting);
        rig_wire::Escalation {
            id: self.id.to_string(),
            severity: self.severity,
            initial_severity: self.initial_severity,
            state: self.state,
            reason: self.reason.clone(),
            details: self.details.clone(),
            category: self.category,
            agent_id: self.agent_id.clone(),
            repo: self.repo.clone(),
            issue_number: self.issue_number,
            pr_number: self.pr_number,
            branch: self.branch.clone(),
            created_at: shown(self.created_at),
            acked_at: self.acked_at.map(shown),
            acked_by: self.acked_by.clone(),
            closed_at: self.closed_at.map(shown),
            closed_by: self.closed_by.clone(),
            resolution: self.resolution.clone(),
            bump_count: self.bump_count,
            last_bumped_at: self.last_bumped_at.map(shown),
            next_bump_at: self.next_bump_at(policy).map(shown),
            note_count: self.note_count,
            delivered: self.delivered(),
            notifications,
        }
    }
}

/// Returns the name of an escalation's stream.
#[must_use]
pub fn stream_of(id: Uuid) -> String {
    format!("escalation-{id}")
}

/// Returns a time as it is sent: ISO 8601 in UTC with milliseconds.
#[must_use]
pub fn shown(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::edits;

    fn fact(version: i64, event: Event) -> Fact {
        Fact { id: Uuid::nil(), version, at: Timestamp::from_second(version).unwrap(), event }
    }

    fn notified(round: u32, target: &str) -> Event {
        Event::EscalationNotified {
            escalation_id: Uuid::nil(),
            severity: Severity::P0,
            route: Route::DiscordChannel,
            target: target.to_owned(),
            message_id: format!("{target}-{round}"),
            channel_id: "1".to_owned(),
            thread_id: None,
            url: None,
            attempt: 1,
            round,
            repeated: false,
        }
    }

    /// A P0 that was announced (unless `first` is false) and then told again so often.
    fn reminded(first: bool, times: u32, told: impl Fn(u32) -> bool) -> Escalation {
        let created = Event::EscalationCreated {
            escalation_id: Uuid::nil(),
            severity: Severity::P0,
            reason: "x".to_owned(),
            category: Category::Other,
            agent_id: "dev-e".to_owned(),
            repo: None,
            issue_number: None,
            pr_number: None,
            branch: None,
            details: None,
            session_id: None,
            dedup_key: String::new(),
            content_hash: String::new(),
            token: "pool".to_owned(),
        };
        let mut events = vec![created];
        if first {
            events.extend([notified(0, "admin"), notified(0, "111")]);
        }
        for reminder_count in 1..=times {
            events.push(Event::EscalationReminded {
                escalation_id: Uuid::nil(),
                severity: Severity::P0,
                unacked_for_seconds: 0,
                reminder_count,
            });
            if told(reminder_count) {
                events.extend([notified(reminder_count, "admin"), notified(reminder_count, "111")]);
            }
        }
        let facts: Vec<Fact> =
            events.into_iter().zip(1..).map(|(event, version)| fact(version, event)).collect();
        Escalation::replay(&facts).unwrap()
    }

    fn rounds(escalation: &Escalation) -> Vec<u32> {
        let mut rounds: Vec<u32> = escalation.deliveries.iter().map(|delivery| delivery.round).collect();
        rounds.dedup();
        rounds
    }

    #[test]
    fn an_escalation_does_not_grow_with_its_reminders() {
        let one = reminded(true, 1000, |_| true);
        assert_eq!(rounds(&one), [0, 999, 1000]);
        let messages: Vec<String> =
            edits(&one).into_iter().filter_map(|edit| Some(edit.message?.1)).collect();
        assert_eq!(messages, ["admin-0", "111-0", "admin-1000", "111-1000"]);
    }

    #[test]
    fn who_was_told_once_stays_told_however_many_reminders_fail() {
        let one = reminded(false, 50, |n| n == 3);
        assert_eq!((one.delivered(), rounds(&one)), (true, vec![3]));
        assert!(!reminded(false, 50, |_| false).delivered());
    }
}
