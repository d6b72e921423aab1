//! One thread for each pull request.

use std::time::Duration;

use rig_conductor::delivery;
use rig_testkit::discord::{Call, FORUM, Fault, TASKS, What};
use rig_wire::Severity::P2;

use crate::world::{World, ids, of};

const IN_THREAD: &str = "#tasks > acme/app#15: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]";
const STARTER: &str = "#tasks: acme/app#15 silent";

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_on_two_services_make_one_thread() {
    let world = World::new().await;
    for n in 0..8 {
        world.create(P2, &format!("question {n}")).await;
    }
    let other = world.another(|_| {});
    for _ in 0..6 {
        let (one, two) =
            tokio::join!(delivery::drain_once(world.app.clone()), delivery::drain_once(other.clone()));
        one.unwrap();
        two.unwrap();
        world.advance(Duration::from_secs(2)).await;
    }
    let mut expected = vec![IN_THREAD; 8];
    expected.push(STARTER);
    assert_eq!(world.lines(), expected);
    assert_eq!(world.notices(&[What::Thread]), ["thread #tasks > acme/app#15"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_another_casing_has_the_same_thread() {
    let world = World::new().await;
    world.create(P2, "one").await;
    world.create_with(P2, "two", |creation| creation.repo = Some("Acme/App".to_owned())).await;
    world.drain().await;
    assert_eq!(world.notices(&[What::Thread]), ["thread #tasks > acme/app#15"]);
    assert_eq!(world.discord.in_channel("#tasks > acme/app#15").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_deleted_is_made_anew() {
    let world = World::new().await;
    world.create(P2, "one").await;
    world.drain().await;
    let first = ids(&world, "#tasks")[0];
    world.discord.delete(first);
    let id = world.create(P2, "two").await;
    world.drain().await;
    assert_eq!(world.fates(id).await, ["thread acme/app#15: sent"]);
    let threads: Vec<_> =
        world.discord.notices().into_iter().filter(|n| n.what == What::Thread).map(|n| n.message).collect();
    assert_eq!((threads.len(), ids(&world, "#tasks").len()), (2, 2));
    assert_ne!(threads[1], first);
    // The new one is kept.
    world.create(P2, "three").await;
    world.drain().await;
    assert_eq!(world.discord.in_channel("#tasks").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_whose_beginning_was_deleted_gets_another_one() {
    let world = World::new().await;
    // The starter is there and its thread is not.
    world.discord.fail(Call::ThreadFromMessage, Fault::UNAVAILABLE, 1);
    world.create(P2, "one").await;
    world.drain().await;
    world.discord.fail(Call::ThreadFromMessage, Fault::UNKNOWN_MESSAGE, 1);
    world.advance(Duration::from_secs(5)).await;
    world.drain().await;
    assert_eq!(world.notices(&[What::Thread]).len(), 1);
    assert_eq!(world.discord.in_channel("#tasks > acme/app#15").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_is_there_already_is_used() {
    let world = World::new().await;
    world.discord.fail(Call::ThreadFromMessage, Fault::AcceptThenHtml(502), 1);
    world.create(P2, "one").await;
    world.drain().await;
    world.advance(Duration::from_secs(5)).await;
    world.drain().await;
    assert_eq!(world.lines(), [IN_THREAD, STARTER]);
    assert!(
        world.calls().iter().any(|call| call == "ThreadFromMessage #tasks: 400 160004"),
        "{:?}",
        world.calls()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_in_the_archive_comes_back_and_a_locked_one_is_written_beside() {
    let world = World::new().await;
    world.create(P2, "one").await;
    world.drain().await;
    let thread = ids(&world, "#tasks")[0];
    world.discord.archive(thread);
    world.create(P2, "two").await;
    world.drain().await;
    assert_eq!(world.lines(), [IN_THREAD, IN_THREAD, STARTER]);
    for archived in [false, true] {
        world.discord.skip_seen();
        world.discord.lock(thread);
        if archived {
            world.discord.archive(thread);
        }
        let id = world.create(P2, &format!("archived: {archived}")).await;
        world.drain().await;
        assert_eq!(world.fates(id).await, ["thread acme/app#15: sent"]);
        world.discord.expect(.., &["#tasks: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]"]);
        let text = world.discord.messages().last().unwrap().text();
        let link = format!("https://discord.com/channels/1175001122334455661/{thread} takes no messages");
        assert!(text.contains(&link), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_thread_can_be_the_channel_is_written_to() {
    let world = World::new().await;
    world.discord.fail(Call::ThreadFromMessage, Fault::TOO_MANY_THREADS, 1);
    let one = world.create(P2, "one").await;
    world.drain().await;
    assert_eq!(world.fates(one).await, ["thread acme/app#15: sent"]);
    let in_channel = "#tasks: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]";
    assert_eq!(world.lines(), [in_channel, STARTER]);
    // Once there may be threads again, the same beginning gets its own.
    world.create(P2, "two").await;
    world.drain().await;
    assert_eq!(world.lines(), [IN_THREAD, in_channel, STARTER]);

    let world = World::new().await;
    world.discord.fail(Call::ThreadFromMessage, Fault::MISSING_PERMISSION, 1);
    let one = world.create(P2, "one").await;
    world.drain().await;
    assert_eq!(world.fates(one).await[0], "channel tasks: sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forum_gets_one_post_with_the_tag_that_it_wants() {
    let world = World::with(|settings| of(settings).tasks_channel = FORUM.to_string()).await;
    world.discord.require_tags(FORUM, &[77]);
    world.create_with(P2, "one", |new| new.branch = Some("feat/login".to_owned())).await;
    world.create(P2, "two").await;
    world.drain().await;
    let post = "#forum > acme/app#15 - feat/login: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]";
    assert_eq!(world.lines(), [post, post, "#forum > acme/app#15 - feat/login: acme/app#15 silent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_answer_was_lost_is_found() {
    let world = World::with(|settings| of(settings).tasks_channel = FORUM.to_string()).await;
    world.discord.fail(Call::CreateThread, Fault::AcceptThenClose, 1);
    world.create(P2, "one").await;
    world.drain().await;
    world.advance(Duration::from_secs(5)).await;
    world.drain().await;
    assert_eq!(world.notices(&[What::Thread]), ["thread #forum > acme/app#15"]);
    assert_eq!(world.discord.in_channel("#forum > acme/app#15").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_tasks_channel_the_admins_are_asked() {
    let world = World::new().await;
    world.discord.delete(TASKS);
    let id = world.create(P2, "one").await;
    world.drain().await;
    let fates = world.fates(id).await;
    assert_eq!(fates[0], "channel admin: sent", "{fates:?}");
}
