//! The command line of `find`, as far as it says what happens to which files.

use std::ops::Range;

use super::word::Word;

/// A `find` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find<'a> {
    /// Where it starts.
    pub roots: Vec<&'a Word>,
    /// A test picks some of the files that it deletes, or prints; without one it is about everything.
    pub selective: bool,
    /// It deletes what it finds.
    pub deletes: bool,
    /// The commands that it runs, as ranges of the words, with whether a test picks files for them.
    pub runs: Vec<(Range<usize>, bool)>,
    /// It is about the files right in there alone, and no directories.
    pub shallow: bool,
    /// What is picked by its name or path, as patterns for paths.
    pub picked: Vec<Word>,
}

/// Tests that pick files by a name or a path behind them.
const NAMES: [&str; 10] = [
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-lname",
    "-ilname",
];

/// Tests that pick files by something else, with a value behind them. Whose files they are is none:
/// most are one person's.
const TESTS: [&str; 19] = [
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-anewer",
    "-cnewer",
    "-size",
    "-perm",
    "-links",
    "-inum",
    "-samefile",
    "-fstype",
    "-used",
    "-context",
    "-newermt",
    "-newerct",
];

/// The same without a value.
const BARE_TESTS: [&str; 6] = ["-empty", "-nouser", "-nogroup", "-executable", "-writable", "-false"];

/// Words with a value behind them that pick nothing.
const VALUES: [&str; 12] = [
    "-maxdepth",
    "-mindepth",
    "-printf",
    "-fprint",
    "-fprint0",
    "-fls",
    "-user",
    "-group",
    "-uid",
    "-gid",
    "-regextype",
    "-since",
];

/// A bracket of the expression.
struct Level {
    /// Each way through it so far, up to an `-o`, picks files.
    all: bool,
    /// The way that is read does.
    picks: bool,
    negated: bool,
}

impl Level {
    fn new(negated: bool) -> Self {
        Self { all: true, picks: false, negated }
    }
}

impl<'a> Find<'a> {
    /// Reads the words of a `find` command, its name included.
    #[must_use]
    pub fn parse(words: &'a [Word]) -> Self {
        let mut find = Self {
            roots: Vec::new(),
            selective: false,
            deletes: false,
            runs: Vec::new(),
            shallow: false,
            picked: Vec::new(),
        };
        let mut at = 1;
        while let Some(word) = words.get(at) {
            match word.text.as_str() {
                "-H" | "-L" | "-P" => {}
                "-D" => at += 1,
                text if text.starts_with("-O") => {}
                text if text.starts_with(['-', '(', '!', ',']) => break,
                _ => find.roots.push(word),
            }
            at += 1;
        }
        find.expression(words, at);
        find
    }

    /// Returns what it is about where no test picks files, as patterns for paths.
    #[must_use]
    pub fn all(&self) -> Vec<Word> {
        let here = Word::literal(".");
        let roots = if self.roots.is_empty() { vec![&here] } else { self.roots.clone() };
        let inside = |root: &Word| {
            let mut word = root.clone();
            word.text.push('/');
            word.push_glob('*');
            word
        };
        roots.into_iter().map(|root| if self.shallow { inside(root) } else { root.clone() }).collect()
    }

    fn expression(&mut self, words: &[Word], mut at: usize) {
        let mut levels = vec![Level::new(false)];
        let mut negated = false;
        let (mut deletes_some, mut plain, mut deep, mut near) = (true, false, false, false);
        let mut names: Vec<(&str, &Word)> = Vec::new();
        while let Some(word) = words.get(at) {
            let text = word.text.as_str();
            let value = words.get(at + 1);
            at += 1;
            let picks = |levels: &[Level]| levels.iter().any(|level| level.picks);
            let mut picked = false;
            match text {
                "!" | "-not" => {
                    negated = !negated;
                    continue;
                }
                "(" => {
                    levels.push(Level::new(negated));
                    negated = false;
                    continue;
                }
                ")" if levels.len() > 1 => {
                    let inner = levels.pop().unwrap_or(Level::new(false));
                    picked = inner.all && inner.picks && !inner.negated;
                }
                "-o" | "-or" | "," => {
                    if let Some(level) = levels.last_mut() {
                        level.all &= level.picks || text == ",";
                        level.picks = false;
                    }
                }
                "-delete" => {
                    self.deletes = true;
                    deletes_some &= picks(&levels);
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let ends = |(n, w): (usize, &Word)| {
                        w.text == ";" || w.text == "+" && n > 0 && words[at + n - 1].text == "{}"
                    };
                    let len = words[at..].iter().enumerate().position(ends);
                    let end = len.map_or(words.len(), |len| at + len);
                    self.runs.push((at..end, picks(&levels)));
                    // What follows is done where the command has succeeded.
                    picked = words.get(end).is_some_and(|w| w.text == ";");
                    at = end + 1;
                }
                text if NAMES.contains(&text) => {
                    at += 1;
                    // A pattern that fits everything picks nothing; what is left out is little.
                    let all = value.is_some_and(|value| fits_all(&value.text));
                    picked = !negated && !all;
                    names.extend(value.filter(|_| picked).map(|value| (text, value)));
                }
                // Links, sockets and the like are few.
                "-type" | "-xtype" => {
                    at += 1;
                    plain |= value.is_some_and(|value| !value.text.contains('d'));
                    picked = value.is_some_and(|value| !value.text.contains(['f', 'd'])) && !negated;
                }
                text if TESTS.contains(&text) => {
                    at += 1;
                    picked = true;
                }
                text if BARE_TESTS.contains(&text) => picked = !negated,
                text if VALUES.contains(&text) => {
                    at += 1;
                    near |= text == "-maxdepth" && value.is_some_and(|value| value.text == "1");
                    deep |=
                        text == "-mindepth" && value.is_some_and(|value| !matches!(&*value.text, "0" | "1"));
                }
                _ => {}
            }
            if let Some(level) = levels.last_mut() {
                level.picks |= picked;
            }
            negated = false;
        }
        let printed = levels.first().is_none_or(|level| level.all && level.picks);
        self.selective = match (self.deletes, self.runs.is_empty()) {
            (true, _) => deletes_some,
            (false, false) => self.runs.iter().all(|(_, picked)| *picked),
            (false, true) => printed,
        };
        self.shallow = near && plain;
        for (test, value) in names {
            self.pick(test, value, plain || deep);
        }
    }

    /// Notes where something would be that is picked right below a root.
    fn pick(&mut self, test: &str, value: &Word, not_there: bool) {
        let pattern = |text: &str| {
            let mut word = Word::default();
            for c in text.chars() {
                if matches!(c, '*' | '?' | '[') { word.push_glob(c) } else { word.text.push(c) }
            }
            word
        };
        let Some(text) = value.known() else { return };
        let name = match test {
            "-name" | "-iname" if !not_there => text,
            "-path" | "-ipath" | "-wholename" | "-iwholename" => match text.strip_prefix("*/") {
                Some(rest) => rest,
                None => return self.picked.push(pattern(text)),
            },
            _ => return,
        };
        let here = Word::literal(".");
        let roots = if self.roots.is_empty() { vec![&here] } else { self.roots.clone() };
        for root in roots {
            let mut word = root.clone();
            word.text.push('/');
            word.push(&pattern(name));
            self.picked.push(word);
        }
    }
}

/// Says whether a pattern or a regular expression fits every name, or nearly.
fn fits_all(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.chars().all(|c| "*?.!^[]+$/\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_is_everything_or_a_selection() {
        for (line, roots, selective, deletes, runs) in [
            ("find . -delete", 1, false, true, 0),
            ("find -L a b -type f -delete", 2, false, true, 0),
            ("find . -name *.pyc -delete", 1, true, true, 0),
            ("find . ! -name .git -delete", 1, false, true, 0),
            ("find / -name * -exec rm -rf {} ;", 1, false, false, 1),
            ("find . -exec a {} + -exec b ; -print", 1, false, false, 2),
            ("find -empty -delete", 0, true, true, 0),
            ("find . ! -mtime -7 -delete", 1, true, true, 0),
            ("find . -user dev -delete", 1, false, true, 0),
            ("find . -xtype l -delete", 1, true, true, 0),
            ("find . ( -name a -o -name b ) -delete", 1, true, true, 0),
            ("find . ( -name a -o -type f ) -delete", 1, false, true, 0),
            ("find . -name a -o -delete", 1, false, true, 0),
            ("find . -name a -prune -o -type f -delete", 1, false, true, 0),
            ("find . -exec grep -q x {} ; -delete", 1, true, true, 1),
            ("find . -regex .*/.* -delete", 1, false, true, 0),
        ] {
            let words: Vec<Word> = line.split(' ').map(Word::literal).collect();
            let find = Find::parse(&words);
            assert_eq!(
                (find.roots.len(), find.selective, find.deletes, find.runs.len()),
                (roots, selective, deletes, runs),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_picked_by_name_is_told_as_paths() {
        for (line, picked) in [
            ("find . -name .git", vec!["./.git"]),
            ("find a b -iname x*", vec!["a/x*", "b/x*"]),
            ("find . -path ./.git/*", vec!["./.git/*"]),
            ("find . -path */.git/*", vec!["./.git/*"]),
            ("find . -type f -name .git", vec![]),
            ("find . -mindepth 2 -name .git", vec![]),
            ("find . ! -name .git", vec![]),
        ] {
            let words: Vec<Word> = line.split(' ').map(Word::literal).collect();
            let find = Find::parse(&words);
            let found: Vec<&str> = find.picked.iter().map(|w| w.text.as_str()).collect();
            assert_eq!(found, picked, "{line}");
        }
    }
}
