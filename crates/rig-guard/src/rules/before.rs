//! What the commands before say about one.
//!
//! Most rules look at one command alone. Some refuse what only several of them do together: those
//! remember what ran, and this is where they are asked. The other way round, what ran may make a command harmless.

use super::links::Links;
use super::packs::Seen;
use super::{Finding, Orphan, Rule, Steps, off};
use crate::shell::Call;
use crate::world::World;

/// What has been done so far.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// How many commands were looked at.
    count: usize,
    /// The number of the command that has found out which process a service of the rig is.
    service: Option<usize>,
    seen: Seen,
    steps: Steps,
    links: Links,
    orphan: Orphan,
}

impl Before {
    /// Looks at the next command, which no rule refuses by itself, and remembers it; says what it is
    /// together with those before. [`Finding::with`] has the numbers of those, counted from 1.
    pub(crate) fn follow(&mut self, call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
        self.count += 1;
        let seen = self.seen.judge(call, world);
        // It has to see every command, whatever the others find.
        let steps = self.steps.follow(self.count, call, world);
        let found = seen.or(steps).or_else(|| self.links.judge(call, world)).or_else(|| self.killed(call));
        self.seen.note(self.count, call, world);
        self.links.note(self.count, call);
        self.orphan.follow(call, world);
        if !call.context.critical && off::finds_service(call) {
            self.service = Some(self.count);
        }
        found
    }

    /// Says whether it lifts what a rule says about a command alone.
    pub(crate) fn lifts(&self, rule: &Rule, call: &Call<'_>, world: &dyn World) -> bool {
        self.orphan.lifts(rule, call, world)
    }

    fn killed(&self, call: &Call<'_>) -> Option<(&'static Rule, Finding)> {
        let number = self.service.filter(|_| off::kills_unknown(call))?;
        Some((&off::OFF, Finding::new(off::KILLED).with([number])))
    }
}
