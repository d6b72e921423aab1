//! `rig-prime` tells a session, when it starts, what it was doing.

use std::process::ExitCode;

fn main() -> ExitCode {
    rig_prime::started();
    rig_core::hook::main(&rig_prime::HOOK)
}
