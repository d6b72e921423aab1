//! What sync writes, against the published schema of the settings.
//!
//! `RIG_TEST_SCHEMAS` names the directory that holds `claude-code-settings.schema.json`. The
//! published schema is older than the client: it does not know `onFailure`, and forbids what it
//! does not know. That one key is taken out before a document is held against it, and the test
//! fails when the schema learns it.

use std::path::Path;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, fixtures, variable};

#[test]
fn what_is_written_follows_the_published_schema() {
    let required = variable("RIG_TEST_REQUIRE").as_deref() == Some("1");
    let file =
        variable("RIG_TEST_SCHEMAS").map(|dir| Path::new(&dir).join("claude-code-settings.schema.json"));
    let Some(text) = file.as_deref().and_then(|file| std::fs::read(file).ok()) else {
        assert!(
            !required,
            "RIG_TEST_SCHEMAS does not name a directory with claude-code-settings.schema.json"
        );
        eprintln!(
            "skipped: RIG_TEST_SCHEMAS does not name a directory with claude-code-settings.schema.json"
        );
        return;
    };
    let schema: Value = serde_json::from_slice(&text).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();

    let sandbox = Sandbox::new();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hooks-base.json");
    for options in [&[][..], &["--identity", "dev-e-node", "--role", "dev"], &["--role", "reviewer"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rig-hooks-sync"));
        command.env_clear().env("HOME", sandbox.home()).env("AGENT_ID", "test").current_dir(sandbox.root());
        command.arg("--base").arg(&base).arg("--bin").arg(sandbox.bin()).args(options);
        assert_eq!(sandbox.ran(&mut command).code, Some(0));
        let mut settings: Value = serde_json::from_slice(&sandbox.read().unwrap()).unwrap();
        assert!(
            !schema.is_valid(&settings),
            "the schema knows `onFailure`; it need not be taken out any more"
        );
        without_on_failure(&mut settings);
        let mistakes: Vec<String> = schema.iter_errors(&settings).map(|error| error.to_string()).collect();
        assert_eq!(mistakes, [""; 0], "{options:?}");
    }
    // The schema does tell a mistake.
    assert!(!schema.is_valid(&json!({"hooks": {"Stop": [{"type": "command", "command": "x"}]}})));
    assert!(fixtures().is_dir());
}

fn without_on_failure(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(without_on_failure),
        Value::Object(map) => {
            map.remove("onFailure");
            map.values_mut().for_each(without_on_failure);
        }
        _ => {}
    }
}
