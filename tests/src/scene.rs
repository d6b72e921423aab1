//! Where a session takes place: a home, a repository in it, settings, an environment.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use rig_testkit::{Home, Output, PATH, Program, Repo};

use crate::client::Session;
use crate::install;
use crate::model::Model;
use crate::needs::{program, skip};
use crate::sandbox;

/// A place for sessions, inside a sandbox.
#[derive(Debug)]
pub struct Scene {
    /// The empty home.
    pub home: Home,
    /// A repository in it, with a remote; sessions start here.
    pub repo: Repo,
    /// The remote, a bare repository.
    pub origin: Repo,
    dir: PathBuf,
    client: PathBuf,
    env: Vec<(OsString, OsString)>,
}

/// Runs a scenario with the real client in a sandbox, or skips it where one of both is missing.
///
/// # Panics
/// When the scenario does.
pub fn with_client<F: FnOnce(Scene)>(scenario: F) {
    if let Some(dir) = sandbox::inside() {
        let client = install::client().expect("the run outside names the client");
        return scenario(Scene::new(&dir, client));
    }
    let test = sandbox::test_name::<F>();
    match install::client().and_then(|client| sandbox::usable().map(|()| client)) {
        Ok(client) => sandbox::run_inside(&test, &[("RIG_TEST_CLIENT", client.as_os_str())]),
        Err(why) => skip(&test, &why),
    }
}

impl Scene {
    fn new(dir: &Path, client: PathBuf) -> Self {
        let home = Home::at(dir.join("home"));
        let repo = home.repo("work/project");
        let origin = repo.with_origin();
        Self { home, repo, origin, dir: dir.to_owned(), client, env: Vec::new() }
    }

    /// Sets a variable in the environment of the client, as a pod or a person's shell does.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Returns an installed program of the rig, ready to run in this scene.
    pub fn program(&self, name: &str) -> Program {
        let program = Program::new(program(name)).home(&self.home).cwd(self.repo.path());
        self.env.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Lets the installed `rig-hooks-sync` write the user's settings.
    ///
    /// # Panics
    /// When it fails.
    pub fn sync(&self, args: &[&str]) -> Output {
        let output = self.program("rig-hooks-sync").args(args).output();
        assert_eq!(output.code, Some(0), "rig-hooks-sync {args:?}: {output:?}");
        output
    }

    /// Returns the user's settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.home.join(".claude/settings.json")
    }

    /// Starts a session in the repository.
    #[must_use]
    pub fn start(&self) -> Session {
        let tmp = self.dir.join("tmp");
        std::fs::create_dir_all(&tmp).expect("make a directory for temporary files");
        let mut command = Command::new(&self.client);
        command.current_dir(self.repo.path()).env_clear();
        command.env("PATH", PATH).env("LANG", "C.UTF-8").env("HOME", self.home.path());
        command.env("TMPDIR", &tmp).env("CLAUDE_CODE_TMPDIR", &tmp);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        Session::start(command, Model::start())
    }

    /// Runs a whole session that does one harmless thing.
    pub fn start_and_work(&self) {
        let mut session = self.start();
        session.bash("echo work");
        session.end();
    }
}
