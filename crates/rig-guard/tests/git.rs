//! What a repository on the disk says about a command of git: its settings, its branch, its top.

use std::path::Path;

use rig_testkit::{Home, Program, Repo};
use serde_json::Value;

/// Returns the rule that refuses a command in a directory.
#[track_caller]
fn rule(home: &Home, cwd: &Path, project: Option<&Path>, command: &str) -> Option<String> {
    let mut guard = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(home).cwd(cwd);
    if let Some(project) = project {
        guard = guard.env("CLAUDE_PROJECT_DIR", project);
    }
    let output = guard.args(["check", "--json", command]).output();
    let verdict: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    verdict["rule"].as_str().map(str::to_owned)
}

/// Judges commands at the top of a repository; each stands with the rule that refuses it, or nothing.
#[track_caller]
fn check(home: &Home, repo: &Repo, cases: &[(&str, Option<&str>)]) {
    for (command, expected) in cases {
        assert_eq!(rule(home, repo.path(), None, command).as_deref(), *expected, "{command}");
    }
}

const FORCE: Option<&str> = Some("git.push.force");
const DISCARD: Option<&str> = Some("git.tree.discard");
const CLEAN: Option<&str> = Some("git.clean");

#[test]
fn a_push_that_the_settings_force_is_refused() {
    let home = Home::new();
    let repo = home.repo("app");
    let set = |key: &str, value: &str| drop(repo.git(["config", "--add", key, value]));
    set("remote.backup.url", "../backup.git");
    set("remote.backup.mirror", "true");
    set("remote.origin.url", "../app.git");
    set("remote.origin.push", "refs/heads/main");
    set("remote.origin.push", "+refs/heads/wip/*:refs/heads/wip/*");
    check(
        &home,
        &repo,
        &[
            ("git push backup", FORCE),
            ("git push \"$REMOTE\"", FORCE),
            ("git push backup main:main", None),
            ("git push --dry-run backup", None),
            ("git push origin", FORCE),
            ("git push", FORCE),
            ("git push origin wip/a", FORCE),
            ("git push origin refs/heads/wip/a", FORCE),
            ("git push origin main", None),
            ("git push origin wip/a:wip/a", None),
            ("git push origin --tags", None),
            ("git push origin tag wip/a", None),
            ("git push --tags backup", FORCE),
            ("git -c remote.backup.mirror=false push backup", None),
            ("cd /tmp && git push backup", None),
        ],
    );
}

#[test]
fn the_remote_of_a_push_is_that_of_the_branch() {
    let home = Home::new();
    let repo = home.repo("app");
    repo.write("more", "[remote \"backup\"]\n\tmirror = yes\n");
    repo.git(["config", "include.path", "../more"]);
    check(&home, &repo, &[("git push", None), ("git push backup", FORCE)]);
    repo.git(["config", "branch.main.remote", "backup"]);
    check(&home, &repo, &[("git push", FORCE), ("git push origin", None)]);
    repo.git(["config", "branch.main.pushRemote", "origin"]);
    check(&home, &repo, &[("git push", None)]);
    repo.git(["switch", "--quiet", "-c", "topic"]);
    repo.git(["config", "remote.pushDefault", "backup"]);
    check(&home, &repo, &[("git push", FORCE)]);
}

#[test]
fn a_lease_is_refused_while_a_protected_branch_is_checked_out() {
    let home = Home::new();
    let repo = home.repo("app");
    repo.write("a", "");
    repo.commit("first");
    let cases = |expected| {
        [
            ("git push --force-with-lease", expected),
            ("git push --force-with-lease origin", expected),
            ("git push --force-with-lease origin HEAD", expected),
            ("git push -u --force-with-lease origin @", expected),
            ("git push --force-with-lease origin HEAD:topic", None),
            ("git push --force-with-lease=topic", None),
            ("git push", None),
        ]
    };
    check(&home, &repo, &cases(FORCE));
    // What is checked out on the way counts.
    check(
        &home,
        &repo,
        &[
            ("git switch -c topic && git push -u origin HEAD --force-with-lease", None),
            ("git checkout topic && git rebase main && git push --force-with-lease", None),
            ("git rebase main topic; git push --force-with-lease", None),
            ("git switch topic && git switch main && git push --force-with-lease", FORCE),
            ("git checkout - && git push --force-with-lease", None),
            ("git checkout -- a && git push --force-with-lease", FORCE),
            ("git config alias.lease 'push --force-with-lease'", None),
            ("git commit --amend --no-edit && git push --force-with-lease", FORCE),
        ],
    );
    repo.git(["worktree", "add", "--quiet", "-b", "side", "../side"]);
    let side = repo.path().with_file_name("side");
    assert_eq!(rule(&home, &side, None, "git push --force-with-lease"), None);
    assert_eq!(rule(&home, &side, None, "git -C ../app push --force-with-lease").as_deref(), FORCE);
    repo.git(["switch", "--quiet", "-c", "topic"]);
    check(&home, &repo, &cases(None));
    check(&home, &repo, &[("git checkout main && git push --force-with-lease", FORCE)]);
    repo.git(["switch", "--quiet", "--detach"]);
    check(&home, &repo, &cases(None));
}

#[test]
fn a_branch_that_is_deleted_and_pushed_anew_is_a_forced_push_whatever_it_is_called() {
    let home = Home::new();
    let repo = home.repo("app");
    repo.git(["switch", "--quiet", "-c", "topic"]);
    check(
        &home,
        &repo,
        &[
            ("git push origin :topic && git push -u origin HEAD", FORCE),
            ("git push origin :topic && git push", FORCE),
            ("git push origin :other && git push", None),
        ],
    );
}

#[test]
fn what_is_the_whole_work_tree_depends_on_its_top_and_on_the_project() {
    let home = Home::new();
    let repo = home.repo("app");
    repo.write("part/deep/file", "");
    check(
        &home,
        &repo,
        &[
            ("git checkout .", DISCARD),
            ("git clean -fd", CLEAN),
            ("cd part && git checkout .", None),
            ("cd part && git clean -fd", None),
            ("cd part && git checkout ..", DISCARD),
            ("cd part/deep && git restore :/", DISCARD),
            ("git -C part clean -fd ..", CLEAN),
            ("git -C part -C .. clean -fd", CLEAN),
            ("git checkout -- part", None),
            ("git --git-dir=.git --work-tree=part checkout .", DISCARD),
        ],
    );
    let part = repo.path().join("part");
    for (project, expected) in [(repo.path(), None), (&part, DISCARD)] {
        assert_eq!(rule(&home, &part, Some(project), "git checkout .").as_deref(), expected, "{project:?}");
        assert_eq!(rule(&home, repo.path(), Some(project), "git checkout -- ./part").as_deref(), expected);
    }
}

#[test]
fn where_no_repository_is_found_the_project_is_the_work_tree() {
    let home = Home::new();
    let project = home.join("project");
    std::fs::create_dir_all(project.join("docs")).unwrap();
    for (command, expected) in [
        ("git restore .", DISCARD),
        ("cd docs && git restore .", None),
        ("cd docs && git restore ..", DISCARD),
        ("cd .. && git restore .", DISCARD),
        ("cd missing && git clean -fd", None),
        ("git clean -fd", CLEAN),
    ] {
        for named in [None, Some(&*project)] {
            assert_eq!(rule(&home, &project, named, command).as_deref(), expected, "{command} {named:?}");
        }
    }
}

#[test]
fn files_on_the_disk_tell_what_a_name_means() {
    let home = Home::new();
    let repo = home.repo("app");
    repo.write("notes", "");
    repo.write("all.txt", "docs\n.\n");
    repo.write("some.txt", "docs\nsrc/a.rs\n");
    check(
        &home,
        &repo,
        &[
            ("git checkout -f notes", None),
            ("git checkout -f other", DISCARD),
            ("git checkout --pathspec-from-file=all.txt", DISCARD),
            ("git restore --pathspec-from-file some.txt", None),
            ("git clean -d", None),
        ],
    );
    repo.git(["config", "clean.requireForce", "false"]);
    check(&home, &repo, &[("git clean -d", CLEAN), ("git clean -dn", None)]);
}
