//! Deletion of what everything else is in.

use super::deleters::{self, How, Loss, PROGRAMS};
use super::options::bundle;
use super::paths::{Danger, Place, Places};
use super::{Finding, Pack, Rule, is_filled_in};
use crate::shell::{Call, Word};
use crate::world::World;

/// Deletion of the root directory, system directories, homes, mount points and the workspace, with
/// everything in them.
///
/// A path that is not known is a directory of the project; where it may be empty and the rest is
/// then one of these, it counts, before the name of a directory only where nothing known has set it:
/// `"$PREFIX/usr"`. An option that is not known may make the deletion recursive.
pub(super) const RM_ROOT: Rule = Rule {
    id: "fs.rm.root",
    critical: true,
    pack: Pack::Core,
    what: "This deletes a directory that everything else is in",
    why: "what is deleted here cannot be brought back",
    instead: "name what is to go, below the workspace or in /tmp; write `\"${DIR:?}\"/*` so that an unset variable stops the command",
    source: "rm(1), find(1), mv(1), rsync(1), tar(1)",
    programs: &PROGRAMS,
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
        "mv ~ /dev/null",
        "rsync -a --delete /tmp/empty/ /home/dev/",
    ],
    allows: &[
        "rm -rf node_modules",
        "rm -rf /tmp/build",
        "rm -rf /workspace/target",
        "rm -rf \"$BUILD_DIR\"",
        "rm -rf \"${DIR:?}\"/*",
        "find . -name '*.pyc' -delete",
        "rsync -a --delete build/ /srv/www/",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let losses = deleters::losses(call.words, is_filled_in(&call.context.chain));
    let places = Places::of(call, world);
    losses.iter().find_map(|loss| counts(loss, call, &places)).map(|found| Finding::new(found.detail()))
}

/// Says what a command takes away; `None` where it may.
fn counts(loss: &Loss, call: &Call<'_>, places: &Places<'_>) -> Option<Danger> {
    let filled = is_filled_in(&call.context.chain);
    if loss.how == How::Files && !filled && !may_hold_more(&loss.path, call.cwd) {
        return None;
    }
    let found = places.find(&loss.path, loss.how == How::Tree)?;
    let Danger { place, contents, .. } = found;
    let workspace = matches!(place, Place::Workspace | Place::AboveWorkspace);
    let counts = match loss.how {
        How::Tree => true,
        // Only the files right in there, and no directory, unless the name came from a list of files.
        How::Files => {
            let deep = filled && loss.path.text.ends_with("/**");
            !found.maybe() && (place == Place::Git || if contents { !workspace || deep } else { filled })
        }
        // What is moved is still somewhere.
        How::Moved | How::Away => {
            let kept = matches!(place, Place::Mount | Place::AboveMount | Place::Personal)
                || place == Place::Git && loss.how == How::Moved;
            !(found.maybe() || kept || contents && (workspace || place == Place::Local))
        }
        // A copy is made into mount points and folders of pictures every day.
        How::Replaced { .. } if found.maybe() => false,
        How::Replaced { keeps_git } => match place {
            Place::Workspace => !keeps_git,
            Place::System | Place::Git => true,
            Place::Local => !matches!(loss.path.text.trim_end_matches('/'), "/mnt" | "/media"),
            Place::Root | Place::Home | Place::AboveHome | Place::AboveWorkspace | Place::Someones => true,
            _ => false,
        },
    };
    counts.then_some(found)
}

/// Says whether a file that is deleted may be one of git's, or all in a directory; of others nothing
/// has to be looked up.
fn may_hold_more(path: &Word, cwd: Option<&str>) -> bool {
    let inside = |text: &str| text.contains(".git");
    let last = path.text.rsplit('/').next().unwrap_or("");
    inside(&path.text) || cwd.is_some_and(inside) || !path.marks.is_empty() && last.contains(['*', '?', '['])
}
