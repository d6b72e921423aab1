//! The subcommands that ask once and answer.

use std::path::Path;

use rig_core::env::Environment;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_wire::{EscalationState, Severity};
use serde_json::{Value, json};

use crate::cli::{Command, List, One, Operator, Which};
use crate::input::Input;
use crate::output::{Exit, Trouble, answer, say};
use crate::service::{PAGE, Service, encode, warn};
use crate::table::Style;
use crate::view::{self, Shown, duration};
use crate::{show, watch};

/// How many are listed unless told otherwise.
const LIMIT: u64 = 50;

/// Where a subcommand runs.
pub(crate) struct Place<'a> {
    pub(crate) env: &'a Environment,
    pub(crate) paths: &'a Paths,
    pub(crate) cwd: &'a Path,
}

impl Place<'_> {
    pub(crate) fn reader(&self) -> Result<Service, Trouble> {
        self.reader_and_sender().map(|(service, _)| service)
    }

    /// Finds the coordinator anew, without telling again what is wrong with the settings.
    pub(crate) fn reader_again(&self) -> Option<Service> {
        Service::reader(self.env, self.paths, self.cwd).ok().map(|(service, _)| service)
    }

    fn reader_and_sender(&self) -> Result<(Service, Sender), Trouble> {
        let found = Service::reader(self.env, self.paths, self.cwd)?;
        warn(&found.1);
        Ok(found)
    }

    pub(crate) fn style(&self) -> Style {
        Style::of_stdout(self.env)
    }

    fn operator(&self, operator: &Operator) -> Result<Service, Trouble> {
        Service::operator(self.env, self.paths, self.cwd, operator.token_file.as_deref())
    }
}

/// Runs a subcommand.
///
/// # Errors
/// With what went wrong, and how the program ends.
pub(crate) fn run(command: &Command, place: &Place<'_>) -> Result<Exit, Trouble> {
    match command {
        Command::List(list) => self::list(list, place)?,
        Command::Show(one) => {
            let service = place.reader()?;
            let object = service.get(&path(one, ""))?;
            print(one.form.json, &object, || {
                Ok(show::escalation(
                    &Shown::read(&object).ok_or_else(|| service.unreadable())?,
                    place.style(),
                ))
            })?;
        }
        Command::Ack { one, note, operator } => {
            let service = place.operator(operator)?;
            let object =
                service.post(&path(one, "/ack"), &with_note(json!({ "via": "cli" }), note.as_deref()))?;
            changed(one, &object, &service)?;
        }
        Command::Close { one, resolution, operator } => {
            let service = place.operator(operator)?;
            let object =
                service.post(&path(one, "/close"), &json!({ "resolution": resolution, "via": "cli" }))?;
            changed(one, &object, &service)?;
        }
        Command::Raise { one, severity, note, operator } => {
            let service = place.operator(operator)?;
            // With the severity that is meant, a second request after a lost answer does no more than the first.
            let severity = match severity {
                Some(severity) => Some(*severity),
                None => Shown::read(&service.get(&path(one, ""))?)
                    .and_then(|shown| Severity::from_word(&shown.severity)?.raised()),
            };
            let body = severity.map_or(json!({}), |severity| json!({ "severity": severity.as_str() }));
            let object = service.post(&path(one, "/raise"), &with_note(body, note.as_deref()))?;
            changed(one, &object, &service)?;
        }
        Command::Note { one, text } => {
            let Some(note) = Input::default().text(text, None)? else {
                return Err(Trouble::new(Exit::Usage, "the note is empty"));
            };
            let (service, sender) = place.reader_and_sender()?;
            let body = json!({ "note": note, "agentId": sender.identity.id.as_str() });
            let object = service.post(&path(one, "/notes"), &body)?;
            changed(one, &object, &service)?;
        }
        Command::History(one) => {
            let service = place.reader()?;
            let events = service.get(&path(one, "/events"))?;
            let Some(list) = events.as_array() else { return Err(service.unreadable()) };
            print(one.form.json, &events, || Ok(show::history(list, place.style())))?;
        }
        Command::Stats { agent, since, form } => {
            let service = place.reader()?;
            let named = [("agentId", agent), ("since", since)];
            let query: Vec<String> = named
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_deref()?))))
                .collect();
            let stats = service.get(&format!("/api/escalation-stats?{}", query.join("&")))?;
            print(form.json, &stats, || Ok(show::stats(&stats, place.style())))?;
        }
        Command::Watch { which, form } => watch::run(which, form.json, place)?,
    }
    Ok(Exit::Done)
}

/// Returns the part of a query that says which escalations.
pub(crate) fn query(which: &Which) -> String {
    let severities: Vec<&str> = which.severity.iter().map(|severity| severity.as_str()).collect();
    let issue = which.issue.map(|issue| issue.to_string());
    let named = [
        ("severity", Some(severities.join(",")).filter(|text| !text.is_empty())),
        ("repo", which.repo.clone()),
        ("agentId", which.agent.clone()),
        ("issueNumber", issue),
    ];
    let set = named.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encode(&value?))));
    // A comma that separates stands as it is.
    set.collect::<String>().replace("%2C", ",")
}

/// Prints an object or a list: as it came, or for people.
fn print(
    as_json: bool,
    value: &Value,
    text: impl FnOnce() -> Result<String, Trouble>,
) -> Result<(), Trouble> {
    let text = if as_json { format!("{value}\n") } else { text()? };
    answer(&text);
    Ok(())
}

fn list(list: &List, place: &Place<'_>) -> Result<(), Trouble> {
    let most = list.limit.unwrap_or(if list.all { u64::MAX } else { LIMIT });
    let states = match (&list.state[..], list.all) {
        ([], true) => EscalationState::ALL,
        ([], false) => &[EscalationState::Open, EscalationState::Acked],
        (given, _) => given,
    };
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let service = place.reader()?;
    let query = format!("state={}{}&limit={}", states.join(","), query(&list.which), most.min(PAGE));
    let (found, more) = service.list(&query, most)?;
    print(list.form.json, &Value::Array(found.clone()), || {
        let shown: Option<Vec<Shown>> = found.iter().map(Shown::read).collect();
        let shown = shown.ok_or_else(|| service.unreadable())?;
        Ok(if shown.is_empty() {
            "no such escalation\n".to_owned()
        } else {
            show::list(&shown, place.style())
        })
    })?;
    if more {
        say("there are more: --limit N, or --all");
    }
    Ok(())
}

/// Tells what an escalation is after it was changed.
fn changed(one: &One, object: &Value, service: &Service) -> Result<(), Trouble> {
    print(one.form.json, object, || {
        let shown = Shown::read(object).ok_or_else(|| service.unreadable())?;
        let ago = |at: &Option<String>| {
            let seconds = at.as_deref().and_then(rig_core::clock::seconds_since).unwrap_or(0);
            duration(seconds.max(0).unsigned_abs())
        };
        let by = |who: &Option<String>| who.clone().unwrap_or_else(|| "somebody".to_owned());
        let state = match shown.state.as_str() {
            "acked" => format!("taken by {}, {} ago", by(&shown.acked_by), ago(&shown.acked_at)),
            "closed" => {
                let what = shown.resolution.as_deref().unwrap_or_default().replace('\n', " ");
                format!("closed by {}, {} ago: {what}", by(&shown.closed_by), ago(&shown.closed_at))
            }
            state => state.to_owned(),
        };
        let notes = match shown.note_count {
            0 => String::new(),
            1 => ", 1 note".to_owned(),
            many => format!(", {many} notes"),
        };
        let next = view::next_bump(&shown).map_or_else(String::new, |next| format!("\n  {next}"));
        Ok(format!("{} escalation {}: {state}{notes}{next}\n", shown.severity, shown.id))
    })
}

fn with_note(mut body: Value, note: Option<&str>) -> Value {
    if let Some(note) = note {
        body["note"] = note.into();
    }
    body
}

fn path(one: &One, action: &str) -> String {
    format!("/api/escalations/{}{action}", one.id)
}

/// Orders a severity's word, the most urgent first.
pub(crate) fn rank(severity: &str) -> usize {
    Severity::ALL.iter().position(|one| one.as_str() == severity).unwrap_or(Severity::ALL.len())
}
