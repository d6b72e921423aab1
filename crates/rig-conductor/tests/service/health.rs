use std::time::Duration;

use rig_testkit::discord::{ADMIN, ALICE, Fault, Route, TASKS, TOKEN};
use rig_testkit::http::Response;
use rig_testkit::{FakeDiscord, Postgres, eventually};
use serde_json::Value;

use crate::harness::{Plan, Watcher};

fn with_discord(discord: &FakeDiscord) -> Plan {
    let channel = |id: u64| id.to_string();
    Plan::default()
        .with("DISCORD_API_URL", &discord.url())
        .with("DISCORD_BOT_TOKEN", TOKEN)
        .with("RIG_DISCORD_ADMIN_CHANNEL", &channel(ADMIN))
        .with("RIG_DISCORD_TASKS_CHANNEL", &channel(TASKS))
        .with("RIG_DISCORD_P0_USERS", &channel(ALICE))
}

#[test]
fn without_discord_the_service_is_degraded_and_says_why() {
    let service = Plan::default().start();
    let expected = [
        "store: Ok",
        "discord: Degraded, not configured: nobody is told of escalations",
        "delivery: Ok",
        "sweep: Ok",
    ];
    let (status, overall, all) = eventually("the first sweep", || {
        let health = service.health();
        (!health.2.iter().any(|line| line.contains("not yet"))).then_some(health)
    });
    assert_eq!((status, overall.as_str(), all), (200, "Degraded", expected.map(str::to_owned).to_vec()));
    let shape = service.get("/healthz/deep");
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&shape), "checkedAt dependencies overall");
    assert_eq!(names(&shape["dependencies"][0]), "critical lastCheckAt latencyMs name reason status");
}

#[test]
fn with_discord_all_is_well_until_it_refuses() {
    let discord = FakeDiscord::start();
    let service = with_discord(&discord).start();
    let ok = ["store: Ok", "discord: Ok", "delivery: Ok", "sweep: Ok"].map(str::to_owned);
    let (status, overall, all) = eventually("the first sweep", || {
        let health = service.health();
        (!health.2.iter().any(|line| line.contains("not yet"))).then_some(health)
    });
    assert_eq!((status, overall.as_str(), all), (200, "Ok", ok.to_vec()));
    discord.fail(Route::ANY, Fault::SERVER_ERROR, usize::MAX);
    service.escalate("P1", "stuck");
    service.advance(Duration::from_secs(3 * 60));
    let told = "delivery: Degraded, an open escalation has reached nobody for 3 min; 1 message waits";
    let (status, overall, all) = eventually("the delivery to be noticed", || {
        let health = service.health();
        health.2.iter().any(|line| line == told).then_some(health)
    });
    assert_eq!((status, overall.as_str()), (200, "Degraded"), "{all:?}");
    discord.heal();
    eventually("the message to arrive", || {
        // A try that had failed is made again after a minute at most; one that is under way gets time.
        service.advance(Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(500));
        service.health().2.contains(&"delivery: Ok".to_owned()).then_some(())
    });
}

#[test]
fn a_sweep_that_is_overdue_is_noticed() {
    let service = Plan::default().start();
    service.sweep();
    service.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(service.health().2[3], "sweep: Ok");
    service.advance(Duration::from_secs(60));
    assert_eq!(service.health().2[3], "sweep: Degraded, overdue: the last one ended 2 h ago");
    service.sweep();
    assert_eq!(service.health().2[3], "sweep: Ok");
}

#[test]
fn an_upstream_that_is_down_degrades_and_does_not_stop_the_service() {
    let upstream = Watcher::start();
    let service = Plan::default().with("RIG_CONDUCTOR_UPSTREAM", &upstream.url("")).start();
    assert_eq!(service.health().2[4], "upstream: Ok");
    assert_eq!(upstream.calls(), ["GET /health"]);
    upstream.answers(Response::empty(500));
    let last = |wanted: &str| {
        eventually(wanted, || {
            let (status, overall, all) = service.health();
            (all[4] == wanted).then_some((status, overall))
        })
    };
    assert_eq!(last("upstream: Degraded, it answered 500"), (200, "Degraded".to_owned()));
    drop(upstream);
    assert_eq!(last("upstream: Unreachable, it cannot be reached"), (200, "Degraded".to_owned()));
}

#[test]
fn without_its_store_the_service_is_unreachable_and_comes_back_with_it() {
    let Some(postgres) = Postgres::private().start() else { return };
    let database = postgres.database();
    let plan = Plan::default().with("RIG_CONDUCTOR_STORE", &database.url());
    let service = plan.start();
    assert_eq!(service.health().0, 200);
    postgres.stop();
    let (_, overall, all) = eventually("the store to be missed", || {
        let health = service.health();
        (health.0 == 503).then_some(health)
    });
    assert_eq!(
        (overall.as_str(), all[0].as_str()),
        ("Unreachable", "store: Unreachable, it cannot be reached")
    );
    assert_eq!(service.get("/health")["status"], "healthy", "the process itself is well");
    postgres.start();
    eventually("the store to be back", || (service.health().0 == 200).then_some(()));
}
