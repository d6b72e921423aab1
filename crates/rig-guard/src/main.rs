//! `rig-guard` judges a tool call before it runs, and refuses what destroys.

use std::process::ExitCode;

/// The allocator of musl takes half of all the instructions of a verdict, dlmalloc alone a third.
#[global_allocator]
static ALLOCATOR: rig_alloc::Cached<dlmalloc::GlobalDlmalloc> = rig_alloc::Cached(dlmalloc::GlobalDlmalloc);

fn main() -> ExitCode {
    rig_core::hook::main(&rig_guard::HOOK)
}
