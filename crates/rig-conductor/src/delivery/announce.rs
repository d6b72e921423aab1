//! Announcements: each to its place, with another place where that one takes nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use rig_wire::{EscalationState, Route};
use serde_json::Value;

use super::compose::{Message, with_nonce};
use super::courier::{Courier, Turn};
use super::http::Call;
use super::trouble::{ARCHIVED, LOCKED, LOST, THREAD_EXISTS, Trouble, backoff, tries};
use crate::domain::{ADMIN, TASKS};
use crate::settings::Discord;
use crate::store::{Claimed, Outcome};
use crate::testing::point;

/// For so long Discord surely knows a nonce.
pub(super) const NONCE_LASTS: SignedDuration = SignedDuration::from_mins(2);

/// One claimed entry, and what it takes to send it.
pub(super) struct Job {
    pub turn: Turn,
    pub courier: Arc<Courier>,
    pub claimed: Claimed,
}

/// A place for a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot {
    pub channel: String,
    pub guild: Option<String>,
    pub thread: Option<String>,
    /// The thread in whose stead it is.
    pub instead_of: Option<String>,
}

impl Job {
    /// Sends the announcement and says what became of it.
    pub(super) async fn announce(&self) -> Outcome {
        if let Some(error) = self.is_poison() {
            return Outcome::Failed { error, fallback: self.fallback() };
        }
        let result = match self.claimed.route {
            Route::DiscordThread => self.to_thread().await,
            Route::DiscordDm => self.to_user().await,
            Route::DiscordChannel => self.to_channel().await,
        };
        result.unwrap_or_else(|trouble| self.outcome_of(trouble))
    }

    /// Says why nobody should try again what may be what ends those who try: after many in a row have told
    /// nothing, only whoever announces it anew does. One that was is tried once.
    pub(super) fn is_poison(&self) -> Option<String> {
        let lost = self.claimed.lost;
        (lost >= LOST).then(|| format!("{lost} attempts ended without a word of what became of them"))
    }

    pub(super) fn discord(&self) -> &Discord {
        self.turn.app.settings.discord.as_ref().expect("a job is made where Discord is set up")
    }

    /// Returns the channel that a target means.
    pub(super) fn channel_of<'a>(&'a self, target: &'a str) -> &'a str {
        match target {
            ADMIN => &self.discord().admin_channel,
            TASKS => &self.discord().tasks_channel,
            other => other,
        }
    }

    async fn to_channel(&self) -> Result<Outcome, Trouble> {
        let channel = self.channel_of(&self.claimed.target).to_owned();
        let place = self.place(&channel).await.map_err(unsent)?;
        if place.is_forum {
            // A forum takes no messages: they go into a post of their own.
            let key = format!("{}{}", super::thread::OWN_POST, self.claimed.escalation.id);
            return self.to_thread_of(&key).await;
        }
        self.send(&Spot { channel, guild: place.guild, ..Spot::default() }).await
    }

    /// Returns what a channel is. Something urgent does not wait for that: the channel has to be a text
    /// channel anyway, and only the link to the message is not known then.
    async fn place(&self, channel: &str) -> Result<super::courier::Place, Trouble> {
        if self.turn.urgent {
            return Ok(self.courier.known_place(channel).unwrap_or_default());
        }
        self.courier.place(&self.turn, channel).await
    }

    async fn to_user(&self) -> Result<Outcome, Trouble> {
        let user = &self.claimed.target;
        let channel = self.courier.dm(&self.turn, user).await.map_err(unsent)?;
        let result = self.send(&Spot { channel, ..Spot::default() }).await;
        if !result.as_ref().is_err_and(Trouble::is_missing) {
            return result;
        }
        self.courier.forget_dm(user);
        let channel = self.courier.dm(&self.turn, user).await.map_err(unsent)?;
        self.send(&Spot { channel, ..Spot::default() }).await
    }

    async fn to_thread(&self) -> Result<Outcome, Trouble> {
        // Casing makes no other repository, so it makes no other thread.
        self.to_thread_of(&self.claimed.target.to_ascii_lowercase()).await
    }

    async fn to_thread_of(&self, key: &str) -> Result<Outcome, Trouble> {
        let mut gone = None;
        for _ in 0..2 {
            let spot = self.thread(key, gone.as_deref()).await.map_err(unsent)?;
            let result = self.send(&spot).await;
            let Some(thread) = spot.thread.clone() else { return result };
            match result {
                Err(trouble) if trouble.is_missing() => {
                    self.forget_thread(key, &thread).await?;
                    gone = Some(thread);
                }
                Err(trouble) if matches!(trouble.code(), ARCHIVED | LOCKED) => {
                    let beside = self.beside(&thread, spot.guild.as_deref()).await.map_err(unsent)?;
                    return self.send(&beside).await;
                }
                other => return other,
            }
        }
        Err(Trouble::Wait(Duration::from_secs(1)))
    }

    /// Returns the channel around a thread that takes no messages.
    async fn beside(&self, thread: &str, guild: Option<&str>) -> Result<Spot, Trouble> {
        let tasks = self.discord().tasks_channel.clone();
        let place = self.courier.place(&self.turn, &tasks).await?;
        // Nothing can be written beside the posts of a forum.
        let channel = if place.is_forum { self.discord().admin_channel.clone() } else { tasks };
        let link = guild.map(|guild| format!("https://discord.com/channels/{guild}/{thread}"));
        let instead_of = Some(link.unwrap_or_else(|| "the thread".to_owned()));
        Ok(Spot { channel, guild: place.guild, thread: None, instead_of })
    }

    /// Sends the message to a place, unless it is there already.
    async fn send(&self, spot: &Spot) -> Result<Outcome, Trouble> {
        let claimed = &self.claimed;
        let now = self.courier.now();
        let mut repeated = false;
        if let Some(since) = claimed.uncertain_since {
            let stale = claimed.escalation.state != EscalationState::Open
                || claimed.round < claimed.escalation.level_round;
            if stale || now.duration_since(since) >= NONCE_LASTS {
                if let Some(message) =
                    self.find(&spot.channel, &self.message(spot, false).marker()).await.map_err(unsent)?
                {
                    return Ok(self.sent(spot, &message, false));
                }
                if stale {
                    let error = "no longer needed, and not seen in the channel".to_owned();
                    return Ok(Outcome::Retry { error, after: Duration::ZERO, uncertain: false });
                }
                repeated = true;
            }
        }
        let message = self.message(spot, repeated);
        point("delivery.before_send");
        let body = with_nonce(message.body(), &claimed.nonce);
        let mut result = self.courier.call(&self.turn, Call::post(&spot.channel, body)).await;
        point("delivery.after_send");
        if let Err(trouble) = &result
            && trouble.is_about_content()
        {
            tracing::warn!(
                escalation = %claimed.escalation.id, route = %claimed.route, code = trouble.code(),
                "Discord does not take the message; sending the plain one"
            );
            let body = with_nonce(message.plain(), &claimed.nonce);
            result = self.courier.call(&self.turn, Call::post(&spot.channel, body)).await;
        }
        match result?["id"].as_str() {
            Some(id) => Ok(self.sent(spot, id, repeated)),
            None => Err(Trouble::NoAnswer { text: "answered without an id".to_owned(), uncertain: true }),
        }
    }

    fn message<'a>(&'a self, spot: &'a Spot, repeated: bool) -> Message<'a> {
        let settings = &self.turn.app.settings;
        Message {
            escalation: &self.claimed.escalation,
            policy: &settings.policy,
            discord: self.discord(),
            public_url: settings.public_url.as_deref(),
            round: self.claimed.round,
            severity: self.claimed.severity,
            route: self.claimed.route,
            target: &self.claimed.target,
            repeated,
            instead_of: spot.instead_of.as_deref(),
        }
    }

    fn sent(&self, spot: &Spot, message: &str, repeated: bool) -> Outcome {
        let direct = self.claimed.route == Route::DiscordDm;
        let guild = if direct { Some("@me") } else { spot.guild.as_deref() };
        Outcome::Sent {
            channel_id: spot.channel.clone(),
            message_id: message.to_owned(),
            thread_id: spot.thread.clone(),
            url: guild
                .map(|guild| format!("https://discord.com/channels/{guild}/{}/{message}", spot.channel)),
            repeated,
        }
    }

    /// Looks for a message of ours among the last ones of a channel, by the words that mark it.
    pub(super) async fn find(&self, channel: &str, marker: &str) -> Result<Option<String>, Trouble> {
        match self.courier.call(&self.turn, Call::recent(channel)).await {
            Ok(messages) => Ok(find_marked(&messages, marker)),
            // Whoever may not look cannot know: the message is sent again, and says so.
            Err(Trouble::Refused(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Returns what follows from a call that did not do what was asked for.
    pub(super) fn outcome_of(&self, trouble: Trouble) -> Outcome {
        let exhausted = self.claimed.tries >= tries(self.claimed.severity);
        let (error, after, uncertain) = match trouble {
            Trouble::Wait(after) => {
                return Outcome::Postponed { after: after.max(Duration::from_millis(200)) };
            }
            Trouble::Unauthorized => return Outcome::Postponed { after: Duration::from_secs(60) },
            Trouble::Refused(refusal) => {
                return Outcome::Failed { error: refusal.text, fallback: self.fallback() };
            }
            Trouble::Later(after, error) => (error, after, false),
            Trouble::NoAnswer { text, uncertain } => (text, backoff(self.claimed.tries), uncertain),
        };
        if exhausted {
            let fallback = self.fallback();
            // While Discord answers nobody, giving up would say nothing about this route.
            if fallback.is_some() || !self.courier.is_cut_off() {
                return Outcome::Failed { error, fallback };
            }
        }
        Outcome::Retry { error, after, uncertain }
    }

    /// Returns where the message goes when its route is given up: to a channel that it was not sent to
    /// yet. Direct messages go nowhere else, since the admins are told anyway.
    fn fallback(&self) -> Option<(Route, String)> {
        let claimed = &self.claimed;
        let ways: &[&str] = match (claimed.route, claimed.target.as_str()) {
            (Route::DiscordThread, _) => &[TASKS, ADMIN],
            (Route::DiscordChannel, TASKS) => &[ADMIN],
            (Route::DiscordChannel, _) => &[TASKS],
            (Route::DiscordDm, _) => &[],
        };
        let tried = |target: &str| {
            let rounds = claimed.escalation.deliveries.iter().filter(|d| d.round == claimed.round);
            rounds.filter(|d| d.route == Route::DiscordChannel).any(|d| d.target == target)
        };
        let same = |target: &str| {
            claimed.route == Route::DiscordChannel
                && self.channel_of(target) == self.channel_of(&claimed.target)
        };
        let target = ways.iter().find(|target| !tried(target) && !same(target))?;
        Some((Route::DiscordChannel, (*target).to_owned()))
    }
}

/// Says of what went wrong before a message was sent that the message itself did not arrive.
fn unsent(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::NoAnswer { text, .. } => Trouble::NoAnswer { text, uncertain: false },
        other => other,
    }
}

/// Finds a message of a bot that is marked by these words, the newest first.
pub(super) fn find_marked(messages: &Value, marker: &str) -> Option<String> {
    let marked = |message: &&Value| {
        let footer = message["embeds"][0]["footer"]["text"].as_str();
        let last = message["content"].as_str().and_then(|content| content.lines().last());
        message["author"]["bot"] == true && (footer == Some(marker) || last == Some(marker))
    };
    messages.as_array()?.iter().find(marked)?["id"].as_str().map(str::to_owned)
}

/// Says whether the thread of a message is there already.
pub(super) fn has_thread(trouble: &Trouble) -> bool {
    trouble.code() == THREAD_EXISTS
}
