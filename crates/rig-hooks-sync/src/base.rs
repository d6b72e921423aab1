//! The hooks that are wanted: the base, changed by a role's override, with its placeholders filled in.

use std::path::{Path, PathBuf};

use rig_core::settings::json::{self, Node};
use rig_core::settings::{EVENTS, Entry, load};
use serde_json::Value;

use crate::error::SyncError;
use crate::places::Places;

/// The role that stands for the base alone.
pub const NO_ROLE: &str = "none";

/// Returns the entries of the base, or of a role, in the order of the client's events.
///
/// # Errors
/// When a file cannot be read, does not apply, or makes entries that the client would not take.
pub fn wanted(places: &Places, role: Option<&str>) -> Result<Vec<Entry>, SyncError> {
    let mut document = read(&places.base)?;
    let mut source = &places.base;
    let path;
    if let Some(role) = role.filter(|role| *role != NO_ROLE) {
        path = override_file(places, role)?;
        apply(&mut document, &path)?;
        source = &path;
    }
    let wrong = |what: String| SyncError::Source { path: source.clone(), what };
    for key in document.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !matches!(key.as_str(), "$schema" | "hooks") {
            return Err(wrong(format!("`{key}` is not allowed; only `$schema` and `hooks` are")));
        }
    }
    expand(&mut document, places).map_err(wrong)?;
    let loaded = load(document.to_string().as_bytes(), places.scope);
    if let Some(problem) = loaded.problems.first() {
        return Err(wrong(problem.to_string()));
    }
    let mut entries = loaded.entries;
    if entries.is_empty() {
        return Err(wrong("there is no hook in it".into()));
    }
    entries.sort_by_key(|entry| EVENTS.iter().position(|event| *event == entry.event));
    Ok(entries)
}

/// Returns the names of the overrides, sorted.
#[must_use]
pub fn roles(places: &Places) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir(&places.overrides) else { return Vec::new() };
    let paths = listing.filter_map(|file| Some(file.ok()?.path()));
    let json = paths.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let mut roles: Vec<String> = json.filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())).collect();
    roles.sort();
    roles
}

fn override_file(places: &Places, role: &str) -> Result<PathBuf, SyncError> {
    let roles = roles(places);
    if roles.iter().any(|known| known == role) {
        return Ok(places.overrides.join(format!("{role}.json")));
    }
    let known = match &roles[..] {
        [] => format!("there are none in {}", places.overrides.display()),
        roles => format!("there are {}, and `{NO_ROLE}` for the base alone", quoted(roles)),
    };
    Err(SyncError::UnknownRole { role: role.to_owned(), known })
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Applies an override: a list is a JSON Patch (RFC 6902), an object a merge patch (RFC 7396).
fn apply(document: &mut Value, path: &Path) -> Result<(), SyncError> {
    let wrong = |what: String| SyncError::Source { path: path.to_owned(), what };
    let changes = read(path)?;
    match &changes {
        Value::Array(operations) => {
            let patch: json_patch::Patch = serde_json::from_value(changes.clone())
                .map_err(|error| wrong(format!("not a JSON Patch: {error}")))?;
            json_patch::patch(document, &patch).map_err(|error| {
                let operation = &operations[error.operation];
                wrong(format!(
                    "operation {} does not apply, {}: {operation}",
                    error.operation + 1,
                    error.kind
                ))
            })
        }
        Value::Object(_) => {
            json_patch::merge(document, &changes);
            Ok(())
        }
        _ => Err(wrong("neither a list (JSON Patch) nor an object (merge patch)".into())),
    }
}

fn read(path: &Path) -> Result<Value, SyncError> {
    let text = std::fs::read_to_string(path).map_err(SyncError::io("read", path))?;
    let root: Node = json::parse(&text)
        .map_err(|error| SyncError::Source { path: path.to_owned(), what: format!("not JSON, {error}") })?;
    Ok(root.value(&text))
}

/// Fills in `${bin}`, and `${places}`, an argument of its own that stands for the user's
/// configuration file and state directory where the scope has one user.
fn expand(value: &mut Value, places: &Places) -> Result<(), String> {
    match value {
        Value::String(text) => {
            *text = text.replace("${bin}", &places.bin.to_string_lossy());
            match text.find("${") {
                Some(at) => Err(format!(
                    "unknown placeholder in `{}`; there are ${{bin}} and, in `args`, ${{places}}",
                    &text[at..]
                )),
                None => Ok(()),
            }
        }
        Value::Array(elements) => {
            if let Some(at) = elements.iter().position(|element| element == "${places}") {
                elements.splice(at..=at, places.arguments.iter().map(|argument| argument.as_str().into()));
            }
            elements.iter_mut().try_for_each(|element| expand(element, places))
        }
        Value::Object(map) => map.values_mut().try_for_each(|value| expand(value, places)),
        _ => Ok(()),
    }
}
