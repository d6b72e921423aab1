//! The loop, and several of them.

use std::time::Duration;

use rig_conductor::app::Stop;
use rig_conductor::delivery;
use rig_testkit::discord::{ADMIN, Call, Fault, TASKS, What};
use rig_testkit::eventually;
use rig_wire::Severity::{P0, P1, P2};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_p0_passes_by_whatever_hangs() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(TASKS), Fault::Hang(Duration::from_secs(120)), usize::MAX);
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Hang(Duration::from_secs(120)), 1);
    let (stopper, stop) = Stop::pair();
    let running = tokio::spawn(delivery::run(world.app.clone(), stop));
    for n in 0..40 {
        world.create_with(P2, &format!("question {n}"), |new| new.pr_number = Some(n)).await;
        world.create(P1, &format!("reason {n}")).await;
    }
    world.discord.wait_for_calls(|calls| calls.iter().filter(|call| call.ends_with("hung")).count() >= 5);
    world.create(P0, "a key was pushed").await;
    let seen = world.discord.wait_for(|seen| seen.iter().filter(|n| n.what == What::Posted).count() >= 3);
    let places: Vec<_> = seen.iter().filter(|n| n.what == What::Posted).map(|n| n.place.as_str()).collect();
    assert!(["#admin", "@alice", "@bob"].iter().all(|place| places.contains(place)), "{places:?}");
    world.discord.heal();
    world.discord.release();
    stopper.stop();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_created_is_sent_without_being_asked_for() {
    let world = World::new().await;
    let (stopper, stop) = Stop::pair();
    let running = tokio::spawn(delivery::run(world.app.clone(), stop));
    let id = world.create(P1, "CI is red").await;
    world.discord.wait_for(|seen| seen.iter().any(|notice| notice.place == "#admin"));
    eventually("the record of the message", || {
        let shown =
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world.shown(id)));
        shown.escalation.delivered().then_some(())
    });
    world.ack(id).await;
    world.discord.wait_for(|seen| seen.iter().any(|notice| notice.what == What::Edited));
    stopper.stop();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_service_put_into_the_outbox_is_found() {
    let world = World::new().await;
    let other = world.another(|_| {});
    let (stopper, stop) = Stop::pair();
    let running = tokio::spawn(delivery::run(other, stop));
    world.create(P1, "CI is red").await;
    world.discord.wait_for(|seen| seen.iter().any(|notice| notice.place == "#admin"));
    stopper.stop();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_gives_back_what_it_has_not_sent() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Delay(Duration::from_secs(60)), 1);
    for n in 0..10 {
        world.create(P1, &format!("reason {n}")).await;
    }
    let (stopper, stop) = Stop::pair();
    let running = tokio::spawn(delivery::run(world.app.clone(), stop));
    eventually("the first call", || {
        world.discord.requests().iter().any(|request| request.method == "POST").then_some(())
    });
    stopper.stop();
    world.discord.release();
    running.await.unwrap();
    let sent = world.discord.messages().len();
    assert!(sent < 10, "{sent}");
    // Others need not wait for leases to end.
    let other = world.another(|_| {});
    delivery::drain_once(other).await.unwrap();
    assert_eq!(world.discord.messages().len(), 10);
    assert!(world.discord.messages().iter().all(|notice| !notice.duplicate));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_came_after_the_claim_was_over_is_taken_back() {
    for forgotten in [false, true] {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Delay(Duration::from_secs(60)), 1);
        let id = world.create(P1, "CI is red").await;
        let slow = tokio::spawn(delivery::drain_once(world.app.clone()));
        eventually("the first call", || {
            world.discord.requests().iter().any(|request| request.method == "POST").then_some(())
        });
        world.advance(Duration::from_secs(61)).await;
        let other = world.another(|_| {});
        delivery::drain_once(other).await.unwrap();
        if forgotten {
            world.discord.forget_nonces();
        }
        world.discord.release();
        slow.await.unwrap().unwrap();
        let line = "#admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close]";
        let expected: &[&str] = if forgotten {
            &[
                line,
                "#admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close] DUPLICATE",
                "delete #admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close]",
            ]
        } else {
            &[line]
        };
        assert_eq!(world.notices(&[What::Posted, What::Deleted]), expected);
        assert_eq!(world.fates(id).await, ["channel admin: sent"]);
        // What was recorded is what is left.
        let recorded = world.shown(id).await.escalation.deliveries[0].message_id.clone().unwrap();
        assert!(world.discord.message(recorded.parse().unwrap()).is_some());
    }
}
