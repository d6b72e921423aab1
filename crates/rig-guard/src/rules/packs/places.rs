//! Files that hold secrets.

use crate::rules::pattern::{Pattern, Piece, catches_all, matches};
use crate::shell::Word;
use crate::world::World;

/// Files below somebody's home.
const AT_HOME: &str = ".ssh/id_rsa .ssh/id_ed25519 .ssh/id_ecdsa .ssh/id_dsa .ssh/id_ed25519_sk .ssh/id_ecdsa_sk \
    .ssh/identity .aws/credentials .netrc .pgpass .my.cnf .docker/config.json .kube/config .npmrc .pypirc \
    .cargo/credentials .cargo/credentials.toml .gem/credentials .git-credentials .config/git/credentials \
    .config/gh/hosts.yml .config/hub .config/gcloud/application_default_credentials.json \
    .config/gcloud/credentials.db .config/gcloud/access_tokens.db .azure/msal_token_cache.json \
    .azure/accessTokens.json .vault-token .terraform.d/credentials.tfrc.json .config/rclone/rclone.conf \
    .claude/.credentials.json .gnupg/secring.gpg .s3cfg .boto .config/doctl/config.yaml .config/op/config \
    .config/sops/age/keys.txt .m2/settings.xml .nuget/NuGet.Config .composer/auth.json";
/// Directories below somebody's home with nothing else in them.
const DIRECTORIES: &str =
    ".gnupg/private-keys-v1.d .password-store .aws/sso/cache .config/gcloud/legacy_credentials";
/// The directories that these are in, whole.
const WHOLE: &str = ".ssh .aws .gnupg .password-store .config/gh .config/gcloud .azure .kube";
/// Files that are secret wherever they are.
const NAMES: &str = "id_rsa id_ed25519 id_ecdsa id_dsa .netrc _netrc .pgpass .git-credentials .htpasswd \
    credentials.json service-account.json client_secret.json secring.gpg master.key secrets.yml.key";
const ENDINGS: &str = ".key .p12 .pfx .jks .keystore .kdbx .ppk";
/// What a file of variables is called where its values are none.
const EXAMPLES: &str =
    "example sample template dist tpl schema defaults default vault enc encrypted gpg sops test ci md";

/// Says what secrets a file holds; `None` where it holds none, or its name is not known.
pub(super) fn secret(word: &Word, cwd: Option<&str>, world: &dyn World) -> Option<&'static str> {
    if word.text.is_empty() || word.text.starts_with('-') {
        return None;
    }
    match Pattern::of(word, cwd) {
        Some(Pattern::Path(path)) => by_path(&path),
        Some(pattern @ Pattern::Parts(_)) => by_pattern(&pattern, word, world),
        // The directory is not known, the name may be.
        None => word.known().and_then(|text| by_path(&format!("/{text}"))),
    }
}

/// Says whether a whole directory with secrets is meant.
pub(super) fn whole(word: &Word, cwd: Option<&str>, world: &dyn World) -> bool {
    let (Some(home), Some(pattern)) = (world.home(), Pattern::of(word, cwd)) else { return false };
    WHOLE.split_ascii_whitespace().any(|dir| pattern.matches(&format!("{home}/{dir}")))
}

fn by_path(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.is_empty() {
        return None;
    }
    let below = |own: &str| path.strip_suffix(own).is_some_and(|before| before.ends_with('/'));
    let private =
        name.starts_with("id_") && !name.contains('.') || name.ends_with(".pem") && is_private(name);
    if path.contains("/.ssh/") && private {
        return Some("a private key");
    }
    if matches!(path, "/etc/shadow" | "/etc/gshadow" | "/etc/master.passwd") {
        return Some("digests of passwords");
    }
    if path.starts_with("/proc/") && name == "environ" {
        return Some("the environment of a process");
    }
    if AT_HOME.split_ascii_whitespace().any(below) {
        return Some("keys or tokens");
    }
    let inside = |dir: &str| path.contains(&format!("/{dir}/"));
    if DIRECTORIES.split_ascii_whitespace().any(inside)
        || path.starts_with("/run/secrets/")
        || path.starts_with("/var/run/secrets/")
    {
        return Some("keys or tokens");
    }
    by_name(name)
}

fn by_name(name: &str) -> Option<&'static str> {
    if is_environment(name) {
        return Some("the secrets of the project");
    }
    let ends = |ending: &str| name.len() > ending.len() && name.ends_with(ending);
    let known = NAMES.split_ascii_whitespace().any(|own| own == name)
        || ENDINGS.split_ascii_whitespace().any(ends)
        || name.ends_with(".pem") && is_private(name);
    known.then_some("keys or tokens")
}

fn is_private(name: &str) -> bool {
    name.contains("key") && !name.contains("pub") || name.contains("priv")
}

/// Says whether a file is `.env` or one of its kind, but not an example of one.
fn is_environment(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(".env") else { return name == ".envrc.private" };
    let kind = rest.strip_prefix('.').or_else(|| rest.strip_prefix('-')).or_else(|| rest.strip_prefix('_'));
    match kind {
        Some(kind) => {
            let mut parts = kind.split(['.', '-', '_']);
            !parts.any(|part| EXAMPLES.split_ascii_whitespace().any(|own| own == part))
        }
        None => rest.is_empty(),
    }
}

fn by_pattern(pattern: &Pattern, word: &Word, world: &dyn World) -> Option<&'static str> {
    let Pattern::Parts(parts) = pattern else { return None };
    let last = parts.last()?;
    if let Some(home) = world.home() {
        let mut files = AT_HOME.split_ascii_whitespace();
        if files.any(|file| pattern.matches(&format!("{home}/{file}"))) && !catches_every(last, &word.text) {
            return Some("keys or tokens");
        }
    }
    if word.text.starts_with("/proc/") && word.text.ends_with("/environ") {
        return Some("the environment of a process");
    }
    if last.iter().all(|piece| matches!(piece, Piece::Char(_))) {
        // What is not known is a directory: `$DIR/.env`.
        let name: String =
            last.iter().filter_map(|p| if let Piece::Char(c) = p { Some(*c) } else { None }).collect();
        return by_name(&name);
    }
    let hidden = word.text.rsplit('/').next().is_some_and(|name| name.starts_with(".env"));
    (hidden && matches(last, ".env")).then_some("the secrets of the project")
}

/// Says whether a pattern means all the files of a directory that is not itself one of secrets.
fn catches_every(part: &[Piece], text: &str) -> bool {
    catches_all(part) && !text.contains("/.ssh/") && !text.contains("/.aws/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_secrets_are_told_by_their_names() {
        for (path, expected) in [
            ("/home/dev/.ssh/id_work", true),
            ("/home/dev/.ssh/id_ed25519.pub", false),
            ("/home/dev/.ssh/config", false),
            ("/home/dev/.aws/credentials", true),
            ("/workspace/app/.env", true),
            ("/workspace/app/.env.production", true),
            ("/workspace/app/.env.example", false),
            ("/workspace/app/.env.local.sample", false),
            ("/workspace/app/.environment", false),
            ("/workspace/app/server.key", true),
            ("/workspace/app/cert.pem", false),
            ("/workspace/app/privkey.pem", true),
            ("/workspace/app/public_key.pem", false),
            ("/workspace/app/src/credentials.rs", false),
            ("/run/secrets/db", true),
            ("/proc/self/environ", true),
            ("/etc/passwd", false),
        ] {
            assert_eq!(by_path(path).is_some(), expected, "{path}");
        }
    }
}
