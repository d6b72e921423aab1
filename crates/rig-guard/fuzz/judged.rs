//! What every fuzz target does around one input: it counts memory.

use std::alloc::System;

use cap::Cap;

/// The most that judging one input may hold at a time, in bytes; beyond it the process ends.
const MOST: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MOST);

/// Judges an input, and sees to it that nothing of it stays in memory.
///
/// # Panics
/// When every further run leaves more behind.
pub fn judged(run: fn(&[u8]), data: &[u8]) {
    let before = ALLOCATOR.allocated();
    run(data);
    let mut held = ALLOCATOR.allocated();
    if held <= before {
        return;
    }
    // Something may have been set up once. What grows, grows with every run.
    for _ in 0..4 {
        run(data);
        let now = ALLOCATOR.allocated();
        if now <= held {
            return;
        }
        held = now;
    }
    panic!("memory grows: {before} bytes before, {held} bytes after five runs");
}
