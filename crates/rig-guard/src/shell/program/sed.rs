//! Scripts of sed, as far as they run something or write files.

use super::Action;
use crate::shell::decode;
use crate::shell::escape::unescape;
use crate::shell::word::Word;

/// A command of a script.
enum Command<'s> {
    /// `e code`; without code it runs the line that is edited.
    Execute(&'s str),
    /// `s/pattern/text/flags`
    Substitute { separator: char, pattern: &'s str, text: &'s str, flags: &'s str },
    /// `w file`
    Write(&'s str),
}

/// Returns what a script runs and writes.
pub(super) fn program(script: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for command in commands(script) {
        match command {
            Command::Execute(code) if !code.is_empty() => {
                actions.push(Action::Code(Word::literal(code.replace('\0', ""))));
            }
            Command::Substitute { separator, text, flags, .. } => {
                let (before, file) = flags.split_once('w').unwrap_or((flags, ""));
                if before.contains('e') {
                    let text = text.replace(&format!("\\{separator}"), &separator.to_string());
                    actions.push(Action::Code(Word::literal(unescape(&text).replace('\0', ""))));
                }
                actions.extend(written(file));
            }
            Command::Write(file) => actions.extend(written(file)),
            Command::Execute(_) => {}
        }
    }
    actions
}

fn written(file: &str) -> Option<Action> {
    let file = file.trim();
    let shown = matches!(file, "" | "/dev/stdout" | "/dev/stderr");
    (!shown).then(|| Action::Command(["tee", "--", file].map(Word::literal).into()))
}

/// Returns the code that a script makes of what it edits.
pub(in crate::shell) fn runs(script: &str, input: &str) -> Vec<String> {
    let mut edited = input.to_owned();
    let mut codes = Vec::new();
    for command in commands(script) {
        match command {
            Command::Execute("") => codes.push(edited.clone()),
            Command::Substitute { separator, pattern, text, flags } => {
                let plain: String =
                    flags.chars().take_while(|c| *c != 'w').filter(|c| !"emp".contains(*c)).collect();
                let script = format!("s{separator}{pattern}{separator}{text}{separator}{plain}");
                if let Some(done) = decode::substitute(&edited, &script) {
                    edited = done;
                }
                if flags.split('w').next().is_some_and(|flags| flags.contains('e')) {
                    codes.push(edited.clone());
                }
            }
            _ => {}
        }
    }
    codes
}

/// Reads a script.
fn commands(script: &str) -> Vec<Command<'_>> {
    let mut found = Vec::new();
    let mut rest = script;
    while !rest.is_empty() {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}'));
        rest = address(rest);
        if let Some(behind) = rest.trim_start().strip_prefix(',') {
            rest = address(behind.trim_start());
        }
        rest = rest.trim_start_matches([' ', '\t', '!']);
        let Some(name) = rest.chars().next() else { break };
        rest = &rest[name.len_utf8()..];
        let line = rest.find('\n').unwrap_or(rest.len());
        match name {
            's' => {
                let Some(separator) = rest.chars().next() else { break };
                let behind = &rest[separator.len_utf8()..];
                let (pattern, behind) = until(behind, separator);
                let (text, behind) = until(behind, separator);
                let end = behind.find([';', '}', '\n']).unwrap_or(behind.len());
                let end = match behind[..end].find('w') {
                    Some(_) => behind.find('\n').unwrap_or(behind.len()),
                    None => end,
                };
                found.push(Command::Substitute { separator, pattern, text, flags: &behind[..end] });
                rest = &behind[end..];
            }
            'y' => {
                let Some(separator) = rest.chars().next() else { break };
                let (_, behind) = until(&rest[separator.len_utf8()..], separator);
                rest = until(behind, separator).1;
            }
            'e' => {
                found.push(Command::Execute(
                    rest[..line].trim_matches(|c: char| c.is_whitespace() || c == ';'),
                ));
                rest = &rest[line..];
            }
            'w' | 'W' => {
                found.push(Command::Write(&rest[..line]));
                rest = &rest[line..];
            }
            'r' | 'R' | '#' => rest = &rest[line..],
            'a' | 'i' | 'c' => {
                // A backslash before a line end goes on with the text.
                let mut end = line;
                while rest[..end].ends_with('\\') && end < rest.len() {
                    end = rest[end + 1..].find('\n').map_or(rest.len(), |n| end + 1 + n);
                }
                rest = &rest[end..];
            }
            'b' | 't' | 'T' | ':' => rest = &rest[rest.find([';', '\n', '}']).unwrap_or(rest.len())..],
            _ => {}
        }
    }
    found
}

/// Passes an address.
fn address(text: &str) -> &str {
    let number = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut chars = text.chars();
    match chars.next() {
        Some('$') => &text[1..],
        Some('/') => until(&text[1..], '/').1.trim_start_matches(['I', 'M']),
        Some('\\') => match chars.next() {
            Some(c) => until(&text[1 + c.len_utf8()..], c).1.trim_start_matches(['I', 'M']),
            None => "",
        },
        Some('+' | '~') => &text[1 + number(&text[1..])..],
        Some(c) if c.is_ascii_digit() => {
            let rest = &text[number(text)..];
            rest.strip_prefix('~').map_or(rest, |step| &step[number(step)..])
        }
        _ => text,
    }
}

/// Splits a text where a separator stands without a backslash before it.
fn until(text: &str, separator: char) -> (&str, &str) {
    let (mut escaped, mut class) = (false, false);
    for (at, c) in text.char_indices() {
        if c == separator && !escaped && !class {
            return (&text[..at], &text[at + c.len_utf8()..]);
        }
        match c {
            '[' if !escaped && !class => class = text[at + 1..].contains(']') && separator == '/',
            ']' => class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    (text, "")
}
