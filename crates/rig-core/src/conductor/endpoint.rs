use ureq::http::Uri;

use crate::config::ConductorSection;
use crate::env::{Environment, ProjectEnv};
use crate::text::redact;

/// Where the coordinator is, and the token that may be sent there.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The base URL without a trailing slash.
    pub base: String,
    /// The token, where one was configured for this origin.
    pub token: Option<String>,
    /// Whether a repository's settings chose the URL.
    pub from_project: bool,
    /// Why a token that is there is not used.
    pub withheld: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("from_project", &self.from_project)
            .finish_non_exhaustive()
    }
}

/// A base URL that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name} is not a usable base URL: {reason}")]
pub struct EndpointError {
    /// The variable or setting.
    pub source_name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Endpoint {
    /// Finds the coordinator: `CONDUCTOR_BASE_URL`, its older alias `CONDUCTOR_URL`, then the
    /// setting `conductor.baseUrl`; `None` where none of them is set.
    ///
    /// The token is `CONDUCTOR_TOKEN`, else the setting `conductor.token`. It belongs to the URL
    /// that came from the same place, else to the URL in the settings, and is sent to the origin
    /// of that URL alone. A URL that a repository's settings chose gets no token of the user's.
    ///
    /// # Errors
    /// When the URL that is set cannot be used; the next source is not tried then.
    pub fn resolve(
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Result<Option<Self>, EndpointError> {
        let variable =
            ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL"].into_iter().find_map(|name| Some((name, env.get(name)?)));
        let (source, url) = match (&variable, &settings.base_url) {
            (Some((name, url)), _) => (*name, url),
            (None, Some(url)) => ("the setting `conductor.baseUrl`", url),
            (None, None) => return Ok(None),
        };
        let base =
            base_url(url).map_err(|reason| EndpointError { source_name: source.to_owned(), reason })?;
        let from_project = variable.as_ref().is_some_and(|(name, _)| project.sets(name));
        let (token, bound) = match env.get("CONDUCTOR_TOKEN") {
            // A repository that brings its own token may send it where it likes.
            Some(token) if project.sets("CONDUCTOR_TOKEN") => {
                (Some(token), from_project.then(|| base.clone()))
            }
            Some(token) => match &variable {
                Some(_) if !from_project => (Some(token), Some(base.clone())),
                _ => (Some(token), settings.base_url.clone()),
            },
            None => (settings.token.clone(), settings.token_for.clone()),
        };
        let allowed = bound.as_deref().and_then(origin).is_some_and(|o| Some(o) == origin(&base));
        let withheld = (token.is_some() && !allowed).then(|| match bound {
            Some(url) => format!("the token was not sent to {base}: it was configured for {}", redact(&url)),
            None => format!("the token was not sent to {base}: it was not configured for it"),
        });
        let token = token.map(|t| t.trim().to_owned()).filter(|_| allowed);
        Ok(Some(Self { base, token, from_project, withheld }))
    }

    /// Does what [`Endpoint::resolve`] does, passing over every variable that a repository's
    /// settings set: events that are not of that repository go here.
    ///
    /// # Errors
    /// When the URL that is set cannot be used.
    pub fn resolve_trusted(
        env: &Environment,
        project: &ProjectEnv,
        settings: &ConductorSection,
    ) -> Result<Option<Self>, EndpointError> {
        let names = ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL", "CONDUCTOR_TOKEN"];
        Self::resolve(&env.without_project(&names, project), &ProjectEnv::default(), settings)
    }

    /// Returns the endpoint of a record that names its own base URL. It gets a token only where that
    /// is at the origin of the user's own coordinator.
    #[must_use]
    pub fn of_record(base: &str, own: Option<&Self>) -> Option<Self> {
        let base = base_url(base).ok()?;
        let token = own.filter(|own| origin(&own.base) == origin(&base)).and_then(|own| own.token.clone());
        Some(Self { base, token, from_project: true, withheld: None })
    }
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
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_normalised_or_refused() {
        for (url, expected) in [
            ("http://c:8080", Ok("http://c:8080")),
            (" https://c/rig/ ", Ok("https://c/rig")),
            ("http://c:8080/api/events", Ok("http://c:8080")),
            ("http://c:8080//api/events/", Ok("http://c:8080")),
            ("ftp://c", Err("it must start with http:// or https://")),
            ("c:8080", Err("it must start with http:// or https://")),
            ("http://u:p@c", Err("it holds a user name or password; use CONDUCTOR_TOKEN")),
            ("http://c/?x=1", Err("it holds a query or a fragment")),
            ("http://c/#x", Err("it holds a query or a fragment")),
            ("http://c:99999", Err("its port is not a number from 1 to 65535")),
            ("http://c:", Err("its port is not a number from 1 to 65535")),
            ("http://[::1]:8080", Ok("http://[::1]:8080")),
            ("http://[::1]", Ok("http://[::1]")),
            ("http://", Err("it must start with http:// or https://")),
            ("http:// x", Err("it is not a URL")),
        ] {
            assert_eq!(base_url(url).as_deref(), expected.as_ref().map(|u| *u), "{url}");
        }
    }

    struct Case {
        env: &'static [(&'static str, &'static str)],
        project: &'static [&'static str],
        settings: (Option<&'static str>, Option<&'static str>),
        expected: Option<(&'static str, Option<&'static str>)>,
    }

    #[test]
    fn a_token_goes_only_to_the_origin_that_it_was_configured_with() {
        const URL: (&str, &str) = ("CONDUCTOR_BASE_URL", "http://env");
        const TOKEN: (&str, &str) = ("CONDUCTOR_TOKEN", "t");
        const FILE: (Option<&str>, Option<&str>) = (Some("http://file"), Some("f"));
        for (n, case) in [
            Case { env: &[], project: &[], settings: (None, None), expected: None },
            Case { env: &[], project: &[], settings: FILE, expected: Some(("http://file", Some("f"))) },
            Case {
                env: &[URL, TOKEN],
                project: &[],
                settings: (None, None),
                expected: Some(("http://env", Some("t"))),
            },
            Case {
                env: &[URL, TOKEN],
                project: &[],
                settings: FILE,
                expected: Some(("http://env", Some("t"))),
            },
            Case { env: &[TOKEN], project: &[], settings: FILE, expected: Some(("http://file", Some("t"))) },
            Case { env: &[URL], project: &[], settings: FILE, expected: Some(("http://env", None)) },
            Case {
                env: &[("CONDUCTOR_URL", "http://FILE:80/")],
                project: &[],
                settings: FILE,
                expected: Some(("http://FILE:80", Some("f"))),
            },
            Case {
                env: &[("CONDUCTOR_BASE_URL", "https://file")],
                project: &[],
                settings: FILE,
                expected: Some(("https://file", None)),
            },
            // A repository's settings set the URL, then the token, then both.
            Case {
                env: &[URL, TOKEN],
                project: &["CONDUCTOR_BASE_URL"],
                settings: FILE,
                expected: Some(("http://env", None)),
            },
            Case {
                env: &[URL, TOKEN],
                project: &["CONDUCTOR_BASE_URL"],
                settings: (None, None),
                expected: Some(("http://env", None)),
            },
            Case {
                env: &[TOKEN],
                project: &["CONDUCTOR_TOKEN"],
                settings: FILE,
                expected: Some(("http://file", None)),
            },
            Case {
                env: &[URL, TOKEN],
                project: &["CONDUCTOR_BASE_URL", "CONDUCTOR_TOKEN"],
                settings: FILE,
                expected: Some(("http://env", Some("t"))),
            },
        ]
        .into_iter()
        .enumerate()
        {
            let (base_url, token) = case.settings;
            let settings = ConductorSection {
                base_url: base_url.map(Into::into),
                token: token.map(Into::into),
                token_for: token.and(base_url).map(Into::into),
            };
            let project = ProjectEnv::of(case.project.iter().copied());
            let found = Endpoint::resolve(&Environment::fixed(case.env.iter().copied()), &project, &settings)
                .unwrap();
            let found = found.as_ref().map(|e| (e.base.as_str(), e.token.as_deref()));
            assert_eq!(found, case.expected, "case {n}");
        }
    }

    #[test]
    fn events_of_other_repositories_do_not_go_where_this_one_says() {
        let env = Environment::fixed([("CONDUCTOR_BASE_URL", "http://repo"), ("CONDUCTOR_TOKEN", "t")]);
        let settings =
            ConductorSection { base_url: Some("http://file".into()), ..ConductorSection::default() };
        let of = |names: &[&str]| {
            let project = ProjectEnv::of(names.iter().copied());
            let found = Endpoint::resolve_trusted(&env, &project, &settings).unwrap().unwrap();
            (found.base, found.token)
        };
        assert_eq!(of(&[]), ("http://repo".into(), Some("t".into())));
        assert_eq!(of(&["CONDUCTOR_BASE_URL"]), ("http://file".into(), Some("t".into())));
    }

    #[test]
    fn a_record_takes_the_token_only_to_the_origin_of_the_users_own_coordinator() {
        let own = Endpoint {
            base: "https://c/rig".into(),
            token: Some("t".into()),
            from_project: false,
            withheld: None,
        };
        for (base, own, expected) in [
            ("https://c/rig", Some(&own), Some(Some("t"))),
            ("https://C:443", Some(&own), Some(Some("t"))),
            ("https://c/rig", None, Some(None)),
            ("http://c/rig", Some(&own), Some(None)),
            ("https://c:444", Some(&own), Some(None)),
            ("https://c.evil", Some(&own), Some(None)),
            ("https://u@c", Some(&own), None),
        ] {
            let found = Endpoint::of_record(base, own);
            assert_eq!(found.as_ref().map(|e| e.token.as_deref()), expected, "{base}");
        }
    }

    #[test]
    fn what_is_said_of_a_withheld_token_holds_no_password() {
        let settings = ConductorSection {
            base_url: Some("http://a".into()),
            token: Some("t".into()),
            token_for: Some("http://me:pa55@b".into()),
        };
        let env = Environment::fixed([("", ""); 0]);
        let found = Endpoint::resolve(&env, &ProjectEnv::default(), &settings).unwrap().unwrap();
        let expected = "the token was not sent to http://a: it was configured for http://[redacted]@b";
        assert_eq!((found.token, found.withheld.as_deref()), (None, Some(expected)));
    }

    #[test]
    fn a_bad_url_names_where_it_came_from() {
        let env = Environment::fixed([("CONDUCTOR_BASE_URL", "conductor")]);
        let error =
            Endpoint::resolve(&env, &ProjectEnv::default(), &ConductorSection::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "CONDUCTOR_BASE_URL is not a usable base URL: it must start with http:// or https://"
        );
    }
}
