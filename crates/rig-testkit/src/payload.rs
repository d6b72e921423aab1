//! The events that the client writes to a hook's stdin, with the keys that it sends.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value, json};

/// One event; printed, it is the JSON text.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Payload(Map<String, Value>);

/// The session of every event, unless a test names another.
pub const SESSION: &str = "6a4e8d8c-55c1-4e0b-9a0e-3f6d2c7b9e10";

impl Payload {
    /// Returns an event with the keys that nearly all events have.
    pub fn new(event: &str) -> Self {
        let payload = Self(Map::new());
        payload
            .set("session_id", SESSION)
            .set("transcript_path", format!("/nonexistent/projects/{SESSION}.jsonl"))
            .set("cwd", "/")
            .set("hook_event_name", event)
    }

    /// `PreToolUse` of any tool.
    pub fn pre_tool_use(tool: &str, input: Value) -> Self {
        Self::of_prompt("PreToolUse").tool(tool, input)
    }

    /// `PreToolUse` of a Bash command.
    pub fn bash(command: &str) -> Self {
        Self::pre_tool_use("Bash", bash_input(command))
    }

    /// `PreToolUse` of a Write.
    pub fn write(file: impl AsRef<Path>, content: &str) -> Self {
        let input = json!({ "file_path": file.as_ref(), "content": content });
        Self::pre_tool_use("Write", input)
    }

    /// `PreToolUse` of an Edit.
    pub fn edit(file: impl AsRef<Path>, old: &str, new: &str) -> Self {
        let input =
            json!({ "file_path": file.as_ref(), "old_string": old, "new_string": new, "replace_all": false });
        Self::pre_tool_use("Edit", input)
    }

    /// `PostToolUse` of any tool.
    pub fn post_tool_use(tool: &str, input: Value, response: Value) -> Self {
        Self::of_prompt("PostToolUse").tool(tool, input).set("tool_response", response).set("duration_ms", 12)
    }

    /// `PostToolUse` of a Bash command that printed something and succeeded.
    pub fn post_bash(command: &str, stdout: &str) -> Self {
        let response = json!({
            "stdout": stdout, "stderr": "", "interrupted": false, "isImage": false, "noOutputExpected": false,
        });
        Self::post_tool_use("Bash", bash_input(command), response)
    }

    /// `PostToolUseFailure` of a Bash command.
    pub fn post_bash_failure(command: &str, error: &str) -> Self {
        let failed = Self::of_prompt("PostToolUseFailure").tool("Bash", bash_input(command));
        failed.set("error", error).set("is_interrupt", false).set("duration_ms", 12)
    }

    /// `SessionStart`: startup, resume, clear or compact.
    pub fn session_start(source: &str) -> Self {
        Self::new("SessionStart").set("source", source)
    }

    /// `SessionEnd`.
    pub fn session_end(reason: &str) -> Self {
        Self::new("SessionEnd").set("prompt_id", PROMPT).set("reason", reason)
    }

    /// `Stop`, at the end of a turn.
    pub fn stop() -> Self {
        Self::of_prompt("Stop")
            .set("stop_hook_active", false)
            .set("last_assistant_message", "done")
            .set("background_tasks", json!([]))
            .set("session_crons", json!([]))
    }

    /// `StopFailure`, at the end of a turn that the model's service ended.
    pub fn stop_failure(error: &str) -> Self {
        let stopped = Self::new("StopFailure").set("prompt_id", PROMPT);
        stopped.set("error", error).set("last_assistant_message", "API Error: 529 overloaded")
    }

    /// `ConfigChange`: a settings file is no longer what the client read.
    pub fn config_change(source: &str, file: impl AsRef<Path>) -> Self {
        let file = file.as_ref().to_string_lossy().into_owned();
        Self::new("ConfigChange").set("prompt_id", PROMPT).set("source", source).set("file_path", file)
    }

    /// Sets the session's current directory.
    pub fn cwd(self, dir: impl AsRef<Path>) -> Self {
        let dir = dir.as_ref().to_string_lossy().into_owned();
        self.set("cwd", dir)
    }

    /// Sets a key to any value.
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Takes a key out.
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// Returns an event of a turn, which has two keys more.
    fn of_prompt(event: &str) -> Self {
        Self::new(event).set("permission_mode", "bypassPermissions").set("prompt_id", PROMPT)
    }

    fn tool(self, tool: &str, input: Value) -> Self {
        self.set("tool_name", tool)
            .set("tool_input", input)
            .set("tool_use_id", "toolu_01A09q90qw90lq917835lq9")
    }
}

const PROMPT: &str = "0b7ad1b6-0d4c-4b0e-8f5e-3c1f0a5d9e21";

fn bash_input(command: &str) -> Value {
    json!({ "command": command, "description": "Run a command" })
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl From<Payload> for Vec<u8> {
    fn from(payload: Payload) -> Self {
        payload.to_string().into_bytes()
    }
}
