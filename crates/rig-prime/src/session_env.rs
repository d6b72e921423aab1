//! The identity for the commands that a session runs.
//!
//! The client reads the file named by `CLAUDE_ENV_FILE` before each Bash command, and what stands
//! there wins over the settings.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rig_core::identity::Identity;

/// The beginning of the line.
const PREFIX: &str = "export CONDUCTOR_AGENT_ID=";

/// The most that is read of what is there, in bytes.
const LIMIT: u64 = 1 << 20;

/// Appends one line of exports, unless the last such line in the file is the same: a session that
/// is resumed or compacted starts again.
///
/// # Errors
/// When the file cannot be read or written.
pub(crate) fn export(file: &Path, identity: &Identity) -> io::Result<()> {
    let line = line(identity);
    let mut there = Vec::new();
    match File::open(file) {
        Ok(file) => {
            file.take(LIMIT).read_to_end(&mut there)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let there = String::from_utf8_lossy(&there);
    if there.lines().rfind(|l| l.starts_with(PREFIX)) == Some(&*line) {
        return Ok(());
    }
    let start = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    // One write, since other hooks append at the same time.
    file.write_all(format!("{start}{line}\n").as_bytes())
}

fn line(identity: &Identity) -> String {
    let assignments: Vec<String> =
        identity.variables().iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    format!("export {}", assignments.join(" "))
}

/// Quotes a value for a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rig_core::config::AgentSection;
    use rig_core::env::Environment;

    use super::*;

    fn identity(id: &str, name: Option<&str>) -> Identity {
        let settings =
            AgentSection { id: Some(id.into()), name: name.map(Into::into), ..AgentSection::default() };
        Identity::resolve(&Environment::fixed([("", ""); 0]), &settings, None).0
    }

    #[test]
    fn the_line_is_there_once_until_the_identity_changes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        std::fs::write(&file, "export OTHER=1").unwrap();
        let line = |id: &str| {
            format!(
                "export CONDUCTOR_AGENT_ID='{id}' GIT_AUTHOR_NAME='{id}' GIT_AUTHOR_EMAIL='agent@dashecorp.com' \
                 GIT_COMMITTER_NAME='{id}' GIT_COMMITTER_EMAIL='agent@dashecorp.com'\n"
            )
        };
        let (a, b) = (line("a"), line("b"));
        for (id, expected) in [
            ("a", format!("export OTHER=1\n{a}")),
            ("a", format!("export OTHER=1\n{a}")),
            ("b", format!("export OTHER=1\n{a}{b}")),
            ("a", format!("export OTHER=1\n{a}{b}{a}")),
        ] {
            export(&file, &identity(id, None)).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        }
    }

    #[test]
    fn a_shell_gets_exactly_the_name_and_runs_nothing() {
        let name = r#"O'Brien "$(touch pwned)" `x` \ ; & é"#;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        export(&file, &identity("human-ob", Some(name))).unwrap();
        let shell = Command::new("/bin/sh")
            .args(["-c", ". ./env; printf %s \"$GIT_AUTHOR_NAME\""])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stdout), name);
        assert!(!dir.path().join("pwned").exists());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(export(&dir.path().join("none/env"), &identity("a", None)).is_err());
        assert!(export(dir.path(), &identity("a", None)).is_err());
    }
}
