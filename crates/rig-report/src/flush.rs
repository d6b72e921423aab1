//! The delivery of what is spooled.

use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::conductor::{Budget, Endpoint};
use rig_core::config::Config;
use rig_core::courier::Courier;
use rig_core::env::{Environment, ProjectEnv};
use rig_core::error::chain;
use rig_core::paths::Paths;
use rig_core::spool::{Delivery, Pass, Record, Spool, SpoolError};
use serde_json::json;

/// How long the flusher stays after its start even with nothing to do. It is longer than the least
/// time between two starts, so that no event is left by a hook that did not start another one.
const STAY: Duration = Duration::from_secs(12);

/// How often a waiting flusher looks for news.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The pauses after coordinators that could not be reached, in seconds; the last one repeats.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// How long a flusher tries without any success; the next hook starts another one.
const GIVE_UP: Duration = Duration::from_secs(15 * 60);

/// One pass in the foreground.
pub(crate) fn once(
    env: &Environment,
    paths: &Paths,
    cwd: &Path,
    budget: Duration,
) -> Result<Once, SpoolError> {
    let Some(dir) = paths.spool() else { return Ok(Once::Homeless) };
    let spool = Spool::at(&dir);
    let Some(flusher) = spool.flusher()? else { return Ok(Once::Busy) };
    let mut courier = courier(env, paths, cwd);
    courier.stop_at(Instant::now() + budget);
    let pass = flusher.pass(|record| deliver(&spool, &mut courier, record))?;
    Ok(Once::Done(pass, courier.take_notes()))
}

/// Delivers a record, unless another process wants to deliver.
fn deliver(spool: &Spool, courier: &mut Courier, record: &Record<'_>) -> Delivery {
    if spool.is_wanted() { Delivery::Later } else { courier.deliver(record) }
}

/// What one pass in the foreground came to.
pub(crate) enum Once {
    /// No home directory is known, so there is no spool.
    Homeless,
    /// Another process delivers.
    Busy,
    /// The pass, and what there is to tell.
    Done(Pass, Vec<String>),
}

/// Delivers in the background until nothing waits that could be delivered.
pub(crate) fn background(env: &Environment, paths: &Paths, cwd: &Path) -> Result<(), SpoolError> {
    // Away from the client's process group and terminal; it fails only for a group's leader.
    let _ = rustix::process::setsid();
    let Some(dir) = paths.spool() else { return Ok(()) };
    let spool = Spool::at(&dir);
    let started = Instant::now();
    let mut courier = courier(env, paths, cwd);
    // Stay out of the way of who wants to remove or unmount the working directory.
    let _ = std::env::set_current_dir("/");
    if let Some(state) = paths.state.as_deref() {
        crate::session::forget_old(state);
    }
    while spool.exists() {
        let Some(flusher) = spool.flusher()? else { return Ok(()) };
        let mut last_success = Instant::now();
        let mut failures = 0;
        loop {
            if !spool.exists() {
                return Ok(());
            }
            courier.begin_pass();
            let pass = flusher.pass(|record| deliver(&spool, &mut courier, record))?;
            if spool.exists() {
                tell(paths, &mut courier, pass);
            }
            if pass.accepted > 0 {
                last_success = Instant::now();
                failures = 0;
            }
            let trouble = courier.had_trouble();
            let pause = if trouble {
                let pause = PAUSES[failures.min(PAUSES.len() - 1)].max(courier.throttled_for());
                failures += 1;
                Duration::from_secs(pause)
            } else {
                STAY.saturating_sub(started.elapsed())
            };
            if trouble && last_success.elapsed() + pause > GIVE_UP {
                return Ok(());
            }
            // Nobody is asked before the pause is over who was not there.
            match wait(&spool, pause, courier.was_unreachable()) {
                Waited::Wanted => return Ok(()),
                Waited::InVain if !trouble => break,
                Waited::InVain | Waited::News => {}
            }
        }
        drop(flusher);
        // An event may have come between the last look and the end of the lock.
        if !spool.has_news() {
            return Ok(());
        }
    }
    Ok(())
}

/// What a wait came to.
enum Waited {
    /// Another process wants to deliver.
    Wanted,
    /// Events came.
    News,
    /// The time is over.
    InVain,
}

/// Waits. With `to_the_end` news do not end the wait.
fn wait(spool: &Spool, pause: Duration, to_the_end: bool) -> Waited {
    let until = Instant::now() + pause;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if spool.is_wanted() {
            return Waited::Wanted;
        }
        if !spool.exists() {
            return Waited::InVain;
        }
        if (!to_the_end || left.is_zero()) && spool.has_news() {
            return Waited::News;
        }
        if left.is_zero() {
            return Waited::InVain;
        }
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}

fn courier(env: &Environment, paths: &Paths, cwd: &Path) -> Courier {
    let (config, errors) = Config::load(paths);
    let project = ProjectEnv::read(env, cwd, paths.home.as_deref());
    let endpoint = Endpoint::resolve_trusted(env, &project, &config.conductor);
    for error in errors.iter().map(|e| chain(e)).chain(endpoint.as_ref().err().map(ToString::to_string)) {
        crate::log(paths, &json!({ "failure": error }));
    }
    let spool = paths.spool().unwrap_or_default();
    Courier::new(endpoint.ok().flatten(), Budget::HOOK, spool)
}

fn tell(paths: &Paths, courier: &mut Courier, pass: Pass) {
    let notes = courier.take_notes();
    if !notes.is_empty() || pass.accepted > 0 || pass.given_up > 0 {
        let Pass { accepted, given_up, waiting } = pass;
        crate::log(
            paths,
            &json!({ "flush": { "accepted": accepted, "givenUp": given_up, "waiting": waiting }, "notes": notes }),
        );
    }
}
