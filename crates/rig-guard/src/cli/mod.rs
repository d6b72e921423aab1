//! The command line for people: explains verdicts, lists rules and policies, shows the log.

mod check;
mod explain;
mod history;
mod policy;
mod rules;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rig_core::env::Environment;
use rig_core::paths::Paths;

/// The command line is wrong. It differs from the code of a refusal, which is 2.
const USAGE: u8 = 64;

/// Something that was asked for is not in order, or is not there.
const TROUBLE: u8 = 1;

const AFTER_HELP: &str = "\
Exit codes:
  0   the command is let through; of other subcommands: done
  1   policy: a file is not valid; log, stats: the log cannot be read
  2   the command is refused, or the guard could not judge it
  64  the command line is wrong

Examples:
  rig-guard check 'git push --force'      refused, with the reason
  rig-guard check 'rm -rf build' --json   the verdict for a program
  rig-guard check --stdin < commands.txt  one verdict a line
  rig-guard explain 'make clean && rm -rf build'
  rig-guard rules                         every rule with its examples
  rig-guard policy                        what is in force, and who decided it
  rig-guard log --blocked --since 2d      what was refused lately
  rig-guard stats --since 4w              how often, by rule, category and day";

/// Judge a tool call before it runs, and refuse what destroys
///
/// Claude Code asks this program before every tool call, with the call as JSON on stdin. It lets
/// the call through with exit code 0 and refuses it with 2 and the reason on stderr. The
/// subcommands are for people.
#[derive(Debug, Parser)]
#[command(name = "rig-guard", version = rig_core::VERSION, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// The user's configuration file, beside which the user's policy lies
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The state directory, in which the log lies
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Say whether a shell command would be let through, and why not
    Check(Check),
    /// Show what a shell command comes to, and what each rule makes of it
    Explain {
        /// The command, as one argument
        command: String,
        #[command(flatten)]
        place: Place,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the rules with what they refuse, why, and what to do instead
    Rules {
        /// Print JSON objects, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show what was refused and decided, the newest last
    Log(Log),
    /// Count what was refused, by rule, category and day
    Stats {
        /// Only the last time, such as 30m, 12h, 7d or 4w, or since a date
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<String>,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what is in force, and who decided it
    Policy {
        #[command(flatten)]
        place: Place,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// What is checked.
#[derive(Debug, Args)]
struct Check {
    /// The command, as one argument
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin")]
    command: Option<String>,
    /// Check what stdin holds: a command a line, or JSON objects with `command` or with `tool` and
    /// `input`, and with `cwd`
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    place: Place,
    /// Print JSON objects, one a command
    #[arg(long)]
    json: bool,
}

/// Where it would run.
#[derive(Debug, Args)]
struct Place {
    /// The directory in which it would run; the current one by default
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
}

/// Which entries of the log.
#[derive(Debug, Default, Args)]
struct Log {
    /// Only what was refused
    #[arg(long)]
    blocked: bool,
    /// Only the last time, such as 30m, 12h, 7d or 4w, or since a date
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<String>,
    /// Only this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only this rule, or the rules that begin so
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print the entries as they are kept, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// The surroundings of the command line.
struct Here {
    env: Environment,
    paths: Paths,
    directory: PathBuf,
    /// The session in which it is called, if it is in one: what it prints then reaches a model.
    session: Option<String>,
}

impl Here {
    fn find() -> Self {
        let env = Environment::process();
        let paths = Paths::of_user(&env);
        let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let id = env.get("CLAUDE_CODE_SESSION_ID");
        let session = id.or_else(|| env.get("CLAUDECODE").map(|_| "unknown".to_owned()));
        Self { env, paths, directory, session }
    }

    fn at(&self, place: &Place) -> PathBuf {
        place.cwd.as_ref().map_or_else(|| self.directory.clone(), |cwd| self.directory.join(cwd))
    }
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let mut here = Here::find();
    if let Some(config) = cli.config {
        here.paths.user_config = Some(here.directory.join(config));
    }
    if let Some(state) = cli.state {
        here.paths.state = Some(here.directory.join(state));
    }
    let (text, code) = match cli.task {
        Task::Check(check) if check.stdin => return check::stdin(&here, &check),
        Task::Check(check) => check::one(&here, &check),
        Task::Explain { command, place, json } => explain::run(&here, &command, &place, json),
        Task::Rules { json } => rules::run(&here, json),
        Task::Log(log) => history::log(&here, &log),
        Task::Stats { since, json } => history::stats(&here, since.as_deref(), json),
        Task::Policy { place, json } => policy::run(&here, &place, json),
    };
    print(&text);
    ExitCode::from(code)
}

/// Reads a time such as `12h` or `2026-01-02`, as the log writes times.
fn since(text: &str) -> Result<String, String> {
    let wrong = || "neither a time such as 30m, 12h, 7d or 4w nor a date such as 2026-01-02".to_owned();
    let ago = |count: &str, seconds: u64| {
        let count: u64 = count.parse().map_err(|_| wrong())?;
        Ok(rig_core::clock::seconds_ago(count.saturating_mul(seconds)))
    };
    for (unit, seconds) in [('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)] {
        if let Some(count) = text.strip_suffix(unit) {
            return ago(count, seconds);
        }
    }
    // Times of this form sort as texts, and a date before all times of its day.
    let shape: String = text.chars().take(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let rest = text.get(10..).unwrap_or("");
    if shape == "0000-00-00" && (rest.is_empty() || rest.starts_with('T')) {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

/// Prints to stdout; whoever has closed it does not change the exit code.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Puts rows into columns, with two spaces in front and between.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |n: usize| {
        rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:width$}"));
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ages_or_dates() {
        for text in ["1m", "12h", "7d", "4w"] {
            let time = since(text).unwrap();
            assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        }
        for text in ["2026-01-02", "2026-01-02T03:04:05Z"] {
            assert_eq!(since(text).as_deref(), Ok(text));
        }
        for text in ["", "d", "-1d", "1y", "yesterday", "2026-1-2", "2026-01-02x"] {
            assert!(since(text).is_err(), "{text}");
        }
        assert!(since("1w").unwrap() < since("1d").unwrap());
    }
}
