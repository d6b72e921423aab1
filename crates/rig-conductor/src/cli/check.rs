use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;

use super::{DONE, FAILED, WRONG, columns, complain, runtime, say};
use crate::settings::{self, Discord, Environment, Flags, Settings};
use crate::store;

/// How long each question to another service may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Look at the settings
#[derive(Debug, clap::Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

/// Print every setting that is in force, where it comes from, and all that is wrong
///
/// Secrets are not printed.
#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    flags: Flags,
    /// Also try the store, which is opened and brought forward as the service does, Discord and the upstream
    #[arg(long)]
    online: bool,
}

impl Config {
    pub(super) fn run(self) -> u8 {
        let Command::Check(check) = self.command;
        check.run()
    }
}

impl Check {
    fn run(self) -> u8 {
        let loaded = settings::load(&self.flags, &Environment::of_process());
        let row = |shown: &settings::Shown| [shown.key.to_owned(), shown.value.clone(), shown.from.clone()];
        say(columns(&loaded.shown.iter().map(row).collect::<Vec<_>>()));
        for warning in &loaded.warnings {
            complain(format!("warning: {warning}"));
        }
        match loaded.settings {
            Ok(settings) if self.online => online(&settings),
            Ok(_) => DONE,
            Err(error) => {
                error.problems.iter().for_each(complain);
                WRONG
            }
        }
    }
}

/// Tries everything that the service needs, and says how each fared.
fn online(settings: &Settings) -> u8 {
    let mut rows = vec![("store", store(settings))];
    if let Some(discord) = &settings.discord {
        rows.extend(self::discord(discord));
    }
    if let Some(base) = &settings.upstream {
        rows.push(("upstream", get(&format!("{base}/health"), None).map(|_| "healthy".to_owned())));
    }
    let failed = rows.iter().any(|(_, result)| result.is_err());
    let row = |(name, result): &(&str, Result<String, String>)| {
        let (word, text) = match result {
            Ok(text) => ("ok", text),
            Err(text) => ("FAILED", text),
        };
        [(*name).to_owned(), word.to_owned(), text.clone()]
    };
    say(format!("\n{}", columns(&rows.iter().map(row).collect::<Vec<_>>())));
    if failed { FAILED } else { DONE }
}

fn store(settings: &Settings) -> Result<String, String> {
    let runtime = runtime(1).map_err(|error| format!("failed to start: {error}"))?;
    let result = runtime.block_on(async {
        let open = store::open(&settings.store, settings.store_options.clone());
        let store =
            tokio::time::timeout(2 * LIMIT, open).await.map_err(|_| "it does not answer".to_owned())?;
        let store = store.map_err(|error| error.to_string())?;
        let backlog = store.backlog().await.map_err(|error| error.to_string())?;
        store.close().await.map_err(|error| error.to_string())?;
        let (open, waiting) = (backlog.open.iter().sum::<u64>(), backlog.pending);
        Ok(format!("{open} open escalations, {waiting} messages wait"))
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

fn discord(discord: &Discord) -> Vec<(&'static str, Result<String, String>)> {
    let ask = |path: &str| {
        let url = format!("{}/v10{path}", discord.api_url);
        get(&url, Some(&format!("Bot {}", discord.token.0)))
    };
    let name = |answer: Value, member: &str| {
        rig_text::clean(&rig_text::cut(answer[member].as_str().unwrap_or("(no name)"), 100))
    };
    let channel =
        |id: &str| ask(&format!("/channels/{id}")).map(|answer| format!("#{}", name(answer, "name")));
    vec![
        ("discord: bot", ask("/users/@me").map(|answer| name(answer, "username"))),
        ("discord: admin channel", channel(&discord.admin_channel)),
        ("discord: tasks channel", channel(&discord.tasks_channel)),
    ]
}

/// Asks for JSON; the error repeats neither the URL nor the token.
fn get(url: &str, authorization: Option<&str>) -> Result<Value, String> {
    let agent = concat!("DiscordBot (https://github.com/rig-tools, ", env!("CARGO_PKG_VERSION"), ")");
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(agent)
        .build();
    let mut request = ureq::Agent::new_with_config(config).get(url);
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let mut answer = match request.call() {
        Ok(answer) => answer,
        Err(ureq::Error::Timeout(_)) => return Err("it did not answer in time".to_owned()),
        Err(ureq::Error::Io(error)) => return Err(format!("it cannot be reached: {}", error.kind())),
        Err(_) => return Err("it cannot be reached".to_owned()),
    };
    let body = answer.body_mut().with_config().limit(1 << 20).read_to_string().unwrap_or_default();
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    match answer.status().as_u16() {
        200..300 => Ok(body),
        status => {
            let told = rig_text::clean(&rig_text::cut(body["message"].as_str().unwrap_or_default(), 200));
            Err(format!("it answered {status} {told}").trim_end().to_owned())
        }
    }
}
