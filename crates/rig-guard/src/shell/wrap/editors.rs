//! Editors: the commands on their command lines, and on their standard input.

use super::super::program::Language;
use super::super::word::Word;
use super::{Unwrapped, values};

/// Says what the commands of Vim run.
pub(super) fn vim(name: &str, words: &[Word], input: Option<&Word>) -> Option<Unwrapped> {
    let short = "cTuUwWiPrSt";
    let ex = |text: Word| Unwrapped::Program { language: Language::Ex, text };
    let mut all: Vec<Unwrapped> = values(words, words.len(), "-c --cmd", short).into_iter().map(ex).collect();
    let bundled = |word: &&Word| {
        let text = word.text.as_str();
        text.starts_with('-') && !text.starts_with("--") && text.len() > 2 && text.ends_with('c')
    };
    // `ex -sc 'command'`
    for at in 1..words.len() {
        if words.get(at).filter(bundled).is_some() {
            all.extend(words.get(at + 1).cloned().map(ex));
        }
        if let Some(word) = words.get(at).filter(|word| word.text.starts_with('+')) {
            all.push(ex(word.tail(1)));
        }
    }
    let reads = |word: &Word| matches!(word.text.as_str(), "-es" | "-s" | "-Es" | "-e" | "-E");
    if let Some(input) = input {
        if name == "ex" || words.iter().any(reads) {
            all.push(ex(input.clone()));
        } else if words.iter().any(|word| word.text == "-l") {
            all.push(Unwrapped::Program { language: Language::Lua, text: input.clone() });
        }
    }
    (!all.is_empty()).then_some(Unwrapped::Many(all))
}

/// Says what `ed` runs.
pub(super) fn ed(words: &[Word], input: Option<&Word>) -> Option<Unwrapped> {
    let ex = |text: Word| Unwrapped::Program { language: Language::Ex, text };
    let file = words[1..].iter().find(|word| !word.text.starts_with('-'));
    let mut all: Vec<Unwrapped> = input.cloned().map(ex).into_iter().collect();
    all.extend(file.filter(|word| word.text.starts_with('!')).cloned().map(ex));
    (!all.is_empty()).then_some(Unwrapped::Many(all))
}

/// Says what the commands of Kakoune run: what stands in `%sh{...}`.
pub(super) fn kakoune(words: &[Word]) -> Option<Unwrapped> {
    let codes = values(words, words.len(), "-e -E", "eEfspc");
    let inner = codes.iter().flat_map(|code| {
        let code = code.to_code();
        let parts: Vec<String> =
            code.split("%sh{").skip(1).map(|rest| rest.split('}').next().unwrap_or("").to_owned()).collect();
        parts
    });
    let all: Vec<Unwrapped> = inner.map(Unwrapped::new_shell).collect();
    (!all.is_empty()).then_some(Unwrapped::Many(all))
}
