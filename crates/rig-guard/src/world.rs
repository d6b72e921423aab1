//! What the judge has to know about the place where a command would run.
//!
//! Everything is asked for only when a rule needs it: most commands are judged without a look at
//! the file system.

mod disk;

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rig_core::env::Environment;
use rig_core::error::chain;
use rig_core::git::Repository;
use rig_core::hook::{keep_deadline, look_up};
use rig_core::paths::Paths;
use rig_core::settings::{self, MANAGED_DIR, Record, Scope, Session, SettingsFile};

use crate::policy::{self, Policy};
use crate::protected::{Protected, SETTINGS};
use crate::rules::settings::holds_hooks;
use crate::shell::absolute;

/// Where a working copy is ordinary work, unless it is the project itself.
const TEMPORARY: [&str; 3] = ["/tmp/", "/var/tmp/", "/private/tmp/"];

/// How many paths are kept with where they lead: several rules ask for the same ones.
const KEPT: usize = 16;

/// How much time of the processor one verdict may take. Without optimisation everything takes longer.
const BUDGET: Duration = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 200 });

/// Facts about the machine and the session.
pub trait World {
    /// Returns the home directory.
    fn home(&self) -> Option<&str>;

    /// Returns the top directory of the working copy that a directory is in.
    fn git_top(&self, dir: &str) -> Option<String>;

    /// Returns the workspace's top directories: the project's, and that of the working copy in
    /// which the session is.
    fn roots(&self) -> Vec<String>;

    /// Returns a path with its symbolic links followed, as far as it exists.
    fn real(&self, path: &str) -> String;

    /// Returns which files are the rig's own, and which are Claude's settings, as far as that is
    /// told by names alone.
    fn outline(&self) -> &Protected;

    /// Returns the same with symbolic links followed, and with what hooks-sync has recorded.
    fn protected(&self) -> &Protected;

    /// Says in plain words which of the rig's entries in Claude's settings would not be in force
    /// if a file had other contents: `None` for a file that is gone. Without a change it says
    /// which are not in force now.
    ///
    /// # Errors
    /// Why it cannot be told.
    fn losses(&self, change: Option<(&str, Option<&[u8]>)>) -> Result<Vec<String>, String>;

    /// Reads a whole file; `None` where there is none, or it cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// Returns what people have decided beyond the rules.
    fn policy(&self) -> &Policy;

    /// Returns the value of a variable of the process environment.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// Reads a script; `None` where there is none, it is no text, or it is too long.
    fn script(&self, path: &str) -> Option<Script> {
        let _ = path;
        None
    }

    /// Returns the names in a directory, as many as a few; none where there is none.
    fn entries(&self, dir: &str) -> Vec<String> {
        let _ = dir;
        Vec::new()
    }

    /// Returns the values of a setting of git as they hold in a directory, the last one counts.
    /// The key is in small letters.
    fn git_config(&self, dir: Option<&str>, key: &str) -> Vec<String> {
        let _ = (dir, key);
        Vec::new()
    }

    /// Returns where file systems are mounted that keep what is written to them.
    fn mounts(&self) -> &[String] {
        &[]
    }

    /// Returns the settings of git in some sections as they hold in a directory, in the order in which git
    /// reads them. The keys are in small letters.
    fn git_settings(&self, dir: Option<&str>, sections: &[&str]) -> Vec<(String, String)> {
        let _ = (dir, sections);
        Vec::new()
    }

    /// Returns the branch that is checked out in a directory, where a file says so.
    fn git_branch(&self, dir: &str) -> Option<String> {
        let _ = dir;
        None
    }

    /// Says whether the time for a verdict is used up.
    fn exhausted(&self) -> bool {
        false
    }
}

/// A script as it stands on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its text.
    pub text: String,
    /// Somebody has taken it into the repository as it is, or it came with a dependency.
    pub trusted: bool,
}

/// This machine, and a session in a directory.
pub struct System<'a> {
    env: &'a Environment,
    paths: &'a Paths,
    cwd: PathBuf,
    /// The time of the processor that was used up before.
    started: Duration,
    records: OnceCell<Result<Vec<Record>, String>>,
    outline: OnceCell<Protected>,
    protected: OnceCell<Protected>,
    mounts: OnceCell<Vec<String>>,
    policy: OnceCell<Policy>,
    roots: OnceCell<Vec<String>>,
    /// Paths that were asked for, with where their links lead.
    real: RefCell<Vec<(String, String)>>,
}

impl<'a> System<'a> {
    /// Names the session's directory; nothing is read yet.
    #[must_use]
    pub fn new(env: &'a Environment, paths: &'a Paths, cwd: PathBuf) -> Self {
        let (records, outline, protected) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self {
            env,
            paths,
            cwd,
            started: processor_time(),
            records,
            outline,
            protected,
            mounts: OnceCell::new(),
            policy: OnceCell::new(),
            roots: OnceCell::new(),
            real: RefCell::default(),
        }
    }

    /// Returns the session's directory.
    #[must_use]
    pub fn cwd(&self) -> Option<String> {
        absolute(None, self.cwd.to_str()?)
    }

    fn project(&self) -> Option<String> {
        absolute(None, self.env.get_path("CLAUDE_PROJECT_DIR")?.to_str()?)
    }

    fn session(&self) -> Session {
        Session::of(self.env, self.paths, &self.cwd)
    }

    fn records(&self) -> Result<&[Record], String> {
        let read = || settings::all_records(self.paths).map_err(|e| chain(&e));
        self.records.get_or_init(read).as_deref().map_err(Clone::clone)
    }

    fn find_outline(&self) -> Protected {
        let mut protected = Protected { switched: true, ..Protected::default() };
        let home = self.paths.home.as_deref().map(|home| home.join(".claude"));
        let user = [home, self.env.get_path("CLAUDE_CONFIG_DIR")];
        let projects = [self.env.get_path("CLAUDE_PROJECT_DIR"), Some(self.cwd.clone())];
        let ancestors =
            projects.iter().flatten().flat_map(|dir| dir.ancestors().map(|dir| dir.join(".claude")));
        for dir in user.into_iter().flatten().chain(ancestors) {
            add(&mut protected.claude, &dir);
        }
        for config in self.paths.user_config.iter().chain([&self.paths.system_config]) {
            match config.parent().filter(|dir| dir.ends_with("rig")) {
                Some(dir) => add(&mut protected.trees, dir),
                // Somebody else's directory, with other files in it.
                None => {
                    add(&mut protected.trees, config);
                    add(&mut protected.trees, &config.with_file_name(policy::NAME));
                }
            }
        }
        for dir in self.paths.state.as_deref().into_iter().chain([Path::new(MANAGED_DIR)]) {
            add(&mut protected.trees, dir);
        }
        let program = std::env::current_exe().ok();
        if let Some(bin) = program.as_deref().and_then(Path::parent).filter(|bin| bin.ends_with("bin")) {
            add(&mut protected.bins, bin);
            if let Some(prefix) = bin.parent() {
                add(&mut protected.trees, &prefix.join("share/rig-tools"));
            }
        }
        // Where the rig is installed unless somebody says otherwise: hooks may be there although this
        // program was called from elsewhere.
        let user = self.paths.home.as_deref().map(|home| home.join(".local/bin"));
        for bin in user.as_deref().into_iter().chain([Path::new("/usr/local/bin")]) {
            add(&mut protected.bins, bin);
        }
        protected
    }

    fn find_roots(&self) -> Vec<String> {
        let cwd = self.cwd();
        let top = cwd.as_deref().and_then(|cwd| self.git_top(cwd));
        let mut roots: Vec<String> = match self.project() {
            Some(project) => {
                let temporary = |top: &String| TEMPORARY.iter().any(|dir| top.starts_with(dir));
                [Some(project), top.filter(|top| !temporary(top))].into_iter().flatten().collect()
            }
            // Nobody says what the project is: then it is what the session is in.
            None => {
                let shared = |dir: &String| TEMPORARY.iter().any(|own| own.trim_end_matches('/') == dir);
                top.or(cwd).filter(|dir| !shared(dir)).into_iter().collect()
            }
        };
        roots.push("/workspace".to_owned());
        roots
    }

    /// Returns where the links of a path lead, looking them up unless that was done a moment ago.
    fn kept(&self, path: &str, find: impl FnOnce(&str) -> String) -> String {
        if let Some((_, real)) = self.real.borrow().iter().find(|(own, _)| own == path) {
            return real.clone();
        }
        let real = find(path);
        let mut kept = self.real.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.push((path.to_owned(), real.clone()));
        real
    }

    /// Returns the same for a path that is no link itself: commands name many files of one directory.
    fn real_in_parent(&self, path: &str) -> Option<String> {
        let (parent, name) = path
            .rsplit_once('/')
            .filter(|(parent, name)| parent.starts_with('/') && !matches!(*name, "" | "." | ".."))?;
        let parent = self.kept(parent, find_real);
        let path = format!("{}/{name}", parent.trim_end_matches('/'));
        let unlinked = |error: std::io::Error| {
            matches!(error.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::NotFound)
        };
        let _ = look_up(Path::new(&path));
        std::fs::read_link(&path).is_err_and(unlinked).then_some(path)
    }

    fn find_protected(&self) -> Protected {
        keep_deadline();
        let mut protected = self.outline().clone();
        match self.records() {
            Ok(records) => {
                for record in records {
                    add(&mut protected.recorded, &record.target);
                }
                protected.switched = records.is_empty() || records.iter().any(|r| r.scope != Scope::Managed);
            }
            // What must be in force is not known: everything counts.
            Err(_) => protected.switched = true,
        }
        for path in protected.claude.iter().flat_map(|dir| SETTINGS.map(|name| format!("{dir}/{name}"))) {
            if !protected.recorded.contains(&path) && self.read(&path).is_some_and(|text| holds_hooks(&text))
            {
                protected.recorded.push(path);
            }
        }
        if protected.recorded.is_empty() && self.records().is_ok_and(<[Record]>::is_empty) {
            // The guard runs, so its hooks stood somewhere: for all that is known in a file that is gone.
            let user = self.session().user.into_iter().map(|dir| dir.join("settings.json"));
            user.filter(|file| !file.exists()).for_each(|file| add(&mut protected.recorded, &file));
        }
        let Protected { trees, bins, recorded, claude, .. } = &mut protected;
        for list in [trees, bins, recorded, claude] {
            for path in list.clone() {
                if let Ok(real) = std::fs::canonicalize(path) {
                    add(list, &real);
                }
            }
        }
        protected
    }
}

/// Returns how much time of the processor this process has used.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn add(list: &mut Vec<String>, path: &Path) {
    let odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    let normal = |path: &str| {
        path.strip_prefix('/').is_some_and(|rest| !rest.as_bytes().split(|b| *b == b'/').any(odd))
    };
    let path = path.to_str().and_then(|p| if normal(p) { Some(p.to_owned()) } else { absolute(None, p) });
    list.extend(path.filter(|path| !list.contains(path)));
}

fn find_real(path: &str) -> String {
    let _ = look_up(Path::new(path));
    let mut rest = Vec::new();
    let mut existing = Path::new(path);
    loop {
        if let Ok(real) = std::fs::canonicalize(existing) {
            let real = rest.iter().rev().fold(real, |real, part| real.join(part));
            return real.to_str().unwrap_or(path).to_owned();
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return path.to_owned();
        };
        rest.push(name);
        existing = parent;
    }
}

impl World for System<'_> {
    fn home(&self) -> Option<&str> {
        self.paths.home.as_deref()?.to_str()
    }

    fn git_top(&self, dir: &str) -> Option<String> {
        // What a work tree of its own has there is read.
        let top = Path::new(dir).ancestors().find(|top| look_up(&top.join(".git")))?;
        if look_up(&top.join(".git/commondir")) {
            keep_deadline();
        }
        Repository::find(Path::new(dir))?.top.to_str().map(str::to_owned)
    }

    fn roots(&self) -> Vec<String> {
        self.roots.get_or_init(|| self.find_roots()).clone()
    }

    fn real(&self, path: &str) -> String {
        self.kept(path, |path| self.real_in_parent(path).unwrap_or_else(|| find_real(path)))
    }

    fn outline(&self) -> &Protected {
        self.outline.get_or_init(|| self.find_outline())
    }

    fn protected(&self) -> &Protected {
        self.protected.get_or_init(|| self.find_protected())
    }

    fn losses(&self, change: Option<(&str, Option<&[u8]>)>) -> Result<Vec<String>, String> {
        keep_deadline();
        let records = self.records()?;
        let mut of_session = self.session().files(records);
        // A file that a parent of the project's directory holds counts as one of the project.
        if let Some((path, _)) = change
            && !of_session.iter().any(|f| f.path.to_str().is_some_and(|f| self.real(f) == self.real(path)))
        {
            let scope = if path.ends_with("settings.local.json") { Scope::Local } else { Scope::Project };
            of_session.push(SettingsFile { scope, path: path.into() });
        }
        // A file may be known by several names.
        let changed = change.map(|(path, bytes)| (self.real(path), bytes));
        let read = |path: &Path| match &changed {
            Some((real, bytes)) if path.to_str().is_some_and(|path| self.real(path) == *real) => {
                bytes.map(<[u8]>::to_vec)
            }
            _ => settings::read(path),
        };
        let standing = settings::standing(records, &of_session, settings::read);
        let records = [records, &standing].concat();
        let mut losses = settings::losses(&records, &of_session, read);
        if records.is_empty() {
            // Nothing says what must be in force; but whatever runs, this ends it.
            let off = of_session.iter().filter(|file| {
                read(&file.path)
                    .is_some_and(|bytes| settings::load(&bytes, file.scope).disable_all_hooks == Some(true))
            });
            losses.extend(off.map(|file| format!("{} sets `disableAllHooks`", file.path.display())));
        }
        Ok(losses)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        keep_deadline();
        settings::read(Path::new(path))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.env.get_os(name)?.into_string().ok()
    }

    fn script(&self, path: &str) -> Option<Script> {
        if !look_up(Path::new(path)) {
            return None;
        }
        keep_deadline();
        disk::script(Path::new(path))
    }

    fn entries(&self, dir: &str) -> Vec<String> {
        keep_deadline();
        disk::entries(Path::new(dir))
    }

    fn git_config(&self, dir: Option<&str>, key: &str) -> Vec<String> {
        keep_deadline();
        disk::git_config(dir.map(Path::new), self.paths.home.as_deref(), key)
    }

    fn mounts(&self) -> &[String] {
        self.mounts.get_or_init(disk::mounts)
    }

    fn git_settings(&self, dir: Option<&str>, sections: &[&str]) -> Vec<(String, String)> {
        keep_deadline();
        disk::git_settings(dir.map(Path::new), self.paths.home.as_deref(), sections)
    }

    fn git_branch(&self, dir: &str) -> Option<String> {
        keep_deadline();
        Repository::find(Path::new(dir))?.head().branch().map(str::to_owned)
    }

    fn exhausted(&self) -> bool {
        processor_time().saturating_sub(self.started) > BUDGET
    }

    fn policy(&self) -> &Policy {
        let project = || self.env.get_path("CLAUDE_PROJECT_DIR").unwrap_or_else(|| self.cwd.clone());
        self.policy.get_or_init(|| Policy::load(self.paths, Some(&project())))
    }
}
