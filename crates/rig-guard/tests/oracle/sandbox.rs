//! A bash with nothing on its search path but a program that prints its arguments and a few filters.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs scripts in one bash, and returns the arguments of each `show` of each script.
pub(crate) fn bash(scripts: &[String]) -> Vec<Vec<Vec<String>>> {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let show = bin.join("show");
    std::fs::write(
        &show,
        "#!/bin/sh\nprintf '\\001'\nfor a; do printf '%s\\002' \"$a\"; done\nprintf '\\003'\n",
    )
    .unwrap();
    std::fs::set_permissions(&show, std::fs::Permissions::from_mode(0o755)).unwrap();
    // What it is for its caller to succeed or fail.
    let maybe = bin.join("maybe");
    std::fs::write(&maybe, "#!/bin/sh\nexit \"$1\"\n").unwrap();
    std::fs::set_permissions(&maybe, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in [
        "bash", "sh", "env", "xargs", "nice", "timeout", "cat", "basename", "dirname", "rev", "tr", "cut",
        "head", "tail", "tac", "seq", "base64", "sed",
    ] {
        let real =
            ["/usr/bin", "/bin"].map(|d| Path::new(d).join(name)).into_iter().find(|p| p.exists()).unwrap();
        std::os::unix::fs::symlink(real, bin.join(name)).unwrap();
    }
    let work = dir.path().join("empty");
    std::fs::create_dir(&work).unwrap();
    let mut program = String::new();
    for (n, script) in scripts.iter().enumerate() {
        let file = dir.path().join(format!("{n}.sh"));
        std::fs::write(&file, script).unwrap();
        let work = dir.path().join(format!("{n}"));
        std::fs::create_dir(&work).unwrap();
        let (work, file) = (work.display(), file.display());
        program.push_str(&format!("cd {work}\nbash {file}\nprintf '\\004'\n"));
    }
    let all = dir.path().join("all.sh");
    std::fs::write(&all, program).unwrap();
    let output = Command::new("/bin/bash")
        .arg("--norc")
        .arg(&all)
        .env_clear()
        .env("PATH", &bin)
        .env("HOME", "/home/dev")
        .env("LANG", "C.UTF-8")
        .current_dir(&work)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let runs = text.split('\u{4}').take(scripts.len());
    runs.map(|run| {
        run.split('\u{1}')
            .skip(1)
            .map(|call| {
                let end = call.find('\u{3}').unwrap();
                call[..end].split_terminator('\u{2}').map(str::to_owned).collect()
            })
            .collect()
    })
    .collect()
}
