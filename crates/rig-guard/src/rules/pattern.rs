//! Paths that may hold pattern characters.

use std::borrow::Cow;

use crate::shell::{Word, absolute};

/// An absolute path, or a pattern for some.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// A path that is known, without `.` and `..`.
    Path(String),
    /// The parts of a pattern.
    Parts(Vec<Vec<Piece>>),
}

/// A piece of a part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A character that stands for itself.
    Char(char),
    /// `*`
    Any,
    /// `?`
    One,
    /// `[...]`: the characters, and whether it means all others.
    Set(String, bool),
    /// Something that is not known, and not the name of any directory that counts.
    Unknown,
}

impl Pattern {
    /// Makes a path absolute; `None` where it depends on a directory that is not known.
    pub(crate) fn of(word: &Word, cwd: Option<&str>) -> Option<Self> {
        if word.marks.is_empty() && !word.text.contains("!(") {
            return absolute(cwd, &word.text).map(Self::Path);
        }
        let relative = !word.text.starts_with('/') || word.unknowns().any(|(at, _)| at == 0);
        let mut parts = if relative { literal(cwd?) } else { Vec::new() };
        for part in pieces(word) {
            match part.as_slice() {
                [] | [Piece::Char('.')] => {}
                [Piece::Char('.'), Piece::Char('.')] => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        Some(Self::Parts(parts))
    }

    /// Returns the directory whose contents the pattern means: that of `/a/*` is `/a`.
    pub(crate) fn contents(&self) -> Option<Self> {
        match self {
            Self::Parts(parts) => {
                let (last, parent) = parts.split_last()?;
                catches_all(last).then(|| Self::Parts(parent.to_vec()))
            }
            Self::Path(_) => None,
        }
    }

    /// Returns the path with symbolic links replaced by `real`, as far as it is known, where that
    /// makes another one of it; a link at the end only with `last`.
    pub(crate) fn resolved(&self, last: bool, real: impl Fn(&str) -> String) -> Option<Self> {
        match self {
            Self::Path(path) => {
                let (parent, name) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty())?;
                let found = match (last, parent) {
                    (true, _) => real(path),
                    (false, "") => return None,
                    (false, parent) => format!("{}/{name}", real(parent).trim_end_matches('/')),
                };
                (found != *path).then_some(Self::Path(found))
            }
            Self::Parts(parts) => {
                let plain = |part: &&Vec<Piece>| part.iter().all(|p| matches!(p, Piece::Char(_)));
                let known: Vec<&Vec<Piece>> = parts.iter().take_while(plain).collect();
                let prefix: String = known.iter().map(|part| format!("/{}", text(part))).collect();
                let found = if prefix.is_empty() { return None } else { real(&prefix) };
                let rest = &parts[known.len()..];
                (found != prefix).then(|| Self::Parts([&literal(&found), rest].concat()))
            }
        }
    }

    /// Says whether it is the root directory.
    pub(crate) fn is_root(&self) -> bool {
        match self {
            Self::Path(path) => path == "/",
            Self::Parts(parts) => parts.is_empty(),
        }
    }

    /// Says whether it matches a path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Path(own) => own == path,
            Self::Parts(parts) => names(path).count() == parts.len() && agree(parts, path),
        }
    }

    /// Says whether it matches a directory that a path is in.
    pub(crate) fn is_above(&self, path: &str) -> bool {
        match self {
            Self::Path(own) => is_in(path, own),
            Self::Parts(parts) => names(path).count() > parts.len() && agree(parts, path),
        }
    }

    /// Says whether it matches something in a directory.
    pub(crate) fn is_below(&self, dir: &str) -> bool {
        match self {
            Self::Path(own) => is_in(own, dir),
            Self::Parts(parts) => names(dir).count() < parts.len() && agree(parts, dir),
        }
    }

    /// Returns the parts behind a directory that it is below.
    pub(crate) fn below(&self, dir: &str) -> Option<Vec<Vec<Piece>>> {
        if !self.is_below(dir) {
            return None;
        }
        let parts = match self {
            Self::Path(own) => Cow::Owned(literal(own)),
            Self::Parts(parts) => Cow::Borrowed(parts),
        };
        Some(parts[names(dir).count()..].to_vec())
    }
}

/// Says whether a path is in a directory.
fn is_in(path: &str, dir: &str) -> bool {
    let rest = path.strip_prefix(dir.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

/// Says whether parts match a path as far as both go.
fn agree(parts: &[Vec<Piece>], path: &str) -> bool {
    names(path).zip(parts).all(|(name, part)| matches(part, name))
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// Returns a part of a path as text, with `*` for whatever is no plain character.
pub(crate) fn text(part: &[Piece]) -> String {
    part.iter().map(|piece| if let Piece::Char(c) = piece { *c } else { '*' }).collect()
}

fn literal(path: &str) -> Vec<Vec<Piece>> {
    names(path).map(|name| name.chars().map(Piece::Char).collect()).collect()
}

fn pieces(word: &Word) -> Vec<Vec<Piece>> {
    let mut parts = vec![Vec::new()];
    let mut unknowns = word.unknowns().map(|(at, _)| at).peekable();
    let mut chars = word.text.char_indices().peekable();
    let push = |parts: &mut Vec<Vec<Piece>>, piece| {
        if let Some(last) = parts.last_mut() {
            last.push(piece);
        }
    };
    while let Some((at, c)) = chars.next() {
        while unknowns.next_if(|u| *u <= at).is_some() {
            push(&mut parts, Piece::Unknown);
        }
        match c {
            '/' => parts.push(Vec::new()),
            // `!(name)` of extended patterns is everything else.
            '!' if word.text[at + 1..].starts_with('(') && word.text[at..].contains(')') => {
                let end = at + word.text[at..].find(')').unwrap_or(0);
                push(&mut parts, Piece::Any);
                while chars.next_if(|(n, _)| *n <= end).is_some() {}
            }
            '*' if word.is_glob(at) => push(&mut parts, Piece::Any),
            '?' if word.is_glob(at) => push(&mut parts, Piece::One),
            '[' if word.is_glob(at) => {
                let rest = &word.text[at + 1..];
                // A `]` right at the start is one of the characters.
                let skip = usize::from(rest.starts_with(['!', '^']));
                let end = rest.get(skip + 1..).and_then(|r| r.find(']')).map(|n| n + skip + 1);
                match end.filter(|end| !rest[..*end].contains('/')) {
                    Some(end) => {
                        push(&mut parts, Piece::Set(rest[skip..end].to_owned(), skip == 1));
                        while chars.next_if(|(n, _)| *n <= at + 1 + end).is_some() {}
                    }
                    None => push(&mut parts, Piece::Char('[')),
                }
            }
            c => push(&mut parts, Piece::Char(c)),
        }
    }
    if unknowns.next().is_some() {
        push(&mut parts, Piece::Unknown);
    }
    parts
}

/// Says whether a part of a path matches everything, or everything hidden.
pub(crate) fn catches_all(part: &[Piece]) -> bool {
    let wild = part.iter().any(|p| matches!(p, Piece::Any | Piece::One | Piece::Set(..)));
    let named = |p: &Piece| match p {
        Piece::Char(c) => c.is_alphanumeric() || matches!(c, '_' | '-'),
        Piece::Unknown => true,
        _ => false,
    };
    wild && !part.iter().any(named)
}

/// Matches a name as the shell does. Of several `*` only the last one is tried at other lengths.
pub(crate) fn matches(part: &[Piece], name: &str) -> bool {
    // A hidden name is matched only by a pattern that begins with its dot.
    if name.starts_with('.') && part.first() != Some(&Piece::Char('.')) {
        return false;
    }
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut from) = (0, 0);
    // Where the pattern goes on behind the last `*`, and how much of the name that `*` has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match part.get(at) {
            Some(Piece::Any) => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(piece) if piece.takes(name[from]) => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((next, taken)) = star else { return false };
                star = Some((next, taken + 1));
                (at, from) = (next, taken + 1);
            }
        }
    }
    part[at..].iter().all(|piece| *piece == Piece::Any)
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One | Self::Any => true,
            Self::Set(set, negated) => {
                let set: Vec<char> = set.chars().collect();
                let mut found = set.contains(&c);
                found |= set.windows(3).any(|w| w[1] == '-' && (w[0]..=w[2]).contains(&c));
                // A class such as `[:alpha:]` may hold any character.
                found |= set.contains(&':');
                found != *negated
            }
            Self::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Pattern {
        let mut word = Word::default();
        for c in text.chars() {
            match c {
                '*' | '?' | '[' => word.push_glob(c),
                '…' => word.push_unknown(false, false),
                c => word.text.push(c),
            }
        }
        Pattern::of(&word, Some("/w")).unwrap()
    }

    #[test]
    fn patterns_match_what_the_shell_would_make_of_them() {
        for (pattern, path, expected) in [
            ("/a/b", "/a/b", true),
            ("/a//./b/../b/", "/a/b", true),
            ("x", "/w/x", true),
            ("/a*", "/abc", true),
            ("/a*c", "/abcbc", true),
            ("/a*c", "/abcb", false),
            ("/?bc", "/abc", true),
            ("/[a-c]bc", "/abc", true),
            ("/[!a]bc", "/abc", false),
            ("/[]a]bc", "/abc", true),
            ("/[[:alpha:]]", "/a", false),
            ("/*", "/.git", false),
            ("/.*", "/.git", true),
            ("/*", "/a/b", false),
            ("/…", "/a", false),
            ("/****************************b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(glob(pattern).matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn links_are_followed_as_far_as_the_path_is_known() {
        let real = |path: &str| path.replacen("/w/link", "/home", 1);
        for (pattern, last, expected) in [
            ("link/x", false, Some("/home/x")),
            ("link", false, None),
            ("link", true, Some("/home")),
            ("/w/other/x", true, None),
            ("/", true, None),
        ] {
            let path = Pattern::Path(absolute(Some("/w"), pattern).unwrap());
            let found =
                path.resolved(last, real).map(|p| if let Pattern::Path(p) = p { p } else { panic!() });
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
        assert!(glob("link/*").resolved(false, real).is_some_and(|p| p.matches("/home/x")));
        assert!(glob("*/x").resolved(false, |p| p.to_owned()).is_none());
    }

    #[test]
    fn above_and_below_are_about_whole_names() {
        for pattern in ["/a/b", "/a/[b]"] {
            let pattern = glob(pattern);
            assert_eq!(
                ["/a/b/c", "/a/b", "/a/bc", "/a"].map(|p| pattern.is_above(p)),
                [true, false, false, false]
            );
            assert_eq!(
                ["/a/b/c", "/a/b", "/a", "/", "/ab"].map(|d| pattern.is_below(d)),
                [false, false, true, true, false]
            );
        }
        assert!(glob("/a/*").contents().is_some_and(|p| p.matches("/a")));
        assert!(glob("/*").contents().is_some_and(|p| p.is_root()));
        assert!(glob("/a/*.o").contents().is_none());
        assert!(glob("/").is_above("/a") && !glob("/").is_above("/"));
    }
}
