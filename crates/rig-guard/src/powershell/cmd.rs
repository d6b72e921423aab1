//! The command lines of `cmd.exe`, as far as they delete, format or run programs.

use super::literal;
use crate::shell::Word;

/// Tells a command line of `cmd.exe` in the words of a shell.
pub(crate) fn translate(code: &str) -> String {
    let mut scope = super::Scope::default();
    for part in parts(code) {
        let words = words(&part);
        let Some(first) = words.first() else { continue };
        let name = first.text.trim_start_matches('@').to_ascii_lowercase();
        let has = |option: &str| words.iter().any(|word| word.text.eq_ignore_ascii_case(option));
        let operands: Vec<Word> = words[1..]
            .iter()
            .filter(|word| !is_option(&word.text))
            .map(|word| literal(&word.text.replace('\\', "/")))
            .collect();
        match name.as_str() {
            "rd" | "rmdir" | "del" | "erase" => {
                let deep = has("/s");
                for (program, option) in [("Remove-Item", "-Recurse"), ("rm", "-rf")] {
                    let mut line = vec![literal(program)];
                    line.extend(deep.then(|| literal(option)));
                    line.push(literal("--"));
                    line.extend(operands.iter().cloned());
                    scope.emit(&line, &[], None);
                }
            }
            "cd" | "chdir" | "pushd" => {
                let line: Vec<Word> =
                    std::iter::once(literal("cd")).chain(operands.into_iter().take(1)).collect();
                scope.emit(&line, &[], None);
            }
            "start" | "call" => {
                let rest =
                    words[1..].iter().filter(|word| !word.text.starts_with('/') && !word.text.is_empty());
                scope.emit(&rest.cloned().collect::<Vec<_>>(), &[], None);
            }
            "rem" | "echo" | "set" | "title" | "if" | "for" => {}
            _ => {
                let name = [".exe", ".cmd", ".bat", ".com"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(&name);
                let mut line = vec![literal(&name.replace('\\', "/"))];
                line.extend(words[1..].iter().cloned());
                scope.emit(&line, &[], None);
            }
        }
    }
    scope.out
}

/// Says whether a word is an option such as `/q`.
fn is_option(word: &str) -> bool {
    word.len() == 2 && word.starts_with('/') || word.starts_with("/a:")
}

/// Splits a line at `&`, `&&`, `|` and `||` outside of quotes.
fn parts(code: &str) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in code.chars() {
        let separates = matches!(c, '&' | '|' | '\n' | '(' | ')') && !quoted && !escaped;
        if separates {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut()
            && (escaped || c != '^' || quoted)
        {
            part.push(c);
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '^' && !escaped && !quoted;
    }
    parts
}

/// Splits at spaces outside of quotes; `%USERPROFILE%` and its kind are left as they are.
fn words(part: &str) -> Vec<Word> {
    let (mut words, mut current, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in part.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(literal(&std::mem::take(&mut current)));
                }
                begun = false;
            }
            c => {
                current.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(literal(&current));
    }
    words
}
