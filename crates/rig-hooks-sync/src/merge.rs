//! What sync changes in a settings file: our entries and variables, and nothing else.
//!
//! Everything here is pure: a text and what is wanted go in, a text comes out. Taking our entries
//! out is the same operation with nothing wanted.

use std::collections::{BTreeMap, BTreeSet};

use rig_core::settings::json::{self, Kind, Member, Node};
use rig_core::settings::{EVENTS, Entry, Record};
use serde_json::Value;

use crate::edit::{Added, Edits, Fate, Json};
use crate::error::Mistake;
use crate::ours::{Ours, kind};

/// What should stand in a settings file.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The hooks.
    pub entries: &'a [Entry],
    /// The variables of `env`.
    pub env: &'a BTreeMap<String, String>,
}

/// What tells our own from everybody else's.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What an earlier sync wrote.
    pub record: Option<&'a Record>,
    /// The variables that a sync writes here: with the record lost, one with its value is ours.
    pub env: &'a BTreeMap<String, String>,
}

/// A settings file with what is wanted in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The whole text.
    pub text: String,
    /// The keys that are there because we added them: `env`, `hooks`, `hooks/Stop`.
    pub created: Vec<String>,
    /// The variables in `env` that are ours.
    pub env: BTreeMap<String, String>,
    /// The variables that have another value in the file, set by somebody else, which stays.
    pub foreign: Vec<String>,
}

/// Puts what is wanted into a settings file, in place of what an earlier sync put there.
///
/// Ours is what the record lists. Where the record is lost it is what starts one of our programs
/// with the arguments that only sync writes, and beside such an entry a variable that has the
/// value that a sync writes.
///
/// # Errors
/// When the text is no settings file that the client would take, or holds a key twice.
pub fn merge(text: &str, wanted: Wanted<'_>, known: Known<'_>) -> Result<Merged, Mistake> {
    let root = parse(text)?;
    let hooks = object(&root, "hooks")?;
    let env = object(&root, "env")?;
    let ours = Ours::find(text, hooks, wanted, known.record)?;
    let mut merger = Merger { text, edits: Edits::new(text, &root), ours, known, created: Vec::new() };

    let mut added = Vec::new();
    let (env_ours, foreign, env_fate) = merger.env(env, wanted.env, &mut added);
    let hooks_fate = merger.hooks(hooks, wanted.entries, &mut added);
    let fates: Vec<Fate> = root
        .members()
        .unwrap_or_default()
        .iter()
        .map(|member| match member.key.as_str() {
            "env" => env_fate.clone(),
            "hooks" => hooks_fate.clone(),
            _ => Fate::Keep,
        })
        .collect();
    merger.edits.children(&root, &fates, &added);
    merger.created.sort();
    Ok(Merged { text: merger.edits.apply(), created: merger.created, env: env_ours, foreign })
}

/// Parses a settings file that is to be edited.
fn parse(text: &str) -> Result<Node, Mistake> {
    let root = json::parse(text).map_err(Mistake::Syntax)?;
    if root.members().is_none() {
        return Err(Mistake::Type { key: "the file".into(), is: root.name(), wanted: "an object" });
    }
    unique(&root, "")?;
    Ok(root)
}

/// Refuses an object that holds a key twice: which of the two is meant, nobody can tell.
fn unique(node: &Node, path: &str) -> Result<(), Mistake> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.kind {
        Kind::Object(members) => {
            let mut keys = BTreeSet::new();
            members.iter().try_for_each(|member| {
                if !keys.insert(&member.key) {
                    return Err(Mistake::Twice { key: below(&member.key) });
                }
                unique(&member.value, &below(&member.key))
            })
        }
        Kind::Array(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(at, element)| unique(element, &format!("{path}[{at}]"))),
        _ => Ok(()),
    }
}

fn object<'a>(root: &'a Node, key: &str) -> Result<Option<&'a Node>, Mistake> {
    match root.get(key) {
        Some(node) if node.members().is_none() => {
            Err(Mistake::Type { key: format!("`{key}`"), is: node.name(), wanted: "an object" })
        }
        found => Ok(found),
    }
}

struct Merger<'a, 'k> {
    text: &'a str,
    edits: Edits<'a>,
    ours: Ours<'a>,
    known: Known<'k>,
    created: Vec<String>,
}

impl Merger<'_, '_> {
    /// Says whether a key of the file is there because we added it. With the record lost, one
    /// that holds nothing of anybody else's is.
    fn is_created(&self, key: &str, only_ours: bool) -> bool {
        match self.known.record {
            Some(record) => record.undo.created.iter().any(|created| created == key),
            None => only_ours,
        }
    }

    /// Settles a container: notes it where it is ours and stays, drops it where it is ours and
    /// nothing is left in it.
    fn settle(&mut self, key: &str, only_ours: bool, empty: bool) -> Fate {
        if !self.is_created(key, only_ours) {
            return Fate::Keep;
        }
        if empty {
            return Fate::Drop;
        }
        self.created.push(key.to_owned());
        Fate::Keep
    }

    fn env(
        &mut self,
        env: Option<&Node>,
        wanted: &BTreeMap<String, String>,
        root: &mut Vec<Added>,
    ) -> (BTreeMap<String, String>, Vec<String>, Fate) {
        let mut ours = BTreeMap::new();
        let mut foreign = Vec::new();
        let new = |ours: &mut BTreeMap<String, String>, have: &[Member]| -> Vec<Added> {
            let missing = wanted.iter().filter(|(key, _)| have.iter().all(|member| member.key != **key));
            missing
                .map(|(key, value)| {
                    ours.insert(key.clone(), value.clone());
                    Added { key: Some(key.clone()), value: Json::Scalar(value.as_str().into()) }
                })
                .collect()
        };
        let Some(env) = env else {
            let added = new(&mut ours, &[]);
            if !added.is_empty() {
                self.created.push("env".into());
                root.push(Added { key: Some("env".into()), value: members(added) });
            }
            return (ours, foreign, Fate::Keep);
        };
        let have = env.members().unwrap_or_default();
        let lost = self.known.record.is_none() && !self.ours.0.is_empty();
        let mut fates = Vec::new();
        for member in have {
            let value = member.value.as_str();
            let wanted = wanted.get(&member.key);
            let known = match self.known.record {
                Some(record) => record.env.get(&member.key),
                None => self.known.env.get(&member.key).filter(|_| lost),
            };
            let mine = value.is_some() && value == known.map(String::as_str);
            fates.push(match wanted {
                None if mine => Fate::Drop,
                Some(wanted) if mine => {
                    if value != Some(wanted) {
                        self.edits.replace(&member.value, &Json::Scalar(wanted.as_str().into()));
                    }
                    ours.insert(member.key.clone(), wanted.clone());
                    Fate::Keep
                }
                Some(wanted) if value != Some(wanted) => {
                    foreign.push(member.key.clone());
                    Fate::Keep
                }
                _ => Fate::Keep,
            });
        }
        let only_ours = !have.is_empty()
            && lost
            && have.iter().all(|m| {
                m.value.as_str().is_some()
                    && m.value.as_str() == self.known.env.get(&m.key).map(String::as_str)
            });
        let added = new(&mut ours, have);
        let empty = added.is_empty() && fates.iter().all(|fate| *fate == Fate::Drop);
        let fate = self.settle("env", only_ours, empty);
        if fate == Fate::Keep {
            self.edits.children(env, &fates, &added);
        }
        (ours, foreign, fate)
    }

    fn hooks(&mut self, hooks: Option<&Node>, wanted: &[Entry], root: &mut Vec<Added>) -> Fate {
        let mut unplaced: Vec<&Entry> = wanted.iter().collect();
        let events = hooks.and_then(Node::members).unwrap_or_default();
        let mut fates = Vec::new();
        let mut only_ours = !events.is_empty();
        for event in events {
            let (fate, ours) = self.event(event, &mut unplaced);
            fates.push(fate);
            only_ours &= ours;
        }
        let mut new: Vec<Added> = Vec::new();
        let mut names: Vec<&str> = unplaced.iter().map(|entry| entry.event.as_str()).collect();
        names.sort_by_key(|name| EVENTS.iter().position(|event| event == name));
        names.dedup();
        for name in names {
            let entries = unplaced.iter().filter(|entry| entry.event == name);
            new.push(Added {
                key: Some(name.into()),
                value: Json::List(entries.map(|e| group(e)).collect()),
            });
            self.created.push(format!("hooks/{name}"));
        }
        let Some(hooks) = hooks else {
            if !new.is_empty() {
                self.created.push("hooks".into());
                root.push(Added { key: Some("hooks".into()), value: members(new) });
            }
            return Fate::Keep;
        };
        let empty = new.is_empty() && fates.iter().all(|fate| *fate == Fate::Drop);
        let fate = self.settle("hooks", only_ours, empty);
        if fate == Fate::Keep {
            self.edits.children(hooks, &fates, &new);
        }
        fate
    }

    /// Brings one event up to date and takes its entries off the list. Says whether everything
    /// under it was ours.
    fn event(&mut self, event: &Member, unplaced: &mut Vec<&Entry>) -> (Fate, bool) {
        let Some(groups) = event.value.elements() else { return (Fate::Keep, false) };
        // Our hooks in this event, each with what is wanted in its place.
        let mut places: Vec<(&Node, &Node, Option<&Entry>)> = Vec::new();
        for our in self.ours.0.iter().filter(|our| our.entry.event == event.key) {
            let fits = |entry: &&Entry| kind(entry) == kind(&our.entry);
            let exact = unplaced.iter().position(|entry| entry.same(&our.entry));
            let at = exact.or_else(|| unplaced.iter().position(fits));
            places.push((our.group, our.hook, at.map(|at| unplaced.remove(at))));
        }
        let mut added: Vec<Added> = Vec::new();
        let mut fates = Vec::new();
        for outer in groups {
            let hooks = outer.get("hooks").and_then(Node::elements).unwrap_or_default();
            let alone = self.ours.all_of(outer) && hooks.len() == 1;
            let mut hook_fates = Vec::new();
            let mut group_fate = Fate::Keep;
            for hook in hooks {
                let place =
                    places.iter().find(|(group, h, _)| std::ptr::eq(*group, outer) && std::ptr::eq(*h, hook));
                let Some((_, _, entry)) = place else {
                    hook_fates.push(Fate::Keep);
                    continue;
                };
                let have = |entry: &Entry| Entry {
                    event: entry.event.clone(),
                    matcher: outer.get("matcher").and_then(Node::as_str).map(str::to_owned),
                    hook: hook.value(self.text),
                };
                hook_fates.push(match entry {
                    Some(entry) if have(entry).same(entry) => Fate::Keep,
                    Some(entry) if (Entry { hook: entry.hook.clone(), ..have(entry) }).same(entry) => {
                        self.edits.replace(hook, &hook_json(&entry.hook));
                        Fate::Keep
                    }
                    Some(entry) if alone => {
                        self.edits.replace(outer, &group(entry));
                        Fate::Keep
                    }
                    Some(entry) => {
                        added.push(Added { key: None, value: group(entry) });
                        Fate::Drop
                    }
                    None => Fate::Drop,
                });
            }
            if !hook_fates.is_empty() && hook_fates.iter().all(|fate| *fate == Fate::Drop) {
                group_fate = Fate::Drop;
            } else if hook_fates.contains(&Fate::Drop)
                && let Some(list) = outer.get("hooks")
            {
                self.edits.children(list, &hook_fates, &[]);
            }
            fates.push(group_fate);
        }
        unplaced.retain(|entry| {
            let here = entry.event == event.key;
            if here {
                added.push(Added { key: None, value: group(entry) });
            }
            !here
        });
        let only_ours = !groups.is_empty() && groups.iter().all(|group| self.ours.all_of(group));
        let empty = added.is_empty() && fates.iter().all(|fate| *fate == Fate::Drop);
        let fate = self.settle(&format!("hooks/{}", event.key), only_ours, empty);
        if fate == Fate::Keep {
            self.edits.children(&event.value, &fates, &added);
        }
        (fate, only_ours)
    }
}

fn members(added: Vec<Added>) -> Json {
    Json::Object(added.into_iter().filter_map(|child| Some((child.key?, child.value))).collect())
}

/// Returns a matcher with one hook.
fn group(entry: &Entry) -> Json {
    let hooks = ("hooks".to_owned(), Json::List(vec![hook_json(&entry.hook)]));
    let matcher = entry.matcher.as_ref();
    let matcher = matcher.map(|m| ("matcher".to_owned(), Json::Scalar(m.as_str().into())));
    Json::Object(matcher.into_iter().chain([hooks]).collect())
}

/// Returns a value with the keys of a hook in the order in which people write them.
fn hook_json(value: &Value) -> Json {
    const ORDER: [&str; 5] = ["type", "command", "args", "timeout", "onFailure"];
    match value {
        Value::Array(elements) => Json::List(elements.iter().map(hook_json).collect()),
        Value::Object(map) => {
            let mut members: Vec<(String, Json)> =
                map.iter().map(|(key, value)| (key.clone(), hook_json(value))).collect();
            let place = |key: &str| ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len());
            members.sort_by_key(|(key, _)| place(key));
            Json::Object(members)
        }
        other => Json::Scalar(other.clone()),
    }
}
