//! Reaching the server: the URL, TLS, the pool.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;
use crate::store::StoreError;

/// How long a connection may take to come, and how long one may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how long without an answer a peer counts as gone.
const SILENCE: Duration = Duration::from_secs(20);

/// What every connection is told. A lock, a statement and a transaction that hang end, so that a replica
/// that freezes does not hold the others up.
///
/// Every row is found by an index: the plan of a prepared statement is kept, and one that was made while
/// a table was small would read it whole once it is large. Compiling what runs for milliseconds costs more than it saves.
const SESSION: &str = "set time zone 'UTC'; set lock_timeout = '5s'; set statement_timeout = '30s'; \
                       set idle_in_transaction_session_timeout = '10s'; \
                       set default_transaction_isolation = 'read committed'; \
                       set enable_seqscan = off; set jit = off";

/// The parameters of a URL that are handed on, besides those of TLS.
const PARAMETERS: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// A server that can be reached.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) pool: Pool,
    /// Host, port and database: for messages.
    pub(super) name: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Server {
    /// Prepares connections. None is made yet.
    pub(super) fn new(url: &str, schema: &str, connections: usize) -> Result<Self, StoreError> {
        check_schema(schema)?;
        let (mut config, ssl) = parse(url).map_err(StoreError::Broken)?;
        if config.get_application_name().is_none() {
            config.application_name("rig-conductor");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE).keepalives_interval(SILENCE / 4).keepalives_retries(3);
        let name = name(&config);
        let tls = MakeRustlsConnect::new(tls::config(&ssl).map_err(StoreError::Broken)?);
        config.ssl_mode(ssl.mode);
        let manager =
            Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let session = format!("{SESSION}; set search_path = \"{schema}\"");
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let session = session.clone();
            Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(connections.max(4))
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE * 2), recycle: Some(PATIENCE) })
            .post_create(prepare)
            .build()
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        Ok(Self { pool, name })
    }
}

/// How a connection is protected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ssl {
    pub(super) mode: SslMode,
    /// Whether the server has to prove who it is.
    pub(super) verify: bool,
    /// A file of certificates that are trusted instead of the public ones.
    pub(super) roots: Option<String>,
}

/// Reads a URL. No message repeats a part of it that could be the password.
fn parse(url: &str) -> Result<(tokio_postgres::Config, Ssl), String> {
    let malformed = || {
        "the PostgreSQL URL is malformed: it has to be postgres://user:password@host:port/database, with special \
         characters of the password percent-encoded"
            .to_owned()
    };
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(malformed());
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut rest) = ("prefer", None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(malformed)?;
        match key {
            "sslmode" => mode = value,
            "sslrootcert" => roots = Some(decoded(value).ok_or_else(malformed)?),
            key if PARAMETERS.contains(&key) => rest.push(pair),
            key => return Err(format!("the PostgreSQL URL has an unknown parameter `{key}`")),
        }
    }
    let (mode, verify) = match mode {
        "disable" => (SslMode::Disable, false),
        "allow" | "prefer" => (SslMode::Prefer, false),
        // A file of certificates is there to be checked against.
        "require" => (SslMode::Require, roots.is_some()),
        "verify-full" => (SslMode::Require, true),
        other => {
            return Err(format!(
                "the PostgreSQL URL has sslmode `{other}`: it has to be disable, prefer, require or verify-full"
            ));
        }
    };
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let config = url.parse().map_err(|_| malformed())?;
    Ok((config, Ssl { mode, verify, roots }))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Refuses a name that would have to be escaped.
fn check_schema(schema: &str) -> Result<(), StoreError> {
    let first = schema.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let rest = schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if first && rest && schema.len() <= 63 && !schema.starts_with("pg_") {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "the schema name {schema:?} is none of small letters, digits and `_`, 63 at most"
    )))
}

/// Returns how a server is called in messages.
fn name(config: &tokio_postgres::Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    format!("PostgreSQL at {host}:{port}, database {database}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_the_connection_is_protected() {
        for (query, mode, verify, roots) in [
            ("", SslMode::Prefer, false, None),
            ("?sslmode=disable&application_name=x", SslMode::Disable, false, None),
            ("?sslmode=require", SslMode::Require, false, None),
            ("?sslmode=require&sslrootcert=%2Fetc%2Fca.pem", SslMode::Require, true, Some("/etc/ca.pem")),
            ("?sslmode=verify-full", SslMode::Require, true, None),
        ] {
            let (config, ssl) = parse(&format!("postgres://u:p%40@db:6000/rig{query}")).unwrap();
            assert_eq!(ssl, Ssl { mode, verify, roots: roots.map(str::to_owned) }, "{query}");
            assert_eq!(config.get_password(), Some(&b"p@"[..]));
            assert_eq!(name(&config), "PostgreSQL at db:6000, database rig");
        }
    }

    #[test]
    fn no_message_tells_the_password() {
        for url in [
            "postgres://u:hunter2@db:port/rig",
            "postgres://u:hunter2@db/rig?sslmode=maybe",
            "postgres://u:hunter2@db/rig?colour=red",
            "postgres://u:hunter2@db/rig?hunter2",
            "postgres://u:hun@ter2@db:99999/rig",
            "host=db password=hunter2",
            "mysql://u:hunter2@db/rig",
        ] {
            let error = match Server::new(url, "rig_escalation", 4) {
                Err(error) => error.to_string(),
                Ok(server) => panic!("{url}: {server:?}"),
            };
            assert!(!error.contains("ter2") && error.contains("PostgreSQL URL"), "{error}");
        }
        let server = Server::new("postgres://u:hunter2@db/rig", "rig_escalation", 4).unwrap();
        assert_eq!(format!("{server:?}"), "Server { name: \"PostgreSQL at db:5432, database rig\", .. }");
    }

    #[test]
    fn a_schema_has_a_plain_name() {
        for (name, good) in [
            ("rig_escalation", true),
            ("_x1", true),
            ("", false),
            ("1x", false),
            ("a\"; drop schema public", false),
            ("pg_x", false),
            ("Rig", false),
        ] {
            assert_eq!(check_schema(name).is_ok(), good, "{name:?}");
        }
        assert!(check_schema(&"x".repeat(64)).is_err());
    }
}
