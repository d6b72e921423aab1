//! `read` and `mapfile`: lines of a known input become values.

use std::collections::BTreeMap;

use super::redirect::DESCRIPTORS;
use super::state::{INPUT, Item, Slot};
use super::word::Word;
use super::{Flow, Shell, Status};

impl Shell<'_> {
    pub(super) fn read_line(&mut self, args: &[Word]) -> Flow<Status> {
        let options = Options::read(args, "adinNptu");
        options.operands.iter().try_for_each(|name| self.subscript(name))?;
        let delimiter = options.value('d').map_or('\n', |word| word.text.chars().next().unwrap_or('\0'));
        let raw = options.has('r');
        // A NUL cannot stand in a text that is followed here: what a loop reads are lines.
        let delimiter = if delimiter == '\0' && self.context.repeats.is_some() { '\n' } else { delimiter };
        // `-u 3` reads a descriptor by its number.
        let from = match options.value('u').map(|number| number.text.as_str()) {
            None | Some("0") => INPUT,
            Some(number) => self.state.id(&*format!("{DESCRIPTORS}{number}")),
        };
        let input = match self.pick(from) {
            Some(Item::Text(text)) => Some(text),
            _ => None,
        };
        let Some(text) = input else {
            return self.read_unknown(&options);
        };
        if text.text.is_empty() && text.marks.is_empty() {
            for name in options.operands.iter().map(|w| w.text.clone()).collect::<Vec<_>>() {
                self.assign(&name, Word::default())?;
            }
            return Ok(Status::Failure);
        }
        let count =
            options.value('n').or(options.value('N')).and_then(Word::known).and_then(|n| n.parse().ok());
        let end = text.text.find(delimiter);
        let (mut line, mut rest) = match end {
            Some(at) => (text.head(at), text.tail(at + delimiter.len_utf8())),
            None => (text.clone(), Word::default()),
        };
        if let Some((at, _)) = count.and_then(|count: usize| line.text.char_indices().nth(count)) {
            (line, rest) = (text.head(at), text.tail(at));
        }
        self.charge(text.text.len())?;
        self.state.set(from, Item::Text(rest));
        if !raw && let Some(known) = line.known().filter(|known| known.contains('\\')) {
            let mut chars = known.chars();
            let mut plain = String::new();
            while let Some(c) = chars.next() {
                plain.extend(if c == '\\' { chars.next() } else { Some(c) });
            }
            line = Word::literal(plain);
        }
        let status = if end.is_some() || count.is_some() { Status::Success } else { Status::Failure };
        let status = if line.marks.is_empty() { status } else { Status::Unknown };
        let separators = self.separators();
        if let Some(array) = options.value('a').map(|w| w.text.clone()) {
            let mut list = BTreeMap::new();
            let mut line = Some(line);
            while let Some(left) = line.take().filter(|left| !left.text.is_empty() || !left.marks.is_empty())
            {
                let (field, rest) = field(&left, &separators);
                list.insert(i64::try_from(list.len()).unwrap_or(0), field);
                line = rest;
            }
            self.store(&array, Item::List(list))?;
            return Ok(status);
        }
        let names: Vec<String> = options.operands.iter().map(|w| w.text.clone()).collect();
        if names.is_empty() {
            self.assign("REPLY", line)?;
            return Ok(status);
        }
        let mut left = Some(line);
        for (n, name) in names.iter().enumerate() {
            let value = match left.take() {
                Some(line) if n + 1 == names.len() => trimmed(&line, &separators),
                Some(line) => {
                    let (field, rest) = field(&line, &separators);
                    left = rest;
                    field
                }
                None => Word::default(),
            };
            self.assign(name, value)?;
        }
        Ok(status)
    }

    fn read_unknown(&mut self, options: &Options<'_>) -> Flow<Status> {
        if let Some(array) = options.value('a') {
            self.store(&array.text, Item::Open)?;
        }
        let names: Vec<String> = options.operands.iter().map(|w| w.text.clone()).collect();
        for name in names.iter().map(String::as_str).chain(names.is_empty().then_some("REPLY")) {
            self.assign(name, Word::unknown(true))?;
        }
        Ok(Status::Unknown)
    }

    pub(super) fn read_lines(&mut self, args: &[Word]) -> Flow<Status> {
        let options = Options::read(args, "dnOsuCc");
        let name = options.operands.first().map_or("MAPFILE", |w| w.text.as_str()).to_owned();
        let plain = ['d', 'n', 'O', 's', 'u'].iter().all(|c| options.value(*c).is_none());
        let item = match self.pick(INPUT) {
            Some(Item::Text(text)) if plain && text.known().is_some() => {
                let keep = !options.has('t');
                let lines = text.text.split_inclusive('\n');
                let lines = lines.map(|line| if keep { line } else { line.trim_end_matches('\n') });
                Item::List((0..).zip(lines.map(Word::literal)).collect())
            }
            Some(Item::Text(text)) if plain && options.has('t') && !text.text.is_empty() => {
                // The lines that are known, or any.
                let mut lines: Vec<Word> = text.split('\n').collect();
                lines.retain(|line| *line != Word::default());
                let list = Item::List((0..).zip(lines).collect());
                self.store(&name, Item::Open)?;
                self.state.set(&name, Slot { items: vec![list, Item::Open], attributes: Default::default() });
                return Ok(Status::Success);
            }
            _ => Item::Open,
        };
        self.store(&name, item)?;
        Ok(Status::Success)
    }
}

/// Options of one letter, and operands.
struct Options<'a> {
    letters: String,
    values: Vec<(char, &'a Word)>,
    operands: Vec<&'a Word>,
    /// Values that are attached to their letter.
    attached: Vec<(char, Word)>,
}

impl<'a> Options<'a> {
    fn read(args: &'a [Word], valued: &str) -> Self {
        let mut options =
            Self { letters: String::new(), values: Vec::new(), operands: Vec::new(), attached: Vec::new() };
        let mut args = args.iter();
        while let Some(word) = args.next() {
            let Some(letters) =
                word.text.strip_prefix('-').filter(|l| !l.is_empty() && options.operands.is_empty())
            else {
                options.operands.push(word);
                continue;
            };
            for (at, letter) in letters.char_indices() {
                if valued.contains(letter) {
                    let from = 1 + at + letter.len_utf8();
                    if from < word.text.len() {
                        options.attached.push((letter, word.tail(from)));
                    } else if let Some(value) = args.next() {
                        options.values.push((letter, value));
                    }
                    break;
                }
                options.letters.push(letter);
            }
        }
        options
    }

    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }

    fn value(&self, letter: char) -> Option<&Word> {
        let apart = self.values.iter().find(|(own, _)| *own == letter).map(|(_, value)| *value);
        apart.or_else(|| self.attached.iter().find(|(own, _)| *own == letter).map(|(_, value)| value))
    }
}

/// Takes the first field of a line; what is left, unless that was the last one.
fn field(line: &Word, separators: &str) -> (Word, Option<Word>) {
    let space = |c: char| matches!(c, ' ' | '\t' | '\n') && separators.contains(c);
    let start = line.text.find(|c: char| !space(c)).unwrap_or(line.text.len());
    let line = line.tail(start);
    let Some(end) = line.text.find(|c: char| separators.contains(c)) else { return (line, None) };
    let field = line.head(end);
    let mut from = end;
    // White space, at most one other separator, and white space again.
    let rest =
        |from: usize| line.text[from..].find(|c: char| !space(c)).map_or(line.text.len(), |n| from + n);
    from = rest(from);
    if let Some(c) = line.text[from..].chars().next().filter(|c| separators.contains(*c)) {
        from = rest(from + c.len_utf8());
    }
    (field, Some(line.tail(from)))
}

fn trimmed(line: &Word, separators: &str) -> Word {
    let space = |c: char| matches!(c, ' ' | '\t' | '\n') && separators.contains(c);
    let start = line.text.find(|c: char| !space(c)).unwrap_or(line.text.len());
    let line = line.tail(start);
    let mut end = line.text.trim_end_matches(space).len();
    // A single separator at the very end belongs to the field before it.
    let last = line.text[..end].chars().next_back().filter(|c| separators.contains(*c) && !space(*c));
    if let Some(c) = last
        && !line.text[..end - c.len_utf8()].contains(|c: char| separators.contains(c) && !space(c))
    {
        end -= c.len_utf8();
    }
    line.head(end)
}
