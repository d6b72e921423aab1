//! Finds the commands that a piece of shell code would run, and the words they would get.
//!
//! [`Shell`] walks through the code the way a shell would, but runs nothing. It follows variables,
//! `cd`, functions, substitutions, wrappers such as `sudo` and `bash -c`, and pipes from `echo`;
//! every simple command that it comes by goes to a [`Visitor`]. What cannot be known without
//! running something stays unknown ([`word::Word`]).
//!
//! Both branches of an `if` are walked through, and loops once per known value. Recursion, the
//! number of commands and the amount of text are bounded; code beyond that is [`Refusal`].

mod braces;
mod builtin;
mod escape;
mod expand;
mod fields;
mod find;
mod rable;
mod run;
mod scan;
mod syntax;
mod word;
mod wrap;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use find::Find;
pub use rable::Rable;
pub use scan::Refusal;
pub use syntax::{Command, Parser, Redirect, Simple, SyntaxError};
pub use word::{HOLE, Kind, Mark, Word};

use crate::world::World;

/// How deep commands, functions and code in code may be nested.
const MAX_DEPTH: usize = 150;
/// How many commands are walked through.
const MAX_STEPS: usize = 20_000;
/// How much text all expansions together may make, and one value, in bytes.
const MAX_TEXT: usize = 8 << 20;
const MAX_VALUE: usize = 256 << 10;

/// A simple command that would run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The name and the arguments.
    pub words: &'a [Word],
    /// The files that redirections write to.
    pub writes: &'a [Word],
    /// What stands on the standard input, as far as that is known.
    pub input: Option<&'a Word>,
    /// The working directory, where it is known.
    pub cwd: Option<&'a str>,
    /// The command gets another `HOME` than the session's.
    pub other_home: bool,
}

impl<'a> Call<'a> {
    /// Returns the program's name without its directory; `None` where it is not known.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        let name = self.words.first()?.known()?;
        Some(name.rsplit('/').next().unwrap_or(name))
    }

    /// Returns the arguments.
    #[must_use]
    pub fn args(&self) -> &'a [Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Returns the command as people would write it.
    #[must_use]
    pub fn display(&self) -> String {
        let words: Vec<String> = self.words.iter().map(Word::display).collect();
        let writes = self.writes.iter().map(|word| format!("> {}", word.display()));
        words.into_iter().chain(writes).collect::<Vec<_>>().join(" ")
    }
}

/// What becomes of the walk after a command.
pub type Verdict = Result<(), Found>;

/// The visitor has found what it looks for: the walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found;

/// Looks at what a [`Shell`] comes by.
pub trait Visitor {
    /// Looks at a simple command.
    ///
    /// # Errors
    /// [`Found`] ends the walk.
    fn call(&mut self, call: &Call<'_>) -> Verdict;

    /// Looks at code that could not be walked through.
    ///
    /// # Errors
    /// [`Found`] ends the walk.
    fn refused(&mut self, code: &str, why: Refusal) -> Verdict;
}

/// Why a walk ends early.
enum Stop {
    Found,
    Refused(Refusal),
}

impl From<Found> for Stop {
    fn from(_: Found) -> Self {
        Self::Found
    }
}

type Flow<T = ()> = Result<T, Stop>;

/// A walk through code.
pub struct Shell<'a> {
    parser: &'a dyn Parser,
    world: &'a dyn World,
    visitor: &'a mut dyn Visitor,
    scope: Scope,
    /// The here-documents that were cut out of the code.
    bodies: Vec<String>,
    /// The functions that are being walked through.
    active: Vec<Rc<Command>>,
    /// Every function that was defined, with whether it was walked through.
    defined: Vec<(Rc<Command>, bool)>,
    depth: usize,
    steps: usize,
    text: usize,
}

/// What a subshell gets a copy of.
#[derive(Clone, Debug, Default)]
struct Scope {
    variables: BTreeMap<String, Word>,
    functions: BTreeMap<String, Rc<Command>>,
    /// `$1` and so on; unknown in the body of a function that is only defined.
    positional: Option<Vec<Word>>,
    cwd: Option<String>,
    other_home: bool,
}

impl<'a> Shell<'a> {
    /// Begins a walk in a directory.
    pub fn new(
        parser: &'a dyn Parser,
        world: &'a dyn World,
        visitor: &'a mut dyn Visitor,
        cwd: Option<String>,
    ) -> Self {
        let scope = Scope { cwd, positional: Some(Vec::new()), ..Scope::default() };
        Self {
            parser,
            world,
            visitor,
            scope,
            bodies: Vec::new(),
            active: Vec::new(),
            defined: Vec::new(),
            depth: 0,
            steps: 0,
            text: 0,
        }
    }

    /// Walks through a whole program. Code that cannot be walked through is told to the visitor.
    ///
    /// # Errors
    /// [`Found`] when the visitor ended the walk.
    pub fn walk(&mut self, code: &str) -> Verdict {
        // A shell cannot be given a NUL, and here it would pass for a hole.
        let code = if code.contains(HOLE) { &code.replace(HOLE, "") } else { code };
        match self.code(code, None, false).and_then(|_| self.uncalled()) {
            Ok(()) => Ok(()),
            Err(Stop::Found) => Err(Found),
            Err(Stop::Refused(why)) => self.visitor.refused(code, why),
        }
    }

    /// Walks through the functions that nothing calls, with unknown arguments.
    fn uncalled(&mut self) -> Flow {
        let mut next = 0;
        while let Some((body, called)) = self.defined.get(next).cloned() {
            next += 1;
            if !called {
                self.scope.positional = None;
                self.isolated(|shell| shell.called(&body, None, None, false))?;
            }
        }
        Ok(())
    }

    /// Walks through code, and returns what it prints where that is `wanted`.
    fn code(&mut self, code: &str, input: Option<&Word>, wanted: bool) -> Flow<Word> {
        match self.parse(code) {
            Ok(commands) => self.sequence(&commands, input, wanted),
            Err(why) => {
                self.visitor.refused(code, why)?;
                Ok(Word::unknown(true))
            }
        }
    }

    fn parse(&mut self, code: &str) -> Result<Vec<Command>, Refusal> {
        let prepared = scan::prepare(code, self.bodies.len())?;
        self.bodies.extend(prepared.bodies.into_iter().map(str::to_owned));
        let code = prepared.cut.as_deref().unwrap_or(code);
        self.parser.parse(code).map_err(|SyntaxError| Refusal::Syntax)
    }

    /// Does something in a copy of the scope.
    fn isolated<T>(&mut self, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        let scope = self.scope.clone();
        let result = run(self);
        self.scope = scope;
        result
    }

    /// Counts a level of nesting while something is done.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Flow<T>) -> Flow<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Refused(Refusal::TooDeep));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self) -> Flow {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Stop::Refused(Refusal::TooMuch)) } else { Ok(()) }
    }

    /// Counts text that an expansion made.
    fn charge(&mut self, bytes: usize) -> Flow {
        self.text += bytes;
        let too_much = self.text > MAX_TEXT || bytes > MAX_VALUE;
        if too_much { Err(Stop::Refused(Refusal::TooMuch)) } else { Ok(()) }
    }

    /// Returns the value of a variable or parameter; `None` where nothing is known about it.
    fn lookup(&self, name: &str) -> Option<Word> {
        if let Ok(number) = name.parse::<usize>() {
            let words = self.scope.positional.as_ref().filter(|_| number > 0)?;
            return Some(words.get(number - 1).cloned().unwrap_or_default());
        }
        if let Some(value) = self.scope.variables.get(name) {
            return Some(value.clone());
        }
        match name {
            "HOME" => self.world.home().map(Word::literal),
            "PWD" => self.scope.cwd.as_deref().map(Word::literal),
            "IFS" => Some(Word::literal(" \t\n")),
            "#" | "?" | "$" | "!" | "-" | "RANDOM" | "SECONDS" | "UID" | "EUID" | "PPID" | "BASHPID" => {
                Some(Word::unknown(false))
            }
            _ => None,
        }
    }

    fn assign(&mut self, name: &str, value: Word) {
        if name == "HOME" {
            self.scope.other_home = value.known() != self.world.home();
        }
        self.scope.variables.insert(name.to_owned(), value);
    }

    /// Returns the characters at which unquoted expansions are split.
    fn separators(&self) -> String {
        self.lookup("IFS").map_or_else(String::new, |word| word.text)
    }
}

/// Returns an absolute path without `.`, `..` and doubled slashes; `None` for a relative path
/// where the directory is not known.
#[must_use]
pub fn absolute(cwd: Option<&str>, path: &str) -> Option<String> {
    let base = if path.starts_with('/') { "" } else { cwd? };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}
