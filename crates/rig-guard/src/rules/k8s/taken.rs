//! What a command takes away from a cluster.

use super::super::args::{Grammar, PLAIN, has, marked, operands, read, value};
use super::super::{files, http};
use super::kinds::{is_pod, loss};
use super::line::Line;
use super::{Place, Taken, api, manifest};
use crate::shell::{Call, Word};
use crate::world::World;

/// How many manifests of one command are read, and how deep they name others.
const MAX_FILES: usize = 50;
const MAX_DEPTH: usize = 3;

const HELM: Grammar = Grammar {
    short: "n",
    long: "namespace kube-context kubeconfig kube-apiserver kube-token kube-as-user kube-as-group timeout cascade \
        description keep-history-max registry-config repository-cache repository-config",
    ..PLAIN
};

/// Returns everything that a command takes away.
pub(super) fn taken(call: &Call<'_>, world: &dyn World) -> Vec<(Taken, Place)> {
    let args = call.args();
    match call.name() {
        Some("helm") => helm(call, world).into_iter().map(|taken| (taken, None)).collect(),
        Some(name) if http::PROGRAMS.contains(&name) => sent(call, world),
        // `minikube kubectl -- delete ...`; the verbs of their own are others.
        Some("k3s" | "k0s" | "rke2" | "microk8s" | "minikube") => {
            let Some(at) = args.iter().position(|word| word.text == "kubectl") else { return Vec::new() };
            let rest = &args[at + 1..];
            let rest = if rest.first().is_some_and(|word| word.text == "--") { &rest[1..] } else { rest };
            kubectl(rest, call, world)
        }
        _ => kubectl(args, call, world),
    }
}

fn sent(call: &Call<'_>, world: &dyn World) -> Vec<(Taken, Place)> {
    let Some(request) = http::request(call).filter(|request| request.method == "DELETE") else {
        return Vec::new();
    };
    let paths = request.urls.iter().map(|url| http::split(url).1);
    paths.filter_map(|path| api::taken(path, false, world.policy())).map(|taken| (taken, None)).collect()
}

/// `helm uninstall` counts in protected namespaces alone: a release can be installed again.
fn helm(call: &Call<'_>, world: &dyn World) -> Option<Taken> {
    let args = read(call.args(), &HELM);
    let operands = operands(&args);
    let verb = operands.first()?.text.as_str();
    if !matches!(verb, "uninstall" | "delete" | "del" | "un") || has(&args, "dry-run help h") {
        return None;
    }
    let set = call.variable("HELM_NAMESPACE");
    let namespace = value(&args, "n namespace").or(set.as_ref())?;
    let namespace = namespace.text.trim_start_matches('=');
    world.policy().protects_namespace(namespace).then(|| Taken::Protected(namespace.to_owned()))
}

fn kubectl(words: &[Word], call: &Call<'_>, world: &dyn World) -> Vec<(Taken, Place)> {
    let line = Line::read(words);
    let Some((verb, operands)) = line.operands.split_first() else { return Vec::new() };
    let verb = verb.text.as_str();
    let mut found = Vec::new();
    match verb {
        _ if line.idle => return found,
        "delete" => {}
        // It deletes before it creates.
        "replace" if line.force => {}
        "apply" if line.prune && line.all && !line.labels => {
            found.push((Taken::All, Some("it prunes whatever the files do not name".to_owned())));
            return found;
        }
        _ => return found,
    }
    let policy = world.policy();
    if let Some(raw) = &line.raw {
        found.extend(api::taken(&marked(raw), true, policy).map(|taken| (taken, None)));
        return found;
    }
    // `TYPE[,TYPE] NAME...`, or `TYPE/NAME...`.
    let named = operands.first().is_some_and(|first| first.text.contains('/'));
    let kinds: Vec<&str> = if named {
        operands.iter().filter_map(|word| word.text.split_once('/')).map(|(kind, _)| kind).collect()
    } else {
        operands.first().into_iter().flat_map(|first| first.text.split(',')).collect()
    };
    found.extend(kinds.iter().filter_map(|kind| loss(kind)).map(|loss| (Taken::Lost(loss), None)));
    if line.all && !line.fields {
        found.push((Taken::All, None));
    }
    let mut manifests = Manifests { call, world, left: MAX_FILES, found };
    for file in &line.files {
        manifests.file(file, 0);
    }
    for directory in &line.directories {
        manifests.directory(directory, 0);
    }
    let mut found = manifests.found;
    // A pod that is named is made anew by its owner.
    let chosen = named || operands.len() > 1;
    let pods = chosen
        && line.files.is_empty()
        && line.directories.is_empty()
        && kinds.iter().all(|kind| is_pod(kind));
    if let Some(namespace) = line.namespace.as_ref().and_then(Word::known)
        && !pods
        && policy.protects_namespace(namespace)
    {
        found.push((Taken::Protected(namespace.to_owned()), None));
    }
    found
}

/// Goes through manifests.
struct Manifests<'a> {
    call: &'a Call<'a>,
    world: &'a dyn World,
    left: usize,
    found: Vec<(Taken, Place)>,
}

impl Manifests<'_> {
    fn file(&mut self, path: &Word, depth: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let texts = files::file(self.call, self.world, path);
        let shown = path.text.as_str();
        if texts.is_empty() {
            let within = self.entries(path);
            if depth == 0 && !within.is_empty() {
                for entry in within.iter().filter(|name| is_manifest(name)) {
                    self.file(&below(path, entry), depth + 1);
                }
            } else if let Some(loss) = manifest::by_name(shown) {
                self.found.push((Taken::Lost(loss), Some(format!("the name of {shown} says what is in it"))));
            }
        }
        for text in texts {
            for object in manifest::objects(&text.text) {
                if let Some(loss) = object.loss() {
                    self.found.push((Taken::Lost(loss), Some(format!("{shown} holds a {}", object.kind))));
                }
                if object.is_protected(self.world.policy()) {
                    self.found.push((Taken::Protected(object.namespace), None));
                }
            }
        }
    }

    /// Goes through what a directory's `kustomization.yaml` names.
    fn directory(&mut self, path: &Word, depth: usize) {
        if depth == MAX_DEPTH || self.left == 0 {
            return;
        }
        self.left -= 1;
        let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
        let texts: Vec<_> =
            names.iter().flat_map(|name| files::file(self.call, self.world, &below(path, name))).collect();
        for resource in texts.iter().flat_map(|text| manifest::resources(&text.text)) {
            if resource.contains("://") {
                continue;
            }
            let resource_path = below(path, &resource);
            if is_manifest(&resource) {
                self.file(&resource_path, MAX_DEPTH);
            } else {
                self.directory(&resource_path, depth + 1);
            }
        }
    }

    fn entries(&self, path: &Word) -> Vec<String> {
        let known = path.known().filter(|path| !path.is_empty() && !path.contains("://"));
        let elsewhere = self.call.context.elsewhere || self.call.context.mounts.is_some();
        let path = known.filter(|_| !elsewhere).and_then(|path| crate::shell::absolute(self.call.cwd, path));
        path.map(|path| self.world.entries(&path)).unwrap_or_default()
    }
}

fn below(directory: &Word, name: &str) -> Word {
    Word::literal(format!("{}/{name}", directory.text.trim_end_matches('/')))
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::super::kinds::Loss;
    use super::*;

    #[test]
    fn a_path_of_the_api_is_read_like_the_words_of_a_command() {
        let policy = crate::policy::Policy::default();
        for (path, expected) in [
            ("/api/v1/namespaces/prod", Some(Taken::Lost(Loss::Namespace))),
            ("/k8s/clusters/c-1/api/v1/namespaces/\0", Some(Taken::Lost(Loss::Namespace))),
            ("/api/v1/namespaces/a/pods", Some(Taken::All)),
            ("/api/v1/namespaces/a/pods?labelSelector=app%3Dweb", None),
            ("/api/v1/namespaces/a/pods/web-0", None),
            ("/api/v1/namespaces/a/persistentvolumeclaims/data", Some(Taken::Lost(Loss::Volume))),
            ("/api/v1/persistentvolumes/data", Some(Taken::Lost(Loss::Volume))),
            ("/apis/rbac.authorization.k8s.io/v1/clusterroles/x", Some(Taken::Lost(Loss::Cluster))),
            ("/apis/apps/v1/namespaces/a/deployments", Some(Taken::All)),
            ("/apis/apps/v1/namespaces/a/deployments/web", None),
            ("/api/v1/namespaces/prod?dryRun=All", None),
            ("/apis/project.openshift.io/v1/projects/a", Some(Taken::Lost(Loss::Namespace))),
            ("/api/v1/users/1", None),
            ("/api/v1/users", None),
            ("/api/v1/nodes/1", None),
            ("/api/v4/projects/7", None),
            ("/v2/things", None),
            ("/api", None),
        ] {
            assert_eq!(api::taken(path, false, &policy), expected, "{path}");
        }
        assert_eq!(api::taken("/api/v1/nodes/1", true, &policy), Some(Taken::Lost(Loss::Cluster)));
    }
}
