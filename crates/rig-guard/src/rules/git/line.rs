//! The options of a subcommand, as git's own parser reads them.
//!
//! A long option may be abbreviated as long as it is the only one that begins so, and negated by
//! `no-`; one-letter options may stand together; options may stand behind operands.

use super::super::options::{bundle, split_long};
use crate::shell::Word;

/// A command line, split.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// The options in order: the name, whether it is turned on, and its value.
    found: Vec<(&'static str, bool, Option<Word>)>,
    /// Everything else.
    pub(super) operands: Vec<&'a Word>,
    /// How many operands stand before `--`.
    pub(super) dashes: Option<usize>,
    /// It asks for help, so that nothing else happens.
    pub(super) help: bool,
}

impl<'a> Line<'a> {
    /// Splits arguments. The options are given as `name`, `name/l` with a letter or `/l` with a letter
    /// alone; behind it `=` stands for a value, `?` for one that is attached or not there.
    ///
    /// An option that is not known here counts as one without a value: git may be newer than this.
    pub(super) fn read(args: &'a [Word], options: &'static str) -> Self {
        let mut line = Self::default();
        let mut args = args.iter();
        let mut ended = false;
        while let Some(word) = args.next() {
            let text = word.text.as_str();
            if ended || text.len() < 2 || !text.starts_with('-') {
                line.operands.push(word);
            } else if text == "--" {
                line.dashes = Some(line.operands.len());
                ended = true;
            } else if text == "--end-of-options" {
                ended = true;
            } else if let Some((name, value)) = split_long(text) {
                line.help |= matches!(name, "help" | "help-all");
                // A name that is not known as a whole is none.
                if word.unknowns().any(|(at, _)| at <= name.len() + 1) {
                    continue;
                }
                let Some((option, on)) = resolve(name, options) else { continue };
                let value = match value {
                    Some(value) => Some(word.tail(text.len() - value.len())),
                    None if on && option.takes == Takes::Next => args.next().cloned(),
                    None => None,
                };
                line.found.push((option.name, on, value));
            } else if let Some(letters) = bundle(text) {
                line.letters(word, letters, &mut args, options);
            }
        }
        line
    }

    fn letters(
        &mut self,
        word: &Word,
        letters: &str,
        args: &mut std::slice::Iter<'_, Word>,
        options: &'static str,
    ) {
        for (at, letter) in letters.char_indices() {
            let Some(option) = all(options).find(|option| option.letter == Some(letter)) else {
                self.help |= letter == 'h';
                continue;
            };
            if option.takes == Takes::Nothing {
                self.found.push((option.name, true, None));
                continue;
            }
            let rest = word.tail(1 + at + letter.len_utf8());
            let apart = rest.text.is_empty() && rest.marks.is_empty();
            let value = match (apart, option.takes) {
                (false, _) => Some(rest),
                (true, Takes::Next) => args.next().cloned(),
                (true, _) => None,
            };
            self.found.push((option.name, true, value));
            break;
        }
    }

    /// Says whether an option is on; the last one counts.
    pub(super) fn on(&self, name: &str) -> bool {
        self.last(&[name]).is_some_and(|(_, on)| on)
    }

    /// Returns the last of some options, and whether it is turned on.
    pub(super) fn last(&self, names: &[&str]) -> Option<(&'static str, bool)> {
        let mut found = self.found.iter().rev().filter(|(own, ..)| names.contains(own));
        found.next().map(|(name, on, _)| (*name, *on))
    }

    /// Returns the values of an option, from its last negation on.
    pub(super) fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = Option<&Word>> {
        let from = self.found.iter().rposition(|(own, on, _)| *own == name && !on).map_or(0, |at| at + 1);
        self.found[from..].iter().filter(move |(own, ..)| *own == name).map(|(.., value)| value.as_ref())
    }

    /// Returns the last value of an option.
    pub(super) fn value(&self, name: &str) -> Option<&Word> {
        self.values(name).next_back().flatten()
    }

    /// Returns the operands behind `--`, or all where there is none.
    pub(super) fn behind_dashes(&self) -> &[&'a Word] {
        &self.operands[self.dashes.unwrap_or(0)..]
    }
}

/// An option of a subcommand.
#[derive(Clone, Copy, Debug)]
struct Opt {
    name: &'static str,
    letter: Option<char>,
    takes: Takes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Attached,
    Next,
}

fn all(options: &'static str) -> impl Iterator<Item = Opt> {
    options.split_ascii_whitespace().map(|text| {
        let (text, takes) = match text.strip_suffix('=') {
            Some(text) => (text, Takes::Next),
            None => text.strip_suffix('?').map_or((text, Takes::Nothing), |text| (text, Takes::Attached)),
        };
        match text.split_once('/') {
            Some(("", letter)) => Opt { name: letter, letter: letter.chars().next(), takes },
            Some((name, letter)) => Opt { name, letter: letter.chars().next(), takes },
            None => Opt { name: text, letter: None, takes },
        }
    })
}

/// Finds the option that a long name means, and whether it turns it on.
fn resolve(name: &str, options: &'static str) -> Option<(Opt, bool)> {
    let long = || all(options).filter(|option| option.name.len() > 1);
    if let Some(exact) = long().find(|option| option.name == name) {
        return Some((exact, true));
    }
    // Some options are called `no-...` themselves.
    let negated = name.strip_prefix("no-").filter(|rest| !rest.is_empty());
    let opposite = |own: &str, name: &str| own.strip_prefix("no-").is_some_and(|own| own == name);
    if let Some(exact) = long().find(|option| negated == Some(option.name) || opposite(option.name, name)) {
        return Some((exact, false));
    }
    if name.is_empty() {
        return None;
    }
    let positive = long().filter(|option| option.name.starts_with(name)).map(|option| (option, true));
    let negative = long()
        .filter(|option| negated.is_some_and(|rest| option.name.starts_with(rest)))
        .map(|option| (option, false));
    let mut matching = positive.chain(negative);
    match (matching.next(), matching.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str =
        "force/f force-with-lease? mirror no-verify verbose/v push-option/o= delete/d /x signed?";

    /// The options that were found, and the operands.
    type Read = (Vec<(&'static str, bool, Option<String>)>, String);

    fn read(text: &str) -> Read {
        let words: Vec<Word> = text.split(' ').map(Word::literal).collect();
        let line = Line::read(&words, OPTIONS);
        let value = |value: Option<Word>| value.map(|word| word.text);
        let operands: Vec<&str> = line.operands.iter().map(|word| word.text.as_str()).collect();
        let operands = operands.join(" ");
        (line.found.into_iter().map(|(name, on, word)| (name, on, value(word))).collect(), operands)
    }

    #[test]
    fn options_are_read_as_git_reads_them() {
        let some = |text: &str| Some(text.to_owned());
        for (text, options, operands) in [
            ("a --force b", vec![("force", true, None)], "a b"),
            ("--fo --forc x", vec![], "x"),
            (
                "--m --mirr --no-m",
                vec![("mirror", true, None), ("mirror", true, None), ("mirror", false, None)],
                "",
            ),
            ("--no-force", vec![("force", false, None)], ""),
            (
                "--no-verify --verify --no-ver",
                vec![("no-verify", true, None), ("no-verify", false, None)],
                "",
            ),
            ("-vfx", vec![("verbose", true, None), ("force", true, None), ("x", true, None)], ""),
            ("-of -o f g", vec![("push-option", true, some("f")), ("push-option", true, some("f"))], "g"),
            ("-vo f g", vec![("verbose", true, None), ("push-option", true, some("f"))], "g"),
            (
                "--push-option --force --push=x",
                vec![("push-option", true, some("--force")), ("push-option", true, some("x"))],
                "",
            ),
            ("--signed yes --signed=no", vec![("signed", true, None), ("signed", true, some("no"))], "yes"),
            ("--force-w=a:b", vec![("force-with-lease", true, some("a:b"))], ""),
            ("-- --force -f", vec![], "--force -f"),
            ("--end-of-options -f -- x", vec![], "-f -- x"),
            ("- --new-option", vec![], "-"),
        ] {
            assert_eq!(read(text), (options, operands.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_last_one_counts() {
        let words =
            ["--force", "--no-force", "--force-with-lease=a", "--force-with-lease=b"].map(Word::literal);
        let line = Line::read(&words, OPTIONS);
        assert!(!line.on("force") && line.on("force-with-lease") && !line.help);
        assert_eq!(line.values("force-with-lease").flatten().count(), 2);
        assert_eq!(line.value("force-with-lease").map(|word| word.text.as_str()), Some("b"));
        for help in ["-h", "-vh", "--help", "--help-all"] {
            assert!(Line::read(&[Word::literal(help)], OPTIONS).help, "{help}");
        }
    }
}
