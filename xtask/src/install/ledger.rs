//! The file that says what was installed, so that all of it can be taken back.
//!
//! It is written before the first file is replaced, and again when all are. A killed
//! installation therefore leaves a ledger that knows both what may stand at each path
//! already and what stood there before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::content::Content;
use super::place::Place;
use crate::error::{Error, Result};

const FORMAT: u64 = 1;

/// What was installed. Paths are those of run time, without the staging directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ledger {
    /// The digests that content of ours has, or may have, at each path.
    pub(crate) ours: BTreeMap<PathBuf, BTreeSet<String>>,
    /// Where the content is that stood at a path before.
    pub(crate) kept: BTreeMap<PathBuf, PathBuf>,
    /// Directories that did not exist before, outermost first.
    pub(crate) directories: Vec<PathBuf>,
    /// The role of the settings.
    pub(crate) role: Option<String>,
    /// Our hooks were put into the settings, or it was tried.
    pub(crate) synced: bool,
}

impl Ledger {
    /// Reads the ledger of a place; `None` where nothing is installed.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>> {
        let path = place.disk(&place.ledger());
        let Some(Content::File(bytes, _)) = Content::read(&path)? else { return Ok(None) };
        let parsed = serde_json::from_slice(&bytes).ok().and_then(|value| Self::parse(&value));
        parsed.map(Some).ok_or_else(|| {
            Error::new(format!("{} is no record of an installation that this version knows", path.display()))
        })
    }

    /// Returns the ledger of a place, or a new one.
    pub(crate) fn open(place: &Place) -> Result<Self> {
        if let Some(ledger) = Self::read(place)? {
            return Ok(ledger);
        }
        Ok(Self { directories: bare_directories(place), ..Self::default() })
    }

    fn parse(value: &Value) -> Option<Self> {
        if value["format"] != FORMAT {
            return None;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let digests = |value: &Value| value.as_array()?.iter().map(text).collect::<Option<BTreeSet<_>>>();
        let files = value["files"].as_object()?.iter();
        let kept = value["kept"].as_object()?.iter();
        let directories = value["directories"].as_array()?.iter();
        Some(Self {
            ours: files.map(|(path, all)| Some((path.into(), digests(all)?))).collect::<Option<_>>()?,
            kept: kept.map(|(path, at)| Some((path.into(), text(at)?.into()))).collect::<Option<_>>()?,
            directories: directories.map(|dir| Some(text(dir)?.into())).collect::<Option<_>>()?,
            role: text(&value["role"]),
            synced: value["settings"].as_bool()?,
        })
    }

    /// Writes it, unless it stands there already.
    pub(crate) fn write(&self, place: &Place) -> Result<()> {
        let texts = |paths: &BTreeMap<PathBuf, PathBuf>| {
            paths.iter().map(|(path, at)| (path.display().to_string(), json!(at))).collect::<Map<_, _>>()
        };
        let files = self.ours.iter().map(|(path, all)| (path.display().to_string(), json!(all)));
        let value = json!({
            "format": FORMAT,
            "version": env!("CARGO_PKG_VERSION"),
            "files": files.collect::<Map<_, _>>(),
            "kept": texts(&self.kept),
            "directories": self.directories,
            "role": self.role,
            "settings": self.synced,
        });
        let text = format!("{value:#}\n");
        let content = Content::File(text.into_bytes(), 0o644);
        let path = place.disk(&place.ledger());
        if Content::read(&path)?.as_ref() == Some(&content) {
            return Ok(());
        }
        content.write(&path)
    }

    /// Says whether this content was put at this path by an installation.
    pub(crate) fn is_ours(&self, path: &Path, content: &Content) -> bool {
        self.ours.get(path).is_some_and(|all| all.contains(&content.digest()))
    }

    /// Makes a directory and those above it, and remembers which did not exist.
    pub(crate) fn make_directory(&mut self, place: &Place, path: &Path) -> Result<()> {
        place.make_directory(path)?.iter().for_each(|dir| self.remember_directory(dir));
        Ok(())
    }

    /// Remembers a directory that did not exist before, to be removed when it is empty.
    pub(crate) fn remember_directory(&mut self, path: &Path) {
        if !self.directories.iter().any(|known| known == path) {
            self.directories.push(path.to_owned());
        }
    }
}

/// Returns the directories that an installation made which was killed before it could say so, or
/// which a removal was killed in: those on the way to the ledger that hold nothing else. Without
/// an empty directory of our name there was no such thing.
fn bare_directories(place: &Place) -> Vec<PathBuf> {
    let share = place.share();
    let rig = place.config().and_then(|config| Some(config.parent()?.to_owned()));
    let config = rig.as_ref().and_then(|dir| Some(dir.parent()?.to_owned()));
    let parent = share.parent().map(Path::to_owned);
    let own = [place.overrides(), place.kept().join("bin"), place.kept(), share.clone(), place.bin()];
    let candidates = own.into_iter().chain(rig).chain(config).chain(parent).chain([place.prefix.clone()]);
    let mut bare: Vec<PathBuf> = Vec::new();
    for dir in candidates {
        let Ok(entries) = std::fs::read_dir(place.disk(&dir)) else { continue };
        let begun = super::content::temporary(&place.ledger()).ok();
        let known = |name| bare.contains(&dir.join(&name)) || begun.as_ref() == Some(&dir.join(&name));
        if entries.flatten().all(|entry| known(entry.file_name())) {
            bare.push(dir);
        }
    }
    if !bare.contains(&share) {
        return Vec::new();
    }
    bare.reverse();
    bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::place::Scope;
    use crate::sandbox::Sandbox;

    fn place(sandbox: &Sandbox) -> Place {
        let (prefix, destdir) = ("/opt/rig".into(), Some(sandbox.path().to_owned()));
        Place { scope: Scope::Machine, prefix, destdir, home: None }
    }

    #[test]
    fn a_ledger_comes_back_as_it_was_written() {
        let sandbox = Sandbox::new().unwrap();
        let place = place(&sandbox);
        assert_eq!(Ledger::read(&place).unwrap(), None);
        let mut ledger = Ledger { role: Some("dev".into()), synced: true, ..Ledger::default() };
        ledger.make_directory(&place, &place.share()).unwrap();
        ledger.ours.insert("/opt/rig/bin/a".into(), ["1".to_owned(), "2".to_owned()].into());
        ledger.kept.insert("/opt/rig/bin/a".into(), "/opt/rig/share/rig-tools/kept/bin/a".into());
        ledger.write(&place).unwrap();
        assert_eq!(Ledger::read(&place).unwrap(), Some(ledger.clone()));
        let made = ["/opt", "/opt/rig", "/opt/rig/share", "/opt/rig/share/rig-tools"];
        assert_eq!(ledger.directories, made.map(PathBuf::from));
    }

    #[test]
    fn directories_without_a_ledger_are_ours_only_beside_an_empty_one_of_our_name() {
        let sandbox = Sandbox::new().unwrap();
        let place = place(&sandbox);
        place.make_directory(&place.bin()).unwrap();
        assert_eq!(Ledger::open(&place).unwrap().directories, [""; 0].map(PathBuf::from));
        place.make_directory(&place.share()).unwrap();
        let made = ["/opt/rig", "/opt/rig/share", "/opt/rig/bin", "/opt/rig/share/rig-tools"];
        assert_eq!(Ledger::open(&place).unwrap().directories, made.map(PathBuf::from));
        Content::File(Vec::new(), 0o644).write(&place.disk(&place.bin().join("theirs"))).unwrap();
        let made = ["/opt/rig/share", "/opt/rig/share/rig-tools"];
        assert_eq!(Ledger::open(&place).unwrap().directories, made.map(PathBuf::from));
    }

    #[test]
    fn a_ledger_of_another_format_is_refused() {
        let sandbox = Sandbox::new().unwrap();
        let place = place(&sandbox);
        Ledger::default().make_directory(&place, &place.share()).unwrap();
        Content::File(b"{\"format\":2}".to_vec(), 0o644).write(&place.disk(&place.ledger())).unwrap();
        assert!(Ledger::read(&place).is_err());
    }
}
