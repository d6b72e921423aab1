//! Three replicas on one PostgreSQL, of which one is frozen past its lease, one is killed, and under which
//! the database restarts: the same log and the same messages as of one that nothing happens to.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rig_testkit::discord::{Fault, Route};
use rig_testkit::postgres::Database;
use rig_testkit::{FakeDiscord, Postgres};

use crate::check::check;
use crate::place::{Place, Window};
use crate::service::{Plan, Process};
use crate::tour::{self, Fleet, LEASE_OVER};

/// The schema of the tables.
const SCHEMA: &str = "rig";

/// What happens to the replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// The one that is sending stands still until its lease is over.
    Freeze,
    /// The one that is sending dies.
    Kill,
    /// The database stops at once and comes back.
    Restart,
}

/// How long Discord takes for a call.
const SLOW: Duration = Duration::from_millis(100);

/// How long a call may be held until an act has happened in its middle; the service waits for 10 s.
const HELD: Duration = Duration::from_secs(8);

/// Lets every call take so long, and those that are under way no longer.
fn pace(discord: &FakeDiscord, time: Duration) {
    discord.heal();
    discord.fail(Route::ANY, Fault::Delay(time), usize::MAX);
    discord.release();
}

/// Lets the history happen on three replicas, with acts in their order, each when so many calls were made
/// and somebody is in the middle of one: Discord holds it until then. With `hurries` leases end because the
/// clock is moved. Returns how many acts there were.
#[track_caller]
fn three(postgres: &Postgres, hurries: bool, acts: &[(usize, Act)]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let done = Cell::new(0);
    let frozen: Cell<Option<(usize, Instant)>> = Cell::new(None);
    let database = postgres.database();
    let place = Place::postgres(&database, SCHEMA);
    let discord = FakeDiscord::start();
    pace(&discord, SLOW);
    let held = Cell::new(false);
    let plan = Plan::new(&place, &discord, dir.path());
    let mut fleet = Fleet::start(Window::open(&place), &discord, 3, || plan.clone());
    fleet.hurries = hurries;
    fleet.meddler = Some(Box::new(|fleet| {
        let calls = fleet.discord.requests().len();
        let due = acts.get(done.get()).filter(|(after, _)| calls >= *after);
        if due.is_some() && !held.replace(true) {
            pace(fleet.discord, HELD);
        }
        if let Some((index, until)) = frozen.get() {
            if Instant::now() >= until {
                fleet.processes[index].thaw();
                frozen.set(None);
            }
            return;
        }
        let Some((_, act)) = due else { return };
        let Some(index) = sender(&database, &fleet.processes) else { return };
        match act {
            Act::Freeze => {
                fleet.processes[index].freeze();
                let until = if hurries { by_the_clock(&fleet.window) } else { LEASE_OVER };
                frozen.set(Some((index, Instant::now() + until)));
            }
            Act::Kill => fleet.processes[index].kill(),
            Act::Restart => postgres.restart(),
        }
        done.set(done.get() + 1);
        held.set(false);
        pace(fleet.discord, SLOW);
    }));
    tour::run(&mut fleet);
    pace(&discord, SLOW);
    // Whoever stands still wakes up and must not spoil what the others have done.
    while fleet.processes.iter().any(Process::is_frozen) {
        fleet.tend();
        std::thread::sleep(Duration::from_millis(10));
    }
    fleet.meddler = None;
    fleet.settle("the late ones", |_| true);
    std::thread::sleep(Duration::from_millis(500));
    let found = check(&fleet.window, &discord, fleet.deaths);
    assert_eq!(found.repeated, 0, "somebody said something twice");
    done.get()
}

/// Finds a replica that holds something to be sent.
fn sender(database: &Database<'_>, processes: &[Process]) -> Option<usize> {
    let sql =
        format!("select owner from {SCHEMA}.outbox where owner is not null and state = 'pending' limit 1");
    let owner = database.sql(&sql);
    processes.iter().position(|process| !owner.is_empty() && process.log().contains(&owner))
}

/// Moves the store's clock past every lease, and leaves the others a moment.
fn by_the_clock(window: &Window) -> Duration {
    window.advance(LEASE_OVER);
    Duration::from_millis(1200)
}

fn is_full() -> bool {
    rig_testkit::needs::variable("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full")
}

#[test]
fn three_replicas_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    assert_eq!(three(&postgres, true, &[]), 0);
}

#[test]
fn three_replicas_of_which_one_freezes_one_dies_and_whose_database_restarts_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    let acts = [(3, Act::Freeze), (6, Act::Kill), (9, Act::Restart), (12, Act::Freeze)];
    assert_eq!(three(&postgres, true, &acts), acts.len());
}

#[test]
fn whenever_it_happens_three_replicas_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    let runs = if is_full() { 100 } else { 5 };
    let mut done = 0;
    for run in 0..runs {
        let act = |at: usize| match (run + at) % 3 {
            0 => Act::Freeze,
            1 => Act::Kill,
            _ => Act::Restart,
        };
        let acts: Vec<_> = (0..4).map(|n| (1 + run % 7 + n * (2 + run % 5), act(n))).collect();
        done += three(&postgres, true, &acts);
    }
    assert!(done > runs, "{done} acts in {runs} runs");
    println!("measured: replicas: {runs} runs of 3, {done} freezes, kills and restarts, 0 lost, 0 repeated");
}

/// Takes more than a minute, and shows what the moved clock cannot: a process that wakes up after its
/// lease knows that it is over.
#[test]
fn a_replica_that_stands_still_for_longer_than_a_lease_says_nothing_twice() {
    if !is_full() {
        return;
    }
    let Some(postgres) = Postgres::private().start() else { return };
    assert_eq!(three(&postgres, false, &[(2, Act::Freeze)]), 1);
}
