use rig_wire::{NotificationState, Route, Severity};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Delivery, Escalation, Routes};

/// The target of the channel for admins; the settings say which one it is.
pub const ADMIN: &str = "admin";

/// The target of the channel for tasks; the settings say which one it is.
pub const TASKS: &str = "tasks";

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// People are to see it: a new escalation, a new level, or again.
    Announce,
    /// A message that is there is to show what has become of the escalation since.
    Edit,
}

impl Purpose {
    /// Returns the word by which it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Edit => "edit",
        }
    }

    /// Reads the word by which it is stored.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        [Self::Announce, Self::Edit].into_iter().find(|one| one.as_str() == text)
    }
}

/// A message that has to be sent or edited: an entry of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What it is about.
    pub escalation: Uuid,
    /// What the message is for.
    pub purpose: Purpose,
    /// The announcement that it belongs to. For an edit: the version of the escalation that it shows at least.
    pub round: u32,
    /// The severity that it is sent for.
    pub severity: Severity,
    /// The way it takes.
    pub route: Route,
    /// [`ADMIN`], [`TASKS`], a user id, or the thread as `owner/repo#15` (a pull request) or
    /// `owner/repo#issue-42`.
    pub target: String,
    /// For an edit: the channel and the message.
    pub message: Option<(String, String)>,
}

impl Intent {
    /// Returns what makes an entry of the outbox the same as another.
    #[must_use]
    pub fn key(&self) -> String {
        let message = self.message.as_ref().map_or("", |(_, message)| message);
        format!(
            "{}:{}:{}:{}:{}:{message}",
            self.escalation,
            self.purpose.as_str(),
            self.round,
            self.route,
            self.target
        )
    }

    /// Returns the nonce by which Discord knows a second try of the same message: 25 characters, the
    /// same on every attempt.
    #[must_use]
    pub fn nonce(&self) -> String {
        nonce(&self.key())
    }
}

/// Returns 25 characters that stand for a text.
#[must_use]
pub fn nonce(text: &str) -> String {
    let mut text = data_encoding::BASE32_NOPAD.encode(&Sha256::digest(text.as_bytes())).to_ascii_lowercase();
    text.truncate(25);
    text
}

/// Returns the messages that announce the present level of an escalation.
#[must_use]
pub fn announcement(escalation: &Escalation, routes: &Routes) -> Vec<Intent> {
    if !routes.discord {
        return Vec::new();
    }
    let to = |route, target: String| Intent {
        escalation: escalation.id,
        purpose: Purpose::Announce,
        round: escalation.round,
        severity: escalation.severity,
        route,
        target,
        message: None,
    };
    match escalation.severity {
        Severity::P2 => vec![match thread(escalation) {
            Some(thread) => to(Route::DiscordThread, thread),
            None => to(Route::DiscordChannel, TASKS.to_owned()),
        }],
        Severity::P1 => vec![to(Route::DiscordChannel, ADMIN.to_owned())],
        Severity::P0 => std::iter::once(to(Route::DiscordChannel, ADMIN.to_owned()))
            .chain(routes.p0_users.iter().map(|user| to(Route::DiscordDm, user.clone())))
            .collect(),
    }
}

/// Returns the edits by which the messages of an escalation show its present state: those that
/// announced a level, and the last reminder. So their number does not grow with the reminders.
#[must_use]
pub fn edits(escalation: &Escalation) -> Vec<Intent> {
    edits_of(escalation, |d| d.round == escalation.round || announced_level(escalation, d))
}

/// Returns the edits of the reminder before the present one, which is no longer the one to answer.
#[must_use]
pub fn edits_of_last_reminder(escalation: &Escalation) -> Vec<Intent> {
    edits_of(escalation, |d| d.round + 1 == escalation.round && !announced_level(escalation, d))
}

/// Says whether a message announced a level. Severities only rise, so the first round of a severity is
/// the one that announced it.
fn announced_level(escalation: &Escalation, delivery: &Delivery) -> bool {
    let same = escalation.deliveries.iter().filter(|d| d.severity == delivery.severity);
    same.map(|d| d.round).min() == Some(delivery.round)
}

fn edits_of(escalation: &Escalation, wanted: impl Fn(&Delivery) -> bool) -> Vec<Intent> {
    let sent = escalation.deliveries.iter().filter(|d| d.state == NotificationState::Sent && wanted(d));
    sent.filter_map(|d| {
        Some(Intent {
            escalation: escalation.id,
            purpose: Purpose::Edit,
            round: u32::try_from(escalation.version).unwrap_or(u32::MAX),
            severity: d.severity,
            route: d.route,
            target: d.target.clone(),
            message: Some((d.channel_id.clone()?, d.message_id.clone()?)),
        })
    })
    .collect()
}

/// Returns the thread of an escalation: of its pull request, else of its issue.
fn thread(escalation: &Escalation) -> Option<String> {
    let repo = escalation.repo.as_deref()?;
    match (escalation.pr_number, escalation.issue_number) {
        (Some(pr), _) => Some(format!("{repo}#{pr}")),
        (None, Some(issue)) => Some(format!("{repo}#issue-{issue}")),
        (None, None) => None,
    }
}
