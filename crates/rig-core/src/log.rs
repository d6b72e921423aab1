//! The log of one program: a JSON object a line, mode 0600, cut off at a size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// The size at which a log is renamed to `<name>.1`, in bytes; the one before it is dropped.
pub const ROTATE_AT: u64 = 1 << 20;

/// Appends one entry, with the time in `at`, as one write.
///
/// # Errors
/// When the directory or the file cannot be made or written. An entry that does not fit on the
/// disk is taken back, so that no half line stays.
pub fn append(path: &Path, entry: &Value) -> io::Result<()> {
    let mut line = format!("{{\"at\":\"{}\"", crate::clock::now());
    for (key, value) in entry.as_object().into_iter().flatten() {
        line.push_str(&format!(",{}:{value}", Value::from(key.as_str())));
    }
    line.push_str("}\n");
    if let Some(dir) = path.parent() {
        private_dir(dir)?;
    }
    let file = open_private(path)?;
    lock(&file)?;
    append_line(&file, line.as_bytes())?;
    // Under the lock, and only while it still has its name: else it would replace the old log by a
    // new one that another process has just begun.
    let meta = file.metadata()?;
    if meta.len() > ROTATE_AT && fs::metadata(path).is_ok_and(|named| named.ino() == meta.ino()) {
        fs::rename(path, path.with_extension("jsonl.1"))?;
    }
    Ok(())
}

/// Takes a file's lock, waiting for another process for at most half a second: one that is stopped
/// while it holds the lock may cost an entry, and never a session.
///
/// # Errors
/// When the lock was not to be had in time.
pub fn lock(file: &File) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_millis(500);
    const PAUSE: Duration = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) if waited >= PATIENCE => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another process holds its lock"));
            }
            Err(fs::TryLockError::WouldBlock) => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
        }
    }
}

/// Makes a directory that only its owner may read, with its parents.
///
/// # Errors
/// When it cannot be made.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Opens a file that only its owner may read for reading and appending, making it where needed.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}

/// Replaces a file that only its owner may read, as a whole or not at all.
#[cfg(feature = "http")]
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // What a killed process left behind may be anything.
    let _ = fs::remove_file(&new);
    let file = open_private(&new)?;
    (&file).write_all(text)?;
    fs::rename(&new, path)
}

/// Appends a whole line to a file that the caller has locked. A line that a crash left unfinished
/// is closed first; a line that does not fit is taken back.
pub(crate) fn append_line(mut file: &File, line: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    let mut last = [b'\n'];
    let torn = before > 0 && matches!(file.read_at(&mut last, before - 1), Ok(1)) && last[0] != b'\n';
    let written = if torn { file.write_all(&[b"\n", line].concat()) } else { file.write_all(line) };
    if written.is_err() {
        // Best effort: a reader passes over an unfinished line.
        let _ = file.set_len(before);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn entries_are_lines_that_only_the_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/log/x.jsonl");
        append(&path, &serde_json::json!({"rule": "a\nb"})).unwrap();
        append(&path, &serde_json::json!({})).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let entries: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!((entries.len(), &entries[0]["rule"]), (2, &Value::from("a\nb")));
        assert!(entries.iter().all(|e| e["at"].is_string()));
        for (path, mode) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn a_full_log_makes_room_and_writers_at_once_lose_nothing_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let old = format!("{}\n", "x".repeat(usize::try_from(ROTATE_AT).unwrap()));
        for round in 0..50 {
            let _ = fs::remove_file(dir.path().join("x.jsonl.1"));
            fs::write(&path, &old).unwrap();
            let together = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                for n in 0..8 {
                    let (path, together) = (&path, &together);
                    scope.spawn(move || {
                        together.wait();
                        append(path, &serde_json::json!({ "n": n }))
                    });
                }
            });
            let kept = fs::read_to_string(dir.path().join("x.jsonl.1")).unwrap();
            let lines = kept.lines().count() + fs::read_to_string(&path).map_or(0, |t| t.lines().count());
            assert_eq!((kept.starts_with(&old), lines), (true, 9), "round {round}");
        }
    }

    #[test]
    fn a_lock_that_is_never_let_go_is_an_error_and_no_wait_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let held = open_private(&path).unwrap();
        held.lock().unwrap();
        let error = append(&path, &serde_json::json!({})).unwrap_err();
        assert_eq!(error.to_string(), "another process holds its lock");
        drop(held);
        append(&path, &serde_json::json!({})).unwrap();
    }

    #[test]
    fn a_torn_last_line_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        fs::write(&path, "{\"at\":").unwrap();
        append(&path, &serde_json::json!({"n": 1})).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, "{\"at\":"));
        assert_eq!(serde_json::from_str::<Value>(lines[1]).unwrap()["n"], 1);
    }
}
