//! Which settings files a session has, and whether what was recorded is in force in them.

use std::path::{Path, PathBuf};

use super::{Entry, Loaded, Record, Scope, load};
use crate::env::Environment;
use crate::paths::Paths;

/// The directory of the machine's managed settings.
pub const MANAGED_DIR: &str = "/etc/claude-code";

/// A settings file of a session. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFile {
    /// Whose settings they are.
    pub scope: Scope,
    /// The file.
    pub path: PathBuf,
}

/// Where a session's settings files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The directories of user settings: `~/.claude`, and `CLAUDE_CONFIG_DIR` where that is set.
    /// A repository can set the variable, so it adds a directory and never takes one away.
    pub user: Vec<PathBuf>,
    /// The directories whose `.claude` holds project and local settings: `CLAUDE_PROJECT_DIR`
    /// and the session's current directory.
    pub projects: Vec<PathBuf>,
    /// The directory of managed settings, [`MANAGED_DIR`].
    pub managed: PathBuf,
}

impl Session {
    /// Returns the places of a session that is in a directory.
    #[must_use]
    pub fn of(env: &Environment, paths: &Paths, cwd: &Path) -> Self {
        let mut user: Vec<PathBuf> = paths.home.iter().map(|home| home.join(".claude")).collect();
        push(&mut user, env.get_path("CLAUDE_CONFIG_DIR"));
        let mut projects = Vec::new();
        for dir in [env.get_path("CLAUDE_PROJECT_DIR"), Some(cwd.to_owned())].into_iter().flatten() {
            // A record names the real directory; a session may name a link to it.
            push(&mut projects, std::fs::canonicalize(&dir).ok());
            push(&mut projects, Some(dir));
        }
        Self { user, projects, managed: MANAGED_DIR.into() }
    }

    /// Returns the session's settings files, and the user and managed files that records name.
    /// Files that do not exist are listed too, but for drop-ins of managed settings.
    #[must_use]
    pub fn files(&self, records: &[Record]) -> Vec<SettingsFile> {
        let mut files: Vec<SettingsFile> = Vec::new();
        let mut add = |scope, path: PathBuf| {
            if !files.iter().any(|file| file.path == path) {
                files.push(SettingsFile { scope, path });
            }
        };
        add(Scope::Managed, self.managed.join("managed-settings.json"));
        for path in drop_ins(&self.managed.join("managed-settings.d")) {
            add(Scope::Managed, path);
        }
        for dir in &self.user {
            add(Scope::User, dir.join("settings.json"));
        }
        for record in records.iter().filter(|r| matches!(r.scope, Scope::Managed | Scope::User)) {
            add(record.scope, record.target.clone());
        }
        for dir in &self.projects {
            add(Scope::Project, dir.join(".claude/settings.json"));
            add(Scope::Local, dir.join(".claude/settings.local.json"));
        }
        files
    }
}

fn push(list: &mut Vec<PathBuf>, path: Option<PathBuf>) {
    list.extend(path.filter(|path| !list.contains(path)));
}

fn drop_ins(dir: &Path) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = listing.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    paths
}

/// Says in plain words what of the records is not in force, given the contents of a session's
/// settings files; an empty list means that everything is. `read` gives a file's bytes, and none
/// where there is no file; it is asked once for each file.
///
/// Records of user and managed settings always count, those of a project where its files belong
/// to the session. A user-side entry that the settings switch off counts as in force where a
/// managed record has the same program on the same event.
#[must_use]
pub fn losses(
    records: &[Record],
    files: &[SettingsFile],
    read: impl Fn(&Path) -> Option<Vec<u8>>,
) -> Vec<String> {
    let session = Files(
        files.iter().map(|file| (file, read(&file.path).map(|bytes| load(&bytes)))).collect::<Vec<_>>(),
    );
    let (managed, others): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.scope == Scope::Managed);
    let mut found = Vec::new();
    let mut cover: Vec<&Entry> = Vec::new();
    for record in managed {
        let losses = session.losses(record, &[]);
        if losses.is_empty() {
            cover.extend(&record.entries);
        }
        found.extend(losses);
    }
    for record in others {
        found.extend(session.losses(record, &cover));
    }
    found
}

struct Files<'a>(Vec<(&'a SettingsFile, Option<Loaded>)>);

impl Files<'_> {
    fn losses(&self, record: &Record, cover: &[&Entry]) -> Vec<String> {
        let path = record.target.display();
        let target = self.0.iter().find(|(file, _)| file.path == record.target);
        let Some((_, loaded)) = target else {
            return match record.scope {
                // Another project's file, which this session does not read.
                Scope::Project | Scope::Local => Vec::new(),
                Scope::User | Scope::Managed => vec![format!("{path} is not among the settings files")],
            };
        };
        let wanted = |entries: &[Entry]| {
            if entries.is_empty() {
                return Vec::new();
            }
            let Some(loaded) = loaded else { return vec![format!("{path} is gone")] };
            if let Some(why) = loaded.ignored() {
                return vec![match record.scope {
                    Scope::Managed => format!("the client does not start or ignores {path}: {why}"),
                    _ => format!("the client ignores {path}: {why}"),
                }];
            }
            let missing = |entry: &Entry| missing(entry, loaded).map(|how| format!("{how} in {path}"));
            let mut losses: Vec<String> = entries.iter().filter_map(missing).collect();
            if let Some(switch) = self.switched_off(record) {
                let off = entries.iter().filter(|entry| !covered(entry, cover));
                losses.extend(off.map(|entry| format!("{} does not run: {switch}", describe(entry))));
            }
            losses
        };
        let losses = wanted(&record.entries);
        match &record.next {
            Some(next) if wanted(next).is_empty() => Vec::new(),
            _ => losses,
        }
    }

    /// Returns which setting turns the hooks of a record's file off.
    fn switched_off(&self, record: &Record) -> Option<String> {
        let loaded = || self.0.iter().filter_map(|(file, loaded)| Some((*file, loaded.as_ref()?)));
        let managed = || loaded().filter(|(file, _)| file.scope == Scope::Managed);
        let disabled = |file: &SettingsFile| format!("{} sets `disableAllHooks`", file.path.display());
        if let Some((file, _)) = managed().find(|(_, l)| l.disable_all_hooks == Some(true)) {
            return Some(disabled(file));
        }
        if record.scope == Scope::Managed {
            return None;
        }
        if let Some((file, _)) = managed().find(|(_, l)| l.allow_managed_hooks_only) {
            return Some(format!("{} sets `allowManagedHooksOnly`", file.path.display()));
        }
        // Local decides before project, project before user; each project directory by itself.
        let decides = |scope: Scope, dir: Option<&Path>| {
            loaded().find(|(file, l)| {
                file.scope == scope && file.path.parent() == dir && l.disable_all_hooks.is_some()
            })
        };
        let user = || {
            let own = (record.scope == Scope::User).then(|| record.target.parent()).flatten();
            let mut files = loaded().filter(|(file, l)| {
                file.scope == Scope::User
                    && (own.is_none() || file.path.parent() == own)
                    && l.disable_all_hooks.is_some()
            });
            files.next()
        };
        let mut dirs: Vec<Option<&Path>> = loaded()
            .filter(|(file, _)| matches!(file.scope, Scope::Project | Scope::Local))
            .map(|(file, _)| file.path.parent())
            .collect();
        match record.scope {
            Scope::User => dirs.push(None),
            _ => dirs = vec![record.target.parent()],
        }
        dirs.into_iter().find_map(|dir| {
            let decided = decides(Scope::Local, dir).or_else(|| decides(Scope::Project, dir)).or_else(user);
            decided.filter(|(_, l)| l.disable_all_hooks == Some(true)).map(|(file, _)| disabled(file))
        })
    }
}

fn describe(entry: &Entry) -> String {
    format!("`{}` on `{}`", entry.program_name().unwrap_or("the hook"), entry.event)
}

/// Says how an entry is not in a file, if it is not.
fn missing(entry: &Entry, loaded: &Loaded) -> Option<String> {
    if loaded.entries.iter().any(|other| other.same(entry)) {
        return None;
    }
    let similar = |other: &&Entry| other.event == entry.event && other.program_name() == entry.program_name();
    let how = if loaded.entries.iter().any(|other| similar(&other)) { "is changed" } else { "is missing" };
    Some(format!("{} {how}", describe(entry)))
}

fn covered(entry: &Entry, cover: &[&Entry]) -> bool {
    cover.iter().any(|other| {
        other.event == entry.event
            && other.matcher == entry.matcher
            && other.program_name() == entry.program_name()
    })
}
