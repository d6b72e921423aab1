//! Conditions: what is known about them, and what is known where they hold.

use super::flow::Split;
use super::glob;
use super::state::{Item, Slot};
use super::syntax::Test;
use super::word::Word;
use super::{Flow, Shell, Status};

/// Tests of files: what is not there has none of these.
const FILES: [&str; 20] = [
    "-a", "-b", "-c", "-d", "-e", "-f", "-g", "-h", "-k", "-p", "-r", "-s", "-u", "-w", "-x", "-G", "-L",
    "-N", "-O", "-S",
];

/// Reads the words of `[` or `test`, as written; `None` for what is not understood.
pub(super) fn read(words: &[String]) -> Option<Test> {
    let words: Vec<&str> = match words {
        [first, inner @ .., last] if first == "[" && last == "]" => {
            inner.iter().map(String::as_str).collect()
        }
        [first, inner @ ..] if first == "test" => inner.iter().map(String::as_str).collect(),
        _ => return None,
    };
    any(&words)
}

fn any(words: &[&str]) -> Option<Test> {
    if let Some(at) = words.iter().position(|w| *w == "-o").filter(|at| *at > 0 && words.len() > 3) {
        return Some(Test::Or(Box::new(any(&words[..at])?), Box::new(any(&words[at + 1..])?)));
    }
    if let Some(at) = words.iter().position(|w| *w == "-a").filter(|at| *at > 0 && words.len() > 3) {
        return Some(Test::And(Box::new(any(&words[..at])?), Box::new(any(&words[at + 1..])?)));
    }
    Some(match words {
        [word] => Test::Word((*word).to_owned()),
        ["!", rest @ ..] if !rest.is_empty() => Test::Not(Box::new(any(rest)?)),
        [operator, word] if operator.starts_with('-') => {
            Test::Unary((*operator).to_owned(), (*word).to_owned())
        }
        // `[` compares with a text, not with a pattern.
        [left, "=" | "==", right] => Test::Binary("=".to_owned(), (*left).to_owned(), (*right).to_owned()),
        [left, operator @ ("!=" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"), right] => {
            let operator = if *operator == "!=" { "!" } else { operator };
            Test::Binary(operator.to_owned(), (*left).to_owned(), (*right).to_owned())
        }
        _ => return None,
    })
}

impl Shell<'_> {
    /// Works a condition out, and returns the states in which it holds and in which it does not.
    pub(super) fn test(&mut self, test: &Test) -> Flow<Split> {
        match test {
            Test::Not(inner) => Ok(self.nested(|shell| shell.test(inner))?.negated()),
            Test::And(left, right) => {
                let mut split = self.nested(|shell| shell.test(left))?;
                let ways = split.take(true);
                let second = self.after(ways, |shell| shell.nested(|shell| shell.test(right)))?;
                split.add(second);
                Ok(split)
            }
            Test::Or(left, right) => {
                let mut split = self.nested(|shell| shell.test(left))?;
                let ways = split.take(false);
                let second = self.after(ways, |shell| shell.nested(|shell| shell.test(right)))?;
                split.add(second);
                Ok(split)
            }
            leaf => {
                let mut split = Split::default();
                let mut asked = self.split_each(|shell| shell.leaf(leaf))?;
                let (holds, fails) = (asked.take(true), asked.take(false));
                split.add(asked);
                for (ways, outcome) in [(holds, true), (fails, false)] {
                    for way in ways {
                        let mark = self.state.mark();
                        self.state.apply(way);
                        self.assume(leaf, outcome);
                        let changes = self.state.undo(mark);
                        split.add(if outcome {
                            Split::success(changes)
                        } else {
                            Split::failure(changes, false)
                        });
                    }
                }
                Ok(split)
            }
        }
    }

    fn leaf(&mut self, test: &Test) -> Flow<Status> {
        let known = match test {
            Test::Word(word) => filled(&self.single(word)?),
            Test::Unary(operator, word) => {
                let value = self.single(word)?;
                match operator.as_str() {
                    "-n" => filled(&value),
                    "-z" => filled(&value).map(|filled| !filled),
                    "-v" => {
                        self.subscript(&value)?;
                        match self.variable(&value.text) {
                            Item::Text(_) | Item::List(_) | Item::Map(_) => Some(true),
                            Item::Unset => Some(false),
                            _ => None,
                        }
                    }
                    operator if FILES.contains(&operator) && value.known() == Some("") => Some(false),
                    _ => None,
                }
            }
            Test::Binary(operator, left, right) => self.compare(operator, left, right)?,
            _ => None,
        };
        Ok(Status::of(known))
    }

    fn compare(&mut self, operator: &str, left: &str, right: &str) -> Flow<Option<bool>> {
        if matches!(operator, "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge") {
            let (left, right) = (self.arithmetic(left)?, self.arithmetic(right)?);
            let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
            return Ok(Some(match operator {
                "-eq" => left == right,
                "-ne" => left != right,
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                _ => left >= right,
            }));
        }
        let left = self.single(left)?;
        Ok(match operator {
            // `[`: a text.
            "=" | "!" => {
                let right = self.single(right)?;
                let literal = Word { marks: Vec::new(), ..right.clone() };
                let equal = if right.known().is_some() { glob::matches(&literal, &left) } else { None };
                if operator == "=" { equal } else { equal.map(|equal| !equal) }
            }
            // `[[`: a pattern.
            "==" => {
                let pattern = self.pattern(right)?;
                glob::matches(&pattern, &left)
            }
            "!=" => {
                let pattern = self.pattern(right)?;
                glob::matches(&pattern, &left).map(|equal| !equal)
            }
            _ => {
                self.single(right)?;
                None
            }
        })
    }

    /// Takes over what is known of variables where a condition holds, or does not.
    fn assume(&mut self, test: &Test, holds: bool) {
        let (word, filled) = match (test, holds) {
            (Test::Word(word), holds) => (word, holds),
            (Test::Unary(operator, word), holds) => match operator.as_str() {
                "-n" => (word, holds),
                "-z" => (word, !holds),
                operator if holds && FILES.contains(&operator) => (word, true),
                _ => return,
            },
            (Test::Binary(operator, left, right), holds) => {
                let equal = match operator.as_str() {
                    "=" | "==" => holds,
                    "!" | "!=" => !holds,
                    _ => return,
                };
                let Some(text) = plain(right) else { return };
                let Some(name) = variable(left) else { return };
                if equal {
                    if text.is_empty() || !text.contains(['*', '?', '[']) {
                        self.narrow_to(&name, text);
                    }
                } else {
                    self.exclude(&name, text);
                }
                return;
            }
            _ => return,
        };
        let Some(name) = variable(word) else { return };
        if filled { self.exclude(&name, "") } else { self.narrow_to(&name, "") }
    }

    /// A variable is known to have a value.
    fn narrow_to(&mut self, name: &str, text: &str) {
        let attributes = self.attributes(name);
        let unset = text.is_empty() && self.state.get(name).is_none();
        if !unset {
            self.state.set(name, Slot { items: vec![Item::Text(Word::literal(text))], attributes });
        }
    }

    /// A variable is known not to have a value.
    fn exclude(&mut self, name: &str, text: &str) {
        let slot = self.state.get(name).map(|slot| Slot::clone(slot));
        let Slot { items, attributes } = slot.unwrap_or_else(|| Slot::from(self.scalar(name)));
        let kept: Vec<Item> = items
            .into_iter()
            .filter_map(|item| match item {
                Item::Text(word) if word.known() == Some(text) => None,
                Item::Text(word) if text.is_empty() => Some(Item::Text(word.not_empty())),
                Item::Open if text.is_empty() => Some(Item::Text(Word::unknown(false))),
                Item::Unset if text.is_empty() => None,
                item => Some(item),
            })
            .collect();
        if !kept.is_empty() {
            self.state.set(name, Slot { items: kept, attributes });
        }
    }
}

/// Says whether a word is not empty.
fn filled(word: &Word) -> Option<bool> {
    if !word.text.is_empty() || word.unknowns().any(|(_, empty)| !empty) {
        return Some(true);
    }
    word.known().map(|_| false)
}

/// Returns the variable whose value a written word is, perhaps with something around it that does
/// not count.
fn variable(written: &str) -> Option<String> {
    let written = written.strip_prefix('"').and_then(|w| w.strip_suffix('"')).unwrap_or(written);
    let name = written.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let name = name.strip_suffix(":-").or_else(|| name.strip_suffix('-')).unwrap_or(name);
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then(|| name.to_owned())
}

/// Returns a written word that stands for itself but for its quotes.
fn plain(written: &str) -> Option<&str> {
    let quoted = |q| written.strip_prefix(q).and_then(|w| w.strip_suffix(q));
    let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(written);
    if text.contains(['$', '`', '\\', '"', '\'', '\0']) { None } else { Some(text) }
}
