//! Claude Code's settings files, as the client reads them, and what must be in force in them.
//!
//! hooks-sync writes entries into settings files and leaves one [`Record`] per file. The guard,
//! prime and `rig-hooks-sync --check` ask whether all of that still runs:
//!
//! ```no_run
//! # use rig_core::{env::Environment, paths::Paths, settings};
//! # let (env, cwd) = (Environment::process(), std::path::Path::new("/"));
//! let paths = Paths::of_user(&env);
//! let records = settings::all_records(&paths)?;
//! let files = settings::Session::of(&env, &paths, cwd).files(&records);
//! // To judge a document before it is written, answer it here in place of the file's bytes.
//! let losses = settings::losses(&records, &files, settings::read);
//! # Ok::<(), settings::RecordError>(())
//! ```
//!
//! An empty list means that every recorded entry is in force. Where nothing is recorded there is
//! nothing to lose: whoever needs to know asks whether `records` is empty, or puts [`standing`] in
//! the place of records, which takes what stands in the files for what must be in force.
//!
//! This module reads. The files are edited by hooks-sync alone.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod fields;
pub mod json;
mod load;
mod own;
mod session;

pub use load::{EVENTS, Effect, Loaded, Problem, load};
pub use own::{PROGRAMS, own_entries, standing};
pub use session::{MANAGED_DIR, Session, SettingsFile, losses};

use crate::paths::Paths;

/// The version of [`Record`] that this build writes. It reads older ones and refuses newer ones.
pub const RECORD_VERSION: u32 = 1;

/// Whose settings a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The machine's, which only root writes.
    Managed,
    /// The user's own.
    User,
    /// A project's, which is committed.
    Project,
    /// One person's, for one project.
    Local,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Managed => "managed",
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        })
    }
}

/// One hook: when it runs, and what runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The event, such as `PreToolUse`.
    pub event: String,
    /// The matcher as written; none, the empty text and `*` all match everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// The hook object: `type`, `command`, `args`, `timeout`, `onFailure` and so on.
    pub hook: Value,
}

impl Entry {
    /// Returns the program that the hook starts, where it is given as a path.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.hook.get("command")?.as_str().map(Path::new).filter(|p| p.is_absolute())
    }

    /// Returns the program's name, such as `rig-guard`.
    #[must_use]
    pub fn program_name(&self) -> Option<&str> {
        self.program()?.file_name()?.to_str()
    }

    /// Says whether two entries mean the same to the client.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        fn matcher(entry: &Entry) -> &str {
            entry.matcher.as_deref().filter(|m| *m != "*").unwrap_or("")
        }
        self.event == other.event && matcher(self) == matcher(other) && same(&self.hook, &other.hook)
    }
}

/// Says whether two values are equal for JavaScript, to which 5 and 5.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// What hooks-sync wrote into one settings file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`RECORD_VERSION`] of the build that wrote it.
    pub version: u32,
    /// The settings file, as the client names it (a symbolic link stays one).
    pub target: PathBuf,
    /// Whose settings they are.
    pub scope: Scope,
    /// The override that was applied, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The directory of the programs.
    pub bin: PathBuf,
    /// The entries that must be in force.
    pub entries: Vec<Entry>,
    /// The entries of a write that is under way: while it is, either list will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Vec<Entry>>,
    /// The variables of `env` that hooks-sync set, and their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What `--remove` needs.
    pub undo: Undo,
}

/// What it takes to give a settings file its former bytes back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The file's text without our entries; none where there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The SHA-256 of the bytes that we wrote, in hexadecimal, and during a write that of the bytes
    /// before it. While the file has one of them, `before` is exact; afterwards only our own
    /// entries are taken out.
    #[serde(default)]
    pub written: Vec<String>,
    /// The keys of the file that we added for lack of them: `hooks`, `env`, `hooks/Stop`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<String>,
    /// The directories that we made, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<PathBuf>,
}

/// Why the records do not tell what must be in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The directory of the records cannot be listed.
    #[error("failed to list the records in {}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be read.
    #[error("failed to read the record {}", path.display())]
    Read {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record is damaged.
    #[error("the record {} is not valid", path.display())]
    Parse {
        /// The record.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A newer build wrote the record.
    #[error("the record {} has version {version}, and this build reads up to {RECORD_VERSION}", path.display())]
    Newer {
        /// The record.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// The largest settings file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Reads a settings file; `None` where there is none. A repository may hold a link to a device in
/// its place, so only regular files of up to 4 MiB are read.
#[must_use]
pub fn read(path: &Path) -> Option<Vec<u8>> {
    crate::files::read(path, LARGEST).ok()
}

/// Reads the records of the machine and of the user.
///
/// # Errors
/// As [`read_records`].
pub fn all_records(paths: &Paths) -> Result<Vec<Record>, RecordError> {
    let mut records = read_records(paths.system_records())?;
    if let Some(dir) = paths.records() {
        records.extend(read_records(&dir)?);
    }
    Ok(records)
}

/// Reads every record (`*.json`) of a directory, in the order of their names. No directory means
/// no records; keys that this build does not know are ignored.
///
/// # Errors
/// When a record exists and cannot be read: what must be in force is then unknown.
pub fn read_records(dir: &Path) -> Result<Vec<Record>, RecordError> {
    let list = |source| RecordError::List { path: dir.to_owned(), source };
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(list(error)),
    };
    let mut files = Vec::new();
    for file in listing {
        let path = file.map_err(list)?.path();
        if path.extension().is_some_and(|e| e == "json") {
            files.push(path);
        }
    }
    files.sort();
    files.iter().filter_map(|path| read_record(path).transpose()).collect()
}

/// Reads one record; none where the file does not exist.
///
/// # Errors
/// When the record exists and cannot be read.
pub fn read_record(path: &Path) -> Result<Option<Record>, RecordError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RecordError::Read { path: path.to_owned(), source }),
    };
    let parse = |source| RecordError::Parse { path: path.to_owned(), source };
    let Version { version } = serde_json::from_slice(&bytes).map_err(parse)?;
    if version > RECORD_VERSION {
        return Err(RecordError::Newer { path: path.to_owned(), version });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(parse)
}

#[cfg(test)]
mod tests;
