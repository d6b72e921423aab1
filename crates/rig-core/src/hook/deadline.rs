//! Keeps a hook that blocks to its deadline, even where a read from a dead file system hangs.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Instant;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::OnFailure;

/// The hook that runs, and by when it has to answer.
static WATCH: OnceLock<(&str, OnFailure, Instant)> = OnceLock::new();

/// The exit code that was decided on; greater than any before that.
static DECIDED: AtomicU32 = AtomicU32::new(u32::MAX);

/// Whether the thread that watches is there.
static STARTED: Once = Once::new();

/// How many paths have been asked for without the thread.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// How many questions to the kernel cost as much as the thread.
const QUESTIONS: u32 = 32;

/// Says which hook runs, and by when it has to answer.
pub(super) fn set(name: &'static str, on_failure: OnFailure, deadline: Instant) {
    let _ = WATCH.set((name, on_failure, deadline));
}

/// Says what is decided on.
pub(super) fn decided(code: u8) {
    DECIDED.store(code.into(), Ordering::SeqCst);
}

/// Sees to it that a hook which blocks answers in time, even where a read hangs. To be called before
/// files are read that need not be at hand; a thread is started for it, which costs half a start.
pub fn keep_deadline() {
    if let Some((name, OnFailure::Block, deadline)) = WATCH.get() {
        STARTED.call_once(|| watch(name, OnFailure::Block, *deadline));
    }
}

/// Sees to the same before it is looked up whether a path exists and where its links lead, and says
/// whether there may be something. Nothing is started where the kernel has the whole way in its
/// memory, since then no file system is asked. What a file holds is another matter.
#[must_use]
pub fn look_up(path: &Path) -> bool {
    if STARTED.is_completed() || !matches!(WATCH.get(), Some((_, OnFailure::Block, _))) {
        return true;
    }
    let known = if ASKED.fetch_add(1, Ordering::Relaxed) < QUESTIONS { in_memory(path) } else { None };
    known.unwrap_or_else(|| {
        keep_deadline();
        true
    })
}

/// Says whether there may be something at a path, where the kernel knows that without asking a file
/// system. A link is followed; what cannot be passed counts as something.
fn in_memory(path: &Path) -> Option<bool> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) {
        Ok(_) | Err(Errno::NOTDIR | Errno::ACCESS | Errno::LOOP) => Some(true),
        Err(Errno::NOENT) => Some(false),
        // It would take longer, or this kernel does not know the question.
        Err(_) => None,
    }
}

/// Ends the process at a deadline, from a thread, since no other way holds while a read from a dead
/// file system hangs: with what was decided on by then, and else with the code of the hook's policy.
pub(super) fn watch(name: &'static str, on_failure: OnFailure, deadline: Instant) {
    let end = move || {
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        let code = DECIDED.load(Ordering::SeqCst);
        if code == u32::MAX && writable(rustix::stdio::stderr()) {
            let message = format!(
                "{name}: no verdict in time, since a file cannot be read or the machine is busy; {}\n",
                on_failure.consequence()
            );
            // Past the lock, which whoever hangs may hold.
            let _ = rustix::io::write(rustix::stdio::stderr(), message.as_bytes());
        }
        #[expect(clippy::disallowed_methods, reason = "whatever hangs would go on for ever")]
        std::process::exit(i32::from(u8::try_from(code).unwrap_or(on_failure.code())));
    };
    // Without the thread the client's own limit is left.
    let _ = std::thread::Builder::new().stack_size(64 << 10).spawn(end);
}

/// Says whether a write would not block.
fn writable(fd: rustix::fd::BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], Some(&now)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_path_without_asking_a_file_system_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        for (link, target) in [("link", "file"), ("loop", "loop"), ("dangling", "missing")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        for (path, there) in [
            ("", true),
            ("file", true),
            ("link", true),
            ("loop", true),
            ("file/below", true),
            ("dangling", false),
            ("missing", false),
            ("missing/below", false),
        ] {
            // The first look brings it into memory, where the kernel can be asked at all.
            let _ = std::fs::metadata(at(path));
            let known = in_memory(&at(path));
            assert!(known.is_none_or(|known| known == there), "{path}: {known:?}");
        }
    }

    #[test]
    fn the_root_is_always_in_memory_where_the_kernel_can_be_asked() {
        let asked = rustix::fs::openat2(CWD, "/", OFlags::PATH, Mode::empty(), ResolveFlags::CACHED);
        assert_eq!(in_memory(Path::new("/")), asked.is_ok().then_some(true));
    }
}
