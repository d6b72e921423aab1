//! Here-documents in the pass over the code.

use super::{Cut, Scanner};

/// A here-document whose body starts at the next line.
pub(super) struct Pending {
    delimiter: String,
    quoted: bool,
    tabs: bool,
}

impl Scanner<'_> {
    /// Goes over `<<` and its delimiter, or over `<<<`.
    pub(super) fn here_operator(&mut self) {
        self.at += 2;
        if self.peek(0) == Some(b'<') {
            self.at += 1;
            return;
        }
        let tabs = self.peek(0) == Some(b'-');
        self.at += usize::from(tabs);
        while let Some(b' ' | b'\t') = self.peek(0) {
            self.at += 1;
        }
        let start = self.at;
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'\\' => self.at += 2,
                b'\'' | b'"' => {
                    self.at += 1;
                    self.at += self.bytes[self.at.min(self.bytes.len())..]
                        .iter()
                        .position(|b| *b == byte)
                        .unwrap_or(self.bytes.len())
                        + 1;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        let written = self.text.get(start..self.at).unwrap_or_default();
        let delimiter: String = written.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        let quoted = delimiter.len() != written.len();
        self.pending.push(Pending { delimiter, quoted, tabs });
    }

    /// Goes over the bodies of the here-documents that begin at this line.
    pub(super) fn here_documents(&mut self, end: Option<u8>) {
        for pending in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut joined = false;
            loop {
                let line_start = self.at;
                if line_start >= self.bytes.len() {
                    self.cuts.push((start..line_start, Cut::Document));
                    break;
                }
                self.skip_line();
                let mut line = &self.bytes[line_start..self.at];
                if pending.tabs {
                    let tabs = line.iter().take_while(|b| **b == b'\t').count();
                    line = &line[tabs..];
                }
                let delimiter = pending.delimiter.as_bytes();
                if !joined && line == delimiter {
                    self.cuts.push((start..line_start, Cut::Document));
                    self.at += 1;
                    break;
                }
                // In a substitution the closing bracket may stand right behind the delimiter.
                if !joined
                    && end.is_some()
                    && line.strip_prefix(delimiter).is_some_and(|r| r.starts_with(b")"))
                {
                    self.cuts.push((start..line_start, Cut::Document));
                    self.at -= line.len() - delimiter.len();
                    break;
                }
                let backslashes = line.iter().rev().take_while(|b| **b == b'\\').count();
                joined = !pending.quoted && backslashes % 2 == 1;
                self.at = (self.at + 1).min(self.bytes.len());
            }
            self.at = self.at.min(self.bytes.len());
        }
        self.cuts.retain(|(range, _)| !range.is_empty());
    }
}
