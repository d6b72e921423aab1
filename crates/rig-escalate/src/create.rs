//! A new escalation: what goes into it, and what became of it.

use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::clock;
use rig_core::conductor::{Budget, Conductor, Endpoint};
use rig_core::env::Environment;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::text::cut;
use rig_wire::{Event, EventType, Severity};
use serde_json::{Value, json};

use crate::about::{self, About};
use crate::cli::Create;
use crate::deliver::{Delivered, Fate, Stuck, Way, name};
use crate::input::Input;
use crate::output::{Exit, Trouble, answer, say, tell_error};
use crate::service::token_hint;
use crate::view::{self, Shown};

/// The most characters that a coordinator takes as the reason.
const REASON: usize = 2000;

/// The most characters that a coordinator takes as details.
const DETAILS: usize = 8000;

/// For how many seconds the coordinator is asked to hold its answer until a person was told.
const WAIT: u64 = 3;

/// Sends an escalation, and says where it went.
///
/// # Errors
/// When there is no reason to be sent.
pub(crate) fn run(create: &Create, env: &Environment, paths: &Paths, cwd: &Path) -> Result<Exit, Trouble> {
    let mut input = Input::default();
    let reason = input.text(&create.reason, create.reason_file.as_deref())?;
    let Some(reason) = reason else {
        let trouble = Trouble::new(Exit::Usage, "a person has to know why: the reason is empty");
        return Err(trouble.hint("for more information, try '--help'"));
    };
    let details: Vec<String> = create.details.iter().cloned().collect();
    let details = input.text(&details, create.details_file.as_deref())?;
    let mut sender = Sender::new(env, paths, cwd);
    let mut remarks = sender.warnings.clone();
    let about = about::find(&sender, env, create);
    remarks.extend(about.differ.clone());
    let escalation = escalation(&sender, create, &reason, details, about);
    let Delivered { fate, notes, refusal } = Way::new(&mut sender, env, paths, &escalation).deliver();
    remarks.extend(notes);
    if let (Some(401 | 403), Some(endpoint)) = (refusal, &sender.endpoint) {
        remarks.push(token_hint(endpoint));
    }
    let report = Report::new(&escalation, fate, sender.endpoint.as_ref(), create.no_wait);
    if create.json {
        report.print_json(&remarks);
    } else {
        for remark in &remarks {
            say(remark);
        }
        report.print();
    }
    Ok(report.exit())
}

fn escalation(
    sender: &Sender,
    create: &Create,
    reason: &str,
    details: Option<String>,
    about: About,
) -> Event {
    let mut event = sender.event(EventType::EscalationCreated);
    event.escalation_id = Some(clock::new_id());
    event.severity = create.severity;
    event.reason = Some(cut(reason, REASON));
    // A reason that is cut goes whole into the details, behind those that were given.
    let whole = (reason.chars().count() > REASON).then(|| reason.to_owned());
    let details: Vec<String> = about.differ.into_iter().chain(details).chain(whole).collect();
    event.details = (!details.is_empty()).then(|| cut(&details.join("\n\n"), DETAILS));
    event.category = create.category;
    event.dedup_key.clone_from(&create.dedup_key);
    event.repo = about.repo;
    event.issue_number = about.issue;
    event.pr_number = create.pr.or(sender.pull_request).filter(|n| *n > 0);
    event.branch = create.branch.clone().or_else(|| sender.branch.clone());
    event
}

/// What there is to tell.
struct Report {
    severity: Severity,
    fate: Fate,
    /// Who accepted it.
    by: Option<String>,
    /// The escalation as the coordinator shows it; its own id where it shows nothing.
    shown: Shown,
    deduplicated: bool,
    /// Whether the coordinator says of its notifications at all.
    tells: bool,
    /// Whether it is the service of this machine, whose routes are the list and the sessions.
    embedded: bool,
}

impl Report {
    fn new(escalation: &Event, mut fate: Fate, endpoint: Option<&Endpoint>, no_wait: bool) -> Self {
        let id = escalation.escalation_id.clone().unwrap_or_default();
        let severity = escalation.severity.unwrap_or(Severity::P1);
        let own = Shown { id, severity: severity.to_string(), ..Shown::default() };
        let mut report = Self {
            severity,
            fate: Fate::Unrouted,
            by: None,
            shown: own,
            deduplicated: false,
            tells: false,
            embedded: endpoint.is_some_and(|endpoint| endpoint.embedded),
        };
        if let (Fate::Accepted(answered), Some(endpoint)) = (&mut fate, endpoint) {
            report.by = Some(name(endpoint));
            if let Some(answered) = answered.take() {
                report.read(answered);
            }
            report.follow(endpoint, no_wait);
        }
        report.fate = fate;
        report
    }

    /// Reads an answer or an escalation object.
    fn read(&mut self, mut answered: Value) {
        if let Some(id) = answered.get("escalationId").and_then(Value::as_str).map(str::to_owned) {
            answered["id"] = id.into();
        }
        self.deduplicated |= answered.get("deduplicated") == Some(&Value::Bool(true));
        let tells = answered.get("notifications").is_some_and(Value::is_array);
        if let Some(shown) = Shown::read(&answered) {
            self.tells |= tells;
            if tells {
                self.shown = shown;
            } else if !shown.id.is_empty() {
                self.shown.id = shown.id;
            }
        }
    }

    /// Waits for a moment until a person was told.
    fn follow(&mut self, endpoint: &Endpoint, no_wait: bool) {
        let pending = self.shown.notifications.iter().any(|n| n.state == "pending");
        let wait = match (no_wait, self.tells, self.shown.delivered || !pending) {
            (_, true, true) | (true, true, _) => return,
            (true, false, _) => 0,
            (false, _, _) => WAIT,
        };
        let path = format!("/api/escalations/{}?wait={wait}&after=pending", self.shown.id);
        let conductor = Conductor::new(endpoint.clone(), Budget::ESCALATION);
        // What is not known after this is not known.
        let reply = conductor.ask(&path, Instant::now() + Duration::from_secs(wait + 2));
        if let Some(shown) = reply.ok().filter(|reply| reply.status == 200).and_then(|reply| reply.body) {
            self.read(shown);
        }
    }

    fn exit(&self) -> Exit {
        match &self.fate {
            Fate::Accepted(_) if self.shown.delivered => Exit::Done,
            Fate::Accepted(_) if self.tells && self.shown.notifications.is_empty() && !self.embedded => {
                Exit::NoRoute
            }
            Fate::Accepted(_) => Exit::Unconfirmed,
            Fate::Waiting { .. } => Exit::Spooled,
            Fate::Unrouted => Exit::NoRoute,
            Fate::Lost { .. } => Exit::Lost,
        }
    }

    /// Returns what a person has to know of an end that is not a delivery, and what follows from it.
    fn warning(&self) -> Option<(String, Vec<&'static str>)> {
        const YOURSELF: &str = "if it is urgent, tell a person yourself";
        const AGAIN: &str = "it is sent again by the next hook or `rig-report flush`; if it is urgent, tell a person yourself";
        const SET_UP: &str = "set CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json; until then, tell a person yourself";
        let name = format!("{} escalation {}", self.severity, self.shown.id);
        let in_its_place = |stuck: &Stuck| match stuck {
            Stuck::Accepted => Some("AGENT_STUCK was accepted in its place"),
            Stuck::Waiting => Some("AGENT_STUCK waits with it"),
            Stuck::NotSent => None,
        };
        Some(match &self.fate {
            Fate::Accepted(_) if self.shown.delivered => return None,
            Fate::Accepted(_) => {
                let why = match (self.tells, &self.shown.notifications[..]) {
                    (false, _) => "this coordinator does not say whether a person was told",
                    (true, []) => "this coordinator has no route to a person",
                    (true, all) if all.iter().any(|n| n.state == "pending") => {
                        "no person was told yet, and the coordinator goes on trying"
                    }
                    (true, _) => "no person could be told",
                };
                (format!("NOT CONFIRMED: {why}"), vec![YOURSELF])
            }
            Fate::Waiting { stuck } => {
                let what = format!("NOT DELIVERED: {name} waits in the spool; nobody has been told of it");
                (what, in_its_place(stuck).into_iter().chain([AGAIN]).collect())
            }
            Fate::Unrouted => {
                let why = "because no coordinator is set up";
                (format!("NOT DELIVERED: {name} waits in the spool, {why}"), vec![SET_UP])
            }
            Fate::Lost { stuck } => {
                let what = format!("LOST: {name} was neither accepted nor kept; tell a person yourself");
                (what, in_its_place(stuck).into_iter().collect())
            }
        })
    }

    fn print(&self) {
        if let Some(by) = &self.by {
            let shown = &self.shown;
            let mut text = if self.deduplicated {
                format!("added to the open {} escalation {}, accepted by {by}\n", shown.severity, shown.id)
            } else {
                format!("{} escalation {} accepted by {by}\n", shown.severity, shown.id)
            };
            for notification in &shown.notifications {
                text.push_str(&format!("  {}\n", notification.line()));
            }
            if self.tells && !shown.delivered && shown.notifications.is_empty() {
                text.push_str("  shown by `rig-escalate list`, and to sessions when they start\n");
            }
            if let Some(next) = view::next_bump(shown) {
                text.push_str(&format!("  {next}\n"));
            }
            answer(&text);
        }
        if let Some((what, hints)) = self.warning() {
            say(&what);
            for hint in hints {
                say(hint);
            }
        }
    }

    fn print_json(&self, remarks: &[String]) {
        let fate = match &self.fate {
            Fate::Accepted(_) if self.shown.delivered => "delivered",
            Fate::Accepted(_) => "accepted",
            Fate::Waiting { .. } => "spooled",
            Fate::Unrouted => "no_coordinator",
            Fate::Lost { .. } => "lost",
        };
        let shown = &self.shown;
        let object = json!({
            "id": shown.id,
            "severity": shown.severity,
            "fate": fate,
            "delivered": shown.delivered,
            "deduplicated": self.deduplicated,
            "coordinator": self.by,
            "nextBumpAt": shown.next_bump_at,
            "notifications": if self.tells { json!(shown.notifications) } else { Value::Null },
            "remarks": remarks,
        });
        answer(&format!("{object}\n"));
        if let Some((what, hints)) = self.warning() {
            tell_error(&std::iter::once(what.as_str()).chain(hints).collect::<Vec<_>>().join("; "));
        }
    }
}
