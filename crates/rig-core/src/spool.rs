//! Events that wait to be delivered.
//!
//! A hook appends a line to `events.jsonl` and is done. The flusher moves that file aside as a
//! batch, delivers its records oldest first, and marks each in place when it is settled, so that a
//! kill at any point neither loses a record nor sends the settled ones again.
//!
//! A line is `{"s":0,"keep":false,"to":null,"event":{…}}`. `s` is 0 while the record waits, 1 when
//! it was accepted, 2 when it was given up; it always is the sixth byte of the line.
//! Escalations and blocks (`keep`) are never given up. `to` names a base URL only where a
//! repository's settings chose it: such an event goes there, and no other event does.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rig_wire::{Event, EventType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::{append_line, lock, open_private, private_dir};

/// Above this size of all that waits, in bytes, only escalations and blocks are taken.
pub const FULL_AT: u64 = 16 << 20;

/// The least time between two starts of a flusher.
pub const START_EVERY: Duration = Duration::from_secs(10);

/// How long the right to deliver is waited for while a hook only looks whether somebody has it.
const GLANCE: Duration = Duration::from_millis(100);

/// The place of the settled mark in a line, behind `{"s":`.
const MARK_AT: u64 = 5;

/// A directory of waiting events.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: PathBuf,
}

/// Why an event could not be spooled or delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The file system refused.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Too much waits already.
    #[error("the spool at {} is full: more than {} MiB wait", path.display(), FULL_AT >> 20)]
    Full {
        /// The directory of the spool.
        path: PathBuf,
    },
}

#[derive(Serialize)]
struct NewRecord<'a> {
    s: u8,
    keep: bool,
    to: Option<&'a str>,
    event: &'a Event,
}

/// A record as the flusher reads it.
#[derive(Debug, Deserialize)]
pub struct Record<'a> {
    s: u8,
    /// Whether it stays until something accepts it.
    pub keep: bool,
    /// The base URL that a repository's settings chose for it.
    pub to: Option<String>,
    /// The event's JSON, as it is sent.
    #[serde(borrow)]
    pub event: &'a RawValue,
}

/// What the flusher needs to know of an event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The type, such as `HEARTBEAT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sender's id of the event.
    pub event_id: String,
}

impl Record<'_> {
    /// Returns type and id; `None` for an event without them.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        serde_json::from_str(self.event.get()).ok()
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was accepted.
    Accepted,
    /// It was refused for good.
    GivenUp,
    /// It waits for another try.
    Later,
}

/// What one pass over the spool did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Records accepted.
    pub accepted: usize,
    /// Records given up.
    pub given_up: usize,
    /// Records that still wait.
    pub waiting: usize,
}

/// The right to deliver, which one process has at a time.
#[derive(Debug)]
pub struct Flusher<'a> {
    spool: &'a Spool,
    // Held for its lock.
    _lock: File,
}

impl Spool {
    /// Names a spool; nothing is made before the first event.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Says whether an event stays until something accepts it.
    #[must_use]
    pub fn keeps(kind: EventType) -> bool {
        matches!(kind, EventType::EscalationCreated | EventType::GuardBlocked | EventType::GuardMissed)
    }

    /// Appends an event as one write. `to` is the base URL where a repository's settings chose it.
    ///
    /// An escalation is on the disk when this returns; for the others that would cost more than it
    /// is worth. The event becomes a batch of its own where the file of waiting events cannot be had:
    /// a process that is stopped holds its lock, there are too many writers, or it belongs to
    /// somebody else.
    ///
    /// # Errors
    /// When the file system refuses, or the spool is full and the event is none that is kept.
    /// Nothing is half-written then.
    pub fn append(&self, event: &Event, to: Option<&str>) -> Result<(), SpoolError> {
        let keep = Self::keeps(event.kind);
        let record = NewRecord { s: 0, keep, to, event };
        let mut line = serde_json::to_vec(&record).expect("an event has only string keys");
        line.push(b'\n');
        private_dir(&self.dir).map_err(|e| io_error("make the directory", &self.dir, e))?;
        let sync = event.kind == EventType::EscalationCreated;
        let path = self.waiting();
        if !keep && self.size()? > FULL_AT {
            return Err(SpoolError::Full { path: self.dir.clone() });
        }
        let file = match self.open_waiting() {
            Err(error) => return self.write_batch(&self.new_batch(), &line, sync).map_err(|_| error),
            Ok(file) => file,
        };
        append_line(&file, &line).map_err(|e| io_error("append to", &path, e))?;
        if sync { self.sync(&file, &path) } else { Ok(()) }
    }

    /// Makes a file and its name outlast a power failure.
    fn sync(&self, file: &File, path: &Path) -> Result<(), SpoolError> {
        file.sync_data().map_err(|e| io_error("sync", path, e))?;
        // Some file systems have no such thing for a directory.
        let _ = File::open(&self.dir).and_then(|dir| dir.sync_all());
        Ok(())
    }

    /// Returns how much waits, in bytes.
    fn size(&self) -> Result<u64, SpoolError> {
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |m| m.len());
        Ok(size(&self.waiting()) + self.batches()?.iter().map(size).sum::<u64>())
    }

    /// Names a batch that sorts behind all earlier ones.
    fn new_batch(&self) -> PathBuf {
        self.dir.join(format!("batch-{}.jsonl", crate::clock::new_id()))
    }

    /// Writes a batch as a whole or not at all.
    fn write_batch(&self, path: &Path, lines: &[u8], sync: bool) -> Result<(), SpoolError> {
        let new = path.with_extension("new");
        // What a killed process left behind is written anew.
        let _ = fs::remove_file(&new);
        let file = open_private(&new).map_err(|e| io_error("open", &new, e))?;
        if let Err(error) = append_line(&file, lines) {
            let _ = fs::remove_file(&new);
            return Err(io_error("write", &new, error));
        }
        if sync {
            file.sync_data().map_err(|e| io_error("sync", &new, e))?;
        }
        fs::rename(&new, path).map_err(|e| io_error("replace", path, e))?;
        if sync { self.sync(&file, path) } else { Ok(()) }
    }

    /// Says whether a flusher should be started: none runs, and the last start is more than
    /// [`START_EVERY`] ago. A true answer counts as a start.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn claim_start(&self) -> Result<bool, SpoolError> {
        let (path, lock) = self.flush_lock()?;
        let error = |e| io_error("mark", &path, e);
        let just_started = || -> io::Result<bool> {
            let meta = lock.metadata()?;
            let age = meta.modified().ok().and_then(|m| SystemTime::now().duration_since(m).ok());
            Ok(meta.len() > 0 && age.is_some_and(|age| age < START_EVERY))
        };
        // Looked at first, so that nobody holds the lock when the flusher that was started takes it.
        if just_started().map_err(error)? || lock.try_lock().is_err() || just_started().map_err(error)? {
            return Ok(false);
        }
        // A new file is young as well, so its length tells a first start.
        lock.set_len(1).and_then(|()| lock.set_modified(SystemTime::now())).map_err(error)?;
        Ok(true)
    }

    /// Takes the right to deliver; `None` while another process has it.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn flusher(&self) -> Result<Option<Flusher<'_>>, SpoolError> {
        let (_, lock) = self.flush_lock()?;
        Ok(lock_within(&lock, GLANCE).then_some(Flusher { spool: self, _lock: lock }))
    }

    /// Asks whoever delivers to stop, and takes the right to deliver; `None` when it is not to be had
    /// in time. The next hook that spools an event starts a flusher again.
    ///
    /// # Errors
    /// When a lock file cannot be made.
    pub fn take_over(&self, patience: Duration) -> Result<Option<Flusher<'_>>, SpoolError> {
        let (_, lock) = self.flush_lock()?;
        let path = self.dir.join("wanted.lock");
        let wanted = open_private(&path).map_err(|e| io_error("open", &path, e))?;
        let until = Instant::now() + patience;
        let left = || until.saturating_duration_since(Instant::now());
        if !lock_within(&wanted, left()) || !lock_within(&lock, left()) {
            return Ok(None);
        }
        // A start that is forgotten holds up none.
        let _ = lock.set_len(0);
        Ok(Some(Flusher { spool: self, _lock: lock }))
    }

    /// Says whether another process waits for the right to deliver.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let lock = File::open(self.dir.join("wanted.lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
    }

    /// Says whether the spool is there: one that was removed, with the rest of the rig's files or with
    /// a home directory, must not come back because somebody looks after it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.dir.is_dir()
    }

    /// Says whether events came since the last pass.
    #[must_use]
    pub fn has_news(&self) -> bool {
        fs::metadata(self.waiting()).is_ok_and(|m| m.len() > 0)
    }

    /// Returns the JSON of every event that still waits, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn waiting_events(&self) -> Result<Vec<String>, SpoolError> {
        loop {
            // The newest first: what is moved aside meanwhile is found among the batches then.
            let newest = read(&self.waiting())?.unwrap_or_default();
            let mut texts = Vec::new();
            for path in self.batches()? {
                texts.push(read(&path)?);
            }
            // A batch that went away while it was to be read may have been merged into another.
            let Some(mut texts) = texts.into_iter().collect::<Option<Vec<_>>>() else { continue };
            texts.push(newest);
            let mut seen = HashSet::new();
            let mut events = Vec::new();
            for (_, line) in texts.iter().flat_map(|text| lines(text)) {
                let Ok(record) = serde_json::from_slice::<Record<'_>>(line) else { continue };
                if record.s == 0 && seen.insert(record.event.get().to_owned()) {
                    events.push(record.event.get().to_owned());
                }
            }
            return Ok(events);
        }
    }

    fn waiting(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    fn flush_lock(&self) -> Result<(PathBuf, File), SpoolError> {
        private_dir(&self.dir).map_err(|e| io_error("make the directory", &self.dir, e))?;
        let path = self.dir.join("flush.lock");
        let lock = open_private(&path).map_err(|e| io_error("open", &path, e))?;
        Ok((path, lock))
    }

    /// Opens and locks the waiting file. It may be moved aside between the two, and what is
    /// appended to a batch under delivery would be overlooked, so the name is checked again.
    fn open_waiting(&self) -> Result<File, SpoolError> {
        let path = self.waiting();
        loop {
            let file = open_private(&path).map_err(|e| io_error("open", &path, e))?;
            lock(&file).map_err(|e| io_error("lock", &path, e))?;
            let opened = file.metadata().map_err(|e| io_error("read", &path, e))?;
            if fs::metadata(&path).is_ok_and(|named| named.ino() == opened.ino()) {
                return Ok(file);
            }
        }
    }

    fn batches(&self) -> Result<Vec<PathBuf>, SpoolError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("list", &self.dir, error)),
        };
        let mut batches: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
                name.starts_with("batch-") && name.ends_with(".jsonl")
            })
            .collect();
        batches.sort();
        Ok(batches)
    }
}

impl Flusher<'_> {
    /// Hands every waiting record to `deliver`, oldest first, and settles it as told.
    ///
    /// A record that must be kept is never given up, whatever `deliver` says.
    ///
    /// # Errors
    /// When the file system refuses, or a writer does not let go of what came last; what was settled
    /// stays settled, and what was moved aside before is delivered all the same.
    pub fn pass(&self, mut deliver: impl FnMut(&Record<'_>) -> Delivery) -> Result<Pass, SpoolError> {
        let aside = self.move_aside();
        let mut done = Pass::default();
        let mut settled = HashSet::new();
        let mut left = Vec::new();
        let batches = self.spool.batches()?;
        for path in &batches {
            let text = read(path)?.unwrap_or_default();
            let file =
                fs::OpenOptions::new().write(true).open(path).map_err(|e| io_error("open", path, e))?;
            for (offset, line) in lines(&text) {
                // An unfinished line is what a crash left of an event that nobody was told is safe.
                let Ok(record) = serde_json::from_slice::<Record<'_>>(line) else { continue };
                if record.s != 0 {
                    continue;
                }
                let id = record.summary().map(|s| s.event_id);
                // A merge of batches that was cut short leaves the same record in two of them.
                let again = id.as_ref().is_some_and(|id| settled.contains(id));
                let mark = match if again { Delivery::Accepted } else { deliver(&record) } {
                    Delivery::GivenUp if !record.keep => b"2",
                    Delivery::Accepted => b"1",
                    Delivery::GivenUp | Delivery::Later => {
                        left.extend_from_slice(line);
                        left.push(b'\n');
                        done.waiting += 1;
                        continue;
                    }
                };
                file.write_all_at(mark, offset + MARK_AT)
                    .map_err(|e| io_error("mark a record in", path, e))?;
                settled.extend(id);
                match mark {
                    _ if again => {}
                    b"1" => done.accepted += 1,
                    _ => done.given_up += 1,
                }
            }
        }
        self.keep_only(&batches, &left)?;
        aside.map(|()| done)
    }

    /// Moves the waiting file aside under a name that sorts behind all earlier ones.
    fn move_aside(&self) -> Result<(), SpoolError> {
        if !self.spool.has_news() {
            return Ok(());
        }
        let path = self.spool.waiting();
        // Under its lock no writer is in the middle of a line.
        let _lock = self.spool.open_waiting()?;
        fs::rename(&path, self.spool.new_batch()).map_err(|e| io_error("move aside", &path, e))
    }

    /// Replaces all batches by one with what still waits.
    fn keep_only(&self, batches: &[PathBuf], left: &[u8]) -> Result<(), SpoolError> {
        let mut superfluous = batches;
        if !left.is_empty()
            && let Some((first, others)) = batches.split_first()
        {
            if others.is_empty() && fs::metadata(first).is_ok_and(|m| m.len() == left.len() as u64) {
                return Ok(());
            }
            self.spool.write_batch(first, left, true)?;
            superfluous = others;
        }
        for path in superfluous {
            fs::remove_file(path).map_err(|e| io_error("remove", path, e))?;
        }
        Ok(())
    }
}

/// Tries for a lock for so long; says whether it was had.
fn lock_within(file: &File, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        if file.try_lock().is_ok() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Splits into lines with the offset of each; an unfinished last line is included.
fn lines(text: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut offset = 0;
    text.split_inclusive(|b| *b == b'\n').map(move |line| {
        let at = offset;
        offset += line.len() as u64;
        (at, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

/// Reads a file; `None` where it is missing.
fn read(path: &Path) -> Result<Option<Vec<u8>>, SpoolError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(|e| io_error("read", path, e)),
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> SpoolError {
    SpoolError::Io { action, path: path.into(), source }
}

#[cfg(test)]
mod tests;
