//! Asks for a person.
//!
//! The escalation is on the disk before it is posted, so that neither a kill nor a coordinator
//! that is down loses it; whether somebody accepted it is said plainly and by the exit code.

mod deliver;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use rig_core::clock;
use rig_core::env::Environment;
use rig_core::git::{is_repository, slug};
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use rig_core::text::{clean_lines, cut};
use rig_wire::{Event, EventType, Severity};

use crate::deliver::{Fate, deliver};

/// The most characters that a coordinator takes as the reason.
const REASON: usize = 2000;

/// The most characters that a coordinator takes as details.
const DETAILS: usize = 8000;

/// Ask for a person
///
/// Sends an escalation to the coordinator, which routes it by severity: P2 (needs guidance) to
/// the pull request's thread, P1 (CI stuck, review conflict) to the admin channel, P0 (security,
/// data at risk) to people directly. Repository, issue and branch are found from the working
/// copy where not given.
///
/// An escalation that the coordinator does not accept stays in the spool in
/// ~/.local/state/rig until it does; AGENT_STUCK is sent as well then, which every coordinator
/// knows.
#[derive(Debug, Parser)]
#[command(name = "rig-escalate", version, after_help = AFTER)]
struct Cli {
    /// How urgent it is: P0, P1 or P2, or critical, high or medium
    #[arg(value_parser = severity)]
    severity: Severity,
    /// What a person has to know, in one or two sentences
    #[arg(value_parser = reason)]
    reason: String,
    /// The repository
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository)]
    repo: Option<String>,
    /// The issue
    #[arg(long, value_name = "N")]
    issue: Option<u64>,
    /// The pull request
    #[arg(long, value_name = "N")]
    pr: Option<u64>,
}

const AFTER: &str = "Examples:
  rig-escalate P2 'which of the two login flows shall stay?' --issue 42
  rig-escalate P1 'CI has been red for 3 rounds on a flaky test' --pr 15
  rig-escalate P0 'a token was committed to main'

Exit codes:
  0  accepted by the coordinator
  2  wrong usage; nothing was sent
  3  not accepted; it waits in the spool and nobody has been told
  4  no coordinator is set up (CONDUCTOR_BASE_URL); it waits in the spool
  5  neither accepted nor kept: it is lost unless you tell a person yourself";

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Environment::process();
    let paths = Paths::of_user(&env);
    let cwd = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let sender = Sender::new(&env, &paths, &cwd);
    for warning in &sender.warnings {
        say(warning);
    }
    let escalation = escalation(&sender, &cli);
    let id = escalation.escalation_id.clone().unwrap_or_default();
    let name = format!("{} escalation {id}", cli.severity);
    let fate = deliver(&sender, &env, &paths, &cwd, &escalation);
    for note in fate.notes() {
        say(note);
    }
    match &fate {
        Fate::Accepted { by, .. } => {
            // The answer is also in the exit code, so a closed stdout does not matter.
            let _ = writeln!(std::io::stdout().lock(), "{name} accepted by {by}");
        }
        Fate::Waiting { stuck, .. } => {
            say(&format!("NOT DELIVERED: {name} waits in the spool; nobody has been told of it"));
            say(if *stuck { "AGENT_STUCK was accepted in its place" } else { "AGENT_STUCK waits with it" });
            say(
                "it is sent again by the next hook or `rig-report flush`; if it is urgent, tell a person yourself",
            );
        }
        Fate::Unrouted { .. } => {
            say(&format!("NOT DELIVERED: {name} waits in the spool, because no coordinator is set up"));
            say(
                "set CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json; until then, tell a person yourself",
            );
        }
        Fate::Lost { stuck, .. } => {
            say(&format!("LOST: {name} was neither accepted nor kept; tell a person yourself"));
            if *stuck {
                say("AGENT_STUCK was accepted in its place");
            }
        }
    }
    ExitCode::from(fate.code())
}

fn escalation(sender: &Sender, cli: &Cli) -> Event {
    let mut event = sender.event(EventType::EscalationCreated);
    event.escalation_id = Some(clock::new_id());
    event.severity = Some(cli.severity);
    event.reason = Some(cut(&cli.reason, REASON));
    if cli.reason.chars().count() > REASON {
        event.details = Some(cut(&cli.reason, DETAILS));
    }
    event.repo = cli.repo.clone().or(event.repo);
    // Zero stands for none, as it does in events.
    event.issue_number = cli.issue.filter(|n| *n > 0).or(event.issue_number);
    event.pr_number = cli.pr.filter(|n| *n > 0);
    event.branch.clone_from(&sender.branch);
    event
}

fn severity(text: &str) -> Result<Severity, String> {
    match text.to_ascii_lowercase().as_str() {
        "p0" | "critical" => Ok(Severity::P0),
        "p1" | "high" => Ok(Severity::P1),
        "p2" | "medium" => Ok(Severity::P2),
        _ => Err("use P0, P1 or P2 (or critical, high, medium)".to_owned()),
    }
}

fn repository(text: &str) -> Result<String, String> {
    let found = slug(text).map(|slug| slug.repo);
    found.or_else(|| is_repository(text).then(|| text.to_owned())).ok_or_else(|| "use owner/name".to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    let text = clean_lines(text).trim().to_owned();
    if text.is_empty() { Err("a person has to know why".to_owned()) } else { Ok(text) }
}

fn say(text: &str) {
    // There is nowhere left to say it.
    let _ = writeln!(std::io::stderr().lock(), "rig-escalate: {text}");
}
