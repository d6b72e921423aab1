//! The command line of `find`, as far as it says what happens to which files.

use std::ops::Range;

use super::word::Word;

/// A `find` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find<'a> {
    /// Where it starts.
    pub roots: Vec<&'a Word>,
    /// A test picks some of the files; without one it is about everything.
    pub selective: bool,
    /// It deletes what it finds.
    pub deletes: bool,
    /// The commands that it runs, as ranges of the words.
    pub runs: Vec<Range<usize>>,
}

/// Tests that pick files by more than their type, with a value behind them.
const TESTS: [&str; 33] = [
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
    "-user",
    "-group",
    "-uid",
    "-gid",
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

impl<'a> Find<'a> {
    /// Reads the words of a `find` command, its name included.
    #[must_use]
    pub fn parse(words: &'a [Word]) -> Self {
        let mut find = Self { roots: Vec::new(), selective: false, deletes: false, runs: Vec::new() };
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
        let mut negated = false;
        while let Some(word) = words.get(at) {
            let text = word.text.as_str();
            at += 1;
            match text {
                "!" | "-not" => {
                    negated = true;
                    continue;
                }
                "-delete" => find.deletes = true,
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let ends = |(n, w): (usize, &Word)| {
                        w.text == ";" || w.text == "+" && n > 0 && words[at + n - 1].text == "{}"
                    };
                    let len = words[at..].iter().enumerate().position(ends);
                    let end = len.map_or(words.len(), |len| at + len);
                    find.runs.push(at..end);
                    at = end + 1;
                }
                text if TESTS.contains(&text) => {
                    // A pattern that fits everything picks nothing.
                    let all = words.get(at).is_some_and(|value| matches!(value.text.as_str(), "*" | ".*"));
                    find.selective |= !negated && !all;
                    at += 1;
                }
                text if BARE_TESTS.contains(&text) => find.selective |= !negated,
                "-type" | "-xtype" | "-maxdepth" | "-mindepth" | "-printf" | "-fprint" | "-fprint0" => {
                    at += 1
                }
                _ => {}
            }
            negated = false;
        }
        find
    }
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
}
