//! `rig-escalate` against the installed `rig-conductor` on SQLite, as transcripts.
//!
//! A transcript is a file in `escalate/`. A line `WHO$ WORDS` runs a command, and what follows is all
//! that it said: stdout, then stderr with `2> ` before each line, then the exit code in brackets. What
//! differs from run to run has a name: the ids are `<1>`, `<2>` in the order in which they appear, cut
//! ones `<1..>`; times are `<time>`, ages `<age>`, in tables `~`; what Discord's double
//! numbered is `<sent>`, and hashes of the service are `<hash>`.

use std::sync::Barrier;

use rig_testkit::discord::{ALICE, TOKEN};
use rig_testkit::{FakeDiscord, Output};

use crate::escalate_service::{Service, Transcript};

#[track_caller]
fn plays(name: &str, service: &mut Service) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/scenarios/escalate")
        .join(format!("{name}.txt"));
    let script = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
    let played = Transcript::play(&script, service);
    assert!(played == script, "{} plays as\n{played}", path.display());
}

#[test]
fn an_escalation_lives_as_the_transcript_tells() {
    plays("life", &mut Service::start(&[]));
}

#[test]
fn what_is_refused_says_why_and_which_token_was_sent() {
    plays("refused", &mut Service::start(&[]));
}

#[test]
fn what_comes_as_json_is_as_documented() {
    plays("json", &mut Service::start(&[]));
}

#[test]
fn an_outage_loses_no_escalation_and_says_so() {
    plays("outage", &mut Service::start(&[]));
}

#[test]
fn people_who_are_told_make_it_delivered() {
    let discord = FakeDiscord::start();
    let channel = |id: u64| id.to_string();
    let (admin, tasks) = (channel(rig_testkit::discord::ADMIN), channel(rig_testkit::discord::TASKS));
    let mut service = Service::start(&[
        ("DISCORD_API_URL", &discord.url()),
        ("DISCORD_BOT_TOKEN", TOKEN),
        ("RIG_DISCORD_ADMIN_CHANNEL", &admin),
        ("RIG_DISCORD_TASKS_CHANNEL", &tasks),
        ("RIG_DISCORD_P0_USERS", &channel(ALICE)),
    ]);
    plays("delivered", &mut service);
}

#[test]
fn of_two_operators_at_once_both_are_told_who_has_it() {
    let service = Service::start(&[]);
    let id = service.create("P1", "race");
    let [a, b] = at_once(&service, [("stig", &["ack", &id]), ("kari", &["ack", &id])]);
    assert_eq!((a.code, b.code), (Some(0), Some(0)), "{a:?} {b:?}");
    let by = |output: &Output| {
        let words = output.stdout.split("taken by ").nth(1).expect("who has it").split(',').next();
        words.expect("a name").to_owned()
    };
    assert_eq!(by(&a), by(&b));
    let acks = service.run("agent", &["history", &id, "--json"]).stdout.matches("EscalationAcked").count();
    assert_eq!(acks, 1);
}

#[test]
fn of_two_operators_who_close_with_different_words_one_is_refused() {
    let service = Service::start(&[]);
    let id = service.create("P1", "race");
    let outputs = at_once(
        &service,
        [
            ("stig", &["close", &id, "--resolution", "one"]),
            ("kari", &["close", &id, "--resolution", "other"]),
        ],
    );
    let mut codes = outputs.each_ref().map(|output| output.code);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{outputs:?}");
    let refused = outputs.iter().find(|output| output.code == Some(1)).expect("one of them");
    assert_eq!(refused.stderr, "rig-escalate: the escalation is closed with another resolution\n");
}

fn at_once(service: &Service, commands: [(&str, &[&str]); 2]) -> [Output; 2] {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        commands
            .map(|(who, args)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    service.run(who, args)
                })
            })
            .map(|command| command.join().expect("no panic"))
    })
}
