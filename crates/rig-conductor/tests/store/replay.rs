//! Rebuilding what the log makes.

use std::sync::Arc;
use std::time::Duration;

use rig_conductor::store::Command;
use rig_wire::Severity;

use crate::harness::*;

on_each_store!(
    a_replay_finds_what_is_wrong_and_puts_it_right,
    a_replay_brings_back_everything_that_was_lost,
    what_the_outbox_says_is_held_against_the_log,
    a_replay_goes_on_while_the_service_works,
    a_log_that_cannot_be_read_is_told_and_left_alone,
);

async fn a_replay_finds_what_is_wrong_and_puts_it_right(place: &Place) {
    let store = place.open().await;
    let a = create(&*store, Severity::P2, "a").await.id;
    let b = create(&*store, Severity::P1, "b").await.id;
    let c = create(&*store, Severity::P1, "c").await.id;
    run(&*store, Command::Create(creation(Severity::P2, "a"))).await.unwrap();
    run(&*store, ack(b, "stig")).await.unwrap();
    record(&*store, beat("dev-a", "idle")).await;
    record(&*store, beat("dev-b", "idle")).await;
    let before = (all(&*store).await, store.agents().await.unwrap());
    assert_replays(&*store).await;

    let no = "00000000-0000-0000-0000-000000000009";
    let beat = place.pick("'{\"x\":1}'", "'{\"x\":1}'::jsonb");
    place.sql(&format!(
        "update escalations set severity = 'P0', delivered = {} where id = '{a}'; \
         update escalations set first_acked_at = null where id = '{b}'; \
         delete from escalations where id = '{c}'; \
         delete from aliases; \
         insert into aliases (id, escalation, content_hash, at) select '{no}', '{no}', 'h', created_at \
         from escalations where id = '{a}'; \
         update agents set beat = {beat} where id = 'dev-a'; delete from agents where id = 'dev-b'; \
         insert into agents (id, last_seen_at, seq_id, beat) select 'ghost', last_seen_at, 99, beat from agents; \
         select 1",
        place.pick("1", "true"),
    ));
    let mut expected = vec![
        format!("escalation {a}: not as its events make it: severity, delivered, aliases"),
        format!("escalation {b}: not as its events make it: first_acked_at"),
        format!("escalation {c}: not as its events make it: (missing)"),
        format!("escalation {no}: no event makes it"),
        "agent dev-a: not as its last heartbeat makes it".to_owned(),
        "agent dev-b: (missing)".to_owned(),
        "agent ghost: no heartbeat makes it".to_owned(),
    ];
    expected.sort();
    for check in [true, true, false] {
        let mut report = store.replay(check).await.unwrap();
        report.differences.sort();
        assert_eq!(report.differences, expected);
        assert_eq!((report.events, report.escalations, report.agents), (7, 3, 2));
    }
    assert_replays(&*store).await;
    assert_eq!((all(&*store).await, store.agents().await.unwrap()), before);
    // It works on: the alias and the key of equal ones are known again.
    let repeat = run(&*store, Command::Create(creation(Severity::P1, "c"))).await.unwrap();
    assert_eq!((repeat.deduplicated, repeat.escalation.id), (true, c));
}

async fn a_replay_brings_back_everything_that_was_lost(place: &Place) {
    let store = place.open().await;
    for n in 0..7 {
        let id = create(&*store, Severity::ALL[n % 3], &n.to_string()).await.id;
        deliver(&*store).await;
        match n % 3 {
            0 => drop(run(&*store, ack(id, "stig")).await.unwrap()),
            1 => drop(run(&*store, close(id, "done")).await.unwrap()),
            _ => {}
        }
        record(&*store, beat(&format!("dev-{n}"), "idle")).await;
    }
    let before = (all(&*store).await, store.agents().await.unwrap(), store.stats(None, None).await.unwrap());
    place.sql("delete from escalations; delete from aliases; delete from agents; select 1");
    assert_eq!(all(&*store).await, []);
    assert_eq!(store.replay(false).await.unwrap().differences.len(), 14);
    let after = (all(&*store).await, store.agents().await.unwrap(), store.stats(None, None).await.unwrap());
    assert_eq!(after, before);
}

async fn what_the_outbox_says_is_held_against_the_log(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P0, "a").await.id;
    deliver(&*store).await;
    place.sql(
        "update outbox set state = 'pending' where target = 'admin'; delete from outbox where target = '111'; \
         update outbox set round = 5 where target = '222'; select 1",
    );
    let report = store.replay(true).await.unwrap();
    let of = |line: &str| format!("outbox {id}, {line}");
    assert_eq!(
        report.differences,
        [
            of("round 0, discord_channel admin: pending, but an event says that it was sent"),
            of("round 5, discord_dm 222: sent, but no event says so"),
            of("round 0, discord_dm 111: missing, but an event says that it was sent"),
            of("round 0, discord_dm 222: missing, but an event says that it was sent"),
        ]
    );
}

async fn a_replay_goes_on_while_the_service_works(place: &Place) {
    let store = place.open().await;
    let other = place.open().await;
    let end = std::time::Instant::now() + Duration::from_millis(1500);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut n = 0;
                while std::time::Instant::now() < end {
                    n += 1;
                    let mut new = creation(Severity::P2, &format!("{writer} {n}"));
                    new.token = format!("{writer} {n}");
                    let id = run(&*store, Command::Create(new)).await.unwrap().escalation.id;
                    record(&*store, beat(&format!("dev-{writer}"), &n.to_string())).await;
                    if n % 2 == 0 {
                        run(&*store, ack(id, "stig")).await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut replays = 0;
    while std::time::Instant::now() < end {
        assert_eq!(other.replay(false).await.unwrap().differences, Vec::<String>::new());
        replays += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(replays > 0);
    assert_replays(&*other).await;
}

async fn a_log_that_cannot_be_read_is_told_and_left_alone(place: &Place) {
    let store = place.open().await;
    let a = create(&*store, Severity::P2, "a").await.id;
    let b = create(&*store, Severity::P2, "b").await.id;
    run(&*store, ack(b, "stig")).await.unwrap();
    let data = place.pick("'{\"By\":1}'", "'{\"By\":1}'::jsonb");
    place.sql(&format!(
        "update mt_events set version = 9 where stream_id = 'escalation-{a}'; \
         update mt_events set data = {data} where stream_id = 'escalation-{b}' and version = 2; select 1"
    ));
    let report = store.replay(false).await.unwrap();
    assert_eq!(report.differences.len(), 2);
    assert!(report.differences.contains(&format!("escalation {a}: version 1 is missing")), "{report:?}");
    let unreadable = format!("escalation {b}: event 2 cannot be read: ");
    assert!(report.differences.iter().any(|line| line.starts_with(&unreadable)), "{report:?}");
    assert_eq!(all(&*store).await.len(), 2);
}
