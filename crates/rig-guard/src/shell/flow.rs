//! Ways through the code: branches, values of which one is taken, and what ends a loop or a shell.

use std::rc::Rc;

use super::names::{Id, Key};
use super::state::{Changes, DIRECTORY, Item, Mark, OUTPUT, Slot, State, Value};
use super::syntax::Command;
use super::word::Word;
use super::{Flow, Refusal, Shell, Status, Stop};

/// How often one command is walked through for different values of its variables.
const MAX_WAYS: usize = 24;
/// How many ways may lead to the same place.
const MAX_PENDING: usize = 256;
/// How many ways are kept apart before they are joined.
const KEPT: usize = 8;

/// In how many slots the ways of a row of commands may differ before they are joined.
const MAX_APART: usize = 96;

/// A slot with several values, of which one is tried.
#[derive(Debug)]
pub(super) struct Choice {
    name: Id,
    items: Vec<Item>,
    at: usize,
}

/// What may be left from inside.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    mark: Mark,
    /// What the state was at the places where it was left, and with which status.
    pending: Vec<(Changes, Status)>,
    /// How many ways have left it, or something around it.
    left: usize,
    /// The variables that `local` has hidden.
    pub(super) hidden: Vec<(Id, Value)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A loop: `break` leaves it.
    Loop,
    /// One round of a loop: `continue` leaves it.
    Round,
    /// A function or a script that is sourced: `return` leaves it.
    Function,
    /// A subshell: `exit` leaves it.
    Subshell,
}

/// The states in which a command may end, none of them in force.
#[derive(Debug, Default)]
pub(super) struct Split {
    pub(super) success: Vec<Changes>,
    pub(super) failure: Vec<Way>,
    /// Where a way that ends nowhere here goes on.
    jump: Option<usize>,
}

/// A way in which a command fails.
#[derive(Debug)]
pub(super) struct Way {
    changes: Changes,
    /// It counts only where somebody asks about it: a `cd` is taken to succeed.
    weak: bool,
}

impl Split {
    pub(super) fn success(changes: Changes) -> Self {
        Self { success: vec![changes], ..Self::default() }
    }

    pub(super) fn failure(changes: Changes, weak: bool) -> Self {
        Self { failure: vec![Way { changes, weak }], ..Self::default() }
    }

    pub(super) fn negated(self) -> Self {
        let success = self.failure.into_iter().map(|way| way.changes).collect();
        let failure = self.success.into_iter().map(|changes| Way { changes, weak: false }).collect();
        Self { success, failure, jump: self.jump }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.success.extend(other.success);
        self.failure.extend(other.failure);
        self.leave(other.jump);
    }

    /// Notes that a way leaves for a frame; the innermost is where something goes on first.
    pub(super) fn leave(&mut self, jump: Option<usize>) {
        self.jump = self.jump.max(jump);
    }

    /// Returns how many slots the ways have changed.
    fn size(&self) -> usize {
        let failure = self.failure.iter().map(|way| &way.changes);
        self.success.iter().chain(failure).map(Changes::len).sum()
    }

    /// Takes the ways that go on after success, or after failure.
    pub(super) fn take(&mut self, success: bool) -> Vec<Changes> {
        if success {
            std::mem::take(&mut self.success)
        } else {
            std::mem::take(&mut self.failure).into_iter().map(|way| way.changes).collect()
        }
    }
}

/// Where a row of commands is left, as places in the log.
#[derive(Debug, Default)]
struct Exits {
    success: Vec<usize>,
    failure: Vec<usize>,
    weak: Vec<usize>,
}

impl Exits {
    fn note(&mut self, state: &mut State, split: Split) {
        self.success.extend(split.success.into_iter().map(|changes| state.pass(changes)));
        for Way { changes, weak } in split.failure {
            let places = if weak { &mut self.weak } else { &mut self.failure };
            places.push(state.pass(changes));
        }
    }
}

impl Shell<'_> {
    /// Returns the value of a slot; where it has several, the one that is being tried.
    pub(super) fn pick(&mut self, name: impl Key) -> Option<Item> {
        let slot = self.state.get(name)?;
        if let [item] = slot.items.as_slice() {
            return Some(item.clone());
        }
        let slot = Slot::clone(slot);
        let item = self.choose(name, slot.items);
        self.state.set(name, Slot { items: vec![item.clone()], attributes: slot.attributes });
        Some(item)
    }

    /// Returns the one of several values that is being tried.
    pub(super) fn choose(&mut self, name: impl Key, items: Vec<Item>) -> Item {
        let name = self.state.id(name);
        if let Some(choice) = self.choices.iter().find(|choice| choice.name == name) {
            return choice.items.get(choice.at).cloned().unwrap_or(Item::Open);
        }
        let first = items.first().cloned().unwrap_or(Item::Open);
        self.choices.push(Choice { name, items, at: 0 });
        first
    }

    /// Walks through a command once for each value of what it uses.
    pub(super) fn each(&mut self, mut run: impl FnMut(&mut Self) -> Flow<Status>) -> Flow<Status> {
        let outer = (std::mem::take(&mut self.choices), std::mem::take(&mut self.captures));
        let mut mark = self.state.mark();
        let mut status = run(self)?;
        if self.choices.is_empty() {
            self.state.keep(mark);
            (self.choices, self.captures) = outer;
            return Ok(status);
        }
        let mut ways = Vec::new();
        let mut left = None;
        for round in 1.. {
            let changes = self.state.undo(mark);
            match self.jump.take() {
                None => ways.push(changes),
                jump => left = left.max(jump),
            }
            if !self.next_choice(round) {
                break;
            }
            mark = self.state.mark();
            self.captures = 0;
            self.narrow();
            status = status.or(run(self)?);
        }
        (self.choices, self.captures) = outer;
        if ways.is_empty() {
            self.jump = left;
        }
        self.state.join(ways);
        Ok(status)
    }

    /// Works a condition out once for each value of what it uses, and returns where that leads.
    pub(super) fn split_each(&mut self, mut run: impl FnMut(&mut Self) -> Flow<Status>) -> Flow<Split> {
        let outer = (std::mem::take(&mut self.choices), std::mem::take(&mut self.captures));
        let mut split = Split::default();
        for round in 1.. {
            let mark = self.state.mark();
            self.captures = 0;
            self.narrow();
            let status = run(self)?;
            let ended = self.file(mark, status);
            split.add(ended);
            if self.choices.is_empty() || !self.next_choice(round) {
                break;
            }
        }
        (self.choices, self.captures) = outer;
        Ok(split)
    }

    /// Gives every slot that is tried the value that is its turn.
    fn narrow(&mut self) {
        for n in 0..self.choices.len() {
            let Choice { name, items, at } = &self.choices[n];
            if let (Some(slot), Some(item)) = (self.state.get(*name), items.get(*at)) {
                let slot = Slot { items: vec![item.clone()], attributes: slot.attributes };
                self.state.put(*name, Some(Rc::new(slot)));
            }
        }
    }

    /// Goes to the next combination of values; the last one beyond the limit is of unknown ones.
    fn next_choice(&mut self, round: usize) -> bool {
        if round > MAX_WAYS {
            return false;
        }
        let open = |choice: &Choice| matches!(choice.items.as_slice(), [Item::Open]);
        let enough = round == MAX_WAYS || self.hurry() && !self.choices.iter().all(open);
        while let Some(choice) = self.choices.last_mut() {
            if enough {
                for choice in &mut self.choices {
                    (choice.items, choice.at) = (vec![Item::Open], 0);
                }
                return true;
            }
            choice.at += 1;
            if choice.at < choice.items.len() {
                return true;
            }
            self.choices.pop();
        }
        false
    }

    /// Takes everything since a mark back and files it by how a command ended.
    pub(super) fn file(&mut self, mark: Mark, status: Status) -> Split {
        let changes = self.state.undo(mark);
        if let Some(jump) = self.jump.take() {
            return Split { jump: Some(jump), ..Split::default() };
        }
        match status {
            Status::Success => Split::success(changes),
            Status::Failure => Split::failure(changes, false),
            Status::Unknown => {
                let mut split = Split::success(changes.clone());
                split.add(Split::failure(changes, false));
                split
            }
        }
    }

    /// Lets a part of the code begin in the states of some ways, and returns where that leads,
    /// told from where those ways begin.
    pub(super) fn after(
        &mut self,
        ways: Vec<Changes>,
        run: impl FnOnce(&mut Self) -> Flow<Split>,
    ) -> Flow<Split> {
        if ways.is_empty() {
            return Ok(Split::default());
        }
        let mark = self.state.mark();
        self.state.join(ways);
        let split = run(self)?;
        let mut found = self.told(mark, split);
        self.merge(&mut found);
        Ok(found)
    }

    /// Takes everything since a mark back, and tells from there on where a split leads.
    pub(super) fn told(&mut self, mark: Mark, split: Split) -> Split {
        let mut found = Split { jump: split.jump, ..Split::default() };
        let whole = |shell: &mut Self, changes| {
            let inner = shell.state.mark();
            shell.state.apply(changes);
            let whole = shell.state.since(mark);
            shell.state.undo(inner);
            whole
        };
        for changes in split.success {
            found.success.push(whole(self, changes));
        }
        for Way { changes, weak } in split.failure {
            found.failure.push(Way { changes: whole(self, changes), weak });
        }
        self.state.undo(mark);
        found
    }

    /// Joins all ways of a split where they differ in very many slots, and lets them be in force; says
    /// whether it did. Commands that are joined by `&&` and `||` by turns go from the one half of the ways
    /// to the other at every turn, which takes as long as they are different.
    pub(super) fn settle(&mut self, split: &mut Split) -> bool {
        let both = !split.success.is_empty() && !split.failure.is_empty();
        if !both || split.size() <= MAX_APART || split.failure.iter().any(|way| way.weak) {
            return false;
        }
        let ways = [split.take(true), split.take(false)].concat();
        self.state.join(ways);
        split.success.push(Changes::default());
        split.failure.push(Way { changes: Changes::default(), weak: false });
        true
    }

    /// Walks through a row of commands that are all joined by `&&`, or all by `||`, from the states of
    /// some ways on, and returns where that leads, told from where those ways begin. `goes_on` is the
    /// success with which the next one runs.
    ///
    /// The way along the row stays in force, and where it is left is told by places in the log: so the
    /// work for one command does not grow with the length of the row.
    pub(super) fn row<'c>(
        &mut self,
        ways: Vec<Changes>,
        mut row: impl Iterator<Item = &'c Command>,
        goes_on: bool,
    ) -> Flow<Split> {
        if ways.is_empty() {
            return Ok(Split::default());
        }
        let mark = self.state.mark();
        self.state.join(ways);
        let mut exits = Exits::default();
        let mut found = Split::default();
        let mut next = row.next();
        while let Some(command) = next {
            let mut split = self.split(command)?;
            found.leave(split.jump);
            next = row.next();
            if next.is_none() {
                exits.note(&mut self.state, split);
                break;
            }
            let on = split.take(goes_on);
            exits.note(&mut self.state, split);
            if on.is_empty() {
                break;
            }
            self.state.join(on);
        }
        let told = |places: &[usize]| {
            let changes = || self.state.since_any(mark, places);
            (!places.is_empty()).then(changes)
        };
        found.success.extend(told(&exits.success));
        found.failure.extend(told(&exits.failure).map(|changes| Way { changes, weak: false }));
        found.failure.extend(told(&exits.weak).map(|changes| Way { changes, weak: true }));
        self.state.undo(mark);
        Ok(found)
    }

    /// Joins ways where they are many.
    fn merge(&mut self, split: &mut Split) {
        if split.success.len() > KEPT {
            let ways = std::mem::take(&mut split.success);
            split.success.push(self.joined(ways));
        }
        if split.failure.len() > KEPT {
            let (weak, strong): (Vec<Way>, Vec<Way>) =
                std::mem::take(&mut split.failure).into_iter().partition(|way| way.weak);
            for (ways, weak) in [(weak, true), (strong, false)] {
                if !ways.is_empty() {
                    let changes = self.joined(ways.into_iter().map(|way| way.changes).collect());
                    split.failure.push(Way { changes, weak });
                }
            }
        }
    }

    fn joined(&mut self, ways: Vec<Changes>) -> Changes {
        let mark = self.state.mark();
        self.state.join(ways);
        self.state.undo(mark)
    }

    /// Goes on behind a command, however it ended.
    pub(super) fn rejoin(&mut self, split: Split) -> Status {
        let Split { success, mut failure, jump } = split;
        if !success.is_empty() || failure.iter().any(|way| !way.weak) {
            failure.retain(|way| !way.weak);
        }
        let status = match (success.is_empty(), failure.is_empty()) {
            (true, true) => {
                self.jump = jump;
                return Status::Unknown;
            }
            (false, true) => Status::Success,
            (true, false) => Status::Failure,
            (false, false) => Status::Unknown,
        };
        self.state.join(success.into_iter().chain(failure.into_iter().map(|way| way.changes)).collect());
        status
    }

    /// Begins something that may be left from inside.
    pub(super) fn enter(&mut self, kind: Kind) {
        let mark = self.state.mark();
        self.frames.push(Frame { kind, mark, pending: Vec::new(), left: 0, hidden: Vec::new() });
    }

    /// Ends it with a status; the ways on which it was left go on here, with theirs.
    pub(super) fn land(&mut self, status: Status) -> Status {
        let Some(frame) = self.frames.pop() else { return status };
        let Frame { mark, mut pending, hidden, .. } = frame;
        let mut joined = status;
        if pending.is_empty() {
            self.state.keep(mark);
        } else {
            let own = self.state.undo(mark);
            if self.jump.take().is_none() {
                pending.push((own, status));
            }
            joined = pending.iter().map(|(_, status)| *status).reduce(Status::or).unwrap_or(status);
            self.state.join(pending.into_iter().map(|(changes, _)| changes).collect());
        }
        for (name, before) in hidden.into_iter().rev() {
            self.state.put(name, before);
        }
        joined
    }

    /// Leaves the innermost part of the code of a kind that `wanted` others are inside of.
    pub(super) fn leave(&mut self, kind: Kind, skip: usize, status: Status) -> Flow {
        let stops = |frame: &Frame| match kind {
            Kind::Loop | Kind::Round => matches!(frame.kind, Kind::Function | Kind::Subshell),
            _ => frame.kind == Kind::Subshell && kind != Kind::Subshell,
        };
        let inside = self.frames.iter().enumerate().rev().take_while(|(_, f)| !stops(f));
        let matching = inside.filter(|(_, frame)| frame.kind == kind).map(|(n, _)| n);
        let found = matching.take(skip + 1).last();
        if found.is_some() || kind == Kind::Subshell {
            self.frames[found.unwrap_or(0)..].iter_mut().for_each(|frame| frame.left += 1);
        }
        match found {
            Some(n) => {
                let changes = self.state.since(self.frames[n].mark);
                let pending = &mut self.frames[n].pending;
                if pending.len() >= MAX_PENDING {
                    return Err(Stop::Refused(Refusal::TooMuch));
                }
                pending.push((changes, status));
                // Frames count from one: zero is the end of everything.
                self.jump = Some(n + 1);
            }
            None if kind == Kind::Subshell => self.jump = Some(0),
            // `return` outside of a function, `break` outside of a loop.
            None => {}
        }
        Ok(())
    }

    /// Returns how many ways have left the innermost part of the code that may be left.
    pub(super) fn departures(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.left)
    }

    /// Does something in a subshell: only files, and what is read and printed, outlive it.
    pub(super) fn isolated<T>(&mut self, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        let mark = self.state.mark();
        self.enter(Kind::Subshell);
        let nounset = self.nounset;
        let result = run(self)?;
        self.land(Status::Unknown);
        self.jump = None;
        self.nounset = nounset;
        let mut changes = self.state.undo(mark);
        self.state.outlive(&mut changes);
        self.state.apply(changes);
        Ok(result)
    }

    /// Does something, and returns what it prints, which may be one of several texts.
    pub(super) fn capture(
        &mut self,
        run: impl FnOnce(&mut Self) -> Flow<Status>,
    ) -> Flow<(Vec<Item>, Status)> {
        let outer = (self.state.get(OUTPUT).cloned(), self.capturing);
        self.state.set(OUTPUT, Item::Text(Word::default()));
        self.capturing = true;
        let status = run(self)?;
        let printed = self.state.get(OUTPUT).map_or_else(|| vec![Item::Open], |slot| slot.items.clone());
        self.capturing = outer.1;
        self.state.put(OUTPUT, outer.0);
        Ok((printed, status))
    }

    /// Says whether a command that was walked through since a mark has changed the directory.
    pub(super) fn moved(&self, mark: Mark) -> bool {
        self.state.written(mark, DIRECTORY)
    }
}
