//! Writing a plan so that nobody ever sees half of it.
//!
//! The order is: record with both lists of entries, settings, record with the new list. A session
//! that runs meanwhile finds its settings in accord with the record at every moment, and a process
//! that dies leaves the old file or the new one, which the next sync brings to an end.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rig_core::settings::{Entry, Record, load};

use crate::error::SyncError;
use crate::places::{Places, sha256};
use crate::plan::{Current, Plan};
use crate::store::{self, Lock};

/// What a run did to the settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was already as it should be.
    Nothing,
    /// It was made.
    Made,
    /// It was changed.
    Changed,
    /// It was removed.
    Removed,
}

/// Brings a settings file up to date.
///
/// # Errors
/// When anything fails; the file is then as it was.
pub fn sync(
    places: &Places,
    role: Option<&str>,
    entries: &[Entry],
    env: &BTreeMap<String, String>,
) -> Result<(Done, Plan), SyncError> {
    let (made, _lock) = lock(places)?;
    let result = sync_locked(places, role, entries, env, &made);
    if result.is_err() {
        remove_directories(&made);
    }
    result
}

fn sync_locked(
    places: &Places,
    role: Option<&str>,
    entries: &[Entry],
    env: &BTreeMap<String, String>,
    made: &[PathBuf],
) -> Result<(Done, Plan), SyncError> {
    let current = Current::read(places)?;
    sweep(places, &current)?;
    let mut plan = current.with(places, role, entries, env)?;
    if let Some(record) = &mut plan.record {
        record.undo.directories.extend_from_slice(made);
    }
    let done = match &current.text {
        None => Done::Made,
        text if *text == plan.text => Done::Nothing,
        Some(_) => Done::Changed,
    };
    if done != Done::Nothing || current.record != plan.record {
        write(places, &current, &plan)?;
    }
    Ok((done, plan))
}

/// Takes everything of ours out of a settings file.
///
/// # Errors
/// When anything fails; the file is then as it was.
pub fn remove(places: &Places, env: &BTreeMap<String, String>) -> Result<Done, SyncError> {
    let (made, _lock) = match lock_existing(places)? {
        Some(lock) => (Vec::new(), lock),
        None if !places.record().exists() => return Ok(Done::Nothing),
        // The file is gone with its directory; what is known about it is to go too.
        None => lock(places)?,
    };
    let done = remove_locked(places, env);
    remove_directories(&made);
    done
}

fn remove_locked(places: &Places, env: &BTreeMap<String, String>) -> Result<Done, SyncError> {
    let current = Current::read(places)?;
    sweep(places, &current)?;
    let plan = current.without(places, env)?;
    let done = match (&current.text, &plan.text) {
        (old, new) if old == new => Done::Nothing,
        (_, None) => Done::Removed,
        _ => Done::Changed,
    };
    if done != Done::Nothing {
        write(places, &current, &plan)?;
    }
    finish_removal(places, &current)?;
    Ok(done)
}

/// Removes the record, the backup, and the directories that a sync made.
fn finish_removal(places: &Places, current: &Current) -> Result<(), SyncError> {
    for path in [places.record(), places.backup()] {
        store::remove(&path).map_err(SyncError::io("remove", &path))?;
    }
    if let Some(record) = &current.record {
        let directories: Vec<PathBuf> = record.undo.directories.iter().map(|dir| places.reach(dir)).collect();
        remove_directories(&directories);
    }
    // Made by the first of several syncs, to be removed with the last.
    remove_directories(&[
        places.records.parent().unwrap_or(Path::new("/")).to_owned(),
        places.records.clone(),
    ]);
    Ok(())
}

/// Makes the directory of the settings file where it is missing, and locks it. Returns the
/// directories that were made.
fn lock(places: &Places) -> Result<(Vec<PathBuf>, Lock), SyncError> {
    let dir = directory(places)?;
    let mut made = Vec::new();
    loop {
        made.extend(
            store::make_directories(&dir, places.directory_mode()).map_err(SyncError::io("make", &dir))?,
        );
        match lock_existing(places) {
            Ok(Some(lock)) => return Ok((made, lock)),
            // A removal took the directory away; it has let go of it by now.
            Ok(None) => {}
            Err(error) => {
                remove_directories(&made);
                return Err(error);
            }
        }
    }
}

/// Locks the directory of the settings file, if there is one.
fn lock_existing(places: &Places) -> Result<Option<Lock>, SyncError> {
    let dir = directory(places)?;
    match store::lock(&dir) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SyncError::io("lock", &dir)(error)),
    }
}

fn directory(places: &Places) -> Result<PathBuf, SyncError> {
    let file = store::real(&places.file).map_err(SyncError::io("follow the link", &places.file))?;
    Ok(file.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Removes what a process that died left behind.
fn sweep(places: &Places, current: &Current) -> Result<(), SyncError> {
    for path in [&current.file, &places.record(), &places.backup()] {
        store::sweep(path).map_err(SyncError::io("tidy up beside", path))?;
    }
    Ok(())
}

fn write(places: &Places, current: &Current, plan: &Plan) -> Result<(), SyncError> {
    let made = store::make_directories(&places.records, places.records_mode())
        .map_err(SyncError::io("make", &places.records))?;
    let (record, backup) = (places.record(), places.backup());
    let before = [&record, &backup].map(|path| store::read(path).ok().flatten());
    let result = write_in_order(places, current, plan, &made);
    if result.is_err() {
        for (path, bytes) in [record, backup].iter().zip(before) {
            let _ = match bytes {
                Some(bytes) => store::replace(path, &bytes, places.record_mode()),
                None => store::remove(path),
            };
        }
        remove_directories(&made);
    }
    result
}

fn write_in_order(
    places: &Places,
    current: &Current,
    plan: &Plan,
    made: &[PathBuf],
) -> Result<(), SyncError> {
    let mut last = plan.record.clone();
    if let Some(record) = &mut last {
        record.undo.directories.extend_from_slice(made);
        record.undo.directories = record.undo.directories.iter().map(|dir| places.named(dir)).collect();
    }
    if current.text != plan.text {
        if let Some(under_way) = under_way(current, last.as_ref()) {
            write_record(places, &under_way)?;
        }
        if let Some(text) = &current.text {
            write_beside(places, &places.backup(), text.as_bytes())?;
        }
        put(places, current, plan.text.as_deref())?;
    }
    match &last {
        Some(record) => write_record(places, record),
        None => Ok(()),
    }
}

/// Returns the record for the time of the write: the old entries and the new ones, and either
/// text as one from which `before` follows.
fn under_way(current: &Current, last: Option<&Record>) -> Option<Record> {
    let old = current.record.as_ref();
    let mut record = last.or(old)?.clone();
    record.next = Some(last.map(|record| record.entries.clone()).unwrap_or_default());
    record.entries = old.map(|record| in_the_file(record, current)).unwrap_or_default();
    if let Some(old) = old {
        record.env.extend(
            old.env.clone().into_iter().filter(|(key, _)| last.is_none_or(|l| !l.env.contains_key(key))),
        );
    }
    if let Some(text) = &current.text {
        record.undo.written.push(sha256(text.as_bytes()));
    }
    Some(record)
}

/// Returns the recorded entries that the file has: after a write that was broken off, those from
/// before it or those after it.
fn in_the_file(record: &Record, current: &Current) -> Vec<Entry> {
    let loaded = load(current.text.as_deref().unwrap_or_default().as_bytes(), record.scope);
    let there =
        |list: &&Vec<Entry>| list.iter().all(|entry| loaded.entries.iter().any(|other| other.same(entry)));
    let mut lists: Vec<&Vec<Entry>> =
        [Some(&record.entries), record.next.as_ref()].into_iter().flatten().collect();
    // A shorter list is also there where the longer one is.
    lists.sort_by_key(|list| std::cmp::Reverse(list.len()));
    lists.into_iter().find(there).unwrap_or(&record.entries).clone()
}

/// Writes the settings file and reads it back. Where that fails the old bytes return.
fn put(places: &Places, current: &Current, text: Option<&str>) -> Result<(), SyncError> {
    let file = &current.file;
    let write = |text: Option<&str>| match text {
        Some(text) => store::replace(file, text.as_bytes(), places.settings_mode())
            .map_err(SyncError::io("write", file)),
        None => store::remove(file).map_err(SyncError::io("remove", file)),
    };
    write(text)?;
    let read = store::read(file).map_err(SyncError::io("read", file));
    if read.as_ref().is_ok_and(|bytes| bytes.as_deref() == text.map(str::as_bytes)) {
        return Ok(());
    }
    write(current.text.as_deref())?;
    read.and(Err(SyncError::ReadBack { path: file.clone() }))
}

fn write_record(places: &Places, record: &Record) -> Result<(), SyncError> {
    let path = places.record();
    let mut text = serde_json::to_string_pretty(record).map_err(|error| SyncError::Io {
        what: "write",
        path: path.clone(),
        source: error.into(),
    })?;
    text.push('\n');
    write_beside(places, &path, text.as_bytes())
}

/// Writes a file into the directory of records. The last removal of another settings file may
/// take that directory away at any time.
fn write_beside(places: &Places, path: &Path, bytes: &[u8]) -> Result<(), SyncError> {
    loop {
        match store::replace(path, bytes, places.record_mode()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                store::make_directories(&places.records, places.records_mode())
                    .map_err(SyncError::io("make", &places.records))?;
            }
            result => return result.map_err(SyncError::io("write", path)),
        }
    }
}

/// Removes directories, the innermost first, as far as they are empty.
fn remove_directories(outermost_first: &[PathBuf]) {
    for dir in outermost_first.iter().rev() {
        let _ = std::fs::remove_dir(dir);
    }
}
