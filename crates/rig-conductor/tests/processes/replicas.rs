//! Three replicas on one PostgreSQL, of which one is frozen past its lease, one is killed, and under which
//! the database restarts: the same log and the same messages as of one that nothing happens to.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::check::check;
use crate::place::{Place, Window};
use crate::service::Plan;
use crate::tour::{self, Fleet, LEASE_OVER, Meddler};
use rig_testkit::discord::{Fault, Route};
use rig_testkit::{FakeDiscord, Postgres};

/// What happens to the replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// One stands still until the others have gone on without it.
    Freeze,
    /// One dies.
    Kill,
    /// The database stops at once and comes back.
    Restart,
}

/// Lets acts happen one after the other, each when so many more calls have been made. What a freeze
/// takes, `past_lease` does: it makes a lease end that is held.
fn meddler<'a>(
    postgres: &'a Postgres,
    acts: Vec<(usize, usize, Act)>,
    past_lease: impl Fn(&Window) -> Duration + 'a,
) -> Meddler<'a> {
    let mut acts = acts.into_iter().peekable();
    let frozen: Cell<Option<(usize, Instant)>> = Cell::new(None);
    Box::new(move |fleet| {
        if let Some((index, until)) = frozen.get() {
            if Instant::now() >= until {
                fleet.processes[index].thaw();
                frozen.set(None);
            }
            return;
        }
        let Some((_, index, act)) = acts.next_if(|(calls, _, _)| fleet.discord.requests().len() >= *calls)
        else {
            return;
        };
        match act {
            Act::Freeze => {
                fleet.processes[index].freeze();
                frozen.set(Some((index, Instant::now() + past_lease(&fleet.window))));
            }
            Act::Kill => fleet.processes[index].kill(),
            Act::Restart => postgres.restart(),
        }
    })
}

/// Lets the history happen on three replicas, each of which may be in the middle of a call when something
/// happens to it: Discord takes its time.
#[track_caller]
fn three(postgres: &Postgres, schema: &str, meddler: impl for<'b> FnOnce(&'b Postgres) -> Meddler<'b>) {
    let dir = tempfile::tempdir().unwrap();
    let database = postgres.database();
    let place = Place::postgres(&database, schema);
    let discord = FakeDiscord::start();
    discord.fail(Route::ANY, Fault::Delay(Duration::from_millis(80)), usize::MAX);
    let plan = Plan::new(&place, &discord, dir.path());
    let mut fleet = Fleet::start(Window::open(&place), &discord, 3, || plan.clone());
    fleet.meddler = Some(meddler(postgres));
    tour::run(&mut fleet);
    // Whoever stands still wakes up and must not spoil what the others have done.
    fleet.processes.iter().filter(|process| process.is_frozen()).for_each(crate::service::Process::thaw);
    fleet.meddler = None;
    fleet.settle("the late ones", |_| true);
    std::thread::sleep(Duration::from_millis(500));
    let found = check(&fleet.window, &discord, fleet.deaths);
    assert_eq!(found.repeated, 0, "somebody said something twice");
}

/// Moves the store's clock past every lease, and leaves the others a moment.
fn by_the_clock(window: &Window) -> Duration {
    window.advance(LEASE_OVER);
    Duration::from_millis(1200)
}

#[test]
fn three_replicas_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    three(&postgres, "calm", |_| Box::new(|_| {}));
}

#[test]
fn three_replicas_of_which_one_freezes_one_dies_and_whose_database_restarts_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    three(&postgres, "rough", |postgres| {
        let acts = vec![(3, 0, Act::Freeze), (6, 1, Act::Kill), (9, 0, Act::Restart), (12, 2, Act::Freeze)];
        meddler(postgres, acts, by_the_clock)
    });
}

#[test]
fn whenever_it_happens_three_replicas_do_what_one_does() {
    let Some(postgres) = Postgres::private().start() else { return };
    let full = rig_testkit::needs::variable("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full");
    let runs = if full { 100 } else { 6 };
    for run in 0..runs {
        three(&postgres, "rough", |postgres| {
            let act = |at: usize| match (run / 3 + at) % 3 {
                0 => Act::Freeze,
                1 => Act::Kill,
                _ => Act::Restart,
            };
            let acts = (0..5).map(|n| (1 + run % 7 + n * (2 + run % 5), (run + n) % 3, act(n)));
            meddler(postgres, acts.collect(), by_the_clock)
        });
    }
    // Read by `cargo xtask soak`.
    println!(
        "measured: replicas: {runs} runs of 3, each with 5 of freeze, kill and restart, 0 lost, 0 repeated"
    );
}

/// Takes more than a minute, and shows what the moved clock cannot: a process that wakes up after its
/// lease knows that it is over.
#[test]
fn a_replica_that_stands_still_for_longer_than_a_lease_says_nothing_twice() {
    if rig_testkit::needs::variable("RIG_TEST_DEPTH").is_none_or(|depth| depth != "full") {
        return;
    }
    let Some(postgres) = Postgres::private().start() else { return };
    three(&postgres, "slow", |postgres| {
        let acts = vec![(2, 0, Act::Freeze), (8, 1, Act::Freeze)];
        meddler(postgres, acts, |_| LEASE_OVER + Duration::from_secs(4))
    });
}
