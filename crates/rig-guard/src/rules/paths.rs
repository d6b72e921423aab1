//! Which paths may not be deleted with everything in them.

use crate::shell::{Kind, Word};
use crate::world::World;

/// Directories of the system. What lies below them is ordinary work.
const SYSTEM: [&str; 34] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/usr",
    "/var",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/sbin",
    "/usr/share",
    "/var/lib",
    "/Applications",
    "/Library",
    "/System",
    "/Users",
];

/// Where the directories of other people are.
const HOMES: [&str; 2] = ["home", "Users"];

/// What of git's own data may be deleted: it can be made again, or is left over.
const GIT_LEFTOVERS: [&str; 5] = ["rebase-merge", "rebase-apply", "sequencer", "gc.log", "gc.pid"];

/// Says why a path may not be deleted with everything in it; `None` where it may.
///
/// A part of the path that is not known counts as a name of its own. Where one may also be nothing,
/// the path without it counts too: `"$DIR"/*` may be `/*`.
pub(super) fn danger(word: &Word, cwd: Option<&str>, world: &dyn World) -> Option<String> {
    if word.known() == Some("") {
        return None;
    }
    let shown = word.display();
    let places = Places::of(world);
    if let Some(what) = places.danger(&Pattern::of(word, cwd)?) {
        return Some(format!("{shown} is {what}"));
    }
    let mut unknowns = word.unknowns();
    let (Some((at, true)), None) = (unknowns.next(), unknowns.next()) else { return None };
    if word.text.is_empty() {
        return None;
    }
    let without = Word {
        text: word.text.clone(),
        marks: word.marks.iter().copied().filter(|m| m.kind == Kind::Glob).collect(),
    };
    let pattern = Pattern::of(&without, cwd)?;
    // `$DIR/x` is about a directory of its own, unless it may be the root directory. `./$X` may be
    // the working directory, which rm does not delete.
    let counts = if at == 0 { pattern.is_root() } else { word.text.starts_with('/') };
    let what = places.danger(&pattern).filter(|_| counts)?;
    Some(format!("{shown} may be {what}, where the unknown part of it is empty"))
}

/// A path, in parts that may hold pattern characters.
pub(crate) struct Pattern(Vec<Vec<Piece>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
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
    /// Returns an absolute path as it is.
    pub(crate) fn literal(path: &str) -> Self {
        Self(literal(path))
    }

    /// Makes a path absolute; `None` where it depends on a directory that is not known.
    pub(crate) fn of(word: &Word, cwd: Option<&str>) -> Option<Self> {
        let relative = !word.text.starts_with('/') || word.unknowns().any(|(at, _)| at == 0);
        let base = if relative { literal(cwd?) } else { Vec::new() };
        let mut parts: Vec<Vec<Piece>> = base;
        for part in pieces(word) {
            match part.as_slice() {
                [] | [Piece::Char('.')] => {}
                [Piece::Char('.'), Piece::Char('.')] => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        Some(Self(parts))
    }

    fn is_root(&self) -> bool {
        match self.0.as_slice() {
            [] => true,
            [only] => catches_all(only),
            _ => false,
        }
    }

    /// Says whether it matches a path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        names(path).count() == self.0.len() && self.agrees(path)
    }

    /// Says whether it matches a directory that a path is in.
    pub(crate) fn is_above(&self, path: &str) -> bool {
        names(path).count() > self.0.len() && self.agrees(path)
    }

    /// Says whether it matches something in a directory.
    pub(crate) fn is_below(&self, dir: &str) -> bool {
        names(dir).count() < self.0.len() && self.agrees(dir)
    }

    /// Says whether it matches a path as far as both go.
    fn agrees(&self, path: &str) -> bool {
        names(path).zip(&self.0).all(|(name, part)| matches(part, name))
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

fn literal(path: &str) -> Vec<Vec<Piece>> {
    path.split('/').filter(|p| !p.is_empty()).map(|p| p.chars().map(Piece::Char).collect()).collect()
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
            '*' if word.is_glob(at) => push(&mut parts, Piece::Any),
            '?' if word.is_glob(at) => push(&mut parts, Piece::One),
            '[' if word.is_glob(at) => {
                let rest = &word.text[at + 1..];
                // A `]` right at the start is one of the characters.
                let skip = rest.starts_with(['!', '^']) as usize;
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
fn catches_all(part: &[Piece]) -> bool {
    let wild = part.iter().any(|p| matches!(p, Piece::Any | Piece::One | Piece::Set(..)));
    wild && part
        .iter()
        .all(|p| !matches!(p, Piece::Unknown | Piece::Char('a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-')))
}

/// Matches a name as the shell does. Of several `*` only the last one is tried at other lengths.
fn matches(part: &[Piece], name: &str) -> bool {
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

/// The directories that may not be deleted.
struct Places {
    home: Option<String>,
    roots: Vec<String>,
}

impl Places {
    fn of(world: &dyn World) -> Self {
        Self { home: world.home().map(str::to_owned), roots: world.roots() }
    }

    fn danger(&self, pattern: &Pattern) -> Option<String> {
        if let Some((last, parent)) = pattern.0.split_last()
            && catches_all(last)
            && let Some(what) = self.directory(&Pattern(parent.to_vec()))
        {
            return Some(format!("everything in {what}"));
        }
        self.directory(pattern)
    }

    fn directory(&self, pattern: &Pattern) -> Option<String> {
        if pattern.0.is_empty() {
            return Some("the root directory".to_owned());
        }
        if let Some(home) = &self.home
            && let Some(own) = ancestor(pattern, home)
        {
            return Some(
                if own { "the home directory" } else { "a parent of the home directory" }.to_owned(),
            );
        }
        for root in &self.roots {
            if let Some(own) = ancestor(pattern, root) {
                return Some(if own { "the workspace" } else { "a parent of the workspace" }.to_owned());
            }
            if in_git_data(pattern, root) {
                return Some("git's own data of the workspace".to_owned());
            }
        }
        if SYSTEM.iter().any(|path| pattern.matches(path)) {
            return Some("a directory of the system".to_owned());
        }
        match pattern.0.as_slice() {
            [parent, own] if HOMES.iter().any(|h| matches(parent, h)) && !catches_all(own) => {
                Some("a home directory".to_owned())
            }
            _ => None,
        }
    }
}

/// Says whether a pattern matches a directory (true) or one that it is in (false).
fn ancestor(pattern: &Pattern, path: &str) -> Option<bool> {
    let depth = pattern.0.len().checked_sub(1)?;
    let end = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]).nth(depth)?;
    pattern.matches(&path[..end]).then_some(end == path.len())
}

/// Says whether a pattern is the `.git` of a directory, or something in it that cannot be made again.
fn in_git_data(pattern: &Pattern, root: &str) -> bool {
    let depth = literal(root).len();
    let Some(below) = pattern.0.get(depth..) else { return false };
    let Some((git, rest)) = below.split_first() else { return false };
    if !Pattern(pattern.0[..depth].to_vec()).matches(root) || !matches(git, ".git") || catches_all(git) {
        return false;
    }
    let leftover = |part: &Vec<Piece>| {
        let name: String = part.iter().map(|p| if let Piece::Char(c) = p { *c } else { '*' }).collect();
        GIT_LEFTOVERS.contains(&name.as_str()) || name.ends_with(".lock")
    };
    !rest.first().is_some_and(leftover)
}
