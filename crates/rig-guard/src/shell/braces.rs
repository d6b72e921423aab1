//! Brace expansion, which bash does before everything else.

use super::scan;

/// The most words that one word may become.
const MOST: usize = 512;

/// Expands `{a,b}` and `{1..3}` in a written word; `None` where there is nothing to expand, or too
/// much.
pub(super) fn expand(written: &str) -> Option<Vec<String>> {
    if !written.contains('{') {
        return None;
    }
    let mut budget = MOST;
    let words = words(written, 0, &mut budget)?;
    (words.len() > 1 || words[0] != written).then_some(words)
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
            Alternatives::Range(range) => match sequence(range) {
                Some(items) => items,
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

fn sequence(range: &str) -> Option<Vec<String>> {
    let mut parts = range.split("..");
    let (first, last, step) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let step: i64 = step.map_or(Some(1), |s| s.parse().ok())?;
    let step = usize::try_from(step.unsigned_abs().max(1)).ok()?;
    let (from, to, letter) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(from), Ok(to)) => (from, to, false),
        _ => (letter(first)?, letter(last)?, true),
    };
    if from.abs_diff(to) / step as u64 >= MOST as u64 {
        return None;
    }
    let width = [first, last]
        .iter()
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
            assert_eq!(expand(written).map(|w| w.join(" ")).as_deref(), Some(expected), "{written}");
        }
        for written in ["{}", "{a}", "a", "\\{a,b}", "'{a,b}'", "${x,y}", "{1..99999}", "{a,b", "{1..b}"] {
            assert_eq!(expand(written), None, "{written}");
        }
    }
}
