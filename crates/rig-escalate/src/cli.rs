//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use rig_core::git::{is_repository, slug};
use rig_wire::{Category, EscalationState, Severity};

/// Ask for a person, and see what became of it
///
/// Sends an escalation to the coordinator, which routes it by severity: P2 (needs guidance) to
/// the pull request's thread, P1 (CI stuck, review conflict) to the admin channel, P0 (security,
/// data at risk) to people directly. What nobody takes is raised after four hours. Repository,
/// branch, issue and pull request are found from the working copy, and the issue also from what
/// the coordinator knows of this agent.
///
/// An escalation that the coordinator does not accept stays in the spool in
/// ~/.local/state/rig until it does; AGENT_STUCK is sent as well then, which every coordinator
/// knows.
#[derive(Debug, Parser)]
#[command(
    name = "rig-escalate",
    version,
    after_help = AFTER,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    subcommand_value_name = "SUBCOMMAND",
    subcommand_help_heading = "Subcommands",
    override_usage = "rig-escalate [OPTIONS] <SEVERITY> <REASON>...\n       rig-escalate <SUBCOMMAND>"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) create: Create,
}

const AFTER: &str = "Examples:
  rig-escalate P2 'which of the two login flows shall stay?' --issue 42
  rig-escalate P1 'CI has been red for 3 rounds on a flaky test' --pr 15 --category ci
  rig-escalate P0 --reason-file report.txt --category security
  rig-escalate list
  rig-escalate close 0198c0de-1a2b --resolution 'the second flow stays'

Exit codes:
  0  delivered: a person sees it; of a subcommand: done
  1  refused by the coordinator: no such id, not allowed, in conflict with its state
  2  wrong usage; nothing was sent
  3  not accepted; it waits in the spool and nobody has been told
  4  no route is set up: no coordinator (CONDUCTOR_BASE_URL), and it waits in the spool; or the
     coordinator has it and knows no way to a person
  5  neither accepted nor kept: it is lost unless you tell a person yourself; of a subcommand:
     the coordinator could not be reached
  6  accepted by the coordinator, which has not confirmed yet that a person was told";

/// A new escalation.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// How urgent it is: P0, P1 or P2, or critical, high or medium
    #[arg(required = true, value_parser = severity)]
    pub(crate) severity: Option<Severity>,
    /// What a person has to know, in one or two sentences; `-` reads it from stdin
    pub(crate) reason: Vec<String>,
    /// Read the reason from a file
    #[arg(long, value_name = "FILE", conflicts_with = "reason")]
    pub(crate) reason_file: Option<PathBuf>,
    /// What kind of help is needed: stuck, ci, review_conflict, security, data_risk, decision or
    /// other. `stuck` sends AGENT_STUCK as well
    #[arg(long, value_parser = category)]
    pub(crate) category: Option<Category>,
    /// What else there is to say; `-` reads it from stdin
    #[arg(long, value_name = "TEXT")]
    pub(crate) details: Option<String>,
    /// Read the details from a file
    #[arg(long, value_name = "FILE", conflicts_with = "details")]
    pub(crate) details_file: Option<PathBuf>,
    /// The repository [default: that of the working copy]
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository)]
    pub(crate) repo: Option<String>,
    /// The issue [default: that of the branch, of CONDUCTOR_ISSUE_NUMBER, or of this agent]
    #[arg(long, value_name = "N")]
    pub(crate) issue: Option<u64>,
    /// The pull request [default: the one that was checked out]
    #[arg(long, value_name = "N")]
    pub(crate) pr: Option<u64>,
    /// The branch [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// What repeats of it have in common; while one is open, a repeat is added to it
    /// [default: agent, repository, issue, category and reason]
    #[arg(long, value_name = "KEY", value_parser = dedup_key)]
    pub(crate) dedup_key: Option<String>,
    /// Do not wait until a person was told
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Print what became of it as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List escalations, the most urgent first
    List(List),
    /// Show one escalation
    Show(One),
    /// Take an escalation, so that it is not raised any more
    Ack {
        #[command(flatten)]
        one: One,
        /// Something to say to it
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        operator: Operator,
    },
    /// Close an escalation
    Close {
        #[command(flatten)]
        one: One,
        /// What came of it
        #[arg(long, value_name = "TEXT", value_parser = text)]
        resolution: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Make an escalation more urgent, by one step unless a severity is given
    Raise {
        #[command(flatten)]
        one: One,
        /// P1 or P0
        #[arg(value_parser = raised)]
        severity: Option<Severity>,
        /// Something to say to it
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        operator: Operator,
    },
    /// Add a note to an escalation
    Note {
        #[command(flatten)]
        one: One,
        /// The note; `-` reads it from stdin
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Show everything that happened to an escalation
    History(One),
    /// Count escalations, and how long people took to take them
    Stats {
        /// Only those of this agent
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// Only those of the last time, such as 12h, 7d or 4w, or since a date
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Print what changes, as it changes; ends with an interrupt or a closed output
    Watch {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        form: Form,
    },
}

/// Which escalations.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Only those of these severities, separated by commas
    #[arg(long, value_name = "SEVERITY", value_parser = severity, value_delimiter = ',')]
    pub(crate) severity: Vec<Severity>,
    /// Only those about this repository
    #[arg(long, value_name = "OWNER/NAME", value_parser = repository)]
    pub(crate) repo: Option<String>,
    /// Only those of this agent
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// Only those about this issue
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) issue: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// All of them, closed ones too
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those in these states, separated by commas: open, acked, closed [default: open,acked]
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) state: Vec<EscalationState>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// At most so many [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// One escalation.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id, or the beginning of it, of 8 characters at least
    #[arg(value_parser = id)]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Form {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who may do what agents may not.
#[derive(Debug, Args)]
pub(crate) struct Operator {
    /// Read the operator's token from a file [default: CONDUCTOR_OPERATOR_TOKEN, the setting
    /// conductor.operatorToken, or that of the embedded service]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl Cli {
    /// Says whether JSON is asked for.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            None => self.create.json,
            Some(Command::List(list)) => list.form.json,
            Some(Command::Show(one) | Command::History(one)) => one.form.json,
            Some(
                Command::Ack { one, .. }
                | Command::Close { one, .. }
                | Command::Raise { one, .. }
                | Command::Note { one, .. },
            ) => one.form.json,
            Some(Command::Stats { form, .. } | Command::Watch { form, .. }) => form.json,
        }
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    const SUBCOMMANDS: [&str; 9] =
        ["list", "show", "ack", "close", "raise", "note", "history", "stats", "watch"];
    Severity::from_word(text).ok_or_else(|| {
        let hint = if SUBCOMMANDS.contains(&text) { "; options stand behind a subcommand" } else { "" };
        format!("use P0, P1 or P2 (or critical, high, medium){hint}")
    })
}

fn raised(text: &str) -> Result<Severity, String> {
    match Severity::from_word(text) {
        Some(Severity::P2) | None => Err("use P1 or P0 (or high, critical)".to_owned()),
        Some(severity) => Ok(severity),
    }
}

fn category(text: &str) -> Result<Category, String> {
    let word = text.trim().to_ascii_lowercase().replace('-', "_");
    word.parse().map_err(|error: rig_wire::UnknownWord| error.to_string())
}

fn repository(text: &str) -> Result<String, String> {
    let found = slug(text).map(|slug| slug.repo);
    found.or_else(|| is_repository(text).then(|| text.to_owned())).ok_or_else(|| "use owner/name".to_owned())
}

fn dedup_key(text: &str) -> Result<String, String> {
    match text.trim() {
        key if (1..=200).contains(&key.chars().count()) && !key.chars().any(char::is_control) => {
            Ok(key.into())
        }
        _ => Err("use 1 to 200 characters on one line".to_owned()),
    }
}

/// An id stands in a path, so that nothing but its own characters may be in it.
fn id(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (8..=64).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("use an escalation's id, or the first 8 characters of it or more".to_owned())
}

fn text(text: &str) -> Result<String, String> {
    let clean = rig_core::text::clean_lines(text).trim().to_owned();
    if clean.is_empty() { Err("it is empty".to_owned()) } else { Ok(clean) }
}

/// Reads a duration or a time, and returns the time.
fn since(text: &str) -> Result<String, String> {
    if rig_core::clock::seconds_since(text).is_some() {
        return Ok(text.to_owned());
    }
    if text.len() == 10 && rig_core::clock::seconds_since(&format!("{text}T00:00:00Z")).is_some() {
        return Ok(format!("{text}T00:00:00Z"));
    }
    let unit = text.chars().next_back().and_then(|c| match c {
        'm' => Some(60),
        'h' => Some(60 * 60),
        'd' => Some(24 * 60 * 60),
        'w' => Some(7 * 24 * 60 * 60),
        _ => None,
    });
    let seconds = unit.and_then(|unit: u64| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit));
    seconds
        .map(rig_core::clock::seconds_ago)
        .ok_or_else(|| "use a time such as 12h, 7d or 4w, or a date such as 2026-01-31".to_owned())
}
