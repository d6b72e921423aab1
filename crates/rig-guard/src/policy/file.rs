//! What may stand in one policy file.
//!
//! A key that is not known is an error, because a setting that is silently ignored is worse than none.
//! Of a file with an error in it everything that restricts still counts as far as it can be read, and
//! nothing that permits.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Level, Pack};

/// The rules of a file beyond these are an error.
const MOST: usize = 200;

/// A policy file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(rename = "$schema")]
    _schema: IgnoredAny,
    packs: BTreeMap<String, bool>,
    protect: Protect,
    rules: Vec<RuleText>,
    tools: BTreeMap<String, BTreeMap<String, Carries>>,
    exceptions: Vec<ExceptionText>,
    user_exceptions: Option<bool>,
}

/// What a file protects beside what the rules do by themselves. Each is a list of patterns.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Protect {
    pub(super) branches: Vec<String>,
    pub(super) namespaces: Vec<String>,
    pub(super) databases: Vec<String>,
    pub(super) paths: Vec<String>,
}

/// A rule of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a rule")]
pub(super) struct RuleText {
    pub(super) id: String,
    pub(super) argv: Vec<String>,
    pub(super) regex: Option<String>,
    pub(super) contains: Option<String>,
    pub(super) why: String,
    pub(super) instead: Option<String>,
}

/// A permission of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "an exception")]
pub(super) struct ExceptionText {
    pub(super) rule: String,
    pub(super) argv: Vec<String>,
    pub(super) path: Option<String>,
    pub(super) reason: String,
    pub(super) expires: Option<String>,
}

/// What an argument of a tool carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carries {
    /// Shell code.
    Shell,
    /// SQL.
    Sql,
    /// The path of a file that is written.
    Path,
}

impl Carries {
    /// Returns its name in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Sql => "sql",
            Self::Path => "path",
        }
    }
}

/// What counts of a file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) packs: Vec<(Pack, bool)>,
    pub(super) protect: Protect,
    /// The rules with their numbers in the file, from 1.
    pub(super) rules: Vec<(usize, RuleText)>,
    pub(super) tools: Vec<(String, Vec<(String, Carries)>)>,
    pub(super) exceptions: Vec<ExceptionText>,
    pub(super) user_exceptions: Option<bool>,
    /// What is wrong with the file.
    pub(super) problems: Vec<String>,
}

/// Reads a file's text.
pub(super) fn parse(text: &[u8], level: Level) -> Contents {
    // Serde would read a list as an object without its keys.
    let object = text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let parsed = if object { serde_json::from_slice(text).map_err(Some) } else { Err(None) };
    let unread = parsed.is_err();
    let (document, mut problems) = match parsed {
        Ok(document) => (document, Vec::new()),
        Err(error) => {
            let problem = match error {
                None => "the text is not a JSON object".to_owned(),
                // The message of serde quotes the file, which a repository may have written.
                Some(error) if level == Level::Project => {
                    format!("not as a policy has to be, at line {} column {}", error.line(), error.column())
                }
                Some(error) => error.to_string(),
            };
            (restrictions(text), vec![problem])
        }
    };
    let mut contents = Contents { protect: document.protect, ..Contents::default() };
    for (name, on) in document.packs {
        match Pack::find(&name) {
            Some(Pack::Own) | None => problems.push(named("packs", &name, level, "is no pack")),
            Some(pack) if level == Level::Project && !on => {
                problems.push(format!("packs.{}: a project can only turn packs on", pack.as_str()));
            }
            Some(pack) => contents.packs.push((pack, on)),
        }
    }
    for (number, rule) in (1..).zip(document.rules) {
        match wrong_rule(&rule, number) {
            None => contents.rules.push((number, rule)),
            // What keeps the place of one that cannot be read.
            Some(_) if unread => {}
            Some(why) => problems.push(format!("rules[{}] {why}", number - 1)),
        }
    }
    contents.tools =
        document.tools.into_iter().map(|(tool, keys)| (tool, keys.into_iter().collect())).collect();
    if level == Level::Project {
        if !document.exceptions.is_empty() || document.user_exceptions.is_some() {
            problems.push("a project can make no exceptions: they are ignored".to_owned());
        }
    } else {
        for (index, exception) in document.exceptions.iter().enumerate() {
            if let Some(why) = wrong_exception(exception) {
                problems.push(format!("exceptions[{index}] {why}"));
            }
        }
        contents.exceptions = document.exceptions;
    }
    match level {
        // Of a file that cannot be read nobody knows whether it allows them.
        Level::Managed => {
            contents.user_exceptions = document.user_exceptions.or(unread.then_some(false));
        }
        Level::User if document.user_exceptions.is_some() => {
            problems.push("userExceptions is for the managed policy alone".to_owned());
        }
        _ => {}
    }
    if !problems.is_empty() {
        contents.exceptions.clear();
        contents.packs.retain(|(_, on)| *on);
    }
    contents.problems = problems;
    contents
}

/// Names a key of a file; one of a project by its place alone.
fn named(section: &str, key: &str, level: Level, what: &str) -> String {
    if level == Level::Project {
        format!("a key of {section} {what}")
    } else {
        format!("{section}.{key} {what}")
    }
}

fn wrong_rule(rule: &RuleText, number: usize) -> Option<&'static str> {
    let id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if rule.id.is_empty() || rule.id.len() > 64 || !rule.id.chars().all(id) {
        Some("has no id of letters, digits, `-`, `_` and `.`")
    } else if rule.why.trim().is_empty() {
        Some("does not say why")
    } else if rule.argv.is_empty() == rule.regex.is_none() {
        Some("needs either argv or regex")
    } else if rule.contains.is_some() && rule.regex.is_none() {
        Some("has contains without regex")
    } else if rule.argv.first().is_some_and(|name| name.is_empty() || name.chars().all(|c| c == '*')) {
        Some("names no program")
    } else if number > MOST {
        Some("is one too many")
    } else {
        None
    }
}

fn wrong_exception(exception: &ExceptionText) -> Option<&'static str> {
    if exception.rule.is_empty() {
        Some("names no rule")
    } else if exception.rule.starts_with("self.") {
        Some("is for a rule that guards the guard, for which there are none")
    } else if exception.reason.trim().is_empty() {
        Some("gives no reason")
    } else if exception.argv.is_empty() && exception.path.is_none() {
        Some("needs argv or path")
    } else if exception.argv.iter().all(|word| word.chars().all(|c| c == '*')) && exception.path.is_none() {
        Some("is for every command")
    } else if exception.expires.as_deref().is_some_and(|date| !is_date(date)) {
        Some("expires on no date such as 2026-12-31")
    } else {
        None
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let within = |text: &str, most| (1..=most).contains(&text.parse::<u8>().unwrap_or(0));
    matches!(parts[..], [year, month, day]
        if digits(year, 4) && digits(month, 2) && digits(day, 2) && within(month, 12) && within(day, 31))
}

/// Returns what of a file with mistakes restricts, part by part.
fn restrictions(text: &[u8]) -> Document {
    fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
        serde_json::from_str(raw.get()).ok()
    }
    let mut document = Document::default();
    let sections: BTreeMap<String, &RawValue> = serde_json::from_slice(text).unwrap_or_default();
    for (key, raw) in sections {
        match key.as_str() {
            "packs" => {
                let packs: BTreeMap<String, &RawValue> = read(raw).unwrap_or_default();
                document.packs = packs.into_iter().filter_map(|(k, v)| Some((k, read(v)?))).collect();
            }
            "protect" => {
                let lists: BTreeMap<String, &RawValue> = read(raw).unwrap_or_default();
                let list =
                    |name| lists.get(name).and_then(|raw| read::<Vec<String>>(raw)).unwrap_or_default();
                document.protect = Protect {
                    branches: list("branches"),
                    namespaces: list("namespaces"),
                    databases: list("databases"),
                    paths: list("paths"),
                };
            }
            "rules" => {
                let rules: Vec<&RawValue> = read(raw).unwrap_or_default();
                // One that cannot be read keeps its place, so that the others keep their numbers.
                document.rules = rules.into_iter().map(|rule| read(rule).unwrap_or_default()).collect();
            }
            "tools" => {
                let tools: BTreeMap<String, &RawValue> = read(raw).unwrap_or_default();
                document.tools = tools.into_iter().filter_map(|(k, v)| Some((k, read(v)?))).collect();
            }
            _ => {}
        }
    }
    document
}
