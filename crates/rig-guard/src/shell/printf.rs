//! What `printf` prints.

use super::escape::{unescape_format, unescape_until_stop};
use super::word::Word;

/// The widest padding that is worked out.
const MAX_WIDTH: usize = 1 << 10;

/// Follows a format with its arguments; `None` where that is not worked out.
pub(super) fn printf(args: &[Word]) -> Option<Word> {
    let args = match args {
        [first, rest @ ..] if first.text == "--" => rest,
        args => args,
    };
    let (format, args) = args.split_first()?;
    let format = format.known()?;
    let mut args = args.iter();
    let mut printed = Word::default();
    loop {
        let mut rest = format;
        let mut used = false;
        while let Some(at) = rest.find('%') {
            printed.text.push_str(&unescape_format(&rest[..at]));
            rest = &rest[at + 1..];
            let (spec, after) = Spec::read(rest, &mut args)?;
            rest = after;
            if spec.conversion == b'%' {
                printed.text.push('%');
                continue;
            }
            used = true;
            match args.next() {
                Some(word) => {
                    let (shown, stop) = spec.show(word)?;
                    printed.push(&shown);
                    if stop {
                        return Some(printed);
                    }
                }
                // What is missing is empty, or zero.
                None => printed.push(&spec.show(&Word::literal(""))?.0),
            }
        }
        printed.text.push_str(&unescape_format(rest));
        if args.len() == 0 || !used || printed.text.len() > super::MAX_VALUE {
            return Some(printed);
        }
    }
}

struct Spec {
    conversion: u8,
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn read<'t>(text: &'t str, args: &mut std::slice::Iter<'_, Word>) -> Option<(Self, &'t str)> {
        let flags = text.bytes().take_while(|b| b"-+ #0'".contains(b)).count();
        let (left, zeros) = (text[..flags].contains('-'), text[..flags].contains('0'));
        let mut rest = &text[flags..];
        let mut number = |rest: &mut &'t str| -> Option<usize> {
            if let Some(after) = rest.strip_prefix('*') {
                *rest = after;
                return args.next()?.known()?.parse().ok();
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (value, after) = rest.split_at(digits);
            *rest = after;
            if value.is_empty() { Some(0) } else { value.parse().ok() }
        };
        let width = number(&mut rest)?;
        let precision = match rest.strip_prefix('.') {
            Some(after) => {
                rest = after;
                Some(number(&mut rest)?)
            }
            None => None,
        };
        rest = rest.trim_start_matches(['l', 'h', 'j', 'z', 't', 'L', 'q'].as_slice());
        // `%q` is a conversion, and a length elsewhere.
        let quotes = text.len() > rest.len() && text.as_bytes()[text.len() - rest.len() - 1] == b'q';
        let conversion = if quotes { b'q' } else { *rest.as_bytes().first()? };
        let rest = if quotes { rest } else { rest.get(1..)? };
        if width > MAX_WIDTH {
            return None;
        }
        Some((Self { conversion, left, zeros, width, precision }, rest))
    }

    /// Returns what is printed, and whether nothing else is.
    fn show(&self, word: &Word) -> Option<(Word, bool)> {
        let mut stop = false;
        let text = match (self.conversion, word.known()) {
            (b's' | b'b', _) if !word.marks.is_empty() && self.width == 0 && self.precision.is_none() => {
                return Some((word.clone(), false));
            }
            (_, None) => return Some((Word::unknown(false), false)),
            (b's', Some(text)) => text.to_owned(),
            (b'b', Some(text)) => {
                let (text, ends) = unescape_until_stop(text);
                stop = ends;
                text
            }
            (b'c', Some(text)) => text.chars().take(1).collect(),
            (b'q', Some(_)) => word.to_quoted(),
            (b'd' | b'i' | b'u' | b'x' | b'X' | b'o', Some(text)) => {
                let value = integer(text.trim())?;
                match self.conversion {
                    b'x' => format!("{value:x}"),
                    b'X' => format!("{value:X}"),
                    b'o' => format!("{value:o}"),
                    _ => value.to_string(),
                }
            }
            _ => return None,
        };
        let text: String = match self.precision.filter(|_| matches!(self.conversion, b's' | b'b')) {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        };
        let width = self.width;
        let padded = match (self.left, self.zeros && self.conversion != b's') {
            (true, _) => format!("{text:<width$}"),
            (false, true) => format!("{text:0>width$}"),
            (false, false) => format!("{text:>width$}"),
        };
        Some((Word::literal(padded), stop))
    }
}

/// Reads a number as `printf` does: `'A` is the code of a character.
fn integer(text: &str) -> Option<i64> {
    if let Some(c) = text.strip_prefix(['\'', '"']) {
        return Some(c.chars().next().map_or(0, |c| i64::from(u32::from(c))));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = if digits.is_empty() {
        0
    } else if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    value.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_followed() {
        for (words, expected) in [
            (&["%s-", "x", "y"][..], "x-y-"),
            (&["\\x72m"], "rm"),
            (&["%b", "\\0162m"], "rm"),
            (&["%05d|%-4s|%x", "42", "ab", "255"], "00042|ab  |ff"),
            (&["%.2s", "abc"], "ab"),
            (&["%c%c", "rx", "my"], "rm"),
            (&["%d", "'A"], "65"),
            (&["%s\\n"], "\n"),
            (&["100%%"], "100%"),
            (&["%b%s", "a\\cb", "c"], "a"),
            (&["--", "%s", "a"], "a"),
        ] {
            let words: Vec<Word> = words.iter().map(|w| Word::literal(*w)).collect();
            assert_eq!(
                printf(&words).and_then(|w| w.known().map(str::to_owned)).as_deref(),
                Some(expected),
                "{words:?}"
            );
        }
        assert_eq!(printf(&[Word::literal("%y")]), None);
    }
}
