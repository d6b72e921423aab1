//! Keys, logins and grants.

use crate::rules::packs::line::{Deed, Line, Takes, lists};
use crate::rules::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;

/// Making and replacing keys.
pub(super) const KEY: Rule = Rule {
    id: "identity.key",
    critical: false,
    pack: Pack::Identity,
    what: "This makes, replaces or enrols a key that stands for somebody",
    why: "a replaced key locks its owner out, and a new one lets its holder in",
    instead: "make a key of its own in the project, as with `ssh-keygen -t ed25519 -f ./deploy_key`, and let a person enrol it",
    source: "ssh-keygen(1), gpg(1), and the command references of AWS, Google Cloud, Azure and GitHub",
    programs: &[
        "ssh-keygen",
        "ssh-copy-id",
        "aws",
        "gcloud",
        "az",
        "gh",
        "glab",
        "gpg",
        "gpg2",
        "npm",
        "tee",
        "heroku",
        "doctl",
        "cp",
        "mv",
        "install",
        "sed",
        "dd",
    ],
    unknown_program: false,
    redirections: true,
    judge: key,
    suspects: |words| {
        words.iter().any(|w| matches!(*w, "ssh-keygen" | "create-access-key" | "authorized_keys"))
    },
    denies: &[
        "ssh-keygen -t rsa -f ~/.ssh/id_rsa -N ''",
        "aws iam create-access-key --user-name dev",
        "gh ssh-key add key.pub",
        "cat key.pub >> ~/.ssh/authorized_keys",
    ],
    allows: &[
        "ssh-keygen -lf ~/.ssh/id_rsa.pub",
        "ssh-keygen -R host",
        "aws iam list-access-keys",
        "gpg --list-keys",
    ],
};

/// Logging in and out.
pub(super) const LOGIN: Rule = Rule {
    id: "identity.login",
    critical: false,
    pack: Pack::Identity,
    what: "This changes who this machine is logged in as",
    why: "every later command of everybody here acts as somebody else, or as nobody",
    instead: "look with `gh auth status` or `aws sts get-caller-identity`; a person logs in",
    source: "the command references of the programs",
    programs: &[
        "gh",
        "glab",
        "gcloud",
        "aws",
        "az",
        "npm",
        "pnpm",
        "yarn",
        "cargo",
        "heroku",
        "fly",
        "flyctl",
        "vercel",
        "netlify",
        "vault",
        "bao",
        "op",
        "bw",
        "doctl",
        "kubectl",
        "oc",
        "claude",
        "firebase",
        "supabase",
        "wrangler",
        "railway",
        "terraform",
        "tofu",
        "pulumi",
        "doppler",
        "docker",
        "podman",
        "nerdctl",
        "buildah",
        "skopeo",
        "oras",
        "crane",
        "helm",
        "gem",
        "huggingface-cli",
        "hf",
        "tsh",
        "kinit",
        "kdestroy",
    ],
    unknown_program: false,
    redirections: false,
    judge: login,
    suspects: |words| {
        words.contains(&"auth") && words.iter().any(|w| matches!(*w, "login" | "logout" | "revoke"))
    },
    denies: &[
        "gh auth login --with-token",
        "gcloud auth activate-service-account --key-file sa.json",
        "aws configure set aws_access_key_id AKIA",
        "az login --service-principal",
        "npm logout",
    ],
    allows: &["gh auth status", "gcloud auth list", "aws configure list", "az account show", "npm whoami"],
};

/// Granting rights.
pub(super) const GRANT: Rule = Rule {
    id: "identity.grant",
    critical: true,
    pack: Pack::Identity,
    what: "This grants rights in a cluster or at a cloud provider",
    why: "whoever gets them can do what nobody has reviewed",
    instead: "write it into the repository that describes the rights; `kubectl auth can-i --list` shows what you may",
    source: "the references of kubectl, oc, AWS IAM, gcloud and Azure CLI",
    programs: &["kubectl", "oc", "k", "aws", "gcloud", "gsutil", "az", "vault", "bao", "gh"],
    unknown_program: false,
    redirections: false,
    judge: grant,
    suspects: |words| {
        words.iter().any(|w| {
            lists(
                "clusterrolebinding rolebinding add-iam-policy-binding attach-user-policy attach-role-policy",
                w,
            )
        })
    },
    denies: &[
        "kubectl create clusterrolebinding x --clusterrole=cluster-admin --user=dev",
        "aws iam attach-user-policy --user-name dev --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
        "gcloud projects add-iam-policy-binding p --member user:a@example.org --role roles/owner",
        "az role assignment create --assignee a --role Owner",
    ],
    allows: &[
        "kubectl get clusterrolebindings",
        "kubectl create clusterrolebinding x --clusterrole=view --user=dev --dry-run=client -o yaml",
        "aws iam list-attached-user-policies --user-name dev",
        "gcloud projects get-iam-policy p",
    ],
};

fn key(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let enrols = |word: &Word| {
        word.text.ends_with("/.ssh/authorized_keys") || word.text.ends_with("/.ssh/authorized_keys2")
    };
    if call.writes().any(enrols) {
        return Some(Finding::default());
    }
    let home = world.home().unwrap_or("/");
    let is_key = |word: &Word| {
        let path = word.known().and_then(|text| crate::shell::absolute(call.cwd, text));
        path.is_some_and(|path| {
            let name = path.strip_prefix(&format!("{home}/.ssh/"));
            name.is_some_and(|name| name.starts_with("id_") && !name.ends_with(".pub"))
        })
    };
    static DEEDS: &[(&str, &[Deed])] = &[
        (
            "aws",
            &[
                (
                    "iam create-access-key|update-access-key|delete-access-key|create-login-profile|update-login-profile",
                    "",
                ),
                (
                    "iam upload-ssh-public-key|create-service-specific-credential|reset-service-specific-credential",
                    "",
                ),
                ("ec2 create-key-pair|import-key-pair", ""),
            ],
        ),
        ("gcloud", &[("iam service-accounts keys create|upload", ""), ("compute os-login ssh-keys add", "")]),
        (
            "az",
            &[
                ("ad sp create-for-rbac", ""),
                ("ad sp|app credential reset", ""),
                ("sshkey create", ""),
                ("vm user update|delete|reset-ssh", ""),
            ],
        ),
        ("gh glab", &[("ssh-key|gpg-key|deploy-key add|delete", ""), ("repo deploy-key add|delete", "")]),
        ("npm", &[("token create|revoke|delete", "")]),
        ("heroku", &[("keys:add|keys:clear|keys:remove|authorizations:create", "")]),
        ("doctl", &[("compute ssh-key create|import|delete", "")]),
    ];
    let name = call.name()?;
    let found = match name {
        "ssh-copy-id" => !call.args().iter().any(|w| matches!(w.text.as_str(), "-n" | "-h" | "-?")),
        "tee" => call.args().iter().any(enrols),
        "sed" => {
            let changes = |word: &Word| word.text.starts_with("-i") || word.text.starts_with("--in-place");
            call.args().iter().any(changes) && call.args().iter().any(enrols)
        }
        "dd" => call.args().iter().any(|w| w.text.starts_with("of=") && (enrols(w) || is_key(&w.tail(3)))),
        "cp" | "mv" | "install" => {
            let target = call.args().iter().rfind(|word| !word.text.starts_with('-'));
            call.args().len() > 1 && target.is_some_and(|word| enrols(word) || is_key(word))
        }
        "gh" if posts_to(call, &["user/keys", "user/gpg_keys", "user/ssh_signing_keys", "repos/*/*/keys"]) => true,
        "gpg" | "gpg2" => Line::of(call, Takes::These("homedir u r")).has(
            "gen-key generate-key full-generate-key full-gen-key quick-generate-key quick-gen-key delete-secret-keys \
             delete-secret-key delete-secret-and-public-key edit-key quick-add-key",
        ),
        "ssh-keygen" => {
            let line = Line::of(call, Takes::These("f t b C N P O m D I n V s r z a w Y"));
            if line.has("help h") {
                return None;
            }
            if line.has("l y F R H L B Q r K k Y A M G T e i s p c") {
                // `-p` and `-c` change what stands in the file that is named; they replace no key.
                return None;
            }
            match line.values("f").next() {
                None => true,
                Some(file) => crate::shell::absolute(call.cwd, &file.text)
                    .is_some_and(|path| path.starts_with(&format!("{home}/.ssh/")) || path.starts_with("/etc/ssh/")),
            }
        }
        _ => {
            let line = Line::of(call, Takes::These("profile region project account n a app R repo"));
            let table = DEEDS.iter().any(|(names, deeds)| lists(names, name) && line.deed(deeds).is_some());
            table && !line.is_idle()
        }
    };
    found.then(Finding::default)
}

/// Says whether a manifest has a binding of rights in it.
fn binds(manifest: &str) -> bool {
    let kind = |row: &str| {
        let row = row.trim_start_matches([' ', '-', '{', '"']);
        let value = row.strip_prefix("kind").map(|rest| rest.trim_start_matches(['"', ':', ' ']));
        value.is_some_and(|kind| kind.starts_with("ClusterRoleBinding") || kind.starts_with("RoleBinding"))
    };
    manifest.lines().flat_map(|row| row.split(',')).any(kind)
}

/// Says whether `gh api` changes something at one of these paths; `*` is one part of it.
fn posts_to(call: &Call<'_>, paths: &[&str]) -> bool {
    let takes = "X method f raw-field F field H header q jq t template hostname input p preview cache";
    let line = Line::of(call, Takes::These(takes));
    let Some(path) = line.operand(1).filter(|_| line.begins("api")) else { return false };
    let changes = match line.values("X method").last() {
        Some(method) => !matches!(method.text.to_ascii_uppercase().as_str(), "GET" | "HEAD"),
        None => line.values("f raw-field F field input").next().is_some(),
    };
    let parts: Vec<&str> = path.trim_start_matches('/').split(['/', '?']).collect();
    let is = |own: &&str| {
        let own: Vec<&str> = own.split('/').collect();
        own.len() <= parts.len() && own.iter().zip(&parts).all(|(own, part)| *own == "*" || own == part)
    };
    changes && paths.iter().any(is)
}

fn login(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        ("gh glab", &[("auth login|logout|switch|refresh|setup-git", "")]),
        (
            "gcloud",
            &[
                ("auth login|revoke|activate-service-account|configure-docker", ""),
                ("auth application-default login|revoke", ""),
                ("config set account", ""),
                ("config set core/account", ""),
                ("init", ""),
            ],
        ),
        ("aws", &[("sso login|logout", ""), ("configure sso|import", ""), ("login|logout", "")]),
        ("az", &[("login|logout", ""), ("account clear", "")]),
        ("npm pnpm", &[("login|logout|adduser|add-user", "")]),
        ("yarn", &[("login|logout", ""), ("npm login|logout", "")]),
        ("cargo", &[("login|logout", "")]),
        ("heroku", &[("login|logout|auth:login|auth:logout", "")]),
        ("fly flyctl claude supabase", &[("auth login|logout|signup", ""), ("login|logout|setup-token", "")]),
        (
            "vercel netlify firebase wrangler railway terraform tofu pulumi doppler",
            &[("login|logout|switch", "")],
        ),
        ("firebase", &[("login:use|login:add|login:ci", "")]),
        ("vault bao", &[("login", "")]),
        ("op", &[("signin|signout", "")]),
        ("docker podman nerdctl buildah skopeo oras huggingface-cli hf tsh", &[("login|logout", "")]),
        ("oras helm", &[("registry login|logout", "")]),
        ("crane hf", &[("auth login|logout|switch", "")]),
        ("gem", &[("signin|signout", "")]),
        ("bw", &[("login|logout", "")]),
        ("doctl", &[("auth init|switch|remove", "")]),
        ("kubectl oc", &[("config set-credentials|delete-user", ""), ("login|logout", "")]),
    ];
    let name = call.name()?;
    let takes = match name {
        "vault" | "bao" | "terraform" | "tofu" => Takes::Single("address namespace ns chdir"),
        "gh" | "glab" => Takes::These("hostname h u user"),
        _ => Takes::These("profile region project hostname u c context kubeconfig n"),
    };
    let line = Line::of(call, takes);
    let configures = name == "aws"
        && line.begins("configure")
        && match line.operand(1) {
            None => line.operands.len() == 1,
            Some("set") => line.operand(2).is_some_and(|key| {
                ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
                    .iter()
                    .any(|own| key.ends_with(own))
            }),
            _ => false,
        };
    let table = || DEEDS.iter().any(|(names, deeds)| lists(names, name) && line.deed(deeds).is_some());
    let ticket = matches!(name, "kinit" | "kdestroy");
    ((configures || ticket || table()) && !line.is_idle()).then(Finding::default)
}

fn grant(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        (
            "kubectl oc k",
            &[
                ("create clusterrolebinding|rolebinding|clusterrole|role", ""),
                ("edit|patch clusterrolebinding*|rolebinding*|clusterrole|clusterroles|role|roles", ""),
                ("edit|patch clusterrole/*|role/*", ""),
                ("auth reconcile", ""),
                ("certificate approve", ""),
                ("set subject", ""),
                ("adm policy add-role-to-user|add-role-to-group|add-cluster-role-to-user", ""),
                ("adm policy add-cluster-role-to-group|add-scc-to-user|add-scc-to-group", ""),
                ("policy add-role-to-user|add-role-to-group", ""),
            ],
        ),
        (
            "aws",
            &[
                ("iam attach-user-policy|attach-role-policy|attach-group-policy|put-user-policy", ""),
                (
                    "iam put-role-policy|put-group-policy|add-user-to-group|create-user|update-assume-role-policy",
                    "",
                ),
                ("iam create-policy-version|set-default-policy-version|add-role-to-instance-profile", ""),
                ("s3api put-bucket-policy|put-bucket-acl|delete-public-access-block", ""),
                ("lambda add-permission", ""),
            ],
        ),
        ("gsutil", &[("iam ch|set", ""), ("acl ch|set", "")]),
        (
            "az",
            &[
                ("role assignment|definition create|update", ""),
                ("keyvault set-policy", ""),
                ("ad group member|owner add", ""),
                ("ad user create", ""),
            ],
        ),
        ("gcloud", &[("iam roles create|update|undelete", "")]),
        ("vault bao", &[("policy write", "")]),
    ];
    let name = call.name()?;
    let takes = match name {
        "vault" | "bao" => Takes::Single("address namespace ns"),
        _ => {
            Takes::These("n namespace context kubeconfig profile region project account o output f filename")
        }
    };
    let line = Line::of(call, takes);
    if name == "gh" {
        let paths = &["repos/*/*/collaborators", "orgs/*/memberships", "orgs/*/teams", "teams/*/memberships"];
        return posts_to(call, paths).then(Finding::default);
    }
    // A manifest on the standard input.
    let manifest = matches!(name, "kubectl" | "oc" | "k")
        && line.begins("apply|create|replace")
        && line.values("f filename").any(|file| matches!(file.text.as_str(), "-" | "/dev/stdin"))
        && call.input.is_some_and(|text| binds(&text.text));
    let bindings = manifest
        || name == "gcloud"
            && line.operands.iter().any(|w| lists("add-iam-policy-binding set-iam-policy", &w.text));
    let table = || DEEDS.iter().any(|(names, deeds)| lists(names, name) && line.deed(deeds).is_some());
    ((bindings || table()) && !line.is_idle()).then(Finding::default)
}
