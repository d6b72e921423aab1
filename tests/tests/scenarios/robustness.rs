//! Each installed hook under conditions that nobody wants: its documented policy holds, it says
//! what is wrong, and leaves no half-written file behind.
//!
//! The guard answers 2 when it cannot judge; the others answer 0 whatever happens.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rig_testkit::{Home, Output, Payload, Program, Repo};
use rig_tests::needs::program;
use rig_tests::sandbox::{mount, sandboxed};

/// An installed hook, and an event that makes it do all that it does.
struct Hook {
    name: &'static str,
    event: fn() -> Payload,
    /// The exit code for that event.
    code: i32,
    /// The exit code when the hook cannot do its work.
    failed: i32,
    /// How its message about that ends.
    consequence: &'static str,
}

const GUARD: Hook = Hook {
    name: "rig-guard",
    event: || Payload::bash("git push --force origin main"),
    code: 2,
    failed: 2,
    consequence: "refused, because what cannot be judged is not run",
};

const PRIME: Hook = Hook {
    name: "rig-prime",
    event: || Payload::session_start("startup"),
    code: 0,
    failed: 0,
    consequence: "the session goes on without it",
};

const REPORT: Hook = Hook {
    name: "rig-report",
    event: || Payload::post_bash("git switch -c feat/42-login", "Switched to a new branch 'feat/42-login'"),
    code: 0,
    failed: 0,
    consequence: "the session goes on without it",
};

const HOOKS: [Hook; 3] = [GUARD, PRIME, REPORT];

impl Hook {
    fn program(&self, home: &Home, repo: &Repo) -> Program {
        Program::new(program(self.name)).home(home).cwd(repo.path())
    }

    /// The program with its event on stdin.
    fn typical(&self, home: &Home, repo: &Repo) -> Program {
        self.program(home, repo).payload((self.event)().cwd(repo.path()))
    }
}

/// Every record that exists can be read; a half-written one fails.
fn records(home: &Home) -> usize {
    HOOKS.iter().map(|hook| home.log(hook.name).len()).sum::<usize>() + home.spool().len()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("change a mode");
}

#[test]
fn an_event_that_cannot_be_read_is_told_and_answered_by_the_hooks_policy() {
    let (home, large) = (Home::new(), "x".repeat(3 << 20));
    let repo = home.repo("work/project");
    for hook in HOOKS {
        let given = |text: &str| hook.program(&home, &repo).stdin(text);
        for (case, program, message) in [
            ("empty", given(""), "stdin held no event"),
            ("blank", given(" \n"), "stdin held no event"),
            ("no stdin", hook.program(&home, &repo).stdin_closed(), "stdin held no event"),
            ("a list", given("[]"), "the event on stdin is not a JSON object"),
            ("3 MB of text", given(&large), "the event on stdin is not a JSON object"),
            (
                "cut off",
                given(r#"{"tool_name":"Bash","tool_in"#),
                "the event on stdin is not valid: EOF while parsing a string at line 1 column 28",
            ),
            (
                "a wrong type",
                given(r#"{"tool_name":5}"#),
                "the event on stdin is not valid: invalid type: integer `5`, expected a string at line 1 column 14",
            ),
            (
                "nothing comes",
                hook.program(&home, &repo).stdin_left_open(""),
                "the event on stdin was not complete after 1000 ms",
            ),
            (
                "half an event comes",
                hook.program(&home, &repo).stdin_left_open("{\"tool_name\":"),
                match hook.failed {
                    2 => "the event on stdin was not complete after 1000 ms",
                    _ => "the event on stdin is not valid: EOF while parsing a value at line 1 column 13",
                },
            ),
        ] {
            let stderr = format!("{}: {message}; {}\n", hook.name, hook.consequence);
            let expected = Output { code: Some(hook.failed), stdout: String::new(), stderr };
            assert_eq!(program.output(), expected, "{}, {case}", hook.name);
        }
        assert_eq!(home.log(hook.name).len(), 9, "{}", hook.name);
    }
}

#[test]
fn a_whole_event_on_an_open_stdin_is_answered_but_for_the_guard_which_has_not_seen_its_end() {
    let home = Home::new();
    let repo = home.repo("work/project");
    for hook in HOOKS {
        let event = (hook.event)().cwd(repo.path());
        let output = hook.program(&home, &repo).stdin_left_open(event).output();
        assert_eq!(output.code, Some(hook.code), "{}: {output:?}", hook.name);
        match hook.name {
            "rig-guard" => assert!(output.stderr.contains("was not complete after"), "{output:?}"),
            "rig-prime" => assert!(output.stdout.contains("main"), "{output:?}"),
            _ => assert_eq!(output, Output { code: Some(0), ..Output::default() }),
        }
    }
}

#[test]
fn an_event_of_three_megabytes_is_read_like_any_other() {
    let (home, large) = (Home::new(), "text ".repeat(600_000));
    let repo = home.repo("work/project");
    let file = repo.path().join("large.txt");
    for (name, event, code) in [
        ("rig-guard", Payload::write(&file, &large), 0),
        ("rig-guard", Payload::bash("git push --force").set("more", large.as_str()), 2),
        ("rig-guard", Payload::bash(&format!("git push --force # {large}")), 2),
        ("rig-prime", Payload::session_start("startup").set("more", large.as_str()), 0),
        ("rig-report", Payload::post_bash("cat large.txt", &large), 0),
    ] {
        let event = event.cwd(repo.path());
        let output = Program::new(program(name)).home(&home).cwd(repo.path()).payload(event).output();
        assert_eq!(output.code, Some(code), "{name}: {output:?}");
        assert_eq!(output.stderr.is_empty(), code == 0, "{name}: {output:?}");
    }
    assert!(records(&home) >= 3);
}

#[test]
fn closed_unread_and_full_streams_change_no_answer_and_lose_no_record() {
    for hook in HOOKS {
        for (case, wrap) in [
            ("no stdout", Program::stdout_closed as fn(Program) -> Program),
            ("no stderr", Program::stderr_closed),
            ("neither", |p| p.stdout_closed().stderr_closed()),
            ("nothing at all", |p| p.stdin_closed().stdout_closed().stderr_closed()),
            ("nobody reads", Program::without_readers),
            ("a full device", Program::onto_full_device),
        ] {
            let home = Home::new();
            let repo = home.repo("work/project");
            let output = wrap(hook.typical(&home, &repo)).output();
            let code = if case == "nothing at all" { hook.failed } else { hook.code };
            assert_eq!(output.code, Some(code), "{}, {case}: {output:?}", hook.name);
            let expected = usize::from(hook.name != "rig-prime");
            assert!(home.log(hook.name).len() + home.spool().len() >= expected, "{}, {case}", hook.name);
        }
    }
}

#[test]
fn a_home_that_cannot_be_used_changes_no_answer() {
    for hook in HOOKS {
        let home = Home::new();
        let repo = home.repo("work/project");
        let usual = hook.typical(&home, &repo).output();
        let closed = Home::new();
        closed.config(&serde_json::json!({}));
        set_mode(closed.path(), 0o000);
        let file = home.write("file", "");
        for (case, program, named) in [
            ("unreadable", hook.typical(&home, &repo).env("HOME", closed.path()), "Permission denied"),
            ("a file", hook.typical(&home, &repo).env("HOME", &file), "Not a directory"),
            ("missing", hook.typical(&home, &repo).env("HOME", home.join("a/b")), ""),
        ] {
            let output = program.without_capabilities().output();
            assert_eq!(output.code, Some(hook.code), "{}, {case}: {output:?}", hook.name);
            if hook.code == 2 {
                // A policy that cannot be read is named in a refusal.
                let lines = output.stderr.lines().filter(|line| !line.starts_with("policy: "));
                let said: String = lines.map(|line| format!("{line}\n")).collect();
                assert!(said.starts_with(&usual.stderr), "{}, {case}: {output:?}", hook.name);
            }
            if hook.name == "rig-report" {
                assert!(output.stderr.contains(named), "{}, {case}: {output:?}", hook.name);
            }
        }
        set_mode(closed.path(), 0o700);
        assert_eq!(closed.files(), [Path::new(".config/rig/config.json")]);
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_changes_no_answer() {
    for hook in HOOKS {
        let home = Home::new();
        let repo = home.repo("work/project");
        let usual = hook.typical(&Home::new(), &repo).output();
        std::fs::create_dir_all(home.state()).expect("make the state directory");
        set_mode(&home.state(), 0o555);
        let before = home.files();
        let output = hook.typical(&home, &repo).without_capabilities().output();
        assert_eq!((output.code, &output.stdout), (usual.code, &usual.stdout), "{}: {output:?}", hook.name);
        assert!(output.stderr.starts_with(&usual.stderr), "{}: {output:?}", hook.name);
        if hook.name == "rig-report" {
            let state = home.state();
            let named = output.stderr.contains(&state.display().to_string());
            assert!(named && output.stderr.contains("Permission denied"), "{output:?}");
        }
        assert_eq!(home.files(), before, "{}", hook.name);
        set_mode(&home.state(), 0o700);
    }
}

#[test]
fn a_full_state_directory_changes_no_answer_and_keeps_every_record_whole() {
    sandboxed(|dir| {
        for hook in HOOKS {
            let home = Home::at(dir.join(hook.name));
            let repo = home.repo("work/project");
            std::fs::create_dir_all(home.state()).expect("make the state directory");
            mount(["-t", "tmpfs", "-o", "size=64k", "none"], &home.state());
            std::fs::write(home.state().join("ballast"), [0; 40 << 10]).expect("leave little room");
            // Some records fit; from one on none does. Which one that is differs by hook and place.
            for n in 0..60 {
                let event = (hook.event)().cwd(repo.path()).set("session_id", format!("session-{n}"));
                let output = hook.program(&home, &repo).payload(event).output();
                assert_eq!(output.code, Some(hook.code), "{}: {output:?}", hook.name);
            }
            let kept = records(&home);
            std::fs::remove_file(home.state().join("ballast")).expect("make room");
            let event = (hook.event)().cwd(repo.path()).set("session_id", "afterwards");
            let output = hook.program(&home, &repo).payload(event).output();
            assert_eq!(output.code, Some(hook.code), "{}: {output:?}", hook.name);
            // What was not kept before may be kept now as well, but nothing is lost or broken.
            let more = usize::from(hook.name != "rig-prime");
            assert!(kept < 60 * 2 && records(&home) >= kept + more, "{}: {kept}", hook.name);
        }
    });
}

#[test]
fn a_record_that_does_not_fit_is_taken_back() {
    for hook in [GUARD, REPORT] {
        let home = Home::new();
        let repo = home.repo("work/project");
        for n in 0..8 {
            let event = (hook.event)().cwd(repo.path()).set("session_id", format!("session-{n}"));
            let output = hook.program(&home, &repo).payload(event).file_blocks(2).output();
            assert_eq!(output.code, Some(hook.code), "{}: {output:?}", hook.name);
        }
        // 1,024 bytes hold a few records; the rest was refused whole.
        let kept = home.log(hook.name).len();
        assert!((1..8).contains(&kept), "{}: {kept}", hook.name);
    }
}
