//! What happens to escalations.

use std::time::Duration;

use rig_conductor::domain::{Flood, Policy, Rejection};
use rig_conductor::store::{Command, StoreError};
use rig_wire::{EscalationState, Severity};
use uuid::Uuid;

use crate::harness::*;

on_each_store!(
    a_retry_changes_nothing_and_other_content_is_refused,
    ack_close_and_raise_follow_the_table_of_states,
    a_bump_needs_its_time_and_goes_one_level,
    a_p0_is_told_again_until_a_person_takes_it,
    of_sixteen_equal_creations_one_escalation_comes,
    a_token_may_create_so_many_and_a_p0_is_added_to_another,
    an_unknown_id_is_rejected,
);

async fn a_retry_changes_nothing_and_other_content_is_refused(place: &Place) {
    let store = place.open().await;
    let new = creation(Severity::P2, "stuck");
    let first = run(&*store, Command::Create(new.clone())).await.unwrap();
    let again = run(&*store, Command::Create(new.clone())).await.unwrap();
    assert_eq!((first.changed, again.changed, again.deduplicated), (true, false, false));
    assert_eq!((again.at, &again.escalation), (first.at, &first.escalation));
    let mut other = new.clone();
    other.reason = "stuck elsewhere".to_owned();
    let error = run(&*store, Command::Create(other.clone())).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(Rejection::OtherContent(id)) if id == new.id), "{error}");

    // An equal one under another id is a note on the first, and its retry changes nothing either.
    let mut repeat = new.clone();
    repeat.id = Uuid::now_v7();
    let added = run(&*store, Command::Create(repeat.clone())).await.unwrap();
    assert_eq!((added.changed, added.deduplicated, added.escalation.id), (true, true, new.id));
    let retried = run(&*store, Command::Create(repeat.clone())).await.unwrap();
    assert_eq!((retried.changed, retried.deduplicated, retried.at), (false, true, added.at));
    repeat.details = Some("more".to_owned());
    let error = run(&*store, Command::Create(repeat.clone())).await.unwrap_err();
    assert!(matches!(error, StoreError::Rejected(Rejection::OtherContent(id)) if id == repeat.id), "{error}");

    // Somebody else's equal one is another escalation.
    let mut theirs = creation(Severity::P2, "stuck");
    theirs.agent_id = "dev-e-python".to_owned();
    assert!(!run(&*store, Command::Create(theirs)).await.unwrap().deduplicated);
    // Casing and spaces of the reason, and the casing of the repository, do not make it another.
    let mut same = creation(Severity::P2, "  STUCK ");
    same.repo = Some("Dashecorp/EXAMPLE".to_owned());
    let same = run(&*store, Command::Create(same)).await.unwrap();
    assert_eq!((same.escalation.id, same.escalation.note_count), (new.id, 2));
    assert_eq!(kinds(&*store, new.id).await, ["created", "note_added", "note_added"]);
    assert_eq!(all(&*store).await.len(), 2);
    assert_replays(&*store).await;
}

async fn ack_close_and_raise_follow_the_table_of_states(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    let acked = run(&*store, ack(id, "stig")).await.unwrap();
    assert_eq!((acked.escalation.state, acked.changed), (EscalationState::Acked, true));
    let again = run(&*store, ack(id, "anna")).await.unwrap();
    assert_eq!(
        (again.changed, again.at, again.escalation.acked_by.as_deref()),
        (false, acked.at, Some("stig"))
    );
    // Being raised, it has to be taken again.
    let raised = run(&*store, raise(id, None)).await.unwrap().escalation;
    assert_eq!((raised.severity, raised.state, raised.acked_by), (Severity::P1, EscalationState::Open, None));
    let error = run(&*store, raise(id, Some(Severity::P2))).await.unwrap_err();
    assert_eq!(error.to_string(), "the escalation is P1 already");
    run(&*store, raise(id, Some(Severity::P0))).await.unwrap();
    assert!(!run(&*store, raise(id, Some(Severity::P0))).await.unwrap().changed, "a second request");
    let error = run(&*store, raise(id, None)).await.unwrap_err();
    assert_eq!(error.to_string(), "the escalation is P0 already");
    let closed = run(&*store, close(id, "fixed")).await.unwrap();
    assert_eq!(closed.escalation.state, EscalationState::Closed);
    let again = run(&*store, close(id, "fixed")).await.unwrap();
    assert_eq!((again.changed, again.at), (false, closed.at));
    for (command, expected) in [
        (close(id, "wontfix"), "the escalation is closed with another resolution"),
        (ack(id, "stig"), "the escalation is closed"),
        (raise(id, None), "the escalation is closed"),
    ] {
        let error = run(&*store, command).await.unwrap_err();
        assert!(matches!(error, StoreError::Rejected(Rejection::State(_))));
        assert_eq!(error.to_string(), expected);
    }
    let note = Command::Note { id, by: "anna".to_owned(), note: "thanks".to_owned() };
    assert_eq!(run(&*store, note).await.unwrap().escalation.note_count, 1);
    assert_eq!(kinds(&*store, id).await, ["created", "acked", "bumped", "bumped", "closed", "note_added"]);
    // What is closed does not keep an equal one from coming.
    let next = create(&*store, Severity::P2, "a").await;
    assert_ne!(next.id, id);
    assert_replays(&*store).await;
}

async fn a_bump_needs_its_time_and_goes_one_level(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    let bump = || run(&*store, Command::Bump { id });
    assert!(!bump().await.unwrap().changed);
    store.advance(4 * HOUR - Duration::from_secs(60)).await.unwrap();
    assert_eq!(store.due(&policy(), 10).await.unwrap(), []);
    assert!(!bump().await.unwrap().changed);
    // However late: one level, and each level has its own clock.
    store.advance(100 * HOUR).await.unwrap();
    assert_eq!(due(&*store).await, [(id, "Bump")]);
    let bumped = bump().await.unwrap();
    assert_eq!((bumped.changed, bumped.escalation.severity), (true, Severity::P1));
    assert_eq!((bumped.escalation.level_since, bumped.escalation.bump_count), (bumped.at, 1));
    assert!(!bump().await.unwrap().changed);
    assert_eq!(due(&*store).await, []);
    store.advance(4 * HOUR).await.unwrap();
    assert_eq!(bump().await.unwrap().escalation.severity, Severity::P0);
    store.advance(100 * HOUR).await.unwrap();
    assert!(!bump().await.unwrap().changed);
    // Who was taken is not bumped.
    let other = create(&*store, Severity::P2, "b").await.id;
    run(&*store, ack(other, "stig")).await.unwrap();
    store.advance(100 * HOUR).await.unwrap();
    assert!(!run(&*store, Command::Bump { id: other }).await.unwrap().changed);
    assert_replays(&*store).await;
}

pub(crate) async fn due(store: &dyn rig_conductor::store::Store) -> Vec<(Uuid, &'static str)> {
    use rig_conductor::store::DueWhat;
    let due = store.due(&policy(), 100).await.unwrap();
    let what = |what| match what {
        DueWhat::Bump => "Bump",
        DueWhat::Remind => "Remind",
        DueWhat::Announce => "Announce",
    };
    due.into_iter().map(|due| (due.id, what(due.what))).collect()
}

async fn a_p0_is_told_again_until_a_person_takes_it(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P0, "a").await.id;
    assert_eq!(deliver(&*store).await, 3);
    for count in 1..=2 {
        store.advance(HOUR / 2).await.unwrap();
        assert_eq!(due(&*store).await, [(id, "Remind")]);
        let reminded = run(&*store, Command::Remind { id }).await.unwrap();
        assert_eq!((reminded.changed, reminded.escalation.reminder_count), (true, count));
        assert!(!run(&*store, Command::Remind { id }).await.unwrap().changed);
        assert_eq!(due(&*store).await, []);
        let told = deliver(&*store).await;
        assert!(told >= 3, "{told}");
    }
    store.advance(HOUR / 2).await.unwrap();
    let never = Policy { remind_every: None, ..policy() };
    assert_eq!(store.due(&never, 10).await.unwrap(), []);
    run(&*store, ack(id, "stig")).await.unwrap();
    assert_eq!(due(&*store).await, []);
    assert_replays(&*store).await;
}

async fn of_sixteen_equal_creations_one_escalation_comes(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = std::sync::Arc::clone(&stores[n % 2]);
            tokio::spawn(async move {
                run(&*store, Command::Create(creation(Severity::P1, "the same"))).await.unwrap()
            })
        })
        .collect();
    let mut receipts = Vec::new();
    for task in tasks {
        receipts.push(task.await.unwrap());
    }
    assert_eq!(receipts.iter().filter(|receipt| !receipt.deduplicated).count(), 1);
    let first = receipts[0].escalation.id;
    assert!(receipts.iter().all(|receipt| receipt.escalation.id == first && receipt.changed));
    let found = get(&*stores[0], first).await;
    assert_eq!((found.note_count, found.version), (15, 16));
    assert_replays(&*stores[1]).await;
}

async fn a_token_may_create_so_many_and_a_p0_is_added_to_another(place: &Place) {
    let store = place.open().await;
    let policy = Policy { flood: Flood { creations: 3, window: Duration::from_secs(600) }, ..policy() };
    let create = |severity, token: &str, reason: String| {
        let mut new = creation(severity, &reason);
        new.token = token.to_owned();
        let (store, policy) = (std::sync::Arc::clone(&store), policy.clone());
        async move { store.execute(Command::Create(new), &policy).await }
    };
    // At once, and still not one too many.
    let tasks: Vec<_> =
        (0..12).map(|n| tokio::spawn(create(Severity::P1, "pool", format!("r{n}")))).collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => {}
            Err(StoreError::Rejected(Rejection::Flood { severity: Severity::P1, retry_after })) => {
                assert!((1..=601).contains(&retry_after), "{retry_after}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(refused, 9);
    // Another severity, another token, a repeat and a later time are free.
    create(Severity::P2, "pool", "r".to_owned()).await.unwrap();
    create(Severity::P1, "other", "x".to_owned()).await.unwrap();
    store.advance(Duration::from_secs(601)).await.unwrap();
    create(Severity::P1, "pool", "later".to_owned()).await.unwrap();
    // A P0 is never refused.
    let mut last = None;
    for n in 0..3 {
        last = Some(create(Severity::P0, "pool", format!("p{n}")).await.unwrap().escalation.id);
    }
    let added = create(Severity::P0, "pool", "one more".to_owned()).await.unwrap();
    assert!(added.deduplicated);
    assert_eq!((Some(added.escalation.id), added.escalation.note_count), (last, 1));
    assert_replays(&*store).await;
}

async fn an_unknown_id_is_rejected(place: &Place) {
    let store = place.open().await;
    let id = Uuid::now_v7();
    for command in [ack(id, "stig"), close(id, "x"), raise(id, None), Command::Bump { id }] {
        let error = run(&*store, command).await.unwrap_err();
        assert!(matches!(error, StoreError::Rejected(Rejection::Unknown(_))), "{error}");
    }
    assert_eq!(store.escalation(id).await.unwrap(), None);
    assert_eq!(store.replay(true).await.unwrap().events, 0);
}
