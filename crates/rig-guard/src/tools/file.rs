//! Tools that write files.

use rig_core::hook::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::judge::Refused;
use crate::protected::{Owned, Protected};
use crate::rules::{own, settings};
use crate::shell::absolute;
use crate::world::World;

/// What a Write or an Edit makes of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change {
    content: Option<String>,
    old_string: Option<String>,
    new_string: Option<String>,
    replace_all: bool,
}

/// Judges a write to a file; what would stand in it is in the tool's input, where that is known.
pub(super) fn file(
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
