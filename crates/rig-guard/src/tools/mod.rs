//! What each of the client's tools is about to do.
//!
//! Tools that run something are judged by the code they run, tools that write files by where they
//! write, and settings files by what they would hold afterwards. Tools that are not known are
//! judged as what they carry.

mod carried;
mod file;
mod keys;

use std::borrow::Cow;

use rig_core::hook::Failure;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::judge::{self, Refused};
use crate::policy::{Carries, Pack};
use crate::shell::{Language, absolute};
use crate::world::World;
use file::file;

/// What may stand in the input of the client's own tools.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Input<'a> {
    #[serde(borrow)]
    command: Text<'a>,
    #[serde(borrow)]
    script: Text<'a>,
    #[serde(borrow)]
    script_path: Text<'a>,
    #[serde(borrow)]
    ws: Option<&'a RawValue>,
    #[serde(borrow, rename = "file_path")]
    file_path: Text<'a>,
    #[serde(borrow, rename = "notebook_path")]
    notebook_path: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    pattern: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(rename = "discard_changes")]
    discard_changes: serde_json::Value,
}

/// A text; nothing where it is something else, since nobody checks what servers are sent.
#[derive(Debug, Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// Returns the text, where there is one.
    fn one(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Judges a call of a tool; `None` lets it through.
///
/// # Errors
/// When the input does not have what the tool needs, so that it cannot be judged.
pub(crate) fn judge(
    tool: &str,
    input: Option<&RawValue>,
    cwd: Option<&str>,
    world: &dyn World,
) -> Result<Option<Refused>, Failure> {
    let Some(raw) = input else {
        return if runs_code(tool) { Err(lacks(tool, "an input")) } else { Ok(None) };
    };
    if !raw.get().starts_with('{') {
        return if runs_code(tool) { Err(lacks(tool, "an object as its input")) } else { Ok(None) };
    }
    let read = || serde_json::from_str::<Input<'_>>(raw.get()).map_err(Failure::Parse);
    match tool {
        "Bash" => match read()?.command.one() {
            Some(code) => Ok(judge::command(code, cwd, world)),
            None => Err(lacks(tool, "a command")),
        },
        "PowerShell" => match read()?.command.one() {
            Some(code) => Ok(judge::program(Language::PowerShell, code, cwd, world)),
            None => Err(lacks(tool, "a command")),
        },
        "Monitor" => {
            let input = read()?;
            match (input.command.one(), input.ws) {
                (Some(code), _) => Ok(judge::command(code, cwd, world)),
                (None, Some(_)) => Ok(None),
                (None, None) => Err(lacks(tool, "a command")),
            }
        }
        "Write" | "Edit" => match read()?.file_path.one() {
            Some(path) => file(path, cwd, world, Some(raw)),
            None => Err(lacks(tool, "a file")),
        },
        "NotebookEdit" => match read()?.notebook_path.one() {
            Some(path) => file(path, cwd, world, None),
            None => Err(lacks(tool, "a file")),
        },
        "Workflow" => Ok(workflow(&read()?, cwd, world)),
        "ExitWorktree" => Ok(leaves(&read()?, cwd, world)),
        // They start a session of their own, whose calls are judged, or look.
        "EnterWorktree" | "Agent" | "Task" | "Skill" => Ok(None),
        "Read" | "Grep" => Ok(reads(tool, &read()?, cwd, world)),
        "Glob" | "LS" | "WebFetch" | "WebSearch" | "ToolSearch" => Ok(None),
        _ => match told(tool, raw, cwd, world)? {
            Some(refused) => Ok(Some(refused)),
            None => carried::judge(tool, raw, cwd, world),
        },
    }
}

/// Judges a workflow: JavaScript, of which the calls that run shell code count.
fn workflow(input: &Input<'_>, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    let script = input.script.one().map(Cow::Borrowed);
    let file = || {
        let path = absolute(cwd, input.script_path.one()?)?;
        world.script(&path).map(|script| Cow::Owned(script.text))
    };
    let script = script.into_iter().chain(file());
    script.into_iter().find_map(|script| carried::program(&script, &[Language::Node], cwd, world))
}

/// Judges leaving a work tree: it goes away, and with it what is not committed, where that is asked for.
fn leaves(input: &Input<'_>, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    let discards = input.discard_changes.as_bool().unwrap_or(!input.discard_changes.is_null());
    let keeps = input.action.one() == Some("keep");
    let words = ["git", "worktree", "remove", "--force", "."].map(str::to_owned);
    if discards && !keeps { judge::arguments(&words, cwd, world) } else { None }
}

/// Judges reading a file, where a policy wants secrets to be kept.
fn reads(tool: &str, input: &Input<'_>, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    if !world.policy().has(Pack::Secrets) {
        return None;
    }
    let words = match tool {
        "Read" => ["cat", "--", input.file_path.one()?].map(str::to_owned).to_vec(),
        _ => {
            let pattern = input.pattern.one().unwrap_or("");
            ["grep", "-r", "-e", pattern, "--", input.path.one()?].map(str::to_owned).to_vec()
        }
    };
    judge::arguments(&words, cwd, world)
}

/// Returns what a call is about, for the log: the code it runs, or the file it writes.
pub(crate) fn subject(input: &RawValue) -> String {
    let input: serde_json::Value = serde_json::from_str(input.get()).unwrap_or_default();
    carried::subject(&input).unwrap_or_default()
}

fn runs_code(tool: &str) -> bool {
    matches!(tool, "Bash" | "PowerShell" | "Monitor" | "Write" | "Edit" | "NotebookEdit")
}

fn lacks(tool: &str, what: &str) -> Failure {
    Failure::Work(format!("the call of {tool} does not have {what}"))
}

/// Judges the arguments of which a policy says what they carry.
fn told(
    tool: &str,
    input: &RawValue,
    cwd: Option<&str>,
    world: &dyn World,
) -> Result<Option<Refused>, Failure> {
    let arguments = world.policy().carried(tool);
    if arguments.is_empty() {
        return Ok(None);
    }
    let input: serde_json::Value = serde_json::from_str(input.get()).map_err(Failure::Parse)?;
    for (key, carries) in arguments {
        // `a.b` is a member of a member.
        let found = key.split('.').try_fold(&input, |value, part| value.get(part));
        let texts: Vec<&str> = match found {
            Some(serde_json::Value::String(text)) => vec![text],
            Some(serde_json::Value::Array(list)) => list.iter().filter_map(|one| one.as_str()).collect(),
            _ => continue,
        };
        for text in texts {
            let refused = match carries {
                Carries::Shell => judge::command(text, cwd, world),
                Carries::Sql => carried::sql(tool, text, cwd, world),
                Carries::Path => file(text, cwd, world, None)?,
            };
            if refused.is_some() {
                return Ok(refused);
            }
        }
    }
    Ok(None)
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        let text = raw.starts_with('"').then(|| borrowed(raw).map_err(D::Error::custom));
        text.transpose().map(Self)
    }
}

/// Returns the text of a JSON string, as it stands there if nothing in it is escaped.
fn borrowed(raw: &str) -> serde_json::Result<Cow<'_, str>> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(raw).map(Cow::Owned),
    }
}
