use serde_json::json;

use crate::harness::{OPERATOR, Plan};

#[test]
fn read_models_that_differ_from_the_log_are_found_and_mended() {
    let plan = Plan::default();
    let service = plan.start();
    let id = service.escalate("P1", "stuck");
    service.post(&format!("/api/escalations/{id}/ack"), OPERATOR, &json!({}));
    service.stop();
    let same = "2 events make 1 escalations and 0 agents, all as stored\n";
    plan.command(&["replay", "--check"]).stdout(same).exits(0);
    let database = rusqlite::Connection::open(plan.dir().join("conductor.db")).unwrap();
    assert_eq!(database.execute("update escalations set state = 'open'", []).unwrap(), 1);
    drop(database);
    for (words, head, code) in [
        (
            &["replay", "--check"][..],
            "2 events make 1 escalations and 0 agents; 1 rows are stored otherwise:",
            1,
        ),
        (
            &["replay"],
            "2 events make 1 escalations and 0 agents; 1 rows were stored otherwise and are mended:",
            1,
        ),
        (&["replay", "--check"], "2 events make 1 escalations and 0 agents, all as stored", 0),
    ] {
        let said = plan.command(words).output();
        assert_eq!((said.stdout.lines().next(), said.code), (Some(head), Some(code)), "{}", said.stderr);
        assert_eq!(said.stdout.contains(&id), code == 1, "{}", said.stdout);
    }
}
