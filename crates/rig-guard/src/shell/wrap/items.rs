//! Commands that are made of the items that are read or found.

use super::super::find::Find;
use super::super::word::Word;
use super::{Unwrapped, operand, values};

/// How many commands are made at most.
const MAX_ITEMS: usize = 2_000;
/// Options with a value of `xargs`, and the letters of those of `parallel`.
const ITEMS_SHORT: &str = "aEILnPsd";
const ITEMS_LONG: &str = "--arg-file --delimiter --max-args --max-lines --max-procs --max-chars --eof";
const PARALLEL_SHORT: &str = "ajIaNnLlPSdCE";

/// Returns the file from which a command takes its items in the place of the standard input:
/// `xargs -a FILE`, `parallel -a FILE`, `parallel COMMAND :::: FILE`.
pub(super) fn item_file(words: &[Word]) -> Option<Word> {
    let short = if words[0].text.ends_with("xargs") { ITEMS_SHORT } else { PARALLEL_SHORT };
    let behind = words.iter().position(|word| word.text == "::::");
    let end =
        if behind.is_some() { words.len() } else { operand(words, short, ITEMS_LONG).unwrap_or(words.len()) };
    behind
        .and_then(|at| words.get(at + 1).cloned())
        .or_else(|| values(words, end, "-a --arg-file", short).pop())
}

/// Puts the words of the standard input behind those of the command, or in place of `-I`'s mark.
pub(super) fn xargs(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let short = ITEMS_SHORT;
    let Some(at) = operand(words, short, ITEMS_LONG) else { return Unwrapped::Itself };
    let has = |wanted: &str, letter: char| {
        words[1..at].iter().any(|w| {
            w.text == wanted
                || w.text.starts_with('-') && !w.text.starts_with("--") && w.text.contains(letter)
        })
    };
    let mark = words[1..at].iter().enumerate().find_map(|(n, word)| {
        let text = word.text.as_str();
        if text == "-I" { words.get(n + 2).map(|w| w.text.clone()) } else { replaced(text) }
    });
    let delimiter = if has("--null", '0') {
        Some('\0')
    } else {
        let value = values(words, at, "-d --delimiter", short).pop();
        value.map(|word| match word.text.as_str() {
            "\\n" => '\n',
            "\\0" => '\0',
            text => text.chars().next().unwrap_or('\n'),
        })
    };
    let mut items = match (input, delimiter, &mark) {
        (None, ..) => Vec::new(),
        // `find -print0`: a NUL cannot stand in a text that is followed here.
        (Some(text), Some('\0'), _) => split(text, |c| matches!(c, '\n' | '\0')),
        (Some(text), Some(delimiter), _) => separated(text, delimiter),
        (Some(text), None, Some(_)) => split(text, |c| c == '\n'),
        (Some(text), None, None) => shell_words(text),
    };
    if input.and_then(Word::known).is_none() {
        let mut unknown = Word::default();
        unknown.push_unknown(false, true);
        items.push(unknown);
    }
    let command = &words[at..];
    let single = has("--max-args=1", 'n')
        && values(words, at, "-n --max-args", short).iter().any(|n| n.text == "1")
        || has("--max-lines=1", 'L');
    Unwrapped::Commands(match mark {
        Some(mark) => made(command, &mark, &items),
        None if single => items.iter().map(|item| [command, std::slice::from_ref(item)].concat()).collect(),
        None => vec![[command, &items].concat()],
    })
}

/// Makes a command for each item.
fn made(command: &[Word], mark: &str, items: &[Word]) -> Vec<Vec<Word>> {
    let make = |item| command.iter().map(|w| fill(w, mark, item)).collect();
    items.iter().take(MAX_ITEMS).map(make).collect()
}

/// Splits at one character; only an item behind the last one may be missing.
fn separated(text: &Word, delimiter: char) -> Vec<Word> {
    let mut items: Vec<Word> = text.split(delimiter).collect();
    if items.last().is_some_and(|item| item.text.is_empty() && item.marks.is_empty()) {
        items.pop();
    }
    items
}

fn split(text: &Word, separates: impl Fn(char) -> bool) -> Vec<Word> {
    let mut items = Vec::new();
    let mut rest = text.clone();
    while let Some(at) = rest.text.find(&separates) {
        items.push(rest.head(at));
        rest = rest.tail(at + rest.text[at..].chars().next().map_or(1, char::len_utf8));
    }
    items.push(rest);
    items.retain(|item| !item.text.is_empty());
    items
}

/// Splits what `xargs` reads, with its quotes and backslashes.
fn shell_words(text: &Word) -> Vec<Word> {
    let Some(known) = text.known().filter(|text| text.contains(['\'', '"', '\\'])) else {
        return split(text, char::is_whitespace);
    };
    let mut items = Vec::new();
    let mut current: Option<String> = None;
    let mut chars = known.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => items.extend(current.take()),
            '\\' => current.get_or_insert_default().extend(chars.next()),
            '\'' | '"' => {
                let word = current.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|inner| *inner != c));
            }
            c => current.get_or_insert_default().push(c),
        }
    }
    items.extend(current);
    items.into_iter().map(Word::literal).collect()
}

/// Returns the mark of `-I{}`, `-i`, `--replace` and the like.
fn replaced(option: &str) -> Option<String> {
    let value = option
        .strip_prefix("-I")
        .or_else(|| option.strip_prefix("-i"))
        .or_else(|| option.strip_prefix("--replace").map(|rest| rest.strip_prefix('=').unwrap_or(rest)))?;
    Some(if value.is_empty() { "{}" } else { value }.to_owned())
}

/// Replaces a mark in a word.
fn fill(word: &Word, mark: &str, item: &Word) -> Word {
    if word.known().is_none() || !word.text.contains(mark) || mark.is_empty() {
        return word.clone();
    }
    let mut filled = Word::default();
    for (n, part) in word.text.split(mark).enumerate() {
        if n > 0 {
            filled.push(item);
        }
        filled.push(&Word::literal(part));
    }
    filled
}

/// Returns the commands that `find` runs, with the places where it starts for `{}`; what it picks
/// there by a test is not known.
pub(super) fn find(words: &[Word]) -> Unwrapped {
    let find = Find::parse(words);
    if find.runs.is_empty() {
        return Unwrapped::Itself;
    }
    let all = find.all();
    let some: Vec<Word> = std::iter::once(Word::unknown(false)).chain(find.picked.clone()).collect();
    let commands = find
        .runs
        .iter()
        .flat_map(|(run, picked)| made(&words[run.clone()], "{}", if *picked { &some } else { &all }));
    let commands = Unwrapped::Commands(commands.collect());
    if find.deletes { Unwrapped::Many(vec![commands, Unwrapped::Itself]) } else { commands }
}

/// Returns the commands that `fd -x` runs.
pub(super) fn fd(words: &[Word]) -> Unwrapped {
    let runs = |w: &Word| matches!(w.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch");
    let Some(at) = words.iter().position(runs) else { return Unwrapped::Itself };
    let mut command: Vec<Word> = words[at + 1..]
        .iter()
        .take_while(|w| w.text != ";")
        .map(|w| fill(w, "{}", &Word::unknown(false)))
        .collect();
    if command.iter().all(|w| w.marks.is_empty()) {
        command.push(Word::unknown(false));
    }
    Unwrapped::Commands(vec![command])
}

/// Returns the commands of GNU parallel: its words are code, its items stand behind `:::` or on the
/// standard input.
pub(super) fn parallel(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let short = PARALLEL_SHORT;
    let long = "--jobs --max-args --arg-file --colsep --delimiter --sshlogin --joblog --results --timeout --delay \
        --tmpdir --workdir --retries --load --memfree --nice --basefile --return --env --tagstring --halt --max-procs";
    let Some(at) = operand(words, short, long) else {
        // Without a command the items are commands.
        return input.map_or(Unwrapped::Itself, |text| {
            Unwrapped::Many(
                split(text, |c| c == '\n').iter().map(|line| Unwrapped::new_shell(line.to_code())).collect(),
            )
        });
    };
    let behind = words.iter().position(|w| w.text.starts_with(":::"));
    let end = behind.unwrap_or(words.len());
    let mut items: Vec<Word> = Vec::new();
    let mut listed = false;
    for word in &words[end..] {
        match word.text.strip_prefix("::") {
            Some(mark) if mark.starts_with(':') => listed = !mark.starts_with("::"),
            _ if listed => items.push(word.clone()),
            _ => {}
        }
    }
    let reads = behind.is_none() || words[end..].iter().any(|word| word.text.starts_with("::::"));
    if reads {
        items.extend(input.map(|text| split(text, |c| c == '\n')).unwrap_or_default());
        if input.and_then(Word::known).is_none() {
            items.push(Word::unknown(false));
        }
    }
    let at = at.min(end);
    let template = super::join(&words[at..end]);
    let codes = items.iter().take(MAX_ITEMS).map(|item| {
        let item = item.to_code();
        let marks = ["{}", "{.}", "{/}", "{//}", "{1}"];
        if template.is_empty() {
            item
        } else if marks.iter().any(|mark| template.contains(mark)) {
            marks.iter().fold(template.clone(), |code, mark| code.replace(mark, &item))
        } else {
            format!("{template} {item}")
        }
    });
    Unwrapped::Many(codes.map(Unwrapped::new_shell).collect())
}
