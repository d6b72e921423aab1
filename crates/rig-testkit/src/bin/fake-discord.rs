//! The double of Discord as a program, for trials by hand and for benches.
//!
//! ```text
//! fake-discord [--port-file FILE]
//! ```
//!
//! Its first line on stdout is the base URL (the value of `DISCORD_API_URL`), which it also writes
//! into the file. Then comes a line of JSON for everything that people see, with the time it
//! came (`received`, microseconds since 1970), and `{"violation":…}` for every request that
//! breaks a rule. It runs until it is killed or nobody reads what it prints.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rig_testkit::FakeDiscord;
use serde_json::json;

fn main() -> ExitCode {
    let mut port_file = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.to_str(), arguments.next()) {
            (Some("--port-file"), Some(file)) => port_file = Some(PathBuf::from(file)),
            _ => {
                let _ = writeln!(std::io::stderr().lock(), "usage: fake-discord [--port-file FILE]");
                return ExitCode::from(2);
            }
        }
    }
    let discord = FakeDiscord::start();
    if let Some(file) = port_file
        && let Err(error) = publish(&file, &discord.url())
    {
        let _ = writeln!(std::io::stderr().lock(), "fake-discord: write {}: {error}", file.display());
        return ExitCode::FAILURE;
    }
    // The one way to end is that nobody reads.
    let _ = print(&discord);
    ExitCode::SUCCESS
}

/// Writes the file at once: who sees it sees all of it.
fn publish(file: &Path, url: &str) -> std::io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    std::fs::write(&name, format!("{url}\n"))?;
    std::fs::rename(name, file)
}

fn print(discord: &FakeDiscord) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", discord.url())?;
    let mut printed = 0;
    loop {
        for notice in discord.notices_from(printed) {
            writeln!(out, "{}", notice.json())?;
            printed += 1;
        }
        for violation in discord.take_violations() {
            writeln!(out, "{}", json!({ "violation": violation }))?;
        }
        out.flush()?;
        std::thread::sleep(Duration::from_millis(5));
    }
}
