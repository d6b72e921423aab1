//! The commands that take the rig away.

use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// The programs that watch the session, or tell of it.
const SERVICES: [&str; 3] = ["rig-conductor", "rig-report", "rig-guard"];

/// Options by which the client runs without the hooks of some settings, or with others.
const CLIENT: [&str; 4] = ["--bare", "--safe-mode", "--settings", "--setting-sources"];

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&OFF];

/// Taking the hooks out of the settings, uninstalling the rig, ending its service, and starting the
/// client without it.
pub(crate) const OFF: Rule = Rule {
    id: "self.off",
    critical: true,
    pack: Pack::Own,
    what: "This switches off what judges and reports this session",
    why: "nothing would stop a mistake afterwards, or tell anybody of it",
    instead: "a person can do it in a terminal; `rig-hooks-sync --remove --dry-run` shows what it would do",
    source: "docs/guard.md",
    programs: &[
        "rig-hooks-sync",
        "install.sh",
        "cargo",
        "xtask",
        "rig-conductor",
        "claude",
        "kill",
        "pkill",
        "killall",
        "systemctl",
        "service",
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        let has = |word: &str| words.contains(&word);
        has("rig-hooks-sync") && has("--remove")
            || has("install.sh") && has("--uninstall")
            || has("rig-conductor") && (has("down") || has("kill") || has("pkill"))
            || has("claude") && CLIENT.iter().any(|option| has(option))
    },
    denies: &[
        "rig-hooks-sync --remove",
        "./install.sh --uninstall",
        "cargo xtask install --uninstall",
        "rig-conductor down",
        "pkill rig-conductor",
        "claude --bare -p 'go on'",
    ],
    allows: &[
        "rig-hooks-sync --check",
        "rig-hooks-sync --remove --dry-run",
        "HOME=/tmp/h rig-hooks-sync --remove",
        "rig-conductor status",
        "claude -p 'review this'",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let has = |option: &str| call.args().iter().any(|w| w.text == option);
    // With another home or another place it is about another rig, such as one under test.
    if call.other_home || has("--help") {
        return None;
    }
    let name = call.name()?;
    let off = match name {
        "rig-hooks-sync" => has("--remove") && !has("--dry-run") && !placed_elsewhere(call, world),
        "install.sh" => has("--uninstall") && !placed_elsewhere(call, world),
        "cargo" | "xtask" => has("install") && has("--uninstall") && !placed_elsewhere(call, world),
        "rig-conductor" => {
            call.args().iter().find(|w| !w.text.starts_with('-')).is_some_and(|w| w.text == "down")
        }
        "claude" => {
            let options = call.args().iter().map(|w| w.text.split('=').next().unwrap_or(""));
            let simple = call.variables.iter().any(|(name, _)| name == "CLAUDE_CODE_SIMPLE");
            simple || options.take_while(|o| *o != "--").any(|option| CLIENT.contains(&option))
        }
        "pkill" | "killall" => operands(call).any(|word| kills_service(name, word)),
        "systemctl" => {
            const VERBS: [&str; 5] = ["stop", "disable", "mask", "kill", "restart"];
            VERBS.iter().any(|verb| has(verb)) && call.args().iter().any(names_service)
        }
        "service" => has("stop") && call.args().iter().any(names_service),
        _ => false,
    };
    off.then(Finding::default)
}

/// Says whether a command finds out which process a service of the rig is.
pub(crate) fn finds_service(call: &Call<'_>) -> bool {
    const FINDERS: [&str; 12] =
        ["pgrep", "pidof", "grep", "egrep", "rg", "awk", "cat", "jq", "head", "sed", "lsof", "ss"];
    let named = |word: &Word| names_service(word) || word.text.contains("state/rig/conductor");
    let reads = call.redirects.iter().any(|redirect| named(&redirect.target));
    !call.other_home
        && (call.name().is_some_and(|name| FINDERS.contains(&name)) && call.args().iter().any(named) || reads)
}

/// Says whether a command ends a process that is not known beforehand.
pub(crate) fn kills_unknown(call: &Call<'_>) -> bool {
    call.name() == Some("kill") && operands(call).any(|word| word.known().is_none())
}

/// The refusal of such a command behind one that found out about a service.
pub(crate) const KILLED: &str = "it ends a service of the rig";

fn names_service(word: &Word) -> bool {
    SERVICES[..2].iter().any(|service| word.text.contains(service))
}

fn operands<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a Word> {
    call.args().iter().filter(|word| !word.text.starts_with('-'))
}

/// Says whether a pattern means one of the rig's programs.
fn kills_service(program: &str, word: &Word) -> bool {
    let pattern = word.text.trim_matches(['^', '$', '*', '.']);
    // `pkill` looks for its pattern anywhere in a name.
    let part = |service: &str| program == "pkill" && pattern.len() >= 3 && service.contains(pattern);
    SERVICES.iter().any(|service| word.text.contains(service) || part(service))
}

/// Says whether options name places that have nothing to do with this session.
fn placed_elsewhere(call: &Call<'_>, world: &dyn World) -> bool {
    call.args().iter().any(|w| w.text.starts_with("--destdir"))
        || elsewhere(call, world)
        || other_prefix(call, world)
}

/// Says whether `--prefix` names a directory in which this rig is not installed.
fn other_prefix(call: &Call<'_>, world: &dyn World) -> bool {
    let Some(dir) = option(call, "--prefix").and_then(|dir| absolute(call.cwd, &dir)) else { return false };
    world.protected().file(&world.real(&format!("{dir}/bin/rig-guard"))).is_none()
}

/// Returns the value of an option, where it is known.
fn option(call: &Call<'_>, name: &str) -> Option<String> {
    let args = call.args();
    args.iter().enumerate().find_map(|(n, word)| match word.text.strip_prefix(name) {
        Some("") => args.get(n + 1)?.known().map(str::to_owned),
        Some(value) => word.known().and(value.strip_prefix('=')).map(str::to_owned),
        None => None,
    })
}

/// Says whether `--target` names a directory that has nothing to do with this session.
fn elsewhere(call: &Call<'_>, world: &dyn World) -> bool {
    let Some(dir) = option(call, "--target").and_then(|dir| absolute(call.cwd, &dir)) else { return false };
    let settings = [".claude/settings.json", ".claude/settings.local.json", "settings.json"];
    settings.iter().all(|file| world.protected().file(&world.real(&format!("{dir}/{file}"))).is_none())
}
