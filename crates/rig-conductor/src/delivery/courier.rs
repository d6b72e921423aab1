//! Who makes calls: one at a time for each of them, within every limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::breaker::Breaker;
use super::http::{Call, Client, NoAnswer};
use super::lease::Lease;
use super::limits::Limits;
use super::trouble::{INVALID_FORM, Refusal, Trouble, form_errors};
use crate::app::{App, Stop};
use crate::settings::Settings;

/// A wait up to this long is spent in place, with the claim held.
const SHORT_WAIT: Duration = Duration::from_secs(3);
/// For so long a channel that the bot may not use is not tried again.
const BAD_TARGET: SignedDuration = SignedDuration::from_hours(1);

/// Brings messages to Discord, and remembers what it has to between two of them.
pub(crate) struct Courier {
    client: Arc<Client>,
    state: Mutex<State>,
    /// One queue for each place, in which messages keep their order.
    queues: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    clock: Mutex<Clock>,
}

#[derive(Default)]
struct State {
    limits: Limits,
    breaker: Breaker,
    /// The token is not taken: nothing is sent until there is another one.
    halted: bool,
    /// What channels refused to the bot, until when, and with what.
    bad: HashMap<(&'static str, &'static str, String), (Timestamp, Refusal)>,
    dms: HashMap<String, String>,
    dms_rest_until: Option<Timestamp>,
    places: HashMap<String, Place>,
}

/// What a channel is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// `None` in direct messages.
    pub guild: Option<String>,
    /// Whether it holds posts alone.
    pub is_forum: bool,
    /// The tags of a forum: id and name.
    pub tags: Vec<(String, String)>,
}

/// The store's time between two questions for it.
struct Clock {
    at: Timestamp,
    asked: Instant,
}

/// On whose behalf a call is made.
#[derive(Clone)]
pub(super) struct Turn {
    pub app: Arc<App>,
    pub stop: Stop,
    /// `None` for what no claim stands behind.
    pub lease: Option<Lease>,
    pub urgent: bool,
}

impl Courier {
    /// Prepares calls; nothing is sent yet.
    ///
    /// # Panics
    /// When Discord is not set up.
    #[must_use]
    pub(crate) fn new(settings: &Settings) -> Self {
        let discord = settings.discord.as_ref().expect("a courier is made for a Discord");
        Self {
            client: Arc::new(Client::new(discord, settings.public_url.as_deref())),
            state: Mutex::default(),
            queues: Mutex::default(),
            clock: Mutex::new(Clock { at: Timestamp::now(), asked: Instant::now() }),
        }
    }

    /// Makes a call when its turn comes.
    pub(super) async fn call(&self, turn: &Turn, call: Call) -> Result<Value, Trouble> {
        self.admit(turn, &call).await?;
        let (client, sent) = (self.client.clone(), call.clone());
        let answer = tokio::task::spawn_blocking(move || client.send(&sent)).await;
        let answer = answer.unwrap_or_else(|error| Err(NoAnswer::Lost(error.to_string())));
        self.note(turn, &call, answer)
    }

    /// Waits until a call may be made, or says that it has to wait for long.
    async fn admit(&self, turn: &Turn, call: &Call) -> Result<(), Trouble> {
        loop {
            let wait = {
                let now = self.now();
                let mut state = self.state();
                if state.halted {
                    return Err(Trouble::Unauthorized);
                }
                if turn.lease.is_some_and(|lease| !lease.is_enough()) {
                    return Err(Trouble::Wait(Duration::ZERO));
                }
                state.bad.retain(|(_, _, channel), (until, _)| {
                    let lasts = now < *until;
                    if !lasts {
                        // What nobody may have a reason to try again is no trouble for ever.
                        turn.app.delivery.note(channel, None);
                    }
                    lasts
                });
                if let Some((_, refusal)) = state.bad.get(&target(call)) {
                    return Err(Trouble::Refused(refusal.clone()));
                }
                let resting = state.dms_rest_until.filter(|until| call.template == "dms" && now < *until);
                if let Some(until) = resting {
                    return Err(Trouble::Wait(now.duration_until(until).unsigned_abs()));
                }
                match state.limits.take(call, turn.urgent, Instant::now()) {
                    Ok(()) => return state.breaker.admit(turn.urgent, now).map_err(Trouble::Wait),
                    Err(wait) => wait,
                }
            };
            if wait > SHORT_WAIT || turn.stop.is_requested() {
                return Err(Trouble::Wait(wait));
            }
            tokio::select! {
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                () = turn.stop.requested() => {}
            }
        }
    }

    /// Notes what a call came to.
    fn note(
        &self,
        turn: &Turn,
        call: &Call,
        answer: Result<super::http::Answer, NoAnswer>,
    ) -> Result<Value, Trouble> {
        let status = &turn.app.delivery;
        let now = self.now();
        let mut state = self.state();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                state.breaker.failed(now);
                let (text, uncertain) = match error {
                    NoAnswer::NotSent(text) => (text, false),
                    NoAnswer::Lost(text) => (text, true),
                };
                status.note("api", Some(&format!("Discord does not answer: {text}")));
                return Err(Trouble::NoAnswer { text, uncertain });
            }
        };
        let head = answer.head.clone();
        let wait = state.limits.note(call, &head, answer.body.is_some(), Instant::now());
        if head.status == 429 {
            turn.app.metrics.rate_limited(head.scope);
        }
        if answer.body.as_ref().is_some_and(|body| body["code"] == INVALID_FORM) {
            let errors = answer.body.as_ref().map(form_errors).unwrap_or_default();
            tracing::error!(call = call.template, errors, "Discord does not take the form of a message");
        }
        let result = Trouble::of(answer, wait);
        match &result {
            Err(Trouble::NoAnswer { text, .. }) => {
                state.breaker.failed(now);
                status.note("api", Some(&format!("Discord {text}")));
            }
            _ => {
                state.breaker.answered();
                status.note("api", None);
            }
        }
        match &result {
            Err(Trouble::Unauthorized) => {
                state.halted = true;
                let text = "Discord does not take the bot's token (401): nothing is sent until the service is started with another one";
                tracing::error!("{text}");
                status.note("token", Some(text));
            }
            Err(Trouble::Later(after, _)) if call.template == "dms" => {
                state.dms_rest_until = self.later(now, *after);
            }
            Err(Trouble::Refused(refusal)) if matches!(refusal.code, 50001 | 50013) => {
                let until = now.checked_add(BAD_TARGET).unwrap_or(Timestamp::MAX);
                state.bad.insert(target(call), (until, refusal.clone()));
                let text = format!("channel {}: {}", call.resource, refusal.text);
                tracing::error!(channel = call.resource, code = refusal.code, "{}", refusal.text);
                status.note(&call.resource, Some(&text));
            }
            Ok(_) if call.method == "POST" => status.note(&call.resource, None),
            _ => {}
        }
        if let Err(Trouble::Refused(_)) = &result
            && state.limits.refused(Instant::now()) > 1000
        {
            status.note("refused", Some("more than 1,000 calls were refused within ten minutes"));
        } else if result.is_ok() {
            status.note("refused", None);
        }
        result
    }

    fn later(&self, now: Timestamp, by: Duration) -> Option<Timestamp> {
        now.checked_add(SignedDuration::try_from(by).ok()?).ok()
    }

    /// Says something to one who clicked, and to nobody else. Such calls are outside of the bot's limits.
    pub(crate) async fn follow_up(&self, application: &str, token: &str, body: Value) {
        let (client, call) = (self.client.clone(), Call::follow_up(application, token, body));
        let answer = tokio::task::spawn_blocking(move || client.send(&call)).await;
        if !matches!(&answer, Ok(Ok(answer)) if answer.head.status < 300) {
            tracing::warn!("the one who clicked could not be told what came of it");
        }
    }

    /// Says whether nothing is sent any more.
    pub(super) fn is_halted(&self) -> bool {
        self.state().halted
    }

    /// Says whether Discord does not answer at the moment.
    pub(super) fn is_cut_off(&self) -> bool {
        self.state().breaker.is_closed()
    }

    /// Waits for the turn in a queue, until it is dropped.
    pub(super) async fn queue(&self, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            if queues.len() > 1000 {
                queues.retain(|_, queue| Arc::strong_count(queue) > 1);
            }
            queues.entry(name.to_owned()).or_default().clone()
        };
        queue.lock_owned().await
    }

    /// Returns what a channel is.
    pub(super) async fn place(&self, turn: &Turn, channel: &str) -> Result<Place, Trouble> {
        if let Some(place) = self.known_place(channel) {
            return Ok(place);
        }
        let value = self.call(turn, Call::channel(channel)).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tags =
            value["available_tags"].as_array().into_iter().flatten().filter(|tag| tag["moderated"] != true);
        let place = Place {
            guild: text(&value["guild_id"]),
            is_forum: matches!(value["type"].as_u64(), Some(15 | 16)),
            tags: tags.filter_map(|tag| Some((text(&tag["id"])?, text(&tag["name"])?))).collect(),
        };
        self.state().places.insert(channel.to_owned(), place.clone());
        Ok(place)
    }

    /// Returns what a channel is, if that was asked for before.
    pub(super) fn known_place(&self, channel: &str) -> Option<Place> {
        self.state().places.get(channel).cloned()
    }

    /// Returns the channel of direct messages with a user.
    pub(super) async fn dm(&self, turn: &Turn, user: &str) -> Result<String, Trouble> {
        if let Some(known) = self.state().dms.get(user).cloned() {
            return Ok(known);
        }
        let channel = self.call(turn, Call::open_dm(user)).await?;
        let Some(id) = channel["id"].as_str() else {
            return Err(Trouble::NoAnswer { text: "answered without an id".to_owned(), uncertain: false });
        };
        self.state().dms.insert(user.to_owned(), id.to_owned());
        Ok(id.to_owned())
    }

    /// Forgets the channel of direct messages with a user.
    pub(super) fn forget_dm(&self, user: &str) {
        self.state().dms.remove(user);
    }

    /// Sets the clock by the store's.
    pub(super) fn set_clock(&self, at: Timestamp) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Clock { at, asked: Instant::now() };
    }

    /// Returns the store's time. What is remembered for long is remembered by it.
    pub(super) fn now(&self) -> Timestamp {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let since = SignedDuration::try_from(clock.asked.elapsed()).unwrap_or(SignedDuration::MAX);
        clock.at.checked_add(since).unwrap_or(clock.at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is refused together: a bot that may not start threads may still write.
fn target(call: &Call) -> (&'static str, &'static str, String) {
    (call.method, call.template, call.resource.clone())
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rig_testkit::FakeDiscord;
    use rig_testkit::discord::{ADMIN, TOKEN};

    use super::*;
    use crate::settings::{Discord, Secret, StoreSettings};
    use crate::store::{self, StoreOptions};

    #[tokio::test]
    async fn when_the_claim_is_over_nothing_is_sent() {
        let directory = tempfile::tempdir().unwrap();
        let discord = FakeDiscord::start();
        let place = StoreSettings::Sqlite(directory.path().join("conductor.db"));
        let store = store::open(&place, StoreOptions::default()).await.unwrap();
        let mut settings = Settings::new(place);
        settings.discord = Some(Discord {
            api_url: discord.url(),
            token: Secret(TOKEN.to_owned()),
            admin_channel: ADMIN.to_string(),
            tasks_channel: ADMIN.to_string(),
            p0_users: Vec::new(),
            p0_roles: Vec::new(),
            public_key: None,
            application_id: None,
            button_users: Vec::new(),
            button_roles: Vec::new(),
        });
        let courier = Courier::new(&settings);
        let (_stopper, stop) = Stop::pair();
        let fresh = Turn {
            app: Arc::new(App::new(settings, store)),
            stop,
            lease: Some(Lease::begin()),
            urgent: true,
        };
        let over = Turn { lease: Some(Lease::begin().spent(Duration::from_secs(50))), ..fresh.clone() };
        let call = || Call::channel(&ADMIN.to_string());
        assert_eq!(courier.call(&over, call()).await, Err(Trouble::Wait(Duration::ZERO)));
        assert_eq!(discord.calls(), [""; 0]);
        assert!(courier.call(&fresh, call()).await.is_ok());
    }
}
