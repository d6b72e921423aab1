//! Runs the long versions of the tests that kill, tear and repeat.

mod conductor;
mod guard;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::flags::Suite;
use crate::process;
use crate::sandbox::Sandbox;
use crate::say;

impl Suite {
    /// The arguments of `cargo test` that name the suite.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Guard => guard::ARGUMENTS,
            Self::Spool => &["--package", "rig-report", "--test", "storm"],
            Self::Sync => &["--package", "rig-hooks-sync", "--test", "it", "endurance::"],
            Self::Install => &["--package", "xtask", "--test", "install", "killed"],
            Self::Conductor => conductor::ARGUMENTS,
        }
    }
}

/// Runs each suite and prints what docs/measurements.md wants to know.
pub(crate) fn run(cx: &Context, suites: &[Suite]) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let cx = cx.clone().at_home(sandbox.path()).with("RIG_TEST_DEPTH", "full");
    let date = process::read(cx.command("date").args(["-u", "+%Y-%m-%d"]))?;
    let mut failed = 0;
    for suite in suites {
        let mut cargo = cx.cargo();
        cargo.args(["test", "--locked"]).args(suite.arguments()).args(["--", "--nocapture"]);
        let start = Instant::now();
        let mut child =
            cargo.stdout(Stdio::piped()).spawn().doing(|| format!("start {}", process::shown(&cargo)))?;
        let (mut results, mut told) = (Vec::new(), Vec::new());
        for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
            let line = line.doing(|| "read what the tests print".to_owned())?;
            say(&line);
            results.extend(line.strip_prefix("test result: ").map(str::to_owned));
            told.extend(line.split_once(conductor::MARK).map(|(_, told)| told.to_owned()));
        }
        let status = child.wait().doing(|| format!("wait for {}", process::shown(&cargo)))?;
        failed += usize::from(!status.success());
        let shown = process::shown(&cargo);
        // What was counted says more than how many tests passed, and only a failure needs both.
        if !told.is_empty() && status.success() {
            results = told;
        }
        let (seconds, result) = (start.elapsed().as_secs(), results.join("; "));
        say(&format!("RIG_TEST_DEPTH=full {shown}\n{date}, {seconds} s: {result}"));
        if *suite == Suite::Guard {
            guard::fuzz(&cx)?;
        }
    }
    if failed > 0 {
        return Err(Error::new(format!("{failed} of {} suites failed", suites.len())));
    }
    Ok(())
}
