//! Events of a session, recorded from Claude Code 2.1.330; the directories are put in when one is used.

use std::path::Path;

/// A session starts.
pub(crate) const SESSION_START: &str = include_str!("../events/session-start.json");
/// Bash is about to run `git push --force origin main`.
pub(crate) const FORCE_PUSH: &str = include_str!("../events/pre-tool-use-force-push.json");
/// Bash is about to run `git status --short`.
pub(crate) const STATUS: &str = include_str!("../events/pre-tool-use-status.json");
/// Bash has run `git status --short`.
pub(crate) const POST_TOOL_USE: &str = include_str!("../events/post-tool-use.json");
/// A turn ends.
pub(crate) const STOP: &str = include_str!("../events/stop.json");

/// The session of all of them.
pub(crate) const SESSION: &str = "e7891014-f053-40e9-b560-155318b0abf7";

/// Puts directories into a recorded event.
pub(crate) fn at(recorded: &str, home: &Path, cwd: &Path) -> String {
    let escaped = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    let inner = |path: &Path| escaped(path).trim_matches('"').to_owned();
    recorded.replace("${home}", &inner(home)).replace("${cwd}", &inner(cwd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_event_is_one_object_with_its_name() {
        for recorded in [SESSION_START, FORCE_PUSH, STATUS, POST_TOOL_USE, STOP] {
            let text = at(recorded, Path::new("/home/\"a"), Path::new("/home/\"a/work"));
            let event: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(event["hook_event_name"].is_string() && event["cwd"] == "/home/\"a/work", "{text}");
            assert!(event["session_id"] == SESSION && !text.contains("${"), "{text}");
        }
    }
}
