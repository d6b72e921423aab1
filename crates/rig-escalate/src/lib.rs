//! Asks for a person, and tells what became of it.
//!
//! The escalation is on the disk before it is posted, so that neither a kill nor a coordinator
//! that is down loses it; whether somebody accepted it, and whether a person sees it, is said plainly
//! and by the exit code.

mod about;
mod cli;
mod commands;
mod create;
mod deliver;
mod input;
mod output;
mod service;
mod show;
mod table;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use rig_core::env::Environment;
use rig_core::paths::Paths;

use crate::cli::Cli;
use crate::commands::Place;
use crate::output::{Exit, tell_error};

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && asks_for_json() => {
            tell_error(error.render().to_string().trim_start_matches("error: ").trim_end());
            return Exit::Usage.into();
        }
        Err(error) => error.exit(),
    };
    let env = Environment::process();
    let paths = Paths::of_user(&env);
    let cwd = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let ended = match &cli.command {
        None => create::run(&cli.create, &env, &paths, &cwd),
        Some(command) => commands::run(command, &Place { env: &env, paths: &paths, cwd: &cwd }),
    };
    ended.unwrap_or_else(|trouble| trouble.tell(cli.json())).into()
}

/// Says whether a command line that cannot be read asks for JSON.
fn asks_for_json() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}
