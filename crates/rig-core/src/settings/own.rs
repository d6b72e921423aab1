//! Which hooks run a program of the rig, whoever put them there.

use std::path::Path;

use serde_json::Value;

use super::{Entry, RECORD_VERSION, Record, Scope, SettingsFile, Undo, load};

/// The rig's programs, and the names under which they are linked.
pub const PROGRAMS: [&str; 10] = [
    "rig-guard",
    "rig-prime",
    "rig-report",
    "rig-hooks-sync",
    "rig-escalate",
    "rig-conductor",
    "conductor-e-prime",
    "conductor-e-hook",
    "conductor-e-hook.sh",
    "pretool-guard",
];

/// How further names of hooks begin that report to the coordinator.
const BEGINNING: &str = "conductor-e-";

impl Entry {
    /// Returns the name of the rig's program that the hook runs. Its command may name it by a path
    /// or barely, with arguments, in quotes, and behind variables or other programs.
    #[must_use]
    pub fn own_program(&self) -> Option<&str> {
        let args = self.hook.get("args").and_then(Value::as_array);
        let texts = self.hook.get("command").into_iter().chain(args.into_iter().flatten());
        texts.filter_map(Value::as_str).find_map(own_name)
    }
}

/// Finds the name of a program of the rig among the words of a command.
fn own_name(command: &str) -> Option<&str> {
    let parts = command.split(|c: char| c.is_whitespace() || "'\"`;|&()<>={}".contains(c));
    parts.filter(|part| !part.starts_with('-')).find_map(|part| {
        let name = part.rsplit(['/', '\\']).next().unwrap_or(part);
        let plain = name.strip_suffix(".exe").unwrap_or(name);
        (PROGRAMS.contains(&plain) || plain.starts_with(BEGINNING)).then_some(plain)
    })
}

/// Returns the entries of a settings file that run a program of the rig, as far as the client reads it.
#[must_use]
pub fn own_entries(bytes: &[u8], scope: Scope) -> Vec<Entry> {
    let mut entries = load(bytes, scope).entries;
    entries.retain(|entry| entry.own_program().is_some());
    entries
}

/// Returns what records would say of the settings files that have none: that the rig's entries which
/// stand in them must be in force. Somebody wrote them by hand, or another installer did.
#[must_use]
pub fn standing(
    records: &[Record],
    files: &[SettingsFile],
    read: impl Fn(&Path) -> Option<Vec<u8>>,
) -> Vec<Record> {
    let unrecorded = files.iter().filter(|file| !records.iter().any(|record| record.target == file.path));
    let of_file = |file: &SettingsFile| {
        let entries = own_entries(&read(&file.path)?, file.scope);
        let record = Record {
            version: RECORD_VERSION,
            target: file.path.clone(),
            scope: file.scope,
            role: None,
            bin: Path::new("").into(),
            entries,
            next: None,
            env: [].into(),
            undo: Undo::default(),
        };
        (!record.entries.is_empty()).then_some(record)
    };
    unrecorded.filter_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::losses;
    use super::*;

    fn entry(hook: Value) -> Entry {
        Entry { event: "PreToolUse".into(), matcher: None, hook }
    }

    #[test]
    fn a_hook_is_the_rigs_by_the_name_of_what_it_runs() {
        for (command, expected) in [
            ("rig-guard hook", Some("rig-guard")),
            ("/opt/rig/bin/rig-guard", Some("rig-guard")),
            ("~/.local/bin/rig-report hook --config ~/c.json", Some("rig-report")),
            ("\"$HOME/.local/bin/rig-prime\" hook", Some("rig-prime")),
            ("'/opt/my rig/rig-guard' hook", Some("rig-guard")),
            ("${RIG_BIN:-/opt/rig/bin}/rig-guard hook", Some("rig-guard")),
            ("env X=Y rig-guard hook", Some("rig-guard")),
            ("X=Y exec rig-escalate P2 x", Some("rig-escalate")),
            ("cd /tmp&&rig-guard hook||exit 2", Some("rig-guard")),
            ("bash -c 'timeout 5 rig-guard hook'", Some("rig-guard")),
            ("[ -x $(command -v rig-guard) ] || exit 2", Some("rig-guard")),
            ("conductor-e-hook.sh Stop", Some("conductor-e-hook.sh")),
            ("~/bin/conductor-e-heartbeat", Some("conductor-e-heartbeat")),
            (r"C:\rig\bin\rig-guard.exe hook", Some("rig-guard")),
            ("pretool-guard", Some("pretool-guard")),
            ("rig", None),
            ("rig-guards hook", None),
            ("my-rig-guard hook", None),
            ("cat /opt/rig-guard/notes", None),
            ("tail ~/.local/state/rig/log/rig-guard.jsonl", None),
            ("prettier --plugin=rig", None),
            ("", None),
        ] {
            let hook = entry(json!({"type": "command", "command": command}));
            assert_eq!(hook.own_program(), expected, "{command}");
        }
        let by_args = entry(json!({"type": "command", "command": "bash", "args": ["-c", "rig-guard hook"]}));
        assert_eq!(by_args.own_program(), Some("rig-guard"));
        assert_eq!(entry(json!({"type": "prompt", "prompt": "rig-guard"})).own_program(), None);
    }

    #[test]
    fn entries_without_a_record_are_lost_as_those_with_one_are() {
        let hook = |command: &str| json!({"hooks": [{"type": "command", "command": command, "timeout": 5}]});
        let now = json!({"hooks": {
            "PreToolUse": [hook("rig-guard hook"), hook("prettier")],
            "Stop": [hook("env A=b /x/rig-report hook")],
        }});
        let file = SettingsFile { scope: Scope::User, path: "/h/.claude/settings.json".into() };
        let local = SettingsFile { scope: Scope::Local, path: "/w/.claude/settings.local.json".into() };
        let files = [file, local];
        let on_disk = |path: &Path| path.starts_with("/h").then(|| now.to_string().into_bytes());
        let records = standing(&[], &files, on_disk);
        let targets: Vec<_> = records.iter().map(|r| (r.scope, r.entries.len())).collect();
        assert_eq!(targets, [(Scope::User, 2)]);
        assert_eq!(standing(&records, &files, on_disk), []);
        let off = r#"{"disableAllHooks": true}"#;
        for (user, project, expected) in [
            (now.to_string(), "{}", &[][..]),
            (
                now.to_string().replace("prettier", "eslint").replace("rig-guard hook", "rig-guard hook -x"),
                "{}",
                &["`rig-guard` on `PreToolUse` is changed in /h/.claude/settings.json"],
            ),
            (
                json!({"hooks": {"Stop": [hook("rig-guard hook")]}}).to_string(),
                "{}",
                &[
                    "`rig-guard` on `PreToolUse` is missing in /h/.claude/settings.json",
                    "`rig-report` on `Stop` is missing in /h/.claude/settings.json",
                ],
            ),
            (
                now.to_string(),
                off,
                &[
                    "`rig-guard` on `PreToolUse` does not run: /w/.claude/settings.local.json sets `disableAllHooks`",
                    "`rig-report` on `Stop` does not run: /w/.claude/settings.local.json sets `disableAllHooks`",
                ],
            ),
        ] {
            let read = |path: &Path| {
                Some(if path.starts_with("/h") { user.clone() } else { project.to_owned() }.into_bytes())
            };
            assert_eq!(losses(&records, &files, read), expected, "{user}");
        }
    }
}
