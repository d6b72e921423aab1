//! Options as the programs themselves read them.

use std::borrow::Cow;

use super::args::{Arg, Grammar, PLAIN};
use crate::shell::Word;

/// Splits `--name=value` into its name and its value; `None` for what is no long option.
pub(super) fn split_long(text: &str) -> Option<(&str, Option<&str>)> {
    let text = text.strip_prefix("--").filter(|t| !t.is_empty())?;
    Some(match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    })
}

/// Returns the letters of a bundle of one-letter options such as `-uf`; `None` for anything else.
pub(super) fn bundle(text: &str) -> Option<&str> {
    text.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

/// A command line, read as `getopt_long` does: options may stand between the operands and be
/// bundled, `--` ends them, and long names may be abbreviated.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    /// The words that are no options.
    pub(super) operands: Vec<&'a Word>,
    /// A word stands among them of which nothing is known, and which may be options.
    pub(super) opaque: bool,
    options: Vec<(&'a str, Option<Cow<'a, Word>>)>,
}

impl<'a> Given<'a> {
    /// Reads arguments. `short` has the letters that take a value, `long` the names that take the
    /// next word as theirs, with spaces between them.
    pub(super) fn read(args: &'a [Word], short: &'static str, long: &'static str) -> Self {
        let mut given = Self::default();
        for arg in super::args::read(args, &Grammar { short, long, abbreviates: true, ..PLAIN }) {
            match arg {
                Arg::Option(name, value) => given.options.push((name, value)),
                Arg::Operand(word) if word.is_unknown() && word.may_split() => given.opaque = true,
                Arg::Operand(word) => given.operands.push(word),
            }
        }
        given
    }

    /// Says whether one of some letters, or a long option, is given. An abbreviation of the long
    /// one counts from two letters on.
    pub(super) fn has(&self, letters: &str, long: &str) -> bool {
        self.options.iter().any(|(name, _)| is_option(name, letters, long))
    }

    /// Returns the last value of an option.
    pub(super) fn value(&self, letters: &str, long: &str) -> Option<&Word> {
        self.values(letters, long).last()
    }

    /// Returns the values of an option.
    pub(super) fn values(&self, letters: &str, long: &str) -> impl Iterator<Item = &Word> {
        let of = self.options.iter().filter(move |(name, _)| is_option(name, letters, long));
        of.filter_map(|(_, value)| value.as_deref())
    }

    /// Says whether only help or the version is asked for.
    pub(super) fn asks(&self) -> bool {
        self.options.iter().any(|(name, _)| matches!(*name, "help" | "version"))
    }
}

fn is_option(name: &str, letters: &str, long: &str) -> bool {
    if name.chars().nth(1).is_none() && letters.contains(name) {
        return true;
    }
    let abbreviated = name.len() >= 2;
    !long.is_empty() && abbreviated && long.starts_with(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_options_and_bundles_are_told_apart() {
        assert_eq!(split_long("--a=b=c"), Some(("a", Some("b=c"))));
        assert_eq!(
            (split_long("--"), bundle("-uf"), bundle("--x"), bundle("-")),
            (None, Some("uf"), None, None)
        );
    }
    #[test]
    fn a_command_line_is_split_as_getopt_does() {
        let words: Vec<Word> =
            ["-rf", "a", "--mode=7", "-m5", "-vm", "6", "--rec", "--", "-x"].map(Word::literal).into();
        let given = Given::read(&words, "m", "mode");
        let operands: Vec<&str> = given.operands.iter().map(|w| w.text.as_str()).collect();
        let values: Vec<&str> = given.values("m", "mode").map(|w| w.text.as_str()).collect();
        assert_eq!((operands, values), (vec!["a", "-x"], vec!["7", "5", "6"]));
        assert!(given.has("r", "") && given.has("", "recursive") && given.has("v", "verbose"));
        assert!(!given.has("x", "") && !given.has("", "force") && !given.asks());
    }
}
