//! The project's own tasks, run as `cargo xtask TASK`.
//!
//! Compiled before every task, so it is built from the standard library and `serde_json`.
//! It knows no crate of the rig: what it installs, it runs as a person would.

mod bench;
mod build;
mod check_deps;
mod context;
mod error;
mod events;
mod flags;
mod install;
mod order;
mod process;
mod sandbox;
mod soak;
mod test;

use std::io::Write;
use std::process::ExitCode;

use context::Context;
use flags::Task;

fn main() -> ExitCode {
    let task = match flags::parse(std::env::args_os().skip(1)) {
        Ok(task) => task,
        Err(message) => {
            complain(&message);
            return ExitCode::from(2);
        }
    };
    let done = Context::of_process().and_then(|cx| match task {
        Task::Help(text) => {
            say(text.trim_end());
            Ok(())
        }
        Task::Install(options) => install::run(&cx, &options),
        Task::Test(arguments) => test::run(&cx, &arguments),
        Task::Bench(options) => bench::run(&cx, &options),
        Task::Soak(suites) => soak::run(&cx, &suites),
        Task::CheckDeps => check_deps::run(&cx),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Prints a line of progress or result; a closed stdout changes nothing.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints an error or a warning.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "xtask: {line}");
}
