//! The command line, for people.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rig_core::env::Environment;
use rig_core::paths::Paths;

use crate::render::{self, Occasion};

/// Tell what the work in a directory is, as a session is told when it starts
///
/// Prints whether the guard is on, and branch, local changes, issue, the agent's status in
/// Conductor-E, and the branch's pull requests with their reviews, checks and unresolved threads.
/// Only reads: asking Conductor-E for work claims it, so that is never done. Takes at most two
/// seconds; a source that gave nothing is named in the text.
///
/// As a hook (no arguments, an event on stdin) it answers SessionStart with the same text, and also
/// writes the identity to the file named by CLAUDE_ENV_FILE.
#[derive(Debug, Parser)]
#[command(
    name = "rig-prime",
    version,
    after_help = "Environment:\n  \
        CONDUCTOR_AGENT_ID, AGENT_ID   who works here\n  \
        CONDUCTOR_ISSUE_NUMBER         the issue, beside the one in the branch's name (CONDUCTOR_REPO: its repository)\n  \
        CONDUCTOR_BASE_URL             where Conductor-E is; CONDUCTOR_TOKEN is sent only there\n  \
        GH_TOKEN, GITHUB_TOKEN, ...    tokens for GitHub; else that of `gh auth token`; else public data only\n\n\
        Exit code: 0; 2 when the arguments are wrong."
)]
struct Arguments {
    /// Print the facts as JSON instead of the text
    #[arg(long)]
    json: bool,

    /// Print the text of this kind of start
    #[arg(long, value_enum, default_value_t = Source::Startup)]
    source: Source,

    /// Look at this directory instead of the current one
    #[arg(short = 'C', long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// How a session starts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    /// A new session
    Startup,
    /// An earlier session that is taken up again
    Resume,
    /// A session whose context was cleared
    Clear,
    /// A session whose context was compacted: the short text
    Compact,
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let directory = arguments.directory.unwrap_or_else(|| ".".into());
    let directory = match std::fs::canonicalize(&directory) {
        Ok(directory) => directory,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr().lock(),
                "rig-prime: failed to look at the directory {}: {error}",
                directory.display()
            );
            return ExitCode::from(2);
        }
    };
    let env = Environment::process();
    let (facts, _) = crate::gather::gather(&env, &Paths::of_user(&env), &directory, crate::started());
    let text = if arguments.json {
        let json = serde_json::to_string_pretty(&facts).expect("facts are maps with text keys");
        json + "\n"
    } else {
        let occasion = match arguments.source {
            Source::Compact => Occasion::Compaction,
            Source::Startup | Source::Resume | Source::Clear => Occasion::Start,
        };
        render::text(&facts, occasion)
    };
    // A reader that is gone wants no more of it.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
