//! A home, a directory of programs, and the program under test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The files that come with the package.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// An empty home with programs to name in hooks.
pub(crate) struct Sandbox {
    dir: TempDir,
}

/// What a run of the program did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(sandbox.home()).unwrap();
        for bin in ["bin", "other-bin"] {
            sandbox.programs(&sandbox.root().join(bin));
        }
        sandbox
    }

    /// Puts programs into a directory.
    pub(crate) fn programs(&self, dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        for name in ["rig-guard", "rig-prime", "rig-report"] {
            fs::write(dir.join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.root().join("bin")
    }

    /// The user's settings file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.home().join(".claude/settings.json")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.home().join(".local/state/rig/hooks")
    }

    pub(crate) fn write(&self, path: &Path, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Returns a command with the small base of the fixtures, and an environment of its own.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
        command.env_clear().env("HOME", self.home()).current_dir(self.root());
        // Whoever runs the tests must not get into the settings by name.
        command.env("AGENT_ID", "test");
        command.arg("--base").arg(fixtures().join("base/hooks-base.json"));
        command.args(options);
        if !options.contains(&"--bin") {
            command.arg("--bin").arg(self.bin());
        }
        command
    }

    /// Runs the program. The sandbox's own path reads as `ROOT` in what it says.
    pub(crate) fn run(&self, options: &[&str]) -> Ran {
        self.ran(&mut self.command(options))
    }

    pub(crate) fn ran(&self, command: &mut Command) -> Ran {
        let Output { status, stdout, stderr } = command.output().unwrap();
        Ran { code: status.code(), stdout: self.told(&stdout), stderr: self.told(&stderr) }
    }

    /// Runs the program, which has to succeed.
    #[track_caller]
    pub(crate) fn ok(&self, options: &[&str]) -> Ran {
        let ran = self.run(options);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    }

    pub(crate) fn told(&self, text: &[u8]) -> String {
        String::from_utf8(text.to_vec()).unwrap().replace(&*self.root().to_string_lossy(), "ROOT")
    }

    /// Returns the user's settings; none where there is no file.
    pub(crate) fn read(&self) -> Option<Vec<u8>> {
        fs::read(self.settings()).ok()
    }

    /// Returns the user's settings with `ROOT` for the sandbox's own path.
    pub(crate) fn read_text(&self) -> String {
        self.told(&self.read().unwrap())
    }

    /// Returns every path below the home, sorted.
    pub(crate) fn tree(&self) -> Vec<String> {
        fn walk(dir: &Path, home: &Path, out: &mut Vec<String>) {
            for file in fs::read_dir(dir).unwrap() {
                let path = file.unwrap().path();
                out.push(path.strip_prefix(home).unwrap().to_string_lossy().into_owned());
                if path.is_dir() && !path.is_symlink() {
                    walk(&path, home, out);
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.home(), &self.home(), &mut out);
        out.sort();
        out
    }
}

/// Says how much a test should do: `few`, or `many` when a soak run asks for depth.
pub(crate) fn depth(few: usize, many: usize) -> usize {
    if variable("RIG_TEST_DEPTH").as_deref() == Some("full") { many } else { few }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables what there is to test with")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}
