//! The tokens' files.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use rustix::process::geteuid;

use super::{EmbeddedError, Result, failed, write_whole};

/// Returns the secret in a file; where there is no file, makes it with a new one.
pub(super) fn read_or_make(path: &Path) -> Result<String> {
    match fs::symlink_metadata(path) {
        Ok(found) => check(path, &found, 0o077)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = new();
            write_whole(path, format!("{secret}\n").as_bytes())?;
            return Ok(secret);
        }
        Err(source) => return Err(failed("look at", path, source)),
    }
    let text = fs::read_to_string(path).map_err(|source| failed("read", path, source))?;
    let secret = text.trim();
    if secret.len() >= 16 && secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(secret.to_owned());
    }
    Err(EmbeddedError::Unsafe {
        path: path.to_owned(),
        reason: "it holds no token; without it a new one is made".to_owned(),
    })
}

/// Refuses what belongs to another user, and what others have these permissions to.
pub(super) fn check(path: &Path, found: &Metadata, to_others: u32) -> Result<()> {
    let refuse = |reason: String| Err(EmbeddedError::Unsafe { path: path.to_owned(), reason });
    if found.is_symlink() {
        return refuse("it is a link".to_owned());
    }
    if found.uid() != geteuid().as_raw() {
        return refuse("it belongs to another user".to_owned());
    }
    if found.mode() & to_others != 0 {
        let what = if to_others & 0o044 == 0 { "write to" } else { "read or write" };
        return refuse(format!("others may {what} it (mode {:o})", found.mode() & 0o777));
    }
    Ok(())
}

/// Returns 32 random bytes as 43 characters.
fn new() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has random bytes");
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.token");
        let secret = read_or_make(&path).unwrap();
        assert_eq!((secret.len(), fs::metadata(&path).unwrap().mode() & 0o777), (43, 0o600));
        assert_eq!(read_or_make(&path).unwrap(), secret);
        assert_ne!(read_or_make(&dir.path().join("operator.token")).unwrap(), secret);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read_or_make(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{} is not used: others may read or write it (mode 644)", path.display()));
    }

    #[test]
    fn a_file_without_a_token_is_not_taken_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.token");
        write_whole(&path, b"short\n").unwrap();
        let error = read_or_make(&path).unwrap_err().to_string();
        let path = path.display();
        assert_eq!(error, format!("{path} is not used: it holds no token; without it a new one is made"));
    }
}
