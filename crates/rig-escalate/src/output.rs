//! What is said, and how it ends.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A person sees it; of a subcommand: done.
    Done = 0,
    /// The coordinator refused.
    Refused = 1,
    /// Wrong usage.
    Usage = 2,
    /// It waits in the spool.
    Spooled = 3,
    /// No route is set up: it waits in the spool, and there is nobody to send it to; or the
    /// coordinator that accepted it has no way to a person.
    NoRoute = 4,
    /// Neither accepted nor kept; of a subcommand: the coordinator could not be reached.
    Lost = 5,
    /// Accepted, and no person is known to see it.
    Unconfirmed = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Trouble {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Tells it on stderr, as JSON where that is asked for.
    pub(crate) fn tell(&self, as_json: bool) -> Exit {
        if as_json {
            let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
            tell_error(&format!("{}{hint}", self.message));
        } else {
            say(&self.message);
            if let Some(hint) = &self.hint {
                say(hint);
            }
        }
        self.exit
    }
}

/// Tells a person something on stderr.
pub(crate) fn say(text: &str) {
    // There is nowhere left to say it.
    let _ = writeln!(io::stderr().lock(), "rig-escalate: {text}");
}

/// Tells a program of an error on stderr.
pub(crate) fn tell_error(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", json!({ "error": message }));
}

/// Writes the answer. It is also in the exit code, so that a closed stdout does not matter.
pub(crate) fn answer(text: &str) {
    let _ = print(text);
}

/// Writes to stdout.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
