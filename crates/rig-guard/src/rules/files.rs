//! The texts that a command reads: files, and its standard input.

use super::args::marked;
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// A text that a command reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    /// What stands in it, with `NUL` for what is not known.
    pub(super) text: String,
    /// It is a file on the disk, and not one that the code before has written.
    pub(super) disk: bool,
    /// Somebody has taken it into the repository as it is.
    pub(super) trusted: bool,
}

/// Returns what may stand in a file; nothing where that is not known.
pub(super) fn file(call: &Call<'_>, world: &dyn World, path: &Word) -> Vec<Text> {
    let Some(path) = path.known().filter(|path| !path.is_empty()) else { return Vec::new() };
    if matches!(path, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") {
        return input(call, world);
    }
    match absolute(call.cwd, path) {
        Some(path) => at(call, world, &path),
        None => Vec::new(),
    }
}

fn at(call: &Call<'_>, world: &dyn World, path: &str) -> Vec<Text> {
    if let Some(written) = call.writings(path) {
        return written.map(|word| Text { text: marked(word), ..Text::default() }).collect();
    }
    if call.context.elsewhere || call.context.mounts.is_some() {
        return Vec::new();
    }
    disk(world, path)
}

fn disk(world: &dyn World, path: &str) -> Vec<Text> {
    let script = world.script(path).into_iter();
    script.map(|script| Text { text: script.text, disk: true, trusted: script.trusted }).collect()
}

/// Returns what stands on the standard input; nothing where that is not known.
pub(super) fn input(call: &Call<'_>, world: &dyn World) -> Vec<Text> {
    match (call.input_file, call.input) {
        (Some(path), _) => disk(world, path),
        (None, Some(word)) => vec![Text { text: marked(word), ..Text::default() }],
        (None, None) => Vec::new(),
    }
}
