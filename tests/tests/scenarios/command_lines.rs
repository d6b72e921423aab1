//! What every program says about itself.

use rig_testkit::{Home, Program};
use rig_tests::needs::program;

const PROGRAMS: [&str; 5] = ["rig-guard", "rig-prime", "rig-report", "rig-hooks-sync", "rig-escalate"];

const OLD_NAMES: [(&str, &str); 4] = [
    ("pretool-guard", "rig-guard"),
    ("conductor-e-prime", "rig-prime"),
    ("conductor-e-hook", "rig-report"),
    ("conductor-e-hook.sh", "rig-report"),
];

#[track_caller]
fn says(name: &str, args: &[&str]) -> String {
    let home = Home::new();
    let output = Program::new(program(name)).home(&home).args(args.iter().copied()).output();
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{name} {args:?}: {output:?}");
    assert_eq!(home.files(), [""; 0].map(std::path::PathBuf::from), "{name} {args:?} writes files");
    output.stdout
}

#[test]
fn every_program_explains_itself_and_tells_its_version() {
    for name in PROGRAMS {
        let help = says(name, &["--help"]);
        assert!(help.lines().count() > 8 && help.contains("Usage:") && help.contains(name), "{name}: {help}");
        assert_eq!(says(name, &["--version"]), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_names_of_old_are_the_same_programs() {
    for (old, new) in OLD_NAMES {
        assert_eq!(says(old, &["--version"]), format!("{new} {}\n", env!("CARGO_PKG_VERSION")), "{old}");
        assert!(says(old, &["--help"]).contains("Usage:"), "{old}");
        let target = std::fs::canonicalize(program(old)).unwrap();
        assert_eq!(target, std::fs::canonicalize(program(new)).unwrap(), "{old}");
    }
}

#[test]
fn an_unknown_option_is_refused_with_a_hint() {
    let home = Home::new();
    for name in PROGRAMS {
        // From the guard 2 would mean that a call was judged.
        let code = if name == "rig-guard" { 64 } else { 2 };
        let output = Program::new(program(name)).home(&home).arg("--no-such-option").output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(code), ""), "{name}: {output:?}");
        assert!(
            output.stderr.contains("--no-such-option") && output.stderr.contains("--help"),
            "{name}: {output:?}"
        );
    }
}
