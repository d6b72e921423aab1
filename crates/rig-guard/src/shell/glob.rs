//! Patterns as `case`, `[[ ]]` and `${name#pattern}` compare texts with them.

use super::word::Word;

/// A pattern longer than this, or compared with a longer text, is not worked out.
const MAX_LENGTH: usize = 4 << 10;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    Any,
    One,
    /// The ranges, and whether all other characters are meant.
    Set(Vec<(char, char)>, bool),
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Vec<Piece>);

/// Which part of a text a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
    Free,
}

impl Glob {
    /// Reads a pattern; `None` where it is not known, or of a kind that is not worked out.
    pub(super) fn of(word: &Word) -> Option<Self> {
        let text = word.known().filter(|text| text.len() <= MAX_LENGTH)?;
        let mut pieces = Vec::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let active = word.is_glob(at);
            if active && text[at + c.len_utf8()..].starts_with('(') {
                return None;
            }
            pieces.push(match c {
                '*' if active => Piece::Any,
                '?' if active => Piece::One,
                '[' if active => match set(&text[at + 1..]) {
                    Some((len, piece)) => {
                        while chars.next_if(|(n, _)| *n <= at + len).is_some() {}
                        piece?
                    }
                    None => Piece::Char('['),
                },
                c => Piece::Char(c),
            });
        }
        Some(Self(pieces))
    }

    fn matches(&self, text: &[char]) -> bool {
        let (mut at, mut from) = (0, 0);
        // Where the pattern goes on behind the last `*`, and how much of the text it has taken.
        let mut star: Option<(usize, usize)> = None;
        while from < text.len() {
            match self.0.get(at) {
                Some(Piece::Any) => {
                    star = Some((at + 1, from));
                    at += 1;
                }
                Some(piece) if piece.takes(text[from]) => (at, from) = (at + 1, from + 1),
                _ => {
                    let Some((next, taken)) = star else { return false };
                    star = Some((next, taken + 1));
                    (at, from) = (next, taken + 1);
                }
            }
        }
        self.0[at..].iter().all(|piece| *piece == Piece::Any)
    }

    /// Returns the text without what the pattern matches at one of its ends.
    pub(super) fn trim(&self, text: &str, end: bool, longest: bool) -> Option<String> {
        let chars = short(text)?;
        let all = chars.len();
        let mut lengths: Vec<usize> = (0..=all).collect();
        if longest {
            lengths.reverse();
        }
        let cut = |len: &usize| if end { &chars[all - len..] } else { &chars[..*len] };
        let found = lengths.into_iter().find(|len| self.matches(cut(len)));
        let len = found.unwrap_or(0);
        Some(if end { &chars[..all - len] } else { &chars[len..] }.iter().collect())
    }

    /// Returns the text with what the pattern matches replaced.
    pub(super) fn replace(&self, text: &str, with: &str, anchor: Anchor, every: bool) -> Option<String> {
        let chars = short(text)?;
        if self.0.is_empty() && anchor == Anchor::Free {
            return Some(text.to_owned());
        }
        // Of an empty text there is nothing to go over, but it may match as a whole.
        if chars.is_empty() {
            return Some(if self.matches(&chars) { with.to_owned() } else { String::new() });
        }
        let mut out = String::new();
        let mut at = 0;
        let mut done = false;
        while at <= chars.len() {
            let found = if done || anchor == Anchor::Start && at > 0 {
                None
            } else {
                let ends = if anchor == Anchor::End { chars.len()..=chars.len() } else { at..=chars.len() };
                ends.rev().find(|end| self.matches(&chars[at..*end]) && (*end > at || anchor != Anchor::Free))
            };
            match found {
                Some(end) => {
                    out.push_str(with);
                    done = !every || anchor != Anchor::Free;
                    at = end;
                    if at == chars.len() {
                        break;
                    }
                }
                None => {
                    out.extend(chars.get(at));
                    at += 1;
                }
            }
        }
        Some(out)
    }

    /// Says whether a whole text matches.
    pub(super) fn covers(&self, text: &str) -> bool {
        let least = self.0.iter().filter(|piece| **piece != Piece::Any).count();
        let chars = || text.chars().collect::<Vec<char>>();
        least <= text.len() && (least == text.len() || self.0.contains(&Piece::Any)) && self.matches(&chars())
    }

    /// Says whether one character matches.
    pub(super) fn takes(&self, c: char) -> bool {
        self.matches(&[c])
    }
}

fn short(text: &str) -> Option<Vec<char>> {
    if text.len() > MAX_LENGTH { None } else { Some(text.chars().collect()) }
}

/// Says whether a pattern matches a text; `None` where it is not known.
pub(super) fn matches(pattern: &Word, subject: &Word) -> Option<bool> {
    if pattern.text.bytes().all(|b| b == b'*') && !pattern.text.is_empty() && pattern.is_glob(0) {
        return Some(true);
    }
    match (subject.known(), Glob::of(pattern)) {
        (Some(text), Some(glob)) => Some(glob.matches(&short(text)?)),
        (None, Some(Glob(pieces))) => {
            // A text of which the beginning or the end is known may be told from a plain one.
            let plain = pieces.iter().all(|piece| matches!(piece, Piece::Char(_)));
            let (first, last) = (subject.unknowns().next()?.0, subject.unknowns().last()?.0);
            let text = &pattern.text;
            let differs = !text.starts_with(&subject.text[..first]) || !text.ends_with(&subject.text[last..]);
            let empty = text.is_empty() && !subject.may_be_empty();
            if plain && (differs || empty) { Some(false) } else { None }
        }
        _ => None,
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One | Self::Any => true,
            Self::Set(ranges, negated) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// Reads a set from behind its `[`: its length up to and with the `]`, and what it is.
fn set(text: &str) -> Option<(usize, Option<Piece>)> {
    let negated = text.starts_with(['!', '^']);
    let body = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    let mut chars = body.char_indices().peekable();
    let mut known = true;
    while let Some((at, c)) = chars.next() {
        match c {
            ']' if at > 0 => {
                let piece = Piece::Set(ranges, negated);
                return Some((usize::from(negated) + at + 1, known.then_some(piece)));
            }
            // A class that nothing ends is a bracket and what follows it.
            '[' if body[at + 1..].starts_with(':') && body[at + 2..].contains(":]") => {
                let len = body[at + 2..].find(":]")? + 2;
                known &= class(&body[at + 2..at + len], &mut ranges);
                while chars.next_if(|(n, _)| *n < at + len + 2).is_some() {}
            }
            '[' if body[at + 1..].starts_with(['.', '=']) => known = false,
            from => {
                let mut ahead = chars.clone();
                match (ahead.next(), ahead.next()) {
                    (Some((_, '-')), Some((_, to))) if to != ']' => {
                        ranges.push((from, to));
                        chars = ahead;
                    }
                    _ => ranges.push((from, from)),
                }
            }
        }
    }
    None
}

fn class(name: &str, ranges: &mut Vec<(char, char)>) -> bool {
    let found: &[(char, char)] = match name {
        "alpha" => &[('a', 'z'), ('A', 'Z')],
        "digit" => &[('0', '9')],
        "alnum" => &[('a', 'z'), ('A', 'Z'), ('0', '9')],
        "lower" => &[('a', 'z')],
        "upper" => &[('A', 'Z')],
        "space" => &[(' ', ' '), ('\t', '\r')],
        "blank" => &[(' ', ' '), ('\t', '\t')],
        "xdigit" => &[('0', '9'), ('a', 'f'), ('A', 'F')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        _ => return false,
    };
    ranges.extend(found);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Word {
        let mut word = Word::default();
        for c in text.chars() {
            if matches!(c, '*' | '?' | '[') { word.push_glob(c) } else { word.text.push(c) }
        }
        word
    }

    #[test]
    fn texts_are_compared_as_bash_compares_them() {
        for (pattern, text, expected) in [
            ("a*c", "abc", Some(true)),
            ("*", "", Some(true)),
            ("*", ".git", Some(true)),
            ("?", "", Some(false)),
            ("[a-c]x", "bx", Some(true)),
            ("[!a-c]x", "bx", Some(false)),
            ("[]x]", "]", Some(true)),
            ("[[:digit:]]", "7", Some(true)),
            ("[ab", "[ab", Some(true)),
            ("[[:]", ":", Some(true)),
            ("[[:]x", "a", Some(false)),
            ("[[:ä", "[[:ä", Some(true)),
            ("@(a|b)", "a", Some(false)),
            ("?(a)", "a", None),
        ] {
            assert_eq!(matches(&glob(pattern), &Word::literal(text)), expected, "{pattern} {text}");
        }
        let mut part = Word::literal("a/");
        part.push_unknown(true, false);
        assert_eq!(matches(&glob("b"), &part), Some(false));
        assert_eq!(matches(&glob("a/x"), &part), None);
        assert_eq!(matches(&Word::literal(""), &part), Some(false));
    }

    #[test]
    fn parts_are_cut_off_and_replaced() {
        let trim =
            |p: &str, t: &str, end, longest| Glob::of(&glob(p)).unwrap().trim(t, end, longest).unwrap();
        assert_eq!(trim("*/", "a/b/c", false, false), "b/c");
        assert_eq!(trim("*/", "a/b/c", false, true), "c");
        assert_eq!(trim(".*", "a.b.c", true, false), "a.b");
        assert_eq!(trim(".*", "a.b.c", true, true), "a");
        assert_eq!(trim("x", "abc", true, true), "abc");
        let replace = |p: &str, t: &str, a, e| Glob::of(&glob(p)).unwrap().replace(t, "X", a, e).unwrap();
        assert_eq!(replace("b", "abcb", Anchor::Free, false), "aXcb");
        assert_eq!(replace("b", "abcb", Anchor::Free, true), "aXcX");
        assert_eq!(replace("[ab]*", "cabc", Anchor::Free, true), "cX");
        assert_eq!(replace("a", "aba", Anchor::Start, false), "Xba");
        assert_eq!(replace("a", "aba", Anchor::End, false), "abX");
        assert_eq!(replace("", "ab", Anchor::Start, false), "Xab");
        assert_eq!(replace("*", "ab", Anchor::Free, true), "X");
    }
}
