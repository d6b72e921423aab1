//! From the outbox to people, and what is recorded.

use std::time::Duration;

use rig_conductor::domain::{Policy, Purpose};
use rig_conductor::store::{Claim, Claimed, Command, Outcome, Store};
use rig_wire::{NotificationState, Route, Severity};

use crate::harness::*;

on_each_store!(
    the_most_urgent_is_taken_first_and_nobody_takes_it_twice,
    what_was_sent_is_recorded_once,
    an_attempt_without_an_answer_is_taken_over_and_stays_uncertain,
    an_attempt_that_was_put_off_does_not_count,
    an_attempt_that_nobody_tells_about_is_no_try,
    an_ack_cancels_what_waits_but_not_what_may_have_arrived,
    a_message_under_way_at_an_ack_is_edited,
    edits_of_one_message_come_one_after_the_other,
    an_edit_that_came_late_is_made_again,
    a_route_that_is_given_up_hands_over_to_another,
    what_nobody_was_told_is_announced_again,
    a_bump_cancels_the_announcement_of_the_level_before,
    without_discord_nothing_is_to_be_sent,
    what_is_done_with_is_forgotten_after_a_month,
);

fn brief(claimed: &Claimed) -> String {
    let Claimed { severity, round, route, target, claim, .. } = claimed;
    format!("{severity} {} {round} {route} {target} #{}", claimed.purpose.as_str(), claim.attempt)
}

async fn settle(store: &dyn Store, claim: &Claim, outcome: Outcome) -> Option<()> {
    store.settle(claim, outcome, &policy()).await.unwrap()
}

fn retry(after: Duration, uncertain: bool) -> Outcome {
    Outcome::Retry { error: "HTTP 500".to_owned(), after, uncertain }
}

async fn the_most_urgent_is_taken_first_and_nobody_takes_it_twice(place: &Place) {
    let store = place.open().await;
    let other = place.open().await;
    create(&*store, Severity::P2, "a").await;
    create(&*store, Severity::P0, "b").await;
    create(&*store, Severity::P1, "c").await;
    let (_, now) = store.next_send().await.unwrap();
    assert!(store.next_send().await.unwrap().0.unwrap() <= now.max(store.now().await.unwrap()));
    let first = store.claim("one", 2, LEASE).await.unwrap();
    let second = other.claim("two", 10, LEASE).await.unwrap();
    let briefs: Vec<String> = first.iter().chain(&second).map(brief).collect();
    assert_eq!(
        briefs,
        [
            "P0 announce 0 discord_channel admin #1",
            "P0 announce 0 discord_dm 111 #1",
            "P0 announce 0 discord_dm 222 #1",
            "P1 announce 0 discord_channel admin #1",
            "P2 announce 0 discord_thread dashecorp/example#15 #1",
        ]
    );
    assert!(first.iter().all(|one| one.uncertain_since.is_none() && one.nonce.len() == 25));
    assert_eq!(claim(&*store, "three").await, []);
    let (next, now) = store.next_send().await.unwrap();
    let wait = next.unwrap().duration_since(now);
    assert!(wait.as_secs() >= 20 && wait.as_secs() <= 30, "{wait:?}");
}

async fn what_was_sent_is_recorded_once(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    let one = claim(&*store, "one").await.remove(0);
    assert_eq!(settle(&*store, &one.claim, sent("77")).await, Some(()));
    assert_eq!(settle(&*store, &one.claim, sent("77")).await, None);
    assert_eq!(claim(&*store, "one").await, []);
    assert_eq!(store.next_send().await.unwrap().0, None);
    let found = store.escalation(id).await.unwrap().unwrap();
    assert!(found.escalation.delivered() && found.waiting.is_empty());
    assert_eq!(found.escalation.deliveries[0].message_id.as_deref(), Some("77"));
    assert_eq!(kinds(&*store, id).await, ["created", "notified"]);
    assert_replays(&*store).await;
}

async fn an_attempt_without_an_answer_is_taken_over_and_stays_uncertain(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    let frozen = claim(&*store, "frozen").await.remove(0);
    store.advance(LEASE).await.unwrap();
    let other = place.open().await;
    let taken = claim(&*other, "other").await.remove(0);
    assert_eq!((taken.claim.attempt, taken.nonce.clone()), (2, frozen.nonce.clone()));
    assert_eq!(taken.uncertain_since, Some(frozen.now));
    // Whoever wakes up too late records nothing.
    assert_eq!(settle(&*store, &frozen.claim, sent("1")).await, None);
    assert_eq!(settle(&*store, &frozen.claim, retry(HOUR, false)).await, None);
    // A failure that is certain does not make the attempt before it certain.
    settle(&*other, &taken.claim, retry(Duration::from_secs(5), false)).await.unwrap();
    assert_eq!(claim(&*other, "other").await, []);
    let shown = store.escalation(id).await.unwrap().unwrap();
    assert_eq!(
        (shown.waiting[0].state, shown.waiting[0].attempts, shown.waiting[0].last_error.as_deref()),
        (NotificationState::Pending, 2, Some("HTTP 500"))
    );
    store.advance(Duration::from_secs(6)).await.unwrap();
    let third = claim(&*other, "other").await.remove(0);
    assert_eq!((third.claim.attempt, third.uncertain_since), (3, Some(frozen.now)));
    settle(&*other, &third.claim, sent("9")).await.unwrap();
    assert_eq!(kinds(&*store, id).await, ["created", "notify_failed", "notified"]);
    assert_replays(&*store).await;
}

async fn an_attempt_that_was_put_off_does_not_count(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    for _ in 0..3 {
        let one = claim(&*store, "one").await.remove(0);
        assert_eq!((one.claim.attempt, one.uncertain_since), (1, None));
        settle(&*store, &one.claim, Outcome::Postponed { after: HOUR }).await.unwrap();
        assert_eq!(claim(&*store, "one").await, []);
        store.advance(HOUR).await.unwrap();
    }
    let one = claim(&*store, "one").await.remove(0);
    settle(&*store, &one.claim, retry(Duration::ZERO, true)).await.unwrap();
    let two = claim(&*store, "one").await.remove(0);
    assert_eq!((two.claim.attempt, two.uncertain_since), (2, Some(one.now)));
    settle(&*store, &two.claim, Outcome::Postponed { after: Duration::ZERO }).await.unwrap();
    let again = claim(&*store, "one").await.remove(0);
    assert_eq!((again.claim.attempt, again.uncertain_since), (2, Some(one.now)));
    assert_eq!(kinds(&*store, id).await, ["created", "notify_failed"]);
}

async fn an_attempt_that_nobody_tells_about_is_no_try(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    let counts = |claimed: &Claimed| (claimed.claim.attempt, claimed.tries, claimed.lost);
    for n in 1..=7 {
        let dead = claim(&*store, &format!("dead {n}")).await.remove(0);
        assert_eq!(counts(&dead), (n, 1, n - 1));
        store.advance(LEASE).await.unwrap();
    }
    let one = claim(&*store, "alive").await.remove(0);
    assert_eq!(counts(&one), (8, 1, 7));
    settle(&*store, &one.claim, retry(Duration::ZERO, false)).await.unwrap();
    for _ in 0..2 {
        let two = claim(&*store, "alive").await.remove(0);
        assert_eq!(counts(&two), (9, 2, 0));
        settle(&*store, &two.claim, Outcome::Postponed { after: Duration::ZERO }).await.unwrap();
    }
    assert_eq!(counts(&claim(&*store, "dead").await[0]), (9, 2, 0));
    store.advance(LEASE).await.unwrap();
    let three = claim(&*store, "alive").await.remove(0);
    assert_eq!(counts(&three), (10, 2, 8));
    settle(&*store, &three.claim, Outcome::Failed { error: "403".to_owned(), fallback: None }).await.unwrap();
    // Announced anew, it is tried whatever was before.
    store.advance(HOUR).await.unwrap();
    run(&*store, Command::Announce { id }).await.unwrap();
    let four = claim(&*store, "alive").await.remove(0);
    assert_eq!(counts(&four), (11, 3, 0));
    settle(&*store, &four.claim, sent("7")).await.unwrap();
    assert_eq!(get(&*store, id).await.deliveries[0].attempts, 11);
    assert_replays(&*store).await;
}

async fn an_ack_cancels_what_waits_but_not_what_may_have_arrived(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P0, "a").await.id;
    let all = claim(&*store, "one").await;
    let [channel, first, second] = &all[..] else { panic!("{all:?}") };
    settle(&*store, &channel.claim, Outcome::Postponed { after: HOUR }).await.unwrap();
    settle(&*store, &first.claim, retry(HOUR, true)).await.unwrap();
    // The second is still under way.
    run(&*store, ack(id, "stig")).await.unwrap();
    assert_eq!(
        place.sql("select target, state from outbox order by target"),
        "111|pending\n222|pending\nadmin|cancelled"
    );
    // It failed for certain, and is of no use any more.
    settle(&*store, &second.claim, retry(Duration::ZERO, false)).await.unwrap();
    assert_eq!(
        place.sql("select target, state from outbox order by target"),
        "111|pending\n222|cancelled\nadmin|cancelled"
    );
    store.advance(HOUR).await.unwrap();
    let left = claim(&*store, "one").await;
    assert_eq!(left.iter().map(brief).collect::<Vec<_>>(), ["P0 announce 0 discord_dm 111 #2"]);
    assert_replays(&*store).await;
}

async fn a_message_under_way_at_an_ack_is_edited(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    let one = claim(&*store, "one").await.remove(0);
    run(&*store, ack(id, "stig")).await.unwrap();
    assert_eq!(claim(&*store, "two").await, []);
    settle(&*store, &one.claim, sent("77")).await.unwrap();
    let edit = claim(&*store, "two").await.remove(0);
    assert_eq!(
        (edit.purpose, edit.message.clone()),
        (Purpose::Edit, Some(("900".to_owned(), "77".to_owned())))
    );
    assert_eq!(edit.escalation.state, rig_wire::EscalationState::Acked);
    settle(&*store, &edit.claim, Outcome::Edited { version: edit.escalation.version }).await.unwrap();
    assert_eq!(deliver(&*store).await, 0);
    assert_replays(&*store).await;
}

async fn edits_of_one_message_come_one_after_the_other(place: &Place) {
    let store = place.open().await;
    let other = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    deliver(&*store).await;
    run(&*store, ack(id, "stig")).await.unwrap();
    let first = claim(&*store, "one").await.remove(0);
    // Two more while the first is under way: the later one takes the place of the earlier.
    run(&*store, raise(id, Some(Severity::P0))).await.unwrap();
    run(&*store, close(id, "done")).await.unwrap();
    assert_eq!(claim(&*other, "two").await, []);
    let (next, now) = store.next_send().await.unwrap();
    assert!(next.unwrap() > now);
    settle(&*store, &first.claim, Outcome::Edited { version: first.escalation.version }).await.unwrap();
    let second = claim(&*other, "two").await;
    let [second] = &second[..] else { panic!("{second:?}") };
    assert_eq!(second.escalation.state, rig_wire::EscalationState::Closed);
    settle(&*other, &second.claim, Outcome::Dropped { why: "the message is gone".to_owned() }).await.unwrap();
    assert_eq!(deliver(&*store).await, 0);
    assert_eq!(
        place.sql("select state, error from outbox where purpose = 'edit' order by round"),
        "sent|\ncancelled|\nfailed|the message is gone"
    );
}

async fn an_edit_that_came_late_is_made_again(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    deliver(&*store).await;
    run(&*store, ack(id, "stig")).await.unwrap();
    let frozen = claim(&*store, "frozen").await.remove(0);
    store.advance(LEASE).await.unwrap();
    run(&*store, close(id, "done")).await.unwrap();
    assert_eq!(deliver(&*store).await, 1);
    // Its write came after the newer one, so the message shows what was before.
    let late = Outcome::Edited { version: frozen.escalation.version };
    assert_eq!(settle(&*store, &frozen.claim, late).await, None);
    let again = claim(&*store, "one").await.remove(0);
    assert_eq!(again.escalation.state, rig_wire::EscalationState::Closed);
    // Once more, while the repair is under way: it is left to them who hold it, and they stay the holders.
    let late = Outcome::Edited { version: frozen.escalation.version };
    assert_eq!(settle(&*store, &frozen.claim, late).await, None);
    assert_eq!(claim(&*store, "two").await, []);
    settle(&*store, &again.claim, Outcome::Edited { version: again.escalation.version }).await.unwrap();
    assert_eq!(deliver(&*store).await, 0);
}

async fn a_route_that_is_given_up_hands_over_to_another(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    let one = claim(&*store, "one").await.remove(0);
    let fallback = Some((Route::DiscordChannel, "tasks".to_owned()));
    let failed = Outcome::Failed { error: "403".to_owned(), fallback };
    settle(&*store, &one.claim, failed).await.unwrap();
    let two = claim(&*store, "one").await;
    assert_eq!(two.iter().map(brief).collect::<Vec<_>>(), ["P2 announce 0 discord_channel tasks #1"]);
    assert_eq!(store.backlog().await.unwrap().failed, 0);
    settle(&*store, &two[0].claim, Outcome::Failed { error: "404".to_owned(), fallback: None })
        .await
        .unwrap();
    let shown = get(&*store, id).await;
    let states: Vec<_> = shown.deliveries.iter().map(|d| (d.state, d.last_error.clone().unwrap())).collect();
    let failed = NotificationState::Failed;
    assert_eq!(states, [(failed, "403".to_owned()), (failed, "404".to_owned())]);
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.failed, backlog.pending, backlog.undelivered_since), (1, 0, Some(shown.created_at)));
    // A P0 whose direct message is refused goes to a channel that is told anyway.
    create(&*store, Severity::P0, "b").await;
    let all = claim(&*store, "one").await;
    let fallback = Some((Route::DiscordChannel, "admin".to_owned()));
    settle(&*store, &all[1].claim, Outcome::Failed { error: "50007".to_owned(), fallback }).await.unwrap();
    assert_eq!(claim(&*store, "one").await, []);
    assert_replays(&*store).await;
}

async fn what_nobody_was_told_is_announced_again(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P1, "a").await.id;
    let announce = || run(&*store, Command::Announce { id });
    assert!(!announce().await.unwrap().changed, "it waits already");
    let one = claim(&*store, "one").await.remove(0);
    settle(&*store, &one.claim, Outcome::Failed { error: "403".to_owned(), fallback: None }).await.unwrap();
    // Not at once: who refused it a moment ago refuses it again.
    assert_eq!(store.due(&policy(), 10).await.unwrap(), []);
    store.advance(Duration::from_secs(601)).await.unwrap();
    assert_eq!(crate::commands::due(&*store).await, [(id, "Announce")]);
    let nowhere = Policy { routes: rig_conductor::domain::Routes::default(), ..policy() };
    assert_eq!(store.due(&nowhere, 10).await.unwrap(), []);
    assert!(announce().await.unwrap().changed);
    assert_eq!(store.due(&policy(), 10).await.unwrap(), []);
    let again = claim(&*store, "one").await.remove(0);
    assert_eq!((again.claim.attempt, &again.nonce), (2, &one.nonce));
    settle(&*store, &again.claim, sent("1")).await.unwrap();
    assert!(!announce().await.unwrap().changed);
    assert!(get(&*store, id).await.delivered());
    assert_replays(&*store).await;
}

async fn a_bump_cancels_the_announcement_of_the_level_before(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    store.advance(4 * HOUR).await.unwrap();
    run(&*store, Command::Bump { id }).await.unwrap();
    let claimed = claim(&*store, "one").await;
    assert_eq!(claimed.iter().map(brief).collect::<Vec<_>>(), ["P1 announce 1 discord_channel admin #1"]);
    assert_replays(&*store).await;
}

async fn without_discord_nothing_is_to_be_sent(place: &Place) {
    let store = place.open().await;
    let create = Command::Create(creation(Severity::P0, "a"));
    let id = store.execute(create, &Policy::default()).await.unwrap().escalation.id;
    run(&*store, Command::Note { id, by: "x".to_owned(), note: "y".to_owned() }).await.unwrap();
    assert_eq!(claim(&*store, "one").await, []);
    assert_eq!(store.next_send().await.unwrap().0, None);
    // Once there is a route, people are told.
    assert_eq!(crate::commands::due(&*store).await, [(id, "Announce")]);
    run(&*store, Command::Announce { id }).await.unwrap();
    assert_eq!(claim(&*store, "one").await.len(), 3);
}

async fn what_is_done_with_is_forgotten_after_a_month(place: &Place) {
    let store = place.open().await;
    let sent = create(&*store, Severity::P1, "sent").await.id;
    deliver(&*store).await;
    for reason in ["failed, open", "failed, closed"] {
        let id = create(&*store, Severity::P1, reason).await.id;
        let one = claim(&*store, "one").await.remove(0);
        let failed = Outcome::Failed { error: "403".to_owned(), fallback: None };
        settle(&*store, &one.claim, failed).await.unwrap();
        if reason == "failed, closed" {
            run(&*store, close(id, "done")).await.unwrap();
        }
    }
    create(&*store, Severity::P1, "waits").await;
    let one = claim(&*store, "one").await.remove(0);
    settle(&*store, &one.claim, Outcome::Postponed { after: 24 * 60 * HOUR }).await.unwrap();
    store.advance(24 * 30 * HOUR).await.unwrap();
    create(&*store, Severity::P1, "young").await;
    assert_eq!(deliver(&*store).await, 1);
    let kept = || {
        place
            .sql("select doc ->> 'reason' from outbox o join escalations e on e.id = o.escalation order by 1")
    };
    assert_eq!(kept(), "failed, closed\nfailed, open\nsent\nwaits\nyoung");
    store.swept().await.unwrap();
    for _ in 0..400 {
        if !kept().contains("closed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(kept(), "failed, open\nwaits\nyoung");
    assert_replays(&*store).await;
    // Its message is still kept up to date.
    run(&*store, ack(sent, "stig")).await.unwrap();
    assert_eq!(deliver(&*store).await, 1);
    // What is missing without having been that old is still found.
    place.sql("delete from outbox where state = 'sent' and purpose = 'announce'; select 1");
    let report = store.replay(true).await.unwrap();
    assert_eq!(report.differences.len(), 1, "{report:?}");
}
