//! Installs the hooks and takes them back.
//!
//! An installation is built first and put in place afterwards, one rename per file, so that
//! a session that runs meanwhile meets the old guard or the new one and never none. What it
//! does is written down before it is done; see [`ledger`].

mod apply;
mod client;
mod content;
mod coordinator;
mod identity;
mod ledger;
mod place;
mod proof;
mod service;
mod sync;
mod uninstall;

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::build::{self, Built};
use crate::context::{self, Context};
use crate::error::{Doing, Result};
use crate::flags::Install;
use crate::process;
use crate::{complain, say};
use apply::Plan;
use content::Content;
use identity::Edit;
use ledger::Ledger;
use place::{LINKS, Place, Scope};

/// Installs, or uninstalls.
pub(crate) fn run(cx: &Context, options: &Install) -> Result<()> {
    let place = Place::of(cx, options)?;
    if options.uninstall {
        return uninstall::run(cx, &place);
    }
    let mut built = build::programs(cx)?;
    if service::is_installed(options) {
        built.push(build::service(cx)?);
    }
    let hint = format!("to take back what is installed: ./install.sh --uninstall{}", place.options());
    install(cx, options, &place, &built).map_err(|error| error.hint(hint))
}

fn install(cx: &Context, options: &Install, place: &Place, built: &[Built]) -> Result<()> {
    let (_lock, made) = lock(place)?;
    let mut ledger = Ledger::open(place)?;
    made.iter().for_each(|dir| ledger.remember_directory(dir));
    for dir in [place.bin(), place.share()] {
        ledger.make_directory(place, &dir)?;
    }
    remember_state(place, &mut ledger);
    match options.role.as_deref() {
        Some("none") => ledger.role = None,
        Some(role) => ledger.role = Some(role.to_owned()),
        None => {}
    }
    let mut plan = plan(cx, place, built)?;
    if !options.no_sync
        && let Some(id) = person(cx, place)
    {
        set_identity(place, &id, &mut plan)?;
    }
    if !service::is_installed(options) {
        // An earlier installation may have brought it, and this one takes it away.
        service::end(cx, place);
    }
    let changed = apply::put(place, &mut ledger, &plan)?;
    let bin = place.disk(&place.bin());
    say(&match changed {
        0 => format!("everything in {} is up to date", bin.display()),
        1 => format!("1 file is new, programs are in {}", bin.display()),
        _ => format!("{changed} files are new, programs are in {}", bin.display()),
    });
    if !options.no_sync {
        let before = std::mem::replace(&mut ledger.synced, true);
        ledger.write(place)?;
        if let Err(error) = sync::write(cx, place, ledger.role.as_deref()) {
            // The settings are as they were, so a removal need not touch them.
            ledger.synced = before;
            ledger.write(place)?;
            return Err(error);
        }
    }
    if !options.temporary && !options.image {
        warn(cx, place);
    }
    proof::run(cx, place, ledger.synced, service::is_installed(options))?;
    service::start(cx, options, place, changed > 0);
    if !options.temporary {
        say(&format!("installed; to take it back: ./install.sh --uninstall{}", place.options()));
    }
    Ok(())
}

/// Says what keeps the hooks from being called, or the programs from being found.
fn warn(cx: &Context, place: &Place) {
    if let Some(text) = client::warning(cx) {
        complain(&format!("warning: {text}"));
    }
    let bin = place.bin();
    if place.destdir.is_none() && !on_path(cx, &bin) {
        let bin = bin.display();
        complain(&format!(
            "warning: {bin} is not in your PATH, which only those need who call the programs by hand"
        ));
    }
}

/// Keeps other installations into the same prefix away until it is dropped. Returns the directories
/// that it made, too.
fn lock(place: &Place) -> Result<(File, Vec<std::path::PathBuf>)> {
    let dir = place.disk(&place.prefix);
    let doing = || format!("lock {}", dir.display());
    loop {
        let made = place.make_directory(&place.prefix)?;
        let file = File::open(&dir).doing(doing)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say(&format!("waiting for another installation into {}", dir.display()));
                file.lock().doing(doing)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).doing(doing),
        }
        // An uninstallation may have removed the directory while this one waited.
        let own = file.metadata().doing(doing)?;
        if dir.metadata().is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino())) {
            return Ok((file, made));
        }
    }
}

/// Remembers directories that the programs will make at run time.
fn remember_state(place: &Place, ledger: &mut Ledger) {
    let state = place.state();
    let missing = state.iter().flat_map(|dir| dir.ancestors().skip(1)).take_while(|dir| !dir.exists());
    missing.collect::<Vec<_>>().into_iter().rev().for_each(|dir| ledger.remember_directory(dir));
}

fn plan(cx: &Context, place: &Place, built: &[Built]) -> Result<Plan> {
    let read = |path: &Path, mode| {
        let bytes = fs::read(path).doing(|| format!("read {}", path.display()))?;
        Ok(Content::File(bytes, mode))
    };
    let mut plan = Plan::new();
    for program in built {
        plan.insert(place.bin().join(program.name), read(&program.file, 0o755)?);
    }
    for (name, program) in LINKS {
        plan.insert(place.bin().join(name), Content::Link(program.into()));
    }
    plan.insert(place.share().join("hooks-base.json"), read(&cx.root.join("hooks-base.json"), 0o644)?);
    let overrides = cx.root.join("hooks-overrides");
    for file in fs::read_dir(&overrides).doing(|| format!("list {}", overrides.display()))? {
        let file = file.doing(|| format!("list {}", overrides.display()))?.path();
        if let (Some(name), Some("json")) = (file.file_name(), file.extension().and_then(|e| e.to_str())) {
            plan.insert(place.overrides().join(name), read(&file, 0o644)?);
        }
    }
    Ok(plan)
}

/// Returns the id of the person who installs; `None` where an agent does, or root.
fn person(cx: &Context, place: &Place) -> Option<String> {
    let agent = ["AGENT_ID", "CONDUCTOR_AGENT_ID"].iter().any(|name| cx.var(name).is_some());
    if place.scope == Scope::Machine || agent || context::is_root() {
        return None;
    }
    // An account that no database lists has no name but what the session gives it.
    let listed = process::read(cx.command("id").arg("-un")).ok();
    let login = listed.or_else(|| cx.var("USER").or_else(|| cx.var("LOGNAME")).map(str::to_owned));
    login.map(|login| identity::of_login(&login))
}

fn set_identity(place: &Place, id: &str, plan: &mut Plan) -> Result<()> {
    let Some(path) = place.config() else { return Ok(()) };
    match identity::set(Content::read(&path)?.as_ref(), id) {
        Edit::Stays(known) => say(&format!("the identity stays {known}, as {} says", path.display())),
        Edit::Write(file) => {
            say(&format!("the identity is {id}, in {}", path.display()));
            plan.insert(path, file);
        }
        Edit::Cannot(why) => complain(&format!(
            "warning: {} is left as it is, because {why}; set `agent.id` to `{id}` in it",
            path.display()
        )),
    }
    Ok(())
}

fn on_path(cx: &Context, bin: &Path) -> bool {
    cx.var("PATH").is_some_and(|path| std::env::split_paths(path).any(|dir| dir == bin))
}
