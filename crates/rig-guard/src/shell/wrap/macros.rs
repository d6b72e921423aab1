//! `m4`: the shell commands in what it expands.

use super::super::state::Item;
use super::super::word::Word;
use super::{Shell, Unwrapped, operand_from};

/// How many commands of one text are followed.
const MAX_COMMANDS: usize = 64;

impl Shell<'_> {
    /// Reads the files that `m4` expands, or what stands on its standard input.
    pub(super) fn m4(&mut self, words: &[Word], input: Option<&Word>) -> Unwrapped {
        let mut texts = Vec::new();
        let mut at = 1;
        let mut files = 0;
        while let Some(operand) =
            operand_from(words, at, "DUIBFRHLWdlost", "--define --undefine --include --reload-state")
        {
            files += 1;
            if words[operand].text == "-" {
                texts.extend(input.cloned());
            } else {
                texts.extend(self.expanded_file(&words[operand]));
            }
            at = operand + 1;
        }
        if files == 0 {
            texts.extend(input.cloned());
        }
        let codes: Vec<Unwrapped> =
            texts.iter().flat_map(|text| commands(&text.to_code())).map(Unwrapped::new_shell).collect();
        if codes.is_empty() { Unwrapped::Itself } else { Unwrapped::Many(codes) }
    }

    fn expanded_file(&mut self, file: &Word) -> Option<Word> {
        match self.contents(file) {
            Item::Text(text) => Some(text),
            Item::Disk(path) => self.world.script(&path).map(|script| Word::literal(script.text)),
            _ => None,
        }
    }
}

/// Returns what `syscmd` and `esyscmd` run, without the quotes of `m4`; a comment and quoted text run nothing.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut line = 0;
    while let Some(at) = text[from..].find("syscmd(").map(|n| from + n) {
        let start = at + "syscmd(".len();
        line = text[line..at].rfind('\n').map_or(line, |n| line + n + 1);
        let before = &text[line..at];
        let plain = before.contains('#')
            || before.contains("dnl ")
            || before.matches('`').count() > before.matches('\'').count();
        let (code, end) = argument(text, start);
        let behind = before.strip_suffix('e').unwrap_or(before);
        // Of `m4 -P`, names begin with `m4_`.
        let behind = behind.strip_suffix("m4_").unwrap_or(behind);
        let named = !behind.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if !plain && named && found.len() < MAX_COMMANDS {
            found.push(code);
        }
        from = end;
    }
    found
}

/// Reads the argument of a macro from behind its bracket, and returns where it ends.
fn argument(text: &str, start: usize) -> (String, usize) {
    let (mut quotes, mut brackets) = (0_usize, 0_usize);
    let mut code = String::new();
    for (n, c) in text[start..].char_indices() {
        match c {
            '`' => {
                quotes += 1;
                if quotes == 1 {
                    continue;
                }
            }
            '\'' if quotes > 0 => {
                quotes -= 1;
                if quotes == 0 {
                    continue;
                }
            }
            '(' if quotes == 0 => brackets += 1,
            ')' if quotes == 0 && brackets == 0 => return (code, start + n),
            ')' if quotes == 0 => brackets -= 1,
            _ => {}
        }
        code.push(c);
    }
    (code, text.len())
}
