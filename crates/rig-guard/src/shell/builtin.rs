//! What commands do to the shell that runs them, and what some of them print.

use super::escape::unescape;
use super::find::Find;
use super::word::Word;
use super::{Flow, Shell, absolute, wrap};

/// Commands that print nothing that could become a part of another command.
const SILENT: [&str; 26] = [
    ":", "true", "false", "cd", "pushd", "popd", "export", "declare", "typeset", "local", "readonly",
    "unset", "set", "shift", "read", "test", "[", "mkdir", "rm", "touch", "sleep", "wait", "exit", "return",
    "shopt", "trap",
];

impl Shell<'_> {
    /// Follows what a command does to the directory, the variables and the parameters.
    pub(super) fn apply(&mut self, name: &str, args: &[Word]) {
        match name {
            "cd" | "pushd" => {
                let target =
                    args.iter().find(|w| !matches!(w.text.as_str(), "-P" | "-L" | "-e" | "-@" | "--"));
                self.scope.cwd = match target {
                    None => self.lookup("HOME").and_then(|home| home.known().map(str::to_owned)),
                    Some(word) if word.marks.is_empty() && word.text != "-" => {
                        absolute(self.scope.cwd.as_deref(), &word.text)
                    }
                    Some(_) => None,
                };
            }
            "popd" => self.scope.cwd = None,
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                for (name, value) in args.iter().filter_map(wrap::assignment) {
                    self.assign(&name, value);
                }
            }
            "unset" => {
                for word in args {
                    self.assign(&word.text, Word::default());
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" => {
                for word in args.iter().filter(|w| !w.text.starts_with('-')) {
                    self.assign(&word.text, Word::unknown(true));
                }
            }
            "printf" if args.first().is_some_and(|w| w.text == "-v") => {
                if let Some(variable) = args.get(1) {
                    let value = printf(args.get(2..).unwrap_or_default()).unwrap_or(Word::unknown(true));
                    self.assign(&variable.text, value);
                }
            }
            "set" => {
                if let Some(at) = args.iter().position(|w| w.text == "--") {
                    self.scope.positional = Some(args[at + 1..].to_vec());
                }
            }
            "shift" => {
                let count = args.first().map_or(Ok(1), |w| w.text.parse::<usize>());
                self.scope.positional = match (self.scope.positional.take(), count) {
                    (Some(words), Ok(count)) => Some(words.get(count..).unwrap_or_default().to_vec()),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    /// Returns what a command prints, as far as that is known without running it.
    pub(super) fn printed(&mut self, name: &str, words: &[Word], input: Option<&Word>) -> Flow<Word> {
        let args = &words[1..];
        let known = |n: usize| args.get(n).and_then(Word::known);
        let line = |text: String| Word::literal(text + "\n");
        let printed = match name {
            "echo" => Some(echo(args)),
            "printf" => printf(args),
            "cat" | "tee" => {
                let through = name == "tee" || args.iter().all(|w| w.text == "-");
                if through { input.cloned() } else { None }
            }
            "find" => found(words),
            "pwd" => self.scope.cwd.clone().map(line),
            "mktemp" => Some(line("/tmp/tmp.XXXXXXXXXX".to_owned())),
            "git" if known(0) == Some("rev-parse") && known(1) == Some("--show-toplevel") => {
                self.scope.cwd.as_deref().and_then(|cwd| self.world.git_top(cwd)).map(line)
            }
            "realpath" => known(args.len().wrapping_sub(1)).and_then(|path| self.path(path)).map(line),
            "readlink" if known(0).is_some_and(|option| option.contains('f')) => {
                known(1).and_then(|path| self.path(path)).map(line)
            }
            "dirname" => known(0).map(|path| line(parent(path).to_owned())),
            "basename" if args.len() == 1 => {
                known(0).map(|path| line(path.rsplit('/').next().unwrap_or(path).to_owned()))
            }
            "which" => known(0).map(|name| line(name.to_owned())),
            "command" if known(0) == Some("-v") => known(1).map(|name| line(name.to_owned())),
            name if SILENT.contains(&name) => Some(Word::default()),
            _ => None,
        };
        let printed = printed.unwrap_or(Word::unknown(true));
        self.charge(printed.text.len())?;
        Ok(printed)
    }

    fn path(&self, path: &str) -> Option<String> {
        absolute(self.scope.cwd.as_deref(), path)
    }
}

fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    }
}

/// Returns the places where a `find` starts, as far as it prints everything in them.
pub(super) fn found(words: &[Word]) -> Option<Word> {
    let find = Find::parse(words);
    let mut printed = Word::default();
    for root in if find.selective { Vec::new() } else { find.roots } {
        printed.push(root);
        printed.text.push('\n');
    }
    printed.push_unknown(true, false);
    Some(printed)
}

fn echo(args: &[Word]) -> Word {
    let is_option = |w: &&Word| {
        w.marks.is_empty()
            && w.text
                .strip_prefix('-')
                .is_some_and(|o| !o.is_empty() && o.bytes().all(|b| b"neE".contains(&b)))
    };
    let options: Vec<&Word> = args.iter().take_while(is_option).collect();
    let has = |c| options.iter().any(|w| w.text.contains(c));
    let mut printed = Word::default();
    for (n, word) in args.iter().skip(options.len()).enumerate() {
        if n > 0 {
            printed.text.push(' ');
        }
        if has('e') { printed.push(&unescaped(word)) } else { printed.push(word) }
    }
    if !has('n') {
        printed.text.push('\n');
    }
    printed
}

/// Follows a format of text, `%s` and `%b`; `None` for others.
fn printf(args: &[Word]) -> Option<Word> {
    let (format, args) = args.split_first()?;
    let format = unescape(format.known()?);
    let mut args = args.iter();
    let mut printed = Word::default();
    loop {
        let mut rest = format.as_str();
        let mut used = false;
        while let Some(at) = rest.find('%') {
            printed.text.push_str(&rest[..at]);
            let conversion = *rest.as_bytes().get(at + 1)?;
            match conversion {
                b'%' => printed.text.push('%'),
                b's' | b'b' | b'd' | b'q' => {
                    if let Some(word) = args.next() {
                        used = true;
                        if conversion == b'b' { printed.push(&unescaped(word)) } else { printed.push(word) }
                    }
                }
                _ => return None,
            }
            rest = &rest[at + 2..];
        }
        printed.text.push_str(rest);
        if args.len() == 0 || !used {
            return Some(printed);
        }
    }
}

/// Replaces escapes in a word that is known; others are left as they are.
fn unescaped(word: &Word) -> Word {
    match word.known() {
        Some(text) => Word::literal(unescape(text)),
        None => word.clone(),
    }
}
