//! Quote removal and expansion of words as they are written.

use std::rc::Rc;

use super::escape::unescape;
use super::fields::{Fields, is_pattern};
use super::state::{Item, Slot};
use super::word::{HOLE, Word};
use super::{Flow, Refusal, Shell, Status, Stop, arith, braces, scan};

/// How often another `)` is tried as the end of a substitution.
const TRIES: usize = 8;

/// What surrounds the text that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
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
    pub(super) fn is_quoted(self) -> bool {
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
            braces::Braces::Words(all) => all.iter().try_for_each(|written| self.fields(written, out)),
            // Too many to look at each: what is before and behind the braces is known.
            braces::Braces::TooMany(shapes) => shapes.iter().try_for_each(|shape| self.fields(shape, out)),
            braces::Braces::None => self.fields(written, out),
        }
    }

    fn fields(&mut self, written: &str, out: &mut Vec<Word>) -> Flow {
        let mut fields = Fields::splitting();
        self.read(written, Quote::None, &mut fields)?;
        let before = out.len();
        fields.finish(out);
        self.charge(out[before..].iter().map(|w| w.text.len()).sum())
    }

    /// Expands a written word that stays one word.
    pub(super) fn single(&mut self, written: &str) -> Flow<Word> {
        self.whole(written, Quote::None)
    }

    /// Expands the text of a here-document.
    pub(super) fn document(&mut self, body: &str) -> Flow<Word> {
        self.whole(body, Quote::Here)
    }

    /// Expands a pattern that something is compared with.
    pub(super) fn pattern(&mut self, written: &str) -> Flow<Word> {
        let mut fields = Fields::pattern();
        self.read(written, Quote::None, &mut fields)?;
        Ok(fields.finish_single())
    }

    /// Walks through the substitutions in a text that is otherwise of no interest.
    pub(super) fn inert(&mut self, text: &str) -> Flow {
        self.whole(text, Quote::Double).map(drop)
    }

    pub(super) fn whole(&mut self, text: &str, quote: Quote) -> Flow<Word> {
        if text.bytes().all(is_plain) {
            return Ok(Word::literal(text));
        }
        let mut fields = Fields::single();
        self.read(text, quote, &mut fields)?;
        let word = fields.finish_single();
        self.charge(word.text.len())?;
        Ok(word)
    }

    pub(super) fn read(&mut self, text: &str, quote: Quote, out: &mut Fields) -> Flow {
        self.nested(|shell| shell.read_all(text, quote, out))
    }

    fn read_all(&mut self, text: &str, quote: Quote, out: &mut Fields) -> Flow {
        let bytes = text.as_bytes();
        let quoted = quote.is_quoted();
        let mut at = if !quoted && out.at_start() { self.tilde(text, out) } else { 0 };
        let mut plain = at;
        while let Some(&byte) = bytes.get(at) {
            let special = match byte {
                b'\\' | b'$' | b'`' | 0 => true,
                b'"' => quote != Quote::Here,
                b'\'' | b'*' | b'?' | b'[' => !quoted,
                b' ' | b'\t' | b'\n' => quote == Quote::Operand && out.splits(),
                // In the value of an assignment, and of an argument that looks like one.
                b'~' if quoted || at == 0 => false,
                b'~' if out.splits() => assigns(text, at),
                b'~' => bytes[at - 1] == b':',
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
                    out.begin_quoted();
                    self.read(inner, Quote::Double, out)?;
                    out.end_quoted();
                    end + 1
                }
                b'\'' => {
                    let end = text[at + 1..].find('\'').map_or(text.len(), |n| at + 1 + n);
                    out.open();
                    self.single_quoted(&text[at + 1..end], out)?;
                    end + 1
                }
                0 => self.hole(text, at, quote, out)?,
                b' ' | b'\t' | b'\n' => {
                    out.value(&Word::literal(" "), false, " ");
                    at + 1
                }
                b'~' => at + self.tilde(&text[at..], out).max(1),
                b'<' | b'>' => self.process(text, at, out)?,
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
    fn tilde(&mut self, text: &str, out: &mut Fields) -> usize {
        if !text.starts_with('~') {
            return 0;
        }
        let end = text.find(['/', ':']).unwrap_or(text.len());
        let name = &text[1..end];
        let known = match name {
            "" => self.scalar("HOME"),
            "+" => self.scalar("PWD"),
            "-" => self.scalar("OLDPWD"),
            "root" => Item::Text(Word::literal("/root")),
            name if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) => {
                Item::Text(Word::literal(format!("/home/{name}")))
            }
            _ if text.len() > end || !name.is_empty() => {
                out.text("~");
                return 1;
            }
            _ => return 0,
        };
        match known {
            Item::Text(home) => out.value(&home, true, ""),
            _ => out.unknown(false, true),
        }
        end
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
                    let value = self.arithmetic(&text[at + 3..end])?;
                    out.value(&arith::number(value), true, "");
                    return Ok(end + 2);
                }
                self.substitution(text, at + 2, out, quoted)
            }
            Some(b'[') => {
                let Some(len) = text[at..].find(']') else {
                    out.text("$");
                    return Ok(at + 1);
                };
                let value = self.arithmetic(&text[at + 2..at + len])?;
                out.value(&arith::number(value), true, "");
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
        let printed = self.captured(|shell| shell.code(&code))?;
        out.value(&printed, quote.is_quoted(), &self.separators());
        Ok((end + 1).min(text.len()))
    }

    /// Walks through the substitution whose code begins at a place, and returns where the rest
    /// begins. What it prints is appended.
    fn substitution(&mut self, text: &str, start: usize, out: &mut Fields, quoted: bool) -> Flow<usize> {
        let (end, commands) = self.enclosed(text, start)?;
        let printed = match commands {
            Some(commands) => self.captured(|shell| shell.list(&commands))?,
            None => Word::unknown(true),
        };
        out.value(&printed, quoted, &self.separators());
        Ok((end + 1).min(text.len()))
    }

    /// Parses the code of a substitution, and returns where it ends.
    fn enclosed(&mut self, text: &str, start: usize) -> Flow<(usize, Option<Rc<super::List>>)> {
        let first = scan::closing_paren(text, start).unwrap_or(text.len());
        let mut end = first;
        // Where the pass over the code took a `)` for its end that is none, a later one is.
        let commands = (0..TRIES).find_map(|_| match self.parse_again(&text[start..end]) {
            Err(Refusal::Syntax) => {
                end = text.get(end + 1..)?.find(')')? + end + 1;
                None
            }
            parsed => Some(parsed),
        });
        match commands.unwrap_or(Err(Refusal::Syntax)) {
            Ok(commands) => Ok((end, Some(commands))),
            Err(why) => {
                self.visitor.refused(&self.filled(&text[start..first]), why, &self.context)?;
                Ok((first, None))
            }
        }
    }

    /// Walks through a process substitution, and returns where the rest begins. The word is the
    /// name of a file that holds what the code prints.
    fn process(&mut self, text: &str, at: usize, out: &mut Fields) -> Flow<usize> {
        let (end, commands) = self.enclosed(text, at + 2)?;
        let number = 63_usize.saturating_sub(self.fifos);
        self.fifos += 1;
        let path = format!("/dev/fd/{number}");
        if let Some(commands) = commands {
            let fifos = std::mem::take(&mut self.fifos);
            let reads = text.as_bytes()[at] == b'<';
            let walked = |shell: &mut Self| shell.isolated(|shell| shell.list(&commands));
            if reads {
                let (items, _) = self.nested(|shell| shell.capture(walked))?;
                self.state.set(&path, Slot { items, attributes: Default::default() });
            } else {
                // What is written to it is the input; `tee` passes on its own.
                self.nested(walked)?;
            }
            self.fifos = fifos;
        }
        out.text(&path);
        Ok((end + 1).min(text.len()))
    }

    /// Does something in a subshell, and returns what it prints without the final line ends; where
    /// that is one of several texts, the one that is being tried.
    pub(super) fn captured(&mut self, run: impl FnOnce(&mut Self) -> Flow<Status>) -> Flow<Word> {
        let fifos = std::mem::take(&mut self.fifos);
        let (items, _) = self.nested(|shell| shell.capture(|shell| shell.isolated(run)))?;
        self.fifos = fifos;
        self.captures += 1;
        let item = match items.len() {
            1 => items.into_iter().next().unwrap_or(Item::Open),
            _ => self.choose(&format!("$({})", self.captures), items),
        };
        let Item::Text(mut printed) = item else { return Ok(Word::unknown(true)) };
        let end = printed.text.trim_end_matches('\n').len();
        if printed.unknowns().all(|(at, _)| at <= end) {
            printed.text.truncate(end);
            printed.marks.retain(|m| m.at <= end);
        }
        self.charge(printed.text.len())?;
        Ok(printed)
    }
}

/// Says whether a word such as `of=~/x` begins like an assignment, and a `~` in it stands where one is expanded.
fn assigns(word: &str, tilde: usize) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name && (tilde == name.len() + 1 || tilde > name.len() + 1 && word.as_bytes()[tilde - 1] == b':')
}

/// Says whether a byte stands for itself in an unquoted word.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`' | b'~' | b'{' | b'(' | b'<' | b'>' | 0)
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

impl Shell<'_> {
    /// Appends text in single quotes, in which nothing but a hole is special.
    fn single_quoted(&self, text: &str, out: &mut Fields) -> Flow {
        let mut rest = text;
        while let Some(at) = rest.find(HOLE) {
            out.text(&rest[..at]);
            let end = self.hole(rest, at, Quote::Double, out)?;
            rest = &rest[end..];
        }
        out.text(rest);
        Ok(())
    }

    /// Reads a hole: something unknown, or quoted text that was cut out of the code.
    fn hole(&self, text: &str, at: usize, quote: Quote, out: &mut Fields) -> Flow<usize> {
        let len = text[at + 1..].find(HOLE).map(|len| len + 2);
        let Some(len) = len else { return Err(Stop::Refused(Refusal::Syntax)) };
        match &text[at + 1..at + len - 1] {
            "u" => out.unknown(true, quote.is_quoted()),
            "n" => out.unknown(false, quote.is_quoted()),
            "s" => out.unset(quote.is_quoted()),
            number => match number.parse::<usize>().ok().and_then(|number| self.cuts.get(number)) {
                Some(cut) => out.text(cut),
                None => return Err(Stop::Refused(Refusal::Syntax)),
            },
        }
        Ok(at + len)
    }
}

/// Returns the name of a variable or parameter at the start of a text.
pub(super) fn parameter_name(text: &str) -> &str {
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
