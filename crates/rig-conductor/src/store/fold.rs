//! What the log makes, compared with what is stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rig_wire::NotificationState;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::row::{Alias, Columns, Row, fold};
use super::{ReplayReport, body};
use crate::domain::{Event, Fact, Intent, Purpose, stream_of};

/// How many escalations are compared at a time.
pub(super) const CHUNK: usize = 500;

/// A read model that is not as its events make it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wrong {
    /// The rows of an escalation.
    Escalation(Uuid),
    /// The row of an agent, and the heartbeat that makes it; without one there must be no row.
    Agent(String, Option<Beat>),
}

/// A heartbeat in the log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Beat {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    /// camelCase.
    pub(super) members: Map<String, Value>,
}

impl Beat {
    /// Returns the agent that a heartbeat of a stream is of.
    pub(super) fn agent(&self, stream: &str) -> String {
        self.members.get("agentId").and_then(Value::as_str).unwrap_or(stream).to_owned()
    }
}

/// An event as it lies in the log.
pub(super) struct Raw {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) alias: String,
    pub(super) data: Value,
    pub(super) at: Timestamp,
}

/// Everything that is stored about one escalation.
pub(super) struct Stream {
    pub(super) id: Uuid,
    /// In the order of their versions.
    pub(super) events: Vec<Raw>,
    /// The version that the stream says it has.
    pub(super) version: Option<i64>,
    pub(super) stored: Option<Columns>,
    pub(super) aliases: Vec<Alias>,
    /// The announcements in the outbox, with their states.
    pub(super) outbox: Vec<(Intent, NotificationState)>,
}

impl Stream {
    /// Returns the rows that the events make.
    pub(super) fn rows(&self) -> Result<(Row, Vec<Alias>), String> {
        fold(&self.facts()?)
    }

    fn facts(&self) -> Result<Vec<Fact>, String> {
        let read = |raw: &Raw| {
            let Value::Object(data) = body::read(&raw.alias, raw.data.clone()) else {
                return Err(format!("event {} is no object", raw.version));
            };
            let event = Event::read(&raw.alias, data)
                .map_err(|error| format!("event {} cannot be read: {error}", raw.version))?;
            Ok(Fact { id: raw.id, version: raw.version, at: raw.at, event })
        };
        self.events.iter().map(read).collect()
    }
}

/// Reads the members of a heartbeat.
pub(super) fn members(data: Value) -> Map<String, Value> {
    match body::read("heartbeat", data) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// What a replay found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Entries of the outbox that were settled before are not kept.
    pub(super) forgotten: Option<Timestamp>,
    pub(super) report: ReplayReport,
    pub(super) wrong: Vec<Wrong>,
}

impl Findings {
    /// Compares an escalation with its events.
    pub(super) fn escalation(&mut self, stream: &Stream) {
        let id = stream.id;
        if stream.events.is_empty() {
            self.differs(format!("escalation {id}: no event makes it"), Wrong::Escalation(id));
            return;
        }
        self.report.escalations += 1;
        let (row, aliases) = match stream.rows() {
            Ok(rows) => rows,
            // Nothing can be made of it, so there is nothing to write.
            Err(why) => return self.report.differences.push(format!("escalation {id}: {why}")),
        };
        let mut differing = match &stream.stored {
            Some(stored) => stored.differing(&Columns::of(&row)),
            None => vec!["(missing)"],
        };
        if aliases != stream.aliases {
            differing.push("aliases");
        }
        if stream.version != Some(row.escalation.version) {
            differing.push("mt_streams.version");
        }
        if !differing.is_empty() {
            let what = differing.join(", ");
            self.differs(
                format!("escalation {id}: not as its events make it: {what}"),
                Wrong::Escalation(id),
            );
        }
        self.outbox(stream);
    }

    /// Compares what the outbox says was sent with what the log says.
    fn outbox(&mut self, stream: &Stream) {
        let of = |intent: &Intent| (intent.round, intent.route, intent.target.clone());
        let all: BTreeMap<_, _> = (stream.outbox.iter())
            .filter(|(intent, _)| intent.purpose == Purpose::Announce)
            .map(|(intent, state)| (of(intent), *state))
            .collect();
        let told: BTreeMap<_, _> = (stream.facts().unwrap_or_default().into_iter())
            .filter_map(|fact| match fact.event {
                Event::EscalationNotified { round, route, target, .. } => {
                    Some(((round, route, target), fact.at))
                }
                _ => None,
            })
            .collect();
        let mut say = |(round, route, target): &(u32, _, String), what: &str| {
            let id = stream.id;
            self.report.differences.push(format!("outbox {id}, round {round}, {route} {target}: {what}"));
        };
        for (key, state) in &all {
            match (state, told.contains_key(key)) {
                (NotificationState::Sent, false) => say(key, "sent, but no event says so"),
                (NotificationState::Sent, true) | (_, false) => {}
                (state, true) => say(key, &format!("{state}, but an event says that it was sent")),
            }
        }
        let forgotten = |at: &Timestamp| self.forgotten.is_some_and(|before| *at < before);
        for (key, _) in told.iter().filter(|(key, at)| !all.contains_key(*key) && !forgotten(at)) {
            say(key, "missing, but an event says that it was sent");
        }
    }

    /// Compares the agents with the last heartbeat of each.
    pub(super) fn agents(
        &mut self,
        mut made: BTreeMap<String, Beat>,
        stored: impl IntoIterator<Item = (String, Beat)>,
    ) {
        self.report.agents = made.len() as u64;
        for (id, row) in stored {
            match made.remove(&id) {
                Some(beat) if beat == row => {}
                Some(beat) => self.differs(
                    format!("agent {id}: not as its last heartbeat makes it"),
                    Wrong::Agent(id, Some(beat)),
                ),
                None => {
                    self.differs(format!("agent {id}: no heartbeat makes it"), Wrong::Agent(id, None));
                }
            }
        }
        for (id, beat) in made {
            self.differs(format!("agent {id}: (missing)"), Wrong::Agent(id, Some(beat)));
        }
    }

    fn differs(&mut self, line: String, wrong: Wrong) {
        self.report.differences.push(line);
        self.wrong.push(wrong);
    }
}

/// Returns the escalation of a stream.
pub(super) fn id_of(stream: &str) -> Option<Uuid> {
    let id = stream.strip_prefix("escalation-")?.parse().ok()?;
    (stream_of(id) == stream).then_some(id)
}
