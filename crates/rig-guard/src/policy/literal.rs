//! A text that must stand in everything that a regular expression matches.
//!
//! Compiling an expression costs more than judging a command, so it is compiled only for commands in
//! which that text stands.

/// Returns the longest text that is in every match, where there is one of at least three characters.
pub(super) fn required(expression: &str) -> Option<String> {
    // With alternatives, or with flags that change what characters mean, nothing is certain.
    if expression.contains('|') || expression.contains("(?") {
        return None;
    }
    let mut best = String::new();
    let mut run = String::new();
    let mut depth = 0_usize;
    let mut chars = expression.chars().peekable();
    let end = |run: &mut String, best: &mut String| {
        if run.chars().count() > best.chars().count() {
            best.clone_from(run);
        }
        run.clear();
    };
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => Some(escaped),
                // `\x41` and `\p{..}` take more characters; whatever follows is not trusted.
                Some('x' | 'u' | 'U' | 'p' | 'P') => return longest(best, run),
                _ => None,
            },
            '[' => {
                // A `]` right at the start is one of the characters.
                if chars.peek() == Some(&'^') {
                    chars.next();
                }
                let mut first = true;
                let mut nested = 0_usize;
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => drop(chars.next()),
                        '[' => nested += 1,
                        ']' if nested > 0 => nested -= 1,
                        ']' if !first => break,
                        _ => {}
                    }
                    first = false;
                }
                None
            }
            '(' => {
                depth += 1;
                None
            }
            ')' => {
                depth = depth.saturating_sub(1);
                None
            }
            '^' | '$' | '.' => None,
            '*' | '+' | '?' | '{' => {
                if c == '{' {
                    chars.by_ref().find(|c| *c == '}');
                }
                // What comes before may be missing, or stand there several times.
                run.pop();
                None
            }
            c => Some(c),
        };
        match literal {
            // A group may be optional as a whole.
            Some(c) if depth == 0 => run.push(c),
            _ => end(&mut run, &mut best),
        }
    }
    longest(best, run)
}

fn longest(best: String, run: String) -> Option<String> {
    let text = if run.chars().count() > best.chars().count() { run } else { best };
    (text.chars().count() >= 3).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_in_every_match() {
        for (expression, expected) in [
            ("^npm publish", Some("npm publish")),
            (r"terraform\s+destroy", Some("terraform")),
            (r"\bdropdb\b", Some("dropdb")),
            ("abcd?", Some("abc")),
            ("abc*def", Some("def")),
            ("(abcdef)?xyz", Some("xyz")),
            ("a{3}bcde", Some("bcde")),
            ("ab|cdef", None),
            ("(?i)abc", None),
            (r"\x41bcdef", None),
            (r"xyz\x41b", Some("xyz")),
            ("[abc]+", None),
            ("[]abc]def", Some("def")),
            ("[^]]def", Some("def")),
            (r"a\.b\.c", Some("a.b.c")),
            ("ab", None),
            ("", None),
        ] {
            assert_eq!(required(expression).as_deref(), expected, "{expression}");
        }
    }
}
