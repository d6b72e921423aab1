//! Every case of `tests/cases`, judged exactly as its line says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{CWD, Session};
use rig_guard::judge;
use rig_guard::rules::RULES;

/// What a line expects: the rule that refuses, or none.
struct Case {
    place: String,
    class: String,
    rule: Option<String>,
    command: String,
}

/// Reads `allow CLASS: COMMAND` and `deny RULE CLASS: COMMAND`; `⏎` stands for a line break.
fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), n + 1);
            let (head, command) = line.split_once(": ").unwrap_or_else(|| panic!("{place}: no `: `"));
            let head: Vec<&str> = head.split(' ').collect();
            let (rule, class) = match head[..] {
                ["deny", rule, class] => (Some(rule.to_owned()), class),
                ["allow", class] => (None, class),
                _ => panic!("{place}: neither `allow CLASS` nor `deny RULE CLASS`"),
            };
            cases.push(Case { place, class: class.to_owned(), rule, command: command.replace('⏎', "\n") });
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
        let refused = judge::command(&case.command, Some(CWD), &Session::default());
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
    for rule in RULES {
        let count = cases.iter().filter(|c| c.rule.as_deref() == Some(rule.id)).count();
        assert!(count >= 10, "{}: only {count} cases", rule.id);
    }
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    assert!(cases.iter().filter(|c| c.rule.is_none()).count() >= 150);
}

#[test]
fn the_examples_of_a_rule_are_judged_as_it_says() {
    for rule in RULES {
        for command in rule.denies {
            let refused = judge::command(command, Some(CWD), &Session::default());
            assert_eq!(refused.as_ref().map(|r| r.rule.as_ref()), Some(rule.id), "{command}");
        }
        for command in rule.allows {
            assert_eq!(judge::command(command, Some(CWD), &Session::default()), None, "{command}");
        }
        // What a refusal recommends is not refused in its turn.
        for command in rule.instead.split('`').skip(1).step_by(2) {
            assert_eq!(
                judge::command(command, Some(CWD), &Session::default()),
                None,
                "{}: {command}",
                rule.id
            );
        }
    }
}

#[test]
fn the_documentation_has_a_row_for_every_rule() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guard.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let code = |commands: &[&str]| {
        let quoted = commands.iter().map(|c| format!("`{}`", c.replace('|', "\\|")));
        quoted.collect::<Vec<_>>().join("<br>")
    };
    let rows: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {}: {} | {} | {} |",
                rule.id,
                rule.what,
                rule.why,
                code(rule.denies),
                code(rule.allows)
            )
        })
        .collect();
    let shown: Vec<&str> = docs.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(shown, rows, "the table in docs/guard.md should be:\n{}", rows.join("\n"));
}
