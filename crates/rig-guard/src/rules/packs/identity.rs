//! Changing who somebody is: names on commits, accounts, keys, logins and grants.

use super::line::{Deed, Line, Takes, lists};
use super::{Call, Finding, Pack, Rule, World};
use crate::shell::Word;

/// The rules of this module, in the order in which they are asked.
pub(in crate::rules) static RULES: &[&Rule] = &[&AUTHOR, &AGENT, &ACCOUNT, &KEY, &LOGIN, &GRANT];

/// Committing under another name.
const AUTHOR: Rule = Rule {
    id: "identity.author",
    critical: false,
    pack: Pack::Identity,
    what: "This changes under whose name commits are made",
    why: "the history then says that somebody else has done the work",
    instead: "commit under the name that is set, which `git config user.email` shows",
    source: "git-config(1), git-commit(1), git(1): GIT_AUTHOR_NAME",
    programs: &["git", "export", "declare", "typeset", "readonly", "env"],
    unknown_program: false,
    redirections: false,
    judge: author,
    suspects: |words| {
        words
            .iter()
            .any(|w| matches!(*w, "user.email" | "user.name" | "GIT_AUTHOR_EMAIL" | "GIT_AUTHOR_NAME"))
    },
    denies: &[
        "git config --global user.email someone@example.org",
        "git commit --amend --author 'A <a@example.org>'",
        "GIT_AUTHOR_NAME=stig git commit -m x",
        "git -c user.name=stig commit -m x",
    ],
    allows: &[
        "git config user.email",
        "git config --get user.name",
        "git log --author=stig",
        "git commit -m 'user.email=x'",
    ],
};

/// Reporting under the name of another agent.
const AGENT: Rule = Rule {
    id: "identity.agent",
    critical: false,
    pack: Pack::Identity,
    what: "This gives the session the name of another agent",
    why: "its work, its cost and its escalations are then another's",
    instead: "leave it as it is; `rig-prime --help` tells where the name comes from",
    source: "docs/guard.md",
    programs: &[
        "export",
        "declare",
        "typeset",
        "readonly",
        "local",
        "unset",
        "env",
        "git",
        "claude",
        "rig-escalate",
        "rig-report",
        "rig-prime",
        "rig-hooks-sync",
        "setx",
        "launchctl",
    ],
    unknown_program: false,
    redirections: false,
    judge: agent,
    suspects: |words| words.iter().any(|w| matches!(*w, "AGENT_ID" | "CONDUCTOR_AGENT_ID")),
    denies: &[
        "export AGENT_ID=dev-e-dotnet",
        "AGENT_ID=human-stig claude -p hello",
        "unset CONDUCTOR_AGENT_ID",
    ],
    allows: &["echo $AGENT_ID", "export AGENT_IDS=a,b", "env | grep AGENT_ID"],
};

/// Changing the accounts of the machine.
const ACCOUNT: Rule = Rule {
    id: "identity.account",
    critical: false,
    pack: Pack::Identity,
    what: "This changes the accounts of the machine, or what they may",
    why: "who gets in then, and as whom, is no longer what people have set up",
    instead: "look with `id dev` or `getent passwd dev`; a person changes accounts",
    source: "useradd(8), usermod(8), userdel(8), passwd(1), chpasswd(8), visudo(8), dscl(1)",
    programs: &[
        "useradd",
        "adduser",
        "usermod",
        "userdel",
        "deluser",
        "groupadd",
        "addgroup",
        "groupmod",
        "groupdel",
        "delgroup",
        "gpasswd",
        "passwd",
        "chpasswd",
        "chgpasswd",
        "chsh",
        "chfn",
        "chage",
        "visudo",
        "vipw",
        "vigr",
        "newusers",
        "dscl",
        "sysadminctl",
        "net",
        "tee",
        "sponge",
        "cp",
        "mv",
        "install",
        "sed",
        "loginctl",
    ],
    unknown_program: false,
    redirections: true,
    judge: account,
    suspects: |words| words.iter().any(|w| lists("useradd usermod userdel chpasswd visudo", w)),
    denies: &[
        "useradd -m deploy",
        "usermod -aG docker dev",
        "echo 'dev:secret' | chpasswd",
        "echo 'dev ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers",
        "passwd root",
    ],
    allows: &["passwd -S dev", "id dev", "getent passwd dev", "useradd --help", "cat /etc/passwd"],
};

/// Making and replacing keys.
const KEY: Rule = Rule {
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
const LOGIN: Rule = Rule {
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
const GRANT: Rule = Rule {
    id: "identity.grant",
    critical: true,
    pack: Pack::Identity,
    what: "This grants rights in a cluster or at a cloud provider",
    why: "whoever gets them can do what nobody has reviewed",
    instead: "write it into the repository that describes the rights; `kubectl auth can-i --list` shows what you may",
    source: "the references of kubectl, oc, AWS IAM, gcloud and Azure CLI",
    programs: &["kubectl", "oc", "k", "aws", "gcloud", "gsutil", "az", "vault", "bao"],
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

const NAMES: &str = "GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL";

/// Says whether a setting of git says who somebody is.
fn is_author(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "user.name",
        "user.email",
        "user.signingkey",
        "author.name",
        "author.email",
        "committer.name",
        "committer.email",
    ]
    .contains(&key.as_str())
}

/// Returns the variable that a word assigns.
fn assigned(word: &Word) -> Option<&str> {
    word.text.split_once('=').map(|(name, _)| name)
}

fn author(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let args = call.args();
    if call.name() != Some("git") {
        let found = args.iter().filter_map(assigned).any(|name| lists(NAMES, name));
        return found.then(Finding::default);
    }
    let mut commands = args.iter().enumerate();
    let mut from = args.len();
    while let Some((at, word)) = commands.next() {
        let text = word.text.as_str();
        let setting = match text {
            "-c" | "--config-env" => commands.next().map(|(_, value)| value.text.as_str()),
            "-C" | "--git-dir" | "--work-tree" | "--namespace" => {
                commands.next();
                None
            }
            text => text.strip_prefix("-c").or_else(|| text.strip_prefix("--config-env=")),
        };
        if setting.is_some_and(|s| is_author(s.split('=').next().unwrap_or(s))) {
            return Some(Finding::default());
        }
        if !text.starts_with('-') {
            from = at;
            break;
        }
    }
    let (sub, rest) = args.get(from..)?.split_first()?;
    match sub.text.as_str() {
        "config" => {
            let line = Line::read(rest, Takes::These("f file blob type default comment value"));
            let looks = line.has("get get-all get-regexp list l show-origin h help")
                || line.begins("get|list") && !line.operand(1).is_none_or(str::is_empty);
            let unset = line.has("unset unset-all") || line.begins("unset");
            let at = usize::from(line.begins("set|unset"));
            let key = line.operand(at)?;
            let sets = unset || line.operands.len() > at + 1;
            (is_author(key) && sets && !looks).then(Finding::default)
        }
        "commit" | "am" | "rebase" | "cherry-pick" | "commit-tree" | "tag" | "merge" | "stash" => {
            let long = |word: &&Word| word.text == "--author" || word.text.starts_with("--author=");
            if sub.text == "commit" && rest.iter().take_while(|w| w.text != "--").any(|w| long(&w)) {
                return Some(Finding::default());
            }
            let set = NAMES.split(' ').find(|name| call.variable(name).is_some())?;
            Some(Finding::new(format!("`{set}` is set for it")))
        }
        _ => None,
    }
}

fn agent(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const OWN: &str = "AGENT_ID CONDUCTOR_AGENT_ID";
    let name = call.name()?;
    let named = match name {
        "unset" => call.args().iter().any(|w| lists(OWN, &w.text)),
        "setx" => call.args().first().is_some_and(|w| lists(OWN, &w.text)),
        "launchctl" => {
            call.args().windows(2).any(|pair| pair[0].text == "setenv" && lists(OWN, &pair[1].text))
        }
        "git" => false,
        _ => call.args().iter().filter_map(assigned).any(|name| lists(OWN, name)),
    };
    let set = || OWN.split(' ').any(|own| call.variable(own).is_some());
    let uses = !matches!(name, "export" | "declare" | "typeset" | "readonly" | "local" | "unset");
    (named || uses && set()).then(Finding::default)
}

fn account(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const FILES: [&str; 6] =
        ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/doas.conf"];
    let file = |word: &Word| {
        FILES.contains(&word.text.as_str())
            || word.text.starts_with("/etc/sudoers.d/") && word.text.len() > 15
    };
    if call.writes().any(file) {
        return Some(Finding::default());
    }
    let line = Line::of(call, Takes::These("R root P prefix f g G s d u k K c e"));
    if line.has("help version") {
        return None;
    }
    let found = match call.name()? {
        "passwd" => !line.has("S status"),
        "chage" => !line.has("l list"),
        "visudo" => !line.has("c check"),
        "gpasswd" => true,
        "dscl" => {
            line.begins("* -create|-append|-delete|-passwd|create|append|delete|passwd")
                || call
                    .args()
                    .iter()
                    .any(|w| matches!(w.text.as_str(), "-create" | "-append" | "-delete" | "-passwd"))
        }
        "sysadminctl" => {
            line.operands.is_empty()
                && call.args().iter().any(|w| {
                    w.text.starts_with("-addUser")
                        || w.text.starts_with("-deleteUser")
                        || w.text.starts_with("-resetPassword")
                })
        }
        "net" => line.begins("user|localgroup") && call.args().len() > 2,
        "tee" | "sponge" => line.operands.iter().any(|w| file(w)),
        "cp" | "mv" | "install" => line.operands.len() > 1 && line.operands.last().is_some_and(|w| file(w)),
        "sed" => line.has("i in-place") && line.operands.iter().any(|w| file(w)),
        "loginctl" => line.begins("terminate-user|kill-user"),
        name => ACCOUNT.programs.contains(&name),
    };
    found.then(Finding::default)
}

fn key(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let enrols = |word: &Word| {
        word.text.ends_with("/.ssh/authorized_keys") || word.text.ends_with("/.ssh/authorized_keys2")
    };
    if call.writes().any(enrols) {
        return Some(Finding::default());
    }
    static DEEDS: &[(&str, &[Deed])] = &[
        (
            "aws",
            &[
                ("iam create-access-key|update-access-key|create-login-profile|update-login-profile", ""),
                (
                    "iam upload-ssh-public-key|create-service-specific-credential|reset-service-specific-credential",
                    "",
                ),
                ("ec2 create-key-pair|import-key-pair", ""),
            ],
        ),
        ("gcloud", &[("iam service-accounts keys create|upload", ""), ("compute os-login ssh-keys add", "")]),
        ("az", &[("ad sp create-for-rbac", ""), ("ad sp|app credential reset", ""), ("sshkey create", "")]),
        ("gh glab", &[("ssh-key|gpg-key|deploy-key add", ""), ("repo deploy-key add", "")]),
        ("npm", &[("token create|revoke|delete", "")]),
        ("heroku", &[("keys:add|keys:clear|keys:remove|authorizations:create", "")]),
        ("doctl", &[("compute ssh-key create|import|delete", "")]),
    ];
    let name = call.name()?;
    let found = match name {
        "ssh-copy-id" => !call.args().iter().any(|w| matches!(w.text.as_str(), "-n" | "-h" | "-?")),
        "tee" => call.args().iter().any(enrols),
        "gpg" | "gpg2" => Line::of(call, Takes::These("homedir u r")).has(
            "gen-key generate-key full-generate-key full-gen-key quick-generate-key quick-gen-key delete-secret-keys \
             delete-secret-key delete-secret-and-public-key edit-key quick-add-key",
        ),
        "ssh-keygen" => {
            let line = Line::of(call, Takes::These("f t b C N P O m D I n V s r z a w Y"));
            if line.has("l y F R H L B Q r K k Y A M G T e i s p c") {
                // `-p` and `-c` change what stands in the file that is named; they replace no key.
                return None;
            }
            let home = world.home().unwrap_or("/");
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
        ("bw", &[("login|logout", "")]),
        ("doctl", &[("auth init|switch|remove", "")]),
        ("kubectl oc", &[("config set-credentials|delete-user", ""), ("login|logout", "")]),
    ];
    let name = call.name()?;
    let takes = match name {
        "vault" | "bao" | "terraform" | "tofu" => Takes::Single("address namespace ns chdir"),
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
    ((configures || table()) && !line.is_idle()).then(Finding::default)
}

fn grant(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        (
            "kubectl oc k",
            &[
                ("create clusterrolebinding|rolebinding|clusterrole|role", ""),
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
        ("az", &[("role assignment|definition create|update", ""), ("keyvault set-policy", "")]),
        ("vault bao", &[("policy write", "")]),
    ];
    let name = call.name()?;
    let takes = match name {
        "vault" | "bao" => Takes::Single("address namespace ns"),
        _ => Takes::These("n namespace context kubeconfig profile region project account o output"),
    };
    let line = Line::of(call, takes);
    let bindings = name == "gcloud"
        && line.operands.iter().any(|w| lists("add-iam-policy-binding set-iam-policy", &w.text));
    let table = || DEEDS.iter().any(|(names, deeds)| lists(names, name) && line.deed(deeds).is_some());
    ((bindings || table()) && !line.is_idle()).then(Finding::default)
}
