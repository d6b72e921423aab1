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
        /// Its id, chosen by who asks.
        escalation_id: Uuid,
        /// How urgent it is.
        severity: Severity,
        /// What a person has to know.
        reason: String,
        /// What kind of help is needed.
        category: Category,
        /// The agent or human that asks.
        agent_id: String,
        /// `owner/name` of the repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repo: Option<String>,
        /// The issue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issue_number: Option<u64>,
        /// The pull request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pr_number: Option<u64>,
        /// The branch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// What the reason has no room for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The session in which it came up.
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
        /// The escalation.
        escalation_id: Uuid,
        /// Who took it.
        by: String,
        /// How they said so.
        via: Via,
        /// What they said besides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It is done with.
    EscalationClosed {
        /// The escalation.
        escalation_id: Uuid,
        /// What came of it.
        resolution: String,
        /// Who closed it.
        by: String,
        /// How they said so.
        via: Via,
    },
    /// It became more urgent.
    EscalationBumped {
        /// The escalation.
        escalation_id: Uuid,
        /// How urgent it was.
        from_severity: Severity,
        /// How urgent it is from here on.
        to_severity: Severity,
        /// Why.
        reason: BumpReason,
        /// For how long nobody had taken it at its level.
        unacked_for_seconds: u64,
        /// How often it was raised, this time included.
        bump_count: u32,
        /// Whether a person had taken it before, who has to take it again.
        #[serde(default)]
        reopened: bool,
        /// Who raised it; nobody where time did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What they said besides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It is as urgent as can be and still nobody took it, so people are told again.
    EscalationReminded {
        /// The escalation.
        escalation_id: Uuid,
        /// How urgent it is.
        severity: Severity,
        /// For how long nobody has taken it at its level.
        unacked_for_seconds: u64,
        /// How often people were told again, this time included.
        reminder_count: u32,
    },
    /// A route confirmed a message.
    EscalationNotified {
        /// The escalation.
        escalation_id: Uuid,
        /// The severity that the message was sent for.
        severity: Severity,
        /// The way it took.
        route: Route,
        /// As [`super::Intent::target`].
        target: String,
        /// The message.
        message_id: String,
        /// The channel or thread that holds it.
        channel_id: String,
        /// The thread, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_id: Option<String>,
        /// The message's address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Which attempt it was, counted from 1.
        attempt: u32,
        /// Counts the announcements of one escalation, from 0: creation, bumps and reminders.
        round: u32,
        /// Whether the same message may have arrived before, because an answer was lost.
        #[serde(default)]
        repeated: bool,
    },
    /// A route did not take a message.
    EscalationNotifyFailed {
        /// The escalation.
        escalation_id: Uuid,
        /// The severity that the message was for.
        severity: Severity,
        /// The way it should have taken.
        route: Route,
        /// As [`super::Intent::target`].
        target: String,
        /// Which attempt it was, counted from 1.
        attempt: u32,
        /// Which announcement it was, counted from 0.
        round: u32,
        /// What went wrong.
        error: String,
        /// Whether the route was given up.
        r#final: bool,
        /// The way that the message takes instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback_route: Option<Route>,
    },
    /// Something was said about it, or it was escalated again.
    EscalationNoteAdded {
        /// The escalation.
        escalation_id: Uuid,
        /// Who spoke.
        by: String,
        /// What they said.
        note: String,
        /// What the note has no room for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
        /// The creation that it stands for, where it is one.
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
