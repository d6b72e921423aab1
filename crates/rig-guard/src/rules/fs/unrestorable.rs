//! Names of files that nobody can restore, for those who turn the pack `strict` on.

use super::deleters::{self, How, PROGRAMS};
use super::paths::is_temporary;
use super::pattern::{Pattern, Piece, matches, text};
use super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// Whole names.
const NAMES: [&str; 19] = [
    ".env",
    ".envrc",
    ".netrc",
    ".pgpass",
    ".htpasswd",
    ".ssh",
    ".gnupg",
    ".aws",
    ".kube",
    ".password-store",
    ".git",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "authorized_keys",
    "pgdata",
    "dump.rdb",
    "appendonly.aof",
];

/// What names end with.
const ENDS: [&str; 19] = [
    ".tfstate",
    ".tfstate.backup",
    ".sqlite",
    ".sqlite3",
    ".db",
    ".db3",
    ".mdb",
    ".accdb",
    ".kdbx",
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".dump",
    ".rdb",
    ".realm",
    ".duckdb",
];

/// Environment files that are samples, and stand in the repository.
const SAMPLES: [&str; 6] = [".example", ".sample", ".template", ".dist", ".defaults", ".test"];

/// Deletion of files that are in no repository and cannot be made again: keys, environments,
/// states, databases.
///
/// It goes by the names alone. What is not known of one, and what is in a temporary folder, passes.
pub(super) const UNRESTORABLE: Rule = Rule {
    id: "fs.rm.unrestorable",
    critical: false,
    pack: Pack::Strict,
    what: "This deletes a file that no repository has and nobody can make again",
    why: "keys, environments, states and databases are lost for good without a backup",
    instead: "move it out of the way, as in `mv .env .env.bak`, and let a person delete it",
    source: "gitignore templates, terraform(1), sqlite3(1)",
    programs: &PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |_| false,
    denies: &["rm .env", "rm -f terraform.tfstate", "rm *.sqlite3", "shred -u ~/.ssh/id_ed25519"],
    allows: &["rm .env.example", "rm -rf build", "rm /tmp/test.sqlite"],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let losses = deleters::losses(call.words, true);
    losses.iter().filter(|loss| matches!(loss.how, How::Tree | How::Files)).find_map(|loss| {
        let pattern = Pattern::of(&loss.path, call.cwd)?;
        let named = match &pattern {
            Pattern::Path(path) => is_unrestorable(path.rsplit('/').next()?, None),
            Pattern::Parts(parts) => is_unrestorable(&text(parts.last()?), parts.last().map(Vec::as_slice)),
        };
        (named && !is_temporary(&pattern)).then(|| Finding::new(format!("it is {}", loss.path.display())))
    })
}

fn is_unrestorable(name: &str, pattern: Option<&[Piece]>) -> bool {
    let environment = name.starts_with(".env.") && !SAMPLES.iter().any(|end| name.ends_with(end));
    let hits = |own: &&str| match pattern {
        Some(pattern) => matches(pattern, own) && name.contains(|c: char| c.is_alphanumeric()),
        None => name == *own,
    };
    // `*.tfstate*` takes the file along with its backups.
    let bare = if pattern.is_some() { name.trim_end_matches('*') } else { name };
    environment || ENDS.iter().any(|end| bare.ends_with(end)) || NAMES.iter().any(hits)
}
