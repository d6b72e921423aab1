//! The command line for people: explains a verdict, lists the rules.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rig_core::env::Environment;
use rig_core::hook::BLOCK;
use rig_core::paths::Paths;
use serde_json::json;

use crate::judge;
use crate::rules::RULES;
use crate::world::System;

/// The command line is wrong. It differs from the code of a refusal, which is 2.
const USAGE: u8 = 64;

const AFTER_HELP: &str = "\
Exit codes:
  0   the command is let through
  2   the command is refused, or the guard could not judge it
  64  the command line is wrong

Examples:
  rig-guard check 'git push --force'      refused, with the reason
  rig-guard check 'rm -rf build' --json   the verdict for a program
  rig-guard rules                         every rule with its examples";

/// Judge a tool call before it runs, and refuse what destroys
///
/// Claude Code asks this program before every tool call, with the call as JSON on stdin. It lets
/// the call through with exit code 0 and refuses it with 2 and the reason on stderr. The
/// subcommands are for people.
#[derive(Debug, Parser)]
#[command(name = "rig-guard", version = rig_core::VERSION, after_help = AFTER_HELP)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Say whether a shell command would be let through, and why not
    Check {
        /// The command, as one argument
        command: String,
        /// The directory in which it would run; the current one by default
        #[arg(long, value_name = "DIR")]
        cwd: Option<PathBuf>,
        /// Print the verdict as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the rules with what they refuse, why, and what to do instead
    Rules,
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match args.task {
        Task::Check { command, cwd, json } => check(&command, cwd, json),
        Task::Rules => print(&rules(), 0),
    }
}

fn check(command: &str, cwd: Option<PathBuf>, as_json: bool) -> ExitCode {
    let (env, here) = (Environment::process(), std::env::current_dir().unwrap_or_else(|_| "/".into()));
    let paths = Paths::of_user(&env);
    let world = System::new(&env, &paths, cwd.map_or(here.clone(), |cwd| here.join(cwd)));
    let refused = judge::command(command, world.cwd().as_deref(), &world);
    let code = if refused.is_some() { BLOCK } else { 0 };
    let text = match refused {
        _ if as_json => {
            let verdict = if refused.is_some() { "deny" } else { "allow" };
            let verdict = match &refused {
                Some(r) => {
                    json!({ "verdict": verdict, "rule": r.rule, "why": r.why, "part": r.part, "instead": r.instead })
                }
                None => json!({ "verdict": verdict }),
            };
            format!("{verdict}\n")
        }
        Some(refused) => {
            let part =
                if refused.part.is_empty() { String::new() } else { format!("part: {}\n", refused.part) };
            format!("refused by {}\nwhy: {}\n{part}instead: {}\n", refused.rule, refused.why, refused.instead)
        }
        None => "let through\n".to_owned(),
    };
    print(&text, code)
}

fn rules() -> String {
    let mut text = String::new();
    for rule in RULES {
        text.push_str(&format!("{}\n  {}: {}.\n  instead: {}\n", rule.id, rule.what, rule.why, rule.instead));
        for command in rule.denies {
            text.push_str(&format!("  refused  {command}\n"));
        }
        for command in rule.allows {
            text.push_str(&format!("  passes   {command}\n"));
        }
        text.push('\n');
    }
    text
}

/// Prints to stdout; whoever has closed it does not change the exit code.
fn print(text: &str, code: u8) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}
