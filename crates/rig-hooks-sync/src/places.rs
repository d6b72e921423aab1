//! Which files a run is about.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use rig_core::env::Environment;
use rig_core::paths::Paths;
use rig_core::settings::{MANAGED_DIR, Scope, Session};
use sha2::{Digest, Sha256};

use crate::error::SyncError;
use crate::store::Mode;

/// Where the options point.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Whose settings.
    pub scope: Scope,
    /// Another directory than the scope's usual one.
    pub target: Option<PathBuf>,
    /// A staging root, which takes the place of `/`.
    pub destdir: Option<PathBuf>,
    /// The base.
    pub base: Option<PathBuf>,
    /// The directory of the programs.
    pub bin: Option<PathBuf>,
}

/// The files of a run. What is written into settings and records names places as they are for
/// the client; the files themselves may lie below a staging root.
#[derive(Clone, Debug)]
pub struct Places {
    /// Whose settings.
    pub scope: Scope,
    /// The settings file as the client names it.
    pub target: PathBuf,
    /// The settings file as this process reaches it.
    pub file: PathBuf,
    /// The directory of the records.
    pub records: PathBuf,
    /// The directory of the programs, as the client reaches it.
    pub bin: PathBuf,
    /// The base.
    pub base: PathBuf,
    /// The directory of the overrides.
    pub overrides: PathBuf,
    /// What `${places}` stands for.
    pub arguments: Vec<String>,
    /// The settings files that the client reads beside this one.
    pub session: Session,
    home: Option<PathBuf>,
    destdir: Option<PathBuf>,
}

impl Places {
    /// Finds the files. `executable` is this program, `cwd` the working directory.
    ///
    /// # Errors
    /// When options do not go together, or a place cannot be found.
    pub fn find(
        choice: &Choice,
        env: &Environment,
        cwd: &Path,
        executable: &Path,
    ) -> Result<Self, SyncError> {
        let scope = choice.scope;
        let paths = Paths::of_user(env);
        let destdir = choice.destdir.as_deref().map(|dir| normal(cwd, dir));
        if destdir.is_some() && scope != Scope::Managed {
            return Err(SyncError::Usage("--destdir goes with `--scope managed` alone".into()));
        }
        let below = |path: &Path| match &destdir {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        };
        let given = choice.target.as_deref().map(|dir| normal(cwd, dir));
        let home = || paths.home.clone().ok_or(SyncError::NoHome);
        let target = match scope {
            Scope::Managed => {
                given.unwrap_or_else(|| MANAGED_DIR.into()).join("managed-settings.d/rig-tools.json")
            }
            Scope::User => match given
                .or_else(|| env.get_os("CLAUDE_CONFIG_DIR").map(|dir| normal(cwd, Path::new(&dir))))
            {
                Some(dir) => dir.join("settings.json"),
                None => home()?.join(".claude/settings.json"),
            },
            Scope::Project => project(given, cwd)?.join(".claude/settings.json"),
            Scope::Local => project(given, cwd)?.join(".claude/settings.local.json"),
        };
        let records = match scope {
            Scope::Managed => below(paths.system_records()),
            _ => paths.records().ok_or(SyncError::NoHome)?,
        };
        let own_dir = executable.parent().unwrap_or(Path::new("/"));
        let bin = choice.bin.as_deref().map_or_else(|| own_dir.to_owned(), |dir| normal(cwd, dir));
        let bin = match &destdir {
            Some(root) => bin.strip_prefix(root).map_or(bin.clone(), |rest| Path::new("/").join(rest)),
            None => bin,
        };
        let shipped = own_dir.parent().unwrap_or(Path::new("/")).join("share/rig-tools/hooks-base.json");
        let base = choice.base.as_deref().map_or(shipped, |file| normal(cwd, file));
        let arguments = match (scope, &paths.user_config, &paths.state) {
            (Scope::User | Scope::Local, Some(config), Some(state)) => {
                [Path::new("--config"), config, Path::new("--state"), state].map(text).to_vec()
            }
            _ => Vec::new(),
        };
        let dir = target.ancestors().nth(2).unwrap_or(Path::new("/"));
        let session = match (scope, &destdir) {
            (Scope::Managed, Some(_)) => {
                Session { user: Vec::new(), projects: Vec::new(), managed: below(dir) }
            }
            (Scope::Managed, None) => Session { managed: dir.to_owned(), ..Session::of(env, &paths, cwd) },
            (Scope::User, _) => Session::of(env, &paths, cwd),
            (Scope::Project | Scope::Local, _) => {
                Session { projects: vec![dir.to_owned()], ..Session::of(env, &paths, cwd) }
            }
        };
        Ok(Self {
            scope,
            file: below(&target),
            target,
            records,
            overrides: base.with_file_name("hooks-overrides"),
            base,
            bin,
            arguments,
            session,
            home: paths.home.clone(),
            destdir,
        })
    }

    /// Returns the record of the settings file.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.records.join(format!("{}.json", self.name()))
    }

    /// Returns the copy of the settings file from before the last write.
    #[must_use]
    pub fn backup(&self) -> PathBuf {
        self.records.join(format!("{}.backup", self.name()))
    }

    /// Two settings files of one scope have different names, and one file always has the same.
    fn name(&self) -> String {
        format!("{}-{}", self.scope, &sha256(self.target.as_os_str().as_encoded_bytes())[..12])
    }

    /// Returns where this process finds a file that the client will find at a path.
    #[must_use]
    pub fn reach(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }

    /// Returns what the client calls a file that this process finds at a path.
    #[must_use]
    pub fn named(&self, path: &Path) -> PathBuf {
        match self.destdir.as_deref().and_then(|root| path.strip_prefix(root).ok()) {
            Some(rest) => Path::new("/").join(rest),
            None => path.to_owned(),
        }
    }

    /// Says whether every user, and every machine that the rig is installed on system-wide, has a path.
    #[must_use]
    pub fn is_system_wide(&self, path: &Path) -> bool {
        let private = ["/home", "/root", "/Users", "/tmp", "/var/tmp"].map(Path::new);
        let home = self.home.as_deref().filter(|home| *home != Path::new("/"));
        path.is_absolute() && !private.into_iter().chain(home).any(|dir| path.starts_with(dir))
    }

    /// Returns the permissions of new settings files.
    #[must_use]
    pub fn settings_mode(&self) -> Mode {
        if self.scope == Scope::Managed { Mode::Exact(0o644) } else { Mode::Masked(0o644) }
    }

    /// Returns the permissions of records. Settings hold secrets, and a record holds settings.
    #[must_use]
    pub fn record_mode(&self) -> Mode {
        if self.scope == Scope::Managed { Mode::Exact(0o644) } else { Mode::Exact(0o600) }
    }

    /// Returns the permissions of new directories of records.
    #[must_use]
    pub fn records_mode(&self) -> Mode {
        if self.scope == Scope::Managed { Mode::Exact(0o755) } else { Mode::Masked(0o700) }
    }

    /// Returns the permissions of new directories of settings.
    #[must_use]
    pub fn directory_mode(&self) -> Mode {
        match self.scope {
            Scope::Managed => Mode::Exact(0o755),
            Scope::User => Mode::Masked(0o700),
            Scope::Project | Scope::Local => Mode::Masked(0o755),
        }
    }
}

/// Returns the SHA-256 of some bytes in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Returns a project's directory by its real name, which is the one that the client uses.
fn project(given: Option<PathBuf>, cwd: &Path) -> Result<PathBuf, SyncError> {
    let dir = given.unwrap_or_else(|| cwd.to_owned());
    let real = std::fs::canonicalize(&dir).map_err(SyncError::io("find the project directory", &dir))?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(SyncError::Usage(format!("{} is not a directory", dir.display())))
    }
}

/// Returns an absolute path without `.` and `..`.
fn normal(cwd: &Path, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in cwd.join(path).components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
