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

/// How long a delivery by a background process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// It is nowhere.
    Lost { notes: Vec<String> },
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
            | Self::Lost { notes } => notes,
        }
    }
}

/// Spools the escalation, then delivers it, or waits for the background process that does.
pub(crate) fn deliver(
    sender: &Sender,
    env: &Environment,
    paths: &Paths,
    cwd: &Path,
    escalation: &Event,
) -> Fate {
    let mut notes = Vec::new();
    match paths.spool() {
        None => notes.push("no home directory is known, so there is no spool".to_owned()),
        Some(dir) => {
            let spool = Spool::at(&dir);
            // Taken before the event is there, so that nobody else sends it meanwhile.
            let flusher = spool.flusher().ok().flatten();
            match (spool.append(escalation, sender.destination()), &sender.endpoint, flusher) {
                (Err(error), ..) => notes.push(chain(&error)),
                (Ok(()), None, _) => return Fate::Unrouted { notes },
                (Ok(()), Some(endpoint), Some(flusher)) => {
                    let mut courier = courier(sender, env, paths, cwd, &dir);
                    return carry(&spool, &flusher, &mut courier, sender, endpoint, escalation);
                }
                (Ok(()), Some(endpoint), None) => {
                    return await_background(&spool, sender, endpoint, escalation);
                }
            }
        }
    }
    match &sender.endpoint {
        None => {
            notes.push("no coordinator is set up (CONDUCTOR_BASE_URL)".to_owned());
            Fate::Lost { notes }
        }
        Some(endpoint) => post_unspooled(endpoint, escalation, notes),
    }
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
                return Fate::Accepted { by: endpoint.base.clone(), notes };
            }
            Ok(false) if courier.was_unreachable() && attempt < TRIES => std::thread::sleep(PAUSE),
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
    } else if !courier.was_unreachable() {
        courier.begin_pass();
        accepted = only(flusher, courier, &stuck).unwrap_or(false);
    }
    Fate::Waiting { stuck: accepted, notes }
}

/// Delivers one event of the spool; says whether it was accepted.
fn only(flusher: &Flusher<'_>, courier: &mut Courier, event: &Event) -> Result<bool, SpoolError> {
    let mut accepted = false;
    flusher.pass(|record| {
        if record.summary().is_none_or(|summary| summary.event_id != event.event_id) {
            return Delivery::Later;
        }
        let delivery = courier.deliver(record);
        accepted = delivery == Delivery::Accepted;
        delivery
    })?;
    Ok(accepted)
}

/// Waits for the background process; an escalation leaves the spool only when it was accepted.
fn await_background(spool: &Spool, sender: &Sender, endpoint: &Endpoint, escalation: &Event) -> Fate {
    let until = Instant::now() + PATIENCE;
    let waits = || match spool.waiting_events() {
        Ok(events) => events.iter().any(|event| event.contains(&escalation.event_id)),
        Err(_) => true,
    };
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        if !waits() {
            return Fate::Accepted { by: endpoint.base.clone(), notes: Vec::new() };
        }
    }
    let mut notes = vec![format!("a background process tries to reach {}", endpoint.base)];
    if let Err(error) = spool.append(&stuck(sender, escalation), sender.destination()) {
        notes.push(chain(&error));
    }
    Fate::Waiting { stuck: false, notes }
}

/// Posts what could not be spooled.
fn post_unspooled(endpoint: &Endpoint, escalation: &Event, mut notes: Vec<String>) -> Fate {
    let conductor = Conductor::new(endpoint.clone(), Budget::ESCALATION);
    let json = serde_json::to_string(escalation).expect("an event has only string keys");
    for attempt in 1..=TRIES {
        match conductor.post_event(&json) {
            Posted::Accepted(_) => return Fate::Accepted { by: endpoint.base.clone(), notes },
            Posted::Refused(status, said) => {
                notes.push(format!("{} refused it with {status} ({said})", endpoint.base));
                break;
            }
            Posted::Throttled(seconds) => {
                notes.push(format!("{} asks to be left alone for {seconds} s", endpoint.base));
                break;
            }
            Posted::Unavailable(why) if attempt == TRIES => {
                notes.push(format!("{} could not be reached: {why}", endpoint.base));
            }
            Posted::Unavailable(_) => std::thread::sleep(PAUSE),
        }
    }
    Fate::Lost { notes }
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
