use std::time::Duration;

use super::{DONE, FAILED, complain, load, log_trouble, runtime, say};
use crate::settings::{Flags, Settings};
use crate::store::{self, ReplayReport};

/// Rebuild every read model from the log of events and compare
///
/// Writes what differs. It may run beside the service.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    flags: Flags,
    /// Compare alone, and write nothing
    #[arg(long)]
    check: bool,
}

impl Replay {
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
        let result = runtime.block_on(replay(settings, self.check));
        runtime.shutdown_timeout(Duration::from_millis(500));
        match result {
            Ok(report) => {
                say(in_words(&report, self.check));
                if report.differences.is_empty() { DONE } else { FAILED }
            }
            Err(error) => {
                complain(error);
                FAILED
            }
        }
    }
}

async fn replay(settings: Settings, check: bool) -> Result<ReplayReport, String> {
    let text = |error: store::StoreError| error.to_string();
    let store = store::open(&settings.store, settings.store_options).await.map_err(text)?;
    let report = store.replay(check).await.map_err(text)?;
    store.close().await.map_err(text)?;
    Ok(report)
}

fn in_words(report: &ReplayReport, check: bool) -> String {
    let ReplayReport { events, escalations, agents, differences } = report;
    let mut text = format!("{events} events make {escalations} escalations and {agents} agents");
    match (differences.len(), check) {
        (0, _) => text.push_str(", all as stored"),
        (n, true) => text.push_str(&format!("; {n} rows are stored otherwise:")),
        (n, false) => text.push_str(&format!("; {n} rows were stored otherwise and are mended:")),
    }
    for line in differences {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}
