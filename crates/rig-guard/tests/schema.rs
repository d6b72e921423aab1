//! The schema of policies says what the guard itself says of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use rig_core::paths::Paths;
use rig_guard::policy::Policy;
use serde_json::Value;

fn docs(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file)).unwrap()
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&docs("guard.schema.json")).unwrap()).unwrap()
}

/// What the guard finds wrong with a text as the policy of the machine, where everything may stand.
fn problems(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("guard.json"), text).unwrap();
    let mut paths = Paths::below(Some("/home/dev".into()));
    paths.system_config = dir.path().join("config.json");
    Policy::load(&paths, Some(Path::new("/nonexistent"))).layers.remove(0).problems
}

#[test]
fn a_policy_is_valid_for_the_schema_where_it_is_for_the_guard() {
    let schema = schema();
    for (text, valid) in [
        (r#"{}"#, true),
        (r#"{"$schema":"guard.schema.json"}"#, true),
        (
            r#"{"packs":{"core":false,"cloud":true,"containers":true,"databases":true,"packages":true,"strict":true,"secrets":true,"identity":true}}"#,
            true,
        ),
        (r#"{"packs":{"own":true}}"#, false),
        (r#"{"packs":{"cluod":true}}"#, false),
        (r#"{"packs":{"cloud":"on"}}"#, false),
        (r#"{"packs":["cloud"]}"#, false),
        (
            r#"{"protect":{"branches":["release/*"],"namespaces":["prod"],"databases":["app"],"paths":["/srv","~/x","infra"]}}"#,
            true,
        ),
        (r#"{"protect":{"branchs":[]}}"#, false),
        (r#"{"protect":{"paths":"/srv"}}"#, false),
        (r#"{"rules":[{"id":"a.b-c_1","argv":["npm","publish"],"why":"w","instead":"i"}]}"#, true),
        (r#"{"rules":[{"id":"a","regex":"^x","contains":"x","why":"w"}]}"#, true),
        (r#"{"rules":[{"id":"a","argv":["x"],"regex":"x","why":"w"}]}"#, false),
        (r#"{"rules":[{"id":"a","why":"w"}]}"#, false),
        (r#"{"rules":[{"id":"a","argv":["x"],"contains":"x","why":"w"}]}"#, false),
        (r#"{"rules":[{"id":"a","argv":["x"]}]}"#, false),
        (r#"{"rules":[{"id":"a b","argv":["x"],"why":"w"}]}"#, false),
        (r#"{"rules":[{"argv":["x"],"why":"w"}]}"#, false),
        (r#"{"rules":[{"id":"a","argv":[],"why":"w"}]}"#, false),
        (r#"{"tools":{"mcp__db__*":{"query":"sql","script":"shell","to":"path"}}}"#, true),
        (r#"{"tools":{"x":{"query":"text"}}}"#, false),
        (
            r#"{"exceptions":[{"rule":"sql.drop","argv":["psql","**"],"reason":"r","expires":"2026-12-31"}]}"#,
            true,
        ),
        (r#"{"exceptions":[{"rule":"fs.rm.root","path":"/srv","reason":"r"}]}"#, true),
        (r#"{"exceptions":[{"rule":"sql.drop","argv":["psql"],"reason":""}]}"#, false),
        (r#"{"exceptions":[{"rule":"sql.drop","argv":["psql"]}]}"#, false),
        (r#"{"exceptions":[{"rule":"sql.drop","reason":"r"}]}"#, false),
        (r#"{"exceptions":[{"rule":"self.off","argv":["x"],"reason":"r"}]}"#, false),
        (r#"{"exceptions":[{"rule":"sql.drop","argv":["x"],"reason":"r","expires":"31.12.2026"}]}"#, false),
        (r#"{"exceptions":[{"rule":"sql.drop","argv":["x"],"reason":"r","expires":"2026-13-01"}]}"#, false),
        (r#"{"userExceptions":false}"#, true),
        (r#"{"userExceptions":"no"}"#, false),
        (r#"{"override":true}"#, false),
        (r#"[]"#, false),
    ] {
        let document: Value = serde_json::from_str(text).unwrap();
        let found = (schema.is_valid(&document), problems(text));
        assert_eq!((found.0, found.1.is_empty()), (valid, valid), "{text}: {:?}", found.1);
    }
}

#[test]
fn every_policy_in_the_documentation_is_valid() {
    let schema = schema();
    let text = docs("guard.md");
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let document: Value = serde_json::from_str(example).unwrap();
        assert!(schema.is_valid(&document), "{example}");
        assert_eq!(problems(example), [""; 0], "{example}");
    }
}
