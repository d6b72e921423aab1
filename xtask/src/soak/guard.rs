//! The long tests of the guard, and its fuzz targets.

use std::path::Path;
use std::process::Stdio;

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

/// Runs every fuzz target; an input that fails is kept in `target/fuzz/artifacts`.
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
    for target in process::read(&mut cargo(&["list"]))?.lines() {
        let program = home.join(&triple).join("release").join(target);
        run(cx, &program, target, &crate_dir.join("fuzz"), &home)?;
    }
    Ok(())
}

fn run(cx: &Context, program: &Path, target: &str, fuzz: &Path, home: &Path) -> Result<()> {
    let (found, kept) = (home.join("corpus").join(target), home.join("artifacts"));
    for dir in [&found, &kept] {
        std::fs::create_dir_all(dir).doing(|| format!("make {}", dir.display()))?;
    }
    let (mut runs, mut peaks, before) = (0, Vec::new(), processor_seconds()?);
    let mut seconds = 0;
    for _ in 0..ROUNDS {
        let mut command = cx.command(program);
        command
            .args([&found, &fuzz.join("corpus").join(target)])
            .arg(format!("-dict={}", fuzz.join("dict").join(format!("{target}.dict")).display()))
            .arg(format!("-artifact_prefix={}/{target}-", kept.display()))
            .arg(format!("-max_total_time={ROUND}"))
            .args(["-timeout=60", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]);
        let output = command.stdin(Stdio::null()).output();
        let output = output.doing(|| format!("start {}", process::shown(&command)))?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            say(&told);
            return Err(Error::new(format!("{target} failed after {seconds} s of the processor"))
                .hint(format!("the input is in {}", kept.display())));
        }
        runs += statistic(&told, "number_of_executed_units")?;
        peaks.push(statistic(&told, "peak_rss_mb")?);
        seconds = processor_seconds()?.saturating_sub(before);
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

/// Returns how much of the processor the processes have used that ended, in whole seconds.
fn processor_seconds() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").doing(|| "read /proc/self/stat".to_owned())?;
    // Behind the name, which may hold anything, `cutime` and `cstime` are the 14th and the 15th.
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>());
    let ticks = fields.and_then(|fields| {
        let ticks = fields.get(13..15)?.iter().map(|field| field.parse::<u64>().ok());
        ticks.sum::<Option<u64>>()
    });
    // Linux tells user space a hundred ticks a second on every architecture.
    ticks.map(|ticks| ticks / 100).ok_or_else(|| Error::new("/proc/self/stat cannot be understood"))
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
    fn ended_processes_count() {
        assert!(processor_seconds().is_ok());
    }
}
