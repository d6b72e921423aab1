use ureq::http::Uri;

use super::embedded::{Embedded, EmbeddedError};
use crate::config::ConductorSection;
use crate::env::{Environment, ProjectEnv};
use crate::text::redact;

/// The variables that hold a base URL.
pub(super) const URLS: [&str; 2] = ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL"];

/// Where the coordinator is, and the token that may be sent there.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The base URL without a trailing slash.
    pub base: String,
    /// The token, where one was configured for this origin.
    pub token: Option<String>,
    /// Where the token came from, such as `CONDUCTOR_TOKEN`.
    pub token_from: Option<String>,
    /// Whether a repository's settings chose the URL.
    pub from_project: bool,
    /// Whether it is the embedded service of this user.
    pub embedded: bool,
    /// Why a token that is there is not used.
    pub withheld: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("from_project", &self.from_project)
            .field("embedded", &self.embedded)
            .finish_non_exhaustive()
    }
}

/// A coordinator that is named and cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A variable or setting that is no base URL.
    #[error("{source_name} is not a usable base URL: {reason}")]
    Url {
        /// The variable or setting.
        source_name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The embedded service, whose files are not as they have to be.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
}

/// A token that was looked for.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// It may be sent.
    Found {
        /// The token.
        secret: String,
        /// Where it came from.
        from: String,
    },
    /// It may not be sent, for this reason.
    Withheld(String),
    /// There is none.
    Missing,
}

impl Endpoint {
    /// Finds the coordinator: `CONDUCTOR_BASE_URL`, its older alias `CONDUCTOR_URL`, the setting
    /// `conductor.baseUrl`, then the embedded service where it runs; `None` where there is none of them.
    ///
    /// The token is `CONDUCTOR_TOKEN`, else the setting `conductor.token`. It belongs to the URL
    /// that came from the same place, else to the URL in the settings, and is sent to the origin
    /// of that URL alone. A URL that a repository's settings chose gets no token of the user's, and
    /// the embedded service only its own.
    ///
    /// # Errors
    /// When what is set cannot be used; the next source is not tried then.
    pub fn resolve(
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Result<Option<Self>, EndpointError> {
        let variable = URLS.into_iter().find_map(|name| Some((name, env.get(name)?)));
        let (source, url) = match (&variable, &settings.base_url) {
            (Some((name, url)), _) => (*name, url),
            (None, Some(url)) => ("the setting `conductor.baseUrl`", url),
            (None, None) => return Self::embedded(settings),
        };
        let base =
            base_url(url).map_err(|reason| EndpointError::Url { source_name: source.to_owned(), reason })?;
        let from_project = variable.as_ref().is_some_and(|(name, _)| project.sets(name));
        let unlocked =
            Self { base, token: None, token_from: None, from_project, embedded: false, withheld: None };
        let kind = Kind {
            variable: "CONDUCTOR_TOKEN",
            setting: "conductor.token",
            of_settings: settings.token.as_ref(),
            belongs_to: settings.token_for.as_ref(),
        };
        let found = unlocked.token_of(&kind, env, project, settings);
        Ok(Some(match found {
            Token::Found { secret, from } => Self { token: Some(secret), token_from: Some(from), ..unlocked },
            Token::Withheld(why) => Self { withheld: Some(why), ..unlocked },
            Token::Missing => unlocked,
        }))
    }

    /// Does what [`Endpoint::resolve`] does, passing over every variable that a repository's
    /// settings set: events that are not of that repository go here.
    ///
    /// # Errors
    /// When what is set cannot be used.
    pub fn resolve_trusted(
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Result<Option<Self>, EndpointError> {
        let names = [URLS[0], URLS[1], "CONDUCTOR_TOKEN"];
        Self::resolve(&env.without_project(&names, project), &ProjectEnv::default(), settings)
    }

    /// Returns the endpoint of a record that names its own base URL. It gets a token only where that
    /// is at the origin of the user's own coordinator.
    #[must_use]
    pub fn of_record(base: &str, own: Option<&Self>) -> Option<Self> {
        let base = base_url(base).ok()?;
        let own = own.filter(|own| origin(&own.base) == origin(&base));
        let (token, token_from) = own.map(|own| (own.token.clone(), own.token_from.clone())).unzip();
        Some(Self {
            base,
            token: token.flatten(),
            token_from: token_from.flatten(),
            from_project: true,
            embedded: false,
            withheld: None,
        })
    }

    /// Finds the token with which a person acks, closes and raises at this endpoint:
    /// `CONDUCTOR_OPERATOR_TOKEN`, else the setting `conductor.operatorToken`, under the rules of the
    /// agents' token; of the embedded service its own.
    ///
    /// # Errors
    /// When the embedded service's token cannot be used.
    pub fn operator_token(
        &self,
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Result<Token, EmbeddedError> {
        if let (true, Some(dir)) = (self.embedded, &settings.embedded) {
            let secret = Embedded::at(dir).operator_token()?;
            return Ok(Token::Found { secret, from: dir.join("operator.token").display().to_string() });
        }
        let kind = Kind {
            variable: "CONDUCTOR_OPERATOR_TOKEN",
            setting: "conductor.operatorToken",
            of_settings: settings.operator_token.as_ref(),
            belongs_to: settings.operator_token_for.as_ref(),
        };
        Ok(self.token_of(&kind, env, project, settings))
    }

    /// Returns the embedded service, where it runs.
    fn embedded(settings: &ConductorSection) -> Result<Option<Self>, EndpointError> {
        let Some(dir) = &settings.embedded else { return Ok(None) };
        let embedded = Embedded::at(dir);
        let Some(base) = embedded.url()? else { return Ok(None) };
        Ok(Some(Self {
            base,
            token: Some(embedded.agent_token()?),
            token_from: Some(dir.join("agent.token").display().to_string()),
            from_project: false,
            embedded: true,
            withheld: None,
        }))
    }

    /// Finds a token of one kind, if it was configured for this endpoint's origin.
    fn token_of(
        &self,
        kind: &Kind<'_>,
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Token {
        let set_by_variable = URLS.iter().any(|name| env.get(name).is_some());
        let (token, from, bound) = match env.get(kind.variable) {
            // A repository that brings its own token may send it where it likes.
            Some(token) if project.sets(kind.variable) => {
                (token, kind.variable.to_owned(), self.from_project.then_some(&self.base))
            }
            Some(token) if set_by_variable && !self.from_project => {
                (token, kind.variable.to_owned(), Some(&self.base))
            }
            Some(token) => (token, kind.variable.to_owned(), settings.base_url.as_ref()),
            None => match kind.of_settings {
                Some(token) => (token.clone(), format!("the setting `{}`", kind.setting), kind.belongs_to),
                None => return Token::Missing,
            },
        };
        if bound.is_some_and(|url| origin(url).is_some_and(|o| Some(o) == origin(&self.base))) {
            return Token::Found { secret: token.trim().to_owned(), from };
        }
        let what = if kind.variable == "CONDUCTOR_TOKEN" { "the token" } else { "the operator's token" };
        let base = &self.base;
        Token::Withheld(match bound {
            Some(url) => {
                format!("{what} was not sent to {base}: it was configured for {}", redact(url))
            }
            None => format!("{what} was not sent to {base}: it was not configured for it"),
        })
    }
}

/// A kind of token, and what the settings say of it.
struct Kind<'a> {
    variable: &'static str,
    setting: &'static str,
    of_settings: Option<&'a String>,
    belongs_to: Option<&'a String>,
}

/// Normalises a base URL: no trailing slash, no `/api/events` behind it.
fn base_url(url: &str) -> Result<String, &'static str> {
    let mut url = url.trim().trim_end_matches('/');
    if let Some(base) = url.strip_suffix("/api/events") {
        url = base.trim_end_matches('/');
    }
    let parsed: Uri = url.parse().map_err(|_| "it is not a URL")?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err("it must start with http:// or https://");
    }
    let authority = parsed.authority().ok_or("it names no host")?;
    if authority.as_str().contains('@') {
        return Err("it holds a user name or password; use CONDUCTOR_TOKEN");
    }
    if authority.host().is_empty() {
        return Err("it names no host");
    }
    if authority.as_str().len() > authority.host().len() && authority.port_u16().is_none_or(|p| p == 0) {
        return Err("its port is not a number from 1 to 65535");
    }
    // The parser drops a fragment, and what is appended to it goes with it.
    if parsed.query().is_some() || url.contains('#') {
        return Err("it holds a query or a fragment");
    }
    Ok(url.to_owned())
}

/// Returns scheme, host and port.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.trim().parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri.port_u16().or(match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    })?;
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests;
