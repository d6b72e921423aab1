//! What a sync or a removal makes of a settings file, before anything is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rig_core::settings::json;
use rig_core::settings::{Entry, RECORD_VERSION, Record, Undo, load, read_record};

use crate::error::{Mistake, SyncError};
use crate::merge::{Known, Merged, Wanted, merge};
use crate::places::{Places, sha256};
use crate::store;

/// A settings file as it is, and what is known about it.
#[derive(Debug)]
pub struct Current {
    /// The file itself, where the settings file is a link.
    pub file: PathBuf,
    /// Its text; none where there is no file.
    pub text: Option<String>,
    /// What an earlier sync wrote.
    pub record: Option<Record>,
}

/// A settings file as it should be.
#[derive(Debug)]
pub struct Plan {
    /// Its text; none where there should be no file.
    pub text: Option<String>,
    /// The record of it; none where nothing of ours is left.
    pub record: Option<Record>,
    /// The variables that somebody else set otherwise.
    pub foreign: Vec<String>,
    /// Mistakes of somebody else's that cost an entry or a key.
    pub warnings: Vec<String>,
}

impl Current {
    /// Reads a settings file and its record.
    ///
    /// # Errors
    /// When either is there and cannot be read.
    pub fn read(places: &Places) -> Result<Self, SyncError> {
        let file = store::real(&places.file).map_err(SyncError::io("follow the link", &places.file))?;
        let bytes = store::read(&file).map_err(SyncError::io("read", &file))?;
        let text = bytes.map(String::from_utf8).transpose().map_err(|_| wrong(places, Mistake::Encoding))?;
        Ok(Self { file, text, record: read_record(&places.record())? })
    }

    /// Says what a sync makes of the file.
    ///
    /// # Errors
    /// When the file cannot be edited, or the client would not take the result.
    pub fn with(
        &self,
        places: &Places,
        role: Option<&str>,
        entries: &[Entry],
        env: &BTreeMap<String, String>,
    ) -> Result<Plan, SyncError> {
        let text = self.editable();
        let Merged { text, created, env: set, foreign } =
            self.merge(places, text, Wanted { entries, env }, env)?;
        let loaded = load(text.as_bytes(), places.scope);
        if let Some(problem) = loaded.ignored() {
            return Err(SyncError::Ignored { path: places.target.clone(), problem: problem.clone() });
        }
        if entries.iter().any(|entry| loaded.entries.iter().all(|other| !other.same(entry))) {
            return Err(SyncError::ReadBack { path: places.target.clone() });
        }
        let record = Record {
            version: RECORD_VERSION,
            target: places.target.clone(),
            scope: places.scope,
            role: role.map(str::to_owned),
            bin: places.bin.clone(),
            entries: entries.to_vec(),
            next: None,
            env: set,
            undo: Undo {
                before: self.without(places, env)?.text,
                written: vec![sha256(text.as_bytes())],
                created,
                directories: self.record.as_ref().map(|r| r.undo.directories.clone()).unwrap_or_default(),
            },
        };
        let warnings = loaded.problems.iter().map(ToString::to_string).collect();
        Ok(Plan { text: Some(text), record: Some(record), foreign, warnings })
    }

    /// Says what the file is without anything of ours. `env` holds the variables that a sync
    /// would write.
    ///
    /// # Errors
    /// When the file cannot be edited.
    pub fn without(&self, places: &Places, env: &BTreeMap<String, String>) -> Result<Plan, SyncError> {
        let plan = |text| Plan { text, record: None, foreign: Vec::new(), warnings: Vec::new() };
        let Some(text) = &self.text else { return Ok(plan(None)) };
        let undo = self.record.as_ref().map(|record| &record.undo);
        if let Some(undo) = undo.filter(|undo| undo.written.contains(&sha256(text.as_bytes()))) {
            return Ok(plan(undo.before.clone()));
        }
        if is_blank(text) {
            return Ok(plan(Some(text.clone())));
        }
        let nothing = Wanted { entries: &[], env: &BTreeMap::new() };
        let left = self.merge(places, text, nothing, env)?.text;
        // A file that was not there before goes when nothing of anybody else's is in it.
        let made = undo.map_or(left != *text, |undo| undo.before.is_none());
        let empty = json::parse(&left).is_ok_and(|root| root.members().is_some_and(<[_]>::is_empty));
        Ok(plan((!made || !empty).then_some(left)))
    }

    /// Says whether the file or its record holds anything of ours.
    ///
    /// # Errors
    /// When the file cannot be edited.
    pub fn has_ours(&self, places: &Places, env: &BTreeMap<String, String>) -> Result<bool, SyncError> {
        Ok(self.record.is_some() || self.without(places, env)?.text != self.text)
    }

    /// Returns the text to be edited; one without settings reads as an empty object.
    fn editable(&self) -> &str {
        self.text.as_deref().filter(|text| !is_blank(text)).unwrap_or("{}\n")
    }

    fn merge(
        &self,
        places: &Places,
        text: &str,
        wanted: Wanted<'_>,
        env: &BTreeMap<String, String>,
    ) -> Result<Merged, SyncError> {
        merge(text, wanted, Known { record: self.record.as_ref(), env })
            .map_err(|mistake| wrong(places, mistake))
    }
}

fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_ascii().is_empty()
}

fn wrong(places: &Places, mistake: Mistake) -> SyncError {
    SyncError::Settings { path: places.target.clone(), mistake }
}
