//! Events of work and heartbeats.

use crate::harness::*;

on_each_store!(a_heartbeat_shows_its_agent);

async fn a_heartbeat_shows_its_agent(place: &Place) {
    let store = place.open().await;
    let first = record(&*store, beat("dev", "idle")).await;
    assert!(!first.duplicate);
    let second = record(&*store, beat("dev", "working")).await;
    let agent = store.agent("dev").await.unwrap().unwrap();
    assert_eq!((agent.last_seen_at, agent.beat["status"].as_str()), (second.at, Some("working")));
    assert_replays(&*store).await;
}
