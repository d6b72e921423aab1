//! The real client: found, or installed from npm at the version that the scenarios were written for.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::needs::variable;

/// The client's version. It is always named, because a bare package name makes npm choose a
/// much older client on a Node that the present one does not list; the program itself is
/// native and needs no Node at all.
pub const VERSION: &str = "2.1.330";

const PACKAGE: &str = "@anthropic-ai/claude-code";

/// Returns the native program, which `RIG_TEST_CLIENT` names or npm installs into the target
/// directory.
///
/// # Errors
/// In words, when there is none and none can be had.
///
/// # Panics
/// When `RIG_TEST_CLIENT` names something that is not there, or the cache cannot be written.
pub fn client() -> Result<PathBuf, String> {
    if let Some(program) = variable("RIG_TEST_CLIENT").map(PathBuf::from) {
        assert!(program.is_file(), "RIG_TEST_CLIENT={} is no file", program.display());
        return Ok(program);
    }
    // Tried once: without a network npm takes its time to fail.
    static CLIENT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    CLIENT.get_or_init(from_npm).clone()
}

fn from_npm() -> Result<PathBuf, String> {
    let target = variable("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target"), PathBuf::from);
    let cache = target.join("claude-client");
    std::fs::create_dir_all(&cache).expect("make the client's cache directory");
    // Other test runs may share the cache; one of them installs, the others wait.
    let lock = File::create(cache.join("lock")).expect("make the lock of the client's cache");
    lock.lock().expect("lock the client's cache");
    let dir = cache.join(VERSION);
    if native_program(&dir).is_none() {
        install(&cache, &dir)?;
    }
    native_program(&dir).ok_or_else(|| format!("{PACKAGE}@{VERSION} has no program for this platform"))
}

fn install(cache: &Path, dir: &Path) -> Result<(), String> {
    let partial = cache.join("partial");
    let _ = std::fs::remove_dir_all(&partial);
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(&partial).expect("make the directory to install the client into");
    let output = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
            "--fetch-retries=1",
        ])
        .arg("--prefix")
        .arg(&partial)
        .arg("--cache")
        .arg(partial.join("cache"))
        .arg(format!("{PACKAGE}@{VERSION}"))
        .output()
        .map_err(|e| format!("the client {VERSION} is not installed and npm cannot be started: {e}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("npm could not install {PACKAGE}@{VERSION}: {}", stderr.trim()));
    }
    let program = native_program(&partial).ok_or("npm installed no program for this platform")?;
    let version = Command::new(program).arg("--version").env_clear().env("HOME", &partial).output();
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    if !version.starts_with(VERSION) {
        return Err(format!("npm installed {version:?} instead of the client {VERSION}"));
    }
    let _ = std::fs::remove_dir_all(partial.join("cache"));
    std::fs::rename(&partial, dir).expect("move the installed client to its place");
    Ok(())
}

/// Finds the package that holds the program for this platform; npm installs no other.
fn native_program(dir: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(dir.join("node_modules/@anthropic-ai")).ok()?;
    let named = |name: &str| name.starts_with("claude-code-");
    packages
        .flatten()
        .filter(|package| package.file_name().to_str().is_some_and(named))
        .map(|package| package.path().join("claude"))
        .find(|program| program.is_file())
}
