//! Runs programs and says how they ended.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Doing, Error, Result};

/// Runs a command and returns what it printed on stdout, trimmed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().doing(|| format!("start {}", shown(command)))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(format!("{} {}: {}", shown(command), ended(output.status), why.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command with this process's output streams; fails when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().doing(|| format!("start {}", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(format!("{} {}", shown(command), ended(status))))
}

/// Runs a command with these bytes on stdin; ends it when it is not done in time.
pub(crate) fn feed(command: &mut Command, input: &[u8], limit: Duration) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing(|| format!("start {}", shown(command)))?;
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Error::new(format!("{} has no streams", shown(command))));
    };
    std::thread::scope(|scope| {
        // A program may answer without reading all of it.
        scope.spawn(move || stdin.write_all(input));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let out = scope.spawn(move || stdout.read_to_end(&mut out).map(|_| out));
        let err = scope.spawn(move || stderr.read_to_end(&mut err).map(|_| err));
        let start = Instant::now();
        let status = loop {
            match child.try_wait().doing(|| format!("wait for {}", shown(command)))? {
                Some(status) => break status,
                None if start.elapsed() > limit => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let seconds = limit.as_secs();
                    return Err(Error::new(format!("{} did not end within {seconds} s", shown(command))));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let [stdout, stderr] = [out, err].map(|text| match text.join() {
            Ok(Ok(text)) => text,
            _ => Vec::new(),
        });
        Ok(Output { status, stdout, stderr })
    })
}

/// Says how a program ended.
pub(crate) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// Shows a command's program and arguments the way a person would type them.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let mut sleeper = Command::new("sleep");
        let error = feed(sleeper.arg("600"), b"", Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.to_string(), "`sleep 600` did not end within 0 s");
    }

    #[test]
    fn input_of_any_size_is_fed_and_output_is_read() {
        let input = vec![b'x'; 3 << 20];
        let output = feed(&mut Command::new("cat"), &input, Duration::from_secs(60)).unwrap();
        assert!(output.status.success() && output.stdout == input);
    }
}
