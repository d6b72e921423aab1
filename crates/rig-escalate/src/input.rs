//! Texts that may come from a file or from stdin.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rig_core::text::clean_lines;

use crate::output::{Exit, Trouble};

/// The most that is read, in bytes; a coordinator takes less.
const LIMIT: u64 = 1 << 20;

/// Stdin, which can be read once.
#[derive(Default)]
pub(crate) struct Input {
    taken: bool,
}

impl Input {
    /// Returns a cleaned text: words of the command line, stdin where they are `-`, or a file;
    /// `None` where it is empty.
    ///
    /// # Errors
    /// When the file or stdin cannot be read.
    pub(crate) fn text(&mut self, words: &[String], file: Option<&Path>) -> Result<Option<String>, Trouble> {
        let bytes = match (words, file) {
            (_, Some(file)) if file == Path::new("-") => self.stdin()?,
            (_, Some(file)) => {
                let text = File::open(file).and_then(read);
                text.map_err(|e| wrong(format!("failed to read {}: {e}", file.display())))?
            }
            ([word], None) if word == "-" => self.stdin()?,
            (words, None) => words.join(" ").into_bytes(),
        };
        let text = clean_lines(&String::from_utf8_lossy(&bytes)).trim().to_owned();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn stdin(&mut self) -> Result<Vec<u8>, Trouble> {
        if std::mem::replace(&mut self.taken, true) {
            return Err(wrong("stdin can be read for one text alone".to_owned()));
        }
        read(io::stdin().lock()).map_err(|e| wrong(format!("failed to read stdin: {e}")))
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wrong(message: String) -> Trouble {
    Trouble::new(Exit::Usage, message)
}
