//! The service of one user on this machine: started when somebody needs it, gone when nobody does.
//!
//! Everything lies in one directory, `~/.local/state/rig/conductor`, which is the user's alone. Who holds
//! the lock there is the running service; the port file says where it listens. The environment decides
//! nothing but where the home is, for it may come from a repository; settings come from the user's own
//! file.

mod process;
mod secret;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::settings::{Environment, Role, Secret, Token};

pub use process::{Down, down, running, up};

/// The name of the lock; who holds it is the running service.
const LOCK: &str = "lock";

/// Why the embedded service could not be started, asked or ended.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// There is no home directory.
    #[error("HOME is not set to an absolute path, and the account has no home")]
    NoHome,
    /// Something could not be done with a file.
    #[error("failed to {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// A file or directory that others could read or write.
    #[error("{} is not used: {reason}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process serves here.
    #[error("it runs already")]
    Runs,
    /// The service that was started ended again; what it said.
    #[error("the service did not start: {0}")]
    Start(String),
    /// The service did not do in time what was waited for.
    #[error("the service did not {what} within {} s", limit.as_secs())]
    Slow {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
}

/// The result of something that concerns the embedded service.
pub type Result<T> = std::result::Result<T, EmbeddedError>;

/// Where the running service is, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Its process.
    pub pid: i32,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its base URL.
    pub url: String,
    /// Since when it runs, ISO 8601 in UTC.
    pub started_at: String,
    /// Its version.
    pub version: String,
}

/// The directory of the embedded service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    home: PathBuf,
    path: PathBuf,
}

/// The right to be the service of a directory, until it is dropped.
#[derive(Debug)]
pub struct Held {
    dir: Dir,
    lock: File,
}

impl Dir {
    /// Finds the directory below the home of the environment, else of the account.
    ///
    /// # Errors
    /// When there is no home.
    pub fn find(environment: &Environment) -> Result<Self> {
        let home = environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let home = home.or_else(|| Account::current().map(|account| account.home));
        home.map(|home| Self::below(&home)).ok_or(EmbeddedError::NoHome)
    }

    /// Names the directory below a home.
    #[must_use]
    pub fn below(home: &Path) -> Self {
        Self { home: home.to_owned(), path: home.join(".local/state/rig/conductor") }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the user's file of settings.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.home.join(".config/rig/conductor.json")
    }

    /// Refuses a file of settings that somebody else could have written.
    ///
    /// # Errors
    /// When it is one; that there is none is well.
    pub fn check_settings(&self) -> Result<()> {
        let path = self.settings();
        fs::metadata(&path).map_or(Ok(()), |found| secret::check(&path, &found, 0o022))
    }

    /// Returns the file of the log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("conductor.log")
    }

    /// Makes the directory where it is missing, for this user alone.
    ///
    /// # Errors
    /// When it cannot be made, or others may write to it.
    pub fn make(&self) -> Result<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|source| failed("make", &self.path, source))?;
        let found = fs::metadata(&self.path).map_err(|source| failed("look at", &self.path, source))?;
        secret::check(&self.path, &found, 0o022)
    }

    /// Takes the right to be the service.
    ///
    /// # Errors
    /// [`EmbeddedError::Runs`] when another process has it.
    pub fn hold(&self) -> Result<Held> {
        self.make()?;
        let path = self.path.join(LOCK);
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = open.map_err(|source| failed("open", &path, source))?;
        let error = |source| failed("lock", &path, source);
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(error(source)),
            }
            // Who only looks whether somebody holds it, shares it for a moment.
            match lock.try_lock_shared() {
                Ok(()) => lock.unlock().map_err(error)?,
                Err(TryLockError::WouldBlock) => return Err(EmbeddedError::Runs),
                Err(TryLockError::Error(source)) => return Err(error(source)),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let held = Held { dir: self.clone(), lock };
        // What a crash left behind names a process that may be somebody else by now.
        held.withdraw();
        Ok(held)
    }

    /// Says whether a process has the right to be the service.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_held(&self) -> Result<bool> {
        let path = self.path.join(LOCK);
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(failed("open", &path, source)),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path, source)),
        }
    }

    /// Returns where the running service is; `None` where none runs, or it does not listen yet.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn port(&self) -> Result<Option<Port>> {
        if !self.is_held()? {
            return Ok(None);
        }
        let text = fs::read(self.path.join("port")).unwrap_or_default();
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Returns the token that agents send, if there is one.
    #[must_use]
    pub fn agent_token(&self) -> Option<String> {
        let text = fs::read_to_string(self.path.join("agent.token")).ok()?;
        Some(text.trim().to_owned()).filter(|token| !token.is_empty())
    }
}

impl Held {
    /// Returns the tokens of agents and of the person, and makes those that are missing.
    ///
    /// # Errors
    /// When they cannot be made, or others may read them.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        let token = |file: &str, name: String, role| {
            let secret = Secret(secret::read_or_make(&self.dir.path.join(file))?);
            Ok(Token { name, secret, role })
        };
        let agent = Role::Agent { bound_to: None };
        let login =
            Account::current().map_or_else(|| geteuid().as_raw().to_string(), |account| account.login);
        let person = rig_wire::AgentId::human(&login).map_or_else(|| "human".to_owned(), |id| id.to_string());
        Ok(vec![
            token("agent.token", "pool".to_owned(), agent)?,
            token("operator.token", person, Role::Operator)?,
        ])
    }

    /// Says where the service listens.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, port: u16) -> Result<Port> {
        let now = jiff::Timestamp::now();
        let port = Port {
            pid: std::process::id().cast_signed(),
            port,
            url: format!("http://127.0.0.1:{port}"),
            started_at: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut text = serde_json::to_string(&port).expect("a port file has only string keys");
        text.push('\n');
        write_whole(&self.dir.path.join("port"), text.as_bytes())?;
        Ok(port)
    }

    /// Says that the service is nowhere: nobody is to find it any more.
    pub fn withdraw(&self) {
        // What is not there need not go.
        let _ = fs::remove_file(self.dir.path.join("port"));
    }

    /// Says whether the directory still is the one that this lock is in.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let path = self.dir.path.join(LOCK);
        let same =
            |own: &fs::Metadata, found: &fs::Metadata| (own.dev(), own.ino()) == (found.dev(), found.ino());
        matches!((self.lock.metadata(), fs::metadata(path)), (Ok(own), Ok(found)) if same(&own, &found))
    }
}

/// Writes a file for this user alone, in one step: whoever reads it meets all of it or nothing.
fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let write = || {
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        failed("write", path, source)
    })
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> EmbeddedError {
    EmbeddedError::File { doing, path: path.to_owned(), source }
}

/// The account that the process runs as, as the system lists it.
struct Account {
    login: String,
    home: PathBuf,
}

impl Account {
    fn current() -> Option<Self> {
        Self::find(&fs::read_to_string("/etc/passwd").ok()?, geteuid().as_raw())
    }

    fn find(list: &str, uid: u32) -> Option<Self> {
        list.lines().find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let [login, _, id, _, _, home, ..] = fields[..] else { return None };
            let found = id.parse() == Ok(uid) && !login.is_empty();
            (found && home.starts_with('/')).then(|| Self { login: login.to_owned(), home: home.into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_the_directory_and_the_other_is_told() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::below(home.path());
        assert!(!dir.is_held().unwrap());
        let held = dir.hold().unwrap();
        assert!(dir.is_held().unwrap() && held.is_there());
        assert!(matches!(dir.hold(), Err(EmbeddedError::Runs)));
        assert!(dir.is_held().unwrap(), "whoever was refused takes nothing away");
        assert_eq!(dir.port().unwrap(), None);
        let port = held.announce(4242).unwrap();
        assert_eq!(dir.port().unwrap(), Some(port.clone()));
        assert_eq!(port.url, "http://127.0.0.1:4242");
        drop(held);
        assert_eq!(dir.port().unwrap(), None, "who does not run is nowhere, whatever the file says");
        drop(dir.hold().unwrap());
        assert!(!dir.path().join("port").exists(), "a new service does not stand by an old word");
    }

    #[test]
    fn a_directory_that_is_gone_is_noticed_by_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::below(home.path());
        let held = dir.hold().unwrap();
        fs::remove_dir_all(dir.path()).unwrap();
        assert!(!held.is_there());
        let _other = dir.hold().unwrap();
        assert!(!held.is_there());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::below(home.path());
        dir.make().unwrap();
        assert_eq!(fs::metadata(dir.path()).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = dir.hold().unwrap_err().to_string();
        assert_eq!(error, format!("{} is not used: others may write to it (mode 777)", dir.path().display()));
    }

    #[test]
    fn an_account_is_found_by_its_number() {
        let list = "root:x:0:0:root:/root:/bin/bash\n# odd\nstig:x:1000:1000:Stig,,,:/home/stig:/bin/sh\n";
        let found = |uid| Account::find(list, uid).map(|account| (account.login, account.home));
        assert_eq!(found(1000), Some(("stig".to_owned(), PathBuf::from("/home/stig"))));
        assert_eq!(found(7), None);
    }
}
