//! The escapes of `$'...'`, `echo -e` and `printf`.

/// Replaces backslash escapes by what they stand for, as in `$'...'` and formats of `printf`.
pub(super) fn unescape(text: &str) -> String {
    replace(text, false).0
}

/// The same as `echo -e` and `%b` do it: says also whether a `\c` ends all output.
pub(super) fn unescape_until_stop(text: &str) -> (String, bool) {
    replace(text, true)
}

fn replace(text: &str, echo: bool) -> (String, bool) {
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
    // A NUL ends the text for bash, and would be a hole here.
    if let Some(end) = out.iter().position(|b| *b == 0) {
        out.truncate(end);
    }
    let text = String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    (text, stop)
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
