//! A word as far as it is known without running anything.

/// A word of a command after quote removal and expansion.
///
/// What is unknown has no characters in [`text`](Self::text); a mark stands in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The characters that are known.
    pub text: String,
    /// What is special, in the order of the text.
    pub marks: Vec<Mark>,
}

/// A special place in a [`Word`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The byte of the text at which it stands.
    pub at: usize,
    /// What stands there.
    pub kind: Kind,
}

/// What a [`Mark`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The character at this place is an active pattern character.
    Glob,
    /// Before the character at this place stands something that is not known.
    Unknown {
        /// It may be nothing at all, as a variable that was never set.
        empty: bool,
        /// It is not quoted: it may be several words, or none.
        split: bool,
        /// It is a variable that nothing known has set, so that it most likely is empty.
        unset: bool,
    },
}

impl Word {
    /// Returns a word that is wholly known.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), marks: Vec::new() }
    }

    /// Returns a word of which nothing is known.
    #[must_use]
    pub fn unknown(empty: bool) -> Self {
        let mut word = Self::default();
        word.push_unknown(empty, false);
        word
    }

    /// Returns the whole word where nothing of it is unknown.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        if self.unknowns().next().is_none() { Some(&self.text) } else { None }
    }

    /// Returns the name of the program that the word stands for, without its directory; what may
    /// be empty in it is taken for empty, and a directory need not be known.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        let name = base(&self.text);
        let from = self.text.len() - name.len();
        if self.marks.is_empty() {
            return Some(name);
        }
        // An unknown word may be anything; only what surrounds an unknown part says something.
        let odd = |(at, empty): (usize, bool)| at >= from && !empty;
        let bare = name.is_empty() && !self.marks.is_empty();
        if bare || self.unknowns().any(odd) { None } else { Some(name) }
    }

    /// Says whether nothing of the word is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.text.is_empty() && self.unknowns().next().is_some()
    }

    /// Says whether a part of the word is an unknown that may be more than one word.
    #[must_use]
    pub fn may_split(&self) -> bool {
        self.marks.iter().any(|m| matches!(m.kind, Kind::Unknown { split: true, .. }))
    }

    /// Says whether all that is unknown are variables that nothing known has set.
    #[must_use]
    pub fn only_lacks_unset(&self) -> bool {
        self.marks.iter().all(|m| !matches!(m.kind, Kind::Unknown { unset: false, .. }))
    }

    /// Returns the places of what is unknown, with whether it may be empty.
    pub fn unknowns(&self) -> impl Iterator<Item = (usize, bool)> {
        self.marks.iter().filter_map(|mark| match mark.kind {
            Kind::Unknown { empty, .. } => Some((mark.at, empty)),
            Kind::Glob => None,
        })
    }

    /// Says whether the character at a byte is an active pattern character.
    #[must_use]
    pub fn is_glob(&self, at: usize) -> bool {
        self.marks.iter().any(|m| m.at == at && m.kind == Kind::Glob)
    }

    /// Appends a word with its marks.
    pub fn push(&mut self, other: &Self) {
        let base = self.text.len();
        self.text.push_str(&other.text);
        self.marks.extend(other.marks.iter().map(|m| Mark { at: base + m.at, kind: m.kind }));
    }

    /// Appends something unknown.
    pub fn push_unknown(&mut self, empty: bool, split: bool) {
        self.marks.push(Mark { at: self.text.len(), kind: Kind::Unknown { empty, split, unset: false } });
    }

    /// Appends a variable that nothing known has set.
    pub fn push_unset(&mut self, split: bool) {
        self.marks
            .push(Mark { at: self.text.len(), kind: Kind::Unknown { empty: true, split, unset: true } });
    }

    /// Appends a character that is an active pattern character.
    pub fn push_glob(&mut self, c: char) {
        self.marks.push(Mark { at: self.text.len(), kind: Kind::Glob });
        self.text.push(c);
    }

    /// Returns the word from a byte on.
    #[must_use]
    pub fn tail(&self, from: usize) -> Self {
        let marks = self.marks.iter().filter(|m| m.at >= from);
        Self {
            text: self.text[from..].to_owned(),
            marks: marks.map(|m| Mark { at: m.at - from, kind: m.kind }).collect(),
        }
    }

    /// Returns the word up to a byte; something unknown right before that byte is part of it.
    #[must_use]
    pub fn head(&self, to: usize) -> Self {
        let keeps = |m: &&Mark| m.at < to || m.at == to && matches!(m.kind, Kind::Unknown { .. });
        Self { text: self.text[..to].to_owned(), marks: self.marks.iter().filter(keeps).copied().collect() }
    }

    /// Splits the word at a character that stands in its text.
    pub fn split(&self, separator: char) -> impl Iterator<Item = Self> {
        let mut rest = Some(self.clone());
        std::iter::from_fn(move || {
            let word = rest.take()?;
            let Some(at) = word.text.find(separator) else { return Some(word) };
            rest = Some(word.tail(at + separator.len_utf8()));
            Some(word.head(at))
        })
    }

    /// Says whether the word may be empty.
    #[must_use]
    pub fn may_be_empty(&self) -> bool {
        self.text.is_empty() && self.unknowns().all(|(_, empty)| empty)
    }

    /// Returns the word with what is unknown known to be something.
    #[must_use]
    pub fn not_empty(mut self) -> Self {
        if self.text.is_empty() {
            for mark in &mut self.marks {
                if let Kind::Unknown { empty, unset, .. } = &mut mark.kind {
                    (*empty, *unset) = (false, false);
                }
            }
        }
        self
    }

    /// Returns the word as code that expands to it, with [holes](HOLE) for what is unknown.
    #[must_use]
    pub fn to_quoted(&self) -> String {
        let mut code = String::with_capacity(self.text.len() + 2);
        let mut marks = self.marks.iter().peekable();
        code.push('\'');
        for (at, c) in self.text.char_indices() {
            let mut glob = false;
            while let Some(mark) = marks.next_if(|m| m.at <= at) {
                match mark.kind {
                    Kind::Glob => glob = true,
                    unknown => code.push_str(hole(unknown)),
                }
            }
            match c {
                '\'' => code.push_str("'\\''"),
                c if glob => code.extend(['\'', c, '\'']),
                c => code.push(c),
            }
        }
        for mark in marks {
            if mark.kind != Kind::Glob {
                code.push_str(hole(mark.kind));
            }
        }
        code.push('\'');
        code
    }

    /// Returns the word as code for another shell, with [holes](HOLE) in the place of what is unknown.
    #[must_use]
    pub fn to_code(&self) -> String {
        let mut code = String::with_capacity(self.text.len());
        let mut from = 0;
        for mark in self.marks.iter().filter(|mark| mark.kind != Kind::Glob) {
            code.push_str(&self.text[from..mark.at]);
            code.push_str(hole(mark.kind));
            from = mark.at;
        }
        code.push_str(&self.text[from..]);
        code
    }

    /// Returns the word as people would write it, with `…` for what is unknown.
    #[must_use]
    pub fn display(&self) -> String {
        let plain =
            |(at, c): (usize, char)| c.is_alphanumeric() || "-_./:=+,@%^~{}#".contains(c) || self.is_glob(at);
        let bare = !(self.text.is_empty() && self.marks.is_empty())
            && self.text.char_indices().all(plain)
            && !self.text.starts_with(['~', '#']);
        let mut text = String::with_capacity(self.text.len() + 2);
        let mut from = 0;
        for (at, _) in self.unknowns() {
            text.push_str(&self.text[from..at]);
            text.push('…');
            from = at;
        }
        text.push_str(&self.text[from..]);
        if bare { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
    }
}

/// Returns a path without its directory. Paths are short, so that a plain loop is faster than a search made for
/// long texts.
pub(super) fn base(path: &str) -> &str {
    &path[path.bytes().rposition(|b| b == b'/').map_or(0, |at| at + 1)..]
}

/// Returns the hole for something unknown.
fn hole(kind: Kind) -> &'static str {
    match kind {
        Kind::Unknown { unset: true, .. } => "\0s\0",
        Kind::Unknown { empty: false, .. } => "\0n\0",
        _ => "\0u\0",
    }
}

/// What encloses a hole in code: `NUL u NUL` is something unknown that may be empty, `NUL n NUL`
/// something unknown that is not, `NUL s NUL` a variable that nothing known has set, `NUL 7 NUL` the
/// eighth here-document that was cut out. Shells cannot be given a NUL, so no command has holes of its
/// own.
pub const HOLE: char = '\0';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_shows_in_every_form() {
        let mut word = Word::literal("a");
        word.push_unknown(true, true);
        word.push(&Word::literal("b c"));
        assert_eq!(word.display(), "'a…b c'");
        assert_eq!(word.to_code(), "a\0u\0b c");
        assert_eq!((word.known(), word.is_unknown(), word.may_split()), (None, false, true));
        assert_eq!(word.tail(1).display(), "'…b c'");
        assert_eq!(Word::literal("").display(), "''");
        assert!(Word::unknown(false).is_unknown());
    }
}
