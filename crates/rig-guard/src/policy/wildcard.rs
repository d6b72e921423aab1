//! Patterns of a policy: texts in which `*` stands for any characters.

/// Says whether a text is matched as a whole. Of several `*` only the last is tried at other lengths, so that
/// the time is bounded by the product of the lengths.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the pattern goes on behind the last `*`, and how much of the text that has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(own) if *own == text[from] => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((next, taken)) = star else { return false };
                star = Some((next, taken + 1));
                (at, from) = (next, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

/// Says whether a path is what a pattern means, or in it. A pattern's `*` stays within one part of a path.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    pattern
        .split('/')
        .filter(|part| !part.is_empty())
        .all(|part| names.next().is_some_and(|name| matches(part, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("main", "main", true),
            ("main", "maine", false),
            ("release/*", "release/1/2", true),
            ("*-prod", "eu-prod", true),
            ("a*b*c", "abbbc", true),
            ("a*b*c", "abbb", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("ø*", "øre", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_path_covers_what_is_in_it() {
        for (pattern, path, expected) in [
            ("/srv/data", "/srv/data", true),
            ("/srv/data", "/srv/data/a/b", true),
            ("/srv/data", "/srv/database", false),
            ("/srv/*/keys", "/srv/a/keys/x", true),
            ("/srv/*/keys", "/srv/a/b/keys", false),
            ("/srv/data", "/srv", false),
        ] {
            assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
        }
    }
}
