//! Settings of git that a command is given, or makes.

use super::invocation::Git;
use crate::shell::{Call, Word};

/// How many settings are read from the environment.
const MAX_SETTINGS: usize = 100;

/// A setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Its key in small letters.
    pub(super) key: String,
    /// Its value; without one it is true.
    pub(super) value: Option<Word>,
}

impl Setting {
    /// Reads `key=value`, or `key` alone.
    pub(super) fn parse(word: &Word) -> Option<Self> {
        let end = word.text.find('=').unwrap_or(word.text.len());
        if word.unknowns().any(|(at, _)| at < end) {
            return None;
        }
        let value = (end < word.text.len()).then(|| word.tail(end + 1));
        Some(Self { key: word.text[..end].to_ascii_lowercase(), value })
    }

    /// Says whether it turns something on. What is not known does not.
    pub(super) fn is_true(&self) -> bool {
        self.value.as_ref().is_none_or(|value| value.known().is_some_and(is_true))
    }
}

/// Says whether a value means yes.
pub(super) fn is_true(value: &str) -> bool {
    ["true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// Reads the settings that variables hold.
pub(super) fn of_environment(call: &Call<'_>) -> Vec<Setting> {
    let text = |name: &str| call.variable(name).and_then(|word| word.known().map(str::to_owned));
    let mut found = Vec::new();
    // `'key=value' 'key'='value'`, as git hands them on.
    if let Some(parameters) = text("GIT_CONFIG_PARAMETERS") {
        let each = parameters.split("' ").map(|one| one.replace('\'', ""));
        found.extend(each.filter_map(|one| Setting::parse(&Word::literal(one.trim()))));
    }
    if let Some(count) = text("GIT_CONFIG_COUNT").and_then(|count| count.parse::<usize>().ok()) {
        for n in 0..count.min(MAX_SETTINGS) {
            if let Some(key) = text(&format!("GIT_CONFIG_KEY_{n}")) {
                let value = call.variable(&format!("GIT_CONFIG_VALUE_{n}"));
                found.push(Setting { key: key.to_ascii_lowercase(), value });
            }
        }
    }
    found
}

/// Returns what `git config` would set.
pub(super) fn stored(git: &Git<'_>) -> Option<Setting> {
    const VALUES: [&str; 9] =
        ["--file", "-f", "--blob", "--type", "-t", "--default", "--comment", "--value", "--url"];
    let mut operands = Vec::new();
    let mut args = git.args.iter();
    while let Some(word) = args.next() {
        match word.text.as_str() {
            text if VALUES.contains(&text) => drop(args.next()),
            text if text.starts_with("--get") || text.starts_with("--unset") || text.starts_with("--re") => {
                if text != "--replace-all" {
                    return None;
                }
            }
            text if text.starts_with('-') => {}
            _ => operands.push(word),
        }
    }
    if operands.first().is_some_and(|word| matches!(word.text.as_str(), "set" | "add")) {
        operands.remove(0);
    }
    let [key, value, ..] = operands[..] else { return None };
    Some(Setting { key: key.known()?.to_ascii_lowercase(), value: Some(value.clone()) })
}
