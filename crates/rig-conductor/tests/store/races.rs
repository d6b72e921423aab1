//! Two processes on one database, and random lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rig_conductor::domain::stream_of;
use rig_conductor::store::{Command, Outcome, Store, StoreError};
use rig_wire::{EscalationState, Severity};
use uuid::Uuid;

use crate::harness::*;

on_each_store!(
    two_processes_bump_once_however_often_they_try,
    an_ack_and_a_bump_at_once_leave_one_clear_story,
    two_couriers_send_everything_once,
    random_lives_replay_to_what_is_stored,
);

async fn two_processes_bump_once_however_often_they_try(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(create(&*stores[0], Severity::P2, &n.to_string()).await.id);
    }
    for level in 1..=2 {
        stores[1].advance(4 * HOUR).await.unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let (store, id) = (Arc::clone(&stores[n % 2]), ids[n / 4]);
                tokio::spawn(async move { run(&*store, Command::Bump { id }).await.unwrap().changed })
            })
            .collect();
        let mut changed = 0;
        for task in tasks {
            changed += usize::from(task.await.unwrap());
        }
        assert_eq!(changed, 4, "level {level}");
    }
    for id in ids {
        assert_eq!(kinds(&*stores[0], id).await, ["created", "bumped", "bumped"]);
    }
    assert_replays(&*stores[0]).await;
}

async fn an_ack_and_a_bump_at_once_leave_one_clear_story(place: &Place) {
    let stores = [place.open().await, place.open().await];
    for n in 0..8 {
        let id = create(&*stores[0], Severity::P2, &n.to_string()).await.id;
        stores[0].advance(4 * HOUR).await.unwrap();
        let (one, two, three) = (Arc::clone(&stores[0]), Arc::clone(&stores[1]), Arc::clone(&stores[1]));
        let bump = tokio::spawn(async move { run(&*one, Command::Bump { id }).await.unwrap() });
        let acks = [
            tokio::spawn(async move { run(&*two, ack(id, "stig")).await.unwrap() }),
            tokio::spawn(async move { run(&*three, ack(id, "anna")).await.unwrap() }),
        ];
        let bumped = bump.await.unwrap().changed;
        let mut acked = 0;
        for task in acks {
            acked += usize::from(task.await.unwrap().changed);
        }
        let (found, story) = (get(&*stores[0], id).await, kinds(&*stores[0], id).await);
        assert_eq!((acked, found.state), (1, EscalationState::Acked));
        let expected: &[&str] = if bumped { &["created", "bumped", "acked"] } else { &["created", "acked"] };
        assert_eq!(story, expected);
    }
    assert_replays(&*stores[0]).await;
}

async fn two_couriers_send_everything_once(place: &Place) {
    let stores = [place.open().await, place.open().await];
    for n in 0..12 {
        create(&*stores[0], Severity::ALL[n % 3], &n.to_string()).await;
    }
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let store = Arc::clone(&stores[n % 2]);
            tokio::spawn(async move {
                let (mut nonces, mut empty) = (Vec::new(), 0);
                while empty < 3 {
                    let claimed = store.claim(&format!("courier {n}"), 3, LEASE).await.unwrap();
                    empty = if claimed.is_empty() { empty + 1 } else { 0 };
                    for one in claimed {
                        store.settle(&one.claim, sent(&one.nonce), &policy()).await.unwrap().unwrap();
                        nonces.push(one.nonce);
                    }
                }
                nonces
            })
        })
        .collect();
    let mut nonces = Vec::new();
    for task in tasks {
        nonces.extend(task.await.unwrap());
    }
    let all = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!((all, nonces.len()), (4 * (3 + 1 + 1), 20));
    assert_replays(&*stores[0]).await;
}

/// A sequence of numbers that is the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

async fn random_lives_replay_to_what_is_stored(place: &Place) {
    let full = rig_testkit::needs::variable("RIG_TEST_DEPTH").is_some_and(|depth| depth == "full");
    let stores = [place.open().await, place.open().await];
    let mut random = Random(7);
    let mut story = Vec::new();
    for step in 0..if full { 1000 } else { 250 } {
        let store = &*stores[usize::try_from(random.below(2)).unwrap()];
        story.push(act(store, &mut random, step).await);
    }
    assert_replays(&*stores[0]).await;
    // The same seed makes the same story on every store.
    let told: Vec<String> = story_of(&*stores[0]).await;
    let expected = STORY.get_or_init(|| std::sync::Mutex::new(BTreeMap::new()));
    let mut expected = expected.lock().unwrap();
    let known = expected.entry(story.len()).or_insert_with(|| told.clone());
    assert_eq!(known, &told);
}

/// What the first store to come here has told.
static STORY: std::sync::OnceLock<std::sync::Mutex<BTreeMap<usize, Vec<String>>>> =
    std::sync::OnceLock::new();

/// Does something, and says what came of it.
pub(crate) async fn act(store: &dyn Store, random: &mut Random, step: u64) -> bool {
    let known = all_in_order(store).await;
    let one = (!known.is_empty()).then(|| known[usize::try_from(random.below(known.len() as u64)).unwrap()]);
    let severity = Severity::ALL[usize::try_from(random.below(3)).unwrap()];
    let choice = random.below(14);
    let (Some(id), 4..) = (one, choice) else {
        let mut new = creation(severity, &format!("reason {}", random.below(8)));
        new.agent_id = format!("dev-{}", random.below(3));
        // Not a real time in it, so that the order of ids is that of creations.
        new.id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(step));
        new.token = format!("t{}", random.below(2));
        return done(run(store, Command::Create(new)).await);
    };
    match choice {
        4 => done(run(store, ack(id, "stig")).await),
        5 => done(run(store, close(id, "done")).await),
        6 => done(run(store, raise(id, Some(severity))).await),
        7 => done(run(store, Command::Note { id, by: "dev".to_owned(), note: "n".to_owned() }).await),
        8 | 9 => {
            // In steps that no slow machine adds up to by itself.
            store.advance(Duration::from_secs(600 * (1 + random.below(30)))).await.unwrap();
            sweep(store).await
        }
        10 => done(run(store, Command::Announce { id }).await),
        _ => {
            let claimed = store.claim("courier", 2, LEASE).await.unwrap();
            for one in &claimed {
                let outcome = match random.below(6) {
                    _ if one.message.is_some() => Outcome::Edited { version: one.escalation.version },
                    0 => Outcome::Retry { error: "500".to_owned(), after: HOUR, uncertain: true },
                    1 => Outcome::Failed { error: "403".to_owned(), fallback: None },
                    2 => Outcome::Postponed { after: HOUR },
                    _ => sent(&one.nonce),
                };
                store.settle(&one.claim, outcome, &policy()).await.unwrap().unwrap();
            }
            !claimed.is_empty()
        }
    }
}

fn done(result: Result<rig_conductor::store::Receipt, StoreError>) -> bool {
    match result {
        Ok(receipt) => receipt.changed,
        Err(StoreError::Rejected(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn sweep(store: &dyn Store) -> bool {
    use rig_conductor::store::DueWhat;
    let mut changed = false;
    for due in store.due(&policy(), 1000).await.unwrap() {
        let id = due.id;
        let command = match due.what {
            DueWhat::Bump => Command::Bump { id },
            DueWhat::Remind => Command::Remind { id },
            DueWhat::Announce => Command::Announce { id },
        };
        changed |= run(store, command).await.unwrap().changed;
    }
    store.swept().await.unwrap();
    changed
}

async fn all_in_order(store: &dyn Store) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = all(store).await.into_iter().map(|one| one.id).collect();
    ids.sort();
    ids
}

/// Every event of every escalation, without ids and times.
async fn story_of(store: &dyn Store) -> Vec<String> {
    let mut lines = Vec::new();
    for id in all_in_order(store).await {
        lines.push(stream_of(id));
        for line in log(store, id).await {
            // How long somebody waited depends on how fast the machine is.
            let line = line.split(",\"unackedForSeconds\":").next().unwrap_or_default();
            lines.push(line.to_owned());
        }
    }
    lines
}
