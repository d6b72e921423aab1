//! Command lines of programs with subcommands, as far as rules of the packs need them.

use crate::rules::options::{bundle, split_long};
use crate::shell::{Call, Word};

/// Which options of a program take the next word as their value. Names stand without dashes and
/// with spaces between them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// These do.
    These(&'static str),
    /// All do but these.
    AllBut(&'static str),
    /// These do, and one dash begins a long name as two do.
    Single(&'static str),
}

/// A command line, split into operands and options.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// What is no option and no option's value. Something unknown that may be several words is
    /// left out: it may be options, or nothing.
    pub(super) operands: Vec<&'a Word>,
    options: Vec<(&'a str, Option<Word>)>,
    /// Something unknown that may be several words stands among the words.
    pub(super) open: bool,
}

impl<'a> Line<'a> {
    /// Reads the arguments of a command.
    pub(super) fn of(call: &Call<'a>, takes: Takes) -> Self {
        Self::read(call.args(), takes)
    }

    /// Reads arguments.
    pub(super) fn read(args: &'a [Word], takes: Takes) -> Self {
        let mut line = Self { operands: Vec::new(), options: Vec::new(), open: false };
        let mut at = 0;
        while let Some(word) = args.get(at) {
            at += 1;
            let text = word.text.as_str();
            if text == "--" && word.marks.is_empty() {
                line.operands.extend(&args[at..]);
                break;
            }
            if word.is_unknown() && word.may_split() {
                line.open = true;
                continue;
            }
            let long = match takes {
                Takes::Single(_) => text.strip_prefix("--").or_else(|| text.strip_prefix('-')),
                _ => text.strip_prefix("--"),
            };
            if let Some(long) = long.filter(|long| !long.is_empty()) {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(word.tail(text.len() - value.len()))),
                    None => (long, None),
                };
                let value = value.or_else(|| {
                    let next = args.get(at).filter(|_| takes.value(name))?;
                    let all = matches!(takes, Takes::AllBut(_));
                    if all && next.text.starts_with('-') {
                        return None;
                    }
                    at += 1;
                    Some(next.clone())
                });
                line.options.push((name, value));
            } else if let Some(letters) = bundle(text) {
                for (n, letter) in letters.char_indices() {
                    let name = &letters[n..n + letter.len_utf8()];
                    let from = 1 + n + letter.len_utf8();
                    if !takes.value(name) {
                        line.options.push((name, None));
                        continue;
                    }
                    // `-o=yaml` is read as `-oyaml` by most.
                    let attached = word.tail(from + usize::from(text[from..].starts_with('=')));
                    let apart = from == text.len() && attached.marks.is_empty();
                    let value = if apart { args.get(at).cloned() } else { Some(attached) };
                    at += usize::from(apart);
                    line.options.push((name, value));
                    break;
                }
            } else {
                line.operands.push(word);
            }
        }
        line
    }

    /// Returns an operand that is wholly known.
    pub(super) fn operand(&self, at: usize) -> Option<&'a str> {
        self.operands.get(at)?.known()
    }

    /// Says whether one of these options is there and not turned off.
    pub(super) fn has(&self, names: &str) -> bool {
        let off = |value: &Option<Word>| {
            value.as_ref().is_some_and(|v| matches!(v.text.as_str(), "false" | "none" | "0" | "no"))
        };
        self.options.iter().any(|(name, value)| lists(names, name) && !off(value))
    }

    /// Returns the values of these options.
    pub(super) fn values<'l>(&'l self, names: &'l str) -> impl Iterator<Item = &'l Word> {
        self.options.iter().filter(move |(name, _)| lists(names, name)).filter_map(|(_, v)| v.as_ref())
    }

    /// Says whether help is asked for, or a dry run.
    pub(super) fn is_idle(&self) -> bool {
        // With a value it is something else: `gh auth logout -h HOST`.
        let short = self.options.iter().any(|(name, value)| *name == "h" && value.is_none());
        short
            || self.has("help dry-run dryrun")
            || matches!(self.operand(0), Some("help" | "version"))
            || self.operands.last().is_some_and(|word| word.text == "help" && self.operands.len() > 1)
    }

    /// Says whether the operands begin with these words: `a|b` is either, `a*` what begins so,
    /// `*` any word, known or not.
    pub(super) fn begins(&self, path: &str) -> bool {
        path.split(' ').enumerate().all(|(at, part)| match self.operands.get(at) {
            Some(_) if part == "*" => true,
            Some(word) => word.known().is_some_and(|word| part.split('|').any(|p| fits(p, word))),
            None => false,
        })
    }

    /// Returns the first of several deeds that the line is.
    pub(super) fn deed(&self, deeds: &'static [Deed]) -> Option<&'static Deed> {
        deeds.iter().find(|(path, with)| self.begins(path) && (with.is_empty() || self.has(with)))
    }
}

/// What a command does: its subcommands, as [`Line::begins`] reads them, and the options of which
/// one is needed; none where there are none.
pub(super) type Deed = (&'static str, &'static str);

impl Takes {
    fn value(self, name: &str) -> bool {
        match self {
            Self::These(names) | Self::Single(names) => lists(names, name),
            Self::AllBut(names) => !lists(names, name),
        }
    }
}

/// Returns the first operand behind options of the program itself, and the words behind it.
pub(super) fn subcommand(args: &[Word], takes: Takes) -> Option<(&str, &[Word])> {
    let mut at = 0;
    loop {
        let word = args.get(at)?;
        let text = word.text.as_str();
        at += 1;
        if word.is_unknown() && word.may_split() {
            continue;
        }
        if !text.starts_with('-') {
            return Some((word.known()?, &args[at..]));
        }
        let name = split_long(text).map_or_else(
            || text.trim_start_matches('-'),
            |(name, value)| if value.is_some() { "" } else { name },
        );
        at += usize::from(takes.value(name));
    }
}

/// Says whether a list of words has one.
pub(super) fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|own| own == name)
}

/// Compares with a word, or with the beginning of some: `delete-*`.
pub(super) fn fits(pattern: &str, word: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => word.ends_with(end),
        (None, Some(begin)) => word.starts_with(begin),
        (None, None) => word == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(Word::literal).collect()
    }

    #[test]
    fn a_line_is_read_as_the_kind_of_program_reads_it() {
        for (takes, text, operands, options) in [
            (Takes::These("f file"), "-f x down -v", "down", "f v"),
            (Takes::These("f file"), "--file=x -fx down", "down", "file f"),
            (Takes::Single("chdir"), "-chdir=a apply -destroy", "apply", "chdir destroy"),
            (Takes::AllBut("quiet"), "--quiet vm delete --name a", "vm delete", "quiet name"),
            (Takes::AllBut("quiet"), "vm --force -n delete", "vm", "force n"),
            (Takes::These(""), "a -- -b", "a -b", ""),
        ] {
            let words = words(text);
            let line = Line::read(&words, takes);
            let found: Vec<&str> = line.operands.iter().map(|w| w.text.as_str()).collect();
            let named: Vec<&str> = line.options.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                (found.join(" "), named.join(" ")),
                (operands.to_owned(), options.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn subcommands_stand_behind_the_programs_own_options() {
        let takes = Takes::These("context");
        for (text, expected) in [
            ("--context a volume rm x", Some(("volume", 2))),
            ("--context=a -D system", Some(("system", 0))),
            ("--context", None),
        ] {
            let words = words(text);
            assert_eq!(subcommand(&words, takes).map(|(sub, rest)| (sub, rest.len())), expected, "{text}");
        }
    }
}
