//! What the commands walked through so far have done: variables, functions, directory, files.
//!
//! Everything lives in named slots, and a slot holds every value that it may have: a branch that
//! may or may not be taken leaves the values of both ways. A log of overwritten slots makes it
//! cheap to try something, take it back, and join the results.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::names::{FIXED, Id, Key, Names};
use super::syntax::Command;
use super::word::Word;

/// The working directory.
pub(super) const DIRECTORY: Id = FIXED[0].1;
/// The positional parameters.
pub(super) const PARAMETERS: Id = FIXED[1].1;
/// What stands on the standard input.
pub(super) const INPUT: Id = FIXED[2].1;
/// What was written to the standard output, where that is wanted.
pub(super) const OUTPUT: Id = FIXED[3].1;

/// The variables that are asked for on every way.
pub(super) const HOME: Id = FIXED[4].1;
pub(super) const SEPARATORS: Id = FIXED[5].1;

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

/// What stands in a slot, if anything.
pub(super) type Value = Option<Rc<Slot>>;

/// What has changed since a [`Mark`], in the order of the names' numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Vec<(Id, Value)>);

impl Changes {
    /// Returns how many slots have changed.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes writes over, the latest of a slot before those that it has overwritten.
    fn of(mut writes: Vec<(Id, Value)>) -> Self {
        if writes.len() > 1 {
            writes.sort_by_key(|(id, _)| *id);
            writes.dedup_by_key(|(id, _)| *id);
        }
        Self(writes)
    }
}

impl IntoIterator for Changes {
    type Item = (Id, Value);
    type IntoIter = std::vec::IntoIter<(Id, Value)>;

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
    names: Names,
    /// By the numbers of the names; those beyond the end are empty.
    slots: Vec<Value>,
    log: Vec<(Id, Value)>,
    marks: usize,
}

impl State {
    pub(super) fn get(&self, name: impl Key) -> Option<&Rc<Slot>> {
        self.slots.get(name.number_in(&self.names)?.index())?.as_ref()
    }

    /// Returns the only value of a slot.
    pub(super) fn only(&self, name: impl Key) -> Option<&Item> {
        match self.get(name)?.items.as_slice() {
            [item] => Some(item),
            _ => None,
        }
    }

    /// Returns the number of a name.
    pub(super) fn id(&mut self, name: impl Key) -> Id {
        name.number(&mut self.names)
    }

    /// Returns the name of a slot.
    pub(super) fn name(&self, id: Id) -> &str {
        self.names.text(id)
    }

    /// Returns the slots with something in them.
    pub(super) fn filled(&self) -> Vec<Id> {
        self.names.ids().filter(|id| self.get(*id).is_some()).collect()
    }

    /// Returns the names of slots with something in them that begin with a text, in order.
    pub(super) fn named(&self, prefix: &str) -> Vec<String> {
        let names = self.filled().into_iter().map(|id| self.name(id));
        let mut names: Vec<String> =
            names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn set(&mut self, name: impl Key, slot: impl Into<Slot>) {
        self.put(name, Some(Rc::new(slot.into())));
    }

    pub(super) fn put(&mut self, name: impl Key, value: Value) {
        let id = self.id(name);
        let before = self.replace(id, value);
        if self.marks > 0 {
            self.log.push((id, before));
        }
    }

    fn replace(&mut self, id: Id, value: Value) -> Value {
        if id.index() >= self.slots.len() {
            self.slots.resize(self.names.count(), None);
        }
        std::mem::replace(&mut self.slots[id.index()], value)
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
        let mut writes = Vec::with_capacity(self.log.len() - mark.0);
        while self.log.len() > mark.0
            && let Some((id, before)) = self.log.pop()
        {
            writes.push((id, self.replace(id, before)));
        }
        self.marks -= 1;
        Changes::of(writes)
    }

    /// Returns what has changed since a mark.
    pub(super) fn since(&self, mark: Mark) -> Changes {
        let mut ids: Vec<Id> = self.log[mark.0..].iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        Changes(ids.into_iter().map(|id| (id, self.get(id).cloned())).collect())
    }

    /// Says whether a slot was written since a mark.
    pub(super) fn written(&self, mark: Mark, id: Id) -> bool {
        self.log[mark.0..].iter().any(|(own, _)| *own == id)
    }

    /// Leaves those changes that outlive a subshell: files, and what is read and printed.
    pub(super) fn outlive(&self, changes: &mut Changes) {
        changes.0.retain(|(id, _)| *id == OUTPUT || *id == INPUT || self.name(*id).starts_with('/'));
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
        writes.sort_by_key(|at| self.log[*at].0);
        let mut changes = Vec::new();
        for group in writes.chunk_by(|a, b| self.log[*a].0 == self.log[*b].0) {
            let id = self.log[group[0]].0;
            if group[0] >= *last {
                continue;
            }
            // The value before the first write, between each two, and behind the last.
            let before = group.iter().map(|at| &self.log[*at].1);
            let current = self.get(id).cloned();
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
            changes.push((id, if places.len() == 1 { values[0].clone() } else { joined(&values) }));
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
        let mut ids: Vec<Id> = ways.iter().flat_map(|way| way.0.iter().map(|(id, _)| *id)).collect();
        ids.sort_unstable();
        ids.dedup();
        // How far each way has been gone through: all are in the same order.
        let mut at = vec![0; ways.len()];
        for id in ids {
            let base = self.get(id).cloned();
            let values = ways.iter().zip(&mut at).map(|(way, at)| match way.0.get(*at) {
                Some((own, value)) if *own == id => {
                    *at += 1;
                    value
                }
                _ => &base,
            });
            let value = joined(&values.collect::<Vec<&Value>>());
            self.put(id, value);
        }
    }
}

/// Joins the values that a slot has on several ways.
fn joined(values: &[&Value]) -> Value {
    let (first, others) = values.split_first()?;
    // On most ways nothing has changed.
    let same = |a: &Value, b: &Value| match (a, b) {
        (Some(a), Some(b)) => Rc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    if others.iter().all(|value| same(first, value)) {
        return first.as_ref().filter(|slot| slot.items != [Item::Open]).cloned();
    }
    let items = |value: &Value| value.as_ref().map_or_else(|| vec![Item::Open], |slot| slot.items.clone());
    let attributes = first.as_ref().map(|slot| slot.attributes).unwrap_or_default();
    let mut slot = Slot { items: items(first), attributes };
    let mut before = *first;
    for value in others {
        if !same(before, value) {
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
                    state.put(name, value.map(|item| Rc::new(Slot::from(item))));
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
