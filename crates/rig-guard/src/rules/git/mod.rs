//! What git, and the programs around it, throw away: history at the remote and here, and work that is
//! not committed.
//!
//! The command line is read as git reads it: the [options before the subcommand](invocation), the
//! subcommand's [own options](line), and [pathspecs](pathspec).

/// Lists programs that take git's own subcommands, and some of those by themselves.
macro_rules! programs {
    ($($own:literal),* $(,)?) => { &["git", "hub", "yadm", "g", "git.exe", $($own),*] };
}

mod api;
mod branch;
mod config;
mod discard;
mod forge;
mod history;
mod invocation;
mod line;
mod listed;
mod orphan;
mod pathspec;
mod push;
mod refspec;
mod reset;
mod setting;
mod steps;
mod untracked;

use super::{Finding, Pack, Rule};
use invocation::Git;
use line::Line;
pub(crate) use listed::listed_branches;
pub(crate) use orphan::Orphan;
pub(crate) use steps::Steps;

/// Programs that take git's own subcommands.
const LIKE_GIT: &[&str] = programs![];

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[
    &push::FORCE,
    &push::DELETE,
    &reset::HARD,
    &discard::TREE,
    &discard::WORKTREE,
    &untracked::CLEAN,
    &untracked::STASH,
    &branch::DELETE,
    &history::EXPIRE,
    &history::REWRITE,
    &forge::DELETE,
];

/// Says whether a word of code that could not be read is one of these.
fn any(words: &[&str], of: &[&str]) -> bool {
    words.iter().any(|word| of.contains(word))
}
