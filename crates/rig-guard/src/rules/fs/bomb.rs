//! Processes that multiply.

use super::{Finding, Pack, Rule};

/// A function that starts itself in the background, whatever happens.
///
/// The walk through the code finds it, whatever its name is; there is no command to look at.
pub(crate) const FORK_BOMB: Rule = Rule {
    id: "sys.fork_bomb",
    critical: true,
    pack: Pack::Core,
    what: "This starts itself again and again in the background",
    why: "the machine runs out of processes within seconds, and whatever is not saved is lost",
    instead: "call it once and wait for it, or give it a condition under which it ends",
    source: "bash(1), fork(2)",
    programs: &[],
    unknown_program: false,
    redirections: false,
    judge: |_, _| None::<Finding>,
    suspects: |words| words.windows(4).any(|w| w.iter().all(|word| *word == ":")),
    denies: &[":(){ :|:& };:", "b() { b | b & }; b", "bash -c 'x() { x & x; }; x'"],
    allows: &[
        "f() { [ \"$1\" -gt 0 ] && f $(($1 - 1)); }; f 3",
        "worker() { sleep 1; }; worker & worker & wait",
        "poll() { sleep 60; poll; }; poll &",
        "echo ':(){ :|:& };:'",
    ],
};
