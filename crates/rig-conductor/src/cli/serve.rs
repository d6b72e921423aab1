use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{DONE, FAILED, WRONG, complain, load, runtime, say};
use crate::app::App;
use crate::logging;
use crate::serve::{ServeError, open, run};
use crate::settings::{Flags, Settings};

/// Run the service
///
/// Prints its address on stdout once it answers, and logs JSON lines to stderr. SIGTERM and SIGINT end it
/// after what is under way; a second one ends it at once.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Serve one user on this machine, as `up` starts it; no other flag counts then
    #[arg(long)]
    embedded: bool,
    /// Leave the session that started it
    #[arg(long, hide = true)]
    detached: bool,
}

impl Serve {
    pub(super) fn run(self) -> u8 {
        if self.embedded {
            if self.flags.any() {
                complain("`--embedded` takes no other setting; they come from ~/.config/rig/conductor.json");
                return WRONG;
            }
            return super::embedded::serve(self.detached);
        }
        let (settings, loaded) = match load(&self.flags) {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        logging::to_stderr(loaded.log);
        for warning in loaded.warnings {
            tracing::warn!("{warning}");
        }
        raise_limit();
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get().clamp(1, 4));
        serve(settings, workers)
    }
}

fn serve(settings: Settings, workers: usize) -> u8 {
    let runtime = match runtime(workers) {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("failed to start: {error}"));
            return FAILED;
        }
    };
    let result = runtime.block_on(async {
        let address = settings.listen;
        let (listener, address) = listen(address).await?;
        let (mut signals, app) = (Signals::new()?, open(settings).await.map_err(|error| error.to_string())?);
        say(format!("listening on http://{address}"));
        until_end(app, listener, &mut signals, || {}).await
    });
    // Whatever still waits on a socket is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match result {
        Ok(()) => DONE,
        Err(error) => {
            complain(error);
            FAILED
        }
    }
}

/// Listens, and returns the address with its port.
pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let failed = |error: std::io::Error| format!("failed to listen on {address}: {error}");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Serves until a signal comes; a second one ends at once. `ending` is called when the first one has come.
async fn until_end(
    app: Arc<App>,
    listener: TcpListener,
    signals: &mut Signals,
    ending: impl FnOnce(),
) -> Result<(), String> {
    until(app, listener, signals, std::future::pending(), ending).await
}

/// Serves until a signal comes or `over` is ready.
pub(super) async fn until(
    app: Arc<App>,
    listener: TcpListener,
    signals: &mut Signals,
    over: impl Future<Output = ()>,
    ending: impl FnOnce(),
) -> Result<(), String> {
    let (first, begun) = tokio::sync::oneshot::channel::<()>();
    let stop = async move {
        // The sender goes when the first signal has come.
        tokio::select! {
            _ = begun => {}
            () = over => {}
        }
        ending();
    };
    let mut served = std::pin::pin!(run(app, listener, stop));
    tokio::select! {
        ended = &mut served => return ended.map_err(|error: ServeError| error.to_string()),
        () = signals.next() => drop(first),
    }
    tokio::select! {
        ended = &mut served => ended.map_err(|error| error.to_string()),
        () = signals.next() => Err("ended at once by a second signal".to_owned()),
    }
}

/// The signals that ask for the end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("failed to wait for signals: {error}"));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Takes as many file descriptors as the system allows: each connection is one.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
}
