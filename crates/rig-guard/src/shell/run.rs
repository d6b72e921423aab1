//! Walks through parsed commands.

use std::rc::Rc;

use super::syntax::{Command, Redirect, Simple};
use super::word::Word;
use super::wrap::{self, Unwrapped};
use super::{Call, Flow, Shell};

/// Builtins whose arguments may be assignments, which are not split.
const DECLARATIONS: [&str; 5] = ["export", "declare", "typeset", "local", "readonly"];

/// What redirections make of a command's input and output.
#[derive(Default)]
struct Redirected {
    writes: Vec<Word>,
    /// What stands on the standard input instead of what would stand there otherwise.
    input: Option<Option<Word>>,
}

impl Shell<'_> {
    /// Walks through commands in their order.
    pub(super) fn sequence(
        &mut self,
        commands: &[Command],
        input: Option<&Word>,
        wanted: bool,
    ) -> Flow<Word> {
        let mut all = Word::default();
        for command in commands {
            let printed = self.command(command, input, wanted)?;
            if wanted {
                all.push(&printed);
                self.charge(printed.text.len())?;
            }
        }
        Ok(all)
    }

    fn command(&mut self, command: &Command, input: Option<&Word>, wanted: bool) -> Flow<Word> {
        self.nested(|shell| shell.one(command, input, wanted))
    }

    fn one(&mut self, command: &Command, input: Option<&Word>, wanted: bool) -> Flow<Word> {
        match command {
            Command::Simple(simple) => self.simple(simple, input, wanted),
            Command::Pipeline(commands) => self.pipeline(commands, input, wanted),
            Command::Group { body, redirects, subshell } => {
                let redirected = self.group_redirects(redirects)?;
                let input = redirected.input(input);
                if *subshell {
                    self.isolated(|shell| shell.sequence(body, input, wanted))
                } else {
                    self.sequence(body, input, wanted)
                }
            }
            Command::For { name, words, body, redirects } => {
                let redirected = self.group_redirects(redirects)?;
                let values = self.loop_values(words.as_deref())?;
                let mut all = Word::default();
                for value in values {
                    self.step()?;
                    self.assign(name, value);
                    all.push(&self.sequence(body, redirected.input(input), wanted)?);
                }
                Ok(all)
            }
            Command::Function { name, body } => {
                if !self.defined.iter().any(|(known, _)| Rc::ptr_eq(known, body)) {
                    self.defined.push((Rc::clone(body), false));
                }
                self.scope.functions.insert(name.clone(), Rc::clone(body));
                Ok(Word::default())
            }
            Command::Text(texts) => {
                for text in texts {
                    self.single(text)?;
                }
                Ok(Word::default())
            }
        }
    }

    fn pipeline(&mut self, commands: &[Command], input: Option<&Word>, wanted: bool) -> Flow<Word> {
        let mut passed = input.cloned();
        for (n, command) in commands.iter().enumerate() {
            let last = n + 1 == commands.len();
            let printed = self.isolated(|shell| shell.command(command, passed.as_ref(), wanted || !last))?;
            passed = Some(printed);
        }
        Ok(passed.unwrap_or_default())
    }

    fn loop_values(&mut self, words: Option<&[String]>) -> Flow<Vec<Word>> {
        let mut values = Vec::new();
        match words {
            Some(words) => words.iter().try_for_each(|written| self.words(written, &mut values))?,
            None => match &self.scope.positional {
                Some(words) => values.extend(words.iter().cloned()),
                None => values.push(Word::unknown(false)),
            },
        }
        Ok(values)
    }

    fn simple(&mut self, simple: &Simple, input: Option<&Word>, wanted: bool) -> Flow<Word> {
        self.step()?;
        let mut words = Vec::with_capacity(simple.words.len());
        for written in &simple.words {
            let declares = || words.first().is_some_and(|w: &Word| DECLARATIONS.contains(&w.text.as_str()));
            if written.contains('=') && declares() {
                let word = self.single(written)?;
                words.push(word);
            } else {
                self.words(written, &mut words)?;
            }
        }
        let mut variables = Vec::with_capacity(simple.assignments.len());
        for written in &simple.assignments {
            variables.extend(self.assignment(written)?);
        }
        let redirected = self.redirects(&simple.redirects)?;
        let input = redirected.input(input);
        if words.is_empty() {
            for (name, value) in variables {
                self.assign(&name, value);
            }
            self.visit(&words, &redirected.writes, input)?;
            return Ok(Word::default());
        }
        let silenced = !redirected.writes.is_empty();
        let printed =
            self.with(variables, |shell| shell.run(&words, &redirected.writes, input, wanted, true))?;
        Ok(if silenced { Word::default() } else { printed })
    }

    /// Expands `NAME=value` and `NAME+=value`; the elements of arrays are not followed.
    fn assignment(&mut self, written: &str) -> Flow<Option<(String, Word)>> {
        let Some((name, value)) = written.split_once('=') else { return Ok(None) };
        let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        if let Some((array, subscript)) = name.split_once('[') {
            self.inert(subscript)?;
            self.single(value)?;
            return Ok(Some((array.to_owned(), Word::unknown(true))));
        }
        if let Some(elements) = value.strip_prefix('(') {
            self.single(elements)?;
            return Ok(Some((name.to_owned(), Word::unknown(true))));
        }
        let mut word = self.single(value)?;
        if append {
            let mut before = self.lookup(name).unwrap_or(Word::unknown(true));
            before.push(&word);
            self.charge(before.text.len())?;
            word = before;
        }
        Ok(Some((name.to_owned(), word)))
    }

    /// Does something with variables that are set for one command.
    fn with<T>(&mut self, variables: Vec<(String, Word)>, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        if variables.is_empty() {
            return run(self);
        }
        let (before, home) = (self.scope.variables.clone(), self.scope.other_home);
        for (name, value) in variables {
            self.assign(&name, value);
        }
        let result = run(self);
        self.scope.variables = before;
        self.scope.other_home = home;
        result
    }

    fn visit(&mut self, words: &[Word], writes: &[Word], input: Option<&Word>) -> Flow {
        if words.is_empty() && writes.is_empty() {
            return Ok(());
        }
        let cwd = self.scope.cwd.as_deref();
        let other_home = self.scope.other_home;
        Ok(self.visitor.call(&Call { words, writes, input, cwd, other_home })?)
    }

    /// Walks through a command whose words are expanded.
    /// `functions` says whether the name may be that of a function; behind a wrapper it is none.
    fn run(
        &mut self,
        words: &[Word],
        writes: &[Word],
        input: Option<&Word>,
        wanted: bool,
        functions: bool,
    ) -> Flow<Word> {
        self.step()?;
        self.visit(words, writes, input)?;
        let Some(first) = words.first() else { return Ok(Word::default()) };
        let Some(path) = first.known() else {
            // `$SUDO rm -rf /`: what is not known may be nothing, or a wrapper.
            let rest = &words[1..];
            return if first.is_unknown() { self.inner(rest, input, wanted, functions) } else { unknown() };
        };
        if functions && let Some(body) = self.scope.functions.get(path) {
            let body = Rc::clone(body);
            if let Some((_, called)) = self.defined.iter_mut().find(|(known, _)| Rc::ptr_eq(known, &body)) {
                *called = true;
            }
            return self.called(&body, Some(words[1..].to_vec()), input, wanted);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        match wrap::unwrap(name, words, input) {
            Unwrapped::Itself => {
                self.apply(name, &words[1..]);
                if wanted { self.printed(name, words, input) } else { Ok(Word::default()) }
            }
            Unwrapped::Rest(at, variables) => {
                self.with(variables, |shell| shell.inner(&words[at..], input, wanted, false))
            }
            Unwrapped::Commands(commands) => {
                for command in commands {
                    self.inner(&command, input, false, false)?;
                }
                unknown()
            }
            Unwrapped::Code { code, arguments } => self.code_of(&code, arguments, input, wanted),
            Unwrapped::Input => match input {
                Some(text) if !text.text.is_empty() => {
                    self.code_of(&text.to_code(), Some(words[1..].to_vec()), None, wanted)
                }
                _ => unknown(),
            },
        }
    }

    fn inner(&mut self, words: &[Word], input: Option<&Word>, wanted: bool, functions: bool) -> Flow<Word> {
        self.nested(|shell| shell.run(words, &[], input, wanted, functions))
    }

    /// Walks through the body of a function.
    pub(super) fn called(
        &mut self,
        body: &Rc<Command>,
        arguments: Option<Vec<Word>>,
        input: Option<&Word>,
        wanted: bool,
    ) -> Flow<Word> {
        // A function that calls itself does with other arguments what it does anyway.
        if self.active.iter().filter(|active| Rc::ptr_eq(active, body)).count() >= 2 {
            return unknown();
        }
        self.active.push(Rc::clone(body));
        let outer = std::mem::replace(&mut self.scope.positional, arguments);
        let printed = self.command(body, input, wanted);
        self.scope.positional = outer;
        self.active.pop();
        printed
    }

    fn code_of(
        &mut self,
        code: &str,
        arguments: Option<Vec<Word>>,
        input: Option<&Word>,
        wanted: bool,
    ) -> Flow<Word> {
        self.charge(code.len())?;
        self.nested(|shell| match arguments {
            None => shell.code(code, input, wanted),
            Some(arguments) => shell.isolated(|shell| {
                shell.scope.positional = Some(arguments);
                shell.code(code, input, wanted)
            }),
        })
    }

    fn group_redirects(&mut self, redirects: &[Redirect]) -> Flow<Redirected> {
        let redirected = self.redirects(redirects)?;
        self.visit(&[], &redirected.writes, None)?;
        Ok(redirected)
    }

    fn redirects(&mut self, redirects: &[Redirect]) -> Flow<Redirected> {
        let mut redirected = Redirected::default();
        for redirect in redirects {
            match redirect {
                Redirect::Write(target) => {
                    let target = self.single(target)?;
                    redirected.writes.push(target);
                }
                Redirect::Read(target, stdin) => {
                    let text = match target.strip_prefix("<(").and_then(|code| code.strip_suffix(')')) {
                        Some(code) => Some(self.printed_by(code)?),
                        None => self.single(target).map(|_| None)?,
                    };
                    if *stdin {
                        redirected.input = Some(text);
                    }
                }
                Redirect::Here { body, quoted } => {
                    let body = self.cut_out(body);
                    let text = if *quoted { Word::literal(body) } else { self.document(&body)? };
                    redirected.input = Some(Some(text));
                }
                Redirect::HereString(text) => {
                    let mut text = self.single(text)?;
                    text.text.push('\n');
                    redirected.input = Some(Some(text));
                }
            }
        }
        Ok(redirected)
    }

    /// Returns the text of a here-document that may have been cut out of the code.
    fn cut_out(&self, body: &str) -> String {
        let number = body.strip_prefix('\0').and_then(|rest| rest.trim_end().strip_suffix('\0'));
        let number = number.and_then(|n| n.parse::<usize>().ok());
        number.and_then(|n| self.bodies.get(n)).map_or(body, String::as_str).to_owned()
    }
}

impl Redirected {
    fn input<'a>(&'a self, otherwise: Option<&'a Word>) -> Option<&'a Word> {
        match &self.input {
            Some(input) => input.as_ref(),
            None => otherwise,
        }
    }
}

fn unknown() -> Flow<Word> {
    Ok(Word::unknown(true))
}
