//! The parts of a shell program that the guard looks at, and the trait behind which a parser stands.

use std::rc::Rc;

/// Turns code into commands.
pub trait Parser {
    /// Parses a whole program.
    ///
    /// The caller has bounded the length and the nesting of the code.
    ///
    /// # Errors
    /// When the code is not valid.
    fn parse(&self, code: &str) -> Result<Vec<Command>, SyntaxError>;
}

/// The code is no valid shell program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError;

/// A command; words stand as they are written, with their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Assignments, words and redirections.
    Simple(Simple),
    /// Commands that are joined by pipes.
    Pipeline(Vec<Command>),
    /// Commands one after the other: a list, a brace group, the parts of `if`, `while` and `case`.
    Group {
        /// The commands in the order of the text.
        body: Vec<Command>,
        /// The redirections of the whole group.
        redirects: Vec<Redirect>,
        /// Changes of variables and directory do not outlive the group.
        subshell: bool,
    },
    /// `for` and `select`.
    For {
        /// The variable.
        name: String,
        /// The values; without them the positional parameters.
        words: Option<Vec<String>>,
        /// What is repeated.
        body: Vec<Command>,
        /// The redirections of the whole loop.
        redirects: Vec<Redirect>,
    },
    /// The definition of a function.
    Function {
        /// Its name.
        name: String,
        /// What it runs.
        body: Rc<Command>,
    },
    /// Text of which only the substitutions in it are run: arithmetic, tests, patterns.
    Text(Vec<String>),
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// `NAME=value` before the command, as written.
    pub assignments: Vec<String>,
    /// The command's name and arguments, as written.
    pub words: Vec<String>,
    /// Its redirections.
    pub redirects: Vec<Redirect>,
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Writes, truncates or appends to a file.
    Write(String),
    /// Reads a file; true where it becomes the standard input.
    Read(String, bool),
    /// A here-document that becomes the standard input.
    Here {
        /// The text.
        body: String,
        /// The delimiter was quoted: nothing in the text is expanded.
        quoted: bool,
    },
    /// A here-string, as written.
    HereString(String),
}
