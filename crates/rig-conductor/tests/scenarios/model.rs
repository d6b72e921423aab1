//! Random histories: whatever is done in whatever order, the store comes to what the [`reference`] says.

mod reference;
mod run;

use std::io::Write;
use std::time::{Duration, Instant};

use rig_testkit::Postgres;
use rig_testkit::needs::variable;
use rig_wire::Severity;

use crate::world::Place;
use reference::Luck;

/// Something that is done. Numbers choose among what is there.
#[derive(Clone, Copy, Debug)]
enum Op {
    Create {
        agent: usize,
        key: usize,
        severity: Severity,
    },
    /// Sends a creation again as it was, or with another reason.
    Retry {
        which: usize,
        changed: bool,
    },
    Ack {
        which: usize,
        by: usize,
    },
    Close {
        which: usize,
        resolution: usize,
    },
    Raise {
        which: usize,
        to: Option<Severity>,
    },
    Note {
        which: usize,
    },
    /// Tries to bump one by itself, whether it is due or not.
    Bump {
        which: usize,
    },
    Sweep,
    Deliver(Luck),
    /// Lets so many times ten minutes pass.
    Pass(u64),
    Restart,
}

/// A generator of numbers, the same for the same seed: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self) -> usize {
        usize::try_from(self.below(1000)).unwrap()
    }

    fn severity(&mut self) -> Severity {
        *[Severity::P2, Severity::P2, Severity::P1, Severity::P0].get(self.index() % 4).unwrap()
    }

    fn op(&mut self) -> Op {
        match self.below(100) {
            0..20 => Op::Create { agent: self.index() % 2, key: self.index() % 4, severity: self.severity() },
            20..26 => Op::Retry { which: self.index(), changed: self.below(4) == 0 },
            26..34 => Op::Ack { which: self.index(), by: self.index() % 2 },
            34..41 => Op::Close { which: self.index(), resolution: self.index() % 2 },
            41..47 => {
                let to = if self.below(2) == 0 { None } else { Some(self.severity()) };
                Op::Raise { which: self.index(), to }
            }
            47..50 => Op::Note { which: self.index() },
            50..53 => Op::Bump { which: self.index() },
            53..67 => Op::Sweep,
            67..81 => {
                let lucks =
                    [Luck::Sent, Luck::Sent, Luck::Sent, Luck::Refused, Luck::Lost, Luck::Failed, Luck::Died];
                Op::Deliver(lucks[self.index() % lucks.len()])
            }
            81..97 => Op::Pass([1, 1, 2, 3, 6, 12, 24, 30, 80][self.index() % 9]),
            _ => Op::Restart,
        }
    }
}

fn history(seed: u64) -> Vec<Op> {
    let mut random = Random(seed);
    let length = 10 + random.below(40);
    (0..length).map(|_| random.op()).collect()
}

/// Lets histories happen. One that comes to something else is made as short as it can be and printed.
#[track_caller]
fn check<'a>(seeds: impl Iterator<Item = u64>, limit: Duration, place: impl Fn() -> Place<'a>) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fails = |ops: &[Op]| runtime.block_on(run::play(ops, place())).err();
    let (start, mut count) = (Instant::now(), 0);
    for seed in seeds {
        let ops = history(seed);
        if let Some((at, _)) = fails(&ops) {
            let mut short = ops[..=at].to_vec();
            let mut index = short.len();
            while index > 0 {
                index -= 1;
                let mut without = short.clone();
                without.remove(index);
                if fails(&without).is_some() {
                    short = without;
                }
            }
            let why = fails(&short).map_or_else(|| "it does not happen again".to_owned(), |(_, why)| why);
            let steps: Vec<String> = short.iter().map(|op| format!("  {op:?}")).collect();
            panic!("seed {seed}, {} of {} steps:\n{}\n{why}", short.len(), ops.len(), steps.join("\n"));
        }
        count += 1;
        if start.elapsed() > limit {
            break;
        }
    }
    // Read by `cargo xtask soak`. Not the macro: what that prints is shown for failed tests alone.
    let _ = writeln!(std::io::stdout(), "measured: model: {count} random histories");
    count
}

fn is_full() -> bool {
    variable("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full")
}

/// How long a part of CI may take: a slow machine sees fewer histories, never a failure for that.
const SLICE: Duration = Duration::from_secs(40);

#[test]
fn random_histories_come_to_what_the_rules_say_on_sqlite() {
    let (count, limit) = if is_full() { (10_000, Duration::MAX) } else { (400, SLICE) };
    let seen = check(0..count, limit, Place::file);
    assert!(seen >= 20, "{seen} histories are too few to mean anything");
}

#[test]
fn random_histories_come_to_what_the_rules_say_on_postgres() {
    let Some(server) = Postgres::shared() else { return };
    let (count, limit) = if is_full() { (1_000, Duration::MAX) } else { (40, SLICE) };
    let seen = check(100_000..100_000 + count, limit, || Place::Server(server.database()));
    assert!(seen >= 5, "{seen} histories are too few to mean anything");
}
