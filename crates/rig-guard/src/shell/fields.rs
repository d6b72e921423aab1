//! Where the characters of a word go while it is expanded: field splitting.

use super::word::{Kind, Word};

/// The words that one written word becomes.
#[derive(Debug)]
pub(super) struct Fields {
    /// Finished words.
    pub(super) words: Vec<Word>,
    current: Word,
    /// There is a current word, even if it has no characters.
    open: bool,
    split: bool,
}

impl Fields {
    /// Begins a word that may become none or several.
    pub(super) fn splitting() -> Self {
        Self { words: Vec::new(), current: Word::default(), open: false, split: true }
    }

    /// Begins a word that stays one: the value of an assignment, the target of a redirection.
    pub(super) fn single() -> Self {
        Self { split: false, ..Self::splitting() }
    }

    /// Returns the words.
    pub(super) fn finish(mut self) -> Vec<Word> {
        self.close();
        self.words
    }

    /// Returns the one word of [`Fields::single`].
    pub(super) fn finish_single(self) -> Word {
        self.current
    }

    /// Ends the current word, if there is one.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.words.push(std::mem::take(&mut self.current));
        }
    }

    /// Makes sure that there is a word, as an empty pair of quotes does.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Says whether the current word has nothing in it yet.
    pub(super) fn at_start(&self) -> bool {
        !self.open
    }

    /// Appends characters that stand for themselves.
    pub(super) fn text(&mut self, text: &str) {
        self.open = true;
        self.current.text.push_str(text);
    }

    /// Appends an unquoted pattern character.
    pub(super) fn glob(&mut self, c: char) {
        self.open = true;
        if self.split {
            self.current.push_glob(c);
        } else {
            self.current.text.push(c);
        }
    }

    /// Appends something that is not known.
    pub(super) fn unknown(&mut self, empty: bool, quoted: bool) {
        self.open = true;
        self.current.push_unknown(empty, self.split && !quoted);
    }

    /// Appends the value of an expansion.
    pub(super) fn value(&mut self, value: &Word, quoted: bool, separators: &str) {
        if quoted || !self.split {
            self.open = true;
            self.current.push(value);
            return;
        }
        let mut marks = value.marks.iter().peekable();
        for (at, c) in value.text.char_indices() {
            while let Some(mark) = marks.next_if(|m| m.at <= at) {
                if let Kind::Unknown { empty, .. } = mark.kind {
                    self.unknown(empty, false);
                }
            }
            if separators.contains(c) {
                self.close();
            } else if is_pattern(c) {
                self.glob(c);
            } else {
                self.open = true;
                self.current.text.push(c);
            }
        }
        for mark in marks {
            if let Kind::Unknown { empty, .. } = mark.kind {
                self.unknown(empty, false);
            }
        }
    }

    /// Appends several values as `"$@"` does: each a word of its own.
    pub(super) fn separate(&mut self, values: &[Word]) {
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                if self.split {
                    self.close();
                } else {
                    self.current.text.push(' ');
                }
            }
            self.open = true;
            self.current.push(value);
        }
    }
}

/// Says whether a character makes a pattern of an unquoted word.
pub(super) fn is_pattern(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}
