//! The process environment, and which of its variables a repository may have set.
//!
//! The client passes the `env` of project settings to every hook and every Bash
//! command. A variable is therefore a wish, not a proof: nothing secret may be sent
//! to a place that only a variable names. [`ProjectEnv`] tells which names the
//! project's own settings files set.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A source of environment variables; tests give their own.
#[derive(Clone, Debug)]
pub struct Environment(Source);

#[derive(Clone, Debug)]
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

/// The names that the settings files of the current project set in `env`.
#[derive(Clone, Debug, Default)]
pub struct ProjectEnv(BTreeSet<String>);

impl ProjectEnv {
    /// Reads `.claude/settings.json` and `.claude/settings.local.json` of the project directory,
    /// the working directory and its parents, but for those of the home directory, which are the
    /// user's own. Files that cannot be read or parsed count as empty, as for the client.
    #[must_use]
    pub fn read(env: &Environment, cwd: &Path, home: Option<&Path>) -> Self {
        let project = env.get_path("CLAUDE_PROJECT_DIR");
        let mut names = BTreeSet::new();
        for dir in project.as_deref().into_iter().flat_map(Path::ancestors).chain(cwd.ancestors()) {
            if Some(dir) == home {
                continue;
            }
            for file in ["settings.json", "settings.local.json"] {
                let Ok(text) = std::fs::read(dir.join(".claude").join(file)) else { continue };
                let Ok(Value::Object(settings)) = serde_json::from_slice(&text) else { continue };
                if let Some(Value::Object(env)) = settings.get("env") {
                    names.extend(env.keys().cloned());
                }
            }
        }
        Self(names)
    }

    /// Returns a set of just these names.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Says whether the project sets this variable, so that its value may not be trusted.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        self.0.contains(name)
    }
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
    fn project_files_name_their_variables_and_the_users_own_file_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("home/.claude/settings.json", r#"{"env":{"USERS_OWN":"1"}}"#);
        write("home/p/.claude/settings.json", r#"{"env":{"FROM_PROJECT":"1"}}"#);
        write("home/p/.claude/settings.local.json", r#"{"env":{"FROM_LOCAL":"1"}}"#);
        write("home/p/sub/.claude/settings.json", "{not json");
        write("other/.claude/settings.json", r#"{"env":{"FROM_START":"1"}}"#);
        let env = Environment::fixed([("CLAUDE_PROJECT_DIR", root.path().join("other").to_str().unwrap())]);
        let home = root.path().join("home");
        let names = ProjectEnv::read(&env, &home.join("p/sub"), Some(&home));
        assert_eq!(
            ["USERS_OWN", "FROM_PROJECT", "FROM_LOCAL", "FROM_START", "NOWHERE"].map(|n| names.sets(n)),
            [false, true, true, true, false]
        );
    }
}
