//! Points at which a test can let the process die. In a release they are nothing.

/// Ends the process as SIGKILL would, when `RIG_CONDUCTOR_DIE_AT` names this point, or `name:n` for
/// the n-th time that it is reached (counted from 1).
#[cfg(feature = "test-hooks")]
#[expect(clippy::disallowed_methods, reason = "a switch of test builds alone")]
pub fn point(name: &str) {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: OnceLock<Mutex<HashMap<String, u64>>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("RIG_CONDUCTOR_DIE_AT").ok()?;
        let (name, n) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), n.parse().ok()?))
    });
    let Some((at, n)) = wanted.as_ref().filter(|(at, _)| at == name) else { return };
    let mut reached = REACHED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let count = reached.entry(at.clone()).or_default();
    *count += 1;
    if count == n {
        let me = rustix::process::getpid();
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    }
}

/// Does nothing.
#[cfg(not(feature = "test-hooks"))]
#[inline(always)]
pub fn point(_: &str) {}
