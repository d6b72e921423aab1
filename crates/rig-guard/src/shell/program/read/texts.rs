//! What texts and lists come to.

use super::Value;
use crate::shell::word::Word;

/// Returns the text with its pattern characters active.
pub(super) fn pattern(word: &Word) -> Word {
    let mut out = Word::default();
    // `**` stands for directories as well, and for none.
    let all = Word { text: word.text.replace("**/", ""), marks: word.marks.clone() };
    let word = if word.marks.is_empty() { &all } else { word };
    for part in word.text.split_inclusive(['*', '?', '[']) {
        let plain = part.trim_end_matches(['*', '?', '[']);
        out.text.push_str(plain);
        part[plain.len()..].chars().for_each(|c| out.push_glob(c));
    }
    for (at, empty) in word.unknowns() {
        let mark = Word::unknown(empty).marks[0];
        out.marks.push(crate::shell::word::Mark { at, ..mark });
    }
    out.marks.sort_by_key(|mark| mark.at);
    out
}

/// Returns any name in a directory.
pub(super) fn any() -> Word {
    pattern(&Word::literal("*"))
}

/// Puts a path behind another.
pub(super) fn under(directory: &Word, path: &Word) -> Word {
    let mut out = directory.clone();
    if !out.text.ends_with('/') && out != Word::default() {
        out.text.push('/');
    }
    out.push(path);
    out
}

/// Puts values into a text, in the places of `%s`, `{}` and the like.
pub(super) fn fill(format: &Word, values: &[Word]) -> Word {
    let (mut out, mut rest, mut next) = (Word::default(), format.clone(), values.iter());
    while let Some(at) = rest.text.find(['%', '{', '~']) {
        let behind = &rest.text[at + 1..];
        let len = match rest.text.as_bytes()[at] {
            b'{' => behind.find('}').map(|end| end + 1),
            b'%' => behind.starts_with(['s', 'd', 'q', 'v', 'i']).then_some(1),
            _ => behind.starts_with(['a', 's', 'p']).then_some(1),
        };
        out.push(&rest.head(at));
        match len {
            Some(len) => {
                out.push(&next.next().cloned().unwrap_or(Word::unknown(false)));
                rest = rest.tail(at + 1 + len);
            }
            None => {
                out.text.push_str(&rest.text[at..=at]);
                rest = rest.tail(at + 1);
            }
        }
    }
    out.push(&rest);
    out
}

/// Returns the words of a value.
pub(super) fn words(value: Value) -> Vec<Word> {
    match value {
        Value::Text(word) => vec![word],
        Value::List(words) | Value::Named(_, words) => words,
        Value::Hash(_) | Value::Unknown => vec![Word::unknown(false)],
    }
}

/// Puts words together, with a separator between them.
pub(super) fn put_together(words: &[Word], separator: &str) -> Word {
    let mut out = Word::default();
    for (n, word) in words.iter().enumerate() {
        out.text.push_str(if n > 0 { separator } else { "" });
        out.push(word);
    }
    out
}

/// Puts words together as a command line.
pub(super) fn spaced(words: &[Word]) -> Word {
    put_together(words, " ")
}
