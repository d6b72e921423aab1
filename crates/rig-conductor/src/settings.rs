//! What the service is told to do: every value checked, every secret hidden from `Debug`.

mod parse;
mod source;
mod table;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use parse::{Loaded, SettingsError, Shown, load, load_embedded};
pub use source::{DEFAULT_FILE, Environment, FILE_VARIABLE, Flags, Given, Origin, Sources};
pub use table::{Form, Setting, TABLE};

use crate::domain::Policy;
use crate::store::StoreOptions;

/// The settings of a running service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The names, besides those of loopback and of [`Settings::listen`], by which clients may call it in `Host`.
    pub hosts: Vec<String>,
    /// Where it keeps what it knows.
    pub store: StoreSettings,
    /// How it keeps it.
    pub store_options: StoreOptions,
    /// Who may call it.
    pub tokens: Vec<Token>,
    /// When escalations are raised, repeated and refused, and the people who get a P0.
    pub policy: Policy,
    /// How often it looks for what is due, one second to one hour.
    pub sweep_every: Duration,
    /// Discord, where it is set up.
    pub discord: Option<Discord>,
    /// The base URL of a Conductor-E that gets everything which is not an escalation's.
    pub upstream: Option<String>,
    /// The URL that is called after each good sweep.
    pub dead_man_url: Option<Secret>,
    /// The address under which people reach this service, for links in messages.
    pub public_url: Option<String>,
    /// The directory of a service that belongs to one user's machine.
    pub embedded: Option<PathBuf>,
    /// For how long such a service stays without an open escalation and without requests.
    pub idle_after: Duration,
}

impl Settings {
    /// Returns the settings that are in force where nothing but the store is set. They have no token.
    #[must_use]
    pub fn new(store: StoreSettings) -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            hosts: Vec::new(),
            store,
            store_options: StoreOptions::default(),
            tokens: Vec::new(),
            policy: Policy::default(),
            sweep_every: Duration::from_secs(60 * 60),
            discord: None,
            upstream: None,
            dead_man_url: None,
            public_url: None,
            embedded: None,
            idle_after: Duration::from_secs(30 * 60),
        }
    }
}

/// Where events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// One file, for one process.
    Sqlite(PathBuf),
    /// A database, for any number of processes.
    Postgres {
        /// `postgres://…`, with its password.
        url: Secret,
        /// The schema that holds the tables.
        schema: String,
    },
}

/// How the members of stored events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Casing {
    /// `AgentId`: what a .NET application with its defaults reads.
    #[default]
    Pascal,
    /// `agentId`.
    Camel,
}

/// A secret that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A token and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// For an operator: the name that becomes `by`. For an agent: how the token is called in logs and bounds.
    pub name: String,
    /// The secret behind `Bearer`.
    pub secret: Secret,
    /// What it may do.
    pub role: Role,
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Create, note, beat, tell of work, read.
    Agent {
        /// The one agent that it speaks for; `None` for a token that a pool shares.
        bound_to: Option<String>,
    },
    /// Also ack, close and raise.
    Operator,
}

/// How messages reach people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discord {
    /// The API's base URL without the version, such as `https://discord.com/api`; http only on loopback.
    pub api_url: String,
    /// The bot's token.
    pub token: Secret,
    /// The channel for P1 and P0.
    pub admin_channel: String,
    /// The channel for P2, text or forum, in which threads are made.
    pub tasks_channel: String,
    /// The people who get a P0.
    pub p0_users: Vec<String>,
    /// The roles that a P0 mentions.
    pub p0_roles: Vec<String>,
    /// The key by which interactions are verified, 32 bytes; without it there are no buttons.
    pub public_key: Option<[u8; 32]>,
    /// The application's id, for edits of interactions.
    pub application_id: Option<String>,
    /// Who may press buttons: user ids. With [`Discord::button_roles`] empty too, there are none.
    pub button_users: Vec<String>,
    /// Who may press buttons: role ids.
    pub button_roles: Vec<String>,
}

#[cfg(test)]
mod tests;
