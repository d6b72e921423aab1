//! Discord's published description of its interface, and what it says against a request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::needs::{required, skip, variable};

const FILE: &str = "discord-openapi.json";
const MISSING: &str = "RIG_TEST_SCHEMAS does not name a directory with discord-openapi.json";

/// The description, with a validator for every schema that was asked for.
#[derive(Debug)]
pub(crate) struct Spec {
    document: Value,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// What a request says, in the words of the description.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// The path with its parameters' names, as the description has it.
    pub(crate) template: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a [(&'a str, &'a str)],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a Value>,
}

impl Spec {
    /// Returns the description. None where it is missing.
    ///
    /// # Panics
    /// When it is missing and `RIG_TEST_REQUIRE=1`, or is not JSON.
    pub(crate) fn load() -> Option<&'static Self> {
        static SPEC: OnceLock<Option<Spec>> = OnceLock::new();
        let read = || {
            let file = Path::new(&variable("RIG_TEST_SCHEMAS")?).join(FILE);
            let text = std::fs::read(&file).ok()?;
            let document =
                serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            Some(Spec { document, validators: Mutex::default() })
        };
        let spec = SPEC.get_or_init(read).as_ref();
        assert!(spec.is_some() || !required(), "RIG_TEST_REQUIRE=1, but {MISSING}");
        spec
    }

    /// As [`Spec::load`], and says on stderr that the test ends without a result.
    #[track_caller]
    pub(crate) fn needed() -> Option<&'static Self> {
        let spec = Self::load();
        if spec.is_none() {
            skip(MISSING);
        }
        spec
    }

    /// Returns what is wrong with a request.
    pub(crate) fn request_errors(&self, said: &Said<'_>) -> Vec<String> {
        let item = &self.document["paths"][said.template];
        let operation = &item[said.method.to_ascii_lowercase()];
        if operation.is_null() {
            return vec![format!("the description has no {} {}", said.method, said.template)];
        }
        let mut errors = Vec::new();
        let parameters: Vec<&Value> = [item, operation]
            .into_iter()
            .flat_map(|place| place["parameters"].as_array().into_iter().flatten())
            .collect();
        for (place, given) in [("path", said.path), ("query", said.query)] {
            for (name, value) in given {
                let known = parameters.iter().find(|p| p["name"] == *name && p["in"] == place);
                match known {
                    Some(parameter) => {
                        let value = typed(&parameter["schema"], value);
                        let found = self.errors(&parameter["schema"], &value, true);
                        errors.extend(found.into_iter().map(|e| format!("{place} parameter {name}{e}")));
                    }
                    None => errors.push(format!("{place} parameter {name} is not described")),
                }
            }
        }
        let content = &operation["requestBody"]["content"]["application/json"]["schema"];
        match said.body {
            Some(_) if content.is_null() => errors.push("a body is not described".to_owned()),
            Some(body) => {
                errors.extend(self.errors(content, body, true).into_iter().map(|e| format!("body{e}")));
            }
            None if operation["requestBody"]["required"] == true => {
                errors.push("there is no body".to_owned())
            }
            None => {}
        }
        errors
    }

    /// Returns what is wrong with a successful answer of this status.
    pub(crate) fn response_errors(
        &self,
        template: &str,
        method: &str,
        status: u16,
        body: &Value,
    ) -> Vec<String> {
        let responses = &self.document["paths"][template][method.to_ascii_lowercase()]["responses"];
        let schema = &responses[status.to_string()]["content"]["application/json"]["schema"];
        if schema.is_null() {
            return vec![format!("{method} {template} has no answer {status}")];
        }
        self.errors(schema, body, false)
    }

    /// Holds a value against a schema. Strictly, members that are not described are errors, too;
    /// Discord ignores them, so that a misspelt one has no effect.
    pub(crate) fn errors(&self, schema: &Value, value: &Value, strict: bool) -> Vec<String> {
        let validator = self.validator(schema, strict);
        let show = |error: jsonschema::ValidationError<'_>| {
            let text: String = error.to_string().chars().take(400).collect();
            format!(" at `{}`: {text}", error.instance_path())
        };
        validator.iter_errors(value).map(show).collect()
    }

    fn validator(&self, schema: &Value, strict: bool) -> Arc<Validator> {
        let key = format!("{strict}{schema}");
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(&key) {
            return Arc::clone(validator);
        }
        let mut whole = schema.clone();
        let mut schemas = Map::new();
        let mut names = BTreeSet::new();
        refer(schema, &mut names);
        while let Some(name) = names.pop_first() {
            if !schemas.contains_key(&name) {
                let component = self.document["components"]["schemas"][&name].clone();
                refer(&component, &mut names);
                schemas.insert(name, component);
            }
        }
        if strict {
            schemas.values_mut().for_each(close);
        }
        whole["components"] = json!({ "schemas": schemas });
        let built = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            .build(&whole);
        let validator = Arc::new(built.unwrap_or_else(|e| panic!("the schema {schema}: {e}")));
        validators.insert(key, Arc::clone(&validator));
        validator
    }
}

/// Adds the names of the components that a schema refers to.
fn refer(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            names.extend(target.and_then(|t| t.strip_prefix("#/components/schemas/")).map(str::to_owned));
            members.values().for_each(|member| refer(member, names));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| refer(entry, names)),
        _ => {}
    }
}

/// Forbids members that a schema does not describe.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            // Where schemas are joined, none of them describes all members.
            let closed = members.contains_key("additionalProperties") || members.contains_key("allOf");
            if members.contains_key("properties") && !closed {
                members.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(close),
        _ => {}
    }
}

/// Reads a parameter's text as what its schema asks for.
fn typed(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        Some("boolean") => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
        _ => text.into(),
    }
}
