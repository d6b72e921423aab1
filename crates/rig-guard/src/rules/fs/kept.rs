//! Changes of owners and modes that leave the owner of files what they had.

use super::mode::{Taken, taken};
use super::modes::Chmod;
use super::options::Given;
use super::program;
use crate::shell::Word;
use crate::world::World;

/// What becomes of the rights of a file's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// They are kept, and nobody else may write.
    Kept,
    /// The files get an owner who most likely is the one they have.
    Unclear,
    /// Or it cannot be told.
    Changed,
}

impl Access {
    /// Says what a command makes of the rights of the session's user to their own files.
    pub(crate) fn of(words: &[Word], world: &dyn World) -> Self {
        let kept = |kept| if kept { Self::Kept } else { Self::Changed };
        match program(words) {
            Some(("chmod" | "gchmod", args)) => kept(Chmod::read(args).is_some_and(|chmod| keeps(&chmod))),
            Some(("chown" | "gchown", args)) => {
                let given = Given::read(args, "", "from reference");
                match given.operands.first().filter(|_| !given.has("", "reference") && !given.opaque) {
                    Some(owner) => owned_by(owner, world),
                    None => Self::Unclear,
                }
            }
            // A group that may not write has no say.
            Some(("chgrp" | "gchgrp", _)) => Self::Kept,
            _ => Self::Changed,
        }
    }
}

/// Says whether a command takes the right to read or to search from owners.
pub(crate) fn locks_out(words: &[Word]) -> bool {
    let Some(("chmod" | "gchmod", args)) = program(words) else { return false };
    let mode = Chmod::read(args).and_then(|chmod| chmod.mode.known().map(taken));
    mode.is_some_and(|Taken { reading, searching }| reading || searching)
}

fn owned_by(owner: &Word, world: &dyn World) -> Access {
    let Some(owner) = owner.known() else { return Access::Unclear };
    let user = owner.split(':').next().unwrap_or(owner);
    let home = world.home().and_then(|home| home.rsplit('/').next()).map(str::to_owned);
    let own = [home, world.variable("USER"), world.variable("LOGNAME")];
    // `user.group` is an old spelling of `user:group`.
    let names = [user, user.split('.').next().unwrap_or(user)];
    if user.is_empty() || own.iter().flatten().any(|own| names.contains(&own.as_str())) {
        return Access::Kept;
    }
    // Those of accounts that people log in to.
    let person = user.parse::<u32>().is_ok_and(|number| (500..60_000).contains(&number));
    if person { Access::Unclear } else { Access::Changed }
}

fn keeps(chmod: &Chmod<'_>) -> bool {
    let Some(mode) = chmod.mode.known() else { return false };
    // What is no program and no directory need not be run.
    let data = |path: &&Word| path.text.ends_with(".json") || path.text.ends_with(".jsonl");
    let runs = chmod.recursive || !chmod.paths.iter().all(data);
    let digits = mode.strip_prefix('=').unwrap_or(mode);
    if let Ok(bits) = u32::from_str_radix(digits, 8) {
        let needed = if runs { 0o700 } else { 0o600 };
        return bits & needed == needed && bits & 0o4022 == 0;
    }
    mode.split(',').all(|clause| clause_keeps(clause, runs))
}

/// `u+rwX`, `go-rwx`, `u=rwx`, `go=rX`
fn clause_keeps(clause: &str, runs: bool) -> bool {
    let Some(actions) = clause.find(['+', '-', '=']) else { return false };
    let (who, mut rest) = clause.split_at(actions);
    let owner = who.is_empty() || who.contains(['u', 'a']);
    let others = who.is_empty() || who.contains(['g', 'o', 'a']);
    if !who.chars().all(|c| "ugoa".contains(c)) {
        return false;
    }
    while let Some(operator) = rest.chars().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |n| n + 1);
        let given = &rest[1..end];
        let all = given.contains('r') && given.contains('w') && (!runs || given.contains(['x', 'X']));
        let keeps = given.chars().all(|c| "rwxX".contains(c))
            && match operator {
                '+' => !(others && given.contains('w')),
                '-' => !owner || given.is_empty(),
                _ => (!owner || all) && !(others && given.contains('w')),
            };
        if !keeps {
            return false;
        }
        rest = &rest[end..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_take_nothing_from_the_owner_and_give_nobody_else_the_right_to_write() {
        for (args, expected) in [
            ("700 d", true),
            ("-R 755 d", true),
            ("0711 d", true),
            ("=750 d", true),
            ("go-rwx d", true),
            ("-R u+rwX,go= d", true),
            ("u=rwx,go=rX d", true),
            ("u=rwX,g=rX,o-rwx d", true),
            ("+x f", true),
            ("a+rX d", true),
            ("og-w+x d", true),
            ("600 a.json b.jsonl", true),
            ("u=rw,go= a.json", true),
            ("600 a.json b", false),
            ("-R 600 a.json", false),
            ("644 f", false),
            ("77 f", false),
            ("4755 f", false),
            ("775 d", false),
            ("g+w d", false),
            ("+w f", false),
            ("a-x f", false),
            ("-x f", false),
            ("u-w f", false),
            ("u=rx d", false),
            ("u=rw d", false),
            ("a=rwx d", false),
            ("go=u d", false),
            ("go-rwx,u-x d", false),
            ("u+s f", false),
            ("--reference=x f", false),
            ("x f", false),
        ] {
            let words: Vec<Word> = args.split(' ').map(Word::literal).collect();
            let kept = Chmod::read(&words).is_some_and(|chmod| keeps(&chmod));
            assert_eq!(kept, expected, "{args}");
        }
    }
}
