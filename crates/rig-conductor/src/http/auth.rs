//! Who calls: the token, and the names by which the service may be called.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use rig_wire::AgentId;
use sha2::{Digest, Sha256};

use super::{ApiError, Http};
use crate::settings::{Role, Settings, Token};

/// The tokens, by their digests.
pub(super) struct Tokens(Vec<([u8; 32], Token)>);

impl Tokens {
    pub(super) fn new(settings: &Settings) -> Self {
        let digest = |token: &Token| Sha256::digest(token.secret.0.as_bytes()).into();
        Self(settings.tokens.iter().map(|token| (digest(token), token.clone())).collect())
    }

    /// Finds a token. Digests are compared, all of them and whole, so that the time tells nothing about a
    /// secret.
    fn find(&self, secret: &str) -> Option<usize> {
        if secret.is_empty() {
            return None;
        }
        let given: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let mut found = None;
        for (index, (known, _)) in self.0.iter().enumerate() {
            let differs = known.iter().zip(given).fold(0, |all, (one, other)| all | (one ^ other));
            if std::hint::black_box(differs) == 0 {
                found = Some(index);
            }
        }
        found
    }
}

/// Who sent a request, by the token that it came with.
///
/// As an extractor it refuses what comes from a web page, under a foreign name, or without a
/// token that is known.
pub(super) struct Caller {
    http: Http,
    index: usize,
}

impl Caller {
    fn token(&self) -> &Token {
        &self.http.tokens.0[self.index].1
    }

    /// Returns the name of the token.
    pub(super) fn name(&self) -> &str {
        &self.token().name
    }

    pub(super) fn is_operator(&self) -> bool {
        self.token().role == Role::Operator
    }

    /// Returns the one agent that the token speaks for, if it is bound to one.
    pub(super) fn bound_to(&self) -> Option<&str> {
        match &self.token().role {
            Role::Agent { bound_to } => bound_to.as_deref(),
            Role::Operator => None,
        }
    }

    /// Refuses everybody but operators.
    ///
    /// # Errors
    /// With what the caller must not do.
    pub(super) fn operator_only(&self, what: &str) -> Result<(), ApiError> {
        if self.is_operator() {
            return Ok(());
        }
        Err(ApiError::Forbidden(format!("an operator's token is required to {what}")))
    }

    /// Refuses an agent for which the token does not speak.
    pub(super) fn may_speak_for(&self, agent: &AgentId) -> Result<(), ApiError> {
        match self.bound_to() {
            Some(bound) if agent.as_str() != bound && agent.bare() != bound => {
                Err(ApiError::Forbidden(format!("agentId: the token is bound to `{bound}`")))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<Http> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, ApiError> {
        http.hosts.check(&parts.uri, &parts.headers)?;
        let index = bearer(&parts.headers).and_then(|secret| http.tokens.find(secret));
        let index = index.ok_or(ApiError::Unauthorized)?;
        let caller = Self { http: http.clone(), index };
        http.app.touch();
        tracing::Span::current().record("caller", caller.name());
        Ok(caller)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, None) = (all.next()?, all.next()) else { return None };
    let (scheme, secret) = first.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// The names by which the service may be called.
pub(super) struct Hosts {
    listen: SocketAddr,
    /// Lower-case; with a port where only that port is meant.
    names: Vec<String>,
}

impl Hosts {
    pub(super) fn new(settings: &Settings) -> Self {
        let public = settings.public_url.as_deref().and_then(|url| url.parse::<Uri>().ok());
        let public = public.and_then(|url| url.authority().map(ToString::to_string));
        let names = settings.hosts.iter().cloned().chain(public);
        Self { listen: settings.listen, names: names.map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Refuses what a web page sends, and what is meant for another service.
    ///
    /// # Errors
    /// When there is an `Origin`, or the name is not known.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        not_from_a_page(headers)?;
        let host = host(uri, headers);
        if self.knows(host) { Ok(()) } else { Err(misdirected(host)) }
    }

    /// As [`Hosts::check`], but takes every address for a name: probes call a process by its address, and
    /// no web page can make an address its own.
    ///
    /// # Errors
    /// As [`Hosts::check`].
    pub(super) fn check_probe(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        not_from_a_page(headers)?;
        let host = host(uri, headers);
        let address = without_port(host).and_then(|name| bare(name).parse::<IpAddr>().ok());
        if address.is_some() || self.knows(host) { Ok(()) } else { Err(misdirected(host)) }
    }

    fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.names.contains(&host) {
            return true;
        }
        let Some(name) = without_port(&host) else { return false };
        match bare(name).parse::<IpAddr>() {
            Ok(ip) => {
                let ip = ip.to_canonical();
                ip.is_loopback() || ip == self.listen.ip() || self.names.iter().any(|known| known == name)
            }
            Err(_) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || self.names.iter().any(|known| known == name)
            }
        }
    }
}

/// Refuses what a web page sends.
///
/// # Errors
/// When there is an `Origin`.
pub(super) fn not_from_a_page(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::Forbidden("requests from web pages are refused (Origin)".to_owned()));
    }
    Ok(())
}

fn misdirected(host: &str) -> ApiError {
    ApiError::Misdirected(rig_text::cut(&rig_text::clean(host), 100))
}

/// Returns the name by which a request calls the service; an empty text where there is not one alone.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let mut all = headers.get_all(header::HOST).iter();
    match (uri.authority(), all.next(), all.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    }
}

fn bare(name: &str) -> &str {
    name.trim_start_matches('[').trim_end_matches(']')
}

/// Returns a host without its port; `None` where it is none.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let port = port.strip_prefix(':').map_or(port.is_empty(), |port| port.parse::<u16>().is_ok());
    (port && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_names_whatever_the_port() {
        let hosts = Hosts {
            listen: "10.1.2.3:8080".parse().unwrap(),
            names: vec!["conductor".to_owned(), "rig.example:8443".to_owned(), "10.9.9.9".to_owned()],
        };
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost:9999", true),
            ("localhost.", true),
            ("127.0.0.1:1", true),
            ("127.8.8.8", true),
            ("[::1]", true),
            ("[::1]:8080", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("10.1.2.3:8080", true),
            ("10.9.9.9:8080", true),
            ("conductor", true),
            ("Conductor:8080", true),
            ("rig.example:8443", true),
            ("rig.example", false),
            ("rig.example:80", false),
            ("", false),
            (":8080", false),
            ("localhost:", false),
            ("localhost:port", false),
            ("localhost:99999", false),
            ("::1", false),
            ("[::1", false),
            ("[::1]x", false),
            ("10.1.2.4:8080", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("me@localhost", false),
            ("127.0.0.1.nip.io", false),
        ] {
            assert_eq!(hosts.knows(host), expected, "{host:?}");
        }
    }
}
