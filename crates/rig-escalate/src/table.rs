//! Aligned tables, and colours where somebody sees them.

use std::io::IsTerminal;

use rig_core::env::Environment;
use rig_core::text::cut;

/// The width of what is no terminal, in characters.
const PLAIN_WIDTH: usize = 200;

/// How to write to stdout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
    width: usize,
}

impl Style {
    /// Looks at stdout and the environment.
    pub(crate) fn of_stdout(env: &Environment) -> Self {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        let width = rustix::termios::tcgetwinsize(&stdout).ok().filter(|_| terminal);
        Self {
            colour: terminal && !dumb && env.get_os("NO_COLOR").is_none(),
            width: width.map_or(PLAIN_WIDTH, |size| usize::from(size.ws_col).max(40)),
        }
    }

    /// Colours a severity.
    pub(crate) fn severity(self, text: &str) -> String {
        match text.trim_end() {
            "P0" => self.paint("1;31", text),
            "P1" => self.paint("33", text),
            "P2" => self.paint("36", text),
            _ => text.to_owned(),
        }
    }

    /// Colours what is over, so that it does not catch the eye.
    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Cuts a line to the width.
    pub(crate) fn fit(self, line: &str) -> String {
        cut(line, self.width)
    }

    /// Lays out rows under a heading; the last column takes what is left of the width. A column whose
    /// heading starts with `>` is aligned to the right.
    pub(crate) fn table(self, heading: &[&str], rows: &[Vec<String>]) -> String {
        let count = heading.len();
        let names = heading.iter().map(|name| name.trim_start_matches('>').to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&names).chain(rows).collect();
        let width_of = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count).map(width_of).collect();
        let before_last: usize = widths[..count - 1].iter().map(|width| width + 2).sum();
        let room = self.width.saturating_sub(before_last).max(16);
        let mut text = String::new();
        for (number, row) in all.iter().enumerate() {
            let closed = number > 0 && row.iter().any(|cell| cell == "closed");
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let last = column + 1 == count;
                match (heading[column].starts_with('>'), last) {
                    (true, _) => line.push_str(&format!("{pad}{cell}")),
                    (false, true) => line.push_str(&cut(cell, room)),
                    (false, false) if number > 0 && !closed => {
                        line.push_str(&format!("{}{pad}", self.severity(cell)));
                    }
                    (false, false) => line.push_str(&format!("{cell}{pad}")),
                }
                if !last {
                    line.push_str("  ");
                }
            }
            let line = line.trim_end();
            text.push_str(&if closed { self.dim(line) } else { line.to_owned() });
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        vec![
            row(["a1", "P0", "5", "a long reason that has no room"]),
            row(["a22", "P2", "10", "short"]),
            row(["a3", "P1", "7", "closed"]),
        ]
    }

    const HEADING: [&str; 4] = ["ID", "SEV", ">AGE", "REASON"];

    #[test]
    fn columns_are_aligned_and_the_last_one_is_cut() {
        let style = Style { colour: false, width: 32 };
        let expected = "ID   SEV  AGE  REASON\n\
                        a1   P0     5  a long reason th…\n\
                        a22  P2    10  short\n\
                        a3   P1     7  closed\n";
        assert_eq!(style.table(&HEADING, &rows()), expected);
    }

    #[test]
    fn colours_do_not_move_columns() {
        let style = Style { colour: true, width: 200 };
        let expected = "ID   SEV  AGE  REASON\n\
                        a1   \u{1b}[1;31mP0\u{1b}[0m     5  a long reason that has no room\n\
                        a22  \u{1b}[36mP2\u{1b}[0m    10  short\n\
                        \u{1b}[2ma3   P1     7  closed\u{1b}[0m\n";
        assert_eq!(style.table(&HEADING, &rows()), expected);
    }
}
