//! What the test run is told by its environment, and what a missing part means.

use std::ffi::OsString;
use std::io::Write;

/// Returns a variable of the test run; none where it is empty.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the test run's variables")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Tells whether whatever is optional is required, as in CI: `RIG_TEST_REQUIRE=1`.
#[must_use]
pub fn required() -> bool {
    variable("RIG_TEST_REQUIRE").is_some_and(|value| value == "1")
}

/// Tells that an optional part is missing, so that the test of this thread ends without a result.
///
/// # Panics
/// When `RIG_TEST_REQUIRE=1` says that nothing may be missing.
#[track_caller]
pub fn skip(why: &str) {
    assert!(!required(), "RIG_TEST_REQUIRE=1, but {why}");
    // Not the macro: what that prints is shown for failed tests alone.
    let thread = std::thread::current();
    let line = format!("\nskipped {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}
