//! A service that is killed between any two steps loses nothing, and says nothing twice but what it
//! cannot know to have arrived; then it says so.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::check::{Found, check};
use crate::place::{Place, Window};
use crate::service::Plan;
use crate::tour::{self, Fleet, LEASE_OVER};
use rig_testkit::discord::{Call, Fault};
use rig_testkit::postgres::Database;
use rig_testkit::{FakeDiscord, Postgres};

/// A generator of numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The points of the program's source at which it can be told to die.
fn points() -> Vec<String> {
    fn read(dir: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = text.split("point(\"").skip(1);
            found.extend(calls.filter_map(|rest| rest.split_once("\")")).map(|(name, _)| name.to_owned()));
        }
    }
    let mut found = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 10, "{found:?}");
    found.into_iter().collect()
}

/// Where a history is kept.
#[derive(Clone, Copy)]
enum Kept<'a> {
    InFile,
    On(&'a Database<'a>),
}

impl Kept<'_> {
    fn place(self, dir: &Path, schema: &str) -> Place {
        match self {
            Self::InFile => Place::sqlite(dir),
            Self::On(database) => Place::postgres(database, schema),
        }
    }
}

/// Lets the history happen, with `trouble` deciding how each process is started and `away` how long one
/// that died is missed.
#[track_caller]
fn history(
    kept: Kept<'_>,
    name: &str,
    discord: &FakeDiscord,
    away: Duration,
    mut trouble: impl FnMut(Plan) -> Plan,
) -> (Found, usize) {
    let dir = tempfile::tempdir().unwrap();
    let place = kept.place(dir.path(), name);
    let plan = Plan::new(&place, discord, dir.path());
    let mut fleet = Fleet::start(Window::open(&place), discord, 1, || trouble(plan.clone()));
    fleet.away = away;
    tour::run(&mut fleet);
    let found = check(&fleet.window, discord, fleet.deaths);
    (found, fleet.deaths)
}

#[track_caller]
fn undisturbed(kept: Kept<'_>) {
    let (found, deaths) = history(kept, "undisturbed", &FakeDiscord::start(), LEASE_OVER, |plan| plan);
    assert_eq!((found.repeated, deaths), (0, 0));
}

/// Kills the service the first and the second time that it comes to a point.
#[track_caller]
fn at_every_point(kept: Kept<'_>) {
    let all = points();
    let cases = all.iter().flat_map(|point| [(point, 1), (point, 2)]);
    let reached = Mutex::new(BTreeSet::new());
    side_by_side(&cases.collect::<Vec<_>>(), |(point, time)| {
        let name = format!("{}_{time}", point.replace('.', "_"));
        let mut fresh = true;
        let die = format!("{point}:{time}");
        let (_, deaths) = history(kept, &name, &FakeDiscord::start(), LEASE_OVER, |plan| {
            if std::mem::take(&mut fresh) { plan.with("RIG_CONDUCTOR_DIE_AT", &die) } else { plan }
        });
        if deaths > 0 {
            reached.lock().unwrap().insert((*point).clone());
        }
    });
    let reached = reached.into_inner().unwrap();
    let missed: Vec<_> = all.iter().filter(|point| !reached.contains(*point)).collect();
    assert!(missed.is_empty(), "nobody came to {missed:?}");
}

/// Kills the service at points and at moments that a seed decides, with a Discord that loses answers.
#[track_caller]
#[expect(clippy::print_stdout, reason = "read by `cargo xtask soak`")]
fn at_random(kept: Kept<'_>, store: &str, count: u64) {
    let all = points();
    let (messages, repeated, kills) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    side_by_side(&(0..count).collect::<Vec<_>>(), |&seed| {
        let mut random = Random(seed);
        let discord = FakeDiscord::start();
        // Fewer than the tries of a P2, after which it goes to another place. Kills are no tries.
        for _ in 0..random.below(4) {
            let call = [Call::CreateMessage, Call::EditMessage, Call::ThreadFromMessage, Call::OpenDm];
            let fault =
                [Fault::AcceptThenClose, Fault::Close, Fault::BAD_GATEWAY, Fault::AcceptThenHtml(502)];
            let (call, fault) = (call[random.below(4) as usize], fault[random.below(4) as usize].clone());
            discord.fail(call, fault, 1);
        }
        let mut left = 1 + random.below(6);
        // Every fourth time Discord has forgotten the nonce.
        let away = if random.below(4) == 0 { Duration::from_secs(300) } else { LEASE_OVER };
        let (found, deaths) = history(kept, &format!("seed_{seed}"), &discord, away, |mut plan| {
            if left == 0 {
                return plan;
            }
            left -= 1;
            match random.below(3) {
                0 => plan.dies_after = Some(Duration::from_millis(20 + random.below(2500))),
                _ => {
                    let point = &all[random.below(all.len() as u64) as usize];
                    return plan.with("RIG_CONDUCTOR_DIE_AT", &format!("{point}:{}", 1 + random.below(6)));
                }
            }
            plan
        });
        messages.fetch_add(found.messages, Ordering::Relaxed);
        repeated.fetch_add(found.repeated, Ordering::Relaxed);
        kills.fetch_add(deaths, Ordering::Relaxed);
    });
    println!(
        "measured: kill, {store}: {count} runs, {} kills, {} messages, 0 lost, {} repeated and marked",
        kills.into_inner(),
        messages.into_inner(),
        repeated.into_inner()
    );
}

/// Does the same for each case, some at a time: most of them wait for something.
#[track_caller]
fn side_by_side<T: Sync + std::fmt::Debug>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(case))).is_err() {
                        failures.lock().unwrap().push(format!("{case:?}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "failed: {failures:?}, see above");
}

/// How many random histories: a slice, or all of them.
fn runs(slice: u64) -> u64 {
    let full = rig_testkit::needs::variable("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full");
    if full { 1000 } else { slice }
}

#[test]
fn undisturbed_a_history_leaves_its_log_and_its_messages_on_sqlite() {
    undisturbed(Kept::InFile);
}

#[test]
fn undisturbed_a_history_leaves_its_log_and_its_messages_on_postgres() {
    let Some(postgres) = Postgres::shared() else { return };
    undisturbed(Kept::On(&postgres.database()));
}

#[test]
fn killed_at_every_point_nothing_is_lost_on_sqlite() {
    at_every_point(Kept::InFile);
}

#[test]
fn killed_at_every_point_nothing_is_lost_on_postgres() {
    let Some(postgres) = Postgres::shared() else { return };
    at_every_point(Kept::On(&postgres.database()));
}

#[test]
fn killed_at_random_nothing_is_lost_on_sqlite() {
    at_random(Kept::InFile, "SQLite", runs(24));
}

#[test]
fn killed_at_random_nothing_is_lost_on_postgres() {
    let Some(postgres) = Postgres::shared() else { return };
    at_random(Kept::On(&postgres.database()), "PostgreSQL", runs(12));
}
