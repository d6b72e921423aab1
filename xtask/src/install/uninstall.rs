//! Takes an installation back.
//!
//! The hooks leave the settings first: a settings file that names programs which are gone
//! would refuse every tool call. The ledger goes last, so that a killed removal can be
//! repeated.

use std::fs;
use std::path::Path;

use super::ledger::Ledger;
use super::place::Place;
use super::{apply, content, lock, service, sync};
use crate::context::Context;
use crate::error::{Doing, Result};
use crate::say;

/// How a spooled event begins that has to be delivered and was not.
const UNDELIVERED: &[u8] = b"{\"s\":0,\"keep\":true";

/// Takes back what the ledger of this place knows.
pub(crate) fn run(cx: &Context, place: &Place) -> Result<()> {
    let prefix = place.disk(&place.prefix);
    let _lock = if prefix.is_dir() { Some(lock(place)?) } else { None };
    let mut ledger = Ledger::open(place)?;
    if ledger == Ledger::default() {
        say(&format!("nothing is installed in {}", prefix.display()));
        return Ok(());
    }
    if ledger.synced {
        sync::remove(cx, place)?;
        // From here on the program that did it may be gone.
        ledger.synced = false;
        ledger.write(place)?;
    }
    service::remove(cx, place);
    for path in ledger.ours.keys().cloned().collect::<Vec<_>>() {
        apply::take_back(place, &mut ledger, &path)?;
    }
    if let Some(state) = place.state() {
        remove_state(&state)?;
    }
    let share = place.disk(&place.share());
    let file = place.disk(&place.ledger());
    let made: Vec<_> = ledger.directories.iter().rev().map(|dir| place.disk(dir)).collect();
    // Those on the way to the ledger stay until it is gone; the rest goes before.
    let (on_the_way, rest): (Vec<_>, Vec<_>) = made.into_iter().partition(|dir| file.starts_with(dir));
    // A directory is not removed where somebody else has put something in.
    rest.iter().for_each(|dir| drop(fs::remove_dir(dir)));
    for file in [content::temporary(&file)?, file] {
        apply::remove(&file)?;
    }
    on_the_way.iter().chain([&share]).for_each(|dir| drop(fs::remove_dir(dir)));
    if share.exists() {
        say(&format!("leaving {}: it holds files that are not of this installation", share.display()));
    }
    say("uninstalled");
    Ok(())
}

/// Removes spool, logs and records of a user. Escalations and blocks that nobody has received
/// stay, and so do records of settings that hold hooks of ours still, such as a project's. What the
/// service has left stays as well.
fn remove_state(state: &Path) -> Result<()> {
    for name in ["spool", "hooks"] {
        let dir = state.join(name);
        let waiting = if name == "spool" { undelivered(&dir) } else { 0 };
        if waiting > 0 {
            say(&format!(
                "leaving {}: {waiting} escalations or blocks in it were never received",
                dir.display()
            ));
        } else if name == "hooks" && is_filled(&dir) {
            say(&format!("leaving {}: other settings still hold hooks of the rig", dir.display()));
        } else {
            remove_tree(&dir)?;
        }
    }
    let Ok(entries) = fs::read_dir(state) else { return Ok(()) };
    const JUDGED: [&str; 3] = ["spool", "hooks", "conductor"];
    for entry in entries.flatten().filter(|entry| !JUDGED.iter().any(|name| entry.file_name() == *name)) {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            remove_tree(&path)?;
        } else {
            apply::remove(&path)?;
        }
    }
    // Refused while something stays.
    let _ = fs::remove_dir(state);
    Ok(())
}

fn remove_tree(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

fn undelivered(spool: &Path) -> usize {
    let files = fs::read_dir(spool).into_iter().flatten().flatten();
    let texts = files.filter_map(|file| fs::read(file.path()).ok());
    texts.map(|text| text.split(|b| *b == b'\n').filter(|line| line.starts_with(UNDELIVERED)).count()).sum()
}

fn is_filled(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[track_caller]
    fn check(files: &[(&str, &str)], left: &[&str]) {
        let sandbox = Sandbox::new().unwrap();
        let state = sandbox.path().join("rig");
        for (name, text) in files {
            fs::create_dir_all(state.join(name).parent().unwrap()).unwrap();
            fs::write(state.join(name), text).unwrap();
        }
        remove_state(&state).unwrap();
        let names = files.iter().map(|(name, _)| *name).filter(|name| state.join(name).exists());
        assert_eq!(names.collect::<Vec<_>>(), left);
        assert_eq!(state.exists(), !left.is_empty());
    }

    #[test]
    fn state_goes_but_for_what_nobody_has_received() {
        let waiting = "{\"s\":0,\"keep\":true,\"to\":null,\"event\":{}}\n";
        let delivered = "{\"s\":1,\"keep\":true,\"to\":null,\"event\":{}}\n";
        let heartbeat = "{\"s\":0,\"keep\":false,\"to\":null,\"event\":{}}\n";
        let log = ("log/rig-guard.jsonl", "{}\n");
        check(&[log, ("spool/events.jsonl", delivered), ("spool/batch.jsonl", heartbeat)], &[]);
        let both = format!("{delivered}{waiting}");
        check(&[log, ("spool/events.jsonl", &both)], &["spool/events.jsonl"]);
        check(&[log, ("hooks/project.json", "{}")], &["hooks/project.json"]);
        check(&[log, ("conductor/conductor.db", "open")], &["conductor/conductor.db"]);
        check(&[], &[]);
    }
}
