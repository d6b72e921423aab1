//! Receipts: what the guard judged, so that a call that ran without being judged is noticed.
//!
//! Before a call runs the guard appends its id, a digest of what was judged, and the verdict.
//! Afterwards rig-report looks for them. One small file a session, one line a call:
//!
//! ```text
//! {"at":1764000000,"call":"toolu_01…","input":"9f86d081884c7d65…","verdict":"allow"}
//! ```
//!
//! What is judged of a call, and so what the digest is about, is chosen so that nothing which people or
//! the client may change without harm counts: a file's contents that somebody edits in a diff view
//! before it is written, or a timeout that is filled in.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::clock::unix_seconds;
use crate::log::{lock, private_dir};

/// The size at which a file becomes `<id>.receipts.1`, in bytes; the one before it is dropped.
const ROTATE_AT: u64 = 256 << 10;

/// Files of sessions that nothing was heard of for so long are removed.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many files are looked at when old ones are removed.
const LOOKED_AT: usize = 500;

/// What the guard decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The call was let through.
    Allow,
    /// The call was refused.
    Deny,
}

/// What the receipts say of a call that has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was let through as it ran.
    Judged,
    /// It was let through with another input.
    OtherInput,
    /// It was refused.
    Refused,
    /// Nothing.
    Missing,
    /// There is no receipt, and there may have been one: the file was cut off since, or the guard could
    /// not write.
    Unknown,
}

/// The file name that stands for a session, whose id comes from outside.
#[must_use]
pub fn session_name(id: &str) -> String {
    let name: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    if name.is_empty() { "none".to_owned() } else { name }
}

/// Returns the digest of what is judged of a call; `None` for one that neither runs nor writes anything,
/// for which there is no receipt.
#[must_use]
pub fn digest(tool: &str, input: &RawValue) -> Option<String> {
    let mut all: Members<'_> = serde_json::from_str(input.get()).unwrap_or_default();
    all.0.retain(|(key, _)| is_judged(tool, key));
    let runs = |key: &str| matches!(key, "command" | "cmd" | "script" | "code" | "sql");
    if !executes(tool) && !all.0.iter().any(|(key, _)| runs(key)) {
        return None;
    }
    all.0.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut hash = Sha256::new();
    hash.update(tool);
    for (key, value) in &all.0 {
        hash.update([0]);
        hash.update(key.as_bytes());
        hash.update([0]);
        add(&mut hash, value);
    }
    let half = &hash.finalize()[..16];
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    Some(half.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

/// Says whether a tool is known to run or write something. One that is not known does where it carries code.
fn executes(tool: &str) -> bool {
    matches!(
        tool,
        "Bash" | "PowerShell" | "Monitor" | "Workflow" | "Write" | "Edit" | "NotebookEdit" | "ExitWorktree"
    ) || tool.starts_with("mcp__")
}

/// Says whether a member of a tool's input is judged.
fn is_judged(tool: &str, key: &str) -> bool {
    match tool {
        "Bash" | "PowerShell" => key == "command",
        "Monitor" => matches!(key, "command" | "ws"),
        "Workflow" => matches!(key, "script" | "scriptPath"),
        "Write" | "Edit" => key == "file_path",
        "NotebookEdit" => key == "notebook_path",
        "ExitWorktree" => matches!(key, "action" | "discard_changes"),
        "Agent" | "Task" => false,
        tool if tool.starts_with("mcp__") => true,
        _ => matches!(key, "command" | "cmd" | "args" | "script" | "code" | "sql" | "file_path" | "path"),
    }
}

/// The members of an object, in the order of the text.
#[derive(Debug, Default)]
struct Members<'a>(Vec<(std::borrow::Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                struct Key<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Adds a value by its meaning: the order of keys and the spelling of texts do not count.
fn add(hash: &mut Sha256, raw: &RawValue) {
    match raw.get().as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<std::borrow::Cow<'_, str>>(raw.get()) {
            Ok(text) => hash.update(text.as_bytes()),
            Err(_) => hash.update(raw.get()),
        },
        Some(b'{' | b'[') => add_value(hash, &serde_json::from_str(raw.get()).unwrap_or_default()),
        _ => hash.update(raw.get()),
    }
}

fn add_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            hash.update(b"{");
            for (key, value) in members {
                hash.update(Value::from(key.as_str()).to_string());
                add_value(hash, value);
            }
            hash.update(b"}");
        }
        Value::Array(elements) => {
            hash.update(b"[");
            elements.iter().for_each(|element| add_value(hash, element));
            hash.update(b"]");
        }
        plain => hash.update(format!("{plain},")),
    }
}

/// The receipts of one session.
#[derive(Clone, Debug)]
pub struct Receipts {
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Line<'a> {
    at: u64,
    #[serde(borrow)]
    call: std::borrow::Cow<'a, str>,
    input: std::borrow::Cow<'a, str>,
    verdict: Verdict,
}

/// Returns a call's id as a receipt has it.
fn quoted(call: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if call.chars().all(plain) { format!("\"{call}\"") } else { Value::from(call).to_string() }
}

/// Returns the line of a text that a position is in.
fn line_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[start..].split('\n').next().unwrap_or_default()
}

fn parsed(line: &str) -> Option<Line<'_>> {
    serde_json::from_str(line).ok()
}

impl Receipts {
    /// Names the receipts of a session below a state directory.
    #[must_use]
    pub fn of(state: &Path, session: &str) -> Self {
        Self { path: state.join("sessions").join(format!("{}.receipts", session_name(session))) }
    }

    /// Appends the verdict about a call, as one write and without waiting for the disk.
    ///
    /// # Errors
    /// When the file cannot be made or written; it is then marked as far as possible, so that the call is
    /// not taken for one that nobody judged.
    pub fn append(&self, call: &str, digest: &str, verdict: Verdict) -> io::Result<()> {
        let call = quoted(call);
        let verdict = if verdict == Verdict::Allow { "allow" } else { "deny" };
        let at = unix_seconds();
        let line =
            format!("{{\"at\":{at},\"call\":{call},\"input\":\"{digest}\",\"verdict\":\"{verdict}\"}}\n");
        let mut file = match self.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(dir) = self.path.parent() {
                    private_dir(dir)?;
                }
                self.open()?
            }
            opened => opened?,
        };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if let Err(error) = file.write_all(line.as_bytes()) {
            let _ = file.set_modified(SystemTime::now());
            return Err(error);
        }
        if meta.len() == 0 {
            self.forget_old();
        }
        if meta.len() > ROTATE_AT {
            self.rotate(&file, meta.ino())?;
        }
        Ok(())
    }

    /// Looks for the verdict about a call that began so many seconds after 1970, where that is known.
    #[must_use]
    pub fn proof(&self, call: &str, digest: &str, began: Option<u64>) -> Proof {
        let older = self.older();
        let texts =
            [&older, &self.path].map(|path| crate::files::read(path, 4 * ROTATE_AT).unwrap_or_default());
        let texts = texts.each_ref().map(|text| String::from_utf8_lossy(text));
        // A long session has thousands of lines, of which one or two are about the call.
        let key = format!("\"call\":{},", quoted(call));
        let about = texts.iter().flat_map(|text| text.match_indices(&key).map(|(at, _)| line_at(text, at)));
        let about = about.filter_map(parsed).filter(|line| line.call == call);
        let found: Vec<_> = about.map(|line| (line.verdict, line.input == digest)).collect();
        if found.iter().any(|(verdict, _)| *verdict == Verdict::Deny) {
            return Proof::Refused;
        }
        if found.iter().any(|(_, same)| *same) {
            return Proof::Judged;
        }
        if !found.is_empty() {
            return Proof::OtherInput;
        }
        let mut times = texts.iter().flat_map(|text| text.split('\n')).filter_map(parsed).map(|line| line.at);
        let first = times.next();
        let last = times.next_back().or(first).unwrap_or(0);
        let rotated = older.exists() && began.is_none_or(|began| first.is_none_or(|first| first >= began));
        let written = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|at| at.as_secs());
        // A write that no line is left of was one that failed.
        let failed = written.is_some_and(|at| at > last + 1 && began.is_none_or(|began| at + 1 >= began));
        if rotated || failed || self.is_out_of_reach() { Proof::Unknown } else { Proof::Missing }
    }

    /// Says whether the guard has left any receipt in this session.
    #[must_use]
    pub fn exist(&self) -> bool {
        self.path.exists()
    }

    /// Says whether a receipt could not be written at present.
    fn is_out_of_reach(&self) -> bool {
        let open = |path: &Path| OpenOptions::new().append(true).custom_flags(nonblocking()).open(path);
        match open(&self.path) {
            Ok(file) => !file.metadata().is_ok_and(|meta| meta.is_file()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let dir = self.path.parent().unwrap_or(Path::new("/"));
                rustix::fs::access(dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err()
            }
            Err(_) => true,
        }
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(nonblocking()).open(&self.path)
    }

    fn older(&self) -> PathBuf {
        self.path.with_extension("receipts.1")
    }

    /// Makes room, unless another process has just done so.
    fn rotate(&self, file: &File, ino: u64) -> io::Result<()> {
        lock(file)?;
        if fs::metadata(&self.path).is_ok_and(|named| named.ino() == ino) {
            fs::rename(&self.path, self.older())?;
        }
        Ok(())
    }

    /// Removes the files of old sessions.
    fn forget_old(&self) {
        let Some(dir) = self.path.parent() else { return };
        for entry in fs::read_dir(dir).into_iter().flatten().flatten().take(LOOKED_AT) {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
            if age.is_some_and(|age| age > KEPT) {
                // One that stays is tried again by the next session.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A pipe in the place of the file is not waited for.
fn nonblocking() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

#[cfg(test)]
mod tests;
