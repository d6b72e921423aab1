//! The configuration files.
//!
//! `/etc/rig/config.json`, then `~/.config/rig/config.json`, whose keys win; environment
//! variables win over both where a key has one. A key that is not known is an error that
//! names file and key, because a setting that is silently ignored is worse than none.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::files;
use crate::paths::Paths;

/// The largest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// What the files say, user over system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The `agent` section.
    pub agent: AgentSection,
    /// The `conductor` section.
    pub conductor: ConductorSection,
    /// The `report` section.
    pub report: ReportSection,
}

/// Who works here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct AgentSection {
    /// The agent's or human's id; `CONDUCTOR_AGENT_ID` and `AGENT_ID` win.
    pub id: Option<String>,
    /// The name in commits; the id where it is not set.
    pub name: Option<String>,
    /// The e-mail address in commits.
    pub email: Option<String>,
    /// The domain of e-mail addresses that are made up from the id.
    pub email_domain: Option<String>,
}

/// Where the coordinator is.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ConductorSection {
    /// The base URL; `CONDUCTOR_BASE_URL` wins.
    pub base_url: Option<String>,
    /// The token for that URL's origin, and for no other.
    pub token: Option<String>,
    /// The base URL that the token belongs to: of the same file, else of the merged files.
    #[serde(skip)]
    pub token_for: Option<String>,
    /// The token with which a person acks, closes and raises; for that URL's origin, too.
    pub operator_token: Option<String>,
    /// The base URL that the operator's token belongs to.
    #[serde(skip)]
    pub operator_token_for: Option<String>,
    /// The directory of the embedded service, which is asked where no base URL is set.
    #[serde(skip)]
    pub embedded: Option<PathBuf>,
}

impl ConductorSection {
    fn overlay(&mut self, file: Self) {
        let beside = file.base_url.clone().or_else(|| self.base_url.clone());
        for (token, token_for, of_file) in [
            (&mut self.token, &mut self.token_for, file.token),
            (&mut self.operator_token, &mut self.operator_token_for, file.operator_token),
        ] {
            if of_file.is_some() {
                *token = of_file;
                token_for.clone_from(&beside);
            } else if token.is_some() && token_for.is_none() {
                token_for.clone_from(&file.base_url);
            }
        }
        replace(&mut self.base_url, file.base_url);
    }
}

impl std::fmt::Debug for ConductorSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConductorSection")
            .field("base_url", &self.base_url)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("token_for", &self.token_for)
            .field("operator_token", &self.operator_token.as_ref().map(|_| "(hidden)"))
            .field("operator_token_for", &self.operator_token_for)
            .field("embedded", &self.embedded)
            .finish()
    }
}

/// How often the hooks report.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ReportSection {
    /// Seconds between two `working` heartbeats of one session, at least 1.
    pub heartbeat_seconds: Option<u64>,
}

impl ReportSection {
    /// Returns the time between two `working` heartbeats of one session, 60 s unless set.
    #[must_use]
    pub fn heartbeat_every(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds.unwrap_or(60))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    agent: AgentSection,
    conductor: ConductorSection,
    report: ReportSection,
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is there and cannot be read.
    #[error("failed to read the settings at {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no JSON, or a key is unknown or has the wrong type.
    #[error("the settings at {} are not valid{key}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// ` at` and the key's path; empty where the text is no JSON at all.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl Config {
    /// Reads both files. One that cannot be used counts as absent and is returned as an error
    /// beside what the other says, so that the caller can go on and tell.
    #[must_use]
    pub fn load(paths: &Paths) -> (Self, Vec<ConfigError>) {
        let mut config = Self::default();
        let mut errors = Vec::new();
        for path in std::iter::once(paths.system_config.as_path()).chain(paths.user_config.as_deref()) {
            match read(path) {
                Ok(Some(file)) => config.overlay(file),
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
        }
        config.conductor.embedded = paths.embedded();
        (config, errors)
    }

    fn overlay(&mut self, file: File) {
        let AgentSection { id, name, email, email_domain } = file.agent;
        // A name or an address belongs to the id that it was written beside.
        if id.is_some() && id != self.agent.id {
            self.agent.name = None;
            self.agent.email = None;
        }
        replace(&mut self.agent.id, id);
        replace(&mut self.agent.name, name);
        replace(&mut self.agent.email, email);
        replace(&mut self.agent.email_domain, email_domain);
        self.conductor.overlay(file.conductor);
        replace(&mut self.report.heartbeat_seconds, file.report.heartbeat_seconds);
    }
}

fn replace<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

fn read(path: &Path) -> Result<Option<File>, ConfigError> {
    let text = match files::read(path, LIMIT) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(ConfigError::Read { path: path.into(), source }),
    };
    // Serde would read a list as an object without its keys.
    if text.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Err(invalid(path, "", "the text is not a JSON object"));
    }
    let file: File = match serde_json::from_slice(&text) {
        Ok(file) => file,
        // Parsed a second time, so that only a broken file pays for the path to its key.
        Err(_) => return Err(explain(path, &text)),
    };
    if file.report.heartbeat_seconds == Some(0) {
        return Err(invalid(path, "report.heartbeatSeconds", "must be at least 1"));
    }
    Ok(Some(file))
}

fn explain(path: &Path, text: &[u8]) -> ConfigError {
    let parsed: Result<File, _> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(text));
    match parsed {
        Err(error) => {
            let key = error.path().to_string();
            let reason = error.into_inner().to_string();
            invalid(path, key.trim_matches(['.', '?']), &reason)
        }
        Ok(_) => invalid(path, "", "trailing characters after the object"),
    }
}

fn invalid(path: &Path, key: &str, reason: &str) -> ConfigError {
    let key = if key.is_empty() { String::new() } else { format!(" at `{key}`") };
    ConfigError::Invalid { path: path.into(), key, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: &str = "(absent)";

    fn load(system: &str, user: &str) -> (Config, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = Paths::below(Some(dir.path().into()));
        paths.system_config = dir.path().join("system.json");
        paths.user_config = Some(dir.path().join("user.json"));
        for (path, text) in [(&paths.system_config, system), (paths.user_config.as_ref().unwrap(), user)] {
            if text != ABSENT {
                std::fs::write(path, text).unwrap();
            }
        }
        let (mut config, errors) = Config::load(&paths);
        assert_eq!(config.conductor.embedded.take(), paths.embedded());
        let shown = |e: &ConfigError| crate::error::chain(e).replace(dir.path().to_str().unwrap(), "DIR");
        (config, errors.iter().map(shown).collect())
    }

    #[test]
    fn the_users_keys_win_one_by_one() {
        let (config, errors) = load(
            r#"{"$schema":"x","agent":{"id":"a","email":"a@x"},"conductor":{"baseUrl":"http://one","token":"t"}}"#,
            r#"{"agent":{"emailDomain":"example.com"},"report":{"heartbeatSeconds":5}}"#,
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            config.agent,
            AgentSection {
                id: Some("a".into()),
                name: None,
                email: Some("a@x".into()),
                email_domain: Some("example.com".into())
            }
        );
        assert_eq!(config.report.heartbeat_every(), Duration::from_secs(5));
        assert_eq!(config.conductor.token_for.as_deref(), Some("http://one"));
    }

    #[test]
    fn a_users_own_id_does_not_take_the_machines_address() {
        let (config, _) = load(r#"{"agent":{"id":"a","email":"a@x"}}"#, r#"{"agent":{"id":"b"}}"#);
        assert_eq!(config.agent, AgentSection { id: Some("b".into()), ..AgentSection::default() });
    }

    #[test]
    fn a_token_belongs_to_the_url_beside_it() {
        let a_with_token = r#"{"conductor":{"baseUrl":"http://a","token":"t"}}"#;
        let token_alone = r#"{"conductor":{"token":"t"}}"#;
        let a_alone = r#"{"conductor":{"baseUrl":"http://a"}}"#;
        let b_alone = r#"{"conductor":{"baseUrl":"http://b"}}"#;
        for (system, user, expected) in [
            (a_with_token, b_alone, Some("http://a")),
            (a_alone, token_alone, Some("http://a")),
            (token_alone, b_alone, Some("http://b")),
            (ABSENT, token_alone, None),
        ] {
            let (config, _) = load(system, user);
            assert_eq!(config.conductor.token_for.as_deref(), expected, "{system} {user}");
            let [system, user] = [system, user].map(|text| text.replace("token", "operatorToken"));
            let (config, _) = load(&system, &user);
            assert_eq!(config.conductor.operator_token_for.as_deref(), expected, "{system} {user}");
            assert_eq!(config.conductor.token, None);
        }
    }

    #[test]
    fn errors_name_file_and_key() {
        for (user, expected) in [
            (
                r#"{"agent":{"mail":"x"}}"#,
                " at `agent.mail`: unknown field `mail`, expected one of `id`, `name`, `email`, `emailDomain` at line 1 column 16",
            ),
            (
                r#"{"report":{"heartbeatSeconds":-1}}"#,
                " at `report.heartbeatSeconds`: invalid value: integer `-1`, expected u64 at line 1 column 32",
            ),
            (r#"{"report":{"heartbeatSeconds":0}}"#, " at `report.heartbeatSeconds`: must be at least 1"),
            ("{", ": EOF while parsing an object at line 1 column 1"),
            ("[]", ": the text is not a JSON object"),
            ("", ": the text is not a JSON object"),
            ("{} x", ": trailing characters after the object"),
        ] {
            let (config, errors) = load(ABSENT, user);
            let expected = format!("the settings at DIR/user.json are not valid{expected}");
            assert_eq!((config, errors), (Config::default(), vec![expected]), "{user}");
        }
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = Paths::below(None);
        paths.system_config = dir.path().join("absent.json");
        paths.user_config = Some("/dev/zero".into());
        let shown = Config::load(&paths).1.iter().map(|e| crate::error::chain(e)).collect::<Vec<_>>();
        assert_eq!(shown, ["failed to read the settings at /dev/zero: not a regular file"]);
    }

    #[test]
    fn a_broken_file_does_not_take_the_other_with_it() {
        let (config, errors) = load(r#"{"agent":{"id":"a"}}"#, "nonsense");
        assert_eq!((config.agent.id.as_deref(), errors.len()), (Some("a"), 1));
    }

    #[test]
    fn a_token_is_not_in_the_debug_text() {
        let file = r#"{"conductor":{"token":"s3cret","operatorToken":"s3cret","baseUrl":"http://a"}}"#;
        let (config, _) = load(ABSENT, file);
        assert!(config.conductor.operator_token.is_some() && !format!("{config:?}").contains("s3cret"));
    }
}
