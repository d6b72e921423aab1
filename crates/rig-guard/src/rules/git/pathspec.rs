//! Which part of a work tree a pathspec means.

use super::line::Line;
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// Directories whose contents nobody counts on.
const TEMPORARY: [&str; 3] = ["/tmp/", "/var/tmp/", "/private/tmp/"];
/// What stands for a directory that is not known.
const SOMEWHERE: &str = "/…";

/// A work tree, and where in it git runs.
pub(super) struct Tree<'a> {
    cwd: String,
    top: String,
    world: &'a dyn World,
}

impl<'a> Tree<'a> {
    /// Names both. A directory that is not known may be any, so it counts as the top directory.
    pub(super) fn new(cwd: Option<String>, top: Option<String>, world: &'a dyn World) -> Self {
        let top = top.unwrap_or_else(|| SOMEWHERE.to_owned());
        // From outside of the work tree git goes to its top.
        let cwd = cwd.filter(|cwd| is_in(cwd, &top)).unwrap_or_else(|| top.clone());
        Self { cwd, top, world }
    }

    /// Says whether everything below the directory in which git runs is everything that counts.
    pub(super) fn is_here(&self) -> bool {
        self.holds_all(&self.cwd)
    }

    /// Returns its top directory.
    pub(super) fn top(&self) -> &str {
        &self.top
    }

    /// Says whether a directory holds the whole work tree, or the project.
    fn holds_all(&self, dir: &str) -> bool {
        let within = self.top == SOMEWHERE || is_in(dir, &self.top);
        is_in(&self.top, dir) || within && self.world.roots().iter().any(|root| is_in(root, dir))
    }

    /// Says whether a pathspec means the whole work tree. One that is not known names something in it.
    pub(super) fn is_whole(&self, word: &Word) -> bool {
        let Some(spec) = word.known().and_then(Spec::parse) else { return false };
        if spec.excludes || spec.limited {
            return false;
        }
        let base = if spec.top { &self.top } else { &self.cwd };
        let mut path = spec.path;
        if !spec.literal {
            // `src/*` is everything in `src`.
            while let Some((parent, last)) = split_last(path).filter(|(_, last)| is_everything(last)) {
                path = if parent.is_empty() && last.len() < path.len() { "/" } else { parent };
            }
        }
        absolute(Some(base), path).is_some_and(|dir| self.holds_all(&dir))
    }

    /// Says whether pathspecs mean the whole work tree: one of them does, or all of them only take
    /// something out.
    pub(super) fn all(&self, specs: &[&Word]) -> bool {
        let excludes = |word: &&Word| word.known().and_then(Spec::parse).is_some_and(|spec| spec.excludes);
        specs.iter().any(|word| self.is_whole(word))
            || !specs.is_empty() && specs.iter().all(excludes) && self.is_here()
    }

    /// Says whether the pathspecs in the file of `--pathspec-from-file` do. What it holds is not always
    /// known; then it lists single files.
    pub(super) fn all_in_file(&self, line: &Line<'_>, call: &Call<'_>) -> bool {
        let Some(file) = line.value("pathspec-from-file").and_then(Word::known) else { return false };
        let text = if matches!(file, "-" | "/dev/stdin") {
            call.input.map(|input| input.text.clone())
        } else {
            let path = absolute(Some(&self.cwd), file).unwrap_or_default();
            let written = call.written(&path).map(|word| word.text.clone());
            let read = || self.world.read(&path).and_then(|bytes| String::from_utf8(bytes).ok());
            written.or_else(read)
        };
        let words: Vec<Word> = text
            .iter()
            .flat_map(|text| text.split(['\n', '\0']))
            .map(|line| Word::literal(line.trim_end_matches('\r').trim_matches('"')))
            .collect();
        words.iter().any(|word| self.is_whole(word))
    }
}

/// A pathspec, split.
struct Spec<'a> {
    /// It begins at the top of the work tree.
    top: bool,
    /// It takes something out.
    excludes: bool,
    /// Pattern characters stand for themselves.
    literal: bool,
    /// It means files with some attribute only.
    limited: bool,
    path: &'a str,
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut spec = Self { top: false, excludes: false, literal: false, limited: false, path: text };
        let Some(magic) = text.strip_prefix(':') else { return (!text.is_empty()).then_some(spec) };
        if let Some(long) = magic.strip_prefix('(') {
            let (words, path) = long.split_once(')')?;
            for word in words.split(',') {
                match word {
                    "top" => spec.top = true,
                    "exclude" => spec.excludes = true,
                    "literal" => spec.literal = true,
                    word => spec.limited |= word.starts_with("attr:"),
                }
            }
            spec.path = path;
        } else {
            let path = magic.trim_start_matches(['/', '!', '^']);
            let signs = &magic[..magic.len() - path.len()];
            spec.top = signs.contains('/');
            spec.excludes = signs.contains(['!', '^']);
            spec.path = path.strip_prefix(':').unwrap_or(path);
        }
        Some(spec)
    }
}

/// Says whether an absolute path is below a temporary directory, and has nothing to do with what the
/// session is about.
pub(super) fn is_temporary(path: &str, world: &dyn World) -> bool {
    let own = |root: &String| is_in(path, root) || is_in(root, path);
    TEMPORARY.iter().any(|dir| path.starts_with(dir)) && !world.roots().iter().any(own)
}

/// Splits the last name from a path.
fn split_last(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_end_matches('/');
    (!path.is_empty()).then(|| path.rsplit_once('/').unwrap_or(("", path)))
}

/// Says whether a name is a pattern that everything fits.
fn is_everything(name: &str) -> bool {
    name.contains('*') && !name.contains(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Says whether a path is a directory, or in it.
fn is_in(path: &str, dir: &str) -> bool {
    let rest = path.strip_prefix(dir.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
