//! What is to happen, in as few words as possible: the rules once more, without events, tables or an outbox.

use rig_wire::{EscalationState, Severity};

/// In seconds.
pub(super) const MINUTE: u64 = 60;
const LEVEL: u64 = 4 * 60 * MINUTE;
const REMIND: u64 = 30 * MINUTE;
const WINDOW: u64 = 10 * MINUTE;
/// How many may be created in a window.
pub(super) const FLOOD: usize = 4;
/// How long a try that failed is waited for, and a lease lasts. Time passes in steps of ten minutes, so that it
/// does not matter how long the test itself takes for a step.
pub(super) const AGAIN: u64 = 5 * MINUTE;
/// After which time routes that all failed are tried again.
const TRY_AGAIN: u64 = 10 * MINUTE;

/// An escalation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) agent: usize,
    pub(super) key: usize,
    pub(super) severity: Severity,
    pub(super) initial: Severity,
    pub(super) state: EscalationState,
    pub(super) created: u64,
    level_since: u64,
    reminded: Option<u64>,
    pub(super) bumps: u32,
    pub(super) reminders: u32,
    pub(super) notes: u32,
    pub(super) acked_by: Option<String>,
    pub(super) resolution: Option<String>,
    pub(super) round: u32,
    level_round: u32,
    pub(super) delivered: bool,
    /// Messages that are still to be sent.
    pub(super) waiting: Vec<Message>,
    /// The rounds that announced a level, each with its severity.
    levels: Vec<u32>,
    /// When any of its messages was last touched.
    touched: Option<u64>,
    /// Messages that were given up, but may have arrived all the same.
    doubtful: Vec<(u32, String)>,
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) round: u32,
    pub(super) severity: Severity,
    pub(super) target: String,
    /// Whether it may have arrived.
    uncertain: bool,
    not_before: u64,
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A new one, by its index.
    Created(usize),
    /// Added to this one.
    Added(usize),
    /// It happened before; nothing changes.
    Same,
    Done,
    /// The state does not allow it.
    Refused,
    Flooded,
}

/// What becomes of every message that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Sent,
    /// It surely did not arrive; again later.
    Refused,
    /// Nobody knows; again later.
    Lost,
    /// Given up.
    Failed,
    /// Whoever sends it dies; the lease ends by itself.
    Died,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) now: u64,
    pub(super) all: Vec<Subject>,
    /// What was created, in its order: who takes its retry, and whether it was added there.
    pub(super) sent: Vec<(usize, bool)>,
}

fn targets(severity: Severity) -> &'static [&'static str] {
    match severity {
        Severity::P2 => &["tasks"],
        Severity::P1 => &["admin"],
        Severity::P0 => &["admin", "user-1", "user-2"],
    }
}

impl Model {
    pub(super) fn create(&mut self, agent: usize, key: usize, severity: Severity) -> Answer {
        let now = self.now;
        let same =
            |one: &Subject| one.agent == agent && one.key == key && one.state != EscalationState::Closed;
        if let Some(index) = self.all.iter().position(same) {
            return self.repeat(index, severity);
        }
        let recent = |one: &&Subject| one.initial == severity && one.created + WINDOW > now;
        if self.all.iter().filter(recent).count() >= FLOOD {
            if severity != Severity::P0 {
                return Answer::Flooded;
            }
            let open = |one: &Subject| one.state == EscalationState::Open && one.severity == Severity::P0;
            let open = self.all.iter().enumerate().filter(|(_, one)| open(one));
            if let Some((index, _)) = open.max_by_key(|(index, one)| (one.agent == agent, *index)) {
                return self.repeat(index, severity);
            }
        }
        let mut new = Subject {
            agent,
            key,
            severity,
            initial: severity,
            state: EscalationState::Open,
            created: now,
            level_since: now,
            reminded: None,
            bumps: 0,
            reminders: 0,
            notes: 0,
            acked_by: None,
            resolution: None,
            round: 0,
            level_round: 0,
            delivered: false,
            waiting: Vec::new(),
            levels: vec![0],
            touched: None,
            doubtful: Vec::new(),
        };
        new.announce(now);
        self.all.push(new);
        let index = self.all.len() - 1;
        self.sent.push((index, false));
        Answer::Created(index)
    }

    fn repeat(&mut self, index: usize, severity: Severity) -> Answer {
        let now = self.now;
        let one = &mut self.all[index];
        one.notes += 1;
        if severity > one.severity {
            one.raise(severity, now);
        }
        self.sent.push((index, true));
        Answer::Added(index)
    }

    pub(super) fn ack(&mut self, index: usize, by: &str) -> Answer {
        let now = self.now;
        let one = &mut self.all[index];
        match one.state {
            EscalationState::Closed => Answer::Refused,
            EscalationState::Acked => Answer::Same,
            EscalationState::Open => {
                one.state = EscalationState::Acked;
                one.acked_by = Some(by.to_owned());
                one.cancel(now);
                Answer::Done
            }
        }
    }

    pub(super) fn close(&mut self, index: usize, resolution: &str) -> Answer {
        let now = self.now;
        let one = &mut self.all[index];
        match (one.state, one.resolution.as_deref()) {
            (EscalationState::Closed, Some(first)) if first == resolution => Answer::Same,
            (EscalationState::Closed, _) => Answer::Refused,
            _ => {
                one.state = EscalationState::Closed;
                one.resolution = Some(resolution.to_owned());
                one.cancel(now);
                Answer::Done
            }
        }
    }

    pub(super) fn raise(&mut self, index: usize, to: Option<Severity>) -> Answer {
        let now = self.now;
        let one = &mut self.all[index];
        if to == Some(one.severity) && one.state != EscalationState::Closed {
            return Answer::Same;
        }
        let to = to.or(one.severity.raised()).filter(|to| *to > one.severity);
        match to.filter(|_| one.state != EscalationState::Closed) {
            None => Answer::Refused,
            Some(to) => {
                one.raise(to, now);
                Answer::Done
            }
        }
    }

    pub(super) fn note(&mut self, index: usize) -> Answer {
        self.all[index].notes += 1;
        Answer::Done
    }

    /// Raises one if its level has lasted long enough.
    pub(super) fn bump(&mut self, index: usize) -> bool {
        let now = self.now;
        let one = &mut self.all[index];
        let due = one.state == EscalationState::Open && one.level_since + LEVEL <= now;
        match one.severity.raised().filter(|_| due) {
            Some(to) => one.raise(to, now),
            None => return false,
        }
        true
    }

    /// Looks for what is due, everything once.
    pub(super) fn sweep(&mut self) {
        let now = self.now;
        for one in &mut self.all {
            if one.state != EscalationState::Open {
                continue;
            }
            match one.severity.raised() {
                Some(to) if one.level_since + LEVEL <= now => one.raise(to, now),
                Some(_) => {}
                None if one.reminded.unwrap_or(one.level_since) + REMIND <= now => {
                    one.reminders += 1;
                    one.reminded = Some(now);
                    one.round += 1;
                    one.cancel(now);
                    one.announce(now);
                }
                None => {}
            }
            let quiet = one.touched.is_none_or(|touched| touched + TRY_AGAIN <= now);
            if !one.delivered && one.waiting.is_empty() && quiet {
                one.announce(now);
            }
        }
    }

    /// Tries every message whose time has come, and returns them.
    pub(super) fn deliver(&mut self, luck: Luck) -> Vec<(usize, u32, Severity, String)> {
        let now = self.now;
        let mut tried = Vec::new();
        for (index, one) in self.all.iter_mut().enumerate() {
            let due: Vec<Message> = one.waiting.iter().filter(|m| m.not_before <= now).cloned().collect();
            for message in due {
                tried.push((index, message.round, message.severity, message.target.clone()));
                one.attempt(&message, luck, now);
            }
        }
        tried.sort();
        tried
    }
}

impl Subject {
    fn raise(&mut self, to: Severity, now: u64) {
        self.severity = to;
        self.bumps += 1;
        self.level_since = now;
        self.reminded = None;
        self.round += 1;
        self.level_round = self.round;
        self.levels.push(self.round);
        self.delivered = false;
        if self.state == EscalationState::Acked {
            self.state = EscalationState::Open;
            self.acked_by = None;
        }
        self.cancel(now);
        self.announce(now);
    }

    fn announce(&mut self, now: u64) {
        for target in targets(self.severity) {
            self.waiting.push(Message {
                round: self.round,
                severity: self.severity,
                target: (*target).to_owned(),
                uncertain: self.doubtful.contains(&(self.round, (*target).to_owned())),
                not_before: now,
            });
        }
        self.touched = Some(now);
    }

    /// What nobody can have seen need not be sent any more.
    fn cancel(&mut self, now: u64) {
        if self.waiting.iter().any(|message| !message.uncertain) {
            self.touched = Some(now);
        }
        self.waiting.retain(|message| message.uncertain);
    }

    fn attempt(&mut self, message: &Message, luck: Luck, now: u64) {
        self.touched = Some(now);
        let index = self.waiting.iter().position(|one| one == message).expect("it waits");
        let stale = self.state != EscalationState::Open || message.round < self.level_round;
        match luck {
            Luck::Sent => {
                self.waiting.remove(index);
                self.delivered |= message.round >= self.level_round;
            }
            Luck::Failed => {
                let message = self.waiting.remove(index);
                if message.uncertain {
                    self.doubtful.push((message.round, message.target));
                }
            }
            Luck::Refused if stale => {
                self.waiting.remove(index);
            }
            Luck::Refused => self.waiting[index].not_before = now + AGAIN,
            Luck::Lost => {
                self.waiting[index].uncertain = true;
                self.waiting[index].not_before = now + AGAIN;
            }
            Luck::Died => {
                self.waiting[index].uncertain = true;
                self.waiting[index].not_before = now + AGAIN;
            }
        }
    }

    /// Says whether a message of a round has to show how things are.
    pub(super) fn is_kept_up_to_date(&self, round: u32) -> bool {
        round == self.round || self.levels.contains(&round)
    }
}
