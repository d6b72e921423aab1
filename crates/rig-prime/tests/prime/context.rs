//! What is printed, whole, for each of the cases in `fixtures`.
//!
//! A case is the usual scene (see `scene`) and what is different in it: `branch`, `git` commands,
//! `files` of the working copy and of the `home`, `env`, `agents` of the coordinator, `github` as a merge patch of the
//! fake repository, `pull` as one of its pull request, `others` as patches of copies of it, and the
//! `source` of the event.

use std::path::Path;

use crate::scene::Scene;
use serde_json::Value;

#[test]
fn every_case_prints_exactly_what_is_expected() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    assert!(files.len() > 10, "the cases are gone: {files:?}");
    let mut wrong = Vec::new();
    for file in files {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let expected: Vec<&str> = strings(&case["expected"]);
        let printed = run(&case);
        if printed.lines().collect::<Vec<_>>() != expected {
            let printed: Vec<_> = printed.lines().map(|line| format!("    {line:?},")).collect();
            wrong.push(format!("{} prints\n{}", file.display(), printed.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn run(case: &Value) -> String {
    let scene = Scene::new();
    if let Some(branch) = case["branch"].as_str() {
        scene.repo.git(["branch", "--quiet", "-M", branch]);
    }
    for command in case["git"].as_array().into_iter().flatten() {
        scene.repo.git(strings(command));
    }
    for (file, text) in case["files"].as_object().into_iter().flatten() {
        scene.repo.write(file, text.as_str().expect("a text"));
    }
    for (file, text) in case["home"].as_object().into_iter().flatten() {
        scene.home.write(file, text.as_str().expect("a text"));
    }
    if let Some(agents) = case["agents"].as_array() {
        scene.conductor.behave(|b| b.agents.clone_from(agents));
    }
    scene.github.behave(|b| {
        merge(&mut b.repository, &case["github"]);
        if !b.pulls().is_empty() {
            merge(b.pull(0), &case["pull"]);
        }
        for other in case["others"].as_array().into_iter().flatten() {
            let mut pull = b.pull(0).clone();
            merge(&mut pull, other);
            b.pulls().push(pull);
        }
    });
    let mut hook = scene.hook(case["source"].as_str().unwrap_or("startup"));
    for (name, value) in case["env"].as_object().into_iter().flatten() {
        hook = match value.as_str() {
            Some(value) => hook.env(name, value),
            None => hook.without_env(name),
        };
    }
    scene.prints(hook)
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().expect("a text")).collect()
}

/// Applies a JSON merge patch, in which null stands for a null rather than for nothing.
fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (_, Value::Null) => {}
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                match change {
                    Value::Null => drop(members.insert(name.clone(), Value::Null)),
                    change => merge(members.entry(name).or_insert(Value::Null), change),
                }
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}
