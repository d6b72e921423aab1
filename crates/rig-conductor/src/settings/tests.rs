use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::FromArgMatches;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";

fn flags(words: &[&str]) -> Flags {
    let command = <Flags as clap::Args>::augment_args(clap::Command::new("test").no_binary_name(true));
    Flags::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap()
}

fn load_with(words: &[&str], variables: &[(&str, &str)]) -> Loaded {
    load(&flags(words), &variables.iter().copied().collect())
}

/// What is wrong with these settings, besides which a store is set.
#[track_caller]
fn check(variables: &[(&str, &str)], expected: &[&str]) {
    let all: Vec<_> = [("RIG_CONDUCTOR_STORE", "sqlite:/x.db")].iter().chain(variables).copied().collect();
    let problems = load_with(&[], &all).settings.map_or_else(|error| error.problems, |_| Vec::new());
    assert_eq!(problems, expected, "{variables:?}");
}

fn file(dir: &Path, text: &str) -> String {
    let path = dir.join("conductor.json");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_flag_counts_more_than_a_variable_and_a_variable_more_than_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        dir.path(),
        r#"{"$schema": "x", "listen": "127.0.0.1:1", "store": "sqlite:/file.db", "sweepEvery": "3s", "log": "debug"}"#,
    );
    let loaded = load_with(
        &["--config", &path, "--listen", "127.0.0.1:3"],
        &[("RIG_CONDUCTOR_LISTEN", "127.0.0.1:2"), ("RIG_CONDUCTOR_STORE", "sqlite:/variable.db")],
    );
    let given = loaded.shown.iter().filter(|shown| shown.from != "default");
    let rows: Vec<_> = given.map(|one| format!("{} {} {}", one.key, one.value, one.from)).collect();
    assert_eq!(
        rows,
        [
            "listen 127.0.0.1:3 --listen".to_owned(),
            "store sqlite:/variable.db RIG_CONDUCTOR_STORE".to_owned(),
            format!("sweepEvery 3s {path}: sweepEvery"),
            format!("log debug {path}: log"),
        ]
    );
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:3");
    assert_eq!(settings.store, StoreSettings::Sqlite("/variable.db".into()));
    assert_eq!(settings.sweep_every, Duration::from_secs(3));
}

#[test]
fn without_anything_but_a_store_the_defaults_are_in_force() {
    let settings = load_with(&["--store", "sqlite:/x.db"], &[]).settings.unwrap();
    let default = Settings::new(StoreSettings::Sqlite("/x.db".into()));
    assert_eq!(format!("{settings:?}"), format!("{default:?}"), "the table and the code agree");
}

#[test]
fn every_wrong_value_is_named_with_where_it_came_from() {
    for (name, value, problem) in [
        ("RIG_CONDUCTOR_LISTEN", "here", r#""here" is no address such as 127.0.0.1:8080"#),
        (
            "RIG_CONDUCTOR_SCHEMA",
            "Mine",
            r#""Mine" is no schema's name: lower-case letters, digits and underscores, 63 at most"#,
        ),
        ("RIG_CONDUCTOR_CASING", "snake", r#""snake" is neither pascal nor camel"#),
        ("RIG_CONDUCTOR_SQLITE_SYNCHRONOUS", "off", r#""off" is neither full nor normal"#),
        ("RIG_CONDUCTOR_POSTGRES_CONNECTIONS", "1", r#""1" is no number from 4 to 200"#),
        ("RIG_CONDUCTOR_KEEP_HEARTBEATS", "0", r#""0" is not more than zero"#),
        ("RIG_CONDUCTOR_HOSTS", "a,b c", r#""a,b c" has "b c", which is no host's name"#),
        (
            "RIG_CONDUCTOR_PUBLIC_URL",
            "rig.example",
            r#""rig.example" does not start with http:// or https://"#,
        ),
        ("RIG_CONDUCTOR_UPSTREAM", "ftp://x", r#""ftp://x" does not start with http:// or https://"#),
        ("RIG_CONDUCTOR_UPSTREAM", "http://me@x", r#""http://me@x" holds a user name or password"#),
        ("RIG_CONDUCTOR_UPSTREAM", "http://x?a=b", r#""http://x?a=b" holds a query or a fragment"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "soon", r#""soon" is no duration such as 4h, 90s or 1h30m"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "0s", r#""0s" is not more than zero"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "-4h", r#""-4h" is negative"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "400d", r#""400d" is more than a year"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "P0=1h", r#""P0=1h" names P0, which is not raised"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "P3=1h", r#""P3=1h" names "P3", which is none of P2, P1"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "P2=1h,30m", r#""P2=1h,30m" has "30m" without a severity"#),
        ("RIG_CONDUCTOR_BUMP_AFTER", "P2=0", r#""P2=0" has "0", which is not more than zero"#),
        ("RIG_CONDUCTOR_REMIND_EVERY", "-1m", r#""-1m" is negative"#),
        ("RIG_CONDUCTOR_SWEEP_EVERY", "10ms", r#""10ms" is less than 1s"#),
        ("RIG_CONDUCTOR_SWEEP_EVERY", "61m", r#""61m" is more than 1h"#),
        ("RIG_CONDUCTOR_FLOOD", "10", r#""10" is no number and time such as 10/10m"#),
        ("RIG_CONDUCTOR_FLOOD", "0/10m", r#""0/10m" has no number above zero before the slash"#),
        ("RIG_CONDUCTOR_FLOOD", "10/0", r#""10/0" has a time behind the slash that is not more than zero"#),
        ("RIG_CONDUCTOR_LOG", "loud", r#""loud" has "loud", which is no level"#),
        ("RIG_CONDUCTOR_LOG", "info,a::b=loud", r#""info,a::b=loud" has "loud", which is no level"#),
        (
            "DISCORD_API_URL",
            "http://discord.com/api",
            r#""http://discord.com/api" is plain http beyond loopback"#,
        ),
        (
            "RIG_CONDUCTOR_STORE",
            "mysql://x",
            "it is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/DATABASE",
        ),
        ("RIG_CONDUCTOR_STORE", "sqlite:", "no file is named behind `sqlite:`"),
        ("RIG_CONDUCTOR_STORE", "postgres://u:secret@h:port/d", "it is no URL of a PostgreSQL database"),
        ("CONDUCTOR_TOKEN", "two words and more", "the secret may hold letters, digits and -._~+/= alone"),
        ("RIG_CONDUCTOR_AGENT_TOKENS", A, "entry 1 is not NAME=SECRET"),
        ("RIG_CONDUCTOR_AGENT_TOKENS", "dev e=aaaaaaaaaaaaaaaa", "`dev e` is no agent's id"),
        ("RIG_CONDUCTOR_OPERATOR_TOKENS", "stig=", "the secret of `stig` is empty"),
        (
            "RIG_CONDUCTOR_OPERATOR_TOKENS",
            "=aaaaaaaaaaaaaaaa",
            "`` is no name: 1 to 64 letters, digits and -._@",
        ),
        ("RIG_CONDUCTOR_DEAD_MAN_URL", "hc.example/1", "it is no URL"),
    ] {
        check(&[(name, value)], &[format!("{name}: {problem}").as_str()]);
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problems =
        load_with(&["--sweep-every", "2h", "--flood", "x"], &[("CONDUCTOR_TOKEN", "x y")]).settings;
    assert_eq!(
        problems.unwrap_err().to_string(),
        "store: none is set; give it with --store or RIG_CONDUCTOR_STORE, for example \
         sqlite:/var/lib/rig-conductor/conductor.db\n\
         CONDUCTOR_TOKEN: the secret may hold letters, digits and -._~+/= alone\n\
         --flood: \"x\" is no number and time such as 10/10m\n\
         --sweep-every: \"2h\" is more than 1h"
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    for (text, problem) in [
        (r#"{"store": "sqlite:/x", "#, ": EOF while parsing a value at line 1 column 23"),
        (r#"{"store": "sqlite:/x", "sweepEvry": "1s"}"#, ": unknown key `sweepEvry`"),
        (r#"{"store": "sqlite:/x", "discord": {"token": "x"}}"#, ": unknown key `discord.token`"),
        (r#"{"store": "sqlite:/x", "sweepEvery": true}"#, ": sweepEvery: it is not a text"),
        (r#"{"store": "sqlite:/x", "hosts": {"a": "b"}}"#, ": hosts: it is not a text or a list of texts"),
        (
            r#"{"store": "sqlite:/x", "tokens": {"operators": ["a"]}}"#,
            ": tokens.operators: it is not a text or an object of texts",
        ),
        (r#"{"store": "sqlite:/x", "sweepEvery": "2h"}"#, ": sweepEvery: \"2h\" is more than 1h"),
    ] {
        let path = file(dir.path(), text);
        let error = load_with(&["--config", &path], &[]).settings.unwrap_err();
        assert!(error.problems.contains(&format!("{path}{problem}")), "{text}: {:?}", error.problems);
    }
    let missing = dir.path().join("none.json").display().to_string();
    let error = load_with(&["--store", "sqlite:/x"], &[(FILE_VARIABLE, &missing)]).settings.unwrap_err();
    assert_eq!(error.problems, [format!("failed to read {missing}: No such file or directory (os error 2)")]);
}

#[test]
fn a_file_takes_lists_and_objects_where_a_flag_takes_commas() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{{"store": "sqlite:/x", "hosts": ["A.example", "b:1"], "bumpAfter": {{"P2": "1h", "P1": "5m"}},
            "tokens": {{"operators": {{"stig": "{A}"}}, "agents": {{"pool-ci": "{B}"}}}},
            "discord": {{"botToken": "x.y", "adminChannel": 1, "tasksChannel": "2", "p0Users": [3, "4"]}}}}"#
    );
    let settings = load_with(&["--config", &file(dir.path(), &text)], &[]).settings.unwrap();
    assert_eq!(settings.hosts, ["a.example", "b:1"]);
    assert_eq!(settings.policy.bump_p2_after, Duration::from_secs(3600));
    assert_eq!(settings.policy.bump_p1_after, Duration::from_secs(300));
    let tokens: Vec<_> =
        settings.tokens.iter().map(|token| (token.name.as_str(), token.role.clone())).collect();
    assert_eq!(tokens, [("pool-ci", Role::Agent { bound_to: None }), ("stig", Role::Operator)]);
    let discord = settings.discord.unwrap();
    assert_eq!((discord.admin_channel.as_str(), discord.p0_users.join(",")), ("1", "3,4".to_owned()));
    assert_eq!(settings.policy.routes.p0_users, discord.p0_users);
}

#[test]
fn a_secret_may_stand_in_a_file_that_a_variable_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("operators");
    std::fs::write(&path, format!("stig={A}\nkari={B}\n\n")).unwrap();
    let path = path.display().to_string();
    let store = ("RIG_CONDUCTOR_STORE", "sqlite:/x");
    let loaded = load_with(&[], &[store, ("RIG_CONDUCTOR_OPERATOR_TOKENS_FILE", &path)]);
    let shown = loaded.shown.iter().find(|shown| shown.key == "tokens.operators").unwrap();
    assert_eq!(
        (shown.value.as_str(), shown.from.as_str()),
        ("stig=(hidden),kari=(hidden)", format!("RIG_CONDUCTOR_OPERATOR_TOKENS_FILE ({path})").as_str())
    );
    assert_eq!(loaded.settings.unwrap().tokens.len(), 2);
    check(
        &[("RIG_CONDUCTOR_OPERATOR_TOKENS_FILE", &path), ("RIG_CONDUCTOR_OPERATOR_TOKENS", "stig=x")],
        &[
            "RIG_CONDUCTOR_OPERATOR_TOKENS: RIG_CONDUCTOR_OPERATOR_TOKENS_FILE is set as well; one of them has to go",
        ],
    );
    check(
        &[("CONDUCTOR_TOKEN_FILE", "/nonexistent")],
        &["CONDUCTOR_TOKEN_FILE: failed to read /nonexistent: No such file or directory (os error 2)"],
    );
}

#[test]
fn tokens_say_what_they_may_do_and_no_secret_serves_twice() {
    let agents = format!("dev-e={A},pool-ci={B}");
    let settings = load_with(&["--store", "sqlite:/x"], &[("RIG_CONDUCTOR_AGENT_TOKENS", &agents)]).settings;
    let bound = |token: &Token| (token.name.clone(), token.role.clone());
    assert_eq!(
        settings.unwrap().tokens.iter().map(bound).collect::<Vec<_>>(),
        [
            ("dev-e".to_owned(), Role::Agent { bound_to: Some("dev-e".to_owned()) }),
            ("pool-ci".to_owned(), Role::Agent { bound_to: None }),
        ]
    );
    let operators = format!("stig={A},stig=cccccccccccccccc");
    check(
        &[("CONDUCTOR_TOKEN", A), ("RIG_CONDUCTOR_OPERATOR_TOKENS", &operators)],
        &["the pool `pool` and the operator `stig` have the same secret"],
    );
}

#[test]
fn beyond_loopback_nothing_is_served_without_a_token() {
    let problem = "RIG_CONDUCTOR_LISTEN: 0.0.0.0:80 is not loopback, and no token is set";
    check(&[("RIG_CONDUCTOR_LISTEN", "0.0.0.0:80")], &[problem]);
    check(&[("RIG_CONDUCTOR_LISTEN", "0.0.0.0:80"), ("CONDUCTOR_TOKEN", A)], &[]);
    check(&[("RIG_CONDUCTOR_LISTEN", "[::1]:80")], &[]);
}

#[test]
fn half_of_discord_is_an_error_that_names_the_rest() {
    check(
        &[("DISCORD_BOT_TOKEN", "x")],
        &[
            "discord.adminChannel: missing, though DISCORD_BOT_TOKEN is set; give it as RIG_DISCORD_ADMIN_CHANNEL",
            "discord.tasksChannel: missing, though DISCORD_BOT_TOKEN is set; give it as RIG_DISCORD_TASKS_CHANNEL",
        ],
    );
    let all = [
        ("DISCORD_BOT_TOKEN", "x"),
        ("RIG_DISCORD_ADMIN_CHANNEL", "1"),
        ("RIG_DISCORD_TASKS_CHANNEL", "#tasks"),
        ("RIG_DISCORD_P0_USERS", "1, 2x"),
        ("RIG_DISCORD_BUTTON_USERS", "7"),
        ("RIG_DISCORD_PUBLIC_KEY", "abc"),
    ];
    check(
        &all,
        &[
            "RIG_DISCORD_TASKS_CHANNEL: \"#tasks\" is no id of Discord's, which is a number",
            "RIG_DISCORD_P0_USERS: \"1, 2x\" has \"2x\", which is no id of Discord's, which is a number",
            "RIG_DISCORD_PUBLIC_KEY: \"abc\" is not a key of 64 hexadecimal digits",
        ],
    );
    check(
        &[all[0], all[1], ("RIG_DISCORD_TASKS_CHANNEL", "2"), all[4]],
        &["discord.publicKey: missing, though somebody may press buttons; give it as RIG_DISCORD_PUBLIC_KEY"],
    );
    check(&[("DISCORD_API_URL", "http://127.0.0.1:9/api/v10")], &[]);
    let url = |text| values::discord_url(text).unwrap();
    assert_eq!(url("http://127.0.0.1:9/api/v10/"), "http://127.0.0.1:9/api");
    assert_eq!(url("https://discord.com/api"), "https://discord.com/api");
    assert_eq!(url("http://127.0.0.1:9/"), "http://127.0.0.1:9/api");
}

#[test]
fn a_short_secret_is_refused_beyond_loopback_and_pointed_out_on_it() {
    let short = ("CONDUCTOR_TOKEN", "short");
    check(
        &[("RIG_CONDUCTOR_LISTEN", "0.0.0.0:1"), short],
        &["the secret of the pool `pool` has 5 characters, 16 are the least beyond loopback"],
    );
    let loaded = load_with(&["--store", "sqlite:/x"], &[short]);
    assert_eq!(
        loaded.warnings,
        ["the secret of the pool `pool` has 5 characters; one of 16 is hard to guess"]
    );
    assert_eq!(loaded.settings.unwrap().tokens.len(), 1);
}

#[test]
fn no_secret_is_shown_logged_or_repeated() {
    let secret = "5ecre7-5ecre7-5ecre7";
    let tokens = format!("stig={secret}");
    let url = format!("https://hc.example/{secret}");
    let store = format!("postgres://rig:{secret}@db/rig?password={secret}");
    let loaded = load_with(
        &["--store", &store],
        &[
            ("CONDUCTOR_TOKEN", secret),
            ("RIG_CONDUCTOR_OPERATOR_TOKENS", &tokens),
            ("RIG_CONDUCTOR_DEAD_MAN_URL", &url),
            ("DISCORD_BOT_TOKEN", secret),
        ],
    );
    let mut all = format!("{:?}", loaded.warnings);
    loaded.shown.iter().for_each(|shown| write!(all, "{shown:?}").unwrap());
    write!(all, "{}", loaded.settings.unwrap_err()).unwrap();
    assert!(all.contains("postgres://rig:(hidden)@db/rig") && all.contains("the operator `stig`"), "{all}");
    assert!(!all.contains(secret), "{all}");
    let settings = load_with(&["--store", &store], &[("CONDUCTOR_TOKEN", secret)]).settings.unwrap();
    assert!(!format!("{settings:?}").contains(secret), "{settings:?}");
}

#[test]
fn a_variable_with_a_slip_of_the_pen_is_pointed_out() {
    let variables = [
        ("RIG_CONDUCTOR_STORE", "sqlite:/x"),
        ("RIG_CONDUCTOR_SWEEP_EVRY", "1s"),
        ("RIG_CONDUCTOR_LOG_FILE", "/x"),
        ("RIG_CONDUCTOR_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("CONDUCTOR_TOKEN", A),
    ];
    let warnings = load_with(&[], &variables).warnings;
    let ignored = |name| format!("{name} is no setting; it is ignored");
    assert_eq!(warnings, [ignored("RIG_CONDUCTOR_LOG_FILE"), ignored("RIG_CONDUCTOR_SWEEP_EVRY")]);
}

#[test]
fn the_embedded_service_takes_its_place_and_its_tokens_from_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{{"store": "postgres://x/y", "listen": "0.0.0.0:1", "tokens": {{"pool": "{A}"}}, "idleAfter": "1m"}}"#
    );
    let path = file(dir.path(), &text);
    let own = Token { name: "pool".into(), secret: Secret(B.into()), role: Role::Agent { bound_to: None } };
    let loaded = load_embedded(Path::new(&path), dir.path(), vec![own.clone()]);
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.store, StoreSettings::Sqlite(dir.path().join("conductor.db")));
    assert_eq!((settings.listen.to_string(), settings.tokens), ("127.0.0.1:0".to_owned(), vec![own]));
    assert_eq!(settings.idle_after, Duration::from_secs(60));
    let passed_over = |key| format!("{path}: {key} does not count for the embedded service");
    assert_eq!(loaded.warnings, ["listen", "store", "tokens.pool"].map(passed_over));
}

#[test]
fn the_table_of_the_manual_is_that_of_the_code() {
    let manual = include_str!("../../../../docs/conductor.md");
    let table = Setting::markdown();
    assert!(manual.contains(&table), "docs/conductor.md has to contain:\n{table}");
}

#[test]
fn names_of_settings_are_used_once() {
    for (index, one) in TABLE.iter().enumerate() {
        for other in &TABLE[..index] {
            assert!(one.key != other.key && one.variable != other.variable, "{}", one.key);
            assert!(one.flag.is_none() || one.flag != other.flag, "{}", one.key);
        }
    }
}
