//! `rig-guard check`: the verdict about one command or many.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use rig_core::hook::BLOCK;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Check, Here, USAGE, print};
use crate::audit::{Audit, Subject};
use crate::judge::{self, Refused};
use crate::tools;
use crate::world::System;

/// A line of stdin in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    command: Option<String>,
    tool: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    cwd: Option<PathBuf>,
}

/// Checks one command.
pub(super) fn one(here: &Here, check: &Check) -> (String, u8) {
    let command = check.command.clone().unwrap_or_default();
    let cwd = here.at(&check.place);
    let world = System::new(&here.env, &here.paths, cwd.clone());
    let refused = judge::command(&command, world.cwd().as_deref(), &world);
    if let Some(session) = &here.session {
        let subject = Subject { tool: "check".into(), command, session: Some(session.clone()), cwd };
        Audit { env: &here.env, paths: &here.paths, subject: &subject }.checked(refused.as_ref());
    }
    let text = if check.json { format!("{}\n", verdict(refused.as_ref())) } else { told(refused.as_ref()) };
    (text, code(refused.is_some()))
}

/// Checks every line of stdin.
pub(super) fn stdin(here: &Here, check: &Check) -> ExitCode {
    let (mut count, mut denied) = (0_u64, 0_u64);
    let mut last = String::new();
    for (number, line) in (1..).zip(std::io::stdin().lock().split(b'\n')) {
        let line = line.map(|line| String::from_utf8_lossy(&line).into_owned());
        let line = match line.as_deref() {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line.trim_end_matches('\r'),
            Err(error) => return wrong(number, &error.to_string()),
        };
        let (shown, refused) = match line_verdict(here, check, line) {
            Ok(judged) => judged,
            Err(why) => return wrong(number, &why),
        };
        count += 1;
        denied += u64::from(refused.is_some());
        if check.json {
            let mut verdict = verdict(refused.as_ref());
            verdict["line"] = number.into();
            verdict["command"] = shown.as_str().into();
            print(&format!("{verdict}\n"));
        } else {
            let verdict = refused.as_ref().map_or_else(|| "allow".to_owned(), |r| format!("deny {}", r.rule));
            print(&format!("{verdict}: {}\n", shown.replace('\n', "⏎")));
        }
        last = shown;
    }
    if let Some(session) = &here.session {
        let command = if count == 1 { last } else { format!("{count} commands, {denied} of them refused") };
        let cwd = here.directory.clone();
        let subject = Subject { tool: "check".into(), command, session: Some(session.clone()), cwd };
        Audit { env: &here.env, paths: &here.paths, subject: &subject }.checked_many(count, denied);
    }
    ExitCode::from(code(denied > 0))
}

fn wrong(number: usize, why: &str) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "rig-guard: line {number} of stdin: {why}");
    ExitCode::from(USAGE)
}

/// Judges a line; returns what it is about as well.
fn line_verdict(here: &Here, check: &Check, line: &str) -> Result<(String, Option<Refused>), String> {
    let line: Line<'_> = match line.trim_start().starts_with('{') {
        // A group of commands begins like an object, but is none.
        true if serde_json::from_str::<&RawValue>(line).is_ok() => {
            serde_json::from_str(line).map_err(|error| error.to_string())?
        }
        _ => Line { command: Some(line.to_owned()), tool: None, input: None, cwd: None },
    };
    let cwd = here.at(&check.place);
    let cwd = line.cwd.map_or(cwd.clone(), |own| cwd.join(own));
    let world = System::new(&here.env, &here.paths, cwd);
    match (line.command, line.tool, line.input) {
        (Some(command), None, None) => {
            let refused = judge::command(&command, world.cwd().as_deref(), &world);
            Ok((command, refused))
        }
        (None, Some(tool), Some(input)) => {
            let judged = tools::judge(&tool, Some(input), world.cwd().as_deref(), &world);
            let refused = judged.map_err(|failure| rig_core::error::chain(&failure))?;
            Ok((format!("{tool} {}", tools::subject(input)), refused))
        }
        _ => Err("neither `command`, nor `tool` and `input`".to_owned()),
    }
}

fn code(refused: bool) -> u8 {
    if refused { BLOCK } else { 0 }
}

/// Returns a verdict for a program.
pub(super) fn verdict(refused: Option<&Refused>) -> serde_json::Value {
    match refused {
        None => json!({ "verdict": "allow" }),
        Some(refused) => json!({
            "verdict": "deny",
            "rule": refused.rule,
            "category": refused.category,
            "why": refused.why,
            "part": refused.part,
            "through": refused.through,
            "instead": refused.instead,
        }),
    }
}

fn told(refused: Option<&Refused>) -> String {
    let Some(Refused { rule, why, part, through, instead, .. }) = refused else {
        return "let through\n".to_owned();
    };
    let mut text = format!("refused by {rule}\nwhy: {why}\n");
    if !part.is_empty() {
        text.push_str(&format!("part: {part}\n"));
    }
    if !through.is_empty() {
        text.push_str(&format!("through: {}\n", through.join(", ")));
    }
    text.push_str(&format!("instead: {instead}\n"));
    text
}
