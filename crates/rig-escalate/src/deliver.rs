//! The way of one escalation to the coordinator.

use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::conductor::{Budget, Conductor, Embedded, Endpoint, Posted};
use rig_core::courier::Courier;
use rig_core::env::Environment;
use rig_core::error::chain;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::spool::{Delivery, Flusher, Spool, SpoolError};
use rig_wire::{Category, Event, EventType};
use serde_json::Value;

/// How often a coordinator that cannot be reached is tried.
const TRIES: u32 = 3;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a background process that delivers has to hand over, which may be in the middle of a
/// request.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the delivery of older events may take once this one is accepted.
const OLDER: Duration = Duration::from_secs(2);

/// How long the embedded service may take to start.
const START: Duration = Duration::from_secs(10);

/// What became of an escalation, and what there is to tell about the way.
#[derive(Debug, PartialEq)]
pub(crate) struct Delivered {
    pub(crate) fate: Fate,
    pub(crate) notes: Vec<String>,
    /// The status with which a coordinator last refused.
    pub(crate) refusal: Option<u16>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Fate {
    /// A coordinator has it, and gave this answer, if it was this process that it answered.
    Accepted(Option<Value>),
    /// It waits.
    Waiting { stuck: Stuck },
    /// It waits, and there is nobody to send it to.
    Unrouted,
    /// It is nowhere.
    Lost { stuck: Stuck },
}

/// What became of AGENT_STUCK, which every coordinator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    Accepted,
    Waiting,
    NotSent,
}

/// An escalation on its way.
pub(crate) struct Way<'a> {
    pub(crate) sender: &'a mut Sender,
    pub(crate) env: &'a Environment,
    pub(crate) paths: &'a Paths,
    pub(crate) escalation: &'a Event,
    pub(crate) notes: Vec<String>,
    refusal: Option<u16>,
}

impl<'a> Way<'a> {
    pub(crate) fn new(
        sender: &'a mut Sender,
        env: &'a Environment,
        paths: &'a Paths,
        escalation: &'a Event,
    ) -> Self {
        Self { sender, env, paths, escalation, notes: Vec::new(), refusal: None }
    }

    /// Spools the escalation, then delivers it; a background process that delivers hands over.
    pub(crate) fn deliver(mut self) -> Delivered {
        let fate = match self.paths.spool() {
            Some(dir) => self.spooled(&dir),
            None => {
                self.notes.push("no home directory is known, so there is no spool".to_owned());
                self.unspooled()
            }
        };
        Delivered { fate, notes: self.notes, refusal: self.refusal }
    }

    fn spooled(&mut self, dir: &Path) -> Fate {
        let spool = Spool::at(dir);
        // Taken before the event is there, so that nobody else sends it meanwhile.
        let flusher = spool.flusher().ok().flatten();
        if let Err(error) = spool.append(self.escalation, self.sender.destination()) {
            self.notes.push(chain(&error));
            return self.unspooled();
        }
        let Some(endpoint) = self.endpoint() else {
            // A note says that the embedded service does not start.
            let is_set_up = !self.notes.is_empty();
            return if is_set_up { Fate::Waiting { stuck: Stuck::NotSent } } else { Fate::Unrouted };
        };
        let flusher = flusher.map_or_else(|| spool.take_over(PATIENCE), |flusher| Ok(Some(flusher)));
        let flusher = match flusher {
            Ok(Some(flusher)) => flusher,
            Ok(None) => {
                let why = "another process has the right to deliver and does not hand over";
                self.notes.push(why.to_owned());
                return self.post_spooled(&spool, &endpoint);
            }
            Err(error) => {
                self.notes.push(chain(&error));
                return self.post_spooled(&spool, &endpoint);
            }
        };
        // An escalation leaves the spool only when it was accepted.
        let waits = |events: Vec<String>| events.iter().any(|e| e.contains(&self.escalation.event_id));
        if spool.waiting_events().is_ok_and(|events| !waits(events)) {
            return Fate::Accepted(None);
        }
        let mut courier = self.courier(dir);
        let fate = self.carry(&spool, &flusher, &mut courier);
        self.refusal = courier.last_refusal();
        fate
    }

    /// Returns where the coordinator is. The embedded service is started where it is the one and rests;
    /// a failure leaves a note.
    fn endpoint(&mut self) -> Option<Endpoint> {
        if self.sender.endpoint.is_none() {
            self.notes.extend(bring_up(self.sender, self.env).err());
        }
        self.sender.endpoint.clone()
    }

    fn courier(&self, spool: &Path) -> Courier {
        let Sender { config, project, .. } = &*self.sender;
        let own = Endpoint::resolve_trusted(self.env, project, &config.conductor).ok().flatten();
        let mut courier = Courier::new(own, Budget::ESCALATION, spool.to_owned());
        // A coordinator that did not know escalations an hour ago may know them now.
        courier.insist();
        courier
    }

    fn carry(&mut self, spool: &Spool, flusher: &Flusher<'_>, courier: &mut Courier) -> Fate {
        for attempt in 1..=TRIES {
            courier.begin_pass();
            match only(flusher, courier, self.escalation) {
                Ok(true) => {
                    let answer = courier.take_answer();
                    self.notes.extend(courier.take_notes());
                    if self.is_stuck()
                        && let Err(error) = spool.append(&self.stuck(), self.sender.destination())
                    {
                        self.notes.push(format!("AGENT_STUCK was not sent: {}", chain(&error)));
                    }
                    courier.stop_at(Instant::now() + OLDER);
                    courier.begin_pass();
                    // Whether older events go through now or later changes nothing for this one.
                    let _ = flusher.pass(|record| courier.deliver(record));
                    return Fate::Accepted(answer);
                }
                Ok(false) if courier.had_trouble() && courier.throttled_for() == 0 && attempt < TRIES => {
                    std::thread::sleep(PAUSE);
                }
                Ok(false) => break,
                Err(error) => {
                    self.notes.push(chain(&error));
                    break;
                }
            }
        }
        self.notes.extend(courier.take_notes());
        self.notes.dedup();
        let stuck = self.stuck();
        if let Err(error) = spool.append(&stuck, self.sender.destination()) {
            self.notes.push(chain(&error));
            return Fate::Waiting { stuck: Stuck::NotSent };
        }
        if courier.had_trouble() {
            return Fate::Waiting { stuck: Stuck::Waiting };
        }
        courier.begin_pass();
        let accepted = only(flusher, courier, &stuck).unwrap_or(false);
        Fate::Waiting { stuck: if accepted { Stuck::Accepted } else { Stuck::Waiting } }
    }

    /// Posts what is spooled past a process that does not hand over. It may arrive a second time with
    /// the same ids, when that process goes on.
    fn post_spooled(&mut self, spool: &Spool, endpoint: &Endpoint) -> Fate {
        let answer = self.post(endpoint, self.escalation, TRIES);
        let accepted = matches!(answer, Answer::Accepted(_));
        let mut stuck = Stuck::NotSent;
        if !accepted || self.is_stuck() {
            match spool.append(&self.stuck(), self.sender.destination()) {
                Ok(()) => stuck = Stuck::Waiting,
                Err(error) => self.notes.push(chain(&error)),
            }
        }
        match answer {
            Answer::Accepted(answer) => Fate::Accepted(Some(answer)),
            Answer::Refused | Answer::None => Fate::Waiting { stuck },
        }
    }

    /// Posts what could not be spooled.
    fn unspooled(&mut self) -> Fate {
        let Some(endpoint) = self.endpoint() else {
            self.notes.push("no coordinator is set up (CONDUCTOR_BASE_URL)".to_owned());
            return Fate::Lost { stuck: Stuck::NotSent };
        };
        let answer = self.post(&endpoint, self.escalation, TRIES);
        let mut stuck = Stuck::NotSent;
        if self.is_stuck() && answer != Answer::None || answer == Answer::Refused {
            let event = self.stuck();
            if matches!(self.post(&endpoint, &event, 1), Answer::Accepted(_)) {
                stuck = Stuck::Accepted;
            }
        }
        match answer {
            Answer::Accepted(answer) => Fate::Accepted(Some(answer)),
            Answer::Refused | Answer::None => Fate::Lost { stuck },
        }
    }

    fn post(&mut self, endpoint: &Endpoint, event: &Event, tries: u32) -> Answer {
        let conductor = Conductor::new(endpoint.clone(), Budget::ESCALATION);
        let json = serde_json::to_string(event).expect("an event has only string keys");
        let (base, kind) = (&endpoint.base, event.kind);
        let mut attempt = 1;
        loop {
            let why = match conductor.post_event(&json, None) {
                Posted::Accepted(answer) => return Answer::Accepted(answer),
                Posted::Refused(status, said) => {
                    self.refusal = Some(status);
                    self.notes.push(format!("{base} refused {kind} with {status} ({said})"));
                    return Answer::Refused;
                }
                Posted::Throttled(seconds) => {
                    self.notes.push(format!("{base} asks to be left alone for {seconds} s"));
                    return Answer::None;
                }
                Posted::Failed(status) => {
                    self.refusal = Some(status);
                    format!("{base} did not take {kind}: it answered {status}")
                }
                Posted::Unavailable(why) => format!("{base} could not be reached: {why}"),
            };
            if attempt == tries {
                self.notes.push(why);
                return Answer::None;
            }
            attempt += 1;
            std::thread::sleep(PAUSE);
        }
    }

    /// Says whether the agent itself cannot go on.
    fn is_stuck(&self) -> bool {
        self.escalation.category == Some(Category::Stuck)
    }

    /// Returns the event that every coordinator knows.
    fn stuck(&self) -> Event {
        let mut event = self.sender.event(EventType::AgentStuck);
        let escalation = self.escalation;
        event.reason.clone_from(&escalation.reason);
        event.repo.clone_from(&escalation.repo);
        event.issue_number = escalation.issue_number;
        event.pr_number = escalation.pr_number;
        event.branch.clone_from(&escalation.branch);
        event
    }
}

/// What posting an event came to.
#[derive(PartialEq)]
enum Answer {
    Accepted(Value),
    Refused,
    None,
}

/// Starts the embedded service where it is the coordinator and rests.
///
/// # Errors
/// In words, when it rests and cannot be started.
pub(crate) fn bring_up(sender: &mut Sender, env: &Environment) -> Result<(), String> {
    let settings = &sender.config.conductor;
    let Some(embedded) = Embedded::at_rest(env, settings) else { return Ok(()) };
    let mut up =
        embedded.up().ok_or("the embedded service does not run, and rig-conductor is not installed")?;
    let mut child = up.spawn().map_err(|e| format!("failed to start the embedded service: {e}"))?;
    let until = Instant::now() + START;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let found = Endpoint::resolve(env, &sender.project, settings).map_err(|error| error.to_string())?;
    sender.endpoint = found;
    match sender.endpoint {
        Some(_) => Ok(()),
        None => Err("the embedded service does not start; `rig-conductor up` says why".to_owned()),
    }
}

/// Delivers one event of the spool; says whether it was accepted, also where the spool could not be
/// tidied up afterwards.
fn only(flusher: &Flusher<'_>, courier: &mut Courier, event: &Event) -> Result<bool, SpoolError> {
    let mut accepted = false;
    let pass = flusher.pass(|record| {
        if record.summary().is_none_or(|summary| summary.event_id != event.event_id) {
            return Delivery::Later;
        }
        let delivery = courier.deliver(record);
        accepted = delivery == Delivery::Accepted;
        delivery
    });
    if accepted { Ok(true) } else { pass.map(|_| false) }
}

/// Names a coordinator; who reads it has to know whose choice it was.
pub(crate) fn name(endpoint: &Endpoint) -> String {
    let chosen = if endpoint.from_project { ", which this repository's settings chose" } else { "" };
    format!("{}{chosen}", endpoint.base)
}
