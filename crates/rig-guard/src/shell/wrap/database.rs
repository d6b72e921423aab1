//! Clients of databases: what they give to a shell.

use std::rc::Rc;

use super::super::Shell;
use super::super::state::{INPUT, Item};
use super::super::word::Word;
use super::Unwrapped;
use crate::rules::db::client::{self, Client, Source};
use crate::rules::db::pieces::escapes;

/// How many files are read, and how deep they name one another.
const MAX_FILES: usize = 16;
const MAX_DEPTH: usize = 4;

/// Code for a shell, and whether it runs where the database is.
struct Codes {
    found: Vec<(String, bool)>,
    /// How many files may be read yet.
    left: usize,
}

impl Shell<'_> {
    /// Returns the code for a shell in what a client of a database reads; `None` where there is none.
    pub(super) fn client(&mut self, name: &str, words: &[Word]) -> Option<Unwrapped> {
        let client = client::find(name)?;
        let line = client.lasting(&words[1..], false)?;
        let mut codes = Codes { found: Vec::new(), left: MAX_FILES };
        for source in &line.sources {
            match source {
                Source::Sql(word) => self.escapes(client, word, &mut codes, 0),
                Source::File(path) => {
                    if let Some(text) = self.sql_of(path) {
                        self.escapes(client, &text, &mut codes, 1);
                    }
                }
                Source::Input => {
                    let text = match self.pick(INPUT) {
                        Some(Item::Text(text)) => Some(text),
                        Some(Item::Disk(path)) => self.read_sql(&path),
                        _ => None,
                    };
                    if let Some(text) = text {
                        self.escapes(client, &text, &mut codes, 0);
                    }
                }
            }
        }
        let code = |(code, elsewhere)| Unwrapped::Code { code, arguments: Some(Vec::new()), elsewhere };
        (!codes.found.is_empty()).then(|| Unwrapped::Many(codes.found.into_iter().map(code).collect()))
    }

    fn escapes(&mut self, client: &Client, text: &Word, codes: &mut Codes, depth: usize) {
        let found = escapes(client, &text.to_code());
        codes.found.extend(found.codes);
        for path in found.files {
            let Some(left) = codes.left.checked_sub(1).filter(|_| depth < MAX_DEPTH) else { return };
            codes.left = left;
            if let Some(text) = self.sql_of(&Word::literal(path)) {
                self.escapes(client, &text, codes, depth + 1);
            }
        }
    }

    /// Returns the text of a file with SQL.
    fn sql_of(&mut self, path: &Word) -> Option<Word> {
        match self.contents(path) {
            Item::Text(text) => Some(text),
            Item::Disk(path) => self.read_sql(&path),
            _ => None,
        }
    }

    fn read_sql(&mut self, path: &Rc<str>) -> Option<Word> {
        if self.context.elsewhere || self.context.mounts.is_some() {
            return None;
        }
        self.world.script(path).map(|script| Word::literal(script.text.replace('\0', "")))
    }
}
