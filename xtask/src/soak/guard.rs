//! The long tests of the guard, and its fuzz targets.

use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;
use crate::say;

/// The arguments of `cargo test` that name the tests.
pub(super) const ARGUMENTS: &[&str] =
    &["--package", "rig-guard", "--test", "oracle", "--test", "metamorphic", "--no-fail-fast"];

/// How long each target runs, in seconds of the processor.
const SECONDS: u64 = 600;
/// How long one process of it runs, in seconds. Each begins with what the one before has found.
const ROUND: u64 = 60;
/// How often a process may start, however little of the processor the machine gives it.
const ROUNDS: usize = 200;

/// Runs every fuzz target, as many side by side as there are processors; an input that fails is kept in `target/fuzz/artifacts`.
pub(super) fn fuzz(cx: &Context) -> Result<()> {
    let crate_dir = cx.root.join("crates/rig-guard");
    let home = cx.root.join("target/fuzz");
    let cargo = |arguments: &[&str]| {
        let mut cargo = cx.cargo();
        cargo.arg("fuzz").args(arguments).current_dir(&crate_dir);
        cargo
    };
    process::read(&mut cargo(&["--version"]))
        .map_err(|error| error.hint("cargo install cargo-fuzz --locked"))?;
    // Nothing here is unsafe code, so the sanitizers, which take a nightly compiler, have nothing to find.
    let triple = process::read(cx.command("rustc").args(["--print", "host-tuple"]))?;
    let mut build = cargo(&["build", "--sanitizer", "none", "--target-dir"]);
    process::run(build.arg(&home))?;
    let listed = process::read(&mut cargo(&["list"]))?;
    let targets = Mutex::new(listed.lines());
    let work = || {
        loop {
            let next = targets.lock().ok().and_then(|mut targets| targets.next());
            let Some(target) = next else { return Ok(()) };
            let program = home.join(&triple).join("release").join(target);
            run(cx, &program, target, &crate_dir.join("fuzz"), &home)?;
        }
    };
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        // What fails does not end the others.
        let ended: Vec<Result<()>> = workers.into_iter().filter_map(|worker| worker.join().ok()).collect();
        ended.into_iter().collect()
    })
}

fn run(cx: &Context, program: &Path, target: &str, fuzz: &Path, home: &Path) -> Result<()> {
    let (found, kept) = (home.join("corpus").join(target), home.join("artifacts"));
    for dir in [&found, &kept] {
        std::fs::create_dir_all(dir).doing(|| format!("make {}", dir.display()))?;
    }
    let (mut runs, mut peaks, mut ticks) = (0, Vec::new(), 0);
    let mut seconds = 0;
    for _ in 0..ROUNDS {
        let mut command = cx.command(program);
        command
            .args([&found, &fuzz.join("corpus").join(target)])
            .arg(format!("-dict={}", fuzz.join("dict").join(format!("{target}.dict")).display()))
            .arg(format!("-artifact_prefix={}/{target}-", kept.display()))
            .arg(format!("-max_total_time={ROUND}"))
            .args(["-timeout=60", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]);
        let (status, told, used) = round(&mut command)?;
        if !status.success() {
            say(&told);
            return Err(Error::new(format!("{target} failed after {seconds} s of the processor"))
                .hint(format!("the input is in {}", kept.display())));
        }
        runs += statistic(&told, "number_of_executed_units")?;
        peaks.push(statistic(&told, "peak_rss_mb")?);
        ticks += used;
        // Linux tells user space a hundred ticks a second on every architecture.
        seconds = ticks / 100;
        if seconds >= SECONDS {
            break;
        }
    }
    if seconds < SECONDS {
        return Err(Error::new(format!("{target} got {seconds} of {SECONDS} s of the processor")));
    }
    let (first, last) = (peaks.first().unwrap_or(&0), peaks.last().unwrap_or(&0));
    say(&format!(
        "fuzz {target}: {seconds} s of the processor, {runs} inputs, no failure; \
         peak memory {first} MiB in the first minute, {last} MiB in the last"
    ));
    Ok(())
}

/// Reads one of the figures that libFuzzer prints at its end.
fn statistic(told: &str, name: &str) -> Result<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
    let value = line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok());
    value.ok_or_else(|| Error::new(format!("the fuzzer does not tell its {name}")))
}

/// Runs a process and returns how it ended, what it said on stderr, and how much of the processor it has used, in ticks.
fn round(command: &mut Command) -> Result<(ExitStatus, String, u64)> {
    let mut told = Vec::new();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().doing(|| format!("start {}", process::shown(command)))?;
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_end(&mut told).doing(|| "read what a fuzzer says".to_owned())?;
    }
    // Until somebody has waited for it, its figures are there.
    let used = ticks(child.id());
    let status = child.wait().doing(|| "wait for a fuzzer".to_owned())?;
    Ok((status, String::from_utf8_lossy(&told).into_owned(), used?))
}

/// Returns how much of the processor a process has used, in ticks.
fn ticks(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).doing(|| format!("read {path}"))?;
    // Behind the name, which may hold anything, `utime` and `stime` are the 12th and the 13th.
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>());
    let ticks = fields.and_then(|fields| {
        let ticks = fields.get(11..13)?.iter().map(|field| field.parse::<u64>().ok());
        ticks.sum::<Option<u64>>()
    });
    ticks.ok_or_else(|| Error::new(format!("{path} cannot be understood")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_fuzzer_are_read() {
        let told = "Done 3 runs in 1 second(s)\nstat::number_of_executed_units: 1234\nstat::peak_rss_mb:              56\n";
        assert_eq!(statistic(told, "number_of_executed_units").ok(), Some(1234));
        assert_eq!(statistic(told, "peak_rss_mb").ok(), Some(56));
        assert!(statistic(told, "slowest_unit_time_sec").is_err());
    }

    #[test]
    fn what_a_process_has_used_is_known_after_its_end() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "n=0; while [ $n -lt 200000 ]; do n=$((n + 1)); done; echo done >&2"]);
        let (status, told, used) = round(&mut busy).unwrap();
        assert_eq!((status.code(), told.as_str()), (Some(0), "done\n"));
        assert!(used > 0);
    }
}
