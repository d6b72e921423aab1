//! Tells a watcher outside that this service works. What it does not hear of in time, it reports: a machine
//! that is off, and a P0 that reaches nobody.

use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::settings::Secret;
use crate::store::Backlog;

/// For how long a P0 may have reached nobody before the watcher is left to wait.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// No URL is set.
    None,
    /// The watcher was told.
    Sent,
    /// The watcher was left to wait: a P0 has reached nobody for too long.
    Withheld,
    /// The watcher could not be told.
    Failed,
}

impl Ping {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sent => "sent",
            Self::Withheld => "withheld",
            Self::Failed => "failed",
        }
    }
}

/// Calls the URL after a good sweep. That it fails stops nothing.
pub async fn ping(app: &App, backlog: &Backlog) -> Ping {
    let Some(Secret(url)) = app.settings.dead_man_url.clone() else { return Ping::None };
    if let Some(since) = backlog.undelivered_p0_since
        && is_overdue(since, backlog.now)
    {
        tracing::error!(since = %since, "a P0 has reached nobody; the dead-man's switch is not pinged");
        return Ping::Withheld;
    }
    let result = tokio::task::spawn_blocking(move || call(&url)).await;
    let result = result.unwrap_or_else(|error| Err(error.to_string()));
    app.metrics.pinged(result.is_ok());
    match result {
        Ok(()) => Ping::Sent,
        Err(error) => {
            tracing::warn!(error, "the dead-man's switch could not be pinged");
            Ping::Failed
        }
    }
}

/// Says whether a P0 that waits since then waits too long.
fn is_overdue(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).unsigned_abs() > PATIENCE && now > since
}

/// The error does not repeat the URL, which is a secret.
fn call(url: &str) -> Result<(), String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("rig-conductor/", env!("CARGO_PKG_VERSION")))
        .build();
    let answer = ureq::Agent::new_with_config(config).get(url).call();
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
        Err(ureq::Error::Timeout(_)) => Err("it did not answer in time".to_owned()),
        Err(ureq::Error::Io(error)) => Err(error.kind().to_string()),
        Err(_) => Err("it cannot be reached".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p0_may_wait_five_minutes_and_no_longer() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (since, now, expected) in
            [(100, 100, false), (100, 400, false), (100, 401, true), (401, 100, false)]
        {
            assert_eq!(is_overdue(at(since), at(now)), expected, "{since} {now}");
        }
    }
}
