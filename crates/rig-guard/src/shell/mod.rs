//! Finds the commands that a piece of shell code would run, and the words they would get.
//!
//! [`Shell`] is an abstract interpreter: it walks through the code the way a shell would, but runs
//! nothing. It follows variables, arrays, `cd`, functions, files that are written on the way,
//! substitutions, wrappers such as `sudo` and `bash -c`, and pipes from `echo`; every simple
//! command that it comes by goes to a [`Visitor`]. What cannot be known without running something
//! stays unknown, with the text around it ([`Word`]).
//!
//! Where a condition is not known, both ways are walked, and whatever they leave behind is kept
//! side by side: a variable may have several values, and a command that uses it is looked at once
//! for each. Recursion, the number of commands and the amount of text are bounded; code beyond that
//! is a [`Refusal`].

mod arith;
mod assign;
mod braces;
mod builtin;
mod call;
mod change;
mod cond;
mod decode;
mod disguise;
mod escape;
mod expand;
mod fields;
mod filter;
mod find;
mod flow;
mod getopts;
mod glob;
mod lookup;
mod loops;
mod names;
mod package;
mod param;
mod printf;
mod program;
mod pure;
mod rable;
mod read;
mod redirect;
mod run;
mod scan;
mod script;
mod simple;
mod state;
mod syntax;
mod word;
mod wrap;

use std::collections::VecDeque;
use std::rc::Rc;

pub use call::{Access, Call, Context, Found, Redirection, Verdict, Visitor};
pub use find::Find;
pub use program::Language;
pub use rable::Rable;
pub use scan::Refusal;
pub use syntax::{Command, List, Parser, Simple, SyntaxError};
pub use word::{HOLE, Kind, Mark, Word};

use crate::world::World;
use call::Mask;
use flow::{Choice, Frame};
use state::{DIRECTORY, INPUT, Item, OUTPUT, PARAMETERS, State};

/// How deep commands, functions and code in code may be nested.
const MAX_DEPTH: usize = 100;
/// How many commands are walked through.
const MAX_STEPS: usize = 20_000;
/// How much text all expansions together may make, and one value, in bytes.
const MAX_TEXT: usize = 8 << 20;
const MAX_VALUE: usize = 512 << 10;
/// How many substitutions are kept as they were parsed, and up to which length, in bytes.
const PARSED: usize = 16;
const MAX_PARSED: usize = 512;
/// The clock is read once in so many steps.
const CLOCK: usize = 64;

/// Why a walk ends early.
#[derive(Debug)]
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

/// What is known about how a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Success,
    Failure,
    Unknown,
}

impl Status {
    fn of(success: Option<bool>) -> Self {
        match success {
            Some(true) => Self::Success,
            Some(false) => Self::Failure,
            None => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }

    fn negated(self) -> Self {
        match self {
            Self::Success => Self::Failure,
            Self::Failure => Self::Success,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A walk through code.
pub struct Shell<'a> {
    parser: &'a dyn Parser,
    world: &'a dyn World,
    visitor: &'a mut dyn Visitor,
    state: State,
    context: Rc<Context>,
    /// The parts of the code that were cut out before it was parsed.
    cuts: Vec<Rc<str>>,
    /// The substitutions that were parsed last.
    parsed: VecDeque<(Box<str>, Rc<List>)>,
    /// What a `break`, a `return` or an `exit` may end, innermost last.
    frames: Vec<Frame>,
    /// The frame that is being left.
    jump: Option<usize>,
    /// Which of several values are tried for the command that is walked through.
    choices: Vec<Choice>,
    /// How many substitutions of it were walked through.
    captures: usize,
    /// How many `<(...)` the command has.
    fifos: usize,
    /// What is printed is wanted.
    capturing: bool,
    /// What is printed goes to a loop which picks some of it by a condition.
    picked: bool,
    /// The functions that are being walked through, and how many `&` led to each.
    active: Vec<(Rc<Command>, usize)>,
    /// Every function that was defined, with whether it was walked through.
    defined: Vec<(Rc<Command>, bool)>,
    /// There are aliases, or functions.
    aliases: bool,
    functions: bool,
    /// Files that are links to others, or copies of them.
    copied: Vec<Rc<str>>,
    /// What was read of packages on the disk.
    packages: Vec<(Rc<str>, Option<package::Package>)>,
    /// The scripts that are being walked through.
    scripts: Vec<script::Running>,
    /// `set -a`: every variable is exported.
    allexport: bool,
    /// `set -u`: a variable that was never set ends the shell.
    nounset: bool,
    /// Code was run of which nothing is known: it may have set any variable.
    opened: bool,
    /// How many `&` lead to here, and how many conditions in the function that is walked through.
    forks: usize,
    guards: usize,
    masks: Vec<Mask>,
    depth: usize,
    steps: usize,
    text: usize,
}

impl<'a> Shell<'a> {
    /// Begins a walk in a directory.
    pub fn new(
        parser: &'a dyn Parser,
        world: &'a dyn World,
        visitor: &'a mut dyn Visitor,
        cwd: Option<String>,
    ) -> Self {
        let mut state = State::default();
        state.set(DIRECTORY, cwd.map_or(Item::Open, |cwd| Item::Text(Word::literal(cwd))));
        state.set(PARAMETERS, Item::Words(Vec::new()));
        Self {
            parser,
            world,
            visitor,
            state,
            context: Rc::default(),
            cuts: Vec::new(),
            parsed: VecDeque::new(),
            frames: Vec::new(),
            jump: None,
            choices: Vec::new(),
            captures: 0,
            fifos: 0,
            capturing: false,
            picked: false,
            active: Vec::new(),
            defined: Vec::new(),
            aliases: false,
            functions: false,
            copied: Vec::new(),
            packages: Vec::new(),
            scripts: Vec::new(),
            allexport: false,
            nounset: false,
            opened: false,
            forks: 0,
            guards: 0,
            masks: Vec::new(),
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
        let walked = match self.parse(code) {
            Ok(commands) => self.top(&commands).and_then(|()| self.uncalled()),
            Err(why) => Err(Stop::Refused(why)),
        };
        self.verdict(walked, code)
    }

    /// Walks through what a program in another language runs.
    ///
    /// # Errors
    /// [`Found`] when the visitor ended the walk.
    pub fn walk_program(&mut self, language: Language, code: &str) -> Verdict {
        let code = if code.contains(HOLE) { &code.replace(HOLE, "") } else { code };
        let walked = self.program(language, &Word::literal(code));
        self.verdict(walked, code)
    }

    fn verdict(&mut self, walked: Flow, code: &str) -> Verdict {
        match walked {
            Ok(()) => Ok(()),
            Err(Stop::Found) => Err(Found),
            Err(Stop::Refused(why)) => self.visitor.refused(code, why, &self.context),
        }
    }

    fn top(&mut self, commands: &List) -> Flow {
        self.list(commands)?;
        self.jump = None;
        Ok(())
    }

    /// Walks through the functions that nothing calls, with unknown arguments.
    fn uncalled(&mut self) -> Flow {
        let mut next = 0;
        while let Some((body, called)) = self.defined.get(next).cloned() {
            next += 1;
            if !called {
                self.isolated(|shell| shell.called(&body, Item::Open))?;
            }
        }
        Ok(())
    }

    /// Walks through code in the shell that it stands in.
    fn code(&mut self, code: &str) -> Flow<Status> {
        self.charge(code.len())?;
        match self.parse(code) {
            Ok(commands) => self.list(&commands),
            Err(why) => {
                self.visitor.refused(&self.filled(code), why, &self.context)?;
                Ok(Status::Unknown)
            }
        }
    }

    fn parse(&mut self, code: &str) -> Result<List, Refusal> {
        let prepared = scan::prepare(code, self.cuts.len())?;
        self.cuts.extend(prepared.parts.into_iter().map(Rc::from));
        let code = prepared.cut.as_deref().unwrap_or(code);
        self.parser.parse(code).map_err(|SyntaxError| Refusal::Syntax)
    }

    /// Parses code that may come again: a substitution in a function, or in a loop. The same text is the same
    /// code, since a hole in it always stands for the same.
    fn parse_again(&mut self, code: &str) -> Result<Rc<List>, Refusal> {
        if let Some((_, commands)) = self.parsed.iter().find(|(text, _)| **text == *code) {
            return Ok(Rc::clone(commands));
        }
        let commands = Rc::new(self.parse(code)?);
        if code.len() <= MAX_PARSED {
            if self.parsed.len() >= PARSED {
                self.parsed.pop_front();
            }
            self.parsed.push_back((Box::from(code), Rc::clone(&commands)));
        }
        Ok(commands)
    }

    /// Returns code with what was cut out of it.
    fn filled(&self, code: &str) -> String {
        if !code.contains(HOLE) {
            return code.to_owned();
        }
        let mut filled = String::with_capacity(code.len());
        for (n, part) in code.split(HOLE).enumerate() {
            match part.parse::<usize>().ok().filter(|_| n % 2 == 1).and_then(|n| self.cuts.get(n)) {
                Some(cut) => filled.push_str(cut),
                None if n % 2 == 1 => filled.push('$'),
                None => filled.push_str(part),
            }
        }
        filled
    }

    /// Does something in a context that differs.
    fn within<T>(
        &mut self,
        label: &str,
        change: impl FnOnce(&mut Context),
        run: impl FnOnce(&mut Self) -> Flow<T>,
    ) -> Flow<T> {
        let outer = Rc::clone(&self.context);
        let mut context = Context::clone(&outer);
        context.chain.push(Rc::from(label));
        change(&mut context);
        self.context = Rc::new(context);
        let result = self.nested(run);
        self.context = outer;
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
        if self.steps > MAX_STEPS || self.steps.is_multiple_of(CLOCK) && self.world.exhausted() {
            return Err(Stop::Refused(Refusal::TooMuch));
        }
        Ok(())
    }

    /// Says that loops should come to an end.
    fn hurry(&self) -> bool {
        self.steps > MAX_STEPS / 2 || self.text > MAX_TEXT / 2
    }

    /// Counts text that an expansion made.
    fn charge(&mut self, bytes: usize) -> Flow {
        self.text += bytes;
        let too_much = self.text > MAX_TEXT || bytes > MAX_VALUE;
        if too_much { Err(Stop::Refused(Refusal::TooMuch)) } else { Ok(()) }
    }

    /// Returns the working directory, where it is known.
    fn directory(&mut self) -> Option<String> {
        // This is asked for every command, and hardly ever is there more than one answer.
        if let Some(Item::Text(word)) = self.state.only(DIRECTORY) {
            return word.known().map(str::to_owned);
        }
        match self.pick(DIRECTORY) {
            Some(Item::Text(word)) => word.known().map(str::to_owned),
            _ => None,
        }
    }

    /// Returns what stands on the standard input, where something is known about it.
    fn input(&mut self) -> Option<Word> {
        match self.pick(INPUT) {
            Some(Item::Text(word)) => Some(word),
            Some(Item::Disk(_) | Item::Open) => Some(Word::unknown(true)),
            _ => None,
        }
    }

    /// Returns the file that stands on the standard input, where nobody has read it yet.
    fn input_file(&mut self) -> Option<Rc<str>> {
        match self.pick(INPUT) {
            Some(Item::Disk(path)) => Some(path),
            _ => None,
        }
    }

    /// Adds one of two texts to what is printed.
    fn print_either(&mut self, one: &Word, other: &Word) -> Flow {
        let mut ways = Vec::with_capacity(2);
        for text in [one, other] {
            let mark = self.state.mark();
            self.print(text)?;
            ways.push(self.state.undo(mark));
        }
        self.state.join(ways);
        Ok(())
    }

    /// Adds to what is printed, where that is wanted.
    fn print(&mut self, printed: &Word) -> Flow {
        if !self.capturing {
            return Ok(());
        }
        self.charge(printed.text.len())?;
        let Some(slot) = self.state.get(OUTPUT) else {
            self.state.set(OUTPUT, Item::Text(printed.clone()));
            return Ok(());
        };
        let mut slot = state::Slot::clone(slot);
        let mut longest = 0;
        for item in &mut slot.items {
            if let Item::Text(word) = item {
                word.push(printed);
                longest = longest.max(word.text.len());
            }
        }
        if longest > MAX_VALUE {
            return Err(Stop::Refused(Refusal::TooMuch));
        }
        self.state.set(OUTPUT, slot);
        Ok(())
    }
}

/// Returns an absolute path without `.`, `..` and doubled slashes; `None` for a relative path
/// where the directory is not known.
#[must_use]
pub fn absolute(cwd: Option<&str>, path: &str) -> Option<String> {
    let base = if path.starts_with('/') { "" } else { cwd? };
    // Most paths are written as they are.
    let odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    let plain = |path: &str| !path.as_bytes().split(|byte| *byte == b'/').any(odd);
    if plain(path.strip_prefix('/').unwrap_or(path)) {
        match base.strip_prefix('/') {
            None if base.is_empty() => return Some(path.to_owned()),
            Some(rest) if plain(rest) => return Some([base, "/", path].concat()),
            _ => {}
        }
    }
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
