//! What the guard costs for typical commands, beside a program that does nothing and beside other guards.
//!
//! All get the same event on stdin, in turn, so that whatever else the machine does falls on all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::table::{aligned, grouped};
use super::{head, repository};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::flags::Bench;
use crate::sandbox::Sandbox;
use crate::{build, events, order, process, say};

/// Guards of others, which are measured where they are on the search path.
const PEERS: [&str; 8] =
    ["dcg", "tirith", "shellfirm", "nah", "shguard", "safety-net", "cc-safety-net", "claude-guard"];

/// The longest command for which other guards are run under valgrind: some need minutes for longer ones.
const SHORT: usize = 4 << 10;

/// How often a run under valgrind is tried again that ended in another way.
const TRIES: usize = 5;

/// A command, and with which code the guard has to end.
struct Case {
    name: &'static str,
    command: String,
    code: i32,
}

/// A program that is measured.
struct Guard {
    name: String,
    words: Vec<PathBuf>,
    own: bool,
}

/// The places, and the environment that the programs see.
struct Bed {
    cx: Context,
    launch: PathBuf,
    work: PathBuf,
    input: PathBuf,
    profile: PathBuf,
}

/// Measures and prints.
pub(super) fn run(cx: &Context, options: &Bench) -> Result<()> {
    if cx.find("valgrind").is_none() {
        return Err(Error::new("there is no valgrind to count instructions").hint("install valgrind"));
    }
    let sandbox = Sandbox::new()?;
    let home = sandbox.directory("home")?;
    let cx = cx.clone().at_home(&home);
    let program = if options.order { build::with_symbols(&cx)? } else { build::guard(&cx)? };
    // As it is installed: what stands beside it is its own.
    let installed = sandbox.directory("prefix/bin")?.join("rig-guard");
    fs::copy(&program, &installed).doing(|| format!("copy {}", program.display()))?;
    let (noop, launch) = (build::noop(&cx)?, build::launch(&cx)?);
    let work = repository(&cx, &sandbox)?;
    let cx = cx.with("CLAUDE_PROJECT_DIR", &work);
    let (input, profile) = (sandbox.path().join("event.json"), sandbox.path().join("callgrind"));
    let bed = Bed { cx, launch, work, input, profile };
    let own = own(&installed, &home);
    if options.order {
        return order::write(&bed.cx, |command| bed.functions(&own, command));
    }
    let mut guards = vec![Guard { name: "no-op".into(), words: vec![noop], own: false }, own];
    for (name, command) in peers(&bed.cx, &options.peers) {
        let words = command.split_whitespace().map(PathBuf::from).collect();
        guards.push(Guard { name, words, own: false });
    }
    let rows = measure(&bed, &guards, options)?;
    say(&head(&bed.cx, options.runs)?);
    say(&aligned(&rows, options.markdown));
    Ok(())
}

/// Returns the guard as the settings call it.
fn own(program: &Path, home: &Path) -> Guard {
    let words = vec![
        program.to_owned(),
        "hook".into(),
        "--config".into(),
        home.join(".config/rig/config.json"),
        "--state".into(),
        home.join(".local/state/rig"),
    ];
    Guard { name: "rig-guard".into(), words, own: true }
}

/// Returns the other guards: those that were named, and those that are there.
fn peers(cx: &Context, named: &[(String, String)]) -> Vec<(String, String)> {
    let found = PEERS.iter().filter_map(|name| {
        let given = named.iter().any(|(own, _)| own == name);
        let path = cx.find(name).filter(|_| !given)?;
        Some(((*name).to_owned(), path.to_str()?.to_owned()))
    });
    named.iter().cloned().chain(found).collect()
}

fn cases() -> Vec<Case> {
    let case = |name, command: &str, code| Case { name, command: command.to_owned(), code };
    let numbered = |count, separator: &str, each: fn(usize) -> String| {
        (0..count).map(each).collect::<Vec<_>>().join(separator)
    };
    let echo = |n| format!("echo line {n}");
    vec![
        case("`git status`", "git status --short", 0),
        case("60 characters", "cd src && grep -rn 'fn main' . | head -20; cargo test -q 2>&1", 0),
        case("three steps", "rm -rf node_modules && npm ci && npm test", 0),
        case("refused", "git push --force origin main", 2),
        case("refused, deletes", "cd / && rm -rf -- *", 2),
        case("script, 2 KB", include_str!("../../../crates/rig-guard/tests/data/script.sh"), 0),
        case(
            "document, 200 KB",
            &format!("cat > a.md <<'E'\n{}E\n", "rm -rf / $(x) `y`\n".repeat(11_400)),
            0,
        ),
        case("2,000 segments", &numbered(2_000, "; ", echo), 0),
        case("2,000 by `&&`", &numbered(2_000, " && ", echo), 0),
        case("5,000 variables", &numbered(5_000, "; ", |n| format!("V{n}=value{n}")), 0),
        case("brace bomb", &format!("echo {}", "{a,b}".repeat(30)), 0),
        case("10,000 nestings", &"$(".repeat(10_000), 2),
    ]
}

fn measure(bed: &Bed, guards: &[Guard], options: &Bench) -> Result<Vec<Vec<String>>> {
    let head = ["command", "program", "exit code", "instructions", "resident, KiB", "wall, µs", "x no-op"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for case in cases() {
        bed.prepare(&case.command)?;
        let mut runs: Vec<Vec<Run>> = guards.iter().map(|_| Vec::with_capacity(options.runs)).collect();
        // The first round is for the caches.
        for round in 0..=options.runs {
            for (guard, runs) in guards.iter().zip(&mut runs) {
                let run = bed.run(guard)?;
                if guard.own && run.code != case.code {
                    let name = case.name;
                    return Err(Error::new(format!("rig-guard ended with {} for: {name}", run.code)));
                }
                if round > 0 {
                    runs.push(run);
                }
            }
        }
        let mut base = None;
        for (guard, mut runs) in guards.iter().zip(runs) {
            runs.sort_unstable_by_key(|run| run.wall);
            let median = &runs[runs.len() / 2];
            let base = *base.get_or_insert(median.wall);
            let counts = guard.own || guard.words.len() == 1 || case.command.len() <= SHORT;
            let instructions = if counts { bed.count(guard, median.code)? } else { None };
            rows.push(vec![
                case.name.to_owned(),
                guard.name.clone(),
                median.code.to_string(),
                instructions.map_or_else(|| "-".to_owned(), grouped),
                grouped(runs.iter().map(|run| run.resident).max().unwrap_or(0)),
                median.wall.as_micros().to_string(),
                format!("{:.2}", median.wall.as_secs_f64() / base.as_secs_f64()),
            ]);
        }
    }
    Ok(rows)
}

/// One run of a program.
#[derive(Debug, PartialEq)]
struct Run {
    wall: Duration,
    /// In KiB.
    resident: u64,
    code: i32,
}

impl Run {
    /// Reads what `launch` prints.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let wall = Duration::from_nanos(words.next()?.parse().ok()?);
        Some(Self { wall, resident: words.next()?.parse().ok()?, code: words.next()?.parse().ok()? })
    }
}

impl Bed {
    /// Writes the event of a call of Bash.
    fn prepare(&self, command: &str) -> Result<()> {
        let recorded = events::at(events::STATUS, &self.work, &self.work);
        let mut event: Value =
            serde_json::from_str(&recorded).doing(|| "read the recorded event".to_owned())?;
        event["tool_input"]["command"] = command.into();
        fs::write(&self.input, event.to_string()).doing(|| format!("write {}", self.input.display()))
    }

    fn run(&self, guard: &Guard) -> Result<Run> {
        let mut command = self.cx.command(&self.launch);
        command.arg(&self.input).args(&guard.words).current_dir(&self.work);
        let line = process::read(&mut command)?;
        Run::read(&line).ok_or_else(|| Error::new(format!("{} printed {line}", process::shown(&command))))
    }

    /// Returns the instructions of one run; none where the program always ends in another way under
    /// valgrind, which makes it so slow that the guard may meet its own deadlines.
    fn count(&self, guard: &Guard, code: i32) -> Result<Option<u64>> {
        for _ in 0..TRIES {
            let output = self.valgrind(guard)?.output().doing(|| "start valgrind".into())?;
            if output.status.code() == Some(code) {
                let said = String::from_utf8_lossy(&output.stderr);
                let count = said.lines().find_map(|line| line.split_once("Collected : "));
                return Ok(count.and_then(|(_, count)| count.trim().parse().ok()));
            }
        }
        Ok(None)
    }

    /// Returns the functions that a command comes by, as the linker knows them.
    fn functions(&self, guard: &Guard, command: &str) -> Result<String> {
        self.prepare(command)?;
        // The first call makes the file of receipts.
        self.run(guard)?;
        let output = self.valgrind(guard)?.output().doing(|| "start valgrind".into())?;
        if output.status.code().is_none() {
            return Err(Error::new("the guard did not end under valgrind"));
        }
        fs::read_to_string(&self.profile).doing(|| format!("read {}", self.profile.display()))
    }

    fn valgrind(&self, guard: &Guard) -> Result<Command> {
        let input = fs::File::open(&self.input).doing(|| format!("open {}", self.input.display()))?;
        let mut command = self.cx.command("valgrind");
        command.args(["--tool=callgrind", "--demangle=no"]);
        command.arg(format!("--callgrind-out-file={}", self.profile.display())).args(&guard.words);
        command.current_dir(&self.work).stdin(input).stdout(Stdio::null());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_launch_prints_is_read() {
        let run = Run { wall: Duration::from_micros(250), resident: 1_400, code: 2 };
        assert_eq!(Run::read("250000 1400 2\n"), Some(run));
        assert_eq!(Run::read("250000 1400"), None);
    }

    #[test]
    fn cases_have_the_size_that_they_are_called_by() {
        let cases = cases();
        let length = |name: &str| cases.iter().find(|case| case.name == name).unwrap().command.len();
        assert!((55..=65).contains(&length("60 characters")), "{}", length("60 characters"));
        assert!((1_700..=2_100).contains(&length("script, 2 KB")), "{}", length("script, 2 KB"));
        assert!(length("document, 200 KB") > 200 << 10);
        assert_eq!(length("10,000 nestings"), 20_000);
    }
}
