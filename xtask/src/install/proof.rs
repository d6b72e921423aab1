//! Proves that what was installed works: feeds every installed program an event that was
//! recorded from a real session, and compares what it answers.
//!
//! The programs run with an empty home and report to a coordinator of the trial's own:
//! nothing of the user is touched, and nobody else hears of it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use super::coordinator::Coordinator;
use super::place::Place;
use super::sync;
use crate::build::SERVICE;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;
use crate::{events, process, say};

/// Longer than any program takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// What arrives at the coordinator when everything works.
const ARRIVE: [&str; 3] = ["GUARD_BLOCKED", "HEARTBEAT", "ESCALATION_CREATED"];

/// One program and what it has to answer.
struct Case {
    program: &'static str,
    arguments: &'static [&'static str],
    fed: &'static str,
    event: &'static str,
    expected: &'static str,
}

impl Case {
    const fn hook(
        program: &'static str,
        fed: &'static str,
        event: &'static str,
        expected: &'static str,
    ) -> Self {
        Self { program, arguments: &["hook"], fed, event, expected }
    }

    /// A call by a former name, as settings from before have it: without arguments.
    const fn link(
        program: &'static str,
        fed: &'static str,
        event: &'static str,
        expected: &'static str,
    ) -> Self {
        Self { program, arguments: &[], fed, event, expected }
    }
}

const CASES: [Case; 8] = [
    Case::hook("rig-prime", "a session's start", events::SESSION_START, "exit 0, a context"),
    Case::link("conductor-e-prime", "a session's start", events::SESSION_START, "exit 0, a context"),
    Case::hook("rig-guard", "`git status`", events::STATUS, "exit 0, nothing"),
    Case::hook("rig-guard", "`git push --force`", events::FORCE_PUSH, "exit 2, a reason"),
    Case::link("pretool-guard", "`git push --force`", events::FORCE_PUSH, "exit 2, a reason"),
    Case::hook("rig-report", "a tool call's end", events::POST_TOOL_USE, "exit 0, nothing"),
    Case::link("conductor-e-hook.sh", "a turn's end", events::STOP, "exit 0, nothing"),
    Case {
        program: "rig-escalate",
        arguments: &["P2", "a trial of the installation"],
        fed: "a P2",
        event: "",
        expected: "exit 0, an answer",
    },
];

/// The case of the service, where it is installed.
const OF_SERVICE: Case = Case {
    program: SERVICE,
    arguments: &["sweep", "--store", "sqlite:trial.db"],
    fed: "an empty store",
    event: "",
    expected: "exit 0, an answer",
};

/// Runs every case and prints a table; fails when one answer is wrong.
pub(crate) fn run(cx: &Context, place: &Place, synced: bool, service: bool) -> Result<()> {
    let trial = Trial::new(cx, place)?;
    let cases = CASES.iter().chain(service.then_some(&OF_SERVICE));
    let mut rows: Vec<_> =
        cases.map(|case| row(case.program, case.fed, case.expected, &trial.answer(case))).collect();
    let missing = trial.coordinator.missing(&ARRIVE, LIMIT);
    let got =
        if missing.is_empty() { "all arrive".to_owned() } else { format!("no {}", missing.join(", no ")) };
    rows.push(row("rig-report flush", "their 3 events", "all arrive", &got));
    if synced {
        let (code, told) = match process::feed(&mut sync::check(cx, place), b"", LIMIT) {
            Ok(output) => (ended(&output), [output.stdout, output.stderr].concat()),
            Err(error) => (error.to_string(), Vec::new()),
        };
        rows.push(row("rig-hooks-sync", "--check", "exit 0", &code));
        if rows.last().is_some_and(|row| row[4] != "ok") {
            say(String::from_utf8_lossy(&told).trim());
        }
    }
    say(&table(&rows));
    let failed = rows.iter().filter(|row| row[4] != "ok").count();
    if failed > 0 {
        return Err(Error::new(format!("{failed} of {} answers are not what they should be", rows.len())));
    }
    Ok(())
}

/// The surroundings of the programs on trial.
struct Trial {
    cx: Context,
    bin: std::path::PathBuf,
    coordinator: Coordinator,
    sandbox: Sandbox,
}

impl Trial {
    fn new(cx: &Context, place: &Place) -> Result<Self> {
        let (sandbox, coordinator) = (Sandbox::new()?, Coordinator::start()?);
        let (home, work) = (sandbox.directory("home")?, sandbox.directory("work")?);
        let cx = cx.clone().at_home(&home);
        let cx = cx.with("CONDUCTOR_BASE_URL", coordinator.url()).with("CLAUDE_PROJECT_DIR", &work);
        Ok(Self { cx, bin: place.disk(&place.bin()), coordinator, sandbox })
    }

    fn answer(&self, case: &Case) -> String {
        let (home, work) = (self.sandbox.path().join("home"), self.sandbox.path().join("work"));
        let mut program = self.cx.command(self.bin.join(case.program));
        program.args(case.arguments).current_dir(&work);
        let event = events::at(case.event, &home, &work);
        let answered = process::feed(&mut program, event.as_bytes(), LIMIT);
        answered.map_or_else(|error| error.to_string(), |output| described(&output, case.event.is_empty()))
    }
}

impl Drop for Trial {
    /// Ends the flusher, which would stay a while and write into a directory that is gone.
    fn drop(&mut self) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            if id.bytes().all(|b| b.is_ascii_digit()) && flushes_below(&entry.path(), self.sandbox.path()) {
                let _ = process::read(Command::new("sh").args(["-c", "kill \"$1\"", "sh", &id]));
            }
        }
    }
}

/// Says whether a process delivers what waits in a directory below this one.
fn flushes_below(process: &Path, dir: &Path) -> bool {
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    words.iter().any(|word| word == "flush") && words.iter().any(|word| Path::new(&**word).starts_with(dir))
}

fn row(program: &str, fed: &str, expected: &str, got: &str) -> [String; 5] {
    let ok = if got == expected { "ok" } else { "WRONG" };
    [program, fed, expected, got, ok].map(str::to_owned)
}

/// Says how a program answered, in the words of the table.
fn described(output: &Output, by_hand: bool) -> String {
    let said = |bytes: &[u8]| !bytes.trim_ascii().is_empty();
    let what = match (said(&output.stdout), said(&output.stderr)) {
        (false, false) => "nothing".to_owned(),
        (true, false) if by_hand => "an answer".to_owned(),
        (true, false) => "a context".to_owned(),
        (false, true) if output.status.code() == Some(2) => "a reason".to_owned(),
        _ => format!("`{}`", String::from_utf8_lossy(&output.stderr).trim()),
    };
    format!("{}, {what}", ended(output))
}

fn ended(output: &Output) -> String {
    output.status.code().map_or_else(|| process::ended(output.status), |code| format!("exit {code}"))
}

fn table(rows: &[[String; 5]]) -> String {
    let head = ["program", "fed with", "expected", "got", ""].map(str::to_owned);
    let all: Vec<_> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &&[String; 5]| {
        let cells = widths.iter().zip(row.iter()).map(|(width, cell)| format!("{cell:width$}  "));
        format!("  {}{}", cells.collect::<String>(), row[4]).trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_its_columns_up_and_marks_what_is_wrong() {
        let rows = [row("a", "an event", "exit 0", "exit 0"), row("longer", "x", "exit 2", "exit 101")];
        assert_eq!(
            table(&rows),
            "  program  fed with  expected  got\n  \
               a        an event  exit 0    exit 0    ok\n  \
               longer   x         exit 2    exit 101  WRONG"
        );
    }
}
