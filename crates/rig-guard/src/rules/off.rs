//! The commands that take the rig away.

use super::{Finding, Pack, Rule};
use crate::shell::{Call, absolute};
use crate::world::World;

/// Taking the hooks out of the settings, and uninstalling the rig.
pub(super) const OFF: Rule = Rule {
    id: "self.off",
    critical: true,
    pack: Pack::Own,
    what: "This takes the rig's hooks out of Claude's settings",
    why: "nothing judges and reports the session afterwards",
    instead: "a person can do it in a terminal; `rig-hooks-sync --remove --dry-run` shows what it would do",
    programs: &["rig-hooks-sync", "install.sh", "cargo", "xtask"],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        words.contains(&"rig-hooks-sync") && words.contains(&"--remove")
            || words.contains(&"install.sh") && words.contains(&"--uninstall")
    },
    denies: &["rig-hooks-sync --remove", "./install.sh --uninstall", "cargo xtask install --uninstall"],
    allows: &[
        "rig-hooks-sync --check",
        "rig-hooks-sync --remove --dry-run",
        "HOME=/tmp/h rig-hooks-sync --remove",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let has = |option: &str| call.args().iter().any(|w| w.text == option);
    let removes = match call.name()? {
        "rig-hooks-sync" => has("--remove") && !has("--dry-run"),
        "install.sh" => has("--uninstall"),
        _ => has("install") && has("--uninstall"),
    };
    // With another home or another target it is about another rig, such as one under test.
    if !removes || has("--help") || call.other_home || has("--destdir") || elsewhere(call, world) {
        return None;
    }
    Some(Finding::default())
}

/// Says whether `--target` names a directory that has nothing to do with this session.
fn elsewhere(call: &Call<'_>, world: &dyn World) -> bool {
    let args = call.args();
    let value = args.iter().enumerate().find_map(|(n, word)| match word.text.strip_prefix("--target") {
        Some("") => args.get(n + 1)?.known().map(str::to_owned),
        Some(value) => word.known().and(value.strip_prefix('=')).map(str::to_owned),
        None => None,
    });
    let Some(dir) = value.and_then(|dir| absolute(call.cwd, &dir)) else { return false };
    let settings = [".claude/settings.json", ".claude/settings.local.json", "settings.json"];
    settings.iter().all(|file| world.protected().file(&world.real(&format!("{dir}/{file}"))).is_none())
}
