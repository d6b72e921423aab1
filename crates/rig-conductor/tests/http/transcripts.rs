use rig_conductor::settings::Settings;
use rig_testkit::needs::variable;
use rig_testkit::postgres::Database;
use rig_testkit::{FakeConductor, Postgres};

use crate::service::Service;
use crate::transcript;

/// Runs a transcript and compares what came out with it, as a whole. With `RIG_TEST_UPDATE=1` it is
/// written anew instead, to be read and committed.
#[track_caller]
fn check(name: &str, database: Option<&Database<'_>>, change: impl FnOnce(&mut Settings)) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/http/transcripts")
        .join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        let service = Service::start_on(database, change).await;
        transcript::run(&service, &expected).await
    });
    if database.is_none() && variable("RIG_TEST_UPDATE").is_some() {
        std::fs::write(&path, &seen).unwrap();
        return;
    }
    for (number, (seen, expected)) in seen.lines().zip(expected.lines()).enumerate() {
        assert_eq!(seen, expected, "{}:{}", path.display(), number + 1);
    }
    assert_eq!(seen.lines().count(), expected.lines().count(), "{}", path.display());
}

macro_rules! transcripts {
    ($($test:ident: $name:literal,)+) => {
        mod on_sqlite {
            use super::*;
            $(#[test]
            fn $test() {
                check($name, None, |_| {});
            })+
        }

        mod on_postgres {
            use super::*;
            $(#[test]
            fn $test() {
                let Some(server) = Postgres::shared() else { return };
                check($name, Some(&server.database()), |_| {});
            })+
        }
    };
}

transcripts! {
    events_of_work_are_kept_in_either_casing_on_the_stream_of_their_issue_or_agent: "work",
    each_member_of_an_event_is_checked_and_named: "validation",
    an_escalation_goes_from_its_creation_to_its_end_by_either_way_of_writing: "life",
    each_role_may_do_what_its_tokens_are_for_by_either_way_of_writing: "roles",
    what_comes_from_a_web_page_or_is_meant_for_another_host_is_refused: "origin",
    the_same_escalation_is_created_once_however_often_it_is_sent: "repeats",
    a_flood_is_refused_and_a_p0_is_never: "flood",
    pages_follow_each_other_until_all_is_seen: "pages",
    each_parameter_of_a_query_is_checked_and_named: "queries",
    bodies_methods_and_paths_that_do_not_fit_are_refused_as_json: "requests",
    texts_of_agents_are_cleaned_and_their_secrets_are_not_kept: "hostile",
    agents_are_shown_by_their_last_beat: "agents",
    figures_count_states_agents_and_the_time_until_somebody_came: "stats",
}

#[test]
fn an_upstream_gets_everything_but_escalations() {
    let upstream = FakeConductor::behaving(|behaviour| {
        behaviour.old = true;
        behaviour.agents = vec![serde_json::json!({ "id": "dev-e-node", "isOnline": true })];
    });
    check("upstream", None, |settings| settings.upstream = Some(upstream.url()));
    let seen: Vec<String> = upstream
        .requests()
        .iter()
        .map(|request| {
            assert_eq!(request.header("authorization"), None);
            let id = request.header("x-request-id").unwrap_or("-");
            format!("{} {} {id} {}", request.method, request.target, String::from_utf8_lossy(&request.body))
        })
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/transcripts/upstream-seen.txt");
    let seen = seen.join("\n") + "\n";
    if variable("RIG_TEST_UPDATE").is_some() {
        std::fs::write(path, &seen).unwrap();
    }
    assert_eq!(seen, std::fs::read_to_string(path).unwrap());
}
