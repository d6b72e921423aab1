//! Runs a program once with a file as its input, and prints how long it took in nanoseconds, how much
//! memory it had resident at most in KiB, and its exit code.
//!
//! A program of its own, and a small one: until a new process runs its program it counts as much memory
//! as the one that started it.

use std::fs::File;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(input), Some(program)) = (arguments.next(), arguments.next()) else {
        return ExitCode::from(64);
    };
    let Ok(input) = File::open(input) else { return ExitCode::from(64) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let Ok(status) = command.status() else { return ExitCode::from(127) };
    let wall = start.elapsed().as_nanos();
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return ExitCode::FAILURE };
    let code = status.code().unwrap_or(-1);
    let line = format!("{wall} {} {code}\n", usage.max_rss());
    match std::io::stdout().lock().write_all(line.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
