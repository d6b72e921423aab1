//! What may be done to an escalation, by whichever way it was written.

use jiff::Timestamp;
use rig_wire::Escalation;
use uuid::Uuid;

use super::members::Members;
use super::{ApiError, Caller, fields};
use crate::app::App;
use crate::domain::Via;
use crate::store::{Command, Receipt, Shown};

/// Carries out a command, and wakes the delivery where there is something to send.
///
/// # Errors
/// When a rule forbids it, or the store fails.
pub(super) async fn perform(app: &App, command: Command) -> Result<Receipt, ApiError> {
    let receipt = app.execute(command).await?;
    tracing::Span::current().record("escalation", tracing::field::display(receipt.escalation.id));
    app.metrics.event("escalation");
    Ok(receipt)
}

/// Returns the escalation of a receipt as it is shown.
pub(super) async fn object(app: &App, receipt: &Receipt) -> Escalation {
    // What was asked for is done; that the outbox cannot be read just now does not change that.
    let now = app.store.escalation(receipt.escalation.id).await.ok().flatten();
    let now = now.unwrap_or_else(|| Shown { escalation: receipt.escalation.clone(), waiting: Vec::new() });
    now.escalation.show(&app.settings.policy, &now.waiting)
}

pub(super) fn ack(id: Uuid, caller: &Caller, members: &Members) -> Result<Command, ApiError> {
    let note = members.text("note", fields::REASON)?;
    Ok(Command::Ack { id, by: caller.name().to_owned(), via: via(members)?, note })
}

pub(super) fn close(id: Uuid, caller: &Caller, members: &Members) -> Result<Command, ApiError> {
    let resolution = members.required_text("resolution", fields::REASON)?;
    Ok(Command::Close { id, resolution, by: caller.name().to_owned(), via: via(members)? })
}

/// `severity` is the name of the member that says to which one; without it, one level up.
pub(super) fn raise(
    id: Uuid,
    severity: &str,
    caller: &Caller,
    members: &Members,
) -> Result<Command, ApiError> {
    let to = members.severity(severity)?;
    Ok(Command::Raise { id, to, by: caller.name().to_owned(), note: members.text("note", fields::REASON)? })
}

/// A note is an operator's, by the name of the token, or an agent's, by its id.
pub(super) fn note(id: Uuid, caller: &Caller, members: &Members) -> Result<Command, ApiError> {
    let by = match (caller.is_operator(), members.agent("agentId")?, caller.bound_to()) {
        (true, ..) => caller.name().to_owned(),
        (false, Some(agent), _) => {
            caller.may_speak_for(&agent)?;
            agent.to_string()
        }
        (false, None, Some(bound)) => bound.to_owned(),
        (false, None, None) => return Err(ApiError::invalid("agentId", "is missing")),
    };
    Ok(Command::Note { id, by, note: members.required_text("note", fields::REASON)? })
}

fn via(members: &Members) -> Result<Via, ApiError> {
    match members.text("via", fields::REASON)?.as_deref() {
        None | Some("api") => Ok(Via::Api),
        Some("cli") => Ok(Via::Cli),
        Some("discord") => Ok(Via::Discord),
        Some(_) => Err(ApiError::invalid("via", "has to be api, cli or discord")),
    }
}

/// The fewest characters that may stand for an id.
const PREFIX: usize = 8;

/// Finds an escalation by its id, or by the beginning of it.
///
/// # Errors
/// When there is none, or more than one.
pub(super) async fn find(app: &App, given: &str) -> Result<Uuid, ApiError> {
    if let Some(id) = fields::full_uuid(given) {
        return Ok(id);
    }
    let hexadecimal = |b: u8| b.is_ascii_hexdigit() || b == b'-';
    if !(PREFIX..36).contains(&given.len()) || !given.bytes().all(hexadecimal) {
        return Err(ApiError::unknown(&rig_text::cut(&rig_text::clean(given), 100)));
    }
    match app.store.ids_with_prefix(&given.to_ascii_lowercase()).await?.as_slice() {
        [] => Err(ApiError::unknown(given)),
        [id] => Ok(*id),
        _ => Err(ApiError::Ambiguous(format!("more than one escalation begins with `{given}`"))),
    }
}

/// Reads an escalation.
///
/// # Errors
/// When there is none.
pub(super) async fn read(app: &App, id: Uuid) -> Result<Shown, ApiError> {
    app.store.escalation(id).await?.ok_or_else(|| ApiError::unknown(&id.to_string()))
}

/// Reads a time as it is sent. Before 1970 nothing was, and not every store counts as far back as a time may lie.
///
/// # Errors
/// When it is none.
pub(super) fn time(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let time = text.parse::<Timestamp>().map(|time| time.max(Timestamp::UNIX_EPOCH));
    time.map_err(|_| ApiError::invalid(name, "has to be a time such as 2026-01-02T03:04:05Z"))
}
