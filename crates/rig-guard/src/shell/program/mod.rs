//! Programs in other languages, as far as they start shells or delete.
//!
//! One general rule for all of them: what counts are the literal arguments of calls that start a
//! program, delete or set modes. A text is code for a shell; a list is a name with arguments; what
//! is not literal is unknown.

mod ex;
mod lines;
mod lisp;
mod read;
mod sed;
mod tokens;

pub(in crate::shell) use sed::runs as sed_runs;
pub(in crate::shell) use tokens::text;

use super::state::Item;
use super::word::Word;
use super::{Flow, Refusal, Shell};

/// The longest program that is read, in bytes.
const MAX_LENGTH: usize = 256 << 10;

/// A language, as far as its texts and comments look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// That of shells.
    Shell,
    /// PowerShell.
    PowerShell,
    /// Python.
    Python,
    /// Perl.
    Perl,
    /// Ruby.
    Ruby,
    /// JavaScript and others with the same texts.
    Node,
    /// Php.
    Php,
    /// Lua.
    Lua,
    /// R.
    R,
    /// Tcl.
    Tcl,
    /// The languages of the Java machine: Groovy, Scala, Kotlin and Java.
    Jvm,
    /// Elixir.
    Elixir,
    /// Erlang.
    Erlang,
    /// Julia.
    Julia,
    /// AppleScript, and the JavaScript in its place.
    Apple,
    /// Commands of Vim, and of `ed`.
    Ex,
    /// Expressions of Vim.
    Vim,
    /// Lisp, Scheme and Clojure.
    Lisp,
    /// Awk.
    Awk,
    /// Sed.
    Sed,
}

impl Language {
    /// Returns the language of an interpreter.
    pub(super) fn of(name: &str) -> Option<Self> {
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Some(match plain {
            "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "mksh" | "rbash" | "fish" | "busybox" => {
                Self::Shell
            }
            "pwsh" | "powershell" => Self::PowerShell,
            "python" | "pypy" => Self::Python,
            "perl" => Self::Perl,
            "ruby" | "jruby" => Self::Ruby,
            "node" | "nodejs" | "bun" | "deno" | "tsx" | "ts-node" => Self::Node,
            "php" => Self::Php,
            "lua" | "luajit" => Self::Lua,
            "Rscript" => Self::R,
            "tclsh" | "wish" | "expect" => Self::Tcl,
            "groovy" | "scala" | "scala-cli" | "kotlin" | "kotlinc" | "jshell" => Self::Jvm,
            "elixir" | "iex" => Self::Elixir,
            "escript" => Self::Erlang,
            "julia" => Self::Julia,
            "osascript" => Self::Apple,
            "guile" | "racket" | "clojure" | "clj" | "bb" | "sbcl" | "emacs" => Self::Lisp,
            "awk" | "gawk" | "mawk" | "nawk" => Self::Awk,
            "sed" => Self::Sed,
            _ => return None,
        })
    }

    /// Says whether `#` begins a comment.
    fn hash(self) -> bool {
        !matches!(
            self,
            Self::Node | Self::Lua | Self::Lisp | Self::Jvm | Self::Erlang | Self::Vim | Self::Apple
        )
    }

    /// Says whether three quotes begin a text.
    fn triple(self) -> bool {
        matches!(self, Self::Python | Self::Jvm | Self::Elixir | Self::Julia)
    }

    /// Says whether backticks run what is in them.
    fn backticks(self) -> bool {
        matches!(self, Self::Perl | Self::Ruby | Self::Php | Self::Julia)
    }

    /// Says whether `$name` in double quotes stands for a value.
    fn interpolates(self) -> bool {
        matches!(self, Self::Perl | Self::Php | Self::Tcl | Self::Jvm | Self::Julia)
    }
}

/// What a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// Code for a shell.
    Code(Word),
    /// A name with arguments.
    Command(Vec<Word>),
    /// What is given to a database or a store, as the command that would do so.
    Data(Vec<Word>),
    /// Processes without an end, by a call of this name.
    Multiplies(String),
    /// A program in a language.
    Program(Language, Word),
    /// Another directory for what follows.
    Enter(Word),
}

impl Shell<'_> {
    /// Replaces a `~` at the start, which programs expand on their own.
    fn at_home(&mut self, word: &Word) -> Word {
        let rest = word.text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (rest, self.scalar("HOME")) {
            (Some(_), Item::Text(mut home)) => {
                home.push(&word.tail(1));
                home
            }
            _ => word.clone(),
        }
    }

    /// Walks through what a program in another language runs.
    pub(super) fn program(&mut self, language: Language, text: &Word) -> Flow {
        self.program_of(language, text, true)
    }

    /// Does the same; what a program that stands in a file does to databases is its own affair, since that is what
    /// migrations and tests are for.
    pub(super) fn program_of(&mut self, language: Language, text: &Word, data: bool) -> Flow {
        if language == Language::Shell {
            return self.isolated(|shell| shell.code(&text.to_code())).map(drop);
        }
        if language == Language::PowerShell {
            return match crate::powershell::translate(&text.to_code(), self.world.home()) {
                Some(code) => self.isolated(|shell| shell.code(&code)).map(drop),
                None => Ok(self.visitor.refused(&text.to_code(), Refusal::Syntax, &self.context)?),
            };
        }
        if text.text.len() > MAX_LENGTH {
            return Ok(self.visitor.refused("", Refusal::TooLong, &self.context)?);
        }
        self.charge(text.text.len())?;
        // What the shell has put into the text is unknown in it.
        let written = text.to_code();
        let actions = {
            let shell = std::cell::RefCell::new(&mut *self);
            let variable = |name: &str| match shell.borrow_mut().scalar(name) {
                Item::Text(value) => Some(value),
                _ => None,
            };
            match language {
                Language::Sed => sed::program(&written),
                Language::Ex => ex::program(&written),
                Language::Lisp => lisp::program(&written, &variable),
                Language::Apple => lines::apple(&written, &variable),
                language => read::program(language, &written, &variable),
            }
        };
        if actions.is_empty() {
            return Ok(());
        }
        self.isolated(|shell| actions.into_iter().try_for_each(|action| shell.act(action, data)))
    }

    fn act(&mut self, action: Action, data: bool) -> Flow {
        self.step()?;
        match action {
            Action::Code(code) => {
                let code = code.to_code();
                self.nested(|shell| shell.isolated(|shell| shell.code(&code)))?;
            }
            Action::Multiplies(name) => self.visitor.multiplies(&name)?,
            Action::Data(words) if data => {
                self.nested(|shell| shell.isolated(|shell| shell.run(&words, &[], &[], false)))?;
            }
            Action::Data(_) => {}
            Action::Command(words) => {
                let words: Vec<Word> = words.iter().map(|word| self.at_home(word)).collect();
                self.nested(|shell| shell.isolated(|shell| shell.run(&words, &[], &[], false)))?;
            }
            Action::Program(language, text) => {
                self.nested(|shell| shell.program_of(language, &text, data))?
            }
            Action::Enter(directory) => {
                let directory = self.at_home(&directory);
                self.enter_directory(&directory);
            }
        }
        Ok(())
    }
}
