//! The command line.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use rig_core::env::Environment;
use rig_core::error::chain;
use rig_core::paths::Paths;
use rig_core::settings::{Entry, Scope};
use similar::TextDiff;

use crate::apply::{self, Done};
use crate::base;
use crate::check::{self, Findings};
use crate::error::SyncError;
use crate::person::{self, Wish};
use crate::places::{Choice, Places};
use crate::plan::{Current, Plan};

/// `--check` found something that is not as it should be.
pub const DRIFT: u8 = 1;
/// Nothing was changed, because something failed.
pub const FAILED: u8 = 3;

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to do
  1  --check found drift
  2  the options are wrong
  3  failed; the settings are as they were

Examples:
  rig-hooks-sync                        the hooks of everybody, for this user
  rig-hooks-sync --role dev             the same with the changes of hooks-overrides/dev.json
  rig-hooks-sync --dry-run              what would change, as a diff
  rig-hooks-sync --check                is everything in force?
  rig-hooks-sync --remove               the settings as they were before
  rig-hooks-sync --scope managed --identity dev-e-node --destdir /mnt/image";

/// Write the rig's hooks into Claude Code's settings
///
/// The hooks of the base, changed by a role's override, go into a settings file. Entries of an
/// earlier sync are brought up to date in place; everything else in the file keeps its bytes.
/// The file is replaced only when the client would take all of it; otherwise it is left as it was.
#[derive(Debug, Parser)]
#[command(name = "rig-hooks-sync", version = rig_core::VERSION, after_help = AFTER_HELP)]
struct Args {
    /// Whose settings to write
    ///
    /// user: $CLAUDE_CONFIG_DIR/settings.json or ~/.claude/settings.json; project: the committed
    /// .claude/settings.json; local: .claude/settings.local.json; managed: the machine's
    /// /etc/claude-code/managed-settings.d/rig-tools.json
    #[arg(long, value_enum, default_value_t = ScopeArg::User)]
    scope: ScopeArg,

    /// Apply an override; `none` for the base alone
    ///
    /// Without it a sync writes the base alone, and --check takes the role of the last sync, as it
    /// does with --bin and --identity.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,

    /// Use another directory than the scope's usual one
    ///
    /// For user settings the directory of settings.json, for project and local settings the
    /// project, for managed settings the directory that takes the place of /etc/claude-code.
    #[arg(long, value_name = "DIR")]
    target: Option<PathBuf>,

    /// Write managed settings and their record below a staging root
    ///
    /// For building images: paths in the settings are those of the finished machine.
    #[arg(long, value_name = "DIR")]
    destdir: Option<PathBuf>,

    /// Use another base than the installed share/rig-tools/hooks-base.json
    ///
    /// Overrides are looked for in hooks-overrides beside it.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,

    /// Name the directory of the programs; this program's own by default
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,

    /// Set the identity of commits and events, such as dev-e-node
    ///
    /// By default user and local settings get `agent.id` of the configuration, else
    /// human-<login> unless root runs this or AGENT_ID is set; managed and project settings none.
    #[arg(long, value_name = "ID", conflicts_with = "no_identity")]
    identity: Option<String>,

    /// Set no identity
    #[arg(long)]
    no_identity: bool,

    /// Change nothing; say whether everything is there and in force
    #[arg(long, conflicts_with_all = ["dry_run", "remove"])]
    check: bool,

    /// Change nothing; print what would change as a unified diff
    #[arg(long)]
    dry_run: bool,

    /// Take the hooks and variables out again
    #[arg(long)]
    remove: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ScopeArg {
    User,
    Project,
    Local,
    Managed,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args, &Environment::process()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tell(&chain(&error));
            if let Some(hint) = error.hint() {
                let _ = writeln!(std::io::stderr().lock(), "hint: {hint}");
            }
            ExitCode::from(if matches!(error, SyncError::Usage(_)) { 2 } else { FAILED })
        }
    }
}

fn run(args: &Args, env: &Environment) -> Result<u8, SyncError> {
    let here = Path::new(".");
    let cwd = std::env::current_dir().map_err(SyncError::io("find the directory", here))?;
    let executable = std::env::current_exe().map_err(SyncError::io("find the program", here))?;
    let choice = Choice {
        scope: match args.scope {
            ScopeArg::User => Scope::User,
            ScopeArg::Project => Scope::Project,
            ScopeArg::Local => Scope::Local,
            ScopeArg::Managed => Scope::Managed,
        },
        target: args.target.clone(),
        destdir: args.destdir.clone(),
        base: args.base.clone(),
        bin: args.bin.clone(),
    };
    let places = Places::find(&choice, env, &cwd, &executable)?;
    let wish = match &args.identity {
        Some(id) => Wish::Id(id.clone()),
        None if args.no_identity => Wish::Nobody,
        None => Wish::Usual,
    };
    if args.remove {
        return remove(
            &places,
            args.dry_run,
            &person::variables(&wish, places.scope, env).unwrap_or_default(),
        );
    }
    let paths = Paths::of_user(env);
    if args.check {
        return check(places, &paths, args, &wish, env);
    }
    let role = args.role.as_deref().filter(|role| *role != base::NO_ROLE);
    let entries = base::wanted(&places, role)?;
    let variables = person::variables(&wish, places.scope, env)?;
    usable(&places, &entries)?;
    if args.dry_run {
        let current = Current::read(&places)?;
        let plan = current.with(&places, role, &entries, &variables)?;
        return print_diff(&places, &current, &plan);
    }
    sync(&places, &paths, role, &entries, &variables)
}

/// Refuses entries whose programs are missing, or lie where those who read the settings have none.
fn usable(places: &Places, entries: &[Entry]) -> Result<(), SyncError> {
    let scope = places.scope;
    let shared = matches!(scope, Scope::Project | Scope::Managed);
    for path in check::programs(entries) {
        if shared && !places.is_system_wide(path) {
            return Err(SyncError::NotSystemWide { scope, path: path.to_owned() });
        }
        if !check::runs(&places.reach(path)) {
            return Err(SyncError::NoProgram { path: path.to_owned() });
        }
    }
    Ok(())
}

fn sync(
    places: &Places,
    paths: &Paths,
    role: Option<&str>,
    entries: &[Entry],
    variables: &BTreeMap<String, String>,
) -> Result<u8, SyncError> {
    let former = Current::read(places)?.record.and_then(|record| record.role);
    let (done, plan) = apply::sync(places, role, entries, variables)?;
    let target = places.target.display();
    let hooks = count(entries);
    let role_text = role.map_or(String::new(), |role| format!(" (role {role})"));
    say(&match done {
        Done::Nothing => format!("{target} is up to date: {hooks}{role_text}"),
        Done::Made => format!("made {target} with {hooks}{role_text}"),
        Done::Changed | Done::Removed => format!("wrote {hooks} into {target}{role_text}"),
    });
    if let Some(id) = plan.record.as_ref().and_then(|record| record.env.get("CONDUCTOR_AGENT_ID")) {
        say(&format!("commits and events are by {id}"));
    }
    if let Some(former) = former.filter(|former| Some(former.as_str()) != role) {
        note(&format!("the role of the last sync was {former}; --role {former} brings it back"));
    }
    for key in &plan.foreign {
        note(&format!("`env.{key}` was set before, to something else; it stays"));
    }
    for warning in &plan.warnings {
        note(&format!("{target}: {warning}"));
    }
    for entry in entries {
        if let Some(why) = crate::matcher::never_fires(&entry.event, entry.matcher.as_deref().unwrap_or("")) {
            note(&format!("the matcher under `{}` can never fire: {why}", entry.event));
        }
    }
    let current = Current::read(places)?;
    for loss in check::session_losses(places, paths, &current, entries)? {
        note(&format!("not in force: {loss}"));
    }
    Ok(0)
}

fn remove(places: &Places, dry_run: bool, variables: &BTreeMap<String, String>) -> Result<u8, SyncError> {
    let target = places.target.display();
    if dry_run {
        let current = Current::read(places)?;
        let plan = current.without(places, variables)?;
        return print_diff(places, &current, &plan);
    }
    say(&match apply::remove(places, variables)? {
        Done::Nothing => format!("{target} holds nothing of the rig's"),
        Done::Removed => format!("removed {target}, which held nothing else"),
        Done::Made | Done::Changed => format!("took the rig's hooks out of {target}"),
    });
    Ok(0)
}

fn check(
    mut places: Places,
    paths: &Paths,
    args: &Args,
    wish: &Wish,
    env: &Environment,
) -> Result<u8, SyncError> {
    // Without options the file is held against what was synced last.
    let record = Current::read(&places)?.record;
    let recorded = record.as_ref().and_then(|record| record.role.clone());
    let role = args.role.clone().or(recorded);
    if let (Some(record), None) = (&record, &args.bin) {
        places.bin.clone_from(&record.bin);
    }
    let entries = base::wanted(&places, role.as_deref())?;
    let variables = match (&record, wish) {
        (Some(record), Wish::Usual) => record.env.clone(),
        _ => person::variables(wish, places.scope, env)?,
    };
    let Findings { drift, notes } = check::check(&places, paths, &entries, &variables)?;
    for text in &notes {
        note(text);
    }
    if drift.is_empty() {
        say(&format!("{}: {} in force", places.target.display(), count(&entries)));
        return Ok(0);
    }
    for text in &drift {
        say(&format!("drift: {text}"));
    }
    Ok(DRIFT)
}

fn print_diff(places: &Places, current: &Current, plan: &Plan) -> Result<u8, SyncError> {
    let name = places.target.to_string_lossy();
    let label =
        |text: &Option<String>| if text.is_some() { name.clone().into_owned() } else { "/dev/null".into() };
    let (old, new) = (current.text.as_deref().unwrap_or_default(), plan.text.as_deref().unwrap_or_default());
    let diff = TextDiff::from_lines(old, new);
    let text = diff.unified_diff().header(&label(&current.text), &label(&plan.text)).to_string();
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    if old == new && current.text.is_some() == plan.text.is_some() {
        tell(&format!("{name} would stay as it is"));
    }
    Ok(0)
}

fn count(entries: &[Entry]) -> String {
    let n = entries.len();
    format!("{n} hook{}", if n == 1 { "" } else { "s" })
}

fn say(text: &str) {
    // A closed stdout changes nothing about what was done.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn note(text: &str) {
    tell(&format!("note: {text}"));
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "rig-hooks-sync: {text}");
}
