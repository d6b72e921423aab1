//! `rig-guard rules`: every rule with its examples.

use serde_json::json;

use super::Here;
use crate::rules;
use crate::world::{System, World};

/// Lists the rules.
pub(super) fn run(here: &Here, as_json: bool) -> (String, u8) {
    let world = System::new(&here.env, &here.paths, here.directory.clone());
    let policy = world.policy();
    let mut text = String::new();
    for rule in rules::all() {
        let on = policy.has(rule.pack);
        if as_json {
            let rule = json!({
                "id": rule.id,
                "pack": rule.pack.as_str(),
                "on": on,
                "category": rule.category(),
                "severity": rule.severity(),
                "what": rule.what,
                "why": rule.why,
                "instead": rule.instead,
                "source": rule.source,
                "denies": rule.denies,
                "allows": rule.allows,
            });
            text.push_str(&format!("{rule}\n"));
            continue;
        }
        let off = if on { "" } else { ", off" };
        text.push_str(&format!(
            "{}\n  {}: {}.\n  instead: {}\n  pack: {}{off}; severity: {}; source: {}\n",
            rule.id,
            rule.what,
            rule.why,
            rule.instead,
            rule.pack.as_str(),
            rule.severity(),
            rule.source
        ));
        for command in rule.denies {
            text.push_str(&format!("  refused  {command}\n"));
        }
        for command in rule.allows {
            text.push_str(&format!("  passes   {command}\n"));
        }
        text.push('\n');
    }
    (text, 0)
}
