//! Lists, figures, health.

use std::time::Duration;

use jiff::Timestamp;
use rig_conductor::store::{Command, Filter, Outcome, Store};
use rig_wire::{EscalationState, Severity};
use uuid::Uuid;

use crate::harness::*;

on_each_store!(
    a_list_is_ordered_and_filtered,
    pages_show_every_escalation_once,
    an_id_is_found_by_its_beginning,
    figures_count_by_severity_and_agent,
    the_backlog_tells_what_waits_and_what_is_wrong,
    what_is_due_is_found_by_indexes_alone,
);

/// Makes an escalation of its own kind.
async fn make(store: &dyn Store, severity: Severity, agent: &str, repo: &str, issue: u64) -> Uuid {
    let mut new = creation(severity, &format!("{agent} {repo} {issue}"));
    (new.agent_id, new.repo, new.issue_number) = (agent.to_owned(), Some(repo.to_owned()), Some(issue));
    new.token = agent.to_owned();
    run(store, Command::Create(new)).await.unwrap().escalation.id
}

async fn ids(store: &dyn Store, filter: &Filter) -> Vec<Uuid> {
    store.escalations(filter).await.unwrap().iter().map(|shown| shown.escalation.id).collect()
}

async fn a_list_is_ordered_and_filtered(place: &Place) {
    let store = place.open().await;
    let a = make(&*store, Severity::P2, "dev-a", "O/One", 1).await;
    let b = make(&*store, Severity::P0, "dev-b", "o/one", 2).await;
    let c = make(&*store, Severity::P2, "dev-b", "o/two", 1).await;
    let d = make(&*store, Severity::P1, "dev-a", "o/two", 2).await;
    run(&*store, ack(c, "stig")).await.unwrap();
    run(&*store, close(d, "done")).await.unwrap();
    let all = Filter { limit: 10, ..Filter::default() };
    let repo = |repo: &str| Filter { repo: Some(repo.to_owned()), ..all.clone() };
    let cases = [
        (all.clone(), vec![b, d, a, c]),
        (Filter { limit: 2, ..all.clone() }, vec![b, d]),
        (Filter { states: vec![EscalationState::Open], ..all.clone() }, vec![b, a]),
        (
            Filter { states: vec![EscalationState::Open, EscalationState::Acked], ..all.clone() },
            vec![b, a, c],
        ),
        (Filter { states: vec![EscalationState::Closed], ..all.clone() }, vec![d]),
        (Filter { severities: vec![Severity::P2, Severity::P1], ..all.clone() }, vec![d, a, c]),
        (repo("O/ONE"), vec![b, a]),
        (Filter { issue: Some(1), ..repo("o/two") }, vec![c]),
        (Filter { agent: Some("dev-a".to_owned()), ..all.clone() }, vec![d, a]),
        (Filter { agent: Some("DEV-A".to_owned()), ..all.clone() }, vec![]),
        (Filter { issue: Some(u64::MAX), ..all.clone() }, vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&*store, &filter).await, expected, "{filter:?}");
    }
    let waiting = store.escalations(&all).await.unwrap();
    let waiting: Vec<usize> = waiting.iter().map(|shown| shown.waiting.len()).collect();
    assert_eq!(waiting, [3, 0, 1, 0], "what was acked or closed is not announced any more");
}

async fn pages_show_every_escalation_once(place: &Place) {
    let store = place.open().await;
    for n in 0..25 {
        make(&*store, Severity::ALL[n % 3], &format!("dev-{n}"), "o/r", n as u64).await;
    }
    // Some at the same moment: the id decides.
    let moment = place.pick("1700000000000000", "'2024-01-01 00:00:00Z'");
    place.sql(&format!("update escalations set created_at = {moment} where severity = 'P1'; select 1"));
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.escalations(&Filter { after, limit: 4, ..Filter::default() }).await.unwrap();
        let Some(last) = page.last().map(|shown| shown.escalation.clone()) else { break };
        // What is shown comes from the document; the row's time was moved.
        let at = match last.severity {
            Severity::P1 => moment_of(place),
            _ => last.created_at,
        };
        after = Some((last.severity, at, last.id));
        seen.extend(page.into_iter().map(|shown| shown.escalation.id));
    }
    let whole = ids(&*store, &Filter { limit: 100, ..Filter::default() }).await;
    assert_eq!((seen.len(), seen), (25, whole));
}

fn moment_of(place: &Place) -> Timestamp {
    place.pick("2023-11-14T22:13:20Z", "2024-01-01T00:00:00Z").parse().unwrap()
}

async fn an_id_is_found_by_its_beginning(place: &Place) {
    let store = place.open().await;
    for id in ["0190aaaa-0000-7000-8000-000000000001", "0190aaaa-0000-7000-8000-000000000002"] {
        let mut new = creation(Severity::P2, id);
        new.id = id.parse().unwrap();
        run(&*store, Command::Create(new)).await.unwrap();
    }
    for (prefix, expected) in [
        ("0190", 2),
        ("0190AAAA-0000-7000-8000-000000000001", 1),
        ("0190aaaa00007000800000000000000", 2),
        ("0190aaab", 0),
        ("", 0),
        ("%", 0),
        ("not an id", 0),
    ] {
        assert_eq!(store.ids_with_prefix(prefix).await.unwrap().len(), expected, "{prefix:?}");
    }
}

async fn figures_count_by_severity_and_agent(place: &Place) {
    let store = place.open().await;
    let a = make(&*store, Severity::P2, "dev-a", "o/r", 1).await;
    let b = make(&*store, Severity::P0, "dev-b", "o/r", 2).await;
    store.advance(Duration::from_secs(100)).await.unwrap();
    run(&*store, ack(a, "stig")).await.unwrap();
    // Being raised, it is open again, but it had been taken.
    run(&*store, raise(a, None)).await.unwrap();
    store.advance(Duration::from_secs(100)).await.unwrap();
    run(&*store, ack(a, "stig")).await.unwrap();
    run(&*store, close(b, "done")).await.unwrap();
    let before = store.now().await.unwrap();
    make(&*store, Severity::P2, "dev-B", "o/r", 3).await;
    let stats = store.stats(None, None).await.unwrap();
    assert_eq!((stats.open, stats.acked, stats.closed), ([0, 0, 1], [0, 1, 0], 1));
    assert_eq!(stats.ack_seconds.len(), 1);
    assert!((100..110).contains(&stats.ack_seconds[0]), "{:?}", stats.ack_seconds);
    let agents: Vec<_> =
        stats.by_agent.iter().map(|one| (one.agent_id.as_str(), one.open, one.acked, one.closed)).collect();
    assert_eq!(agents, [("dev-B", 1, 0, 0), ("dev-a", 0, 1, 0), ("dev-b", 0, 0, 1)]);
    let one = store.stats(Some("dev-b"), None).await.unwrap();
    assert_eq!((one.closed, one.acked, one.by_agent.len(), one.ack_seconds.len()), (1, [0; 3], 1, 0));
    let late = store.stats(None, Some(before)).await.unwrap();
    assert_eq!((late.open, late.acked, late.closed), ([0, 0, 1], [0; 3], 0));
    assert_eq!(store.stats(Some("dev-a"), Some(before)).await.unwrap().by_agent, []);
}

async fn the_backlog_tells_what_waits_and_what_is_wrong(place: &Place) {
    let store = place.open().await;
    let empty = store.backlog().await.unwrap();
    assert_eq!((empty.pending, empty.failed, empty.oldest_pending, empty.swept_at), (0, 0, None, None));
    assert_eq!((empty.undelivered_since, empty.undelivered_p0_since), (None, None));
    let p2 = create(&*store, Severity::P2, "a").await;
    let p0 = create(&*store, Severity::P0, "b").await;
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.open, backlog.acked, backlog.pending), ([1, 0, 1], [0; 3], 4));
    assert_eq!(backlog.oldest_pending, Some(p2.created_at));
    assert_eq!(backlog.undelivered_since, Some(p2.created_at));
    assert_eq!(backlog.undelivered_p0_since, Some(p0.created_at));
    for one in claim(&*store, "one").await {
        let failed = Outcome::Failed { error: "403".to_owned(), fallback: None };
        let outcome = if one.target == "111" { sent("1") } else { failed };
        store.settle(&one.claim, outcome, &policy()).await.unwrap().unwrap();
    }
    // One person was told of the P0, nobody of the P2.
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.failed, backlog.undelivered_p0_since), (0, 1, None));
    assert_eq!(backlog.undelivered_since, Some(p2.created_at));
    // A new level is one of which nobody was told.
    store.advance(HOUR).await.unwrap();
    run(&*store, raise(p2.id, Some(Severity::P0))).await.unwrap();
    let raised = get(&*store, p2.id).await;
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.open, backlog.pending, backlog.failed), ([2, 0, 0], 3, 0));
    assert_eq!(backlog.undelivered_p0_since, Some(raised.level_since));
    run(&*store, ack(p2.id, "stig")).await.unwrap();
    store.swept().await.unwrap();
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.open, backlog.acked), ([1, 0, 0], [1, 0, 0]));
    assert_eq!((backlog.pending, backlog.undelivered_since), (0, None));
    assert!(backlog.swept_at.is_some_and(|at| at <= backlog.now));
}

/// With many escalations that are closed, or open and not due, every question of a sweep reads an index.
async fn what_is_due_is_found_by_indexes_alone(place: &Place) {
    let store = place.open().await;
    let id = create(&*store, Severity::P2, "a").await.id;
    deliver(&*store).await;
    let copy = "insert into escalations (id, severity, initial_severity, state, agent_id, repo, issue_number, \
                token, dedup_key, created_at, level_since, delivered, version, doc) \
                select NEW, case n % 100 when 1 then 'P0' else severity end, initial_severity, \
                case n % 100 when 0 then 'acked' when 1 then 'open' when 2 then 'open' else 'closed' end, \
                agent_id, repo, n, token, 'k' || n, created_at, LATER, delivered, version, doc \
                from escalations, SERIES where state = 'open'";
    let series = place.pick(
        "(with recursive s (n) as (select 1 union all select n + 1 from s where n < 20000) select n from s)",
        "generate_series(1, 20000) as n",
    );
    let new = place.pick("printf('%08x-0000-4000-8000-000000000000', n)", "gen_random_uuid()");
    let later = place.pick("4102444800000000", "timestamptz '2100-01-01 00:00:00Z'");
    let copy = copy.replace("SERIES", series).replace("NEW", new).replace("LATER", later);
    place.sql(&format!("{copy}; select 1"));
    let sent = "insert into outbox (id, key, escalation, purpose, round, severity, route, target, nonce, state, \
                attempt, not_before, created_at, updated_at) \
                select NEW, 'k' || n, escalation, purpose, round, severity, route, target, nonce, 'sent', \
                attempt, not_before, created_at, updated_at from outbox, SERIES where key not like 'k%'";
    place.sql(&format!("{}; select 1", sent.replace("SERIES", series).replace("NEW", new)));
    place.sql("analyze; select 1");
    let level = place.pick("1000", "'2020-01-01Z'");
    let explain = place.pick("explain query plan ", "explain ");
    let silent = place.pick("delivered = 0", "not delivered");
    for (query, index) in [
        (
            format!("select id from escalations where state = 'open' and severity = 'P2' and level_since <= {level} order by level_since limit 100"),
            "escalations_due",
        ),
        (
            format!("select id from escalations where state = 'open' and severity = 'P0' and coalesce(reminded_at, level_since) <= {level} order by coalesce(reminded_at, level_since) limit 100"),
            "escalations_remind",
        ),
        (
            format!("select id from escalations e where state = 'open' and {silent} and not exists (select 1 from outbox o where o.escalation = e.id and o.purpose = 'announce' and (o.state = 'pending' or o.updated_at > {level})) order by severity, level_since limit 100"),
            "escalations_undelivered",
        ),
        (
            "select severity, state, count(*) from escalations where state <> 'closed' group by 1, 2".to_owned(),
            "escalations_active",
        ),
        (
            "select e.doc from escalations e where e.state <> 'closed' and e.state in ('open', 'acked') order by e.severity, e.created_at, e.id limit 50".to_owned(),
            "escalations_active",
        ),
        (
            format!("select created_at from escalations where token = 'x' and initial_severity = 'P2' and created_at >= {level} order by created_at"),
            "escalations_creations",
        ),
        (
            format!("select min(not_before) from outbox where state = 'pending' and not_before > {level}"),
            "outbox_next",
        ),
    ] {
        let plan = place.sql(&format!("{explain}{query}"));
        assert!(plan.contains(index), "{query}\n{plan}");
        // No other way than by an index through the big table.
        assert!(!plan.contains("SCAN e\n") && !plan.contains("Seq Scan on escalations"), "{query}\n{plan}");
    }
    assert_eq!(store.due(&policy(), 10).await.unwrap(), []);
    store.advance(4 * HOUR).await.unwrap();
    assert_eq!(crate::commands::due(&*store).await, [(id, "Bump")]);
}
