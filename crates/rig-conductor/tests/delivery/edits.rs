//! Messages that show what has become of their escalation.

use std::time::Duration;

use rig_conductor::domain::Via;
use rig_conductor::store::Command;
use rig_testkit::discord::{Call, Fault, What};
use rig_wire::Severity::{P0, P1, P2};

use crate::world::{World, ids};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_follows_its_escalation_to_the_end() {
    let world = World::new().await;
    let id = world.create(P2, "which of the two?").await;
    world.drain().await;
    world.discord.skip_seen();
    world.raise(id).await;
    while world.drain().await > 0 {}
    world.discord.expect(
        ..,
        &[
            "#admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close]",
            "edit #tasks > acme/app#15: P2: now P1. P2 - acme/app#15",
        ],
    );
    let bump = world.discord.in_channel("#admin").pop().unwrap();
    let before =
        format!("Before: https://discord.com/channels/1175001122334455661/{}", ids(&world, "#tasks")[0]);
    assert!(bump.text().contains(&before), "{}", bump.text());
    world.ack(id).await;
    while world.drain().await > 0 {}
    world.discord.expect(
        ..,
        &[
            "edit #admin: P1: acked. P1 - acme/app#15 (Ack) [Close]",
            "edit #tasks > acme/app#15: P2: now P1. P2 - acme/app#15",
        ],
    );
    let close = Command::Close { id, resolution: "done".to_owned(), by: "stig".to_owned(), via: Via::Cli };
    world.app.execute(close).await.unwrap();
    while world.drain().await > 0 {}
    world.discord.expect(
        ..,
        &[
            "edit #admin: P1: closed. P1 - acme/app#15",
            "edit #tasks > acme/app#15: P2: closed. P2 - acme/app#15",
        ],
    );
    assert_eq!(world.discord.live_buttons(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_a_new_message_that_calls_again_and_an_ack_calls_nobody() {
    let world = World::new().await;
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    world.discord.skip_seen();
    world.advance(Duration::from_secs(1900)).await;
    world.app.execute(Command::Remind { id }).await.unwrap();
    while world.drain().await > 0 {}
    let words = "P0: still nobody took it; 1st reminder. P0 - acme/app#15";
    world.discord.expect(
        ..,
        &[
            format!(
                "#admin: <@&1175001122334455671> <@1175001122334455673> <@1175001122334455675> {words} [Ack] [Close] \
                 pings @alice @bob @&oncall"
            )
            .as_str(),
            &format!("@alice: <@1175001122334455673> {words} [Ack] [Close] pings @alice"),
            &format!("@bob: <@1175001122334455675> {words} pings @bob"),
        ],
    );
    world.ack(id).await;
    while world.drain().await > 0 {}
    for notice in world.discord.notices().iter().filter(|notice| notice.what == What::Edited) {
        assert_eq!((notice.pings.len(), notice.content.as_str()), (0, "P0: acked."), "{}", notice.line());
    }
    world.discord.skip_seen();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_fails_is_tried_again_and_one_that_cannot_be_is_let_go() {
    for (fault, times, edited) in [
        (Fault::UNAVAILABLE, 1, true),
        (Fault::AcceptThenClose, 1, true),
        (Fault::RateLimited(0.2), 1, true),
        (Fault::TOO_MANY_EDITS, 1, true),
        (Fault::AUTO_MODERATION, 1, true),
        (Fault::UNKNOWN_MESSAGE, 1, false),
        (Fault::UNKNOWN_CHANNEL, 1, false),
        (Fault::Error(403, 50005), 1, false),
        (Fault::TOO_MANY_EDITS, usize::MAX, false),
    ] {
        let world = World::new().await;
        let id = world.create(P1, "CI is red").await;
        world.drain().await;
        world.discord.fail(Call::EditMessage, fault.clone(), times);
        world.ack(id).await;
        world.drain().await;
        world.minutes(8).await;
        let message = world.discord.message(ids(&world, "#admin")[0]).unwrap();
        let content = message["content"].as_str().unwrap();
        assert_eq!(content.starts_with("P1: acked."), edited, "{fault:?}: {:?}", world.calls());
        assert_eq!(world.app.store.backlog().await.unwrap().pending, 0, "{fault:?}");
        // Nobody is told that the escalation itself could not be delivered.
        assert_eq!(world.fates(id).await, ["channel admin: sent"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_an_archived_thread_is_brought_back_to_be_edited() {
    let world = World::new().await;
    let id = world.create(P2, "which of the two?").await;
    world.drain().await;
    world.discord.archive(ids(&world, "#tasks")[0]);
    world.ack(id).await;
    while world.drain().await > 0 {}
    let message = world.discord.message(ids(&world, "#tasks > acme/app#15")[0]).unwrap();
    assert_eq!(message["content"], "P2: acked.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_an_edit_is_seen_after_it() {
    let world = World::new().await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    world.discord.fail(Call::EditMessage, Fault::Delay(Duration::from_secs(30)), 1);
    world.ack(id).await;
    let app = world.app.clone();
    let edit = tokio::spawn(rig_conductor::delivery::drain_once(app));
    while world.discord.requests().iter().filter(|request| request.method == "PATCH").count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let close = Command::Close { id, resolution: "done".to_owned(), by: "stig".to_owned(), via: Via::Cli };
    world.app.execute(close).await.unwrap();
    world.discord.release();
    edit.await.unwrap().unwrap();
    while world.drain().await > 0 {}
    let message = world.discord.message(ids(&world, "#admin")[0]).unwrap();
    assert_eq!(message["content"], "P1: closed.");
}
