//! Under which names tools take what they run, ask and write, and what the names of tools say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Members that hold shell code, or a program with its arguments. All names are written without `_` and `-`.
pub(super) const COMMANDS: [&str; 10] = [
    "command",
    "cmd",
    "shell",
    "bash",
    "commands",
    "commandline",
    "cmdline",
    "shellcommand",
    "program",
    "executable",
];
/// Members that hold code of a language that need not be that of a shell.
pub(super) const CODES: [&str; 5] = ["script", "code", "sourcecode", "function", "expression"];
/// Words in the name of a tool that say which program it is.
pub(super) const PROGRAMS: [(&str, &str); 14] = [
    ("git", "git"),
    ("kubectl", "kubectl"),
    ("oc", "oc"),
    ("helm", "helm"),
    ("docker", "docker"),
    ("podman", "podman"),
    ("terraform", "terraform"),
    ("tofu", "tofu"),
    ("aws", "aws"),
    ("gcloud", "gcloud"),
    ("az", "az"),
    ("gh", "gh"),
    ("redis", "redis-cli"),
    ("valkey", "valkey-cli"),
];
/// Members that hold SQL.
pub(super) const QUERIES: [&str; 8] =
    ["sql", "query", "statement", "queries", "statements", "sqlquery", "sqltext", "rawsql"];
/// Members that name files.
pub(super) const PATHS: [&str; 17] = [
    "filepath",
    "notebookpath",
    "path",
    "source",
    "destination",
    "filename",
    "file",
    "paths",
    "files",
    "targetfile",
    "target",
    "relativepath",
    "outputpath",
    "oldpath",
    "newpath",
    "dest",
    "uri",
];
/// Members that hold the arguments of a `command`.
pub(super) const ARGUMENTS: [&str; 5] = ["args", "arguments", "argv", "params", "parameters"];
/// Members that name the directory in which a command runs.
pub(super) const DIRECTORIES: [&str; 4] = ["cwd", "workdir", "workingdirectory", "workingdir"];
/// Members that name a tool to which a call is passed on, and what it gets.
const TOOLS: [&str; 6] = ["name", "tool", "toolname", "method", "function", "functionname"];
const PASSED: [&str; 8] =
    ["arguments", "args", "params", "parameters", "input", "toolinput", "payload", "kwargs"];
/// Members whose text is written or shown, whatever it looks like.
const PROSE: [&str; 20] = [
    "content",
    "contents",
    "text",
    "body",
    "message",
    "description",
    "title",
    "prompt",
    "comment",
    "summary",
    "note",
    "notes",
    "markdown",
    "html",
    "filetext",
    "oldstring",
    "newstring",
    "oldtext",
    "newtext",
    "example",
];
/// Words in the name of a tool that only looks.
const LOOKING: [&str; 14] = [
    "read", "get", "list", "search", "find", "grep", "glob", "view", "stat", "info", "fetch", "open", "show",
    "query",
];
/// Words in the name of a tool whose `query` is asked of people or documents.
const ASKING: [&str; 12] = [
    "search",
    "find",
    "docs",
    "documentation",
    "lookup",
    "web",
    "issue",
    "memory",
    "knowledge",
    "ask",
    "graphql",
    "jql",
];

/// Returns a key in small letters, without what stands between its words.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Says whether the text under a key is written or shown.
pub(super) fn is_prose(key: &str) -> bool {
    PROSE.contains(&plain(key).as_str())
}

/// The members of an object, by their [plain](plain) keys.
pub(super) struct Members<'v>(BTreeMap<String, &'v Value>);

impl<'v> Members<'v> {
    pub(super) fn of(object: &'v Map<String, Value>) -> Self {
        Self(object.iter().map(|(key, value)| (plain(key), value)).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&'v Value> {
        self.0.get(key).copied()
    }

    /// Returns the text under the first of some keys that has one.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&'v str> {
        keys.iter().find_map(|key| self.get(key)?.as_str())
    }

    /// Returns the tool to which a call is passed on: a name with arguments beside it.
    pub(super) fn passed_on(&self) -> Option<&'v str> {
        let object = |value: &Value| {
            value.is_object() || value.as_str().is_some_and(|text| text.trim_start().starts_with('{'))
        };
        let passes = PASSED.iter().any(|key| self.get(key).is_some_and(object));
        if passes { self.text(&TOOLS) } else { None }
    }
}

/// The last part of a tool's name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// All of it, in small letters.
    pub(super) whole: String,
    parts: Vec<String>,
}

impl Name {
    /// Reads the name of a tool, such as `mcp__files__readFile`.
    pub(super) fn of(tool: &str) -> Self {
        let last = tool.rsplit("__").next().unwrap_or(tool);
        let mut parts = vec![String::new()];
        let mut small = false;
        for c in last.chars() {
            if !c.is_alphanumeric() || small && c.is_uppercase() {
                parts.push(String::new());
            }
            small = c.is_lowercase();
            if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
                part.extend(c.to_lowercase());
            }
        }
        Self { whole: last.to_ascii_lowercase().replace('-', "_"), parts }
    }

    /// Says whether the tool only looks.
    pub(super) fn looks(&self) -> bool {
        LOOKING.iter().any(|word| self.says(word) || self.whole.starts_with(word))
    }

    /// Says whether the tool asks people or documents.
    pub(super) fn asks(&self) -> bool {
        ASKING.iter().any(|word| self.says(word))
    }

    /// Says whether a word stands in the name; a short one may be a piece of another (`task`, `target`).
    fn says(&self, word: &str) -> bool {
        if word.len() > 4 { self.whole.contains(word) } else { self.parts.iter().any(|part| part == word) }
    }
}

/// Returns a text, or the texts of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_tool_does_by_whole_words() {
        for (tool, looks, asks) in [
            ("mcp__files__read_file", true, false),
            ("mcp__files__readFile", true, false),
            ("mcp__files__readfile", true, false),
            ("mcp__files__fileRead", true, false),
            ("mcp__files__write_target", false, false),
            ("mcp__files__set-status", false, false),
            ("mcp__db__run_task", false, false),
            ("mcp__docs__ask", false, true),
            ("mcp__web__websearch", true, true),
            ("mcp__db__query", true, false),
            ("query", true, false),
        ] {
            let name = Name::of(tool);
            assert_eq!((name.looks(), name.asks()), (looks, asks), "{tool}");
        }
    }

    #[test]
    fn a_call_is_passed_on_where_a_name_has_arguments_beside_it() {
        for (object, expected) in [
            (serde_json::json!({"name": "query", "arguments": {}}), Some("query")),
            (serde_json::json!({"tool_name": "run", "toolInput": {"a": 1}}), Some("run")),
            (serde_json::json!({"method": "run", "params": "{\"a\": 1}"}), Some("run")),
            (serde_json::json!({"name": "query", "arguments": ["a"]}), None),
            (serde_json::json!({"name": "query"}), None),
            (serde_json::json!({"name": 5, "arguments": {}}), None),
        ] {
            assert_eq!(Members::of(object.as_object().unwrap()).passed_on(), expected, "{object}");
        }
    }
}
