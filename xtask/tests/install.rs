//! The installer from outside, in homes of its own. The programs are built where they are not yet.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A home, and the installer run in it; the second directory is for temporary files.
struct Home(TempDir, TempDir);

impl Drop for Home {
    /// Ends what a killed installer had started and would have ended, and a service that runs still.
    fn drop(&mut self) {
        let ours = [self.0.path(), self.1.path()].map(|dir| dir.to_str().unwrap());
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if ours.iter().any(|dir| line.contains(dir)) {
                let _ = Command::new("kill").arg(entry.file_name()).status();
            }
        }
    }
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Returns a call that sees this home and nothing of a session.
    fn call(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("HOME", self.0.path()).env("TMPDIR", self.1.path()).stdin(Stdio::null());
        for name in ["PATH", "CARGO", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR"] {
            #[expect(
                clippy::disallowed_methods,
                reason = "what a build needs, from the caller's environment"
            )]
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Returns a call of the installer that leaves the service out.
    fn installer(&self, arguments: &[&str]) -> Command {
        let mut command = self.installer_of_all(arguments);
        command.arg("--no-conductor");
        command
    }

    fn installer_of_all(&self, arguments: &[&str]) -> Command {
        let mut command = self.call(env!("CARGO_BIN_EXE_xtask"));
        command.arg("install").args(arguments);
        command
    }

    #[track_caller]
    fn install(&self, arguments: &[&str]) -> String {
        succeeds(&mut self.installer(arguments))
    }

    /// Lists every path of the home, with kind, permissions and content.
    fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        walk(self.0.path(), &mut |path, shown| {
            tree.insert(path.strip_prefix(self.0.path()).unwrap().display().to_string(), shown);
        });
        tree
    }

    /// Lists every file of the home by what changes when it is written again.
    fn inodes(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        let mut inodes = BTreeMap::new();
        walk(self.0.path(), &mut |path, _| {
            let found = path.symlink_metadata().unwrap();
            if !found.is_dir() {
                inodes.insert(path.to_owned(), (found.ino(), found.mtime(), found.mtime_nsec()));
            }
        });
        inodes
    }
}

fn walk(dir: &Path, visit: &mut impl FnMut(&Path, String)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let found = path.symlink_metadata().unwrap();
        let mode = found.permissions().mode() & 0o7777;
        if found.is_dir() {
            visit(&path, format!("directory {mode:o}"));
            walk(&path, visit);
        } else if found.is_symlink() {
            visit(&path, format!("link to {}", fs::read_link(&path).unwrap().display()));
        } else {
            let bytes = fs::read(&path).unwrap();
            let text =
                String::from_utf8(bytes).unwrap_or_else(|error| format!("{} bytes", error.as_bytes().len()));
            visit(&path, format!("file {mode:o}: {text}"));
        }
    }
}

fn text(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{stdout}{stderr}")
}

#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output));
    text(&output)
}

#[test]
fn nothing_stays_in_a_home_that_was_empty() {
    let home = Home::new();
    let told = succeeds(&mut home.installer_of_all(&[]));
    assert!(told.contains("--check") && !told.contains("WRONG"), "{told}");
    assert!(told.contains("rig-conductor runs for this user at http://127.0.0.1:"), "{told}");
    let mut status = home.call(home.path(".local/bin/rig-conductor"));
    assert!(succeeds(status.arg("status")).starts_with("running"), "it runs");
    assert_eq!(fs::read_link(home.path(".local/bin/conductor-e-hook.sh")).unwrap(), Path::new("rig-report"));
    assert!(fs::read_to_string(home.path(".claude/settings.json")).unwrap().contains(".local/bin/rig-guard"));
    // A session leaves logs and state behind.
    let mut guard = home.call(home.path(".local/bin/rig-guard"));
    assert_eq!(guard.arg("hook").status().unwrap().code(), Some(2), "an empty event is refused");
    let told = home.install(&["--uninstall"]);
    assert!(told.ends_with("uninstalled\n"), "{told}");
    assert_eq!(home.tree(), BTreeMap::new());
    let told = home.install(&["--uninstall"]);
    assert_eq!(told, format!("nothing is installed in {}\n", home.path(".local").display()));
}

#[test]
fn what_was_there_before_comes_back_byte_for_byte() {
    let home = Home::new();
    home.write(".local/bin/conductor-e-hook.sh", "#!/bin/sh\nexit 0\n");
    home.write(".local/bin/rig-guard", "somebody's own\n");
    fs::set_permissions(home.path(".local/bin/conductor-e-hook.sh"), fs::Permissions::from_mode(0o750))
        .unwrap();
    symlink("/opt/prime", home.path(".local/bin/conductor-e-prime")).unwrap();
    home.write(".claude/settings.json", "{\n\t\"model\" : \"opus\",\"hooks\":{ \"Stop\": [] }\n}");
    home.write(".config/rig/config.json", "{ \"conductor\": {\"baseUrl\": \"http://127.0.0.1:9\"} }\n");
    home.write(".local/state/other", "not ours");
    let before = home.tree();
    home.install(&["--role", "dev"]);
    assert!(home.tree()[".local/bin/rig-guard"].ends_with("bytes"), "it is the program");
    home.install(&["--uninstall"]);
    assert_eq!(home.tree(), before);
}

#[test]
fn a_second_installation_writes_no_file_and_keeps_the_role() {
    let home = Home::new();
    home.write(".local/bin/pretool-guard", "somebody's own\n");
    home.install(&["--role", "dev"]);
    let (tree, inodes) = (home.tree(), home.inodes());
    let told = home.install(&[]);
    assert!(told.contains("everything in ") && told.contains("--role dev"), "{told}");
    assert_eq!(home.tree(), tree);
    let ours = |(path, _): &(&PathBuf, _)| path.starts_with(home.path(".local"));
    assert!(home.inodes().iter().filter(ours).eq(inodes.iter().filter(ours)), "a file was written again");
}

#[test]
fn an_escalation_that_nobody_took_survives_the_uninstallation() {
    let home = Home::new();
    home.install(&[]);
    let mut escalate = home.call(home.path(".local/bin/rig-escalate"));
    let escalated =
        escalate.args(["P1", "the schema is locked"]).current_dir(home.0.path()).output().unwrap();
    assert_eq!(escalated.status.code(), Some(4), "{}", text(&escalated));
    let told = home.install(&["--uninstall"]);
    let spool = home.path(".local/state/rig/spool");
    assert!(told.contains(&format!("leaving {}: ", spool.display())), "{told}");
    let waiting = fs::read_to_string(spool.join("events.jsonl")).unwrap();
    assert!(waiting.contains("the schema is locked"), "{waiting}");
    let names: Vec<_> =
        fs::read_dir(spool.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["spool"], "all other state is gone");
}

#[test]
fn an_escalation_that_is_not_closed_survives_with_its_database() {
    let home = Home::new();
    succeeds(&mut home.installer_of_all(&[]));
    let mut escalate = home.call(home.path(".local/bin/rig-escalate"));
    let escalated =
        escalate.args(["P1", "the schema is locked"]).current_dir(home.0.path()).output().unwrap();
    assert!(text(&escalated).contains("rig-escalate list"), "{}", text(&escalated));
    let told = succeeds(&mut home.installer_of_all(&["--uninstall"]));
    let dir = home.path(".local/state/rig/conductor");
    assert!(told.contains(&format!("leaving {}: 1 escalation in it is not closed", dir.display())), "{told}");
    let left = home.tree().into_keys().filter(|name| !name.starts_with(".local/state/rig/conductor/"));
    let parents = [".local", ".local/state", ".local/state/rig", ".local/state/rig/conductor"];
    assert_eq!(left.collect::<Vec<_>>(), parents, "all else is gone");
    // A later installation finds it again.
    succeeds(&mut home.installer_of_all(&[]));
    let mut list = home.call(home.path(".local/bin/rig-escalate"));
    assert!(succeeds(list.arg("list").current_dir(home.0.path())).contains("the schema is locked"));
    let told = succeeds(&mut home.installer(&[]));
    assert!(!home.path(".local/bin/rig-conductor").exists(), "{told}");
}

#[test]
fn where_a_coordinator_is_configured_none_is_started() {
    let home = Home::new();
    home.write(".config/rig/config.json", "{\"conductor\":{\"baseUrl\":\"http://127.0.0.1:9\"}}");
    let told = succeeds(&mut home.installer_of_all(&[]));
    let config = home.path(".config/rig/config.json");
    let expected = format!("rig-conductor is not started: {} names a coordinator", config.display());
    assert!(told.contains(&expected), "{told}");
    assert!(
        home.path(".local/bin/rig-conductor").exists() && !home.path(".local/state/rig/conductor").exists()
    );
}

#[test]
fn two_installations_at_once_wait_for_each_other() {
    let home = Home::new();
    home.write(".local/bin/rig-prime", "somebody's own\n");
    let before = home.tree();
    let start = || home.installer(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for child in [start(), start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    let kept = fs::read_to_string(home.path(".local/share/rig-tools/kept/bin/rig-prime")).unwrap();
    assert_eq!(kept, "somebody's own\n");
    home.install(&["--uninstall"]);
    assert_eq!(home.tree(), before);
}

#[test]
fn an_installation_that_is_killed_at_any_time_can_be_repeated() {
    let home = Home::new();
    home.write(".local/bin/rig-escalate", "somebody's own\n");
    home.write(".claude/settings.json", "{\"model\":\"opus\"}\n");
    let before = home.tree();
    let start = Instant::now();
    home.install(&[]);
    let whole = start.elapsed();
    home.install(&["--uninstall"]);
    #[expect(clippy::disallowed_methods, reason = "how long the test shall be")]
    let kills = if std::env::var_os("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full") { 60 } else { 6 };
    for kill in 0..kills {
        let arguments: &[&str] = if kill % 3 == 1 { &["--uninstall"] } else { &[] };
        let mut child =
            home.installer(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(f64::from(kill + 1) / f64::from(kills + 1)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had started ends by itself.
        std::thread::sleep(Duration::from_millis(300));
        let guard = fs::read(home.path(".local/bin/rig-guard")).unwrap_or_default();
        assert!(guard.is_empty() || guard.starts_with(b"\x7fELF"), "half a guard");
        if kill % 2 == 0 {
            home.install(&["--uninstall"]);
            assert_eq!(home.tree(), before, "after kill {kill}");
        }
    }
    home.install(&[]);
    home.install(&["--uninstall"]);
    assert_eq!(home.tree(), before);
}

#[test]
fn a_person_gets_an_identity_and_an_agent_does_not() {
    const NAME: &str = "a_person_gets_an_identity_and_an_agent_does_not";
    let home = Home::new();
    // Root looks like somebody else in a user namespace, and its files like theirs.
    let mut person = home.call("unshare");
    person.args(["--user", "--map-user=65534", "--"]);
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if root && !person.arg("true").output().is_ok_and(|output| output.status.success()) {
        return skip(NAME, "user namespaces cannot be made");
    }
    let install = |agent: Option<&str>| {
        let mut command = if root { home.call("unshare") } else { home.installer(&[]) };
        if root {
            command.args(["--user", "--map-user=65534", "--", env!("CARGO_BIN_EXE_xtask"), "install"]);
            command.arg("--no-conductor");
        }
        if let Some(agent) = agent {
            command.env("AGENT_ID", agent);
        }
        succeeds(&mut command)
    };
    install(Some("dev-e-node"));
    assert!(!home.path(".config").exists());
    install(None);
    let login =
        succeeds(home.call(if root { "echo" } else { "id" }).arg(if root { "nobody" } else { "-un" }));
    let config = fs::read_to_string(home.path(".config/rig/config.json")).unwrap();
    let id = format!("human-{}", login.trim());
    assert_eq!(config, format!("{{\n  \"agent\": {{\n    \"id\": \"{id}\"\n  }}\n}}\n"));
    let settings = fs::read_to_string(home.path(".claude/settings.json")).unwrap();
    assert!(settings.contains(&format!("\"CONDUCTOR_AGENT_ID\": \"{id}\"")), "{settings}");
    home.write(".config/rig/config.json", "{\"agent\":{\"id\":\"human-kari\"}}");
    let told = install(None);
    assert!(told.contains("the identity stays human-kari"), "{told}");
}

#[test]
fn an_image_is_staged_whole_and_touches_no_home() {
    let (home, stage) = (Home::new(), Home::new());
    let destdir = stage.0.path().to_str().unwrap();
    let mut careful = home.call("sh");
    let installer = env!("CARGO_BIN_EXE_xtask");
    succeeds(careful.args([
        "-c",
        "umask 077; exec \"$0\" install --image --destdir \"$1\"",
        installer,
        destdir,
    ]));
    assert_eq!(home.tree(), BTreeMap::new());
    let settings = stage.path("etc/claude-code/managed-settings.d/rig-tools.json");
    let settings = fs::read_to_string(settings).unwrap();
    assert!(settings.contains("\"/usr/local/bin/rig-guard\"") && !settings.contains(destdir), "{settings}");
    assert!(!settings.contains("AGENT_ID"), "no identity is baked in: {settings}");
    let mut open = Vec::new();
    walk(stage.0.path(), &mut |path, shown| {
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        if !shown.starts_with("link") && (mode & 0o022 != 0 || mode & 0o004 == 0) {
            open.push(path.to_owned());
        }
    });
    assert_eq!(open, [""; 0].map(PathBuf::from), "everybody reads, the owner alone writes");
    home.install(&["--image", "--destdir", destdir, "--uninstall"]);
    assert_eq!(stage.tree(), BTreeMap::new());
}

#[test]
fn a_settings_file_that_cannot_be_read_fails_the_installation_and_says_how_to_go_back() {
    let home = Home::new();
    home.write(".claude/settings.json", "{ not json");
    let output = home.installer(&[]).output().unwrap();
    let told = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("settings.json") && told.contains("./install.sh --uninstall"), "{told}");
    assert_eq!(fs::read_to_string(home.path(".claude/settings.json")).unwrap(), "{ not json");
    home.install(&["--uninstall"]);
    assert_eq!(home.tree().keys().collect::<Vec<_>>(), [".claude", ".claude/settings.json"]);
}

#[test]
fn a_machine_that_lacks_something_is_told_what() {
    let home = Home::new();
    let bin = home.path("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["sh", "sed", "dirname"] {
        let found = ["/bin", "/usr/bin"].map(|dir| Path::new(dir).join(name));
        symlink(found.iter().find(|path| path.exists()).unwrap(), bin.join(name)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../install.sh");
    let says = |expected: &str| {
        let mut command = Command::new(bin.join("sh"));
        let output =
            command.arg(&script).env_clear().env("HOME", home.0.path()).env("PATH", &bin).output().unwrap();
        assert_eq!(
            (output.status.code(), text(&output).contains(expected)),
            (Some(1), true),
            "{}",
            text(&output)
        );
    };
    let program = |name: &str, answer: &str| {
        home.write(&format!("bin/{name}"), &format!("#!{}\necho {answer}\n", bin.join("sh").display()));
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    says("cargo is missing\nhint: install Rust ");
    program("cargo", "");
    says("rustc does not run");
    program("rustc", "rustc 1.80.1 \\(x\\)");
    says("Rust 1.80 is too old, version 1.95 is needed");
    program("rustc", "rustc 2.0.0 \\(x\\)");
    says("there is no C compiler and linker (cc)");
}

fn skip(test: &str, why: &str) {
    #[expect(clippy::disallowed_methods, reason = "CI says that nothing may be left out")]
    let required = std::env::var_os("RIG_TEST_REQUIRE").is_some_and(|value| value == "1");
    assert!(!required, "RIG_TEST_REQUIRE=1, but {why}");
    // Not the macro: what that prints is shown for failed tests alone.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}
