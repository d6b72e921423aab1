//! The one place where a hook touches stdio.
//!
//! [`main`] does the same for every hook: install the panic hook, read the event from
//! stdin under a deadline, call `run`, write what it answers, exit. What happens when any
//! of that fails is one visible argument, [`OnFailure`]: the guard blocks, every other
//! hook lets the session go on.
//!
//! Called without arguments and with something other than a terminal as stdin, or with
//! `hook` as the first argument, a program is a hook. Everything else is its command line.

mod deadline;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

pub use self::deadline::{keep_deadline, look_up};
use crate::env::Environment;
use crate::paths::Paths;

/// How long a hook waits for the client to finish writing the event.
pub const STDIN_DEADLINE: Duration = Duration::from_secs(1);

/// How long a hook that blocks takes for its answer in all. A build for tests is many times slower.
const ANSWER_DEADLINE: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(30) } else { STDIN_DEADLINE };

/// The largest event that is read. The client sends whole files; 32 MiB is ten times the largest seen.
pub const STDIN_LIMIT: usize = 32 << 20;

/// The exit code by which a hook refuses a call.
pub const BLOCK: u8 = 2;

/// What a hook's own failure means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The call is refused: what cannot be read cannot be judged.
    Block,
    /// The session goes on; the failure is told on stderr and in the log.
    Pass,
}

impl OnFailure {
    fn code(self) -> u8 {
        match self {
            Self::Block => BLOCK,
            Self::Pass => 0,
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Self::Block => "refused, because what cannot be judged is not run",
            Self::Pass => "the session goes on without it",
        }
    }
}

/// A program that is a hook, and a command line for people.
pub struct Hook {
    /// The program's name, which starts every message.
    pub name: &'static str,
    /// What its own failure means.
    pub on_failure: OnFailure,
    /// Answers one event.
    pub run: for<'a> fn(&Invocation<'a>) -> Result<Outcome, Failure>,
    /// The command line.
    pub cli: fn() -> ExitCode,
}

/// Everything that a hook may look at.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The event.
    pub payload: Payload<'a>,
    /// The process environment.
    pub env: Environment,
    /// The rig's files.
    pub paths: Paths,
}

/// The event that the client writes to stdin.
///
/// Keys come and go between versions of the client: all are optional here, and unknown
/// ones are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Payload<'a> {
    /// The session's id.
    #[serde(borrow)]
    pub session_id: Option<Cow<'a, str>>,
    /// The session's current directory, which follows `cd`.
    #[serde(borrow)]
    pub cwd: Option<Cow<'a, str>>,
    /// The event's name, such as `PreToolUse`.
    #[serde(borrow)]
    pub hook_event_name: Option<Cow<'a, str>>,
    /// SessionStart: startup, resume, clear or compact. ConfigChange: which settings.
    #[serde(borrow)]
    pub source: Option<Cow<'a, str>>,
    /// The tool that is called.
    #[serde(borrow)]
    pub tool_name: Option<Cow<'a, str>>,
    /// The tool's input, unparsed.
    #[serde(borrow)]
    pub tool_input: Option<&'a RawValue>,
    /// PostToolUse: what the tool answered, unparsed.
    #[serde(borrow)]
    pub tool_response: Option<&'a RawValue>,
    /// PostToolUse: how long the call took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// The call's id.
    #[serde(borrow)]
    pub tool_use_id: Option<Cow<'a, str>>,
    /// ConfigChange: the settings file.
    #[serde(borrow)]
    pub file_path: Option<Cow<'a, str>>,
    /// StopFailure, PostToolUseFailure: what went wrong.
    #[serde(borrow)]
    pub error: Option<Cow<'a, str>>,
    /// SessionEnd: why.
    #[serde(borrow)]
    pub reason: Option<Cow<'a, str>>,
}

impl Payload<'_> {
    /// Returns the event's name, or an empty text.
    #[must_use]
    pub fn event(&self) -> &str {
        self.hook_event_name.as_deref().unwrap_or("")
    }

    /// Returns the session's directory where the event names one, else the process's.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        match self.cwd.as_deref() {
            Some(cwd) if Path::new(cwd).is_absolute() => cwd.into(),
            _ => std::env::current_dir().unwrap_or_else(|_| "/".into()),
        }
    }
}

/// What a hook answers.
#[derive(Default)]
pub struct Outcome {
    /// Text for stdout.
    pub stdout: String,
    /// Text for stderr.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
    /// Runs after the answer is written; whatever it does, the answer stands.
    pub afterwards: Option<Box<dyn FnOnce()>>,
}

impl Outcome {
    /// Returns an answer that says nothing and lets the session go on.
    #[must_use]
    pub fn quiet() -> Self {
        Self::default()
    }

    /// Returns a refusal with the reason that the model reads.
    #[must_use]
    pub fn block(reason: impl Into<String>) -> Self {
        Self { stderr: reason.into(), code: BLOCK, ..Self::default() }
    }
}

/// Why a hook could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The event could not be read from stdin.
    #[error("failed to read the event from stdin")]
    Read(#[source] std::io::Error),
    /// The client did not finish writing.
    #[error("the event on stdin was not complete after {} ms", .0.as_millis())]
    Late(Duration),
    /// The event is too large to be judged.
    #[error("the event on stdin is larger than {} MiB", STDIN_LIMIT >> 20)]
    TooLarge,
    /// Nothing came.
    #[error("stdin held no event")]
    Empty,
    /// The event is something other than an object.
    #[error("the event on stdin is not a JSON object")]
    NotAnObject,
    /// The event is no JSON, or a key has another type than it should.
    #[error("the event on stdin is not valid")]
    Parse(#[source] serde_json::Error),
    /// An argument that hook mode does not know.
    #[error("unknown argument `{0}`; a hook takes `hook [--config FILE] [--state DIR]`")]
    Argument(String),
    /// The hook's own work failed.
    #[error("{0}")]
    Work(String),
}

/// Runs a hook, or its command line.
pub fn main(hook: &Hook) -> ExitCode {
    exit_on_panic(hook.name, hook.on_failure);
    let started = Instant::now();
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        None if !std::io::stdin().is_terminal() => {}
        Some(first) if first == "hook" => {}
        _ => return (hook.cli)(),
    }
    let env = Environment::process();
    let mut paths = Paths::of_user(&env);
    let answered = redirect(arguments, &mut paths).and_then(|()| {
        let mut event = read_stdin(hook.on_failure, started + STDIN_DEADLINE)?;
        deadline::set(hook.name, hook.on_failure, started + ANSWER_DEADLINE);
        with_payload(&mut event, |payload| (hook.run)(&Invocation { payload, env, paths: paths.clone() }))
    });
    let outcome = answered.unwrap_or_else(|failure| failed(hook, &failure, &paths));
    deadline::decided(outcome.code);
    if outcome.code != 0 {
        // What is kept of a refusal may hang; the refusal stands.
        keep_deadline();
    }
    write(&outcome);
    if let Some(afterwards) = outcome.afterwards {
        afterwards();
    }
    ExitCode::from(outcome.code)
}

/// Parses an event and hands it to `run`.
///
/// Text that is not UTF-8, and escapes of lone surrogates, which JSON texts may hold and Rust
/// strings may not, read as U+FFFD. Both are mended only when the event does not parse as it is.
///
/// # Errors
/// When the text is no JSON object, or what `run` fails with.
pub fn with_payload<T>(
    event: &mut Vec<u8>,
    run: impl FnOnce(Payload<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match event.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(Failure::Empty),
        Some(b'{') => {}
        Some(_) => return Err(Failure::NotAnObject),
    }
    // Surrogates are rare, so that pairs may take the slow way too.
    let strict = std::str::from_utf8(event).is_ok_and(|t| !t.contains("\\ud") && !t.contains("\\uD"));
    if !strict {
        *event = mend(event).into_bytes();
    }
    run(serde_json::from_slice(event).map_err(Failure::Parse)?)
}

/// Replaces the escapes of lone surrogates, and bytes that are not UTF-8, by U+FFFD.
fn mend(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let len = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                out.push_str(&escape[..12]);
                12
            }
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                6
            }
            _ => {
                // A backslash and what it escapes go together, so that `\\ud800` stays text.
                let len = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&escape[..len]);
                len
            }
        };
        rest = &escape[len..];
    }
    out.push_str(rest);
    out
}

/// Returns the code unit of a `\uXXXX` escape at the start of the text.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// Takes the places that hooks-sync wrote into the settings, which no environment can change.
fn redirect(arguments: impl Iterator<Item = OsString>, paths: &mut Paths) -> Result<(), Failure> {
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let unknown = || Failure::Argument(argument.to_string_lossy().into_owned());
        let place = match argument.to_str() {
            Some("--config") => &mut paths.user_config,
            Some("--state") => &mut paths.state,
            _ => return Err(unknown()),
        };
        let value = arguments.next().map(PathBuf::from).filter(|v| v.is_absolute()).ok_or_else(unknown)?;
        *place = Some(value);
    }
    Ok(())
}

/// Reads stdin to its end, for at most [`STDIN_DEADLINE`] and [`STDIN_LIMIT`].
///
/// A hook that lets the session go on works with what came in time; one that blocks does not.
fn read_stdin(on_failure: OnFailure, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let stdin = rustix::stdio::stdin();
    let mut event = Vec::with_capacity(8 << 10);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if !readable(stdin, left).map_err(Failure::Read)? {
            return match on_failure {
                OnFailure::Pass if !event.is_empty() => Ok(event),
                _ => Err(Failure::Late(STDIN_DEADLINE)),
            };
        }
        if event.capacity() - event.len() < 4 << 10 {
            event.reserve(event.len().max(64 << 10));
        }
        match rustix::io::read(stdin, rustix::buffer::spare_capacity(&mut event)) {
            Ok(0) => return Ok(event),
            Ok(_) if event.len() > STDIN_LIMIT => return Err(Failure::TooLarge),
            Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(Failure::Read(error.into())),
        }
    }
}

/// Waits until a read would not block; false when the time is over.
fn readable(fd: rustix::fd::BorrowedFd<'_>, wait: Duration) -> std::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
    loop {
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&wait)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Turns a failure into the answer that the hook's policy asks for, and logs it afterwards.
fn failed(hook: &Hook, failure: &Failure, paths: &Paths) -> Outcome {
    let message = crate::error::chain(failure);
    let log = paths.log(hook.name);
    Outcome {
        stderr: format!("{}: {message}; {}\n", hook.name, hook.on_failure.consequence()),
        code: hook.on_failure.code(),
        afterwards: log.map(|log| {
            Box::new(move || {
                // The answer is already given; a log that cannot be written changes nothing.
                let _ = crate::log::append(&log, &serde_json::json!({ "failure": message }));
            }) as Box<dyn FnOnce()>
        }),
        ..Outcome::default()
    }
}

/// Writes the answer; a closed stream changes nothing about the exit code.
fn write(outcome: &Outcome) {
    let _ = std::io::stderr().lock().write_all(outcome.stderr.as_bytes());
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(outcome.stdout.as_bytes());
    let _ = stdout.flush();
}

/// Ends the process on a panic with one line and the code of the hook's policy. Without this a
/// panic under `panic = "abort"` ends in a signal, which the client takes for "let it through".
fn exit_on_panic(name: &'static str, on_failure: OnFailure) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let message = format!("{name}: internal error{place}; {}\n", on_failure.consequence());
        let _ = std::io::stderr().write_all(message.as_bytes());
        #[expect(clippy::disallowed_methods, reason = "nothing may run after a panic")]
        std::process::exit(on_failure.code().into());
    }));
}

#[cfg(test)]
mod tests;
