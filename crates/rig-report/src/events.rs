//! From what happened to the event that is sent.

use rig_core::error::chain;
use rig_core::git::issue_of_branch;
use rig_core::hook::Payload;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::spool::Spool;
use rig_core::text::{clean, cut};
use rig_wire::{AgentStatus, Event, EventType};
use serde_json::json;

use crate::detect::Seen;

/// Returns the event for something that was created.
pub(crate) fn seen(sender: &Sender, seen: Seen, payload: &Payload<'_>) -> Event {
    let mut event = match seen {
        Seen::Branch(branch) => {
            let mut event = sender.event(EventType::BranchCreated);
            let of_branch = issue_of_branch(&branch).filter(|i| i.certain).map(|i| i.number);
            event.issue_number = of_branch.or(event.issue_number);
            event.branch = Some(branch);
            event
        }
        Seen::PullRequest(pull) => {
            let mut event = sender.event(EventType::PrCreated);
            event.branch.clone_from(&sender.branch);
            event.pr_number = Some(pull.number);
            event.pr_url = Some(pull.url);
            event.repo = Some(pull.repo);
            event
        }
    };
    event.session_id = payload.session_id.as_deref().map(str::to_owned);
    event
}

/// Returns a heartbeat.
pub(crate) fn heartbeat(sender: &Sender, status: AgentStatus) -> Event {
    let mut event = sender.event(EventType::Heartbeat);
    event.status = Some(status);
    event.current_issue = event.issue_number;
    event.current_repo.clone_from(&event.repo);
    event
}

/// Returns the heartbeat that an event of the client asks for.
pub(crate) fn heartbeat_of(sender: &Sender, payload: &Payload<'_>, status: AgentStatus) -> Event {
    let mut event = heartbeat(sender, status);
    event.session_id = payload.session_id.as_deref().map(str::to_owned);
    if payload.event() == "StopFailure" {
        event.degraded = Some(true);
        let error = payload.error.as_deref().unwrap_or("unknown");
        event.degraded_reasons = vec![cut(&clean(&cut(error, 2000)), 200)];
    }
    event
}

/// Spools an event, or logs it where no coordinator is set up and it is none that must be kept;
/// says whether it was spooled.
pub(crate) fn send(sender: &Sender, paths: &Paths, event: &Event) -> Result<bool, String> {
    let place = paths.spool().ok_or("no home directory is known, so there is no spool")?;
    if sender.endpoint.is_none() && !Spool::keeps(event.kind) {
        crate::log(paths, &json!({ "event": event, "sent": false, "why": "no base URL is set" }));
        return Ok(false);
    }
    Spool::at(place).append(event, sender.destination()).map(|()| true).map_err(|error| chain(&error))
}
