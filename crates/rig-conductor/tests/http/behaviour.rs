//! What needs more than one request at a time, or somebody on the other side.

use std::sync::Arc;
use std::time::Duration;

use rig_conductor::store::Outcome;
use rig_testkit::http::{Reply, Response, Server};
use rig_testkit::{FakeConductor, Mode};
use serde_json::{Value, json};

use crate::service::Service;

const ID: &str = "0199aaaa-0000-7000-8000-000000000001";

fn creation(id: &str, reason: &str) -> String {
    json!({ "type": "ESCALATION_CREATED", "severity": "P2", "reason": reason, "agentId": "a", "escalationId": id })
        .to_string()
}

async fn types(service: &Service, id: &str) -> Vec<String> {
    let answer = service.send("pool", "GET", &format!("/api/escalations/{id}/events"), &[], None).await;
    let events: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ack_or_close_at_once_one_does_it() {
    let service = Arc::new(Service::start(|_| {}).await);
    service.send("pool", "POST", "/api/events", &[], Some(&creation(ID, "x"))).await;
    for (action, body, others) in [("ack", "{}", 200), ("close", r#"{"resolution":"done"}"#, 200)] {
        let tasks = (0..20).map(|n| {
            let (service, body) = (Arc::clone(&service), body.to_owned());
            let caller = if n % 2 == 0 { "stig" } else { "kari" };
            let target = format!("/api/escalations/{ID}/{action}");
            tokio::spawn(async move { service.send(caller, "POST", &target, &[], Some(&body)).await.status })
        });
        for task in tasks.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), others);
        }
    }
    assert_eq!(types(&service, ID).await, ["EscalationCreated", "EscalationAcked", "EscalationClosed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_creations_at_once_become_one_escalation() {
    let service = Arc::new(Service::start(|_| {}).await);
    let tasks = (0..20).map(|n| {
        let service = Arc::clone(&service);
        // Some of the same id, some of ids of their own.
        let id = format!("0199aaaa-0000-7000-8000-00000000000{}", n % 4);
        tokio::spawn(async move {
            let answer = service.send("pool", "POST", "/api/events", &[], Some(&creation(&id, "same"))).await;
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            (answer.status, body["escalationId"].as_str().unwrap().to_owned())
        })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    let first = answers[0].clone();
    assert!(answers.iter().all(|answer| *answer == first && answer.0 == 200), "{answers:?}");
    let notes = ["EscalationNoteAdded"; 3];
    assert_eq!(types(&service, &first.1).await, [&["EscalationCreated"], notes.as_slice()].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_is_answered_when_the_message_has_arrived() {
    let service = Arc::new(Service::start(|_| {}).await);
    service.send("pool", "POST", "/api/events", &[], Some(&creation(ID, "x"))).await;
    let reader = {
        let service = Arc::clone(&service);
        let target = format!("/api/escalations/{ID}?wait=10&after=pending");
        tokio::spawn(async move { service.send("pool", "GET", &target, &[], None).await })
    };
    let store = &service.app.store;
    let claimed = store.claim("test", 10, Duration::from_secs(60)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    // Held is pending still.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!reader.is_finished());
    let outcome = Outcome::Sent {
        channel_id: "1".into(),
        message_id: "2".into(),
        thread_id: None,
        url: Some("https://discord.com/channels/0/1/2".into()),
        repeated: false,
    };
    store.settle(&claimed[0].claim, outcome, &service.app.settings.policy).await.unwrap().unwrap();
    let seen: Value = serde_json::from_str(&reader.await.unwrap().body).unwrap();
    assert_eq!((&seen["delivered"], &seen["notifications"][0]["state"]), (&json!(true), &json!("sent")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_token_nothing_is_answered_but_health() {
    let service = Service::start(|settings| settings.tokens.clear()).await;
    for caller in ["pool", "stig", "nobody"] {
        assert_eq!(service.send(caller, "GET", "/api/escalations", &[], None).await.status, 401);
        assert_eq!(service.send(caller, "POST", "/api/events", &[], Some("{}")).await.status, 401);
    }
    assert_eq!(service.send("nobody", "GET", "/health", &[], None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_call_by_any_address_but_by_no_other_name_and_from_no_page() {
    let service = Service::start(|_| {}).await;
    for (header, value, status) in [
        ("host", "10.2.3.4:8080", 200),
        ("host", "[fd00::1]:8080", 200),
        ("host", "localhost", 200),
        ("host", "evil.example", 421),
        ("origin", "https://evil.example", 403),
    ] {
        for path in ["/health", "/healthz/deep", "/metrics"] {
            let headers = [(header.to_owned(), value.to_owned())];
            let answer = service.send("nobody", "GET", path, &headers, None).await;
            assert_eq!(answer.status, status, "{path} {header}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_fails_is_told_from_one_that_cannot_be_reached() {
    let upstream = FakeConductor::start();
    let url = upstream.url();
    let service = Service::start(|settings| settings.upstream = Some(url.clone())).await;
    let target = "/api/queue";
    for (mode, expected) in [
        (
            Mode::ServerError,
            "500 <!DOCTYPE html><html><body><h1>500 Internal Server Error</h1></body></html>",
        ),
        (Mode::NoContent, "204 "),
        (Mode::Redirect("http://127.0.0.1:1".to_owned()), "307 "),
    ] {
        upstream.mode(mode);
        let answer = service.send("pool", "GET", target, &[], None).await;
        assert_eq!(format!("{} {}", answer.status, answer.body), expected);
    }
    let heartbeat = r#"{"type":"HEARTBEAT","agentId":"a"}"#;
    upstream.mode(Mode::Huge);
    let answer = service.send("pool", "POST", "/api/events", &[], Some(heartbeat)).await;
    assert_eq!((answer.status, answer.body.len() > 2 << 20), (200, true));
    upstream.mode(Mode::Close);
    for body in [None, Some(heartbeat)] {
        let (method, target) = if body.is_some() { ("POST", "/api/events") } else { ("GET", target) };
        let answer = service.send("pool", method, target, &[], body).await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert!(answer.body.starts_with(r#"{"error":"the upstream cannot be reached: "#), "{}", answer.body);
    }
    // Whatever becomes of it, escalations are taken.
    let answer = service.send("pool", "POST", "/api/events", &[], Some(&creation(ID, "x"))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstreams_answer_without_end_is_not_handed_back() {
    let server = Server::start(|_| Reply::Send(Response::new(200, "text/plain", vec![b'x'; 5 << 20])));
    let url = server.url();
    let service = Service::start(|settings| settings.upstream = Some(url)).await;
    let answer = service.send("pool", "GET", "/api/queue", &[], None).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (502, r#"{"error":"the upstream answered with more than 4 MiB"}"#)
    );
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_told_by_health_though_it_can_be_read() {
    let service = Service::start(|_| {}).await;
    let rig_conductor::settings::StoreSettings::Sqlite(file) = &service.app.settings.store else { panic!() };
    let aside = file.with_extension("aside");
    let beat = Some(r#"{"type":"HEARTBEAT","agentId":"dev-e-node"}"#);
    let store = async |expected: u16| {
        let answer = service.send("pool", "POST", "/api/events", &[], beat).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
        // Health gives its last answer again for half a second.
        tokio::time::sleep(Duration::from_millis(600)).await;
        let health = service.send("nobody", "GET", "/healthz/deep", &[], None).await;
        let health: serde_json::Value = serde_json::from_str(&health.body).unwrap();
        let store = &health["dependencies"][0];
        format!("{} {} {}", store["name"], store["status"], store["reason"])
    };
    assert_eq!(store(200).await, r#""store" "Ok" null"#);
    std::fs::rename(file, &aside).unwrap();
    assert_eq!(store(500).await, r#""store" "Degraded" "what was written last was not kept""#);
    std::fs::rename(&aside, file).unwrap();
    assert_eq!(store(200).await, r#""store" "Ok" null"#);
}
