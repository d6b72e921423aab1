//! Walks through parsed commands.

use std::rc::Rc;

use super::flow::{Kind, Split};
use super::names::Function;
use super::state::{INPUT, Item, PARAMETERS, Slot};
use super::syntax::{AndOr, Command, End, List, Simple, Test, When};
use super::word::Word;
use super::{Flow, Shell, Status, cond, glob, loops};

/// How often a function may be inside of itself.
const MAX_ACTIVE: usize = 3;

impl Shell<'_> {
    /// Walks through commands in their order.
    pub(super) fn list(&mut self, commands: &List) -> Flow<Status> {
        let mut status = Status::Success;
        for command in commands {
            if self.jump.is_some() {
                break;
            }
            status = self.and_or(command)?;
        }
        Ok(status)
    }

    fn and_or(&mut self, chain: &AndOr) -> Flow<Status> {
        if chain.background {
            self.forks += 1;
            self.isolated(|shell| shell.chain(chain))?;
            self.forks -= 1;
            return Ok(Status::Success);
        }
        self.chain(chain)
    }

    fn chain(&mut self, chain: &AndOr) -> Flow<Status> {
        if chain.rest.is_empty() {
            return self.command(&chain.first);
        }
        let split = self.split_chain(chain)?;
        Ok(self.rejoin(split))
    }

    /// Walks through commands joined by `&&` and `||`, each in the states in which it would run.
    fn split_chain(&mut self, chain: &AndOr) -> Flow<Split> {
        let mark = self.state.mark();
        let mut split = self.split(&chain.first)?;
        self.guards += 1;
        let mut settled = false;
        for same in chain.rest.chunk_by(|(a, _), (b, _)| a == b) {
            settled |= self.settle(&mut split);
            let goes_on = same[0].0 == When::Success;
            let ways = split.take(goes_on);
            let next = self.row(ways, same.iter().map(|(_, command)| command), goes_on)?;
            split.add(next);
        }
        self.guards -= 1;
        if settled {
            return Ok(self.told(mark, split));
        }
        self.state.keep(mark);
        Ok(split)
    }

    /// Walks through a list, and returns the states in which its last command may end.
    pub(super) fn split_list(&mut self, list: &List) -> Flow<Split> {
        let Some((last, before)) = list.split_last() else { return Ok(Split::success(Default::default())) };
        let mark = self.state.mark();
        for command in before {
            if self.jump.is_none() {
                self.and_or(command)?;
            }
        }
        if self.jump.is_some() || last.background {
            if self.jump.is_none() {
                self.and_or(last)?;
            }
            return Ok(self.file(mark, Status::Success));
        }
        let before = self.state.undo(mark);
        self.after(vec![before], |shell| shell.split_chain(last))
    }

    /// Walks through a command, and returns the states in which it may end; none is in force.
    pub(super) fn split(&mut self, command: &Command) -> Flow<Split> {
        match command {
            Command::Pipeline { commands, negated } if commands.len() == 1 => {
                let split = self.nested(|shell| shell.split(&commands[0]))?;
                Ok(if *negated { split.negated() } else { split })
            }
            Command::Group { body, redirects, subshell: false } if redirects.is_empty() => {
                self.nested(|shell| shell.split_list(body))
            }
            Command::Test(test, redirects) if redirects.is_empty() => self.nested(|shell| shell.test(test)),
            Command::Simple(simple) => match self.bracket(simple) {
                Some(test) => self.nested(|shell| shell.test(&test)),
                None => {
                    let mark = self.state.mark();
                    let status = self.command(command)?;
                    let moved = status == Status::Success
                        && simple
                            .words
                            .first()
                            .is_some_and(|w| matches!(w.as_str(), "cd" | "pushd" | "popd"))
                        && self.moved(mark);
                    let mut split = self.file(mark, status);
                    if moved {
                        split.add(Split::failure(Default::default(), true));
                    }
                    Ok(split)
                }
            },
            command => {
                let mark = self.state.mark();
                let status = self.command(command)?;
                Ok(self.file(mark, status))
            }
        }
    }

    /// Reads `[ ... ]` and `test ...` as a condition, where it is written as one.
    fn bracket(&self, simple: &Simple) -> Option<Test> {
        let plain = simple.assignments.is_empty() && simple.redirects.is_empty();
        let name = simple.words.first().filter(|name| plain && matches!(name.as_str(), "[" | "test"))?;
        if self.functions && self.function(name).is_some() { None } else { cond::read(&simple.words) }
    }

    pub(super) fn command(&mut self, command: &Command) -> Flow<Status> {
        let guard = may_pass(command);
        self.guards += usize::from(guard);
        let status = self.nested(|shell| shell.one(command))?;
        self.guards -= usize::from(guard);
        Ok(status)
    }

    fn one(&mut self, command: &Command) -> Flow<Status> {
        match command {
            Command::Simple(simple) => match self.bracket(simple) {
                Some(test) => {
                    self.step()?;
                    let split = self.test(&test)?;
                    Ok(self.rejoin(split))
                }
                None => self.each(|shell| shell.simple(simple)),
            },
            Command::Pipeline { commands, negated } => {
                let status = self.pipeline(commands)?;
                Ok(if *negated { status.negated() } else { status })
            }
            Command::Group { body, redirects, subshell } => self.redirected(redirects, |shell| {
                if *subshell { shell.isolated(|shell| shell.list(body)) } else { shell.list(body) }
            }),
            Command::If { arms, otherwise, redirects } => {
                self.redirected(redirects, |shell| shell.branches(arms, otherwise))
            }
            Command::Loop { condition, until, body, redirects } => {
                self.redirected(redirects, |shell| shell.repeat(condition, *until, body))
            }
            Command::For { name, words, body, redirects, select } => self.redirected(redirects, |shell| {
                shell.each(|shell| shell.for_each(name, words.as_deref(), body, *select))
            }),
            Command::Count { parts, body, redirects } => {
                self.redirected(redirects, |shell| shell.count(parts, body))
            }
            Command::Case { subject, arms, redirects } => {
                self.redirected(redirects, |shell| shell.each(|shell| shell.case(subject, arms)))
            }
            Command::Function { name, body } => {
                if !self.defined.iter().any(|(known, _)| Rc::ptr_eq(known, body)) {
                    self.defined.push((Rc::clone(body), false));
                }
                self.functions = true;
                self.state.set(Function(name), Item::Code(Rc::clone(body)));
                Ok(Status::Success)
            }
            Command::Arithmetic(expression, redirects) => self.redirected(redirects, |shell| {
                shell.each(|shell| {
                    shell.step()?;
                    shell.holds(expression)
                })
            }),
            Command::Test(test, redirects) => self.redirected(redirects, |shell| {
                shell.step()?;
                let split = shell.test(test)?;
                Ok(shell.rejoin(split))
            }),
            Command::Coprocess(command) => {
                self.isolated(|shell| shell.command(command))?;
                Ok(Status::Success)
            }
        }
    }

    /// Walks through commands of which each reads what the one before prints.
    fn pipeline(&mut self, commands: &[Command]) -> Flow<Status> {
        let [command] = commands else { return self.pipes(commands) };
        self.command(command)
    }

    fn pipes(&mut self, commands: &[Command]) -> Flow<Status> {
        let outer = self.state.get(INPUT).cloned();
        let mut status = Status::Success;
        for (n, command) in commands.iter().enumerate() {
            if n + 1 == commands.len() {
                status = self.isolated(|shell| shell.command(command))?;
            } else {
                let picked = matches!(&commands[n + 1..], [Command::Loop { body, .. }] if loops::picks(body));
                let outer = std::mem::replace(&mut self.picked, picked);
                let (mut items, _) = self.capture(|shell| shell.isolated(|shell| shell.command(command)))?;
                self.picked = outer;
                if let Some(path) = self.whole_file(command)? {
                    items = vec![Item::Disk(path)];
                }
                if let Some(names) = super::pure::listing(command, &commands[n + 1..]) {
                    items = vec![Item::Text(names)];
                } else if let Some(patterns) = super::pure::listed(command, &commands[n + 1..]) {
                    items = vec![Item::Text(self.lines(patterns)?)];
                }
                self.state.set(INPUT, Slot { items, attributes: Default::default() });
            }
        }
        self.state.put(INPUT, outer);
        Ok(status)
    }

    /// Returns the file that a command prints as it stands on the disk: `cat FILE`.
    fn whole_file(&mut self, command: &Command) -> Flow<Option<Rc<str>>> {
        let Command::Simple(simple) = command else { return Ok(None) };
        let [name, path] = simple.words.as_slice() else { return Ok(None) };
        let plain = simple.assignments.is_empty() && simple.redirects.is_empty();
        if name != "cat" || !plain || path.contains(['`', '(', '*', '?', '[']) || path.starts_with('-') {
            return Ok(None);
        }
        let path = self.single(path)?;
        Ok(match self.contents(&path) {
            Item::Disk(path) => Some(path),
            _ => None,
        })
    }

    fn branches(&mut self, arms: &[(List, List)], otherwise: &List) -> Flow<Status> {
        let mut ended = Split::default();
        let mut ways = vec![Default::default()];
        for (condition, body) in arms {
            let mut asked = self.after(ways, |shell| shell.split_list(condition))?;
            let holds = asked.take(true);
            ways = asked.take(false);
            ended.add(asked);
            let split = self.at_times(|shell| shell.after(holds, |shell| shell.ends(body)))?;
            ended.add(split);
        }
        let split = self.at_times(|shell| shell.after(ways, |shell| shell.ends(otherwise)))?;
        ended.add(split);
        Ok(self.rejoin(ended))
    }

    /// Walks through a list and returns the states in which it may end.
    pub(super) fn ends(&mut self, list: &List) -> Flow<Split> {
        let mark = self.state.mark();
        let status = self.list(list)?;
        Ok(self.file(mark, status))
    }

    fn case(&mut self, subject: &str, arms: &[super::syntax::Arm]) -> Flow<Status> {
        self.step()?;
        let subject = self.single(subject)?;
        let mut ended = Split::default();
        // The ways on which no arm has matched, and those that go on into the next body.
        let (mut open, mut through) = (vec![Default::default()], Vec::new());
        for arm in arms {
            let mut matches = Some(false);
            for pattern in &arm.patterns {
                let pattern = self.pattern(pattern)?;
                matches = match (matches, glob::matches(&pattern, &subject)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
            }
            let mut taken = std::mem::take(&mut through);
            if matches != Some(false) {
                taken.extend(if matches == Some(true) { std::mem::take(&mut open) } else { open.clone() });
            }
            let mut split = self.at_times(|shell| shell.after(taken, |shell| shell.ends(&arm.body)))?;
            match arm.end {
                End::Done => {}
                End::Through => through = [split.take(true), split.take(false)].concat(),
                End::Next => open.extend([split.take(true), split.take(false)].concat()),
            }
            ended.add(split);
        }
        for changes in open.into_iter().chain(through) {
            ended.add(Split::success(changes));
        }
        Ok(self.rejoin(ended))
    }

    /// Returns the body of a function.
    pub(super) fn function(&self, name: &str) -> Option<Rc<Command>> {
        let slot = self.state.get(Function(name))?;
        slot.items
            .iter()
            .find_map(|item| if let Item::Code(body) = item { Some(Rc::clone(body)) } else { None })
    }

    /// Says whether a function stands in the place of a program that rules look at, whatever happened before.
    pub(super) fn replaced(&self, name: &Word) -> bool {
        let Some(name) = name.known().filter(|_| self.functions && !self.aliases) else { return false };
        let certain = |slot: &Rc<Slot>| matches!(slot.items.as_slice(), [Item::Code(_)]);
        self.state.get(Function(name)).is_some_and(certain) && crate::rules::know(name)
    }

    /// Walks through the body of a function.
    pub(super) fn called(&mut self, body: &Rc<Command>, arguments: Item) -> Flow<Status> {
        if let Some((_, called)) = self.defined.iter_mut().find(|(known, _)| Rc::ptr_eq(known, body)) {
            *called = true;
        }
        // A function that calls itself does with other arguments what it does anyway.
        let most = if self.hurry() { 1 } else { MAX_ACTIVE };
        if self.active.iter().filter(|(active, _)| Rc::ptr_eq(active, body)).count() >= most {
            self.print(&Word::unknown(true))?;
            return Ok(Status::Unknown);
        }
        self.active.push((Rc::clone(body), self.forks));
        let guards = std::mem::take(&mut self.guards);
        let outer = self.state.get(PARAMETERS).cloned();
        self.state.set(PARAMETERS, arguments);
        self.enter(Kind::Function);
        let status = self.command(body)?;
        let status = self.land(status);
        self.state.put(PARAMETERS, outer);
        self.active.pop();
        self.guards = guards;
        Ok(status)
    }
}

/// Says whether what is in a command may never run: it is a condition, or a loop that may have no round.
fn may_pass(command: &Command) -> bool {
    match command {
        Command::If { .. } | Command::Case { .. } => true,
        Command::Count { parts, .. } => !matches!(parts[1].trim(), "" | "1"),
        Command::Loop { condition, until, .. } => {
            let [AndOr { first, rest, .. }] = condition.as_slice() else { return true };
            let first = match first {
                Command::Pipeline { commands, negated: false } if commands.len() == 1 => &commands[0],
                first => first,
            };
            let Command::Simple(Simple { words, .. }) = first else { return true };
            let name = words.first().map_or("", String::as_str);
            let endless = matches!((name, until), ("true" | ":", false) | ("false", true));
            !(rest.is_empty() && words.len() == 1 && endless)
        }
        Command::For { words, .. } => {
            let plain = |word: &String| word.bytes().all(|b| b.is_ascii_alphanumeric());
            !words.as_ref().is_some_and(|words| words.iter().any(plain))
        }
        _ => false,
    }
}
