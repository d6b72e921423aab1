//! Puts the planned files in place and takes them back.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::content::{self, Content};
use super::ledger::Ledger;
use super::place::Place;
use crate::error::{Doing, Result};
use crate::say;

/// What shall stand where; paths are those of run time.
pub(crate) type Plan = BTreeMap<PathBuf, Content>;

/// Puts every file of the plan in its place and takes back what an older version had installed
/// and this one does not. Returns how many paths changed.
///
/// What stood at a path before is copied aside, and the ledger knows of it, before the first file
/// is replaced.
pub(crate) fn put(place: &Place, ledger: &mut Ledger, plan: &Plan) -> Result<usize> {
    for path in plan.keys() {
        // A directory or a device under one of our names ends the installation before it begins.
        Content::read(&place.disk(path))?;
    }
    for dir in plan.keys().filter_map(|path| path.parent()) {
        ledger.make_directory(place, dir)?;
    }
    let mut foreign = Vec::new();
    for (path, content) in plan {
        if let Some(current) = Content::read(&place.disk(path))?
            && !ledger.is_ours(path, &current)
            && current.digest() != content.digest()
        {
            let kept = place.kept_at(path);
            ledger.kept.insert(path.clone(), kept.clone());
            foreign.push((path, kept, current));
        }
        ledger.ours.entry(path.clone()).or_default().insert(content.digest());
    }
    ledger.write(place)?;
    for (path, kept, current) in foreign {
        say(&format!("keeping what stands at {}", path.display()));
        keep(place, &kept, &current)?;
    }
    let mut changed = 0;
    for (path, content) in plan {
        let on_disk = place.disk(path);
        if Content::read(&on_disk)?.as_ref() != Some(content) {
            content.write(&on_disk)?;
            changed += 1;
        }
    }
    let mut stale: Vec<_> = ledger.ours.keys().filter(|path| !plan.contains_key(*path)).cloned().collect();
    // The user's configuration is planned only when it changes.
    stale.retain(|path| Some(path) != place.config().as_ref());
    for path in stale {
        take_back(place, ledger, &path)?;
        changed += 1;
    }
    for (path, content) in plan {
        ledger.ours.insert(path.clone(), [content.digest()].into());
    }
    ledger.write(place)?;
    Ok(changed)
}

/// Copies what is not ours aside.
fn keep(place: &Place, kept: &Path, current: &Content) -> Result<()> {
    let on_disk = place.disk(kept);
    match Content::read(&on_disk)? {
        Some(known) if known.digest() == current.digest() => return Ok(()),
        Some(_) => set_aside(&on_disk)?,
        None => kept.parent().map_or(Ok(Vec::new()), |dir| place.make_directory(dir)).map(drop)?,
    }
    current.write(&on_disk)
}

/// Moves an older kept file out of the way; nobody's file is thrown away.
fn set_aside(kept: &Path) -> Result<()> {
    let name = |n: u32| {
        let mut name = kept.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    let free = (1..).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| name(0));
    fs::rename(kept, &free).doing(|| format!("move {} to {}", kept.display(), free.display()))
}

/// Removes our content from a path and brings back what stood there before. Content that
/// somebody put there after us stays, and is named.
pub(crate) fn take_back(place: &Place, ledger: &mut Ledger, path: &Path) -> Result<()> {
    let on_disk = place.disk(path);
    let kept = ledger.kept.get(path).map(|kept| place.disk(kept));
    let before = match &kept {
        Some(kept) => Content::read(kept)?,
        None => None,
    };
    let current = Content::read(&on_disk)?;
    match (&current, &before) {
        (Some(found), _) if !ledger.is_ours(path, found) => {
            // A removal that was interrupted has brought this one back already.
            let came_back = before.as_ref().is_some_and(|before| before.digest() == found.digest())
                || (before.is_none() && kept.is_some());
            if !came_back {
                say(&format!("leaving {}: it was changed after the installation", on_disk.display()));
                if let Some(kept) = &kept {
                    say(&format!("leaving {}: it stood there before", kept.display()));
                }
                ledger.kept.remove(path);
            }
        }
        (_, Some(before)) => before.write(&on_disk)?,
        (Some(_), None) => remove(&on_disk)?,
        (None, None) => {}
    }
    remove(&content::temporary(&on_disk)?)?;
    if let Some(kept) = ledger.kept.remove(path).map(|kept| place.disk(&kept)) {
        remove(&content::temporary(&kept)?)?;
        remove(&kept)?;
        let top = place.disk(&place.kept());
        for dir in kept.ancestors().skip(1).take_while(|dir| dir.starts_with(&top)) {
            // Refused while something else is kept there.
            let _ = fs::remove_dir(dir);
        }
    }
    ledger.ours.remove(path);
    Ok(())
}

/// Removes a file; one that is not there is as good.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::place::Scope;
    use crate::sandbox::Sandbox;

    struct Trial {
        place: Place,
        sandbox: Sandbox,
    }

    impl Trial {
        fn new() -> Self {
            let sandbox = Sandbox::new().unwrap();
            let home = sandbox.path().to_owned();
            let prefix = home.join(".local");
            Self { place: Place { scope: Scope::User, prefix, destdir: None, home: Some(home) }, sandbox }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.place.bin().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::create_dir_all(self.place.bin()).unwrap();
            fs::write(self.path(name), text).unwrap();
        }

        fn put(&self, files: &[(&str, &str)]) -> usize {
            let content = |text: &str| Content::File(text.into(), 0o755);
            let plan = files.iter().map(|(name, text)| (self.path(name), content(text))).collect();
            let mut ledger = Ledger::read(&self.place).unwrap().unwrap_or_default();
            ledger.make_directory(&self.place, &self.place.share()).unwrap();
            put(&self.place, &mut ledger, &plan).unwrap()
        }

        fn take_all_back(&self) {
            let mut ledger = Ledger::read(&self.place).unwrap().unwrap();
            for path in ledger.ours.keys().cloned().collect::<Vec<_>>() {
                take_back(&self.place, &mut ledger, &path).unwrap();
            }
        }

        /// Lists the files but for the ledger, each with its text.
        fn files(&self) -> Vec<(String, String)> {
            let mut found = Vec::new();
            let mut dirs = vec![self.sandbox.path().to_owned()];
            while let Some(dir) = dirs.pop() {
                for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
                    let name = entry.strip_prefix(&self.place.prefix).unwrap_or(&entry).display().to_string();
                    if entry.is_dir() {
                        dirs.push(entry);
                    } else if !name.ends_with("install.json") {
                        found.push((name, fs::read_to_string(entry).unwrap()));
                    }
                }
            }
            found.sort();
            found
        }
    }

    fn listed(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_stood_there_comes_back_and_the_rest_goes() {
        let trial = Trial::new();
        trial.write("b", "theirs");
        assert_eq!(trial.put(&[("a", "ours"), ("b", "ours")]), 2);
        let installed = [("bin/a", "ours"), ("bin/b", "ours"), ("share/rig-tools/kept/bin/b", "theirs")];
        assert_eq!(trial.files(), listed(&installed));
        trial.take_all_back();
        assert_eq!(trial.files(), listed(&[("bin/b", "theirs")]));
    }

    #[test]
    fn a_second_time_changes_nothing_and_a_new_version_keeps_what_was_kept() {
        let trial = Trial::new();
        trial.write("b", "theirs");
        trial.put(&[("a", "1"), ("b", "1")]);
        let before = trial.files();
        assert_eq!(trial.put(&[("a", "1"), ("b", "1")]), 0);
        assert_eq!(trial.files(), before);
        assert_eq!(trial.put(&[("b", "2")]), 2, "`b` is replaced and `a` goes");
        assert_eq!(trial.files(), listed(&[("bin/b", "2"), ("share/rig-tools/kept/bin/b", "theirs")]));
        trial.take_all_back();
        assert_eq!(trial.files(), listed(&[("bin/b", "theirs")]));
    }

    #[test]
    fn an_installation_that_was_killed_half_way_can_be_repeated_and_taken_back() {
        let trial = Trial::new();
        trial.write("b", "theirs");
        trial.put(&[("a", "1"), ("b", "1")]);
        // As after a kill between the first ledger and the last file.
        trial.write("b", "theirs");
        fs::write(content::temporary(&trial.path("a")).unwrap(), "half").unwrap();
        trial.put(&[("a", "1"), ("b", "1")]);
        trial.take_all_back();
        assert_eq!(trial.files(), listed(&[("bin/b", "theirs")]));
    }

    #[test]
    fn what_somebody_changed_afterwards_is_left() {
        let trial = Trial::new();
        trial.put(&[("a", "1"), ("b", "1")]);
        trial.write("b", "new");
        trial.take_all_back();
        assert_eq!(trial.files(), listed(&[("bin/b", "new")]));
    }

    #[test]
    fn nobodys_file_is_thrown_away() {
        let trial = Trial::new();
        trial.write("b", "first");
        trial.put(&[("b", "1")]);
        trial.write("b", "second");
        trial.put(&[("b", "1")]);
        trial.take_all_back();
        let left = [("bin/b", "second"), ("share/rig-tools/kept/bin/b.1", "first")];
        assert_eq!(trial.files(), listed(&left));

        let trial = Trial::new();
        trial.write("b", "first");
        trial.put(&[("b", "1")]);
        trial.write("b", "second");
        trial.take_all_back();
        let left = [("bin/b", "second"), ("share/rig-tools/kept/bin/b", "first")];
        assert_eq!(trial.files(), listed(&left));
    }

    #[test]
    fn a_directory_in_the_way_ends_it_before_anything_is_replaced() {
        let trial = Trial::new();
        fs::create_dir_all(trial.path("b")).unwrap();
        let plan = ["a", "b"].map(|name| (trial.path(name), Content::File(Vec::new(), 0o755))).into();
        let mut ledger = Ledger::default();
        assert!(put(&trial.place, &mut ledger, &plan).is_err());
        assert_eq!(trial.files(), listed(&[]));
    }
}
