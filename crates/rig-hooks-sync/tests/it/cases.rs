//! One directory per case: `before` (absent: no file), `options`, `after`, and `removed` where a
//! removal gives other bytes than `before`. All of them are compared whole.
//!
//! `RIG_UPDATE_CASES=1` writes `after` and `stderr` anew, to be read before they are committed.

use std::fs;
use std::path::Path;

use crate::sandbox::{Sandbox, fixtures, variable};

#[test]
fn every_case_is_synced_twice_and_removed_byte_by_byte() {
    let mut cases: Vec<_> =
        fs::read_dir(fixtures().join("cases")).unwrap().map(|c| c.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "{cases:?}");
    cases.iter().for_each(|case| check(case));
}

fn check(case: &Path) {
    let name = case.file_name().unwrap().to_string_lossy();
    let sandbox = Sandbox::new();
    let root = sandbox.root().to_string_lossy().into_owned();
    let expected = |file: &str| fs::read_to_string(case.join(file)).ok();
    let bytes = |file: &str| expected(file).map(|text| text.replace("ROOT", &root).into_bytes());
    if let Some(before) = bytes("before") {
        sandbox.write(&sandbox.settings(), before);
    }
    let options = expected("options").unwrap_or_default();
    let options: Vec<&str> = options.split_whitespace().collect();

    let first = sandbox.ok(&options);
    if variable("RIG_UPDATE_CASES").is_some() {
        fs::write(case.join("after"), sandbox.read_text()).unwrap();
        let _ = fs::remove_file(case.join("stderr"));
        if !first.stderr.is_empty() {
            fs::write(case.join("stderr"), &first.stderr).unwrap();
        }
    }
    assert_eq!(sandbox.read_text(), expected("after").unwrap_or_default(), "{name}");
    assert_eq!(first.stderr, expected("stderr").unwrap_or_default(), "{name}");

    let synced = sandbox.read();
    let second = sandbox.ok(&options);
    assert_eq!((sandbox.read(), second.stderr), (synced, first.stderr), "{name}: synced twice");
    let check: Vec<&str> = options.iter().copied().chain(["--check"]).collect();
    let checked = sandbox.run(&check);
    assert_eq!(checked.code, Some(0), "{name}: {checked:?}");

    sandbox.ok(&["--remove"]);
    let left = bytes("removed").or_else(|| bytes("before"));
    assert_eq!(sandbox.read(), left, "{name}: removed");
    let mut tree = sandbox.tree();
    tree.retain(|path| path != ".claude" && path != ".claude/settings.json");
    assert_eq!(tree, [""; 0], "{name}: left behind");
}
