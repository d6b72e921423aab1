//! Texts that tools turn into other texts: encodings, and sets of characters.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::escape::unescape;

/// The longest text that is worked on, in bytes.
const MAX_LENGTH: usize = 64 << 10;

/// Decodes base64, whatever is between its characters; `None` where it is none.
pub(super) fn base64(text: &str) -> Option<String> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    bits(text, 6, value)
}

/// Decodes base32.
pub(super) fn base32(text: &str) -> Option<String> {
    let value = |b: u8| match b.to_ascii_uppercase() {
        b @ b'A'..=b'Z' => Some(b - b'A'),
        b @ b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    };
    bits(text, 5, value)
}

/// Decodes pairs of hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<String> {
    let value = |b: u8| char::from(b).to_digit(16).and_then(|v| u8::try_from(v).ok());
    bits(text, 4, value)
}

fn bits(text: &str, width: u32, value: impl Fn(u8) -> Option<u8>) -> Option<String> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (mut pending, mut held) = (0_u32, 0);
    let mut out = Vec::with_capacity(text.len());
    for byte in text.bytes().take_while(|b| *b != b'=') {
        if byte.is_ascii_whitespace() {
            continue;
        }
        pending = (pending << width) | u32::from(value(byte)?);
        held += width;
        if held >= 8 {
            held -= 8;
            out.push(((pending >> held) & 0xff) as u8);
            pending &= (1 << held) - 1;
        }
    }
    plain(out)
}

/// Encodes base64, in lines of 76 characters as `base64` does.
pub(super) fn to_base64(text: &str, width: usize) -> Option<String> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, b| group << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * n) & 63) as usize];
            out.push(if n <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    if width > 0 {
        let lines: Vec<&str> =
            out.as_bytes().chunks(width).filter_map(|l| std::str::from_utf8(l).ok()).collect();
        out = lines.iter().map(|line| format!("{line}\n")).collect();
    }
    Some(out)
}

/// Returns bytes as a text that a shell could hold: without NUL.
/// Makes a text of bytes. What is compressed stands for what it says, since whoever runs it unpacks it.
fn plain(mut bytes: Vec<u8>) -> Option<String> {
    if let Some(unpacked) = unpacked(&bytes) {
        bytes = unpacked;
    }
    bytes.retain(|b| *b != 0);
    Some(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Unpacks what gzip or zlib has packed; `None` where neither has.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = u64::try_from(MAX_LENGTH).ok()?;
    let read = match bytes {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut out),
        [0x78, second, ..] if (0x7800 + u32::from(*second)) % 31 == 0 => {
            ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out)
        }
        _ => return None,
    };
    // What comes out before an error is what a shell has read by then.
    (read.is_ok() || !out.is_empty()).then_some(out)
}

/// What `tr` makes of a text.
pub(super) fn tr(text: &str, args: &[&str]) -> Option<String> {
    let options: String =
        args.iter().filter(|a| a.len() > 1 && a.starts_with('-')).map(|a| &a[1..]).collect();
    let sets: Vec<Vec<char>> =
        args.iter().filter(|a| a.len() < 2 || !a.starts_with('-')).map(|a| set(a)).collect::<Option<_>>()?;
    let complement = options.contains(['c', 'C']);
    let first = sets.first()?;
    let within = |c: &char| first.contains(c) != complement;
    if options.contains('d') {
        return Some(text.chars().filter(|c| !within(c)).collect());
    }
    let mut out = String::with_capacity(text.len());
    let squeeze = if options.contains('s') { sets.last() } else { None };
    for c in text.chars() {
        let made = match sets.get(1).and_then(|to| Some((to, *to.last()?))) {
            Some((_, last)) if complement => {
                if within(&c) {
                    last
                } else {
                    c
                }
            }
            Some((to, last)) => match first.iter().rposition(|from| *from == c) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => c,
            },
            None => c,
        };
        let squeezed = squeeze.is_some_and(|set| {
            out.ends_with(made) && (set.contains(&made) != (complement && sets.len() == 1))
        });
        if !squeezed {
            out.push(made);
        }
    }
    Some(out)
}

/// Reads a set of `tr`: ranges, classes and escapes.
fn set(text: &str) -> Option<Vec<char>> {
    if text.contains("[:") || text.contains("[=") {
        let classes = [
            ("[:lower:]", "abcdefghijklmnopqrstuvwxyz"),
            ("[:upper:]", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ("[:digit:]", "0123456789"),
            ("[:space:]", " \t\n\r\u{b}\u{c}"),
            ("[:blank:]", " \t"),
        ];
        let replaced =
            classes.iter().fold(text.to_owned(), |text, (class, chars)| text.replace(class, chars));
        return if replaced.contains("[:") || replaced.contains("[=") {
            None
        } else {
            Some(replaced.chars().collect())
        };
    }
    let chars: Vec<char> = unescape(text).chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at..] {
            [from, '-', to, ..] if from <= to => {
                out.extend(from..=to);
                at += 3;
            }
            [c, ..] => {
                out.push(c);
                at += 1;
            }
            [] => break,
        }
    }
    Some(out)
}

/// Reads a list of `cut`: `1`, `2-4`, `-3`, `5-`.
pub(super) fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| -> Option<(usize, usize)> {
        let number = |text: &str, missing| if text.is_empty() { Some(missing) } else { text.parse().ok() };
        match part.split_once('-') {
            Some((from, to)) => Some((number(from, 1)?, number(to, usize::MAX)?)),
            None => part.parse().ok().map(|n| (n, n)),
        }
    };
    list.split(',').map(range).collect()
}

/// Follows `s/text/text/` where both are plain.
pub(super) fn substitute(text: &str, script: &str) -> Option<String> {
    let rest = script.strip_prefix('s')?;
    let separator = rest.chars().next().filter(|c| !c.is_alphanumeric() && *c != '\\')?;
    let mut parts = rest[separator.len_utf8()..].split(separator);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    // `s/^..//`: so many characters at the start.
    if let Some(count) = from.strip_prefix('^').filter(|dots| dots.bytes().all(|b| b == b'.')).map(str::len)
        && to.is_empty()
        && parts.next().is_none()
    {
        let kept = |line: &str| match line.char_indices().nth(count) {
            Some((at, _)) if at <= line.trim_end_matches('\n').len() => line[at..].to_owned(),
            _ => line.to_owned(),
        };
        return Some(text.split_inclusive('\n').map(kept).collect());
    }
    let special = |text: &str| text.contains(['\\', '[', ']', '*', '.', '^', '$', '+', '?', '(', '{', '|']);
    if parts.next().is_some()
        || from.is_empty()
        || special(from)
        || to.contains(['\\', '&'])
        || !flags.chars().all(|c| c == 'g')
    {
        return None;
    }
    let line =
        |line: &str| if flags.is_empty() { line.replacen(from, to, 1) } else { line.replace(from, to) };
    Some(text.split_inclusive('\n').map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_decoded() {
        assert_eq!(base64("cm0gLXJm\nIC8K").as_deref(), Some("rm -rf /\n"));
        assert_eq!(base64("cm0=").as_deref(), Some("rm"));
        assert_eq!(base64("c*"), None);
        assert_eq!(base32("OJWQ====").as_deref(), Some("rm"));
        assert_eq!(hex("72 6d").as_deref(), Some("rm"));
        assert_eq!(to_base64("rm -rf /", 0).as_deref(), Some("cm0gLXJmIC8="));
        assert_eq!(to_base64("rm", 2).as_deref(), Some("cm\n0=\n"));
    }

    #[test]
    fn characters_are_replaced_as_tr_does() {
        for (text, args, expected) in [
            ("ez -es /", &["n-za-m", "a-z"][..], "rm -rf /"),
            ("RM", &["A-Z", "a-z"], "rm"),
            ("RM", &["[:upper:]", "[:lower:]"], "rm"),
            ("rXXm", &["-d", "X"], "rm"),
            ("r  m", &["-s", " "], "r m"),
            ("a_b", &["_", "/"], "a/b"),
            ("abc", &["abc", "x"], "xxx"),
            ("a1", &["-cd", "0-9"], "1"),
        ] {
            assert_eq!(tr(text, args).as_deref(), Some(expected), "{text} {args:?}");
        }
    }

    #[test]
    fn plain_texts_are_substituted() {
        assert_eq!(substitute("aXbX\n", "s/X/y/").as_deref(), Some("aybX\n"));
        assert_eq!(substitute("aXbX", "s,X,/,g").as_deref(), Some("a/b/"));
        assert_eq!(substitute("a", "s/a.*/b/"), None);
    }
}
