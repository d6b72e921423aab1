//! One running session of the real client.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::model::{Model, ToolResult, Turn};

/// How long one prompt, or the end of a session, may take. A session waits for hooks, which have
/// time limits of their own; only a client that hangs takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session; the client is killed when it is dropped before its end.
#[derive(Debug)]
pub struct Session {
    /// The model that it talks to.
    pub model: Model,
    child: Child,
    stdin: Option<ChildStdin>,
    stream: Receiver<Value>,
    stderr: Option<JoinHandle<String>>,
    seen: Vec<Value>,
}

/// How a hook ended, as the client tells it. Hooks of `SessionEnd`, `StopFailure` and
/// `ConfigChange` run too, but the client does not tell of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// Event and matched value, such as `PreToolUse:Bash`.
    pub name: String,
    /// `success`, or what went wrong.
    pub outcome: String,
    /// The exit code; `None` when it was killed.
    pub code: Option<i64>,
}

impl Session {
    /// Starts the client; `command` is the program with everything before its own arguments,
    /// its directory and its environment.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, model: Model) -> Self {
        command.args(["-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"]);
        command.args(["--include-hook-events", "--dangerously-skip-permissions"]);
        for (name, value) in [
            ("ANTHROPIC_API_KEY", "made-up"),
            ("ANTHROPIC_BASE_URL", &model.url()),
            ("ANTHROPIC_MODEL", crate::model::NAME),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("CLAUDE_CODE_MAX_RETRIES", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("DISABLE_TELEMETRY", "1"),
            // Without it the client refuses to run without permission prompts as root.
            ("IS_SANDBOX", "1"),
            ("SHELL", "/bin/bash"),
            ("TERM", "dumb"),
        ] {
            command.env(name, value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("start {command:?}: {e}"));
        let (sender, stream) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event =
                    serde_json::from_str(&line).unwrap_or_else(|_| json!({ "type": "raw", "line": line }));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().expect("a piped stderr");
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let stdin = child.stdin.take();
        Self { model, child, stdin, stream, stderr: Some(stderr), seen: Vec::new() }
    }

    /// Sends a prompt, waits for the end of the turn, and returns what the client reports of it.
    ///
    /// # Panics
    /// When the client ends, or the turn does not.
    #[track_caller]
    pub fn prompt(&mut self, text: &str) -> Value {
        let message = json!({ "type": "user", "message": { "role": "user", "content": text } });
        let stdin = self.stdin.as_mut().expect("a session that has not ended");
        let sent = writeln!(stdin, "{message}").and_then(|()| stdin.flush());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.stream.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if event["type"] == "result" {
                        return event;
                    }
                }
                Err(why) => self.give_up(&format!("no end of the turn `{text}`: {why}; sent: {sent:?}")),
            }
        }
    }

    /// Lets the model call one tool and returns what it was told of it.
    #[track_caller]
    pub fn call(&mut self, tool: &str, input: Value) -> ToolResult {
        self.model.plays([Turn::call(tool, input), Turn::say("done")]);
        self.prompt("go on");
        self.model.results().pop().expect("a call was made")
    }

    /// Lets the model run a Bash command and returns what it was told of it.
    #[track_caller]
    pub fn bash(&mut self, command: &str) -> ToolResult {
        self.call("Bash", json!({ "command": command, "description": "as the script says" }))
    }

    /// Ends the session as a closed terminal does, and returns the hooks that the client told of.
    ///
    /// # Panics
    /// When the client fails, or does not end.
    #[track_caller]
    pub fn end(mut self) -> Vec<HookRun> {
        drop(self.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.stream.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.give_up("the client does not end"),
            }
        }
        let status = self.child.wait().expect("wait for the client");
        // The client's exit code says how the last turn went.
        let mut results = self.seen.iter().filter(|event| event["type"] == "result");
        let failed = results.next_back().is_some_and(|result| result["is_error"] == true);
        if status.code() != Some(i32::from(failed)) {
            self.give_up(&format!("the client ended with {status}"));
        }
        self.hooks()
    }

    /// Returns the hooks that ended so far.
    #[must_use]
    pub fn hooks(&self) -> Vec<HookRun> {
        let text = |event: &Value, key: &str| event[key].as_str().unwrap_or("").to_owned();
        let ended = self.seen.iter().filter(|event| event["subtype"] == "hook_response");
        ended
            .map(|event| HookRun {
                name: text(event, "hook_name"),
                outcome: text(event, "outcome"),
                code: event["exit_code"].as_i64(),
            })
            .collect()
    }

    fn give_up(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let last: Vec<_> = self.seen.iter().rev().take(5).map(Value::to_string).collect();
        panic!("{why}\nstderr: {stderr}\nlast events, newest first: {}", last.join("\n"));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
