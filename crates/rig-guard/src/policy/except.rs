//! The exceptions that a policy makes.

use super::extra::fits;
use super::file::ExceptionText;
use super::{Level, wildcard};
use crate::shell::{Call, absolute};
use crate::world::World;

/// A permission to do what a rule refuses.
#[derive(Debug)]
pub struct Exception {
    /// The rule.
    pub rule: String,
    /// Which policy it is from.
    pub level: Level,
    /// Why it is made.
    pub reason: String,
    /// The last day on which it counts, as `2026-12-31`.
    pub expires: Option<String>,
    argv: Vec<String>,
    /// An absolute path: everything that the command names is in it.
    path: Option<String>,
}

impl Exception {
    pub(super) fn new(level: Level, text: ExceptionText, resolve: impl Fn(&str) -> Option<String>) -> Self {
        let ExceptionText { rule, argv, path, reason, expires } = text;
        // A path that cannot be resolved is nowhere.
        let path = path.map(|path| resolve(&path).unwrap_or_else(|| "/nonexistent/".to_owned()));
        Self { rule, level, reason, expires, argv, path }
    }

    /// Returns the patterns as people would write them.
    #[must_use]
    pub fn pattern(&self) -> String {
        let path = self.path.iter().map(|path| format!("below {path}"));
        let argv = if self.argv.is_empty() { None } else { Some(self.argv.join(" ")) };
        argv.into_iter().chain(path).collect::<Vec<_>>().join(", ")
    }

    /// Says whether it counts on a day.
    #[must_use]
    pub fn is_over(&self, today: &str) -> bool {
        // Dates of this form sort as texts.
        self.expires.as_deref().is_some_and(|last| last < today)
    }

    /// Says whether a command is what it is about: all of its words are matched, and the last pattern
    /// `**` stands for any further ones. What is not known is matched by nothing.
    pub(super) fn permits(&self, call: &Call<'_>, world: &dyn World) -> bool {
        if call.words.iter().any(|word| word.known().is_none()) {
            return false;
        }
        self.command(call) && self.path.as_deref().is_none_or(|dir| only_in(dir, call, world))
    }

    /// Says whether a write to a file is what it is about.
    pub(super) fn permits_file(&self, path: &str) -> bool {
        self.argv.is_empty() && self.path.as_deref().is_some_and(|dir| wildcard::covers(dir, path))
    }

    fn command(&self, call: &Call<'_>) -> bool {
        let Some((program, mut args)) = self.argv.split_first() else { return true };
        let open = args.last().is_some_and(|last| last == "**");
        if open {
            args = &args[..args.len() - 1];
        }
        let own = call.args();
        call.name().is_some_and(|name| wildcard::matches(program, name))
            && (own.len() == args.len() || open && own.len() > args.len())
            && args.iter().zip(own).all(|(pattern, word)| fits(pattern, word))
    }
}

/// Says whether a command names paths, and all that it names are in a directory.
fn only_in(dir: &str, call: &Call<'_>, world: &dyn World) -> bool {
    // Their first operand says what to do.
    let skip = usize::from(matches!(call.name(), Some("chmod" | "chown" | "chgrp")));
    let operands = call.args().iter().filter(|word| !word.text.starts_with('-')).skip(skip);
    let mut named = 0;
    for word in operands {
        named += 1;
        // By its name, and by where a link leads.
        let covered = |path: String| {
            wildcard::covers(dir, &path) && wildcard::covers(&world.real(dir), &world.real(&path))
        };
        let inside = word.marks.is_empty() && absolute(call.cwd, &word.text).is_some_and(covered);
        if !inside {
            return false;
        }
    }
    named > 0
}
