//! How long it takes from a P0 to the call of Discord.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::server::{Running, Service, wait_for};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;

/// How many P0 a token creates: fewer than the flood guard lets pass.
const EACH: usize = 8;

/// A Discord on loopback, and when it was called for each escalation first.
#[derive(Debug)]
pub(super) struct Discord {
    _process: Running,
    url: String,
    seen: Arc<Mutex<HashMap<String, u64>>>,
    violations: Arc<Mutex<Vec<String>>>,
}

impl Discord {
    /// Starts the double.
    pub(super) fn start(cx: &Context, program: &Path) -> Result<Self> {
        let mut command = cx.command(program);
        // What is measured is the service, not how its requests are held against a description.
        command.stdout(Stdio::piped()).env_remove("RIG_TEST_SCHEMAS").env_remove("RIG_TEST_REQUIRE");
        let mut process = Running::start(&mut command)?;
        let stdout = process.stdout().ok_or_else(|| Error::new("the Discord double has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let url = lines.next().and_then(std::result::Result::ok);
        let url = url.ok_or_else(|| Error::new("the Discord double does not start"))?;
        let (seen, violations) = (Arc::new(Mutex::default()), Arc::new(Mutex::default()));
        let discord = Self { _process: process, url, seen, violations };
        let (seen, violations) = (Arc::clone(&discord.seen), Arc::clone(&discord.violations));
        std::thread::spawn(move || {
            for line in lines.map_while(std::result::Result::ok) {
                let notice: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(violation) = notice["violation"].as_str() {
                    let mut all = violations.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(violation.to_owned());
                }
                let footer = notice["embeds"][0]["footer"]["text"].as_str().unwrap_or_default();
                if let (Some(id), Some(at)) = (footer.split(' ').nth(1), notice["received"].as_u64()) {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_insert(at);
                }
            }
        });
        Ok(discord)
    }

    /// Returns the settings by which a service uses it.
    pub(super) fn settings(&self, samples: usize) -> Vec<(&'static str, String)> {
        let tokens = (0..samples.div_ceil(EACH)).map(|n| format!("pool-bench-{n}={}", token(n)));
        vec![
            ("DISCORD_API_URL", self.url.clone()),
            (
                "DISCORD_BOT_TOKEN",
                "MTE3NTAwMTEyMjMzNDQ1NTY3OQ.Gtest0.not-a-real-token-0123456789abcdefghij".into(),
            ),
            ("RIG_DISCORD_ADMIN_CHANNEL", "1175001122334455663".into()),
            ("RIG_DISCORD_TASKS_CHANNEL", "1175001122334455665".into()),
            ("RIG_DISCORD_P0_USERS", "1175001122334455673".into()),
            ("RIG_CONDUCTOR_AGENT_TOKENS", tokens.collect::<Vec<_>>().join(",")),
        ]
    }

    fn called_at(&self, id: &str) -> Option<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

fn token(number: usize) -> String {
    format!("an-agent-of-the-bench-{number:04}-0123456789abcdef")
}

/// The time between two P0: Discord lets so many messages into a channel, and no more.
const PACE: Duration = Duration::from_millis(300);

/// Sends P0 after P0 and returns for each the milliseconds from sending it to the first call of Discord.
pub(super) fn delays(service: &Service, discord: &Discord, samples: usize) -> Result<Vec<f64>> {
    let mut delays = Vec::with_capacity(samples);
    for number in 0..samples {
        let event = json!({
            "type": "ESCALATION_CREATED", "severity": "P0", "agentId": format!("dev-e-{number:03}"),
            "repo": "acme/app", "issueNumber": number + 1, "category": "data_risk",
            "reason": format!("number {number} of the bench"),
        });
        let sent = SystemTime::now().duration_since(UNIX_EPOCH).doing(|| "read the clock".into())?;
        let (status, answer) = service.post(&token(number / EACH), &event)?;
        let Some(id) = answer["escalationId"].as_str().filter(|_| status == 200) else {
            return Err(Error::new(format!("a P0 was not taken: {status} {answer}")));
        };
        wait_for("a call of Discord", || discord.called_at(id).is_some())?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
        let millis = |micros: u128| micros as f64 / 1000.0;
        let called = u128::from(discord.called_at(id).unwrap_or(0));
        delays.push(millis(called.saturating_sub(sent.as_micros())));
        std::thread::sleep(PACE);
    }
    let violations = discord.violations.lock().unwrap_or_else(PoisonError::into_inner);
    if !violations.is_empty() {
        return Err(Error::new(format!("requests broke Discord's rules:\n{}", violations.join("\n"))));
    }
    Ok(delays)
}

/// The same while 200 agents beat as fast as they are answered.
pub(super) fn delays_under_load(
    cx: &Context,
    dir: &Path,
    service: &Service,
    discord: &Discord,
    samples: usize,
) -> Result<Vec<f64>> {
    let mut wrk = cx.command("wrk");
    wrk.args(["--threads", "1", "--connections", "200", "--duration", "600s", "--script"]);
    wrk.arg(dir.join("heartbeat.lua")).arg(format!("http://{}/api/events", service.address));
    wrk.args(["--", &service.address.to_string(), super::server::AGENT, "0a1a2a3a"]);
    let load = Running::start(wrk.stdout(Stdio::null()).stderr(Stdio::null()))?;
    std::thread::sleep(Duration::from_secs(1));
    let delays = delays(service, discord, samples);
    drop(load);
    delays
}

/// Returns the value below which this share of sorted values is.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a short list"
    )]
    let index = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// Builds a program of the workspace in a profile and returns its file.
pub(super) fn build(cx: &Context, package: &str, program: &str, profile: &str) -> Result<std::path::PathBuf> {
    crate::say(&format!("building {program}"));
    let mut cargo = cx.cargo();
    cargo.args(["build", "--locked", "--profile", profile, "--package", package, "--bin", program]);
    cargo.args(["--message-format", "json-render-diagnostics"]).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = cargo.output().doing(|| format!("start {}", process::shown(&cargo)))?;
    let file = crate::build::executable(&String::from_utf8_lossy(&output.stdout), program);
    file.filter(|_| output.status.success())
        .ok_or_else(|| Error::new(format!("{program} could not be built, see above")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0.5, 0.95, 1.0].map(|share| quantile(&values, share)), [3.0, 5.0, 5.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
