//! Where things end that are written in a word.

use super::Scanner;

/// Returns the place of the `)` that closes a `(` before `from`.
pub(in crate::shell) fn closing_paren(text: &str, from: usize) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    scanner.code(Some(b')')).ok()?.then_some(scanner.at)
}

/// Returns the place of the `}` that closes a `${` before `from`.
pub(in crate::shell) fn closing_brace(text: &str, from: usize, double: bool) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    scanner.parameter(double).ok()?.then_some(scanner.at)
}

/// Returns the place of the backtick that closes one before `from`.
pub(in crate::shell) fn closing_backtick(text: &str, from: usize) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    scanner.until(b'`').then_some(scanner.at)
}

/// Returns the place of the `'` that closes a `$'` before `from`.
pub(in crate::shell) fn closing_ansi(text: &str, from: usize) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    scanner.until(b'\'').then_some(scanner.at)
}

/// Returns the place of the `"` that closes one before `from`.
pub(in crate::shell) fn closing_double(text: &str, from: usize) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    scanner.double().ok()?.then_some(scanner.at)
}

/// Returns the place of the `))` that closes an arithmetic expression before `from`; none where it
/// is a subshell in a substitution after all.
pub(in crate::shell) fn closing_arithmetic(text: &str, from: usize) -> Option<usize> {
    Scanner::new(text).arithmetic(from).map(|(end, _)| end)
}

/// Returns the place of the `]` that closes a `[` before `from`.
pub(in crate::shell) fn closing_bracket(text: &str, from: usize) -> Option<usize> {
    let mut scanner = Scanner { at: from, ..Scanner::new(text) };
    let mut depth = 0_usize;
    while let Some(byte) = scanner.peek(0) {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(scanner.at),
            b']' => depth -= 1,
            _ => {}
        }
        scanner.quoted(byte, false).ok()?;
    }
    None
}

/// Returns the place of the first such byte that is not in quotes, brackets or a substitution.
pub(in crate::shell) fn top_level(text: &str, wanted: u8) -> Option<usize> {
    let mut scanner = Scanner::new(text);
    let mut depth = 0_usize;
    while let Some(byte) = scanner.peek(0) {
        match byte {
            byte if byte == wanted && depth == 0 => return Some(scanner.at),
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        scanner.quoted(byte, false).ok()?;
    }
    None
}

/// Splits the elements of an array as they are written.
pub(in crate::shell) fn elements(text: &str) -> Vec<&str> {
    let mut scanner = Scanner::new(text);
    let mut elements = Vec::new();
    let mut start = None;
    while let Some(byte) = scanner.peek(0) {
        match byte {
            b' ' | b'\t' | b'\n' => {
                if let Some(start) = start.take() {
                    elements.push(&text[start..scanner.at]);
                }
                scanner.at += 1;
            }
            b'#' if start.is_none() => scanner.skip_line(),
            byte => {
                start.get_or_insert(scanner.at);
                if matches!(byte, b'<' | b'>') && scanner.peek(1) == Some(b'(') {
                    scanner.at += 1;
                    if scanner.nested_code(false).is_err() {
                        scanner.at = text.len();
                    }
                } else if scanner.quoted(byte, false).is_err() {
                    scanner.at = text.len();
                }
            }
        }
    }
    if let Some(start) = start {
        elements.push(&text[start..]);
    }
    elements
}
