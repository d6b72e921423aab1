//! The command lines of PowerShell and of `cmd.exe`.

use super::super::program::Language;
use super::super::word::Word;
use super::{Unwrapped, join};
use crate::powershell;

/// Options of PowerShell that take a value.
const VALUES: [&str; 12] = [
    "executionpolicy",
    "ex",
    "ep",
    "version",
    "windowstyle",
    "workingdirectory",
    "configurationname",
    "inputformat",
    "outputformat",
    "settingsfile",
    "custompipename",
    "psconsolefile",
];

/// Says what PowerShell runs.
pub(super) fn powershell(name: &str, words: &[Word], input: Option<&Word>) -> Unwrapped {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let Some(option) = text.strip_prefix(['-', '/']).filter(|option| !option.is_empty()) else { break };
        if text.starts_with('/') && option.contains('/') {
            break;
        }
        let option = option.trim_start_matches('-').to_ascii_lowercase();
        let is = |long: &str| !option.is_empty() && long.starts_with(&option);
        at += 1;
        if is("encodedcommand") || option == "enc" || option == "ec" {
            let code = words.get(at).and_then(Word::known).and_then(powershell::encoded);
            return code.map_or(Unwrapped::Itself, |code| told(Word::literal(code)));
        }
        if is("command") || is("commandwithargs") || option == "cwa" {
            return match (words.get(at), input) {
                (Some(word), Some(input)) if word.text == "-" => told(input.clone()),
                (Some(_), _) => told(joined(&words[at..])),
                (None, _) => Unwrapped::Itself,
            };
        }
        if is("file") {
            return script(words, at, input);
        }
        at += usize::from(VALUES.iter().any(|own| *own == option || own.len() > 3 && is(own)));
    }
    if at < words.len() && name.starts_with("powershell") && !words[at].text.ends_with(".ps1") {
        return told(joined(&words[at..]));
    }
    script(words, at, input)
}

fn script(words: &[Word], at: usize, input: Option<&Word>) -> Unwrapped {
    match (words.get(at), input) {
        (Some(word), _) if word.text != "-" => Unwrapped::Script { at, language: Some(Language::PowerShell) },
        (_, Some(input)) => told(input.clone()),
        _ => Unwrapped::Itself,
    }
}

fn told(text: Word) -> Unwrapped {
    Unwrapped::Program { language: Language::PowerShell, text }
}

/// Puts words together, with what is unknown in them.
fn joined(words: &[Word]) -> Word {
    let mut text = Word::default();
    for (n, word) in words.iter().enumerate() {
        text.text.push_str(if n > 0 { " " } else { "" });
        text.push(word);
    }
    text
}

/// Says what `cmd /c` runs.
pub(super) fn batch(words: &[Word], home: Option<&str>) -> Unwrapped {
    let runs = |word: &Word| matches!(word.text.as_str(), "/c" | "/C" | "/k" | "/K" | "//c" | "/r" | "/R");
    match words.iter().position(runs) {
        Some(at) if at + 1 < words.len() => {
            Unwrapped::new_shell(powershell::batch(&join(&words[at + 1..]), home))
        }
        _ => Unwrapped::Itself,
    }
}
