//! What the commands walked through so far have done: variables, functions, directory, files.
//!
//! Everything lives in named slots, and a slot holds every value that it may have: a branch that
//! may or may not be taken leaves the values of both ways. A log of overwritten slots makes it
//! cheap to try something, take it back, and join the results.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::syntax::Command;
use super::word::Word;

/// The working directory.
pub(super) const DIRECTORY: &str = ":directory";
/// The positional parameters.
pub(super) const PARAMETERS: &str = "@";
/// What stands on the standard input.
pub(super) const INPUT: &str = "<";
/// What was written to the standard output, where that is wanted.
pub(super) const OUTPUT: &str = ">";

/// How many values of one slot are followed.
const MAX_ITEMS: usize = 12;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Known not to be set.
    Unset,
    /// Nothing is known: as the code found it, or anything.
    Open,
    /// A text.
    Text(Word),
    /// An indexed array.
    List(BTreeMap<i64, Word>),
    /// An associative array.
    Map(BTreeMap<String, Word>),
    /// Several words.
    Words(Vec<Word>),
    /// The contents of a file that nobody has read.
    Disk(Rc<str>),
    /// The body of a function.
    Code(Rc<Command>),
}

/// What `declare` says about a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) integer: bool,
    pub(super) lower: bool,
    pub(super) upper: bool,
    pub(super) reference: bool,
    /// Other programs get it.
    pub(super) exported: bool,
}

/// Every value that something may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) items: Vec<Item>,
    pub(super) attributes: Attributes,
}

impl From<Item> for Slot {
    fn from(item: Item) -> Self {
        Self { items: vec![item], attributes: Attributes::default() }
    }
}

type Name = Rc<str>;
type Value = Option<Rc<Slot>>;

/// What has changed since a [`Mark`].
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(BTreeMap<Name, Value>);

impl Changes {
    /// Keeps the changes whose name passes.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// Says whether something has changed.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl IntoIterator for Changes {
    type Item = (Name, Value);
    type IntoIter = std::collections::btree_map::IntoIter<Name, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

/// The slots.
#[derive(Debug, Default)]
pub(super) struct State {
    slots: BTreeMap<Name, Rc<Slot>>,
    log: Vec<(Name, Value)>,
    marks: usize,
}

impl State {
    pub(super) fn get(&self, name: &str) -> Option<&Rc<Slot>> {
        self.slots.get(name)
    }

    /// Returns the only value of a slot.
    pub(super) fn only(&self, name: &str) -> Option<&Item> {
        match self.get(name)?.items.as_slice() {
            [item] => Some(item),
            _ => None,
        }
    }

    /// Returns the names that begin with a text, with their slots.
    pub(super) fn named(&self, prefix: &str) -> impl Iterator<Item = (&Name, &Rc<Slot>)> {
        self.slots.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
    }

    /// Returns every name.
    pub(super) fn names(&self) -> Vec<Name> {
        self.slots.keys().cloned().collect()
    }

    pub(super) fn set(&mut self, name: &str, slot: impl Into<Slot>) {
        self.put(Rc::from(name), Some(Rc::new(slot.into())));
    }

    pub(super) fn put(&mut self, name: Name, value: Value) {
        let before = match value {
            Some(slot) => self.slots.insert(Rc::clone(&name), slot),
            None => self.slots.remove(&name),
        };
        if self.marks > 0 {
            self.log.push((name, before));
        }
    }

    /// Begins something that may be taken back; [`keep`](Self::keep) or [`undo`](Self::undo) ends it.
    pub(super) fn mark(&mut self) -> Mark {
        self.marks += 1;
        Mark(self.log.len())
    }

    /// Ends a mark without taking anything back.
    pub(super) fn keep(&mut self, _: Mark) {
        self.marks -= 1;
        if self.marks == 0 {
            self.log.clear();
        }
    }

    /// Takes everything since a mark back, and returns it.
    pub(super) fn undo(&mut self, mark: Mark) -> Changes {
        let mut changes = BTreeMap::new();
        for (name, before) in self.log.drain(mark.0..).rev() {
            let after = match before {
                Some(slot) => self.slots.insert(Rc::clone(&name), slot),
                None => self.slots.remove(&name),
            };
            // The latest value is the one that is met first.
            changes.entry(name).or_insert(after);
        }
        self.marks -= 1;
        Changes(changes)
    }

    /// Returns what has changed since a mark.
    pub(super) fn since(&self, mark: Mark) -> Changes {
        let names = self.log[mark.0..].iter().map(|(name, _)| name);
        Changes(names.map(|name| (Rc::clone(name), self.slots.get(name).cloned())).collect())
    }

    /// Notes in the log what would be if changes were made, without making them, and returns the place
    /// for [`since_any`](Self::since_any). It can be told as long as nothing is taken back beyond it.
    pub(super) fn pass(&mut self, changes: Changes) -> usize {
        let from = self.log.len();
        self.apply(changes);
        let place = self.log.len();
        for at in from..place {
            let (name, before) = self.log[at].clone();
            self.put(name, before);
        }
        place
    }

    /// Joins what has changed between a mark and each of some places behind it, of which one is where
    /// the code goes on; the places are in order. The same as keeping the changes at each place and
    /// joining them, but the work does not grow with the number of places.
    pub(super) fn since_any(&self, mark: Mark, places: &[usize]) -> Changes {
        let Some(last) = places.last() else { return Changes::default() };
        // For each name its places in the log, in order.
        let mut writes: Vec<usize> = (mark.0..self.log.len()).collect();
        writes.sort_by(|a, b| self.log[*a].0.cmp(&self.log[*b].0));
        let mut changes = BTreeMap::new();
        for group in writes.chunk_by(|a, b| self.log[*a].0 == self.log[*b].0) {
            let name = &self.log[group[0]].0;
            if group[0] >= *last {
                continue;
            }
            // The value before the first write, between each two, and behind the last.
            let before = group.iter().map(|at| &self.log[*at].1);
            let current = self.slots.get(name).cloned();
            let ends = group.iter().copied().chain([usize::MAX]);
            let mut from = 0;
            let mut values = Vec::new();
            for (value, end) in before.chain([&current]).zip(ends) {
                // A place at which as much was written as before this write is a place before it.
                let next = places.partition_point(|place| *place <= end);
                if next > from {
                    values.push(value);
                }
                from = next;
            }
            changes
                .insert(Rc::clone(name), if places.len() == 1 { values[0].clone() } else { joined(&values) });
        }
        Changes(changes)
    }

    /// Makes changes again that were taken back.
    pub(super) fn apply(&mut self, changes: Changes) {
        for (name, value) in changes.0 {
            self.put(name, value);
        }
    }

    /// Makes the changes of several ways, of which one is taken. None of them is in force.
    pub(super) fn join(&mut self, mut ways: Vec<Changes>) {
        if ways.len() < 2 {
            return ways.pop().map_or((), |only| self.apply(only));
        }
        let mut names: Vec<Name> = ways.iter().flat_map(|way| way.0.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let base = self.slots.get(&name).cloned();
            let values: Vec<&Value> = ways.iter().map(|way| way.0.get(&name).unwrap_or(&base)).collect();
            let value = joined(&values);
            self.put(name, value);
        }
    }
}

/// Joins the values that a slot has on several ways.
fn joined(values: &[&Value]) -> Value {
    let (first, others) = values.split_first()?;
    let items = |value: &Value| value.as_ref().map_or_else(|| vec![Item::Open], |slot| slot.items.clone());
    let attributes = first.as_ref().map(|slot| slot.attributes).unwrap_or_default();
    let mut slot = Slot { items: items(first), attributes };
    let mut before = *first;
    for value in others {
        // On most ways nothing has changed.
        let same = matches!((before, value), (Some(a), Some(b)) if Rc::ptr_eq(a, b));
        if !same {
            slot.add(value.as_ref().map_or(&[Item::Open][..], |slot| &slot.items));
        }
        before = value;
    }
    Some(slot).filter(|slot| slot.items != [Item::Open]).map(Rc::new)
}

impl Slot {
    /// Adds values that the slot may have as well.
    fn add(&mut self, items: &[Item]) {
        for item in items {
            if self.items.contains(item) {
                continue;
            }
            if self.items.len() >= MAX_ITEMS {
                if !self.items.contains(&Item::Open) {
                    self.items.push(Item::Open);
                }
                return;
            }
            self.items.push(item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Item {
        Item::Text(Word::literal(text))
    }

    /// Writes at random, and compares [`State::since_any`] with what it stands for.
    #[test]
    fn places_in_the_log_stand_for_the_changes_up_to_them() {
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..500 {
            let mut state = State::default();
            state.set("a", text("0"));
            let mark = state.mark();
            let (mut places, mut ways) = (Vec::new(), Vec::new());
            for _ in 0..random(12) {
                for _ in 0..random(3) {
                    let name = ["a", "b", "c"][random(3)];
                    let value = [None, Some(Item::Open), Some(text("1")), Some(text("2"))][random(4)].clone();
                    state.put(Rc::from(name), value.map(|item| Rc::new(Slot::from(item))));
                }
                if random(2) == 0 {
                    let inner = state.mark();
                    state.set(["a", "d"][random(2)], text("3"));
                    ways.push(state.since(mark));
                    let way = state.undo(inner);
                    places.push(state.pass(way));
                }
            }
            let found = state.since_any(mark, &places);
            state.undo(mark);
            let inner = state.mark();
            state.join(ways);
            let expected = state.undo(inner);
            let inner = state.mark();
            state.apply(found);
            assert_eq!(state.undo(inner).0, expected.0, "{places:?}");
        }
    }

    #[test]
    fn ways_leave_the_values_of_all_of_them() {
        let mut state = State::default();
        state.set("a", text("1"));
        let outer = state.mark();
        let first = state.mark();
        state.set("a", text("2"));
        state.set("b", text("3"));
        let first = state.undo(first);
        assert_eq!((state.only("a"), state.only("b")), (Some(&text("1")), None));
        let second = state.mark();
        state.set("a", text("4"));
        state.set("a", text("5"));
        let second = state.undo(second);
        state.join(vec![first, second]);
        assert_eq!(state.get("a").unwrap().items, [text("2"), text("5")]);
        assert_eq!(state.get("b").unwrap().items, [text("3"), Item::Open]);
        state.undo(outer);
        assert_eq!((state.only("a"), state.only("b")), (Some(&text("1")), None));
        assert!(state.log.is_empty() && state.marks == 0);
    }
}
