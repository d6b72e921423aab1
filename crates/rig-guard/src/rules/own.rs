//! What keeps the guard in force: Claude's settings, and the rig's own files.

use super::fs::Access;
use super::pattern::Pattern;
use super::settings;
use super::targets::{self, Change, Target};
use super::{Finding, Pack, Rule};
use crate::judge::Refused;
use crate::protected::{Owned, Protected};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&SETTINGS, &FILES];

/// Changes of Claude's settings by a command, whose result cannot be told beforehand.
pub(crate) const SETTINGS: Rule = Rule {
    id: "self.settings",
    critical: true,
    pack: Pack::Own,
    what: "Claude's settings are changed in a way whose result cannot be told beforehand, or which disarms the rig",
    why: "they keep the rig's hooks in force, this guard among them",
    instead: "use the Edit tool on the settings file: its result can be judged, and adding a permission passes",
    source: "Claude Code documentation: settings",
    programs: &targets::PROGRAMS,
    unknown_program: false,
    redirections: true,
    judge: |call, world| {
        find(call, world, |target, owned| {
            let Owned::Settings { path, recorded } = owned else { return None };
            let written = target.change == Change::Write;
            let document = if written { targets::document::of(call, world) } else { None };
            let counts = match document {
                Some(document) => {
                    let lost =
                        || recorded && world.read(&path).is_none() && !settings::holds_hooks(&document);
                    settings::disarms(&path, &document, world) || lost()
                }
                None => recorded || written && may_hold(target, &path, call, world),
            };
            counts.then_some(path)
        })
    },
    suspects: |words| words.contains(&".claude") && words.iter().any(|w| Protected::is_settings_name(w)),
    denies: &[
        "echo '{}' > ~/.claude/settings.json",
        "rm -rf ~/.claude",
        "sed -i s/a/b/ .claude/settings.local.json",
    ],
    allows: &[
        "cat ~/.claude/settings.json",
        "jq .env .claude/settings.json",
        "echo '{}' > /tmp/settings.json",
    ],
};

/// Changes of the rig's programs, configuration, log and spool.
pub(crate) const FILES: Rule = Rule {
    id: "self.files",
    critical: true,
    pack: Pack::Own,
    what: "The rig's own installed files are not changed from inside a session",
    why: "they are what judges and reports this session",
    instead: "a person can change them in a terminal; `rig-hooks-sync --check` shows whether they are in order",
    source: "docs/guard.md",
    programs: &targets::PROGRAMS,
    unknown_program: false,
    redirections: true,
    judge: |call, world| {
        find(call, world, |_, owned| if let Owned::Rig(path) = owned { Some(path) } else { None })
    },
    suspects: |words| {
        words.windows(2).any(|w| matches!(w, [".config" | "state" | "etc", "rig"] | ["share", "rig-tools"]))
    },
    denies: &[
        "rm ~/.config/rig/config.json",
        "mv ~/.local/bin/rig-guard /tmp",
        "> ~/.local/state/rig/log/rig-guard.jsonl",
    ],
    allows: &[
        "cat ~/.config/rig/config.json",
        "tail ~/.local/state/rig/log/rig-guard.jsonl",
        "rm -rf target/rig-guard",
    ],
};

/// The name of refusals of what a policy protects.
const PATH_ID: &str = "policy.path";

/// Returns the refusal of a command that changes what the policy protects.
pub(crate) fn protected_target(call: &Call<'_>, world: &dyn World) -> Option<Refused> {
    if world.policy().protected_paths().is_empty() {
        return None;
    }
    targets::changed(call, world).into_iter().find_map(|target| {
        let found = match Pattern::of(&target.path, call.cwd)? {
            Pattern::Path(path) => protects(&path, target.below, world),
            pattern => world.policy().protected_paths().iter().any(|own| {
                let path = own.pattern.as_str();
                pattern.matches(path) || pattern.is_below(path) || target.below && pattern.is_above(path)
            }),
        };
        found.then(|| by_policy(call.display()))
    })
}

/// Returns the refusal of a write to a file that the policy protects.
pub(crate) fn protected_file(path: &str, world: &dyn World) -> Option<Refused> {
    protects(path, false, world).then(|| by_policy(path.to_owned()))
}

/// Says whether the policy protects a path, by this or by another name, or with `below` something in it.
fn protects(path: &str, below: bool, world: &dyn World) -> bool {
    let policy = world.policy();
    if policy.protected_paths().is_empty() {
        return false;
    }
    let pattern = Pattern::Path(path.to_owned());
    let inside = || policy.protected_paths().iter().any(|own| pattern.is_above(&own.pattern));
    policy.protects_path(path) || below && inside() || policy.protects_path(&world.real(path))
}

fn by_policy(part: String) -> Refused {
    Refused {
        rule: PATH_ID.into(),
        category: "policy",
        why: "This changes what the policy protects: a person has decided that no session writes there."
            .to_owned(),
        part,
        through: Vec::new(),
        instead: "write to a copy elsewhere; `rig-guard policy` shows what is protected".into(),
    }
}

/// Says whether a settings file may come with the contents of a directory that are copied: it has to be in there.
fn may_hold(target: &Target, path: &str, call: &Call<'_>, world: &dyn World) -> bool {
    let Some(from) = &target.from else { return true };
    let Some(from) = from.known().and_then(|from| absolute(call.cwd, from)) else { return false };
    let Some(to) = target.path.known().and_then(|to| absolute(call.cwd, to)) else { return true };
    let rest = path.strip_prefix(to.trim_end_matches('/'));
    // Straight into the directory of the settings, or told by another name: it counts.
    let Some((dir, _)) = rest.and_then(|rest| rest.rsplit_once('/')).filter(|(dir, _)| !dir.is_empty())
    else {
        return true;
    };
    let names = ["settings.json", "settings.local.json"].map(|name| format!("{from}{dir}/{name}"));
    names.iter().any(|file| call.written(file).is_some() || world.read(file).is_some())
}

/// Returns a finding about the first file that a command changes and that counts.
fn find(
    call: &Call<'_>,
    world: &dyn World,
    counts: impl Fn(&Target, Owned) -> Option<String>,
) -> Option<Finding> {
    // The rig of another machine is not what judges here.
    if call.context.elsewhere {
        return None;
    }
    // Git goes through no links, so what it changes has no other name.
    let follow = call.name() != Some("git");
    targets::changed(call, world).into_iter().find_map(|target| {
        let access =
            if target.change == Change::Lose { Access::of(call.words, world) } else { Access::Changed };
        if access == Access::Kept {
            return None;
        }
        let path = counts(&target, owned(&target, call.cwd, follow, world)?)?;
        // Whoever sets the owner of a home or of its directories sets the one who they belong to.
        let above = || Pattern::of(&target.path, call.cwd).is_some_and(|pattern| pattern.is_above(&path));
        if access == Access::Unclear && above() {
            return None;
        }
        Some(Finding::new(format!("it is about {path}")))
    })
}

/// Says whether a path of which a part is not known may be about the rig's files, by what it begins with.
/// Most are not, and this is told without making a pattern.
fn is_near(word: &Word, cwd: Option<&str>, world: &dyn World) -> bool {
    let known = word.marks.first().map_or(word.text.len(), |mark| mark.at);
    let start = &word.text[..known];
    if word.text.contains("..") || start.contains("./") || start.contains("//") {
        return true;
    }
    if start.starts_with('/') {
        return world.outline().is_near(start);
    }
    cwd.is_none_or(|cwd| world.outline().is_near(&format!("{}/{start}", cwd.trim_end_matches('/'))))
}

fn owned(target: &Target, cwd: Option<&str>, follow: bool, world: &dyn World) -> Option<Owned> {
    if target.path.text.starts_with("/dev/") || target.path.known() == Some("") {
        return None;
    }
    let named = Protected::is_settings_name(&target.path.text);
    if !named && !target.path.marks.is_empty() && !is_near(&target.path, cwd, world) {
        return None;
    }
    let pattern = Pattern::of(&target.path, cwd)?;
    let counts = named || world.outline().find(&pattern, target.below).is_some();
    if counts && let Some(owned) = world.protected().find(&pattern, target.below) {
        return Some(owned);
    }
    // The same file by another name.
    let Pattern::Path(path) = pattern else { return None };
    if !follow {
        return None;
    }
    let real = world.real(&path);
    if real == path { None } else { world.protected().find(&Pattern::Path(real), target.below) }
}
