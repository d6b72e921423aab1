//! Which files a command changes, as far as its command line says so.

use super::options::{bundle, split_long};
use crate::shell::{Call, Find, Word};

/// A file that a command changes.
#[derive(Debug)]
pub(super) struct Target {
    /// Its path.
    pub(super) path: Word,
    /// What happens to it.
    pub(super) change: Change,
    /// It happens to everything below it as well.
    pub(super) below: bool,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It gets new contents.
    Write,
    /// It goes away, is emptied, or gets other permissions.
    Lose,
}

/// The programs whose command lines [`targets`] reads.
pub(super) const PROGRAMS: [&str; 49] = [
    "tee", "sponge", "ed", "ex", "vi", "vim", "nvim", "nano", "emacs", "touch", "tar", "bsdtar", "unzip",
    "mount", "umount", "rename", "mkfifo", "patch", "truncate", "shred", "unlink", "rm", "rmdir", "mv", "cp",
    "install", "ln", "rsync", "scp", "link", "chmod", "chown", "chgrp", "chattr", "setfacl", "dd", "sed",
    "gsed", "perl", "ruby", "find", "sort", "curl", "wget", "git", "awk", "gawk", "jq", "yq",
];

/// Returns the files that a command changes.
pub(super) fn targets(call: &Call<'_>) -> Vec<Target> {
    let write = |path: &Word| Target { path: path.clone(), change: Change::Write, below: false };
    let lose = |path: &Word, below| Target { path: path.clone(), change: Change::Lose, below };
    let mut targets: Vec<Target> = call.writes().map(write).collect();
    let line = Line::read(call.args());
    let operands = || line.operands.iter().copied();
    match call.name().unwrap_or("") {
        "tee" | "sponge" | "ed" | "ex" | "vi" | "vim" | "nvim" | "nano" | "emacs" | "patch" | "touch"
        | "mkfifo" => targets.extend(operands().map(write)),
        "truncate" | "shred" | "unlink" | "rmdir" | "rename" | "umount" => {
            targets.extend(operands().map(|p| lose(p, false)))
        }
        "rm" => {
            let recursive = line.has("rR", "recursive");
            targets.extend(operands().map(|p| lose(p, recursive)));
        }
        "mv" => {
            let (sources, into) = line.copied();
            targets.extend(sources.iter().map(|p| lose(p, true)));
            targets.extend(into);
        }
        "rsync" if line.has("n", "dry-run") => {}
        "cp" | "install" | "rsync" | "scp" => targets.extend(line.copied().1),
        // A link to a file is another name under which it can be changed.
        "ln" | "link" => {
            let (sources, into) = line.copied();
            targets.extend(sources.iter().map(|p| lose(p, false)));
            targets.extend(into);
        }
        "mount" => targets.extend(operands().map(|p| lose(p, true))),
        "tar" | "bsdtar" | "unzip" => targets.extend(unpacked_into(call.args()).map(write_in)),
        "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" => {
            // Who takes a directory away from its owner takes everything in it.
            let all = line.has("R", "recursive") || call.args().iter().any(|word| locks_out(&word.text));
            targets.extend(operands().map(|p| lose(p, all)));
        }
        "dd" => targets.extend(
            call.args().iter().filter(|w| w.text.starts_with("of=")).map(|w| write(&w.tail("of=".len()))),
        ),
        "sed" | "gsed" | "perl" | "ruby" if line.has("i", "in-place") => {
            targets.extend(operands().map(write))
        }
        "yq" | "gawk" | "awk" if line.has("i", "inplace") => targets.extend(operands().map(write)),
        "find" => {
            let find = Find::parse(call.words);
            if find.deletes {
                targets.extend(find.roots.iter().map(|p| lose(p, true)));
            }
        }
        "sort" | "curl" | "wget" => {
            let names = ["-o", "-O", "--output", "--output-document"];
            let values = call.args().windows(2).filter(|pair| names.contains(&pair[0].text.as_str()));
            targets.extend(values.map(|pair| write(&pair[1])));
        }
        _ => {}
    }
    targets
}

/// Returns the directories into which an archive is unpacked, where they are named.
fn unpacked_into(args: &[Word]) -> impl Iterator<Item = Word> {
    let long = |word: &Word| {
        let at = word.text.strip_prefix("--directory=").map(|value| word.text.len() - value.len());
        at.map(|at| word.tail(at))
    };
    let pairs = args.windows(2).filter(|pair| matches!(pair[0].text.as_str(), "-C" | "-d" | "--directory"));
    let bundled = args.windows(2).filter(|pair| {
        bundle(&pair[0].text).is_some_and(|letters| letters.len() > 1 && letters.ends_with('C'))
    });
    let values: Vec<Word> =
        args.iter().filter_map(long).chain(pairs.chain(bundled).map(|pair| pair[1].clone())).collect();
    values.into_iter()
}

/// Returns everything in a directory as a target, whatever its name.
fn write_in(mut directory: Word) -> Target {
    directory.push(&Word::literal("/"));
    directory.push_glob('*');
    Target { path: directory, change: Change::Write, below: false }
}

/// Says whether a mode takes the right to read or to search from a directory's owner.
fn locks_out(mode: &str) -> bool {
    if mode.len() >= 3 && mode.len() <= 5 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        let owner = mode.as_bytes()[mode.len() - 3] - b'0';
        return owner & 5 != 5;
    }
    mode.split(',').any(|clause| {
        let Some((who, rights)) = clause.split_once(['-', '=']) else { return false };
        let owner = who.is_empty() || who.contains(['u', 'a']);
        let takes = clause.contains('-') && rights.contains(['x', 'r']);
        let sets = clause.contains('=') && !(rights.contains('x') && rights.contains('r'));
        owner
            && who.chars().all(|c| "ugoa".contains(c))
            && rights.chars().all(|c| "rwxXst".contains(c))
            && (takes || sets)
    })
}

/// A command line, split into options and operands without knowing the program.
struct Line<'a> {
    letters: String,
    long: Vec<&'a str>,
    operands: Vec<&'a Word>,
    /// The value of `-t` and `--target-directory`.
    directory: Option<Word>,
}

impl<'a> Line<'a> {
    fn read(args: &'a [Word]) -> Self {
        let mut line =
            Self { letters: String::new(), long: Vec::new(), operands: Vec::new(), directory: None };
        let mut args = args.iter();
        let mut ended = false;
        while let Some(word) = args.next() {
            let text = word.text.as_str();
            if ended || !text.starts_with('-') {
                line.operands.push(word);
            } else if text == "--" {
                ended = true;
            } else if let Some((name, value)) = split_long(text) {
                if name == "target-directory" {
                    line.directory =
                        value.map_or_else(|| args.next().cloned(), |v| Some(word.tail(text.len() - v.len())));
                }
                line.long.push(name);
            } else if let Some(letters) = bundle(text) {
                if letters.ends_with('t') {
                    // For programs without such an option this takes an operand away from nothing.
                    line.directory = args.clone().next().cloned();
                }
                line.letters.push_str(letters);
            }
        }
        line
    }

    fn has(&self, letters: &str, long: &str) -> bool {
        self.letters.contains(|c| letters.contains(c)) || self.long.iter().any(|name| long.starts_with(name))
    }

    /// Reads `SOURCE... DESTINATION`: the sources, and what is written.
    fn copied(&self) -> (Vec<&'a Word>, Vec<Target>) {
        let write = |path: Word, below| Target { path, change: Change::Write, below };
        let (sources, destination) = match (&self.directory, self.operands.split_last()) {
            (Some(directory), _) => (self.operands.clone(), directory.clone()),
            (None, Some((last, sources))) => (sources.to_vec(), (*last).clone()),
            (None, None) => return (Vec::new(), Vec::new()),
        };
        let mut targets = vec![write(destination.clone(), false)];
        for source in &sources {
            // Into a directory; with a `/` or `/.` at its end, rsync and cp mean what is in it.
            let text = source.text.as_str();
            let name = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text);
            let contents = text.ends_with('/') || name == ".";
            if contents {
                targets.push(write(destination.clone(), true));
            }
            if !name.is_empty() && name != "." {
                let mut inside = destination.clone();
                inside.push(&Word::literal(format!("/{name}")));
                targets.push(write(inside, true));
            }
        }
        (sources, targets)
    }
}
