use std::fs::OpenOptions;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::serve::{Signals, listen, until};
use super::{DONE, FAILED, NOT_RUNNING, columns, complain, hint, runtime, say};
use crate::app::App;
use crate::embedded::{self, Dir, EmbeddedError, Held, Port};
use crate::settings::{self, Environment, StoreSettings};
use crate::store::{self, StoreError, StoreOptions};
use crate::{logging, serve};

/// Start the service of this user in the background, if none runs
///
/// Waits until it answers and prints its URL. It keeps everything in ~/.local/state/rig/conductor, takes its
/// settings from ~/.config/rig/conductor.json, and ends by itself after 30 minutes without an open
/// escalation and without requests.
#[derive(Debug, clap::Args)]
pub(super) struct Up {}

/// End the service of this user, and wait until it has ended
///
/// Requests that were begun are answered, and nothing is lost. Escalations stay where they are.
#[derive(Debug, clap::Args)]
pub(super) struct Down {
    /// Kill it when it has not ended after 30 seconds
    #[arg(long)]
    kill: bool,
    /// Remove its directory afterwards, unless an escalation in it is not closed
    #[arg(long)]
    remove: bool,
}

/// Say whether the service of this user runs, where, and what is open
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Up {
    pub(super) fn run(self) -> u8 {
        let up = || {
            let dir = Dir::find(&Environment::of_process())?;
            let program = std::env::current_exe().map_err(|source| EmbeddedError::File {
                doing: "find",
                path: "rig-conductor".into(),
                source,
            })?;
            embedded::up(&dir, &program)
        };
        match up() {
            Ok((port, _)) => {
                say(port.url);
                DONE
            }
            Err(error) => fail(&error),
        }
    }
}

impl Down {
    pub(super) fn run(self) -> u8 {
        let dir = match Dir::find(&Environment::of_process()) {
            Ok(dir) => dir,
            Err(error) => return fail(&error),
        };
        match embedded::down(&dir, self.kill) {
            Ok(embedded::Down::NotRunning) => say("not running"),
            Ok(embedded::Down::Ended) => say("ended"),
            Ok(embedded::Down::Killed) => say("killed; what it had under way is taken up by the next start"),
            Err(error) => return fail(&error),
        }
        if !self.remove || !dir.path().exists() {
            return DONE;
        }
        match remove(&dir) {
            Ok(told) => {
                say(told);
                DONE
            }
            Err(error) => {
                complain(error);
                FAILED
            }
        }
    }
}

/// Removes the directory unless somebody still waits for a person; says what was done.
fn remove(dir: &Dir) -> Result<String, String> {
    // Nobody starts it meanwhile.
    let held = dir.hold().map_err(|error| error.to_string())?;
    let shown = dir.path().display();
    match open_in(dir)? {
        0 => {}
        1 => return Ok(format!("leaving {shown}: 1 escalation in it is not closed")),
        open => return Ok(format!("leaving {shown}: {open} escalations in it are not closed")),
    }
    std::fs::remove_dir_all(dir.path()).map_err(|error| format!("failed to remove {shown}: {error}"))?;
    drop(held);
    Ok(format!("removed {shown}"))
}

/// Returns how many escalations in the database are not closed.
fn open_in(dir: &Dir) -> Result<u64, String> {
    let file = dir.path().join("conductor.db");
    if !file.exists() {
        return Ok(0);
    }
    let runtime = runtime(1).map_err(|error| format!("failed to start: {error}"))?;
    let result = runtime.block_on(async {
        let store = store::open(&StoreSettings::Sqlite(file), StoreOptions::default()).await?;
        let backlog = store.backlog().await?;
        store.close().await?;
        Ok(backlog.open.iter().chain(&backlog.acked).sum())
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
    result.map_err(|error: StoreError| error.to_string())
}

impl Status {
    pub(super) fn run(self) -> u8 {
        let dir = match Dir::find(&Environment::of_process()) {
            Ok(dir) => dir,
            Err(error) => return fail(&error),
        };
        let port = match embedded::running(&dir) {
            Ok(Some(port)) => port,
            Ok(None) => {
                say(if self.json { json!({"running": false}).to_string() } else { "not running".to_owned() });
                return NOT_RUNNING;
            }
            Err(error) => return fail(&error),
        };
        let open = dir.agent_token().and_then(|token| open(&port, &token)).unwrap_or_default();
        say(if self.json { in_json(&port, open) } else { in_words(&port, &open) });
        DONE
    }
}

fn fail(error: &EmbeddedError) -> u8 {
    complain(error);
    match error {
        EmbeddedError::Slow { what: "end", .. } => hint("`rig-conductor down --kill` kills it then"),
        EmbeddedError::Slow { .. } => hint("~/.local/state/rig/conductor/conductor.log says what it does"),
        _ => {}
    }
    FAILED
}

/// Asks how many escalations are open, by severity.
fn open(port: &Port, token: &str) -> Option<Value> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .max_redirects(0)
        .proxy(None)
        .build();
    let url = format!("{}/api/escalation-stats", port.url);
    let asked = ureq::Agent::new_with_config(config)
        .get(url)
        .header("Authorization", format!("Bearer {token}"))
        .call();
    let text = asked.ok()?.body_mut().with_config().limit(1 << 20).read_to_string().ok()?;
    let mut stats: Value = serde_json::from_str(&text).ok()?;
    Some(stats["open"].take())
}

fn in_json(port: &Port, open: Value) -> String {
    let mut status = serde_json::to_value(port).unwrap_or_default();
    status["running"] = true.into();
    status["open"] = open;
    status.to_string()
}

fn in_words(port: &Port, open: &Value) -> String {
    let counts = ["P0", "P1", "P2"].map(|severity| match open[severity].as_u64() {
        Some(count) => format!("{severity} {count}"),
        None => format!("{severity} ?"),
    });
    let row = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
    columns(&[
        row("running", &port.url),
        row("process", &port.pid.to_string()),
        row("since", &port.started_at),
        row("version", &port.version),
        row("open", &counts.join(", ")),
    ])
}

/// Serves one user on this machine until nobody needs it.
pub(super) fn serve(detached: bool) -> u8 {
    if detached {
        // A process that leads its session already has left the one that started it.
        let _ = rustix::process::setsid();
    }
    match begin() {
        Ok(()) => DONE,
        Err(error) => {
            tracing::error!("{error}");
            complain(error);
            FAILED
        }
    }
}

fn begin() -> Result<(), String> {
    let text = |error: EmbeddedError| error.to_string();
    // Whatever is made here is this user's alone, the database too.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let dir = Dir::find(&Environment::of_process()).map_err(text)?;
    let held = dir.hold().map_err(text)?;
    let tokens = held.tokens().map_err(text)?;
    dir.check_settings().map_err(text)?;
    let loaded = settings::load_embedded(&dir.settings(), dir.path(), tokens);
    let log = dir.log();
    let logged = logging::to_file(loaded.log, &log);
    logged.map_err(|error| format!("failed to open {}: {error}", log.display()))?;
    for warning in loaded.warnings {
        tracing::warn!("{warning}");
    }
    let settings = loaded.settings.map_err(|error| error.to_string())?;
    let runtime = runtime(1).map_err(|error| format!("failed to start: {error}"))?;
    let result = runtime.block_on(async {
        let (listener, address) = listen(settings.listen).await?;
        let mut signals = Signals::new()?;
        let app = serve::open(settings).await.map_err(|error| error.to_string())?;
        let port = held.announce(address.port()).map_err(text)?;
        say(port.url);
        let_go_of_streams();
        let held = Arc::new(held);
        let (idle, ending) = (idle(Arc::clone(&app), Arc::clone(&held)), || held.withdraw());
        until(app, listener, &mut signals, idle, ending).await
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

/// Lets whoever started this read to the end: from here on everything goes to the log.
fn let_go_of_streams() {
    if let Ok(null) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// Waits until the service is not needed: nothing is open, nothing waits to be sent, and nobody asks.
async fn idle(app: Arc<App>, held: Arc<Held>) {
    let after = app.settings.idle_after;
    let pause = (after / 4).clamp(Duration::from_millis(100), Duration::from_secs(30));
    loop {
        tokio::time::sleep(pause).await;
        if !held.is_there() {
            tracing::warn!("the directory is gone, so the service ends");
            return;
        }
        if app.idle_for() < after {
            continue;
        }
        if let Ok(backlog) = app.store.backlog().await
            && backlog.pending == 0
            && backlog.open.iter().sum::<u64>() == 0
        {
            tracing::info!("nothing is open and nobody has asked for a while, so the service ends");
            return;
        }
    }
}
