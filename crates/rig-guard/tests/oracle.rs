//! The words that the guard finds are those that bash really passes.
//!
//! Random scripts are run by bash in a sandbox: an empty directory, a search path with nothing on
//! it but a program that prints its arguments and a few wrappers. The guard reads the same scripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::Session;
use rig_guard::shell::{Call, Context, Rable, Refusal, Shell, Verdict, Visitor, Word};

/// How many random scripts are compared.
const SCRIPTS: usize = 600;

/// Collects the arguments of `show`.
#[derive(Default)]
struct Shown(Vec<Vec<String>>);

impl Visitor for Shown {
    fn call(&mut self, call: &Call<'_>) -> Verdict {
        if call.name() == Some("show") {
            let args = call
                .args()
                .iter()
                .map(|w| w.known().map_or_else(|| format!("unknown: {w:?}"), str::to_owned));
            self.0.push(args.collect());
        }
        Ok(())
    }

    fn refused(&mut self, code: &str, why: Refusal, _: &Context) -> Verdict {
        panic!("{why}: {code}");
    }
}

fn guard(script: &str) -> Vec<Vec<String>> {
    let mut shown = Shown::default();
    let parser = Rable;
    Shell::new(&parser, &Session::default(), &mut shown, Some("/".into())).walk(script).unwrap();
    shown.0
}

/// Runs scripts in one bash, and returns the arguments of each `show` of each script.
fn bash(scripts: &[String]) -> Vec<Vec<Vec<String>>> {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let show = bin.join("show");
    std::fs::write(
        &show,
        "#!/bin/sh\nprintf '\\001'\nfor a; do printf '%s\\002' \"$a\"; done\nprintf '\\003'\n",
    )
    .unwrap();
    std::fs::set_permissions(&show, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["bash", "sh", "env", "xargs", "nice", "timeout", "cat"] {
        let real =
            ["/usr/bin", "/bin"].map(|d| Path::new(d).join(name)).into_iter().find(|p| p.exists()).unwrap();
        std::os::unix::fs::symlink(real, bin.join(name)).unwrap();
    }
    let work = dir.path().join("empty");
    std::fs::create_dir(&work).unwrap();
    let mut program = String::new();
    for (n, script) in scripts.iter().enumerate() {
        let file = dir.path().join(format!("{n}.sh"));
        std::fs::write(&file, script).unwrap();
        program.push_str(&format!("bash {}\nprintf '\\004'\n", file.display()));
    }
    let all = dir.path().join("all.sh");
    std::fs::write(&all, program).unwrap();
    let output = Command::new("/bin/bash")
        .arg("--norc")
        .arg(&all)
        .env_clear()
        .env("PATH", &bin)
        .env("HOME", "/home/dev")
        .env("LANG", "C.UTF-8")
        .current_dir(&work)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let runs = text.split('\u{4}').take(scripts.len());
    runs.map(|run| {
        run.split('\u{1}')
            .skip(1)
            .map(|call| {
                let end = call.find('\u{3}').unwrap();
                call[..end].split_terminator('\u{2}').map(str::to_owned).collect()
            })
            .collect()
    })
    .collect()
}

/// A small generator that gives the same scripts on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self, from: &[&str], most: usize) -> String {
        (0..=self.below(most)).map(|_| self.pick(from)).collect()
    }

    /// One piece of a word, in any kind of quotes.
    fn piece(&mut self) -> String {
        const PLAIN: [&str; 9] = ["a", "b", "Z", "9", "-", ".", "/", "%", "é"];
        match self.below(18) {
            0..=2 => self.text(&PLAIN, 3),
            3 => format!(
                "'{}'",
                self.text(&["a", " ", "\"", "\\", "$V", "`", "*", "\n", "#", "$(x)", "{a,b}"], 4)
            ),
            4 => format!(
                "\"{}\"",
                self.text(
                    &["a", " ", "'", "\\\"", "\\\\", "\\$", "\\a", "\\`", "$V", "${W}", "*", "~", "#"],
                    4
                )
            ),
            5 => format!(
                "$'{}'",
                self.text(
                    &[
                        "a", "\\n", "\\t", "\\x41", "\\101", "\\u00e9", "\\'", "\\\\", "\\\"", "\"", "$V",
                        "\\q", " "
                    ],
                    4
                )
            ),
            6 => format!(
                "\\{}",
                self.pick(&["a", " ", "'", "\"", "\\", "$", "*", "?", "~", "#", ";", "&", "|", "(", "é"])
            ),
            7 => self
                .pick(&["$V", "${V}", "$W", "\"$W\"", "\"${W}x\"", "${V}${W}", "$E", "\"$E\"", "$V$W"])
                .to_owned(),
            8 => self
                .pick(&[
                    "${U:-d e}",
                    "\"${U:-d e}\"",
                    "${U-'d e'}",
                    "${E:-x}",
                    "${E-x}",
                    "${V:+y}",
                    "${E:+y}",
                    "${V:=z}",
                    "${N:=z w}",
                ])
                .to_owned(),
            9 => self
                .pick(&[
                    "{a,b}",
                    "x{1..3}y",
                    "{a,{b,c}}",
                    "{$V,'x y'}",
                    "{a,}z",
                    "{}",
                    "\\{a,b}",
                    "\"{a,b}\"",
                    "{c..a}",
                ])
                .to_owned(),
            10 => self
                .pick(&[
                    "$(echo a b)",
                    "\"$(echo a b)\"",
                    "$(echo 'a  b')",
                    "\"$(printf '%s-' x y)\"",
                    "$(echo \"$V\")",
                    "$(echo ')')",
                ])
                .to_owned(),
            11 => self
                .pick(&[
                    "`echo a b`",
                    "\"`echo a b`\"",
                    "`echo \\`echo x\\``",
                    "`echo '\\$V'`",
                    "\"`echo \\\"$V\\\"`\"",
                ])
                .to_owned(),
            12 => "$\"a $V\"".to_owned(),
            13 => "\\\n".to_owned(),
            14 => self
                .pick(&[
                    "$(cat <<'E'\nh $V\nE\n)",
                    "\"$(cat <<E\nh $V \\$V\nE\n)\"",
                    "$(cat <<-E\n\th\n\tE\n)",
                    "$(cat <<< \"x $V\")",
                ])
                .to_owned(),
            15 => self
                .pick(&[
                    "\"$(echo \"a $(echo b)\")\"",
                    "$(echo $(echo c))",
                    "\"${U:-$(echo q)}\"",
                    "${U:-\"${W}\"}",
                    "$(case a in a) echo m;; esac)",
                ])
                .to_owned(),
            16 => self.pick(&["\"$@\"", "$*", "\"$*\"", "$1", "\"${2}\"", "$#x"]).replace("$#x", "x"),
            _ => "=:,".chars().nth(self.below(3)).unwrap().to_string(),
        }
    }

    fn word(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.piece()).collect()
    }

    fn words(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn show(&mut self) -> String {
        format!("show {}", self.words())
    }

    fn script(&mut self) -> String {
        let mut script = String::from("set -- p1 'p 2'\nV=val W='w 1  w2' E=\n");
        for _ in 0..=self.below(2) {
            let show = self.show();
            let line = match self.below(22) {
                0..=6 => show,
                7 => format!("({show}); {}", self.show()),
                8 => format!("{{ {show}; }} && {}", self.show()),
                9 => format!("if {show}; then {}; fi", self.show()),
                10 => format!("for i in {}; do show \"$i\" $i; done", self.words()),
                11 => format!("f() {{ {show}; show \"$@\"; }}; f {}", self.words()),
                12 => format!("eval '{} end'", show.replace('\'', "'\\''")),
                13 => format!("export V W E; bash -c '{} end' sh q 'r s'", show.replace('\'', "'\\''")),
                14 => format!("env A=1 {show}"),
                15 => format!("nice -n 1 timeout 60 {show}"),
                16 => "printf 'x y\\nz' | xargs show 1".to_owned(),
                17 => format!("X={} Y={}; show \"$X\" $X \"$Y\"", self.word(), self.word()),
                18 => format!("V={} {show}", self.word()),
                19 => format!("cat <<E | xargs show\nk {}\nE", self.pick(&["$V", "l", "m-n"])),
                20 => format!("case a in a) {show};; b) show no;; esac || true"),
                _ => format!("! {show} # show no\ntrue"),
            };
            script.push_str(&line);
            script.push('\n');
        }
        // `$Va` would be another variable.
        script.replace("$V", "${V}").replace("$W", "${W}").replace("$E", "${E}")
    }
}

#[test]
fn words_are_those_that_bash_passes() {
    let mut random = Random(20_260_101);
    let scripts: BTreeSet<String> = (0..SCRIPTS).map(|_| random.script()).collect();
    let scripts: Vec<String> = scripts.into_iter().collect();
    let mut different = Vec::new();
    let mut calls = 0;
    for (script, expected) in scripts.iter().zip(bash(&scripts)) {
        // Both branches of a `case` and of `!` are walked through; here one of them is taken.
        let mut found = guard(script);
        found.retain(|args| args != &["no"]);
        calls += expected.len();
        if found != expected {
            different.push(format!("{script}\n  bash:  {expected:?}\n  guard: {found:?}\n"));
        }
    }
    assert!(calls > SCRIPTS, "only {calls} calls");
    let shown = different.iter().take(20).map(String::as_str).collect::<String>();
    assert!(different.is_empty(), "{} of {} differ:\n{shown}", different.len(), scripts.len());
}

#[test]
fn what_cannot_be_known_is_said_to_be_unknown() {
    let mut shown = Vec::new();
    struct All<'a>(&'a mut Vec<Word>);
    impl Visitor for All<'_> {
        fn call(&mut self, call: &Call<'_>) -> Verdict {
            self.0.extend(call.args().iter().cloned());
            Ok(())
        }
        fn refused(&mut self, code: &str, why: Refusal, _: &Context) -> Verdict {
            panic!("{why}: {code}");
        }
    }
    let script = "show $U \"$U\" a$(date)b ${V#x} $((1+N)) $RANDOM ${a[0]} $(date)";
    let parser = Rable;
    Shell::new(&parser, &Session::default(), &mut All(&mut shown), None).walk(script).unwrap();
    let texts: Vec<String> = shown.iter().map(Word::display).collect();
    assert_eq!(texts, ["…", "…", "a…b", "…", "…", "…", "…", "…"]);
    let empty: Vec<bool> = shown.iter().map(|w| w.unknowns().all(|(_, empty)| empty)).collect();
    assert_eq!(empty, [true, true, true, true, false, false, true, true]);
}
