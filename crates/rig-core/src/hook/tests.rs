use super::*;

#[track_caller]
fn tool_name(event: &str) -> String {
    with_payload(&mut event.as_bytes().to_vec(), |p| Ok(p.tool_name.unwrap_or_default().into_owned()))
        .unwrap_or_else(|f| format!("failed: {}", crate::error::chain(&f)))
}

#[test]
fn unknown_missing_and_null_keys_do_not_matter() {
    for (event, expected) in [
        (r#"{"tool_name":"Bash","new_key":{"a":[1]}}"#, "Bash"),
        (r#"{}"#, ""),
        (r#"{"tool_name":null,"tool_input":null}"#, ""),
        (" {\"tool_name\":\"Bash\"}\n", "Bash"),
    ] {
        assert_eq!(tool_name(event), expected, "{event}");
    }
}

#[test]
fn text_that_rust_strings_cannot_hold_reads_as_the_replacement_character() {
    for (event, expected) in [
        (r#"{"tool_name":"a\ud800b"}"#, "a\u{fffd}b"),
        (r#"{"tool_name":"a\uDC00"}"#, "a\u{fffd}"),
        (r#"{"tool_name":"\ud83d\ude00"}"#, "\u{1f600}"),
        (r#"{"tool_name":"\ud83d\ud83d\ude00"}"#, "\u{fffd}\u{1f600}"),
        (r#"{"tool_name":"\\ud800"}"#, r"\ud800"),
        (r#"{"tool_name":"x","tool_input":{"command":"\ud800"}}"#, "x"),
    ] {
        assert_eq!(tool_name(event), expected, "{event}");
    }
    let mut bytes = b"{\"tool_name\":\"a\xffb\"}".to_vec();
    let name = with_payload(&mut bytes, |p| Ok(p.tool_name.unwrap_or_default().into_owned()));
    assert_eq!(name.unwrap(), "a\u{fffd}b");
}

#[test]
fn what_is_no_event_is_named() {
    for (event, expected) in [
        ("", "failed: stdin held no event"),
        (" \n", "failed: stdin held no event"),
        (
            "{\"tool_name\":",
            "failed: the event on stdin is not valid: EOF while parsing a value at line 1 column 13",
        ),
        ("[]", "failed: the event on stdin is not a JSON object"),
        ("\"x\"", "failed: the event on stdin is not a JSON object"),
    ] {
        assert_eq!(tool_name(event), expected, "{event}");
    }
}

/// Does nothing by itself: the next test starts it in a process of its own.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn panics_when_asked_to() {
    let policy = match std::env::var("RIG_TEST_PANIC").as_deref() {
        Ok("block") => OnFailure::Block,
        Ok("pass") => OnFailure::Pass,
        _ => return,
    };
    exit_on_panic("rig-x", policy);
    panic!("with\nlines");
}

#[test]
fn a_panic_ends_in_one_line_and_the_code_of_the_policy() {
    for (policy, code, consequence) in [
        ("block", 2, "refused, because what cannot be judged is not run"),
        ("pass", 0, "the session goes on without it"),
    ] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "hook::tests::panics_when_asked_to"])
            .env("RIG_TEST_PANIC", policy)
            .output()
            .unwrap();
        let said = String::from_utf8(child.stderr).unwrap();
        let place = said.trim_start_matches("rig-x: internal error at ").split(';').next().unwrap();
        assert_eq!(said, format!("rig-x: internal error at {place}; {consequence}\n"));
        assert!(place.contains("hook/tests.rs:"), "{place}");
        assert_eq!(child.status.code(), Some(code));
    }
}

/// Does nothing by itself: the next test starts it in a process of its own.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn hangs_when_asked_to() {
    let Ok(decided) = std::env::var("RIG_TEST_HANG") else { return };
    if let Ok(code) = decided.parse() {
        deadline::decided(code);
    }
    deadline::watch("rig-x", OnFailure::Block, Instant::now() + Duration::from_millis(20));
    // As whoever writes to a reader that does not read.
    let _held = std::io::stderr().lock();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn whatever_hangs_is_ended_with_what_was_decided_on_by_then() {
    let said = "rig-x: no verdict in time, since a file cannot be read or the machine is busy; \
        refused, because what cannot be judged is not run\n";
    for (decided, code, expected) in [("not yet", 2, said), ("2", 2, ""), ("0", 0, "")] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "hook::tests::hangs_when_asked_to"])
            .env("RIG_TEST_HANG", decided)
            .output()
            .unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        assert_eq!((child.status.code(), stderr.as_str()), (Some(code), expected), "{decided}");
    }
}

#[test]
fn arguments_move_the_places_and_unknown_ones_fail() {
    let mut paths = Paths::below(Some("/home/a".into()));
    let given = ["--state", "/s", "--config", "/c.json"].map(OsString::from);
    redirect(given.into_iter(), &mut paths).unwrap();
    assert_eq!((paths.state, paths.user_config), (Some("/s".into()), Some("/c.json".into())));
    for bad in [&["--x"][..], &["--state"], &["--state", "relative"]] {
        let mut paths = Paths::below(None);
        assert!(redirect(bad.iter().map(OsString::from), &mut paths).is_err(), "{bad:?}");
    }
}
