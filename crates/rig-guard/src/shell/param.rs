//! `$name` and `${name...}` with every operator.

use super::expand::{Quote, parameter_name};
use super::fields::Fields;
use super::state::{Item, PARAMETERS};
use super::word::Word;
use super::{Flow, Shell, scan};

/// What is expanded: one value, or the elements of an array.
enum Values {
    /// A variable, and its value.
    One(Item),
    /// Elements; with `*` they are joined where they are quoted.
    Many(Vec<Word>, bool),
    /// Elements of an array of which nothing is known.
    Unknown,
    /// A variable that nothing known has set.
    Unset,
}

impl Shell<'_> {
    /// Appends the value of a variable or parameter.
    pub(super) fn value(&mut self, name: &str, quoted: bool, out: &mut Fields) -> Flow {
        let values = self.values(name, None)?;
        self.append(values, quoted, out)
    }

    fn append(&mut self, values: Values, quoted: bool, out: &mut Fields) -> Flow {
        let separators = self.separators();
        match values {
            Values::One(Item::Text(word)) => {
                self.charge(word.text.len())?;
                out.value(&word, quoted, &separators);
            }
            Values::One(Item::Unset) => {
                if quoted {
                    out.open();
                }
            }
            Values::One(_) => out.unknown(true, quoted),
            Values::Unset => out.unset(quoted),
            Values::Unknown => {
                // Any number of words, even in quotes.
                out.unknown(true, false);
            }
            Values::Many(words, false) if words.is_empty() && quoted => out.nothing(),
            Values::Many(words, star) => {
                self.charge(words.iter().map(|w| w.text.len()).sum())?;
                let between: String = separators.chars().take(1).collect();
                let whole = quoted || !out.splits();
                if star && (whole || !between.trim().is_empty()) {
                    for (n, word) in words.iter().enumerate() {
                        if n > 0 {
                            out.value(&Word::literal(&*between), whole, &separators);
                        }
                        out.value(word, whole, &separators);
                    }
                } else {
                    out.separate(&words, quoted, &separators);
                }
            }
        }
        Ok(())
    }

    /// Returns what a name with a subscript stands for.
    fn values(&mut self, name: &str, subscript: Option<&str>) -> Flow<Values> {
        if let ("@" | "*", None) = (name, subscript) {
            return Ok(match self.pick(PARAMETERS) {
                Some(Item::Words(words)) => Values::Many(words, name == "*"),
                _ => Values::Unknown,
            });
        }
        let Some(subscript) = subscript else {
            return Ok(match self.scalar(name) {
                Item::Open if self.nothing_sets(name) => Values::Unset,
                item => Values::One(item),
            });
        };
        let item = self.variable(name);
        if matches!(subscript, "@" | "*") {
            let star = subscript == "*";
            return Ok(match item {
                Item::List(list) => Values::Many(list.into_values().collect(), star),
                Item::Map(map) => Values::Many(map.into_values().collect(), star),
                Item::Text(word) => Values::Many(vec![word], star),
                Item::Unset => Values::Many(Vec::new(), star),
                _ => Values::Unknown,
            });
        }
        let element = match item {
            Item::Map(map) => {
                let key = self.single(subscript)?;
                match key.known() {
                    Some(key) => map.get(key).cloned().map_or(Item::Unset, Item::Text),
                    None => Item::Open,
                }
            }
            Item::List(list) => match self.arithmetic(subscript)? {
                Some(index) => {
                    let last = list.keys().next_back().copied().unwrap_or(-1);
                    let index = if index < 0 { last + 1 + index } else { index };
                    list.get(&index).cloned().map_or(Item::Unset, Item::Text)
                }
                None => Item::Open,
            },
            item => match self.arithmetic(subscript)? {
                Some(0) => item,
                Some(_) if matches!(item, Item::Text(_) | Item::Unset) => Item::Unset,
                _ => Item::Open,
            },
        };
        Ok(Values::One(element))
    }

    /// Returns the value of `name[subscript]`.
    pub(super) fn subscripted(&mut self, written: &str) -> Flow<Option<Word>> {
        let name = parameter_name(written);
        let subscript = written[name.len()..].strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        Ok(match self.values(name, subscript)? {
            Values::One(Item::Text(word)) => Some(word),
            _ => None,
        })
    }

    /// Expands what stands between `${` and `}`.
    pub(super) fn parameter(&mut self, inner: &str, quote: Quote, out: &mut Fields) -> Flow {
        let quoted = quote.is_quoted();
        if inner.starts_with([' ', '\t', '\n', '|']) {
            // `${ command; }` runs in the shell itself.
            let captured = self.captured(|shell| shell.code(inner.trim_start_matches('|')))?;
            out.value(&captured, quoted, &self.separators());
            return Ok(());
        }
        let length = inner.len() > 1
            && inner.starts_with('#')
            && !inner[1..].starts_with([':', '%', '#', '-', '=', '+', '/', '}']);
        if length || inner == "##" {
            return self.length(&inner[1..], out);
        }
        let (indirect, inner) = match inner.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, inner),
        };
        let name = parameter_name(inner);
        let mut rest = &inner[name.len()..];
        let mut subscript = None;
        if !name.is_empty()
            && rest.starts_with('[')
            && let Some(end) = scan::closing_bracket(rest, 1)
        {
            subscript = Some(&rest[1..end]);
            rest = &rest[end + 1..];
        }
        if name.is_empty() {
            self.inert(rest)?;
            out.unknown(true, quoted);
            return Ok(());
        }
        if !indirect {
            return self.operate(name, subscript, rest, quote, out);
        }
        if matches!((subscript, rest), (Some("@" | "*"), "")) {
            let star = subscript == Some("*");
            let keys = match self.variable(name) {
                Item::List(list) => {
                    Values::Many(list.keys().map(|k| Word::literal(k.to_string())).collect(), star)
                }
                Item::Map(map) => Values::Many(map.keys().map(Word::literal).collect(), star),
                Item::Text(_) => Values::Many(vec![Word::literal("0")], star),
                Item::Unset => Values::Many(Vec::new(), star),
                _ => Values::Unknown,
            };
            return self.append(keys, quoted, out);
        }
        if matches!(rest, "@" | "*") {
            let names = self.state.named(name).into_iter().map(Word::literal).collect();
            return self.append(Values::Many(names, rest == "*"), quoted, out);
        }
        let target = match self.values(name, subscript)? {
            Values::One(Item::Text(word)) => word.known().map(str::to_owned),
            _ => None,
        };
        match target {
            Some(target) => {
                let name = parameter_name(&target);
                let subscript =
                    target[name.len()..].strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                if name.is_empty() {
                    return Ok(());
                }
                self.operate(name, subscript, rest, quote, out)
            }
            None => {
                self.inert(rest)?;
                out.unknown(true, quoted);
                Ok(())
            }
        }
    }

    fn length(&mut self, what: &str, out: &mut Fields) -> Flow {
        let name = parameter_name(what);
        let subscript = what[name.len()..].strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let count = match self.values(name, subscript)? {
            Values::One(Item::Text(word)) => word.known().map(|text| text.chars().count()),
            Values::One(Item::Unset) => Some(0),
            Values::Many(words, _) if words.iter().all(|word| !word.may_split()) => Some(words.len()),
            _ => None,
        };
        match count {
            Some(count) => out.text(&count.to_string()),
            None => out.unknown(false, true),
        }
        Ok(())
    }

    fn operate(
        &mut self,
        name: &str,
        subscript: Option<&str>,
        rest: &str,
        quote: Quote,
        out: &mut Fields,
    ) -> Flow {
        let quoted = quote.is_quoted();
        let values = self.values(name, subscript)?;
        let (colon, operator) = match rest.strip_prefix(':') {
            Some(rest) if rest.starts_with(['-', '=', '+', '?']) => (true, rest),
            _ => (false, rest),
        };
        let operand = operator.get(1..).unwrap_or_default();
        match operator.as_bytes().first() {
            None => self.append(values, quoted, out),
            Some(b'-' | b'=' | b'?' | b'+') => {
                let set = is_set(&values, colon);
                let operator = operator.as_bytes()[0];
                match (operator, set) {
                    (b'+', Some(false)) => {
                        if quoted {
                            out.open();
                        }
                        Ok(())
                    }
                    (b'+', _) => self.read(operand, if quoted { quote } else { Quote::Operand }, out),
                    (_, Some(true)) => self.append(values, quoted, out),
                    // What is there is kept, or this: both are tried. What nobody has set is not there.
                    (b'-' | b'=', None) if self.state.get(name).is_some() && self.present() => {
                        let value = Word::unknown(!colon);
                        if operator == b'=' {
                            self.assign(name, value.clone())?;
                        }
                        self.append(Values::One(Item::Text(value)), quoted, out)
                    }
                    (b'-', _) => self.read(operand, if quoted { quote } else { Quote::Operand }, out),
                    (b'=', _) => {
                        let value = self.whole(operand, if quoted { quote } else { Quote::None })?;
                        self.assign(name, value)?;
                        let values = self.values(name, subscript)?;
                        self.append(values, quoted, out)
                    }
                    // `?` ends the shell where there is nothing.
                    _ => {
                        self.inert(operand)?;
                        let value = match values {
                            Values::One(Item::Text(word)) => word.not_empty(),
                            _ => Word::unknown(!colon),
                        };
                        if subscript.is_none()
                            && parameter_name(name).len() == name.len()
                            && !is_special(name)
                        {
                            self.assign(name, value.clone())?;
                        }
                        self.append(Values::One(Item::Text(value)), quoted, out)
                    }
                }
            }
            Some(b':') => self.slice(name, subscript, values, operand, quoted, out),
            Some(b'#' | b'%' | b'/' | b'^' | b',' | b'~' | b'@') => {
                let values = self.changed(values, operator)?;
                self.append(values, quoted, out)
            }
            _ => {
                self.inert(rest)?;
                out.unknown(true, quoted);
                Ok(())
            }
        }
    }

    /// Tries both that there is a value, and that there is none.
    fn present(&mut self) -> bool {
        self.captures += 1;
        let items = vec![Item::Unset, Item::Open];
        self.choose(&format!("${{{}", self.captures), items) == Item::Open
    }

    fn slice(
        &mut self,
        name: &str,
        subscript: Option<&str>,
        values: Values,
        operand: &str,
        quoted: bool,
        out: &mut Fields,
    ) -> Flow {
        let (offset, length) = match scan::top_level(operand, b':') {
            Some(at) => (&operand[..at], Some(&operand[at + 1..])),
            None => (operand, None),
        };
        let offset = self.arithmetic(offset)?;
        let length = match length {
            Some(length) => Some(self.arithmetic(length)?),
            None => None,
        };
        let (Some(offset), true) = (offset, length != Some(None)) else {
            out.unknown(true, quoted);
            return Ok(());
        };
        let length = length.flatten();
        let range = |count: usize, last_from: bool| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let from = if offset < 0 { count + offset } else { offset };
            if from < 0 {
                return 0..0;
            }
            let to = match length {
                None => count,
                Some(length) if length < 0 && last_from => count + length,
                Some(length) => from.saturating_add(length.max(0)),
            };
            let clamp = |n: i64| usize::try_from(n.clamp(0, count)).unwrap_or(0);
            clamp(from)..clamp(to).max(clamp(from))
        };
        let values = match values {
            Values::One(Item::Text(word)) => match word.known() {
                Some(text) => {
                    let chars: Vec<char> = text.chars().collect();
                    let part: String = chars[range(chars.len(), true)].iter().collect();
                    self.derived(text, &part);
                    Values::One(Item::Text(Word::literal(part)))
                }
                None => Values::One(Item::Open),
            },
            Values::One(Item::Unset) => Values::One(Item::Unset),
            Values::Many(words, star) if subscript.is_none() => {
                // `${@:0}` counts the shell's own name.
                let mut all = vec![match self.variable("0") {
                    Item::Text(word) => word,
                    _ => Word::unknown(false),
                }];
                all.extend(words);
                let found = if offset < 0 && usize::try_from(-offset).is_ok_and(|n| n >= all.len()) {
                    0..0
                } else {
                    range(all.len(), false)
                };
                Values::Many(all[found].to_vec(), star)
            }
            Values::Many(words, star) => {
                let from = match self.variable(name) {
                    Item::List(list) if offset >= 0 => list.keys().take_while(|key| **key < offset).count(),
                    _ => range(words.len(), false).start,
                };
                let to = length.map_or(words.len(), |n| from + usize::try_from(n.max(0)).unwrap_or(0));
                Values::Many(words[from.min(words.len())..to.min(words.len())].to_vec(), star)
            }
            _ => Values::Unknown,
        };
        self.append(values, quoted, out)
    }

    /// Trims, replaces, or changes case.
    fn changed(&mut self, values: Values, operator: &str) -> Flow<Values> {
        if operator == "@P" {
            return self.prompted(values);
        }
        let change = self.change(operator)?;
        let mut one = |word: &Word| -> Word {
            let changed = match &change {
                Some(change) => change.apply(word),
                None => Word::unknown(true),
            };
            if let (Some(from), Some(to)) = (word.known(), changed.known()) {
                self.derived(from, to);
            }
            changed
        };
        Ok(match values {
            Values::One(Item::Text(word)) => Values::One(Item::Text(one(&word))),
            Values::Many(words, star) => Values::Many(words.iter().map(one).collect(), star),
            values => values,
        })
    }
}

impl Shell<'_> {
    /// Expands values as a prompt, which runs the commands in them.
    fn prompted(&mut self, values: Values) -> Flow<Values> {
        let mut one = |word: Word| -> Flow<Word> {
            if word.text.contains(['$', '`']) { self.document(&word.to_code()) } else { Ok(word) }
        };
        Ok(match values {
            Values::One(Item::Text(word)) => Values::One(Item::Text(one(word)?)),
            Values::Many(words, star) => {
                Values::Many(words.into_iter().map(one).collect::<Flow<Vec<_>>>()?, star)
            }
            values => values,
        })
    }
}

/// Says whether there is a value (that is not empty, with a colon); `None` where it is not known.
fn is_set(values: &Values, colon: bool) -> Option<bool> {
    match values {
        Values::One(Item::Text(word)) if !colon || !word.text.is_empty() => Some(true),
        Values::One(Item::Text(word)) => match word.known() {
            Some(_) => Some(false),
            None => word.unknowns().any(|(_, empty)| !empty).then_some(true),
        },
        Values::One(Item::Unset) => Some(false),
        Values::Many(words, _) => match words.as_slice() {
            [] => Some(false),
            [only] if colon && only.known() == Some("") => Some(false),
            [only] if colon && only.may_be_empty() => None,
            _ => Some(true),
        },
        _ => None,
    }
}

fn is_special(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
