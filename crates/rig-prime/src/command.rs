//! Programs that are asked for something, with a limit on their time and their output.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::deadline::Deadline;
use crate::quote::{Quote, TITLE};

/// The most that is read of a program's output, in bytes.
const OUTPUT_LIMIT: u64 = 4 << 20;

/// The most that is read of a program's complaints, in bytes.
const COMPLAINT_LIMIT: u64 = 4 << 10;

/// What a program answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// Its output, cut at 4 MiB.
    pub(crate) stdout: Vec<u8>,
    /// Whether the output was cut.
    pub(crate) cut: bool,
    /// The first line of its complaints.
    pub(crate) complaint: String,
}

impl Answer {
    /// Returns the output of a program that succeeded.
    ///
    /// # Errors
    /// When it did not.
    pub(crate) fn output(self, program: &'static str) -> Result<Vec<u8>, CommandError> {
        if self.success {
            Ok(self.stdout)
        } else {
            Err(CommandError::Refused(program, Quote::new(&self.complaint, TITLE)))
        }
    }
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not be started.
    #[error("failed to start `{program}`")]
    Start {
        /// The program's name.
        program: String,
        /// The cause.
        source: std::io::Error,
    },
    /// It ended with a failure.
    #[error("`{0}` refused: {1}")]
    Refused(&'static str, Quote),
    /// It was killed, because the time was over.
    #[error("`{0}` did not answer in time")]
    Late(String),
}

/// Runs a program without stdin, in a process group of its own, until the deadline.
///
/// At the deadline the whole group is killed, so that nothing that it started stays behind.
///
/// # Errors
/// When the program cannot be started or is late.
pub(crate) fn run(command: &mut Command, deadline: Deadline) -> Result<Answer, CommandError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let late = || CommandError::Late(program.clone());
    deadline.left().ok_or_else(late)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| CommandError::Start { program: program.clone(), source })?;
    let (send, receive) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let stdout = read(stdout, OUTPUT_LIMIT + 1);
        let stderr = read(stderr, COMPLAINT_LIMIT);
        // Nobody listens after the deadline.
        let _ = send.send((stdout, stderr));
    });
    let answer = deadline.left().and_then(|left| receive.recv_timeout(left).ok());
    let Some((mut stdout, stderr)) = answer else {
        kill(&mut child);
        return Err(late());
    };
    let cut = stdout.len() as u64 > OUTPUT_LIMIT;
    stdout.truncate(OUTPUT_LIMIT as usize);
    // Output that was cut is all that is wanted, but its writer still waits for a reader.
    let success =
        if cut { kill(&mut child).is_some() } else { wait(&mut child, deadline).ok_or_else(late)? };
    let complaint = String::from_utf8_lossy(&stderr).lines().next().unwrap_or("").to_owned();
    Ok(Answer { success, stdout, cut, complaint })
}

fn read(from: Option<impl Read>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What came before a failed read is what there is.
        let _ = from.take(limit).read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for a program that has closed its output, which is about to end.
fn wait(child: &mut Child, deadline: Deadline) -> Option<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if deadline.left().is_some() => {
                std::thread::sleep(std::time::Duration::from_micros(200))
            }
            _ => {
                kill(child);
                return None;
            }
        }
    }
}

/// Ends the program's whole process group.
fn kill(child: &mut Child) -> Option<()> {
    let group = rustix::process::Pid::from_child(child);
    let killed = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    // The child is reaped; one that was not killed is left to the system rather than waited for.
    if killed.is_ok() {
        child.wait().ok()?;
    }
    killed.ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(30))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_complaint_and_success_come_back() {
        let answer = run(&mut shell("printf out; printf 'first\\nsecond\\n' >&2; exit 3"), soon()).unwrap();
        assert_eq!(
            answer,
            Answer { success: false, stdout: b"out".to_vec(), cut: false, complaint: "first".into() }
        );
    }

    #[test]
    fn a_late_program_is_killed_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // Both the shell and its child hold the pipe open for writing; it ends when both are gone.
        let script = format!("exec 3<>'{0}'; (sleep 600 & wait) & sleep 600", fifo.display());
        let deadline = Deadline::after(Instant::now(), Duration::from_millis(200));
        let error = run(&mut shell(&script), deadline).unwrap_err();
        assert_eq!(error.to_string(), "`/bin/sh` did not answer in time");
        let opened = rustix::fs::open(
            &fifo,
            rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK,
            rustix::fs::Mode::empty(),
        );
        // Without a reader left, a pipe cannot be opened for writing.
        let mut gone = opened.is_err();
        for _ in 0..2000 {
            if gone {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            gone = rustix::fs::open(
                &fifo,
                rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK,
                rustix::fs::Mode::empty(),
            )
            .is_err();
        }
        assert!(gone, "a process of the killed group still holds the pipe");
    }

    #[test]
    fn endless_output_is_cut() {
        let answer = run(&mut shell("yes"), soon()).unwrap();
        assert_eq!((answer.stdout.len(), answer.cut), (4 << 20, true));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("/nowhere/prog"), soon()).unwrap_err();
        assert_eq!(error.to_string(), "failed to start `/nowhere/prog`");
    }

    #[test]
    fn nothing_is_started_when_the_time_is_over() {
        let over = Deadline::after(Instant::now(), Duration::ZERO);
        assert!(matches!(run(&mut shell("true"), over), Err(CommandError::Late(_))));
    }
}
