//! Which files a patch changes, by its own text.

use super::line::Line;
use super::{Target, joined, write};
use crate::rules::files;
use crate::shell::{Call, Word};
use crate::world::World;

/// What stands before a file's name in a patch.
const HEADS: [&str; 6] = ["+++ ", "--- ", "rename to ", "rename from ", "copy to ", "*** "];

/// The most files of a patch that are looked at.
const MAX_FILES: usize = 1_000;

/// Returns the files that `patch` changes.
pub(super) fn by_patch(call: &Call<'_>, line: &Line<'_>, world: &dyn World) -> Vec<Target> {
    if line.given("--dry-run") {
        return Vec::new();
    }
    let named =
        [line.value_of("-i"), line.value_of("--input"), line.operands.get(1).map(|word| (*word).clone())];
    let directory = line.value_of("-d").or_else(|| line.value_of("--directory"));
    changed(call, named.into_iter().flatten().next().as_ref(), directory.as_ref(), world)
}

/// Returns the files that a patch changes: the named one, or what stands on the standard input.
pub(super) fn changed(
    call: &Call<'_>,
    named: Option<&Word>,
    directory: Option<&Word>,
    world: &dyn World,
) -> Vec<Target> {
    let texts = match named {
        Some(path) => files::file(call, world, path),
        None => files::input(call, world),
    };
    let mut targets = Vec::new();
    for name in texts.iter().flat_map(|text| names(&text.text)).take(MAX_FILES) {
        // With a first part that is left out, as by `-p1`, or with none.
        for path in [Some(name), name.split_once('/').map(|(_, rest)| rest)].into_iter().flatten() {
            let path = Word::literal(path);
            targets.push(write(&path));
            targets.extend(directory.map(|directory| write(&joined(directory, &path))));
            let top = call.cwd.filter(|_| call.name() != Some("patch")).and_then(|cwd| world.git_top(cwd));
            targets.extend(top.map(|top| write(&joined(&Word::literal(top), &path))));
        }
    }
    targets
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = HEADS.iter().find_map(|head| line.strip_prefix(head))?;
        // Behind a tab stands the time.
        let name = rest.split('\t').next()?.trim().trim_matches('"');
        (!name.is_empty() && name != "/dev/null").then_some(name)
    })
}
