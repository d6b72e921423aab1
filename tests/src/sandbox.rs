//! Shuts a test in: its own network with loopback alone, its own processes, its own mounts.
//!
//! A test starts itself again behind `unshare`, as the one test to run, and the second run
//! is the one that counts. Inside, `/etc` is a small one of the test's own, so that neither
//! managed settings nor configuration of the machine are seen; the root file system is
//! read-only; everything that is written goes to a file system in memory, which is gone
//! with the last process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rig_testkit::PATH;

use crate::needs::{skip, variable};

/// Names the directory in memory; set inside a sandbox only.
const INSIDE: &str = "RIG_TEST_SANDBOX";

/// Runs a test's body in a sandbox, with the directory that it may write to.
///
/// The test's name comes from the type of the body, so this is called with a closure that
/// stands in the test's own function.
///
/// # Panics
/// When the body does, with all that it printed.
pub fn sandboxed<F: FnOnce(&Path)>(body: F) {
    if let Some(dir) = inside() {
        body(&dir);
        return;
    }
    let test = test_name::<F>();
    match usable() {
        Ok(()) => run_inside(&test, &[]),
        Err(why) => skip(&test, &why),
    }
}

/// Says whether this process runs as root, here or in a user namespace.
#[must_use]
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|l| l.starts_with("Uid:") && l.split_whitespace().nth(1) == Some("0"))
}

/// Returns the directory that may be written to, where this process is inside a sandbox.
pub(crate) fn inside() -> Option<PathBuf> {
    let dir = PathBuf::from(variable(INSIDE)?);
    static FURNISHED: OnceLock<()> = OnceLock::new();
    FURNISHED.get_or_init(|| furnish(&dir));
    Some(dir)
}

/// Returns the name by which the test harness knows the function around a closure.
pub(crate) fn test_name<F>() -> String {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_crate, test)| test).to_owned()
}

/// Runs this program again behind `unshare`, with one test to run and more in its environment.
pub(crate) fn run_inside(test: &str, env: &[(&str, &OsStr)]) {
    let dir = tempfile::Builder::new().prefix("rig-sandbox-").tempdir().expect("make a mount point");
    let itself = std::env::current_exe().expect("the path of this test program");
    let mut command = unshare();
    command.arg(itself).args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, dir.path()).env("TMPDIR", dir.path()).envs(env.iter().copied());
    let output = command.output().expect("start unshare");
    let stdout = String::from_utf8_lossy(&output.stdout);
    // A name that fits no test would pass without running anything.
    let ran = stdout.contains("test result: ok. 1 passed");
    if !output.status.success() || !ran {
        // Set apart, so that whoever counts the lines of results does not count these.
        let text = format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
        let text: String = text.lines().filter(|l| !l.is_empty()).map(|l| format!("  | {l}\n")).collect();
        panic!("inside the sandbox ({}):\n{text}", output.status);
    }
}

/// Says whether sandboxes can be made here, trying it once.
pub(crate) fn usable() -> Result<(), String> {
    static USABLE: OnceLock<Result<(), String>> = OnceLock::new();
    let probe = || {
        let script = "ip link set lo up && mount -t tmpfs none /tmp";
        let output = unshare().args(["/bin/sh", "-c", script]).output();
        let output = output.map_err(|e| format!("a sandbox needs `unshare`: {e}"))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let why = "no sandbox can be made (it needs root or user namespaces, `ip` and `mount`)";
        if output.status.success() { Ok(()) } else { Err(format!("{why}: {}", stderr.trim())) }
    };
    USABLE.get_or_init(probe).clone()
}

/// Returns the command that makes the namespaces; nothing outlives its last process.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]);
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8");
    for name in ["RIG_TEST_PREFIX", "RIG_TEST_IMAGE", "RIG_TEST_REQUIRE", "RIG_TEST_SCHEMAS"] {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    command
}

/// Sets up the namespaces from inside.
fn furnish(dir: &Path) {
    run("ip", ["link", "set", "lo", "up"]);
    mount(["-t", "tmpfs", "-o", "mode=755", "none"], dir);
    let etc = dir.join("etc");
    make_etc(&etc);
    mount([Path::new("--bind"), &etc], Path::new("/etc"));
    // A scenario that goes wrong must not reach the machine. Where `/` cannot be remounted, in
    // some user namespaces, the process has no rights over the machine's files anyway.
    let _ = Command::new("mount").args(["-o", "remount,bind,ro", "/"]).output();
}

/// Makes an `/etc` with what programs need, and nothing of the machine's configuration.
pub(crate) fn make_etc(etc: &Path) {
    std::fs::create_dir_all(etc).expect("make an /etc");
    let passwd = "root:x:0:0:root:/root:/bin/bash\ndev:x:1000:1000:dev:/home/dev:/bin/bash\n";
    for (name, text) in [
        ("passwd", passwd),
        ("group", "root:x:0:\ndev:x:1000:\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ] {
        std::fs::write(etc.join(name), text).expect("write a file of /etc");
    }
    for name in ["alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"] {
        let from = Path::new("/etc").join(name);
        if from.exists() {
            // Not their owners: a user namespace does not have them.
            run("cp", [Path::new("-dR"), &from, etc]);
        }
    }
}

/// Mounts something.
///
/// # Panics
/// With the command, when that fails.
pub fn mount<const N: usize>(what: [impl AsRef<OsStr>; N], at: &Path) {
    let words: Vec<_> = what.iter().map(AsRef::as_ref).chain([at.as_os_str()]).collect();
    run("mount", words);
}

/// Runs a program of the system.
///
/// # Panics
/// With the command, when that fails.
pub fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) {
    let mut command = Command::new(program);
    let output = command.args(args).output().unwrap_or_else(|e| panic!("start {program}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
