use jiff::Timestamp;
use rig_wire::{Category, Route, Severity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The way by which a person or an agent spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// An HTTP request.
    Api,
    /// The command line.
    Cli,
    /// A button in Discord.
    Discord,
}

/// Why a severity was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BumpReason {
    /// Nobody took it in time.
    Unacked,
    /// A person raised it.
    Manual,
    /// It was escalated again, as something more urgent.
    Repeat,
}

/// An escalation that was added to another one, because both are about the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repeat {
    /// The id that its sender chose.
    pub escalation_id: Uuid,
    /// The digest of what it said, by which a retry is known.
    pub content_hash: String,
    /// How urgent it was called.
    pub severity: Severity,
    /// Whether it was added because its sender had created too many.
    #[serde(default)]
    pub coalesced: bool,
}

/// Something that happened to an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Event {
    /// A person is asked for.
    EscalationCreated {
        escalation_id: Uuid,
        severity: Severity,
        reason: String,
        category: Category,
        agent_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repo: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issue_number: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pr_number: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<String>,
        /// The digest that equal escalations share: [`super::dedup_hash`].
        dedup_key: String,
        /// The digest of what was sent, by which a retry is known: [`super::content_hash`].
        content_hash: String,
        /// The name of the token that created it.
        token: String,
    },
    /// A person took it.
    EscalationAcked {
        escalation_id: Uuid,
        by: String,
        via: Via,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It is done with.
    EscalationClosed { escalation_id: Uuid, resolution: String, by: String, via: Via },
    /// It became more urgent.
    EscalationBumped {
        escalation_id: Uuid,
        from_severity: Severity,
        to_severity: Severity,
        reason: BumpReason,
        unacked_for_seconds: u64,
        bump_count: u32,
        /// Whether a person had taken it before, who has to take it again.
        #[serde(default)]
        reopened: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It is as urgent as can be and still nobody took it, so people are told again.
    EscalationReminded {
        escalation_id: Uuid,
        severity: Severity,
        unacked_for_seconds: u64,
        reminder_count: u32,
    },
    /// A route confirmed a message.
    EscalationNotified {
        escalation_id: Uuid,
        severity: Severity,
        route: Route,
        target: String,
        message_id: String,
        channel_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        attempt: u32,
        /// Counts the announcements of one escalation, from 0: creation, bumps and reminders.
        round: u32,
        /// Whether the same message may have arrived before, because an answer was lost.
        #[serde(default)]
        repeated: bool,
    },
    /// A route did not take a message.
    EscalationNotifyFailed {
        escalation_id: Uuid,
        severity: Severity,
        route: Route,
        target: String,
        attempt: u32,
        round: u32,
        error: String,
        /// Whether the route was given up.
        r#final: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback_route: Option<Route>,
    },
    /// Something was said about it, or it was escalated again.
    EscalationNoteAdded {
        escalation_id: Uuid,
        by: String,
        note: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeat: Option<Repeat>,
    },
}

impl Event {
    /// Returns the alias under which the event is stored, such as `escalation_created`.
    #[must_use]
    pub fn alias(&self) -> &'static str {
        match self {
            Self::EscalationCreated { .. } => "escalation_created",
            Self::EscalationAcked { .. } => "escalation_acked",
            Self::EscalationClosed { .. } => "escalation_closed",
            Self::EscalationBumped { .. } => "escalation_bumped",
            Self::EscalationReminded { .. } => "escalation_reminded",
            Self::EscalationNotified { .. } => "escalation_notified",
            Self::EscalationNotifyFailed { .. } => "escalation_notify_failed",
            Self::EscalationNoteAdded { .. } => "escalation_note_added",
        }
    }

    /// Returns the members of the event, camelCase, without its type.
    #[must_use]
    pub fn data(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut data)) = serde_json::to_value(self) else {
            unreachable!("an event has only string keys")
        };
        data.remove("type");
        data
    }

    /// Reads an event from its alias and its members, camelCase.
    ///
    /// # Errors
    /// When the alias is none of an escalation's, or a member is missing or of another type.
    pub fn read(alias: &str, mut data: Map<String, Value>) -> Result<Self, serde_json::Error> {
        data.insert("type".to_owned(), alias.into());
        serde_json::from_value(Value::Object(data))
    }
}

/// An event with its place in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The event's id.
    pub id: Uuid,
    /// 1 for the first event of the stream.
    pub version: i64,
    /// When it was stored, by the store's clock.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_from_its_alias_and_members() {
        let event = Event::EscalationNotifyFailed {
            escalation_id: Uuid::nil(),
            severity: Severity::P0,
            route: Route::DiscordDm,
            target: "123".into(),
            attempt: 2,
            round: 1,
            error: "50007".into(),
            r#final: true,
            fallback_route: Some(Route::DiscordChannel),
        };
        assert_eq!(
            serde_json::to_string(&event.data()).unwrap(),
            r#"{"attempt":2,"error":"50007","escalationId":"00000000-0000-0000-0000-000000000000","fallbackRoute":"discord_channel","final":true,"round":1,"route":"discord_dm","severity":"P0","target":"123"}"#
        );
        assert_eq!(Event::read(event.alias(), event.data()).unwrap(), event);
        assert!(Event::read("heartbeat", event.data()).is_err());
    }
}
