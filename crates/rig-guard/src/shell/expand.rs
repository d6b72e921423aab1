//! Quote removal and expansion of words as they are written.

use super::escape::unescape;
use super::fields::{Fields, is_pattern};
use super::word::{HOLE, Word};
use super::{Flow, Refusal, Shell, Stop, braces, scan};

/// How often another `)` is tried as the end of a substitution.
const TRIES: usize = 8;

/// What surrounds the text that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    /// Nothing.
    None,
    /// Nothing, in the operand of an expansion: text that is not quoted is split there.
    Operand,
    /// Double quotes, and arithmetic.
    Double,
    /// A here-document, in which double quotes stand for themselves.
    Here,
}

impl Quote {
    fn is_quoted(self) -> bool {
        matches!(self, Self::Double | Self::Here)
    }
}

impl Shell<'_> {
    /// Expands a written word to any number of words.
    pub(super) fn words(&mut self, written: &str, out: &mut Vec<Word>) -> Flow {
        if written.bytes().all(is_plain) {
            out.push(Word::literal(written));
            return Ok(());
        }
        match braces::expand(written) {
            Some(all) => all.iter().try_for_each(|written| self.fields(written, out)),
            None => self.fields(written, out),
        }
    }

    fn fields(&mut self, written: &str, out: &mut Vec<Word>) -> Flow {
        let mut fields = Fields::splitting();
        self.read(written, Quote::None, &mut fields)?;
        let words = fields.finish();
        self.charge(words.iter().map(|w| w.text.len()).sum())?;
        out.extend(words);
        Ok(())
    }

    /// Expands a written word that stays one word.
    pub(super) fn single(&mut self, written: &str) -> Flow<Word> {
        self.whole(written, Quote::None)
    }

    /// Expands the text of a here-document.
    pub(super) fn document(&mut self, body: &str) -> Flow<Word> {
        self.whole(body, Quote::Here)
    }

    /// Walks through the substitutions in a text that is otherwise of no interest.
    pub(super) fn inert(&mut self, text: &str) -> Flow {
        self.whole(text, Quote::Double).map(drop)
    }

    fn whole(&mut self, text: &str, quote: Quote) -> Flow<Word> {
        let mut fields = Fields::single();
        self.read(text, quote, &mut fields)?;
        let word = fields.finish_single();
        self.charge(word.text.len())?;
        Ok(word)
    }

    fn read(&mut self, text: &str, quote: Quote, out: &mut Fields) -> Flow {
        let bytes = text.as_bytes();
        let quoted = quote.is_quoted();
        let mut at = if !quoted && out.at_start() { self.tilde(text, out) } else { 0 };
        let mut plain = at;
        while let Some(&byte) = bytes.get(at) {
            let special = match byte {
                b'\\' | b'$' | b'`' | 0 => true,
                b'"' => quote != Quote::Here,
                b'\'' | b'*' | b'?' | b'[' => !quoted,
                b' ' | b'\t' | b'\n' => quote == Quote::Operand,
                b'<' | b'>' => !quoted && bytes.get(at + 1) == Some(&b'('),
                _ => false,
            };
            if !special {
                at += 1;
                continue;
            }
            if plain < at {
                out.text(&text[plain..at]);
            }
            at = match byte {
                b'\\' => backslash(text, at, quote, out),
                b'$' => self.dollar(text, at, quote, out)?,
                b'`' => self.backticks(text, at, quote, out)?,
                b'"' if quote == Quote::Double => at + 1,
                b'"' => {
                    let end = scan::closing_double(text, at + 1).unwrap_or(text.len());
                    let inner = &text[at + 1..end];
                    // Without arguments `"$@"` is no word at all.
                    let none = self.scope.positional.as_ref().is_some_and(Vec::is_empty);
                    if !(none && matches!(inner, "$@" | "${@}")) {
                        out.open();
                    }
                    self.read(inner, Quote::Double, out)?;
                    end + 1
                }
                b'\'' => {
                    let end = text[at + 1..].find('\'').map_or(text.len(), |n| at + 1 + n);
                    out.open();
                    single_quoted(&text[at + 1..end], out)?;
                    end + 1
                }
                0 => hole(text, at, quote, out)?,
                b' ' | b'\t' | b'\n' => {
                    out.value(&Word::literal(" "), false, " ");
                    at + 1
                }
                b'<' | b'>' => {
                    let end = self.substitution(text, at + 2, None)?;
                    out.unknown(false, true);
                    end
                }
                _ => {
                    out.glob(char::from(byte));
                    at + 1
                }
            };
            plain = at;
        }
        if plain < bytes.len() {
            out.text(&text[plain..]);
        }
        Ok(())
    }

    /// Reads a `~` at the start of a word, and returns where the rest begins.
    fn tilde(&self, text: &str, out: &mut Fields) -> usize {
        if !text.starts_with('~') {
            return 0;
        }
        let end = text.find(['/', ':']).unwrap_or(text.len());
        let name = &text[1..end];
        match name {
            "" => self.home(out),
            "+" => match self.scope.cwd.as_deref() {
                Some(cwd) => out.text(cwd),
                None => out.unknown(false, true),
            },
            "-" => out.unknown(false, true),
            "root" => out.text("/root"),
            name if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) => {
                out.text(&format!("/home/{name}"));
            }
            _ => return 0,
        }
        end
    }

    fn home(&self, out: &mut Fields) {
        match self.lookup("HOME") {
            Some(home) => out.value(&home, true, ""),
            None => out.unknown(false, true),
        }
    }

    /// Reads what a `$` begins, and returns where the rest begins.
    fn dollar(&mut self, text: &str, at: usize, quote: Quote, out: &mut Fields) -> Flow<usize> {
        let quoted = quote.is_quoted();
        let bytes = text.as_bytes();
        match bytes.get(at + 1) {
            Some(b'\'') if !quoted => {
                let end = scan::closing_ansi(text, at + 2).unwrap_or(bytes.len());
                out.open();
                out.text(&unescape(&text[at + 2..end]));
                Ok((end + 1).min(bytes.len()))
            }
            // `$"..."` is translated; here it stays what it is.
            Some(b'"') if !quoted => Ok(at + 1),
            Some(b'(') => {
                if bytes.get(at + 2) == Some(&b'(')
                    && let Some(end) = scan::closing_arithmetic(text, at + 3)
                {
                    self.inert(&text[at + 3..end])?;
                    out.unknown(false, quoted);
                    return Ok(end + 2);
                }
                self.substitution(text, at + 2, Some((out, quoted)))
            }
            Some(b'[') => {
                let Some(len) = text[at..].find(']') else {
                    out.text("$");
                    return Ok(at + 1);
                };
                self.inert(&text[at + 2..at + len])?;
                out.unknown(false, quoted);
                Ok(at + len + 1)
            }
            Some(b'{') => {
                let end = scan::closing_brace(text, at + 2, quoted).unwrap_or(text.len());
                self.parameter(&text[at + 2..end], quote, out)?;
                Ok((end + 1).min(text.len()))
            }
            // `$12` is `$1` and a `2`.
            Some(digit @ b'0'..=b'9') => {
                self.value(&char::from(*digit).to_string(), quoted, out)?;
                Ok(at + 2)
            }
            Some(_) => match parameter_name(&text[at + 1..]) {
                "" => {
                    out.text("$");
                    Ok(at + 1)
                }
                name => {
                    self.value(name, quoted, out)?;
                    Ok(at + 1 + name.len())
                }
            },
            None => {
                out.text("$");
                Ok(at + 1)
            }
        }
    }

    /// Appends the value of a variable or parameter.
    fn value(&mut self, name: &str, quoted: bool, out: &mut Fields) -> Flow {
        if let ("@" | "*", Some(words)) = (name, &self.scope.positional) {
            let words = words.clone();
            self.charge(words.iter().map(|w| w.text.len()).sum())?;
            if quoted && name == "@" {
                out.separate(&words);
            } else {
                let separators = self.separators();
                for (n, word) in words.iter().enumerate() {
                    if n > 0 {
                        out.value(&Word::literal(" "), quoted, " ");
                    }
                    out.value(word, quoted, &separators);
                }
            }
            return Ok(());
        }
        match self.lookup(name) {
            Some(value) => {
                self.charge(value.text.len())?;
                out.value(&value, quoted, &self.separators());
            }
            None => out.unknown(true, quoted),
        }
        Ok(())
    }

    /// Expands what stands between `${` and `}`.
    fn parameter(&mut self, inner: &str, quote: Quote, out: &mut Fields) -> Flow {
        let quoted = quote.is_quoted();
        if inner.starts_with([' ', '\t', '\n', '|']) {
            // `${ command; }`
            self.nested(|shell| shell.code(inner.trim_start_matches('|'), None, false))?;
            out.unknown(true, quoted);
            return Ok(());
        }
        if inner.len() > 1 && inner.starts_with('#') {
            self.inert(&inner[1..])?;
            out.unknown(false, quoted);
            return Ok(());
        }
        let (indirect, inner) = match inner.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, inner),
        };
        let name = parameter_name(inner);
        let rest = &inner[name.len()..];
        if name.is_empty() || rest.starts_with('[') {
            // An element of an array: its value is not followed, but for substitutions in it.
            self.inert(rest)?;
            out.unknown(true, quoted);
            return Ok(());
        }
        let target =
            if indirect { self.lookup(name).and_then(|w| w.known().map(str::to_owned)) } else { None };
        let name = match (indirect, &target) {
            (true, None) => {
                self.inert(rest)?;
                out.unknown(true, quoted);
                return Ok(());
            }
            (true, Some(target)) => target,
            (false, _) => name,
        };
        let (colon, operator) = match rest.strip_prefix(':') {
            Some(rest) if rest.starts_with(['-', '=', '+', '?']) => (true, rest),
            _ => (false, rest),
        };
        let value = self.lookup(name);
        // Known to be set (and not empty, with a colon); known to be unset or empty; neither.
        let set = match value.as_ref().map(|v| (v.known(), v)) {
            Some((Some(""), _)) if colon => Some(false),
            Some((Some(_), _)) => Some(true),
            Some((None, value)) if !value.text.is_empty() => Some(true),
            _ => None,
        };
        let operand = operator.get(1..).unwrap_or_default();
        match (operator.as_bytes().first(), set) {
            (None, _) | (Some(b'-' | b'=' | b'?'), Some(true)) => self.value(name, quoted, out)?,
            (Some(b'-'), _) | (Some(b'+'), Some(true) | None) => {
                self.read(operand, if quoted { quote } else { Quote::Operand }, out)?;
            }
            (Some(b'='), _) => {
                let value = self.whole(operand, Quote::Double)?;
                self.assign(name, value.clone());
                out.value(&value, quoted, &self.separators());
            }
            (Some(b'+'), Some(false)) => {}
            (Some(b'?'), _) => {
                self.inert(operand)?;
                out.unknown(false, quoted);
            }
            // Trimming, replacing, slicing, changing case.
            _ => {
                self.inert(rest)?;
                out.unknown(true, quoted);
            }
        }
        Ok(())
    }

    fn backticks(&mut self, text: &str, at: usize, quote: Quote, out: &mut Fields) -> Flow<usize> {
        let end = scan::closing_backtick(text, at + 1).unwrap_or(text.len());
        let mut code = String::with_capacity(end - at);
        let mut chars = text[at + 1..end].chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = |c: &char| matches!(c, '`' | '\\' | '$') || *c == '"' && quote == Quote::Double;
            match c {
                '\\' => code.push(chars.next_if(escaped).unwrap_or('\\')),
                c => code.push(c),
            }
        }
        let printed = self.captured(|shell| shell.code(&code, None, true))?;
        out.value(&printed, quote.is_quoted(), &self.separators());
        Ok((end + 1).min(text.len()))
    }

    /// Walks through the substitution whose code begins at a place, and returns where the rest
    /// begins. What it prints is appended where that is wanted.
    fn substitution(&mut self, text: &str, start: usize, wanted: Option<(&mut Fields, bool)>) -> Flow<usize> {
        let first = scan::closing_paren(text, start).unwrap_or(text.len());
        let mut end = first;
        // Where the pass over the code took a `)` for its end that is none, a later one is.
        let commands = (0..TRIES).find_map(|_| match self.parse(&text[start..end]) {
            Err(Refusal::Syntax) => {
                end = text.get(end + 1..)?.find(')')? + end + 1;
                None
            }
            parsed => Some(parsed),
        });
        let printed = match commands.unwrap_or(Err(Refusal::Syntax)) {
            Ok(commands) => {
                let capture = wanted.is_some();
                self.captured(|shell| shell.sequence(&commands, None, capture))?
            }
            Err(why) => {
                end = first;
                self.visitor.refused(&text[start..end], why)?;
                Word::unknown(true)
            }
        };
        if let Some((out, quoted)) = wanted {
            out.value(&printed, quoted, &self.separators());
        }
        Ok((end + 1).min(text.len()))
    }

    /// Walks through the code of a process substitution, and returns what it prints.
    pub(super) fn printed_by(&mut self, code: &str) -> Flow<Word> {
        self.captured(|shell| shell.code(code, None, true))
    }

    /// Does something in a subshell, and returns what it prints without the final line ends.
    fn captured(&mut self, run: impl FnOnce(&mut Self) -> Flow<Word>) -> Flow<Word> {
        let mut printed = self.nested(|shell| shell.isolated(run))?;
        let end = printed.text.trim_end_matches('\n').len();
        if printed.unknowns().all(|(at, _)| at <= end) {
            printed.text.truncate(end);
            printed.marks.retain(|m| m.at <= end);
        }
        self.charge(printed.text.len())?;
        Ok(printed)
    }
}

/// Says whether a byte stands for itself in an unquoted word.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`' | b'~' | b'{' | b'<' | b'>' | 0)
        && !is_pattern(char::from(byte))
}

fn backslash(text: &str, at: usize, quote: Quote, out: &mut Fields) -> usize {
    let Some(c) = text[at + 1..].chars().next() else {
        out.text("\\");
        return at + 1;
    };
    let removed = match quote {
        Quote::None | Quote::Operand => true,
        Quote::Double => matches!(c, '$' | '`' | '"' | '\\' | '\n'),
        Quote::Here => matches!(c, '$' | '`' | '\\' | '\n'),
    };
    if !removed {
        out.text("\\");
        return at + 1;
    }
    if c != '\n' {
        out.text(&text[at + 1..at + 1 + c.len_utf8()]);
    }
    at + 1 + c.len_utf8()
}

/// Appends text in single quotes, in which nothing but a hole is special.
fn single_quoted(text: &str, out: &mut Fields) -> Flow {
    let mut rest = text;
    while let Some(at) = rest.find(HOLE) {
        out.text(&rest[..at]);
        let end = hole(rest, at, Quote::Double, out)?;
        rest = &rest[end..];
    }
    out.text(rest);
    Ok(())
}

/// Reads a hole. One that stands for a here-document is where no here-document can be: the pass
/// over the code and the parser do not agree about it.
fn hole(text: &str, at: usize, quote: Quote, out: &mut Fields) -> Flow<usize> {
    let empty = match text.get(at..at + 3) {
        Some("\0u\0") => true,
        Some("\0n\0") => false,
        _ => return Err(Stop::Refused(Refusal::Syntax)),
    };
    out.unknown(empty, quote.is_quoted());
    Ok(at + 3)
}

/// Returns the name of a variable or parameter at the start of a text.
fn parameter_name(text: &str) -> &str {
    let bytes = text.as_bytes();
    let len = match bytes.first() {
        Some(b'0'..=b'9') => bytes.iter().take_while(|b| b.is_ascii_digit()).count(),
        Some(b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => 1,
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
            bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
        }
        _ => 0,
    };
    &text[..len]
}
