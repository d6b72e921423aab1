//! The rules, one in one place each.
//!
//! A rule names what it refuses, why, and what to do instead, looks at one command at a time, and
//! carries its own examples, which are tests and the documentation's table.

mod chmod;
mod git;
mod kubectl;
mod off;
mod options;
pub(crate) mod own;
mod paths;
pub(crate) mod pattern;
mod rm;
mod sql;
mod targets;

use crate::shell::Call;
use crate::world::World;

/// A reason to refuse a command.
pub struct Rule {
    /// The name by which it is known.
    pub id: &'static str,
    /// What is refused, as a sentence without a full stop.
    pub what: &'static str,
    /// Why it is refused, likewise.
    pub why: &'static str,
    /// What to do instead, likewise; commands in it are allowed.
    pub instead: &'static str,
    /// The programs that it looks at.
    pub programs: &'static [&'static str],
    /// It also looks at a command whose program is not known.
    pub unknown_program: bool,
    /// It also looks at every command whose output goes to a file.
    pub redirections: bool,
    /// Looks at a command.
    pub judge: fn(&Call<'_>, &dyn World) -> Option<Finding>,
    /// Says whether code that could not be walked through may be what this rule refuses, by the
    /// words in it.
    pub suspects: fn(&[&str]) -> bool,
    /// Commands that it refuses.
    pub denies: &'static [&'static str],
    /// Commands that it lets through.
    pub allows: &'static [&'static str],
}

/// What a rule found in a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What is special about this case, as a sentence without a full stop; may be empty.
    pub detail: String,
}

impl Finding {
    fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into() }
    }
}

/// Every rule, in the order in which they are asked.
pub static RULES: [&Rule; 9] = [
    &git::PUSH_FORCE,
    &git::RESET_HARD,
    &rm::RM_ROOT,
    &kubectl::DELETE_NAMESPACE,
    &sql::DROP,
    &chmod::WORLD_WRITABLE,
    &own::SETTINGS,
    &own::FILES,
    &off::OFF,
];

/// The rule about Claude's settings, which also judges edits and changes on the disk.
pub(crate) const SETTINGS_ID: &str = own::SETTINGS.id;

/// Returns the first rule that refuses a command, and what it found.
pub fn judge(call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
    let name = call.name();
    RULES.iter().find_map(|rule| {
        let concerned = match name {
            Some(name) => rule.programs.contains(&name),
            None => rule.unknown_program && call.words.first().is_some_and(crate::shell::Word::is_unknown),
        } || rule.redirections && !call.writes.is_empty();
        if concerned { (rule.judge)(call, world).map(|finding| (*rule, finding)) } else { None }
    })
}
