use rig_testkit::discord::{ADMIN, ALICE, TASKS, TOKEN};
use rig_testkit::{FakeDiscord, Program};

use crate::harness::{AGENT, OPERATOR, Plan};

fn bare(words: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_rig-conductor")).args(words)
}

#[test]
fn the_check_shows_each_value_its_source_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conductor.json");
    std::fs::write(&path, r#"{"sweepEvery": "5m", "discord": {"p0Users": [7]}, "flood": "1/1m"}"#).unwrap();
    let path = path.display();
    let said = bare(&["config", "check", "--flood", "2/1m", "--config", &path.to_string()])
        .env("RIG_CONDUCTOR_STORE", "postgres://rig:hush@db/rig")
        .env("CONDUCTOR_TOKEN", AGENT)
        .env("RIG_CONDUCTOR_OPERATOR_TOKENS", format!("maria={OPERATOR}"))
        .env("RIG_DISCORD_COLOUR", "red")
        .output();
    let expected = format!(
        "\
listen               127.0.0.1:8080               default
store                postgres://rig:(hidden)@db/rig  RIG_CONDUCTOR_STORE
schema               rig_escalation               default
casing               pascal                       default
keepHeartbeats       30d                          default
sqliteSynchronous    full                         default
postgresConnections  12                           default
tokens.pool          (hidden)                     CONDUCTOR_TOKEN
tokens.operators     maria=(hidden)               RIG_CONDUCTOR_OPERATOR_TOKENS
bumpAfter            4h                           default
remindEvery          30m                          default
sweepEvery           5m                           {path}: sweepEvery
flood                2/1m                         --flood
discord.apiUrl       https://discord.com/api      default
discord.p0Users      7                            {path}: discord.p0Users
idleAfter            30m                          default
log                  info                         default
"
    );
    let squeezed = |text: &str| {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&said.stdout), squeezed(&expected));
    assert_eq!(
        said.stderr,
        format!(
            "rig-conductor: warning: RIG_DISCORD_COLOUR is no setting; it is ignored\n\
             rig-conductor: discord.botToken: missing, though {path}: discord.p0Users is set; give it as \
             DISCORD_BOT_TOKEN\n\
             rig-conductor: discord.adminChannel: missing, though {path}: discord.p0Users is set; give it as \
             RIG_DISCORD_ADMIN_CHANNEL\n\
             rig-conductor: discord.tasksChannel: missing, though {path}: discord.p0Users is set; give it as \
             RIG_DISCORD_TASKS_CHANNEL\n"
        )
    );
    assert_eq!(said.code, Some(2));
}

#[test]
fn the_check_lines_its_columns_up() {
    let said = bare(&["config", "check", "--store", "sqlite:/x.db"]).output();
    let lines: Vec<_> = said.stdout.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "listen               127.0.0.1:8080           default",
            "store                sqlite:/x.db             --store",
            "schema               rig_escalation           default",
        ]
    );
    assert_eq!(said.stderr, "rig-conductor: warning: no token is set, so that nobody can do anything\n");
    assert_eq!(said.code, Some(0));
}

#[test]
fn the_check_tries_what_the_service_needs() {
    let discord = FakeDiscord::start();
    let id = |id: u64| id.to_string();
    let plan = Plan::default()
        .with("DISCORD_API_URL", &discord.url())
        .with("DISCORD_BOT_TOKEN", TOKEN)
        .with("RIG_DISCORD_ADMIN_CHANNEL", &id(ADMIN))
        .with("RIG_DISCORD_TASKS_CHANNEL", &id(TASKS))
        .with("RIG_DISCORD_P0_USERS", &id(ALICE));
    let tried = |plan: &Plan| {
        let said = plan.command(&["config", "check", "--online"]).output();
        let (_, tried) = said.stdout.split_once("\n\n").expect(&said.stdout);
        (tried.to_owned(), said.code)
    };
    let well = "\
store                   ok  0 open escalations, 0 messages wait
discord: bot            ok  rig-conductor
discord: admin channel  ok  #admin
discord: tasks channel  ok  #tasks
";
    assert_eq!(tried(&plan), (well.to_owned(), Some(0)));
    let wrong = "\
store                   ok      0 open escalations, 0 messages wait
discord: bot            FAILED  it answered 401 401: Unauthorized
discord: admin channel  FAILED  it answered 401 401: Unauthorized
discord: tasks channel  FAILED  it answered 401 401: Unauthorized
";
    let plan = plan.with("DISCORD_BOT_TOKEN", "another");
    assert_eq!(tried(&plan), (wrong.to_owned(), Some(1)));
    let _ = discord.take_violations();
}
