//! The process environment, and which of its variables a repository may have set.
//!
//! The client passes the `env` of project settings to every hook and every Bash
//! command. A variable is therefore a wish, not a proof: nothing secret may be sent
//! to a place that only a variable names. [`ProjectEnv`] tells which names the
//! project's own settings files set.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files;
use crate::settings::{self, MANAGED_DIR, json};

/// A source of environment variables; tests give their own.
#[derive(Clone)]
pub struct Environment(Source);

impl std::fmt::Debug for Environment {
    /// Shows no value: some are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::Process => f.write_str("Process"),
            Source::Fixed(variables) => {
                f.debug_set().entries(variables.iter().map(|(name, _)| name)).finish()
            }
        }
    }
}

#[derive(Clone)]
enum Source {
    Process,
    Fixed(Vec<(String, String)>),
}

impl Environment {
    /// Returns the environment of this process.
    #[must_use]
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// Returns an environment of just these variables.
    #[must_use]
    pub fn fixed<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(Source::Fixed(variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect()))
    }

    /// Returns the named variables alone, but for those that a project sets.
    #[must_use]
    pub fn without_project(&self, names: &[&str], project: &ProjectEnv) -> Self {
        Self::fixed(
            names.iter().filter(|name| !project.sets(name)).filter_map(|name| Some((*name, self.get(name)?))),
        )
    }

    /// Returns a variable that is set, not blank and UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.get_os(name)?.into_string().ok().filter(|value| !value.trim().is_empty())
    }

    /// Returns a variable that is set and not empty, as the system has it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn get_os(&self, name: &str) -> Option<OsString> {
        match &self.0 {
            Source::Process => std::env::var_os(name),
            Source::Fixed(variables) => {
                variables.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.into())
            }
        }
        .filter(|value| !value.is_empty())
    }

    /// Returns a variable that holds an absolute path.
    #[must_use]
    pub fn get_path(&self, name: &str) -> Option<PathBuf> {
        self.get_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// The variables that the settings of the current project set, as far as can be told.
#[derive(Clone, Debug, Default)]
pub struct ProjectEnv {
    names: BTreeSet<String>,
    /// A file is there whose names cannot be told.
    unknown: bool,
}

/// The largest settings file that is looked into, in bytes.
const LIMIT: u64 = 8 << 20;

/// The variables that say where events go. A session keeps what a settings file set after the file
/// is gone, and whoever types a command can set them too, so for these the files are not enough.
const OF_A_COORDINATOR: [&str; 4] =
    ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL", "CONDUCTOR_TOKEN", "CONDUCTOR_OPERATOR_TOKEN"];

impl ProjectEnv {
    /// Reads `.claude/settings.json` and `.claude/settings.local.json` of the project directory,
    /// the working directory and its parents, but for those of the home directory, which are the
    /// user's own. One that is there and cannot be read as the client reads it may set anything.
    ///
    /// Inside a session the variables of the coordinator also count as the project's where the
    /// client was not started with their value and no settings of the user or the machine have it.
    #[must_use]
    pub fn read(env: &Environment, cwd: &Path, home: Option<&Path>) -> Self {
        let project = env.get_path("CLAUDE_PROJECT_DIR");
        let mut found = Self::default();
        for dir in project.as_deref().into_iter().flat_map(Path::ancestors).chain(cwd.ancestors()) {
            for file in ["settings.json", "settings.local.json"] {
                found.add(&dir.join(".claude").join(file), dir, home);
            }
        }
        if let Some(client) = Client::of(env) {
            let of_users = of_users(&client, home);
            let changed = |name: &&str| {
                env.get_os(name).is_some_and(|value| {
                    let same = |other: &String| OsStr::new(other) == value;
                    client.get(name) != Some(value.as_os_str())
                        && !of_users.iter().filter_map(|e| e.get(*name)).any(same)
                })
            };
            found.names.extend(OF_A_COORDINATOR.iter().filter(|name| changed(name)).map(|n| (*n).to_owned()));
        }
        found
    }

    fn add(&mut self, file: &Path, dir: &Path, home: Option<&Path>) {
        let text = match files::read(file, LIMIT) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return,
            text => text,
        };
        // The directory may be named by way of a link.
        let is_home = |home: &Path| home == dir || same_file(home, dir);
        if home.is_some_and(is_home) {
            return;
        }
        let Ok(text) = text else {
            self.unknown = true;
            return;
        };
        let text = String::from_utf8_lossy(&text);
        if text.trim_start_matches('\u{feff}').trim_ascii().is_empty() {
            return;
        }
        match json::parse(&text) {
            Ok(settings) => {
                let members = settings.get("env").and_then(json::Node::members).unwrap_or_default();
                self.names.extend(members.iter().map(|member| member.key.clone()));
            }
            Err(_) => self.unknown = true,
        }
    }

    /// Returns a set of just these names.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), unknown: false }
    }

    /// Says whether the project sets this variable, so that its value may not be trusted.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        self.unknown || self.names.contains(name)
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    let key = |path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    key(a).is_some_and(|a| key(b) == Some(a))
}

/// The client whose session this process belongs to.
struct Client {
    environ: Vec<u8>,
}

impl Client {
    /// Finds the client by `CLAUDE_PID`, which it sets itself, over any settings.
    fn of(env: &Environment) -> Option<Self> {
        let pid: u32 = env.get("CLAUDE_PID")?.trim().parse().ok()?;
        let environ = files::read(Path::new(&format!("/proc/{pid}/environ")), LIMIT).ok()?;
        Some(Self { environ })
    }

    /// Returns a variable that it was started with.
    fn get(&self, name: &str) -> Option<&OsStr> {
        let entries = self.environ.split(|b| *b == 0);
        let of = |entry| <[u8]>::strip_prefix(entry, name.as_bytes())?.strip_prefix(b"=");
        entries.filter_map(of).next().map(OsStr::from_bytes)
    }
}

/// Returns the `env` of the user's own settings and of the machine's.
fn of_users(client: &Client, home: Option<&Path>) -> Vec<BTreeMap<String, String>> {
    let user = match client.get("CLAUDE_CONFIG_DIR") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => home.map(|home| home.join(".claude")),
    };
    let session = settings::Session {
        user: user.into_iter().collect(),
        projects: Vec::new(),
        managed: MANAGED_DIR.into(),
    };
    let load =
        |file: settings::SettingsFile| Some(settings::load(&settings::read(&file.path)?, file.scope).env);
    session.files(&[]).into_iter().filter_map(load).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_variables_count_as_unset() {
        let env = Environment::fixed([("A", "x"), ("B", ""), ("C", "  "), ("D", "rel/path"), ("E", "/abs")]);
        assert_eq!(["A", "B", "C", "Z"].map(|n| env.get(n)), [Some("x".to_owned()), None, None, None]);
        assert_eq!(["D", "E"].map(|n| env.get_path(n)), [None, Some(PathBuf::from("/abs"))]);
    }

    #[test]
    fn no_value_is_in_the_debug_text() {
        assert_eq!(
            format!("{:?}", Environment::fixed([("CONDUCTOR_TOKEN", "s3cret")])),
            r#"{"CONDUCTOR_TOKEN"}"#
        );
    }

    #[test]
    fn project_files_name_their_variables_and_the_users_own_file_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("home/.claude/settings.json", r#"{"env":{"USERS_OWN":"1"}}"#);
        write("home/p/.claude/settings.json", r#"{"env":{"FROM_PROJECT":"1"}}"#);
        write("home/p/sub/file", "");
        write("home/p/.claude/settings.local.json", r#"{"env":{"FROM_LOCAL":"1"}}"#);
        write("other/.claude/settings.json", r#"{"env":{"FROM_START":"1"}}"#);
        let env = Environment::fixed([("CLAUDE_PROJECT_DIR", root.path().join("other").to_str().unwrap())]);
        let home = root.path().join("home");
        let names = ProjectEnv::read(&env, &home.join("p/sub"), Some(&home));
        assert_eq!(
            ["USERS_OWN", "FROM_PROJECT", "FROM_LOCAL", "FROM_START", "NOWHERE"].map(|n| names.sets(n)),
            [false, true, true, true, false]
        );
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&home, &link).unwrap();
        assert!(!ProjectEnv::read(&env, &home, Some(&link)).sets("USERS_OWN"), "a home behind a link");
    }

    #[test]
    fn a_file_that_the_client_can_read_hides_no_variable() {
        let nothing = Environment::fixed([("", ""); 0]);
        let env = r#""env":{"URL":"x"}"#;
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (text, others) in [
            (format!("{{{env}}}"), false),
            (format!("\u{feff}{{{env}}}"), false),
            (format!(r#"{{"a":"\ud800","b":1e999,"c":{deep},{env}}}"#), false),
            (format!(r#"{{{},{env}}}"#, r#""env":{}"#), false),
            // What the client ignores may have counted a moment ago.
            (format!("{{{env},}}"), true),
        ] {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir(root.path().join(".claude")).unwrap();
            std::fs::write(root.path().join(".claude/settings.json"), &text).unwrap();
            let found = ProjectEnv::read(&nothing, root.path(), None);
            assert_eq!([found.sets("URL"), found.sets("OTHER")], [true, others], "{text}");
        }
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(".claude/settings.json");
        std::fs::create_dir(root.path().join(".claude")).unwrap();
        std::fs::write(&file, "\n").unwrap();
        assert!(!ProjectEnv::read(&nothing, root.path(), None).sets("URL"), "an empty file sets nothing");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert!(ProjectEnv::read(&nothing, root.path(), None).sets("URL"), "one without end may");
    }

    #[test]
    fn in_a_session_only_the_client_and_the_users_settings_vouch_for_a_coordinator() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir_all(home.join(".claude")).unwrap();
        let settings = r#"{"env":{"CONDUCTOR_TOKEN":"of-settings"}}"#;
        std::fs::write(home.join(".claude/settings.json"), settings).unwrap();
        let mut client = std::process::Command::new("sleep")
            .arg("60")
            .env_clear()
            .env("CONDUCTOR_BASE_URL", "http://own")
            .spawn()
            .unwrap();
        let pid = client.id().to_string();
        // The parent goes on while the kernel still lays out the new program.
        while std::fs::read(format!("/proc/{pid}/environ")).unwrap().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let sets = |variables: &[(&str, &str)]| {
            let env = Environment::fixed(variables.iter().copied().chain([("CLAUDE_PID", pid.as_str())]));
            let found = ProjectEnv::read(&env, dir.path(), Some(&home));
            ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL", "CONDUCTOR_TOKEN", "PATH"].map(|name| found.sets(name))
        };
        let found = [
            sets(&[("CONDUCTOR_BASE_URL", "http://own"), ("CONDUCTOR_TOKEN", "of-settings"), ("PATH", "/x")]),
            sets(&[("CONDUCTOR_BASE_URL", "http://evil"), ("CONDUCTOR_TOKEN", "other")]),
            sets(&[("CONDUCTOR_URL", "http://own")]),
        ];
        client.kill().unwrap();
        client.wait().unwrap();
        assert_eq!(found, [[false; 4], [true, false, true, false], [false, true, false, false]]);
    }
}
