//! What stands in `deploy/` fits the program: its variables, arguments, port and probes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig_testkit::{FakeDiscord, discord, eventually};
use yaml_rust2::{Yaml, YamlLoader};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rig-conductor");

/// Where the manifests mount the secrets.
const SECRETS: &str = "/run/secrets/rig-conductor/";

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

fn manifest(path: &str) -> Yaml {
    let text = std::fs::read_to_string(deploy(path)).unwrap();
    let mut documents = YamlLoader::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

/// The pod of the Deployment and that of the CronJob.
fn pods() -> [Yaml; 2] {
    [
        manifest("kubernetes/base/deployment.yaml")["spec"]["template"]["spec"].clone(),
        manifest("kubernetes/cronjob/cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            .clone(),
    ]
}

fn text(yaml: &Yaml) -> String {
    yaml.as_str().unwrap_or_else(|| panic!("no text: {yaml:?}")).to_owned()
}

fn list(yaml: &Yaml) -> &[Yaml] {
    yaml.as_vec().map(Vec::as_slice).unwrap_or_default()
}

/// A container's environment as the cluster would make it, with secrets in files below `dir`.
fn environment(container: &Yaml, dir: &Path) -> BTreeMap<String, String> {
    let map = manifest("kubernetes/base/configmap.yaml");
    assert_eq!(container["envFrom"][0]["configMapRef"]["name"], map["metadata"]["name"]);
    let data = map["data"].as_hash().unwrap().iter().map(|(name, value)| (text(name), text(value)));
    let mut environment: BTreeMap<_, _> = data.collect();
    for entry in list(&container["env"]) {
        let (name, value) = (text(&entry["name"]), text(&entry["value"]));
        if name.ends_with("_FILE") {
            let key = value.strip_prefix(SECRETS).unwrap_or_else(|| panic!("{name} is elsewhere: {value}"));
            environment.insert(name, dir.join(key).display().to_string());
        } else {
            environment.insert(name, value);
        }
    }
    environment
}

/// Writes the keys of the Secret that the documentation tells to make.
fn secrets(dir: &Path) {
    let store = format!("sqlite:{}", dir.join("conductor.db").display());
    for (key, value) in [
        ("store", store.as_str()),
        ("pool-token", "pool-token-of-the-test-0123456789"),
        ("operator-tokens", "maria=operator-token-of-the-test-0123\ntom=another-token-of-the-test-01234\n"),
        ("discord-bot-token", discord::TOKEN),
    ] {
        std::fs::write(dir.join(key), value).unwrap();
    }
}

fn command(environment: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOME", "/nonexistent").envs(environment).stdin(Stdio::null());
    command
}

#[test]
fn the_program_knows_every_variable_of_the_manifests_and_takes_their_values() {
    let dir = tempfile::tempdir().unwrap();
    secrets(dir.path());
    for pod in pods() {
        let environment = environment(&pod["containers"][0], dir.path());
        let output = command(&environment).args(["config", "check"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(!said.contains("no setting"), "{said}");
        for secret in ["pool-token-of", "operator-token-of", "another-token-of", discord::TOKEN] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[test]
fn ports_names_and_mounts_agree() {
    let [pod, job] = pods();
    let container = &pod["containers"][0];
    let port = container["ports"][0]["containerPort"].as_i64().unwrap();
    let listen = manifest("kubernetes/base/configmap.yaml")["data"]["RIG_CONDUCTOR_LISTEN"].clone();
    assert_eq!(text(&listen), format!("0.0.0.0:{port}"));
    let recipe = std::fs::read_to_string(deploy("Containerfile")).unwrap();
    assert!(
        recipe.contains(&format!("ENV RIG_CONDUCTOR_LISTEN=0.0.0.0:{port}\nEXPOSE {port}\n")),
        "{recipe}"
    );
    let service = manifest("kubernetes/base/service.yaml");
    assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
    assert_eq!(service["spec"]["ports"][0]["port"].as_i64(), Some(port));
    let policy = manifest("kubernetes/base/networkpolicy.yaml");
    assert_eq!(policy["spec"]["ingress"][0]["ports"][0]["port"].as_i64(), Some(port));

    let labels = &manifest("kubernetes/base/deployment.yaml")["spec"]["template"]["metadata"]["labels"];
    for file in ["service", "poddisruptionbudget"] {
        let selector = &manifest(&format!("kubernetes/base/{file}.yaml"))["spec"]["selector"];
        let selector =
            if selector["matchLabels"].is_badvalue() { selector } else { &selector["matchLabels"] };
        for (name, value) in selector.as_hash().unwrap() {
            assert_eq!(&labels[text(name).as_str()], value, "{file}");
        }
    }
    // The service's selector has to pass the job over.
    let job_labels = &manifest("kubernetes/cronjob/cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]
        ["metadata"]["labels"];
    assert_ne!(job_labels["app.kubernetes.io/component"], labels["app.kubernetes.io/component"]);

    for pod in [&pod, &job] {
        let mount = &pod["containers"][0]["volumeMounts"][0];
        assert_eq!(text(&mount["mountPath"]) + "/", SECRETS);
        assert_eq!(mount["name"], pod["volumes"][0]["name"]);
        assert!(pod["volumes"][0]["secret"]["secretName"].as_str() == Some("rig-conductor"), "{pod:?}");
        // By number, the one of the container recipe.
        let user = pod["securityContext"]["runAsUser"].as_i64().unwrap();
        assert!(recipe.contains(&format!("USER {user}:{user}\n")), "{recipe}");
    }
}

#[test]
fn kustomizations_name_every_file_and_no_manifest_holds_a_secret() {
    for dir in ["kubernetes/base", "kubernetes/cronjob"] {
        let kustomization = manifest(&format!("{dir}/kustomization.yaml"));
        let named: Vec<_> = list(&kustomization["resources"]).iter().map(text).collect();
        let mut files: Vec<String> = (std::fs::read_dir(deploy(dir)).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "kustomization.yaml")
            .collect();
        files.extend(named.iter().filter(|name| *name == "../base").cloned());
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(named), sorted(files.clone()), "{dir}");
        for file in files.iter().filter(|name| *name != "../base") {
            assert_ne!(manifest(&format!("{dir}/{file}"))["kind"].as_str(), Some("Secret"), "{file}");
        }
    }
}

#[test]
fn the_arguments_start_the_service_and_the_sweep_and_every_probe_of_a_pods_address_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    secrets(dir.path());
    let discord = FakeDiscord::start();
    let [pod, job] = pods();
    let settings = |pod: &Yaml, port: u16| {
        let mut environment = environment(&pod["containers"][0], dir.path());
        environment.insert("DISCORD_API_URL".into(), discord.url());
        environment.insert("RIG_CONDUCTOR_LISTEN".into(), format!("127.0.0.1:{port}"));
        environment
    };
    let arguments = |pod: &Yaml| list(&pod["containers"][0]["args"]).iter().map(text).collect::<Vec<_>>();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut service = command(&settings(&pod, port));
    let _service =
        Ended(service.args(arguments(&pod)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let probes = ["startupProbe", "livenessProbe", "readinessProbe"];
    for probe in probes.map(|name| pod["containers"][0][name]["httpGet"].clone()) {
        assert_eq!(probe["port"], pod["containers"][0]["ports"][0]["name"]);
        eventually("a good answer to a probe", || {
            get(at, &text(&probe["path"]), "10.0.0.7:8080").starts_with("HTTP/1.1 200 ").then_some(())
        });
    }
    // The kubelet calls by the pod's address. A client's call under a name that is not listed is refused.
    let refused = get(at, "/api/agents", "10.0.0.7:8080");
    assert!(refused.starts_with("HTTP/1.1 4"), "{refused}");
    let sweep = command(&settings(&job, 0)).args(arguments(&job)).output().unwrap();
    assert_eq!(sweep.status.code(), Some(0), "{sweep:?}");
}

fn get(at: SocketAddr, path: &str, host: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(at) {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
