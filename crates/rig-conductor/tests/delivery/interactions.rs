//! Presses of buttons.

use std::net::SocketAddr;
use std::sync::Arc;

use rig_conductor::app::App;
use rig_conductor::domain::Via;
use rig_conductor::http;
use rig_conductor::interactions::BODY_LIMIT;
use rig_conductor::settings::StoreSettings;
use rig_conductor::store::Command;
use rig_testkit::Interaction;
use rig_testkit::discord::{ALICE, BOB, CAROL, Id, ONCALL, What};
use rig_testkit::interaction::Answer;
use rig_wire::EscalationState;
use rig_wire::Severity::{P0, P1};
use serde_json::json;

use crate::world::{World, ids, of};

/// Serves what clients see.
async fn serve(app: &Arc<App>) -> String {
    let router = http::router(Arc::clone(app));
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

fn click(world: &World, service: &str, message: Id, label: &str, by: Id) -> Answer {
    blocking(|| world.discord.click(service, message, label, by))
}

fn said(answer: &Answer) -> &str {
    assert_eq!((answer.kind(), &answer.data()["flags"]), (4, &json!(64)), "{answer:?}");
    answer.data()["content"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_is_recorded_and_shown_at_once_and_a_second_one_changes_nothing() {
    let world = World::new().await;
    let service = serve(&world.app).await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    let message = ids(&world, "#admin")[0];
    let answer = click(&world, &service, message, "Ack", ALICE);
    assert_eq!(answer.kind(), 7);
    let shown = world.shown(id).await.escalation;
    assert_eq!((shown.state, shown.acked_by.as_deref()), (EscalationState::Acked, Some("discord:somebody")));
    let line = "edit #admin: P1: acked. P1 - acme/app#15 (Ack) [Close]";
    assert_eq!(world.notices(&[What::Edited]), [line]);
    // The second press of one who saw the button still alive.
    let again = Interaction::click(&format!("esc1:ack:{id}"));
    assert_eq!(blocking(|| world.discord.interact(&service, message, again)).kind(), 7);
    assert_eq!(world.shown(id).await.escalation.version, shown.version);
    while world.drain().await > 0 {}
    assert_eq!(world.discord.message(message).unwrap()["content"], "P1: acked.");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_asks_for_a_resolution_first() {
    let world = World::new().await;
    let service = serve(&world.app).await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    let message = ids(&world, "#admin")[0];
    let form = click(&world, &service, message, "Close", ALICE);
    assert_eq!((form.kind(), world.shown(id).await.escalation.state), (9, EscalationState::Open));
    let submit = |text: &str| {
        let sent = Interaction::submit(form.data(), &[("resolution", text)]);
        blocking(|| world.discord.interact(&service, message, sent))
    };
    assert_eq!(said(&submit(" \u{200b}\n")), "A resolution is needed: what came of it?");
    assert_eq!(submit("restarted\u{202e} it, token=abcdefgh12345678").kind(), 7);
    let shown = world.shown(id).await.escalation;
    assert_eq!(shown.resolution.as_deref(), Some("restarted it, token=[redacted]"));
    assert_eq!(
        said(&submit("something else")),
        "Not done: the escalation is closed with another resolution."
    );
    let ack = Interaction::click(&format!("esc1:ack:{id}"));
    let answer = blocking(|| world.discord.interact(&service, message, ack));
    assert_eq!(said(&answer), "Not done: the escalation is closed.");
    let close = Interaction::click(&format!("esc1:close:{id}"));
    assert_eq!(said(&blocking(|| world.discord.interact(&service, message, close))), "It is closed already.");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_are_named_may_press() {
    let world = World::new().await;
    let service = serve(&world.app).await;
    let id = world.create(P0, "a key was pushed").await;
    world.drain().await;
    let press = |by: Id, roles: &[Id]| {
        let click = Interaction::click(&format!("esc1:ack:{id}")).by(by).roles(roles);
        blocking(|| world.discord.interact(&service, ids(&world, "#admin")[0], click))
    };
    for (by, roles) in [(BOB, &[][..]), (CAROL, &[77])] {
        assert_eq!(said(&press(by, roles)), "You may not do this. Ask an operator to take it.");
    }
    assert_eq!(world.shown(id).await.escalation.state, EscalationState::Open);
    assert_eq!(press(BOB, &[ONCALL]).kind(), 7);
    assert_eq!(world.shown(id).await.escalation.state, EscalationState::Acked);
    // In direct messages a role cannot be seen.
    let direct = Interaction::click(&format!("esc1:close:{id}")).by(BOB).roles(&[ONCALL]);
    let answer = blocking(|| world.discord.interact(&service, ids(&world, "@bob")[0], direct));
    assert_eq!(said(&answer), "You may not do this. Ask an operator to take it.");

    let world = World::with(|settings| {
        of(settings).button_users.clear();
        of(settings).button_roles.clear();
    })
    .await;
    let service = serve(&world.app).await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    assert_eq!(world.discord.live_buttons(), []);
    let click = Interaction::click(&format!("esc1:ack:{id}"));
    let answer = blocking(|| world.discord.interact(&service, ids(&world, "#admin")[0], click));
    assert_eq!(said(&answer), "You may not do this. Ask an operator to take it.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_discords_is_refused_before_it_is_read() {
    let world = World::new().await;
    let service = serve(&world.app).await;
    let id = world.create(P1, "CI is red").await;
    let click = || Interaction::click(&format!("esc1:ack:{id}"));
    let send = |interaction: Interaction| blocking(|| interaction.send(&service));
    for (interaction, status) in [
        (click().forged(), 401),
        (click().unsigned(), 401),
        (click().tampered(), 401),
        (click().garbled(), 401),
        (click().old(301), 401),
        (Interaction::ping().forged(), 401),
        (click().set("filler", "x".repeat(BODY_LIMIT).into()), 413),
        (click().set("type", json!(99)), 400),
    ] {
        assert_eq!(send(interaction.clone()).status, status, "{interaction:?}");
    }
    assert_eq!(world.shown(id).await.escalation.state, EscalationState::Open);
    let pong = send(Interaction::ping());
    assert_eq!((pong.status, pong.body), (200, json!({ "type": 1 })));
    assert_eq!(said(&send(Interaction::click("esc1:raise:1"))), "This button is not known any more.");
    let unknown = Interaction::click(&format!("esc1:ack:{}", uuid::Uuid::nil()));
    assert_eq!(said(&send(unknown)), "This escalation is not known.");
    // A message that the store does not know yet is edited later.
    assert_eq!(send(click().old(240)).kind(), 6);
    assert_eq!(world.shown(id).await.escalation.state, EscalationState::Acked);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_is_no_endpoint() {
    let world = World::with(|settings| of(settings).public_key = None).await;
    let service = serve(&world.app).await;
    assert_eq!(blocking(|| Interaction::ping().send(&service)).status, 404);
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    assert_eq!(world.discord.live_buttons(), []);
    world.app.execute(Command::Announce { id }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_slow_the_click_is_answered_and_carried_out_later() {
    let world = World::new().await;
    let service = serve(&world.app).await;
    let id = world.create(P1, "CI is red").await;
    world.drain().await;
    let message = ids(&world, "#admin")[0];
    let StoreSettings::Sqlite(file) = &world.app.settings.store else { panic!("a file") };
    let busy = rusqlite::Connection::open(file).unwrap();

    busy.execute_batch("begin immediate").unwrap();
    assert_eq!(click(&world, &service, message, "Ack", ALICE).kind(), 6);
    busy.execute_batch("commit").unwrap();
    eventually_acked(&world, id).await;
    while world.drain().await > 0 {}
    assert_eq!(world.discord.message(message).unwrap()["content"], "P1: acked.");

    // What does not work in the end is told to the one who clicked.
    let close = Command::Close { id, resolution: "done".to_owned(), by: "stig".to_owned(), via: Via::Cli };
    world.app.execute(close).await.unwrap();
    busy.execute_batch("begin immediate").unwrap();
    let ack = Interaction::click(&format!("esc1:ack:{id}"));
    assert_eq!(blocking(|| world.discord.interact(&service, message, ack)).kind(), 6);
    busy.execute_batch("commit").unwrap();
    let seen = blocking(|| world.discord.wait_for(|seen| seen.iter().any(|n| n.what == What::Reply)));
    assert_eq!(seen.last().unwrap().content, "Not done: the escalation is closed.");
}

async fn eventually_acked(world: &World, id: uuid::Uuid) {
    for _ in 0..200 {
        if world.shown(id).await.escalation.state == EscalationState::Acked {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nobody acked it");
}
