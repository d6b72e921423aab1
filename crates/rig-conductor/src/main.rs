//! `rig-conductor` takes escalations, routes them to people and does not forget them.

use std::process::ExitCode;

fn main() -> ExitCode {
    rig_conductor::cli::main()
}
