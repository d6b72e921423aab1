//! One linear pass over code before the parser sees it.
//!
//! It bounds what the parser is given, since the parser recurses with the nesting of the code and
//! slows down with it, and cuts the bodies of here-documents out of long code, so that the bounds
//! are about code alone. The same pass finds where a substitution ends.

use std::ops::Range;

mod ends;
mod here;

pub(super) use ends::{
    closing_ansi, closing_arithmetic, closing_backtick, closing_brace, closing_bracket, closing_double,
    closing_paren, elements, top_level,
};
use here::Pending;

/// The longest code that is parsed, in bytes.
pub(super) const MAX_CODE: usize = 64 << 10;
/// Code up to this length, in bytes, is parsed with everything in it.
const CUT_FROM: usize = 2 << 10;
/// Quoted text and comments from this length on, in bytes, are cut out of longer code.
const CUT_QUOTED: usize = 64;
/// How many brackets may be open at once.
const MAX_BRACKETS: usize = 16;
/// How many `if`, `for`, `case`, `{` and the like may be open at once.
const MAX_BLOCKS: usize = 64;
/// How many commands, and how many `!`, one text may hold.
const MAX_COMMANDS: usize = 10_000;
const MAX_NEGATIONS: usize = 500;
/// The longest arithmetic expression and the longest text between backticks, in bytes.
const MAX_ARITHMETIC: usize = 1 << 10;
const MAX_BACKTICK: usize = 4 << 10;
/// How many pairs of backticks may have an unclosed bracket or quote between them.
const MAX_UNCLOSED: usize = 4;

/// Which bytes mean something inside of a word, and inside of double quotes.
static IN_WORDS: [bool; 256] = marked(b" \t\n;&|()<>\\'\"$`");
static IN_QUOTES: [bool; 256] = marked(b"\"\\$`");

const fn marked(bytes: &[u8]) -> [bool; 256] {
    let (mut table, mut at) = ([false; 256], 0);
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

/// Why code is not judged by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no valid shell program.
    #[error("is no valid shell program")]
    Syntax,
    /// It is too long.
    #[error("is longer than {} KiB or {MAX_COMMANDS} commands", MAX_CODE >> 10)]
    TooLong,
    /// It is nested too deep.
    #[error("is nested more than {MAX_BRACKETS} deep")]
    TooDeep,
    /// It runs too many commands, expands to too much text, or takes too long to follow.
    #[error("does too much in one go")]
    TooMuch,
}

/// Code that may be given to the parser.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    /// The code where something was cut out of it; else the text is as good as it is.
    pub(super) cut: Option<String>,
    /// What was cut out and is stood for by a hole, in order.
    pub(super) parts: Vec<&'a str>,
}

/// What may be cut out of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Document,
    Quoted,
    Comment,
}

/// Checks the bounds, and cuts here-documents, quoted text and comments out of long code. `first`
/// is the number of the first hole that stands for one.
pub(super) fn prepare(text: &str, first: usize) -> Result<Prepared<'_>, Refusal> {
    let mut scanner = Scanner::new(text);
    scanner.code(None)?;
    if text.len() <= CUT_FROM || scanner.cuts.is_empty() {
        let fits = text.len() <= MAX_CODE;
        return if fits { Ok(Prepared { cut: None, parts: Vec::new() }) } else { Err(Refusal::TooLong) };
    }
    let mut cut = String::new();
    let mut parts = Vec::new();
    let mut from = 0;
    for (range, what) in scanner.cuts {
        cut.push_str(&text[from..range.start]);
        if what != Cut::Comment {
            let end = if what == Cut::Document { "\n" } else { "" };
            cut.push_str(&format!("\0{}\0{end}", first + parts.len()));
            parts.push(&text[range.clone()]);
        }
        from = range.end;
    }
    cut.push_str(&text[from..]);
    if cut.len() <= MAX_CODE { Ok(Prepared { cut: Some(cut), parts }) } else { Err(Refusal::TooLong) }
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    brackets: usize,
    blocks: usize,
    commands: usize,
    negations: usize,
    unclosed: usize,
    pending: Vec<Pending>,
    cuts: Vec<(Range<usize>, Cut)>,
}

/// What a word at the start of a command means for what follows.
enum Reserved {
    Opens { command: bool },
    Closes,
    Goes,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            brackets: 0,
            blocks: 0,
            commands: 0,
            negations: 0,
            unclosed: 0,
            pending: Vec::new(),
            cuts: Vec::new(),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Goes over code to a `)` that closes it, or to the end; says whether it found the `)`.
    fn code(&mut self, end: Option<u8>) -> Result<bool, Refusal> {
        // A command may start here; a word may start here; how many `case` are open.
        let (mut command, mut word, mut cases) = (true, true, 0_usize);
        while let Some(byte) = self.peek(0) {
            let (was_command, was_word) = (command, word);
            (command, word) = (false, false);
            match byte {
                b' ' | b'\t' => {
                    (command, word) = (was_command, true);
                    self.at += 1;
                }
                b'\n' => {
                    (command, word) = (true, true);
                    self.at += 1;
                    self.count()?;
                    self.here_documents(end);
                }
                b';' | b'&' | b'|' => {
                    (command, word) = (true, true);
                    self.at += 1;
                    self.count()?;
                }
                b'#' if was_word => {
                    let start = self.at;
                    self.skip_line();
                    self.cut(start..self.at, Cut::Comment);
                }
                b'(' => {
                    self.nested_code(was_command)?;
                    // A function's body, or the command after a case pattern, may follow.
                    (command, word) = (true, true);
                }
                b')' if end == Some(b')') && cases == 0 => return Ok(true),
                b')' => {
                    (command, word) = (true, true);
                    self.at += 1;
                }
                b'<' if self.peek(1) == Some(b'<') => self.here_operator(),
                b'<' | b'>' => {
                    word = true;
                    self.at += 1;
                }
                // In `[[ ]]` it stands behind other words too.
                b'!' if was_word && !was_command => {
                    self.at += 1;
                    self.negation()?;
                }
                b'a'..=b'z' | b'!' | b'{' | b'}' if was_word && was_command => {
                    let reserved = self.reserved(&mut cases)?;
                    command = matches!(reserved, Some(Reserved::Goes | Reserved::Closes))
                        || matches!(reserved, Some(Reserved::Opens { command: true }));
                    word = command;
                }
                b'\\' | b'\'' | b'"' | b'$' | b'`' => self.quoted(byte, false)?,
                // The rest of a word.
                _ => self.pass(&IN_WORDS),
            }
        }
        Ok(false)
    }

    /// Goes over one byte, and over those behind it that mean nothing.
    fn pass(&mut self, means: &[bool; 256]) {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        self.at += 1 + rest.iter().position(|byte| means[usize::from(*byte)]).unwrap_or(rest.len());
    }

    fn count(&mut self) -> Result<(), Refusal> {
        self.commands += 1;
        if self.commands > MAX_COMMANDS { Err(Refusal::TooLong) } else { Ok(()) }
    }

    fn negation(&mut self) -> Result<(), Refusal> {
        self.negations += 1;
        if self.negations > MAX_NEGATIONS { Err(Refusal::TooDeep) } else { Ok(()) }
    }

    /// Goes over one character, or over what a quote, a `$` or a backtick begins.
    fn quoted(&mut self, byte: u8, double: bool) -> Result<(), Refusal> {
        match byte {
            b'\\' => self.at += 2,
            b'\'' if !double => {
                let start = self.at + 1;
                let end = self.text[start..].find('\'').map(|n| start + n);
                self.at = end.map_or(self.bytes.len(), |end| end + 1);
                if let Some(end) = end {
                    self.cut(start..end, Cut::Quoted);
                }
            }
            b'"' if !double => {
                self.at += 1;
                let start = self.at;
                if self.double()? && !self.text[start..self.at].contains(['$', '`', '\\', '\0']) {
                    self.cut(start..self.at, Cut::Quoted);
                }
                self.at += 1;
            }
            b'$' => self.dollar(double)?,
            b'`' => {
                self.at += 1;
                let start = self.at;
                let cuts = self.cuts.len();
                self.until(b'`');
                self.cuts.truncate(cuts);
                self.backticks(start)?;
                self.at += 1;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    /// Notes what may be cut out.
    fn cut(&mut self, range: Range<usize>, what: Cut) {
        if range.len() >= CUT_QUOTED && !self.text[range.clone()].contains('\0') {
            self.cuts.push((range, what));
        }
    }

    /// Bounds what stands between backticks. The parser takes a backtick behind an open bracket or
    /// quote for the start of another substitution, and tries both.
    fn backticks(&mut self, start: usize) -> Result<(), Refusal> {
        let text = &self.bytes[start.min(self.at)..self.at];
        if text.len() > MAX_BACKTICK {
            return Err(Refusal::TooLong);
        }
        let (mut parens, mut braces, mut quoted) = (0_usize, 0_usize, false);
        for byte in text {
            match byte {
                b'(' => parens += 1,
                b')' => parens = parens.saturating_sub(1),
                b'{' => braces += 1,
                b'}' => braces = braces.saturating_sub(1),
                b'"' => quoted = !quoted,
                _ => {}
            }
        }
        self.unclosed += usize::from(parens > 0 || braces > 0 || quoted);
        if self.unclosed > MAX_UNCLOSED { Err(Refusal::TooDeep) } else { Ok(()) }
    }

    /// Goes to an unescaped byte; says whether it is there.
    fn until(&mut self, end: u8) -> bool {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 2,
                byte if byte == end => return true,
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        false
    }

    /// Goes to the `"` that ends a quoted text; says whether it is there.
    fn double(&mut self) -> Result<bool, Refusal> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => return Ok(true),
                b'\\' | b'$' | b'`' => self.quoted(byte, true)?,
                _ => self.pass(&IN_QUOTES),
            }
        }
        self.at = self.bytes.len();
        Ok(false)
    }

    /// Goes to the `}` that ends a parameter; says whether it is there.
    fn parameter(&mut self, double: bool) -> Result<bool, Refusal> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'}' => return Ok(true),
                b'"' => self.quoted(byte, false)?,
                byte => self.quoted(byte, double)?,
            }
        }
        self.at = self.bytes.len();
        Ok(false)
    }

    fn dollar(&mut self, double: bool) -> Result<(), Refusal> {
        self.at += 1;
        match self.peek(0) {
            Some(b'(') => {
                if self.peek(1) == Some(b'(')
                    && let Some((end, depth)) = self.arithmetic(self.at + 2)
                {
                    return self.pass_arithmetic(end, depth);
                }
                self.open()?;
                self.code(Some(b')'))?;
                self.close();
            }
            Some(b'{') => {
                self.open()?;
                self.parameter(double)?;
                self.close();
            }
            Some(b'[') => {
                // The old form of arithmetic: `<<` in it is no here-document.
                let end = self.bytes[self.at..].iter().take(MAX_ARITHMETIC).position(|b| *b == b']');
                self.at += end.unwrap_or(0) + 1;
            }
            Some(b'\'') if !double => {
                self.at += 1;
                self.until(b'\'');
                self.at += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.at += 1;
        self.brackets += 1;
        if self.brackets > MAX_BRACKETS { Err(Refusal::TooDeep) } else { Ok(()) }
    }

    fn close(&mut self) {
        self.brackets -= 1;
        self.at += 1;
    }

    /// Goes over `( ... )`, which is arithmetic where a command starts with `((` and it ends with `))`.
    fn nested_code(&mut self, command: bool) -> Result<(), Refusal> {
        if command
            && self.peek(1) == Some(b'(')
            && let Some((end, depth)) = self.arithmetic(self.at + 2)
        {
            return self.pass_arithmetic(end, depth);
        }
        self.open()?;
        self.code(Some(b')'))?;
        self.close();
        Ok(())
    }

    fn pass_arithmetic(&mut self, end: usize, depth: usize) -> Result<(), Refusal> {
        if end - self.at > MAX_ARITHMETIC || self.brackets + depth > MAX_BRACKETS {
            return Err(Refusal::TooDeep);
        }
        self.at = end + 2;
        Ok(())
    }

    /// Returns the place of the `))` that ends an arithmetic expression, and how deep it is nested.
    fn arithmetic(&self, from: usize) -> Option<(usize, usize)> {
        let (mut depth, mut deepest) = (0_usize, 0);
        let mut at = from;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'(' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b')' if depth == 0 => {
                    return (self.bytes.get(at + 1) == Some(&b')')).then_some((at, deepest + 2));
                }
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Reads a word at the start of a command, if it is one of letters and braces.
    fn reserved(&mut self, cases: &mut usize) -> Result<Option<Reserved>, Refusal> {
        let start = self.at;
        while let Some(b'a'..=b'z' | b'!' | b'{' | b'}') = self.peek(0) {
            self.at += 1;
        }
        if self.peek(0).is_some_and(|b| !b" \t\n;&|()<>".contains(&b)) {
            return Ok(None);
        }
        let reserved = match &self.text[start..self.at] {
            "if" | "while" | "until" | "{" => Reserved::Opens { command: true },
            "for" | "select" => Reserved::Opens { command: false },
            "case" => {
                *cases += 1;
                Reserved::Opens { command: false }
            }
            "esac" => {
                *cases = cases.saturating_sub(1);
                Reserved::Closes
            }
            "fi" | "done" | "}" => Reserved::Closes,
            "then" | "else" | "elif" | "do" | "time" | "coproc" => Reserved::Goes,
            "!" => {
                self.negation()?;
                Reserved::Goes
            }
            _ => return Ok(None),
        };
        match reserved {
            Reserved::Opens { .. } => self.blocks += 1,
            Reserved::Closes => self.blocks = self.blocks.saturating_sub(1),
            Reserved::Goes => {}
        }
        if self.blocks > MAX_BLOCKS { Err(Refusal::TooDeep) } else { Ok(Some(reserved)) }
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests;
