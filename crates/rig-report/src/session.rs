//! What is remembered of a session between two calls of the hook.
//!
//! One small file a session, locked while it is in use: the client runs the hooks of parallel
//! tool calls at the same time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rig_core::clock::unix_seconds;
use rig_wire::AgentStatus;
use serde::{Deserialize, Serialize};

/// The session's file could not be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {}", path.display())]
pub(crate) struct SessionError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// An open session; others wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    path: PathBuf,
    file: File,
    was: Memory,
    now: Memory,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Memory {
    /// The status that the last heartbeat told.
    status: Option<AgentStatus>,
    /// When the last heartbeat was sent, in seconds since 1970.
    last_beat: u64,
    /// When the next `working` heartbeat is due, in seconds since 1970.
    next_beat: u64,
    /// The branches and pull requests that were told.
    told: Vec<String>,
    /// How many calls were told that ran without the guard's leave.
    missed: u32,
}

/// How many calls are told that ran without the guard's leave: a person knows by then.
const MISSED: u32 = 10;

/// How many branches and pull requests are remembered.
const REMEMBERED: usize = 32;

impl Session {
    /// Opens the session's file, making it where needed.
    pub(crate) fn open(state: &Path, id: &str) -> Result<Self, SessionError> {
        let dir = state.join("sessions");
        let path = dir.join(format!("{}.json", rig_core::receipt::session_name(id)));
        let error = |action| {
            let path = path.clone();
            move |source| SessionError { action, path, source }
        };
        rig_core::log::private_dir(&dir).map_err(error("make the directory of"))?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(error("open"))?;
        rig_core::log::lock(&file).map_err(error("lock"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(error("read"))?;
        // What cannot be parsed counts as new; the worst that follows is one more heartbeat.
        let memory: Memory = serde_json::from_slice(&text).unwrap_or_default();
        Ok(Self { path, file, was: memory.clone(), now: memory })
    }

    /// Returns the status if a heartbeat that tells it is due: at once when it changes, and
    /// `working` again after a while, or when the clock was set back.
    pub(crate) fn beat_due(&self, status: AgentStatus) -> Option<AgentStatus> {
        let changed = self.now.status != Some(status);
        let rests = (self.now.last_beat..self.now.next_beat).contains(&unix_seconds());
        let due = changed || status == AgentStatus::Working && !rests;
        due.then_some(status)
    }

    /// Notes that a heartbeat was sent.
    pub(crate) fn beaten(&mut self, status: AgentStatus, every: Duration) {
        self.now.status = Some(status);
        self.now.last_beat = unix_seconds();
        self.now.next_beat = self.now.last_beat.saturating_add(every.as_secs());
    }

    /// Says whether something is told for the first time, and notes it.
    pub(crate) fn is_new(&mut self, thing: &str) -> bool {
        if self.now.told.iter().any(|told| told == thing) {
            return false;
        }
        self.now.told.push(thing.to_owned());
        let over = self.now.told.len().saturating_sub(REMEMBERED);
        self.now.told.drain(..over);
        true
    }

    /// Counts a call that ran without the guard's leave; returns how many were told before, and none
    /// where enough were.
    pub(crate) fn missed(&mut self) -> Option<u32> {
        let before = self.now.missed;
        self.now.missed = before.saturating_add(1).min(MISSED);
        (before < MISSED).then_some(before)
    }

    /// Writes what has changed.
    pub(crate) fn save(&mut self) -> Result<(), SessionError> {
        if self.was == self.now {
            return Ok(());
        }
        let text = serde_json::to_vec(&self.now).expect("the members are plain");
        let written = self.file.write_all_at(&text, 0).and_then(|()| self.file.set_len(text.len() as u64));
        written.map_err(|source| SessionError { action: "write", path: self.path.clone(), source })?;
        self.was = self.now.clone();
        Ok(())
    }
}

/// Removes the files of sessions that nothing was heard of for a week.
pub(crate) fn forget_old(state: &Path) {
    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
    for entry in fs::read_dir(state.join("sessions")).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
        if age.is_some_and(|age| age > WEEK) {
            // One that stays is tried again next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_heartbeat_is_due_when_the_status_changes_and_when_time_is_up() {
        use AgentStatus::{Idle, Working};
        let dir = tempfile::tempdir().unwrap();
        let mut session = Session::open(dir.path(), "s").unwrap();
        assert_eq!((session.beat_due(Working), session.beat_due(Idle)), (Some(Working), Some(Idle)));
        session.beaten(Working, MINUTE);
        assert_eq!((session.beat_due(Working), session.beat_due(Idle)), (None, Some(Idle)));
        session.beaten(Working, Duration::ZERO);
        assert_eq!(session.beat_due(Working), Some(Working));
        session.beaten(Idle, Duration::ZERO);
        assert_eq!((session.beat_due(Working), session.beat_due(Idle)), (Some(Working), None));
    }

    #[test]
    fn a_clock_that_was_set_back_silences_no_heartbeat() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = Session::open(dir.path(), "s").unwrap();
        session.beaten(AgentStatus::Working, MINUTE);
        for memory in [&mut session.now.last_beat, &mut session.now.next_beat] {
            *memory += 24 * 60 * 60;
        }
        assert_eq!(session.beat_due(AgentStatus::Working), Some(AgentStatus::Working));
    }

    #[test]
    fn memory_survives_and_a_broken_file_counts_as_new() {
        let dir = tempfile::tempdir().unwrap();
        {
            let mut session = Session::open(dir.path(), "s/../../x").unwrap();
            assert!(session.is_new("branch a"));
            session.beaten(AgentStatus::Working, MINUTE);
            session.save().unwrap();
        }
        let path = dir.path().join("sessions/sx.json");
        {
            let mut session = Session::open(dir.path(), "sx").unwrap();
            assert_eq!(session.path, path);
            assert!(!session.is_new("branch a"));
            assert_eq!(session.beat_due(AgentStatus::Working), None);
        }
        fs::write(&path, "{\"status\"").unwrap();
        let session = Session::open(dir.path(), "sx").unwrap();
        assert_eq!(session.beat_due(AgentStatus::Working), Some(AgentStatus::Working));
    }

    #[test]
    fn old_sessions_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        for (id, days) in [("old", 8), ("new", 1)] {
            let session = Session::open(dir.path(), id).unwrap();
            let then = std::time::SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
            session.file.set_modified(then).unwrap();
        }
        forget_old(dir.path());
        let left: Vec<_> =
            fs::read_dir(dir.path().join("sessions")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["new.json"]);
    }
}
