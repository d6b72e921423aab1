//! What stands at a path, and how it is replaced at once.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error, Result};

/// A file or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A file with its bytes and its permissions.
    File(Vec<u8>, u32),
    /// A symbolic link.
    Link(PathBuf),
}

impl Content {
    /// Reads what stands at a path.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let found = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error).doing(|| format!("look at {}", path.display())),
        };
        if found.is_symlink() {
            let target = fs::read_link(path).doing(|| format!("read the link {}", path.display()))?;
            return Ok(Some(Self::Link(target)));
        }
        if !found.is_file() {
            return Err(Error::new(format!("{} is neither a file nor a link", path.display()))
                .hint("move it away and install again"));
        }
        let bytes = fs::read(path).doing(|| format!("read {}", path.display()))?;
        Ok(Some(Self::File(bytes, found.permissions().mode() & 0o7777)))
    }

    /// Returns a short text that tells this content from others; permissions do not count.
    pub(crate) fn digest(&self) -> String {
        match self {
            Self::File(bytes, _) => format!("{:016x}-{}", fnv(bytes), bytes.len()),
            Self::Link(target) => format!("-> {}", target.display()),
        }
    }

    /// Puts it at a path in one step: whoever opens the path meets the old content or the new.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let temporary = temporary(path)?;
        let _ = fs::remove_file(&temporary);
        let written = match self {
            Self::Link(target) => symlink(target, &temporary),
            Self::File(bytes, mode) => write_file(&temporary, bytes, *mode),
        };
        let placed = written.and_then(|()| fs::rename(&temporary, path));
        if placed.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        placed.doing(|| format!("write {}", path.display()))
    }
}

/// Writes a file that is on the disk when this returns, so that no crash leaves a name without its bytes.
fn write_file(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    // The permissions are set apart from the creation, which the umask would narrow.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Returns the name under which a path's next content is written. It is always the same, so that
/// the rest of a killed installation is found and replaced; the lock keeps others away.
pub(crate) fn temporary(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::new(format!("{} names no file", path.display())))?;
    Ok(path.with_file_name(format!(".{}.rig-new", name.display())))
}

/// FNV-1a: enough to see that somebody changed a file, and no more than that.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    fn files_and_links_come_back_as_they_were_written() {
        let sandbox = Sandbox::new().unwrap();
        let path = sandbox.path().join("x");
        for content in [
            Content::File(b"one".to_vec(), 0o755),
            Content::Link("elsewhere".into()),
            Content::File(Vec::new(), 0o600),
        ] {
            content.write(&path).unwrap();
            assert_eq!(Content::read(&path).unwrap(), Some(content));
        }
        assert_eq!(fs::read_dir(sandbox.path()).unwrap().count(), 1, "no temporary file stays");
        assert_eq!(Content::read(&sandbox.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_directory_is_refused_by_name() {
        let sandbox = Sandbox::new().unwrap();
        let dir = sandbox.directory("d").unwrap();
        let message = Content::read(&dir).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{} is neither a file nor a link", dir.display())), "{message}");
    }

    #[test]
    fn digests_tell_contents_apart() {
        assert_eq!(Content::File(b"a".to_vec(), 0o644).digest(), "af63dc4c8601ec8c-1");
        assert_eq!(Content::Link("rig-guard".into()).digest(), "-> rig-guard");
    }
}
