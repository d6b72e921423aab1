//! The one kind of error that a task ends with: a message for the person who ran it.

use std::fmt;

/// A message that names the operation and the path; a hint stands on a line of its own.
#[derive(Debug)]
pub(crate) struct Error(String);

/// What a task returns.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Returns an error with a message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self(format!("{}\nhint: {hint}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done when an error came up.
pub(crate) trait Doing<T> {
    /// Puts `failed to OPERATION: ` before the error.
    fn doing(self, operation: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, operation: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error(format!("failed to {}: {error}", operation())))
    }
}
