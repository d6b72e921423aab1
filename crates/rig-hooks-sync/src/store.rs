//! Files that are replaced whole or not at all, under a lock.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Reads a file; none where there is no file.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The permissions of a new file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At most these; the umask takes from them.
    Masked(u32),
    /// Just these: what everybody must be able to read.
    Exact(u32),
}

impl Mode {
    fn bits(self) -> u32 {
        match self {
            Self::Masked(bits) | Self::Exact(bits) => bits,
        }
    }
}

/// Replaces a file by a new one with the same owner and mode, or makes it with `mode`. Whoever
/// reads sees the old bytes or the new ones; a process that dies on the way leaves the old.
///
/// The temporary file has a fixed name beside the file, so that the next call removes what a
/// dead one left. The caller holds the directory's lock.
///
/// # Errors
/// When any step fails; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let temporary = temporary(path);
    remove(&temporary)?;
    let written = write_new(&temporary, path, bytes, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    flush_directory(path);
    Ok(())
}

fn write_new(temporary: &Path, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    // Nobody else may read it before it has the old file's permissions.
    let first = if old.is_some() { 0o600 } else { mode.bits() };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(first).open(temporary)?;
    file.write_all(bytes)?;
    if let Some(old) = &old {
        // Only root can give a file away; a user's own file stays the user's own.
        let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
    }
    let exact = match (old, mode) {
        (Some(old), _) => Some(old.mode() & 0o7777),
        (None, Mode::Exact(bits)) => Some(bits),
        (None, Mode::Masked(_)) => None,
    };
    if let Some(bits) = exact {
        file.set_permissions(fs::Permissions::from_mode(bits))?;
    }
    file.sync_all()
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.rig-new"))
}

/// Makes sure that a rename outlives a power cut. The file is whole either way.
fn flush_directory(path: &Path) {
    if let Some(dir) = path.parent()
        && let Ok(dir) = File::open(dir)
    {
        let _ = dir.sync_all();
    }
}

/// Removes a file, if it is there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what a [`replace`] that died left beside a file.
///
/// # Errors
/// When there is something and it cannot be removed.
pub fn sweep(path: &Path) -> io::Result<()> {
    remove(&temporary(path))
}

/// Makes a directory and those above it, each with `mode`; returns the new ones, the outermost
/// first.
///
/// # Errors
/// When one cannot be made.
pub fn make_directories(dir: &Path, mode: Mode) -> io::Result<Vec<PathBuf>> {
    let missing: Vec<&Path> =
        dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    let mut made = Vec::new();
    for dir in missing.into_iter().rev() {
        match DirBuilder::new().mode(mode.bits()).create(dir) {
            Ok(()) => {
                if let Mode::Exact(bits) = mode {
                    fs::set_permissions(dir, fs::Permissions::from_mode(bits))?;
                }
                made.push(dir.to_owned());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// A lock on a directory, held until it is dropped. It is the directory's own, so that no lock
/// file stays behind.
#[derive(Debug)]
pub struct Lock {
    _directory: File,
}

/// Waits for the lock of a directory.
///
/// # Errors
/// When the directory cannot be opened or locked. One that was removed while this waited is
/// `NotFound`.
pub fn lock(dir: &Path) -> io::Result<Lock> {
    let directory = File::open(dir)?;
    directory.lock()?;
    let (held, named) = (directory.metadata()?, fs::metadata(dir)?);
    if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
        Ok(Lock { _directory: directory })
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Returns the file that a path stands for, through symbolic links; the last one need not exist
/// for the caller to find out.
///
/// # Errors
/// When the links lead nowhere: then there is a link and no file.
pub fn real(path: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path),
        _ => Ok(path.to_owned()),
    }
}
