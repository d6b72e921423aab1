//! A store, a Discord, and a service between them whose clock the test moves.

use std::sync::Arc;
use std::time::Duration;

use rig_conductor::app::App;
use rig_conductor::delivery;
use rig_conductor::domain::Via;
use rig_conductor::settings::{Discord, Secret, Settings, StoreSettings};
use rig_conductor::store::{self, Command, Creation, Shown, Store, StoreOptions};
use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, ALICE, APPLICATION, BOB, Id, ONCALL, TASKS, TOKEN, What};
use rig_wire::{Category, NotificationState, Severity};
use uuid::Uuid;

/// What is told to a service.
pub(crate) type Change = fn(&mut Settings);

/// The whole of it.
pub(crate) struct World {
    pub(crate) discord: FakeDiscord,
    pub(crate) app: Arc<App>,
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: Change) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let discord = FakeDiscord::start();
        let place = StoreSettings::Sqlite(directory.path().join("conductor.db"));
        let store = store::open(&place, StoreOptions::default()).await.unwrap();
        let app = app(&discord, place, store, change);
        Self { discord, app, _directory: directory }
    }

    /// Starts another service on the same store.
    pub(crate) fn another(&self, change: Change) -> Arc<App> {
        app(&self.discord, self.app.settings.store.clone(), Arc::clone(&self.app.store), change)
    }

    pub(crate) async fn create(&self, severity: Severity, reason: &str) -> Uuid {
        self.create_with(severity, reason, |_| {}).await
    }

    /// Creates an escalation about pull request 15.
    pub(crate) async fn create_with(
        &self,
        severity: Severity,
        reason: &str,
        change: impl FnOnce(&mut Creation),
    ) -> Uuid {
        let mut creation = Creation {
            id: Uuid::now_v7(),
            severity,
            reason: reason.to_owned(),
            details: None,
            category: Category::Ci,
            agent_id: "dev-e".to_owned(),
            repo: Some("acme/app".to_owned()),
            issue_number: Some(42),
            pr_number: Some(15),
            branch: None,
            session_id: None,
            dedup_key: None,
            token: reason.to_owned(),
        };
        change(&mut creation);
        let id = creation.id;
        self.app.execute(Command::Create(creation)).await.unwrap();
        id
    }

    pub(crate) async fn ack(&self, id: Uuid) {
        let ack = Command::Ack { id, by: "stig".to_owned(), via: Via::Cli, note: None };
        self.app.execute(ack).await.unwrap();
    }

    pub(crate) async fn raise(&self, id: Uuid) {
        let raise = Command::Raise { id, to: None, by: "stig".to_owned(), note: None };
        self.app.execute(raise).await.unwrap();
    }

    /// Sends what is due.
    pub(crate) async fn drain(&self) -> usize {
        delivery::drain_once(Arc::clone(&self.app)).await.unwrap()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.app.store.advance(by).await.unwrap();
    }

    /// Lets time pass in steps of a minute, and sends what becomes due.
    pub(crate) async fn minutes(&self, minutes: u32) {
        for _ in 0..minutes {
            self.advance(Duration::from_secs(61)).await;
            self.drain().await;
        }
    }

    pub(crate) async fn shown(&self, id: Uuid) -> Shown {
        self.app.store.escalation(id).await.unwrap().unwrap()
    }

    /// Returns what became of each announcement: `channel admin: sent`, `dm 1: failed (why)`.
    pub(crate) async fn fates(&self, id: Uuid) -> Vec<String> {
        let shown = self.shown(id).await;
        let mut fates: Vec<String> = shown
            .escalation
            .deliveries
            .iter()
            .map(|d| {
                let why = d.last_error.as_deref().filter(|_| d.state != NotificationState::Sent);
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                format!("{} {}: {}{why}", d.route.as_str().trim_start_matches("discord_"), d.target, d.state)
            })
            .collect();
        fates.sort();
        fates
    }

    /// Returns the messages as lines, in the order of the alphabet.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.notices(&[What::Posted]);
        lines.sort();
        lines
    }

    /// Returns what happened, of these kinds, in its order.
    pub(crate) fn notices(&self, kinds: &[What]) -> Vec<String> {
        let notices = self.discord.notices().into_iter().filter(|notice| kinds.contains(&notice.what));
        notices.map(|notice| notice.line()).collect()
    }

    /// Returns the calls without those that only ask what a channel is.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.discord.calls().into_iter().filter(|call| !call.starts_with("GetChannel")).collect()
    }
}

fn app(discord: &FakeDiscord, place: StoreSettings, store: Arc<dyn Store>, change: Change) -> Arc<App> {
    let mut settings = Settings::new(place);
    settings.discord = Some(Discord {
        api_url: discord.url(),
        token: Secret(TOKEN.to_owned()),
        admin_channel: ADMIN.to_string(),
        tasks_channel: TASKS.to_string(),
        p0_users: vec![ALICE.to_string(), BOB.to_string()],
        p0_roles: vec![ONCALL.to_string()],
        public_key: Some(key()),
        application_id: Some(APPLICATION.to_string()),
        button_users: vec![ALICE.to_string()],
        button_roles: vec![ONCALL.to_string()],
    });
    settings.policy.flood.creations = 1000;
    change(&mut settings);
    settings.policy.routes.discord = settings.discord.is_some();
    settings.policy.routes.p0_users =
        settings.discord.as_ref().map(|discord| discord.p0_users.clone()).unwrap_or_default();
    Arc::new(App::new(settings, store))
}

fn key() -> [u8; 32] {
    let hex = rig_testkit::interaction::public_key();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    std::array::from_fn(|at| byte(2 * at))
}

/// Returns the settings of Discord, to change them.
pub(crate) fn of(settings: &mut Settings) -> &mut Discord {
    settings.discord.as_mut().expect("a Discord")
}

/// Returns the ids of the messages that were posted in a place.
pub(crate) fn ids(world: &World, place: &str) -> Vec<Id> {
    world.discord.in_channel(place).iter().map(|notice| notice.message).collect()
}
