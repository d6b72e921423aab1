//! Command lines of many programs, read without knowing which.

use super::{Change, Target};
use crate::rules::options::{bundle, split_long};
use crate::shell::Word;

/// A command line, split into options and operands without knowing the program.
pub(super) struct Line<'a> {
    /// The letters of all its options.
    pub(super) letters: String,
    long: Vec<&'a str>,
    words: &'a [Word],
    /// What is no option.
    pub(super) operands: Vec<&'a Word>,
    /// The value of `-t` and `--target-directory`.
    directory: Option<Word>,
}

impl<'a> Line<'a> {
    /// Reads the words behind the program's name.
    pub(super) fn read(args: &'a [Word]) -> Self {
        let mut line = Self {
            letters: String::new(),
            long: Vec::new(),
            words: args,
            operands: Vec::new(),
            directory: None,
        };
        let mut args = args.iter();
        let mut ended = false;
        while let Some(word) = args.next() {
            let text = word.text.as_str();
            if ended || !text.starts_with('-') {
                line.operands.push(word);
            } else if text == "--" {
                ended = true;
            } else if let Some((name, value)) = split_long(text) {
                if name == "target-directory" {
                    line.directory =
                        value.map_or_else(|| args.next().cloned(), |v| Some(word.tail(text.len() - v.len())));
                }
                line.long.push(name);
            } else if let Some(letters) = bundle(text) {
                if letters.ends_with('t') {
                    // For programs without such an option this takes an operand away from nothing.
                    line.directory = args.clone().next().cloned();
                }
                line.letters.push_str(letters);
            }
        }
        line
    }

    /// Says whether one of these letters, or a beginning of the long option, is given.
    pub(super) fn has(&self, letters: &str, long: &str) -> bool {
        self.letters.contains(|c| letters.contains(c)) || self.long.iter().any(|name| long.starts_with(name))
    }

    /// Says whether an option stands there as it is.
    pub(super) fn given(&self, option: &str) -> bool {
        self.words.iter().any(|word| word.text == option)
    }

    /// Returns the value of an option, with `=` or as the next word.
    pub(super) fn value_of(&self, option: &str) -> Option<Word> {
        self.words.iter().enumerate().find_map(|(at, word)| match word.text.strip_prefix(option) {
            Some("") => self.words.get(at + 1).cloned(),
            Some(value) if value.starts_with('=') => Some(word.tail(option.len() + 1)),
            _ => None,
        })
    }

    /// Reads `SOURCE... DESTINATION`: the sources, and what is written.
    pub(super) fn copied(&self, moved: bool) -> (Vec<&'a Word>, Vec<Target>) {
        let write = |path: Word, below| Target { path, change: Change::Write, below, from: None };
        let (sources, destination) = match (&self.directory, self.operands.split_last()) {
            (Some(directory), _) => (self.operands.clone(), directory.clone()),
            (None, Some((last, sources))) => (sources.to_vec(), (*last).clone()),
            (None, None) => return (Vec::new(), Vec::new()),
        };
        // Nothing can be put into a directory without a name.
        if destination.known() == Some("") {
            return (sources, Vec::new());
        }
        let mut targets = vec![write(destination.clone(), false)];
        for source in &sources {
            // Into a directory; with a `/` or `/.` at its end, rsync and cp mean what is in it.
            let text = source.text.as_str();
            let name = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text);
            let open = source.unknowns().any(|(at, _)| at == text.len());
            if !open && (text.ends_with('/') && !moved || name == ".") {
                let from = Some((*source).clone());
                targets.push(Target { from, ..write(destination.clone(), true) });
            }
            let name = match name {
                _ if open => source.tail(text.rfind('/').map_or(0, |at| at + 1)),
                "" | "." => continue,
                // A pattern stays one.
                _ if text.ends_with(name) => source.tail(text.len() - name.len()),
                name => Word::literal(name),
            };
            // What `*` stands for over there is no directory that counts here.
            let below = !name.is_glob(0);
            targets.push(write(super::joined(&destination, &name), below));
        }
        (sources, targets)
    }
}
