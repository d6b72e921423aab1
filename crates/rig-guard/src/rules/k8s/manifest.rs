//! What manifests name: the kinds of the things in them, and their namespaces.

use super::kinds::{Loss, of_group};
use crate::policy::Policy;

/// Something that a manifest describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    /// `GROUP/VERSION`, or a version alone.
    pub(super) version: String,
    pub(super) namespace: String,
}

impl Object {
    /// Returns what deleting it takes away.
    pub(super) fn loss(&self) -> Option<Loss> {
        of_group(&self.kind, self.version.split_once('/').map_or("", |(group, _)| group))
    }

    /// Says whether its namespace is protected.
    pub(super) fn is_protected(&self, policy: &Policy) -> bool {
        !self.namespace.is_empty() && policy.protects_namespace(&self.namespace)
    }
}

/// Reads a manifest in YAML or JSON.
pub(super) fn objects(text: &str) -> Vec<Object> {
    if text.trim_start().starts_with('{') {
        let mut found = Vec::new();
        // Several objects may follow one another.
        for value in serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>() {
            let Ok(value) = value else { break };
            from_json(&value, &mut found);
        }
        return found;
    }
    text.split("\n---").flat_map(document).collect()
}

fn from_json(value: &serde_json::Value, found: &mut Vec<Object>) {
    let text = |value: Option<&serde_json::Value>| value.and_then(|v| v.as_str()).unwrap_or("").to_owned();
    match value.get("items").and_then(|items| items.as_array()) {
        Some(items) => items.iter().for_each(|item| from_json(item, found)),
        None => found.push(Object {
            kind: text(value.get("kind")),
            version: text(value.get("apiVersion")),
            namespace: text(value.pointer("/metadata/namespace")),
        }),
    }
}

/// Reads a document of YAML line by line: an object, or the items of a list.
fn document(text: &str) -> Vec<Object> {
    let mut found = vec![Object::default()];
    // How far the keys of the object that is read are indented, and those of its metadata.
    let (mut own, mut metadata) = (0, None);
    let mut list = false;
    for line in text.lines() {
        let rest = line.trim_start();
        let item = rest.starts_with("- ");
        let entry = if item { rest[2..].trim_start() } else { rest };
        let indent = line.len() - entry.len();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        if list && item && (own == 0 || indent <= own) {
            own = indent;
            metadata = None;
            found.push(Object::default());
        }
        let Some((key, value)) = entry.split_once(':') else { continue };
        let value = plain(value);
        if indent == 0 && key == "items" && value.is_empty() {
            (list, own) = (true, 0);
        }
        let Some(object) = found.last_mut() else { continue };
        if indent == own {
            metadata = None;
            match key.trim_matches('"') {
                "kind" => object.kind = value.to_owned(),
                "apiVersion" => object.version = value.to_owned(),
                "metadata" => metadata = Some(None),
                _ => {}
            }
        } else if let Some(at) = &mut metadata {
            let at = *at.get_or_insert(indent);
            if at == indent && key == "namespace" {
                object.namespace = value.to_owned();
            }
        }
    }
    found
}

/// Returns a value without its quotes and the comment behind it.
fn plain(value: &str) -> &str {
    let value = value.split(" #").next().unwrap_or(value).trim();
    value.trim_matches(['"', '\''])
}

/// Returns what a `kustomization.yaml` builds on.
pub(super) fn resources(text: &str) -> Vec<String> {
    let mut listed = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.trim_start().strip_prefix("- ") {
            Some(entry) if listed => found.push(plain(entry).to_owned()),
            Some(_) => {}
            None if line.starts_with([' ', '\t', '#']) || line.is_empty() => {}
            None => {
                let (key, value) = line.split_once(':').unwrap_or((line, ""));
                listed = matches!(key.trim_matches(['"', '\'']), "resources" | "bases" | "components");
                // `resources: [a.yaml, b.yaml]`
                if let Some(entries) = plain(value).strip_prefix('[').filter(|_| listed) {
                    let entries = entries.trim_end_matches(']').split(',');
                    found.extend(
                        entries.map(|entry| plain(entry).to_owned()).filter(|entry| !entry.is_empty()),
                    );
                }
            }
        }
    }
    found
}

/// Returns what the name of a file says about what is in it, which is all that is known of one that cannot be read.
pub(super) fn by_name(path: &str) -> Option<Loss> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".yaml", ".yml", ".json"].iter().find_map(|end| name.strip_suffix(end))?;
    let stem = stem.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    // A node or a project may be anything in the name of a file.
    of_group(stem, "").filter(|_| !matches!(stem, "no" | "node" | "nodes" | "project" | "projects" | "sc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let objects = objects(text).into_iter();
        let shown = objects.map(|o| format!("{} {} {}", o.kind, o.version, o.namespace).trim().to_owned());
        shown.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn every_document_is_read_and_nothing_inside_of_it_is_taken_for_one() {
        let text = "# comment\nkind: RoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  name: x\n  \
            namespace: prod # here\nroleRef:\n  kind: ClusterRole\n---\napiVersion: v1\nkind: \"Namespace\"\n\
            metadata:\n  labels:\n    namespace: no\n  name: y\n";
        assert_eq!(shown(text), "RoleBinding rbac.authorization.k8s.io/v1 prod, Namespace v1");
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata:\n    name: a\n\
            - kind: Pod\n  metadata:\n    ownerReferences:\n    - apiVersion: v1\n      kind: Node\n  apiVersion: v1\n";
        assert_eq!(shown(list), "List v1, Namespace v1, Pod v1");
        let json = r#"{"kind":"Namespace","apiVersion":"v1"} {"kind":"List","items":[{"kind":"Pod","metadata":{"namespace":"p"}}]}"#;
        assert_eq!(shown(json), "Namespace v1, Pod  p");
        assert_eq!(shown("{"), "");
    }

    #[test]
    fn a_kustomization_names_what_it_builds_on() {
        let text =
            "namespace: x\nresources:\n- ns.yaml\n  - ../base # y\nimages:\n- name: a\ncomponents:\n- c\n";
        assert_eq!(resources(text), ["ns.yaml", "../base", "c"]);
        let flow = "resources: [ns.yaml, '../base'] # y\nimages: [a]\ncomponents: []\n";
        assert_eq!(resources(flow), ["ns.yaml", "../base"]);
    }

    #[test]
    fn the_name_of_a_file_says_what_is_in_it() {
        for (path, expected) in [
            ("namespace.yaml", Some(Loss::Namespace)),
            ("k8s/00-ns.yml", Some(Loss::Namespace)),
            ("https://example.com/crds.yaml", Some(Loss::Cluster)),
            ("pvc.json", Some(Loss::Volume)),
            ("project.yaml", None),
            ("web.yaml", None),
            ("namespace-config.yaml", None),
        ] {
            assert_eq!(by_name(path), expected, "{path}");
        }
    }
}
