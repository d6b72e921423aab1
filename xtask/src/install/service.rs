//! The service of the user who installs: started where no other coordinator is configured, ended before it
//! is removed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use super::place::{Place, Scope};
use crate::build::SERVICE;
use crate::context::Context;
use crate::flags::Install;
use crate::process;
use crate::{complain, say};

/// Longer than the service takes to come up or to end.
const LIMIT: Duration = Duration::from_secs(60);

/// The configuration of every user.
const OF_MACHINE: &str = "/etc/rig/config.json";

/// Says whether the service is installed: images of agents reach the one of their cluster.
pub(crate) fn is_installed(options: &Install) -> bool {
    !options.image && !options.no_conductor
}

/// Starts the service, or a newer one in the place of an older one. That it fails is no failure of the
/// installation: without it escalations wait in the spool.
pub(crate) fn start(cx: &Context, options: &Install, place: &Place, changed: bool) {
    let here = place.scope == Scope::User && place.destdir.is_none();
    if options.temporary || options.no_sync || !is_installed(options) || !here {
        return;
    }
    if let Some(coordinator) = coordinator(cx, place) {
        say(&format!("{SERVICE} is not started: {coordinator} names a coordinator"));
        return;
    }
    let told = if changed { run(cx, place, &["down"]).map(drop) } else { Ok(()) };
    match told.and_then(|()| run(cx, place, &["up"])) {
        Ok(url) => say(&format!("{SERVICE} runs for this user at {url}")),
        Err(error) => complain(&format!(
            "warning: {SERVICE} could not be started, so escalations wait until it is: {error}"
        )),
    }
}

/// Ends the service before another version or none takes its place.
pub(crate) fn end(cx: &Context, place: &Place) {
    if is_there(place)
        && let Err(error) = run(cx, place, &["down"])
    {
        complain(&format!("warning: {SERVICE} could not be ended: {error}"));
    }
}

/// Ends the service and removes what it kept, unless escalations in it are not closed. It says itself what
/// it leaves.
pub(crate) fn remove(cx: &Context, place: &Place) {
    if !is_there(place) {
        return;
    }
    match run(cx, place, &["down", "--remove"]) {
        Ok(told) => told.lines().filter(|line| line.starts_with("leaving")).for_each(say),
        Err(error) => complain(&format!("warning: {SERVICE} could not be ended: {error}")),
    }
}

/// Says whether the user has ever run the installed service.
fn is_there(place: &Place) -> bool {
    let used = place.state().is_some_and(|state| state.join("conductor").is_dir());
    used && place.destdir.is_none() && program(place).is_file()
}

fn program(place: &Place) -> PathBuf {
    place.disk(&place.bin()).join(SERVICE)
}

/// Runs the installed program with nothing of this environment but what it takes to find the home.
fn run(cx: &Context, place: &Place, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program(place));
    command.args(arguments).current_dir("/").env_clear().env("LANG", "C.UTF-8");
    for name in ["HOME", "PATH", "USER"] {
        if let Some(value) = cx.var(name) {
            command.env(name, value);
        }
    }
    let output = process::feed(&mut command, b"", LIMIT).map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output {
        Output { status, stdout, .. } if status.success() => Ok(text(&stdout)),
        Output { stderr, .. } => Err(text(&stderr)),
    }
}

/// Returns what names another coordinator, if anything does.
fn coordinator(cx: &Context, place: &Place) -> Option<String> {
    let variable = ["CONDUCTOR_BASE_URL", "CONDUCTOR_URL"].into_iter().find(|name| cx.var(name).is_some());
    let files = place.config().into_iter().chain([PathBuf::from(OF_MACHINE)]);
    let file = || files.into_iter().find(|path| names_one(path)).map(|path| path.display().to_string());
    variable.map(str::to_owned).or_else(file)
}

fn names_one(file: &Path) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    let settings: Value = serde_json::from_slice(&text).unwrap_or_default();
    settings["conductor"]["baseUrl"].as_str().is_some_and(|url| !url.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    fn a_file_of_settings_names_a_coordinator_by_its_base_url() {
        let sandbox = Sandbox::new().unwrap();
        let file = sandbox.path().join("config.json");
        for (text, expected) in [
            (r#"{"conductor": {"baseUrl": "http://c"}}"#, true),
            (r#"{"conductor": {"baseUrl": " "}}"#, false),
            (r#"{"conductor": {"token": "x"}}"#, false),
            (r#"{"agent": {"id": "human-stig"}}"#, false),
            ("not json", false),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(names_one(&file), expected, "{text}");
        }
        assert!(!names_one(&sandbox.path().join("none")));
    }
}
