//! The client's rules for what of a settings file counts.
//!
//! They are unforgiving and silent: one bad entry under `PreToolUse` makes the client ignore the
//! whole file, and nothing on the screen says so.

use std::collections::BTreeMap;
use std::fmt;

use super::Entry;
use super::json::{self, Kind, Member, Node};

/// The events that the client knows, in the order in which a session meets most of them.
pub const EVENTS: [&str; 33] = [
    "Setup",
    "SessionStart",
    "InstructionsLoaded",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PreToolUse",
    "PermissionRequest",
    "PermissionDenied",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "MessageDisplay",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "PreModelSwitch",
    "PostModelSwitch",
    "PreCompact",
    "PostCompact",
    "ConfigChange",
    "CwdChanged",
    "FileChanged",
    "DirectoryAdded",
    "WorktreeCreate",
    "WorktreeRemove",
    "Stop",
    "StopFailure",
    "SessionEnd",
];

/// The events under which one bad entry makes the client ignore the whole file.
const STRICT: [&str; 2] = ["PreToolUse", "PermissionRequest"];

/// What a mistake in a settings file costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The client ignores the whole file; in managed settings it does not start.
    FileIgnored,
    /// The client ignores one entry.
    EntryIgnored,
    /// The client ignores one key.
    KeyIgnored,
}

/// A mistake in a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it costs.
    pub effect: Effect,
    /// The key and what is wrong with it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.effect {
            Effect::FileIgnored => "the client ignores the whole file: ",
            Effect::EntryIgnored => "the client ignores one entry: ",
            Effect::KeyIgnored => "the client ignores one key: ",
        })?;
        f.write_str(&self.what)
    }
}

/// What the client takes from a settings file. Nothing of it where the file is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Every hook, in the order of the file.
    pub entries: Vec<Entry>,
    /// `env`, where the values are texts or numbers.
    pub env: BTreeMap<String, String>,
    /// `disableAllHooks`, where it is set.
    pub disable_all_hooks: Option<bool>,
    /// `allowManagedHooksOnly`; it counts in managed settings alone.
    pub allow_managed_hooks_only: bool,
    /// All mistakes.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Returns why the client ignores the whole file, where it does.
    #[must_use]
    pub fn ignored(&self) -> Option<&str> {
        self.problems.iter().find(|p| p.effect == Effect::FileIgnored).map(|p| p.what.as_str())
    }
}

/// Reads a settings file as the client does.
#[must_use]
pub fn load(bytes: &[u8]) -> Loaded {
    let text = String::from_utf8_lossy(bytes);
    let mut loader = Loader { text: &text, loaded: Loaded::default() };
    match json::parse(&text) {
        Ok(root) => loader.root(&root),
        Err(error) => loader.file(format!("not JSON, {error}")),
    }
    let loaded = loader.loaded;
    if loaded.ignored().is_some() {
        return Loaded { problems: loaded.problems, ..Loaded::default() };
    }
    loaded
}

struct Loader<'a> {
    text: &'a str,
    loaded: Loaded,
}

impl Loader<'_> {
    fn problem(&mut self, effect: Effect, what: String) {
        self.loaded.problems.push(Problem { effect, what });
    }

    fn file(&mut self, what: String) {
        self.problem(Effect::FileIgnored, what);
    }

    fn root(&mut self, root: &Node) {
        if root.members().is_none() {
            return self.file(format!("it holds {}, not an object", root.name()));
        }
        for (key, wanted, fits) in FIELDS {
            if let Some(value) = root.get(key)
                && !fits(value)
            {
                self.file(format!("`{key}` is {}, not {wanted}", value.name()));
            }
        }
        if let Some(permissions) = root.get("permissions") {
            for key in ["allow", "deny", "ask", "additionalDirectories"] {
                if let Some(value) = permissions.get(key)
                    && !is_texts(value)
                {
                    self.file(format!("`permissions.{key}` is {}, not a list of texts", value.name()));
                }
            }
        }
        self.loaded.disable_all_hooks = root.get("disableAllHooks").and_then(Node::as_bool);
        self.loaded.allow_managed_hooks_only =
            root.get("allowManagedHooksOnly").and_then(Node::as_bool).unwrap_or(false);
        for member in last_of_each(root.get("env").and_then(Node::members)) {
            match &member.value.kind {
                Kind::String(value) => self.loaded.env.insert(member.key.clone(), value.clone()),
                Kind::Number => self
                    .loaded
                    .env
                    .insert(member.key.clone(), self.text[member.value.span.clone()].to_owned()),
                _ => continue,
            };
        }
        for member in last_of_each(root.get("hooks").and_then(Node::members)) {
            self.event(&member.key, &member.value);
        }
    }

    fn event(&mut self, event: &str, groups: &Node) {
        if !EVENTS.contains(&event) {
            return self.problem(Effect::KeyIgnored, format!("`hooks.{event}` is no event"));
        }
        let bad = if STRICT.contains(&event) { Effect::FileIgnored } else { Effect::EntryIgnored };
        let Some(groups) = groups.elements() else {
            return self.problem(bad, format!("`hooks.{event}` is {}, not a list", groups.name()));
        };
        for (index, group) in groups.iter().enumerate() {
            match self.group(event, group) {
                Ok(entries) => self.loaded.entries.extend(entries),
                Err(what) => self.problem(bad, format!("`hooks.{event}[{index}]{what}")),
            }
        }
    }

    /// Returns the hooks of one group, or what is wrong after its name.
    fn group(&self, event: &str, group: &Node) -> Result<Vec<Entry>, String> {
        if group.members().is_none() {
            return Err(format!("` is {}, not an object", group.name()));
        }
        let matcher = match group.get("matcher") {
            None => None,
            Some(Node { kind: Kind::String(matcher), .. }) => Some(matcher.clone()),
            Some(other) => return Err(format!(".matcher` is {}, not a text", other.name())),
        };
        let hooks = match group.get("hooks") {
            None => return Err("` has no `hooks` list".into()),
            Some(hooks) => {
                hooks.elements().ok_or_else(|| format!(".hooks` is {}, not a list", hooks.name()))?
            }
        };
        let mut entries = Vec::with_capacity(hooks.len());
        for (index, hook) in hooks.iter().enumerate() {
            self.hook(hook).map_err(|what| format!(".hooks[{index}]{what}"))?;
            entries.push(Entry {
                event: event.to_owned(),
                matcher: matcher.clone(),
                hook: hook.value(self.text),
            });
        }
        Ok(entries)
    }

    fn hook(&self, hook: &Node) -> Result<(), String> {
        if hook.members().is_none() {
            return Err(format!("` is {}, not an object", hook.name()));
        }
        let texts: &[&str] = match hook.get("type").and_then(Node::as_str) {
            Some("command") => &["command"],
            Some("prompt" | "agent") => &["prompt"],
            Some("http") => &["url"],
            Some("mcp_tool") => &["server", "tool"],
            Some(other) => return Err(format!(".type` is `{other}`, which is no type of hook")),
            None => return Err("` has no `type`".into()),
        };
        for key in texts {
            if hook.get(key).and_then(Node::as_str).is_none() {
                return Err(format!(".{key}` is missing or not a text"));
            }
        }
        if let Some(timeout) = hook.get("timeout")
            && !timeout.as_f64(self.text).is_some_and(|seconds| seconds > 0.0)
        {
            return Err(".timeout` is not a number greater than 0".into());
        }
        if let Some(policy) = hook.get("onFailure")
            && !matches!(policy.as_str(), Some("continue" | "block"))
        {
            return Err(".onFailure` is neither `continue` nor `block`".into());
        }
        if let Some(args) = hook.get("args")
            && !is_texts(args)
        {
            return Err(".args` is not a list of texts".into());
        }
        for key in ["async", "asyncRewake", "once"] {
            if hook.get(key).is_some_and(|value| value.as_bool().is_none()) {
                return Err(format!(".{key}` is not a boolean"));
            }
        }
        for key in ["if", "shell", "statusMessage"] {
            if hook.get(key).is_some_and(|value| value.as_str().is_none()) {
                return Err(format!(".{key}` is not a text"));
            }
        }
        Ok(())
    }
}

/// The keys whose wrong type costs the whole file, as far as they are known for sure.
const FIELDS: [(&str, &str, fn(&Node) -> bool); 6] = [
    ("hooks", "an object", is_object),
    ("env", "an object", is_object),
    ("permissions", "an object", is_object),
    ("disableAllHooks", "a boolean", |node| node.as_bool().is_some()),
    ("allowManagedHooksOnly", "a boolean", |node| node.as_bool().is_some()),
    ("model", "a text", |node| node.as_str().is_some()),
];

fn is_object(node: &Node) -> bool {
    node.members().is_some()
}

fn is_texts(node: &Node) -> bool {
    node.elements().is_some_and(|elements| elements.iter().all(|e| e.as_str().is_some()))
}

/// Returns the members that count: of equal keys the last.
fn last_of_each(members: Option<&[Member]>) -> impl Iterator<Item = &Member> {
    let members = members.unwrap_or_default();
    let shadowed = |at: usize| members[at + 1..].iter().any(|later| later.key == members[at].key);
    members.iter().enumerate().filter(move |(at, _)| !shadowed(*at)).map(|(_, member)| member)
}
