use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

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
        Case { env: &[URL, TOKEN], project: &[], settings: FILE, expected: Some(("http://env", Some("t"))) },
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
            ..ConductorSection::default()
        };
        let project = ProjectEnv::of(case.project.iter().copied());
        let found =
            Endpoint::resolve(&Environment::fixed(case.env.iter().copied()), &project, &settings).unwrap();
        let found = found.as_ref().map(|e| (e.base.as_str(), e.token.as_deref()));
        assert_eq!(found, case.expected, "case {n}");
        assert_eq!(of_operator(&case), case.expected.and_then(|(_, token)| token), "operator's, case {n}");
    }
}

/// The operator's token where it is set in the place of the agents'.
fn of_operator(case: &Case) -> Option<&'static str> {
    let name = |name: &'static str| match name {
        "CONDUCTOR_TOKEN" => "CONDUCTOR_OPERATOR_TOKEN",
        name => name,
    };
    let (base_url, token) = case.settings;
    let settings = ConductorSection {
        base_url: base_url.map(Into::into),
        operator_token: token.map(Into::into),
        operator_token_for: token.and(base_url).map(Into::into),
        ..ConductorSection::default()
    };
    let env = Environment::fixed(case.env.iter().map(|(key, value)| (name(key), *value)));
    let project = ProjectEnv::of(case.project.iter().map(|key| name(key)));
    let endpoint = Endpoint::resolve(&env, &project, &settings).unwrap()?;
    assert_eq!((&endpoint.token, &endpoint.withheld), (&None, &None), "it is no token of an agent");
    match endpoint.operator_token(&env, &project, &settings).unwrap() {
        Token::Found { secret, .. } => case.expected?.1.filter(|token| *token == secret),
        Token::Withheld(_) | Token::Missing => None,
    }
}

#[test]
fn the_embedded_service_is_asked_where_no_url_is_set_and_takes_its_own_tokens_alone() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("conductor");
    std::fs::DirBuilder::new().mode(0o700).create(&dir).unwrap();
    for (name, text) in [
        ("agent.token", "agents-own\n"),
        ("operator.token", "persons-own\n"),
        ("port", &format!(r#"{{"pid":{},"port":7,"url":"http://127.0.0.1:7"}}"#, std::process::id())),
        ("lock", ""),
    ] {
        let mut file = std::fs::OpenOptions::new();
        file.write(true)
            .create(true)
            .mode(0o600)
            .open(dir.join(name))
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }
    let lock = std::fs::File::open(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    let tokens = [("CONDUCTOR_TOKEN", "t"), ("CONDUCTOR_OPERATOR_TOKEN", "o")];
    let mut settings = ConductorSection { embedded: Some(dir.clone()), ..ConductorSection::default() };
    let nothing = ProjectEnv::default();
    let env = Environment::fixed(tokens);
    let found = Endpoint::resolve(&env, &nothing, &settings).unwrap().unwrap();
    assert_eq!((found.base.as_str(), found.token.as_deref()), ("http://127.0.0.1:7", Some("agents-own")));
    assert_eq!((found.embedded, found.from_project, &found.withheld), (true, false, &None));
    let Token::Found { secret, from } = found.operator_token(&env, &nothing, &settings).unwrap() else {
        panic!("the operator's token is there")
    };
    assert_eq!((secret.as_str(), from), ("persons-own", dir.join("operator.token").display().to_string()));
    // A repository that names a coordinator gets its own events there; those of others go here.
    let env = Environment::fixed([("CONDUCTOR_BASE_URL", "http://repo")]);
    let project = ProjectEnv::of(["CONDUCTOR_BASE_URL"]);
    let own = Endpoint::resolve(&env, &project, &settings).unwrap().unwrap();
    let trusted = Endpoint::resolve_trusted(&env, &project, &settings).unwrap().unwrap();
    assert_eq!((own.base.as_str(), own.token), ("http://repo", None));
    assert_eq!(trusted.base, "http://127.0.0.1:7");
    settings.base_url = Some("http://file".into());
    assert_eq!(Endpoint::resolve_trusted(&env, &project, &settings).unwrap().unwrap().base, "http://file");
    // A broken one is said.
    settings.base_url = None;
    std::fs::write(dir.join("agent.token"), "").unwrap();
    let error = Endpoint::resolve(&Environment::fixed(tokens), &nothing, &settings).unwrap_err().to_string();
    assert!(error.ends_with("agent.token is not used: it holds no token"), "{error}");
    drop(lock);
    assert!(Endpoint::resolve(&Environment::fixed(tokens), &nothing, &settings).unwrap().is_none());
}

#[test]
fn events_of_other_repositories_do_not_go_where_this_one_says() {
    let env = Environment::fixed([("CONDUCTOR_BASE_URL", "http://repo"), ("CONDUCTOR_TOKEN", "t")]);
    let settings = ConductorSection { base_url: Some("http://file".into()), ..ConductorSection::default() };
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
        token_from: Some("CONDUCTOR_TOKEN".into()),
        from_project: false,
        embedded: false,
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
        ..ConductorSection::default()
    };
    let env = Environment::fixed([("", ""); 0]);
    let found = Endpoint::resolve(&env, &ProjectEnv::default(), &settings).unwrap().unwrap();
    let expected = "the token was not sent to http://a: it was configured for http://[redacted]@b";
    assert_eq!((found.token, found.withheld.as_deref()), (None, Some(expected)));
}

#[test]
fn a_bad_url_names_where_it_came_from() {
    let env = Environment::fixed([("CONDUCTOR_BASE_URL", "conductor")]);
    let error = Endpoint::resolve(&env, &ProjectEnv::default(), &ConductorSection::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CONDUCTOR_BASE_URL is not a usable base URL: it must start with http:// or https://"
    );
}
