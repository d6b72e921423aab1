//! The rules that a policy adds.

use std::cell::OnceCell;

use regex_lite::Regex;

use super::{Level, literal, wildcard};
use crate::shell::{Call, Word};

/// A rule of a policy.
#[derive(Debug)]
pub struct Extra {
    /// Its name, with the level in front. A project's is its number, since the name is the project's text.
    pub id: String,
    /// Which policy it is from.
    pub level: Level,
    /// Why it refuses; the text of a project is not shown.
    pub why: String,
    /// What to do instead.
    pub instead: Option<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The first words of a command.
    Argv(Vec<String>),
    /// An expression for the words of a command, joined by spaces.
    Regex { text: String, contains: Option<String>, compiled: OnceCell<Option<Regex>> },
}

impl Extra {
    pub(super) fn new(level: Level, number: usize, rule: super::file::RuleText) -> Self {
        let super::file::RuleText { id, argv, regex, contains, why, instead } = rule;
        let what = match regex {
            None => What::Argv(argv),
            Some(text) => {
                let contains = contains.or_else(|| literal::required(&text));
                What::Regex { text, contains, compiled: OnceCell::new() }
            }
        };
        let own = level != Level::Project;
        Self {
            id: if own { format!("{level}.{id}") } else { format!("{level}.{number}") },
            level,
            why: if own { why } else { "The policy of this project refuses it".to_owned() },
            instead: instead.filter(|_| own),
            what,
        }
    }

    /// Returns the pattern as it stands in the policy.
    #[must_use]
    pub fn pattern(&self) -> String {
        match &self.what {
            What::Argv(argv) => argv.join(" "),
            What::Regex { text, .. } => format!("/{text}/"),
        }
    }

    /// Says what makes it dearer than it has to be, or useless, if anything does. It compiles the
    /// expression, so it is for people alone.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let What::Regex { text, contains, .. } = &self.what else { return None };
        match (Regex::new(text), contains) {
            (Err(error), _) => Some(format!("is no regular expression: {error}")),
            (Ok(_), None) => Some("is compiled for every command: add `contains`".to_owned()),
            (Ok(_), Some(_)) => None,
        }
    }

    /// Says whether it refuses a command.
    pub(super) fn refuses(&self, call: &Call<'_>, line: &OnceCell<String>) -> bool {
        match &self.what {
            What::Argv(argv) => begins(argv, call),
            What::Regex { text, contains, compiled } => {
                let line = line.get_or_init(|| joined(call.words));
                if contains.as_deref().is_some_and(|text| !line.contains(text)) {
                    return false;
                }
                // One that cannot be compiled refuses whatever it might have meant.
                compiled.get_or_init(|| Regex::new(text).ok()).as_ref().is_none_or(|r| r.is_match(line))
            }
        }
    }
}

/// Says whether a command begins with these words. An unknown word is matched by `*` alone.
fn begins(argv: &[String], call: &Call<'_>) -> bool {
    let Some((program, args)) = argv.split_first() else { return false };
    call.name().is_some_and(|name| wildcard::matches(program, name))
        && args.len() <= call.args().len()
        && args.iter().zip(call.args()).all(|(pattern, word)| fits(pattern, word))
}

/// Says whether a word is what a pattern means.
pub(super) fn fits(pattern: &str, word: &Word) -> bool {
    pattern == "*" || word.known().is_some_and(|text| wildcard::matches(pattern, text))
}

fn joined(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}
