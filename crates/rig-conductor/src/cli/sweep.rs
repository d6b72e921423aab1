use std::sync::Arc;
use std::time::Duration;

use super::{DONE, FAILED, complain, load, log_trouble, runtime, say};
use crate::app::Stop;
use crate::settings::{Flags, Settings};
use crate::sweep::Swept;
use crate::{delivery, serve, sweep};

/// Look once for what is due, tell people, and end
///
/// For a scheduler such as a CronJob, beside a running service or without one. Both may sweep at the
/// same time: each escalation is raised once.
#[derive(Debug, clap::Args)]
pub(super) struct Sweep {
    #[command(flatten)]
    flags: Flags,
    /// Print what it did as JSON
    #[arg(long)]
    json: bool,
}

impl Sweep {
    pub(super) fn run(self) -> u8 {
        let (settings, loaded) = match load(&self.flags) {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        log_trouble(&loaded);
        let runtime = match runtime(1) {
            Ok(runtime) => runtime,
            Err(error) => {
                complain(format!("failed to start: {error}"));
                return FAILED;
            }
        };
        let result = runtime.block_on(once(settings));
        runtime.shutdown_timeout(Duration::from_millis(500));
        match result {
            Ok((swept, waiting)) => {
                say(if self.json { in_json(&swept, waiting) } else { in_words(&swept, waiting) });
                if swept.failed == 0 { DONE } else { FAILED }
            }
            Err(error) => {
                complain(error);
                FAILED
            }
        }
    }
}

async fn once(settings: Settings) -> Result<(Swept, u64), String> {
    let app = serve::open(settings).await.map_err(|error| error.to_string())?;
    // It is not asked to end; its time is bounded by what is due.
    let (_stopper, stop) = Stop::pair();
    let swept = sweep::once(&app, &stop).await.map_err(|error| format!("the sweep failed: {error}"))?;
    let drained = delivery::drain_once(Arc::clone(&app)).await;
    drained.map_err(|error| format!("the delivery failed: {error}"))?;
    let backlog = app.store.backlog().await.map_err(|error| error.to_string())?;
    app.store.close().await.map_err(|error| error.to_string())?;
    Ok((swept, backlog.pending))
}

fn in_words(swept: &Swept, waiting: u64) -> String {
    let Swept { bumped, reminded, announced, failed, ping, .. } = swept;
    let mut text = format!(
        "raised {bumped}, reminded of {reminded}, announced {announced} anew, {waiting} messages still wait"
    );
    if *failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if ping.as_str() != "none" {
        text.push_str(&format!("; dead-man's switch: {}", ping.as_str()));
    }
    text
}

fn in_json(swept: &Swept, waiting: u64) -> String {
    let mut answer = swept.json();
    answer["pending"] = waiting.into();
    answer.to_string()
}
