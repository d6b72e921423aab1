//! Calls that give a statement to a database, or empty a store by themselves.

use super::{Reader, lists, text};
use crate::shell::program::Action;
use crate::shell::word::Word;

/// Calls that take a statement.
const TAKES: &str = "execute executescript executemany query exec raw rawquery execute_sql executesql exec_query executeraw \
    executerawunsafe $executeraw $executerawunsafe $queryrawunsafe queryrawunsafe run prepare sql text do execsql select_all \
    multi_query mysqli_query mysqli_multi_query pg_query sqlite_exec execute_query unsafe command";

impl Reader<'_> {
    /// Reads a call of this name as one to a store.
    pub(super) fn stored(&self, name: &str, from: usize) -> Option<Action> {
        let words = |words: &[&str]| Action::Data(words.iter().copied().map(Word::literal).collect());
        let called = self.mark(from, '(');
        match name {
            "flushall" | "flush_all" if called => return Some(words(&["redis-cli", "FLUSHALL"])),
            "flushdb" if called => return Some(words(&["redis-cli", "FLUSHDB"])),
            "dropdatabase" | "drop_database" if called => {
                return Some(words(&["mongosh", "--eval", "db.dropDatabase()"]));
            }
            name if !lists(TAKES, name) => return None,
            _ => {}
        }
        let arguments = self.arguments(from)?;
        let statement = arguments.iter().filter_map(text).find(|word| destroys(&word.text))?;
        Some(Action::Data(vec![Word::literal("sql"), Word::literal("--"), statement.clone()]))
    }
}

/// Says whether a text may be a statement that destroys something.
fn destroys(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["drop", "truncate", "delete"].iter().any(|word| lower.contains(word))
}
