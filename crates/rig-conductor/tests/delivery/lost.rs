//! Answers that were lost: the message is found again, or sent again and says so.

use std::time::Duration;

use rig_conductor::store::Command;
use rig_testkit::discord::{ADMIN, ALICE, Call, Fault, TASKS, What};
use rig_wire::Severity::{P1, P2};

use crate::world::{World, ids};

const LATER: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn once_the_nonce_is_forgotten_the_message_is_looked_for() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::AcceptThenClose, 1);
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    for n in 0..49 {
        let _ = world.discord.say(ADMIN, ALICE, &format!("talk {n}"));
    }
    world.discord.forget_nonces();
    world.advance(LATER).await;
    world.drain().await;
    assert_eq!(world.lines().len(), 1);
    let shown = world.shown(id).await.escalation;
    assert_eq!(shown.deliveries[0].message_id, Some(ids(&world, "#admin")[0].to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_is_sent_again_and_says_that_it_may_be_a_repeat() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Close, 1);
    world.create(P1, "CI is red").await;
    world.drain().await;
    world.discord.forget_nonces();
    world.advance(LATER).await;
    world.drain().await;
    let again = "#admin: P1: a person is needed. (may be a repeat) P1 - acme/app#15 [Ack] [Close]";
    assert_eq!(world.lines(), [again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_talked_out_of_sight_is_doubled_once_and_marked() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::AcceptThenClose, 1);
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    for n in 0..60 {
        let _ = world.discord.say(ADMIN, ALICE, &format!("talk {n}"));
    }
    world.discord.forget_nonces();
    world.advance(LATER).await;
    world.drain().await;
    world.minutes(3).await;
    let seen: Vec<(bool, bool, bool)> = world
        .discord
        .messages()
        .iter()
        .map(|notice| (notice.lost, notice.duplicate, notice.content.contains("may be a repeat")))
        .collect();
    assert_eq!(seen, [(true, false, false), (false, true, true)]);
    assert_eq!(world.fates(id).await, ["channel admin: sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_looking_is_not_allowed_the_message_is_sent_again() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::Close, 1);
    world.discord.fail(Call::ListMessages.at(ADMIN), Fault::MISSING_PERMISSION, 1);
    world.create(P1, "CI is red").await;
    world.drain().await;
    world.advance(LATER).await;
    world.drain().await;
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_message_is_found_as_well() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::AUTO_MODERATION, 1);
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::AcceptThenClose, 1);
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    world.discord.forget_nonces();
    world.advance(LATER).await;
    world.drain().await;
    assert_eq!((world.lines().len(), world.fates(id).await), (1, vec!["channel admin: sent".to_owned()]));
}

/// Lets processes take what is due and die, so many one after the other.
async fn die(world: &World, times: u32) {
    for n in 0..times {
        let lease = Duration::from_secs(60);
        let taken = world.app.store.claim(&format!("dead {n}"), 16, lease).await.unwrap();
        assert_eq!(taken.len(), 1, "{n}: {taken:?}");
        world.advance(lease).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deaths_of_processes_do_not_move_a_message_to_another_place() {
    let world = World::new().await;
    let id = world.create(P2, "which of the two?").await;
    die(&world, 20).await;
    // Of four tries, three fail.
    world.discord.fail(Call::CreateMessage, Fault::UNAVAILABLE, 3);
    world.drain().await;
    world.minutes(4).await;
    assert_eq!(world.discord.faults_left(), 0);
    assert_eq!(world.fates(id).await, ["thread acme/app#15: sent"], "{:?}", world.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_every_process_that_sends_it_goes_elsewhere_and_is_tried_again_when_announced_anew() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(TASKS), Fault::MISSING_PERMISSION, 1);
    let id = world.create(P1, "CI is red").await;
    die(&world, 50).await;
    world.drain().await;
    let given_up = "channel admin: failed (50 attempts ended without a word of what became of them)";
    assert_eq!(world.fates(id).await[0], given_up);
    assert_eq!(world.lines(), Vec::<String>::new());
    assert_eq!(world.app.store.backlog().await.unwrap().failed, 1, "health tells it");
    world.advance(Duration::from_secs(601)).await;
    world.app.execute(Command::Announce { id }).await.unwrap();
    world.drain().await;
    assert_eq!(world.fates(id).await[0], "channel admin: sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_ends_every_process_is_given_up() {
    let world = World::new().await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    world.ack(id).await;
    die(&world, 50).await;
    world.drain().await;
    assert_eq!(world.notices(&[What::Edited]), Vec::<String>::new());
    assert_eq!(world.app.store.backlog().await.unwrap().pending, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acked_meanwhile_is_not_sent_any_more_but_kept_up_to_date_if_it_was() {
    for (fault, lines) in [(Fault::Close, 0), (Fault::AcceptThenClose, 1)] {
        let world = World::new().await;
        world.discord.fail(Call::CreateMessage.at(ADMIN), fault, 1);
        let id = world.create(P1, "CI is red").await;
        world.drain().await;
        world.ack(id).await;
        world.advance(Duration::from_secs(30)).await;
        while world.drain().await > 0 {}
        assert_eq!(world.lines().len(), lines);
        assert_eq!(world.shown(id).await.waiting, []);
        if lines == 1 {
            let message = world.discord.message(ids(&world, "#admin")[0]).unwrap();
            assert_eq!(message["content"], "P1: acked.");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_in_a_thread_makes_neither_a_second_thread_nor_a_second_message() {
    for call in [Call::CreateMessage, Call::ThreadFromMessage] {
        for nth in 0..2 {
            let world = World::new().await;
            world.discord.fail(call, Fault::Delay(Duration::ZERO), nth);
            world.discord.fail(call, Fault::AcceptThenClose, 1);
            let id = world.create(P2, "which of the two?").await;
            for _ in 0..3 {
                world.drain().await;
                world.advance(LATER).await;
                world.discord.forget_nonces();
            }
            assert_eq!(
                world.lines(),
                [
                    "#tasks > acme/app#15: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]",
                    "#tasks: acme/app#15 silent"
                ],
                "{call:?} {nth}: {:?}",
                world.calls()
            );
            assert_eq!(world.fates(id).await, ["thread acme/app#15: sent"]);
        }
    }
}
