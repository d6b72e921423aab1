//! What Discord does to one message, and what becomes of it.

use std::time::Duration;

use rig_testkit::discord::{ADMIN, Call, Fault, Route, TASKS};
use rig_wire::Severity::{P0, P1, P2};

use crate::world::World;

const P1_LINE: &str = "#admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close]";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_one_attempt_the_message_arrives_once() {
    let close = Duration::from_millis(50);
    for fault in [
        Fault::RateLimited(0.3),
        Fault::GlobalLimit(0.3),
        Fault::SharedLimit(0.3),
        Fault::SERVER_ERROR,
        Fault::BAD_GATEWAY,
        Fault::UNAVAILABLE,
        Fault::Html(504),
        Fault::Html(200),
        Fault::Error(400, 20016),
        Fault::Hang(close),
        Fault::Close,
        Fault::AcceptThenClose,
        Fault::AcceptThenHang(close),
        Fault::AcceptThenHtml(502),
        Fault::AcceptThenHtml(200),
    ] {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), fault.clone(), 1);
        let id = world.create(P1, "CI is red").await;
        world.drain().await;
        assert_eq!(world.discord.faults_left(), 0, "{fault:?}");
        world.advance(Duration::from_secs(15)).await;
        world.drain().await;
        assert_eq!(world.lines(), [P1_LINE], "{fault:?}: {:?}", world.calls());
        assert_eq!(world.fates(id).await, ["channel admin: sent"], "{fault:?}");
        assert_eq!(world.discord.counts().early, 0, "{fault:?}");
        let shown = world.shown(id).await;
        let recorded = shown.escalation.deliveries[0].message_id.clone().unwrap();
        assert_eq!(recorded, world.discord.messages()[0].message.to_string(), "{fault:?}");
        assert_eq!(world.app.delivery.trouble(), None, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_left_after_seconds() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Hang(Duration::from_secs(60)), 1);
    world.create(P1, "CI is red").await;
    world.drain().await;
    assert!(world.app.delivery.trouble().unwrap().contains("does not answer"));
    world.advance(Duration::from_secs(15)).await;
    world.drain().await;
    assert_eq!(world.lines(), [P1_LINE]);
    world.discord.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_is_not_asked_again_at_once() {
    for fault in [Fault::EdgeLimit, Fault::Html(403)] {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), fault, 1);
        let id = world.create(P1, "CI is red").await;
        world.drain().await;
        world.create(P0, "and this").await;
        world.minutes(1).await;
        assert_eq!(world.calls().len(), 1, "{:?}", world.calls());
        let waiting = world.shown(id).await.waiting;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_was_announced_is_never_run_into() {
    let world = World::new().await;
    world.discord.limit(Call::CreateMessage, 2, Duration::from_millis(700));
    for n in 0..7 {
        world.create(P1, &format!("reason {n}")).await;
    }
    while world.discord.messages().len() < 7 {
        world.drain().await;
        world.advance(Duration::from_secs(1)).await;
    }
    let refused: Vec<_> = world.calls().into_iter().filter(|call| !call.ends_with("200")).collect();
    assert_eq!((refused, world.discord.counts().invalid), (vec![], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_does_not_take_is_said_once_more_in_plain_words() {
    for fault in
        [Fault::invalid_form(), Fault::AUTO_MODERATION, Fault::Error(400, 50006), Fault::Error(400, 50109)]
    {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), fault.clone(), 1);
        let id = world.create(P1, "words that it does not take").await;
        world.drain().await;
        let plain = format!(
            "#admin: P1: a person is needed.\nThe text: `rig-escalate show {id}`\nesc {id} · 0/channel"
        );
        assert_eq!(world.lines(), [plain.as_str()], "{fault:?}");
        assert_eq!(world.calls().len(), 2);

        // Not even these: then it goes elsewhere.
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), fault, 2);
        let id = world.create(P1, "words that it does not take").await;
        world.drain().await;
        assert_eq!(world.fates(id).await[1], "channel tasks: sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_given_up_after_its_tries_and_another_one_taken() {
    for (severity, tries, failing, fate) in [
        (P1, 6, ADMIN, "channel tasks: sent"),
        (P0, 8, ADMIN, "channel tasks: sent"),
        (P2, 4, TASKS, "channel admin: sent"),
    ] {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(failing), Fault::UNAVAILABLE, tries);
        let id = world
            .create_with(severity, "CI is red", |new| (new.pr_number, new.issue_number) = (None, None))
            .await;
        world.drain().await;
        world.minutes(u32::try_from(tries).unwrap() + 2).await;
        let place = if failing == ADMIN { "#admin" } else { "#tasks" };
        let failed = format!("CreateMessage {place}: 503");
        assert_eq!(
            world.calls().iter().filter(|call| **call == failed).count(),
            tries,
            "{:?}",
            world.calls()
        );
        assert!(world.fates(id).await.iter().any(|one| one == fate), "{:?}", world.fates(id).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_discord_is_away_nothing_is_given_up_and_little_is_asked() {
    let world = World::new().await;
    world.discord.fail(Route::ANY, Fault::UNAVAILABLE, usize::MAX);
    let p0 = world.create(P0, "a key was pushed").await;
    let mut quiet = Vec::new();
    for n in 0..8 {
        quiet.push(world.create(P1, &format!("reason {n}")).await);
    }
    world.drain().await;
    world.minutes(20).await;
    assert!(world.app.delivery.trouble().unwrap().contains("503"));
    // One call a minute to see, and those of the P0.
    assert!(world.calls().len() < 20 * 4 + 60, "{}", world.calls().len());
    world.discord.heal();
    world.minutes(3).await;
    for id in quiet.iter().chain([&p0]) {
        assert!(world.shown(*id).await.escalation.delivered(), "{:?}", world.fates(*id).await);
        assert_eq!(world.shown(*id).await.waiting, []);
    }
    assert!(world.discord.messages().iter().all(|notice| !notice.duplicate));
    let admins =
        world.fates(p0).await.iter().filter(|fate| fate.starts_with("dm") && fate.ends_with("sent")).count();
    assert_eq!(admins, 2);
    assert_eq!(world.app.delivery.trouble(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_refused_an_hour_ago_is_no_trouble_any_more() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(TASKS), Fault::MISSING_PERMISSION, 1);
    world.create(P2, "a question").await;
    world.drain().await;
    assert!(world.app.delivery.trouble().unwrap().contains("50013"));
    world.advance(Duration::from_secs(61 * 60)).await;
    world.create(P1, "CI is red").await;
    world.drain().await;
    assert_eq!(world.app.delivery.trouble(), None);
}
