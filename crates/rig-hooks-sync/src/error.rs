//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

use rig_core::config::ConfigError;
use rig_core::settings::json::SyntaxError;
use rig_core::settings::{Problem, RecordError, Scope};

/// Why a text cannot be edited.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The text is no strict JSON.
    #[error("not JSON, {0}")]
    Syntax(SyntaxError),
    /// A key holds something of another type.
    #[error("{key} is {is}, not {wanted}")]
    Type {
        /// The key, as it is called in the message.
        key: String,
        /// What it is.
        is: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A key stands twice in one object.
    #[error("the key `{key}` is there twice")]
    Twice {
        /// The key with the keys around it.
        key: String,
    },
    /// The text is not UTF-8.
    #[error("not UTF-8 text")]
    Encoding,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// A file or directory could not be read, written, made or removed.
    #[error("failed to {what} {}", path.display())]
    Io {
        /// The operation.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A settings file cannot be edited.
    #[error("cannot edit {}: {mistake}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        mistake: Mistake,
    },
    /// The client would not take the file.
    #[error("{}: {problem}", path.display())]
    Ignored {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A base or an override cannot be used.
    #[error("cannot use {}: {what}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is no such override.
    #[error("no role `{role}`; {known}")]
    UnknownRole {
        /// The role.
        role: String,
        /// The roles that there are, as a sentence.
        known: String,
    },
    /// A program is not where the entries say.
    #[error("no program {} that can be run", path.display())]
    NoProgram {
        /// The program.
        path: PathBuf,
    },
    /// A program lies where other users or machines do not have it.
    #[error("{scope} settings cannot name {}, which is not a system-wide path", path.display())]
    NotSystemWide {
        /// The scope.
        scope: Scope,
        /// The program or its directory.
        path: PathBuf,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Usage(String),
    /// A place that depends on the home directory, without one.
    #[error("no home directory is known")]
    NoHome,
    /// The records cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file that was written is not what was to be written.
    #[error("{} does not hold what was written to it", path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
    },
}

impl SyncError {
    /// Returns a function that turns an IO error into one that names what failed.
    pub(crate) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// Returns what to do next, where that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Settings { .. } => "mend the file by hand and sync again; nothing was changed",
            Self::Ignored { .. } => {
                "hooks in it would not run; mend the file and sync again, nothing was changed"
            }
            Self::NoProgram { .. } => {
                "an entry without its program blocks every call; install the programs, or name their directory with --bin"
            }
            Self::NotSystemWide { .. } => {
                "install with `./install.sh --system`, then name the directory with --bin /usr/local/bin"
            }
            Self::Record(_) => "remove the damaged record and sync again",
            Self::NoHome => "set HOME to an absolute path",
            _ => return None,
        })
    }
}
