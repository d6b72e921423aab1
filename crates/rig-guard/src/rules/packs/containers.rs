//! Deleting containers, images, volumes and clusters. Names need not be known; a subcommand that is
//! not known passes.

use super::line::{Deed, Line, Takes, lists, subcommand};
use super::{Call, Finding, Pack, Rule, Word, World};

/// The rules of this module, in the order in which they are asked.
pub(in crate::rules) static RULES: &[&Rule] = &[&VOLUME, &PRUNE, &EVERYTHING, &RELEASE, &CLUSTER];

/// Programs with the command line of docker.
const ENGINES: &[&str] =
    &["docker", "podman", "nerdctl", "finch", "docker-compose", "podman-compose", "podman-remote"];

/// Deleting volumes.
const VOLUME: Rule = Rule {
    id: "containers.volume.delete",
    critical: true,
    pack: Pack::Containers,
    what: "This deletes volumes of containers",
    why: "databases and uploads are in them, and nothing brings them back",
    instead: "look with `docker volume ls`; `docker compose down` without `-v` keeps the volumes",
    source: "the command references of Docker, Podman and nerdctl",
    programs: ENGINES,
    unknown_program: false,
    redirections: false,
    judge: volume,
    suspects: |words| {
        words.iter().any(|w| ENGINES.contains(w))
            && (words.contains(&"volume") && words.iter().any(|w| matches!(*w, "rm" | "prune"))
                || words.contains(&"down") && words.iter().any(|w| matches!(*w, "-v" | "--volumes")))
    },
    denies: &[
        "docker volume rm pgdata",
        "docker volume prune -f",
        "docker compose down -v",
        "docker-compose -f dev.yml down --volumes --remove-orphans",
    ],
    allows: &[
        "docker volume ls",
        "docker compose down",
        "docker compose up -d -V",
        "docker volume create pgdata",
    ],
};

/// Pruning more than what is left over.
const PRUNE: Rule = Rule {
    id: "containers.prune",
    critical: false,
    pack: Pack::Containers,
    what: "This deletes every image, or every volume, that no container uses just now",
    why: "images of stopped services and their data are gone, not leftovers alone",
    instead: "`docker image prune` deletes dangling images alone; `docker system df` shows what takes the room",
    source: "the command references of Docker, Podman and nerdctl: system prune, image prune",
    programs: ENGINES,
    unknown_program: false,
    redirections: false,
    judge: prune,
    suspects: |words| words.iter().any(|w| ENGINES.contains(w)) && words.contains(&"prune"),
    denies: &[
        "docker system prune -a --volumes -f",
        "docker system prune --all",
        "podman system reset --force",
        "docker image prune -af",
    ],
    allows: &["docker system prune", "docker image prune -f", "docker system df", "docker builder prune"],
};

/// Deleting every container or image.
pub(super) const EVERYTHING: Rule = Rule {
    id: "containers.delete.all",
    critical: false,
    pack: Pack::Containers,
    what: "This deletes every container or image of the machine",
    why: "other people's and other projects' are among them",
    instead: "name the containers, or choose them as in `docker ps -aq --filter label=app=web`",
    source: "the command references of Docker and Podman: rm, rmi",
    programs: &[
        "docker",
        "podman",
        "nerdctl",
        "finch",
        "docker-compose",
        "podman-compose",
        "podman-remote",
        "buildah",
        "crictl",
    ],
    unknown_program: false,
    redirections: false,
    judge: everything,
    suspects: |words| {
        words.iter().any(|w| ENGINES.contains(w))
            && words.iter().any(|w| matches!(*w, "rm" | "rmi"))
            && words.contains(&"ps")
    },
    denies: &[
        "docker rm -f $(docker ps -aq)",
        "docker ps -aq | xargs docker rm -f",
        "docker rmi $(docker images -q)",
        "podman rm --all --force",
    ],
    allows: &[
        "docker rm -f web",
        "docker rm -f \"$CONTAINER\"",
        "docker rm $(docker ps -aq --filter label=app=web)",
        "docker stop $(docker ps -q)",
    ],
};

/// Uninstalling what runs in a cluster.
const RELEASE: Rule = Rule {
    id: "containers.release.delete",
    critical: true,
    pack: Pack::Containers,
    what: "This takes a release, a stack or a service out of its cluster",
    why: "it stops serving, and what it kept may go with it",
    instead: "`helm rollback web 3` goes back to an earlier revision; `helm uninstall web --dry-run` shows what would go",
    source: "the command references of Helm, helmfile, Flux, Argo CD and Docker Swarm",
    programs: &["helm", "helm3", "helmfile", "flux", "argocd", "docker", "podman", "nomad", "kapp"],
    unknown_program: false,
    redirections: false,
    judge: release,
    suspects: |words| words.contains(&"helm") && words.iter().any(|w| matches!(*w, "uninstall" | "delete")),
    denies: &[
        "helm uninstall web -n prod",
        "helmfile -e prod destroy",
        "docker stack rm web",
        "argocd app delete web --yes",
    ],
    allows: &[
        "helm list -A",
        "helm uninstall web --dry-run",
        "helm upgrade web ./chart",
        "docker stack ps web",
    ],
};

/// Deleting clusters and virtual machines.
const CLUSTER: Rule = Rule {
    id: "containers.cluster.delete",
    critical: true,
    pack: Pack::Containers,
    what: "This deletes a local cluster or a virtual machine",
    why: "everything that was put into it goes with it",
    instead: "stop it, as with `minikube stop` or `k3d cluster stop dev`",
    source: "the command references of kind, minikube, k3d, kubeadm, Vagrant, Multipass, Lima and Colima",
    programs: &[
        "kind",
        "minikube",
        "k3d",
        "kubeadm",
        "microk8s",
        "k0s",
        "colima",
        "limactl",
        "multipass",
        "vagrant",
        "podman",
        "docker",
        "docker-machine",
        "orb",
        "orbctl",
        "ctlptl",
        "talosctl",
        "lxc",
        "incus",
        "virsh",
        "k3s-uninstall.sh",
        "k3s-agent-uninstall.sh",
        "rke2-uninstall.sh",
    ],
    unknown_program: false,
    redirections: false,
    judge: cluster,
    suspects: |words| {
        words.iter().any(|w| matches!(*w, "minikube" | "k3d" | "kind")) && words.contains(&"delete")
    },
    denies: &[
        "kind delete cluster --name dev",
        "minikube delete --all --purge",
        "k3d cluster delete dev",
        "docker swarm leave --force",
        "vagrant destroy -f",
    ],
    allows: &[
        "kind get clusters",
        "minikube stop",
        "k3d cluster stop dev",
        "docker swarm leave",
        "vagrant halt",
    ],
};

/// Options of docker itself, and of `compose`, that take a value.
const GLOBAL: Takes = Takes::These(
    "H host c context config l log-level tlscacert tlscert tlskey n namespace a address url connection",
);
const COMPOSE: Takes = Takes::These(
    "f file p project-name profile env-file project-directory parallel ansi progress t timeout rmi",
);
const PLAIN: Takes = Takes::These("filter format");

/// Returns a command of docker and its arguments; `compose` is left to the second part.
fn docker<'a>(call: &Call<'a>) -> Option<(&'a str, &'a [Word])> {
    match call.name()? {
        "docker-compose" | "podman-compose" => Some(("compose", call.args())),
        _ => subcommand(call.args(), GLOBAL),
    }
}

fn volume(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (sub, rest) = docker(call)?;
    let found = match sub {
        "volume" => {
            let line = Line::read(rest, PLAIN);
            line.begins("rm|remove|prune") && !line.is_idle()
        }
        "compose" => {
            let line = Line::read(rest, COMPOSE);
            line.begins("down") && line.has("v volumes") && !line.is_idle()
        }
        _ => false,
    };
    found.then(Finding::default)
}

fn prune(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (sub, rest) = docker(call)?;
    let line = Line::read(rest, PLAIN);
    let found = match sub {
        "system" => line.begins("prune") && line.has("a all volumes") || line.begins("reset"),
        "image" => line.begins("prune") && line.has("a all"),
        _ => false,
    };
    (found && !line.is_idle()).then(Finding::default)
}

/// Returns what is deleted of containers or images.
fn deleted<'a>(call: &Call<'a>) -> Option<Line<'a>> {
    let (sub, rest) = docker(call)?;
    let (sub, rest) = match sub {
        "container" | "image" | "pod" => subcommand(rest, PLAIN)?,
        _ => (sub, rest),
    };
    matches!(sub, "rm" | "rmi" | "rmp" | "remove").then(|| Line::read(rest, PLAIN))
}

fn everything(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let line = deleted(call)?;
    // Docker itself knows no such option.
    let knows = call.name().is_some_and(|name| name.starts_with("podman") || lists("buildah crictl", name));
    (knows && line.has("a all") && !line.is_idle()).then(Finding::default)
}

/// What a command lists of every container or image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// The ids alone.
    Ids,
    /// Their names, among which the next command may choose.
    Names,
    /// A table, of which the next command takes a column.
    Table,
}

/// Says what a command lists of every container or image; `None` for a part of them.
pub(super) fn listing(call: &Call<'_>) -> Option<Listing> {
    let (sub, rest) = docker(call)?;
    let (sub, rest) = match sub {
        "container" | "image" => match subcommand(rest, PLAIN)? {
            ("ls" | "list" | "ps", rest) => ("ps", rest),
            _ => return None,
        },
        _ => (sub, rest),
    };
    let line = Line::read(rest, Takes::These("filter format n last"));
    if !matches!(sub, "ps" | "images") || line.has("f filter") || !line.operands.is_empty() {
        return None;
    }
    let plain = |format: &str| {
        let format = format.replace(' ', "");
        matches!(format.as_str(), "{{.ID}}" | "{{.Names}}" | "{{.Repository}}:{{.Tag}}")
    };
    if line.has("q quiet") {
        return Some(Listing::Ids);
    }
    match line.values("format").next() {
        None => Some(Listing::Table),
        Some(format) => format.known().is_some_and(plain).then_some(Listing::Names),
    }
}

/// Says whether a program takes a column of a table without choosing lines, and whether it chooses.
pub(super) fn column(call: &Call<'_>) -> Option<bool> {
    let program = || call.args().iter().find(|word| !word.text.starts_with('-'));
    match call.name()? {
        "awk" | "gawk" | "mawk" => {
            Some(!program().is_some_and(|code| code.text.contains(['/', '~']) || code.text.contains("==")))
        }
        "cut" | "tr" => Some(true),
        "tail" => Some(call.args().iter().any(|word| word.text.contains('+'))),
        "grep" | "egrep" | "fgrep" | "rg" | "head" | "sed" | "fzf" | "jq" => Some(false),
        _ => None,
    }
}

/// Says whether a command deletes containers or images that are not known; `many` if they may be more than one.
pub(super) fn deletes_unknown(call: &Call<'_>, many: bool) -> bool {
    deleted(call).is_some_and(|line| line.open || !many && line.operands.iter().any(|word| word.is_unknown()))
}

fn release(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        ("helm helm3", &[("uninstall|delete|del|un", "")]),
        ("helmfile", &[("destroy|delete", "")]),
        ("flux", &[("uninstall", ""), ("delete kustomization|ks|helmrelease|hr", "")]),
        ("argocd", &[("app|appset|proj delete", "")]),
        ("docker podman", &[("stack rm|down|remove", ""), ("service rm|remove", "")]),
        ("nomad", &[("stop|job", "purge"), ("job stop", "purge")]),
        ("kapp", &[("delete", "")]),
    ];
    let name = call.name()?;
    let (_, deeds) = DEEDS.iter().find(|(names, _)| lists(names, name))?;
    let takes = match name {
        "docker" | "podman" => GLOBAL,
        "nomad" => Takes::Single("address namespace region token"),
        _ => Takes::These(
            "n namespace kube-context kubeconfig e environment f file l selector a app server auth-token address",
        ),
    };
    let line = Line::of(call, takes);
    (line.deed(deeds).is_some() && !line.is_idle()).then(Finding::default)
}

fn cluster(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        ("kind", &[("delete cluster|clusters", "")]),
        ("minikube", &[("delete", "")]),
        ("k3d", &[("cluster delete|rm|del", "")]),
        ("kubeadm microk8s k0s", &[("reset", "")]),
        ("colima limactl", &[("delete|rm|remove", "")]),
        ("multipass", &[("purge", ""), ("delete", "all p purge")]),
        ("vagrant", &[("destroy", "")]),
        ("podman", &[("machine rm", ""), ("machine reset", "")]),
        ("docker", &[("swarm leave", "force f")]),
        ("docker-machine", &[("rm", "")]),
        ("orb orbctl", &[("delete", ""), ("reset", "")]),
        ("ctlptl", &[("delete", "")]),
        ("talosctl", &[("reset", ""), ("cluster destroy", "")]),
        ("lxc incus", &[("delete", "force f")]),
        ("virsh", &[("undefine", "remove-all-storage wipe-storage delete-snapshots"), ("vol-delete", "")]),
    ];
    let name = call.name()?;
    if name.ends_with("uninstall.sh") {
        return Some(Finding::default());
    }
    let (_, deeds) = DEEDS.iter().find(|(names, _)| lists(names, name))?;
    let takes =
        if name == "docker" { GLOBAL } else { Takes::These("name p profile kubeconfig c connect pool") };
    let line = Line::of(call, takes);
    (line.deed(deeds).is_some() && !line.is_idle()).then(Finding::default)
}
