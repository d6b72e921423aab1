//! Assignments to variables and arrays.

use std::collections::BTreeMap;

use super::scan;
use super::state::{Attributes, Item, Slot};
use super::word::Word;
use super::{Flow, Shell, Status};

/// An assignment with its value.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) item: Item,
}

impl Shell<'_> {
    /// Gives a variable a text as its value.
    pub(super) fn assign(&mut self, name: &str, value: Word) -> Flow {
        self.store(name, Item::Text(value))
    }

    /// Gives a variable a value.
    pub(super) fn store(&mut self, name: &str, item: Item) -> Flow {
        let name = &*self.referred(name);
        let mut attributes = self.attributes(name);
        attributes.exported |= self.allexport;
        let item = match item {
            Item::Text(word) if attributes != Attributes::default() => {
                Item::Text(self.shaped(word, attributes)?)
            }
            item => item,
        };
        self.state.set(name, Slot { items: vec![item], attributes });
        Ok(())
    }

    pub(super) fn attributes(&self, name: &str) -> Attributes {
        self.state.get(name).map(|slot| slot.attributes).unwrap_or_default()
    }

    /// Changes a value as `declare -i`, `-l` and `-u` say.
    fn shaped(&mut self, word: Word, attributes: Attributes) -> Flow<Word> {
        if attributes.integer {
            let value = match word.known() {
                Some(text) => self.evaluate(text)?,
                None => None,
            };
            return Ok(value.map_or(Word::unknown(false), |value| Word::literal(value.to_string())));
        }
        Ok(match word.known() {
            Some(text) if attributes.lower => Word::literal(text.to_lowercase()),
            Some(text) if attributes.upper => Word::literal(text.to_uppercase()),
            _ => word,
        })
    }

    /// Expands `NAME=value`, `NAME+=value`, `NAME[i]=value` and `NAME=(...)`.
    pub(super) fn assignment(&mut self, written: &str) -> Flow<Option<Assignment>> {
        let Some((name, subscript, append, value)) = parts(written) else { return Ok(None) };
        if let Some(elements) = value.strip_prefix('(').filter(|_| subscript.is_none()) {
            let elements = elements.strip_suffix(')').unwrap_or(elements);
            let item = self.array(name, elements, append)?;
            return Ok(Some(Assignment { name: name.to_owned(), item }));
        }
        let word = self.single(value)?;
        let item = match subscript {
            Some(subscript) => {
                let before = self.variable(name);
                self.element(name, before, subscript, word, append)?
            }
            None if append => {
                let before = self.variable(name);
                self.appended(name, before, word)?
            }
            None => Item::Text(word),
        };
        Ok(Some(Assignment { name: name.to_owned(), item }))
    }

    /// Expands assignments and makes them.
    pub(super) fn assign_all(&mut self, written: &[String]) -> Flow<Status> {
        let captures = self.captures;
        for written in written {
            if let Some(Assignment { name, item }) = self.assignment(written)? {
                self.names_program(&name, &item)?;
                self.store(&name, item)?;
            }
        }
        Ok(if self.captures > captures { Status::Unknown } else { Status::Success })
    }

    fn appended(&mut self, name: &str, before: Item, word: Word) -> Flow<Item> {
        if self.attributes(name).integer {
            let sum = match (before, word.known()) {
                (Item::Text(before), Some(word)) => match before.known() {
                    Some(before) => self.evaluate(&format!("({before})+({word})"))?,
                    None => None,
                },
                (Item::Unset, Some(word)) => self.evaluate(word)?,
                _ => None,
            };
            return Ok(Item::Text(sum.map_or(Word::unknown(false), |sum| Word::literal(sum.to_string()))));
        }
        Ok(match before {
            Item::Text(mut before) => {
                before.push(&word);
                self.charge(before.text.len())?;
                Item::Text(before)
            }
            Item::Unset => Item::Text(word),
            Item::List(mut list) => {
                list.entry(0).or_default().push(&word);
                Item::List(list)
            }
            Item::Map(mut map) => {
                map.entry("0".to_owned()).or_default().push(&word);
                Item::Map(map)
            }
            _ => {
                let mut before = Word::unknown(true);
                before.push(&word);
                Item::Text(before)
            }
        })
    }

    /// Returns an array with one element changed.
    fn element(&mut self, name: &str, before: Item, subscript: &str, word: Word, append: bool) -> Flow<Item> {
        if let Item::Map(mut map) = before {
            let key = self.single(subscript)?;
            let Some(key) = key.known() else { return Ok(Item::Open) };
            let slot = map.entry(key.to_owned()).or_default();
            if append {
                slot.push(&word)
            } else {
                *slot = word
            }
            self.charge(64)?;
            return Ok(Item::Map(map));
        }
        let mut list = match before {
            Item::List(list) => list,
            Item::Text(first) => BTreeMap::from([(0, first)]),
            Item::Unset => BTreeMap::new(),
            _ if self.state.get(name).is_none() => BTreeMap::new(),
            _ => {
                self.arithmetic(subscript)?;
                return Ok(Item::Open);
            }
        };
        let Some(index) = self.arithmetic(subscript)? else { return Ok(Item::Open) };
        let index =
            if index < 0 { index + list.keys().next_back().map_or(0, |last| last + 1) } else { index };
        let slot = list.entry(index).or_default();
        if append {
            slot.push(&word)
        } else {
            *slot = word
        }
        self.charge(64)?;
        Ok(Item::List(list))
    }

    /// Expands the elements between the brackets of `NAME=(...)`.
    pub(super) fn array(&mut self, name: &str, elements: &str, append: bool) -> Flow<Item> {
        let before = self.variable(name);
        let mut item = match before {
            Item::Map(map) => Item::Map(if append { map } else { BTreeMap::new() }),
            Item::List(list) if append => Item::List(list),
            Item::Text(first) if append => Item::List(BTreeMap::from([(0, first)])),
            Item::Open if append && self.state.get(name).is_some() => return Ok(Item::Open),
            _ => Item::List(BTreeMap::new()),
        };
        let mut next = match &item {
            Item::List(list) => list.keys().next_back().map_or(0, |last| last + 1),
            _ => 0,
        };
        let mut key: Option<String> = None;
        for written in scan::elements(elements) {
            if let Some((subscript, value, add)) = keyed(written) {
                let word = self.single(value)?;
                item = self.element(name, item, subscript, word, add)?;
                if let Item::List(list) = &item {
                    next = list.keys().next_back().map_or(0, |last| last + 1);
                }
                continue;
            }
            let mut words = Vec::new();
            // Of all lists of words, this is the one in which `of=~` stays as it is.
            let plain = !written.contains(['\'', '"', '\\', '$', '`']) && written.contains('~');
            let kept = plain.then(|| written.replace("=~", "=\\~").replace(":~", ":\\~"));
            self.words(kept.as_deref().unwrap_or(written), &mut words)?;
            for word in words {
                match &mut item {
                    Item::List(list) => {
                        if word.may_split() {
                            // How many elements it is, is not known.
                            return Ok(Item::Open);
                        }
                        list.insert(next, word);
                        next += 1;
                    }
                    // `(key value key value)`
                    Item::Map(map) => match key.take() {
                        Some(key) => drop(map.insert(key, word)),
                        None => key = word.known().map(str::to_owned),
                    },
                    _ => {}
                }
            }
        }
        Ok(item)
    }
}

/// Splits an assignment into its name, its subscript, whether it appends, and the value.
pub(super) fn parts(written: &str) -> Option<(&str, Option<&str>, bool, &str)> {
    let len = written.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let (name, mut rest) = written.split_at(len);
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let mut subscript = None;
    if rest.starts_with('[') {
        let end = scan::closing_bracket(rest, 1)?;
        subscript = Some(&rest[1..end]);
        rest = &rest[end + 1..];
    }
    let append = rest.starts_with("+=");
    let value = rest.strip_prefix("+=").or_else(|| rest.strip_prefix('='))?;
    Some((name, subscript, append, value))
}

/// Splits `[key]=value`.
fn keyed(written: &str) -> Option<(&str, &str, bool)> {
    if !written.starts_with('[') {
        return None;
    }
    let end = scan::closing_bracket(written, 1)?;
    let rest = &written[end + 1..];
    let value = rest.strip_prefix("+=").or_else(|| rest.strip_prefix('='))?;
    Some((&written[1..end], value, rest.starts_with('+')))
}
