//! What takes things away from a cluster of Kubernetes.
//!
//! A name that is not known is some name: `kubectl delete ns "$NS"` deletes a namespace. A kind, a verb and a manifest
//! that are not known are taken for ordinary ones, and a namespace that is not named for one that nobody protects.

mod api;
mod kinds;
mod line;
mod manifest;
mod taken;

pub(crate) use line::{manifests, names};

use super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;
use kinds::Loss;
use taken::taken;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&NAMESPACE, &VOLUME, &CLUSTER, &ALL];

/// Clients of a cluster, programs that have one in them, and those that send requests.
const PROGRAMS: &[&str] = &[
    "kubectl",
    "oc",
    "k",
    "kubecolor",
    "kubectl.exe",
    "oc.exe",
    "k3s",
    "k0s",
    "rke2",
    "microk8s",
    "microk8s.kubectl",
    "minikube",
    "helm",
    "curl",
    "wget",
    "http",
    "https",
    "xh",
    "xhs",
];

/// Something that a command takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taken {
    /// A thing whose loss reaches beyond one workload.
    Lost(Loss),
    /// Everything of a kind.
    All,
    /// Something of a namespace that a policy protects.
    Protected(String),
}

/// Where it says so, when that is not the command itself.
type Place = Option<String>;

/// Deleting namespaces.
const NAMESPACE: Rule = Rule {
    id: "k8s.delete.namespace",
    critical: true,
    pack: Pack::Core,
    what: "Deleting a namespace deletes everything in it",
    why: "workloads, secrets and volumes of the cluster go with it and do not come back",
    instead: "delete the single resources by name, or look first with `kubectl delete ns NAME --dry-run=server`",
    source: "kubectl reference: kubectl delete, kubectl replace",
    programs: PROGRAMS,
    unknown_program: true,
    redirections: false,
    judge: |call, world| find(call, world, &Taken::Lost(Loss::Namespace)),
    suspects: |words| suspects(words, Loss::Namespace),
    denies: &[
        "kubectl delete namespace production",
        "kubectl --context prod -n default delete ns/team-a",
        "kubectl delete pods,namespaces --all",
        "kubectl delete --raw /api/v1/namespaces/production",
        "printf 'apiVersion: v1\\nkind: Namespace\\nmetadata: {name: a}\\n' | kubectl delete -f -",
    ],
    allows: &[
        "kubectl delete pod web-0 -n production",
        "kubectl get namespaces",
        "kubectl delete ns staging --dry-run=client",
        "kubectl delete pod namespace",
        "kubectl delete -f deployment.yaml",
    ],
};

/// Deleting volumes.
const VOLUME: Rule = Rule {
    id: "k8s.delete.volume",
    critical: true,
    pack: Pack::Core,
    what: "Deleting a persistent volume or a claim to one deletes the data on it",
    why: "most storage classes delete the disk with the claim, and without a backup it does not come back",
    instead: "leave the claim and delete what uses it, or look first with `kubectl delete pvc NAME --dry-run=server`",
    source: "Kubernetes documentation: Persistent Volumes, Reclaiming",
    programs: PROGRAMS,
    unknown_program: true,
    redirections: false,
    judge: |call, world| find(call, world, &Taken::Lost(Loss::Volume)),
    suspects: |words| suspects(words, Loss::Volume),
    denies: &[
        "kubectl delete pv data-1",
        "kubectl -n shop delete pvc/postgres-data-0",
        "oc delete pvc --all",
    ],
    allows: &["kubectl get pv", "kubectl describe pvc data", "kubectl delete pod pvc-inspector"],
};

/// Deleting what the whole cluster shares.
const CLUSTER: Rule = Rule {
    id: "k8s.delete.cluster",
    critical: true,
    pack: Pack::Core,
    what: "Deleting cluster roles, custom resource definitions, nodes, storage classes or API services breaks more \
           than one workload",
    why: "the whole cluster shares them, and every custom resource goes with its definition",
    instead: "change the one thing with `kubectl edit`, or look first with `kubectl delete crd NAME --dry-run=server`",
    source: "Kubernetes documentation: API concepts, cluster-scoped resources",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: |call, world| find(call, world, &Taken::Lost(Loss::Cluster)),
    suspects: |words| suspects(words, Loss::Cluster),
    denies: &[
        "kubectl delete clusterrole admin",
        "kubectl delete crd/certificates.cert-manager.io",
        "kubectl delete node worker-1",
    ],
    allows: &[
        "kubectl delete role viewer",
        "kubectl drain worker-1 --ignore-daemonsets",
        "kubectl get nodes",
        "kubectl delete certificates.cert-manager.io web",
    ],
};

/// Deleting everything of a kind, or in a protected namespace.
const ALL: Rule = Rule {
    id: "k8s.delete.all",
    critical: true,
    pack: Pack::Core,
    what: "This deletes everything of a kind, or something in a protected namespace",
    why: "what nobody has named goes as well, and others may need it",
    instead: "name what is to go, or choose it by label: `kubectl delete pods -l app=web`",
    source: "kubectl reference: kubectl delete, kubectl apply --prune; helm uninstall",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: |call, world| {
        let found = taken(call, world);
        let protected = found.iter().find_map(|(taken, _)| match taken {
            Taken::Protected(namespace) => Some(namespace),
            _ => None,
        });
        match protected {
            Some(namespace) => Some(Finding::new(format!("the policy protects the namespace {namespace}"))),
            None => finding(&found, &Taken::All),
        }
    },
    suspects: |words| is_client(words) && words.contains(&"delete") && words.contains(&"--all"),
    denies: &[
        "kubectl delete all --all",
        "kubectl delete pods --all -n shop",
        "kubectl delete deploy --all-namespaces --all",
    ],
    allows: &[
        "kubectl delete pods -l app=web",
        "kubectl delete pods --field-selector=status.phase=Failed -A",
        "kubectl delete all --all --dry-run=client",
        "kubectl get pods --all-namespaces",
    ],
};

fn find(call: &Call<'_>, world: &dyn World, wanted: &Taken) -> Option<Finding> {
    finding(&taken(call, world), wanted)
}

fn finding(found: &[(Taken, Place)], wanted: &Taken) -> Option<Finding> {
    let (_, place) = found.iter().find(|(taken, _)| taken == wanted)?;
    Some(place.as_ref().map_or_else(Finding::default, Finding::new))
}

fn suspects(words: &[&str], loss: Loss) -> bool {
    is_client(words)
        && words.contains(&"delete")
        && words.iter().any(|word| word.split(['/', ',']).any(|kind| kinds::loss(kind) == Some(loss)))
}

fn is_client(words: &[&str]) -> bool {
    words.iter().any(|word| matches!(*word, "kubectl" | "oc" | "k" | "kubecolor" | "k3s" | "microk8s"))
}
