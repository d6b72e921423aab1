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
    let load = |file: &SettingsFile| read(&file.path).map(|bytes| load(&bytes, file.scope));
    let session = Loads { records, files: files.iter().map(|file| (file, load(file))).collect() };
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

/// What the client takes from each file of a session, in the order in which it adds them up.
struct Loads<'a> {
    records: &'a [Record],
    files: Vec<(&'a SettingsFile, Option<Loaded>)>,
}

impl Loads<'_> {
    fn losses(&self, record: &Record, cover: &[&Entry]) -> Vec<String> {
        let path = record.target.display();
        let Some((_, loaded)) = self.files.iter().find(|(file, _)| file.path == record.target) else {
            return match record.scope {
                // Another project's file, which this session does not read.
                Scope::Project | Scope::Local => Vec::new(),
                Scope::User | Scope::Managed => vec![format!("{path} is not among the settings files")],
            };
        };
        let lost = |entries: &[Entry]| {
            if entries.is_empty() {
                return Vec::new();
            }
            let Some(loaded) = loaded else { return vec![format!("{path} is gone")] };
            if let Some(problem) = loaded.ignored() {
                return vec![format!("{path}: {problem}")];
            }
            let off = self.switched_off(record);
            let one = |entry: &Entry| {
                let name = describe(entry);
                if let Some(how) = missing(entry, loaded) {
                    return Some(format!("{name} {how} in {path}"));
                }
                if let Some(switch) = off.as_ref().filter(|_| !covered(entry, cover)) {
                    return Some(format!("{name} does not run: {switch}"));
                }
                let by = self.replaced(entry, record.scope)?;
                Some(format!("{name} is replaced by an entry with the same command in {}", by.display()))
            };
            entries.iter().filter_map(one).collect()
        };
        let losses = lost(&record.entries);
        match &record.next {
            Some(next) if lost(next).is_empty() => Vec::new(),
            _ => losses,
        }
    }

    /// Returns the files of one side, managed or the user's, that are there.
    fn side(&self, managed: bool) -> impl Iterator<Item = (&SettingsFile, &Loaded)> {
        let there = self.files.iter().filter_map(|(file, loaded)| Some((*file, loaded.as_ref()?)));
        there.filter(move |(file, _)| (file.scope == Scope::Managed) == managed)
    }

    /// Returns which setting turns the hooks of a record's file off.
    fn switched_off(&self, record: &Record) -> Option<String> {
        let tell = |file: &SettingsFile, key| format!("{} sets `{key}`", file.path.display());
        // Of managed files the last one that has an opinion decides.
        let managed = |opinion: fn(&Loaded) -> Option<bool>, key| {
            let (file, loaded) = self.side(true).filter(|(_, l)| opinion(l).is_some()).last()?;
            (opinion(loaded) == Some(true)).then(|| tell(file, key))
        };
        if let Some(off) = managed(|l| l.disable_all_hooks, "disableAllHooks") {
            return Some(off);
        }
        if record.scope == Scope::Managed {
            return None;
        }
        if let Some(off) = managed(|l| l.allow_managed_hooks_only, "allowManagedHooksOnly") {
            return Some(off);
        }
        // Local decides before project, project before user; each project directory by itself.
        let decides = |scope: Scope, dir: Option<&Path>| {
            self.side(false).find(|(file, loaded)| {
                let here = dir.is_none() || file.path.parent() == dir;
                file.scope == scope && here && loaded.disable_all_hooks.is_some()
            })
        };
        let own = record.target.parent();
        let user = || decides(Scope::User, own.filter(|_| record.scope == Scope::User));
        let dirs: Vec<Option<&Path>> = match record.scope {
            Scope::User => {
                // The empty path stands for a session outside every project.
                let projects = self.side(false).filter(|(file, _)| file.scope != Scope::User);
                projects.map(|(file, _)| file.path.parent()).chain([Some(Path::new(""))]).collect()
            }
            _ => vec![own],
        };
        dirs.into_iter().find_map(|dir| {
            let decided = decides(Scope::Local, dir).or_else(|| decides(Scope::Project, dir)).or_else(user);
            let (file, _) = decided.filter(|(_, loaded)| loaded.disable_all_hooks == Some(true))?;
            Some(tell(file, "disableAllHooks"))
        })
    }

    /// Returns the file whose entry the client runs in place of this one.
    ///
    /// Of entries with the same command and arguments on one event the client runs only the last,
    /// managed and user-side entries apart. One that is asynchronous, say, disarms the guard.
    fn replaced(&self, entry: &Entry, scope: Scope) -> Option<&Path> {
        let condition = |e: &Entry| e.hook.get("if").and_then(|v| v.as_str()).unwrap_or("").to_owned();
        let rival = |other: &&Entry| {
            let same_key = |key| entry.hook.get(key) == other.hook.get(key);
            other.event == entry.event
                && same_key("command")
                && same_key("args")
                && condition(other) == condition(entry)
        };
        let ours = |other: &Entry| {
            let mut recorded =
                self.records.iter().flat_map(|r| r.entries.iter().chain(r.next.iter().flatten()));
            recorded.any(|e| e.event == other.event && super::same(&e.hook, &other.hook))
        };
        let mut replaced = None;
        for (file, loaded) in self.side(scope == Scope::Managed) {
            for other in loaded.entries.iter().filter(rival) {
                if super::same(&other.hook, &entry.hook) {
                    replaced = None;
                } else if !ours(other) {
                    replaced = Some(file.path.as_path());
                }
            }
        }
        replaced
    }
}

/// Returns the name of the program that an entry starts.
fn name(entry: &Entry) -> Option<&str> {
    entry.own_program().or_else(|| entry.program_name())
}

fn describe(entry: &Entry) -> String {
    format!("`{}` on `{}`", name(entry).unwrap_or("the hook"), entry.event)
}

/// Says how an entry is not in a file, if it is not.
fn missing(entry: &Entry, loaded: &Loaded) -> Option<&'static str> {
    if loaded.entries.iter().any(|other| other.same(entry)) {
        return None;
    }
    let similar = |other: &Entry| other.event == entry.event && name(other) == name(entry);
    Some(if loaded.entries.iter().any(similar) { "is changed" } else { "is missing" })
}

fn covered(entry: &Entry, cover: &[&Entry]) -> bool {
    cover.iter().any(|other| {
        other.event == entry.event && other.matcher == entry.matcher && name(other) == name(entry)
    })
}
