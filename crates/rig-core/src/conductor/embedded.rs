//! The service that runs for one user on this machine.
//!
//! It says where it listens in a file of the user's own state directory, next to the tokens that it
//! takes. What lies there is believed only where nobody else can have written it, and only while the
//! service runs: a port that it has left belongs to whoever came next.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};
use serde::Deserialize;

use super::endpoint::URLS;
use crate::config::ConductorSection;
use crate::env::Environment;
use crate::{account, files};

/// The largest port file or token file, in bytes.
const LIMIT: u64 = 4 << 10;

/// Where programs are looked for by a service that a hook starts.
const SAFE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The place of the state directory below a home directory.
const STATE: &str = ".local/state/rig/conductor";

/// The directory of the embedded service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedded {
    dir: PathBuf,
}

/// Why the embedded service cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// A file or directory that somebody else could have written, or that cannot be read.
    #[error("{} is not used: {reason}", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Deserialize)]
struct PortFile {
    pid: i32,
    port: u16,
    url: String,
}

impl Embedded {
    /// Names the directory, which need not exist.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the embedded service where it is the coordinator and does not run: no base URL is set,
    /// and it was set up.
    #[must_use]
    pub fn at_rest(env: &Environment, settings: &ConductorSection) -> Option<Self> {
        let set = settings.base_url.is_some() || URLS.iter().any(|name| env.get(name).is_some());
        let embedded = Self::at(settings.embedded.as_ref().filter(|_| !set)?);
        (embedded.exists() && matches!(embedded.url(), Ok(None))).then_some(embedded)
    }

    /// Says whether the embedded service was set up here.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.dir.is_dir()
    }

    /// Returns the base URL of the running service; `None` where none runs.
    ///
    /// # Errors
    /// When the port file is no port file, or one that somebody else could have written.
    pub fn url(&self) -> Result<Option<String>, EmbeddedError> {
        let path = self.dir.join("port");
        let Some(text) = self.read(&path)? else { return Ok(None) };
        let invalid = |reason: &str| Err(unusable(&path, reason));
        let Ok(file) = serde_json::from_slice::<PortFile>(&text) else {
            return invalid("it is not a port file");
        };
        if file.port == 0 || file.url != format!("http://127.0.0.1:{}", file.port) {
            return invalid("its URL is not that of its port on 127.0.0.1");
        }
        // Both: a file that a crash left behind may name a process number that is in use again, and a
        // service that is starting holds the lock before it writes the file anew.
        let runs = is_alive(file.pid) && self.is_locked()?;
        Ok(runs.then_some(file.url))
    }

    /// Returns the token that agents send.
    ///
    /// # Errors
    /// When it is not there, or somebody else could have written it.
    pub fn agent_token(&self) -> Result<String, EmbeddedError> {
        self.token("agent.token")
    }

    /// Returns the token with which a person acks, closes and raises.
    ///
    /// # Errors
    /// When it is not there, or somebody else could have written it.
    pub fn operator_token(&self) -> Result<String, EmbeddedError> {
        self.token("operator.token")
    }

    /// Returns the command that starts the service and ends when it answers: `rig-conductor up`, from
    /// beside this program, with nothing of this process's environment. `None` where the service was
    /// never set up, this is not a home's own state directory, or the program is not installed.
    #[must_use]
    pub fn up(&self) -> Option<Command> {
        // Found from the directory, since a repository's settings may set `HOME`.
        let home = self.dir.to_str()?.strip_suffix(STATE)?;
        let program = std::env::current_exe().ok()?.with_file_name("rig-conductor");
        if !self.exists() || !program.is_file() {
            return None;
        }
        let mut command = Command::new(program);
        command.arg("up").current_dir("/").env_clear();
        command.env("HOME", home.trim_end_matches('/')).env("PATH", SAFE_PATH).env("LANG", "C.UTF-8");
        if let Some(account) = account::current() {
            command.env("USER", account.login);
        }
        // The service outlives its starter, and would hold the starter's streams open.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Some(command)
    }

    fn token(&self, name: &str) -> Result<String, EmbeddedError> {
        let path = self.dir.join(name);
        let text = self.read(&path)?.ok_or_else(|| unusable(&path, "it is not there"))?;
        let token = str::from_utf8(&text).unwrap_or_default().trim();
        let plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if plain { Ok(token.to_owned()) } else { Err(unusable(&path, "it holds no token")) }
    }

    /// Reads a file that only this user can have written; `None` where there is none.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, EmbeddedError> {
        let text = match files::read_private(path, LIMIT) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(unusable(path, &error.to_string())),
        };
        let dir = fs::metadata(&self.dir).map_err(|error| unusable(&self.dir, &error.to_string()))?;
        if dir.uid() != geteuid().as_raw() {
            return Err(unusable(&self.dir, "it belongs to another user"));
        }
        if dir.mode() & 0o022 != 0 {
            let reason = format!("others may write to it (mode {:o})", dir.mode() & 0o777);
            return Err(unusable(&self.dir, &reason));
        }
        Ok(Some(text))
    }

    /// Says whether a process holds the lock, which the service does while it runs.
    fn is_locked(&self) -> Result<bool, EmbeddedError> {
        let path = self.dir.join("lock");
        let Ok(lock) = File::open(&path) else { return Ok(false) };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unusable(&path, &error.to_string())),
        }
    }
}

fn is_alive(pid: i32) -> bool {
    // A process of somebody else is alive as well.
    Pid::from_raw(pid).is_some_and(|pid| !matches!(test_kill_process(pid), Err(Errno::SRCH)))
}

fn unusable(path: &Path, reason: &str) -> EmbeddedError {
    EmbeddedError::Unusable { path: path.into(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
