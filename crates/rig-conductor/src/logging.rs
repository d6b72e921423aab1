//! The log: one JSON object a line, on stderr or in a file that is rotated.
//!
//! What is logged holds no body, no query and no secret.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The size at which a log file is put aside, in bytes.
const LARGEST: u64 = 1 << 20;

/// Logs to stderr from here on.
pub fn to_stderr(filter: Targets) {
    init(filter, io::stderr);
}

/// Logs to a file from here on. At 1 MiB it becomes `<name>.1`, and the one before goes.
///
/// # Errors
/// When the file cannot be opened.
pub fn to_file(filter: Targets, path: &Path) -> io::Result<()> {
    init(filter, Rotated::open(path)?);
    Ok(())
}

fn init<W: for<'w> MakeWriter<'w> + Send + Sync + 'static>(filter: Targets, writer: W) {
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer);
    // A second one in the same process, as tests have it, stays without effect.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// A file that is put aside when it is large.
#[derive(Debug)]
struct Rotated(Mutex<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Rotated {
    fn open(path: &Path) -> io::Result<Self> {
        let (file, size) = open(path)?;
        Ok(Self(Mutex::new(Open { path: path.to_owned(), file, size })))
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

impl<'w> MakeWriter<'w> for Rotated {
    type Writer = Line<'w>;

    fn make_writer(&'w self) -> Line<'w> {
        Line(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes one line.
struct Line<'w>(MutexGuard<'w, Open>);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let open = &mut *self.0;
        if open.size > 0 && open.size.saturating_add(bytes.len() as u64) > LARGEST {
            let mut old = open.path.clone().into_os_string();
            old.push(".1");
            // A file that cannot be put aside is better too large than lost.
            if std::fs::rename(&open.path, old).is_ok()
                && let Ok((file, size)) = self::open(&open.path)
            {
                (open.file, open.size) = (file, size);
            }
        }
        let written = open.file.write(bytes)?;
        open.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_put_aside_and_the_one_before_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("conductor.log");
        let line = [b'x'; 1000];
        for round in 1..=3 {
            let log = Rotated::open(&path).unwrap();
            for _ in 0..700 {
                log.make_writer().write_all(&line).unwrap();
            }
            let sizes = ["conductor.log", "conductor.log.1"]
                .map(|name| std::fs::metadata(dir.path().join(name)).map_or(0, |file| file.len()));
            let all = round * 700_u64;
            let aside = if all > 1048 { 1_048_000 } else { 0 };
            assert_eq!(sizes, [all * 1000 - all / 1048 * 1_048_000, aside], "after {all} lines");
        }
    }
}
