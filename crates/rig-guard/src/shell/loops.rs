//! Loops: round by round where it is known how they go on, else until nothing new comes of it.

use std::rc::Rc;

use super::flow::{Kind, Split};
use super::state::{Attributes, Changes, DIRECTORY, Item, PARAMETERS, Slot};
use super::syntax::{Command, List, When};
use super::word::Word;
use super::{Flow, Shell, Status};

/// How many rounds of a loop are walked through whose condition is not known.
const GUESSED: usize = 2;
/// How many rounds of a loop are walked through one by one.
const ROUNDS: usize = 2_000;
/// How many ways may leave a loop over words before the rest of the words counts as unknown.
const LEFT: usize = 100;

impl Shell<'_> {
    /// Walks through `for NAME in WORDS`.
    pub(super) fn for_each(
        &mut self,
        name: &str,
        words: Option<&[String]>,
        body: &List,
        select: bool,
    ) -> Flow<Status> {
        let mut values = Vec::new();
        match words {
            Some(words) => {
                let outer = std::mem::replace(&mut self.picked, picks(body));
                words.iter().try_for_each(|written| self.words(written, &mut values))?;
                self.picked = outer;
            }
            None => match self.pick(PARAMETERS) {
                Some(Item::Words(words)) => values.extend(words),
                _ => values.push(Word::unknown(false)),
            },
        }
        if select {
            // Any of them, in any order.
            return self.repeating(|shell| shell.one_of(name, values, body));
        }
        let certain = values.iter().all(|word| !word.may_split());
        if certain {
            return self.over(name, &values, body, true);
        }
        self.repeating(|shell| shell.over(name, &values, body, false))
    }

    /// Walks through a round of a menu with each of its words.
    fn one_of(&mut self, name: &str, values: Vec<Word>, body: &List) -> Flow<Status> {
        self.enter(Kind::Loop);
        let before = self.state.mark();
        let mut items: Vec<Item> = values.into_iter().map(Item::Text).collect();
        items.push(Item::Text(Word::default()));
        self.state.set(name, Slot { items, attributes: Attributes::default() });
        self.state.set("REPLY", Item::Text(Word::unknown(true)));
        self.round(body)?;
        let mut split = self.file(before, Status::Success);
        split.add(Split::success(Changes::default()));
        self.rejoin(split);
        self.land(Status::Unknown);
        Ok(Status::Unknown)
    }

    /// Walks through a loop over words, which may be more or fewer where that is not `certain`.
    fn over(&mut self, name: &str, values: &[Word], body: &List, certain: bool) -> Flow<Status> {
        self.enter(Kind::Loop);
        let mut status = Status::Success;
        let before = self.state.mark();
        for (n, value) in values.iter().enumerate() {
            self.step()?;
            let last = n > 0 && (self.hurry() || self.departures() >= LEFT);
            self.assign(name, if last { Word::unknown(false) } else { value.clone() })?;
            status = self.round(body)?;
            if self.jump.is_some() || last {
                break;
            }
        }
        // Of no words at all, nothing happens.
        if certain {
            self.state.keep(before);
        } else {
            let mut split = self.file(before, Status::Success);
            split.add(Split::success(Changes::default()));
            self.rejoin(split);
        }
        let status = self.land(status);
        Ok(if certain { status } else { Status::Unknown })
    }

    /// Walks through a loop of which nobody knows how long it goes on.
    fn repeating<T>(&mut self, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        let directory = match self.state.only(DIRECTORY) {
            Some(Item::Text(word)) => word.known().unwrap_or_default(),
            _ => "",
        };
        let repeats = Some(Rc::from(directory));
        self.repeats(repeats, run)
    }

    /// Walks through code that runs in some rounds of a loop alone.
    pub(super) fn at_times<T>(&mut self, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        if self.context.repeats.is_none() { run(self) } else { self.repeats(None, run) }
    }

    fn repeats<T>(&mut self, repeats: Option<Rc<str>>, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        let outer = Rc::clone(&self.context);
        Rc::make_mut(&mut self.context).repeats = repeats;
        let result = run(self);
        self.context = outer;
        result
    }

    /// Walks through one round of a loop.
    fn round(&mut self, body: &List) -> Flow<Status> {
        self.enter(Kind::Round);
        let status = self.list(body)?;
        Ok(self.land(status))
    }

    /// Walks through `while` and `until`.
    pub(super) fn repeat(&mut self, condition: &List, until: bool, body: &List) -> Flow<Status> {
        self.repeating(|shell| {
            shell.rounds(
                |shell| shell.split_list(condition).map(|split| if until { split.negated() } else { split }),
                |shell| shell.round(body).map(drop),
            )
        })
    }

    /// Walks through `for (( ; ; ))`.
    pub(super) fn count(&mut self, parts: &[String; 3], body: &List) -> Flow<Status> {
        let [first, condition, next] = parts;
        self.each(|shell| shell.holds(first))?;
        self.rounds(
            |shell| shell.split_each(|shell| shell.holds(condition)),
            |shell| {
                shell.round(body)?;
                if shell.jump.is_none() {
                    shell.each(|shell| shell.holds(next))?;
                }
                Ok(())
            },
        )
    }

    /// Says whether an expression is not zero; one that is not there is not.
    pub(super) fn holds(&mut self, expression: &str) -> Flow<Status> {
        if expression.trim().is_empty() {
            return Ok(Status::Success);
        }
        let value = self.arithmetic(expression)?;
        Ok(Status::of(value.map(|value| value != 0)))
    }

    fn rounds(
        &mut self,
        mut condition: impl FnMut(&mut Self) -> Flow<Split>,
        mut body: impl FnMut(&mut Self) -> Flow,
    ) -> Flow<Status> {
        self.enter(Kind::Loop);
        let outer = self.state.mark();
        // The states, from the start of the loop, in which it ends.
        let mut ended = Split::default();
        let mut ways = vec![Changes::default()];
        let mut guessed = 0;
        for round in 0.. {
            self.step()?;
            let mut asked = self.after(ways, &mut condition)?;
            let holds = asked.take(true);
            let fails = asked.take(false);
            let known = fails.is_empty() || holds.is_empty();
            for changes in fails {
                ended.add(Split::success(changes));
            }
            ended.add(asked);
            guessed += usize::from(!known);
            if holds.is_empty() {
                break;
            }
            let widen = self.hurry() || round >= ROUNDS || guessed >= GUESSED;
            let departures = self.departures();
            let mut split = self.after(holds, |shell| {
                if widen {
                    shell.widen(&mut body)?;
                }
                let mark = shell.state.mark();
                body(shell)?;
                Ok(shell.file(mark, Status::Success))
            })?;
            ways = split.take(true);
            ended.add(split);
            // Some ways have left, and others go on: nothing says how often.
            guessed += usize::from(known && self.departures() > departures && !ways.is_empty());
            if widen {
                ways.drain(..).for_each(|changes| ended.add(Split::success(changes)));
                break;
            }
            if ways.is_empty() {
                break;
            }
        }
        self.state.keep(outer);
        self.rejoin(ended);
        self.land(Status::Unknown);
        Ok(Status::Unknown)
    }

    /// Forgets the values of what one more round would change.
    fn widen(&mut self, body: &mut impl FnMut(&mut Self) -> Flow) -> Flow {
        let mark = self.state.mark();
        body(self)?;
        self.jump = None;
        let changes = self.state.undo(mark);
        for (name, value) in changes {
            let variable = self.state.name(name).starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if variable && let Some(slot) = value {
                let shape = shape(self.state.get(name), &slot);
                let attributes: Attributes = slot.attributes;
                self.state.put(name, Some(Rc::new(Slot { items: vec![shape], attributes })));
            }
        }
        Ok(())
    }
}

/// Says whether a loop does something under a condition alone, as with some of many names.
pub(super) fn picks(body: &List) -> bool {
    let tells = |command: &Command| match command {
        Command::Simple(simple) => {
            simple.words.first().is_some_and(|name| matches!(name.as_str(), "echo" | "printf" | ":" | "true"))
        }
        _ => false,
    };
    body.iter().any(|chain| {
        let asks = matches!(chain.first, Command::If { .. } | Command::Case { .. });
        asks || !tells(&chain.first) && chain.rest.iter().any(|(when, _)| *when == When::Success)
    })
}

/// Returns what a value that grows or counts from round to round has in common with itself.
fn shape(before: Option<&Rc<Slot>>, after: &Slot) -> Item {
    let first = before.and_then(|slot| slot.items.first());
    match (first, after.items.first()) {
        (Some(Item::Text(before)), Some(Item::Text(after))) => {
            let same = before.text.bytes().zip(after.text.bytes()).take_while(|(a, b)| a == b).count();
            let same = (0..=same).rev().find(|at| after.text.is_char_boundary(*at)).unwrap_or(0);
            let mut shape = after.head(same);
            shape.push_unknown(!after.text.bytes().all(|b| b.is_ascii_digit()), false);
            Item::Text(shape)
        }
        _ => Item::Open,
    }
}
