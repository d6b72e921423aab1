//! Languages whose commands are words on a line: Tcl, and AppleScript.

use std::collections::BTreeMap;

use super::read::{self, Variable};
use super::{Action, Language};
use crate::shell::word::Word;

/// Returns what a Tcl script starts and deletes; its words need no quotes.
pub(super) fn tcl(text: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for command in text.split(['\n', ';', '[', ']']) {
        let command = command.trim().trim_start_matches(['{', '"']).trim_start();
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim().trim_end_matches('}');
        let unknown = || text.contains(rest) && rest.is_empty();
        match name {
            "exec" | "spawn" | "system" | "overlay" | "list" if !unknown() => {
                if name == "list" && !text.contains("{*}") && !text.contains("eval") {
                    continue;
                }
                let rest = rest.trim_start_matches(['{', '*', '}', ' ']);
                let mut words = rest;
                while let Some(option) = words.split_whitespace().next().filter(|w| w.starts_with('-')) {
                    words = words[words.find(option).map_or(0, |at| at + option.len())..].trim_start();
                }
                actions.push(Action::Code(code(words)));
            }
            "send" => {
                let typed = rest.trim_start_matches("-- ").replace("\\r", "\n").replace("\\n", "\n");
                actions.push(Action::Code(code(&typed)));
            }
            "open" => {
                let piped = rest.trim_start_matches(['"', '{']).strip_prefix('|');
                actions.extend(
                    piped.map(|rest| Action::Code(code(rest.split(['"', '}']).next().unwrap_or("")))),
                );
            }
            "cd" => actions.push(Action::Enter(code(rest))),
            "file" => {
                let (sub, paths) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let words = paths.split_whitespace().filter(|word| !matches!(*word, "-force" | "--"));
                let words = words.map(|word| code(word.trim_matches(['"', '{', '}'])));
                let program: &[&str] = match sub {
                    "delete" if paths.contains("-force") => &["rm", "-rf", "--"],
                    "delete" => &["rm", "-f", "--"],
                    "rename" => &["mv", "--"],
                    _ => continue,
                };
                let program = program.iter().copied().map(Word::literal);
                actions.push(Action::Command(program.chain(words).collect()));
            }
            _ => {}
        }
    }
    actions
}

/// Returns words of Tcl as code of a shell.
fn code(words: &str) -> Word {
    let words = words.replace("$env(HOME)", "~").replace("$::env(HOME)", "~").replace('\0', "");
    let whole =
        words.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    let whole = whole.or_else(|| words.strip_prefix('{').map(|rest| rest.trim_end_matches('}')));
    Word::literal(whole.unwrap_or(&words))
}

/// Returns what an AppleScript gives to a shell.
pub(super) fn apple(text: &str, variable: Variable<'_>) -> Vec<Action> {
    let mut actions = read::program(Language::Node, text, variable);
    let mut known: BTreeMap<&str, Word> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some((name, value)) = line.strip_prefix("set ").and_then(|rest| rest.split_once(" to ")) {
            known.insert(name.trim(), spelled(value, &known));
        }
        for call in ["do shell script ", "do script "] {
            let found = line.to_ascii_lowercase().find(call);
            actions.extend(found.map(|at| Action::Code(spelled(&line[at + call.len()..], &known))));
        }
    }
    actions
}

/// Reads texts that `&` puts together; what stands behind them is not part of the code.
fn spelled(text: &str, known: &BTreeMap<&str, Word>) -> Word {
    let mut word = Word::default();
    let mut rest = text.trim_start();
    loop {
        if let Some(inner) = rest.strip_prefix('"') {
            let end = inner
                .char_indices()
                .find(|(at, c)| *c == '"' && !inner[..*at].ends_with('\\'))
                .map_or(inner.len(), |(at, _)| at);
            word.text.push_str(&inner[..end].replace("\\\"", "\"").replace("\\\\", "\\").replace('\0', ""));
            rest = inner[end..].strip_prefix('"').unwrap_or("").trim_start();
        } else {
            let end = rest.find('&').unwrap_or(rest.len());
            let name = rest[..end].trim_start_matches("quoted form of ").trim();
            let name = name.split_whitespace().next().unwrap_or("");
            match known.get(name) {
                Some(value) => word.push(value),
                None => word.push_unknown(false, false),
            }
            rest = &rest[end..];
        }
        match rest.strip_prefix('&') {
            Some(more) => rest = more.trim_start(),
            None => return word,
        }
    }
}
