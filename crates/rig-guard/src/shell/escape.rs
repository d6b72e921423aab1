//! The escapes of `$'...'`, `echo -e` and `printf`.

/// Replaces backslash escapes by what they stand for, as in `$'...'` and formats of `printf`.
pub(super) fn unescape(text: &str) -> String {
    if text.contains('\\') { ended(replace(text, false).0) } else { text.to_owned() }
}

/// The same in a format of `printf`, which goes on behind a NUL: a line break stands for it.
pub(super) fn unescape_format(text: &str) -> String {
    let bytes = replace(text, false).0.into_iter().map(|b| if b == 0 { b'\n' } else { b });
    lossy(bytes.collect())
}

/// The same as `echo -e` and `%b` do it: says also whether a `\c` ends all output.
pub(super) fn unescape_until_stop(text: &str) -> (String, bool) {
    let (text, stop) = replace(text, true);
    (ended(text), stop)
}

/// Ends a text at a NUL, as bash does; it would be a hole here.
fn ended(mut text: Vec<u8>) -> String {
    text.truncate(text.iter().position(|b| *b == 0).unwrap_or(text.len()));
    lossy(text)
}

fn lossy(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn replace(text: &str, echo: bool) -> (Vec<u8>, bool) {
    let mut stop = false;
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push(b'\\');
            break;
        };
        let mut len = c.len_utf8();
        match c {
            'a' => out.push(7),
            'b' => out.push(8),
            'e' | 'E' => out.push(27),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            '\'' | '"' | '?' if !echo => out.push(c as u8),
            '0' if echo => {
                let (value, used) = digits(&rest[1..], 8, 3);
                out.push(value.to_le_bytes()[0]);
                len = 1 + used;
            }
            'c' if echo => {
                stop = true;
                break;
            }
            '0'..='7' => {
                let (value, used) = digits(rest, 8, 3);
                out.push(value.to_le_bytes()[0]);
                len = used;
            }
            'x' => {
                let (value, used) = digits(&rest[1..], 16, 2);
                if used == 0 {
                    out.extend_from_slice(b"\\x");
                } else {
                    out.push(value.to_le_bytes()[0]);
                }
                len = 1 + used;
            }
            'u' | 'U' => {
                let (value, used) = digits(&rest[1..], 16, if c == 'u' { 4 } else { 8 });
                match char::from_u32(value) {
                    Some(c) if used > 0 => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    _ => out.extend_from_slice(&rest.as_bytes()[..1 + used]),
                }
                len = 1 + used;
            }
            'c' => {
                let control = rest[1..].chars().next();
                out.extend(control.filter(char::is_ascii).map(|c| c as u8 & 0x1f));
                len = 1 + control.map_or(0, char::len_utf8);
            }
            _ => {
                out.push(b'\\');
                out.extend_from_slice(&rest.as_bytes()[..len]);
            }
        }
        rest = &rest[len..];
    }
    if !stop {
        out.extend_from_slice(rest.as_bytes());
    }
    (out, stop)
}

fn digits(text: &str, radix: u32, most: usize) -> (u32, usize) {
    let found = text.chars().take(most).map_while(|c| c.to_digit(radix));
    found.fold((0, 0), |(value, used), digit| (value.wrapping_mul(radix).wrapping_add(digit), used + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_what_bash_takes_them_for() {
        for (text, expected) in [
            ("rm", "rm"),
            (r"\x72\155", "rm"),
            (r"\u0072\U0000006d", "rm"),
            (r"a\tb\n\e\\\'\q\xZ", "a\tb\n\u{1b}\\'\\q\\xZ"),
            (r"end\", "end\\"),
            (r"\", "\\"),
            ("", ""),
            (r"a\x00b", "a"),
            (r"\cA", "\u{1}"),
            ("caf\u{e9}\\\u{e9}", "caf\u{e9}\\\u{e9}"),
        ] {
            assert_eq!(unescape(text), expected, "{text:?}");
        }
    }
}
