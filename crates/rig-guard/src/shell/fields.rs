//! Where the characters of a word go while it is expanded: field splitting.

use super::word::{Kind, Word};

/// The characters at which words are split unless somebody has changed them.
pub(super) const SPACE: &str = " \t\n";

/// What becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// None, one or several words.
    Split,
    /// One word: the value of an assignment, the target of a redirection.
    Single,
    /// A pattern that something is compared with.
    Pattern,
}

/// The words that one written word becomes.
#[derive(Debug)]
pub(super) struct Fields {
    /// Finished words.
    words: Vec<Word>,
    current: Word,
    /// There is a current word, even if it has no characters.
    open: bool,
    /// White space has just ended a word: a separator that follows belongs to it.
    space: bool,
    /// Elements were expanded of which there are none.
    nothing: bool,
    form: Form,
}

impl Fields {
    fn new(form: Form) -> Self {
        Self { words: Vec::new(), current: Word::default(), open: false, space: false, nothing: false, form }
    }

    /// Begins a word that may become none or several.
    pub(super) fn splitting() -> Self {
        Self::new(Form::Split)
    }

    /// Begins a word that stays one.
    pub(super) fn single() -> Self {
        Self::new(Form::Single)
    }

    /// Begins a pattern.
    pub(super) fn pattern() -> Self {
        Self::new(Form::Pattern)
    }

    /// Says whether several words may come of it.
    pub(super) fn splits(&self) -> bool {
        self.form == Form::Split
    }

    /// Appends the words. Nearly always it is one.
    pub(super) fn finish(self, out: &mut Vec<Word>) {
        out.extend(self.words);
        if self.open {
            out.push(self.current);
        }
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
        self.space = false;
    }

    /// Notes that something was expanded to no word at all.
    pub(super) fn nothing(&mut self) {
        self.nothing = true;
    }

    /// Begins quoted text.
    pub(super) fn begin_quoted(&mut self) {
        self.nothing = false;
    }

    /// Ends quoted text, which is a word unless it is nothing but elements of which there are none.
    pub(super) fn end_quoted(&mut self) {
        if !std::mem::take(&mut self.nothing) {
            self.open();
        }
    }

    /// Says whether the current word has nothing in it yet.
    pub(super) fn at_start(&self) -> bool {
        !self.open
    }

    /// Appends characters that stand for themselves.
    pub(super) fn text(&mut self, text: &str) {
        self.open();
        self.current.text.push_str(text);
    }

    /// Appends an unquoted pattern character.
    pub(super) fn glob(&mut self, c: char) {
        self.open();
        if self.form == Form::Single {
            self.current.text.push(c);
        } else {
            self.current.push_glob(c);
        }
    }

    /// Appends something that is not known.
    pub(super) fn unknown(&mut self, empty: bool, quoted: bool) {
        self.open();
        self.current.push_unknown(empty, self.splits() && !quoted);
    }

    /// Appends a variable that nothing known has set.
    pub(super) fn unset(&mut self, quoted: bool) {
        self.open();
        self.current.push_unset(self.splits() && !quoted);
    }

    /// Appends the value of an expansion.
    pub(super) fn value(&mut self, value: &Word, quoted: bool, separators: &str) {
        if quoted || self.form == Form::Single {
            self.open();
            self.current.push(value);
            return;
        }
        if value.marks.is_empty()
            && value.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/._=".contains(&b))
            && !value.text.is_empty()
            && (!self.splits() || separators == SPACE)
        {
            return self.text(&value.text);
        }
        let mut marks = value.marks.iter().peekable();
        for (at, c) in value.text.char_indices() {
            while let Some(mark) = marks.next_if(|m| m.at <= at) {
                self.again(mark.kind);
            }
            if self.splits() && separators.contains(c) {
                self.separator(c);
            } else if is_pattern(c) {
                self.glob(c);
            } else {
                self.open();
                self.current.text.push(c);
            }
        }
        for mark in marks {
            self.again(mark.kind);
        }
    }

    /// Appends what a value has that is not known.
    fn again(&mut self, kind: Kind) {
        match kind {
            Kind::Unknown { unset: true, .. } => self.unset(false),
            Kind::Unknown { empty, .. } => self.unknown(empty, false),
            Kind::Glob => {}
        }
    }

    fn separator(&mut self, c: char) {
        let space = matches!(c, ' ' | '\t' | '\n');
        if self.open {
            self.close();
            self.space = space;
        } else if !space && !std::mem::take(&mut self.space) {
            self.words.push(Word::default());
        }
    }

    /// Appends several values as `"$@"` does: each a word of its own, where there may be several.
    pub(super) fn separate(&mut self, values: &[Word], quoted: bool, separators: &str) {
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                if self.splits() {
                    self.close();
                    self.space = false;
                } else {
                    self.current.text.push(' ');
                }
            }
            self.value(value, quoted, separators);
        }
    }
}

/// Says whether a character makes a pattern of an unquoted word.
pub(super) fn is_pattern(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}
