//! `rig-escalate` asks for a person.

use std::process::ExitCode;

fn main() -> ExitCode {
    rig_escalate::main()
}
