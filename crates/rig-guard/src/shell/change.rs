//! `${name#pattern}`, `${name/pattern/text}`, `${name^}` and their kind.

use super::glob::{Anchor, Glob};
use super::word::Word;
use super::{Flow, Shell, scan};

/// What an operator does to a value.
pub(super) enum Change {
    Trim { glob: Glob, end: bool, longest: bool },
    Replace { glob: Glob, with: String, anchor: Anchor, every: bool },
    Case { kind: u8, every: bool, glob: Option<Glob> },
    Transform(u8),
}

impl Change {
    /// Changes a value.
    pub(super) fn apply(&self, word: &Word) -> Word {
        let Some(text) = word.known() else { return self.part(word) };
        let changed = match self {
            Self::Trim { glob, end, longest } => glob.trim(text, *end, *longest),
            Self::Replace { glob, with, anchor, every } => glob.replace(text, with, *anchor, *every),
            Self::Case { kind, every, glob } => Some(
                text.chars()
                    .enumerate()
                    .map(|(n, c)| {
                        let counts = (*every || n == 0) && glob.as_ref().is_none_or(|glob| glob.takes(c));
                        if counts { cased(*kind, c) } else { c.to_string() }
                    })
                    .collect(),
            ),
            Self::Transform(b'U') => Some(text.to_uppercase()),
            Self::Transform(b'L') => Some(text.to_lowercase()),
            Self::Transform(b'E') => Some(super::escape::unescape(text)),
            Self::Transform(b'u') => Some(
                text.chars()
                    .enumerate()
                    .map(|(n, c)| if n == 0 { cased(b'^', c) } else { c.to_string() })
                    .collect(),
            ),
            Self::Transform(_) => Some(format!("'{}'", text.replace('\'', r"'\''"))),
        };
        changed.map_or(Word::unknown(true), Word::literal)
    }

    /// Trims a value of which only the end that is trimmed is known.
    fn part(&self, word: &Word) -> Word {
        let Self::Trim { glob, end, longest: false } = self else { return Word::unknown(true) };
        let mut unknowns = word.unknowns().map(|(at, _)| at);
        let (Some(first), last) = (unknowns.next(), unknowns.last()) else { return Word::unknown(true) };
        if *end {
            let from = last.unwrap_or(first);
            let tail = &word.text[from..];
            match glob.trim(tail, true, false) {
                Some(left) if left.len() < tail.len() => word.head(from + left.len()),
                _ => Word::unknown(true),
            }
        } else {
            let head = &word.text[..first];
            match glob.trim(head, false, false) {
                Some(left) if left.len() < head.len() => word.tail(head.len() - left.len()),
                _ => Word::unknown(true),
            }
        }
    }
}

fn cased(kind: u8, c: char) -> String {
    match kind {
        b'^' => c.to_uppercase().collect(),
        b',' => c.to_lowercase().collect(),
        _ if c.is_lowercase() => c.to_uppercase().collect(),
        _ => c.to_lowercase().collect(),
    }
}

impl Shell<'_> {
    /// Reads an operator with its operands; `None` where they are not known.
    pub(super) fn change(&mut self, operator: &str) -> Flow<Option<Change>> {
        let kind = operator.as_bytes()[0];
        let doubled = operator.as_bytes().get(1) == Some(&kind);
        let operand = &operator[1 + usize::from(doubled)..];
        Ok(Some(match kind {
            b'#' | b'%' => match Glob::of(&self.pattern(operand)?) {
                Some(glob) => Change::Trim { glob, end: kind == b'%', longest: doubled },
                None => return Ok(None),
            },
            b'/' => {
                let (anchor, operand) = match operand.as_bytes().first() {
                    Some(b'#') if !doubled => (Anchor::Start, &operand[1..]),
                    Some(b'%') if !doubled => (Anchor::End, &operand[1..]),
                    _ => (Anchor::Free, operand),
                };
                // In `${V////_}` and `${V///x/_}` the pattern begins with a slash.
                let skip = usize::from(doubled && operand.starts_with('/'));
                let (pattern, with) = match scan::top_level(&operand[skip..], b'/') {
                    Some(at) => (&operand[..skip + at], &operand[skip + at + 1..]),
                    None => (operand, ""),
                };
                let pattern = Glob::of(&self.pattern(pattern)?);
                let with = self.single(with)?;
                match (pattern, with.known()) {
                    (Some(glob), Some(with)) => {
                        Change::Replace { glob, with: with.to_owned(), anchor, every: doubled }
                    }
                    _ => return Ok(None),
                }
            }
            b'^' | b',' | b'~' => {
                let glob = if operand.is_empty() { None } else { Some(Glob::of(&self.pattern(operand)?)) };
                match glob {
                    Some(None) => return Ok(None),
                    glob => Change::Case { kind, every: doubled, glob: glob.flatten() },
                }
            }
            _ => match operand {
                "Q" | "E" | "U" | "L" | "u" => Change::Transform(operand.as_bytes()[0]),
                _ => return Ok(None),
            },
        }))
    }
}
