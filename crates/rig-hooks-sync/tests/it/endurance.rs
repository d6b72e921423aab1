//! Many syncs, odd files, several at once, and processes that die.
//!
//! `RIG_TEST_DEPTH=full` asks for a soak run; by default each test does a small part of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rig_core::settings::{Scope, SettingsFile, losses, read_records};

use crate::sandbox::{Dice, Sandbox, depth};

const MINE: &str = "{\n  \"model\": \"opus\",\n  \"permissions\": {\"allow\": [\"Bash(ls)\"]}\n}\n";

#[test]
fn many_syncs_leave_the_bytes_of_the_first() {
    let sandbox = Sandbox::new();
    sandbox.write(&sandbox.settings(), MINE);
    sandbox.ok(&["--role", "patch", "--identity", "dev-e-node"]);
    let first = (sandbox.read(), sandbox.tree());
    for _ in 0..depth(20, 1000) {
        sandbox.ok(&["--role", "patch", "--identity", "dev-e-node"]);
        assert_eq!((sandbox.read(), sandbox.tree()), first);
    }
}

#[test]
fn a_killed_sync_leaves_the_old_file_or_the_new_one() {
    let sandbox = Sandbox::new();
    sandbox.write(&sandbox.settings(), MINE);
    let other = sandbox.root().join("other-bin");
    let runs: [&[&str]; 3] = [&[], &["--bin", other.to_str().unwrap()], &["--remove"]];
    let mut states: Vec<Option<Vec<u8>>> = Vec::new();
    let mut longest = Duration::ZERO;
    for options in runs {
        let start = Instant::now();
        sandbox.ok(options);
        longest = longest.max(start.elapsed());
        states.push(sandbox.read());
    }
    assert_eq!(states[2].as_deref(), Some(MINE.as_bytes()));

    let mut dice = Dice(0x5EED_0001);
    let mut killed = 0;
    let enough = depth(20, 500);
    for round in 0..enough * 20 {
        if killed == enough {
            break;
        }
        let options = runs[round % runs.len()];
        let mut child = sandbox.command(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(longest.mul_f64(dice.roll(1000) as f64 / 1000.0));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());

        let now = sandbox.read();
        assert!(states.contains(&now), "round {round}: {}", sandbox.read_text());
        // Whatever a session asks meanwhile, the record and the file agree.
        let records = read_records(&sandbox.records()).unwrap();
        let files = [SettingsFile { scope: Scope::User, path: sandbox.settings() }];
        assert_eq!(losses(&records, &files, |path| fs::read(path).ok()), [""; 0], "round {round}");
    }
    assert!(killed > 0, "no process was killed in time");
    sandbox.ok(runs[1]);
    assert_eq!(sandbox.read(), states[1]);
    sandbox.ok(runs[2]);
    // A process that dies may leave an empty directory, but no file.
    let mut tree = sandbox.tree();
    tree.retain(|path| !sandbox.home().join(path).is_dir());
    assert_eq!((sandbox.read(), tree), (states[2].clone(), vec![".claude/settings.json".into()]));
}

#[test]
fn several_at_once_take_their_turns() {
    for _ in 0..depth(3, 100) {
        let sandbox = Sandbox::new();
        let other = sandbox.root().join("other-bin");
        let runs: [&[&str]; 3] = [&[], &["--bin", other.to_str().unwrap()], &["--remove"]];
        let mut children: Vec<_> = (0..9)
            .map(|n| {
                sandbox.command(runs[n % 3]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children.drain(..) {
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
                (Some(0), "")
            );
        }
        sandbox.ok(&["--role", "merge"]);
        let merged = sandbox.read_text();
        assert_eq!(merged.matches("rig-guard").count(), 1, "{merged}");
        sandbox.ok(&["--remove"]);
        assert_eq!(sandbox.tree(), [""; 0]);
    }
}

#[test]
fn a_directory_that_cannot_be_written_stays_as_it_is() {
    for blocked in [".claude", ".local"] {
        let sandbox = Sandbox::new();
        sandbox.write(&sandbox.settings(), MINE);
        fs::create_dir_all(sandbox.home().join(".local")).unwrap();
        let before = sandbox.tree();
        // Root may write anywhere, so the program runs as somebody else.
        let root = rustix::process::geteuid().is_root();
        if root {
            for dir in [
                sandbox.root().to_owned(),
                sandbox.home(),
                sandbox.home().join(".claude"),
                sandbox.home().join(".local"),
                sandbox.settings(),
            ] {
                std::os::unix::fs::chown(dir, Some(65534), Some(65534)).unwrap();
            }
        }
        let directory = sandbox.home().join(blocked);
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
        let mut command = sandbox.command(&[]);
        if root {
            command.uid(65534).gid(65534);
        }
        let program = Path::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
        if root && fs::metadata(program.parent().unwrap()).unwrap().permissions().mode() & 0o005 == 0 {
            eprintln!("skipped: nobody but root can start {}", program.display());
            return;
        }
        let ran = sandbox.ran(&mut command);
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.ends_with("Permission denied (os error 13)\n"), "{ran:?}");
        assert_eq!((sandbox.read_text(), sandbox.tree()), (MINE.to_owned(), before), "{blocked}");
    }
}

#[test]
fn odd_settings_come_through_a_sync_and_a_removal() {
    for seed in 1..=depth(60, 5000) {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ u64::try_from(seed).unwrap());
        let before = odd_settings(&mut dice);
        let sandbox = Sandbox::new();
        sandbox.write(&sandbox.settings(), &before);
        let runs: [&[&str]; 3] = [&[], &["--role", "patch"], &["--identity", "dev-e-node"]];
        let options = *dice.pick(&runs);
        let told = || format!("seed {seed}: {before}");
        let ran = sandbox.run(options);
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", told());
        let synced = sandbox.read().unwrap();
        let parsed: serde_json::Value =
            serde_json::from_slice(synced.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&synced)).unwrap();
        assert_eq!(parsed["marker"], 1, "{}", told());
        sandbox.ok(options);
        assert_eq!(sandbox.read().unwrap(), synced, "{}", told());
        if dice.roll(2) == 0 {
            // Changed by its user meanwhile: all but our own part is as the user left it.
            let edit = |text: &str| text.replace("\"marker\"", "\"marked\"");
            fs::write(sandbox.settings(), edit(&String::from_utf8(synced).unwrap())).unwrap();
            sandbox.ok(&["--role", "merge"]);
            sandbox.ok(&["--remove"]);
            assert_eq!(String::from_utf8(sandbox.read().unwrap()).unwrap(), edit(&before), "{}", told());
        } else {
            sandbox.ok(&["--remove"]);
            assert_eq!(String::from_utf8(sandbox.read().unwrap()).unwrap(), before, "{}", told());
        }
    }
}

/// Returns a settings file as no sane person writes it, which the client takes nevertheless.
fn odd_settings(dice: &mut Dice) -> String {
    let newline = *dice.pick(&["\n", "\n", "\r\n"]);
    let unit = *dice.pick(&["  ", "    ", "\t", "", " "]);
    let mut members = vec!["\"marker\":1".to_owned()];
    for n in 0..dice.roll(5) {
        members.push(format!(
            "\"key{n}\\u00{}\" : {}",
            dice.pick(&["e9", "41"]),
            odd_value(dice, 3, newline, unit)
        ));
    }
    if dice.roll(3) == 0 {
        members.push("\"env\": {\"MINE\":\"1\"}".into());
    } else if dice.roll(3) == 0 {
        members.push("\"env\":{}".into());
    }
    if dice.roll(3) > 0 {
        let mut events = Vec::new();
        for event in ["PreToolUse", "Stop", "SubagentStop", "Notification", "EventOfTheFuture"] {
            if dice.roll(2) == 0 {
                let hook = |n: usize| {
                    format!(
                        "{{{newline}{unit}\"hooks\": [{{\"type\":\"command\",\"command\":\"mine {n}\"}}]}}"
                    )
                };
                let hooks: Vec<String> = (0..dice.roll(3)).map(hook).collect();
                events.push(format!("\"{event}\": [{}]", join(dice, &hooks, newline, unit)));
            }
        }
        members.push(format!("\"hooks\": {{{}}}", join(dice, &events, newline, unit)));
    }
    for at in (1..members.len()).rev() {
        members.swap(at, dice.roll(at + 1));
    }
    let start = *dice.pick(&["", "", "", "\u{feff}"]);
    let end = *dice.pick(&["", newline, "\n\n"]);
    format!("{start}{{{}}}{end}", join(dice, &members, newline, unit))
}

fn odd_value(dice: &mut Dice, depth: usize, newline: &str, unit: &str) -> String {
    match dice.roll(if depth == 0 { 4 } else { 6 }) {
        0 => (*dice.pick(&["1.50", "-0", "1E+2", "12345678901234567890123", "0.1e-7"])).into(),
        1 => (*dice.pick(&["\"\\u00e9\\/\"", "\"\"", "\"é😀\"", "\"\\ud83d\\ude00\"", "\"{[,]}\""])).into(),
        2 => (*dice.pick(&["true", "false", "null"])).into(),
        3 => (*dice.pick(&["{}", "[]", "[ ]", "{\n}"])).into(),
        kind => {
            let children: Vec<String> = (0..dice.roll(4))
                .map(|n| match (kind, odd_value(dice, depth - 1, newline, unit)) {
                    (4, value) => value,
                    (_, value) => format!("\"{n}\":{value}"),
                })
                .collect();
            let inner = join(dice, &children, newline, unit);
            if kind == 4 { format!("[{inner}]") } else { format!("{{{inner}}}") }
        }
    }
}

/// Joins children on one line or on several, with odd space; no children have no space.
fn join(dice: &mut Dice, children: &[String], newline: &str, unit: &str) -> String {
    if children.is_empty() {
        return String::new();
    }
    match dice.roll(4) {
        0 => children.join(","),
        1 => format!(" {} ", children.join(" , ")),
        2 => format!("{newline}{unit}{}{newline}", children.join(&format!(",{newline}{unit}"))),
        _ => children.join(&format!("{newline},")),
    }
}
