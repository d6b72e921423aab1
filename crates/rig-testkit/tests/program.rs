//! The runner, with the shell as the program.

use std::time::Duration;

use rig_testkit::{Home, PATH, Program};

fn sh(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

#[test]
fn output_and_exit_code_are_compared_whole() {
    sh("cat; echo oops >&2; exit 3").stdin("in\n").stdout("in\n").stderr("oops\n").exits(3);
}

#[test]
#[should_panic(expected = "second line")]
fn a_line_too_many_fails() {
    sh("echo one; echo second line").stdout("one\n").exits(0);
}

#[test]
#[should_panic(expected = "did not end within")]
fn a_program_that_does_not_end_is_noticed() {
    sh("echo stuck >&2; exec sleep 600").within(Duration::from_millis(200)).exits(0);
}

#[test]
#[should_panic(expected = "holds its output open")]
fn a_child_that_is_left_behind_with_stdout_open_is_noticed() {
    sh("sleep 5 & exit 0").within(Duration::from_millis(300)).exits(0);
}

#[test]
fn the_environment_is_cleared() {
    let home = Home::new();
    let output = Program::new("/usr/bin/env").home(&home).env("X", "1").output();
    let mut lines: Vec<_> = output.stdout.lines().collect();
    lines.sort_unstable();
    let home = format!("HOME={}", home.path().display());
    assert_eq!(lines, [&home, "LANG=C.UTF-8", &format!("PATH={PATH}"), "X=1"]);
}

#[test]
fn a_stdin_that_is_left_open_does_not_end_before_the_program_does() {
    sh("read -r line; echo $line").stdin_left_open("first\n").stdout("first\n").exits(0);
}

#[test]
fn streams_can_be_missing_unread_or_full() {
    for (name, program, code) in [
        ("closed stdout", sh("echo x 2>/dev/null || exit 7").stdout_closed(), 7),
        ("closed stderr", sh("(echo x >&2) 2>/dev/null || exit 7; exit 8").stderr_closed(), 8),
        ("no reader", sh("trap '' PIPE; echo x || exit 7").without_readers(), 7),
        ("full device", sh("echo x || exit 7").onto_full_device(), 7),
        ("closed stdin", sh("read -r line || exit 7").stdin_closed(), 7),
    ] {
        assert_eq!(program.output().code, Some(code), "{name}");
    }
}

#[test]
fn a_write_beyond_the_limit_fails_with_an_error_and_not_a_signal() {
    let home = Home::new();
    let output = sh("head -c 4096 /dev/zero > f || exit 7").home(&home).file_blocks(2).output();
    assert_eq!((output.code, std::fs::metadata(home.join("f")).unwrap().len()), (Some(7), 1024));
}

#[test]
fn without_capabilities_file_modes_count_for_root_too() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    std::fs::set_permissions(home.write("f", "x"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let output = sh("cat f 2>/dev/null || exit 7").home(&home).without_capabilities().output();
    assert_eq!(output.code, Some(7));
}
