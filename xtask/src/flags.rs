//! The whole command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// Printed by `cargo xtask help`.
const HELP: &str = "\
The project's own tasks

Usage: cargo xtask <TASK> [OPTIONS]

Tasks:
  install     Build the hooks, install them, put them into Claude Code's settings
  test        Build, install to a temporary prefix, run every test against those files
  bench       Measure what the hooks cost, or what the service bears
  soak        Run the long versions of the tests that kill, tear and repeat
  check-deps  Check which crate may depend on which

`cargo xtask <TASK> --help` says more about one of them.
";

/// Printed by `cargo xtask install --help`, and so by `./install.sh --help`.
const INSTALL_HELP: &str = "\
Build the hooks, install them, put them into Claude Code's settings

Usage: ./install.sh [OPTIONS]
       cargo xtask install [OPTIONS]

Installs rig-guard, rig-prime, rig-report, rig-hooks-sync and rig-escalate, with the
names they had before as links, and rig-conductor. Then it writes the hooks into the
user's settings, sets the identity of a person, feeds every installed program a real
event and shows what it answered, and starts rig-conductor for this user where no other
coordinator is configured. What stood under these names before is kept and comes back
with --uninstall. A second run changes nothing.

Options:
  --prefix DIR   Install below DIR [default: ~/.local, with --system /usr/local]
  --role ROLE    Add the settings of a role, a file in hooks-overrides (dev, reviewer).
                 Kept by later installs; `none` drops it
  --no-sync      Install the files alone: no settings, no identity, nothing is started
  --no-conductor Leave rig-conductor out: it is not built, not installed and not started
  --system       Install for everyone on this machine: /usr/local, and the hooks in
                 /etc/claude-code/managed-settings.d, where no user's or project's
                 settings can switch them off. Needs root. Sets no identity
  --image        As --system, for a container image: without rig-conductor, and the
                 client is not looked for
  --destdir DIR  With --system or --image: put everything below DIR, for a package or
                 an image's root. The files name their places without DIR
  --uninstall    Take the hooks out of the settings, remove what was installed, bring
                 back what was there before. Takes --prefix, --system and --destdir
  -h, --help     Print this help

Exit codes:
  0  installed (or uninstalled), and every installed program answered as it should
  1  failed; the last lines say what is missing or how to undo
  2  the command line is wrong
";

const TEST_HELP: &str = "\
Build, install to a temporary prefix, run every test against those files

Usage: cargo xtask test [-- ARGS]

Runs with an empty HOME and without the variables of a session (CLAUDE_*, ANTHROPIC_*,
CONDUCTOR_*, AGENT_ID, GIT_*, tokens). ARGS go to `cargo test`, such as `-p rig-guard`
or `-- --nocapture`. Ends with one line that counts all tests.

Environment:
  RIG_TEST_SCHEMAS  Directory of public schemas that some tests compare with
  RIG_TEST_REQUIRE  1: an optional part that is missing fails instead of being left out
  RIG_TEST_DEPTH    full: the long versions, see `soak`

Options:
  -h, --help  Print this help
";

const BENCH_HELP: &str = "\
Measure what the hooks cost, or what the service bears

Usage: cargo xtask bench [SUBJECT] [OPTIONS]

Subjects:
  hooks      Wall time and instructions of each hook beside a program that does nothing.
             Builds and installs to a temporary prefix, then runs each hook on a typical
             event and a no-op of the same profile and linkage, in turn [default]
  guard      Instructions, resident memory and wall time of rig-guard for typical, refused, long and
             hostile commands, beside a program that does nothing and beside other guards that are on
             the search path (dcg, tirith, shellfirm and the like), with the same event on stdin
  conductor  Heartbeats a second on SQLite and on PostgreSQL beside pgbench, the time from
             a P0 to the call of Discord, the cost of a sweep, memory. Builds the service in
             the profile `release` and starts it, a PostgreSQL and a Discord double on
             loopback. Needs wrk, valgrind and PostgreSQL's programs

Wall times are medians; instructions are counted by valgrind. Nothing is written but the
tables.

Options:
  --runs N    Hooks, guard: runs of each for the wall times [default: 300, guard 50]
  --peer NAME=COMMAND
              Guard: another guard, which reads the event of a hook from stdin; may be repeated
  --order     Guard: instead of measuring, write crates/rig-guard/hot.ld anew, by which the
              linker puts the functions side by side that typical commands need
  --quick     Conductor: seconds instead of minutes, without the million
  --markdown  Print tables for docs/measurements.md
  -h, --help  Print this help
";

const SOAK_HELP: &str = "\
Run the long versions of the tests that kill, tear and repeat

Usage: cargo xtask soak [SUITE]...

Prints the command, the date and the result of each, for docs/measurements.md.

Suites:
  guard      The guard's words beside bash's, refused commands rewritten, and every fuzz target for ten
             minutes of the processor. Needs cargo-fuzz
  spool      Many writers of the event spool, killed at random, and a coordinator that comes and goes
  sync       Many syncs of the settings, killed at random
  install    Many installations, killed at any time
  conductor  Many histories of escalations, held against a model; a service that is killed at every
             step and at random; replicas that are killed and frozen, with a database that restarts
  [default: all]

Options:
  -h, --help  Print this help
";

const CHECK_DEPS_HELP: &str = "\
Check which crate may depend on which

Usage: cargo xtask check-deps

Options:
  -h, --help  Print this help

The rules are those of ARCHITECTURE.md; each is printed with its result.
";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Print a help text.
    Help(&'static str),
    /// Install or uninstall.
    Install(Install),
    /// Run all tests with these arguments for `cargo test`.
    Test(Vec<OsString>),
    /// Measure.
    Bench(Bench),
    /// Run these suites at full depth.
    Soak(Vec<Suite>),
    /// Check the dependency directions.
    CheckDeps,
}

/// The options of `install`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Install {
    /// Install below this directory.
    pub(crate) prefix: Option<PathBuf>,
    /// The role whose overrides are added.
    pub(crate) role: Option<String>,
    /// Leave the settings and the identity alone.
    pub(crate) no_sync: bool,
    /// Leave the service out.
    pub(crate) no_conductor: bool,
    /// Install for the whole machine.
    pub(crate) system: bool,
    /// Install for the whole machine, into an image.
    pub(crate) image: bool,
    /// Stage below this directory.
    pub(crate) destdir: Option<PathBuf>,
    /// Remove instead.
    pub(crate) uninstall: bool,
    /// For a task that removes it again by itself; no option sets this.
    pub(crate) temporary: bool,
}

/// The options of `bench`.
#[derive(Debug, PartialEq)]
pub(crate) struct Bench {
    /// What is measured.
    pub(crate) subjects: Subjects,
    /// Measure roughly, in seconds.
    pub(crate) quick: bool,
    /// Timed runs of each program.
    pub(crate) runs: usize,
    /// Print Markdown.
    pub(crate) markdown: bool,
    /// Other guards: their names, and how they are called.
    pub(crate) peers: Vec<(String, String)>,
    /// Write the order of the guard's functions anew.
    pub(crate) order: bool,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Subjects {
    /// A start of each hook.
    Hooks,
    /// The guard, beside others.
    Guard,
    /// The service.
    Conductor,
}

/// A suite of `soak`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Suite {
    /// The guard.
    Guard,
    /// The event spool.
    Spool,
    /// The settings.
    Sync,
    /// The installation.
    Install,
    /// The service.
    Conductor,
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, String> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.is_empty() {
        return Ok(Task::Help(HELP));
    }
    let task = arguments.remove(0);
    let help = match task.to_str() {
        Some("install") => INSTALL_HELP,
        Some("test") => TEST_HELP,
        Some("bench") => BENCH_HELP,
        Some("soak") => SOAK_HELP,
        Some("check-deps") => CHECK_DEPS_HELP,
        Some("help" | "-h" | "--help") => return Ok(Task::Help(HELP)),
        _ => return Err(format!("unknown task `{}`\nhint: `cargo xtask help` lists them", task.display())),
    };
    let own = arguments.iter().take_while(|a| *a != "--");
    if own.clone().any(|a| a == "-h" || a == "--help") {
        return Ok(Task::Help(help));
    }
    let arguments = Arguments { task: task.display().to_string(), left: arguments.into_iter() };
    match help {
        INSTALL_HELP => install(arguments),
        TEST_HELP => {
            let mut rest: Vec<OsString> = arguments.left.collect();
            if rest.first().is_some_and(|a| a == "--") {
                rest.remove(0);
            }
            Ok(Task::Test(rest))
        }
        BENCH_HELP => bench(arguments),
        SOAK_HELP => soak(arguments),
        _ => match { arguments }.left.next() {
            None => Ok(Task::CheckDeps),
            Some(extra) => Err(unknown("check-deps", &extra)),
        },
    }
}

fn install(mut arguments: Arguments) -> Result<Task, String> {
    let mut options = Install::default();
    while let Some((flag, value)) = arguments.flag()? {
        match flag.as_str() {
            "--prefix" => options.prefix = Some(arguments.directory(&flag, value)?),
            "--destdir" => options.destdir = Some(arguments.directory(&flag, value)?),
            "--role" => options.role = Some(arguments.text(&flag, value)?),
            "--no-sync" => options.no_sync = true,
            "--no-conductor" => options.no_conductor = true,
            "--system" => options.system = true,
            "--image" => options.image = true,
            "--uninstall" => options.uninstall = true,
            _ => return Err(unknown("install", flag.as_ref())),
        }
    }
    if options.destdir.is_some() && !(options.system || options.image) {
        return Err("`--destdir` goes with `--system` or `--image`".into());
    }
    Ok(Task::Install(options))
}

fn bench(mut arguments: Arguments) -> Result<Task, String> {
    let mut options = Bench {
        subjects: Subjects::Hooks,
        quick: false,
        runs: 0,
        markdown: false,
        peers: Vec::new(),
        order: false,
    };
    while let Some((flag, value)) = arguments.flag()? {
        match flag.as_str() {
            "hooks" => options.subjects = Subjects::Hooks,
            "guard" => options.subjects = Subjects::Guard,
            "conductor" => options.subjects = Subjects::Conductor,
            "--quick" => options.quick = true,
            "--runs" => {
                let text = arguments.text(&flag, value)?;
                options.runs = text
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or_else(|| format!("`--runs {text}` is no count"))?;
            }
            "--markdown" => options.markdown = true,
            "--peer" => {
                let text = arguments.text(&flag, value)?;
                let peer =
                    text.split_once('=').filter(|(name, command)| !name.is_empty() && !command.is_empty());
                let (name, command) = peer.ok_or_else(|| format!("`--peer {text}` is not NAME=COMMAND"))?;
                options.peers.push((name.to_owned(), command.to_owned()));
            }
            "--order" => options.order = true,
            _ => return Err(unknown("bench", flag.as_ref())),
        }
    }
    if (options.order || !options.peers.is_empty()) && options.subjects != Subjects::Guard {
        return Err("`--order` and `--peer` go with `bench guard`".into());
    }
    if options.runs == 0 {
        options.runs = if options.subjects == Subjects::Guard { 50 } else { 300 };
    }
    Ok(Task::Bench(options))
}

fn soak(mut arguments: Arguments) -> Result<Task, String> {
    let mut suites = Vec::new();
    while let Some((word, _)) = arguments.flag()? {
        suites.push(match word.as_str() {
            "guard" => Suite::Guard,
            "spool" => Suite::Spool,
            "sync" => Suite::Sync,
            "install" => Suite::Install,
            "conductor" => Suite::Conductor,
            _ => return Err(unknown("soak", word.as_ref())),
        });
    }
    if suites.is_empty() {
        suites = vec![Suite::Guard, Suite::Spool, Suite::Sync, Suite::Install, Suite::Conductor];
    }
    Ok(Task::Soak(suites))
}

fn unknown(task: &str, argument: &std::ffi::OsStr) -> String {
    format!(
        "`{task}` does not know `{}`\nhint: `cargo xtask {task} --help` lists what it knows",
        argument.display()
    )
}

/// The arguments of one task.
struct Arguments {
    task: String,
    left: std::vec::IntoIter<OsString>,
}

impl Arguments {
    /// Returns the next argument, split at `=` where it is a flag with a value.
    fn flag(&mut self) -> Result<Option<(String, Option<String>)>, String> {
        let Some(word) = self.left.next() else { return Ok(None) };
        let word = word.into_string().map_err(|word| unknown(&self.task, &word))?;
        Ok(Some(match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.into(), Some(value.into())),
            _ => (word, None),
        }))
    }

    fn text(&mut self, flag: &str, value: Option<String>) -> Result<String, String> {
        value
            .or_else(|| self.left.next()?.into_string().ok())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("`{flag}` needs a value"))
    }

    /// Returns a directory as an absolute path.
    fn directory(&mut self, flag: &str, value: Option<String>) -> Result<PathBuf, String> {
        let text = self.text(flag, value)?;
        std::path::absolute(&text).map_err(|error| format!("`{flag} {text}` is no directory: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Task, &str>) {
        let parsed = parse(line.split_whitespace().map(OsString::from));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn install_takes_its_options_in_both_spellings() {
        let options = Install { prefix: Some("/p".into()), role: Some("dev".into()), ..Install::default() };
        check("install --prefix /p --role=dev", Ok(Task::Install(options)));
        let options =
            Install { image: true, destdir: Some("/d".into()), uninstall: true, ..Install::default() };
        check("install --image --destdir=/d --uninstall", Ok(Task::Install(options)));
    }

    #[test]
    fn wrong_words_are_named() {
        check("instal", Err("unknown task `instal`\nhint: `cargo xtask help` lists them"));
        check("install --prefix", Err("`--prefix` needs a value"));
        check("install --destdir /d", Err("`--destdir` goes with `--system` or `--image`"));
        check(
            "install now",
            Err("`install` does not know `now`\nhint: `cargo xtask install --help` lists what it knows"),
        );
        check("bench conductor --runs", Err("`--runs` needs a value"));
        check("bench guard --peer nah", Err("`--peer nah` is not NAME=COMMAND"));
        check("bench --order", Err("`--order` and `--peer` go with `bench guard`"));
        check("bench --runs 0", Err("`--runs 0` is no count"));
        check(
            "soak pool",
            Err("`soak` does not know `pool`\nhint: `cargo xtask soak --help` lists what it knows"),
        );
    }

    #[test]
    fn arguments_of_test_go_on_to_cargo_untouched() {
        check("test -- -p rig-guard", Ok(Task::Test(["-p", "rig-guard"].map(OsString::from).into())));
        check("test -p rig-guard", Ok(Task::Test(["-p", "rig-guard"].map(OsString::from).into())));
        check("test -- -- --help", Ok(Task::Test(["--", "--help"].map(OsString::from).into())));
    }

    #[test]
    fn every_task_has_a_help_text_that_names_it() {
        for task in ["install", "test", "bench", "soak", "check-deps"] {
            let Ok(Task::Help(help)) = parse([task, "--help"].map(OsString::from)) else { panic!("{task}") };
            assert!(help.contains(&format!("cargo xtask {task}")) && HELP.contains(task), "{task}");
        }
    }
}
