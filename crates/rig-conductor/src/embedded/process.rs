//! Starting, asking and ending the process.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::{Account, Dir, EmbeddedError, Port, Result, failed};

/// How long a start may take: it may have to bring an older database forward.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long the end may take: requests are answered and messages recorded.
const END_LIMIT: Duration = Duration::from_secs(30);

/// How often is looked again.
const PAUSE: Duration = Duration::from_millis(20);

/// Where programs are looked for by a process of its own.
const SAFE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// It did not run.
    NotRunning,
    /// It ended.
    Ended,
    /// It was killed, since it did not end in time.
    Killed,
}

/// Returns where the service is that runs and answers.
///
/// # Errors
/// When the lock cannot be looked at.
pub fn running(dir: &Dir) -> Result<Option<Port>> {
    Ok(dir.port()?.filter(|port| answers(&port.url)))
}

/// Starts the service if none runs, and waits until it answers. Returns where it is, and whether this call
/// has started it.
///
/// # Errors
/// When it does not start, or not in time.
pub fn up(dir: &Dir, program: &Path) -> Result<(Port, bool)> {
    dir.make()?;
    let start = Instant::now();
    let mut child: Option<Started> = None;
    while start.elapsed() < START_LIMIT {
        if let Some(port) = running(dir)? {
            let own = child.as_ref().is_some_and(|child| child.is(port.pid));
            // One that gives way to another must not come up later, when that has been ended.
            while !own
                && child.as_mut().is_some_and(|child| !child.has_ended())
                && start.elapsed() < START_LIMIT
            {
                std::thread::sleep(PAUSE);
            }
            return Ok((port, own));
        }
        // Where somebody holds the lock, another one is starting or ending; the next look will tell.
        if !dir.is_held()? {
            match child.as_mut().map(Started::has_ended) {
                None => child = Some(Started::new(dir, program)?),
                Some(false) => {}
                Some(true) => {
                    let said = child.take().map(|started| started.said()).unwrap_or_default();
                    // Unless it gave way to another one, which has ended since.
                    if !said.contains(&EmbeddedError::Runs.to_string()) {
                        return Err(EmbeddedError::Start(said));
                    }
                }
            }
        }
        std::thread::sleep(PAUSE);
    }
    Err(EmbeddedError::Slow { what: "answer", limit: START_LIMIT })
}

/// Asks the running service to end, and waits until it has. With `kill` it is killed when it does not.
///
/// # Errors
/// When it cannot be asked, or does not end in time.
pub fn down(dir: &Dir, kill: bool) -> Result<Down> {
    let start = Instant::now();
    let mut asked = None;
    while start.elapsed() < END_LIMIT {
        if !dir.is_held()? {
            return Ok(if asked.is_some() { Down::Ended } else { Down::NotRunning });
        }
        // One that is starting has not said yet who it is.
        match (dir.port()?, &asked) {
            (Some(port), None) => {
                signal(dir, &port, Signal::TERM)?;
                asked = Some(port);
            }
            // Somebody has started another one already.
            (Some(port), Some(asked)) if port != *asked => return Ok(Down::Ended),
            _ => {}
        }
        std::thread::sleep(PAUSE);
    }
    let slow = EmbeddedError::Slow { what: "end", limit: END_LIMIT };
    match dir.port()? {
        Some(port) if kill => signal(dir, &port, Signal::KILL).map(|()| Down::Killed),
        _ => Err(slow),
    }
}

/// Sends a signal to the process that serves, and to no other one that has its number meanwhile.
fn signal(dir: &Dir, port: &Port, signal: Signal) -> Result<()> {
    let doing = |error: rustix::io::Errno| failed("end the process of", dir.path(), error.into());
    let Some(pid) = Pid::from_raw(port.pid) else { return Ok(()) };
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(doing(error)),
    };
    // The process is pinned now; it is the right one if it still says so.
    if dir.port()?.as_ref() != Some(port) {
        return Ok(());
    }
    match pidfd_send_signal(&process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(doing(error)),
    }
}

fn answers(url: &str) -> bool {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(2)))
        .max_redirects(0)
        .proxy(None)
        .build();
    ureq::Agent::new_with_config(config).get(format!("{url}/health")).call().is_ok()
}

/// A service that was started and what it says until it serves.
struct Started {
    child: Child,
    said: Receiver<String>,
}

impl Started {
    /// Starts the service with nothing of this process's environment.
    fn new(dir: &Dir, program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--embedded", "--detached"]).current_dir("/").env_clear();
        command.env("HOME", &dir.home).env("PATH", SAFE_PATH).env("LANG", "C.UTF-8");
        if let Some(account) = Account::current() {
            command.env("USER", account.login);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| failed("start", program, source))?;
        let mut stderr = child.stderr.take();
        let (sender, said) = channel();
        // The service lets go of its stderr when it serves.
        std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(stderr) = &mut stderr {
                let _ = stderr.take(64 << 10).read_to_string(&mut text);
            }
            let _ = sender.send(text);
        });
        Ok(Self { child, said })
    }

    fn is(&self, pid: i32) -> bool {
        self.child.id().cast_signed() == pid
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn said(&self) -> String {
        let text = self.said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let text = text.trim().trim_start_matches("rig-conductor: ");
        if text.is_empty() { "it ended without a word".to_owned() } else { text.to_owned() }
    }
}
