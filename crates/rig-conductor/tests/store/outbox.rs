//! From the outbox to people, and what is recorded.

use rig_wire::Severity;

use crate::harness::*;

on_each_store!(everything_that_waits_is_sent_once);

async fn everything_that_waits_is_sent_once(place: &Place) {
    let store = place.open().await;
    create(&*store, Severity::P2, "a").await;
    assert_eq!(deliver(&*store).await, 1);
    assert_replays(&*store).await;
}
