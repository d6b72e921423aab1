//! Parameters of cmdlets.

use super::Value;
use super::read::Argument;
use crate::shell::Word;

/// The arguments of a cmdlet, by the names of its parameters.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    named: Vec<(&'static str, Value)>,
    /// What no parameter's name stands before.
    pub(super) positional: Vec<Value>,
}

/// Parameters that every cmdlet has; `*` marks those with a value.
const COMMON: &str = "ErrorAction* WarningAction* InformationAction* ErrorVariable* WarningVariable* OutVariable* \
    OutBuffer* PipelineVariable* Verbose Debug WhatIf Confirm";
/// Short names that are no beginnings.
const ALIASES: [(&str, &str); 9] = [
    ("ea", "ErrorAction"),
    ("lp", "LiteralPath"),
    ("pspath", "LiteralPath"),
    ("wi", "WhatIf"),
    ("cf", "Confirm"),
    ("args", "ArgumentList"),
    ("c", "Command"),
    ("ov", "OutVariable"),
    ("s", "Recurse"),
];

impl Parameters {
    /// Reads arguments by a list of parameters; `*` marks those with a value. A name may be cut
    /// short as long as one parameter alone begins so; of several the first in the list counts.
    pub(super) fn read(arguments: &[Argument], known: &'static str) -> Self {
        let mut parameters = Self::default();
        let mut at = 0;
        while let Some(argument) = arguments.get(at) {
            at += 1;
            let name =
                argument.value.first().filter(|_| argument.bare).and_then(|w| w.text.strip_prefix('-'));
            let Some(name) = name.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())) else {
                parameters.positional.push(argument.value.clone());
                continue;
            };
            let (name, value) =
                name.split_once(':').map_or((name, None), |(name, value)| (name, Some(value)));
            let Some((parameter, takes)) = find(name, known) else { continue };
            let given = value.filter(|value| !value.is_empty()).map(|value| {
                let word = &argument.value[0];
                vec![word.tail(word.text.len() - value.len())]
            });
            // `-Path: x`
            let apart = value.is_some_and(str::is_empty) && argument.value[0].marks.is_empty();
            let value = given.or_else(|| {
                let next = arguments.get(at).filter(|_| takes || apart)?;
                at += 1;
                Some(next.value.clone())
            });
            parameters.named.push((parameter, value.unwrap_or_default()));
        }
        parameters
    }

    /// Says whether a switch is on.
    pub(super) fn has(&self, name: &str) -> bool {
        let off = |value: &[Word]| {
            value.first().is_some_and(|w| matches!(w.text.as_str(), "False" | "$false" | "0"))
        };
        self.named.iter().any(|(own, value)| *own == name && !off(value))
    }

    /// Returns the value of a parameter.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Returns the value of one of some parameters, or what stands at a place.
    pub(super) fn or_at(&self, names: &[&str], at: usize) -> Value {
        let named = names.iter().find_map(|name| self.value(name));
        named.or_else(|| self.positional.get(at)).cloned().unwrap_or_default()
    }
}

fn find(name: &str, known: &'static str) -> Option<(&'static str, bool)> {
    let alias = ALIASES.iter().find(|(short, _)| name.eq_ignore_ascii_case(short)).map(|(_, name)| *name);
    let names = || known.split_ascii_whitespace().chain(COMMON.split_ascii_whitespace());
    let begins =
        |own: &&str, name: &str| own.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
    let exact = |name: &str| names().find(|own| own.trim_end_matches('*').eq_ignore_ascii_case(name));
    let found =
        exact(name).or_else(|| alias.and_then(exact)).or_else(|| names().find(|own| begins(own, name)))?;
    Some((found.trim_end_matches('*'), found.ends_with('*')))
}
