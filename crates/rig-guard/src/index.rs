//! Which entries of a table are about a name.
//!
//! Each command is held against tables of programs, and is in few of them. An [`Index`] is made while
//! the program is built. It tells by a hash of a name which entries may have it, and leaves the comparison
//! to the caller.

/// How many entries a table may have.
const ENTRIES: usize = 256;

/// For each hash of a name, of so many, the entries that have such a name, as bits.
pub(crate) struct Index<const HASHES: usize = 256>([[u64; ENTRIES / 64]; HASHES]);

/// The entries that may have a name, as bits.
#[derive(Clone, Copy)]
pub(crate) struct Entries([u64; ENTRIES / 64]);

const fn hash(name: &[u8]) -> usize {
    // FNV-1a: names are short.
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < name.len() {
        hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ (hash >> 15)) as usize
}

impl<const HASHES: usize> Index<HASHES> {
    pub(crate) const fn new() -> Self {
        Self([[0; ENTRIES / 64]; HASHES])
    }

    /// Adds a name of an entry.
    pub(crate) const fn add(&mut self, name: &[u8], entry: usize) {
        assert!(entry < ENTRIES, "a table has more entries than the index has room for");
        self.0[hash(name) % HASHES][entry / 64] |= 1 << (entry % 64);
    }

    /// Adds each word of a list of words with spaces between them.
    pub(crate) const fn add_list(&mut self, list: &str, entry: usize) {
        let list = list.as_bytes();
        let mut rest = list;
        let mut at = 0;
        while at <= rest.len() {
            if at == rest.len() || rest[at] == b' ' {
                let (word, behind) = rest.split_at(at);
                self.add(word, entry);
                if behind.is_empty() {
                    return;
                }
                (_, rest) = behind.split_at(1);
                at = 0;
            } else {
                at += 1;
            }
        }
    }

    /// Returns the entries that may have a name.
    pub(crate) fn of(&self, name: &str) -> Entries {
        Entries(self.0[hash(name.as_bytes()) % HASHES])
    }
}

impl Entries {
    pub(crate) const NONE: Self = Self([0; ENTRIES / 64]);

    /// Adds an entry.
    pub(crate) const fn with(mut self, entry: usize) -> Self {
        self.0[entry / 64] |= 1 << (entry % 64);
        self
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] | other.0[n]))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] & other.0[n]))
    }

    /// Says whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    /// Returns the numbers of the entries, the least first.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let (mut bits, mut part) = (self.0, 0);
        std::iter::from_fn(move || {
            // Most commands are in no table: they get by with four comparisons.
            while part < bits.len() {
                if bits[part] != 0 {
                    let bit = bits[part].trailing_zeros() as usize;
                    bits[part] &= bits[part] - 1;
                    return Some(part * 64 + bit);
                }
                part += 1;
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_entries() {
        let lists = ["git", "rm find", "a ab abc rm", ""];
        let mut index = Index::<128>::new();
        for (n, list) in lists.iter().enumerate() {
            index.add_list(list, n);
        }
        for (n, list) in lists.iter().enumerate() {
            for name in list.split(' ') {
                assert!(index.of(name).iter().any(|entry| entry == n), "{name}");
            }
        }
        assert_eq!(index.of("cargo").iter().count(), 0);
        let entries = Entries::NONE.with(200).with(3).with(64);
        assert_eq!(entries.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert_eq!(entries.and(Entries::NONE.with(64)).iter().collect::<Vec<_>>(), [64]);
    }
}
