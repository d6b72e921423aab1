//! One thread for each pull request or issue, whoever makes it, and whenever it is interrupted.

use std::time::Duration;

use serde_json::{Value, json};

use super::announce::{Job, NONCE_LASTS, Spot, find_marked, has_thread};
use super::compose::{starter, starter_marker, thread_name, with_nonce};
use super::courier::Place;
use super::http::Call;
use super::trouble::{TAG_REQUIRED, TOO_MANY_THREADS, Trouble, UNKNOWN_MESSAGE};
use crate::domain::nonce;
use crate::store::{StoreError, Thread, ThreadClaim};
use crate::testing::point;

/// What the key of an escalation's own post begins with, in a forum.
pub(super) const OWN_POST: &str = "escalation ";

/// After three days without a message a thread goes to the archive; the next message brings it back.
const ARCHIVE_AFTER_MINUTES: u32 = 4320;

/// What a step in the making of a thread came to.
enum Step {
    Made(Thread),
    /// The message that it began with is of no use; begin with another one.
    Again(String),
    /// There can be no thread.
    None,
}

impl Job {
    /// Returns the place of a thread, which is made where there is none. `gone` is the one that was
    /// found to be deleted. Without a place in the result there can be no thread: the message belongs
    /// into the channel.
    pub(super) async fn thread(&self, key: &str, gone: Option<&str>) -> Result<Spot, Trouble> {
        let tasks = self.discord().tasks_channel.clone();
        let owner = &self.claimed.claim.owner;
        let mut used_up = gone.unwrap_or_default().to_owned();
        for _ in 0..3 {
            let place = self.courier.place(&self.turn, &tasks).await?;
            let lease = self.turn.lease.map_or(super::lease::LEASE, |lease| lease.left());
            let claim =
                self.turn.app.store.thread(key, owner, lease).await.map_err(|error| of_store(&error))?;
            let known = match claim {
                ThreadClaim::Ready(thread) => return Ok(spot(&tasks, place, &thread)),
                // It may be there sooner than its maker's time is over.
                ThreadClaim::Busy(wait) => return Err(Trouble::Wait(wait.min(Duration::from_secs(1)))),
                ThreadClaim::Mine(known) => known,
            };
            point("delivery.thread_claimed");
            let step = if place.is_forum {
                self.make_post(key, known, &tasks, &place).await?
            } else {
                self.make_thread(key, known, &tasks, &used_up).await?
            };
            match step {
                Step::Made(thread) => {
                    self.save(key, &thread).await?;
                    point("delivery.thread_saved");
                    return Ok(spot(&tasks, place, &thread));
                }
                Step::Again(message) => {
                    used_up = message;
                    self.save(key, &Thread::default()).await?;
                }
                Step::None => {
                    return Ok(Spot { channel: tasks, guild: place.guild, ..Spot::default() });
                }
            }
        }
        Err(Trouble::Wait(Duration::from_secs(5)))
    }

    /// Forgets a thread that is gone.
    pub(super) async fn forget_thread(&self, key: &str, thread: &str) -> Result<(), Trouble> {
        tracing::warn!(thread, "a thread is gone; making another one");
        self.turn.app.store.forget_thread(key, thread).await.map_err(|error| of_store(&error))
    }

    /// Makes a thread in a text channel: a message, and the thread that hangs on it.
    async fn make_thread(
        &self,
        key: &str,
        known: Thread,
        channel: &str,
        used_up: &str,
    ) -> Result<Step, Trouble> {
        let mut thread = Thread { channel_id: Some(channel.to_owned()), ..known };
        let message = match thread.starter_id.clone() {
            Some(message) => message,
            None => {
                let message = self.begin(key, &mut thread, channel, used_up).await?;
                point("delivery.starter_sent");
                thread.starter_id = Some(message.clone());
                self.save(key, &thread).await?;
                point("delivery.starter_saved");
                message
            }
        };
        let body = json!({
            "name": thread_name(key, self.claimed.escalation.branch.as_deref()),
            "auto_archive_duration": ARCHIVE_AFTER_MINUTES,
        });
        let made = self.courier.call(&self.turn, Call::thread(channel, &message, body)).await;
        point("delivery.thread_made");
        let id = match made {
            Ok(made) => made["id"].as_str().unwrap_or(&message).to_owned(),
            Err(trouble) if has_thread(&trouble) => {
                // The thread has the id of its message. It may have been deleted since.
                match self.courier.call(&self.turn, Call::channel(&message)).await {
                    Ok(_) => message.clone(),
                    Err(trouble) if trouble.is_missing() => return Ok(Step::Again(message)),
                    Err(other) => return Err(other),
                }
            }
            Err(trouble) if trouble.code() == UNKNOWN_MESSAGE => return Ok(Step::Again(message)),
            Err(trouble) if trouble.code() == TOO_MANY_THREADS => return Ok(Step::None),
            Err(other) => return Err(other),
        };
        Ok(Step::Made(Thread { thread_id: Some(id), uncertain_since: None, ..thread }))
    }

    /// Posts the message that a thread hangs on, or finds it.
    async fn begin(
        &self,
        key: &str,
        thread: &mut Thread,
        channel: &str,
        used_up: &str,
    ) -> Result<String, Trouble> {
        let now = self.courier.now();
        match thread.uncertain_since {
            Some(since) if now.duration_since(since) >= NONCE_LASTS => {
                if let Some(message) = self.find(channel, &starter_marker(key)).await? {
                    return Ok(message);
                }
            }
            Some(_) => {}
            None => {
                thread.uncertain_since = Some(now);
                self.save(key, thread).await?;
            }
        }
        point("delivery.before_starter");
        // A message whose thread is gone gives no second one, so its nonce is not used again.
        let body = with_nonce(starter(key), &nonce(&format!("thread:{key}:{used_up}")));
        let message = self.courier.call(&self.turn, Call::post(channel, body)).await?;
        id_of(&message)
    }

    /// Makes a post in a forum. Such a call has no nonce, so it is looked for first if it may be there.
    async fn make_post(&self, key: &str, known: Thread, forum: &str, place: &Place) -> Result<Step, Trouble> {
        let mut thread = Thread { channel_id: Some(forum.to_owned()), ..known };
        if thread.uncertain_since.is_some() {
            if let Some(id) = self.find_post(key, forum, place).await? {
                return Ok(Step::Made(post(thread, id)));
            }
        } else {
            thread.uncertain_since = Some(self.courier.now());
            self.save(key, &thread).await?;
        }
        point("delivery.before_starter");
        let mut body = json!({
            "name": thread_name(key, self.claimed.escalation.branch.as_deref()),
            "auto_archive_duration": ARCHIVE_AFTER_MINUTES,
            "message": starter(key),
        });
        let mut made = self.courier.call(&self.turn, Call::forum_post(forum, body.clone())).await;
        if let Err(trouble) = &made
            && trouble.code() == TAG_REQUIRED
            && let Some(tag) = tag(place, self.claimed.severity.as_str())
        {
            body["applied_tags"] = json!([tag]);
            made = self.courier.call(&self.turn, Call::forum_post(forum, body)).await;
        }
        point("delivery.thread_made");
        // A forum has no other place for a message.
        let id = id_of(&made?)?;
        Ok(Step::Made(post(thread, id)))
    }

    /// Looks for a post of ours among those that are not archived.
    async fn find_post(&self, key: &str, forum: &str, place: &Place) -> Result<Option<String>, Trouble> {
        let Some(guild) = &place.guild else { return Ok(None) };
        let active = self.courier.call(&self.turn, Call::active_threads(guild)).await?;
        let about = thread_name(key, None);
        let candidates = active["threads"].as_array().into_iter().flatten().filter(|thread| {
            thread["parent_id"] == forum && thread["name"].as_str().is_some_and(|n| n.starts_with(&about))
        });
        for id in candidates.filter_map(|thread| thread["id"].as_str()) {
            match self.courier.call(&self.turn, Call::message(id, id)).await {
                Ok(message) if find_marked(&json!([message]), &starter_marker(key)).is_some() => {
                    return Ok(Some(id.to_owned()));
                }
                Ok(_) | Err(Trouble::Refused(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(None)
    }

    async fn save(&self, key: &str, thread: &Thread) -> Result<(), Trouble> {
        let owner = &self.claimed.claim.owner;
        match self.turn.app.store.save_thread(key, owner, thread).await {
            Ok(true) => Ok(()),
            // Somebody else makes it now.
            Ok(false) => Err(Trouble::Wait(Duration::from_secs(1))),
            Err(error) => Err(of_store(&error)),
        }
    }
}

fn post(thread: Thread, id: String) -> Thread {
    Thread { starter_id: Some(id.clone()), thread_id: Some(id), uncertain_since: None, ..thread }
}

fn spot(tasks: &str, place: Place, thread: &Thread) -> Spot {
    let id = thread.thread_id.clone();
    Spot {
        channel: id.clone().unwrap_or_else(|| tasks.to_owned()),
        guild: place.guild,
        thread: id,
        instead_of: None,
    }
}

/// Chooses a tag of a forum: the severity's, one for escalations, or any.
fn tag(place: &Place, severity: &str) -> Option<String> {
    let named = |wanted: &str| place.tags.iter().find(|(_, name)| name.eq_ignore_ascii_case(wanted));
    named(severity).or_else(|| named("escalation")).or(place.tags.first()).map(|(id, _)| id.clone())
}

fn id_of(value: &Value) -> Result<String, Trouble> {
    let none = || Trouble::NoAnswer { text: "answered without an id".to_owned(), uncertain: true };
    value["id"].as_str().map(str::to_owned).ok_or_else(none)
}

/// The store is asked again later; the message was not sent.
fn of_store(error: &StoreError) -> Trouble {
    tracing::error!(%error, "the store did not tell about a thread");
    Trouble::Wait(Duration::from_secs(1))
}
