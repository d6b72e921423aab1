//! Prints what changes, as it changes.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rig_core::clock;
use rig_core::text::cut;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use crate::cli::Which;
use crate::commands::{Place, query, rank};
use crate::output::{Exit, Trouble, print, say};
use crate::service::{PAGE, Service};
use crate::show::cut_id;
use crate::table::Style;
use crate::view::Shown;

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// The most that is kept in view.
const MOST: u64 = 10_000;

/// How much of a reason is printed, in characters.
const REASON: usize = 300;

/// A look at all escalations that are not closed, by their ids.
type Look = BTreeMap<String, Value>;

/// Prints changes until the output is closed.
///
/// # Errors
/// When there is nothing to watch: no coordinator, or one that refuses.
pub(crate) fn run(which: &Which, as_json: bool, place: &Place<'_>) -> Result<(), Trouble> {
    let query = format!("state=open,acked{}&limit={PAGE}", query(which));
    let printer = Printer { as_json, style: place.style() };
    let mut service = place.reader()?;
    let mut before = look(&service, &query)?;
    let mut there = true;
    let mut ok = printer.first(&before);
    while ok.is_ok() && !is_closed_within(EVERY) {
        match look(&service, &query) {
            Ok(now) => {
                if !there {
                    say("the coordinator is back");
                }
                there = true;
                ok = printer.changes(&before, &now, &service);
                before = now;
            }
            Err(trouble) if trouble.exit == Exit::Refused => return Err(trouble),
            Err(trouble) => {
                if there {
                    say(&format!("{}; waiting for it", trouble.message));
                }
                there = false;
                // The embedded service comes back on another port.
                if let Some(found) = place.reader_again() {
                    service = found;
                }
            }
        }
    }
    Ok(())
}

fn look(service: &Service, query: &str) -> Result<Look, Trouble> {
    let (all, _) = service.list(query, MOST)?;
    let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(all.into_iter().filter_map(|value| Some((id(&value)?, value))).collect())
}

/// Waits, and says whether nobody reads the output any more.
fn is_closed_within(wait: Duration) -> bool {
    let stdout = io::stdout();
    let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
    // Nothing is asked for but what is always told: an error, or that the other end is gone.
    let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut fds, Some(&wait)) {
        Ok(0) | Err(_) => false,
        Ok(_) => true,
    }
}

struct Printer {
    as_json: bool,
    style: Style,
}

impl Printer {
    /// Prints what is there at first, the most urgent first.
    fn first(&self, look: &Look) -> io::Result<()> {
        let mut all: Vec<&Value> = look.values().collect();
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        all.sort_by_key(|value| (rank(&text(value, "severity")), text(value, "createdAt")));
        all.into_iter().try_for_each(|value| self.line("present", None, value))
    }

    /// Prints how one look differs from the one before.
    fn changes(&self, before: &Look, now: &Look, service: &Service) -> io::Result<()> {
        for (id, value) in now {
            match before.get(id) {
                None => self.line("new", None, value)?,
                Some(old) => {
                    for (change, what) in differences(old, value) {
                        self.line(change, what, value)?;
                    }
                }
            }
        }
        for (id, old) in before.iter().filter(|(id, _)| !now.contains_key(*id)) {
            // It is closed, or not one of those that are asked for.
            let value = service.get(&format!("/api/escalations/{id}")).unwrap_or_else(|_| old.clone());
            let shown = Shown::read(&value).unwrap_or_default();
            if shown.state == "closed" {
                let by = shown.closed_by.unwrap_or_default();
                self.line(
                    "closed",
                    Some(format!("by {by}: {}", shown.resolution.unwrap_or_default())),
                    &value,
                )?;
            } else {
                self.line("gone", None, &value)?;
            }
        }
        Ok(())
    }

    fn line(&self, change: &str, what: Option<String>, value: &Value) -> io::Result<()> {
        let at = clock::now();
        if self.as_json {
            return print(&format!("{}\n", json!({ "at": at, "change": change, "escalation": value })));
        }
        let shown = Shown::read(value).unwrap_or_default();
        let what = what.map_or_else(String::new, |what| format!(" {}", what.replace('\n', " ")));
        let state = if shown.state == "open" { String::new() } else { format!(" ({})", shown.state) };
        let line = format!(
            "{} {change}{what} {} {}{state}, {} {}: {}",
            at.get(11..19).unwrap_or(&at),
            shown.severity,
            cut_id(&shown.id, 13),
            shown.agent_id,
            shown.place(),
            cut(&shown.line(), REASON),
        );
        print(&format!("{}\n", self.style.fit(&line)))
    }
}

/// Says how an escalation differs from what it was.
fn differences(old: &Value, new: &Value) -> Vec<(&'static str, Option<String>)> {
    let (Some(old), Some(new)) = (Shown::read(old), Shown::read(new)) else { return Vec::new() };
    let mut found = Vec::new();
    if old.severity != new.severity {
        found.push(("raised", Some(format!("from {} to", old.severity))));
    }
    if old.state != new.state {
        match new.state.as_str() {
            "acked" => found.push(("taken", new.acked_by.as_ref().map(|by| format!("by {by}")))),
            "open" => found.push(("reopened", None)),
            _ => found.push(("changed", None)),
        }
    }
    if old.note_count < new.note_count {
        found.push(("noted", None));
    }
    for notification in &new.notifications {
        let same = |n: &&crate::view::Notification| {
            (&n.route, &n.target, &n.severity)
                == (&notification.route, &notification.target, &notification.severity)
        };
        let was = old.notifications.iter().find(same).map_or("", |n| n.state.as_str());
        if notification.state != was && notification.state != "pending" {
            found.push(("told", Some(format!("{},", notification.line()))));
        }
    }
    found
}
