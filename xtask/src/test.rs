//! Runs every test against installed files.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::flags::Install;
use crate::process;
use crate::sandbox::Sandbox;
use crate::{install, say};

/// Builds, installs to a temporary prefix and to a staged image, and runs `cargo test`.
pub(crate) fn run(cx: &Context, arguments: &[OsString]) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let home = sandbox.directory("home")?;
    let cx = cx.clone().at_home(&home);
    let (prefix, image) = (sandbox.path().join("prefix"), sandbox.directory("image")?);
    let temporary = Install { temporary: true, ..Install::default() };
    install::run(&cx, &Install { prefix: Some(prefix.clone()), ..temporary.clone() })?;
    install::run(&cx, &Install { image: true, destdir: Some(image.clone()), ..temporary })?;
    // The tests make their own homes; this one has to stay empty.
    let home = sandbox.directory("empty")?;
    let cx = cx.with("HOME", &home).with("RIG_TEST_PREFIX", prefix).with("RIG_TEST_IMAGE", image);

    let mut cargo = cx.cargo();
    cargo.args(["test", "--locked", "--no-fail-fast"]);
    if !arguments.iter().any(|a| a == "-p" || a == "--package") {
        cargo.arg("--workspace");
    }
    cargo.args(arguments);
    let shown = process::shown(&cargo);
    say(&format!("running {shown}"));
    // One pipe for both streams keeps their lines in order.
    let (reader, writer) = std::io::pipe().doing(|| "make a pipe".into())?;
    let copy = writer.try_clone().doing(|| "make a pipe".into())?;
    let mut child =
        cargo.stdin(Stdio::null()).stdout(copy).stderr(writer).spawn().doing(|| format!("start {shown}"))?;
    // Its ends of the pipe are closed with it.
    drop(cargo);
    let mut tally = Tally::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.doing(|| "read what the tests print".to_owned())?;
        let line = String::from_utf8_lossy(&line);
        say(&line);
        tally.count(&line);
    }
    let status = child.wait().doing(|| format!("wait for {shown}"))?;
    say(&tally.summary());
    if !status.success() || tally.failed > 0 {
        return Err(Error::new(format!("the tests failed: cargo {}", process::ended(status))));
    }
    if tally.passed == 0 {
        return Err(Error::new("no test ran"));
    }
    let mut written = std::fs::read_dir(&home).doing(|| format!("list {}", home.display()))?.flatten();
    if let Some(entry) = written.next() {
        let name = entry.file_name();
        return Err(Error::new(format!("a test wrote `{}` into the home directory", name.display())));
    }
    Ok(())
}

/// What the test programs of one run said.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Tests that told that a part which they need is missing; the test programs count them as passed.
    skipped: u64,
    failures: Vec<String>,
}

impl Tally {
    fn count(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
        self.skipped += u64::from(line.starts_with("skipped ") && line.contains(": "));
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }

    /// Names what failed, and counts all on a last line.
    fn summary(&self) -> String {
        let mut text: String = self.failures.iter().map(|name| format!("failed: {name}\n")).collect();
        let passed = self.passed.saturating_sub(self.skipped);
        text.push_str(&format!("tests: {passed} passed, {} failed", self.failed));
        if self.skipped > 0 {
            text.push_str(&format!(", {} skipped", self.skipped));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_test_programs_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test rules::force_push_is_denied ... ok",
            "test rules::a ... FAILED",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.01s",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "skipped in_a_chroot: this is not root",
        ] {
            tally.count(line);
        }
        assert_eq!(tally.summary(), "failed: rules::a\ntests: 41 passed, 1 failed, 1 skipped");
    }
}
