//! The command lines of `cmd.exe`, as far as they delete, format or run programs.

use super::literal;
use crate::shell::Word;

/// Tells a command line of `cmd.exe` in the words of a shell.
pub(crate) fn translate(code: &str, home: Option<&str>) -> String {
    let mut scope = super::Scope::default();
    let code = expanded(code, home);
    for part in parts(&code) {
        let words = words(&part);
        let Some(words) = command(&words) else { continue };
        let name = words[0].text.trim_start_matches('@').to_ascii_lowercase();
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
                    line.extend(operands.iter().map(patterns));
                    scope.emit(&line, &[], None);
                }
            }
            "cd" | "chdir" | "pushd" => {
                let line: Vec<Word> =
                    std::iter::once(literal("cd")).chain(operands.into_iter().take(1)).collect();
                scope.emit(&line, &[], None);
            }
            "rem" | "echo" | "set" | "title" => {}
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

/// Returns a word with its `*` and `?` as patterns.
fn patterns(word: &Word) -> Word {
    let mut pattern = Word::default();
    for c in word.text.chars() {
        if matches!(c, '*' | '?') { pattern.push_glob(c) } else { pattern.text.push(c) }
    }
    pattern
}

/// Returns the command behind `if exist x`, `do`, `start /b` and the like.
fn command(mut words: &[Word]) -> Option<&[Word]> {
    loop {
        let name = words.first()?.text.trim_start_matches('@').to_ascii_lowercase();
        let skip = match name.as_str() {
            "do" | "else" | "call" => 1,
            "if" => {
                let not = words.get(1).is_some_and(|word| word.text.eq_ignore_ascii_case("not"));
                let test = words.get(1 + usize::from(not))?.text.to_ascii_lowercase();
                let one = matches!(test.as_str(), "exist" | "defined" | "errorlevel");
                1 + usize::from(not) + if one { 2 } else { 1 }
            }
            "start" => 1 + words[1..].iter().take_while(|word| word.text.starts_with('/')).count(),
            "for" => return None,
            _ => return Some(words),
        };
        words = words.get(skip..)?;
    }
}

/// Puts in the values of variables that say where somebody or the system is.
fn expanded(code: &str, home: Option<&str>) -> String {
    let mut code = code.to_owned();
    for (name, value) in [
        ("%userprofile%", home.unwrap_or("%userprofile%")),
        ("%homedrive%%homepath%", home.unwrap_or("%homepath%")),
        ("%homepath%", home.unwrap_or("%homepath%")),
        ("%systemdrive%", "C:"),
        ("%systemroot%", "C:\\Windows"),
        ("%windir%", "C:\\Windows"),
        ("%programfiles%", "C:\\Program Files"),
        ("%cd%", "."),
        ("%temp%", "/tmp"),
        ("%tmp%", "/tmp"),
    ] {
        if code.contains('%')
            && let Some(at) = code.to_ascii_lowercase().find(name)
        {
            let written = code[at..at + name.len()].to_owned();
            code = code.replace(&written, value);
        }
    }
    code
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
