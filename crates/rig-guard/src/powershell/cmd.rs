//! The command lines of `cmd.exe`, as far as they delete, format or run programs.

use super::literal;
use crate::shell::Word;

/// Tells a command line of `cmd.exe` in the words of a shell.
pub(crate) fn translate(code: &str, home: Option<&str>) -> String {
    let mut scope = super::Scope::default();
    let code = expanded(code, home);
    for part in parts(&code) {
        let (words, redirects) = words(&part);
        let Some(words) = command(&words) else {
            scope.written(&redirects, None);
            continue;
        };
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
            "rem" | "set" | "title" => {}
            "echo" => {
                let text = words[1..].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
                scope.written(&redirects, Some(&[literal(&text)]));
            }
            "copy" | "xcopy" | "move" | "ren" | "rename" => {
                let mut line: Vec<Word> = vec![literal(if name.ends_with("copy") { "cp" } else { "mv" })];
                line.push(literal("--"));
                line.extend(operands.iter().map(patterns));
                scope.emit(&line, &[], None);
            }
            _ => {
                let name = [".exe", ".cmd", ".bat", ".com"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(&name);
                let mut line = vec![literal(&name.replace('\\', "/"))];
                line.extend(words[1..].iter().cloned());
                scope.emit(&line, &redirects, None);
            }
        }
    }
    scope.out
}

impl super::Scope {
    /// Notes that files get what a command prints.
    fn written(&mut self, redirects: &[(Word, bool)], text: Option<&[Word]>) {
        for redirect in redirects {
            let text = text.map_or_else(super::unknown, <[Word]>::to_vec);
            self.emit(&[literal("cat")], std::slice::from_ref(redirect), Some(&text));
        }
    }
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
        // `2>&1` goes to another stream.
        let stream = c == '&' && parts.last().is_some_and(|part| part.ends_with('>'));
        let separates = matches!(c, '&' | '|' | '\n' | '(' | ')') && !quoted && !escaped && !stream;
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

/// Splits at spaces outside of quotes, and returns the files that `>` and `>>` write apart.
fn words(part: &str) -> (Vec<Word>, Vec<(Word, bool)>) {
    let (mut words, mut redirects) = (Vec::new(), Vec::new());
    let (mut current, mut quoted, mut begun) = (String::new(), false, false);
    // What the next word is the target of.
    let mut target = None;
    let mut end = |current: &mut String, target: &mut Option<bool>| {
        let word = std::mem::take(current);
        match target.take() {
            Some(append) => redirects.push((literal(&word.replace('\\', "/")), append)),
            None => words.push(literal(&word)),
        }
    };
    let mut chars = part.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            '>' if !quoted => {
                // `2>` is about another stream.
                if matches!(current.as_str(), "1" | "2") {
                    current.clear();
                    begun = false;
                }
                if begun {
                    end(&mut current, &mut target);
                }
                begun = false;
                target = Some(chars.next_if_eq(&'>').is_some());
            }
            c if c.is_whitespace() && !quoted => {
                if begun {
                    end(&mut current, &mut target);
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
        end(&mut current, &mut target);
    }
    redirects.retain(|(file, _)| !file.text.eq_ignore_ascii_case("nul") && !file.text.starts_with('&'));
    (words, redirects)
}
