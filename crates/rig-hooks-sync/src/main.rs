//! `rig-hooks-sync` keeps the rig's hooks in Claude Code's settings.

use std::process::ExitCode;

fn main() -> ExitCode {
    rig_hooks_sync::cli::main()
}
