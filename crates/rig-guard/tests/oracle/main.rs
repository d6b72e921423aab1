//! The words that the guard finds are those that bash really passes.
//!
//! Random scripts are run by bash in a sandbox: an empty directory, a search path with nothing on
//! it but a program that prints its arguments and a few wrappers. The guard reads the same scripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod features;
mod random;
mod sandbox;
mod words;

use std::collections::BTreeSet;

use common::Session;
use rig_guard::shell::{Call, Context, Rable, Refusal, Shell, Verdict, Visitor, Word};

use random::Random;
use sandbox::bash;

/// How many random scripts are compared: about words, and about everything else.
const SCRIPTS: usize = 600;
const FEATURES: usize = 1_600;

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

/// Compares what the guard finds in scripts with what bash runs: so many commands at least.
fn compare(scripts: &[String], least: usize) {
    let mut different = Vec::new();
    let mut calls = 0;
    for (script, expected) in scripts.iter().zip(bash(scripts)) {
        // Both branches of a `case` and of `!` are walked through; here one of them is taken.
        let mut found = guard(script);
        found.retain(|args| args != &["no"]);
        calls += expected.len();
        if found != expected {
            different.push(format!("{script}\n  bash:  {expected:?}\n  guard: {found:?}\n"));
        }
    }
    assert!(calls >= least, "only {calls} commands");
    let shown = different.iter().take(20).map(String::as_str).collect::<String>();
    assert!(different.is_empty(), "{} of {} differ:\n{shown}", different.len(), scripts.len());
}

/// Returns how many scripts there are, more of them in a long run.
fn depth(usual: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let full = std::env::var("RIG_TEST_DEPTH").is_ok_and(|depth| depth == "full");
    if full { usual * 10 } else { usual }
}

#[test]
fn words_are_those_that_bash_passes() {
    let mut random = Random(20_260_101);
    let scripts: BTreeSet<String> = (0..depth(SCRIPTS)).map(|_| random.script()).collect();
    compare(&scripts.into_iter().collect::<Vec<_>>(), SCRIPTS);
}

#[test]
fn commands_are_those_that_bash_runs() {
    let mut random = Random(20_260_102);
    let scripts: Vec<String> = (0..depth(FEATURES)).map(|n| random.feature(n)).collect();
    compare(&scripts, 3_000);
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
