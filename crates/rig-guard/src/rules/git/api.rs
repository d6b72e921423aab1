//! What a request to the interface of a forge does to a repository: GitHub and its like, GitLab, Gitea,
//! Forgejo, Bitbucket.

use super::refspec::is_protected;
use crate::policy::Policy;
use crate::shell::Word;

/// What stands for a part of an address that is not known.
const UNKNOWN: char = '\u{fffd}';
/// Mutations that take the protection from a branch.
const UNPROTECT: [&str; 2] = ["deletebranchprotectionrule", "deleterepositoryruleset"];
/// Mutations that move a branch.
const MOVE: [&str; 3] = ["updateref(", "updaterefs(", "updateref{"];

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    /// In capital letters.
    pub(super) method: String,
    /// What stands behind the host, or the whole address.
    pub(super) address: String,
    /// What is sent: all fields and texts.
    pub(super) body: Vec<&'a Word>,
    /// What is sent is not known.
    pub(super) open: bool,
    /// The address is one of a forge for sure.
    pub(super) certain: bool,
}

/// Returns an address with a mark in the place of what is not known.
pub(super) fn address(word: &Word) -> String {
    let mut text = String::with_capacity(word.text.len());
    let mut from = 0;
    for (at, _) in word.unknowns() {
        text.push_str(&word.text[from..at]);
        text.push(UNKNOWN);
        from = at;
    }
    text.push_str(&word.text[from..]);
    text
}

impl Request<'_> {
    /// Says what is lost by it; `None` where nothing is. A branch whose name is not known is one that nobody
    /// protects, a repository whose name is not known is one all the same.
    pub(super) fn loses(&self, policy: &Policy) -> Option<String> {
        let path = self.path()?;
        if path.trim_matches('/') == "graphql" {
            return self.graphql();
        }
        let parts = parts(path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let Some(name) = self.deleted_branch() {
            return is_protected(&name, policy).then(|| format!("it deletes the protected branch `{name}`"));
        }
        match (self.method.as_str(), parts.as_slice()) {
            ("DELETE", parts) => deletes(parts),
            ("PATCH", ["repos", _, _, "git", "refs", ..]) if self.open || self.forces() => {
                Some("it forces a branch of the remote to another commit".to_owned())
            }
            ("POST", ["projects", _, "repository", "commits"]) if self.forces() => {
                Some("it overwrites a branch of the remote".to_owned())
            }
            _ => None,
        }
    }

    /// Returns the branch that it deletes.
    pub(super) fn deleted_branch(&self) -> Option<String> {
        let parts = parts(self.path().filter(|_| self.method == "DELETE")?);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["repos", _, _, "branches", .., "protection"] => None,
            ["repos", _, _, "git", "refs" | "ref", "heads", name @ ..]
            | ["repos", _, _, "branches", name @ ..]
            | ["repositories", _, _, "refs", "branches", name @ ..]
            | ["projects", _, "repository", "branches", name @ ..] => Some(name.join("/")),
            _ => None,
        }
    }

    /// Returns what stands behind the part that all addresses of a forge have; `None` where it is no forge.
    fn path(&self) -> Option<&str> {
        let text = self.address.as_str();
        let behind = |mark: &str| text.find(mark).map(|at| &text[at + mark.len()..]);
        let Some((_, rest)) = text.split_once("://") else {
            // `$API/repos/...`
            let from_unknown = text.strip_prefix(UNKNOWN).filter(|rest| rest.starts_with("/repos/"));
            return if self.certain { Some(text.trim_start_matches(UNKNOWN)) } else { from_unknown };
        };
        let host = rest.split('/').next().unwrap_or(rest);
        let host = host.rsplit('@').next().unwrap_or(host);
        let local = ["localhost", "127.", "[::1]", "0.0.0.0"].iter().any(|own| host.starts_with(own));
        if host == "api.github.com" {
            return rest.strip_prefix(host).or_else(|| behind("api.github.com"));
        }
        if host == "api.bitbucket.org" {
            return behind("/2.0/");
        }
        let of = |version: &str, first: &[&str]| {
            behind(version).filter(|path| first.iter().any(|first| path.starts_with(first)))
        };
        let github = of("/api/v3/", &["repos/"]).or_else(|| of("/api/", &["graphql"]));
        let gitea = of("/api/v1/", &["repos/", "orgs/"]).filter(|_| !local || self.certain);
        let gitlab =
            of("/api/v4/", &["projects/", "groups/"]).filter(|_| self.certain || host.contains("gitlab"));
        github.or(gitea).or(gitlab)
    }

    /// Says whether what is sent asks for force.
    fn forces(&self) -> bool {
        self.body.iter().any(|word| {
            let text: String =
                word.text.chars().filter(|c| !c.is_whitespace() && !"\"'\\".contains(*c)).collect();
            let text = text.to_ascii_lowercase();
            ["force=true", "force:true", "force:=true", "force=1"].iter().any(|force| text.contains(force))
        })
    }

    fn graphql(&self) -> Option<String> {
        let mut text = String::new();
        for word in &self.body {
            text.extend(word.text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()));
        }
        if !text.contains("mutation") {
            return None;
        }
        if UNPROTECT.iter().any(|name| text.contains(name)) {
            return Some("it takes the protection from a branch".to_owned());
        }
        let moves = MOVE.iter().any(|name| text.contains(name)) && self.forces();
        moves.then(|| "it forces a branch of the remote to another commit".to_owned())
    }
}

fn deletes(parts: &[&str]) -> Option<String> {
    let what = match parts {
        ["repos", one] if one.contains(UNKNOWN) => "it deletes a repository",
        ["repos" | "repositories", _, _] | ["projects", _] => "it deletes a repository",
        ["orgs" | "groups", _] => "it deletes a group of repositories",
        ["repos", _, _, "branches", .., "protection"]
        | ["repos", _, _, "branch_protections" | "rulesets", _]
        | ["projects", _, "protected_branches", _] => "it takes the protection from a branch",
        _ => return None,
    };
    Some(what.to_owned())
}

/// Splits the path of an address.
fn parts(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    // `repos/$OWNER_AND_NAME/git/refs`
    if let [_, one, next, ..] = parts.as_slice()
        && one.contains(UNKNOWN)
        && ["git", "branches", "branch_protections", "rulesets"].contains(&next.as_str())
    {
        let one = one.clone();
        parts.insert(1, one);
    }
    parts
}

/// Returns a part of an address without its `%2F`.
fn decoded(part: &str) -> String {
    part.replace("%2F", "/").replace("%2f", "/")
}
