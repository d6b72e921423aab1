use rig_testkit::Program;

/// Compares a help text whole; with `RIG_TEST_BLESS=1` writes it instead.
#[track_caller]
fn check(words: &[&str]) {
    let name = if words.is_empty() { "top".to_owned() } else { words.join("-") };
    let path = format!("{}/tests/service/help/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let said = Program::new(env!("CARGO_BIN_EXE_rig-conductor")).args(words).arg("--help").output();
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("RIG_TEST_BLESS").is_some() {
        std::fs::write(&path, &said.stdout).unwrap();
    }
    assert_eq!(said.stdout, std::fs::read_to_string(&path).unwrap_or_default(), "{path}");
}

#[test]
fn the_help_texts_are_as_reviewed() {
    for words in [
        &[][..],
        &["serve"],
        &["sweep"],
        &["replay"],
        &["config"],
        &["config", "check"],
        &["up"],
        &["down"],
        &["status"],
    ] {
        check(words);
    }
}

#[test]
fn a_wrong_word_is_bad_usage() {
    let run = |words: &[&str]| Program::new(env!("CARGO_BIN_EXE_rig-conductor")).args(words).output();
    for words in [&[][..], &["server"], &["serve", "--stoer", "x"], &["sweep", "now"], &["config"]] {
        let said = run(words);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{words:?}: {}", said.stderr);
    }
}
