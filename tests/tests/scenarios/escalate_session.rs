//! An agent in a session of the real client asks for a person, who is told, takes it, and is left in peace.

use rig_testkit::discord::{ADMIN, ALICE, FakeDiscord, TASKS, TOKEN};
use rig_testkit::eventually;
use rig_tests::needs::program;
use rig_tests::{Session, with_client};
use serde_json::Value;

use crate::escalate_service::{AGENTS, Service};

/// Lets the model ask for a person with Bash, and returns the escalation as the service knows it.
#[track_caller]
fn asks(session: &mut Session, service: &Service, reason: &str) -> Value {
    let told = session.bash(&format!("{} P1 '{reason}' --json", program("rig-escalate").display()));
    assert!(!told.is_error, "{told:?}\n{}", service.log());
    let answer = told.text.lines().collect::<String>();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {told:?}"));
    let id = answer["id"].as_str().expect("an id");
    // The command waits a few seconds for a person to be told, which a busy machine may exceed.
    eventually("a person to be told", || Some(known(service, id)).filter(|now| now["delivered"] == true))
}

#[track_caller]
fn known(service: &Service, id: &str) -> Value {
    let output = service.run("agent", &["show", id, "--json"]);
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

#[test]
fn what_an_operator_takes_is_not_raised_and_what_nobody_takes_is() {
    with_client(|scene| {
        let discord = FakeDiscord::start();
        let mut service = Service::start(&[
            ("RIG_CONDUCTOR_SWEEP_EVERY", "1s"),
            ("DISCORD_API_URL", &discord.url()),
            ("DISCORD_BOT_TOKEN", TOKEN),
            ("RIG_DISCORD_ADMIN_CHANNEL", &ADMIN.to_string()),
            ("RIG_DISCORD_TASKS_CHANNEL", &TASKS.to_string()),
            ("RIG_DISCORD_P0_USERS", &ALICE.to_string()),
        ]);
        let scene = scene.env("AGENT_ID", "dev-e-node");
        let scene = scene.env("CONDUCTOR_BASE_URL", service.url()).env("CONDUCTOR_TOKEN", AGENTS);
        scene.sync(&[]);
        let mut session = scene.start();
        let taken = asks(&mut session, &service, "CI is stuck: the third run ends without a log");
        let left = asks(&mut session, &service, "two reviews of this branch want the opposite");
        session.end();
        assert_eq!((&taken["severity"], &taken["agentId"]), (&"P1".into(), &"dev-e-node".into()), "{taken}");
        let words =
            ["CI is stuck: the third run ends without a log", "two reviews of this branch want the opposite"];
        // Each was delivered, so its message is there.
        let seen = discord.in_channel("#admin");
        assert!(seen.len() == 2 && words.iter().zip(&seen).all(|(w, n)| n.text().contains(w)), "{seen:#?}");

        let [taken, left] = [&taken, &left].map(|one| one["id"].as_str().expect("an id").to_owned());
        let ack = service.run("kari", &["ack", &taken]);
        assert_eq!(ack.code, Some(0), "{ack:?}");
        // From now on a level lasts no longer than both have lasted already.
        service.down();
        service.set("RIG_CONDUCTOR_BUMP_AFTER", "1s");
        service.up();
        let raised = eventually("the bump of what nobody took", || {
            Some(known(&service, &left)).filter(|now| now["severity"] == "P0" && now["delivered"] == true)
        });
        assert_eq!(raised["bumpCount"], 1, "{raised}");
        // The sweep that raised the one has looked at the other.
        let now = known(&service, &taken);
        assert_eq!(
            (&now["state"], &now["severity"], &now["bumpCount"], &now["ackedBy"]),
            (&"acked".into(), &"P1".into(), &0.into(), &"human-kari".into()),
            "{now}"
        );
        // It counts as delivered as soon as one of the two ways to a person has confirmed.
        let calls = eventually("both calls of the P0", || {
            let calls = discord.messages().into_iter().filter(|n| !n.pings.is_empty());
            Some(calls.map(|n| n.text()).collect::<Vec<_>>()).filter(|calls| calls.len() >= 2)
        });
        assert!(calls.len() == 2 && calls.iter().all(|text| text.contains(words[1])), "{calls:#?}");
    });
}
