//! Who gets to see a token.

use crate::scene::{BY_REST, OPEN, REST, Scene, UNKNOWN, about_github, path_with};
use rig_testkit::FakeGithub;
use rig_testkit::github::Mode;
use rig_testkit::http::Request;
use serde_json::json;

#[test]
fn an_enterprise_server_has_its_own_paths_and_tokens() {
    let scene = Scene::new();
    scene.repo.git(["remote", "set-url", "origin", "https://git.acme.io/acme/app.git"]);
    scene.github.behave(|b| b.tokens = vec!["enterprise".into()]);
    let hook = scene
        .hook("startup")
        .env("GITHUB_SERVER_URL", "https://git.acme.io")
        .env("GITHUB_API_URL", format!("{}/api/v3", scene.github.url()))
        .env("GH_ENTERPRISE_TOKEN", "enterprise");
    assert_eq!(about_github(&scene, hook), [OPEN]);
    let asked: Vec<_> =
        scene.github.requests().iter().map(|r| (r.target.clone(), authorization(r))).collect();
    assert_eq!(asked, [("/api/graphql".to_owned(), "Bearer enterprise".to_owned())]);
}

#[test]
fn an_expired_token_is_followed_by_the_next_one() {
    let scene = Scene::new();
    scene.github.behave(|b| b.tokens = vec!["fresh".into()]);
    let hook = scene.hook("startup").env("GITHUB_TOKEN", "fresh");
    assert_eq!(about_github(&scene, hook), [OPEN, "GitHub refused the token of GH_TOKEN (401)."]);
    let hook = scene.hook("startup").env("GITHUB_TOKEN", "old");
    let expected = [
        BY_REST,
        REST,
        "GitHub refused the token of GH_TOKEN and of GITHUB_TOKEN (401) and was asked without one.",
    ];
    assert_eq!(about_github(&scene, hook), expected);
    scene.github.behave(|b| b.public = false);
    let hook = scene.hook("startup").env("GITHUB_TOKEN", "old");
    assert_eq!(
        about_github(&scene, hook),
        [UNKNOWN, "GitHub refused the token of GH_TOKEN and of GITHUB_TOKEN (401)."]
    );
}

#[test]
fn no_token_is_ever_printed() {
    for change in [Mode::Normal, Mode::NotFound, Mode::ServerError, Mode::Forbidden("t0ken")] {
        let forbidden = matches!(change, Mode::Forbidden(_));
        let scene = Scene::new();
        scene.github.behave(|b| b.mode = change);
        let printed = scene.prints(scene.program().arg("--json"));
        // What GitHub itself says is not the token of this session.
        assert_eq!(printed.contains("t0ken"), forbidden, "{printed}");
    }
}

#[test]
fn the_stored_token_of_gh_is_asked_for_the_host_alone() {
    let scene = Scene::new();
    scene.github.behave(|b| b.tokens = vec!["stored".into()]);
    let log = scene.home.join("gh.log");
    let script =
        format!("#!/bin/sh\necho \"$*; $GH_TOKEN$GITHUB_TOKEN\" >> '{}'\necho stored\n", log.display());
    let hook = scene.hook("startup").env("PATH", path_with(&scene, "gh", &script));
    assert_eq!(about_github(&scene, hook), [OPEN, "GitHub refused the token of GH_TOKEN (401)."]);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "auth token --hostname github.com; \n");
}

#[test]
fn an_alias_of_ssh_stands_for_its_host() {
    let scene = Scene::new();
    scene.repo.git(["remote", "set-url", "origin", "git@github.com-work:acme/app.git"]);
    let script = "#!/bin/sh\n[ \"$*\" = '-G -- github.com-work' ] && echo 'hostname ssh.github.com'\n";
    let hook = scene.hook("startup").env("PATH", path_with(&scene, "ssh", script));
    assert_eq!(about_github(&scene, hook), [OPEN]);
}

#[test]
fn a_token_goes_neither_to_a_place_of_the_project_nor_to_a_stranger_nor_along_a_redirect() {
    let scene = Scene::new();
    let elsewhere = FakeGithub::start();
    // The project says where GitHub is.
    scene.repo.git(["remote", "set-url", "origin", "https://127.0.0.1:9/acme/app.git"]);
    let settings = json!({ "env": { "GITHUB_API_URL": elsewhere.url(), "GH_HOST": "127.0.0.1:9" } });
    scene.repo.write(".claude/settings.json", settings.to_string());
    let hook = scene
        .hook("startup")
        .env("GITHUB_API_URL", elsewhere.url())
        .env("GH_HOST", "127.0.0.1:9")
        .env("GH_ENTERPRISE_TOKEN", "e");
    let expected = [
        UNKNOWN,
        "GitHub was not asked: 127.0.0.1:9 is not known to be a GitHub; set GH_HOST if it is.",
        "GH_HOST is not used: the settings of this project set it.",
        "GITHUB_API_URL is not used: the settings of this project set it.",
    ];
    assert_eq!(about_github(&scene, hook), expected);
    assert_eq!(elsewhere.requests(), []);

    // GitHub says that it is elsewhere.
    let scene = Scene::new();
    scene.github.behave(|b| b.mode = Mode::Redirect(elsewhere.url()));
    let moved = "GitHub says that the repository has moved; update the remote's URL.";
    assert_eq!(about_github(&scene, scene.hook("startup")), [UNKNOWN, moved]);
    assert_eq!(elsewhere.requests(), []);
}

fn authorization(request: &Request) -> String {
    request.header("authorization").unwrap_or_default().to_owned()
}
