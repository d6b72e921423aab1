//! The inputs that fuzzing has found worth keeping, tried again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../fuzz/properties/mod.rs"]
mod properties;

use std::path::{Path, PathBuf};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(dir: &str, extension: &str) -> Vec<String> {
    let files = std::fs::read_dir(fuzz().join(dir)).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = files
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter_map(|name| name.strip_suffix(extension).map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn what_holds_for_every_input_holds_for_the_corpora() {
    for (target, holds) in properties::ALL {
        let dir = fuzz().join("corpus").join(target);
        let mut count = 0;
        for file in std::fs::read_dir(&dir).unwrap() {
            let path = file.unwrap().path();
            // What fails is printed, but not which input it was.
            let data = std::fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| holds(&data));
            assert!(held.is_ok(), "{}", path.display());
            count += 1;
        }
        assert!(count >= 20, "{target}: only {count} inputs");
    }
}

#[test]
fn every_target_has_a_program_a_corpus_and_a_dictionary() {
    let mut targets: Vec<String> = properties::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("fuzz_targets", ".rs"), targets);
    assert_eq!(names("corpus", ""), targets);
    assert_eq!(names("dict", ".dict"), targets);
}
