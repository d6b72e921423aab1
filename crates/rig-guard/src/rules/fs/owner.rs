//! Owners and modes of what everything else is in.

use super::mode::{Taken, taken};
use super::modes::Chmod;
use super::options::Given;
use super::paths::{Danger, Place, Places};
use super::{Finding, Pack, Rule, is_filled_in, program};
use crate::shell::{Call, Word};
use crate::world::World;

/// Changes of owners or modes of the whole system, and modes that lock people out of their home or
/// the workspace.
///
/// A path or a mode that is not known passes: nearly always it is a directory of the project.
pub(super) const PERMISSIONS: Rule = Rule {
    id: "fs.permissions.root",
    critical: true,
    pack: Pack::Core,
    what: "This changes who may do what in a directory that everything else is in",
    why: "programs and logins fail afterwards, and nothing has kept the owners and modes that were there",
    instead: "change what is meant and no more, as in `chmod -R u+rwX build` or `chown -R dev: ./data`",
    source: "chmod(1), chown(1), setfacl(1), chattr(1)",
    programs: &["chmod", "gchmod", "chown", "gchown", "chgrp", "gchgrp", "setfacl", "chattr"],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |_| false,
    denies: &[
        "chown -R dev /",
        "sudo chmod -R 755 /usr",
        "chmod -R 000 /workspace",
        "chmod -R u-rwx ~",
        "chmod 000 /",
        "chattr -R +i ~",
    ],
    allows: &[
        "chown -R dev:dev ~/projects",
        "sudo chown -R dev /usr/local",
        "chmod -R 755 .",
        "chmod 700 ~",
        "chmod 755 /",
        "chown -R www-data: /srv/www",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let (name, args) = program(call.words)?;
    let filled = is_filled_in(&call.context.chain);
    let places = Places::of(call, world);
    let found = |path: &Word| places.find(path, false).filter(|found| !found.maybe());
    // Other directories of the system are handed over to people every day.
    let breaks = |path: &&Word| found(path).is_some_and(|f| matches!(f.place, Place::Root | Place::System));
    let all = |path: &&Word| Some(Finding::new(found(path)?.detail()));
    match name {
        "chmod" | "gchmod" => {
            let Chmod { mode, paths, recursive } = Chmod::read(args)?;
            let tree = recursive || filled;
            if tree && let Some(path) = paths.iter().copied().find(breaks) {
                return all(&path);
            }
            let taken = taken(mode.known()?);
            let locked = |path: &&Word| found(path).filter(|found| locks_out(found, taken, tree));
            paths.iter().find_map(locked).map(|found| Finding::new(found.detail()))
        }
        "chown" | "gchown" | "chgrp" | "gchgrp" => {
            let given = Given::read(args, "", "from reference");
            let owner = given.operands.first().filter(|_| !given.has("", "reference"));
            let paths = &given.operands[usize::from(owner.is_some())..];
            if !(given.has("R", "recursive") || filled) {
                return None;
            }
            let other = |owner: &&&Word| {
                matches!(owner.text.split([':', '.']).next(), Some("root" | "0" | "nobody"))
                    && world.home() != Some("/root")
            };
            let theirs = owner.filter(|owner| other(owner)).is_some();
            let home = |path: &&Word| theirs && found(path).is_some_and(|found| found.place == Place::Home);
            paths.iter().copied().find(|path| breaks(path) || home(path)).and_then(|path| all(&path))
        }
        "setfacl" => {
            let given = Given::read(args, "mMxXs", "modify modify-file remove remove-file set set-file");
            let tree = given.has("R", "recursive") && !given.has("", "test");
            given.operands.iter().copied().filter(|_| tree).find(breaks).and_then(|path| all(&path))
        }
        "chattr" => {
            let freezes = args.iter().any(|w| w.text.starts_with('+') && w.text.contains(['i', 'a']));
            let tree = args.iter().any(|w| w.text.starts_with('-') && w.text.contains('R'));
            let whole = |path: &&Word| {
                let home = found(path).is_some_and(|f| {
                    matches!(f.place, Place::Home | Place::Workspace | Place::AboveWorkspace)
                });
                breaks(path) || home
            };
            args.iter().filter(|_| freezes && tree).find(whole).and_then(|path| all(&path))
        }
        _ => None,
    }
}

/// Says whether a mode locks people out of a place.
fn locks_out(found: &Danger, taken: Taken, tree: bool) -> bool {
    let Taken { reading, searching } = taken;
    match found.place {
        Place::Root | Place::System | Place::Local => reading || searching && (tree || !found.contents),
        Place::Home | Place::AboveHome | Place::Someones => !found.contents && (reading || searching),
        // `chmod -R 644 .` is a common mistake, but one that the same command mends.
        Place::Workspace | Place::AboveWorkspace => {
            (tree || !found.contents) && (reading || searching && !tree)
        }
        _ => false,
    }
}
