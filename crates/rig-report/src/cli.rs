//! The command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rig_core::env::Environment;
use rig_core::error::chain;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::text::{clean, cut};
use rig_wire::{AgentStatus, EventType};

use crate::events;
use crate::flush::{self, Once};

/// How long an event by hand waits for the coordinator.
const BY_HAND: Duration = Duration::from_secs(2);

/// Tell the coordinator what happens in a session
///
/// As a hook of the coding client (PostToolUse, PostToolUseFailure, Stop, StopFailure, SessionEnd)
/// it reads the event from stdin, appends heartbeats and work events to the spool in
/// ~/.local/state/rig and lets a background process deliver them. By hand it sends one event.
/// Without a base URL (CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json)
/// nothing is sent; it says so and logs the event.
#[derive(Debug, Parser)]
#[command(name = "rig-report", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Examples:
  rig-report WORK_STARTED --issue 42
  rig-report HEARTBEAT working
  rig-report PR_CREATED --pr 15 --url https://github.com/owner/repo/pull/15
  rig-report AGENT_STUCK 'two attempts failed: the schema is locked'
  rig-report flush

Exit codes: 0 also when the coordinator cannot be reached (the event is kept and sent later),
2 for wrong usage. The log is ~/.local/state/rig/log/rig-report.jsonl.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say that work on an issue begins
    #[command(name = "WORK_STARTED", alias = "work_started")]
    WorkStarted {
        #[command(flatten)]
        about: About,
    },
    /// Say that the agent is alive
    #[command(name = "HEARTBEAT", alias = "heartbeat")]
    Heartbeat {
        /// What it is doing
        #[arg(default_value = "working")]
        status: Status,
        #[command(flatten)]
        about: About,
    },
    /// Say that a branch was created
    #[command(name = "BRANCH_CREATED", alias = "branch_created")]
    BranchCreated {
        #[command(flatten)]
        about: About,
    },
    /// Say that a pull request was opened
    #[command(name = "PR_CREATED", alias = "pr_created")]
    PrCreated {
        #[command(flatten)]
        about: About,
    },
    /// Say that the agent cannot go on
    #[command(name = "AGENT_STUCK", alias = "agent_stuck")]
    AgentStuck {
        /// Why
        reason: Option<String>,
        /// How many attempts were made
        #[arg(long)]
        attempt: Option<u64>,
        #[command(flatten)]
        about: About,
    },
    /// Deliver what waits in the spool
    #[command(name = "flush")]
    Flush {
        /// Stay a while and deliver what comes, without a word
        #[arg(long)]
        background: bool,
        /// The state directory
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// The user's configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show who reports where, and what waits
    #[command(name = "status")]
    Status,
}

/// What the event is about; found from the working copy where not given
#[derive(Debug, Args)]
struct About {
    /// The repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// The issue
    #[arg(long, value_name = "N")]
    issue: Option<u64>,
    /// The pull request
    #[arg(long, value_name = "N")]
    pr: Option<u64>,
    /// The pull request's page
    #[arg(long)]
    url: Option<String>,
    /// The branch; the current one by default
    #[arg(long)]
    branch: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Working,
    Idle,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Environment::process();
    let mut paths = Paths::of_user(&env);
    let cwd = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let (kind, about, text) = match cli.command {
        Command::Flush { background, state, config } => {
            paths.state = state.or(paths.state);
            paths.user_config = config.or(paths.user_config);
            let done = if background {
                flush::background(&env, &paths, &cwd).map(|()| String::new())
            } else {
                flush::once(&env, &paths, &cwd, Duration::from_secs(60)).map(describe)
            };
            match done {
                Ok(text) => say(&text),
                Err(error) => {
                    crate::log(&paths, &serde_json::json!({ "failure": chain(&error) }));
                    say(&chain(&error));
                }
            }
            return ExitCode::SUCCESS;
        }
        Command::Status => {
            status(&env, &paths, &cwd);
            return ExitCode::SUCCESS;
        }
        Command::WorkStarted { about } => (EventType::WorkStarted, about, Text::None),
        Command::Heartbeat { status, about } => (EventType::Heartbeat, about, Text::Status(status)),
        Command::BranchCreated { about } => (EventType::BranchCreated, about, Text::None),
        Command::PrCreated { about } => (EventType::PrCreated, about, Text::None),
        Command::AgentStuck { reason, attempt, about } => {
            (EventType::AgentStuck, about, Text::Stuck(reason, attempt))
        }
    };
    let sender = Sender::new(&env, &paths, &cwd);
    for warning in &sender.warnings {
        say(warning);
    }
    let mut event = match text {
        Text::Status(Status::Working) => events::heartbeat(&sender, AgentStatus::Working),
        Text::Status(Status::Idle) => events::heartbeat(&sender, AgentStatus::Idle),
        Text::None | Text::Stuck(..) => sender.event(kind),
    };
    event.repo = about.repo.or(event.repo);
    event.issue_number = about.issue.or(event.issue_number);
    event.pr_number = about.pr;
    event.pr_url = about.url;
    if kind != EventType::Heartbeat {
        event.branch = about.branch.or_else(|| sender.branch.clone());
    }
    if kind == EventType::Heartbeat {
        event.current_issue = event.issue_number;
        event.current_repo.clone_from(&event.repo);
    }
    if let Text::Stuck(reason, attempt) = text {
        event.reason = reason.map(|r| cut(&clean(&r), 2000));
        event.attempt = attempt;
    }
    match events::send(&sender, &paths, &event) {
        Err(error) => say(&format!("{kind} could not be kept: {error}")),
        Ok(false) => say(&format!("{kind} was logged only: no base URL is set (CONDUCTOR_BASE_URL)")),
        Ok(true) => match flush::once(&env, &paths, &cwd, BY_HAND) {
            Ok(done) => say(&describe(done)),
            Err(error) => say(&chain(&error)),
        },
    }
    ExitCode::SUCCESS
}

enum Text {
    None,
    Status(Status),
    Stuck(Option<String>, Option<u64>),
}

fn describe(done: Once) -> String {
    let (pass, notes) = match done {
        Once::Homeless => return "no home directory is known, so there is no spool".to_owned(),
        Once::Busy => return "a background process delivers it".to_owned(),
        Once::Done(pass, notes) => (pass, notes),
    };
    let mut text = format!("delivered {}, waiting {}", pass.accepted, pass.waiting);
    if pass.given_up > 0 {
        text.push_str(&format!(", given up {}", pass.given_up));
    }
    for note in notes {
        text.push_str("\nrig-report: ");
        text.push_str(&note);
    }
    text
}

fn status(env: &Environment, paths: &Paths, cwd: &std::path::Path) {
    let sender = Sender::new(env, paths, cwd);
    let coordinator = match &sender.endpoint {
        None => "none (CONDUCTOR_BASE_URL is not set)".to_owned(),
        Some(e) => format!(
            "{}{}{}",
            e.base,
            if e.token.is_some() { ", with a token" } else { "" },
            if e.from_project { ", chosen by this repository's settings" } else { "" }
        ),
    };
    let waiting = match paths.spool().map(|dir| rig_core::spool::Spool::at(dir).waiting_events()) {
        Some(Ok(events)) => events.len().to_string(),
        Some(Err(error)) => chain(&error),
        None => "no home directory is known".to_owned(),
    };
    let log = paths.log("rig-report").map_or_else(String::new, |p| p.display().to_string());
    let mut out = std::io::stdout().lock();
    // A closed stdout is the reader's choice.
    let _ = writeln!(
        out,
        "identity     {} <{}>\ncoordinator  {coordinator}\nwaiting      {waiting}\nlog          {log}",
        sender.identity.id, sender.identity.email
    );
    drop(out);
    for warning in sender.warnings.iter().chain(sender.endpoint.as_ref().and_then(|e| e.withheld.as_ref())) {
        say(warning);
    }
}

fn say(text: &str) {
    if !text.is_empty() {
        // There is nowhere left to say it.
        let _ = writeln!(std::io::stderr().lock(), "rig-report: {text}");
    }
}
