//! Who is told, and where.

use std::time::Duration;

use rig_conductor::store::Command;
use rig_testkit::discord::{ADMIN, CAROL, Call, Fault};
use rig_wire::Severity::{P0, P1, P2};

use crate::world::{World, of};

#[tokio::test(flavor = "multi_thread")]
async fn each_severity_has_its_route() {
    let world = World::new().await;
    world.create(P2, "which of the two?").await;
    world.drain().await;
    assert_eq!(
        world.lines(),
        [
            "#tasks > acme/app#15: P2: guidance is needed. P2 - acme/app#15 [Ack] [Close]",
            "#tasks: acme/app#15 silent"
        ]
    );
    world.discord.skip_seen();
    world.create(P1, "CI is red").await;
    world.drain().await;
    world.discord.expect(.., &["#admin: P1: a person is needed. P1 - acme/app#15 [Ack] [Close]"]);
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    world.discord.expect(
        ..,
        &[
            "#admin: <@&1175001122334455671> <@1175001122334455673> <@1175001122334455675> P0: a person is needed now. \
             P0 - acme/app#15 [Ack] [Close] pings @alice @bob @&oncall",
            "@alice: <@1175001122334455673> P0: a person is needed now. P0 - acme/app#15 [Ack] [Close] pings @alice",
            "@bob: <@1175001122334455675> P0: a person is needed now. P0 - acme/app#15 pings @bob",
        ],
    );
    let fates = ["channel admin: sent", "dm 1175001122334455673: sent", "dm 1175001122334455675: sent"];
    assert_eq!(world.fates(id).await, fates);
    let urls: Vec<_> = world
        .shown(id)
        .await
        .escalation
        .deliveries
        .iter()
        .map(|d| d.url.clone().unwrap_or_default())
        .collect();
    assert!(urls.iter().all(|url| url.starts_with("https://discord.com/channels/")), "{urls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_calls_nobody_whatever_is_in_it() {
    let world = World::new().await;
    let hostile =
        format!("@everyone <@{CAROL}> <@&1175001122334455671> {}", "\u{202e}*_`\u{1f600}".repeat(20_000));
    for severity in [P0, P1, P2] {
        world
            .create_with(severity, &hostile, |new| {
                new.details = Some(hostile.clone());
                new.branch = Some(hostile.clone());
                new.agent_id = format!("{severity} @here <@{CAROL}>");
            })
            .await;
    }
    while world.drain().await > 0 {}
    for notice in world.discord.messages() {
        let wanted: &[&str] = match notice.place.as_str() {
            "#admin" if notice.content.contains("P0") => &["@alice", "@bob", "@&oncall"],
            "@alice" => &["@alice"],
            "@bob" => &["@bob"],
            _ => &[],
        };
        assert_eq!(notice.pings, wanted, "{}", notice.place);
    }
    assert_eq!(world.discord.messages().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pull_request_there_is_a_thread_for_the_issue_and_without_both_the_channel() {
    let world = World::new().await;
    world.create_with(P2, "one", |new| new.pr_number = None).await;
    world.create_with(P2, "two", |new| (new.pr_number, new.issue_number) = (None, None)).await;
    world.drain().await;
    assert_eq!(
        world.lines(),
        [
            "#tasks > acme/app issue 42: P2: guidance is needed. P2 - acme/app#42 [Ack] [Close]",
            "#tasks: P2: guidance is needed. P2 - acme/app [Ack] [Close]",
            "#tasks: acme/app issue 42 silent",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_refuses_direct_messages_keeps_nobody_else_from_them() {
    let world = World::with(|settings| of(settings).p0_users.insert(0, CAROL.to_string())).await;
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    assert_eq!(
        world.fates(id).await,
        [
            "channel admin: sent",
            "dm 1175001122334455673: sent",
            "dm 1175001122334455675: sent",
            "dm 1175001122334455677: failed (refused with 403 (50007): the user takes no direct messages from the bot)",
        ]
    );
    assert!(world.shown(id).await.waiting.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_direct_messages_are_opened_too_fast_they_rest_and_the_admins_know() {
    let world = World::new().await;
    world.discord.fail(Call::OpenDm, Fault::DMS_TOO_FAST, 1);
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    let opened = |world: &World| world.calls().iter().filter(|call| call.starts_with("OpenDm")).count();
    assert_eq!((opened(&world) <= 2, world.fates(id).await[0].as_str()), (true, "channel admin: sent"));
    let before = opened(&world);
    world.advance(Duration::from_secs(300)).await;
    world.drain().await;
    assert_eq!(opened(&world), before);
    world.minutes(6).await;
    let fates = ["channel admin: sent", "dm 1175001122334455673: sent", "dm 1175001122334455675: sent"];
    assert_eq!(world.fates(id).await, fates);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_refuses_the_bot_is_left_alone_for_an_hour() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage.at(ADMIN), Fault::MISSING_ACCESS, 1);
    let one = world.create(P1, "one").await;
    world.drain().await;
    let refused = "channel admin: failed (refused with 403 (50001): the bot does not see the channel: it needs View Channel)";
    assert_eq!(world.fates(one).await, [refused, "channel tasks: sent"]);
    assert!(world.app.delivery.trouble().unwrap().contains("50001"));
    let two = world.create(P1, "two").await;
    world.drain().await;
    assert_eq!(world.fates(two).await, [refused, "channel tasks: sent"]);
    let posts = |end: &str| world.calls().iter().filter(|call| call.starts_with(end)).count();
    assert_eq!(posts("CreateMessage #admin"), 1);
    world.advance(Duration::from_secs(3700)).await;
    let three = world.create(P1, "three").await;
    world.drain().await;
    assert_eq!(world.fates(three).await, ["channel admin: sent"]);
    assert_eq!(world.app.delivery.trouble(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_channel_takes_it_the_message_is_given_up_loudly_and_announced_again() {
    let world = World::new().await;
    world.discord.fail(Call::CreateMessage, Fault::UNKNOWN_CHANNEL, usize::MAX);
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    let gone = "failed (refused with 404 (10003): the channel is gone)";
    assert_eq!(world.fates(id).await, [format!("channel admin: {gone}"), format!("channel tasks: {gone}")]);
    assert_eq!(world.app.store.backlog().await.unwrap().failed, 1);
    world.discord.heal();
    world.app.execute(Command::Announce { id }).await.unwrap();
    world.drain().await;
    assert!(world.shown(id).await.escalation.delivered());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_stops_everything_until_there_is_another() {
    let world = World::with(|settings| of(settings).token.0 = "old".to_owned()).await;
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    let calls = world.calls().len();
    assert!(calls <= 3, "{:?}", world.calls());
    assert!(world.app.delivery.trouble().unwrap().contains("401"));
    world.minutes(5).await;
    assert_eq!(world.calls().len(), calls);
    assert_eq!(world.discord.counts().invalid, calls);
    let other = world.another(|_| {});
    rig_conductor::delivery::drain_once(other).await.unwrap();
    assert!(world.shown(id).await.escalation.delivered());
    assert_eq!(world.shown(id).await.waiting, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forum_gets_is_a_post() {
    let world = World::with(|settings| {
        of(settings).tasks_channel = rig_testkit::discord::FORUM.to_string();
    })
    .await;
    let id = world.create_with(P2, "one", |new| (new.pr_number, new.issue_number) = (None, None)).await;
    world.drain().await;
    assert_eq!(
        world.lines(),
        [
            format!("#forum > escalation {id}: P2: guidance is needed. P2 - acme/app [Ack] [Close]"),
            format!("#forum > escalation {id}: escalation {} silent", id),
        ]
    );
}
