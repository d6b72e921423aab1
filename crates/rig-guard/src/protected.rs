//! Which files keep the guard in force: the rig's own, and Claude's settings.

use rig_core::settings::PROGRAMS;

use crate::rules::pattern::{self, Pattern, Piece};

/// The settings files in a `.claude` directory.
pub(crate) const SETTINGS: [&str; 2] = ["settings.json", "settings.local.json"];

/// Names of other files of the rig, and of directories that they are in, or names like theirs.
const OTHERS: [&str; 23] = [
    "config.json",
    "guard.json",
    "user.json",
    "port.json",
    "hooks-base.json",
    "x.jsonl",
    "x.jsonl.1",
    "x.receipts",
    "x.guard",
    "x.lock",
    "x.sqlite",
    "lock",
    "rig",
    "rig-tools",
    "hooks",
    "log",
    "spool",
    "sessions",
    "state",
    "share",
    ".config",
    ".local",
    ".claude",
];

/// Absolute paths of what keeps the guard in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Directories in which nothing may be changed, and files.
    pub trees: Vec<String>,
    /// Directories of the rig's programs, in which other files are ordinary.
    pub bins: Vec<String>,
    /// Settings files with entries of the rig in them.
    pub recorded: Vec<String>,
    /// The `.claude` directories of the session.
    pub claude: Vec<String>,
    /// A settings file of the session without entries of the rig could switch them off.
    pub switched: bool,
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// One of the rig's own files.
    Rig(String),
    /// A settings file of the session.
    Settings {
        /// Its path.
        path: String,
        /// It has entries of the rig in it.
        recorded: bool,
    },
}

impl Protected {
    /// Says what a path is that is known as a whole.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Owned> {
        self.find(&Pattern::Path(path.to_owned()), false)
    }

    /// Says whether a path has a name that settings files have.
    #[must_use]
    pub fn is_settings_name(path: &str) -> bool {
        SETTINGS.contains(&path.rsplit('/').next().unwrap_or(path))
    }

    /// Returns the path of one of the rig's programs.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<String> {
        let bin = self.bins.first().filter(|_| PROGRAMS.contains(&name))?;
        Some(format!("{bin}/{name}"))
    }

    /// Says whether a pattern of `find` fits a name that one of these files or their directories may have.
    pub(crate) fn may_be_own_name(name: &str) -> bool {
        let piece = |c: char| match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            c => Piece::Char(c),
        };
        let pattern: Vec<Piece> = name.to_ascii_lowercase().chars().map(piece).collect();
        // What stands in a `[...]` is not looked at.
        let open = name.contains('[');
        let fits = |own: &str| {
            let own = own.to_ascii_lowercase();
            let own = own.strip_prefix('.').filter(|_| !name.starts_with('.')).unwrap_or(&own);
            pattern::matches(&pattern, own)
        };
        open || PROGRAMS.iter().chain(&SETTINGS).chain(&OTHERS).any(|own| fits(own))
    }

    /// Says whether a path that begins like this may be one of these files, or above or below one.
    pub(crate) fn is_near(&self, start: &str) -> bool {
        let mut all = [&self.trees, &self.bins, &self.recorded, &self.claude].into_iter().flatten();
        all.any(|path| path.starts_with(start) || start.starts_with(path.as_str()))
    }

    /// Says what a path or a pattern is, or matches. With `below` the files below it count too, as
    /// for a directory that is moved away.
    pub(crate) fn find(&self, pattern: &Pattern, below: bool) -> Option<Owned> {
        let hits = |path: &str| pattern.matches(path) || below && pattern.is_above(path);
        let recorded = self.recorded.iter().find(|path| hits(path));
        if let Some(path) = recorded {
            return Some(Owned::Settings { path: path.clone(), recorded: true });
        }
        if let Some(tree) = self.trees.iter().find(|tree| hits(tree) || pattern.is_below(tree)) {
            return Some(Owned::Rig(tree.clone()));
        }
        let bins = self.bins.iter().filter(|bin| pattern.is_below(bin) || below && hits(bin));
        let mut programs = bins.flat_map(|bin| PROGRAMS.iter().map(move |name| format!("{bin}/{name}")));
        if let Some(program) = programs.find(|path| hits(path)) {
            return Some(Owned::Rig(program));
        }
        if !self.switched {
            return None;
        }
        let dirs = self.claude.iter().filter(|dir| pattern.is_below(dir) || below && hits(dir));
        let path =
            dirs.flat_map(|dir| SETTINGS.map(|name| format!("{dir}/{name}"))).find(|path| hits(path))?;
        Some(Owned::Settings { path, recorded: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let protected = Protected {
            trees: vec!["/h/.config/rig".into(), "/etc/claude-code".into()],
            bins: vec!["/h/.local/bin".into()],
            recorded: vec!["/h/.claude/settings.json".into()],
            claude: vec!["/h/.claude".into(), "/w/.claude".into()],
            switched: true,
        };
        let rig = |path: &str| Some(Owned::Rig(path.into()));
        let settings = |path: &str, recorded| Some(Owned::Settings { path: path.into(), recorded });
        for (path, below, expected) in [
            ("/h/.claude/settings.json", false, settings("/h/.claude/settings.json", true)),
            ("/h/.claude", false, None),
            ("/h/.claude", true, settings("/h/.claude/settings.json", true)),
            ("/h", true, settings("/h/.claude/settings.json", true)),
            ("/w/.claude/settings.local.json", false, settings("/w/.claude/settings.local.json", false)),
            ("/w/.claude/agents/a.md", true, None),
            ("/x/.claude/settings.json", false, None),
            ("/h/.config/rig/config.json", false, rig("/h/.config/rig")),
            ("/h/.config/rig", false, rig("/h/.config/rig")),
            ("/h/.config", true, rig("/h/.config/rig")),
            ("/h/.config/rigid", true, None),
            ("/h/.local/bin/rig-guard", false, rig("/h/.local/bin/rig-guard")),
            ("/h/.local/bin/other", false, None),
            ("/h/.local/bin", true, rig("/h/.local/bin/rig-guard")),
            ("/w/target/rig-guard", false, None),
        ] {
            assert_eq!(protected.find(&Pattern::Path(path.to_owned()), below), expected, "{path} {below}");
        }
        let managed = Protected { switched: false, ..protected };
        assert_eq!(managed.file("/w/.claude/settings.json"), None);
    }
}
