//! The rules, one in one place each.
//!
//! A rule names what it refuses, why, and what to do instead, looks at one command at a time, and
//! carries its own examples, which are tests and the documentation's table.

mod args;
pub(crate) mod before;
mod cmdlets;
pub(crate) mod db;
mod files;
pub(crate) mod fs;
mod git;
mod http;
pub(crate) mod k8s;
pub(crate) mod links;
pub(crate) mod off;
mod options;
pub(crate) mod own;
pub(crate) mod packs;
mod paths;
pub(crate) mod pattern;
pub(crate) mod settings;
mod targets;
pub(crate) mod unreadable;

pub(crate) use git::{Orphan, Steps, listed_branches};

use crate::index::{Entries, Index};
pub use crate::policy::Pack;
use crate::policy::Policy;
use crate::shell::{Call, Word};
use crate::world::World;

/// A reason to refuse a command.
pub struct Rule {
    /// The name by which it is known.
    pub id: &'static str,
    /// What it refuses cannot be brought back: it is asked even where little is known of how a
    /// command comes about.
    pub critical: bool,
    /// The pack that it belongs to.
    pub pack: Pack,
    /// What is refused, as a sentence without a full stop.
    pub what: &'static str,
    /// Why it is refused, likewise.
    pub why: &'static str,
    /// What to do instead, likewise; commands in it are allowed.
    pub instead: &'static str,
    /// Where the knowledge comes from: the manual of the program, for one.
    pub source: &'static str,
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

impl Rule {
    /// Returns its category: the first part of its name. Refusals of one category are counted together.
    #[must_use]
    pub fn category(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }

    /// Returns how much it would cost to let through what it refuses.
    #[must_use]
    pub fn severity(&self) -> &'static str {
        if self.critical { "critical" } else { "high" }
    }
}

/// What a rule found in a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What is special about this case, as a sentence without a full stop; may be empty.
    pub detail: String,
    /// The earlier commands that it takes as well, by their numbers from 1.
    pub with: Vec<usize>,
}

impl Finding {
    fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), with: Vec::new() }
    }

    fn with(mut self, earlier: impl IntoIterator<Item = usize>) -> Self {
        self.with = earlier.into_iter().collect();
        self.with.sort_unstable();
        self.with.dedup();
        self
    }
}

/// The rules in groups, in the order in which they are asked.
#[rustfmt::skip]
static GROUPS: &[&[&Rule]] = &[
    git::RULES,
    fs::RULES,
    k8s::RULES,
    db::RULES,
    own::RULES,
    cmdlets::RULES,
    unreadable::RULES,
    packs::CLOUD,
    packs::CONTAINERS,
    packs::PACKAGES,
    packs::SECRETS,
    packs::IDENTITY,
    packs::STRICT,
    // Behind what says more about a command that ends everything.
    off::RULES,
];

/// Returns every rule, in the order in which they are asked.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    TABLE.rules.iter().copied()
}

/// How many rules there are.
const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

/// Every rule, and which of them look at what.
struct Table {
    rules: [&'static Rule; COUNT],
    /// By the names of programs.
    programs: Index<1024>,
    /// Those that look at a command whose program is not known.
    unknown: Entries,
    /// Those that look at every command whose output goes to a file.
    redirections: Entries,
    critical: Entries,
}

static TABLE: Table = table();

const fn table() -> Table {
    let mut table = Table {
        rules: [GROUPS[0][0]; COUNT],
        programs: Index::new(),
        unknown: Entries::NONE,
        redirections: Entries::NONE,
        critical: Entries::NONE,
    };
    let (mut n, mut group, mut at) = (0, 0, 0);
    while n < COUNT {
        if at == GROUPS[group].len() {
            (group, at) = (group + 1, 0);
            continue;
        }
        let rule = GROUPS[group][at];
        table.rules[n] = rule;
        let mut program = 0;
        while program < rule.programs.len() {
            table.programs.add(rule.programs[program].as_bytes(), n);
            program += 1;
        }
        if rule.unknown_program {
            table.unknown = table.unknown.with(n);
        }
        if rule.redirections {
            table.redirections = table.redirections.with(n);
        }
        if rule.critical {
            table.critical = table.critical.with(n);
        }
        (n, at) = (n + 1, at + 1);
    }
    table
}

/// Says whether a program is one that critical rules look at which are on.
pub(crate) fn is_critical(program: &str, policy: &Policy) -> bool {
    // Most words that are asked about are options.
    let entries = if program.starts_with('-') { Entries::NONE } else { TABLE.programs.of(program) };
    let mut rules = entries.and(TABLE.critical).iter().map(|n| TABLE.rules[n]);
    rules.any(|rule| rule.programs.contains(&program) && policy.has(rule.pack))
}

/// Says whether a program is one that rules look at.
pub(crate) fn know(program: &str) -> bool {
    TABLE.programs.of(program).iter().any(|n| TABLE.rules[n].programs.contains(&program))
}

/// Returns the first rule that refuses a command, and what it found.
pub fn judge(call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
    judge_after(&before::Before::default(), call, world)
}

/// The same for a command behind others, which may lift what a rule says about it alone.
pub(crate) fn judge_after(
    before: &before::Before,
    call: &Call<'_>,
    world: &dyn World,
) -> Option<(&'static Rule, Finding)> {
    let (name, writes) = (call.name(), call.writes().next().is_some());
    let mut entries = name.map_or(TABLE.unknown, |name| TABLE.programs.of(name));
    if writes {
        entries = entries.or(TABLE.redirections);
    }
    if call.context.critical {
        entries = entries.and(TABLE.critical);
    }
    let unknown = name.is_none() && call.words.first().is_some_and(Word::is_unknown);
    let rules = entries.iter().map(|n| TABLE.rules[n]);
    // Rules that follow one another may be about the same programs, which are many.
    let mut asked: Option<(&[&str], bool)> = None;
    let mut is_among = |programs: &'static [&'static str]| match asked {
        Some((same, is)) if std::ptr::eq(same, programs) => is,
        _ => {
            let is = name.is_some_and(|name| programs.iter().any(|own| is_same(own, name)));
            asked = Some((programs, is));
            is
        }
    };
    let rules = rules.filter(|rule| {
        world.policy().has(rule.pack) && (looks(rule, unknown, writes) || is_among(rule.programs))
    });
    let mut found = rules.filter_map(|rule| Some((rule, (rule.judge)(call, world)?)));
    found.find(|(rule, _)| !world.policy().excepts(rule, call, world) && !before.lifts(rule, call, world))
}

/// Says whether a rule looks at a command at all.
pub fn concerns(rule: &Rule, call: &Call<'_>) -> bool {
    let (name, writes) = (call.name(), call.writes().next().is_some());
    let unknown = name.is_none() && call.words.first().is_some_and(Word::is_unknown);
    let named = || name.is_some_and(|name| rule.programs.contains(&name));
    (looks(rule, unknown, writes) || named()) && (rule.critical || !call.context.critical)
}

/// Says whether a rule looks at a command whatever its program is.
fn looks(rule: &Rule, unknown: bool, writes: bool) -> bool {
    unknown && rule.unknown_program || writes && rule.redirections
}

/// Compares two names. Most differ in their length or in the first byte, which is told without a call.
fn is_same(own: &str, name: &str) -> bool {
    own.len() == name.len() && own.as_bytes().first() == name.as_bytes().first() && own == name
}
