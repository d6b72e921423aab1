//! Which paths may not be deleted with everything in them.

use super::pattern::{Pattern, Piece, catches_all, matches};
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
const HOMES: [&str; 2] = ["/home", "/Users"];

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
    let at = word.unknowns().next()?.0;
    if word.text.is_empty() || word.unknowns().any(|(other, empty)| other != at || !empty) {
        return None;
    }
    let without = Word {
        text: word.text.clone(),
        marks: word.marks.iter().copied().filter(|m| m.kind == Kind::Glob).collect(),
    };
    let pattern = Pattern::of(&without, cwd)?;
    // `$DIR/x` is about a directory of its own, unless it may be the root directory. `./$X` may be
    // the working directory, which rm does not delete.
    let root = pattern.is_root() || pattern.contents().is_some_and(|dir| dir.is_root());
    let counts = if at == 0 { root } else { word.text.starts_with('/') };
    let what = places.danger(&pattern).filter(|_| counts)?;
    Some(format!("{shown} may be {what}, where the unknown part of it is empty"))
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
        if let Some(what) = pattern.contents().and_then(|dir| self.directory(&dir)) {
            return Some(format!("everything in {what}"));
        }
        self.directory(pattern).map(str::to_owned)
    }

    fn directory(&self, pattern: &Pattern) -> Option<&'static str> {
        if pattern.is_root() {
            return Some("the root directory");
        }
        if let Some(home) = &self.home {
            if pattern.matches(home) {
                return Some("the home directory");
            }
            if pattern.is_above(home) {
                return Some("a parent of the home directory");
            }
        }
        for root in &self.roots {
            if pattern.matches(root) {
                return Some("the workspace");
            }
            if pattern.is_above(root) {
                return Some("a parent of the workspace");
            }
            if is_git_data(pattern, root) {
                return Some("git's own data of the workspace");
            }
        }
        if SYSTEM.iter().any(|path| pattern.matches(path)) {
            return Some("a directory of the system");
        }
        let someones = |dir: &&str| pattern.below(dir).is_some_and(|p| p.len() == 1 && !catches_all(&p[0]));
        HOMES.iter().any(someones).then_some("a home directory")
    }
}

/// Says whether a pattern is the `.git` of a directory, or something in it that cannot be made again.
fn is_git_data(pattern: &Pattern, root: &str) -> bool {
    let Some(below) = pattern.below(root) else { return false };
    let Some((git, rest)) = below.split_first() else { return false };
    let leftover = |part: &Vec<Piece>| {
        let name: String = part.iter().map(|p| if let Piece::Char(c) = p { *c } else { '*' }).collect();
        GIT_LEFTOVERS.contains(&name.as_str()) || name.ends_with(".lock")
    };
    matches(git, ".git") && !catches_all(git) && !rest.first().is_some_and(leftover)
}
