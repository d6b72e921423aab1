//! The way of one escalation to the coordinator.

use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::conductor::{Budget, Conductor, Endpoint, Posted};
use rig_core::courier::Courier;
use rig_core::env::{Environment, ProjectEnv};
use rig_core::error::chain;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::spool::{Delivery, Flusher, Spool, SpoolError};
use rig_wire::{Event, EventType};

/// How often a coordinator that cannot be reached is tried.
const TRIES: u32 = 3;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a background process that delivers has to hand over, which may be in the middle of a
/// request.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the delivery of older events may take once this one is accepted.
const OLDER: Duration = Duration::from_secs(2);

/// What became of an escalation.
#[derive(Debug, PartialEq)]
pub(crate) enum Fate {
    /// A coordinator has it.
    Accepted { by: String, notes: Vec<String> },
    /// It waits; `stuck` says whether AGENT_STUCK was accepted in its place.
    Waiting { stuck: bool, notes: Vec<String> },
    /// It waits, and there is nobody to send it to.
    Unrouted { notes: Vec<String> },
    /// It is nowhere; `stuck` says whether AGENT_STUCK was accepted in its place.
    Lost { stuck: bool, notes: Vec<String> },
}

impl Fate {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Accepted { .. } => 0,
            Self::Waiting { .. } => 3,
            Self::Unrouted { .. } => 4,
            Self::Lost { .. } => 5,
        }
    }

    pub(crate) fn notes(&self) -> &[String] {
        match self {
            Self::Accepted { notes, .. }
            | Self::Waiting { notes, .. }
            | Self::Unrouted { notes }
            | Self::Lost { notes, .. } => notes,
        }
    }
}

/// Spools the escalation, then delivers it; a background process that delivers hands over.
pub(crate) fn deliver(
    sender: &Sender,
    env: &Environment,
    paths: &Paths,
    cwd: &Path,
    escalation: &Event,
) -> Fate {
    let mut notes = Vec::new();
    let Some(dir) = paths.spool() else {
        notes.push("no home directory is known, so there is no spool".to_owned());
        return deliver_unspooled(sender, escalation, notes);
    };
    let spool = Spool::at(&dir);
    // Taken before the event is there, so that nobody else sends it meanwhile.
    let flusher = spool.flusher().ok().flatten();
    if let Err(error) = spool.append(escalation, sender.destination()) {
        notes.push(chain(&error));
        return deliver_unspooled(sender, escalation, notes);
    }
    let Some(endpoint) = &sender.endpoint else { return Fate::Unrouted { notes } };
    let flusher = match flusher.map_or_else(|| spool.take_over(PATIENCE), |flusher| Ok(Some(flusher))) {
        Ok(Some(flusher)) => flusher,
        Ok(None) => {
            notes.push("another process has the right to deliver and does not hand over".to_owned());
            return post_spooled(&spool, sender, endpoint, escalation, notes);
        }
        Err(error) => {
            notes.push(chain(&error));
            return post_spooled(&spool, sender, endpoint, escalation, notes);
        }
    };
    // An escalation leaves the spool only when it was accepted.
    if spool.waiting_events().is_ok_and(|events| !events.iter().any(|e| e.contains(&escalation.event_id))) {
        return Fate::Accepted { by: name(endpoint), notes };
    }
    let mut courier = courier(sender, env, paths, cwd, &dir);
    carry(&spool, &flusher, &mut courier, sender, endpoint, escalation)
}

fn courier(sender: &Sender, env: &Environment, paths: &Paths, cwd: &Path, spool: &Path) -> Courier {
    let project = ProjectEnv::read(env, cwd, paths.home.as_deref());
    let own = Endpoint::resolve_trusted(env, &project, &sender.config.conductor).ok().flatten();
    let mut courier = Courier::new(own, Budget::ESCALATION, spool.to_owned());
    // A coordinator that did not know escalations an hour ago may know them now.
    courier.insist();
    courier
}

fn carry(
    spool: &Spool,
    flusher: &Flusher<'_>,
    courier: &mut Courier,
    sender: &Sender,
    endpoint: &Endpoint,
    escalation: &Event,
) -> Fate {
    let mut notes = Vec::new();
    for attempt in 1..=TRIES {
        courier.begin_pass();
        match only(flusher, courier, escalation) {
            Ok(true) => {
                notes.extend(courier.take_notes());
                courier.stop_at(Instant::now() + OLDER);
                courier.begin_pass();
                // Whether older events go through now or later changes nothing for this one.
                let _ = flusher.pass(|record| courier.deliver(record));
                return Fate::Accepted { by: name(endpoint), notes };
            }
            Ok(false) if courier.had_trouble() && courier.throttled_for() == 0 && attempt < TRIES => {
                std::thread::sleep(PAUSE);
            }
            Ok(false) => break,
            Err(error) => {
                notes.push(chain(&error));
                break;
            }
        }
    }
    notes.extend(courier.take_notes());
    notes.dedup();
    let stuck = stuck(sender, escalation);
    let mut accepted = false;
    if let Err(error) = spool.append(&stuck, sender.destination()) {
        notes.push(chain(&error));
    } else if !courier.had_trouble() {
        courier.begin_pass();
        accepted = only(flusher, courier, &stuck).unwrap_or(false);
    }
    Fate::Waiting { stuck: accepted, notes }
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

/// Posts what is spooled past a process that does not hand over. It may arrive a second time with
/// the same ids, when that process goes on.
fn post_spooled(
    spool: &Spool,
    sender: &Sender,
    endpoint: &Endpoint,
    escalation: &Event,
    mut notes: Vec<String>,
) -> Fate {
    if post(endpoint, escalation, TRIES, &mut notes) == Answer::Accepted {
        return Fate::Accepted { by: name(endpoint), notes };
    }
    if let Err(error) = spool.append(&stuck(sender, escalation), sender.destination()) {
        notes.push(chain(&error));
    }
    Fate::Waiting { stuck: false, notes }
}

/// Posts what could not be spooled.
fn deliver_unspooled(sender: &Sender, escalation: &Event, mut notes: Vec<String>) -> Fate {
    let Some(endpoint) = &sender.endpoint else {
        notes.push("no coordinator is set up (CONDUCTOR_BASE_URL)".to_owned());
        return Fate::Lost { stuck: false, notes };
    };
    let stuck = match post(endpoint, escalation, TRIES, &mut notes) {
        Answer::Accepted => return Fate::Accepted { by: name(endpoint), notes },
        Answer::Refused => post(endpoint, &stuck(sender, escalation), 1, &mut notes) == Answer::Accepted,
        Answer::None => false,
    };
    Fate::Lost { stuck, notes }
}

/// What posting an event came to.
#[derive(PartialEq)]
enum Answer {
    Accepted,
    Refused,
    None,
}

fn post(endpoint: &Endpoint, event: &Event, tries: u32, notes: &mut Vec<String>) -> Answer {
    let conductor = Conductor::new(endpoint.clone(), Budget::ESCALATION);
    let json = serde_json::to_string(event).expect("an event has only string keys");
    let (base, kind) = (&endpoint.base, event.kind);
    let mut attempt = 1;
    loop {
        let why = match conductor.post_event(&json, None) {
            Posted::Accepted(_) => return Answer::Accepted,
            Posted::Refused(status, said) => {
                notes.push(format!("{base} refused {kind} with {status} ({said})"));
                return Answer::Refused;
            }
            Posted::Throttled(seconds) => {
                notes.push(format!("{base} asks to be left alone for {seconds} s"));
                return Answer::None;
            }
            Posted::Failed(status) => format!("{base} did not take {kind}: it answered {status}"),
            Posted::Unavailable(why) => format!("{base} could not be reached: {why}"),
        };
        if attempt == tries {
            notes.push(why);
            return Answer::None;
        }
        attempt += 1;
        std::thread::sleep(PAUSE);
    }
}

/// Names a coordinator; who reads it has to know whose choice it was.
fn name(endpoint: &Endpoint) -> String {
    let chosen = if endpoint.from_project { ", which this repository's settings chose" } else { "" };
    format!("{}{chosen}", endpoint.base)
}

/// Returns the event that every coordinator knows.
fn stuck(sender: &Sender, escalation: &Event) -> Event {
    let mut event = sender.event(EventType::AgentStuck);
    event.reason.clone_from(&escalation.reason);
    event.repo.clone_from(&escalation.repo);
    event.issue_number = escalation.issue_number;
    event.pr_number = escalation.pr_number;
    event.branch.clone_from(&escalation.branch);
    event
}
