//! The calls in a program that write, copy or move a file.

use super::{Action, Language, Reader, Token, Value, lists, option, text};
use crate::shell::word::Word;

/// Calls that write the file that is their first argument.
const FIRST: &str = "writefile writefilesync appendfile appendfilesync createwritestream file_put_contents writetextfile \
    writetextfilesync outputfile outputfilesync outputjson outputjsonsync writejson writejsonsync file.write io.write \
    file.binwrite io.binwrite bun.write deno.writefile os.truncate fs.truncate truncatesync mkfifo";
/// Calls that write the file that they are a method of.
const METHODS: &str = "write_text write_bytes touch unlink";
/// Calls that copy their first argument to their second.
const COPIES: &str = "shutil.copy copy2 copyfile copyfilesync copysync cpsync copytree symlink symlinksync linksync \
    os.link fs.link fileutils.cp fileutils.cp_r fileutils.install ln_s ln_sf fs.cp fs.copy file.copy";
/// Calls that move what they are a method of, or their first argument, and of which nobody else tells.
const MOVES: &str = "rename os.replace";
/// Calls that end the process whose number is their first argument.
const KILLS: &str = "os.kill os.killpg process.kill";
/// Calls that open a file, to write or to read.
const OPENS: &str = "open fopen opensync file.open file.new io.open";

impl Reader<'_> {
    /// Notes what a call writes, as the commands that do the same.
    pub(super) fn writes(&mut self, name: &str, short: &str, whole: &str, at: usize, from: usize) {
        let called = |list: &str| lists(list, short) || lists(list, whole);
        if called(METHODS) && (short != "unlink" || self.mark(from + 1, ')')) {
            if let Some(file) = self.object(name, at) {
                self.note(if short == "unlink" { "rm" } else { "tee" }, [file]);
            }
            return;
        }
        if ![FIRST, COPIES, MOVES, OPENS, KILLS].into_iter().any(called) {
            return;
        }
        let Some(arguments) = self.arguments(from) else { return };
        let texts: Vec<&Word> = arguments.iter().filter_map(text).collect();
        if called(KILLS) {
            let process = arguments.first().and_then(text).cloned();
            self.note("kill", [process.unwrap_or_else(|| Word::unknown(false))]);
        } else if called(OPENS) {
            let flags = self.tokens[from..self.past(from).min(self.tokens.len())].iter().any(
                |token| matches!(token, Token::Name(flag) if flag.contains("O_WRONLY") || flag.contains("O_RDWR")),
            );
            let file = if flags {
                texts.first().map(|word| (*word).clone())
            } else {
                self.opened(name, at, &arguments)
            };
            if let Some(file) = file {
                self.note("tee", [file]);
            }
        } else if called(FIRST) {
            self.note("tee", texts.first().map(|word| (*word).clone()));
        } else if let [from, to, ..] = texts[..] {
            let program = if called(MOVES) {
                "mv"
            } else if short.contains("link") {
                "ln"
            } else {
                "cp"
            };
            self.note(program, [from.clone(), to.clone()]);
        } else if let ([to], true) = (&texts[..], called(MOVES)) {
            // `Path(from).rename(to)`
            if let Some(from) = self.object(name, at) {
                self.note("mv", [from, (*to).clone()]);
            }
        }
    }

    /// Notes what `print > "file"` of awk writes.
    pub(super) fn redirected(&mut self, file: &Word) {
        self.note("tee", [file.clone()]);
    }

    fn note(&mut self, program: &str, files: impl IntoIterator<Item = Word>) {
        let words: Vec<Word> = [program, "--"].map(Word::literal).into_iter().chain(files).collect();
        self.actions.push(Action::Command(words));
    }

    /// Returns the file that is opened for writing.
    fn opened(&self, name: &str, at: usize, arguments: &[Value]) -> Option<Word> {
        let texts: Vec<&Word> = arguments.iter().filter_map(text).collect();
        if self.language == Language::Perl {
            // `open(F, '>', "file")`, `open(F, ">file")`
            let from = texts.iter().position(|word| word.text.trim_start().starts_with(['>', '+']))?;
            let mode = texts[from];
            let len = mode.text.len() - mode.text.trim_start_matches(['>', '+', '<', ' ', '&']).len();
            return Some(if len < mode.text.len() && !mode.text[len..].starts_with(':') {
                mode.tail(len)
            } else {
                (*texts.get(from + 1)?).clone()
            });
        }
        let named = ["mode", "flags", "flag"].iter().find_map(|name| option(arguments, name)?.first());
        let writes = |word: &Word| {
            let mode = word.text.as_str();
            mode.len() <= 4
                && mode.contains(['w', 'a', 'x', '+', 'c'])
                && mode.chars().all(|c| "rwaxbtcU+".contains(c))
        };
        match (&texts[..], named) {
            ([file, ..], Some(mode)) if writes(mode) => Some((*file).clone()),
            ([file, mode, ..], None) if writes(mode) => Some((*file).clone()),
            // `Path(file).open('w')`
            ([mode], None) if writes(mode) => self.object(name, at),
            _ => None,
        }
    }

    /// Returns the text that a method is called on, where it is known: that of `Path("x").touch()`, or of a
    /// variable.
    pub(super) fn object(&self, name: &str, at: usize) -> Option<Word> {
        if let Some((object, _)) = name.rsplit_once('.') {
            return self.scope.constants.get(object).and_then(text).cloned();
        }
        let mut end = at.checked_sub(1).filter(|dot| self.mark(*dot, '.'))?;
        let last = end;
        let mut parts = Vec::new();
        loop {
            let close = end.checked_sub(1).filter(|close| self.mark(*close, ')'))?;
            let open = self.opening(close)?;
            let start = open.checked_sub(1).filter(|start| matches!(self.tokens[*start], Token::Name(_)));
            let Some((start, Token::Name(call))) = start.map(|start| (start, &self.tokens[start])) else {
                // `(Path.home() / "x").touch()`
                parts.push(text(&self.value(open + 1, 0).0)?.clone());
                break;
            };
            let inside = self.within(&self.tokens[..last]);
            parts.push(match call.rsplit('.').next().unwrap_or("") {
                "home" | "homedir" => Word::literal("~"),
                _ if open + 1 == close => Word::literal(""),
                _ => {
                    let mut whole = Word::default();
                    for value in inside.arguments(start + 1)? {
                        if !whole.text.is_empty() {
                            whole.push(&Word::literal("/"));
                        }
                        whole.push(text(&value)?);
                    }
                    whole
                }
            });
            match start.checked_sub(1).filter(|dot| self.mark(*dot, '.')) {
                Some(dot) => end = dot,
                None => break,
            }
        }
        let mut file = Word::default();
        for part in parts.iter().rev().filter(|part| !part.text.is_empty() || !part.marks.is_empty()) {
            if !file.text.is_empty() {
                file.push(&Word::literal("/"));
            }
            file.push(part);
        }
        Some(file)
    }

    /// Returns the place of the bracket that opens what one closes.
    pub(super) fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (0..=close).rev().find(|at| {
            match self.tokens[*at] {
                Token::Mark(')' | ']' | '}') => depth += 1,
                Token::Mark('(' | '[' | '{') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
    }

    /// Returns the path that a call is made on: `Path("x").rmtree()`, `path.rmtree`.
    pub(super) fn receiver(&self, name: &str, at: usize) -> Option<Value> {
        self.object(name, at).map(Value::Text)
    }

    /// Returns the place of the bracket that closes the one at a place.
    pub(super) fn past(&self, at: usize) -> usize {
        let mut depth = 0_usize;
        for (n, token) in self.tokens.iter().enumerate().skip(at) {
            match token {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return n;
                    }
                }
                _ => {}
            }
        }
        self.tokens.len()
    }
}
