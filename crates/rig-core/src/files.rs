//! Reading files that somebody else may have made.
//!
//! A repository can hold a link to a device or a pipe in the place of any file. Reading one of
//! those never ends, so only regular files are read, and only up to a size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// When the file cannot be read, is no regular file, or is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let text = read_start(path, limit.saturating_add(1))?;
    if text.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(text)
}

/// Reads the first `limit` bytes of a regular file.
///
/// # Errors
/// When the file cannot be read, or is no regular file.
pub fn read_start(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open(path)?;
    // With room for one more byte the end is seen without another growth.
    let mut text = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0) + 1);
    file.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// Reads the first `limit` bytes of a regular file as text.
///
/// # Errors
/// When the file cannot be read, is no regular file, or its start is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_start(path, limit)?).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Reads a regular file of at most `limit` bytes that is this user's and that nobody else can read or
/// write.
///
/// # Errors
/// When the file cannot be read, is no regular file, is larger, or is open to others.
pub fn read_private(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open(path)?;
    let meta = file.metadata()?;
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user".to_owned());
    }
    if meta.mode() & 0o077 != 0 {
        return refuse(format!("others may read or write it (mode {:o})", meta.mode() & 0o777));
    }
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    let mut text = Vec::new();
    file.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// Opens without waiting for the other end of a pipe, and returns the size as well.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() {
        return Ok((file, meta.len()));
    }
    let what = if meta.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    Err(io::Error::new(what, "not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_pipes_and_large_files_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let large = dir.path().join("large");
        std::fs::write(&large, "four").unwrap();
        let endless = dir.path().join("endless");
        std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let error = |path: &Path| read(path, 3).unwrap_err().to_string();
        assert_eq!(error(&large), "larger than 3 bytes");
        for path in [endless.as_path(), &pipe, dir.path(), Path::new("/dev/null")] {
            assert_eq!(error(path), "not a regular file", "{}", path.display());
        }
        assert_eq!(
            (read(&large, 4).unwrap(), read_text(&large, 2).unwrap()),
            (b"four".to_vec(), "fo".into())
        );
    }
}
