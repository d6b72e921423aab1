//! Simple commands: their words, their variables, and what they run.

use std::rc::Rc;

use super::assign::{self, Assignment};
use super::call::{Redirection, program};
use super::state::{Attributes, DIRECTORY, HOME, INPUT, Item, PARAMETERS, Slot};
use super::syntax::Simple;
use super::word::{Word, base};
use super::wrap::Unwrapped;
use super::{Call, Flow, Shell, Status, absolute};

/// Builtins whose arguments may be assignments.
const DECLARATIONS: [&str; 5] = ["export", "declare", "typeset", "local", "readonly"];

impl Shell<'_> {
    pub(super) fn simple(&mut self, simple: &Simple) -> Flow<Status> {
        self.step()?;
        let fifos = std::mem::take(&mut self.fifos);
        let status = self.expanded(simple)?;
        self.fifos = fifos;
        Ok(status)
    }

    fn expanded(&mut self, simple: &Simple) -> Flow<Status> {
        if simple.words.first().is_some_and(|name| DECLARATIONS.contains(&name.as_str())) {
            return self.declaration(simple);
        }
        let mut words = Vec::with_capacity(simple.words.len());
        for written in &simple.words {
            self.words(written, &mut words)?;
        }
        if words.is_empty() {
            let status = self.assign_all(&simple.assignments)?;
            if !simple.redirects.is_empty() {
                let redirected = self.redirects(&simple.redirects)?;
                self.visit(&[], &redirected.list, &[])?;
                self.through(redirected, |shell| {
                    // `$(< file)`
                    if let Some(text) = shell.input().filter(|_| shell.capturing) {
                        shell.print(&text)?;
                    }
                    Ok(Status::Success)
                })?;
            }
            return Ok(status);
        }
        let mut variables = Vec::with_capacity(simple.assignments.len());
        for written in &simple.assignments {
            variables.extend(self.assignment(written)?);
        }
        let mut redirected = self.redirects(&simple.redirects)?;
        let list = std::mem::take(&mut redirected.list);
        let set = texts(&variables);
        let status = self.with(variables, |shell| {
            shell.through(redirected, |shell| shell.run(&words, &list, &set, true))
        })?;
        self.written_copy(&words, &list)?;
        Ok(status)
    }

    /// Does something with variables that are set for one command.
    pub(super) fn with<T>(
        &mut self,
        variables: Vec<Assignment>,
        run: impl FnOnce(&mut Self) -> Flow<T>,
    ) -> Flow<T> {
        if variables.is_empty() {
            return run(self);
        }
        let mut before = Vec::with_capacity(variables.len());
        for Assignment { name, item } in variables {
            before.push((self.state.id(&name), self.state.get(&name).cloned()));
            self.names_program(&name, &item)?;
            self.store(&name, item)?;
            self.export(&name);
        }
        let result = run(self);
        for (name, value) in before.into_iter().rev() {
            self.state.put(name, value);
        }
        result
    }

    /// Tells the visitor about a command.
    pub(super) fn visit(
        &mut self,
        words: &[Word],
        redirects: &[Redirection],
        variables: &[(String, Word)],
    ) -> Flow {
        if words.is_empty() && redirects.is_empty() {
            return Ok(());
        }
        let input = self.input();
        let input_file = self.input_file();
        let cwd = self.directory();
        let home = self.state.get(HOME).map(|slot| slot.items.as_slice());
        let other_home = match home {
            None => false,
            Some([Item::Text(word)]) => word.known() != self.world.home(),
            Some(_) => true,
        };
        let context = Rc::clone(&self.context);
        let call = Call {
            words,
            redirects,
            input: input.as_ref(),
            input_file: input_file.as_deref(),
            cwd: cwd.as_deref(),
            variables,
            context: &context,
            other_home,
            name: program(words),
            state: &self.state,
            masks: &self.masks,
        };
        let Some(mounts) = &context.mounts else { return Ok(self.visitor.call(&call)?) };
        let words: Vec<Word> = words.iter().map(|word| outside(word, mounts)).collect();
        let redirects: Vec<Redirection> = redirects
            .iter()
            .map(|r| Redirection { target: outside(&r.target, mounts), access: r.access })
            .collect();
        let moved = cwd.as_deref().map(|cwd| outside(&Word::literal(cwd), mounts).text);
        let call = call.with(&words, &redirects, moved.as_deref());
        Ok(self.visitor.call(&call)?)
    }

    /// Walks through a command by the name that it has.
    pub(super) fn named(
        &mut self,
        words: &[Word],
        redirects: &[Redirection],
        variables: &[(String, Word)],
        direct: bool,
    ) -> Flow<Status> {
        // Of a function in the place of a program, only what it does counts.
        let replaced = direct && words.first().is_some_and(|first| self.replaced(first));
        self.visit(if replaced { &[] } else { words }, redirects, variables)?;
        let Some(first) = words.first() else { return Ok(Status::Success) };
        if !first.marks.is_empty() {
            self.globbed(words)?;
        }
        let Some(path) = first.known() else {
            if first.is_unknown() {
                // `$SUDO rm -rf /`: what is not known may be nothing, or a wrapper.
                let rest = &words[1..];
                self.nested(|shell| shell.run(rest, &[], variables, direct))?;
            } else if let Some(name) = first.program() {
                let words = [&[Word::literal(name)], &words[1..]].concat();
                self.isolated(|shell| shell.nested(|shell| shell.run(&words, &[], variables, false)))?;
            }
            self.print(&Word::unknown(true))?;
            return Ok(Status::Unknown);
        };
        if direct
            && self.aliases
            && let Some(status) = self.alias(path, &words[1..])?
        {
            return Ok(status);
        }
        if direct
            && self.functions
            && let Some(body) = self.function(path)
        {
            if self.guards == 0
                && self.active.iter().any(|(active, forks)| *forks < self.forks && Rc::ptr_eq(active, &body))
            {
                self.visitor.multiplies(path)?;
            }
            return self.within(path, |_| (), |shell| shell.called(&body, Item::Words(words[1..].to_vec())));
        }
        let name = base(path);
        if let Some(status) = self.builtin(name, words)? {
            return Ok(status);
        }
        let input = self.input();
        let unwrapped = self.unwrap(name, words, input.as_ref());
        self.unwrapped(name, words, unwrapped)
    }

    /// Walks through what a command runs.
    pub(super) fn unwrapped(&mut self, name: &str, words: &[Word], unwrapped: Unwrapped) -> Flow<Status> {
        let status = match unwrapped {
            Unwrapped::Itself => return self.itself(name, words),
            Unwrapped::Rest { at, variables, directory, elsewhere } => {
                let set = texts(&variables);
                let fresh = begins_afresh(name, &words[1..at]);
                return self.within(
                    name,
                    |context| context.elsewhere |= elsewhere,
                    |shell| {
                        shell.isolated(|shell| {
                            if fresh || elsewhere {
                                shell.child(false);
                            }
                            if let Some(directory) = directory {
                                shell.enter_directory(&directory);
                            }
                            shell.with(variables, |shell| shell.run(&words[at..], &[], &set, false))
                        })
                    },
                );
            }
            Unwrapped::Commands(commands) => {
                for command in commands {
                    self.within(
                        name,
                        |_| (),
                        |shell| shell.isolated(|shell| shell.run(&command, &[], &[], false)),
                    )?;
                }
                Status::Unknown
            }
            Unwrapped::Code { code, arguments, elsewhere } => {
                return self.code_of(name, &code, arguments, |context| context.elsewhere |= elsewhere);
            }
            Unwrapped::Later(codes) => {
                self.within(
                    name,
                    |context| context.later = true,
                    |shell| {
                        for code in codes {
                            shell.isolated(|shell| shell.code(&code))?;
                        }
                        Ok(())
                    },
                )?;
                return Ok(Status::Success);
            }
            Unwrapped::Contained { at, mounts, directory, code } => {
                return self.within(
                    name,
                    |context| context.mounts = Some(mounts),
                    |shell| {
                        shell.isolated(|shell| {
                            let directory = directory.unwrap_or(Word::literal("/"));
                            shell.state.set(DIRECTORY, Item::Text(directory));
                            match code {
                                Some(code) => shell.code(&code),
                                None => shell.run(&words[at..], &[], &[], false),
                            }
                        })
                    },
                );
            }
            Unwrapped::Input { arguments } => match self.pick(INPUT) {
                Some(Item::Text(text)) => {
                    // Nothing of it is left for the commands in it.
                    self.state.set(INPUT, Item::Open);
                    return self.code_of(name, &text.to_code(), Some(arguments), |_| ());
                }
                Some(Item::Disk(path)) => self.script(name, &Word::literal(&*path), arguments, None)?,
                _ => Status::Unknown,
            },
            Unwrapped::Script { at, language } => {
                self.within(name, |_| (), |shell| shell.visit(&words[at..], &[], &[]))?;
                self.script(name, &words[at], words[at + 1..].to_vec(), language)?
            }
            Unwrapped::Program { language, text } => {
                self.within(name, |_| (), |shell| shell.program(language, &text))?;
                // What the simplest programs of awk print is known.
                if self.capturing && matches!(name, "awk" | "gawk" | "mawk") {
                    let printed = self.printed(name, words)?.unwrap_or(Word::unknown(true));
                    self.print(&printed)?;
                    return Ok(Status::Unknown);
                }
                Status::Unknown
            }
            Unwrapped::Scripts(scripts) => self.scripts(scripts)?,
            Unwrapped::Many(all) => {
                for one in all {
                    self.unwrapped(name, words, one)?;
                }
                Status::Unknown
            }
        };
        self.print(&Word::unknown(true))?;
        Ok(status)
    }

    /// Walks through code that another shell runs, or this one.
    pub(super) fn code_of(
        &mut self,
        name: &str,
        code: &str,
        arguments: Option<Vec<Word>>,
        change: impl FnOnce(&mut super::Context),
    ) -> Flow<Status> {
        let here = !self.context.elsewhere;
        self.within(name, change, |shell| match arguments {
            None => shell.code(code),
            Some(arguments) => shell.isolated(|shell| {
                // Another machine gets no variables.
                shell.child(!(here && shell.context.elsewhere));
                let mut arguments = arguments.into_iter();
                if let Some(zero) = arguments.next() {
                    shell.state.set("0", Item::Text(zero));
                }
                shell.state.set(PARAMETERS, Item::Words(arguments.collect()));
                shell.code(code)
            }),
        })
    }

    /// A command that runs nothing but itself: what it prints, and which script it is.
    fn itself(&mut self, name: &str, words: &[Word]) -> Flow<Status> {
        if self.capturing {
            let printed = self.printed(name, words)?.unwrap_or(Word::unknown(true));
            match self.may_print(name, words) {
                Some(other) => self.print_either(&other, &printed)?,
                None => self.print(&printed)?,
            }
        }
        self.copies(name, words)?;
        if words[0].text.contains('/') {
            self.script(name, &words[0], words[1..].to_vec(), None)?;
        }
        self.unknown_wrapper(name, words)?;
        Ok(match name {
            "true" | "echo" | "printf" | ":" | "sleep" => Status::Success,
            "false" => Status::Failure,
            _ => Status::Unknown,
        })
    }

    /// `export NAME=value` and the like: the values are not split, and may be arrays.
    fn declaration(&mut self, simple: &Simple) -> Flow<Status> {
        let redirected = self.redirects(&simple.redirects)?;
        let mut words = Vec::new();
        let mut assigned = Vec::new();
        for (n, written) in simple.words.iter().enumerate() {
            match assign::parts(written).filter(|_| n > 0) {
                Some(_) => assigned.push(written.clone()),
                None => self.words(written, &mut words)?,
            }
        }
        let mut options: String =
            words[1..].iter().filter(|w| w.text.starts_with('-')).map(|w| &*w.text).collect();
        if words[0].text == "export" {
            options.push('x');
        }
        let mut names: Vec<String> =
            words[1..].iter().filter(|w| !w.text.starts_with(['-', '+'])).map(|w| w.text.clone()).collect();
        // What a variable holds may also be put together: `export "$A=$B"`.
        let whole: Vec<Assignment> = words[1..].iter().filter_map(super::wrap::assignment).collect();
        words[1..].iter().try_for_each(|word| self.subscript(word))?;
        names.retain(|name| !name.contains('='));
        let targets = assigned.iter().filter_map(|w| assign::parts(w)).map(|(name, ..)| name.to_owned());
        let all: Vec<String> =
            targets.chain(whole.iter().map(|a| a.name.clone())).chain(names.clone()).collect();
        let local = words[0].text == "local"
            || matches!(&*words[0].text, "declare" | "typeset") && !options.contains('g');
        for name in &all {
            self.declare(name, &options, local, names.contains(name));
        }
        for assignment in whole {
            let Assignment { name, item } = assignment;
            words.push(Word::literal(format!("{name}=")));
            self.store(&name, item)?;
        }
        for written in &assigned {
            if let Some(Assignment { name, item }) = self.assignment(written)? {
                let mut shown = Word::literal(format!("{name}="));
                self.names_program(&name, &item)?;
                if let Item::Text(word) = &item {
                    shown.push(word);
                }
                words.push(shown);
                self.store(&name, item)?;
            }
        }
        self.visit(&words, &redirected.list, &[])?;
        // Whether there is such a function or variable.
        let asked = options.contains(['f', 'F', 'p']) && !names.is_empty();
        Ok(if asked { Status::Unknown } else { Status::Success })
    }

    fn declare(&mut self, name: &str, options: &str, local: bool, bare: bool) {
        let id = self.state.id(name);
        let function = self.frames.iter_mut().rev().find(|frame| frame.kind == super::flow::Kind::Function);
        if let Some(frame) = function.filter(|_| local)
            && !frame.hidden.iter().any(|(hidden, _)| *hidden == id)
        {
            frame.hidden.push((id, self.state.get(id).cloned()));
            self.state.set(name, Item::Unset);
        }
        let before = self.state.get(name).map(|slot| Slot::clone(slot));
        let Attributes { integer, lower, upper, reference, exported } =
            before.as_ref().map(|slot| slot.attributes).unwrap_or_default();
        let attributes = Attributes {
            integer: integer || options.contains('i'),
            lower: (lower || options.contains('l')) && !options.contains('u'),
            upper: upper || options.contains('u'),
            reference: reference || options.contains('n'),
            exported: exported || options.contains('x'),
        };
        let item = match before.map(|slot| slot.items) {
            Some(items) if !matches!(items.as_slice(), [Item::Unset | Item::Open]) => Some(items),
            _ if options.contains('A') => Some(vec![Item::Map(Default::default())]),
            _ if options.contains('a') => Some(vec![Item::List(Default::default())]),
            _ if Attributes { exported: false, ..attributes } != Attributes::default() => {
                Some(vec![Item::Unset])
            }
            _ if bare && local => Some(vec![Item::Unset]),
            // `export NAME` of a variable that the code has not set leaves it as it was.
            _ if attributes.exported => Some(vec![Item::Open]),
            _ => None,
        };
        if let Some(items) = item {
            self.state.set(name, Slot { items, attributes });
        }
    }

    /// Hands a variable on to other programs.
    fn export(&mut self, name: &str) {
        if let Some(slot) = self.state.get(name) {
            let attributes = Attributes { exported: true, ..slot.attributes };
            let items = slot.items.clone();
            self.state.set(name, Slot { items, attributes });
        }
    }

    /// Forgets what another shell that is started does not get: functions, aliases, and variables
    /// that are not exported, or every one.
    pub(super) fn child(&mut self, inherits: bool) {
        for id in self.state.filled() {
            let name = self.state.name(id);
            let variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            let own = name.starts_with("()") || name.starts_with('=');
            let kept = self.state.get(id).is_some_and(|slot| slot.attributes.exported);
            if !(variable || own) || kept && inherits || name == "HOME" {
                continue;
            }
            // What the environment has is handed on with its new value.
            match inherits && variable {
                true if self.world.variable(name).is_some() => {}
                true => self.state.set(id, Item::Unset),
                false => self.state.put(id, None),
            }
        }
    }

    /// Changes the directory for what follows.
    pub(super) fn enter_directory(&mut self, directory: &Word) {
        let item = match self.path(directory) {
            Some(path) => Item::Text(Word::literal(path)),
            None => Item::Open,
        };
        self.state.set(DIRECTORY, item);
    }
}

/// Says whether a wrapper hands no variables on but those that it is told to.
fn begins_afresh(name: &str, options: &[Word]) -> bool {
    let has = |wanted: &[&str]| options.iter().any(|w| wanted.iter().any(|o| w.text.starts_with(o)));
    match name {
        "sudo" | "doas" | "run0" | "pkexec" => !has(&["-E", "--preserve-env", "-nE", "-HE"]),
        "env" | "genv" => has(&["-i", "--ignore-environment"]) || options.iter().any(|w| w.text == "-"),
        _ => false,
    }
}

/// Returns the variables that have a text, with it.
fn texts(variables: &[Assignment]) -> Vec<(String, Word)> {
    let text = |assignment: &Assignment| match &assignment.item {
        Item::Text(word) => Some((assignment.name.clone(), word.clone())),
        _ => None,
    };
    variables.iter().filter_map(text).collect()
}

/// Returns a path of a container as this machine knows it.
fn outside(word: &Word, mounts: &[(String, String)]) -> Word {
    if !word.text.starts_with('/') || word.unknowns().any(|(at, _)| at == 0) {
        return word.clone();
    }
    let normal = if word.marks.is_empty() { absolute(None, &word.text) } else { None };
    let word = normal.map_or_else(|| word.clone(), Word::literal);
    let longest = mounts
        .iter()
        .filter(|(inside, _)| {
            let inside = inside.trim_end_matches('/');
            word.text.strip_prefix(inside).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|(inside, _)| inside.len());
    let (from, to) = match longest {
        Some((inside, outside)) => (inside.trim_end_matches('/').len(), outside.trim_end_matches('/')),
        // It goes away with the container.
        None => (0, "/tmp/container"),
    };
    let mut moved = Word::literal(to);
    moved.push(&word.tail(from));
    if moved.text.is_empty() {
        moved.text.push('/');
    }
    moved
}
