//! A service that refuses, fails or is away; and which token is blamed.

use rig_testkit::http::Response;
use serde_json::json;

use crate::scene::{ID, Scene, output};

const OPERATORS: &str = "ack, close and raise take an operator's token: --token-file, CONDUCTOR_OPERATOR_TOKEN, or conductor.operatorToken in ~/.config/rig/config.json beside conductor.baseUrl\n";

/// A service that gives one answer.
fn answering(response: Response) -> Scene {
    Scene::new(move |_| Some(response.clone()))
}

fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({ "error": message }))
}

#[test]
fn each_answer_has_its_words_and_its_exit_code() {
    for (response, code, expected) in [
        (error(404, "there is no escalation 01a20302"), 1, "there is no escalation 01a20302"),
        (Response::empty(404), 1, "http://SERVICE keeps no escalations (404)"),
        (error(409, "it is closed"), 1, "it is closed"),
        (error(400, "state: has to be \u{1b}[31mopen"), 1, "state: has to be open"),
        (Response::empty(405), 1, "http://SERVICE refused with 405"),
        (
            error(429, "too many").header("retry-after", "30"),
            5,
            "http://SERVICE asks to be left alone for 30 s",
        ),
        (
            error(503, "the store cannot be reached"),
            5,
            "http://SERVICE answered 503: the store cannot be reached",
        ),
        (Response::new(500, "text/html", "<h1>no</h1>"), 5, "http://SERVICE answered 500"),
        (Response::empty(302).header("location", "http://127.0.0.1:1/"), 5, "http://SERVICE answered 302"),
        (
            Response::new(200, "text/html", "<h1>hello</h1>"),
            5,
            "http://SERVICE gave an answer that cannot be read",
        ),
        (Response::json(200, &json!([])), 5, "http://SERVICE gave an answer that cannot be read"),
    ] {
        let scene = answering(response.clone());
        let said = scene.said(scene.run(&["show", ID]));
        assert_eq!(said, output(code, "", &format!("rig-escalate: {expected}\n")), "{response:?}");
        if !response.body.starts_with(b"[") {
            let said = scene.said(scene.run(&["show", ID, "--json"]));
            let expected = format!("{}\n", json!({ "error": expected }));
            assert_eq!(said, output(code, "", &expected), "{response:?}");
        }
    }
}

#[test]
fn a_service_that_is_away_is_said_to_be() {
    let scene = Scene::new(|_| None);
    for args in [&["list"][..], &["ack", ID], &["stats"], &["watch"]] {
        let said = scene.run(args).env("CONDUCTOR_BASE_URL", "http://127.0.0.1:1").output();
        let why = "http://127.0.0.1:1 could not be reached: ";
        assert_eq!((said.code, said.stdout.as_str()), (Some(5), ""), "{args:?}");
        assert!(said.stderr.starts_with(&format!("rig-escalate: {why}")), "{args:?}: {}", said.stderr);
        assert!(!said.stderr.contains("not known"), "{args:?}: {}", said.stderr);
        let said = scene.run(args).without_env("CONDUCTOR_BASE_URL").output();
        let expected = "rig-escalate: no coordinator is set up\n\
                        rig-escalate: set CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json\n";
        assert_eq!(said, output(4, "", expected), "{args:?}");
    }
}

#[test]
fn a_refusal_names_the_token_that_was_sent_and_the_one_that_is_wanted() {
    let unknown = || answering(error(401, "a valid token is required (Authorization: Bearer)"));
    let words = "http://SERVICE refused with 401: a valid token is required (Authorization: Bearer)";
    let scene = unknown();
    let said = scene.said(scene.run(&["list"]));
    let expected = format!("rig-escalate: {words}\nrig-escalate: the token from CONDUCTOR_TOKEN was sent\n");
    assert_eq!(said, output(1, "", &expected));
    let said = scene.said(scene.without_tokens(&["list"]));
    let hint = "no token was sent; set CONDUCTOR_TOKEN, or conductor.token in ~/.config/rig/config.json beside conductor.baseUrl";
    assert_eq!(said, output(1, "", &format!("rig-escalate: {words}\nrig-escalate: {hint}\n")));
    let said = scene.said(scene.run(&["ack", ID]));
    let expected = format!(
        "rig-escalate: {words}\nrig-escalate: the token from CONDUCTOR_OPERATOR_TOKEN was sent; {OPERATORS}"
    );
    assert_eq!(said, output(1, "", &expected));
    // The token of an agent in the place of the operator's.
    let scene = answering(error(403, "an operator's token is required to ack"));
    scene.home.write("agent.token", "agents\n");
    let said = scene.said(scene.run(&["ack", ID, "--token-file", "agent.token"]));
    let expected = format!(
        "rig-escalate: http://SERVICE refused with 403: an operator's token is required to ack\n\
         rig-escalate: the token from agent.token was sent; {OPERATORS}"
    );
    assert_eq!(said, output(1, "", &expected));
    assert_eq!(scene.asked(), [format!("POST /api/escalations/{ID}/ack agents")]);
}

#[test]
fn without_an_operators_token_nothing_is_sent_and_the_agents_is_not_taken() {
    let scene = Scene::new(|_| Some(Response::json(200, &json!({}))));
    let agents = scene.without_tokens(&["ack", ID]).env("CONDUCTOR_TOKEN", "agents");
    let expected =
        format!("rig-escalate: there is no operator's token for http://SERVICE\nrig-escalate: {OPERATORS}");
    assert_eq!(scene.said(agents), output(1, "", &expected));
    // A repository that names a coordinator gets no token of a person.
    let settings = json!({ "env": { "CONDUCTOR_BASE_URL": scene.server.url() } });
    scene.home.write("p/.claude/settings.json", settings.to_string());
    scene.home.write("person.token", "persons\n");
    let said = scene.said(scene.run(&["raise", ID]).cwd(scene.home.join("p")));
    let withheld = "the operator's token was not sent to http://SERVICE: it was not configured for it";
    assert_eq!(said, output(1, "", &format!("rig-escalate: {withheld}\nrig-escalate: {OPERATORS}")));
    let file = scene.home.join("person.token").display().to_string();
    let said = scene.said(scene.run(&["raise", ID, "--token-file", &file]).cwd(scene.home.join("p")));
    let chosen = "the operator's token was not sent to http://SERVICE: this repository's settings chose that coordinator";
    assert_eq!(said, output(1, "", &format!("rig-escalate: {chosen}\nrig-escalate: {OPERATORS}")));
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn a_token_may_come_from_a_file_or_from_the_settings() {
    let scene = Scene::new(|_| Some(Response::json(200, &crate::scene::escalation(&json!({})))));
    scene.home.write("person.token", "  of-a-file \n");
    scene.home.write("empty.token", "\n");
    scene.said(scene.run(&["ack", ID, "--token-file", "person.token"]));
    let conductor = json!({ "baseUrl": scene.server.url(), "operatorToken": "of-settings" });
    scene.home.config(&json!({ "conductor": conductor }));
    scene.said(scene.without_tokens(&["ack", ID]).without_env("CONDUCTOR_BASE_URL"));
    let asked = scene.asked();
    assert!(asked[0].ends_with(" of-a-file") && asked[1].ends_with(" of-settings"), "{asked:?}");
    for (file, why) in
        [("none.token", "No such file or directory (os error 2)"), ("empty.token", "it holds no token")]
    {
        let said = scene.said(scene.run(&["ack", ID, "--token-file", file]));
        let expected = format!("rig-escalate: failed to read the operator's token from {file}: {why}\n");
        assert_eq!(said, output(2, "", &expected));
    }
}

#[test]
fn a_wrong_token_leaves_an_escalation_in_the_spool_and_is_named() {
    let scene = answering(error(401, "a valid token is required"));
    let said = scene.said(scene.run(&["P1", "x", "--issue", "1"]));
    assert_eq!(said.code, Some(3));
    assert!(
        said.stderr.contains("\nrig-escalate: the token from CONDUCTOR_TOKEN was sent\n"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("NOT DELIVERED: P1 escalation"), "{}", said.stderr);
}
