use std::time::Duration;

use rig_testkit::eventually;
use serde_json::{Value, json};

use crate::harness::{AGENT, OPERATOR, Plan, Service};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_escalation_rises_one_level_per_sweep_and_each_level_has_its_own_clock() {
    let service = Plan::default().start();
    let id = service.escalate("P2", "nobody takes it");
    service.advance(HOUR * 4 - Duration::from_secs(60));
    assert_eq!((service.sweep()[0], service.severity(&id)), (0, "P2".to_owned()));
    // However late it is: one level.
    service.advance(HOUR * 20);
    assert_eq!((service.sweep()[0], service.severity(&id)), (1, "P1".to_owned()));
    assert_eq!((service.sweep()[0], service.severity(&id)), (0, "P1".to_owned()));
    service.advance(HOUR * 4);
    assert_eq!((service.sweep()[0], service.severity(&id)), (1, "P0".to_owned()));
    service.advance(HOUR * 40);
    assert_eq!((service.sweep()[0], service.severity(&id)), (0, "P0".to_owned()));
}

#[test]
fn what_somebody_took_or_closed_does_not_rise() {
    let service = Plan::default().start();
    let ids = ["a", "b", "c"].map(|reason| service.escalate("P2", reason));
    service.post(&format!("/api/escalations/{}/ack", ids[0]), OPERATOR, &json!({}));
    service.post(&format!("/api/escalations/{}/close", ids[1]), OPERATOR, &json!({"resolution": "done"}));
    service.advance(HOUR * 5);
    assert_eq!(service.sweep()[0], 1);
    assert_eq!(ids.map(|id| service.severity(&id)), ["P2", "P2", "P1"]);
}

#[test]
fn a_p0_without_ack_is_told_again_every_half_hour() {
    let service = Plan::default().start();
    let id = service.escalate("P0", "data at risk");
    let mut told = Vec::new();
    for _ in 0..4 {
        service.advance(Duration::from_secs(16 * 60));
        told.push(service.sweep()[1]);
    }
    assert_eq!(told, [0, 1, 0, 1]);
    service.post(&format!("/api/escalations/{id}/ack"), OPERATOR, &json!({}));
    service.advance(HOUR);
    assert_eq!(service.sweep()[1], 0);
}

#[test]
fn all_that_is_due_is_done_in_one_sweep_and_nothing_twice() {
    let service = Plan::default().start();
    // More than a sweep reads at once.
    let count = 520;
    for n in 0..count {
        service.escalate(if n % 2 == 0 { "P1" } else { "P2" }, &format!("number {n}"));
    }
    service.advance(HOUR * 9);
    assert_eq!(service.sweep()[0], count);
    let stats = service.get("/api/escalation-stats");
    assert_eq!(stats["open"], json!({"P0": count / 2, "P1": count / 2, "P2": 0}));
    assert_eq!(service.sweep()[0], 0);
}

#[test]
fn it_sweeps_at_its_start_and_on_its_interval_by_itself() {
    let plan = Plan::default()
        .with("RIG_CONDUCTOR_BUMP_AFTER", "P2=2s,P1=1h")
        .with("RIG_CONDUCTOR_SWEEP_EVERY", "1s");
    let service = plan.start();
    let id = service.escalate("P2", "not for long");
    eventually("the bump", || (service.severity(&id) == "P1").then_some(()));
    let late = service.escalate("P2", "late");
    service.stop();
    // While it is down the clock goes on; the first sweep of the next one finds what became due.
    let plan = plan.with("RIG_CONDUCTOR_SWEEP_EVERY", "1h");
    std::thread::sleep(Duration::from_millis(2_100));
    let service = plan.start();
    eventually("the bump at the start", || (service.severity(&late) == "P1").then_some(()));
}

#[test]
fn the_command_sweeps_once_beside_a_running_service() {
    let plan = Plan::default();
    let service = plan.start();
    let id = service.escalate("P1", "nobody takes it");
    plan.command(&["sweep"])
        .stdout("raised 0, reminded of 0, announced 0 anew, 0 messages still wait\n")
        .exits(0);
    service.advance(HOUR * 5);
    let done = json!({
        "announced": 0, "bumped": 1, "deadManPing": "none", "failed": 0, "overtaken": 0, "pending": 0, "reminded": 0
    });
    plan.command(&["sweep", "--json"]).stdout(format!("{done}\n")).exits(0);
    assert_eq!(service.severity(&id), "P0");
}

#[test]
fn two_sweeps_at_the_same_time_raise_each_escalation_once() {
    let plan = Plan::default();
    let service = plan.start();
    let ids: Vec<_> = (0..100).map(|n| service.escalate("P2", &format!("number {n}"))).collect();
    service.advance(HOUR * 5);
    let sweep = |service: &Service| service.post("/test/sweep", AGENT, &Value::Null);
    let both: Vec<Value> = std::thread::scope(|scope| {
        let running = [(); 3].map(|()| scope.spawn(|| sweep(&service)));
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let bumped: u64 = both.iter().map(|swept| swept["bumped"].as_u64().unwrap()).sum();
    assert_eq!(bumped, 100, "{both:?}");
    for id in ids {
        let escalation = service.get(&format!("/api/escalations/{id}"));
        assert_eq!((&escalation["severity"], &escalation["bumpCount"]), (&json!("P1"), &json!(1)));
    }
}
