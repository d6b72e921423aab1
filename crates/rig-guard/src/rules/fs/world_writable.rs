//! Modes that let everybody write.

use super::mode::{FILE, world_writable};
use super::modes::{PROGRAMS, everybody_writes};
use super::{Finding, Pack, Rule, program};
use crate::shell::Call;
use crate::world::World;

/// Modes that let everybody write, however they are set.
///
/// A sticky directory that all may write to (`1777`) is what a temporary directory has to be, and
/// passes as long as the change is not recursive. A mode that is not known passes, and so does one
/// on which the umask still has a say.
pub(super) const WORLD_WRITABLE: Rule = Rule {
    id: "fs.chmod.world_writable",
    critical: false,
    pack: Pack::Core,
    what: "This mode lets every user of the machine write",
    why: "anyone, and any process that is broken into, can replace what is run or read here",
    instead: "give the owner or the group what they need, such as `chmod 755`, `chmod u+x` or `chmod g+w`",
    source: "chmod(1), install(1), mkdir(1), setfacl(1), CWE-732",
    programs: &PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| words.contains(&"chmod") && words.iter().any(|w| world_writable(w, FILE).is_some()),
    denies: &[
        "chmod 777 run.sh",
        "chmod -R 0777 .",
        "chmod a+rwx file",
        "chmod o=rw file",
        "chmod 666 /dev/ttyUSB0",
        "mkdir -m 777 spool",
        "setfacl -m o::rwx file",
    ],
    allows: &[
        "chmod 755 run.sh",
        "chmod +x run.sh",
        "chmod o-w file",
        "chmod 1777 /srv/tmp",
        "chmod u=rwx,go=rx d",
        "install -m 755 tool /usr/local/bin",
        "umask 022",
    ],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (name, args) = program(call.words)?;
    everybody_writes(name, args).then(Finding::default)
}
