//! Events of work, heartbeats, agents.

use std::time::Duration;

use rig_conductor::domain::{EventKind, Rejection};
use rig_conductor::settings::Casing;
use rig_conductor::store::{StoreError, StoreOptions, WorkEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::*;

on_each_store!(
    an_agent_is_shown_by_its_last_heartbeat,
    an_event_that_is_sent_again_changes_nothing,
    events_of_many_callers_get_gapless_versions,
    members_are_stored_in_the_casing_of_the_settings,
    what_a_database_cannot_keep_harms_nobody_else,
    old_heartbeats_go_and_agents_that_are_gone_with_them,
);

fn event(kind: &str, stream: &str, data: Value) -> WorkEvent {
    let Value::Object(data) = data else { panic!("not an object") };
    WorkEvent { id: None, kind: EventKind::of_wire(kind).unwrap(), stream: stream.to_owned(), data }
}

async fn an_agent_is_shown_by_its_last_heartbeat(place: &Place) {
    let store = place.open().await;
    record(&*store, beat("dev-b", "idle")).await;
    record(&*store, beat("dev-A", "idle")).await;
    let last = record(&*store, beat("dev-b", "working")).await;
    record(&*store, event("WORK_STARTED", "o/r#1", json!({"agentId": "dev-b", "branch": "x"}))).await;
    let agents = store.agents().await.unwrap();
    let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(ids, ["dev-A", "dev-b"]);
    assert_eq!(store.agent("dev-b").await.unwrap().as_ref(), Some(&agents[1]));
    assert_eq!(agents[1].last_seen_at, last.at);
    assert_eq!(Value::Object(agents[1].beat.clone()), json!({"agentId": "dev-b", "status": "working"}));
    assert_eq!(store.agent("dev").await.unwrap(), None);
    // A beat without a name is of the agent whose stream it is.
    record(&*store, event("HEARTBEAT", "nameless", json!({"status": "idle"}))).await;
    assert!(store.agent("nameless").await.unwrap().is_some());
    let stream = store.stream("dev-b", 0, 10).await.unwrap();
    let versions: Vec<_> = stream.iter().map(|event| (event.version, event.alias.as_str())).collect();
    assert_eq!(versions, [(1, "heartbeat"), (2, "heartbeat")]);
    let later = store.stream("dev-b", 1, 10).await.unwrap();
    assert_eq!((later.len(), later[0].at), (1, last.at));
    assert_eq!(store.stream("dev-b", 0, 1).await.unwrap().len(), 1);
    let work = store.stream("o/r#1", 0, 10).await.unwrap();
    assert_eq!(
        (work[0].alias.as_str(), &work[0].data),
        ("work_started", &json!({"agentId": "dev-b", "branch": "x"}))
    );
    let report = store.replay(true).await.unwrap();
    assert_eq!((report.events, report.agents, report.differences), (5, 3, Vec::new()));
}

async fn an_event_that_is_sent_again_changes_nothing(place: &Place) {
    let store = place.open().await;
    let mut once = beat("dev", "idle");
    once.id = Some(Uuid::now_v7());
    let first = record(&*store, once.clone()).await;
    record(&*store, beat("dev", "working")).await;
    let again = record(&*store, once.clone()).await;
    assert_eq!((first.duplicate, again.duplicate, again.at), (false, true, first.at));
    assert_eq!(store.agent("dev").await.unwrap().unwrap().beat["status"], "working");
    // At the same time, through two processes.
    let other = place.open().await;
    once.id = Some(Uuid::now_v7());
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = std::sync::Arc::clone(if n % 2 == 0 { &store } else { &other });
            let event = once.clone();
            tokio::spawn(async move { record(&*store, event).await })
        })
        .collect();
    let mut fresh = 0;
    for task in tasks {
        fresh += usize::from(!task.await.unwrap().duplicate);
    }
    assert_eq!(fresh, 1);
    assert_eq!(store.stream("dev", 0, 100).await.unwrap().len(), 3);
    assert_replays(&*store).await;
}

async fn events_of_many_callers_get_gapless_versions(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let tasks: Vec<_> = (0..32)
        .map(|caller| {
            let store = std::sync::Arc::clone(&stores[caller % 2]);
            tokio::spawn(async move {
                for n in 0..20 {
                    let (agent, status) = (format!("dev-{}", (caller + n) % 7), format!("{n}"));
                    record(&*store, beat(&agent, &status)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut all = 0;
    for agent in 0..7 {
        let events = stores[0].stream(&format!("dev-{agent}"), 0, 1000).await.unwrap();
        let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
        assert_eq!(versions, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
        all += events.len();
    }
    assert_eq!(all, 640);
    assert_replays(&*stores[1]).await;
    for store in stores {
        store.close().await.unwrap();
        let error = store.record(beat("dev", "late")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
}

async fn members_are_stored_in_the_casing_of_the_settings(place: &Place) {
    let data = json!({"agentId": "dev", "providers": [{"name": "x"}]});
    for (casing, stored) in [
        (Casing::Pascal, json!({"AgentId": "dev", "Providers": [{"name": "x"}]})),
        (Casing::Camel, data.clone()),
    ] {
        let store = place.open_with(StoreOptions { casing, ..StoreOptions::default() }).await;
        record(&*store, event("HEARTBEAT", "dev", data.clone())).await;
        let text = place.sql("select data from mt_events order by seq_id desc limit 1");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), stored);
        store.close().await.unwrap();
    }
    // Whatever it was, it is read in camelCase.
    let store = place.open().await;
    let events = store.stream("dev", 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.data.clone()).collect::<Vec<_>>(), [data.clone(), data]);
    assert_replays(&*store).await;
}

async fn what_a_database_cannot_keep_harms_nobody_else(place: &Place) {
    let store = place.open().await;
    let odd = json!({"agentId": "d\u{0}v", "text": "a\u{0}b", "big": 1e308, "deep": {"": [null]}});
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = std::sync::Arc::clone(&store);
            let (stream, data) = match n % 4 {
                0 => ("d\u{0}v".to_owned(), odd.clone()),
                1 => ("escalation-0".to_owned(), json!({})),
                2 => ("x".repeat(513), json!({})),
                _ => (format!("dev-{n}"), json!({})),
            };
            tokio::spawn(async move { (n % 4, store.record(event("HEARTBEAT", &stream, data)).await) })
        })
        .collect();
    for task in tasks {
        match task.await.unwrap() {
            (1 | 2, Err(StoreError::Rejected(Rejection::State(_)))) | (0 | 3, Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let agent = store.agent("d\u{fffd}v").await.unwrap().unwrap();
    assert_eq!(agent.beat["text"], "a\u{fffd}b");
    assert_eq!(store.stream("d\u{0}v", 0, 10).await.unwrap(), []);
    assert_eq!(store.agents().await.unwrap().len(), 6);
    assert_replays(&*store).await;
}

async fn old_heartbeats_go_and_agents_that_are_gone_with_them(place: &Place) {
    let keep = Duration::from_secs(24 * 60 * 60);
    let options = StoreOptions { keep_heartbeats: keep, ..StoreOptions::default() };
    let store = place.open_with(options.clone()).await;
    create(&*store, rig_wire::Severity::P2, "a").await;
    for n in 0..30 {
        record(&*store, beat(if n % 2 == 0 { "busy" } else { "gone" }, &n.to_string())).await;
    }
    record(&*store, event("MERGED", "o/r#1", json!({}))).await;
    store.swept().await.unwrap();
    // What the sweep began behind the call ends here.
    store.close().await.unwrap();
    settled(place, "32").await;
    let store = place.open_with(options).await;
    store.advance(keep + HOUR).await.unwrap();
    for n in 0..3 {
        record(&*store, beat("busy", &format!("new {n}"))).await;
    }
    store.swept().await.unwrap();
    // The creation, the merge, three new ones, and the last of the one that is gone.
    settled(place, "6").await;
    assert_eq!(store.agents().await.unwrap().len(), 2);
    assert_replays(&*store).await;
    // What was passed over is not looked at again, and what comes later has its turn.
    store.advance(keep + HOUR).await.unwrap();
    store.swept().await.unwrap();
    settled(place, "4").await;
    assert!(store.backlog().await.unwrap().swept_at.is_some());
    assert_replays(&*store).await;
    // A month after its last beat an agent is forgotten; one that comes back goes on where it was.
    store.advance(28 * keep).await.unwrap();
    record(&*store, beat("busy", "back")).await;
    store.advance(keep + HOUR).await.unwrap();
    store.swept().await.unwrap();
    // What was passed over of the other stays.
    wait(|| place.sql("select count(*) from agents"), "1").await;
    assert_eq!(place.sql("select count(*) from mt_events"), "4");
    let ids: Vec<String> = store.agents().await.unwrap().into_iter().map(|agent| agent.id).collect();
    assert_eq!(ids, ["busy"]);
    assert_replays(&*store).await;
    record(&*store, beat("gone", "back")).await;
    let back = store.stream("gone", 0, 100).await.unwrap();
    assert_eq!(back.iter().map(|event| event.version).collect::<Vec<_>>(), [16]);
    assert_replays(&*store).await;
}

/// Waits until the log has so many events.
async fn settled(place: &Place, events: &str) {
    wait(|| place.sql("select count(*) from mt_events"), events).await;
}

async fn wait(ask: impl Fn() -> String, wanted: &str) {
    let mut seen = String::new();
    for _ in 0..400 {
        seen = ask();
        if seen == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{seen}, not {wanted}");
}
