//! What a rule gets to see of a command.

use std::rc::Rc;

use super::Refusal;
use super::state::{Item, State};
use super::word::Word;

/// A simple command that would run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The name and the arguments; none where only redirections stand.
    pub words: &'a [Word],
    /// The redirections from and to files.
    pub redirects: &'a [Redirection],
    /// What stands on the standard input, as far as that is known.
    pub input: Option<&'a Word>,
    /// The file that stands on the standard input, where it is one that nobody has read yet.
    pub input_file: Option<&'a str>,
    /// The working directory, where it is known.
    pub cwd: Option<&'a str>,
    /// The variables that are set for this command alone, by the shell or by wrappers.
    pub variables: &'a [(String, Word)],
    /// How the command came about.
    pub context: &'a Context,
    /// The command gets another `HOME` than the session's.
    pub other_home: bool,
    /// The name of the program, which every rule asks for.
    pub(super) name: Option<&'a str>,
    pub(super) state: &'a State,
    pub(super) masks: &'a [Mask],
}

/// A file that a command reads or writes by a redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// The file.
    pub target: Word,
    /// What is done to it.
    pub access: Access,
}

/// What a [`Redirection`] does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It gets new contents.
    Write,
    /// It gets more contents.
    Append,
}

/// How a command came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// What led to the command, outermost first: wrappers, shells, scripts, functions.
    pub chain: Vec<Rc<str>>,
    /// Only rules about what cannot be brought back are asked: it stands in a file that somebody
    /// has taken into the repository, or behind a word of which nothing is known.
    pub critical: bool,
    /// It runs on another machine or in another container.
    pub elsewhere: bool,
    /// It runs at another time: from a trap, a table of jobs, a start-up file.
    pub later: bool,
    /// It runs in a container of its own that sees these directories: its name inside, and the
    /// directory of this machine. Everything else in it goes away with it.
    pub mounts: Option<Vec<(String, String)>>,
    /// It runs once in each round of a loop of which nobody knows how long it goes on, whatever else holds. The loop
    /// was begun in this directory, which is empty where that is not known.
    pub repeats: Option<Rc<str>>,
}

/// A value of the process environment with the name to show in its place.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    pub(super) value: String,
    pub(super) name: String,
}

/// Returns the name of the program that words begin with.
pub(super) fn program(words: &[Word]) -> Option<&str> {
    words.first().and_then(Word::program)
}

impl<'a> Call<'a> {
    /// Returns the command with other words, redirections, and another working directory.
    #[must_use]
    pub fn with<'b>(&self, words: &'b [Word], redirects: &'b [Redirection], cwd: Option<&'b str>) -> Call<'b>
    where
        'a: 'b,
    {
        Call { words, redirects, cwd, name: program(words), ..*self }
    }

    /// Returns the program's name without its directory; `None` where it is not known. What may
    /// be empty in it is taken for empty.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// Returns the arguments.
    #[must_use]
    pub fn args(&self) -> &'a [Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Returns the files that redirections write to.
    pub fn writes(&self) -> impl Iterator<Item = &'a Word> + use<'a> {
        self.redirects.iter().filter(|r| r.access != Access::Read).map(|r| &r.target)
    }

    /// Returns the value of a shell variable that the code before has set, where there is but one;
    /// an unknown word where it is not known.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Word> {
        if let Some((_, value)) = self.variables.iter().rev().find(|(own, _)| own == name) {
            return Some(value.clone());
        }
        match self.state.only(name)? {
            Item::Text(word) => Some(word.clone()),
            Item::Unset => None,
            _ => Some(Word::unknown(true)),
        }
    }

    /// Returns the contents of a file that the code before has written, as far as they are known.
    #[must_use]
    pub fn written(&self, path: &str) -> Option<&'a Word> {
        match self.state.only(path)? {
            Item::Text(word) => Some(word),
            _ => None,
        }
    }

    /// Returns what may stand in a file that the code before has written, as far as it is known; `None` where
    /// the code has not written it.
    #[must_use]
    pub fn writings(&self, path: &str) -> Option<impl Iterator<Item = &'a Word> + use<'a>> {
        let text = |item: &'a Item| match item {
            Item::Text(word) => Some(word),
            _ => None,
        };
        // A copy of a file is looked at where that file is.
        let slot = self.state.get(path).filter(|slot| !matches!(slot.items[..], [Item::Disk(_)]))?;
        Some(slot.items.iter().filter_map(text))
    }

    /// Returns the command as people would write it, without values of the environment.
    #[must_use]
    pub fn display(&self) -> String {
        let words = self.words.iter().map(Word::display);
        let writes = self.redirects.iter().filter_map(|r| match r.access {
            Access::Read => None,
            Access::Write => Some(format!("> {}", r.target.display())),
            Access::Append => Some(format!(">> {}", r.target.display())),
        });
        self.masked(words.chain(writes).collect::<Vec<_>>().join(" "))
    }

    /// Replaces values that came from the environment by the names of their variables.
    #[must_use]
    pub fn masked(&self, mut text: String) -> String {
        for mask in self.masks {
            if text.contains(&mask.value) {
                text = text.replace(&mask.value, &format!("${}", mask.name));
            }
        }
        text
    }
}

/// What becomes of the walk after a command.
pub type Verdict = Result<(), Found>;

/// The visitor has found what it looks for: the walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found;

/// Looks at what a [`Shell`](super::Shell) comes by.
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
    fn refused(&mut self, code: &str, why: Refusal, context: &Context) -> Verdict;

    /// Looks at a function that starts itself in the background, whatever happens.
    ///
    /// # Errors
    /// [`Found`] ends the walk.
    fn multiplies(&mut self, name: &str) -> Verdict {
        let _ = name;
        Ok(())
    }
}
