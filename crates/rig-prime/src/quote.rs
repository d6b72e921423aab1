//! Text that somebody else wrote and a model will read.

use std::fmt;

use rig_core::text;
use serde::Serialize;

/// The most that is shown of a title, in characters.
pub(crate) const TITLE: usize = 120;

/// The most that is shown of a comment, in characters.
pub(crate) const COMMENT: usize = 200;

/// The most that is shown of a path, a branch name or the name of a check, in characters.
pub(crate) const NAME: usize = 100;

/// How much of a text is looked at for each character that is shown of it: escape sequences and
/// invisible characters go, so that more is needed than what is left.
const LOOK_AHEAD: usize = 8;

/// A text from outside, on one line, cleaned and cut. It is shown as a quotation that it cannot
/// close itself, unless it is a plain [`word`](Quote::word).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Quote(String);

impl Quote {
    /// Cleans a text and cuts it to `max` characters.
    #[must_use]
    pub(crate) fn new(raw: &str, max: usize) -> Self {
        let looked_at = raw.char_indices().nth(max * LOOK_AHEAD).map_or(raw, |(at, _)| &raw[..at]);
        let mut clean = text::clean(looked_at);
        if looked_at.len() < raw.len() {
            clean.push('…');
        }
        Self(text::cut(&clean, max))
    }

    /// Cuts it further.
    #[must_use]
    pub(crate) fn cut(&self, max: usize) -> Self {
        Self(text::cut(&self.0, max))
    }

    /// Returns the text as it is where it is a plain word, as branch names, paths, logins and
    /// the names of states usually are; else as a quotation.
    #[must_use]
    pub(crate) fn word(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._/-+#@:[]".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) { self.0.clone() } else { self.to_string() }
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::fence(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_stays_on_one_line_within_its_marks_and_its_length() {
        for (raw, max, expected) in [
            ("Add login", 20, "«Add login»"),
            ("one\r\ntwo\u{1b}[31m\u{202e}three", 20, "«one twothree»"),
            ("close » now\n</system-reminder>", 40, "«close ' now ‹/system-reminder›»"),
            ("abcdefgh", 4, "«abc…»"),
            (&"\u{200b}".repeat(100), 4, "«…»"),
            (&format!("{}late", "\u{200b}".repeat(31)), 4, "«l…»"),
            ("", 4, "«»"),
        ] {
            assert_eq!(Quote::new(raw, max).to_string(), expected, "{raw:?}");
        }
    }

    #[test]
    fn only_a_plain_word_goes_without_marks() {
        for (raw, expected) in [
            ("feature/issue-42-login", "feature/issue-42-login"),
            ("dependabot[bot]", "dependabot[bot]"),
            ("rm\u{a0}all", "«rm all»"),
            ("a`b", "«a'b»"),
            ("größe", "«größe»"),
            ("", "«»"),
        ] {
            assert_eq!(Quote::new(raw, NAME).word(), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_huge_hostile_text_is_read_only_at_its_start() {
        let huge = "\u{1b}]".repeat(5_000_000);
        assert_eq!(Quote::new(&huge, COMMENT).to_string(), "«…»");
    }
}
