//! Where an installation goes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::context::{self, Context};
use crate::error::{Doing, Error, Result};
use crate::flags::Install;

/// The names that the programs had before, each a link.
pub(crate) const LINKS: [(&str, &str); 4] = [
    ("conductor-e-prime", "rig-prime"),
    ("conductor-e-hook", "rig-report"),
    ("conductor-e-hook.sh", "rig-report"),
    ("pretool-guard", "rig-guard"),
];

/// Whom an installation serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One user: below the home directory, settings of the user.
    User,
    /// Everyone on this machine, or in the image: managed settings, no identity.
    Machine,
}

/// The directories of an installation. They are named as they are at run time; [`Place::disk`] says
/// where they are while staged.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Whom it serves.
    pub(crate) scope: Scope,
    /// The directory that holds `bin` and `share`.
    pub(crate) prefix: PathBuf,
    /// Everything is put below this directory.
    pub(crate) destdir: Option<PathBuf>,
    /// The user's home directory, for one user.
    pub(crate) home: Option<PathBuf>,
}

impl Place {
    /// Derives the places from the options and the environment.
    pub(crate) fn of(cx: &Context, options: &Install) -> Result<Self> {
        let machine = options.system || options.image;
        if machine && options.destdir.is_none() && !context::is_root() {
            return Err(Error::new("an installation for the whole machine needs root")
                .hint("run it as root, or stage it with `--destdir DIR`"));
        }
        let home = if machine { None } else { Some(cx.home()?) };
        let default = home.as_deref().map_or_else(|| "/usr/local".into(), |home| home.join(".local"));
        Ok(Self {
            scope: if machine { Scope::Machine } else { Scope::User },
            prefix: options.prefix.clone().unwrap_or(default),
            destdir: options.destdir.clone(),
            home,
        })
    }

    /// Returns the directory of the programs.
    pub(crate) fn bin(&self) -> PathBuf {
        self.prefix.join("bin")
    }

    /// Returns the directory of the base, the overrides and the ledger.
    pub(crate) fn share(&self) -> PathBuf {
        self.prefix.join("share/rig-tools")
    }

    /// Returns the directory of the overrides.
    pub(crate) fn overrides(&self) -> PathBuf {
        self.share().join("hooks-overrides")
    }

    /// Returns the directory of what stood under our names before.
    pub(crate) fn kept(&self) -> PathBuf {
        self.share().join("kept")
    }

    /// Returns where what stood at a path is kept.
    pub(crate) fn kept_at(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix(&self.prefix), path.file_name()) {
            (Ok(inside), _) => self.kept().join(inside),
            (Err(_), name) => self.kept().join(name.unwrap_or_default()),
        }
    }

    /// Returns the file that says what was installed.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.share().join("install.json")
    }

    /// Returns the user's configuration file.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        Some(self.home.as_deref()?.join(".config/rig/config.json"))
    }

    /// Returns the directory of the user's spool, logs and records.
    pub(crate) fn state(&self) -> Option<PathBuf> {
        Some(self.home.as_deref()?.join(".local/state/rig"))
    }

    /// Returns where a path is on this disk.
    pub(crate) fn disk(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            Some(dir) => dir.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }

    /// Makes a directory and those above it; returns which did not exist, outermost first. Those of a
    /// whole machine are open to everyone, whatever the umask of the caller.
    pub(crate) fn make_directory(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let missing = path.ancestors().take_while(|dir| !self.disk(dir).exists());
        let mut made: Vec<_> = missing.map(Path::to_owned).collect();
        made.reverse();
        for dir in &made {
            let on_disk = self.disk(dir);
            let doing = || format!("make {}", on_disk.display());
            // Another installation may be making it at this moment.
            fs::create_dir_all(&on_disk).doing(doing)?;
            if self.scope == Scope::Machine {
                fs::set_permissions(&on_disk, Permissions::from_mode(0o755)).doing(doing)?;
            }
        }
        Ok(made)
    }

    /// Returns the options that name this place on the command line of a later call.
    pub(crate) fn options(&self) -> String {
        let mut options = String::new();
        if self.scope == Scope::Machine {
            options.push_str(" --system");
        }
        let default = match &self.home {
            Some(home) => home.join(".local"),
            None => "/usr/local".into(),
        };
        if self.prefix != default {
            options.push_str(&format!(" --prefix {}", self.prefix.display()));
        }
        if let Some(dir) = &self.destdir {
            options.push_str(&format!(" --destdir {}", dir.display()));
        }
        options
    }
}
