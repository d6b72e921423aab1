//! A directory that is gone when the task ends.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Doing, Result};

/// A private temporary directory, removed on drop.
#[derive(Debug)]
pub(crate) struct Sandbox(PathBuf);

impl Sandbox {
    /// Makes a new one below the system's directory for temporary files.
    pub(crate) fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir = std::env::temp_dir().join(format!("rig-xtask-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&dir) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => {
                    made.doing(|| format!("make {}", dir.display()))?;
                    return Ok(Self(dir));
                }
            }
        }
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a directory in it and returns its path.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf> {
        let dir = self.0.join(name);
        std::fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
        Ok(dir)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
