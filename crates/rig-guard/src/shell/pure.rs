//! What commands print that only depends on their words and their input.

use super::escape::unescape_until_stop;
use super::filter;
use super::find::Find;
use super::printf::printf;
use super::state::Item;
use super::syntax::Command;
use super::word::Word;
use super::{Flow, Shell};
use crate::index::Index;
use crate::rules::db::{client, pieces};

/// Commands that print nothing that could become a part of another command.
const SILENT: [&str; 14] = [
    "mkdir", "rm", "touch", "sleep", "wait", "shopt", "chmod", "cp", "mv", "ln", "rmdir", "hash", "umask",
    "kill",
];
/// The most numbers that `seq` is followed for.
const MAX_SEQUENCE: i64 = 2_000;

/// Programs that print what they make of their input.
const FILTERS: &str = "awk gawk mawk cat tee base64 base32 gbase64 openssl basenc rev tr xxd cut sed head tail sort uniq tac \
    pv fold paste gzip gunzip zcat gzcat pigz unpigz zlib-flate uncompress";

/// Which names may be among [`FILTERS`].
static FILTERED: Index<64> = {
    let mut index = Index::new();
    index.add_list(FILTERS, 0);
    index
};

impl Shell<'_> {
    /// Returns what a command prints, as far as that is known without running it.
    pub(super) fn printed(&mut self, name: &str, words: &[Word]) -> Flow<Option<Word>> {
        let args = &words[1..];
        let known = |n: usize| args.get(n).and_then(Word::known);
        let line = |text: String| Word::literal(text + "\n");
        let last = || args.last().and_then(Word::known);
        Ok(match name {
            "echo" => Some(echo(args)),
            "printf" => printf(args),
            "find" => Some(found(words)),
            "pwd" => match self.scalar("PWD") {
                Item::Text(word) if args.iter().any(|option| option.text.contains('P')) => {
                    self.physical(&word).map(line)
                }
                Item::Text(mut word) => {
                    word.text.push('\n');
                    Some(word)
                }
                _ => None,
            },
            "mktemp" => Some(line("/tmp/tmp.XXXXXXXXXX".to_owned())),
            "git" => self.repository(args).map(line),
            "hg" | "jj" | "sl" | "npm"
                if args.len() == 1 && known(0) == Some(if name == "npm" { "prefix" } else { "root" }) =>
            {
                self.directory().and_then(|cwd| self.work_tree(&cwd)).map(line)
            }
            "realpath" => args.last().and_then(|path| self.led(path)).map(line),
            "readlink" => match known(0) {
                Some(option) if option.starts_with('-') && option.contains(['f', 'm', 'e']) => {
                    args.get(1).and_then(|path| self.led(path)).map(line)
                }
                // Of a file that is no link it prints nothing.
                _ => {
                    let path = args.last().and_then(|path| Some((self.path(path)?, self.led(path)?)));
                    path.filter(|(path, led)| path != led).map(|(_, led)| line(led))
                }
            },
            "dirname" => last().map(|path| line(parent(path).to_owned())),
            "basename" => base(args).map(line),
            // Where the rig's programs are is known.
            "which" | "type" | "command" => {
                last().map(|name| line(self.world.outline().program(name).unwrap_or_else(|| name.to_owned())))
            }
            "printenv" if args.len() == 1 => match known(0).map(|name| self.scalar(name)) {
                Some(Item::Text(mut word)) => {
                    word.text.push('\n');
                    Some(word)
                }
                _ => None,
            },
            "whoami" => None,
            "seq" => sequence(args),
            "expr" => {
                let texts: Option<Vec<&str>> = args.iter().map(Word::known).collect();
                match texts {
                    Some(texts) if texts.len() % 2 == 1 => {
                        self.evaluate(&texts.join(" "))?.map(|n| line(n.to_string()))
                    }
                    _ => None,
                }
            }
            "kubectl" | "oc" | "k" => crate::rules::k8s::names(args),
            "grep" | "egrep" | "head" | "tail"
                if self.input().is_some_and(|input| input.known().is_none()) =>
            {
                self.input().map(|input| uncertain(&input))
            }
            name if SILENT.contains(&name) => Some(Word::default()),
            name if let Some(client) = client::find(name) => pieces::printed(client, args),
            name => self.filtered(name, args)?,
        })
    }

    /// Returns what `git rev-parse` says about the repository.
    fn repository(&mut self, args: &[Word]) -> Option<String> {
        let texts: Vec<&str> = args.iter().map(Word::known).collect::<Option<_>>()?;
        let mut directory = None;
        let mut at = 0;
        while let Some(option) = texts.get(at).filter(|text| text.starts_with('-')) {
            let value = matches!(*option, "-C" | "-c" | "--git-dir" | "--work-tree");
            if *option == "-C" {
                directory = self.path(args.get(at + 1)?);
            } else if value || option.starts_with("--git-dir=") || option.starts_with("--work-tree=") {
                return None;
            }
            at += 1 + usize::from(value);
        }
        let ("rev-parse", asked) = (*texts.get(at)?, &texts[at + 1..]) else { return None };
        let cwd = directory.or_else(|| self.directory())?;
        let mut asked = asked.iter().filter(|text| !text.starts_with("--path-format=") && **text != "-q");
        let what = *asked.next()?;
        let top = self.work_tree(&cwd)?;
        Some(match what {
            "--show-toplevel" => top,
            "--git-dir" | "--absolute-git-dir" | "--git-common-dir" => format!("{top}/.git"),
            "--git-path" => format!("{top}/.git/{}", asked.next()?),
            "--show-cdup" => "../".repeat(cwd.strip_prefix(&*top)?.matches('/').count()),
            _ => return None,
        })
    }

    /// Returns the top directory of the working copy that a directory is in. Where none is found, but the
    /// directory is in the project, it is the project's.
    fn work_tree(&self, dir: &str) -> Option<String> {
        let inside =
            |root: &String| dir.strip_prefix(&**root).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        let project = || self.world.roots().into_iter().filter(inside).max_by_key(String::len);
        self.world.git_top(dir).or_else(project)
    }

    /// Expands words, and returns them as lines.
    pub(super) fn lines(&mut self, written: &[String]) -> Flow<Word> {
        let mut words = Vec::new();
        written.iter().try_for_each(|written| self.words(written, &mut words))?;
        let mut lines = Word::default();
        for word in &words {
            lines.push(word);
            lines.text.push('\n');
        }
        Ok(lines)
    }

    /// Returns what a command may print of which its words say something, besides what it prints for sure.
    pub(super) fn may_print(&mut self, name: &str, words: &[Word]) -> Option<Word> {
        match name {
            _ if self.picked => None,
            "git" => crate::rules::listed_branches(&words[1..], self.world.policy()),
            "kubectl" | "oc" | "k" => crate::rules::k8s::manifests(&words[1..]),
            _ => None,
        }
    }

    /// Returns what a filter makes of its input.
    fn filtered(&mut self, name: &str, args: &[Word]) -> Flow<Option<Word>> {
        if FILTERED.of(name).is_empty() || !FILTERS.split(' ').any(|filter| filter == name) {
            return Ok(None);
        }
        let Some(texts) = args.iter().map(Word::known).collect::<Option<Vec<&str>>>() else {
            return Ok(None);
        };
        let (input, texts) = match name {
            "tr" | "tee" | "awk" | "gawk" | "mawk" => (self.input(), texts),
            _ => self.sources(name, &texts)?,
        };
        let Some(input) = input else { return Ok(None) };
        if matches!(name, "cat" | "tee" | "pv" | "sort" | "uniq") {
            return Ok(Some(input));
        }
        Ok(match input.known() {
            Some(text) => filter::made(name, &texts, text).map(|text| Word::literal(text.replace('\0', ""))),
            None => filter::of_lines(name, &texts, &input),
        })
    }

    /// Returns what stands in the files that are named, or on the standard input, and the other
    /// arguments.
    fn sources<'t>(&mut self, name: &str, texts: &[&'t str]) -> Flow<(Option<Word>, Vec<&'t str>)> {
        let mut input = Word::default();
        let (mut named, mut unknown) = (false, false);
        let mut rest = Vec::new();
        let mut value = false;
        for text in texts {
            let takes =
                matches!(*text, "-c" | "-n" | "-w" | "-d" | "-f" | "-b" | "-k" | "-t" | "-in" | "-e" | "-l");
            let script = name == "sed" && !rest.iter().any(|t: &&str| !t.starts_with('-'));
            let plain = !text.starts_with('-') || *text == "-";
            let named_input = rest.last() == Some(&"-in");
            let file = if name == "openssl" { named_input } else { !value && !script };
            if plain && file {
                named = true;
                let found = if *text == "-" {
                    self.input()
                } else {
                    match self.contents(&Word::literal(*text)) {
                        Item::Text(word) => Some(word),
                        _ => None,
                    }
                };
                match found {
                    Some(word) => input.push(&word),
                    None => unknown = true,
                }
            } else {
                rest.push(*text);
            }
            // `base64 -d FILE`, but `cut -d :`
            value = takes && (*text != "-d" || matches!(name, "cut" | "paste"));
        }
        Ok(if !named {
            (self.input(), rest)
        } else if unknown {
            (None, rest)
        } else {
            (Some(input), rest)
        })
    }
}

/// Returns the lines of which not everything is known: whatever is chosen of a text, it may be one of these.
fn uncertain(text: &Word) -> Word {
    let mut kept = Word::default();
    for line in text.split('\n').filter(|line| line.known().is_none()) {
        kept.push(&line);
        kept.text.push('\n');
    }
    kept
}

fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent.trim_end_matches('/'),
        None if path.starts_with('/') => "/",
        None => ".",
    }
}

fn base(args: &[Word]) -> Option<String> {
    let (path, suffix) = match args {
        [path] => (path.known()?, ""),
        [path, suffix] if !path.text.starts_with('-') => (path.known()?, suffix.known()?),
        _ => return None,
    };
    let trimmed = path.trim_end_matches('/');
    let name = if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed.rsplit('/').next()? };
    Some(name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned())
}

/// Returns the arguments of an `ls` that hands names to a command which takes some.
fn listed_to<'c>(command: &'c Command, next: &[Command]) -> Option<&'c [String]> {
    let Command::Simple(ls) = command else { return None };
    let takes_names = match next {
        [Command::Simple(next)] => {
            let tools = ["xargs", "gxargs", "parallel", "sudo", "env", "time"];
            next.words.first().is_some_and(|name| tools.contains(&name.as_str()))
        }
        [Command::Loop { .. }] => true,
        _ => false,
    };
    let (name, args) = ls.words.split_first()?;
    (takes_names && name == "ls" && ls.redirects.is_empty()).then_some(args)
}

/// Returns the patterns of `ls -d PATTERN...`, which prints what they mean, where it hands that on.
pub(super) fn listed<'c>(command: &'c Command, next: &[Command]) -> Option<&'c [String]> {
    let args = listed_to(command, next)?;
    let options = args.iter().take_while(|arg| arg.starts_with('-')).count();
    let itself = args[..options].iter().any(|arg| !arg.starts_with("--") && arg.contains('d'));
    let patterns = args.get(options..).filter(|patterns| itself && !patterns.is_empty())?;
    // What it prints is asked for by other code as well.
    patterns.iter().all(|pattern| !pattern.contains(['$', '`', '('])).then_some(patterns)
}

/// Returns what `ls` hands to a command that takes names, as a pattern. It is not what it prints
/// anywhere else: that may be nothing, and code asks for it.
pub(super) fn listing(command: &Command, next: &[Command]) -> Option<Word> {
    let args = listed_to(command, next)?;
    let mut printed = Word::default();
    let mut hidden = false;
    for (n, arg) in args.iter().enumerate() {
        let option = arg.starts_with('-') && arg[1..].bytes().all(|b| b"1AaUtrSXvhqN".contains(&b));
        let directory =
            n + 1 == args.len() && arg.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-~".contains(&b));
        if !option && (arg.starts_with('-') || !directory) {
            return None;
        }
        hidden |= option && arg.contains(['A', 'a']);
    }
    for dot in [false, true].into_iter().take(1 + usize::from(hidden)) {
        if dot {
            printed.text.push('.');
        }
        printed.push_glob('*');
        printed.text.push('\n');
    }
    Some(printed)
}

/// Returns the places where a `find` starts, as far as it prints everything in them.
fn found(words: &[Word]) -> Word {
    let find = Find::parse(words);
    let mut printed = Word::default();
    let only = |kind| words.windows(2).any(|pair| pair[0].text == "-type" && pair[1].text == kind);
    for path in if find.selective { Vec::new() } else { find.all() } {
        let plain = path.marks.is_empty();
        if !only("f") || !plain {
            printed.push(&path);
            printed.text.push('\n');
        }
        // What is in there, too.
        if plain && !only("d") {
            printed.push(&path);
            printed.text.push('/');
            // However deep it is.
            printed.push_glob('*');
            printed.push_glob('*');
            printed.text.push('\n');
        }
    }
    printed.push_unknown(true, false);
    printed
}

fn echo(args: &[Word]) -> Word {
    let is_option = |w: &&Word| {
        w.marks.is_empty()
            && w.text
                .strip_prefix('-')
                .is_some_and(|o| !o.is_empty() && o.bytes().all(|b| b"neE".contains(&b)))
    };
    let options: Vec<&Word> = args.iter().take_while(is_option).collect();
    let letters: String = options.iter().map(|w| &w.text[1..]).collect();
    let escapes = letters.rfind('e').is_some_and(|e| letters.rfind('E').is_none_or(|other| other < e));
    let mut printed = Word::default();
    for (n, word) in args.iter().skip(options.len()).enumerate() {
        if n > 0 {
            printed.text.push(' ');
        }
        match word.known().filter(|_| escapes) {
            Some(text) => {
                let (text, stop) = unescape_until_stop(text);
                printed.push(&Word::literal(text));
                if stop {
                    return printed;
                }
            }
            None => printed.push(word),
        }
    }
    if !letters.contains('n') {
        printed.text.push('\n');
    }
    printed
}

fn sequence(args: &[Word]) -> Option<Word> {
    let mut separator = "\n";
    let mut numbers = Vec::new();
    let mut args = args.iter().map(Word::known);
    while let Some(text) = args.next() {
        match text? {
            "-s" => separator = args.next()??,
            "-w" => return None,
            text if text.starts_with("-s") => separator = &text[2..],
            text => numbers.push(text.parse::<i64>().ok()?),
        }
    }
    let (first, step, last) = match numbers[..] {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, step, last] => (first, step, last),
        _ => return None,
    };
    let count = last.checked_sub(first)?.checked_div(step)?;
    if count > MAX_SEQUENCE {
        return None;
    }
    let texts: Vec<String> = (0..=count).map(|n| (first + n * step).to_string()).collect();
    Some(Word::literal(if texts.is_empty() { String::new() } else { texts.join(separator) + "\n" }))
}
