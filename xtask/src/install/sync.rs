//! Has the installed `rig-hooks-sync` write, check and remove the hooks in the client's settings.

use std::process::Command;

use super::place::{Place, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::process;
use crate::say;

/// Puts the hooks into the settings.
pub(crate) fn write(cx: &Context, place: &Place, role: Option<&str>) -> Result<()> {
    let mut sync = command(cx, place);
    if let Some(role) = role {
        sync.args(["--role", role]);
    }
    say(&format!("running {}", process::shown(&sync)));
    process::run(&mut sync).map_err(|error| {
        Error::new(format!("the hooks are not in the settings: {error}"))
            .hint("mend what it names and install again; until then Claude Code runs without the hooks")
    })
}

/// Takes the hooks out of the settings.
pub(crate) fn remove(cx: &Context, place: &Place) -> Result<()> {
    let mut sync = command(cx, place);
    process::run(sync.arg("--remove")).map_err(|error| {
        Error::new(format!("the hooks are still in the settings, so nothing was removed: {error}"))
            .hint("mend what it names and uninstall again")
    })
}

/// Returns the call that says whether the hooks are in force.
pub(crate) fn check(cx: &Context, place: &Place) -> Command {
    let mut sync = command(cx, place);
    sync.arg("--check");
    sync
}

fn command(cx: &Context, place: &Place) -> Command {
    let mut sync = cx.command(place.disk(&place.bin()).join("rig-hooks-sync"));
    sync.arg("--scope");
    match place.scope {
        Scope::User => sync.arg("user"),
        Scope::Machine => sync.arg("managed"),
    };
    if let Some(dir) = &place.destdir {
        sync.arg("--destdir").arg(dir);
    }
    sync
}
