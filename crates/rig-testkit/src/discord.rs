//! A Discord that remembers, refuses and misbehaves as the real one does.
//!
//! Every request is held against Discord's published description (`discord-openapi.json` in the
//! directory `RIG_TEST_SCHEMAS`) and against rules that it leaves out. A request that breaks one
//! gets 400, and the test fails when the double is dropped or [`FakeDiscord::check`] is called.
//!
//! ```no_run
//! use rig_testkit::discord::{ADMIN, Call, FakeDiscord, Fault, HOUR};
//!
//! let discord = FakeDiscord::start();
//! // DISCORD_API_URL = discord.url(), DISCORD_BOT_TOKEN = discord::TOKEN,
//! // RIG_DISCORD_ADMIN_CHANNEL = ADMIN
//! discord.fail(Call::CreateMessage.at(ADMIN), Fault::RateLimited(0.2), 1);
//! discord.set_time(4 * HOUR); // the test's own clock, stamped on what is seen
//! discord.expect(4 * HOUR..=4 * HOUR + 60, &["#admin: P1 - acme/app#42 [Ack] [Close]"]);
//! discord.quiet(); // nothing else has come
//! assert_eq!(discord.calls(), ["CreateMessage #admin: 429", "CreateMessage #admin: 200"]);
//! ```
//!
//! The server has the text channels `#admin`, `#tasks` and `#pulls`, the forum `#forum`, the users
//! alice and bob, who take direct messages, carol, who does not, and the role oncall.

mod call;
mod error;
mod expect;
mod fault;
mod interact;
mod limit;
mod mentions;
mod notice;
mod play;
mod rules;
mod show;
mod spec;
mod world;

use std::time::Duration;

use serde_json::Value;

pub use call::{Call, Route};
pub use fault::Fault;
pub use limit::Counts;
pub use mentions::{Ping, pings};
pub use notice::{Button, Notice, What};
pub use world::{Dms, Kind};

use crate::double::Double;
use crate::http::Request;
pub(crate) use interact::answer_errors;
use play::{Discord, Scripted};

/// A snowflake. In JSON it is a string; all of these are beyond what a float holds exactly.
pub type Id = u64;

/// The server.
pub const GUILD: Id = 1_175_001_122_334_455_661;
/// The text channel `#admin`.
pub const ADMIN: Id = 1_175_001_122_334_455_663;
/// The text channel `#tasks`.
pub const TASKS: Id = 1_175_001_122_334_455_665;
/// The text channel `#pulls`.
pub const PULLS: Id = 1_175_001_122_334_455_667;
/// The forum `#forum`.
pub const FORUM: Id = 1_175_001_122_334_455_669;
/// The role `oncall`.
pub const ONCALL: Id = 1_175_001_122_334_455_671;
/// A user who takes direct messages.
pub const ALICE: Id = 1_175_001_122_334_455_673;
/// Another one.
pub const BOB: Id = 1_175_001_122_334_455_675;
/// A user who refuses direct messages.
pub const CAROL: Id = 1_175_001_122_334_455_677;
/// The bot.
pub const BOT: Id = 1_175_001_122_334_455_679;
/// The bot's application.
pub const APPLICATION: Id = 1_175_001_122_334_455_681;
/// The bot's token.
pub const TOKEN: &str = "MTE3NTAwMTEyMjMzNDQ1NTY3OQ.Gtest0.not-a-real-token-0123456789abcdefghij";

/// A minute in seconds.
pub const MINUTE: u64 = 60;
/// An hour in seconds.
pub const HOUR: u64 = 3600;

/// The running Discord; it stops when dropped, and the test fails if a request broke a rule, or if
/// [`FakeDiscord::expect`] was used and something came after it.
#[derive(Debug)]
pub struct FakeDiscord(Double<Discord>);

impl FakeDiscord {
    /// Starts one on a free port of 127.0.0.1. Without `RIG_TEST_SCHEMAS` requests are not held
    /// against Discord's description.
    ///
    /// # Panics
    /// When the description is missing and `RIG_TEST_REQUIRE=1`.
    #[must_use]
    pub fn start() -> Self {
        let _ = spec::Spec::load();
        Self(Double::start(Discord::default(), play::answer))
    }

    /// Tells whether requests are held against Discord's description. A test that needs it ends
    /// where this is false, which is then said on stderr.
    ///
    /// # Panics
    /// As [`FakeDiscord::start`] does.
    #[must_use]
    #[track_caller]
    pub fn has_schemas() -> bool {
        spec::Spec::needed().is_some()
    }

    /// Returns the base URL with the version: the value of `DISCORD_API_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/api/v10", self.0.url())
    }

    /// Sets the seconds of the test's clock, which are stamped on what happens from then on.
    pub fn set_time(&self, seconds: u64) {
        self.0.lock().own.now = seconds;
    }

    /// Takes another token than [`TOKEN`], and that one alone.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.0.lock().own.token);
    }

    // What goes wrong.

    /// Lets the next so many requests of a route fail; `usize::MAX` for all of them. Of several
    /// faults for a request the one that was scripted first is used up first.
    pub fn fail(&self, route: impl Into<Route>, fault: Fault, times: usize) {
        self.0.lock().own.faults.push(Scripted { route: route.into(), fault, left: times });
    }

    /// Forgets every fault; what hangs goes on hanging.
    pub fn heal(&self) {
        self.0.lock().own.faults.clear();
    }

    /// Returns how many of the scripted failures have not happened yet.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.0.lock().own.faults.iter().map(|scripted| scripted.left).fold(0, usize::saturating_add)
    }

    /// Lets go of every hanging request.
    pub fn release(&self) {
        self.0.release();
    }

    /// Allows so many requests of a route in a time, to each of its targets; [`Route::ANY`] sets the
    /// limit of the bot as a whole.
    pub fn limit(&self, route: impl Into<Route>, most: u32, per: Duration) {
        self.0.lock().own.limits.set(route.into(), most, per);
    }

    /// Returns what Discord counts against its client.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.lock().own.limits.counts
    }

    // What the server looks like.

    /// Adds a channel to the server.
    #[must_use]
    pub fn add_channel(&self, kind: Kind, name: &str) -> Id {
        let world = &mut self.0.lock().own.world;
        let id = world.snowflake();
        world.add(id, kind, name);
        id
    }

    /// Lets a forum take posts with one of these tags alone.
    pub fn require_tags(&self, forum: Id, tags: &[Id]) {
        self.channel(forum, |channel| channel.tags = tags.to_vec());
    }

    /// Sets whether a user can be reached directly.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn set_dms(&self, user: Id, dms: Dms) {
        self.0.lock().own.world.users.get_mut(&user).expect("a user of the server").dms = dms;
    }

    /// Archives a thread, as happens when nobody writes in it. A message brings it back.
    pub fn archive(&self, thread: Id) {
        self.channel(thread, |channel| channel.archived = true);
    }

    /// Locks a thread: nobody may write in it.
    pub fn lock(&self, thread: Id) {
        self.channel(thread, |channel| channel.locked = true);
    }

    /// Deletes a channel or a thread.
    pub fn delete(&self, channel: Id) {
        let world = &mut self.0.lock().own.world;
        world.channels.remove(&channel);
        world.messages.retain(|_, message| message.channel != channel);
    }

    /// Writes a message as a user.
    #[must_use]
    pub fn say(&self, channel: Id, user: Id, content: &str) -> Id {
        let world = &mut self.0.lock().own.world;
        let id = world.snowflake();
        world.write(id, channel, user, &serde_json::json!({ "content": content }));
        id
    }

    /// Forgets every nonce, as happens after some minutes.
    pub fn forget_nonces(&self) {
        self.0.lock().own.world.nonces.clear();
    }

    fn channel(&self, id: Id, change: impl FnOnce(&mut world::Channel)) {
        change(self.0.lock().own.world.channels.get_mut(&id).expect("a channel of the server"));
    }

    // What was seen.

    /// Returns everything that happened, in its order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.0.lock().own.notices.clone()
    }

    /// Returns what happened behind the first so many.
    #[must_use]
    pub fn notices_from(&self, first: usize) -> Vec<Notice> {
        self.0.lock().own.notices.get(first..).unwrap_or_default().to_vec()
    }

    /// Returns the messages that were posted, as they were then.
    #[must_use]
    pub fn messages(&self) -> Vec<Notice> {
        self.notices().into_iter().filter(|notice| notice.what == What::Posted).collect()
    }

    /// Returns the messages that were posted in a place: `#admin`, `@alice`, `#pulls > NAME`.
    #[must_use]
    pub fn in_channel(&self, place: &str) -> Vec<Notice> {
        self.messages().into_iter().filter(|notice| notice.place == place).collect()
    }

    /// Returns a message as it looks now, in Discord's shape.
    #[must_use]
    pub fn message(&self, id: Id) -> Option<Value> {
        let state = self.0.lock();
        state.own.world.messages.get(&id).map(|message| state.own.world.show_message(message))
    }

    /// Returns the buttons that can be clicked now, each behind its message.
    #[must_use]
    pub fn live_buttons(&self) -> Vec<(Id, Button)> {
        let state = self.0.lock();
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let buttons = state.own.world.messages.values().flat_map(|message| {
            let buttons = notice::buttons(&rows(&message.body["components"]));
            buttons.into_iter().map(|button| (message.id, button))
        });
        buttons.filter(|(_, button)| !button.disabled).collect()
    }

    /// Returns every request so far, answered or not.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.0.requests()
    }

    /// Returns how each call ended: `CreateMessage #admin: 403 50001`. Requests that broke a rule
    /// are not among them.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.0.lock().own.calls.clone()
    }

    /// Waits until what happened is as wanted, and returns it.
    ///
    /// # Panics
    /// When it is not within [`crate::PATIENCE`].
    #[track_caller]
    pub fn wait_for(&self, wanted: impl Fn(&[Notice]) -> bool) -> Vec<Notice> {
        let describe = |notices: &[Notice]| notices.iter().map(Notice::line).collect::<Vec<_>>();
        self.0.wait(
            |state| wanted(&state.own.notices).then(|| state.own.notices.clone()),
            |state| {
                let own = &state.own;
                format!("seen: {:#?}; calls: {:#?}; {:?}", describe(&own.notices), own.calls, own.violations)
            },
        )
    }

    /// Waits until the calls are as wanted, and returns them.
    ///
    /// # Panics
    /// When they are not within [`crate::PATIENCE`].
    #[track_caller]
    pub fn wait_for_calls(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.0.wait(
            |state| wanted(&state.own.calls).then(|| state.own.calls.clone()),
            |state| format!("calls: {:#?}; {:?}", state.own.calls, state.own.violations),
        )
    }

    /// Returns what requests did against the rules, and forgets it.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().own.violations)
    }

    /// Checks that no request broke a rule.
    ///
    /// # Panics
    /// When one did.
    #[track_caller]
    pub fn check(&self) {
        let violations = self.take_violations();
        assert!(violations.is_empty(), "requests broke Discord's rules:\n{}", violations.join("\n"));
    }
}

impl Drop for FakeDiscord {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
            self.check_rest();
        }
    }
}
