//! What the real git does to a throw-away repository, and what the guard says about it beforehand.

use std::path::Path;
use std::process::{Command, Stdio};

use rig_testkit::{Home, Program, Repo};
use serde_json::{Value, json};

/// Commands with some of their options. None of them leaves the repository.
const COMMANDS: [(&str, &str); 6] = [
    (
        "checkout",
        "-f|--force|--fo|-q|--|HEAD|main|topic|HEAD~1|-b x|-B topic|--detach|--theirs|--no-force|-m|-qf",
    ),
    ("switch", "-f|--discard|--force|main|topic|-c x|-C topic|--detach|-q|--no-force|--no-discard-changes"),
    ("restore", "-s HEAD|--source=HEAD~1|-S|-W|-SW|--staged|--work|--no-staged|-q|--|--overlay|--ours"),
    ("rm", "-r|-f|-rf|-q|--cached|-n|--|--force|--no-cached|-rfq"),
    ("read-tree", "-u|--reset|-m|HEAD|-n|-i"),
    ("checkout-index", "-f|-a|-fa|-u|-q|--all|--force|--prefix=out/|a|--no-force|--temp"),
];
const PATHS: &str = ".|./|:/|':(top)'|'*'|'**'|./*|a|part|part/|part/b|'part/*'|..|part/..|$PWD|nothing";
const FILES: [&str; 3] = ["a", "part/b", "part/deep/c"];
const WORK: &str = "not committed\n";

/// A generator that gives the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn one<'a>(&mut self, texts: &'a str) -> &'a str {
        let texts: Vec<&str> = texts.split('|').collect();
        texts[self.below(texts.len())]
    }
}

fn commands(count: usize) -> Vec<String> {
    let mut random = Random(20_261_122);
    let mut found: Vec<String> = Vec::new();
    while found.len() < count {
        let (sub, options) = COMMANDS[random.below(COMMANDS.len())];
        let mut command = format!("{}git {sub}", random.one("|||cd part && "));
        for _ in 0..random.below(4) {
            command.push_str(&format!(" {}", random.one(options)));
        }
        if matches!(sub, "checkout" | "restore" | "rm") && random.below(3) > 0 {
            command.push_str(&format!(" {}", random.one(PATHS)));
        }
        if !found.contains(&command) {
            found.push(command);
        }
    }
    found
}

/// Runs code in a directory; says whether it has worked.
fn run(home: &Home, cwd: &Path, code: &str) -> bool {
    let mut shell = Command::new("bash");
    shell.args(["-c", code]).current_dir(cwd).env_clear().env("HOME", home.path());
    shell.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GIT_CONFIG_SYSTEM", "/dev/null");
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}

/// Says whether nothing is left of what was not committed.
fn is_lost(repo: &Repo) -> bool {
    FILES.iter().all(|file| {
        let text = std::fs::read_to_string(repo.path().join(file)).unwrap_or_default();
        !text.contains(WORK)
    })
}

#[test]
fn what_git_throws_away_is_refused_and_what_it_keeps_passes() {
    let home = Home::new();
    let repo = home.repo("app");
    let commit = |text: &str| {
        FILES.iter().for_each(|file| drop(repo.write(file, text)));
        repo.commit("one more");
    };
    commit("first\n");
    commit("second\n");
    repo.git(["branch", "topic"]);
    let commands = commands(200);
    let lines: Vec<String> =
        commands.iter().map(|command| json!({"command": command, "cwd": repo.path()}).to_string()).collect();
    let guard =
        Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&home).args(["check", "--stdin", "--json"]);
    let output = guard.stdin(lines.join("\n")).output();
    let (mut wrong, mut lost) = (Vec::new(), 0);
    for (command, verdict) in commands.iter().zip(output.stdout.lines()) {
        let start = "git reset -q --hard main; git checkout -q -f main; git reset -q --hard topic; git branch -D x; git clean -fdxq";
        run(&home, repo.path(), start);
        FILES.iter().for_each(|file| drop(repo.write(file, format!("second\n{WORK}"))));
        let worked = run(&home, repo.path(), command);
        let verdict: Value = serde_json::from_str(verdict).unwrap_or_default();
        let refused = verdict["rule"].is_string();
        lost += usize::from(is_lost(&repo));
        if is_lost(&repo) && !refused || refused && worked && !is_lost(&repo) {
            wrong.push(format!("{command}: lost {}, {verdict}", is_lost(&repo)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), commands.len(), wrong.join("\n"));
    assert!(lost > commands.len() / 8, "only {lost} of {} commands threw anything away", commands.len());
}
