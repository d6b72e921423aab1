//! A container image in small: the machine's programs, the staged installation, a user.

use std::ffi::OsStr;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rig_testkit::{Home, PATH, Repo};

use crate::client::Session;
use crate::install;
use crate::model::Model;
use crate::needs::{skip, variable};
use crate::sandbox::{self, mount, run};

/// The user's number and group, as the image's `/etc/passwd` has them.
const USER: &str = "1000:1000";

/// Where the client stands in the image.
const CLIENT: &str = "/opt/client/claude";

/// The image, ready to be entered.
#[derive(Debug)]
pub struct Image {
    /// The user's empty home, as it is seen from outside.
    pub home: Home,
    /// A repository in it; sessions start there.
    pub repo: Repo,
    root: PathBuf,
    env: Vec<(String, String)>,
}

/// Runs a scenario in the staged image that `RIG_TEST_IMAGE` names, or skips it where that, the
/// client or a sandbox is missing. It needs the machine's root: a user namespace has no second user.
///
/// # Panics
/// When the scenario does.
pub fn in_image<F: FnOnce(Image)>(scenario: F) {
    if let Some(dir) = sandbox::inside() {
        let staged = PathBuf::from(variable("RIG_TEST_IMAGE").expect("the run outside names the image"));
        let client = install::client().expect("the run outside names the client");
        return scenario(Image::new(dir.join("image"), &staged, &client));
    }
    let test = sandbox::test_name::<F>();
    let ready = || {
        variable("RIG_TEST_IMAGE")
            .ok_or("RIG_TEST_IMAGE names no staged image; `cargo xtask test` makes one")?;
        if !sandbox::is_root() {
            return Err("entering an image as another user needs root".to_owned());
        }
        let client = install::client()?;
        sandbox::usable().map(|()| client)
    };
    match ready() {
        Ok(client) => sandbox::run_inside(&test, &[("RIG_TEST_CLIENT", client.as_os_str())]),
        Err(why) => skip(&test, &why),
    }
}

impl Image {
    fn new(root: PathBuf, staged: &Path, client: &Path) -> Self {
        for dir in ["usr", "proc", "dev", "opt/client", "tmp"] {
            std::fs::create_dir_all(root.join(dir)).expect("make a directory of the image");
        }
        set_permissions(root.join("tmp"), Permissions::from_mode(0o1777)).expect("open /tmp of the image");
        for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
            let own = Path::new("/").join(name);
            match own.read_link() {
                Ok(target) => std::os::unix::fs::symlink(target, root.join(name)).expect("link to /usr"),
                Err(_) if own.is_dir() => {
                    std::fs::create_dir(root.join(name)).expect("make a mount point");
                    bind(&own, &root.join(name));
                }
                Err(_) => {}
            }
        }
        bind(Path::new("/usr"), &root.join("usr"));
        mount(["-t", "tmpfs", "-o", "mode=755", "none"], &root.join("usr/local"));
        mount(["--rbind", "/proc"], &root.join("proc"));
        mount(["--rbind", "/dev"], &root.join("dev"));
        let program = root.join(CLIENT.trim_start_matches('/'));
        std::fs::write(&program, "").expect("make a mount point");
        bind(client, &program);
        sandbox::make_etc(&root.join("etc"));
        // With their owners and modes, and writable for who may: nothing but these protects them.
        run("cp", [Path::new("-a"), &staged.join("usr/local"), &root.join("usr")]);
        run("cp", [Path::new("-a"), &staged.join("etc"), &root]);
        let home = Home::at(root.join("home/dev"));
        let repo = home.repo("work/project");
        run("chown", [OsStr::new("-R"), OsStr::new(USER), home.path().as_os_str()]);
        Self { home, repo, root, env: Vec::new() }
    }

    /// Sets a variable in the environment of everything that is started in the image.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a session as the user.
    #[must_use]
    pub fn start(&self) -> Session {
        Session::start(self.enter([CLIENT]), Model::start())
    }

    /// Runs a line of shell as the user and returns exit code and stderr.
    ///
    /// # Panics
    /// When it cannot be started or ends by a signal.
    #[must_use]
    pub fn shell(&self, line: &str) -> (i32, String) {
        let output = self.enter(["/bin/sh", "-c", line]).output().expect("enter the image");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().expect("an end without a signal"), stderr)
    }

    /// Returns a command that runs a program as the user, in the repository.
    fn enter<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={USER}")).arg(&self.root);
        command.args(["/usr/bin/env", "--chdir=/home/dev/work/project"]).args(words);
        command
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .env("HOME", "/home/dev")
            .env("TMPDIR", "/tmp");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Shows a file or directory of the machine in the image, read-only.
fn bind(from: &Path, at: &Path) {
    mount([Path::new("--bind"), from], at);
    mount(["-o", "remount,bind,ro"], at);
}
