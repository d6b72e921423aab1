//! Making programs print secrets.

use crate::rules::packs::line::{Deed, Line, Takes, lists};
use crate::rules::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;

/// Making programs print the secrets that they keep.
pub(super) const PRINT: Rule = Rule {
    id: "secrets.print",
    critical: false,
    pack: Pack::Secrets,
    what: "This prints a secret that a program keeps",
    why: "what a session has read stands in its transcript, and goes wherever that goes",
    instead: "use the program itself, which has the secret: `gh api user`, `kubectl describe secret web`, `aws sts get-caller-identity`",
    source: "the command references of the programs",
    programs: &[
        "gh",
        "glab",
        "aws",
        "gcloud",
        "az",
        "kubectl",
        "oc",
        "k",
        "vault",
        "bao",
        "security",
        "gpg",
        "gpg2",
        "pass",
        "gopass",
        "op",
        "bw",
        "lpass",
        "secret-tool",
        "git",
        "git-credential",
        "heroku",
        "fly",
        "flyctl",
        "doppler",
        "infisical",
        "sops",
        "ansible-vault",
        "chamber",
        "printenv",
        "npm",
        "age",
        "dotenv",
    ],
    unknown_program: false,
    redirections: false,
    judge: print,
    suspects: |words| {
        let pair = |a: &str, b: &str| words.contains(&a) && words.contains(&b);
        pair("auth", "token") || pair("kubectl", "secret") || words.contains(&"--export-secret-keys")
    },
    denies: &[
        "gh auth token",
        "kubectl get secret db -o yaml",
        "vault read secret/data/db",
        "security find-generic-password -s web -w",
        "gpg --export-secret-keys -a",
    ],
    allows: &[
        "gh auth status",
        "kubectl get secrets",
        "vault status",
        "aws configure get region",
        "gpg --list-secret-keys",
    ],
};

fn print(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    static DEEDS: &[(&str, &[Deed])] = &[
        ("gh", &[("auth token", ""), ("auth status", "show-token t")]),
        ("glab", &[("auth status", "show-token t"), ("config get token", "")]),
        (
            "aws",
            &[
                ("configure export-credentials", ""),
                ("secretsmanager get-secret-value|batch-get-secret-value", ""),
                ("ssm get-parameter|get-parameters|get-parameters-by-path", "with-decryption"),
                ("sts get-session-token|assume-role|get-federation-token", ""),
            ],
        ),
        (
            "gcloud",
            &[
                ("auth print-access-token|print-identity-token|print-refresh-token", ""),
                ("auth application-default print-access-token", ""),
                ("secrets versions access", ""),
            ],
        ),
        (
            "az",
            &[
                ("account get-access-token", ""),
                ("keyvault secret show|download", ""),
                ("storage account|cosmosdb|redis|acr keys|credential|list-keys list|show", ""),
                ("storage account show-connection-string", ""),
                ("acr credential show", ""),
            ],
        ),
        (
            "kubectl oc k",
            &[
                ("config view", "raw"),
                ("create token", ""),
                ("view-secret|modify-secret", ""),
                ("whoami", "t show-token"),
            ],
        ),
        ("vault bao", &[("read", ""), ("kv get", ""), ("print token", ""), ("token create", "")]),
        (
            "security",
            &[("find-generic-password|find-internet-password", "w g"), ("dump-keychain|export", "")],
        ),
        ("op", &[("read", ""), ("item|document get", ""), ("inject", "")]),
        ("bw", &[("get password|item|totp|notes", ""), ("list items", ""), ("export", "")]),
        ("lpass", &[("show|export", "")]),
        ("secret-tool", &[("lookup|search", "")]),
        ("git", &[("credential fill", ""), ("credential-store|credential-cache get", "")]),
        ("git-credential", &[("fill|get", "")]),
        ("heroku", &[("config|config:get|auth:token|pg:credentials:url", "")]),
        ("fly flyctl", &[("auth|tokens token|create", "")]),
        ("doppler", &[("secrets", "")]),
        ("infisical", &[("secrets|export", "")]),
        ("sops", &[("decrypt|-d", "")]),
        ("ansible-vault", &[("view|decrypt", "")]),
        ("chamber", &[("read|export|env", "")]),
    ];
    let name = call.name()?;
    let takes = Takes::These(
        "n namespace context o output a app profile region project R repo hostname vault s l c field format address C",
    );
    let takes = match name {
        "security" => Takes::These("a s l c D r t"),
        "vault" | "bao" => Takes::Single("address namespace ns field format"),
        _ => takes,
    };
    let line = Line::of(call, takes);
    if line.is_idle() {
        return None;
    }
    let secretly = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["secret", "token", "password", "passwd", "api_key", "apikey", "private_key"]
            .iter()
            .any(|w| text.contains(w))
    };
    let found = match name {
        "printenv" => line.operands.iter().any(|w| secretly(&w.text)),
        "aws" if line.begins("configure get") => line.operands.iter().skip(2).any(|w| secretly(&w.text)),
        "kubectl" | "oc" | "k" if line.begins("get") => {
            let kind = |w: &&Word| {
                w.text.split(',').any(|k| matches!(k.split('/').next(), Some("secret" | "secrets")))
            };
            let shows = |v: &Word| {
                ["yaml", "json", "go-template", "template", "custom-columns"]
                    .iter()
                    .any(|f| v.text.starts_with(f))
            };
            // `jsonpath={.metadata.name}` shows none of it.
            let harmless = |v: &Word| {
                let rest = v.text.replace("metadata", "");
                rest.len() < v.text.len() && !rest.contains("data") && !rest.contains("annotations")
            };
            line.operands.get(1).is_some_and(kind)
                && line.values("o output").any(|v| shows(v) && !harmless(v))
        }
        "gpg" | "gpg2" => line.has("export-secret-keys export-secret-key export-secret-subkeys"),
        "pass" | "gopass" => match line.operand(0) {
            None => false,
            Some(
                "ls" | "list" | "find" | "search" | "init" | "git" | "insert" | "generate" | "rm" | "mv"
                | "edit",
            ) => false,
            Some(_) => true,
        },
        "doppler" if line.has("only-names") => return None,
        "git" => {
            let gets = line.begins("config get|http.*")
                || line.begins("config") && line.has("get get-all get-regexp");
            let header = |w: &&Word| w.text.to_ascii_lowercase().ends_with(".extraheader");
            gets && line.operands.len() < 4 && line.operands.iter().any(header)
        }
        "npm" => line.begins("config|c get") && line.operands.iter().any(|w| w.text.contains("_auth")),
        "sops" => line.has("d decrypt") || line.begins("decrypt"),
        "age" => line.has("d decrypt"),
        _ => false,
    };
    let table = || DEEDS.iter().any(|(names, deeds)| lists(names, name) && line.deed(deeds).is_some());
    (found || table()).then(Finding::default)
}
