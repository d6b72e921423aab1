//! What people really write passes: the scripts and the documentation of well-known packages.
//!
//! Every script is judged as a whole, as if all of it were typed, and each of its lines alone that is a
//! command by itself; examples of documents are judged one by one. What is refused has to stand in `blocked.txt`, where each entry
//! says why that is right. `.ci/real-life` fetches the packages.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{CWD, Session};
use rig_guard::judge;
use rig_guard::rules;
use rig_guard::shell::{Call, Context, Parser, Rable, Refusal, Shell, Verdict, Visitor};

use sources::{Kind, Source};

/// The fewest scripts and documents that say something.
const SOURCES: usize = 1_000;
/// The largest share of the lines that may be refused, in thousandths.
const SHARE: usize = 3;
/// How much of a command tells it from others, in characters.
const SHOWN: usize = 120;
/// The stack of a thread, in bytes: that of a program's first thread, which judges elsewhere.
const STACK: usize = 8 << 20;

/// What is refused: the package, the rule, and the command as it would run.
type Key = (String, String, String);

/// Collects what the rules refuse in a script, without ending at the first.
struct All<'a> {
    world: &'a Session,
    refused: Vec<(String, String)>,
    /// A part of it could not be followed.
    lost: bool,
}

impl Visitor for All<'_> {
    fn call(&mut self, call: &Call<'_>) -> Verdict {
        if let Some((rule, _)) = rules::judge(call, self.world) {
            self.refused.push((rule.id.to_owned(), call.display()));
        }
        Ok(())
    }

    fn refused(&mut self, _: &str, _: Refusal, _: &Context) -> Verdict {
        self.lost = true;
        Ok(())
    }
}

/// How many of something were judged, and how many of them were refused.
#[derive(Clone, Copy, Default)]
struct Share {
    judged: usize,
    refused: usize,
}

impl Share {
    fn add(&mut self, refused: bool) {
        self.judged += 1;
        self.refused += usize::from(refused);
    }

    fn and(self, other: Self) -> Self {
        Self { judged: self.judged + other.judged, refused: self.refused + other.refused }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.refused, self.judged)
    }
}

/// What came of everything.
#[derive(Default)]
struct Report {
    scripts: Share,
    documents: usize,
    /// Lines of scripts, and examples of documents.
    lines: Share,
    /// What was refused, and one file in which it stands.
    found: BTreeMap<Key, String>,
}

impl Report {
    fn note(&mut self, source: &Source, refused: Vec<(String, String)>) {
        for (rule, command) in refused {
            let key = (source.package.clone(), rule, one_line(&command));
            let file = self.found.entry(key).or_insert_with(|| source.file.clone());
            *file = std::mem::take(file).min(source.file.clone());
        }
    }

    fn judge(&mut self, source: &Source) {
        match source.kind {
            Kind::Script => {
                self.whole(source);
                for line in lines(&source.text) {
                    self.alone(source, &line);
                }
            }
            Kind::Document => {
                self.documents += 1;
                for example in source.text.split('\0') {
                    self.alone(source, example);
                }
            }
        }
    }

    /// Judges a script as if all of it were typed.
    fn whole(&mut self, source: &Source) {
        let world = Session::default();
        let mut all = All { world: &world, refused: Vec::new(), lost: false };
        let _ = Shell::new(&Rable, &world, &mut all, Some(CWD.to_owned())).walk(&source.text);
        let All { mut refused, lost, .. } = all;
        if lost && refused.is_empty() {
            let verdict = judge::command(&source.text, Some(CWD), &world);
            // What could not be followed is told by the file.
            refused.extend(verdict.map(|first| (first.rule.into_owned(), format!("({})", source.file))));
        }
        self.scripts.add(!refused.is_empty());
        self.note(source, refused);
    }

    /// Judges a command that is typed by itself.
    fn alone(&mut self, source: &Source, code: &str) {
        let refused = judge::command(code, Some(CWD), &Session::default());
        self.lines.add(refused.is_some());
        let refused = refused.map(|r| {
            let part = if r.part.is_empty() { code.to_owned() } else { r.part };
            (r.rule.into_owned(), part)
        });
        self.note(source, refused.into_iter().collect());
    }

    fn and(mut self, other: Self) -> Self {
        for (key, other) in other.found {
            let file = self.found.entry(key).or_insert_with(|| other.clone());
            *file = std::mem::take(file).min(other);
        }
        Self {
            scripts: self.scripts.and(other.scripts),
            documents: self.documents + other.documents,
            lines: self.lines.and(other.lines),
            found: self.found,
        }
    }
}

/// Judges everything, on every processor.
fn report(sources: &[Source]) -> Report {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut report = Report::default();
        while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
            report.judge(source);
        }
        report
    };
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap())
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(Report::default(), Report::and)
    })
}

/// Returns the lines of a script that are commands by themselves, continued ones joined.
fn lines(script: &str) -> BTreeSet<String> {
    let joined = script.replace("\\\n", " ");
    let own = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    own.filter(|line| line.len() < 4_096 && Rable.parse(line).is_ok()).map(str::to_owned).collect()
}

/// Returns the beginning of a command, on one line and without the mark between columns.
fn one_line(command: &str) -> String {
    let line = command.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "¦");
    line.chars().take(SHOWN).collect::<String>().trim_end().to_owned()
}

/// Reads `PACKAGE:FILE | RULE | COMMAND | WHY`.
fn reviewed() -> BTreeMap<Key, String> {
    let text = std::fs::read_to_string(directory().join("blocked.txt")).unwrap();
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = entries.map(|line| {
        let parts: Vec<&str> = line.split(" | ").collect();
        let [place, rule, command, why] = parts[..] else { panic!("not four parts: {line}") };
        let (package, _) = place.split_once(':').unwrap_or_else(|| panic!("no file: {line}"));
        assert!(why.split(' ').count() >= 3, "no reason: {line}");
        ((package.to_owned(), rule.to_owned(), command.to_owned()), why.to_owned())
    });
    entries.collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reallife")
}

#[test]
fn what_is_refused_in_scripts_and_documents_of_packages_was_read_and_is_right() {
    let Some(sources) = sources::all() else { return };
    let Report { scripts, documents, lines, found } = report(&sources);
    println!("measured: refused {scripts} scripts and {lines} lines of them and of {documents} documents");
    let reviewed = reviewed();
    let new: Vec<String> = found
        .iter()
        .filter(|(key, _)| !reviewed.contains_key(*key))
        .map(|((package, rule, command), file)| format!("{package}:{file} | {rule} | {command} | "))
        .collect();
    for (package, rule, command) in reviewed.keys().filter(|key| !found.contains_key(*key)) {
        // Another version of a package need not hold it.
        println!("not found: {package} | {rule} | {command}");
    }
    assert!(new.is_empty(), "{} entries are not in blocked.txt:\n{}", new.len(), new.join("\n"));
    assert!(scripts.judged + documents >= SOURCES, "only {} scripts, {documents} documents", scripts.judged);
    assert!(lines.refused * 1_000 <= lines.judged * SHARE, "{lines} lines are refused");
}
