//! Files, file systems and the disks that they are on.

mod bomb;
mod deleters;
mod device;
mod disks;
mod kept;
mod mode;
mod modes;
mod owner;
mod remove;
mod system;
mod unrestorable;
mod world_writable;

use super::{Finding, Pack, Rule, options, paths, pattern};
use crate::shell::Word;

pub(crate) use bomb::FORK_BOMB;
pub(crate) use kept::{Access, locks_out};

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[
    &remove::RM_ROOT,
    &world_writable::WORLD_WRITABLE,
    &owner::PERMISSIONS,
    &device::DEVICE,
    &system::SYSTEM_FILE,
    &bomb::FORK_BOMB,
    &unrestorable::UNRESTORABLE,
];

/// Programs that run one of many small programs by its name.
const APPLETS: [&str; 7] = ["shx", "toybox", "coreutils", "uutils", "yarn", "pnpm", "bun"];

/// Returns the name of the program that words start, and its arguments; `None` where it is not known.
fn program(words: &[Word]) -> Option<(&str, &[Word])> {
    let (first, args) = words.split_first()?;
    let name = first.program()?;
    if !APPLETS.contains(&name) {
        return Some((name, args));
    }
    let skip = usize::from(args.first().is_some_and(|word| word.text == "run"));
    let inner = args.get(skip)?.known()?;
    Some((inner.rsplit('/').next().unwrap_or(inner), &args[skip + 1..]))
}

/// Says whether a command was put together from what another one found or read.
fn is_filled_in(chain: &[std::rc::Rc<str>]) -> bool {
    const FILLS: [&str; 10] =
        ["find", "gfind", "bfs", "fd", "fdfind", "xargs", "gxargs", "parallel", "sem", "rush"];
    chain.last().is_some_and(|link| FILLS.contains(&&**link))
}

/// Returns a path as it is meant in another directory.
fn within(directory: Option<&Word>, path: &Word) -> Word {
    let Some(directory) = directory.filter(|_| !path.text.starts_with('/')) else { return path.clone() };
    let mut joined = directory.clone();
    joined.text.push('/');
    joined.push(path);
    joined
}

/// Returns a word in which pattern characters count although the shell leaves them alone.
fn globbed(word: &Word) -> Word {
    if !word.marks.is_empty() {
        return word.clone();
    }
    let mut out = Word::default();
    for c in word.text.chars() {
        if matches!(c, '*' | '?' | '[') { out.push_glob(c) } else { out.text.push(c) }
    }
    out
}
