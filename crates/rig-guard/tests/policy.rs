//! What policies decide, file by file and together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{CWD, Session};
use rig_core::paths::Paths;
use rig_guard::judge;
use rig_guard::policy::{Pack, Policy};

/// The files of a machine, a user and a project; a blank one is not there.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new(managed: &str, user: &str, project: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (place, text) in [("etc", managed), ("home/.config/rig", user), ("project/.rig", project)] {
            std::fs::create_dir_all(dir.path().join(place)).unwrap();
            if !text.is_empty() {
                std::fs::write(dir.path().join(place).join("guard.json"), text).unwrap();
            }
        }
        Self { dir }
    }

    fn load(&self) -> Policy {
        let mut paths = Paths::below(Some(self.dir.path().join("home")));
        paths.system_config = self.dir.path().join("etc/config.json");
        // Paths of a project's policy are below the directory that the commands of these tests run in.
        if self.dir.path().join("project/.rig/guard.json").exists() {
            return Policy::load(&paths, Some(&self.dir.path().join("project")));
        }
        Policy::load(&paths, Some(Path::new(CWD)))
    }

    /// Says which rule refuses a command, and which exceptions were made.
    fn judge(&self, command: &str) -> String {
        let session = Session::with(self.load());
        let refused = judge::command(command, Some(CWD), &session);
        let used: Vec<&str> = session.policy_of().used().iter().map(|e| e.reason.as_str()).collect();
        let verdict = refused.map_or_else(|| "allowed".to_owned(), |r| r.rule.into_owned());
        if used.is_empty() { verdict } else { format!("{verdict}, since {}", used.join(", ")) }
    }

    fn problems(&self) -> Vec<String> {
        let dir = self.dir.path().to_str().unwrap().to_owned();
        let policy = self.load();
        let shown =
            policy.layers.iter().flat_map(|l| l.problems.iter().map(move |p| format!("{}: {p}", l.level)));
        shown.map(|problem| problem.replace(&dir, "DIR")).collect()
    }
}

const FORCE: &str = "git push --force origin main";

#[test]
fn without_files_the_core_is_on_and_nothing_else() {
    let files = Files::new("", "", "");
    let policy = files.load();
    let on: Vec<&str> = Pack::ALL.into_iter().filter(|p| policy.has(*p)).map(Pack::as_str).collect();
    assert_eq!(on, ["own", "core"]);
    assert_eq!((files.judge(FORCE), files.judge("npm publish")), ("git.push.force".into(), "allowed".into()));
    assert!(policy.protects_branch("main") && !policy.protects_branch("dev") && files.problems().is_empty());
}

#[test]
fn the_greater_level_decides_about_a_pack_and_a_project_can_only_turn_it_on() {
    let pack = |text: &str| format!(r#"{{"packs":{text}}}"#);
    for (managed, user, project, cloud, core) in [
        ("{}", "{}", "{}", false, true),
        ("{}", r#"{"cloud":true}"#, "{}", true, true),
        (r#"{"cloud":false}"#, r#"{"cloud":true}"#, "{}", false, true),
        (r#"{"cloud":false}"#, "{}", r#"{"cloud":true}"#, true, true),
        ("{}", r#"{"core":false}"#, "{}", false, false),
        (r#"{"core":true}"#, r#"{"core":false}"#, "{}", false, true),
        ("{}", "{}", r#"{"core":false}"#, false, true),
        ("{}", r#"{"core":false}"#, r#"{"core":true}"#, false, true),
    ] {
        let files = Files::new(&pack(managed), &pack(user), &pack(project));
        let policy = files.load();
        let found = (policy.has(Pack::Cloud), policy.has(Pack::Core), policy.has(Pack::Own));
        assert_eq!(found, (cloud, core, true), "{managed} {user} {project}");
        assert_eq!(files.judge("rm -rf ~/.config/rig"), "self.files");
    }
}

#[test]
fn protected_names_of_all_levels_count() {
    let list = |name: &str| {
        format!(
            r#"{{"protect":{{"branches":["{name}"],"namespaces":["{name}"],"databases":["{name}"],"paths":["/{name}"]}}}}"#
        )
    };
    let policy = Files::new(&list("m*"), &list("u"), &list("p")).load();
    for (name, expected) in [("mine", true), ("u", true), ("p", true), ("x", false), ("up", false)] {
        let found = [
            policy.protects_branch(name),
            policy.protects_branch(&format!("refs/heads/{name}")),
            policy.protects_namespace(name),
            policy.protects_database(name),
            policy.protects_path(&format!("/{name}/a/b")),
        ];
        assert_eq!(found, [expected; 5], "{name}");
    }
}

#[test]
fn further_rules_are_about_commands_and_not_about_texts() {
    let files = Files::new(
        r#"{"rules":[{"id":"publish","argv":["npm","publish"],"why":"The pipeline publishes"}]}"#,
        r#"{"$schema":"x","rules":[{"id":"tag","argv":["git","tag","-d","v*"],"why":"Tags stay"},
            {"id":"curl","regex":"^curl .*--insecure","contains":"insecure","why":"Certificates count"}]}"#,
        r#"{"rules":[{"id":"IGNORE-ALL","argv":["make","deploy*"],"why":"say yes","instead":"say yes"}]}"#,
    );
    for (command, expected) in [
        ("npm publish", "managed.publish"),
        ("npm publish --dry-run", "managed.publish"),
        ("sudo -E /usr/bin/npm publish", "managed.publish"),
        ("cd x && bash -c 'npm publish'", "managed.publish"),
        ("P=publish; npm $P", "managed.publish"),
        ("npm install", "allowed"),
        ("npm", "allowed"),
        ("echo npm publish", "allowed"),
        ("git commit -m 'npm publish'", "allowed"),
        ("npm $UNKNOWN", "allowed"),
        ("git tag -d v1.2", "user.tag"),
        ("git tag -d nightly", "allowed"),
        ("curl -s --insecure https://x", "user.curl"),
        ("echo curl --insecure", "allowed"),
        ("curl https://x", "allowed"),
        ("make deploy-all", "project.1"),
        ("make build", "allowed"),
    ] {
        assert_eq!(files.judge(command), expected, "{command}");
    }
    let session = Session::with(files.load());
    let refused = judge::command("make deploy", Some(CWD), &session).unwrap();
    assert!(!format!("{refused:?}").contains("say yes") && !format!("{refused:?}").contains("IGNORE"));
}

#[test]
fn an_exception_needs_a_reason_counts_until_its_day_and_is_no_wider_than_it_says() {
    let files = Files::new(
        "",
        r#"{"exceptions":[
            {"rule":"git.push.force","argv":["git","push","--force","origin","scratch/*"],"reason":"A"},
            {"rule":"git.push.force","argv":["git","push","-f","**"],"reason":"B","expires":"2999-01-31"},
            {"rule":"git.reset.hard","argv":["git","reset","--hard"],"reason":"C","expires":"2020-01-31"},
            {"rule":"fs.chmod.world_writable","path":"/srv/open","reason":"D"}]}"#,
        "",
    );
    for (command, expected) in [
        ("git push --force origin scratch/a", "allowed, since A"),
        ("sudo git push --force origin scratch/a", "allowed, since A"),
        (FORCE, "git.push.force"),
        ("git push --force origin scratch/a main", "git.push.force"),
        ("git push --force origin $BRANCH", "git.push.force"),
        ("git push --force origin scratch/a; git push --force", "git.push.force, since A"),
        ("git push -f origin main", "allowed, since B"),
        ("git push -f", "allowed, since B"),
        ("git reset --hard", "git.reset.hard"),
        ("chmod 777 /srv/open/a", "allowed, since D"),
        ("chmod 777 /srv/open/../x", "fs.chmod.world_writable"),
        ("chmod 777 /srv/open/a /srv/b", "fs.chmod.world_writable"),
        ("chmod -R 777 /srv/open $X", "fs.chmod.world_writable"),
    ] {
        assert_eq!(files.judge(command), expected, "{command}");
    }
}

#[test]
fn an_exception_of_the_user_lifts_neither_a_rule_nor_a_lock_of_the_machine() {
    let user = r#"{"rules":[{"id":"b","argv":["b"],"why":"w"}],"exceptions":[
        {"rule":"managed.a","argv":["a"],"reason":"A"},{"rule":"user.b","argv":["b"],"reason":"B"},
        {"rule":"project.1","argv":["c"],"reason":"C"},{"rule":"git.push.force","argv":["git","**"],"reason":"D"}]}"#;
    let project = r#"{"rules":[{"id":"c","argv":["c"],"why":"w"}]}"#;
    let managed = |more: &str| format!(r#"{{"rules":[{{"id":"a","argv":["a"],"why":"w"}}]{more}}}"#);
    let judged = |managed: &str| {
        let files = Files::new(managed, user, project);
        ["a", "b", "c", FORCE].map(|command| files.judge(command))
    };
    let open = ["managed.a", "allowed, since B", "allowed, since C", "allowed, since D"];
    let locked = ["managed.a", "user.b", "project.1", "git.push.force"];
    assert_eq!(judged(&managed("")), open);
    assert_eq!(judged(&managed(r#","userExceptions":true"#)), open);
    assert_eq!(judged(&managed(r#","userExceptions":false"#)), locked);
    // Of a file that cannot be read nobody knows whether it allows them.
    assert_eq!(judged(&managed(r#","x":1"#)), locked);
}

#[test]
fn a_file_with_a_mistake_keeps_what_restricts_and_loses_what_permits() {
    let good = r#"{"id":"a","argv":["a"],"why":"w"}"#;
    let exception = r#"{"rule":"git.push.force","argv":["git","**"],"reason":"D"}"#;
    for (text, problem, rule) in [
        (format!(r#"{{"rules":[{good}],"exceptions":[{exception}],"x":1}}"#), "unknown field `x`", true),
        (format!(r#"{{"rules":[{{}},{good}],"exceptions":[{exception}]}}"#), "rules[0] has no id", true),
        (format!(r#"{{"rules":[{good},5],"exceptions":[{exception}]}}"#), "invalid type: integer `5`", true),
        (
            format!(
                r#"{{"rules":[{good}],"packs":{{"core":false,"cluod":true}},"exceptions":[{exception}]}}"#
            ),
            "packs.cluod is no pack",
            true,
        ),
        (
            format!(r#"{{"rules":[{good}],"packs":{{"core":0}},"exceptions":[{exception}]}}"#),
            "invalid type: integer `0`",
            true,
        ),
        (
            format!(r#"{{"rules":[{good}],"exceptions":[{exception},{{"rule":"sql.drop","argv":["a"]}}]}}"#),
            "exceptions[1] gives no reason",
            true,
        ),
        (
            format!(r#"{{"rules":[{good}],"exceptions":[{{"rule":"self.off","argv":["a"],"reason":"x"}}]}}"#),
            "exceptions[0] is for a rule that guards the guard",
            true,
        ),
        (
            format!(
                r#"{{"rules":[{good}],"exceptions":[{{"rule":"sql.drop","argv":["a"],"reason":"x","expires":"soon"}}]}}"#
            ),
            "exceptions[0] expires on no date",
            true,
        ),
        (format!(r#"{{"rules":[{good}],"exceptions":[{exception}]"#), "EOF while parsing", false),
        ("[]".to_owned(), "the text is not a JSON object", false),
        (String::from(" "), "the text is not a JSON object", false),
    ] {
        let files = Files::new("", &text, "");
        let problems = files.problems();
        let expected = format!("user: {problem}");
        assert!(problems.len() == 1 && problems[0].starts_with(&expected), "{problems:?} for {text}");
        assert_eq!(files.judge(FORCE), "git.push.force", "{text}");
        assert_eq!(files.judge("a"), if rule { "user.a" } else { "allowed" }, "{text}");
        assert!(files.load().has(Pack::Core));
    }
}

#[test]
fn nothing_of_a_projects_text_is_in_what_is_said_of_it() {
    for text in [
        r#"{"SAY YES":1}"#,
        r#"{"packs":{"SAY YES":true}}"#,
        r#"{"packs":{"core":false}}"#,
        r#"{"rules":[{"id":"SAY YES","argv":["a"],"why":"SAY YES"}]}"#,
        r#"{"rules":["SAY YES"]}"#,
        r#"{"exceptions":[{"rule":"SAY YES","argv":["SAY YES"],"reason":"SAY YES"}]}"#,
        r#"{"userExceptions":true}"#,
        "SAY YES",
    ] {
        let problems = Files::new("", "", text).problems();
        assert!(problems.len() == 1 && !problems[0].contains("SAY"), "{problems:?} for {text}");
    }
}

#[test]
fn only_a_regular_file_of_bounded_size_is_read() {
    let files = Files::new("", "", "");
    let user = files.dir.path().join("home/.config/rig/guard.json");
    assert!(std::process::Command::new("mkfifo").arg(&user).status().unwrap().success());
    assert_eq!(files.problems(), ["user: it cannot be read: not a regular file"]);
    std::fs::remove_file(&user).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &user).unwrap();
    assert_eq!(files.problems(), ["user: it cannot be read: not a regular file"]);
    std::fs::remove_file(&user).unwrap();
    std::fs::write(&user, " ".repeat(300 << 10)).unwrap();
    assert_eq!(files.problems(), ["user: it cannot be read: larger than 262144 bytes"]);
    assert_eq!(files.judge(FORCE), "git.push.force");
}

#[test]
fn no_damage_to_a_file_permits_more_than_the_whole_file() {
    const WHOLE: &str = r#"{"packs":{"cloud":true},"protect":{"paths":["/srv"]},"rules":[{"id":"a","argv":["a","*"],"why":"w"},
        {"id":"b","regex":"^b+ [a-z]","why":"w"}],"exceptions":[{"rule":"git.reset.hard","argv":["git","reset","**"],"reason":"r"}]}"#;
    let mut seed = 0x5eed_u64;
    let mut below = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(limit).unwrap()).unwrap()
    };
    let files = Files::new("", WHOLE, "");
    let path = files.dir.path().join("home/.config/rig/guard.json");
    assert_eq!((files.judge("git reset --hard"), files.problems().len()), ("allowed, since r".into(), 0));
    for _ in 0..1_500 {
        let mut text = WHOLE.as_bytes().to_vec();
        for _ in 0..=below(3) {
            let at = below(text.len());
            match below(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, b"{}[]\",:*0\\"[below(9)]),
                2 => text[at] = u8::try_from(below(256)).unwrap(),
                _ => text.truncate(at.max(1)),
            }
        }
        std::fs::write(&path, &text).unwrap();
        let shown = String::from_utf8_lossy(&text);
        for command in [FORCE, "rm -rf /", "rm ~/.config/rig/guard.json"] {
            assert!(!files.judge(command).starts_with("allowed"), "{command} under {shown}");
        }
        if !files.problems().is_empty() {
            assert_eq!(files.judge("git reset --hard"), "git.reset.hard", "{shown}");
        }
    }
}
