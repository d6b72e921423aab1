//! The command line.

mod check;
mod embedded;
mod replay;
mod serve;
mod sweep;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::logging;
use crate::settings::{self, Environment, Flags, Loaded, Settings};

/// It was done.
const DONE: u8 = 0;

/// It failed, or something was found.
const FAILED: u8 = 1;

/// The command line or a setting is wrong.
const WRONG: u8 = 2;

/// The embedded service does not run.
const NOT_RUNNING: u8 = 3;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; of `status`: it runs
  1  failed, or something was found; stderr says what
  2  the command line or a setting is wrong
  3  `status`: it does not run";

/// Take escalations, route them to people and do not forget them
#[derive(Debug, Parser)]
#[command(name = "rig-conductor", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Sweep(sweep::Sweep),
    Replay(replay::Replay),
    Config(check::Config),
    Up(embedded::Up),
    Down(embedded::Down),
    Status(embedded::Status),
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { WRONG } else { DONE });
        }
    };
    let code = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Sweep(sweep) => sweep.run(),
        Command::Replay(replay) => replay.run(),
        Command::Config(config) => config.run(),
        Command::Up(up) => up.run(),
        Command::Down(down) => down.run(),
        Command::Status(status) => status.run(),
    };
    ExitCode::from(code)
}

/// Reads the settings; says everything that is wrong with them.
fn load(flags: &Flags) -> Result<(Settings, Loaded), u8> {
    let mut loaded = settings::load(flags, &Environment::of_process());
    let taken =
        std::mem::replace(&mut loaded.settings, Err(settings::SettingsError { problems: Vec::new() }));
    match taken {
        Ok(settings) => Ok((settings, loaded)),
        Err(error) => {
            error.problems.iter().for_each(complain);
            hint("`rig-conductor config check` shows every setting and where it comes from");
            Err(WRONG)
        }
    }
}

/// Logs for a command that ends by itself: what went wrong, unless somebody asked for more.
fn log_trouble(loaded: &Loaded) {
    let asked = loaded.shown.iter().any(|shown| shown.key == "log" && shown.from != "default");
    let filter = if asked { loaded.log.clone() } else { Targets::new().with_default(LevelFilter::WARN) };
    logging::to_stderr(filter);
}

/// Starts what asynchronous code runs on.
fn runtime(workers: usize) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        // Calls to Discord and the like wait on these.
        .max_blocking_threads(16)
        .enable_all()
        .build()
}

/// Prints a line on stdout. A reader that is gone is no failure.
fn say(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a line on stderr.
fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "rig-conductor: {text}");
}

/// Prints what can be done about it on stderr.
fn hint(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "hint: {text}");
}

/// Returns a text with the columns of its rows lined up.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
