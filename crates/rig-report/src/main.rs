//! `rig-report` tells the coordinator what happens in a session.

use std::process::ExitCode;

use rig_core::hook::{self, Hook, OnFailure};

fn main() -> ExitCode {
    hook::main(&Hook {
        name: "rig-report",
        on_failure: OnFailure::Pass,
        run: rig_report::run,
        cli: rig_report::cli::main,
    })
}
