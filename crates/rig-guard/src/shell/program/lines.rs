//! Languages whose commands are words on a line: sed and Tcl.

use super::Action;
use crate::shell::escape::unescape;
use crate::shell::word::Word;

/// Returns what a Tcl script starts and deletes; its words need no quotes.
pub(super) fn tcl(text: &str) -> Vec<Action> {
    let behind = |call: &'static str| text.match_indices(call).map(|(at, call)| &text[at + call.len()..]);
    let codes = behind("exec ").map(|rest| rest.split(['\n', ']', '}']).next().unwrap_or(""));
    let codes = codes.map(|code| Action::Code(Word::literal(code.replace('\0', ""))));
    let deleted = behind("file delete ").map(|rest| rest.split(['\n', ';', ']', '}']).next().unwrap_or(""));
    codes.chain(deleted.map(|words| Action::Command(tcl_delete(words)))).collect()
}

/// Returns the command for what `file delete` of Tcl deletes.
fn tcl_delete(words: &str) -> Vec<Word> {
    let option = if words.contains("-force") { "-rf" } else { "-f" };
    let paths = words.split_whitespace().filter(|word| !matches!(*word, "-force" | "--"));
    let paths = paths.map(|word| Word::literal(word.trim_matches(['"', '{']).replace('\0', "")));
    ["rm", option, "--"].map(Word::literal).into_iter().chain(paths).collect()
}

/// Returns what a `sed` script runs: its `e` command, and substitutions with the flag `e`.
pub(super) fn sed(script: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for line in script.split(['\n', ';']) {
        let command = line.trim_start().trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '$' | ',' | '!' | ' ' | '{' | '~' | '+')
        });
        if let Some(code) = command.strip_prefix("e ") {
            actions.push(Action::Code(Word::literal(code.replace('\0', ""))));
        } else if let Some(file) = command.strip_prefix("w ").or_else(|| command.strip_prefix("W ")) {
            actions.push(Action::Command(["tee", "--", file.trim()].map(Word::literal).into()));
        } else if let Some(rest) = command.strip_prefix('s')
            && let Some(separator) = rest.chars().next().filter(|c| !c.is_alphanumeric())
            && let [_, with, flags, ..] = unescaped(&rest[separator.len_utf8()..], separator)[..]
            && flags.contains('e')
            && !flags.contains('w')
        {
            let with = with.replace(&format!("\\{separator}"), &separator.to_string());
            actions.push(Action::Code(Word::literal(unescape(&with).replace('\0', ""))));
        }
    }
    actions
}

/// Splits a text where a separator stands without a backslash before it.
fn unescaped(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == separator && !escaped {
            parts.push(&text[from..at]);
            from = at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[from..]);
    parts
}
