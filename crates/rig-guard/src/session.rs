//! What the guard remembers of a session: how often it refused what, and what it has told.
//!
//! It is read only when a call is refused or a policy is broken, and written after the answer. What
//! cannot be read counts as nothing, and what cannot be written is forgotten.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rig_core::log::{lock, private_dir};
use rig_core::receipt::session_name;
use serde::{Deserialize, Serialize};

/// The largest memory, in bytes.
const LARGEST: u64 = 16 << 10;

/// The most things that are remembered as told.
const TOLD: usize = 32;

/// What is remembered of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// How often a category was refused.
    refused: BTreeMap<String, u32>,
    /// What was told once and need not be told again.
    told: Vec<String>,
}

impl Memory {
    /// Returns how often a category was refused.
    pub(crate) fn refusals(&self, category: &str) -> u32 {
        self.refused.get(category).copied().unwrap_or(0)
    }

    /// Counts a refusal.
    pub(crate) fn count(&mut self, category: &str) {
        let times = self.refused.entry(category.to_owned()).or_default();
        *times = times.saturating_add(1);
    }

    /// Says whether something is told for the first time, and notes it.
    pub(crate) fn is_new(&mut self, thing: &str) -> bool {
        let new = self.told.len() < TOLD && !self.told.iter().any(|told| told == thing);
        if new {
            self.told.push(thing.to_owned());
        }
        new
    }
}

/// Reads what is remembered.
pub(crate) fn recall(state: &Path, session: &str) -> Memory {
    let text = rig_core::files::read(&path(state, session), LARGEST).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Changes what is remembered, and returns what `change` does.
pub(crate) fn remember<T>(state: &Path, session: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
    let path = path(state, session);
    if let Some(dir) = path.parent() {
        let _ = private_dir(dir);
    }
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut open = OpenOptions::new();
    open.create(true).truncate(false).read(true).write(true).mode(0o600).custom_flags(flags);
    let file = open.open(&path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()));
    let mut memory = Memory::default();
    if let Some(file) = &file {
        // Of parallel calls one after the other; whoever does not let go is passed by.
        let _ = lock(file);
        let mut text = Vec::new();
        let _ = file.take(LARGEST).read_to_end(&mut text);
        memory = serde_json::from_slice(&text).unwrap_or_default();
    }
    let before = memory.clone();
    let answer = change(&mut memory);
    if let (Some(file), Ok(text)) = (&file, serde_json::to_vec(&memory))
        && memory != before
    {
        let _ = file.write_all_at(&text, 0).and_then(|()| file.set_len(text.len() as u64));
    }
    answer
}

fn path(state: &Path, session: &str) -> PathBuf {
    state.join("sessions").join(format!("{}.guard", session_name(session)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_category_and_things_are_told_once() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            remember(dir.path(), "s", |memory| memory.count("git"));
        }
        let told = [0; 2].map(|_| remember(dir.path(), "s", |memory| memory.is_new("x")));
        let memory = recall(dir.path(), "s");
        assert_eq!((memory.refusals("git"), memory.refusals("fs"), told), (2, 0, [true, false]));
        assert_eq!(recall(dir.path(), "other"), Memory::default());
    }

    #[test]
    fn a_broken_memory_counts_as_none_and_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path(), "s");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "{\"refused\":").unwrap();
        assert_eq!(recall(dir.path(), "s"), Memory::default());
        for n in 0..100 {
            remember(dir.path(), "s", |memory| memory.is_new(&n.to_string()));
        }
        assert_eq!(recall(dir.path(), "s").told.len(), TOLD);
        std::fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        remember(dir.path(), "s", |memory| memory.count("git"));
        assert_eq!(recall(dir.path(), "s"), Memory::default());
    }
}
