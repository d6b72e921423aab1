//! A command line as its program reads it: options, their values, and operands.

use std::borrow::Cow;

use crate::shell::Word;

/// How a program reads its options. Lists are words with spaces between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grammar {
    /// One-letter options that take a value, the rest of their word or the next word.
    pub(super) short: &'static str,
    /// One-letter options whose value, if there is one, is the rest of their word.
    pub(super) attached: &'static str,
    /// Long options that take the next word as their value.
    pub(super) long: &'static str,
    /// A long option may be abbreviated.
    pub(super) abbreviates: bool,
    /// Long options may have a single dash.
    pub(super) dash: bool,
    /// Behind the first operand there are no options.
    pub(super) first: bool,
}

/// Options without values, anywhere.
pub(super) const PLAIN: Grammar =
    Grammar { short: "", attached: "", long: "", abbreviates: false, dash: false, first: false };

/// A part of a command line.
#[derive(Clone, Debug)]
pub(super) enum Arg<'a> {
    /// An option by its name without dashes, and its value.
    Option(&'a str, Option<Cow<'a, Word>>),
    /// Anything else.
    Operand(&'a Word),
}

/// How short an abbreviation is taken for the option of a list. Shorter ones tend to be ambiguous.
const SHORTEST: usize = 3;

/// Splits a command line without the program's name.
pub(super) fn read<'a>(words: &'a [Word], grammar: &Grammar) -> Vec<Arg<'a>> {
    let mut found = Vec::with_capacity(words.len());
    let mut ended = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let option = text.len() > 1 && text.starts_with('-') && word.unknowns().all(|(at, _)| at > 1);
        if ended || !option {
            found.push(Arg::Operand(word));
            ended |= grammar.first;
        } else if text == "--" {
            ended = true;
        } else if let Some(name) = long_name(text, grammar) {
            match name.split_once('=') {
                Some((name, value)) => {
                    let value = word.tail(text.len() - value.len());
                    found.push(Arg::Option(full(name, grammar), Some(Cow::Owned(value))));
                }
                None => {
                    let name = full(name, grammar);
                    let takes = listed(grammar.long, name);
                    let value = if takes { words.next().map(Cow::Borrowed) } else { None };
                    found.push(Arg::Option(name, value));
                }
            }
        } else {
            for (at, letter) in text.char_indices().skip(1) {
                let end = at + letter.len_utf8();
                let name = &text[at..end];
                let takes = grammar.short.contains(letter);
                if !takes && !grammar.attached.contains(letter) {
                    found.push(Arg::Option(name, None));
                    continue;
                }
                let rest = word.tail(end);
                let apart = rest.text.is_empty() && rest.marks.is_empty();
                let value = match (apart, takes) {
                    (false, _) => Some(Cow::Owned(rest)),
                    (true, true) => words.next().map(Cow::Borrowed),
                    (true, false) => None,
                };
                found.push(Arg::Option(name, value));
                break;
            }
        }
    }
    found
}

/// Returns the name of a long option, with its value.
fn long_name<'a>(text: &'a str, grammar: &Grammar) -> Option<&'a str> {
    if let Some(name) = text.strip_prefix("--") {
        return Some(name);
    }
    let name = &text[1..];
    (grammar.dash && name.chars().nth(1).is_some()).then_some(name)
}

/// Returns the option that takes a value and that a name is an abbreviation of, else the name.
fn full<'a>(name: &'a str, grammar: &Grammar) -> &'a str {
    if !grammar.abbreviates || name.len() < SHORTEST || listed(grammar.long, name) {
        return name;
    }
    grammar.long.split_ascii_whitespace().find(|own| own.starts_with(name)).unwrap_or(name)
}

/// Says whether a list holds a word.
pub(super) fn listed(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|own| own == word)
}

/// Returns the operands that are words of which something is known.
pub(super) fn operands<'a>(args: &[Arg<'a>]) -> Vec<&'a Word> {
    let operand = |arg: &Arg<'a>| match arg {
        Arg::Operand(word) => Some(*word),
        Arg::Option(..) => None,
    };
    args.iter().filter_map(operand).collect()
}

/// Says whether an option of a list is there.
pub(super) fn has(args: &[Arg<'_>], names: &str) -> bool {
    args.iter().any(|arg| matches!(arg, Arg::Option(name, _) if listed(names, name)))
}

/// Returns the last value of the options of a list.
pub(super) fn value<'a>(args: &'a [Arg<'_>], names: &str) -> Option<&'a Word> {
    args.iter().rev().find_map(|arg| match arg {
        Arg::Option(name, Some(value)) if listed(names, name) => Some(&**value),
        _ => None,
    })
}

/// Returns a word as text, with `NUL` for what is not known.
pub(super) fn marked(word: &Word) -> String {
    let mut text = String::with_capacity(word.text.len() + 1);
    let mut from = 0;
    for (at, _) in word.unknowns() {
        text.push_str(&word.text[from..at]);
        text.push('\0');
        from = at;
    }
    text.push_str(&word.text[from..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, grammar: &Grammar, expected: &str) {
        let words: Vec<Word> = line.split(' ').map(Word::literal).collect();
        let shown = read(&words, grammar).into_iter().map(|arg| match arg {
            Arg::Option(name, Some(value)) => format!("{name}={}", value.text),
            Arg::Option(name, None) => format!("{name}!"),
            Arg::Operand(word) => word.text.clone(),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{line}");
    }

    #[test]
    fn options_are_told_from_their_values_and_from_operands() {
        let grammar =
            Grammar { short: "ce", attached: "p", long: "command file", abbreviates: true, ..PLAIN };
        check("-c x y", &grammar, "c=x y");
        check("-Atcx y", &grammar, "A! t! c=x y");
        check("-p x -psecret", &grammar, "p! x p=secret");
        check("--command x --comm=y --fil z", &grammar, "command=x command=y file=z");
        check("--co x -- -c", &grammar, "co! x -c");
        check("- x", &grammar, "- x");
        check("-c", &grammar, "c!");
        check("-cmd x --cmd=y -v", &Grammar { long: "cmd", dash: true, ..PLAIN }, "cmd=x cmd=y v!");
        check("-a x -a", &Grammar { first: true, ..PLAIN }, "a! x -a");
    }
}
