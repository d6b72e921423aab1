//! Edits: a message shows what has become of its escalation.

use std::time::Duration;

use rig_wire::NotificationState;

use super::announce::Job;
use super::compose::Message;
use super::http::Call;
use super::trouble::{ARCHIVED, Trouble, backoff, tries};
use crate::domain::Escalation;
use crate::store::Outcome;
use crate::testing::point;

/// So often an escalation may change while its message is edited.
const ROUNDS: u32 = 5;

impl Job {
    /// Edits the message and says what became of it.
    pub(super) async fn edit(&self) -> Outcome {
        if let Some(why) = self.is_poison() {
            return Outcome::Dropped { why };
        }
        match self.bring_up_to_date().await {
            Ok(outcome) => outcome,
            Err(Trouble::Wait(after)) => Outcome::Postponed { after: after.max(Duration::from_millis(200)) },
            Err(Trouble::Unauthorized) => Outcome::Postponed { after: Duration::from_secs(60) },
            Err(Trouble::Refused(refusal)) => Outcome::Dropped { why: refusal.text },
            Err(Trouble::Later(after, error)) => self.retry(error, after, false),
            Err(Trouble::NoAnswer { text, uncertain }) => {
                self.retry(text, backoff(self.claimed.tries), uncertain)
            }
        }
    }

    fn retry(&self, error: String, after: Duration, uncertain: bool) -> Outcome {
        if self.claimed.tries >= tries(self.claimed.severity) && !self.courier.is_cut_off() {
            return Outcome::Dropped { why: error };
        }
        Outcome::Retry { error, after, uncertain }
    }

    /// Edits until the message shows what the store knows. Whoever edits last has looked last, too: so
    /// of two who edit the same message at once, neither leaves behind what was before.
    async fn bring_up_to_date(&self) -> Result<Outcome, Trouble> {
        let Some((channel, message)) = &self.claimed.message else {
            return Ok(Outcome::Dropped { why: "the entry names no message".to_owned() });
        };
        let mut now = self.read().await?;
        for _ in 0..ROUNDS {
            let Some(composed) = compose(self, &now, message) else {
                return Ok(Outcome::Dropped { why: "the message is not known".to_owned() });
            };
            point("delivery.before_edit");
            self.change(channel, message, &composed).await?;
            point("delivery.after_edit");
            let after = self.read().await?;
            if after.version == now.version || compose(self, &after, message) == Some(composed) {
                return Ok(Outcome::Edited { version: after.version });
            }
            now = after;
        }
        Err(Trouble::Wait(Duration::from_secs(1)))
    }

    async fn change(&self, channel: &str, message: &str, composed: &Composed) -> Result<(), Trouble> {
        let edit = |body: &serde_json::Value| {
            self.courier.call(&self.turn, Call::edit(channel, message, body.clone()))
        };
        match edit(&composed.body).await {
            Err(trouble) if trouble.code() == ARCHIVED => {
                self.courier.call(&self.turn, Call::unarchive(channel)).await?;
                edit(&composed.body).await?;
            }
            Err(trouble) if trouble.is_about_content() => {
                edit(&composed.plain).await?;
            }
            other => drop(other?),
        }
        Ok(())
    }

    async fn read(&self) -> Result<Escalation, Trouble> {
        match self.turn.app.store.escalation(self.claimed.escalation.id).await {
            Ok(Some(shown)) => Ok(shown.escalation),
            Ok(None) => Ok(self.claimed.escalation.clone()),
            Err(error) => {
                tracing::error!(%error, "the store did not tell about an escalation");
                Err(Trouble::Wait(Duration::from_secs(1)))
            }
        }
    }
}

#[derive(PartialEq)]
struct Composed {
    body: serde_json::Value,
    plain: serde_json::Value,
}

fn compose(job: &Job, escalation: &Escalation, message: &str) -> Option<Composed> {
    let settings = &job.turn.app.settings;
    let message = of_message(settings, escalation, message)?;
    Some(Composed { body: message.body(), plain: message.plain() })
}

/// Returns what a message of an escalation is to show; `None` when it is none of its messages.
pub(crate) fn of_message<'a>(
    settings: &'a crate::settings::Settings,
    escalation: &'a Escalation,
    message: &str,
) -> Option<Message<'a>> {
    let mut sent = escalation.deliveries.iter().filter(|d| d.state == NotificationState::Sent);
    let delivery = sent.find(|d| d.message_id.as_deref() == Some(message))?;
    Some(Message {
        escalation,
        policy: &settings.policy,
        discord: settings.discord.as_ref()?,
        public_url: settings.public_url.as_deref(),
        round: delivery.round,
        severity: delivery.severity,
        route: delivery.route,
        target: &delivery.target,
        repeated: false,
        instead_of: None,
    })
}
