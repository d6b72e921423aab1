//! Which hooks of a settings file are ours.

use std::collections::BTreeSet;

use rig_core::settings::json::{Member, Node};
use rig_core::settings::{Entry, Record};
use serde_json::Value;

use crate::error::Mistake;
use crate::merge::Wanted;

/// The programs that the rig's entries start.
const PROGRAMS: [&str; 5] = ["rig-guard", "rig-prime", "rig-report", "rig-escalate", "rig-hooks-sync"];

/// A hook in the file that is ours.
pub(crate) struct Our<'a> {
    /// The matcher with its hooks.
    pub(crate) group: &'a Node,
    /// The hook itself.
    pub(crate) hook: &'a Node,
    /// What it says.
    pub(crate) entry: Entry,
}

/// The hooks in the file that are ours.
pub(crate) struct Ours<'a>(pub(crate) Vec<Our<'a>>);

impl<'a> Ours<'a> {
    /// Finds what the record lists; with the record lost, what looks as only sync writes it.
    ///
    /// # Errors
    /// When an event that something is wanted under holds no list.
    pub(crate) fn find(
        text: &str,
        hooks: Option<&'a Node>,
        wanted: Wanted<'_>,
        record: Option<&Record>,
    ) -> Result<Self, Mistake> {
        let mut all = Vec::new();
        for Member { key: event, value: groups, .. } in hooks.and_then(Node::members).unwrap_or_default() {
            let Some(groups) = groups.elements() else {
                // An event that nothing is wanted under may hold anything.
                if wanted.entries.iter().all(|entry| entry.event != *event) {
                    continue;
                }
                let key = format!("`hooks.{event}`");
                return Err(Mistake::Type { key, is: groups.name(), wanted: "a list" });
            };
            for group in groups {
                let matcher = group.get("matcher").and_then(Node::as_str).map(str::to_owned);
                for hook in group.get("hooks").and_then(Node::elements).unwrap_or_default() {
                    let value = hook.value(text);
                    let entry = Entry { event: event.clone(), matcher: matcher.clone(), hook: value };
                    all.push(Our { group, hook, entry });
                }
            }
        }
        let Some(record) = record else {
            all.retain(|our| is_our_shape(&our.entry));
            return Ok(Self(all));
        };
        let mut chosen = BTreeSet::new();
        // After a broken write the file has one list or the other.
        let mut unmatched: Vec<&Entry> = Vec::new();
        for list in [Some(&record.entries), record.next.as_ref()].into_iter().flatten() {
            let found: Vec<_> =
                list.iter().map(|e| (e, all.iter().position(|our| our.entry.same(e)))).collect();
            let missing: Vec<&Entry> = found.iter().filter(|(_, at)| at.is_none()).map(|(e, _)| *e).collect();
            if chosen.is_empty() || missing.is_empty() {
                unmatched = missing;
            }
            chosen.extend(found.into_iter().filter_map(|(_, at)| at));
        }
        // Whoever wrote them, a second copy of them would be of no use.
        let wanted = |our: &Our<'_>| wanted.entries.iter().any(|entry| entry.same(&our.entry));
        chosen.extend(all.iter().enumerate().filter(|(_, our)| wanted(our)).map(|(at, _)| at));
        // What somebody changed still looks like ours; what looks like ours beside it is not.
        for entry in unmatched {
            let mut similar = all.iter().enumerate().filter(|(at, our)| {
                kind(&our.entry) == kind(entry) && is_our_shape(&our.entry) && !chosen.contains(at)
            });
            let at = similar.next().map(|(at, _)| at);
            chosen.extend(at);
        }
        let mut at = 0;
        all.retain(|_| {
            at += 1;
            chosen.contains(&(at - 1))
        });
        Ok(Self(all))
    }

    fn has(&self, hook: &Node) -> bool {
        self.0.iter().any(|our| std::ptr::eq(our.hook, hook))
    }

    /// Says whether a group holds nothing but our hooks.
    pub(crate) fn all_of(&self, group: &Node) -> bool {
        let hooks = group.get("hooks").and_then(Node::elements).unwrap_or_default();
        !hooks.is_empty() && hooks.iter().all(|hook| self.has(hook))
    }
}

fn program(entry: &Entry) -> Option<&str> {
    entry.hook.get("command")?.as_str()?.rsplit('/').next()
}

/// Returns the event and the program's name, which a change of an entry leaves alone.
pub(crate) fn kind(entry: &Entry) -> (&str, Option<&str>) {
    (&entry.event, program(entry))
}

/// Says whether an entry looks as only sync writes them: one of our programs by its path, with
/// `hook` and at most the two places as arguments.
fn is_our_shape(entry: &Entry) -> bool {
    let Some(args) = entry.hook.get("args").and_then(Value::as_array) else { return false };
    let args: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
    entry.program_name().is_some_and(|name| PROGRAMS.contains(&name))
        && matches!(args[..], ["hook"] | ["hook", "--config", _, "--state", _])
}
