//! What is special in Awk: output and input by commands.

use super::{Reader, Token, Value};
use crate::shell::program::Action;
use crate::shell::word::Word;

/// How many tokens the arguments of one `print` have at most.
const MAX_PRINTED: usize = 64;

impl Reader<'_> {
    /// Reads `print > "file"`, `print text | "cmd"` and `"cmd" | getline`, at their second operand.
    pub(super) fn awk(&mut self, at: usize) {
        if self.mark(at, '|') && self.word_at(at + 1) == Some("getline") && at > 0 {
            let from = self.operand_before(at);
            if let (Value::Text(code), _) = self.within(&self.tokens[..at]).value(from, 0) {
                self.actions.push(Action::Code(code));
            }
            return;
        }
        let Some(before) = at.checked_sub(1) else { return };
        if self.mark(before, '>') {
            if let Some(file) = self.spelled(at) {
                self.redirected(&file);
            }
            return;
        }
        // `|&` of gawk.
        let bar = if self.mark(before, '&') { before.wrapping_sub(1) } else { before };
        if !self.mark(bar, '|') || bar > 0 && self.mark(bar - 1, '|') {
            return;
        }
        let Some(program) = self.spelled(at) else { return };
        let (Value::Text(program), _) = (match self.value(at, 0) {
            (Value::Text(program), end) => (Value::Text(program), end),
            _ => (Value::Text(program), at),
        }) else {
            return;
        };
        let printed = self.printed(bar);
        let code = match printed {
            Some(printed) => Word::literal(format!("{} <<< ", program.to_code()) + &printed.to_quoted()),
            None => program,
        };
        self.actions.push(Action::Code(crate::shell::program::tokens::text(&code.text)));
    }

    /// Returns where the expression begins that ends before a place.
    fn operand_before(&self, at: usize) -> usize {
        let ends = |at: &usize| {
            matches!(self.tokens[*at], Token::Mark('{' | '}' | ';' | '\n' | '('))
                || matches!(&self.tokens[*at], Token::Name(name) if name == "while")
        };
        let open = |at: usize| if at > 0 && self.mark(at - 1, ')') { self.opening(at - 1) } else { None };
        open(at).unwrap_or_else(|| (0..at).rev().take(MAX_PRINTED).find(ends).map_or(0, |at| at + 1))
    }

    /// Returns what the `print` before a bar prints.
    fn printed(&self, bar: usize) -> Option<Word> {
        let from = (bar.saturating_sub(MAX_PRINTED)..bar)
            .rev()
            .find(|at| matches!(self.word_at(*at), Some("print" | "printf")))?;
        let inside = self.within(&self.tokens[..bar]);
        let mut values = inside.handed(from + 1).into_iter().flat_map(super::texts::words);
        Some(if self.word_at(from) == Some("printf") {
            let format = values.next()?;
            super::texts::fill(&format, &values.collect::<Vec<_>>())
        } else {
            super::texts::spaced(&values.collect::<Vec<_>>())
        })
    }
}
