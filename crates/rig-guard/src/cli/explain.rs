//! `rig-guard explain`: what a command comes to, and what each rule makes of it.

use serde_json::{Value, json};

use super::{Here, Place};
use crate::judge;
use crate::rules;
use crate::shell::{Call, Context, Rable, Refusal, Shell, Verdict, Visitor};
use crate::world::{System, World};

/// The most commands that are shown.
const STEPS: usize = 200;

/// Explains a command.
pub(super) fn run(here: &Here, command: &str, place: &Place, as_json: bool) -> (String, u8) {
    let world = System::new(&here.env, &here.paths, here.at(place));
    let mut steps = Steps { world: &world, steps: Vec::new(), more: 0, unread: Vec::new() };
    let parser = Rable;
    // What was found is in the steps; none of them ends the walk.
    let _ = Shell::new(&parser, &world, &mut steps, world.cwd()).walk(command);
    let Steps { steps, more, unread, .. } = steps;
    let refused = judge::command(command, world.cwd().as_deref(), &world);
    let code = if refused.is_some() { rig_core::hook::BLOCK } else { 0 };
    let verdict = super::check::verdict(refused.as_ref());
    if as_json {
        let steps: Vec<Value> = steps.iter().map(Step::json).collect();
        let text = json!({ "commands": steps, "further": more, "unread": unread, "verdict": verdict });
        return (format!("{text:#}\n"), code);
    }
    let mut text = String::new();
    for (number, step) in (1..).zip(&steps) {
        text.push_str(&step.text(number));
    }
    if more > 0 {
        text.push_str(&format!("and {more} more commands\n"));
    }
    for part in &unread {
        text.push_str(&format!("not followed: {part}\n"));
    }
    match &refused {
        None => text.push_str("let through\n"),
        Some(refused) => {
            text.push_str(&format!("refused by {}\nwhy: {}\n", refused.rule, refused.why));
            text.push_str(&format!("instead: {}\n", refused.instead));
        }
    }
    (text, code)
}

/// A command that would run.
struct Step {
    command: String,
    through: Vec<String>,
    directory: Option<String>,
    /// The rules that looked at it, and what each made of it.
    rules: Vec<(String, String)>,
}

impl Step {
    fn text(&self, number: usize) -> String {
        let mut text = format!("{number}. {}\n", self.command);
        if !self.through.is_empty() {
            text.push_str(&format!("   through {}\n", self.through.join(", ")));
        }
        match &self.directory {
            Some(directory) => text.push_str(&format!("   in {directory}\n")),
            None => text.push_str("   in a directory that is not known\n"),
        }
        for (rule, found) in &self.rules {
            text.push_str(&format!("   {rule}: {found}\n"));
        }
        text
    }

    fn json(&self) -> Value {
        let rules: Vec<Value> =
            self.rules.iter().map(|(rule, found)| json!({ "rule": rule, "found": found })).collect();
        json!({ "command": self.command, "through": self.through, "cwd": self.directory, "rules": rules })
    }
}

struct Steps<'a> {
    world: &'a dyn World,
    steps: Vec<Step>,
    /// How many commands are left out.
    more: usize,
    /// Why code could not be followed.
    unread: Vec<String>,
}

impl Visitor for Steps<'_> {
    fn call(&mut self, call: &Call<'_>) -> Verdict {
        if self.steps.len() == STEPS {
            self.more += 1;
            return Ok(());
        }
        let policy = self.world.policy();
        let mut looked_at = Vec::new();
        for rule in rules::all().filter(|rule| rules::concerns(rule, call)) {
            let found = match (rule.judge)(call, self.world) {
                _ if !policy.has(rule.pack) => format!("off, like all of the pack {}", rule.pack.as_str()),
                None => "nothing found".to_owned(),
                Some(_) if policy.excepts(rule, call, self.world) => {
                    "found, and an exception permits it".to_owned()
                }
                Some(found) if found.detail.is_empty() => "refuses it".to_owned(),
                Some(found) => format!("refuses it: {}", call.masked(found.detail)),
            };
            looked_at.push((rule.id.to_owned(), found));
        }
        if let Some(rule) = policy.forbids(call, self.world) {
            looked_at.push((rule.id.clone(), "refuses it".to_owned()));
        }
        self.steps.push(Step {
            command: call.display(),
            through: call.context.chain.iter().map(|link| call.masked(link.to_string())).collect(),
            directory: call.cwd.map(str::to_owned),
            rules: looked_at,
        });
        Ok(())
    }

    fn refused(&mut self, _: &str, why: Refusal, _: &Context) -> Verdict {
        self.unread.push(format!("the code {why}"));
        Ok(())
    }
}
