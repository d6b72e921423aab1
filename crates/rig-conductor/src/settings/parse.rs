//! From what was given to [`Settings`], with everything that is wrong with it at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tracing_subscriber::filter::Targets;

use super::source::{Environment, Flags, Given, Origin, Sources};
use super::table::{Form, TABLE};
use super::{Discord, Role, Secret, Settings, StoreSettings, Token, values};
use crate::domain::{Policy, Routes};
use crate::store::{StoreOptions, Synchronous};

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct SettingsError {
    /// One line each.
    pub problems: Vec<String>,
}

/// The settings and how they came to be.
pub struct Loaded {
    /// The settings, or what is wrong.
    pub settings: Result<Settings, SettingsError>,
    /// What is logged.
    pub log: Targets,
    /// What is odd, and keeps nothing from working.
    pub warnings: Vec<String>,
    /// Each value that is in force, with where it came from.
    pub shown: Vec<Shown>,
}

/// A value that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The setting's key.
    pub key: &'static str,
    /// The value; of a secret no more than the names.
    pub value: String,
    /// Where it came from.
    pub from: String,
}

/// How many characters make a secret that nobody guesses.
const LONG_ENOUGH: usize = 16;

/// Reads the settings of a service from flags, variables and the file.
#[must_use]
pub fn load(flags: &Flags, environment: &Environment) -> Loaded {
    finish(Sources::gather(flags, environment), None)
}

/// Reads the settings of the service on a user's own machine from the user's file.
#[must_use]
pub fn load_embedded(file: &Path, dir: &Path, tokens: Vec<Token>) -> Loaded {
    finish(Sources::of_user(file), Some((dir.to_owned(), tokens)))
}

fn finish(sources: Sources, embedded: Option<(PathBuf, Vec<Token>)>) -> Loaded {
    let shown = sources.given.iter().map(|(key, given)| show(key, given)).collect::<BTreeMap<_, _>>();
    let shown = TABLE.iter().filter_map(|setting| shown.get(setting.key).cloned()).collect();
    let mut reader = Reader { given: sources.given, problems: sources.problems, warnings: sources.warnings };
    let log = reader.read("log", values::levels);
    let settings = settings(&mut reader, embedded);
    let settings = match settings {
        Some(settings) if reader.problems.is_empty() => Ok(settings),
        _ => Err(SettingsError { problems: reader.problems }),
    };
    Loaded { settings, log: log.unwrap_or_default(), warnings: reader.warnings, shown }
}

fn show(key: &'static str, given: &Given) -> (&'static str, Shown) {
    let setting = TABLE.iter().find(|setting| setting.key == key).expect("what is given is in the table");
    let value = match (setting.secret, setting.form) {
        (false, _) => given.text.clone(),
        (true, Form::Pairs) => {
            let names =
                given.text.split(',').map(|pair| pair.split_once('=').map_or("?", |(name, _)| name.trim()));
            names.map(|name| format!("{name}=(hidden)")).collect::<Vec<_>>().join(",")
        }
        (true, _) if given.text.starts_with("sqlite:") => given.text.clone(),
        (true, _) if key == "store" => without_password(&given.text),
        (true, _) => "(hidden)".to_owned(),
    };
    (key, Shown { key, value, from: given.from.to_string() })
}

/// Returns the URL of a database without what may be secret in it.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(hidden)".to_owned() };
    let (user, rest) = match rest.split_once('@') {
        Some((credentials, rest)) => (credentials.split(':').next(), rest),
        None => (None, rest),
    };
    let place = rest.split('?').next().unwrap_or_default();
    // What is not in its usual place may be a part of the password.
    let odd = user.unwrap_or_default().contains(['/', '?', '#']) || place.contains(['@', '#']);
    match user.filter(|user| !user.is_empty()) {
        _ if odd => format!("{scheme}://(hidden)"),
        None => format!("{scheme}://{place}"),
        Some(user) => format!("{scheme}://{user}:(hidden)@{place}"),
    }
}

struct Reader {
    given: BTreeMap<&'static str, Given>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Reader {
    /// Reads a value that may be shown; what is wrong with it is remembered.
    fn read<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given.get(key)?;
        match parse(&given.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(format!("{}: {:?} {error}", given.from, given.text));
                None
            }
        }
    }

    /// Reads a value that is never shown.
    fn read_secret<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given.get(key)?;
        match parse(&given.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(format!("{}: {error}", given.from));
                None
            }
        }
    }

    /// Says whether somebody gave a value.
    fn is_given(&self, key: &str) -> bool {
        self.given.get(key).is_some_and(|given| !matches!(given.from, Origin::Default(_)))
    }

    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }
}

fn settings(reader: &mut Reader, embedded: Option<(PathBuf, Vec<Token>)>) -> Option<Settings> {
    let (dir, own) = embedded.unzip();
    let listen = reader.read("listen", |text| {
        text.parse::<SocketAddr>().map_err(|_| "is no address such as 127.0.0.1:8080".to_owned())
    });
    let listen = if dir.is_some() { Some(([127, 0, 0, 1], 0).into()) } else { listen };
    let schema = reader.read("schema", values::schema);
    let store = match (&dir, schema) {
        (Some(dir), _) => Some(StoreSettings::Sqlite(dir.join("conductor.db"))),
        (None, schema) => {
            if !reader.given.contains_key("store") {
                reader.problem("store: none is set; give it with --store or RIG_CONDUCTOR_STORE, for example sqlite:/var/lib/rig-conductor/conductor.db");
            }
            reader.read_secret("store", |text| values::store(text, &schema.unwrap_or_default()))
        }
    };
    let tokens = match own {
        Some(own) => own,
        None => tokens(reader),
    };
    if let Some(listen) = listen
        && !listen.ip().is_loopback()
        && tokens.is_empty()
    {
        let from = reader.given.get("listen").map_or_else(String::new, |given| given.from.to_string());
        reader.problem(format!("{from}: {listen} is not loopback, and no token is set"));
    } else if tokens.is_empty() && dir.is_none() {
        reader.warnings.push("no token is set, so that nobody can do anything".to_owned());
    }
    check_lengths(reader, &tokens, listen);
    let discord = discord(reader);
    let policy = policy(reader, discord.as_ref());
    let hosts = reader.read("hosts", values::hosts).unwrap_or_default();
    let store_options = store_options(reader);
    let sweep_every = reader.read("sweepEvery", values::sweep_every);
    let upstream = reader.read("upstream", values::base_url);
    let dead_man_url = reader.read_secret("deadManUrl", values::secret_url);
    let public_url = reader.read("publicUrl", values::base_url);
    let idle_after = reader.read("idleAfter", values::positive);
    // Only now that everything was looked at: whoever mends the settings sees all that is wrong.
    Some(Settings {
        listen: listen?,
        hosts,
        store: store?,
        store_options,
        tokens,
        policy,
        sweep_every: sweep_every?,
        discord,
        upstream,
        dead_man_url,
        public_url,
        embedded: dir,
        idle_after: idle_after?,
    })
}

fn store_options(reader: &mut Reader) -> StoreOptions {
    let base = StoreOptions::default();
    let synchronous =
        |text: &str| Synchronous::from_word(text).ok_or("is neither full nor normal".to_owned());
    let connections = |text: &str| {
        text.parse().ok().filter(|n| (4..=200).contains(n)).ok_or("is no number from 4 to 200".to_owned())
    };
    StoreOptions {
        casing: reader.read("casing", values::casing).unwrap_or(base.casing),
        keep_heartbeats: reader.read("keepHeartbeats", values::positive).unwrap_or(base.keep_heartbeats),
        keep_past: base.keep_past,
        sqlite_synchronous: reader.read("sqliteSynchronous", synchronous).unwrap_or(base.sqlite_synchronous),
        postgres_connections: reader
            .read("postgresConnections", connections)
            .unwrap_or(base.postgres_connections),
    }
}

fn tokens(reader: &mut Reader) -> Vec<Token> {
    let pool = reader.read_secret("tokens.pool", values::pool);
    let agents = reader.read_secret("tokens.agents", values::agents).unwrap_or_default();
    let operators = reader.read_secret("tokens.operators", values::operators).unwrap_or_default();
    let all: Vec<_> = pool.into_iter().chain(agents).chain(operators).collect();
    for (index, token) in all.iter().enumerate() {
        if let Some(other) = all[..index].iter().find(|other| other.secret == token.secret) {
            reader.problem(format!("{} and {} have the same secret", called(other), called(token)));
        }
    }
    all
}

/// Refuses secrets that can be guessed where others can try, and points them out on loopback.
fn check_lengths(reader: &mut Reader, tokens: &[Token], listen: Option<SocketAddr>) {
    let beyond = listen.is_some_and(|listen| !listen.ip().is_loopback());
    for token in tokens {
        let length = token.secret.0.len();
        if length >= LONG_ENOUGH {
            continue;
        }
        let name = called(token);
        if beyond {
            reader.problem(format!(
                "the secret of {name} has {length} characters, {LONG_ENOUGH} are the least beyond loopback"
            ));
        } else {
            reader.warnings.push(format!(
                "the secret of {name} has {length} characters; one of {LONG_ENOUGH} is hard to guess"
            ));
        }
    }
}

fn called(token: &Token) -> String {
    match &token.role {
        Role::Operator => format!("the operator `{}`", token.name),
        Role::Agent { bound_to: Some(_) } => format!("the agent `{}`", token.name),
        Role::Agent { bound_to: None } => format!("the pool `{}`", token.name),
    }
}

fn policy(reader: &mut Reader, discord: Option<&Discord>) -> Policy {
    let default = Policy::default();
    let bump = reader.read("bumpAfter", |text| values::bump_after(text, default.bump_p2_after));
    let (bump_p2_after, bump_p1_after) = bump.unwrap_or((default.bump_p2_after, default.bump_p1_after));
    Policy {
        bump_p2_after,
        bump_p1_after,
        remind_every: reader.read("remindEvery", values::or_never).unwrap_or(default.remind_every),
        flood: reader.read("flood", values::flood).unwrap_or(default.flood),
        routes: Routes {
            discord: discord.is_some(),
            p0_users: discord.map(|discord| discord.p0_users.clone()).unwrap_or_default(),
        },
    }
}

/// Reads how Discord is set up: not at all, or so that every message can be sent.
fn discord(reader: &mut Reader) -> Option<Discord> {
    const NEEDED: [&str; 3] = ["discord.botToken", "discord.adminChannel", "discord.tasksChannel"];
    let keys = TABLE.iter().map(|setting| setting.key).filter(|key| key.starts_with("discord."));
    // Where Discord is says nothing about whether it is used.
    let given: Vec<_> = keys.filter(|key| *key != "discord.apiUrl" && reader.is_given(key)).collect();
    let api_url = reader.read("discord.apiUrl", values::discord_url);
    let token = reader.read_secret("discord.botToken", values::bot_token);
    let admin_channel = reader.read("discord.adminChannel", values::snowflake);
    let tasks_channel = reader.read("discord.tasksChannel", values::snowflake);
    let ids = |reader: &mut Reader, key| reader.read(key, values::snowflakes).unwrap_or_default();
    let (p0_users, p0_roles) = (ids(reader, "discord.p0Users"), ids(reader, "discord.p0Roles"));
    let (button_users, button_roles) =
        (ids(reader, "discord.buttonUsers"), ids(reader, "discord.buttonRoles"));
    let public_key = reader.read("discord.publicKey", values::public_key);
    let application_id = reader.read("discord.applicationId", values::snowflake);
    let first = given.first()?;
    let set = reader.given.get(first).map(|given| given.from.to_string()).unwrap_or_default();
    for key in NEEDED.into_iter().filter(|key| !given.contains(key)) {
        let name = TABLE.iter().find(|setting| setting.key == key).map_or("", |setting| setting.variable);
        reader.problem(format!("{key}: missing, though {set} is set; give it as {name}"));
    }
    let presses = reader.is_given("discord.buttonUsers") || reader.is_given("discord.buttonRoles");
    if presses && !reader.is_given("discord.publicKey") {
        reader.problem("discord.publicKey: missing, though somebody may press buttons; give it as RIG_DISCORD_PUBLIC_KEY");
    }
    if p0_users.is_empty() && p0_roles.is_empty() {
        reader
            .warnings
            .push("neither discord.p0Users nor discord.p0Roles is set: a P0 mentions nobody".to_owned());
    }
    Some(Discord {
        api_url: api_url?,
        token: token.unwrap_or(Secret(String::new())),
        admin_channel: admin_channel?,
        tasks_channel: tasks_channel?,
        p0_users,
        p0_roles,
        public_key,
        application_id,
        button_users,
        button_roles,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_its_password_wherever_that_stands() {
        for (url, expected) in [
            ("postgres://db/rig", "postgres://db/rig"),
            ("postgres://rig@db/rig", "postgres://rig:(hidden)@db/rig"),
            ("postgres://rig:s3cret@db:5432/rig?sslmode=require", "postgres://rig:(hidden)@db:5432/rig"),
            ("postgres://db/rig?password=s3cret", "postgres://db/rig"),
            ("postgres://rig:s3?cret@db/rig", "postgres://rig:(hidden)@db/rig"),
            ("postgres://rig:s3/cret@db/rig", "postgres://rig:(hidden)@db/rig"),
            ("postgres://rig:s3@cret@db/rig", "postgres://(hidden)"),
            ("postgres://db/rig?password=s3@cret", "postgres://(hidden)"),
            ("nonsense", "(hidden)"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
