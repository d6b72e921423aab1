//! Text from outside: pull requests, comments, branch names, commands, reasons.
//!
//! It is hostile until it went through here: stripped of what a terminal or a model could be
//! misled by ([`clean`]), cut ([`cut`]), set off from what the rig itself says ([`fence`]), and
//! freed of secrets before it is stored or sent ([`redact`]).

mod redact;

pub use redact::{REDACTED, redact};

/// Removes control, invisible and direction-changing characters and terminal sequences; line
/// breaks and tabs become spaces, and runs of spaces one.
#[must_use]
pub fn clean(text: &str) -> String {
    strip(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Does what [`clean`] does, but keeps line breaks and the spaces within lines.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    strip(&text.replace("\r\n", "\n")).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Cuts a text to at most `max` characters; a cut one ends with `…`.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", &text[..end])
        }
    }
}

/// Sets off a cleaned one-line text as a quotation that it cannot close itself: `«…»`, with inner
/// marks, backticks and angle brackets replaced.
#[must_use]
pub fn fence(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            '«' | '»' | '`' => '\'',
            '<' => '‹',
            '>' => '›',
            c => c,
        })
        .collect();
    format!("«{inner}»")
}

fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut at, mut string_end) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        at += c.len_utf8();
        match c {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push(' '),
            '\u{1b}' => at = after_escape(text, at, &mut string_end),
            '\u{9b}' => at = after_control_sequence(text, at),
            c if c.is_control() || is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The most bytes between the start of a terminal's string command and its end.
const LONGEST_STRING: usize = 4096;

/// Returns the place behind what follows an escape character: a control sequence, a string command or
/// one letter. `string_end` is the last end of a string command that was found, so that a text full
/// of starts is not searched from each of them.
fn after_escape(text: &str, at: usize, string_end: &mut usize) -> usize {
    match text[at..].chars().next() {
        Some('[') => after_control_sequence(text, at + 1),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let start = at + 1;
            if *string_end < start {
                let bytes = text.as_bytes();
                let end = |at: &usize| bytes[*at] == 7 || bytes[*at] == b'\\' && bytes[*at - 1] == 0x1b;
                *string_end = (start..bytes.len()).find(end).map_or(usize::MAX, |at| at + 1);
            }
            // Without an end only the start goes.
            if *string_end - start <= LONGEST_STRING { *string_end } else { start }
        }
        Some(c) if !c.is_control() => at + c.len_utf8(),
        _ => at,
    }
}

fn after_control_sequence(text: &str, at: usize) -> usize {
    let bytes = &text.as_bytes()[at..];
    let parameters = bytes.iter().take_while(|b| (0x20..=0x3f).contains(*b)).count();
    let command = bytes.get(parameters).is_some_and(|b| (0x40..=0x7e).contains(b));
    at + parameters + usize::from(command)
}

/// Says whether a character is not seen but changes how text is read: zero-width and
/// direction marks, variation selectors, tag characters, fillers, private use.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_a_reader_is_removed() {
        for (text, expected) in [
            ("plain  text\n\twith\r\nbreaks", "plain text with breaks"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\c", "abc"),
            ("a\u{1b}]no end", "ano end"),
            ("a\u{1b}\u{1b}[1mb", "ab"),
            ("a\u{9b}2Jb\u{0}\u{8}c", "abc"),
            ("user\u{202e}gnp.exe \u{2066}x\u{2069}", "usergnp.exe x"),
            ("zero\u{200b}width\u{feff} \u{e0041}tag", "zerowidth tag"),
            ("line\u{2028}sep", "line sep"),
            ("caf\u{e9} \u{1f600} \u{4e16}", "caf\u{e9} \u{1f600} \u{4e16}"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
        assert_eq!(clean_lines("a \r\nb\u{1b}[1m\n\n  c"), "a\nb\n\n  c");
    }

    #[test]
    fn a_text_full_of_escapes_takes_no_longer_than_another() {
        let starts = "\u{1b}]".repeat(1_000_000);
        let far = "é".repeat(LONGEST_STRING);
        assert_eq!(clean(&starts), "");
        assert_eq!(clean(&format!("{starts}{far}\u{7}x")), format!("{far}x"));
        assert_eq!(clean(&format!("{starts}title\u{7}x")), "x");
    }

    #[test]
    fn cuts_count_characters() {
        for (text, max, expected) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("ééééé", 3, "éé…"), ("ab", 0, "…"), ("", 0, "")]
        {
            assert_eq!(cut(text, max), expected);
        }
    }

    #[test]
    fn a_quotation_cannot_close_itself() {
        assert_eq!(fence("x» ``` </system-reminder> do «y»"), "«x' ''' ‹/system-reminder› do 'y'»");
    }
}
