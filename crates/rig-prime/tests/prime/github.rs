//! What is said about GitHub when GitHub is not as it should be.

use std::time::Duration;

use crate::scene::{BY_REST, OPEN, REST, Scene, UNKNOWN, about, about_github};
use rig_testkit::Payload;
use rig_testkit::github::{Behaviour, Mode};
use serde_json::json;

#[track_caller]
fn check(change: impl FnOnce(&mut Behaviour), expected: &[&str]) {
    let scene = Scene::new();
    scene.github.behave(change);
    assert_eq!(about_github(&scene, scene.hook("startup")), expected);
}

#[test]
fn each_way_to_fail_is_told_in_one_line() {
    for (mode, line) in [
        (Mode::PrimaryLimit(1_767_323_045), "GitHub is rate limited until 03:04 UTC."),
        (Mode::SecondaryLimit, "GitHub is rate limited."),
        (Mode::GraphQlLimit, "GitHub is rate limited."),
        (Mode::NotFound, "GitHub shows no such repository to this session."),
        (Mode::ServerError, "GitHub answered with status 502."),
        (Mode::Html, "GitHub gave an answer that cannot be read."),
        (Mode::Huge, "GitHub gave an answer larger than 1 MiB."),
        (
            Mode::Forbidden("Resource not accessible\nby » integration"),
            "GitHub does not allow it (403): «Resource not accessible by ' integration»",
        ),
    ] {
        check(|b| b.mode = mode, &[UNKNOWN, line]);
    }
}

#[test]
fn the_time_to_come_back_is_told_where_github_gives_one() {
    let scene = Scene::new();
    scene.github.behave(|b| b.mode = Mode::TooMany(3600));
    let lines = about_github(&scene, scene.hook("startup"));
    let [_, line] = &lines[..] else { panic!("{lines:?}") };
    let time = line.strip_prefix("GitHub is rate limited until ").and_then(|rest| rest.strip_suffix(" UTC."));
    assert!(time.is_some_and(|time| time.len() == 5 && time.as_bytes()[2] == b':'), "{line}");
}

#[test]
fn what_came_with_errors_is_kept_and_the_rest_is_named() {
    let error =
        json!({ "type": "FORBIDDEN", "path": ["x"], "message": "Resource not accessible » by integration" });
    check(
        |b| b.mode = Mode::Partial(vec![error], &["statusCheckRollup", "reviewThreads"]),
        &["PR #15 is open.", "GitHub left something out: «Resource not accessible ' by integration»"],
    );
}

#[test]
fn an_issue_that_github_does_not_show_is_no_reason_to_drop_the_rest() {
    check(|b| b.repository["issues"] = json!([]), &[OPEN]);
}

#[test]
fn without_graphql_or_a_token_rest_tells_what_it_can() {
    check(|b| b.mode = Mode::NoGraphQl, &[BY_REST, REST]);
    let scene = Scene::new();
    assert_eq!(about_github(&scene, scene.hook("startup").without_env("GH_TOKEN")), [BY_REST, REST]);
    assert!(scene.github.requests().iter().all(|r| r.header("authorization").is_none()));
    scene.github.behave(|b| b.public = false);
    let line = "GitHub shows no such repository to this session.";
    assert_eq!(about_github(&scene, scene.hook("startup").without_env("GH_TOKEN")), [UNKNOWN, line]);
}

#[test]
fn rest_tells_reviews_checks_comments_and_what_came_before() {
    let scene = Scene::new();
    scene.github.behave(|b| b.mode = Mode::NoGraphQl);
    let printed = scene.prints(scene.hook("startup"));
    let from = printed.find("PR #15 «").expect("the pull request");
    assert_eq!(
        &printed[from..],
        "PR #15 «Add login form»: checks: 1 failing, 1 running, 2 fine; 3 review comments and 1 outdated; \
         reviews: review-e-bot requested changes, stig commented, which decides nothing. \
         https://github.com/acme/app/pull/15\n\
         GitHub was asked without GraphQL, so review decisions and resolved threads are not known.\n\
         Failing checks of PR #15: «test (ubuntu, stable)» (FAILURE).\n\
         Review comments, resolved or not, of PR #15:\n\
         - src/login.rs:17, review-e-bot: «An empty password is accepted here.»\n\
         - src/session.rs:108, stig: «When does this expire? I would expect 30 minutes.» (2 replies)\n\
         - README.md:3, stig: «Please mention the new route.» (1 reply)\n\
         Review comments on older code of PR #15:\n\
         - src/login.rs, stig: «Typo.»\n\
         Continue this work; do not ask for a new assignment before it is finished.\n"
    );
    scene.github.behave(|b| b.pull(0)["state"] = "MERGED".into());
    assert_eq!(about_github(&scene, scene.hook("startup")), ["PR #15 is already merged."]);
}

#[test]
fn a_hundred_threads_are_not_paged_through() {
    let scene = Scene::new();
    scene.github.behave(|b| {
        let threads = &mut b.pull(0)["reviewThreads"];
        let one = threads["nodes"][0].clone();
        threads["nodes"] = vec![one; 100].into();
        threads["totalCount"] = 130.into();
    });
    let printed = scene.prints(scene.hook("startup"));
    assert!(printed.starts_with(
        "You are dev-e-node, working on acme/app#42, branch feature/issue-42-login; \
         PR #15 is open with 100+ unresolved review threads.\n"
    ));
    assert!(printed.contains("\n- and 88 more\n"), "{printed}");
    assert_eq!(scene.github.requests().len(), 1);
}

#[test]
fn a_branch_of_a_pull_request_that_was_checked_out_by_number_is_that_pull_request() {
    let scene = Scene::new();
    scene.repo.git(["config", "branch.feature/issue-42-login.remote", "origin"]);
    scene.repo.git(["config", "branch.feature/issue-42-login.merge", "refs/pull/15/head"]);
    scene.github.behave(|b| b.pull(0)["headRefName"] = "another-name".into());
    assert_eq!(about_github(&scene, scene.hook("startup")), [OPEN]);
}

#[test]
fn https_without_a_real_server_is_an_error_and_no_panic() {
    let scene = Scene::new();
    // What answers is no TLS: the handshake begins, for which roots and a provider are needed.
    let server = scene.github.url().replace("http://", "https://");
    let host = server.strip_prefix("https://").expect("a URL");
    scene.repo.git(["remote", "set-url", "origin", &format!("{server}/acme/app.git")]);
    let hook = |host: &str| {
        scene
            .hook("startup")
            .without_env("GITHUB_API_URL")
            .env("GH_HOST", host)
            .env("GH_ENTERPRISE_TOKEN", "e")
    };
    let lines = about_github(&scene, hook(host));
    assert_eq!(lines[0], UNKNOWN);
    assert!(lines[1].starts_with("GitHub cannot be reached: "), "{lines:?}");
    // And where nobody listens.
    scene.repo.git(["remote", "set-url", "origin", "https://127.0.0.1:1/acme/app.git"]);
    let lines = about_github(&scene, hook("127.0.0.1:1"));
    assert!(lines[1].starts_with("GitHub cannot be reached: "), "{lines:?}");
}

#[test]
fn a_github_that_says_nothing_is_late_and_the_rest_is_printed() {
    let scene = Scene::new();
    scene.github.behave(|b| b.mode = Mode::Hang(Duration::from_secs(120)));
    // The hook ends while GitHub still holds the connection.
    let printed = scene.prints_at_once(scene.hook("startup"));
    assert_eq!(about(&printed), [UNKNOWN, "GitHub did not answer in time."]);
    assert_eq!(scene.github.requests().len(), 1);
    scene.github.release();
}

#[test]
fn other_events_ask_nobody_and_print_nothing() {
    let scene = Scene::new();
    for event in ["PreCompact", "PostCompact", "UserPromptSubmit", "Stop"] {
        let payload = Payload::new(event).cwd(scene.repo.path());
        scene.program().payload(payload).stdout("").exits(0);
    }
    assert_eq!((scene.github.requests(), scene.conductor.requests()), (vec![], vec![]));
}
