//! What a verdict may cost: instructions of the installed guard, and how they grow with the input.
//!
//! Instructions are counted by valgrind, so that no machine is too slow or too busy for these tests.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{CWD, Session};
use rig_guard::judge;
use rig_testkit::needs::{skip, variable};

/// A script as people write them, of somewhat less than 2 KB. It runs some of its lines several times.
const SCRIPT: &str = include_str!("data/script.sh");

/// How far beyond its budget a verdict may be: compilers differ.
const TOLERANCE: f64 = 1.1;

/// How often a run is tried again in which the guard met one of its deadlines.
const TRIES: usize = 5;

/// How many more instructions twice the input may take.
const TWICE: f64 = 2.3;

/// A shape of input: its text for a number, the number that is measured and doubled, and the one for
/// which the verdict has to be right.
type Shape = (&'static str, fn(usize) -> String, usize, usize);

const SHAPES: [Shape; 15] = [
    ("document", |n| format!("cat > a.md <<'E'\n{}E", "rm -rf / $(x) `y` \"\n".repeat(n)), 2_000, 11_000),
    ("document that is expanded", |n| format!("cat <<E\n{}E", "some $NAME text\n".repeat(n)), 300, 2_000),
    ("segments", |n| row(n, "; ", |k| format!("echo line {k}")), 100, 2_000),
    ("lines", |n| row(n, "\n", |k| format!("make target{k}")), 100, 2_000),
    ("and", |n| row(n, " && ", |k| format!("make target{k}")), 100, 2_000),
    ("or", |n| row(n, " || ", |k| format!("test -e file{k}")), 100, 2_000),
    ("and with variables", |n| row(n, " && ", |k| format!("V{k}=x{k} && make $V{k}")), 60, 1_500),
    (
        "and, or by turns",
        |n| row(n, " ", |k| format!("test -e file{k} && V{k}=x || make && W{k}=y ||")) + " true",
        100,
        700,
    ),
    ("variables", |n| row(n, "; ", |k| format!("V{k}=x{k}")), 150, 5_000),
    (
        "variables that are used",
        |n| format!("{}; echo {}", row(n, "; ", |k| format!("V{k}=x")), row(n, " ", |k| format!("$V{k}"))),
        100,
        2_500,
    ),
    ("braces", |n| format!("echo {{{}}}", row(n, ",", |k| format!("a{k}"))), 150, 500),
    ("pairs of braces", |n| format!("echo {}", "{a,b}".repeat(n)), 200, 2_000),
    ("quotes", |n| format!("echo {}", row(n, " ", |k| format!("'a b {k}' \"c d\"\\ e"))), 150, 1_500),
    ("one quoted text", |n| format!("git commit -m '{}'", "rm -rf /; git push -f\n".repeat(n)), 3_000, 9_000),
    ("functions", |n| row(n, "\n", |k| format!("f{k}() {{ make; }}; f{k}")), 60, 800),
];

fn row(count: usize, separator: &str, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(separator)
}

#[test]
fn long_input_gets_the_verdict_of_short_input() {
    with_the_stack_of_a_program(|| {
        let session = Session::default();
        for (name, shape, _, count) in SHAPES {
            assert_eq!(judge::command(&shape(count), Some(CWD), &session), None, "{name}");
            let bad = format!("{}\ngit push --force", shape(count));
            let refused = judge::command(&bad, Some(CWD), &session).map(|refused| refused.rule);
            assert_eq!(refused.as_deref(), Some("git.push.force"), "{name}");
        }
    });
}

/// Does something with as much stack as a program has, and not a test; without optimisation every call
/// takes several times as much.
fn with_the_stack_of_a_program(run: fn()) {
    std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("it did not panic");
}

#[test]
fn what_is_nested_too_deep_is_refused_and_the_limit_named() {
    let session = Session::default();
    for opened in ["$(", "(", "${x:-", "echo $(", "{ ", "if ", "<("] {
        let refused = judge::command(&opened.repeat(10_000), Some(CWD), &session);
        let why = refused.map(|refused| refused.why).unwrap_or_default();
        assert!(why.contains("nested more than") || why.contains("longer than"), "{opened}: {why}");
    }
}

#[test]
fn twice_the_input_takes_little_more_than_twice_the_instructions() {
    // This process may be the one that is measured.
    if let Some(asked) = variable("BUDGET_SHAPE") {
        let asked = asked.to_string_lossy();
        let (number, count) = asked.split_once(' ').unwrap();
        let (_, shape, ..) = SHAPES[number.parse::<usize>().unwrap()];
        let code = shape(count.parse().unwrap());
        return assert!(!refused(&code));
    }
    let program = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let count = |shape: usize, count: usize| {
        let mut command = valgrind(dir.path(), &format!("{shape}"))?;
        command.arg("--toggle-collect=*budget::refused*").arg(&program);
        command.args(["--exact", "twice_the_input_takes_little_more_than_twice_the_instructions"]);
        let counted = counted(command.env("BUDGET_SHAPE", format!("{shape} {count}")));
        assert_eq!(counted.code, Some(0), "{}", SHAPES[shape].0);
        Some(counted.instructions)
    };
    let halves: [Vec<usize>; 2] = [0, 1].map(|rest| (0..SHAPES.len()).filter(|n| n % 2 == rest).collect());
    let measure = |shapes: &[usize]| -> Option<Vec<String>> {
        let mut grown = Vec::new();
        for shape in shapes {
            let (name, _, n, _) = SHAPES[*shape];
            let (once, twice) = (count(*shape, n)?, count(*shape, 2 * n)?);
            assert!(once > 100_000.0, "{name}: nothing was measured");
            let times = twice / once;
            if times > TWICE {
                grown.push(format!("{name}: {once} for {n}, {times:.2} times as many for {}", 2 * n));
            }
        }
        Some(grown)
    };
    let measured = std::thread::scope(|scope| {
        let threads = halves.each_ref().map(|shapes| scope.spawn(|| measure(shapes)));
        threads.map(|thread| thread.join().unwrap())
    });
    let Some(grown) = measured.into_iter().collect::<Option<Vec<_>>>() else {
        return skip("there is no valgrind to count instructions");
    };
    assert!(grown.concat().is_empty(), "{:#?}", grown.concat());
}

/// The work that is measured.
#[inline(never)]
fn refused(code: &str) -> bool {
    judge::command(code, Some(CWD), &Session::default()).is_some()
}

#[test]
fn the_installed_guard_keeps_its_budgets() {
    let Some(prefix) = variable("RIG_TEST_PREFIX").map(PathBuf::from) else {
        return skip("RIG_TEST_PREFIX does not name what is installed");
    };
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    std::fs::create_dir_all(work.join(".git")).unwrap();
    std::fs::write(work.join(".git/HEAD"), "ref: refs/heads/feature\n").unwrap();
    let document = format!("cat > a.md <<'E'\n{}E\n", "rm -rf / $(x) `y` \"\n".repeat(10_000));
    let mut over = Vec::new();
    for (command, code, budget) in [
        ("git status --short", 0, 100_000.0),
        ("cargo test -p app --locked && git add -A && git commit -m 'x'", 0, 200_000.0),
        ("cd src && grep -rn 'fn main' . | head -20; cargo test -q 2>&1", 0, 200_000.0),
        ("rm -rf node_modules && npm ci && npm test", 0, 200_000.0),
        ("git push --force origin main", 2, 400_000.0),
        ("cd / && rm -rf -- *", 2, 400_000.0),
        (SCRIPT, 0, 2_000_000.0),
        (&document, 0, 40_000_000.0),
    ] {
        let input = dir.path().join("event.json");
        std::fs::write(&input, event(command, &work)).unwrap();
        let run = || {
            let mut valgrind = valgrind(dir.path(), "installed")?;
            valgrind.arg(prefix.join("bin/rig-guard")).arg("hook");
            valgrind.arg("--config").arg(dir.path().join(".config/rig/config.json"));
            valgrind.arg("--state").arg(dir.path().join(".local/state/rig"));
            valgrind.env("CLAUDE_PROJECT_DIR", &work).current_dir(&work);
            Some(counted(valgrind.stdin(std::fs::File::open(&input).unwrap())))
        };
        // The first call of a session also makes its files.
        let (Some(_), Some(mut last)) = (run(), run()) else {
            return skip("there is no valgrind to count instructions");
        };
        for _ in 0..TRIES {
            if !last.is_late() {
                break;
            }
            last = run().unwrap_or(last);
        }
        if last.is_late() {
            // Valgrind makes everything fifty times slower, and the guard's own deadlines hold there too.
            eprintln!("not measured, since this machine is busy: {}", &command[..command.len().min(70)]);
            continue;
        }
        assert_eq!(last.code, Some(code), "{command}: {}", last.said);
        if last.instructions > budget * TOLERANCE {
            let command = &command[..command.len().min(70)];
            over.push(format!("{} instructions of {budget}: {command}", last.instructions));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

/// Returns the event of a call of Bash.
fn event(command: &str, work: &Path) -> String {
    let event = serde_json::json!({
        "session_id": "00000000-0000-4000-8000-000000000001",
        "transcript_path": work.join("transcript.jsonl"),
        "cwd": work,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": { "command": command, "description": "Does something" },
        "tool_use_id": "toolu_01AbCdEfGhJkMnPqRsTuVw",
    });
    event.to_string()
}

/// Returns a call of valgrind that counts instructions, in an empty home; `None` where there is none.
fn valgrind(home: &Path, name: &str) -> Option<Command> {
    let path = variable("PATH")?;
    let program = std::env::split_paths(&path).map(|dir| dir.join("valgrind")).find(|path| path.is_file())?;
    let mut command = Command::new(program);
    command.env_clear().env("PATH", &path).env("HOME", home).stdin(Stdio::null());
    command.arg("--tool=callgrind");
    command.arg(format!("--callgrind-out-file={}", home.join(format!("callgrind.{name}")).display()));
    Some(command)
}

/// What was counted of one run.
struct Counted {
    code: Option<i32>,
    instructions: f64,
    said: String,
}

impl Counted {
    /// Says whether the guard met one of its own deadlines.
    fn is_late(&self) -> bool {
        ["no verdict in time", "not complete after", "too much in one go"]
            .iter()
            .any(|why| self.said.contains(why))
    }
}

/// Runs it.
#[track_caller]
fn counted(command: &mut Command) -> Counted {
    let output = command.output().expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = count.unwrap_or_else(|| panic!("valgrind counted nothing: {said}")).1;
    Counted { code: output.status.code(), instructions: count.trim().parse().expect("a count"), said }
}
