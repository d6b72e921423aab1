//! Checks the dependency directions, absences above all.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::build::{PROGRAMS, SERVICE};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;
use crate::say;

/// What no hook links: it starts, answers and ends within one tool call.
const RUNTIMES: [&str; 5] = ["tokio", "async-std", "smol", "futures-executor", "async-io"];

/// What nothing links: rustls is the one TLS.
const OTHER_TLS: [&str; 3] = ["openssl", "openssl-sys", "native-tls"];

/// What the guard does not link: it has no business on the network.
const NETWORK: [&str; 4] = ["ureq", "ureq-proto", "rustls", "ring"];

/// What the service may link of the rig, itself included.
const OF_SERVICE: [&str; 3] = [SERVICE, "rig-wire", "rig-text"];

/// Checks every rule and prints each with its result.
pub(crate) fn run(cx: &Context) -> Result<()> {
    let text =
        process::read(cx.cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).doing(|| "read what `cargo metadata` prints".into())?;
    let declared = declared(&metadata);
    let mut broken = 0;
    let mut rule = |text: &str, offenders: Vec<String>| {
        let result = if offenders.is_empty() { "ok".to_owned() } else { offenders.join(", ") };
        broken += usize::from(!offenders.is_empty());
        say(&format!("{text}: {result}"));
    };
    for name in PROGRAMS {
        let linked = linked(cx, name)?;
        rule(&format!("{name} links no async runtime"), found(&linked, &RUNTIMES));
        rule(&format!("{name} links no TLS but rustls"), found(&linked, &OTHER_TLS));
        if name == "rig-guard" {
            rule("rig-guard links nothing of the network", found(&linked, &NETWORK));
        }
    }
    let linked = linked(cx, SERVICE)?;
    rule("rig-conductor links no TLS but rustls", found(&linked, &OTHER_TLS));
    let of_rig = |name: &&String| name.starts_with("rig-") && !OF_SERVICE.contains(&name.as_str());
    rule(
        "rig-conductor links rig-wire and rig-text alone of the rig",
        linked.iter().filter(of_rig).cloned().collect(),
    );
    rule("the hooks of tests are in no default build of rig-conductor", test_hooks(&metadata));
    rule("nothing but tests depends on a program", depend_on_programs(&declared));
    rule("rig-wire depends on serde alone", wire(&declared));
    rule("xtask depends on no crate of the rig", xtask(&declared));
    rule("rig-testkit is for tests", testkit(&declared));
    if broken > 0 {
        return Err(Error::new(format!("{broken} dependency rules are broken")).hint("see ARCHITECTURE.md"));
    }
    Ok(())
}

/// A dependency as a manifest declares it.
#[derive(Debug)]
struct Declared {
    by: String,
    on: String,
    dev: bool,
}

fn declared(metadata: &Value) -> Vec<Declared> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let dependencies = packages.flat_map(|package| {
        let by = text(&package["name"]);
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.map(move |one| Declared { by: by.clone(), on: text(&one["name"]), dev: one["kind"] == "dev" })
    });
    dependencies.collect()
}

/// Returns the packages that end up in a program.
fn linked(cx: &Context, package: &str) -> Result<BTreeSet<String>> {
    let arguments = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package];
    let tree = process::read(cx.cargo().args(arguments))?;
    Ok(tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn found(linked: &BTreeSet<String>, unwanted: &[&str]) -> Vec<String> {
    unwanted.iter().filter(|name| linked.contains(**name)).map(|name| (*name).to_owned()).collect()
}

fn offenders<'a>(all: impl Iterator<Item = &'a Declared>) -> Vec<String> {
    all.map(|one| format!("{} depends on {}", one.by, one.on)).collect()
}

fn depend_on_programs(all: &[Declared]) -> Vec<String> {
    let outside = |one: &&Declared| !one.dev && one.by != "rig-tests";
    let program = |one: &&Declared| one.on == SERVICE || PROGRAMS.contains(&one.on.as_str());
    offenders(all.iter().filter(outside).filter(program))
}

/// Returns the features of the service that are on by default.
fn test_hooks(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let service = packages.filter(|package| package["name"] == SERVICE);
    let default = service.flat_map(|package| package["features"]["default"].as_array().into_iter().flatten());
    default.map(|feature| format!("default = {feature}")).collect()
}

fn wire(all: &[Declared]) -> Vec<String> {
    let own = all.iter().filter(|one| one.by == "rig-wire" && !one.dev);
    offenders(own.filter(|one| !["serde", "serde_json"].contains(&one.on.as_str())))
}

fn xtask(all: &[Declared]) -> Vec<String> {
    offenders(all.iter().filter(|one| one.by == "xtask" && one.on.starts_with("rig-")))
}

fn testkit(all: &[Declared]) -> Vec<String> {
    let outside = |one: &&Declared| !one.dev && one.by != "rig-tests";
    offenders(all.iter().filter(outside).filter(|one| one.on == "rig-testkit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Vec<Declared> {
        let on = |name: &str, kind: Value| json!({"name": name, "kind": kind});
        declared(&json!({"packages": [
            {"name": "rig-guard", "dependencies": [
                on("rig-core", Value::Null), on("rig-testkit", json!("dev")), on("rig-prime", json!("dev"))]},
            {"name": "rig-prime", "dependencies": [on("rig-guard", Value::Null), on("rig-testkit", Value::Null)]},
            {"name": "rig-tests", "dependencies": [on("rig-guard", Value::Null), on("rig-testkit", Value::Null)]},
            {"name": "rig-wire", "dependencies": [on("serde", Value::Null), on("ureq", Value::Null)]},
            {"name": "xtask", "dependencies": [on("serde_json", Value::Null), on("rig-core", json!("build"))]},
        ]}))
    }

    #[test]
    fn each_rule_names_who_breaks_it() {
        let all = all();
        assert_eq!(depend_on_programs(&all), ["rig-prime depends on rig-guard"]);
        assert_eq!(wire(&all), ["rig-wire depends on ureq"]);
        assert_eq!(xtask(&all), ["xtask depends on rig-core"]);
        assert_eq!(testkit(&all), ["rig-prime depends on rig-testkit"]);
    }

    #[test]
    fn a_feature_that_is_on_by_default_is_named() {
        let features = |features: Value| {
            test_hooks(&json!({"packages": [{"name": "rig-conductor", "features": features}]}))
        };
        assert_eq!(features(json!({"test-hooks": []})), [""; 0]);
        assert_eq!(features(json!({"default": ["test-hooks"]})), ["default = \"test-hooks\""]);
    }

    #[test]
    fn unwanted_packages_are_found_by_their_whole_name() {
        let linked = ["serde", "tokio-util", "smol"].map(str::to_owned).into();
        assert_eq!(found(&linked, &RUNTIMES), ["smol"]);
    }
}
