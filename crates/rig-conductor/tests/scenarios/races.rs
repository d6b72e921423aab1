//! Those who come at the same moment: whoever is first, what comes of it makes sense.

use rig_testkit::Postgres;
use serde_json::{Value, json};

use crate::world::{Place, World};

/// How often the same race is run, each time with another escalation.
const RUNS: usize = 12;

async fn types(world: &World<'_>, id: &str) -> Vec<String> {
    let path = format!("/api/escalations/{id}/events");
    let (_, events) = world.ask(0, "pool", "GET", &path, None).await;
    let types = events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
    types.filter(|name| !name.starts_with("EscalationNotif")).collect()
}

fn escalation(n: usize) -> Value {
    let reason = format!("question {n}");
    json!({ "type": "ESCALATION_CREATED", "severity": "P2", "reason": reason, "agentId": "a" })
}

/// Two operators ack, three replicas sweep: the escalation is acked once and bumped at most once, before the ack.
fn acks_and_sweeps(place: Place<'_>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(place, |settings| {
            settings.discord = None;
            settings.policy.flood.creations = 1000;
        })
        .await;
        world.grow().await;
        world.grow().await;
        let mut seconds = 0;
        for n in 0..RUNS {
            let (_, created) = world.ask(0, "pool", "POST", "/api/events", Some(&escalation(n))).await;
            let id = created["escalationId"].as_str().unwrap().to_owned();
            seconds += 4 * 3600;
            world.move_to(seconds).await;
            let path = format!("/api/escalations/{id}/ack");
            let ((stig, _), (kari, _), _) = tokio::join!(
                world.ask(1, "stig", "POST", &path, None),
                world.ask(2, "kari", "POST", &path, None),
                world.sweep(3),
            );
            assert_eq!((stig, kari), (200, 200));
            let (_, now) = world.ask(0, "pool", "GET", &format!("/api/escalations/{id}"), None).await;
            let seen = (now["state"].as_str().unwrap(), now["severity"].as_str().unwrap());
            let types = types(&world, &id).await;
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            match types.as_slice() {
                ["EscalationCreated", "EscalationAcked"] => assert_eq!(seen, ("acked", "P2")),
                ["EscalationCreated", "EscalationBumped", "EscalationAcked"] => {
                    assert_eq!(seen, ("acked", "P1"))
                }
                other => panic!("{other:?}"),
            }
        }
        let replay = world.store().replay(true).await.unwrap();
        assert_eq!(replay.differences, Vec::<String>::new());
    });
}

#[test]
fn an_ack_and_a_sweep_at_once_are_one_after_the_other_on_sqlite() {
    acks_and_sweeps(Place::file());
}

#[test]
fn an_ack_and_a_sweep_at_once_are_one_after_the_other_on_postgres() {
    let Some(server) = Postgres::shared() else { return };
    acks_and_sweeps(Place::Server(server.database()));
}
