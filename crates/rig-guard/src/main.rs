//! `rig-guard` judges a tool call before it runs, and refuses what destroys.

use std::process::ExitCode;

/// The allocator of musl takes a third of all the instructions of a verdict.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    rig_core::hook::main(&rig_guard::HOOK)
}
