use std::time::Duration;

use rig_testkit::http::Response;
use serde_json::{Value, json};

use crate::harness::{AGENT, OPERATOR, Plan, Service, Watcher};

fn ping(service: &Service) -> String {
    service.post("/test/sweep", AGENT, &Value::Null)["deadManPing"].as_str().unwrap().to_owned()
}

#[test]
fn the_watcher_is_told_after_each_good_sweep_and_not_while_a_p0_reaches_nobody() {
    let watcher = Watcher::start();
    let plan = Plan::default().with("RIG_CONDUCTOR_DEAD_MAN_URL", &watcher.url("/ping/4711"));
    let service = plan.start();
    rig_testkit::eventually("the ping of the first sweep", || (watcher.calls().len() == 1).then_some(()));
    assert_eq!(ping(&service), "sent");
    assert_eq!(watcher.calls(), ["GET /ping/4711", "GET /ping/4711"]);
    // Without Discord nobody is told of it.
    let id = service.escalate("P0", "data at risk");
    service.advance(Duration::from_secs(4 * 60));
    assert_eq!(ping(&service), "sent");
    service.advance(Duration::from_secs(2 * 60));
    assert_eq!(ping(&service), "withheld");
    assert_eq!(watcher.calls().len(), 3);
    service.post(&format!("/api/escalations/{id}/ack"), OPERATOR, &json!({}));
    assert_eq!(ping(&service), "sent");
    let log = service.stop();
    assert!(!log.contains("4711"), "the URL is a secret: {log}");
}

#[test]
fn a_p1_that_reaches_nobody_does_not_silence_it() {
    let watcher = Watcher::start();
    let service = Plan::default().with("RIG_CONDUCTOR_DEAD_MAN_URL", &watcher.url("/")).start();
    service.escalate("P1", "stuck");
    service.advance(Duration::from_secs(60 * 60));
    assert_eq!(ping(&service), "sent");
}

#[test]
fn a_watcher_that_fails_stops_nothing_and_no_redirect_is_followed() {
    let watcher = Watcher::start();
    let other = Watcher::start();
    let service = Plan::default().with("RIG_CONDUCTOR_DEAD_MAN_URL", &watcher.url("/")).start();
    rig_testkit::eventually("the ping of the first sweep", || (watcher.calls().len() == 1).then_some(()));
    let id = service.escalate("P2", "stuck");
    watcher.answers(Response::empty(500));
    assert_eq!(ping(&service), "failed");
    watcher.answers(Response::empty(302).header("location", &other.url("/elsewhere")));
    service.advance(Duration::from_secs(5 * 60 * 60));
    assert_eq!(ping(&service), "failed");
    assert_eq!(service.severity(&id), "P1", "the sweep did its work all the same");
    assert_eq!(other.calls(), [""; 0]);
    drop(watcher);
    assert_eq!(ping(&service), "failed");
    let metrics = service.get("/metrics");
    assert!(
        metrics.as_str().unwrap().contains("rig_conductor_dead_man_pings_total{result=\"failed\"} 3"),
        "{metrics}"
    );
}
