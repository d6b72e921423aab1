//! `rig-guard policy`: what is in force, and who decided it.

use serde_json::{Value, json};

use super::{Here, Place, TROUBLE, columns};
use crate::policy::{Layer, Level, Pack, Policy, Protected};
use crate::world::{System, World};

/// What stands in the place of a text that a project wrote, where a model may read it.
const HIDDEN: &str = "(not shown in a session)";

/// Shows the policy of a directory.
pub(super) fn run(here: &Here, place: &Place, as_json: bool) -> (String, u8) {
    let world = System::new(&here.env, &here.paths, here.at(place));
    let policy = world.policy();
    let view = View { policy, shy: here.session.is_some() };
    let code = if policy.broken().next().is_some() { TROUBLE } else { 0 };
    (if as_json { format!("{:#}\n", view.json()) } else { view.text() }, code)
}

struct View<'a> {
    policy: &'a Policy,
    /// A model may read it.
    shy: bool,
}

impl View<'_> {
    /// Returns a text of a level's policy as it may be shown.
    fn own(&self, level: Option<Level>, text: &str) -> String {
        let hidden = self.shy && level == Some(Level::Project);
        if hidden { HIDDEN.to_owned() } else { rig_core::text::clean(text) }
    }

    fn pack(&self, pack: Pack) -> (bool, String) {
        let by = match self.policy.decision(pack) {
            Some((_, level)) => level.to_string(),
            None if pack == Pack::Own => "always".to_owned(),
            None => "default".to_owned(),
        };
        (self.policy.has(pack), by)
    }

    fn text(&self) -> String {
        let Policy { layers, rules, tools, exceptions, locked, .. } = self.policy;
        let mut text = String::from("files\n");
        let state = |layer: &Layer| if layer.found { "in force" } else { "not there" }.to_owned();
        let file =
            |layer: &Layer| vec![layer.level.to_string(), layer.path.display().to_string(), state(layer)];
        text.push_str(&columns(&layers.iter().map(file).collect::<Vec<_>>()));
        for layer in layers.iter().filter(|layer| !layer.problems.is_empty()) {
            for problem in &layer.problems {
                let level = layer.level;
                text.push_str(&format!(
                    "  {level} is not valid, so its exceptions do not count: {problem}\n"
                ));
            }
        }
        text.push_str("\npacks\n");
        let packs = Pack::ALL.map(|pack| {
            let (on, by) = self.pack(pack);
            vec![pack.as_str().to_owned(), if on { "on" } else { "off" }.to_owned(), by]
        });
        text.push_str(&columns(&packs));
        let by = |one: &Protected| one.level.map_or_else(|| "built in".to_owned(), |level| level.to_string());
        let protected = self
            .policy
            .protected()
            .into_iter()
            .flat_map(|(kind, list)| list.into_iter().map(move |one| (kind, one)));
        let protected: Vec<Vec<String>> = protected
            .map(|(kind, one)| vec![kind.to_owned(), self.own(one.level, &one.pattern), by(&one)])
            .collect();
        text.push_str(&section("protected", &protected));
        let rules: Vec<Vec<String>> = rules
            .iter()
            .map(|rule| {
                let why = rule.trouble().unwrap_or_else(|| rule.why.clone());
                vec![
                    rule.id.clone(),
                    self.own(Some(rule.level), &rule.pattern()),
                    self.own(Some(rule.level), &why),
                ]
            })
            .collect();
        text.push_str(&section("rules", &rules));
        let tools: Vec<Vec<String>> = tools
            .iter()
            .flat_map(|tool| tool.arguments.iter().map(move |(key, carries)| (tool, key, carries)))
            .map(|(tool, key, carries)| {
                let level = Some(tool.level);
                vec![
                    self.own(level, &tool.name),
                    self.own(level, key),
                    carries.as_str().to_owned(),
                    tool.level.to_string(),
                ]
            })
            .collect();
        text.push_str(&section("tools", &tools));
        let exceptions: Vec<Vec<String>> = exceptions
            .iter()
            .map(|one| {
                let until = one.expires.as_ref().map_or_else(String::new, |day| format!("until {day}"));
                vec![one.rule.clone(), one.pattern(), one.level.to_string(), until, one.reason.clone()]
            })
            .collect();
        text.push_str(&section("exceptions", &exceptions));
        if *locked {
            text.push_str("  those of the user do not count: the managed policy does not allow them\n");
        }
        text
    }

    fn json(&self) -> Value {
        let Policy { layers, rules, tools, exceptions, locked, .. } = self.policy;
        let by = |one: &Protected| one.level.map_or_else(|| "built-in".to_owned(), |level| level.to_string());
        json!({
            "files": layers.iter().map(|layer| json!({
                "level": layer.level.to_string(),
                "path": layer.path,
                "found": layer.found,
                "problems": layer.problems,
            })).collect::<Vec<_>>(),
            "packs": Pack::ALL.map(|pack| {
                let (on, by) = self.pack(pack);
                json!({ "pack": pack.as_str(), "on": on, "by": by })
            }),
            "protect": self.policy.protected().into_iter().map(|(kind, list)| {
                let list: Vec<Value> = list.iter().map(|one| {
                    json!({ "pattern": self.own(one.level, &one.pattern), "by": by(one) })
                }).collect();
                (kind.to_owned(), Value::from(list))
            }).collect::<serde_json::Map<_, _>>(),
            "rules": rules.iter().map(|rule| json!({
                "id": rule.id,
                "pattern": self.own(Some(rule.level), &rule.pattern()),
                "why": self.own(Some(rule.level), &rule.why),
                "instead": rule.instead,
                "trouble": rule.trouble().map(|trouble| self.own(Some(rule.level), &trouble)),
                "by": rule.level.to_string(),
            })).collect::<Vec<_>>(),
            "tools": tools.iter().map(|tool| json!({
                "tool": self.own(Some(tool.level), &tool.name),
                "arguments": tool.arguments.iter().map(|(key, carries)| {
                    json!({ "key": self.own(Some(tool.level), key), "carries": carries.as_str() })
                }).collect::<Vec<_>>(),
                "by": tool.level.to_string(),
            })).collect::<Vec<_>>(),
            "exceptions": exceptions.iter().map(|one| json!({
                "rule": one.rule,
                "pattern": one.pattern(),
                "reason": one.reason,
                "expires": one.expires,
                "by": one.level.to_string(),
            })).collect::<Vec<_>>(),
            "userExceptions": !locked,
        })
    }
}

fn section(name: &str, rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{name}\n{}", columns(rows)) }
}
