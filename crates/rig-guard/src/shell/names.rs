//! The names of slots, and the numbers that stand for them.
//!
//! Each command asks for a dozen of slots. A name is hashed once and compared once, however many names
//! there are; what is written, taken back and joined are numbers.

use std::borrow::Cow;

/// The number of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u32);

/// The names that have a number from the start.
pub(super) const FIXED: [(&str, Id); 6] =
    [(":directory", Id(0)), ("@", Id(1)), ("<", Id(2)), (">", Id(3)), ("HOME", Id(4)), ("IFS", Id(5))];

/// A place in the table that is free.
const FREE: u32 = u32::MAX;
/// How many places a table has at first; always a power of two.
const PLACES: usize = 64;
/// An odd number whose bits look random.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a slot is asked for by.
pub(super) trait Key: Copy {
    /// Returns its number, where it has one.
    fn number_in(self, names: &Names) -> Option<Id>;

    /// Returns its number.
    fn number(self, names: &mut Names) -> Id;
}

/// The name of a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function<'a>(pub(super) &'a str);

impl Function<'_> {
    /// What stands before the names of functions.
    pub(super) const PREFIX: &'static str = "()";
}

/// Every name that was asked for.
#[derive(Debug)]
pub(super) struct Names {
    known: Vec<Known>,
    table: Vec<u32>,
}

#[derive(Debug)]
struct Known {
    hash: u64,
    text: Cow<'static, str>,
}

impl Default for Names {
    fn default() -> Self {
        let mut known = Vec::with_capacity(PLACES / 2);
        known.extend(FIXED.iter().map(|(text, _)| Known { hash: 0, text: Cow::Borrowed(*text) }));
        Self { known, table: vec![FREE; PLACES] }
    }
}

impl Names {
    /// Returns how many numbers there are.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Returns the name of a number.
    pub(super) fn text(&self, id: Id) -> &str {
        &self.known[id.index()].text
    }

    /// Returns every number.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..u32::try_from(self.known.len()).unwrap_or(FREE)).map(Id)
    }

    /// Returns the number of a name with such a hash, or the place in the table where it belongs.
    fn search(&self, hash: u64, is: impl Fn(&str) -> bool) -> Result<Id, usize> {
        let mask = self.table.len() - 1;
        let mut place = place(hash) & mask;
        loop {
            match self.table[place] {
                FREE => return Err(place),
                id => {
                    let known = &self.known[id as usize];
                    if known.hash == hash && is(&known.text) {
                        return Ok(Id(id));
                    }
                }
            }
            place = (place + 1) & mask;
        }
    }

    fn add(&mut self, place: usize, hash: u64, text: String) -> Id {
        let id = u32::try_from(self.known.len()).unwrap_or(FREE);
        self.known.push(Known { hash, text: Cow::Owned(text) });
        self.table[place] = id;
        // At most half of the places are taken, so that one that is free is near.
        if self.known.len() * 2 > self.table.len() {
            self.grow();
        }
        Id(id)
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        self.table = vec![FREE; mask + 1];
        for id in self.ids().skip(FIXED.len()) {
            let mut place = place(self.known[id.index()].hash) & mask;
            while self.table[place] != FREE {
                place = (place + 1) & mask;
            }
            self.table[place] = id.0;
        }
    }
}

impl Id {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Key for Id {
    fn number_in(self, _: &Names) -> Option<Id> {
        Some(self)
    }

    fn number(self, _: &mut Names) -> Id {
        self
    }
}

impl Key for &str {
    fn number_in(self, names: &Names) -> Option<Id> {
        fixed(self).or_else(|| names.search(hash(self), |text| text == self).ok())
    }

    fn number(self, names: &mut Names) -> Id {
        if let Some(id) = fixed(self) {
            return id;
        }
        let hash = hash(self);
        names
            .search(hash, |text| text == self)
            .unwrap_or_else(|place| names.add(place, hash, self.to_owned()))
    }
}

impl Key for &String {
    fn number_in(self, names: &Names) -> Option<Id> {
        self.as_str().number_in(names)
    }

    fn number(self, names: &mut Names) -> Id {
        self.as_str().number(names)
    }
}

impl Key for Function<'_> {
    fn number_in(self, names: &Names) -> Option<Id> {
        names.search(self.hash(), |text| self.is(text)).ok()
    }

    fn number(self, names: &mut Names) -> Id {
        let found = names.search(self.hash(), |text| self.is(text));
        found.unwrap_or_else(|place| names.add(place, self.hash(), [Self::PREFIX, self.0].concat()))
    }
}

impl Function<'_> {
    /// Another one than that of the variable with this name.
    fn hash(self) -> u64 {
        !hash(self.0)
    }

    fn is(self, text: &str) -> bool {
        text.strip_prefix(Self::PREFIX) == Some(self.0)
    }
}

/// Returns the number of a name that has one from the start.
fn fixed(name: &str) -> Option<Id> {
    // Hardly any name begins like one of these.
    match name.as_bytes() {
        [b'@' | b'<' | b'>'] | [b':' | b'H' | b'I', ..] => {
            FIXED.iter().find(|(text, _)| *text == name).map(|(_, id)| *id)
        }
        _ => None,
    }
}

fn hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mix = |hash: u64, part: u64| (hash.rotate_left(5) ^ part).wrapping_mul(FACTOR);
    let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let mut hash = mix(0, bytes.len() as u64);
    let mut rest = bytes;
    while let Some((part, behind)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*part));
        rest = behind;
    }
    // What is left is taken in two parts, which may overlap.
    let left = match (rest.first_chunk(), rest.last_chunk()) {
        (Some(first), Some(last)) => four(first) | four(last) << 32,
        _ => rest.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    mix(hash, left)
}

/// The upper bits of a product depend on all bits of its factors.
fn place(hash: u64) -> usize {
    (hash >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_keeps_its_number() {
        let mut names = Names::default();
        let texts: Vec<String> = (0..500).map(|n| "x".repeat(n % 20) + &n.to_string()).collect();
        let ids: Vec<Id> = texts.iter().map(|text| text.number(&mut names)).collect();
        let functions: Vec<Id> = texts.iter().map(|text| Function(text).number(&mut names)).collect();
        for ((text, id), function) in texts.iter().zip(&ids).zip(&functions) {
            assert_eq!((text.number_in(&names), text.number(&mut names)), (Some(*id), *id));
            assert_eq!(Function(text).number_in(&names), Some(*function));
            assert_eq!((names.text(*id), names.text(*function)), (text.as_str(), &*format!("(){text}")));
        }
        assert_eq!(names.count(), FIXED.len() + 2 * texts.len());
        assert_eq!(("y".number_in(&names), Function("y").number_in(&names)), (None, None));
    }

    #[test]
    fn what_has_a_number_from_the_start_is_found_by_its_name() {
        let mut names = Names::default();
        for (text, id) in FIXED {
            assert_eq!(
                (text.number_in(&names), text.number(&mut names), names.text(id)),
                (Some(id), id, text)
            );
        }
        assert_eq!(names.count(), FIXED.len());
    }
}
