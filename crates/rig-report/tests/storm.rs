//! Many writers, a coordinator that comes and goes, and flushers that are killed.
//!
//! Every event whose hook ended well arrives. One arrives twice only when a flusher was killed
//! between the coordinator's answer and its own mark, so never more often than there were kills.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rig_testkit::{FakeConductor, Home, Mode, Output, Payload, Program};

const SEED: u64 = 0x5eed;

struct Size {
    writers: usize,
    events: usize,
}

/// The full size takes minutes; `cargo xtask soak spool` asks for it.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn size() -> Size {
    match std::env::var("RIG_TEST_DEPTH").as_deref() {
        Ok("full") => Size { writers: 32, events: 2000 },
        _ => Size { writers: 8, events: 200 },
    }
}

/// A small generator, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Kills every flusher of this home; says how many.
fn kill_flushers(home: &Home) -> usize {
    let mut killed = 0;
    let state = home.state().to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc").expect("list processes").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let words =
            std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        if words.contains("\0flush\0--background\0") && words.contains(&state) {
            let done = Command::new("kill").args(["-9", &pid.to_string()]).output();
            killed += usize::from(done.is_ok_and(|d| d.status.success()));
        }
    }
    killed
}

#[test]
fn a_storm_with_kills_loses_nothing_and_repeats_only_what_a_kill_cut_off() {
    let Size { writers, events } = size();
    let home = Home::new();
    let conductor = FakeConductor::start();
    let (over, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let hook = |writer: usize, n: usize| loop {
        let payload = Payload::stop().set("session_id", format!("{writer}-{n}"));
        let done = Program::new(env!("CARGO_BIN_EXE_rig-report"))
            .home(&home)
            .env("CONDUCTOR_BASE_URL", conductor.url())
            .env("AGENT_ID", "dev-e-node")
            .payload(payload)
            .within(Duration::from_secs(120))
            .output();
        // With so many writers this test may be too slow to feed one, which then took nothing.
        if done.stderr.contains("the event on stdin was not complete") {
            continue;
        }
        assert_eq!(done, Output { code: Some(0), ..Output::default() });
        break;
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..writers)
            .map(|writer| scope.spawn(move || (0..events).for_each(|n| hook(writer, n))))
            .collect();
        let trouble = scope.spawn(|| {
            let mut random = Random(SEED);
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50 + random.below(400)));
                match random.below(6) {
                    0 => conductor.mode(Mode::Close),
                    1 => conductor.mode(Mode::ServerError),
                    2 => conductor.mode(Mode::Hang(Duration::from_millis(300))),
                    3 => {
                        kills.fetch_add(kill_flushers(&home), Ordering::Relaxed);
                        // A flusher that was killed may be followed at once.
                        let lock =
                            std::fs::File::options().write(true).open(home.state().join("spool/flush.lock"));
                        let _ = lock.and_then(|l| l.set_modified(std::time::SystemTime::UNIX_EPOCH));
                    }
                    _ => conductor.mode(Mode::Normal),
                }
            }
        });
        let panics = handles.into_iter().filter_map(|handle| handle.join().err()).count();
        over.store(true, Ordering::Relaxed);
        let troubled = trouble.join().is_err();
        assert_eq!((panics, troubled), (0, false));
    });
    conductor.mode(Mode::Normal);
    kills.fetch_add(kill_flushers(&home), Ordering::Relaxed);
    // What waits at the end goes with passes in the foreground, each of which takes a while at most.
    let empty = (0..300).any(|_| {
        let flush = Program::new(env!("CARGO_BIN_EXE_rig-report"))
            .home(&home)
            .env("CONDUCTOR_BASE_URL", conductor.url())
            .arg("flush")
            .within(Duration::from_secs(120))
            .output();
        flush.stderr.contains("waiting 0")
    });
    assert!(empty, "the spool is never empty");
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for event in conductor.accepted() {
        *arrived.entry(event["sessionId"].as_str().expect("a session").to_owned()).or_default() += 1;
    }
    let lost = (0..writers)
        .flat_map(|writer| (0..events).map(move |n| format!("{writer}-{n}")))
        .filter(|session| !arrived.contains_key(session))
        .count();
    let repeated: usize = arrived.values().map(|times| times - 1).sum();
    let kills = kills.load(Ordering::Relaxed);
    let told = format!("{} events, {lost} lost, {repeated} repeated, {kills} kills", writers * events);
    assert!(lost == 0 && repeated <= kills, "{told}");
    // Read by `cargo xtask soak`.
    println!("storm: {told}");
}
