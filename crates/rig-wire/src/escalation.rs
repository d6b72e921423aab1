//! Escalations as `/api/escalations` shows them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How urgently a person is needed. The greater is the more urgent, so that `P0 > P1 > P2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// A minor blocker that needs guidance: a thread on the pull request.
    P2,
    /// CI is stuck or a review is in conflict: the admin channel.
    P1,
    /// A security issue or data at risk: a direct message and an @mention.
    P0,
}

impl Severity {
    /// Every severity, the most urgent first.
    pub const ALL: [Self; 3] = [Self::P0, Self::P1, Self::P2];

    /// Returns the severity as it is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
        }
    }

    /// Returns the next more urgent severity; P0 has none.
    #[must_use]
    pub fn raised(self) -> Option<Self> {
        match self {
            Self::P2 => Some(Self::P1),
            Self::P1 => Some(Self::P0),
            Self::P0 => None,
        }
    }

    /// Reads `P0`, `P1`, `P2`, or the words `critical`, `high`, `medium`, in any casing.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "p0" | "critical" => Some(Self::P0),
            "p1" | "high" => Some(Self::P1),
            "p2" | "medium" => Some(Self::P2),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is none of the words that stand for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The text as it was given.
    pub given: String,
    /// The words that are known, separated by commas.
    pub known: String,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.given, self.known)
    }
}

impl std::error::Error for UnknownWord {}

/// Makes an enum of words: one text for the wire, for people and for storage.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word that stands for the value.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| UnknownWord {
                    given: text.to_owned(),
                    known: [$($word),+].join(", "),
                })
            }
        }
    };
}

words! {
    /// How far an escalation has come; its severity is another matter.
    EscalationState {
        /// Nobody has taken it yet; it is bumped when that lasts.
        Open = "open",
        /// A person has taken it.
        Acked = "acked",
        /// It is done with.
        Closed = "closed",
    }
}

words! {
    /// What kind of help is needed.
    Category {
        /// The agent cannot go on by itself.
        Stuck = "stuck",
        /// Checks stay red.
        Ci = "ci",
        /// Reviewers contradict each other or the author.
        ReviewConflict = "review_conflict",
        /// A security issue.
        Security = "security",
        /// Data may be lost or leaked.
        DataRisk = "data_risk",
        /// Somebody has to choose.
        Decision = "decision",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// A way by which people are told.
    Route {
        /// A thread of the pull request or the issue.
        DiscordThread = "discord_thread",
        /// A channel.
        DiscordChannel = "discord_channel",
        /// A direct message to one person.
        DiscordDm = "discord_dm",
    }
}

words! {
    /// What became of a notification.
    NotificationState {
        /// It waits, or is tried again.
        Pending = "pending",
        /// The route confirmed it.
        Sent = "sent",
        /// It was given up on this route.
        Failed = "failed",
        /// It was no longer needed before it was sent.
        Cancelled = "cancelled",
    }
}

/// One notification of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The way it takes.
    pub route: Route,
    /// The severity that it was sent for.
    pub severity: Severity,
    /// Whom or what it goes to: a user id, a channel id, or `owner/repo#15` for a thread.
    pub target: String,
    /// What became of it.
    pub state: NotificationState,
    /// The message's id, once there is one.
    pub message_id: Option<String>,
    /// The message's address, once there is one.
    pub url: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When this became so, ISO 8601 in UTC.
    pub at: String,
}

/// An escalation. Absent values are sent as null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    /// The escalation's id, a UUID.
    pub id: String,
    /// How urgent it is now.
    pub severity: Severity,
    /// How urgent it was at first.
    pub initial_severity: Severity,
    /// How far it has come.
    pub state: EscalationState,
    /// What a person has to know.
    pub reason: String,
    /// What the reason has no room for.
    pub details: Option<String>,
    /// What kind of help is needed.
    pub category: Category,
    /// The agent or human that asks.
    pub agent_id: String,
    /// `owner/name` of the repository.
    pub repo: Option<String>,
    /// The issue.
    pub issue_number: Option<u64>,
    /// The pull request.
    pub pr_number: Option<u64>,
    /// The branch.
    pub branch: Option<String>,
    /// ISO 8601 in UTC, as every time here.
    pub created_at: String,
    /// When a person took it.
    pub acked_at: Option<String>,
    /// Who took it.
    pub acked_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// What came of it.
    pub resolution: Option<String>,
    /// How often its severity was raised.
    pub bump_count: u32,
    /// When it was raised last.
    pub last_bumped_at: Option<String>,
    /// When it is raised next, unless a person takes it.
    pub next_bump_at: Option<String>,
    /// How often it was repeated or commented on.
    #[serde(default)]
    pub note_count: u32,
    /// Whether a route that a person sees has confirmed the present severity.
    #[serde(default)]
    pub delivered: bool,
    /// Whom it was told to, the oldest first.
    pub notifications: Vec<Notification>,
}

/// One event of a stream, as `/api/events/stream` and `/api/escalations/{id}/events` show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// The event's id, a UUID.
    pub id: String,
    /// The record name, such as `EscalationCreated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's members.
    pub data: serde_json::Value,
    /// When it was stored, ISO 8601 in UTC.
    pub timestamp: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_by_urgency_and_read_from_their_words() {
        assert!(Severity::P0 > Severity::P1 && Severity::P1 > Severity::P2);
        for (text, expected) in [
            ("P0", Some(Severity::P0)),
            ("critical", Some(Severity::P0)),
            ("High", Some(Severity::P1)),
            ("p2", Some(Severity::P2)),
            ("medium", Some(Severity::P2)),
            ("low", None),
            ("", None),
        ] {
            assert_eq!(Severity::from_word(text), expected, "{text:?}");
        }
        assert_eq!(Severity::P2.raised().and_then(Severity::raised), Some(Severity::P0));
        assert_eq!(Severity::P0.raised(), None);
    }

    #[test]
    fn words_are_the_same_for_people_and_on_the_wire() {
        for category in Category::ALL {
            assert_eq!(serde_json::to_string(category).unwrap(), format!("\"{category}\""));
            assert_eq!(category.as_str().parse(), Ok(*category));
        }
        let error = "paused".parse::<EscalationState>().unwrap_err();
        assert_eq!(error.to_string(), "\"paused\" is none of open, acked, closed");
    }
}
