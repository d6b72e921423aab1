//! The client's rules for what of a settings file counts.
//!
//! They are unforgiving and silent: one bad entry under `PreToolUse` makes the client ignore the
//! whole file, and nothing on the screen says so. All of them were observed with client 2.1.330.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::json::{self, Kind, Member, Node};
use super::{Entry, Scope, fields};

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

/// The events under which one bad entry costs the whole file.
const STRICT: [&str; 2] = ["PreToolUse", "PermissionRequest"];

/// What a mistake in a settings file costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The client does not start: managed settings alone.
    NoStart,
    /// The client ignores the whole file.
    FileIgnored,
    /// The client ignores one hook, or one matcher with its hooks.
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
            Effect::NoStart => "the client does not start: ",
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
    /// `allowManagedHooksOnly`, where it is set; it counts in managed settings alone.
    pub allow_managed_hooks_only: Option<bool>,
    /// All mistakes.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Returns the mistake for which nothing of the file counts, where there is one.
    #[must_use]
    pub fn ignored(&self) -> Option<&Problem> {
        self.problems.iter().find(|p| matches!(p.effect, Effect::NoStart | Effect::FileIgnored))
    }
}

/// Reads a settings file as the client does. An empty file is a file without settings.
#[must_use]
pub fn load(bytes: &[u8], scope: Scope) -> Loaded {
    let text = String::from_utf8_lossy(bytes);
    let mut loader = Loader { text: &text, scope, loaded: Loaded::default() };
    if !text.trim_start_matches('\u{feff}').trim_ascii().is_empty() {
        match json::parse(&text) {
            Ok(root) => loader.root(&root),
            Err(error) => loader.file(format!("not JSON, {error}")),
        }
    }
    let loaded = loader.loaded;
    if loaded.ignored().is_some() {
        return Loaded { problems: loaded.problems, ..Loaded::default() };
    }
    loaded
}

struct Loader<'a> {
    text: &'a str,
    scope: Scope,
    loaded: Loaded,
}

impl Loader<'_> {
    fn problem(&mut self, effect: Effect, what: String) {
        self.loaded.problems.push(Problem { effect, what });
    }

    fn file(&mut self, what: String) {
        let managed = self.scope == Scope::Managed;
        self.problem(if managed { Effect::NoStart } else { Effect::FileIgnored }, what);
    }

    fn root(&mut self, root: &Node) {
        let Some(members) = root.members() else {
            return self.file(format!("it holds {}, not an object", root.name()));
        };
        for member in last_of_each(members) {
            if let Some(wanted) = fields::misfit(&member.key, &member.value) {
                self.field(&member.key, &member.value, wanted);
            }
        }
        if let Some((key, value)) = root.get("permissions").and_then(fields::permission_misfit) {
            self.field(&format!("permissions.{key}"), value, "a list");
        }
        self.loaded.disable_all_hooks = root.get("disableAllHooks").and_then(Node::as_bool);
        self.loaded.allow_managed_hooks_only = root.get("allowManagedHooksOnly").and_then(Node::as_bool);
        for member in last_of_each(root.get("env").and_then(Node::members).unwrap_or_default()) {
            let value = match &member.value.kind {
                Kind::String(value) => value,
                Kind::Number => &self.text[member.value.span.clone()],
                _ => continue,
            };
            self.loaded.env.insert(member.key.clone(), value.to_owned());
        }
        match root.get("hooks") {
            None => {}
            Some(Node { kind: Kind::Object(events), .. }) => {
                last_of_each(events).for_each(|event| self.event(&event.key, &event.value));
            }
            Some(other) => {
                self.problem(Effect::KeyIgnored, format!("`hooks` is {}, not an object", other.name()));
            }
        }
    }

    /// Notes a field of the wrong type. In managed settings the rest of the file still counts.
    fn field(&mut self, key: &str, value: &Node, wanted: &str) {
        let managed = self.scope == Scope::Managed;
        let effect = if managed { Effect::KeyIgnored } else { Effect::FileIgnored };
        self.problem(effect, format!("`{key}` is {}, not {wanted}", value.name()));
    }

    fn event(&mut self, event: &str, matchers: &Node) {
        if !EVENTS.contains(&event) {
            return self.problem(Effect::KeyIgnored, format!("`hooks.{event}` is no event"));
        }
        let strict = STRICT.contains(&event);
        let Some(matchers) = matchers.elements() else {
            let what = format!("`hooks.{event}` is {}, not a list", matchers.name());
            let lost = strict && matchers.kind != Kind::Null;
            return if lost { self.file(what) } else { self.problem(Effect::KeyIgnored, what) };
        };
        for (index, matcher) in matchers.iter().enumerate() {
            let place = format!("`hooks.{event}[{index}]");
            for problem in self.matcher(event, matcher) {
                let what = format!("{place}{problem}");
                if strict { self.file(what) } else { self.problem(Effect::EntryIgnored, what) }
            }
        }
    }

    /// Takes the hooks of one matcher; returns what is wrong, to stand behind its name.
    fn matcher(&mut self, event: &str, group: &Node) -> Vec<String> {
        if group.members().is_none() {
            return vec![format!("` is {}, not an object", group.name())];
        }
        let matcher = match group.get("matcher") {
            None => None,
            Some(Node { kind: Kind::String(matcher), .. }) => Some(matcher.clone()),
            Some(other) => return vec![format!(".matcher` is {}, not a text", other.name())],
        };
        let hooks = match group.get("hooks") {
            None => return vec!["` has no `hooks` list".into()],
            Some(Node { kind: Kind::Array(hooks), .. }) => hooks,
            Some(other) => return vec![format!(".hooks` is {}, not a list", other.name())],
        };
        let mut problems = Vec::new();
        for (index, hook) in hooks.iter().enumerate() {
            match self.hook(hook) {
                Err(what) => problems.push(format!(".hooks[{index}]{what}")),
                Ok(()) => self.loaded.entries.push(Entry {
                    event: event.to_owned(),
                    matcher: matcher.clone(),
                    hook: hook.value(self.text),
                }),
            }
        }
        problems
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
        for (key, words) in [("onFailure", ["continue", "block"]), ("shell", ["bash", "powershell"])] {
            if hook.get(key).is_some_and(|value| !value.as_str().is_some_and(|word| words.contains(&word))) {
                return Err(format!(".{key}` is neither `{}` nor `{}`", words[0], words[1]));
            }
        }
        if let Some(args) = hook.get("args")
            && !args.elements().is_some_and(|args| args.iter().all(|arg| arg.as_str().is_some()))
        {
            return Err(".args` is not a list of texts".into());
        }
        for key in ["async", "asyncRewake", "once"] {
            if hook.get(key).is_some_and(|value| value.as_bool().is_none()) {
                return Err(format!(".{key}` is not a boolean"));
            }
        }
        for key in ["if", "statusMessage"] {
            if hook.get(key).is_some_and(|value| value.as_str().is_none()) {
                return Err(format!(".{key}` is not a text"));
            }
        }
        Ok(())
    }
}

/// Returns the members that count: of equal keys the last.
fn last_of_each(members: &[Member]) -> impl Iterator<Item = &Member> {
    let mut seen = BTreeSet::new();
    let mut last: Vec<&Member> = members.iter().rev().filter(|m| seen.insert(m.key.as_str())).collect();
    last.reverse();
    last.into_iter()
}
