//! Every case of `tests/cases-powershell`, judged exactly as its line says: PowerShell code as the
//! client's tool runs it, and as `pwsh -c` does.

mod common;

use std::path::Path;

use common::{CWD, Session};
use rig_guard::judge;
use rig_guard::policy::{Pack, Policy};
use rig_guard::shell::Language;

/// Judges a case: PowerShell code, behind `bash: ` a command, behind `PACK: ` what a pack refuses.
fn judged(class: &str, code: &str) -> Option<String> {
    let packs = [Pack::Cloud, Pack::Containers, Pack::Packages, Pack::Strict, Pack::Secrets, Pack::Identity];
    let world = Session::with(Policy::with_packs(if class == "packs" { &packs } else { &[] }));
    let refused = match class {
        "bash" => judge::command(code, Some(CWD), &world),
        _ => judge::program(Language::PowerShell, code, Some(CWD), &world),
    };
    refused.map(|refused| refused.rule.into_owned())
}

#[test]
fn every_case_of_powershell_is_judged_as_its_line_says() {
    let (mut wrong, mut denied, mut allowed) = (Vec::new(), 0, 0);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases-powershell");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let texts = ["cases.txt", "files.txt"].map(|name| (name, read(name)));
    let lines =
        texts.iter().flat_map(|(name, text)| text.lines().enumerate().map(move |(n, l)| (name, n + 1, l)));
    for (name, n, line) in lines.filter(|(_, _, l)| !l.is_empty() && !l.starts_with('#')) {
        let place = format!("{name}:{n}");
        let (head, code) = line.split_once(": ").unwrap_or_else(|| panic!("{place}: no `: `"));
        let head: Vec<&str> = head.split(' ').collect();
        let (rule, class) = match head[..] {
            ["deny", rule, class] => (Some(rule), class),
            ["allow", class] => (None, class),
            _ => panic!("{place}: neither `allow CLASS` nor `deny RULE CLASS`"),
        };
        *(if rule.is_some() { &mut denied } else { &mut allowed }) += 1;
        let found = judged(class, &code.replace('⏎', "\n"));
        if found.as_deref() != rule {
            wrong.push(format!("{place}: expected {rule:?}, got {found:?}: {code}"));
        }
    }
    println!("{denied} refused, {allowed} let through");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(denied >= 300 && allowed >= 180, "{denied} refused, {allowed} let through");
}
