//! Which files of the work tree a `git` command changes, as far as its command line says so.

use super::{Target, joined, lose, patch, write};
use crate::shell::{Call, Word};
use crate::world::World;

/// Options before the subcommand that take the next word as their value.
const GLOBAL_VALUES: [&str; 7] =
    ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env"];

/// Options of the subcommands that take the next word as their value.
const VALUES: [&str; 14] = [
    "-s",
    "--source",
    "-b",
    "-B",
    "--orphan",
    "-m",
    "--message",
    "--conflict",
    "--pathspec-from-file",
    "-e",
    "-o",
    "--output",
    "-f",
    "--file",
];

/// Returns the files that a command changes.
pub(super) fn changed(call: &Call<'_>, world: &dyn World) -> Vec<Target> {
    let Some(command) = Command::read(call) else { return Vec::new() };
    let paths = || command.operands.iter().map(|path| command.path(path));
    match command.name {
        "checkout" => paths().flat_map(replaced).collect(),
        "restore" if command.has('S', "--staged") && !command.has('W', "--worktree") => Vec::new(),
        "restore" => paths().flat_map(replaced).collect(),
        "stash" => {
            let sub = command.operands.first().map_or("push", |word| word.text.as_str());
            // `git stash -- PATH` is `git stash push -- PATH`.
            let from = usize::from(!command.operands.is_empty() && (sub == "push" || sub == "save"));
            let pushes = matches!(sub, "push" | "save") || command.ended;
            if pushes { paths().skip(from).flat_map(replaced).collect() } else { Vec::new() }
        }
        "checkout-index" if command.has('f', "--force") => paths().flat_map(replaced).collect(),
        "rm" if !command.has('n', "--dry-run") && !command.given("--cached") => {
            paths().map(|path| lose(&path, true)).collect()
        }
        "clean" if !command.has('n', "--dry-run") => paths().map(|path| lose(&path, true)).collect(),
        "mv" if !command.has('n', "--dry-run") => {
            let paths: Vec<Word> = paths().collect();
            let Some((into, sources)) = paths.split_last() else { return Vec::new() };
            let name = |path: &Word| Word::literal(super::file_name(path));
            let moved = sources.iter().map(|path| joined(into, &name(path))).chain([into.clone()]);
            sources.iter().map(|path| lose(path, true)).chain(moved.map(|path| write(&path))).collect()
        }
        "apply" | "am" => {
            let looks = ["--check", "--stat", "--numstat", "--summary", "--cached"];
            if looks.iter().any(|option| command.given(option)) && !command.given("--apply") {
                return Vec::new();
            }
            let directory = command.value("--directory").map(|word| command.path(&word));
            let directory = directory.or_else(|| command.base.clone());
            let files = command.operands.iter().map(|path| command.path(path));
            let mut named: Vec<Option<Word>> = files.map(Some).collect();
            if named.is_empty() {
                named.push(None);
            }
            let by = |file: &Option<Word>| patch::changed(call, file.as_ref(), directory.as_ref(), world);
            named.iter().flat_map(by).collect()
        }
        "clone" => paths().nth(1).map(|path| write(&path)).into_iter().collect(),
        "worktree" => paths().nth(1).map(|path| write(&path)).into_iter().collect(),
        "config" => ["-f", "--file"]
            .iter()
            .filter(|_| command.operands.len() > 1 || command.given("--unset") || command.given("-e"))
            .filter_map(|option| command.value(option))
            .map(|path| write(&command.path(&path)))
            .collect(),
        "archive" | "diff" | "log" | "show" | "format-patch" => ["-o", "--output", "--output-directory"]
            .iter()
            .filter_map(|option| command.value(option))
            .map(|path| write(&command.path(&path)))
            .collect(),
        "bundle" => paths().nth(1).map(|path| write(&path)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A file that gets other contents, or a directory in which files do.
fn replaced(path: Word) -> [Target; 2] {
    [write(&path), lose(&path, true)]
}

/// A `git` command.
struct Command<'a> {
    name: &'a str,
    args: &'a [Word],
    /// The directory that `-C` names.
    base: Option<Word>,
    operands: Vec<&'a Word>,
    /// A `--` stands before the operands.
    ended: bool,
}

impl<'a> Command<'a> {
    fn read(call: &Call<'a>) -> Option<Self> {
        let args = call.args();
        let (mut at, mut base) = (0, None::<Word>);
        let name = match call.name()?.strip_prefix("git-") {
            Some(name) => name,
            None => loop {
                let word = args.get(at)?;
                at += 1;
                if !word.text.starts_with('-') {
                    break word.known()?;
                }
                if matches!(word.text.as_str(), "-C" | "--work-tree") {
                    let dir = args.get(at)?;
                    base = Some(base.map_or_else(|| dir.clone(), |base| joined(&base, dir)));
                } else if let Some(dir) = word.text.strip_prefix("--work-tree=") {
                    base = Some(word.tail(word.text.len() - dir.len()));
                }
                at += usize::from(GLOBAL_VALUES.contains(&word.text.as_str()));
            },
        };
        let args = &args[at..];
        let mut command = Self { name, args, base, operands: Vec::new(), ended: false };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            if command.ended || !text.starts_with('-') {
                command.operands.push(word);
            } else if text == "--" {
                command.ended = true;
            } else if VALUES.contains(&text) && !(text == "-f" && name != "config") {
                words.next();
            }
        }
        Some(command)
    }

    fn given(&self, option: &str) -> bool {
        self.args.iter().take_while(|word| word.text != "--").any(|word| word.text == option)
    }

    fn has(&self, letter: char, long: &str) -> bool {
        let short = |word: &Word| {
            let letters = crate::rules::options::bundle(&word.text);
            letters.is_some_and(|letters| letters.contains(letter))
        };
        self.given(long) || self.args.iter().take_while(|word| word.text != "--").any(short)
    }

    fn value(&self, option: &str) -> Option<Word> {
        self.args.iter().enumerate().find_map(|(at, word)| match word.text.strip_prefix(option) {
            Some("") => self.args.get(at + 1).cloned(),
            Some(value) if value.starts_with('=') => Some(word.tail(option.len() + 1)),
            _ => None,
        })
    }

    /// Returns a path or a pathspec as the shell would write it.
    fn path(&self, word: &Word) -> Word {
        let mut text = word.clone();
        // `:/x`, `:(top)x` and `:(icase)x`
        if word.text.starts_with(':') && word.marks.is_empty() {
            let rest = word.text[1..].trim_start_matches(['/', ':']);
            let rest =
                rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
            text = Word::literal(rest);
        }
        if text.marks.is_empty() && text.text.contains(['*', '?']) {
            let mut pattern = Word::default();
            for c in text.text.chars() {
                if matches!(c, '*' | '?') { pattern.push_glob(c) } else { pattern.text.push(c) }
            }
            text = pattern;
        }
        self.base.as_ref().map_or_else(|| text.clone(), |base| joined(base, &text))
    }
}
