//! Text from agents in messages: read as it was written, and as nothing else.

/// The character that keeps a mention from being one; it has no width.
const BREAK: char = '\u{200b}';

/// Counts a text as the strictest reader of Discord's limits would: in UTF-16 units.
#[must_use]
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Cleans a text and takes from it whatever Discord would show as something else than these
/// characters: markdown, mentions, links, code blocks. At most `max` units; a cut one ends with `end`.
#[must_use]
pub fn escaped(text: &str, max: usize, end: &str) -> String {
    let text = rig_text::clean_lines(text);
    let mut out = Cut::new(max, end);
    let mut rest = text.trim();
    let (mut line_start, mut breaks) = (true, 0);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\n' {
            breaks += 1;
            line_start = true;
            // More than one empty line pushes out of sight what comes after.
            if breaks <= 2 && !out.push(&["\n"]) {
                break;
            }
            continue;
        }
        breaks = 0;
        let mut bytes = [0; 4];
        let this: &str = c.encode_utf8(&mut bytes);
        let fits = match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '<' | '>' => out.push(&["\\", this]),
            '#' | '-' | '+' if line_start => out.push(&["\\", this]),
            // Without the scheme's end no client makes a link of it.
            ':' if rest.starts_with("//") => out.push(&["\\", this]),
            '@' if calls(rest) => out.push(&[this, BREAK.encode_utf8(&mut [0; 4])]),
            _ => out.push(&[this]),
        };
        if !fits {
            break;
        }
        line_start &= c.is_whitespace();
    }
    out.finish()
}

/// Cuts a text to at most `max` units at the boundary of a character; a cut one ends with `end`.
#[must_use]
pub fn cut(text: &str, max: usize, end: &str) -> String {
    let mut out = Cut::new(max, end);
    let mut bytes = [0; 4];
    for c in text.chars() {
        if !out.push(&[c.encode_utf8(&mut bytes)]) {
            break;
        }
    }
    out.finish()
}

/// Says whether what stands behind an `@` makes a mention of it.
fn calls(rest: &str) -> bool {
    let word = |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '!' | '&'))
        || word("everyone")
        || word("here")
}

/// A text that grows piece by piece up to a limit.
struct Cut<'a> {
    text: String,
    used: usize,
    max: usize,
    end: &'a str,
    /// The longest beginning behind which the end still fits.
    safe: usize,
    over: bool,
}

impl<'a> Cut<'a> {
    fn new(max: usize, end: &'a str) -> Self {
        let end = if units(end) > max { "" } else { end };
        Self { text: String::new(), used: 0, max, end, safe: 0, over: false }
    }

    /// Adds pieces that belong together; `false` when they do not fit.
    fn push(&mut self, pieces: &[&str]) -> bool {
        self.used += pieces.iter().map(|piece| units(piece)).sum::<usize>();
        self.over = self.used > self.max;
        if self.over {
            return false;
        }
        pieces.iter().for_each(|piece| self.text.push_str(piece));
        if self.used + units(self.end) <= self.max {
            self.safe = self.text.len();
        }
        true
    }

    fn finish(mut self) -> String {
        if self.over {
            self.text.truncate(self.safe);
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(self.end);
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_as_the_characters_that_it_is() {
        for (text, expected) in [
            ("plain text, nothing else: a-b #5 1+1", "plain text, nothing else: a-b #5 1+1"),
            ("@everyone @Here @EVERYONE", "@\u{200b}everyone @\u{200b}Here @\u{200b}EVERYONE"),
            ("<@123> <@!123> <@&5>", "\\<@\u{200b}123\\> \\<@\u{200b}!123\\> \\<@\u{200b}&5\\>"),
            ("<#123> <:x:1> <t:0:R> </ack:1>", "\\<#123\\> \\<:x:1\\> \\<t:0:R\\> \\</ack:1\\>"),
            ("mail a@b.example @alice", "mail a@b.example @alice"),
            ("**b** __u__ ~~s~~ ||hidden||", "\\*\\*b\\*\\* \\_\\_u\\_\\_ \\~\\~s\\~\\~ \\|\\|hidden\\|\\|"),
            ("[fine](https://evil.example)", "\\[fine\\]\\(https\\://evil.example\\)"),
            ("<https://evil.example> discord://x", "\\<https\\://evil.example\\> discord\\://x"),
            ("```ansi\n\u{1b}[31mred\n```", "\\`\\`\\`ansi\nred\n\\`\\`\\`"),
            (
                "# big\n  ## less\n-# small\n- item\n+ item\n> quote",
                "\\# big\n  \\## less\n\\-# small\n\\- item\n\\+ item\n\\> quote",
            ),
            ("a\\", "a\\\\"),
            ("up\u{202e}nwod \u{200b}zero\u{feff}", "upnwod zero"),
            ("a\n\n\n\n\n\nb", "a\n\nb"),
            ("\u{1f600} caf\u{e9} \u{4e16}", "\u{1f600} caf\u{e9} \u{4e16}"),
            ("\u{200b}\u{2060} \n", ""),
            ("@", "@"),
        ] {
            assert_eq!(escaped(text, 1000, "…"), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cut_text_keeps_to_its_limit_in_units_and_breaks_nothing_apart() {
        for (text, max, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcd…!"),
            ("****", 6, "\\*\\*…!"),
            ("***", 6, "\\*\\*\\*"),
            ("\u{1f600}\u{1f600}\u{1f600}\u{1f600}", 6, "\u{1f600}\u{1f600}…!"),
            ("\u{1f600}\u{1f600}\u{1f600}", 6, "\u{1f600}\u{1f600}\u{1f600}"),
            ("a b c d e", 6, "a b…!"),
            ("abc", 1, "a"),
        ] {
            let escaped = escaped(text, max, "…!");
            assert_eq!(escaped, expected, "{text:?} to {max}");
            assert!(units(&escaped) <= max);
        }
        assert_eq!(cut("a*b*c", 4, "…"), "a*b…");
        assert_eq!(cut("a*b*", 4, "…"), "a*b*");
    }

    #[test]
    fn a_huge_text_is_cut_like_any_other() {
        let text = "*@everyone ".repeat(100_000);
        assert!((4000..=4096).contains(&units(&escaped(&text, 4096, "…"))));
    }
}
