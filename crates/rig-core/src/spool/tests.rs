use std::os::unix::fs::PermissionsExt;

use rig_wire::{Event, EventType};
use tempfile::TempDir;

use super::*;

fn event(kind: EventType, id: &str) -> Event {
    Event::new(kind, id, "2026-01-02T03:04:05.000Z", "dev-e-node")
}

fn spool() -> (TempDir, Spool) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::at(dir.path().join("spool"));
    (dir, spool)
}

fn beats(spool: &Spool, ids: &[&str]) {
    for id in ids {
        spool.append(&event(EventType::Heartbeat, id), None).unwrap();
    }
}

/// Delivers with the given answers by id (`Accepted` for the others) and returns the ids asked.
fn pass(spool: &Spool, answers: &[(&str, Delivery)]) -> (Vec<String>, Pass) {
    let mut asked = Vec::new();
    let flusher = spool.flusher().unwrap().expect("nobody else flushes");
    let done = flusher
        .pass(|record| {
            let id = record.summary().unwrap().event_id;
            let answer = answers.iter().find(|(of, _)| *of == id).map_or(Delivery::Accepted, |(_, d)| *d);
            asked.push(id);
            answer
        })
        .unwrap();
    (asked, done)
}

fn files(spool: &Spool) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(&spool.dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .map(|n| if n.starts_with("batch-") { "batch".to_owned() } else { n })
        .collect();
    names.sort();
    names
}

#[test]
fn records_are_lines_that_only_the_owner_reads() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    spool.append(&event(EventType::GuardBlocked, "b"), Some("http://x")).unwrap();
    assert_eq!(
        fs::read_to_string(spool.waiting()).unwrap(),
        concat!(
            r#"{"s":0,"keep":false,"to":null,"event":{"type":"HEARTBEAT","eventId":"a","occurredAt":"2026-01-02T03:04:05.000Z","agentId":"dev-e-node"}}"#,
            "\n",
            r#"{"s":0,"keep":true,"to":"http://x","event":{"type":"GUARD_BLOCKED","eventId":"b","occurredAt":"2026-01-02T03:04:05.000Z","agentId":"dev-e-node"}}"#,
            "\n",
        )
    );
    for (path, mode) in [(spool.waiting(), 0o600), (spool.dir.clone(), 0o700)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_pass_delivers_in_order_and_leaves_nothing_of_what_is_settled() {
    let (_dir, spool) = spool();
    beats(&spool, &["a", "b", "c"]);
    let (asked, done) = pass(&spool, &[("b", Delivery::GivenUp)]);
    assert_eq!(
        (asked, done),
        (vec!["a".into(), "b".into(), "c".into()], Pass { accepted: 2, given_up: 1, waiting: 0 })
    );
    assert_eq!(files(&spool), ["flush.lock"]);
    assert_eq!(pass(&spool, &[]), (vec![], Pass::default()));
}

#[test]
fn what_waits_is_asked_again_before_what_came_later() {
    let (_dir, spool) = spool();
    beats(&spool, &["a", "b"]);
    pass(&spool, &[("a", Delivery::Later)]);
    beats(&spool, &["c"]);
    let (asked, done) = pass(&spool, &[("a", Delivery::Later), ("c", Delivery::Later)]);
    assert_eq!((asked, done.waiting), (vec!["a".into(), "c".into()], 2));
    // Two batches became one.
    assert_eq!(files(&spool), ["batch", "flush.lock"]);
    assert_eq!(pass(&spool, &[]).0, ["a", "c"]);
}

#[test]
fn escalations_and_blocks_are_never_given_up() {
    let (_dir, spool) = spool();
    for (kind, id) in [
        (EventType::EscalationCreated, "e"),
        (EventType::GuardBlocked, "g"),
        (EventType::AgentStuck, "s"),
        (EventType::Heartbeat, "h"),
    ] {
        spool.append(&event(kind, id), None).unwrap();
    }
    let refuse = ["e", "g", "s", "h"].map(|id| (id, Delivery::GivenUp));
    assert_eq!(pass(&spool, &refuse).1, Pass { accepted: 0, given_up: 2, waiting: 2 });
    assert_eq!(pass(&spool, &[]).0, ["e", "g"]);
}

#[test]
fn a_kill_in_the_middle_of_a_pass_repeats_nothing_that_was_settled() {
    let (_dir, spool) = spool();
    beats(&spool, &["a", "b", "c"]);
    let flusher = spool.flusher().unwrap().unwrap();
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut n = 0;
        flusher.pass(|_| {
            n += 1;
            assert!(n < 3, "killed before the third answer");
            Delivery::Accepted
        })
    }));
    assert!(killed.is_err());
    drop(flusher);
    assert_eq!(pass(&spool, &[]).0, ["c"]);
}

#[test]
fn a_merge_that_was_cut_short_sends_nothing_twice() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    pass(&spool, &[("a", Delivery::Later)]);
    let batch = spool.batches().unwrap().remove(0);
    fs::copy(&batch, spool.dir.join("batch-zzz.jsonl")).unwrap();
    fs::write(batch.with_extension("new"), "{\"s\":0,").unwrap();
    let (asked, done) = pass(&spool, &[]);
    assert_eq!((asked, done.accepted), (vec!["a".to_owned()], 1));
}

#[test]
fn an_unfinished_line_costs_only_itself() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    let text = fs::read_to_string(spool.waiting()).unwrap();
    fs::write(spool.waiting(), format!("{text}{{\"s\":0,\"keep\":tr")).unwrap();
    beats(&spool, &["b"]);
    assert_eq!(spool.waiting_events().unwrap().len(), 2);
    assert_eq!(pass(&spool, &[]).0, ["a", "b"]);
}

#[test]
fn a_full_spool_takes_only_what_is_kept() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    File::options().write(true).open(spool.waiting()).unwrap().set_len(FULL_AT + 1).unwrap();
    assert!(matches!(spool.append(&event(EventType::Heartbeat, "b"), None), Err(SpoolError::Full { .. })));
    spool.append(&event(EventType::EscalationCreated, "e"), None).unwrap();
}

#[test]
fn what_was_moved_aside_counts_for_a_full_spool() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    pass(&spool, &[("a", Delivery::Later)]);
    let batch = spool.batches().unwrap().remove(0);
    File::options().write(true).open(batch).unwrap().set_len(FULL_AT + 1).unwrap();
    assert!(matches!(spool.append(&event(EventType::Heartbeat, "b"), None), Err(SpoolError::Full { .. })));
}

#[test]
fn events_get_past_a_lock_that_is_never_let_go() {
    let (_dir, spool) = spool();
    beats(&spool, &["a"]);
    let stopped = spool.open_waiting().unwrap();
    beats(&spool, &["b"]);
    spool.append(&event(EventType::EscalationCreated, "e"), None).unwrap();
    let mut delivered = 0;
    let flusher = spool.flusher().unwrap().unwrap();
    let kept = flusher.pass(|_| {
        delivered += 1;
        Delivery::Accepted
    });
    assert!(kept.is_err() && delivered == 2, "{delivered}");
    drop((stopped, flusher));
    assert_eq!((pass(&spool, &[]).0, files(&spool)), (vec!["a".into()], vec!["flush.lock".into()]));
}

#[test]
fn events_get_past_a_file_that_cannot_be_opened() {
    let (_dir, spool) = spool();
    fs::create_dir_all(spool.waiting()).unwrap();
    beats(&spool, &["a"]);
    assert_eq!(files(&spool), ["batch", "events.jsonl"]);
}

#[test]
fn a_hook_that_looks_at_the_lock_turns_no_flusher_away() {
    let (_dir, spool) = spool();
    let (_, lock) = spool.flush_lock().unwrap();
    // A look is short; where the machine stretches it, it is tried again.
    let waited = (0..100).any(|_| {
        lock.try_lock().unwrap();
        std::thread::scope(|scope| {
            let (begun, begins) = std::sync::mpsc::channel();
            let spool = &spool;
            let flusher = scope.spawn(move || {
                begun.send(()).unwrap();
                spool.flusher().unwrap().is_some()
            });
            begins.recv().unwrap();
            std::thread::sleep(Duration::from_millis(10));
            let is_waiting = !flusher.is_finished();
            lock.unlock().unwrap();
            flusher.join().unwrap() && is_waiting
        })
    });
    assert!(waited);
}

#[test]
fn a_flusher_hands_over_to_who_wants_its_place() {
    let (_dir, spool) = spool();
    assert!(spool.claim_start().unwrap());
    assert!(!spool.is_wanted());
    let running = spool.flusher().unwrap().unwrap();
    assert!(spool.take_over(Duration::from_millis(20)).unwrap().is_none(), "it does not let go");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| spool.take_over(Duration::from_secs(20)).unwrap());
        while !spool.is_wanted() {
            std::thread::yield_now();
        }
        drop(running);
        let taken = waiting.join().unwrap();
        assert!(taken.is_some() && !spool.is_wanted());
    });
    assert!(spool.claim_start().unwrap(), "the next hook starts another");
}

#[test]
fn one_flusher_at_a_time_and_one_start_in_ten_seconds() {
    let (_dir, spool) = spool();
    assert!(spool.claim_start().unwrap());
    assert!(!spool.claim_start().unwrap(), "just started");
    let lock = File::options().write(true).open(spool.dir.join("flush.lock")).unwrap();
    lock.set_modified(SystemTime::now() - START_EVERY * 2).unwrap();
    {
        let _flusher = spool.flusher().unwrap().unwrap();
        assert!(spool.flusher().unwrap().is_none());
        assert!(!spool.claim_start().unwrap(), "one runs");
    }
    assert!(spool.claim_start().unwrap());
}

#[test]
fn writers_and_a_flusher_at_once_lose_and_repeat_nothing() {
    let (_dir, spool) = spool();
    let (writers, each) = (8, 100);
    let mut seen: Vec<String> = Vec::new();
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..writers)
            .map(|w| {
                let spool = &spool;
                scope.spawn(move || {
                    for n in 0..each {
                        beats(spool, &[&format!("{w}-{n}")]);
                    }
                })
            })
            .collect();
        while !handles.iter().all(|h| h.is_finished()) {
            seen.extend(pass(&spool, &[]).0);
        }
    });
    seen.extend(pass(&spool, &[]).0);
    let unique: HashSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (writers * each, writers * each));
}

#[test]
fn a_disk_without_room_leaves_no_half_line() {
    // A line that cannot be written is taken back; /dev/full refuses every write.
    let full = File::options().append(true).read(true).open("/dev/full").unwrap();
    assert!(append_line(&full, b"x\n").is_err());
}
