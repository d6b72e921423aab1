//! Every case of `tests/cases`, judged exactly as its line says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{CWD, Session};
use rig_guard::judge::{self, Refused};
use rig_guard::policy::{Pack, Policy};
use rig_guard::rules::{self, Rule};

/// What a line expects: the rule that refuses, or none.
struct Case {
    place: String,
    class: String,
    rule: Option<String>,
    /// The packs that are on besides those that always are.
    packs: Vec<Pack>,
    command: String,
}

/// Judges a command in a session where packs are on besides those that always are.
fn judged(command: &str, packs: &[Pack]) -> Option<Refused> {
    judge::command(command, Some(CWD), &Session::with(Policy::with_packs(packs)))
}

/// Reads `allow CLASS: COMMAND` and `deny RULE CLASS: COMMAND`; `⏎` stands for a line break. A file whose first
/// line is `# packs: PACK, PACK` is about these packs.
fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let named = text.lines().next().and_then(|line| line.strip_prefix("# packs: "));
        let find = |name| Pack::find(name).unwrap_or_else(|| panic!("{file:?}: no pack is called {name:?}"));
        let packs: Vec<Pack> = named.into_iter().flat_map(|names| names.split(", ")).map(find).collect();
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), n + 1);
            let (head, command) = line.split_once(": ").unwrap_or_else(|| panic!("{place}: no `: `"));
            let head: Vec<&str> = head.split(' ').collect();
            let (rule, class) = match head[..] {
                ["deny", rule, class] => (Some(rule.to_owned()), class),
                ["allow", class] => (None, class),
                _ => panic!("{place}: neither `allow CLASS` nor `deny RULE CLASS`"),
            };
            cases.push(Case {
                place,
                class: class.to_owned(),
                rule,
                packs: packs.clone(),
                command: command.replace('⏎', "\n"),
            });
        }
    }
    cases
}

#[test]
fn every_case_is_judged_as_its_line_says() {
    let cases = cases();
    let mut report: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let refused = judged(&case.command, &case.packs);
        let rule = refused.as_ref().map(|r| r.rule.as_ref());
        report.entry(&case.class).or_default()[usize::from(rule.is_some())] += 1;
        if rule != case.rule.as_deref() {
            wrong
                .push(format!("{}: expected {:?}, got {refused:?}: {}", case.place, case.rule, case.command));
        }
    }
    for (class, [allowed, refused]) in report {
        println!("{class:20} {allowed:4} allowed {refused:4} refused");
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn every_rule_has_its_cases() {
    let cases = cases();
    for rule in rules::all() {
        let count = cases.iter().filter(|c| c.rule.as_deref() == Some(rule.id)).count();
        assert!(count >= 10, "{}: only {count} cases", rule.id);
    }
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    assert!(cases.iter().filter(|c| c.rule.is_none()).count() >= 150);
}

#[test]
fn the_examples_of_a_rule_are_judged_as_it_says() {
    for rule in rules::all() {
        for command in rule.denies {
            let refused = judged(command, &[rule.pack]);
            assert_eq!(refused.as_ref().map(|r| r.rule.as_ref()), Some(rule.id), "{command}");
        }
        for command in rule.allows {
            assert_eq!(judged(command, &[rule.pack]), None, "{command}");
        }
        // What a refusal recommends is not refused in its turn.
        for command in rule.instead.split('`').skip(1).step_by(2) {
            assert_eq!(judged(command, &[rule.pack]), None, "{}: {command}", rule.id);
        }
    }
}

/// Every rule as docs/guard-rules.md shows it.
fn table() -> String {
    let mut text = String::from(
        "# The rules of the guard\n\n\
         Made from the rules themselves; `RIG_TEST_BLESS=1 cargo test -p rig-guard --test corpus` writes it anew. See\n\
         [guard.md](guard.md) for how they are asked, and for the policies that turn packs on and off.\n",
    );
    for pack in Pack::ALL {
        let of_pack: Vec<&Rule> = rules::all().filter(|rule| rule.pack == pack).collect();
        if of_pack.is_empty() {
            continue;
        }
        let on = if pack.on_by_default() { "on by default" } else { "off by default" };
        text.push_str(&format!("\n## Pack {} ({on})\n", pack.as_str()));
        for rule in of_pack {
            text.push_str(&format!(
                "\n### {}\n\n{}: {}. Instead: {}.\n\nSeverity {}; after {}.\n\n| refused | let through |\n|---|---|\n",
                rule.id,
                rule.what,
                rule.why,
                rule.instead,
                rule.severity(),
                rule.source
            ));
            let code = |commands: &[&str], n: usize| {
                commands.get(n).map_or(String::new(), |c| format!("`{}`", c.replace('|', "\\|")))
            };
            for n in 0..rule.denies.len().max(rule.allows.len()) {
                text.push_str(&format!("| {} | {} |\n", code(rule.denies, n), code(rule.allows, n)));
            }
        }
    }
    text
}

#[test]
fn the_documentation_tells_every_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guard-rules.md");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("RIG_TEST_BLESS").is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), table(), "`RIG_TEST_BLESS=1` writes it anew");
}
