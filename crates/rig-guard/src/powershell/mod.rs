//! PowerShell, as far as it runs programs, deletes and writes.
//!
//! Code is read once, from its beginning to its end, and told again in the words of a shell, which
//! the walk through shell code then follows: `Remove-Item -Recurse ~` becomes `rm -rf -- /home/dev`.
//! Variables hold what they were given as a literal; what is not literal is unknown, with a hole in
//! its place. Blocks are taken to run, whatever their condition says.

mod arguments;
mod cmd;
mod cmdlets;
mod expression;
mod files;
mod functions;
mod parameters;
mod pure;
mod read;
mod text;

use std::collections::BTreeMap;

pub(crate) use cmd::translate as batch;

use crate::shell::Word;
use read::program;

/// How deep brackets and code in code may be nested.
const MAX_DEPTH: usize = 48;
/// How many statements are read, those of a loop once for each round.
const MAX_STEPS: usize = 10_000;
/// How long the shell code may get, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// How many rounds of a loop are followed.
const MAX_ROUNDS: usize = 16;

/// The code is none, or more than is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

type Read<T = ()> = Result<T, Unreadable>;

/// A value: any number of texts.
type Value = Vec<Word>;

/// A table: names with their values.
type Table = Vec<(String, Value)>;

/// What holds for the whole of the code.
#[derive(Debug, Default)]
struct Scope {
    /// The variables that were assigned, by their names in small letters.
    variables: BTreeMap<String, Value>,
    /// What other names commands were given.
    aliases: BTreeMap<String, Word>,
    functions: BTreeMap<String, functions::Function>,
    /// The functions that are being run.
    active: Vec<String>,
    /// Tables that variables hold, and the last one that was read.
    tables: BTreeMap<String, Table>,
    table: Option<Table>,
    home: Option<String>,
    /// The shell code.
    out: String,
    depth: usize,
    steps: usize,
}

/// Tells PowerShell code in the words of a shell; `None` where it cannot be read.
pub(crate) fn translate(code: &str, home: Option<&str>) -> Option<String> {
    let mut scope = Scope { home: home.map(str::to_owned), ..Scope::default() };
    program(code, &mut scope).and_then(|()| functions::uncalled(&mut scope)).ok()?;
    Some(scope.out)
}

/// Decodes what `-EncodedCommand` takes: Base64 of UTF-16.
pub(crate) fn encoded(text: &str) -> Option<String> {
    let bytes = base64(text)?;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

impl Scope {
    /// Counts a step of the reading.
    fn step(&mut self) -> Read {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > MAX_TEXT { Err(Unreadable) } else { Ok(()) }
    }

    /// Adds a command to the shell code, with what stands on its input.
    fn emit(&mut self, words: &[Word], redirects: &[(Word, bool)], input: Option<&[Word]>) {
        if let Some(input) = input {
            self.out.push_str("printf '%s\\n'");
            for word in input {
                self.out.push(' ');
                self.out.push_str(&word.to_quoted());
            }
            self.out.push_str(" | ");
        }
        for (n, word) in words.iter().enumerate() {
            if n > 0 {
                self.out.push(' ');
            }
            self.out.push_str(&quoted(word));
        }
        for (target, append) in redirects {
            self.out.push_str(if *append { " >> " } else { " > " });
            self.out.push_str(&target.to_quoted());
        }
        self.out.push('\n');
    }
}

/// Quotes a word; what may be several words stays so.
fn quoted(word: &Word) -> String {
    if word.is_unknown() && word.may_split() { word.to_code() } else { word.to_quoted() }
}

fn literal(text: &str) -> Word {
    Word::literal(text)
}

fn unknown() -> Value {
    vec![Word::unknown(true)]
}

#[cfg(test)]
mod tests;
