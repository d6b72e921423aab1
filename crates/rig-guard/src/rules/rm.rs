//! `rm -rf` of what everything else is in.

use super::options::{bundle, split_long};
use super::paths::danger;
use super::{Finding, Pack, Rule};
use crate::shell::{Call, Find, Word};
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&RM_ROOT];

/// Recursive deletion of the root directory, system directories, home and the workspace.
pub(super) const RM_ROOT: Rule = Rule {
    id: "fs.rm.root",
    critical: true,
    pack: Pack::Core,
    what: "This deletes a directory that everything else is in",
    why: "what is deleted here cannot be brought back",
    instead: "name what is to go, below the workspace or in /tmp; write `\"${DIR:?}\"/*` so that an unset variable stops the command",
    source: "rm(1), find(1)",
    programs: &["rm", "find"],
    unknown_program: true,
    redirections: false,
    judge,
    suspects: |words| {
        let recursive = |w: &&str| *w == "--recursive" || bundle(w).is_some_and(|b| b.contains(['r', 'R']));
        words.contains(&"rm") && words.iter().any(recursive)
            || words.contains(&"find") && words.contains(&"-delete")
    },
    denies: &[
        "rm -rf /",
        "rm -rf ~",
        "rm -fr /workspace",
        "rm -r \"$UNSET\"/*",
        "cd / && rm -rf *",
        "rm -rf /workspace/.git",
    ],
    allows: &[
        "rm -rf node_modules",
        "rm -rf /tmp/build",
        "rm -rf /workspace/target",
        "rm -rf \"$BUILD_DIR\"",
        "rm -rf \"${DIR:?}\"/*",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let found = |word: &Word| danger(word, call.cwd, world).map(Finding::new);
    if call.name() == Some("find") {
        let find = Find::parse(call.words);
        if !find.deletes || find.selective {
            return None;
        }
        return match find.roots.as_slice() {
            [] => found(&Word::literal(".")),
            roots => roots.iter().find_map(|root| found(root)),
        };
    }
    let mut operands: Vec<&Word> = Vec::new();
    let (mut recursive, mut force, mut ended) = (false, false, false);
    for word in call.args() {
        let text = word.text.as_str();
        if text == "--" && !ended {
            ended = true;
        } else if let Some((name, _)) = split_long(text).filter(|_| !ended) {
            match name {
                "help" | "version" => return None,
                name => {
                    recursive |= "recursive".starts_with(name);
                    force |= "force".starts_with(name);
                }
            }
        } else if let Some(letters) = bundle(text).filter(|_| !ended) {
            recursive |= letters.contains(['r', 'R']);
            force |= letters.contains('f');
        } else if word.is_unknown() && word.may_split() && !ended {
            // `$FLAGS` may be options; it is no operand that could be judged.
            recursive = true;
        } else {
            operands.push(word);
        }
    }
    // A program that is not known is taken for rm only where the options leave little doubt.
    if !recursive || call.name().is_none() && !force {
        return None;
    }
    operands.into_iter().find_map(found)
}
