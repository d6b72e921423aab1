use super::*;

fn of(tool: &str, input: &str) -> Option<String> {
    digest(tool, serde_json::from_str(input).unwrap())
}

#[test]
fn the_digest_is_about_what_is_judged_and_about_nothing_else() {
    for (tool, one, other, same) in [
        ("Bash", r#"{"command":"ls","timeout":5}"#, r#"{"description":"x","command":"ls"}"#, true),
        ("Bash", r#"{"command":"a\u0062"}"#, r#"{"command":"ab"}"#, true),
        ("Bash", r#"{"command":"ls"}"#, r#"{"command":"ls "}"#, false),
        ("Monitor", r#"{"ws":{"url":"a","protocols":[]}}"#, r#"{"ws":{"protocols":[],"url":"a"}}"#, true),
        ("Monitor", r#"{"ws":{"url":"a"}}"#, r#"{"ws":{"url":"b"}}"#, false),
        // A person may have edited the text in a diff view.
        ("Write", r#"{"file_path":"/a","content":"x"}"#, r#"{"file_path":"/a","content":"y"}"#, true),
        ("Edit", r#"{"file_path":"/a","replace_all":false}"#, r#"{"file_path":"/a"}"#, true),
        ("Edit", r#"{"file_path":"/a"}"#, r#"{"file_path":"/b"}"#, false),
        ("NotebookEdit", r#"{"notebook_path":"/a"}"#, r#"{"notebook_path":"/b"}"#, false),
        ("mcp__db__query", r#"{"a":{"y":1,"x":[1,2]}}"#, r#"{"a":{"x":[1,2],"y":1}}"#, true),
        ("mcp__db__query", r#"{"a":[1,2]}"#, r#"{"a":[12]}"#, false),
        ("mcp__db__query", r#"{"a":"1","b":"2"}"#, r#"{"a":"12","b":""}"#, false),
        ("mcp__db__query", r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        ("SomethingNew", r#"{"script":"ls","x":1}"#, r#"{"script":"ls"}"#, true),
    ] {
        let (one, other) = (of(tool, one), of(tool, other));
        assert!(one.as_ref().is_some_and(|d| d.len() == 32), "{tool}");
        assert_eq!(one == other, same, "{tool} {one:?} {other:?}");
    }
    assert_ne!(of("Bash", r#"{"command":"ls"}"#), of("PowerShell", r#"{"command":"ls"}"#));
}

#[test]
fn calls_that_run_nothing_have_no_receipt() {
    for (tool, input) in [
        ("Read", r#"{"file_path":"/a"}"#),
        ("Grep", r#"{"pattern":"a","path":"/a"}"#),
        ("Agent", r#"{"prompt":"a","command":"x"}"#),
        ("AskUserQuestion", r#"{"questions":[]}"#),
        ("Skill", "5"),
    ] {
        assert_eq!(of(tool, input), None, "{tool}");
    }
}

#[test]
fn a_receipt_proves_what_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::of(dir.path(), "s/../1");
    assert_eq!((receipts.exist(), receipts.path.ends_with("sessions/s1.receipts")), (false, true));
    receipts.append("a", "11", Verdict::Allow).unwrap();
    receipts.append("b", "22", Verdict::Deny).unwrap();
    receipts.append("odd \"id\"\n", "33", Verdict::Allow).unwrap();
    receipts.append("b", "22", Verdict::Allow).unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&receipts.path).unwrap());
    assert_eq!((mode & 0o777, receipts.exist()), (0o600, true));
    for (call, digest, expected) in [
        ("a", "11", Proof::Judged),
        ("a", "12", Proof::OtherInput),
        ("b", "22", Proof::Refused),
        ("odd \"id\"\n", "33", Proof::Judged),
        ("c", "11", Proof::Missing),
    ] {
        assert_eq!(receipts.proof(call, digest, None), expected, "{call} {digest}");
    }
}

#[test]
fn what_may_have_been_written_is_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::of(dir.path(), "s");
    assert_eq!(receipts.proof("a", "1", None), Proof::Unknown, "the directory is not there");
    // Older ones were cut off, and the call began before the oldest that is left.
    receipts.append("x", "1", Verdict::Allow).unwrap();
    let now = unix_seconds();
    fs::write(
        receipts.older(),
        format!("{{\"at\":{},\"call\":\"y\",\"input\":\"1\",\"verdict\":\"allow\"}}\n", now - 100),
    )
    .unwrap();
    assert_eq!(receipts.proof("y", "1", None), Proof::Judged);
    let found = [None, Some(now - 200), Some(now - 50)].map(|began| receipts.proof("a", "1", began));
    assert_eq!(found, [Proof::Unknown, Proof::Unknown, Proof::Missing]);
    fs::remove_file(receipts.older()).unwrap();
    assert_eq!(receipts.proof("a", "1", Some(now)), Proof::Missing);
    // A failed write leaves a younger file than its last line.
    let later = SystemTime::now() + Duration::from_secs(10);
    OpenOptions::new().append(true).open(&receipts.path).unwrap().set_modified(later).unwrap();
    assert_eq!(receipts.proof("a", "1", Some(now)), Proof::Unknown);
    assert_eq!(receipts.proof("a", "1", Some(now + 60)), Proof::Missing, "it failed before this call began");
}

#[test]
fn a_full_file_makes_room_and_old_sessions_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let old = Receipts::of(dir.path(), "old");
    old.append("a", "1", Verdict::Allow).unwrap();
    let then = SystemTime::now() - KEPT - Duration::from_secs(60);
    OpenOptions::new().append(true).open(&old.path).unwrap().set_modified(then).unwrap();
    let receipts = Receipts::of(dir.path(), "new");
    receipts.append("first", "1", Verdict::Allow).unwrap();
    assert!(!old.path.exists());
    let line = "{\"at\":1,\"call\":\"f\",\"input\":\"1\",\"verdict\":\"allow\"}\n";
    let mut text = fs::read_to_string(&receipts.path).unwrap();
    text.push_str(&line.repeat(usize::try_from(ROTATE_AT).unwrap() / line.len() + 1));
    fs::write(&receipts.path, text).unwrap();
    receipts.append("second", "1", Verdict::Allow).unwrap();
    receipts.append("third", "1", Verdict::Allow).unwrap();
    let proofs = ["first", "second", "third"].map(|call| receipts.proof(call, "1", None));
    assert_eq!(proofs, [Proof::Judged; 3]);
    assert!(fs::metadata(&receipts.path).unwrap().len() < 200);
}

#[test]
fn a_pipe_in_its_place_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = Receipts::of(dir.path(), "s");
    fs::create_dir(dir.path().join("sessions")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&receipts.path).status().unwrap().success());
    assert!(receipts.append("a", "1", Verdict::Allow).is_err());
    assert_eq!(receipts.proof("a", "1", None), Proof::Unknown);
}
