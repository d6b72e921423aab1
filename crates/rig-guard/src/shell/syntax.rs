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
    fn parse(&self, code: &str) -> Result<List, SyntaxError>;
}

/// The code is no valid shell program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError;

/// Commands one after the other.
pub type List = Vec<AndOr>;

/// Commands that are joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndOr {
    /// The first command.
    pub first: Command,
    /// The others, each with whether it runs after success or after failure.
    pub rest: Vec<(When, Command)>,
    /// They run in the background.
    pub background: bool,
}

/// When a command of an [`AndOr`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `&&`
    Success,
    /// `||`
    Failure,
}

/// A command; words stand as they are written, with their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Assignments, words and redirections.
    Simple(Simple),
    /// Commands that are joined by pipes; of a single one perhaps only the status is inverted.
    Pipeline {
        /// The commands.
        commands: Vec<Command>,
        /// A `!` stands before it.
        negated: bool,
    },
    /// `{ ...; }` and `( ... )`, and lists in places where one command is asked for.
    Group {
        /// The commands.
        body: List,
        /// The redirections of the whole group.
        redirects: Vec<Redirect>,
        /// Changes of variables and directory do not outlive the group.
        subshell: bool,
    },
    /// `if`, with every `elif`.
    If {
        /// Conditions, each with what runs if it holds.
        arms: Vec<(List, List)>,
        /// What runs if none holds.
        otherwise: List,
        /// The redirections.
        redirects: Vec<Redirect>,
    },
    /// `while` and `until`.
    Loop {
        /// What is asked before each round.
        condition: List,
        /// It goes on as long as the condition fails.
        until: bool,
        /// What is repeated.
        body: List,
        /// The redirections.
        redirects: Vec<Redirect>,
    },
    /// `for` and `select`.
    For {
        /// The variable.
        name: String,
        /// The values; without them the positional parameters.
        words: Option<Vec<String>>,
        /// What is repeated.
        body: List,
        /// The redirections of the whole loop.
        redirects: Vec<Redirect>,
        /// It is a `select`: which of the values is taken is not known.
        select: bool,
    },
    /// `for (( ; ; ))`.
    Count {
        /// What is worked out first, before each round, and after each round.
        parts: [String; 3],
        /// What is repeated.
        body: List,
        /// The redirections.
        redirects: Vec<Redirect>,
    },
    /// `case`.
    Case {
        /// What is compared, as written.
        subject: String,
        /// The patterns and what they run.
        arms: Vec<Arm>,
        /// The redirections.
        redirects: Vec<Redirect>,
    },
    /// The definition of a function.
    Function {
        /// Its name.
        name: String,
        /// What it runs.
        body: Rc<Command>,
    },
    /// `(( ... ))`.
    Arithmetic(String, Vec<Redirect>),
    /// `[[ ... ]]`.
    Test(Test, Vec<Redirect>),
    /// `coproc`.
    Coprocess(Box<Command>),
}

/// A pattern of a `case` with what it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The patterns, as written.
    pub patterns: Vec<String>,
    /// What runs.
    pub body: List,
    /// How it goes on.
    pub end: End,
}

/// How a `case` goes on behind an [`Arm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `;;`
    Done,
    /// `;&`: with the body of the next arm.
    Through,
    /// `;;&`: with the patterns of the next arm.
    Next,
}

/// What stands in `[[ ]]`; words as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// A word that is not empty.
    Word(String),
    /// `-n word` and the like.
    Unary(String, String),
    /// `a == b` and the like.
    Binary(String, String, String),
    /// `a && b`
    And(Box<Test>, Box<Test>),
    /// `a || b`
    Or(Box<Test>, Box<Test>),
    /// `! a`
    Not(Box<Test>),
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
    Write {
        /// The file, as written.
        target: String,
        /// What is in the file stays there.
        append: bool,
        /// What is written is the standard output.
        stdout: bool,
    },
    /// Reads a file as a descriptor; 0 is the standard input.
    Read(String, u32),
    /// A here-document that becomes a descriptor.
    Here {
        /// The descriptor; 0 is the standard input.
        fd: u32,
        /// The text.
        body: String,
        /// The delimiter was quoted: nothing in the text is expanded.
        quoted: bool,
    },
    /// A here-string, as written, that becomes a descriptor; 0 is the standard input.
    HereString(String, u32),
    /// The descriptor of this number becomes the standard input.
    Reuse(String),
    /// A descriptor is duplicated; true where the standard output goes elsewhere by it.
    Duplicate(bool),
}
