//! `getopts`: one option after the other.

use super::state::{Item, PARAMETERS};
use super::word::Word;
use super::{Flow, Shell, Status};

/// How far inside of a bundle of options it is: the number of the argument, and of the letter in it.
const INSIDE: &str = ":option";

/// What comes next.
enum Next {
    Option {
        letter: String,
        value: Option<Word>,
        /// The argument that is looked at next, and the place in it where that is not its beginning.
        index: usize,
        inside: usize,
    },
    End(usize),
}

impl Shell<'_> {
    /// Follows `getopts LETTERS NAME [ARGUMENT...]`.
    pub(super) fn next_option(&mut self, args: &[Word]) -> Flow<Status> {
        let (Some(letters), Some(name)) = (args.first(), args.get(1).and_then(Word::known)) else {
            return Ok(Status::Failure);
        };
        let words = match args.get(2..).filter(|rest| !rest.is_empty()) {
            Some(rest) => Some(rest.to_vec()),
            None => match self.pick(PARAMETERS) {
                Some(Item::Words(words)) => Some(words),
                _ => None,
            },
        };
        let index = match self.scalar("OPTIND") {
            Item::Text(word) => word.known().and_then(|n| n.parse::<usize>().ok()),
            _ if self.state.get("OPTIND").is_none_or(|slot| matches!(slot.items[..], [Item::Unset])) => {
                Some(1)
            }
            _ => None,
        };
        let inside = match self.pick(INSIDE) {
            Some(Item::Text(word)) => word.text.split_once(':').and_then(|(at, n)| {
                (Some(at.parse::<usize>().ok()?) == index).then(|| n.parse::<usize>().ok())?
            }),
            _ => None,
        };
        let next = match (words, letters.known(), index) {
            (Some(words), Some(letters), Some(index)) if !words.iter().any(Word::may_split) => {
                next(&words, letters, index.max(1), inside.unwrap_or(0))
            }
            _ => None,
        };
        match next {
            Some(Next::Option { letter, value, index, inside }) => {
                self.assign(name, Word::literal(letter))?;
                match value {
                    Some(value) => self.assign("OPTARG", value)?,
                    None => self.store("OPTARG", Item::Unset)?,
                }
                self.assign("OPTIND", Word::literal(index.to_string()))?;
                self.state.set(INSIDE, Item::Text(Word::literal(format!("{index}:{inside}"))));
                Ok(Status::Success)
            }
            Some(Next::End(index)) => {
                self.assign(name, Word::literal("?"))?;
                self.assign("OPTIND", Word::literal(index.to_string()))?;
                Ok(Status::Failure)
            }
            None => {
                self.assign(name, Word::unknown(false))?;
                self.assign("OPTARG", Word::unknown(true))?;
                self.store("OPTIND", Item::Open)?;
                Ok(Status::Unknown)
            }
        }
    }
}

/// Reads the next option; `None` where that is not known.
fn next(words: &[Word], letters: &str, index: usize, inside: usize) -> Option<Next> {
    let silent = letters.starts_with(':');
    let Some(word) = words.get(index - 1) else { return Some(Next::End(index)) };
    let at = inside.max(1);
    if word.unknowns().any(|(place, _)| place <= at) {
        return None;
    }
    if inside == 0 {
        if word.text == "--" {
            return Some(Next::End(index + 1));
        }
        if word.text.len() < 2 || !word.text.starts_with('-') {
            return Some(Next::End(index));
        }
    }
    let letter = word.text.get(at..)?.chars().next()?;
    let behind = at + letter.len_utf8();
    let ends = behind >= word.text.len() && word.unknowns().all(|(place, _)| place < behind);
    let (after, rest) = if ends { (index + 1, 0) } else { (index, behind) };
    let listed = letters.trim_start_matches(':').find(letter).filter(|_| letter != ':');
    let Some(place) = listed.map(|n| n + usize::from(silent)) else {
        let value = silent.then(|| Word::literal(letter.to_string()));
        return Some(Next::Option { letter: "?".to_owned(), value, index: after, inside: rest });
    };
    if !letters[place + letter.len_utf8()..].starts_with(':') {
        return Some(Next::Option { letter: letter.to_string(), value: None, index: after, inside: rest });
    }
    if !ends {
        let value = Some(word.tail(behind));
        return Some(Next::Option { letter: letter.to_string(), value, index: index + 1, inside: 0 });
    }
    Some(match words.get(index) {
        Some(value) => Next::Option {
            letter: letter.to_string(),
            value: Some(value.clone()),
            index: index + 2,
            inside: 0,
        },
        // The value is missing.
        None => Next::Option {
            letter: if silent { ":" } else { "?" }.to_owned(),
            value: silent.then(|| Word::literal(letter.to_string())),
            index: index + 1,
            inside: 0,
        },
    })
}
