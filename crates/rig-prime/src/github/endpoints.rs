//! Where the interfaces of a GitHub host are, and whether a host is a GitHub at all.

use rig_core::env::{Environment, ProjectEnv};

/// The interfaces of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The base of the REST interface, without a final slash.
    pub(crate) rest: String,
    /// The GraphQL interface.
    pub(crate) graphql: String,
    /// The variables whose tokens belong to the host, in the order in which they are tried.
    pub(crate) tokens: Vec<&'static str>,
    /// Whether something other than the remote's URL says that the host is a GitHub.
    pub(crate) known: bool,
    /// Variables that were passed over, and why.
    pub(crate) ignored: Vec<String>,
}

impl Endpoints {
    /// Finds the interfaces of a host. `GITHUB_API_URL` and `GITHUB_GRAPHQL_URL` win, for the host
    /// of `GITHUB_SERVER_URL` or, where that is not set, for any; but not when the project set them.
    #[must_use]
    pub(crate) fn of(host: &str, env: &Environment, project: &ProjectEnv) -> Self {
        let mut ignored = Vec::new();
        let mut trusted = |name: &str| match env.get(name) {
            Some(_) if project.sets(name) => {
                ignored.push(format!("{name} is not used: the settings of this project set it"));
                None
            }
            value => value.map(|v| v.trim().trim_end_matches('/').to_owned()),
        };
        let server = trusted("GITHUB_SERVER_URL").and_then(|url| Some(split(&url)?.1.to_ascii_lowercase()));
        let gh_host = trusted("GH_HOST").map(|host| host.to_ascii_lowercase());
        let named = [&server, &gh_host].into_iter().flatten().any(|name| name == host);
        let own = server.as_deref().is_none_or(|server| server == host);
        let urls = ["GITHUB_API_URL", "GITHUB_GRAPHQL_URL"].map(|name| (name, trusted(name).filter(|_| own)));
        let [api, graphql] = urls.map(|(name, url)| {
            url.filter(|url| {
                let safe = is_safe(url);
                if !safe {
                    ignored.push(format!("{name} is not used: it is not an https URL"));
                }
                safe
            })
        });
        let cloud = host == "github.com" || host.ends_with(".ghe.com");
        let known = cloud || named || api.is_some() || graphql.is_some();
        let graphql = graphql.or_else(|| {
            api.as_deref().map(|api| format!("{}/graphql", api.strip_suffix("/v3").unwrap_or(api)))
        });
        let (rest_default, graphql_default) = if cloud {
            (format!("https://api.{host}"), format!("https://api.{host}/graphql"))
        } else {
            (format!("https://{host}/api/v3"), format!("https://{host}/api/graphql"))
        };
        Self {
            rest: api.unwrap_or(rest_default),
            graphql: graphql.unwrap_or(graphql_default),
            tokens: tokens(cloud, known, server.map(|server| server == host)),
            known,
            ignored,
        }
    }
}

/// Returns the variables whose tokens belong to a host. A token is never tried at a host that it
/// was not made for: those without a host in their name belong to the one of `GITHUB_SERVER_URL`
/// (`own` says whether this is it), and else to GitHub's own.
fn tokens(cloud: bool, known: bool, own: Option<bool>) -> Vec<&'static str> {
    let mut names = match (cloud, known) {
        (true, _) => vec!["GH_TOKEN"],
        (false, true) => vec!["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
        // Nobody named this host but the remote's URL, which any repository can set.
        (false, false) => return Vec::new(),
    };
    if own.unwrap_or(cloud) {
        names.extend(["GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"]);
    }
    names
}

/// Splits a URL into its scheme and its host with port.
fn split(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    (!authority.is_empty() && !authority.contains('@')).then_some((scheme, authority))
}

/// Says whether a token may travel there: over TLS, or within this machine.
fn is_safe(url: &str) -> bool {
    let Some((scheme, authority)) = split(url) else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    scheme == "https" || scheme == "http" && local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str, variables: &[(&str, &str)]) -> Endpoints {
        Endpoints::of(host, &Environment::fixed(variables.iter().copied()), &ProjectEnv::default())
    }

    #[test]
    fn each_kind_of_host_has_its_own_interfaces() {
        for (host, rest, graphql, known) in [
            ("github.com", "https://api.github.com", "https://api.github.com/graphql", true),
            ("acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql", true),
            ("git.acme.io", "https://git.acme.io/api/v3", "https://git.acme.io/api/graphql", false),
            ("notghe.com", "https://notghe.com/api/v3", "https://notghe.com/api/graphql", false),
        ] {
            let found = of(host, &[]);
            assert_eq!((found.rest.as_str(), found.graphql.as_str(), found.known), (rest, graphql, known));
        }
    }

    #[test]
    fn each_host_gets_only_the_tokens_that_belong_to_it() {
        let acme = &[("GITHUB_SERVER_URL", "https://Git.Acme.io/")][..];
        let named = &[("GH_HOST", "git.acme.io")][..];
        for (host, variables, expected) in [
            ("github.com", &[][..], &["GH_TOKEN", "GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"][..]),
            ("github.com", acme, &["GH_TOKEN"]),
            ("github.com", named, &["GH_TOKEN", "GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"]),
            ("git.acme.io", &[], &[]),
            ("git.acme.io", named, &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]),
            (
                "git.acme.io",
                acme,
                &[
                    "GH_ENTERPRISE_TOKEN",
                    "GITHUB_ENTERPRISE_TOKEN",
                    "GITHUB_TOKEN",
                    "GITHUB_PERSONAL_ACCESS_TOKEN",
                ],
            ),
            ("evil.io", acme, &[]),
        ] {
            assert_eq!(of(host, variables).tokens, expected, "{host} {variables:?}");
        }
    }

    #[test]
    fn only_the_users_own_word_makes_a_stranger_known() {
        for variables in [
            &[("GH_HOST", "Git.Acme.io")][..],
            &[("GITHUB_SERVER_URL", "https://git.acme.io/")],
            &[("GITHUB_API_URL", "https://git.acme.io/api/v3/")],
        ] {
            let found = of("git.acme.io", variables);
            assert!(found.known, "{variables:?}");
            assert_eq!(found.graphql, "https://git.acme.io/api/graphql");
        }
    }

    #[test]
    fn urls_from_the_environment_count_for_their_server_alone() {
        let urls =
            [("GITHUB_API_URL", "http://127.0.0.1:9/"), ("GITHUB_GRAPHQL_URL", "http://localhost:9/gql")];
        let found = of("github.com", &urls);
        assert_eq!(
            (found.rest.as_str(), found.graphql.as_str()),
            ("http://127.0.0.1:9", "http://localhost:9/gql")
        );
        let elsewhere = [urls[0], urls[1], ("GITHUB_SERVER_URL", "https://git.acme.io")];
        assert_eq!(of("github.com", &elsewhere).rest, "https://api.github.com");
        assert_eq!(of("git.acme.io", &elsewhere).rest, "http://127.0.0.1:9");
    }

    #[test]
    fn a_token_does_not_travel_in_the_clear() {
        for url in
            ["http://api.github.com", "http://127.0.0.1.evil.io", "ftp://x", "https://a:b@github.com", "x"]
        {
            let found = of("github.com", &[("GITHUB_API_URL", url)]);
            assert_eq!(found.rest, "https://api.github.com", "{url}");
            assert_eq!(found.ignored, ["GITHUB_API_URL is not used: it is not an https URL"], "{url}");
        }
        assert_eq!(of("github.com", &[("GITHUB_API_URL", "http://[::1]:8/x")]).rest, "http://[::1]:8/x");
    }

    #[test]
    fn what_the_project_sets_is_passed_over_and_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".claude")).unwrap();
        std::fs::write(
            dir.path().join(".claude/settings.json"),
            r#"{"env":{"GITHUB_API_URL":"https://evil.io","GH_HOST":"evil.io"}}"#,
        )
        .unwrap();
        let env = Environment::fixed([("GITHUB_API_URL", "https://evil.io"), ("GH_HOST", "evil.io")]);
        let found = Endpoints::of("evil.io", &env, &ProjectEnv::read(&env, dir.path(), None));
        assert_eq!((found.tokens, found.known), (Vec::new(), false));
        assert_eq!(
            found.ignored,
            [
                "GH_HOST is not used: the settings of this project set it",
                "GITHUB_API_URL is not used: the settings of this project set it"
            ]
        );
    }
}
