//! `rig-guard` judges a tool call before it runs, and refuses what destroys.

use std::process::ExitCode;

fn main() -> ExitCode {
    rig_core::hook::main(&rig_guard::HOOK)
}
