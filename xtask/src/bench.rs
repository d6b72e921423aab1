//! Measures what a start of each hook costs, beside a program that does nothing, in [`guard`] what the
//! guard costs for typical commands, and in [`conductor`] what the service bears.
//!
//! All programs are run in turn, so that whatever else the machine does falls on all of them.
//! Instruction counts come from valgrind and repeat; wall times are for comparison in one run.

mod conductor;
mod guard;
mod table;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::flags::{Bench, Install, Subjects};
use crate::sandbox::Sandbox;
use crate::{build, events, install, process, say};
use table::{aligned, grouped};

/// A program and what it is fed.
struct Subject {
    name: &'static str,
    program: PathBuf,
    event: &'static str,
    code: i32,
    /// Each run is a session of its own.
    fresh: bool,
    /// It is a hook, and gets the arguments that the settings give it.
    hook: bool,
}

/// What was measured of one subject.
struct Measured {
    wall: Duration,
    instructions: u64,
    bytes: u64,
}

/// The bench's places, and the environment that the hooks see.
struct Bed {
    cx: Context,
    home: PathBuf,
    work: PathBuf,
    input: PathBuf,
    profile: PathBuf,
}

/// Measures and prints.
pub(crate) fn run(cx: &Context, options: &Bench) -> Result<()> {
    match options.subjects {
        Subjects::Hooks => hooks(cx, options),
        Subjects::Guard => guard::run(cx, options),
        Subjects::Conductor => conductor::run(cx, options),
    }
}

fn hooks(cx: &Context, options: &Bench) -> Result<()> {
    if cx.find("valgrind").is_none() {
        return Err(Error::new("there is no valgrind to count instructions").hint("install valgrind"));
    }
    let sandbox = Sandbox::new()?;
    let home = sandbox.directory("home")?;
    let cx = cx.clone().at_home(&home);
    let noop = build::noop(&cx)?;
    let prefix = sandbox.path().join("prefix");
    let install =
        Install { prefix: Some(prefix.clone()), no_sync: true, temporary: true, ..Install::default() };
    install::run(&cx, &install)?;
    let work = repository(&cx, &sandbox)?;
    // An address at which nobody listens: events go to the spool, as with a coordinator.
    let cx = cx.with("CONDUCTOR_BASE_URL", "http://127.0.0.1:9").with("CLAUDE_PROJECT_DIR", &work);
    let (input, profile) = (sandbox.path().join("event.json"), sandbox.path().join("callgrind"));
    let bed = Bed { cx, home, work, input, profile };
    // While this is held, no hook starts a flusher that would run beside what is measured.
    let spool = bed.home.join(".local/state/rig/spool");
    fs::create_dir_all(&spool).doing(|| format!("make {}", spool.display()))?;
    let lock = File::create(spool.join("flush.lock")).doing(|| "make the flusher's lock".into())?;
    lock.lock().doing(|| "hold the flusher's lock".into())?;

    let subjects = subjects(noop, &prefix.join("bin"));
    let measured = measure(&bed, &subjects, options.runs)?;
    drop(lock);
    say(&head(&bed.cx, options.runs)?);
    say(&table(&subjects, &measured, options.markdown));
    Ok(())
}

/// Lists what is measured; the first is what the others are compared with.
fn subjects(noop: PathBuf, bin: &Path) -> Vec<Subject> {
    let hook = |name, program: &str, event, code| Subject {
        name,
        program: bin.join(program),
        event,
        code,
        fresh: false,
        hook: true,
    };
    let reporting = hook("rig-report, reporting", "rig-report", events::POST_TOOL_USE, 0);
    vec![
        Subject { name: "no-op", program: noop, event: events::STATUS, code: 0, fresh: false, hook: false },
        hook("rig-guard, `git status`", "rig-guard", events::STATUS, 0),
        hook("rig-guard, `git push --force`", "rig-guard", events::FORCE_PUSH, 2),
        hook("rig-prime, offline", "rig-prime", events::SESSION_START, 0),
        hook("rig-report, throttled", "rig-report", events::POST_TOOL_USE, 0),
        Subject { fresh: true, ..reporting },
    ]
}

/// Makes a small repository on a branch that names an issue.
fn repository(cx: &Context, sandbox: &Sandbox) -> Result<PathBuf> {
    let work = sandbox.directory("work")?;
    for arguments in [
        &["init", "--quiet", "--initial-branch", "feature/issue-42-login"][..],
        &[
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "x",
        ],
    ] {
        process::read(cx.command("git").args(arguments).current_dir(&work))?;
    }
    Ok(work)
}

fn measure(bed: &Bed, subjects: &[Subject], runs: usize) -> Result<Vec<Measured>> {
    let mut walls = vec![Vec::with_capacity(runs); subjects.len()];
    // The first round is for the caches and for the heartbeat that later ones are throttled by.
    for round in 0..=runs {
        for (subject, walls) in subjects.iter().zip(&mut walls) {
            let wall = bed.time(subject, round)?;
            if round > 0 {
                walls.push(wall);
            }
        }
    }
    let mut measured = Vec::new();
    for (subject, mut walls) in subjects.iter().zip(walls) {
        walls.sort_unstable();
        let file = subject.program.metadata().doing(|| format!("look at {}", subject.program.display()))?;
        measured.push(Measured {
            wall: walls[walls.len() / 2],
            instructions: bed.count(subject, runs + 1)?,
            bytes: file.len(),
        });
    }
    Ok(measured)
}

impl Bed {
    /// Returns the wall time of one run, from the start of the process to its end.
    fn time(&self, subject: &Subject, round: usize) -> Result<Duration> {
        let mut command = self.cx.command(&subject.program);
        self.prepare(&mut command, subject, round)?;
        let start = Instant::now();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let wall = start.elapsed();
        let status = status.doing(|| format!("start {}", process::shown(&command)))?;
        if status.code() != Some(subject.code) {
            return Err(Error::new(format!("{} {}", process::shown(&command), process::ended(status))));
        }
        Ok(wall)
    }

    /// Returns the instructions of one run.
    fn count(&self, subject: &Subject, round: usize) -> Result<u64> {
        let mut command = self.cx.command("valgrind");
        command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", self.profile.display()));
        command.arg(&subject.program);
        self.prepare(&mut command, subject, round)?;
        let output = command.stdout(Stdio::null()).output().doing(|| "start valgrind".into())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let count = said.lines().find_map(|line| line.split_once("Collected : "));
        count.and_then(|(_, count)| count.trim().parse().ok()).ok_or_else(|| {
            Error::new(format!("{} counted nothing: {}", process::shown(&command), said.trim()))
        })
    }

    fn prepare(&self, command: &mut Command, subject: &Subject, round: usize) -> Result<()> {
        let mut event = events::at(subject.event, &self.home, &self.work);
        if subject.fresh {
            event = event.replace(events::SESSION, &format!("00000000-0000-4000-8000-{round:012}"));
        }
        fs::write(&self.input, event).doing(|| format!("write {}", self.input.display()))?;
        let stdin = File::open(&self.input).doing(|| format!("open {}", self.input.display()))?;
        if subject.hook {
            command.arg("hook");
            command.arg("--config").arg(self.home.join(".config/rig/config.json"));
            command.arg("--state").arg(self.home.join(".local/state/rig"));
        }
        command.current_dir(&self.work).stdin(stdin);
        Ok(())
    }
}

/// Says where and how it was measured.
fn head(cx: &Context, runs: usize) -> Result<String> {
    let target = build::Target::choose(cx)?.triple;
    Ok(format!("{}, {target}; wall: median of {runs}, in turn", machine(cx)?))
}

/// Names the day, the machine and the tools.
fn machine(cx: &Context) -> Result<String> {
    let rustc = process::read(cx.cargo().arg("--version"))?;
    let valgrind = process::read(cx.command("valgrind").arg("--version"))?;
    let kernel = process::read(cx.command("uname").args(["-sm"]))?;
    let date = process::read(cx.command("date").args(["-u", "+%Y-%m-%d"]))?;
    Ok(format!("{date}, {kernel}, {rustc}, {valgrind}"))
}

fn table(subjects: &[Subject], measured: &[Measured], markdown: bool) -> String {
    let head = ["program", "wall, µs", "x no-op", "instructions", "x no-op", "file, KiB"].map(str::to_owned);
    let base = &measured[0];
    let rows = subjects.iter().zip(measured).map(|(subject, one)| {
        let wall = one.wall.as_secs_f64() / base.wall.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let instructions = one.instructions as f64 / base.instructions as f64;
        vec![
            subject.name.to_owned(),
            one.wall.as_micros().to_string(),
            format!("{wall:.2}"),
            grouped(one.instructions),
            format!("{instructions:.1}"),
            (one.bytes / 1024).to_string(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head.to_vec()).chain(rows).collect();
    aligned(&rows, markdown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_compares_with_the_first_row() {
        let subjects = &subjects("/noop".into(), Path::new("/bin"))[..2];
        let one = |wall, instructions| Measured {
            wall: Duration::from_micros(wall),
            instructions,
            bytes: 400 << 10,
        };
        let measured = [one(300, 2500), one(450, 1_250_000)];
        assert_eq!(
            table(subjects, &measured, true),
            "| program                 | wall, µs | x no-op | instructions | x no-op | file, KiB |\n\
             |---|---:|---:|---:|---:|---:|\n\
             | no-op                   |      300 |    1.00 |        2,500 |     1.0 |       400 |\n\
             | rig-guard, `git status` |      450 |    1.50 |    1,250,000 |   500.0 |       400 |"
        );
    }
}
