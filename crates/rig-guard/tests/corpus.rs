//! Every case of `tests/cases`, judged exactly as its line says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cases::Case;
use common::{CWD, Session};
use rig_guard::judge::{self, Refused};
use rig_guard::policy::{Pack, Policy};
use rig_guard::rules::{self, Rule};

/// Judges a command in a session where packs are on besides those that always are.
fn judged(command: &str, packs: &[Pack]) -> Option<Refused> {
    judge::command(command, Some(CWD), &Session::with(Policy::with_packs(packs)))
}

/// What came of cases: how many that are to be refused there are and were, and of those to be let through.
#[derive(Default)]
struct Tally {
    dangerous: usize,
    caught: usize,
    benign: usize,
    wrong: usize,
}

impl Tally {
    fn add(&mut self, case: &Case, refused: Option<&Refused>) {
        if case.rule.is_some() {
            self.dangerous += 1;
            self.caught += usize::from(refused.is_some());
        } else {
            self.benign += 1;
            self.wrong += usize::from(refused.is_some());
        }
    }
}

/// Returns the rows of a table of what was caught and what was refused wrongly.
fn rows(title: &str, tallies: &BTreeMap<String, Tally>) -> String {
    let mut text = format!("{title:16} dangerous caught   benign refused\n");
    for (name, Tally { dangerous, caught, benign, wrong }) in tallies {
        text.push_str(&format!("{name:16} {dangerous:9} {caught:6} {benign:8} {wrong:7}\n"));
    }
    text
}

#[test]
fn every_case_is_judged_as_its_line_says() {
    let cases = cases::all();
    let (mut categories, mut classes) = (BTreeMap::new(), BTreeMap::new());
    let mut total = BTreeMap::from([("all".to_owned(), Tally::default())]);
    let mut wrong = Vec::new();
    for case in &cases {
        let refused = judged(&case.command, &case.packs);
        // A benign case belongs to what its file is about.
        let file = case.place.split(['.', '_', '-']).next().unwrap_or_default();
        let category = case.rule.as_deref().and_then(|rule| rule.split('.').next()).unwrap_or(file);
        let tallies = [(&mut categories, category), (&mut classes, case.class.as_str()), (&mut total, "all")];
        for (tallies, name) in tallies {
            tallies.entry(name.to_owned()).or_default().add(case, refused.as_ref());
        }
        let rule = refused.as_ref().map(|r| r.rule.as_ref());
        if rule != case.rule.as_deref() {
            wrong
                .push(format!("{}: expected {:?}, got {refused:?}: {}", case.place, case.rule, case.command));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let report = format!(
        "What the guard makes of the cases in tests/cases. `RIG_TEST_BLESS=1 cargo test -p rig-guard --test corpus` writes it anew.\n\n{}\n{}\n{}",
        rows("total", &total),
        rows("category", &categories),
        rows("class", &classes)
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus-report.txt");
    if blesses() {
        std::fs::write(&path, &report).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report, "`RIG_TEST_BLESS=1` writes it anew");
}

/// Says whether the committed texts are written anew instead of compared.
fn blesses() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let switch = std::env::var_os("RIG_TEST_BLESS");
    switch.is_some()
}

#[test]
fn every_rule_has_its_cases() {
    let cases = cases::all();
    for rule in rules::all() {
        let count = cases.iter().filter(|c| c.rule.as_deref() == Some(rule.id)).count();
        assert!(count >= 10, "{}: only {count} cases", rule.id);
    }
    let different: BTreeSet<_> = cases.iter().map(|c| (&c.command, &c.packs)).collect();
    assert!(different.len() >= 5_000, "only {} cases", different.len());
    assert!(cases.iter().filter(|c| c.rule.is_none()).count() >= 2_000);
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
    if blesses() {
        std::fs::write(&path, table()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), table(), "`RIG_TEST_BLESS=1` writes it anew");
}
