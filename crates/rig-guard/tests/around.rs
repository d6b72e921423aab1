//! What is around a command: the environment, scripts on the disk, git's settings, the time.

#[path = "common/around.rs"]
mod around;
mod common;

use around::Around;
use common::CWD;
use rig_guard::shell::{Call, Context, Rable, Refusal, Shell, Verdict, Visitor};

#[test]
fn values_of_the_environment_are_followed_and_not_shown() {
    let around = Around {
        variables: vec![
            ("TARGET", "/etc"),
            ("TOKEN", "s3cr3t-value"),
            ("OPTIONS", "--force --verbose-secret"),
            ("EMPTY", ""),
        ],
        ..Around::default()
    };
    around.check("rm -rf \"$TARGET\"", Some("fs.rm.root"));
    around.check("rm -rf \"$TARGET/x\"", None);
    around.check("rm -rf \"${TARGET%/*}/\"", Some("fs.rm.root"));
    around.check("bash -c 'rm -rf \"$TARGET\"'", Some("fs.rm.root"));
    around.check("sudo bash -c 'rm -rf \"$TARGET\"x'", None);
    for (command, part) in [
        ("git push --force https://x:$TOKEN@h/r", "git push --force https://x:$TOKEN@h/r"),
        ("git push $OPTIONS origin", "git push $OPTIONS origin"),
        ("X=$TOKEN; git push -f \"$X\"", "git push -f $TOKEN"),
        ("git push -f \"${TOKEN^^}\"", "git push -f $TOKEN"),
        ("git push -f \"${TOKEN:0:6}\"", "git push -f $TOKEN"),
        ("bash -c \"git push -f $TOKEN\"", "git push -f $TOKEN"),
        ("rm -rf / $TOKEN", "rm -rf / $TOKEN"),
    ] {
        let refused = around.judge(command).unwrap_or_else(|| panic!("{command}"));
        let shown = format!("{} {}", refused.part, refused.why);
        for secret in ["s3cr3t", "S3CR3T", "verbose-secret"] {
            assert!(!shown.contains(secret), "{command}: {shown}");
        }
        assert_eq!(refused.part.replace('\'', ""), part, "{command}");
    }
}

#[test]
fn scripts_of_packages_are_judged_as_scripts_are() {
    let text = r#"{"scripts": {"open": "chmod 777 x", "reset": "git push --force", "build": "tsc && npm run open",
        "prebuild": "rm -rf dist", "wipe": "rm -rf", "many": 3}}"#;
    let new = Around { files: vec![("package.json", text, false)], ..Around::default() };
    let old = Around { files: vec![("package.json", text, true)], ..Around::default() };
    let found = Around { files: vec![("node_modules/x/package.json", text, true)], ..Around::default() };
    for (command, by_new, by_old) in [
        ("npm run open", Some("fs.chmod.world_writable"), None),
        ("npm run build", Some("fs.chmod.world_writable"), None),
        ("cd src/app && npm run open", Some("fs.chmod.world_writable"), None),
        ("pnpm reset", Some("git.push.force"), Some("git.push.force")),
        ("yarn wipe \"$HOME\"", Some("fs.rm.root"), Some("fs.rm.root")),
        ("npm run wipe -- dist", None, None),
        ("npm pkg set scripts.open=ls && npm run open", None, None),
        (
            "npm pkg set scripts.other=ls && npm run open",
            Some("fs.chmod.world_writable"),
            Some("fs.chmod.world_writable"),
        ),
        ("npm run many; npm run none; npm test; npm ci", None, None),
        ("echo '{}' > package.json && npm run reset", None, None),
        (
            "cp package.json /tmp/p/package.json && npm --prefix /tmp/p run reset",
            Some("git.push.force"),
            Some("git.push.force"),
        ),
    ] {
        new.check(command, by_new);
        old.check(command, by_old);
    }
    found.check("npm run reset", None);
    found.check("npm --prefix node_modules/x run reset", Some("git.push.force"));
}

#[test]
fn scripts_are_judged_by_what_they_do_and_who_wrote_them() {
    let around = Around {
        files: vec![
            ("new.sh", "#!/bin/sh\nchmod 777 x\n", false),
            ("old.sh", "#!/bin/sh\nchmod 777 x\n", true),
            ("clean.sh", "rm -rf \"${1:-/}\"\n", true),
            (
                "/workspace/app/tool.py",
                "#!/usr/bin/env python3\nimport os\nos.system('git push --force')\n",
                false,
            ),
            ("lib.sh", "D=/\nclean() { rm -rf \"$D\"; }\n", true),
            ("deep.sh", "bash new.sh\n", true),
            ("self.sh", "./self.sh; ./self.sh\n", false),
            ("broken.sh", "if true; then\nchmod 777 x (\n", false),
            ("broken-old.sh", "if true; then\nchmod 777 $X (\n", true),
            ("safe.sh", "set -eu\nrm -rf \"$1\"\n", false),
        ],
        ..Around::default()
    };
    for (command, rule) in [
        ("./new.sh", Some("fs.chmod.world_writable")),
        ("bash new.sh", Some("fs.chmod.world_writable")),
        ("sh -x ./new.sh a", Some("fs.chmod.world_writable")),
        ("source new.sh", Some("fs.chmod.world_writable")),
        ("sudo ./new.sh", Some("fs.chmod.world_writable")),
        ("bash < new.sh", Some("fs.chmod.world_writable")),
        ("./old.sh", None),
        ("./clean.sh", Some("fs.rm.root")),
        ("./clean.sh build", None),
        ("cd / && workspace/app/clean.sh build", None),
        ("./tool.py", Some("git.push.force")),
        ("python3 tool.py", Some("git.push.force")),
        ("./deep.sh", None),
        ("./self.sh", None),
        ("./broken.sh", Some("fs.chmod.world_writable")),
        ("./broken-old.sh", None),
        (". ./lib.sh; clean", Some("fs.rm.root")),
        (". ./lib.sh; D=build; clean", None),
        ("cat new.sh", None),
        ("./safe.sh build", None),
        ("./safe.sh /", Some("fs.rm.root")),
        ("./gone.sh", None),
        ("cp new.sh x.sh", None),
    ] {
        around.check(command, rule);
    }
}

#[test]
fn aliases_of_git_are_followed_where_they_are_set() {
    let around = Around {
        settings: vec![
            ("alias.pf", "push --force"),
            ("alias.wipe", "!git reset --hard && ls"),
            ("alias.st", "status"),
            ("alias.loop", "loop"),
            ("alias.a", "pf origin"),
        ],
        ..Around::default()
    };
    for (command, rule) in [
        ("git pf", Some("git.push.force")),
        ("git -C x pf origin main", Some("git.push.force")),
        ("git a main", Some("git.push.force")),
        ("git wipe", Some("git.reset.hard")),
        ("git st", None),
        ("git loop", None),
        ("git -c alias.pf=status pf", None),
        ("git push", None),
    ] {
        around.check(command, rule);
    }
}

#[test]
fn a_verdict_that_takes_too_long_is_a_refusal() {
    let around = Around { exhausted: true, ..Around::default() };
    around.check("ls", None);
    around.check(&"ls;".repeat(200), Some("shell.unreadable"));
    around.check(&format!("{}git push --force", "ls;".repeat(200)), Some("git.push.force"));
}

#[test]
fn data_does_not_count_as_code() {
    let around = Around::default();
    let text = "git push --force\n".repeat(10_000);
    for (command, rule) in [
        (format!("git commit -m '{text}'"), None),
        (format!("git commit -m \"{text}\" && git push"), None),
        (format!("cat > d <<'E'\n{text}E\n"), None),
        (format!("cat > d <<E\n{text}E\nls"), None),
        (format!("# {}\nls", "git push --force ".repeat(10_000)), None),
        (format!("python3 -c '{}'", "print(1)\n".repeat(10_000)), None),
        (format!("git commit -m '{text}'; git push -f"), Some("git.push.force")),
        (format!("X='{text}'; git push -f"), Some("git.push.force")),
        (format!("bash <<'E'\n{text}E\n"), Some("git.push.force")),
        (format!("bash -c '{}'", "ls\n".repeat(1_000)), None),
        (format!("eval 'ls # {text}'"), Some("git.push.force")),
    ] {
        let found = around.judge(&command).map(|r| r.rule.to_string());
        assert_eq!(found.as_deref(), rule, "{command:.60}");
    }
}

#[test]
fn a_function_that_multiplies_is_told_from_one_that_repeats() {
    struct Bombs(Vec<String>);
    impl Visitor for Bombs {
        fn call(&mut self, _: &Call<'_>) -> Verdict {
            Ok(())
        }
        fn refused(&mut self, code: &str, why: Refusal, _: &Context) -> Verdict {
            panic!("{why}: {code}");
        }
        fn multiplies(&mut self, name: &str) -> Verdict {
            self.0.push(name.to_owned());
            Ok(())
        }
    }
    for (code, multiplies) in [
        (":(){ :|:& };:", true),
        ("b() { b | b & }; b", true),
        ("bomb() { bomb & bomb; }; bomb", true),
        ("f() { [ $1 -gt 0 ] && f $(($1-1)); }; f 3", false),
        ("f() { g; }; g() { ls; }; f & f", false),
        ("f() { ls | wc -l; }; f", false),
        ("walk() { for x in a b; do walk $x | cat; done; }; walk .", false),
        ("walk() { ls \"$1\" | sort; walk \"$1/x\"; }; walk .", false),
        ("poll() { [ -e stop ] || { poll & }; }; poll", false),
    ] {
        let mut bombs = Bombs(Vec::new());
        let (parser, around) = (Rable, Around::default());
        Shell::new(&parser, &around, &mut bombs, Some(CWD.into())).walk(code).unwrap();
        assert_eq!(!bombs.0.is_empty(), multiplies, "{code}: {:?}", bombs.0);
    }
}

#[test]
fn paths_are_made_absolute_however_they_are_written() {
    for (cwd, path, expected) in [
        (Some("/w/a"), "b/c", Some("/w/a/b/c")),
        (Some("/w/a"), "/b/c", Some("/b/c")),
        (Some("/w/a"), "./b//c/", Some("/w/a/b/c")),
        (Some("/w/a"), "../../../b", Some("/b")),
        (Some("/w//a/."), "b", Some("/w/a/b")),
        (Some("/w/../a"), "b", Some("/a/b")),
        (Some("/"), "b", Some("/b")),
        (Some("/w"), "", Some("/w")),
        (Some("/w"), ".b/..c/d..", Some("/w/.b/..c/d..")),
        (None, "/", Some("/")),
        (None, "//b/../c", Some("/c")),
        (None, "b", None),
    ] {
        assert_eq!(rig_guard::shell::absolute(cwd, path).as_deref(), expected, "{cwd:?} {path}");
    }
}

#[test]
fn a_variable_that_nothing_sets_is_taken_for_empty_before_a_directory_of_the_system() {
    let around = Around {
        variables: vec![("APP", "/srv/app"), ("NONE", "")],
        files: vec![
            ("new.sh", "rm -rf \"$PREFIX/usr\"\n", false),
            ("old.sh", "rm -rf \"$PREFIX/usr\"\n", true),
            ("env.sh", "PREFIX=$PWD/x\n", false),
            ("part.sh", "echo \"$PREFIX\"\n", false),
        ],
        ..Around::default()
    };
    for (command, rule) in [
        ("rm -rf \"$PREFIX/usr\"", Some("fs.rm.root")),
        ("rm -rf \"$NONE/usr\"", Some("fs.rm.root")),
        ("rm -rf \"$APP/usr\"", None),
        ("./new.sh", Some("fs.rm.root")),
        ("PREFIX=/srv/app ./new.sh", None),
        ("PREFIX=/srv/app; ./new.sh", Some("fs.rm.root")),
        ("./old.sh", None),
        (". ./env.sh; rm -rf \"$PREFIX/usr\"", None),
        (". ./part.sh; rm -rf \"$PREFIX/usr\"", Some("fs.rm.root")),
        (". ./gone.sh; rm -rf \"$PREFIX/usr\"", None),
    ] {
        around.check(command, rule);
    }
}
