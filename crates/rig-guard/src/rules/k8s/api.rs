//! What a path of the API of Kubernetes names.

use super::Taken;
use super::kinds::{Loss, is_pod, loss};
use crate::policy::Policy;

/// Returns what a `DELETE` of a path takes away. What is not known in it stands for a name. Where it is not certain
/// that a cluster is asked, only paths count that no other service is likely to have.
pub(super) fn taken(path: &str, certain: bool, policy: &Policy) -> Option<Taken> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if query.split('&').any(|field| field.starts_with("dryRun=")) {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A proxy may put something before it.
    let (grouped, rest) = (0..parts.len()).find_map(|at| match &parts[at..] {
        ["api", "v1", rest @ ..] => Some((false, rest)),
        ["apis", group, version, rest @ ..]
            if version.starts_with('v') && (group.contains('.') || matches!(*group, "apps" | "batch")) =>
        {
            Some((true, rest))
        }
        _ => None,
    })?;
    let selects = query.split('&').any(|field| field.contains("Selector="));
    let all = |is: bool| (is && !selects).then_some(Taken::All);
    match rest {
        ["namespaces"] | ["namespaces", _] => Some(Taken::Lost(Loss::Namespace)),
        ["namespaces", namespace, kind, name @ ..] => {
            let protected = policy.protects_namespace(namespace) && !is_pod(kind);
            let protected = || protected.then(|| Taken::Protected((*namespace).to_owned()));
            loss(kind).map(Taken::Lost).or_else(|| all(name.is_empty())).or_else(protected)
        }
        [kind, name @ ..] if certain || grouped || *kind == "persistentvolumes" => {
            loss(kind).map(Taken::Lost).or_else(|| all(name.is_empty()))
        }
        _ => None,
    }
}
