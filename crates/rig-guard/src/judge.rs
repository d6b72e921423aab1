//! Judges what a tool is about to do.

use std::borrow::Cow;

use crate::policy::Extra;
use crate::rules::before::Before;
use crate::rules::unreadable::{UNREADABLE, hides_a_name};
use crate::rules::{self, Finding, Rule, fs, own};
use crate::shell::{Call, Context, Found, Language, Rable, Refusal, Shell, Verdict, Visitor};
use crate::world::World;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's name.
    pub rule: Cow<'static, str>,
    /// Its category.
    pub category: &'static str,
    /// What is refused, and why, as sentences.
    pub why: String,
    /// The part of the command that is refused; may be empty.
    pub part: String,
    /// What led to that part, where the command does not hold it as it is.
    pub through: Vec<String>,
    /// What to do instead.
    pub instead: Cow<'static, str>,
}

impl Refused {
    /// Returns the refusal of a rule; `detail` says what is special about this case.
    #[must_use]
    pub fn by(rule: &Rule, detail: &str, part: String) -> Self {
        let why = match detail {
            "" => format!("{}: {}.", rule.what, rule.why),
            detail => format!("{}: {}. Here {detail}.", rule.what, rule.why),
        };
        Self {
            rule: rule.id.into(),
            category: rule.category(),
            why,
            part,
            through: Vec::new(),
            instead: rule.instead.into(),
        }
    }

    /// Returns the refusal of a rule of a policy.
    #[must_use]
    pub fn by_policy(rule: &Extra, part: String) -> Self {
        const INSTEAD: &str = "ask a person, who can change the policy or do it in their own terminal";
        Self {
            rule: rule.id.clone().into(),
            category: "policy",
            why: format!("{}.", rule.why.trim_end_matches('.')),
            part,
            through: Vec::new(),
            instead: rule.instead.clone().map_or(INSTEAD.into(), Cow::Owned),
        }
    }
}

/// Judges a piece of shell code that would run in a directory; `None` lets it through.
pub fn command(code: &str, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    walked(code, cwd, Judge::new(world, false))
}

/// Judges a program in another language than that of a shell.
pub fn program(language: Language, code: &str, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    let mut judge = Judge::new(world, true);
    // The answer is in the judge.
    let _ = Shell::new(&Rable, world, &mut judge, cwd.map(str::to_owned)).walk_program(language, code);
    judge.refused
}

/// Judges code that may be in another language than that of a shell.
pub fn foreign(code: &str, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    walked(code, cwd, Judge::new(world, true))
}

fn walked(code: &str, cwd: Option<&str>, mut judge: Judge<'_>) -> Option<Refused> {
    let (parser, world) = (Rable, judge.world);
    // The answer is in the judge.
    let _ = Shell::new(&parser, world, &mut judge, cwd.map(str::to_owned)).walk(code);
    judge.refused
}

/// Judges a command that is given as a name and arguments.
pub fn arguments(words: &[String], cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    let quoted: Vec<String> = words.iter().map(|w| format!("'{}'", w.replace('\'', r"'\''"))).collect();
    command(&quoted.join(" "), cwd, world)
}

struct Judge<'a> {
    world: &'a dyn World,
    /// The code need not be that of a shell.
    foreign: bool,
    /// What earlier commands say about later ones.
    before: Before,
    refused: Option<Refused>,
}

impl<'a> Judge<'a> {
    fn new(world: &'a dyn World, foreign: bool) -> Self {
        Self { world, foreign, before: Before::default(), refused: None }
    }
}

impl Judge<'_> {
    fn refuse(&mut self, rule: &Rule, detail: &str, part: String) -> Verdict {
        self.refused = Some(Refused::by(rule, detail, part));
        Err(Found)
    }
}

impl Judge<'_> {
    /// Notes a refusal, and what led to the command.
    fn found(&mut self, call: &Call<'_>, mut refused: Refused) -> Verdict {
        refused.through = call.context.chain.iter().map(|link| call.masked(link.to_string())).collect();
        self.refused = Some(refused);
        Err(Found)
    }
}

impl Visitor for Judge<'_> {
    fn call(&mut self, call: &Call<'_>) -> Verdict {
        let found = rules::judge_after(&self.before, call, self.world)
            .or_else(|| self.before.follow(call, self.world));
        match found {
            Some((rule, Finding { detail, .. })) => {
                let refused = Refused::by(rule, &call.masked(detail), call.display());
                self.found(call, refused)
            }
            None if call.context.critical => Ok(()),
            None => {
                let by_rule = || self.world.policy().forbids(call, self.world);
                let refused = by_rule().map(|rule| Refused::by_policy(rule, call.display()));
                match refused.or_else(|| own::protected_target(call, self.world)) {
                    Some(refused) => self.found(call, refused),
                    None => Ok(()),
                }
            }
        }
    }

    fn multiplies(&mut self, name: &str) -> Verdict {
        if !self.world.policy().has(fs::FORK_BOMB.pack) {
            return Ok(());
        }
        self.refuse(&fs::FORK_BOMB, "", name.to_owned())
    }

    fn refused(&mut self, code: &str, why: Refusal, context: &Context) -> Verdict {
        let bare: String = code.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        let breaks = |c: char| c.is_whitespace() || ";|&(){}<>`,=$/".contains(c);
        let words: Vec<&str> = bare.split(breaks).filter(|w| !w.is_empty()).collect();
        let policy = self.world.policy();
        let asked = |rule: &&Rule| policy.has(rule.pack) && (rule.critical || !context.critical);
        if let Some(rule) = rules::all().filter(asked).find(|rule| (rule.suspects)(&words)) {
            let detail = format!("the code {why}, so that it cannot be told what it does; write it simpler");
            return self.refuse(rule, &detail, String::new());
        }
        let hidden = match why {
            Refusal::TooDeep | Refusal::TooMuch => true,
            Refusal::Syntax | Refusal::TooLong => hides_a_name(code),
        };
        if hidden && !context.critical && !self.foreign {
            return self.refuse(&UNREADABLE, &format!("the code {why}"), String::new());
        }
        Ok(())
    }
}
