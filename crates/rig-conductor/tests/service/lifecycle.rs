use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rig_testkit::http::{exchange, send};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{AGENT, OPERATOR, Plan};

/// A request of which so many bytes of the body are missing.
fn half_a_request(url: &str, body: &str, missing: usize) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(rig_testkit::PATIENCE)).unwrap();
    let head = format!(
        "POST /api/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {AGENT}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        body.len(),
        &body[..body.len() - missing]
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_request_that_was_begun_is_answered_before_the_end_and_stays_after_it() {
    let plan = Plan::default();
    let service = plan.start();
    let body = json!({"type": "ESCALATION_CREATED", "agentId": "dev-e", "severity": "P1", "reason": "slow"});
    let body = body.to_string();
    let mut stream = half_a_request(&service.url, &body, 5);
    // Its head is read before the signal comes: another request behind it was answered.
    std::thread::sleep(Duration::from_millis(100));
    service.get("/api/escalations");
    service.signal(Signal::TERM);
    rig_testkit::eventually("the port to close", || {
        TcpStream::connect(service.url.strip_prefix("http://").unwrap()).is_err().then_some(())
    });
    stream.write_all(&body.as_bytes()[body.len() - 5..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (code, log) = service.ended();
    assert_eq!(code, Some(0), "{log}");
    let open = plan.start().get("/api/escalations");
    assert_eq!((open[0]["reason"].as_str(), open.as_array().unwrap().len()), (Some("slow"), 1));
}

#[test]
fn an_idle_connection_does_not_hold_the_end_up() {
    let service = Plan::default().start();
    let address = service.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET /health HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let log = service.stop();
    assert!(!log.contains("not answered"), "{log}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let service = Plan::default().start();
    let _stream = half_a_request(&service.url, &json!({"type": "HEARTBEAT"}).to_string(), 5);
    std::thread::sleep(Duration::from_millis(100));
    service.signal(Signal::INT);
    rig_testkit::eventually("the port to close", || {
        TcpStream::connect(service.url.strip_prefix("http://").unwrap()).is_err().then_some(())
    });
    service.signal(Signal::TERM);
    let (code, log) = service.ended();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.ends_with("rig-conductor: ended at once by a second signal\n"), "{log}");
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let plan = Plan::default();
    let service = plan.start();
    let ids: Vec<_> = (0..20).map(|n| service.escalate("P2", &format!("number {n}"))).collect();
    service.signal(Signal::KILL);
    assert_eq!(service.ended().0, None);
    let service = plan.start();
    for id in ids {
        assert_eq!(service.severity(&id), "P2");
    }
}

#[test]
fn a_request_is_named_by_its_sender_or_by_the_service() {
    let service = Plan::default().start();
    let named = |id: &str| {
        let answer = exchange(&service.url, "GET", "/health", &[("x-request-id", id)], "").unwrap();
        answer.get("x-request-id").unwrap().to_owned()
    };
    assert_eq!(named("trace-1"), "trace-1");
    assert_eq!(named("no good name").len(), 36);
    let log = service.stop();
    assert!(!log.contains("no good name"), "{log}");
}

#[test]
fn the_log_holds_no_token_no_query_and_no_body() {
    let service = Plan::default().with("RIG_CONDUCTOR_LOG", "trace").start();
    let secret = "wrong-secret-of-somebody-else";
    let (status, _) = service.ask("GET", "/api/escalations?agentId=query-word", secret, &Value::Null);
    assert_eq!(status, 401);
    let id = service.escalate("P1", "body-word");
    service.post(&format!("/api/escalations/{id}/close"), OPERATOR, &json!({"resolution": "body-word too"}));
    let log = service.stop();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["path"] == "/api/escalations" && line["status"] == 401), "{log}");
    assert!(lines.iter().any(|line| line["span"]["caller"] == "maria"), "{log}");
    for word in [secret, AGENT, OPERATOR, "query-word", "body-word"] {
        assert!(!log.contains(word), "{word} is in {log}");
    }
}

#[test]
fn a_panic_in_one_request_is_an_error_of_that_request() {
    let service = Plan::default().start();
    let answer = service.ask("POST", "/test/panic", AGENT, &Value::Null);
    assert_eq!(answer, (500, json!({"error": "the service failed on this request"})));
    assert_eq!(service.get("/health")["status"], "healthy");
    let log = service.stop();
    assert!(log.contains("\"panic\":\"as asked\""), "{log}");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let service = Plan::default().start();
    let body = json!({"type": "HEARTBEAT", "agentId": "dev-e", "status": "x".repeat(70_000)});
    let (status, answer) = service.ask("POST", "/api/events", AGENT, &body);
    assert_eq!(status, 413, "{answer}");
    assert!(answer["error"].is_string(), "{answer}");
}

#[test]
fn what_is_no_http_disturbs_nobody() {
    let service = Plan::default().start();
    let address = service.url.strip_prefix("http://").unwrap();
    for bytes in [&b"\x16\x03\x01 hello"[..], b"GET", b"GET / HTTP/1.1\r\nhost\r\n\r\n", b"\r\n\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(bytes).unwrap();
    }
    let head = format!("GET /health HTTP/1.1\r\nhost: {address}\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let mut stream = TcpStream::connect(address).unwrap();
    // It may have closed the connection before all of it was sent.
    let _ = stream.write_all(head.as_bytes());
    assert_eq!(send(&service.url, "GET", "/health", &[], "").unwrap().0, 200);
}

#[test]
fn what_keeps_it_from_starting_is_said() {
    let plan = Plan::default();
    let running = plan.start();
    let address = running.url.strip_prefix("http://").unwrap();
    plan.command(&["serve", "--listen", address])
        .stderr(format!(
            "rig-conductor: failed to listen on {address}: Address already in use (os error 98)\n"
        ))
        .exits(1);
    let said = plan.command(&["serve", "--store", "sqlite:/nonexistent/x.db"]).output();
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
    assert!(said.stderr.contains("/nonexistent"), "{}", said.stderr);
    plan.command(&["serve", "--sweep-every", "2h"])
        .stderr(
            "rig-conductor: --sweep-every: \"2h\" is more than 1h\n\
             hint: `rig-conductor config check` shows every setting and where it comes from\n",
        )
        .exits(2);
    plan.command(&["serve", "--embedded", "--log", "info"])
        .stderr(
            "rig-conductor: `--embedded` takes no other setting; they come from ~/.config/rig/conductor.json\n",
        )
        .exits(2);
}
