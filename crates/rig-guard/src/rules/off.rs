//! The commands that take the rig away.

use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

mod processes;

pub(crate) use processes::{KILLED, finds_service, kills_unknown};

/// Options by which the client runs without the hooks of some settings, or with others.
const CLIENT: [&str; 5] = ["--bare", "--safe-mode", "--restricted", "--settings", "--setting-sources"];

/// Variables that do the same.
pub(super) const VARIABLES: [&str; 6] = [
    "CLAUDE_CODE_SIMPLE",
    "CLAUDE_CODE_SAFE_MODE",
    "CLAUDE_CODE_RESTRICTED",
    "CLAUDE_CODE_PERSONAL_HOOKS_OFF",
    "CLAUDE_CODE_MANAGED_SETTINGS_PATH",
    "CLAUDE_CODE_REMOTE_SETTINGS_PATH",
];

/// Subcommands of the client that start no session.
const ASIDE: [&str; 9] = ["mcp", "plugin", "plugins", "auth", "doctor", "install", "update", "logs", "purge"];

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
        "claude-code",
        "claude-code@latest",
        "kill",
        "pkill",
        "killall",
        "skill",
        "fuser",
        "kill-port",
        "systemctl",
        "service",
        "rc-service",
        "supervisorctl",
        "sv",
        "launchctl",
        "export",
        "alias",
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
    // With another home or another place it is about another rig, such as one under test; and so is what
    // runs on another machine.
    if call.other_home || call.context.elsewhere || given(call.args(), "--help") {
        return None;
    }
    let args = call.args();
    let off = match call.name()? {
        "rig-hooks-sync" => takes_hooks(call, args, world),
        "install.sh" => given(args, "--uninstall") && !placed_elsewhere(call, world),
        "cargo" | "xtask" => by_cargo(call, world),
        "rig-conductor" => ends_conductor(args),
        "claude" | "claude-code" | "claude-code@latest" => client(call),
        // In a start-up file they are about every client that is started later.
        "export" => {
            call.context.later && args.iter().any(|word| VARIABLES.iter().any(|name| sets(word, name)))
        }
        "alias" => call.context.later && args.iter().any(|word| disarms(&word.text)),
        _ => processes::ends(call, world),
    };
    off.then(Finding::default)
}

fn given(args: &[Word], option: &str) -> bool {
    args.iter().any(|word| word.text == option)
}

/// Says whether `rig-hooks-sync` takes the hooks out of this session's settings, or writes others.
fn takes_hooks(call: &Call<'_>, args: &[Word], world: &dyn World) -> bool {
    if ["--dry-run", "--check"].iter().any(|option| given(args, option)) || placed_elsewhere(call, world) {
        return false;
    }
    let own = |option: &str, inside: &str| match option_of(args, option) {
        None => true,
        Some(value) => absolute(call.cwd, &value)
            .is_some_and(|path| world.protected().file(&world.real(&format!("{path}{inside}"))).is_some()),
    };
    // Another base, or other programs, are other hooks.
    given(args, "--remove") || !own("--base", "") || !own("--bin", "/rig-guard")
}

/// Says whether cargo uninstalls the rig, or runs a program of it that takes it away.
fn by_cargo(call: &Call<'_>, world: &dyn World) -> bool {
    let args = call.args();
    if given(args, "install") {
        return given(args, "--uninstall") && !placed_elsewhere(call, world);
    }
    if !args.first().is_some_and(|word| matches!(word.text.as_str(), "run" | "r")) {
        return false;
    }
    let package = ["-p", "--package", "--bin"].iter().find_map(|option| option_of(args, option));
    let end = args.iter().position(|word| word.text == "--").map_or(args.len(), |at| at + 1);
    match package.as_deref() {
        Some("rig-hooks-sync") => takes_hooks(call, &args[end..], world),
        Some("rig-conductor") => ends_conductor(&args[end..]),
        _ => false,
    }
}

fn ends_conductor(args: &[Word]) -> bool {
    args.iter().find(|word| !word.text.starts_with('-')).is_some_and(|word| word.text == "down")
}

/// Says whether the client would run without the rig's hooks.
fn client(call: &Call<'_>) -> bool {
    let of =
        |name: &str| call.variables.iter().rev().find(|(own, _)| own == name).map(|(_, word)| word.clone());
    let variable = |name: &str| of(name).or_else(|| call.variable(name));
    // With another directory for its configuration it is another client, as with another home.
    if variable("CLAUDE_CONFIG_DIR").is_some() {
        return false;
    }
    let options = || {
        let words = call.args().iter().map(|word| word.text.as_str());
        words.take_while(|text| *text != "--" && !ASIDE.contains(text))
    };
    let named = |text: &str| CLIENT.contains(&text.split('=').next().unwrap_or(""));
    VARIABLES.iter().any(|name| variable(name).is_some_and(|value| is_on(&value)))
        || options().any(named)
        || configures(call.args())
}

/// Says whether a value of a variable switches something on.
fn is_on(value: &Word) -> bool {
    !matches!(value.known(), Some("" | "0" | "false"))
}

/// Says whether a word of `export` sets a variable.
fn sets(word: &Word, name: &str) -> bool {
    let rest = word.text.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with('=') && is_on(&Word::literal(&rest[1..])))
}

/// Says whether the text of an alias starts the client without the hooks.
fn disarms(alias: &str) -> bool {
    let words: Vec<&str> = alias.split([' ', '=', '\'', '"', '/']).collect();
    words.contains(&"claude") && words.iter().any(|word| CLIENT.contains(word))
}

/// Says whether `claude config set`, which older clients have, is about what keeps the hooks in force.
fn configures(args: &[Word]) -> bool {
    let mut words = args.iter().map(|word| word.text.as_str()).filter(|text| !text.starts_with('-'));
    let changes = |text: &str| matches!(text, "set" | "add" | "remove" | "rm" | "unset");
    words.next() == Some("config")
        && words.next().is_some_and(changes)
        && words
            .next()
            .is_some_and(|key| matches!(key.split('.').next(), Some("hooks" | "env" | "disableAllHooks")))
}

/// Says whether options name places that have nothing to do with this session.
fn placed_elsewhere(call: &Call<'_>, world: &dyn World) -> bool {
    call.args().iter().any(|w| w.text.starts_with("--destdir"))
        || elsewhere(call, world)
        || other_prefix(call, world)
}

/// Says whether `--prefix` names a directory in which this rig is not installed.
fn other_prefix(call: &Call<'_>, world: &dyn World) -> bool {
    let Some(dir) = option_of(call.args(), "--prefix").and_then(|dir| absolute(call.cwd, &dir)) else {
        return false;
    };
    world.protected().file(&world.real(&format!("{dir}/bin/rig-guard"))).is_none()
}

/// Returns the value of an option, where it is known.
fn option_of(args: &[Word], name: &str) -> Option<String> {
    args.iter().enumerate().find_map(|(n, word)| match word.text.strip_prefix(name) {
        Some("") => args.get(n + 1)?.known().map(str::to_owned),
        Some(value) => word.known().and(value.strip_prefix('=')).map(str::to_owned),
        None => None,
    })
}

/// Says whether `--target` names a directory that has nothing to do with this session.
fn elsewhere(call: &Call<'_>, world: &dyn World) -> bool {
    let Some(dir) = option_of(call.args(), "--target").and_then(|dir| absolute(call.cwd, &dir)) else {
        return false;
    };
    let settings = [".claude/settings.json", ".claude/settings.local.json", "settings.json"];
    settings.iter().all(|file| world.protected().file(&world.real(&format!("{dir}/{file}"))).is_none())
}
