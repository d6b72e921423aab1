//! Code that cannot be followed.

use super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&UNREADABLE];

/// Code that is nested too deep, does too much, or hides the names of its commands in a text that
/// is no valid program.
pub(crate) const UNREADABLE: Rule = Rule {
    id: "shell.unreadable",
    pack: Pack::Core,
    critical: false,
    what: "It cannot be told which commands this code runs",
    why: "what cannot be followed cannot be judged",
    instead: "write it in plain steps, each in a command of its own",
    source: "docs/guard.md",
    programs: &[],
    unknown_program: false,
    redirections: false,
    judge: |_: &Call<'_>, _: &dyn World| None::<Finding>,
    suspects: |_| false,
    denies: &["echo $($($($($($($($($($($($($($($($($(ls)))))))))))))))))", "if $X; then $Y"],
    allows: &["if true; then echo x", "echo 'no end", "for i in {1..100000}; do echo $i; done"],
};

/// Says whether a command of some code has an expansion, an escape or quotes in its name.
pub(crate) fn hides_a_name(code: &str) -> bool {
    const GOES_ON: [&str; 12] =
        ["if", "then", "elif", "else", "while", "until", "do", "!", "time", "coproc", "exec", "command"];
    code.split(['\n', ';', '|', '&', '(', '{', '`']).any(|part| {
        let assigns = |word: &&str| {
            word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
        };
        let mut words = part.split_whitespace().skip_while(|word| GOES_ON.contains(word) || assigns(word));
        let odd = |word: &str| {
            word.contains(['$', '\\'])
                || word.len() > 1 && word.trim_end_matches(['"', '\'']).contains(['"', '\''])
        };
        words.next().is_some_and(|word| !word.starts_with('#') && odd(word))
    })
}
