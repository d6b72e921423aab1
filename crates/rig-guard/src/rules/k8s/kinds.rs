//! The kinds of things in a cluster whose loss reaches beyond one workload.

/// What deleting one of a kind takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Everything in a namespace.
    Namespace,
    /// The data on a volume.
    Volume,
    /// Something that the whole cluster shares.
    Cluster,
}

/// The names of kinds, and the group of the API that they are in.
#[rustfmt::skip]
static KINDS: &[(Loss, &str, &str)] = &[
    (Loss::Namespace, "ns namespace namespaces", ""),
    (Loss::Namespace, "project projects", "project.openshift.io"),
    (Loss::Volume, "pv persistentvolume persistentvolumes", ""),
    (Loss::Volume, "pvc persistentvolumeclaim persistentvolumeclaims", ""),
    (Loss::Cluster, "clusterrole clusterroles clusterrolebinding clusterrolebindings", "rbac.authorization.k8s.io"),
    (Loss::Cluster, "crd crds customresourcedefinition customresourcedefinitions", "apiextensions.k8s.io"),
    (Loss::Cluster, "no node nodes", ""),
    (Loss::Cluster, "sc storageclass storageclasses", "storage.k8s.io"),
    (Loss::Cluster, "apiservice apiservices", "apiregistration.k8s.io"),
];

/// Finds a kind by its name, as `TYPE`, `TYPE.VERSION` or `TYPE.VERSION.GROUP`.
pub(super) fn loss(kind: &str) -> Option<Loss> {
    let (name, rest) = kind.split_once('.').unwrap_or((kind, ""));
    let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
    of_group(name, if is_version(version) { group } else { rest })
}

/// Finds a kind by its name and the group of its API.
pub(super) fn of_group(name: &str, group: &str) -> Option<Loss> {
    let is = |(_, names, own): &&(Loss, &str, &str)| {
        (group.is_empty() || group.eq_ignore_ascii_case(own))
            && names.split(' ').any(|own| own.eq_ignore_ascii_case(name))
    };
    KINDS.iter().find(is).map(|(loss, ..)| *loss)
}

/// Says whether a name is that of pods, which their owners make anew.
pub(super) fn is_pod(kind: &str) -> bool {
    ["po", "pod", "pods"].iter().any(|own| own.eq_ignore_ascii_case(kind))
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_other_groups_are_other_kinds() {
        for (kind, expected) in [
            ("ns", Some(Loss::Namespace)),
            ("Namespaces", Some(Loss::Namespace)),
            ("namespaces.v1.", Some(Loss::Namespace)),
            ("namespaces.v1", Some(Loss::Namespace)),
            ("projects.v1.project.openshift.io", Some(Loss::Namespace)),
            ("projects.example.com", None),
            ("pvc", Some(Loss::Volume)),
            ("clusterroles.rbac.authorization.k8s.io", Some(Loss::Cluster)),
            ("clusterroles.v1.rbac.authorization.k8s.io", Some(Loss::Cluster)),
            ("nodes", Some(Loss::Cluster)),
            ("nodes.management.cattle.io", None),
            ("nodes.v3.management.cattle.io", None),
            ("pods", None),
            ("", None),
        ] {
            assert_eq!(loss(kind), expected, "{kind}");
        }
    }
}
