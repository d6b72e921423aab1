//! Brace expansion, which bash does before everything else.

use super::scan;

/// The most words that one word may become.
const MOST: usize = 512;
/// How many patterns like `@(a|b)` in one word are followed.
const MOST_PATTERNS: usize = 8;

/// What braces make of a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Braces {
    /// There is nothing to expand.
    None,
    /// These words.
    Words(Vec<String>),
    /// Too many words; these stand for them, with holes for what is left out.
    TooMany(Vec<String>),
}

/// Expands `{a,b}` and `{1..3}` in a written word.
pub(super) fn expand(written: &str) -> Braces {
    if written.contains('(')
        && let Some(changed) = patterns(written)
    {
        return match expand(&changed) {
            Braces::None => Braces::Words(vec![changed]),
            expanded => expanded,
        };
    }
    if !written.contains('{') {
        return Braces::None;
    }
    let mut budget = MOST;
    match words(written, 0, &mut budget) {
        Some(words) if words.len() == 1 && words[0] == written => Braces::None,
        Some(words) => Braces::Words(words),
        None => Braces::TooMany(shapes(written)),
    }
}

/// Returns a word with braces for `@(a|b)` and the like, which match names that are there; what `!(a)` matches is not
/// spelled out.
fn patterns(written: &str) -> Option<String> {
    let mut changed: Option<String> = None;
    for _ in 0..MOST_PATTERNS {
        let text = changed.as_deref().unwrap_or(written);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len()
            && !(matches!(bytes[at], b'@' | b'?' | b'*' | b'+') && bytes.get(at + 1) == Some(&b'('))
        {
            at = skip(text, at);
        }
        let Some(close) = text.get(at + 2..).and_then(|_| scan::closing_paren(text, at + 2)) else { break };
        let mut items: Vec<&str> = if matches!(bytes[at], b'?' | b'*') { vec![""] } else { Vec::new() };
        let mut rest = &text[at + 2..close];
        while let Some(bar) = scan::top_level(rest, b'|') {
            items.push(&rest[..bar]);
            rest = &rest[bar + 1..];
        }
        items.push(rest);
        let (before, behind) = (&text[..at], &text[close + 1..]);
        changed = Some(match items.as_slice() {
            [only] => format!("{before}{only}{behind}"),
            items => format!("{before}{{{}}}{behind}", items.join(",")),
        });
    }
    changed
}

/// Returns a word with the alternatives of its first braces, and holes for other ones.
fn shapes(written: &str) -> Vec<String> {
    let mut from = 0;
    while let Some(brace) = find(written, from) {
        let (close, items) = match group(written, brace + 1) {
            Some((close, Alternatives::List(items))) => {
                (close, items.into_iter().take(MOST).map(shape).collect())
            }
            Some((close, Alternatives::Range(range))) if bounds(range).is_some() => {
                (close, vec![HOLE.to_owned()])
            }
            _ => {
                from = brace + 1;
                continue;
            }
        };
        let tail = shape(&written[close + 1..]);
        return items.into_iter().map(|item| format!("{}{item}{tail}", &written[..brace])).collect();
    }
    vec![written.to_owned()]
}

/// What stands for braces that are not expanded.
const HOLE: &str = "\0u\0";

fn shape(written: &str) -> String {
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(brace) = find(written, from) {
        match group(written, brace + 1) {
            Some((close, _)) => {
                out.push_str(&written[copied..brace]);
                out.push_str(HOLE);
                (copied, from) = (close + 1, close + 1);
            }
            None => from = brace + 1,
        }
    }
    out.push_str(&written[copied..]);
    out
}

fn words(written: &str, depth: usize, budget: &mut usize) -> Option<Vec<String>> {
    if depth > 16 {
        return None;
    }
    let mut from = 0;
    while let Some(brace) = find(written, from) {
        let Some((close, alternatives)) = group(written, brace + 1) else {
            from = brace + 1;
            continue;
        };
        let items: Vec<String> = match alternatives {
            Alternatives::List(items) => {
                let mut all = Vec::new();
                for item in items {
                    all.extend(words(item, depth + 1, budget)?);
                }
                all
            }
            Alternatives::Range(range) => match bounds(range) {
                Some(bounds) => sequence(range, bounds)?,
                None => {
                    from = brace + 1;
                    continue;
                }
            },
        };
        let tails = words(&written[close + 1..], depth + 1, budget)?;
        *budget = budget.checked_sub(items.len().checked_mul(tails.len())?)?;
        let head = &written[..brace];
        return Some(
            items
                .iter()
                .flat_map(|item| tails.iter().map(move |tail| format!("{head}{item}{tail}")))
                .collect(),
        );
    }
    Some(vec![written.to_owned()])
}

enum Alternatives<'a> {
    List(Vec<&'a str>),
    Range(&'a str),
}

/// Returns the next unquoted `{` that does not belong to a `${`.
fn find(written: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(byte) = written.as_bytes().get(at) {
        if *byte == b'{' {
            return Some(at);
        }
        at = skip(written, at);
    }
    None
}

/// Returns the place behind one character, or behind a whole quotation or substitution.
fn skip(written: &str, at: usize) -> usize {
    let bytes = written.as_bytes();
    let end = match bytes[at] {
        b'\\' => Some(at + 1),
        b'\'' => written[at + 1..].find('\'').map(|n| at + 1 + n),
        b'"' => scan::closing_double(written, at + 1),
        b'`' => scan::closing_backtick(written, at + 1),
        b'<' | b'>' if bytes.get(at + 1) == Some(&b'(') => scan::closing_paren(written, at + 2),
        b'$' => match bytes.get(at + 1) {
            Some(b'{') => scan::closing_brace(written, at + 2, false),
            Some(b'(') => scan::closing_paren(written, at + 2),
            Some(b'\'') => scan::closing_ansi(written, at + 2),
            _ => Some(at),
        },
        _ => Some(at),
    };
    end.map_or(bytes.len(), |end| end + 1)
}

/// Reads a brace group from behind its `{`: where it ends, and what is in it.
fn group(written: &str, start: usize) -> Option<(usize, Alternatives<'_>)> {
    let bytes = written.as_bytes();
    let (mut at, mut depth, mut item) = (start, 0_usize, start);
    let mut items = Vec::new();
    loop {
        match bytes.get(at)? {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                items.push(&written[item..at]);
                item = at + 1;
            }
            _ => {
                at = skip(written, at);
                continue;
            }
        }
        at += 1;
    }
    if items.is_empty() {
        let inner = &written[start..at];
        return inner.contains("..").then_some((at, Alternatives::Range(inner)));
    }
    items.push(&written[item..at]);
    Some((at, Alternatives::List(items)))
}

/// Reads `from..to..step`, of numbers or letters.
fn bounds(range: &str) -> Option<(i64, i64, usize, bool)> {
    let mut parts = range.split("..");
    let (first, last, step) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let step: i64 = step.map_or(Some(1), |s| s.parse().ok())?;
    let step = usize::try_from(step.unsigned_abs().max(1)).ok()?;
    match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(from), Ok(to)) => Some((from, to, step, false)),
        _ => Some((letter(first)?, letter(last)?, step, true)),
    }
}

fn sequence(range: &str, (from, to, step, letter): (i64, i64, usize, bool)) -> Option<Vec<String>> {
    if from.abs_diff(to) / step as u64 >= MOST as u64 {
        return None;
    }
    let width = range
        .split("..")
        .take(2)
        .filter(|n| n.trim_start_matches('-').starts_with('0') && n.len() > 1)
        .map(|n| n.len())
        .max()
        .unwrap_or(0);
    let name = |n: i64| match u8::try_from(n) {
        Ok(byte) if letter => char::from(byte).to_string(),
        _ => format!("{n:0width$}"),
    };
    Some(if from <= to {
        (from..=to).step_by(step).map(name).collect()
    } else {
        (to..=from).rev().step_by(step).map(name).collect()
    })
}

fn letter(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(i64::from(*byte)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_expand_as_in_bash() {
        for (written, expected) in [
            ("a{b,c}d", "abd acd"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("/{bin,usr/{lib,share}}", "/bin /usr/lib /usr/share"),
            ("{1..3} ", "1  2  3 "),
            ("{08..10}", "08 09 10"),
            ("{c..a}", "c b a"),
            ("{1..9..4}", "1 5 9"),
            ("{,x}", " x"),
            ("{a,'b,c'}", "a 'b,c'"),
            ("{a,${x:-b,c}}", "a ${x:-b,c}"),
            ("{{a,b}", "{a {b"),
        ] {
            let Braces::Words(words) = expand(written) else { panic!("{written}") };
            assert_eq!(words.join(" "), expected, "{written}");
        }
        for written in ["{}", "{a}", "a", "\\{a,b}", "'{a,b}'", "${x,y}", "{a,b", "{1..b}"] {
            assert_eq!(expand(written), Braces::None, "{written}");
        }
    }

    #[test]
    fn too_many_words_are_known_by_their_shape() {
        for (written, expected) in [
            ("/{1..99999}", "/\0u\0"),
            ("{/,x{1..900}}y", "/y x\0u\0y"),
            ("a{b,c}{1..999}{d,e}", "ab\0u\0\0u\0 ac\0u\0\0u\0"),
        ] {
            let Braces::TooMany(words) = expand(written) else { panic!("{written}") };
            assert_eq!(words.join(" "), expected, "{written}");
        }
    }
}
