//! `kubectl delete namespace`.

use super::options::{bundle, split_long};
use super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&DELETE_NAMESPACE];

/// Deleting namespaces.
pub(super) const DELETE_NAMESPACE: Rule = Rule {
    id: "k8s.delete.namespace",
    critical: true,
    pack: Pack::Core,
    what: "Deleting a namespace deletes everything in it",
    why: "workloads, secrets and volumes of the cluster go with it and do not come back",
    instead: "delete the single resources by name, or look first with `--dry-run=client`",
    source: "kubectl reference: kubectl delete",
    programs: &["kubectl", "oc", "k", "kubecolor"],
    unknown_program: true,
    redirections: false,
    judge,
    suspects: |words| {
        words.contains(&"delete") && words.iter().any(|w| w.split(['/', ',']).any(is_namespace))
    },
    denies: &[
        "kubectl delete namespace production",
        "kubectl --context prod -n default delete ns/team-a",
        "kubectl delete pods,namespaces --all",
    ],
    allows: &[
        "kubectl delete pod web-0 -n production",
        "kubectl get namespaces",
        "kubectl delete ns staging --dry-run=client",
        "kubectl delete pod namespace",
    ],
};

/// Options that take the next word as their value.
const VALUES: [&str; 33] = [
    "namespace",
    "context",
    "cluster",
    "user",
    "kubeconfig",
    "server",
    "token",
    "as",
    "as-group",
    "as-uid",
    "request-timeout",
    "cache-dir",
    "certificate-authority",
    "client-key",
    "client-certificate",
    "tls-server-name",
    "profile",
    "profile-output",
    "username",
    "password",
    "log-flush-frequency",
    "vmodule",
    "selector",
    "field-selector",
    "filename",
    "kustomize",
    "output",
    "grace-period",
    "timeout",
    "raw",
    "v",
    "kuberc",
    "as-user-extra",
];

/// One-letter options that take a value.
const SHORT_VALUES: &str = "nslfkov";

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let mut positional = Vec::new();
    let mut ended = false;
    let mut args = call.args().iter();
    while let Some(word) = args.next() {
        let text = word.text.as_str();
        if ended {
            positional.push(text);
        } else if text == "--" {
            ended = true;
        } else if let Some((name, value)) = split_long(text) {
            match (name, value) {
                ("help", _) | ("dry-run", None | Some("client" | "server" | "true")) => return None,
                (name, None) if VALUES.contains(&name) => drop(args.next()),
                _ => {}
            }
        } else if let Some(letters) = bundle(text) {
            match letters.find(|c| SHORT_VALUES.contains(c)) {
                Some(at) if at + 1 == letters.len() => drop(args.next()),
                None if letters.contains('h') => return None,
                _ => {}
            }
        } else {
            positional.push(text);
        }
    }
    let (verb, operands) = positional.split_first()?;
    if *verb != "delete" {
        return None;
    }
    // `TYPE[,TYPE] NAME...`, or `TYPE/NAME...`.
    let first = operands.first()?;
    let found = if first.contains('/') {
        operands.iter().any(|o| o.split_once('/').is_some_and(|(kind, _)| is_namespace(kind)))
    } else {
        first.split(',').any(is_namespace)
    };
    found.then(Finding::default)
}

fn is_namespace(kind: &str) -> bool {
    let kind = kind.split('.').next().unwrap_or(kind);
    ["ns", "namespace", "namespaces", "project", "projects"]
        .iter()
        .any(|name| kind.eq_ignore_ascii_case(name))
}
