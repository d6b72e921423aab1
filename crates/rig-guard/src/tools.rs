//! What each of the client's tools is about to do.
//!
//! Tools that run something are judged by the code they run, tools that write files by where they
//! write, and settings files by what they would hold afterwards. Tools that are not known are
//! judged as what they carry.

use std::borrow::Cow;

use rig_core::hook::Failure;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::judge::{self, Refused};
use crate::policy::Carries;
use crate::protected::{Owned, Protected};
use crate::rules::{own, settings};
use crate::shell::{Language, absolute};
use crate::world::World;

/// What may stand in a tool's input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input<'a> {
    #[serde(borrow)]
    command: Text<'a>,
    #[serde(borrow)]
    cmd: Text<'a>,
    #[serde(borrow)]
    script: Text<'a>,
    #[serde(borrow)]
    ws: Option<&'a RawValue>,
    #[serde(borrow)]
    file_path: Text<'a>,
    #[serde(borrow)]
    notebook_path: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    destination: Text<'a>,
}

/// What a Write or an Edit makes of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change {
    content: Option<String>,
    old_string: Option<String>,
    new_string: Option<String>,
    replace_all: bool,
}

/// A text, a list of texts, or something else.
#[derive(Debug, Default)]
enum Text<'a> {
    One(Cow<'a, str>),
    Many(Vec<String>),
    #[default]
    None,
}

impl Text<'_> {
    fn one(&self) -> Option<&str> {
        if let Self::One(text) = self { Some(text) } else { None }
    }
}

/// Words in the name of a tool that only looks.
const LOOKING: [&str; 14] = [
    "read", "get", "list", "search", "find", "grep", "glob", "view", "stat", "info", "fetch", "open", "show",
    "query",
];

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
    let input: Input<'_> = serde_json::from_str(raw.get()).map_err(Failure::Parse)?;
    match tool {
        "Bash" => match input.command.one() {
            Some(code) => Ok(judge::command(code, cwd, world)),
            None => Err(lacks(tool, "a command")),
        },
        "PowerShell" => match input.command.one() {
            Some(code) => Ok(judge::program(Language::PowerShell, code, cwd, world)),
            None => Err(lacks(tool, "a command")),
        },
        "Monitor" => match (input.command.one(), input.ws) {
            (Some(code), _) => Ok(judge::command(code, cwd, world)),
            (None, Some(_)) => Ok(None),
            (None, None) => Err(lacks(tool, "a command")),
        },
        "Write" | "Edit" => match input.file_path.one() {
            Some(path) => file(path, cwd, world, Some(raw)),
            None => Err(lacks(tool, "a file")),
        },
        "NotebookEdit" => match input.notebook_path.one() {
            Some(path) => file(path, cwd, world, None),
            None => Err(lacks(tool, "a file")),
        },
        _ => match told(tool, raw, cwd, world)? {
            Some(refused) => Ok(Some(refused)),
            None => carried(tool, &input, cwd, world),
        },
    }
}

/// Returns what a call is about, for the log: the code it runs, or the file it writes.
pub(crate) fn subject(input: &RawValue) -> String {
    let input: Input<'_> = serde_json::from_str(input.get()).unwrap_or_default();
    let Input { command, cmd, script, file_path, notebook_path, path, destination, .. } = &input;
    let texts = [command, cmd, script, file_path, notebook_path, path, destination];
    let found = texts.into_iter().find_map(|text| match text {
        Text::One(text) => Some(text.clone().into_owned()),
        Text::Many(words) => Some(words.join(" ")),
        Text::None => None,
    });
    found.unwrap_or_default()
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
                Carries::Sql => judge::arguments(&["psql", "-c", text].map(str::to_owned), cwd, world),
                Carries::Path => file(text, cwd, world, None)?,
            };
            if refused.is_some() {
                return Ok(refused);
            }
        }
    }
    Ok(None)
}

/// Judges a tool that is not known by what it carries.
fn carried(
    tool: &str,
    input: &Input<'_>,
    cwd: Option<&str>,
    world: &dyn World,
) -> Result<Option<Refused>, Failure> {
    for text in [&input.command, &input.cmd, &input.script] {
        let refused = match text {
            Text::One(code) => judge::foreign(code, cwd, world),
            Text::Many(words) => judge::arguments(words, cwd, world),
            Text::None => None,
        };
        if refused.is_some() {
            return Ok(refused);
        }
    }
    let name = tool.rsplit("__").next().unwrap_or(tool).to_ascii_lowercase();
    if LOOKING.iter().any(|word| name.contains(word)) {
        return Ok(None);
    }
    for path in [&input.file_path, &input.notebook_path, &input.path, &input.source, &input.destination] {
        if let Some(path) = path.one()
            && let Some(refused) = file(path, cwd, world, None)?
        {
            return Ok(Some(refused));
        }
    }
    Ok(None)
}

/// Judges a write to a file; what would stand in it is in the tool's input, where that is known.
fn file(
    path: &str,
    cwd: Option<&str>,
    world: &dyn World,
    input: Option<&RawValue>,
) -> Result<Option<Refused>, Failure> {
    let Some(path) = absolute(cwd, path) else { return Ok(None) };
    match owned(&path, world) {
        None => Ok(own::protected_file(&path, world)),
        Some(Owned::Rig(_)) => Ok(Some(Refused::by(&own::FILES, "", path))),
        Some(Owned::Settings { .. }) => {
            let Some(input) = input else {
                return Ok(Some(Refused::by(&own::SETTINGS, "", path)));
            };
            let change: Change = serde_json::from_str(input.get()).map_err(Failure::Parse)?;
            let document = document(change, || world.read(&path));
            Ok(settings::written(&path, document, world))
        }
    }
}

fn owned(path: &str, world: &dyn World) -> Option<Owned> {
    let counts = Protected::is_settings_name(path) || world.outline().file(path).is_some();
    if counts && let Some(owned) = world.protected().file(path) {
        return Some(owned);
    }
    let real = world.real(path);
    if real == path { None } else { world.protected().file(&real) }
}

/// Returns what a file would hold; `None` where that is not known.
fn document(change: Change, current: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    if let Some(content) = change.content {
        return Some(content.into_bytes());
    }
    let (old, new) = (change.old_string?, change.new_string?);
    let current = current();
    if old.is_empty() {
        return current.is_none_or(|text| text.is_empty()).then(|| new.into_bytes());
    }
    let current = String::from_utf8(current?).ok()?;
    match current.matches(&old).count() {
        0 => None,
        1 => Some(current.replacen(&old, &new, 1).into_bytes()),
        _ if change.replace_all => Some(current.replace(&old, &new).into_bytes()),
        _ => None,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Servers choose the types of their keys, so no type is an error.
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        Ok(match raw.as_bytes().first() {
            Some(b'"') => Self::One(borrowed(raw).map_err(D::Error::custom)?),
            Some(b'[') => serde_json::from_str(raw).map_or(Self::None, Self::Many),
            _ => Self::None,
        })
    }
}

/// Returns the text of a JSON string, as it stands there if nothing in it is escaped.
fn borrowed(raw: &str) -> serde_json::Result<Cow<'_, str>> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(raw).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resulting_document_is_known_only_where_the_client_would_make_it() {
        let edit = |old: &str, new: &str, all| Change {
            old_string: Some(old.into()),
            new_string: Some(new.into()),
            replace_all: all,
            ..Change::default()
        };
        let write = Change { content: Some("new".into()), ..Change::default() };
        for (change, current, expected) in [
            (write, Some("old"), Some("new")),
            (edit("a", "b", false), Some("xay"), Some("xby")),
            (edit("a", "b", false), Some("aa"), None),
            (edit("a", "b", true), Some("aa"), Some("bb")),
            (edit("c", "b", false), Some("aa"), None),
            (edit("", "b", false), None, Some("b")),
            (edit("", "b", false), Some("a"), None),
            (edit("a", "b", false), None, None),
            (Change::default(), Some("a"), None),
        ] {
            let name = format!("{change:?}");
            let found = document(change, || current.map(|c| c.as_bytes().to_vec()));
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{name}");
        }
    }
}
