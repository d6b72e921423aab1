//! Looks for what is due: escalations that nobody took in time, people who have to be told again, and
//! levels of which nobody was told.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use crate::app::{App, Stop};
use crate::dead_man::{self, Ping};
use crate::settings::Settings;
use crate::store::{Command, Due, DueWhat, StoreError};

/// How many are looked for at once.
const BATCH: u32 = 500;

/// What a sweep did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Escalations that were raised one level.
    pub bumped: u64,
    /// Escalations of which people are told again.
    pub reminded: u64,
    /// Escalations whose level is announced anew, since nobody was told of it.
    pub announced: u64,
    /// What was due and is not any more, because somebody else came first.
    pub overtaken: u64,
    /// What was due and failed; the next sweep tries again.
    pub failed: u64,
    /// What the dead-man's switch was told.
    pub ping: Ping,
}

impl Swept {
    /// Returns it as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let Self { bumped, reminded, announced, overtaken, failed, ping } = self;
        json!({
            "bumped": bumped,
            "reminded": reminded,
            "announced": announced,
            "overtaken": overtaken,
            "failed": failed,
            "deadManPing": ping.as_str(),
        })
    }
}

/// Sweeps at once and then at every interval, for reminders also in between, until the end is asked for. The interval is counted by the
/// process; what is due, the store's clock decides.
pub async fn run(app: Arc<App>, stop: Stop) {
    let mut ticks = tokio::time::interval(pace(&app.settings));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.requested() => return,
            _ = ticks.tick() => {}
        }
        // A failure is logged and counted; the next sweep tries again.
        let _ = once(&app, &stop).await;
    }
}

/// Returns how often it is looked: at the interval, or so often that the next reminder of a P0 comes at most a
/// tenth of its time too late.
fn pace(settings: &Settings) -> Duration {
    let reminders = settings.policy.remind_every.map(|every| (every / 10).max(Duration::from_secs(1)));
    reminders.map_or(settings.sweep_every, |most| most.min(settings.sweep_every))
}

/// Sweeps once. Each command stands for itself: that one fails does not keep the others from being tried.
///
/// # Errors
/// When the store cannot say what is due, or that the sweep came to its end.
pub async fn once(app: &App, stop: &Stop) -> Result<Swept, StoreError> {
    let start = Instant::now();
    let result = sweep(app, stop).await;
    match &result {
        Ok(None) => {}
        Ok(Some(swept)) => {
            app.metrics.swept(swept.failed == 0);
            let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let Swept { bumped, reminded, announced, overtaken, failed, ping } = *swept;
            let ping = ping.as_str();
            if bumped + reminded + announced + failed > 0 {
                tracing::info!(bumped, reminded, announced, overtaken, failed, ping, took_ms, "swept");
            } else {
                tracing::debug!(ping, took_ms, "swept, nothing was due");
            }
        }
        Err(error) => {
            app.metrics.swept(false);
            tracing::error!(%error, "the sweep failed");
        }
    }
    let interrupted = || StoreError::Unavailable("the service is ending".to_owned());
    result.and_then(|swept| swept.ok_or_else(interrupted))
}

async fn sweep(app: &App, stop: &Stop) -> Result<Option<Swept>, StoreError> {
    let mut swept = Swept { bumped: 0, reminded: 0, announced: 0, overtaken: 0, failed: 0, ping: Ping::None };
    // Whatever a level lasts, nothing is looked at twice in one sweep: so nothing is raised twice.
    let mut seen = HashSet::new();
    loop {
        // What was seen may be due still, and would hide the rest.
        let limit = BATCH.saturating_add(u32::try_from(seen.len()).unwrap_or(u32::MAX));
        let due = app.store.due(&app.settings.policy, limit).await?;
        let fresh: Vec<Due> = due.into_iter().filter(|due| seen.insert((due.id, due.what as u8))).collect();
        if fresh.is_empty() {
            break;
        }
        for due in fresh {
            if stop.is_requested() {
                return Ok(None);
            }
            carry_out(app, due, &mut swept).await;
        }
        // What was announced can be sent while the next ones are looked for.
        app.wake.notify_one();
    }
    app.written(app.store.swept().await)?;
    app.wake.notify_one();
    // What waits is counted for the dead-man's switch alone: it costs more the more is open.
    if swept.failed == 0 && app.settings.dead_man_url.is_some() {
        let backlog = app.store.backlog().await?;
        swept.ping = dead_man::ping(app, &backlog).await;
    }
    Ok(Some(swept))
}

async fn carry_out(app: &App, due: Due, swept: &mut Swept) {
    let (command, count) = match due.what {
        DueWhat::Bump => (Command::Bump { id: due.id }, &mut swept.bumped),
        DueWhat::Remind => (Command::Remind { id: due.id }, &mut swept.reminded),
        DueWhat::Announce => (Command::Announce { id: due.id }, &mut swept.announced),
    };
    match app.execute(command).await {
        Ok(receipt) if receipt.changed => *count += 1,
        Ok(_) | Err(StoreError::Rejected(_)) => swept.overtaken += 1,
        Err(error) => {
            tracing::warn!(escalation = %due.id, %error, "what was due could not be done");
            swept.failed += 1;
        }
    }
}

/// Returns after how long without a sweep something is wrong.
#[must_use]
pub fn overdue_after(every: Duration) -> Duration {
    every.saturating_mul(2).saturating_add(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StoreSettings;

    #[test]
    fn a_reminder_is_looked_for_often_enough_to_come_in_time() {
        let (s, m) = (Duration::from_secs, |minutes: u64| Duration::from_secs(60 * minutes));
        for (sweep, remind, expected) in [
            (m(60), Some(m(30)), m(3)),
            (m(60), None, m(60)),
            (m(1), Some(m(30)), m(1)),
            (m(60), Some(s(5)), s(1)),
            (m(60), Some(m(24 * 60)), m(60)),
        ] {
            let mut settings = Settings::new(StoreSettings::Sqlite("x".into()));
            (settings.sweep_every, settings.policy.remind_every) = (sweep, remind);
            assert_eq!(pace(&settings), expected, "{sweep:?} {remind:?}");
        }
    }
}
