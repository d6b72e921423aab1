//! What the suite is told by its environment, and what a missing part means.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Reads a variable of the test run.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the test run's variables")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns a program of the installed prefix.
///
/// # Panics
/// When `RIG_TEST_PREFIX` does not name a prefix with this program: without installed files
/// there is nothing to test, and saying "passed" would be a lie.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let prefix = variable("RIG_TEST_PREFIX")
        .expect("RIG_TEST_PREFIX is not set; `cargo xtask test` installs the programs and sets it");
    let program = PathBuf::from(prefix).join("bin").join(name);
    assert!(program.exists(), "{} is not installed", program.display());
    program
}

/// Tells that an optional part is missing, so that the test ends without a result.
///
/// # Panics
/// When `RIG_TEST_REQUIRE=1` says that nothing may be missing.
pub fn skip(test: &str, why: &str) {
    assert!(variable("RIG_TEST_REQUIRE").is_none_or(|v| v != "1"), "RIG_TEST_REQUIRE=1, but {why}");
    // Not the macro: what that prints is shown for failed tests alone. On a machine with one
    // processor the test's name already stands on the line.
    let line = format!("\nskipped {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
