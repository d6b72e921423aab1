//! Judges a settings file of Claude Code by what it holds, or would hold.

use rig_core::settings::{self, Scope};

use super::{off, own};
use crate::judge::Refused;
use crate::world::World;

/// Variables that decide which programs run, or where the rig reports: beginnings, and whole names.
const BEGINNINGS: [&str; 8] =
    ["LD_", "DYLD_", "GIT_CONFIG", "GIT_SSH", "RIG_", "DISCORD_", "CONDUCTOR_", "BASH_FUNC_"];
const NAMES: [&str; 7] =
    ["PATH", "BASH_ENV", "ENV", "GIT_EXEC_PATH", "PROMPT_COMMAND", "SHELLOPTS", "CLAUDE_CONFIG_DIR"];

/// Of these a session's identity is made, which its own settings hold.
const HARMLESS: [&str; 3] = ["CONDUCTOR_AGENT_ID", "CONDUCTOR_ISSUE_NUMBER", "CONDUCTOR_REPO"];

/// Judges a document that would take the place of a settings file; `None` where it cannot be told.
pub(crate) fn written(path: &str, document: Option<Vec<u8>>, world: &dyn World) -> Option<Refused> {
    let Some(document) = document else {
        return Some(Refused::by(&own::SETTINGS, "what the file would hold cannot be told", path.to_owned()));
    };
    let now = world.losses(None).unwrap_or_default();
    let then = match world.losses(Some((path, Some(&document)))) {
        Ok(then) => then,
        Err(why) => {
            let detail = format!("what must be in force is not known: {why}");
            return Some(Refused::by(&own::SETTINGS, &detail, path.to_owned()));
        }
    };
    let lost: Vec<String> = then.into_iter().filter(|loss| !now.contains(loss)).collect();
    let variables = disarming(&document, world.read(path).as_deref(), world);
    let refused = |why: String, instead: &'static str| Refused {
        rule: own::SETTINGS.id.into(),
        category: own::SETTINGS.category(),
        why,
        part: path.to_owned(),
        through: Vec::new(),
        instead: instead.into(),
    };
    if !lost.is_empty() {
        let why = "This would leave Claude's settings without hooks of the rig, this guard among them";
        return Some(refused(
            format!("{why}: {}.", lost.join("; ")),
            "keep the entries of the rig in the file, and `disableAllHooks` out of it",
        ));
    }
    if !variables.is_empty() {
        let why = "This would set variables in Claude's settings that decide which programs run, or where the rig reports";
        return Some(refused(
            format!("{why}: {}.", variables.join(", ")),
            "set them in front of the command that needs them, or let a person put them into the settings",
        ));
    }
    None
}

/// Says whether a settings file would disarm the rig if it held this.
pub(crate) fn disarms(path: &str, document: &[u8], world: &dyn World) -> bool {
    written(path, Some(document.to_vec()), world).is_some()
}

/// Says whether a document has entries in it that run a program of the rig.
pub(crate) fn holds_hooks(document: &[u8]) -> bool {
    !settings::own_entries(document, Scope::User).is_empty()
}

/// Judges the settings files as they are on the disk, after one of them has changed.
pub(crate) fn changed(path: Option<&str>, world: &dyn World) -> Option<Refused> {
    let refused = |why: String, instead: &'static str| {
        Some(Refused {
            rule: own::SETTINGS.id.into(),
            category: own::SETTINGS.category(),
            why: format!("{why}. The session goes on with the settings it had."),
            part: String::new(),
            through: Vec::new(),
            instead: instead.into(),
        })
    };
    let losses = match world.losses(None) {
        Ok(losses) => losses,
        Err(why) => vec![format!("what must be in force is not known: {why}")],
    };
    if !losses.is_empty() {
        let why = "The changed settings would leave the session without hooks of the rig";
        return refused(
            format!("{why}: {}", losses.join("; ")),
            "put the entries of the rig back, or let a person run rig-hooks-sync",
        );
    }
    let variables = path.and_then(|path| world.read(path)).map(|bytes| disarming(&bytes, None, world));
    let variables = variables.unwrap_or_default();
    if variables.is_empty() {
        return None;
    }
    let why = "The changed settings set variables that decide which programs run, or where the rig reports";
    refused(
        format!("{why}: {}", variables.join(", ")),
        "take them out of the file, or let a person start a new session with them",
    )
}

/// Returns the variables of a document by which it would disarm the rig: those that it sets anew. What
/// this process has is in force already.
fn disarming(document: &[u8], before: Option<&[u8]>, world: &dyn World) -> Vec<String> {
    // The scope decides about mistakes alone, and of those `losses` tells.
    let env = |bytes: &[u8]| settings::load(bytes, Scope::Managed).env;
    let before = before.map(env).unwrap_or_default();
    let then = env(document).into_iter();
    let dangerous = then.filter(|(name, value)| {
        is_dangerous(name) && before.get(name) != Some(value) && world.variable(name).as_ref() != Some(value)
    });
    dangerous.map(|(name, _)| name).collect()
}

fn is_dangerous(name: &str) -> bool {
    let begins = BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    (begins || NAMES.contains(&name) || off::VARIABLES.contains(&name)) && !HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_choose_programs_or_places_are_dangerous() {
        for (name, expected) in [
            ("PATH", true),
            ("PATHS", false),
            ("BASH_ENV", true),
            ("LD_PRELOAD", true),
            ("GIT_CONFIG_COUNT", true),
            ("GIT_AUTHOR_NAME", false),
            ("RIG_X", true),
            ("CONDUCTOR_BASE_URL", true),
            ("CONDUCTOR_TOKEN", true),
            ("CONDUCTOR_AGENT_ID", false),
            ("DISCORD_WEBHOOK_URL", true),
            ("CLAUDE_CODE_SIMPLE", true),
            ("CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT", false),
            ("CLAUDE_CODE_SAFE_MODE", true),
            ("NODE_ENV", false),
        ] {
            assert_eq!(is_dangerous(name), expected, "{name}");
        }
    }
}
