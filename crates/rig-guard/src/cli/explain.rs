//! `rig-guard explain`: what a command comes to, and what each rule makes of it.

use serde_json::{Value, json};

use super::{Here, Place};
use crate::judge;
use crate::rules::before::Before;
use crate::rules::{self, Finding, own};
use crate::shell::{Call, Context, Rable, Refusal, Shell, Verdict, Visitor};
use crate::world::{System, World};

/// The most commands that are shown.
const STEPS: usize = 200;

/// Explains a command.
pub(super) fn run(here: &Here, command: &str, place: &Place, as_json: bool) -> (String, u8) {
    let world = System::new(&here.env, &here.paths, here.at(place));
    let mut steps =
        Steps { world: &world, before: Before::default(), steps: Vec::new(), more: 0, unread: Vec::new() };
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
    rules: Vec<Opinion>,
}

/// What a rule that looked at a command made of it.
struct Opinion {
    rule: String,
    found: String,
    /// The numbers of the commands before that it takes as well.
    with: Vec<usize>,
}

impl Opinion {
    fn new(rule: &str, found: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), found: found.into(), with: Vec::new() }
    }

    /// What refuses a command, and what it says about it.
    fn against(rule: &str, call: &Call<'_>, Finding { detail, with }: Finding) -> Self {
        let numbers = with.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let together = if with.is_empty() { String::new() } else { format!(" together with {numbers}") };
        let about = if detail.is_empty() { String::new() } else { format!(": {}", call.masked(detail)) };
        Self { rule: rule.to_owned(), found: format!("refuses it{together}{about}"), with }
    }
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
        for Opinion { rule, found, .. } in &self.rules {
            text.push_str(&format!("   {rule}: {found}\n"));
        }
        text
    }

    fn json(&self) -> Value {
        let opinion = |Opinion { rule, found, with }: &Opinion| {
            let mut shown = json!({ "rule": rule, "found": found });
            if !with.is_empty() {
                shown["with"] = json!(with);
            }
            shown
        };
        let rules: Vec<Value> = self.rules.iter().map(opinion).collect();
        json!({ "command": self.command, "through": self.through, "cwd": self.directory, "rules": rules })
    }
}

struct Steps<'a> {
    world: &'a dyn World,
    /// What the commands so far say about later ones.
    before: Before,
    steps: Vec<Step>,
    /// How many commands are left out.
    more: usize,
    /// Why code could not be followed.
    unread: Vec<String>,
}

impl Visitor for Steps<'_> {
    fn call(&mut self, call: &Call<'_>) -> Verdict {
        let together = self.before.follow(call, self.world);
        if self.steps.len() == STEPS {
            self.more += 1;
            return Ok(());
        }
        let policy = self.world.policy();
        let (mut rules, mut refused) = (Vec::new(), false);
        for rule in rules::all().filter(|rule| rules::concerns(rule, call)) {
            rules.push(match (rule.judge)(call, self.world) {
                _ if !policy.has(rule.pack) => {
                    Opinion::new(rule.id, format!("off, like all of the pack {}", rule.pack.as_str()))
                }
                None => Opinion::new(rule.id, "nothing found"),
                Some(_) if policy.excepts(rule, call, self.world) => {
                    Opinion::new(rule.id, "found, and an exception permits it")
                }
                Some(_) if self.before.lifts(rule, call, self.world) => {
                    Opinion::new(rule.id, "found, and what ran before makes it harmless")
                }
                Some(found) => {
                    refused = true;
                    Opinion::against(rule.id, call, found)
                }
            });
        }
        // The commands before are asked about what passes by itself.
        if let Some((rule, found)) = together.filter(|_| !refused) {
            rules.retain(|opinion| opinion.rule != rule.id);
            rules.push(Opinion::against(rule.id, call, found));
        }
        if !call.context.critical {
            let forbidden = policy.forbids(call, self.world).map(|rule| rule.id.as_str());
            rules.extend(forbidden.map(|rule| Opinion::new(rule, "refuses it")));
            let protected = own::protected_target(call, self.world);
            rules.extend(protected.map(|refused| Opinion::new(&refused.rule, "refuses it")));
        }
        self.steps.push(Step {
            command: call.display(),
            through: call.context.chain.iter().map(|link| call.masked(link.to_string())).collect(),
            directory: call.cwd.map(str::to_owned),
            rules,
        });
        Ok(())
    }

    fn refused(&mut self, _: &str, why: Refusal, _: &Context) -> Verdict {
        self.unread.push(format!("the code {why}"));
        Ok(())
    }
}
